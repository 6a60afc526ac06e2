"""Contracts: what a tool tells whom, what decides its effect, where it shows and what its result is labelled (G5.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from discreet.kernel.errors import DiscreetError, invariant, nearest
from discreet.kernel.label import PUBLIC, Label, label
from discreet.kernel.shape import Shape, worst
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


# Kinds of addresses where a service answers what it is asked. A name that is typed and denied by nothing is whom to ask there, in whatever sentence:
# what it hears before an order are the request's words, and an order is confirmed or covered by itself. A person is told something only where they are bidden to be (G3.6).
SERVICES = frozenset({"shop", "host"})
AUTHORITY = frozenset({Role.WHO, Role.WHAT, Role.AMOUNT, Role.TIMES})


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED: Any = _Required()


class _Unsaid(tuple):
    __slots__ = ()

    def __repr__(self) -> str:
        return "unsaid"


UNSAID: tuple[str, ...] = _Unsaid()  # recipients that a contract does not state: an outsider whom nobody knows; `()` states that nobody hears
UNCLASSIFIED = "unclassified"  # the most private information type: it may be any
WORST = label([(UNCLASSIFIED, "user"), (UNCLASSIFIED, "others")], ("outside",))  # of what a contract does not label


def _one_of(kind: Any, given: Any, where: str) -> Any:
    try:
        return kind(given)
    except ValueError:
        known = [one.value for one in kind]
        raise DiscreetError(f"{where}: `{given}` is none of {', '.join(known)}{nearest(str(given), known)}") from None


def _texts(given: Any, where: str) -> None:
    """A text is a row of letters, and would be read as that many ids."""
    if isinstance(given, str) or not isinstance(given, (tuple, list, frozenset)) or not all(isinstance(one, str) for one in given):
        shown = f'; write `("{given}",)`' if isinstance(given, str) else ""
        raise DiscreetError(f"{where}: a tuple of texts is needed{shown}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument. `address` names the kind of address when its value is a recipient: "mail", "shop", "host", …"""

    name: str
    shape: Shape
    role: Role = Role.CONTENT
    default: Any = REQUIRED
    address: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.shape, Shape):
            raise DiscreetError(f"argument `{self.name}`: shape: a Shape is needed, such as `text()` or `scalar(\"int\")`; got {self.shape!r}")
        object.__setattr__(self, "role", _one_of(Role, self.role, f"argument `{self.name}`: role"))


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox, folder, calendar, vault type, server: every read, search, count and failure there carries `label` (G2.6).

    label     the worst there is unless it is stated; `label()` states that it tells nothing of anybody
    readers   recipient ids who can read the place; they are recipients of every write to it
    owner     id of the outside party whose place it is: what is written there is told to that recipient, and what it
              answers is its own speech, which may hold what it was told (G1.1)
    readable  whether any tool reads it again; what is written to a place that none reads need not fit its label
    keeps     information types that it may come to hold beyond its label; from then on its label has them too
    shows     places that hold less and in which a write here shows too: free/busy of a calendar, one person's mails of a mailbox
    fits      what a write has to fit, where `label` is that of several places together: of a path that is not known before the run
              what all of them hold, and in the run what that one holds which it turned out to be; `open` until then
    remembers whether reads too leave there all that they were made of: what a hosted model was sent (G4.1, G4.2)
    returns   the user's own place where a write shows too if it reaches the user: mail to oneself comes back
    own       addresses that are the user's at this service, by recipient id, whether the directory knows them or not
    currency  in which amounts of calls here are, by the user's configuration; the connector refuses any other
    """

    id: str
    label: Label = WORST
    readers: tuple[str, ...] = ()
    owner: str = ""
    readable: bool = True
    keeps: tuple[str, ...] = ()
    shows: tuple[Place, ...] = ()
    own_sources: frozenset[str] | None = None  # those of the contract, where the label has come to hold more
    currency: str = ""
    unsaid: bool = False  # no place was stated: nobody knows where it shows
    fits: Label | None = None
    open: bool = False
    returns: Place | None = None
    remembers: bool = False
    own: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.label, Label):
            raise DiscreetError(f"place `{self.id}`: label: a Label is needed, such as `label([(\"health\", \"user\")])`; got {self.label!r}")
        _texts(self.readers, f"place `{self.id}`: readers")
        _texts(self.keeps, f"place `{self.id}`: keeps")
        _texts(self.own, f"place `{self.id}`: own")

    @property
    def holds(self) -> Label:
        """What a write has to fit."""
        return self.label if self.fits is None else self.fits

    @property
    def declared(self) -> frozenset[str]:
        """The sources that the place's contract declares, whatever was written into it since."""
        return self.label.sources if self.own_sources is None else self.own_sources


NOPLACE = Place("nowhere", PUBLIC)  # stated: nothing of this shows anywhere again, and what comes back tells nothing but what went in
PlaceRule = Callable[[Mapping[str, Value]], Place]


@dataclass(frozen=True, slots=True)
class Contract:
    """A tool as the monitor sees it.

    place       where it shows and whence the result is. Not stated, the result is labelled as the worst of its shape, or as WORST
                where the shape leaves something unlabelled, and a write shows wherever who hears it can look
    known_as    the place as a planner may know it, where the user's own configuration decides what it holds (G4.4)
    origin      whence the effect takes stored contents that are no argument: what is moved or copied by its id is written where it
                goes, and may be there no more than its contents may (G2.6)
    recipients  ids of fixed recipients, besides those named by arguments with an `address` and the place's owner and readers.
                Where none of these is stated an outsider whom nobody knows hears the call; `()` states that nobody does
    purpose     of the purpose vocabulary; never taken from a plan or a service (G5.3)
    within      the key that says which of the user's own collections is read, such as an information type: it picks no member of one, so
                that what is read is described whoever chose it (G3.6)
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
    place: Place | PlaceRule = None  # type: ignore[assignment]  # __post_init__ puts the safe reading there
    recipients: tuple[str, ...] = UNSAID
    result_rule: Callable[[Mapping[str, Value]], Shape] | None = None
    within: str = ""
    resolves: bool = False
    undoable: bool = False
    shares: bool = False
    view: str = ""
    view_bits: int = 0
    calls_max: int = 200
    seconds_max: int | None = SECONDS_MAX
    origin: Place | PlaceRule | None = None
    known_as: Place | None = None

    def __post_init__(self) -> None:
        where = f"`{self.name}`"
        if not isinstance(self.parameters, (tuple, list)) or not all(isinstance(p, Parameter) for p in self.parameters):
            raise DiscreetError(f"{where}: parameters: a tuple of Parameter is needed; one alone is `(Parameter(…),)`, none is `()`")
        names = [p.name for p in self.parameters]
        invariant(len(set(names)) == len(names), f"distinct parameters of {where}")
        if not isinstance(self.result, Shape):
            raise DiscreetError(f"{where}: result: a Shape is needed, such as `text()`, or `scalar(\"none\")` for nothing; got {self.result!r}")
        _texts(self.recipients, f"{where}: recipients")
        object.__setattr__(self, "effect", _one_of(Effect, self.effect, f"{where}: effect"))
        if self.place is None:
            object.__setattr__(self, "place", Place(f"unsaid/{self.name}", _worst_of(self), readable=False, unsaid=True))
        elif not isinstance(self.place, Place) and not callable(self.place):
            raise DiscreetError(f"{where}: place: a Place is needed, or NOPLACE; got {self.place!r}")
        if bool(self.view) != (self.view_bits > 0):
            raise DiscreetError(f"{where}: view: a view states `view_bits`, which is what one release can tell at most (G6.2)")

    @property
    def unsaid(self) -> bool:
        """Whether it names nobody who hears its calls, but for what its place says."""
        return self.recipients is UNSAID and not any(p.address and p.default is REQUIRED for p in self.parameters)

    def parameter(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise DiscreetError(f"`{self.name}` has no argument `{name}`")

    def place_of(self, arguments: Mapping[str, Value]) -> Place:
        """The place of this call; a rule looks at arguments that are known before the call only."""
        return self.place(arguments) if callable(self.place) else self.place

    def origin_of(self, arguments: Mapping[str, Value]) -> Place:
        """The place of the stored contents that this call takes along."""
        return self.origin(arguments) if callable(self.origin) else self.origin or NOPLACE

    def result_of(self, arguments: Mapping[str, Value]) -> Shape:
        return self.result_rule(arguments) if self.result_rule else self.result

    def stub(self) -> str:
        """One line for planners: signature, result shape, approved summary."""
        shown = []
        for p in self.parameters:
            default = "" if p.default is REQUIRED else f" = {p.default!r}"
            shown.append(f"{p.name}: {p.shape.stub()}{default}")
        return f"{self.name}({', '.join(shown)}) -> {self.result.stub()}  # {self.summary}"


def _worst_of(contract: Contract) -> Label:
    """The label of a result whose place is not stated: the worst of its shape if that labels all that is in it (G2.5)."""
    return worst(contract.result) if contract.result_rule is None and _labelled(contract.result) else WORST


def _labelled(shape: Shape) -> bool:
    inner = (*shape.fields.values(), *((shape.element,) if shape.element else ()))
    return bool(shape.label.tags) or (bool(inner) and all(map(_labelled, inner)))


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
    """Who learns. `roles` come from the user's own directory, never from a card or a service (G5.3). `one` are accounts that nobody has
    shown to be of different parties: what is told to any counts for all (G6.3)."""

    id: str
    owner: str = ""
    roles: frozenset[str] = field(default_factory=frozenset)
    name: str = ""
    one: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """Under whom it stands in the ledger."""
        return self.owner or self.id


USER = Recipient("user", "user", frozenset({"user"}), "you")
