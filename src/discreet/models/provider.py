"""One small protocol over every model, local or hosted: messages and a shape in, text or a fault out.

A provider is a recipient under the norms (G4.3): its `id` is what the norms and the ledger name. A fault is a value and holds
no contents: neither of what was sent nor of what a service said (G3.4, G5.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

Role = Literal["system", "user", "assistant"]
FaultKind = Literal["timeout", "crashed", "unavailable", "too_long", "ill_typed", "refused"]


def account_at(id_: str) -> str:
    """The vendor's account behind a provider's id or a recipient's: whatever model of a vendor is asked, its key is one account, and
    what that was sent any of them may know (G4.1, G4.2). "" for one on this machine."""
    _, hosted, name = id_.partition("hosted:")
    return f"hosted:{vendor_of(name)}" if hosted else ""


def vendor_of(name: str) -> str:
    """The vendor in a model's name: `openai`, `openai-responses` and `gateway/openai` may share a key."""
    return name.partition(":")[0].rpartition("/")[2].partition("-")[0].lower()


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; `fixed` text is the same in many conversations, so a local model may keep it digested on disk."""

    role: Role
    content: str
    fixed: bool = False
    kept: bool = False  # other fixed texts begin alike up to here: this much is kept too
    open: bool = False  # of the last one: the answer goes on where it ends; only for a provider that `continues`


@dataclass(frozen=True, slots=True)
class Grammar:
    """A GBNF grammar with the start rule `root`; providers that cannot follow it ignore it, the judge still decides."""

    text: str


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON schema for the whole answer."""

    value: Mapping[str, Any]


Shape = Grammar | Schema | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one completion may cost."""

    tokens_max: int = 400
    timeout_s: float = 180.0
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    cut: bool = False  # it ended at `tokens_max`


@dataclass(frozen=True, slots=True)
class ModelFault:
    """A completion that did not happen; `detail` names the provider and the limit, never contents."""

    kind: FaultKind
    detail: str


@runtime_checkable
class Provider(Protocol):
    """What the planner and the reader talk to.

    `hosted`: what it was sent leaves this machine. `fresh`: it holds nothing from before the present conversation (or, as a
    reader, the present call); for any other provider the label of all that it was ever sent stays on its answers (G4.1, G4.2).
    """

    @property
    def id(self) -> str: ...
    @property
    def hosted(self) -> bool: ...
    @property
    def fresh(self) -> bool: ...
    def complete(self, messages: Sequence[Message], shape: Shape = None, limits: Limits = Limits()) -> Reply | ModelFault: ...


@dataclass(slots=True)
class Sent:
    """What a provider was sent, in order: the other side's view, used by tests and by strategies of a hijacked model."""

    turns: list[tuple[Message, ...]] = field(default_factory=list)

    def note(self, messages: Sequence[Message]) -> None:
        self.turns.append(tuple(messages))

    def text(self) -> str:
        return "\n".join(message.content for turn in self.turns for message in turn)
