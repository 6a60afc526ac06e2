"""The only two ways to relax a label: `declassify` drops tags, `endorse` drops sources; each takes a grant and writes it down (G6.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from discreet.kernel.errors import invariant
from discreet.kernel.label import Label, Tag, label
from discreet.kernel.value import Value


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to relax a label: a norm's id, or the number of the user's answer in the ledger. Never made from data (G2.5)."""

    by: str
    what: str

    def __post_init__(self) -> None:
        invariant(self.by and self.what, "a grant that says by what and for what it was given")


Record = Callable[[Grant, Label, Label], None]  # writes (grant, label before, label after) into the ledger


def declassify(value: Value, tags: Iterable[Tag], grant: Grant, record: Record) -> Value:
    """The same data, a scalar, telling `tags` and nothing else; its sources stay. Written down before it is given."""
    invariant(value.label is value.total, "a scalar to declassify")
    relaxed = label(tags, value.label.sources)
    record(grant, value.label, relaxed)
    return Value(value.data, relaxed, None, value.standing, value.bound)


def endorse(value: Value, grant: Grant, record: Record) -> Value:
    """The same data, a scalar, with no outside source any more; its tags stay. Written down before it is given."""
    invariant(value.label is value.total, "a scalar to endorse")
    relaxed = label(value.label.tags)
    record(grant, value.label, relaxed)
    return Value(value.data, relaxed, None, value.standing, value.bound)
