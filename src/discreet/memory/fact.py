"""What a fact is: a text with its information type, label, provenance and the seal that binds them together (G7.1)."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass

from discreet.kernel.label import Label, Tag, join2, label
from discreet.ledger.database import StoreError

OUTSIDE = "outside"  # the source of every place of learned facts: it stands for whoever is outside
USER_SAID = frozenset({"user"})


class VaultError(StoreError):
    """The vault refuses, or finds what it holds damaged."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing the vault knows. `learned` facts came from outside at least in part and stay so for ever (G7.1)."""

    id: str
    text: str
    type: str
    subject: str
    label: Label
    provenance: tuple[str, ...]
    learned: bool
    created: str
    updated: str

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(sorted(self.label.sources))

    @property
    def audience(self) -> tuple[str, ...]:
        return tuple(sorted(self.label.tags.get(Tag(self.type, self.subject), ())))

    def __repr__(self) -> str:
        return f"Fact({self.id}, {self.type}@{self.subject})"  # never the text


@dataclass(frozen=True, slots=True)
class Place:
    """Where facts of the same tags live; search and its statistics never leave it (G2.6, G7.2)."""

    learned: bool
    tags: frozenset[Tag]

    def key(self) -> str:
        return json.dumps(["learned" if self.learned else "said", sorted(self.tags)], separators=(",", ":"))

    def label(self) -> Label:
        """Fixed: it says nothing about what the place holds."""
        return label(self.tags, {OUTSIDE} if self.learned else ())


def place_of_key(key: str) -> Place:
    home, tags = json.loads(key)
    return Place(home == "learned", frozenset(Tag(*tag) for tag in tags))


def fact_label(tags: Iterable[Tag], sources: Iterable[str], audience: Iterable[str], more: Label) -> tuple[Label, bool]:
    """The label of a new fact, and whether it is a learned one."""
    made = join2(label(tags, frozenset(sources) - USER_SAID, audience), more)
    learned = bool(made.sources - USER_SAID)
    return (join2(made, label((), {OUTSIDE})) if learned else made), learned


def seal(key: bytes, place: str, row: tuple) -> bytes:
    """Binds every field of a fact to its id and place: what an editor swaps or changes no longer fits (G7.1)."""
    fields = [field.decode("ascii", "replace") if isinstance(field, bytes) else field for field in row]
    return hmac.digest(key, json.dumps([place, *fields]).encode(), "sha256")
