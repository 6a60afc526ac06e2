"""What the user's norms are made of: disclosure norms, allowances to act, and allowances in bits (G5.3, G3.6, G6.3).

    Norm       who may learn which information types about whom, for which purpose, through which tools
    Allowance  which effects need no question: what standing each authority argument needs, how much, how often
    Bits       how many bits a view may tell a recipient about one fact; none without one

    permit < ask < forbid: a prohibition wins over all; `ask` wins over `permit` unless it yields or the permit names it in `over`;
    what no norm speaks of is denied (a disclosure) or asked (an act). A norm that errs is kept as a prohibition over
    everything that it might have covered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from discreet.kernel.contract import USER, Effect, Recipient, Role
from discreet.kernel.errors import DiscreetError, invariant
from discreet.kernel.value import UNATTESTED, Standing
from discreet.policy.vocabulary import ancestors


NORMS_MAX = 10_000  # norms, allowances and bits together
ANYONE = "anyone"
SUBJECT_USER = USER.id
INSIDE = frozenset({USER.id, "planner", UNATTESTED})  # sources that are no outsider's, or stand beside one; what the planner makes has its own standing

Who = frozenset  # of terms that one recipient must all meet: roles (with what is below them), ids, accounts, "anyone"


class Rule(StrEnum):
    """What a norm does, from weakest to strongest."""

    PERMIT = "permit"
    ASK = "ask"
    FORBID = "forbid"


@dataclass(frozen=True, slots=True)
class Norm:
    """Who may learn what. Empty tuples are not possible; `*` and `anyone` are how to say all.

    who        alternatives, each a set of terms that the recipient must all meet
    learns     information types, each with what is below it
    but        information types that this norm does not cover
    about      "user", "others" (all but the user), "recipient" (itself), "anyone", a principal's id or a role
    times_max  how often all lines of one tool to one recipient may run; permits only
    over       ids of `ask` norms that this permit answers
    yields     whether this `ask` asks only where no permit speaks, and takes nothing from one
    erring     what is wrong with it; then it forbids
    origin     file that it was read from ("shipped" for the defaults), and the line there
    """

    id: str
    verdict: Rule
    who: tuple[Who, ...]
    learns: tuple[str, ...]
    about: tuple[str, ...]
    purpose: tuple[str, ...]
    through: tuple[str, ...]
    because: str
    but: tuple[str, ...] = ()
    times_max: int | None = None
    over: tuple[str, ...] = ()
    yields: bool = False
    erring: str = ""
    origin: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """Which effects need no question (G3.6). A permit holds only if the whole call fits it.

    to          alternatives that every recipient of the call must meet, as in Norm.who
    standing    least standing of the arguments of each authority role; USER where nothing is said
    amount_max  with `currency`: of one call times how often it may run, and of what was spent before under this allowance
    sources     acceptable besides the user's own: "place" (those that the place declares), "any", or source names
    holds       of an ask or a prohibition: only where a text for others holds a "link", "address" or "account" that the request does not
    """

    id: str
    verdict: Rule
    effect: tuple[Effect, ...]
    through: tuple[str, ...]
    purpose: tuple[str, ...]
    to: tuple[Who, ...]
    because: str
    standing: Mapping[Role, Standing] = field(default_factory=dict)
    amount_max: Decimal | None = None
    currency: str = ""
    times_max: int = 1
    undoable: bool = True
    sources: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    erring: str = ""
    origin: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Bits:
    """How many bits the view `view` (its own information type) may tell one recipient about one fact, ever (G6.3).

    The view's parameters are fixed here and nowhere else (G6.2), and are the same in all norms of a view that state them:
    cities              that a city may be named of; all others are elsewhere
    hours, slot_minutes the slots of a day that are told free or not: "09:00-18:00", in slots of so many minutes
    """

    id: str
    view: str
    who: tuple[Who, ...]
    about: tuple[str, ...]
    purpose: tuple[str, ...]
    bits_max: int
    because: str
    cities: tuple[str, ...] = ()
    hours: str = ""
    slot_minutes: int = 0
    origin: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Used:
    """What was already spent and done under one allowance, as the ledger tells it."""

    amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Norms:
    """All that decisions rest on. `directory` gives the roles of subjects, from the user's own address book; `request` is what the user wrote."""

    norms: tuple[Norm, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    bits: tuple[Bits, ...] = ()
    errors: tuple[str, ...] = ()
    directory: Mapping[str, frozenset[str]] = field(default_factory=dict)
    used: Mapping[str, Used] = field(default_factory=dict)
    request: str = ""

    def __post_init__(self) -> None:
        if len(self) > NORMS_MAX:
            raise DiscreetError(f"{len(self)} norms; at most {NORMS_MAX} are possible")
        ids = [n.id for n in self.all()]
        invariant(len(set(ids)) == len(ids), "distinct ids of norms")

    def __len__(self) -> int:
        return len(self.norms) + len(self.allowances) + len(self.bits)

    def all(self) -> tuple[Norm | Allowance | Bits, ...]:
        return (*self.norms, *self.allowances, *self.bits)

    def __add__(self, other: Norms) -> Norms:
        return Norms(
            self.norms + other.norms,
            self.allowances + other.allowances,
            self.bits + other.bits,
            self.errors + other.errors,
            {**self.directory, **other.directory},
            {**self.used, **other.used},
            self.request or other.request,
        )

    def without(self, ids: Iterable[str]) -> Norms:
        """The same without the norms of these ids."""
        gone = frozenset(ids)
        return replace(
            self,
            norms=tuple(n for n in self.norms if n.id not in gone),
            allowances=tuple(a for a in self.allowances if a.id not in gone),
            bits=tuple(b for b in self.bits if b.id not in gone),
        )

    def named(self, id: str) -> Norm | Allowance | Bits | None:
        return next((n for n in self.all() if n.id == id), None)


def who(*alternatives: str) -> tuple[Who, ...]:
    """`who("merchant & user-said", "clinician")`: alternatives, each a conjunction of terms."""
    return tuple(frozenset(term.strip() for term in one.split("&")) for one in alternatives)


def terms_of(recipient: Recipient) -> frozenset[str]:
    """All that a `who` can call this recipient: its id, its account, its roles and what lies above them, "anyone"."""
    above = (a for role in recipient.roles for a in ancestors(role))
    return frozenset((ANYONE, recipient.id, recipient.account, *above))


def show_who(alternatives: Iterable[Who]) -> str:
    """The same as text, sorted."""
    return ", ".join(" & ".join(sorted(one)) for one in alternatives)


