"""One table of a norms file: its fields read and checked, every mistake located, a field that errs taken at its widest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from discreet.kernel.contract import AUTHORITY, Effect, Role
from discreet.kernel.errors import nearest
from discreet.kernel.value import Standing
from discreet.policy.norm import ANYONE, Who, who
from discreet.policy.vocabulary import ANY, Vocabulary, roles

TEXT_CHARS_MAX = 2_000  # of any one text in a norm
NAME_CHARS_MAX = 400  # of a recipient's id
NUMBER_MAX = 10**9
AMOUNT_MAX = 10**12

_ASKED_FOR = (Standing.OUTSIDE, Standing.PLANNER, Standing.DESCRIBED, Standing.RESOLVED, Standing.USER)  # what an allowance may ask for
STANDINGS = {standing.name.lower(): standing for standing in _ASKED_FOR} | {"described": Standing.WORDED}
SUBJECTS = ("user", "others", "recipient", ANYONE)
SOURCES = ("any", "place")
_TOOL = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\Z")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,99}\Z")

EFFECTS = tuple(e.value for e in Effect if e is not Effect.READ)


@dataclass(frozen=True, slots=True)
class Problem:
    """One editing mistake: where, and what it is."""

    origin: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.origin}: line {self.line}, column {self.column}: {self.message}"


@dataclass(frozen=True, slots=True)
class Chunk:
    """The lines of one table, by itself readable TOML; `kind` is empty for what stands before the first table."""

    kind: str
    line: int
    text: str


@dataclass
class Fields:
    """The fields of one table; a field that errs is noted and read as wide as it could be."""

    chunk: Chunk
    row: dict
    origin: str
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, key: str, message: str, shown: object = None) -> None:
        line, column = self._find(key, shown)
        self.problems.append(Problem(self.origin, line, column, f"{key}: {message}" if key else message))

    def _find(self, key: str, shown: object) -> tuple[int, int]:
        """Where the key stands, or the value after it when `shown` is a text."""
        lines = self.chunk.text.split("\n")
        at = next((n for n, line in enumerate(lines) if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line)), 0)
        if isinstance(shown, str):
            for n in range(at, len(lines)):
                column = lines[n].find(shown)
                if shown and column >= 0:
                    return self.chunk.line + n, column + 1
        return self.chunk.line + at, len(lines[at]) - len(lines[at].lstrip()) + 1 if lines else 1

    def known(self, keys: Iterable[str]) -> None:
        for key in self.row:
            if key not in keys:
                self.wrong(key, f"is no field of this table{nearest(key, keys)}")

    def id(self) -> str:
        found = self.row.get("id")
        if isinstance(found, str) and _ID.match(found):
            return found
        self.wrong("id", "a text of letters, digits, `-`, `.`, `:`, `@` and `/` is needed")
        return f"line-{self.chunk.line}"

    def because(self) -> str:
        if "because" not in self.row:
            self.wrong("because", "is missing; a norm says why it is there")
            return "its reason could not be read"
        found = self.row["because"]
        if isinstance(found, str) and found.strip() and len(found) <= TEXT_CHARS_MAX:
            return " ".join(found.split())
        self.wrong("because", f"a reason of at most {TEXT_CHARS_MAX} characters is needed")
        return "its reason could not be read"

    def texts(self, key: str, widest: tuple, test: Callable[[str], str]) -> tuple[str, ...]:
        """A text or a list of them; `test` gives an error text for one, or nothing."""
        if key not in self.row:
            self.wrong(key, "is missing")
            return widest
        found = self.row[key]
        found = [found] if isinstance(found, str) else found
        if not isinstance(found, list) or not found or not all(isinstance(t, str) and len(t) <= TEXT_CHARS_MAX for t in found):
            self.wrong(key, "a text or a list of texts is needed")
            return widest
        errors = [(t, error) for t in found if (error := test(t))]
        for text, error in errors:
            self.wrong(key, error, text)
        return widest if errors else tuple(dict.fromkeys(found))

    def concepts(self, key: str, vocabulary: Vocabulary) -> tuple[str, ...]:
        return self.texts(key, (ANY,), lambda t: "" if t == ANY or t in vocabulary else vocabulary.unknown(t))

    def who(self, key: str) -> tuple[Who, ...]:
        """`"merchant & user-said"` or `["shop:Marks & Co.", "user-said"]` for one that meets all terms; a list of such for any."""
        found = self.row.get(key)
        found = [found] if isinstance(found, str) else found
        if not isinstance(found, list) or not found:
            self.wrong(key, "a text or a list of texts is needed" if key in self.row else "is missing")
            return who(ANYONE)
        alternatives = [[t.strip() for t in one.split("&")] if isinstance(one, str) else one for one in found]
        before = len(self.problems)
        for terms in alternatives:
            if not isinstance(terms, list) or not terms or not all(isinstance(t, str) for t in terms):
                self.wrong(key, "each alternative is a text or a list of texts")
                continue
            for term in terms:
                if error := _term_error(term):
                    self.wrong(key, error, term)
        wrong = len(self.problems) > before
        return who(ANYONE) if wrong else tuple(frozenset(t.removeprefix("=") for t in terms) for terms in alternatives)

    def subjects(self) -> tuple[str, ...]:
        return tuple(t.removeprefix("=") for t in self.texts("about", (ANYONE,), self.subject))

    @staticmethod
    def subject(text: str) -> str:
        return "" if text in SUBJECTS else _term_error(text, (*SUBJECTS, *roles()))

    @staticmethod
    def tool(text: str) -> str:
        if text == ANY or _TOOL.match(text):
            return ""
        return f"`{text}` is no tool's name; names match exactly, and `*` alone stands for every tool"

    @staticmethod
    def effect(text: str) -> str:
        return "" if text in EFFECTS else f"unknown effect `{text}`{nearest(text, EFFECTS)}"

    @staticmethod
    def source(text: str) -> str:
        return "" if text in SOURCES or (_is_name(text) and " " not in text.split(":")[0]) else f"`{text}` is no source's name"

    def one_of(self, key: str, choices: list[str], widest: Any, make: Callable[[str], Any]) -> Any:
        found = self.row.get(key)
        if found in choices:
            return make(found)
        self.wrong(key, "is missing" if key not in self.row else f"one of {', '.join(choices)} is needed{nearest(str(found), choices)}", str(found))
        return widest

    def whole(self, key: str) -> int:
        found = self.row.get(key)
        if isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= NUMBER_MAX:
            return found
        self.wrong(key, "a whole number from 0 is needed")
        return 0

    def hours(self) -> str:
        found = self.row.get("hours", "")
        if isinstance(found, str):
            return found
        self.wrong("hours", 'a text such as "09:00-18:00" is needed')
        return ""

    def flag(self, key: str, otherwise: bool) -> bool:
        found = self.row.get(key, otherwise)
        if isinstance(found, bool):
            return found
        self.wrong(key, "true or false is needed")
        return True

    def amount(self) -> Decimal:
        found = self.row["amount_max"]
        good = isinstance(found, (int, float)) and not isinstance(found, bool) and 0 <= found <= AMOUNT_MAX
        if not good:
            self.wrong("amount_max", "an amount from 0 is needed")
        return Decimal(str(found)) if good else Decimal(0)

    def currency(self, amount: Decimal | None) -> str:
        found = self.row.get("currency", "")
        if amount is not None and not (isinstance(found, str) and re.match(r"[A-Z]{3}\Z", found)):
            self.wrong("currency", "an amount needs a currency of three capital letters")
            return ""
        return found if isinstance(found, str) else ""

    def standing(self) -> dict[Role, Standing]:
        found = self.row.get("standing", {})
        if not isinstance(found, dict):
            self.wrong("standing", 'a table such as { who = "resolved" } is needed')
            return {}
        result = {}
        authority = sorted(r.value for r in AUTHORITY)
        for role, standing in found.items():
            if role not in authority:
                self.wrong("standing", f"unknown authority `{role}`{nearest(role, authority)}", role)
            elif standing not in STANDINGS:
                self.wrong("standing", f"unknown standing `{standing}`{nearest(str(standing), STANDINGS)}", str(standing))
            else:
                result[Role(role)] = STANDINGS[standing]
        return result


def _term_error(term: str, known: Iterable[str] | None = None) -> str:
    """A role, `anyone`, an id (which has a `:`, `@` or `.`), or `=id` for an id that looks like none."""
    names = (*(known or roles()), ANYONE)
    if term in names:
        return ""
    plain = term.removeprefix("=")
    if _is_name(plain) and (plain != term or any(mark in plain for mark in ":@.")):
        return ""
    return f"unknown role `{term}`{nearest(term, names) or f'; an id without `:`, `@` or `.` is written `={plain}`'}"


def _is_name(text: str) -> bool:
    """Whether this could be the id of a recipient, a principal or a source: one line that shows all that it holds."""
    return 0 < len(text) <= NAME_CHARS_MAX and text == text.strip() and text.isprintable()
