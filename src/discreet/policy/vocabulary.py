"""The closed, hierarchical vocabularies of information types, purposes and recipient roles (G2.2).

A concept is a path: `health/medication` is a `health`. What is not in the vocabulary is `UNCLASSIFIED` and counts as the
most private kind there is: no narrow permission covers it and every prohibition does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from discreet.kernel.errors import DiscreetError, invariant, nearest

UNCLASSIFIED = "unclassified"  # what decode() gives for an unknown type, and what doubt is labelled as
TOLD = "told"  # whether what somebody was told still stands; of no stored fact
ANY = "*"
REQUEST = "request"  # what is left of a request; no stored fact is of this kind, for it goes to all who are asked
NO_FACTS = frozenset({REQUEST, TOLD})
DPV_PREFIXES = {"pd": "https://w3id.org/dpv/pd#", "dpv": "https://w3id.org/dpv#"}
DEPTH_MAX = 4  # parts of a concept's path


@dataclass(frozen=True, slots=True)
class Concept:
    """One entry. `mark` is of roles only: it says how a recipient came in, not who it is."""

    id: str
    is_: str
    words: tuple[str, ...] = ()
    dpv: str = ""
    mark: bool = False

    @property
    def iri(self) -> str:
        """Full address of the W3C concept, or nothing."""
        prefix, _, name = self.dpv.partition(":")
        return DPV_PREFIXES[prefix] + name if name else ""

    @property
    def meaning(self) -> str:
        """The description with the further names: what a text is compared with when its type is guessed."""
        return f"{self.is_}: {', '.join(self.words)}" if self.words else self.is_


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One closed vocabulary: id -> concept, every ancestor present."""

    kind: str
    concepts: Mapping[str, Concept]
    _below: Mapping[str, frozenset[str]] = field(repr=False, default_factory=dict)

    def __contains__(self, id: str) -> bool:
        return id in self.concepts

    def __iter__(self) -> Iterator[str]:
        return iter(self.concepts)

    def __getitem__(self, id: str) -> Concept:
        found = self.concepts.get(id)
        if found is None:
            raise DiscreetError(self.unknown(id))
        return found

    def is_a(self, id: str, other: str) -> bool:
        """Whether `id` is `other` or below it."""
        return is_a(id, other)

    def ancestors(self, id: str) -> tuple[str, ...]:
        """`id` itself, then what lies above it, nearest first; nothing when it is not of this vocabulary."""
        return ancestors(id) if id in self.concepts else ()

    def below(self, id: str) -> frozenset[str]:
        """`id` and everything under it."""
        return self._below[self[id].id]

    def unknown(self, id: str) -> str:
        """The error text for a name that is not there."""
        return f"unknown {self.kind} `{id}`{nearest(id, self.concepts)}"


def is_a(id: str, other: str) -> bool:
    """Whether `id` is `other` or below it, by the path alone."""
    return id == other or id.startswith(other + "/")


@cache
def ancestors(id: str) -> tuple[str, ...]:
    """`health/medication` -> (`health/medication`, `health`)."""
    parts = id.split("/")
    return tuple("/".join(parts[:n]) for n in range(len(parts), 0, -1))


def types() -> Vocabulary:
    """The information types."""
    return _all()["type"]


@cache
def kinds_of_facts() -> tuple[str, ...]:
    """The information types that a stored fact can have."""
    return tuple(id for id in types() if id not in NO_FACTS)


def purposes() -> Vocabulary:
    """The purposes."""
    return _all()["purpose"]


def roles() -> Vocabulary:
    """The recipient roles."""
    return _all()["role"]


@cache
def _all() -> dict[str, Vocabulary]:
    text = resources.files("discreet.policy").joinpath("vocabulary.toml").read_text("utf-8")
    kinds = {"type": "information type", "purpose": "purpose", "role": "role"}
    return {name: _vocabulary(kinds[name], table) for name, table in tomllib.loads(text).items()}


def _vocabulary(kind: str, table: Mapping[str, Mapping]) -> Vocabulary:
    concepts = {
        id: Concept(id, row["is"], tuple(row.get("words", ())), row.get("dpv", ""), row.get("mark", False))
        for id, row in table.items()
    }
    below: dict[str, set[str]] = {id: set() for id in concepts}
    for id in concepts:
        invariant(id.count("/") < DEPTH_MAX, f"at most {DEPTH_MAX} parts in `{id}`")
        for above in ancestors(id):
            invariant(above in concepts, f"`{above}` above `{id}` in the vocabulary")
            below[above].add(id)
    return Vocabulary(kind, concepts, {id: frozenset(inner) for id, inner in below.items()})
