"""Contracts: what a tool tells whom, what decides its effect, where it shows and what its result is labelled (G5.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from discreet.kernel.errors import DiscreetError, invariant
from discreet.kernel.label import PUBLIC, Label
from discreet.kernel.shape import Shape
from discreet.kernel.value import Value

SECONDS_MAX = 60  # of one call, where a contract states no other


class Effect(StrEnum):
    """What a call does to the world."""

    READ = "read"
    WRITE = "write"
    PAY = "pay"
    DELETE = "delete"


class Role(StrEnum):
    """What an argument decides. All but CONTENT and KEY carry authority (G1.2)."""

    CONTENT = "content"  # may be filled from outside text
    KEY = "key"  # selects what is read; a disclosure, not an authority
    WHO = "who"
    WHAT = "what"
    AMOUNT = "amount"
    TIMES = "times"  # how often, how many


AUTHORITY = frozenset({Role.WHO, Role.WHAT, Role.AMOUNT, Role.TIMES})


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED: Any = _Required()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument. `address` names the kind of address when its value is a recipient: "mail", "shop", "host", …"""

    name: str
    shape: Shape
    role: Role = Role.CONTENT
    default: Any = REQUIRED
    address: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox, folder, calendar, vault type, server: every read, search, count and failure there carries `label` (G2.6).

    readers   recipient ids who can read the place; they are recipients of every write to it
    owner     id of the outside party whose place it is: what is written there is told to that recipient, and what it
              answers is its own speech, which may hold what it was told (G1.1)
    readable  whether any tool reads it again; what is written to a place that none reads need not fit its label
    keeps     information types that it may come to hold beyond its label; from then on its label has them too
    shows     places that hold less and in which a write here shows too: free/busy of a calendar, one person's mails of a mailbox
    currency  in which amounts of calls here are, by the user's configuration; the connector refuses any other
    """

    id: str
    label: Label = PUBLIC
    readers: tuple[str, ...] = ()
    owner: str = ""
    readable: bool = True
    keeps: tuple[str, ...] = ()
    shows: tuple[Place, ...] = ()
    own_sources: frozenset[str] | None = None  # those of the contract, where the label has come to hold more
    currency: str = ""

    @property
    def declared(self) -> frozenset[str]:
        """The sources that the place's contract declares, whatever was written into it since."""
        return self.label.sources if self.own_sources is None else self.own_sources


NOPLACE = Place("nowhere")
PlaceRule = Callable[[Mapping[str, Value]], Place]


@dataclass(frozen=True, slots=True)
class Contract:
    """A tool as the monitor sees it.

    recipients  ids of fixed recipients, besides those named by arguments with an `address` and the place's readers
    purpose     of the purpose vocabulary; never taken from a plan or a service (G5.3)
    resolves    whether the result, found by equality from user-said keys, has standing RESOLVED (own address book, own files)
    undoable    whether the user can take the effect back
    shares      whether its recipients can read from then on what the place holds: a file shared or a message forwarded by its id
    seconds_max of one call; None for what is computed in this process and waits for nobody, which is then not interrupted
    view        the information type that it gives, if it is a view of a stored fact (G6.2); `view_bits` what one release can tell
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    result: Shape
    effect: Effect = Effect.READ
    purpose: str = "errand"
    place: Place | PlaceRule = NOPLACE
    recipients: tuple[str, ...] = ()
    result_rule: Callable[[Mapping[str, Value]], Shape] | None = None
    resolves: bool = False
    undoable: bool = False
    shares: bool = False
    view: str = ""
    view_bits: int = 0
    calls_max: int = 200
    seconds_max: int | None = SECONDS_MAX

    def __post_init__(self) -> None:
        names = [p.name for p in self.parameters]
        invariant(len(set(names)) == len(names), f"distinct parameters of `{self.name}`")

    def parameter(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise DiscreetError(f"`{self.name}` has no argument `{name}`")

    def place_of(self, arguments: Mapping[str, Value]) -> Place:
        """The place of this call; a rule looks at arguments that are known before the call only."""
        return self.place(arguments) if callable(self.place) else self.place

    def result_of(self, arguments: Mapping[str, Value]) -> Shape:
        return self.result_rule(arguments) if self.result_rule else self.result

    def stub(self) -> str:
        """One line for planners: signature, result shape, approved summary."""
        shown = []
        for p in self.parameters:
            default = "" if p.default is REQUIRED else f" = {p.default!r}"
            shown.append(f"{p.name}: {p.shape.stub()}{default}")
        return f"{self.name}({', '.join(shown)}) -> {self.result.stub()}  # {self.summary}"


def stubs(contracts: Mapping[str, Contract]) -> str:
    """What planners see of all tools: record shapes first, then one line a tool, in name order."""
    records: dict[str, Shape] = {}
    for contract in contracts.values():
        records.update(contract.result.records())
    lines = []
    for name in sorted(records):
        inner = ", ".join(f"{field_}: {shape.stub()}" for field_, shape in records[name].fields.items())
        lines.append(f"record {name}({inner})")
    lines += [contracts[name].stub() for name in sorted(contracts)]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who learns. `roles` come from the user's own directory, never from a card or a service (G5.3)."""

    id: str
    owner: str = ""
    roles: frozenset[str] = field(default_factory=frozenset)
    name: str = ""

    @property
    def account(self) -> str:
        """Under which leakage is counted: recipients of one owner are one (G6.3)."""
        return self.owner or self.id


USER = Recipient("user", "user", frozenset({"user"}), "you")
