"""What a recipient has learnt: when, why, by which errand, how many bits; and the short account of an errand (G7.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discreet.ledger.chain import Ledger
from discreet.ledger.entry import UNREACHED, Kind, LedgerError, Party, Record, Status
from discreet.policy.vocabulary import UNCLASSIFIED, types

if TYPE_CHECKING:
    from discreet.kernel.label import Tag

NAMED_MAX = 3  # groups of facts that "It did not learn" names before it says "others"
NAMES_SHOWN_MAX = 8  # of those whom the ledger knows, where none of them was meant
HEARD = frozenset({Status.DONE, Status.REFUSED})  # a service that refuses has heard; whom it should have passed it on to has not
UNHEARD = frozenset({Status.UNSENT})
CARRIER = "-provider"  # at the end of the id of a service of the user's own, which carries what is for others: `mail-provider`


@dataclass(frozen=True, slots=True)
class Learnt:
    """One kind of fact that a recipient heard in one call; `certain` is false where the outcome is not known."""

    type: str
    subject: str
    when: str
    purpose: str
    tool: str
    bits: int | None  # None: the whole of it
    errand: str
    norms: tuple[str, ...]
    party: Party
    certain: bool
    seq: int


@dataclass(frozen=True, slots=True)
class Account:
    """What one recipient learnt in one errand, and what it never heard in any."""

    name: str
    learnt: tuple[Learnt, ...]
    withheld: Mapping[str, int]  # group of information types -> how many facts of it the user has
    refused: tuple[tuple[Party, Learnt], ...] = ()  # what it was to hear, and which carrier of the user's own did not pass it on

    def sentence(self, names: Mapping[str, str] | None = None) -> str:
        """Such as: Northside Sports learnt: shoe size, postal address. It did not learn: 14 health facts you have."""
        said = [f"{inert(self.name)} learnt: {_listed(self.learnt, True, names)}."]
        if any(not one.certain for one in self.learnt):
            said.append(f"It may have learnt: {_listed(self.learnt, False, names)}.")
        for carrier in dict.fromkeys(carrier for carrier, _ in self.refused):
            kept = tuple(one for by, one in self.refused if by == carrier)
            said.append(f"Not passed on by your {inert(carrier.name or carrier.id)}: {_listed(kept, True, names)}.")
        if self.withheld:
            said.append(f"It did not learn: {_counted(self.withheld, names)} you have.")
        return " ".join(said)


def knows(ledger: Ledger, who: str) -> list[Learnt]:
    """Everything that `who` (an account, a recipient's id or name) heard, oldest first. Raises LedgerError for a stranger."""
    found: list[Learnt] = []
    statuses: dict[str, dict[int, Status]] = {}
    for account in resolve(ledger, who):
        for record in ledger.entries(Kind.INTENT, account=account):
            errand = record.entry.errand
            if errand not in statuses:
                statuses[errand] = _became(ledger, errand)
            found += _learnt(record, statuses[errand].get(record.seq), account)
    return sorted(found, key=lambda one: one.seq)


def resolve(ledger: Ledger, who: str) -> list[str]:
    """The accounts that `who` names, whatever the letter case."""
    wanted = who.casefold()
    accounts = {a for a, id_, name in ledger.parties() if wanted in (a.casefold(), id_.casefold(), name.casefold())}
    if not accounts:
        from discreet.kernel.errors import nearest

        names = {name or id_ for _, id_, name in ledger.parties()}
        known = f"; it knows {', '.join(inert(name) for name in sorted(names)[:NAMES_SHOWN_MAX])}{' and others' if len(names) > NAMES_SHOWN_MAX else ''}" if names else ""
        raise LedgerError(f"the ledger knows nobody called `{who}`{nearest(who, names) or known}")
    return sorted(accounts)


def accounts(ledger: Ledger, errand: str, counts: Mapping[str, int] | None = None) -> list[Account]:
    """Of each recipient of an errand what it learnt; `counts` are the vault's facts a type."""
    statuses = _became(ledger, errand)
    heard: dict[str, list[Learnt]] = {}
    kept: dict[str, list[tuple[Party, Learnt]]] = {}
    names: dict[str, str] = {}
    for record in ledger.entries(Kind.INTENT, errand):
        for party in record.entry.parties:
            account = party.account or party.id
            if account == "user":
                continue
            names[account] = names.get(account) or party.name or party.id
            status = statuses.get(record.seq)
            heard.setdefault(account, []).extend(_learnt(record, status, account))
            if (carrier := _stopped(record, status, party)) is not None:
                kept.setdefault(account, []).extend((carrier, one) for one in _items(record, status, party))
    return [Account(names[a], tuple(heard[a]), not_learnt(ledger.told(a), counts or {}), tuple(kept.get(a, ()))) for a in heard]


def not_learnt(told: set[str], counts: Mapping[str, int]) -> dict[str, int]:
    """The complement, by group (first part of a type): the user's facts of types of which no call ever held anything.

    A call that turned out unsent counts as a telling here, and what was told unclassified, or under a name that no vocabulary has any
    more, may have been any of them: that nothing was learnt is never claimed too much.
    """
    if any(type_ == UNCLASSIFIED or type_ not in types() for type_ in told):
        return {}
    groups: dict[str, int] = {}
    for type_, count in counts.items():
        if count and not any(type_ == t or type_.startswith(t + "/") for t in told):
            group = type_.split("/")[0]
            groups[group] = groups.get(group, 0) + count
    return dict(sorted(groups.items(), key=lambda pair: (-pair[1], pair[0])))


def told(ledger: Ledger, tag: Tag) -> frozenset[str]:
    """Recipients whom the ledger shows were surely told all of `tag`, and not under a private decision (G5.3)."""
    found: set[str] = set()
    statuses = _became(ledger)
    for record in ledger.entries(Kind.INTENT):
        whole = any(i.type == tag.type and i.subject == tag.subject and i.bits is None for i in record.entry.items)
        if whole and not record.entry.tagged_pc and statuses.get(record.seq) in HEARD:
            found |= {party.id for party in record.entry.parties if _stopped(record, statuses.get(record.seq), party) is None}
    return frozenset(found)


def _became(ledger: Ledger, errand: str | None = None) -> dict[int, Status]:
    """What became of each call for those whom it addresses: one that reached nobody is as good as refused by what carried it."""
    unreached = [record.entry.of for record in ledger.entries(Kind.OUTCOME, errand) if record.entry.note == UNREACHED]
    return ledger.statuses(errand) | dict.fromkeys(unreached, Status.REFUSED)


def _learnt(record: Record, status: Status | None, account: str) -> list[Learnt]:
    if status in UNHEARD:
        return []
    party = next(p for p in record.entry.parties if (p.account or p.id) == account)
    return [] if _stopped(record, status, party) is not None else _items(record, status, party)


def _stopped(record: Record, status: Status | None, party: Party) -> Party | None:
    """The carrier of the user's own that did not pass the call on to this party, who has then heard nothing of it."""
    carriers = [p for p in record.entry.parties if p.id.endswith(CARRIER) and ":" not in p.id]  # ids of others name their kind
    return carriers[0] if status is Status.REFUSED and carriers and party not in carriers else None


def _items(record: Record, status: Status | None, party: Party) -> list[Learnt]:
    entry = record.entry
    return [
        Learnt(i.type, i.subject, record.at, entry.purpose, entry.tool, i.bits, entry.errand, entry.norms, party, status in HEARD, record.seq)
        for i in entry.items
    ]


def _listed(learnt: tuple[Learnt, ...], certain: bool, names: Mapping[str, str] | None) -> str:
    """Each kind once, in the order told; what was surely told is not listed again as perhaps."""
    sure = {(one.type, one.subject) for one in learnt if one.certain}
    chosen = [one for one in learnt if one.certain == certain and (certain or (one.type, one.subject) not in sure)]
    news = [one for one in chosen if one.subject not in (one.party.id, one.party.account)]  # its own address is no news
    shown = dict.fromkeys(_named(one, names) for one in news)
    return ", ".join(shown) or "nothing"


def _named(one: Learnt, names: Mapping[str, str] | None) -> str:
    word = (names or {}).get(one.type) or one.type.split("/")[-1].replace("-", " ").replace("_", " ")
    whose = "" if one.subject == "user" else f" of {inert((names or {}).get(one.subject, one.subject))}"
    part = "" if one.bits is None else f" ({one.bits} bit{'s' if one.bits != 1 else ''})"
    return word + whose + part


def _counted(groups: Mapping[str, int], names: Mapping[str, str] | None) -> str:
    shown = []
    for group, count in list(groups.items())[:NAMED_MAX]:
        shown.append(f"{count} {(names or {}).get(group) or group.replace('-', ' ')} fact{'s' if count != 1 else ''}")
    rest = sum(list(groups.values())[NAMED_MAX:])
    if rest:
        shown.append(f"{rest} other fact{'s' if rest != 1 else ''}")
    return ", ".join(shown)


def inert(text: str) -> str:
    """Text that cannot act on a terminal or turn its direction."""
    return "".join(c if c.isprintable() and c not in _DIRECTIONS else "\N{REPLACEMENT CHARACTER}" for c in text)


_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
