"""What can go wrong: located errors that name labels and never contents (G5.6)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a plan: line from 1, column from 1, both in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


NOWHERE = Span(0, 0)


class DiscreetError(Exception):
    """Base of every error that this package raises on purpose."""


class PlanError(DiscreetError):
    """A plan was refused before any effect (G3.1).

    `message` says what is wrong, `rewrite` how to say it instead (may be empty), `span` where.
    """

    def __init__(self, message: str, span: Span = NOWHERE, rewrite: str = "") -> None:
        self.message, self.span, self.rewrite = message, span, rewrite
        where = f"{span}: " if span.line else ""
        how = f"; instead: {rewrite}" if rewrite else ""
        super().__init__(f"{where}{message}{how}")


class LimitError(PlanError):
    """A plan could cost more than a stated limit, by public bounds (G3.7)."""


class Denied(DiscreetError):
    """A flow was refused by the monitor; `decision` explains it to the user, never to a planner (G5.6)."""

    def __init__(self, decision: object, message: str = "denied") -> None:
        self.decision = decision
        super().__init__(message)


class InvariantError(DiscreetError):
    """The runtime found itself in a state that its rules exclude; nothing further is done."""


def invariant(condition: object, what: str) -> None:
    """Raise InvariantError unless `condition` holds; survives `python -O`."""
    if not condition:
        raise InvariantError(f"expected: {what}")


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint such as ``; did you mean `mail.send`?`` or nothing."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{found[0]}`?" if found else ""
