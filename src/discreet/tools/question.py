"""Questions to the user: recipient, information types, why, and the exact content, rendered inert (G5.5)."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from discreet.kernel.contract import REQUIRED, Role
from discreet.kernel.monitor import Decision, Flow
from discreet.kernel.value import lift, plain
from discreet.policy.explain import lasting, why_asked
from discreet.tools.objects import SHOWN_CHARS_MAX, Objects

ANSWER_CHARS_MAX = 2_000  # of one text that is only told; what is longer is shown cut, with its length


class Reply(StrEnum):
    """What the user can answer. `ALWAYS` makes a norm exactly as wide as shown; it is not offered under a private decision."""

    ONCE = "once"
    ALWAYS = "always"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Edited:
    """The call with other content, agreed to once: `texts` by argument. Edited text keeps its tags (G5.5)."""

    texts: Mapping[str, str]


Answer = Reply | Edited


@dataclass(frozen=True, slots=True)
class Question:
    """One call as it will be made. `shown` are its arguments, rendered inert, what the ids among them stand for, and what the request
    holds besides; `reveals` what the sending itself tells."""

    flow: Flow
    decision: Decision
    shown: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    reveals: tuple[str, ...]
    always: bool

    @property
    def editable(self) -> tuple[str, ...]:
        """The arguments whose text the user may change: content, and nothing that decides."""
        return tuple(p.name for p in self.flow.contract.parameters if p.role is Role.CONTENT and isinstance(self.flow.arguments[p.name].data, str))


class Asker(Protocol):
    """Puts questions to the user; several at once when the preflight can show them exactly."""

    def ask(self, questions: Sequence[Question]) -> Sequence[Answer]: ...


class Nobody:
    """Denies every question: for runs without a user present."""

    def ask(self, questions: Sequence[Question]) -> Sequence[Reply]:
        return [Reply.DENY] * len(questions)


class Everyone:
    """Allows every question once and counts them: for measuring, never for use."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    def ask(self, questions: Sequence[Question]) -> Sequence[Reply]:
        self.asked += questions
        return [Reply.ONCE] * len(questions)


def question(flow: Flow, decision: Decision, objects: Objects | None = None, added: Sequence[tuple[str, str]] = ()) -> Question:
    """The question that a flow with verdict `ask` puts. `added` is what its exact request holds besides the arguments as they stand."""
    private = tuple(sorted({tag.type for tag in (*flow.pc.tags, *flow.preflight_pc.tags) if tag.type != "request"}))
    reasons = tuple(map(inert_line, why_asked(flow, decision)))
    shown = [(name, content + _currency(flow, name)) for name, value in flow.arguments.items() if (content := _shown(flow, name, plain(value)))]
    shown += [(name, exact(content, "text")) for name, content in added]
    return Question(flow, decision, (*shown, *_which(flow, objects or Objects())), reasons, private, bool(lasting(flow, decision)))


def _which(flow: Flow, objects: Objects) -> Iterator[tuple[str, str]]:
    """Which object each id stands for, field by field, so that no text of one looks like another."""
    for argument, kind, known in objects.of(flow):
        if known is None:
            yield f"{argument} is", f"a {kind} of which this errand has read nothing, so nobody can say here which one"
        else:
            yield from ((f"{argument}.{name}", inert(data, SHOWN_CHARS_MAX)) for name, data in known.shown)


def _currency(flow: Flow, name: str) -> str:
    """What follows an amount where the place says in what it is counted and no argument does."""
    currency = flow.contract.place_of(flow.arguments).currency
    return f" {currency}" if currency and "currency" not in flow.arguments and flow.contract.parameter(name).role is Role.AMOUNT else ""


def _shown(flow: Flow, name: str, data: Any) -> str:
    """An argument as it will be sent; nothing where it is left as empty as the tool has it."""
    parameter = flow.contract.parameter(name)
    if data is None or (data in ("", (), [], {}) and parameter.default is not REQUIRED and plain(lift(parameter.default)) in (data, None)):
        return ""
    return exact(data, parameter.shape.kind)


def exact(data: Any, kind: str = "any") -> str:
    """What is agreed to, such that no two things look alike: a text stands as it is where only a text can stand, and all else
    as JSON; a backslash is doubled, so that what `inert` spells out is never what a text spells out itself (G5.5)."""
    return inert(data.replace("\\", "\\\\") if isinstance(data, str) and kind in ("text", "enum") else _written(data), None)


def inert(data: Any, chars_max: int | None = ANSWER_CHARS_MAX) -> str:
    """Text that cannot act on a terminal or mislead the eye: controls, bidi marks and invisible characters are spelled out.

    What is agreed to is never cut (`chars_max` None): what nobody saw, nobody agreed to (G5.5).
    """
    text = data if isinstance(data, str) else _written(data)
    shown = "".join(c if _visible(c) else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}" for c in text[:chars_max])
    return shown if chars_max is None or len(text) <= chars_max else f"{shown}… ({len(text)} characters in all)"


def inert_line(data: Any) -> str:
    """The same on one line: a name that cannot begin a line of its own in what is shown."""
    return inert(data).replace("\n", "\\n")


def _written(data: Any) -> str:
    """As JSON, in the order in which it is; a date or a duration, which JSON has none of, without quotation marks."""
    match data:
        case None | bool() | str():
            return json.dumps(data, ensure_ascii=False)
        case list() | tuple():
            return f"[{', '.join(map(_written, data))}]"
        case dict():
            return f"{{{', '.join(f'{_written(key)}: {_written(item)}' for key, item in data.items())}}}"
    return str(data)


def _visible(c: str) -> bool:
    if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return c == "\n"
    return (c == " " or not c.isspace()) and not any(first <= ord(c) <= last for first, last in _EMPTY)


# Letters and marks that show nothing: what Unicode calls default ignorable beyond the categories above, and blank symbols.
_EMPTY = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0), (0xE0000, 0xE0FFF),
)  # fmt: skip
