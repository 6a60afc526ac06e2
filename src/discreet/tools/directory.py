"""Who stands behind an address: recipients with owners and roles from the user's own directory (G5.3, G6.3).

An address is (kind, text): ("mail", "sam@example.org"), ("shop", "Northside Sports"), ("host", "example.org"). What the
user's own contacts, services and configuration name gets an owner and roles; everyone else is a recipient of their own with
the role "unknown". Neither a card, a service nor a plan gives a role.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from discreet.kernel.contract import SERVICES, USER, Recipient
from discreet.kernel.value import Standing

USER_SAID, RESOLVED, NAMED, UNKNOWN = "user-said", "resolved", "user-named", "unknown"
HOW = {Standing.USER: USER_SAID, Standing.RESOLVED: RESOLVED, Standing.NAMED: NAMED}  # how the plan came by an address, as a role


@dataclass(frozen=True, slots=True)
class Entry:
    """One party that the user knows: its addresses by kind, an owner id, roles and the name the user gives it."""

    owner: str
    name: str
    roles: frozenset[str]
    addresses: tuple[tuple[str, str], ...]
    one: tuple[str, ...] = ()  # accounts that may be this party's too, itself among them


@dataclass
class Directory:
    """Entries by address; places whose readers are pinned for the run (G2.6)."""

    entries: list[Entry] = field(default_factory=list)
    fixed: Mapping[str, Recipient] = field(default_factory=dict)  # recipients of contracts, by id

    def __post_init__(self) -> None:
        self._by_address: dict[tuple[str, str], Entry] = {}
        for entry in self.entries:
            self.add(entry, listed=True)

    def add(self, entry: Entry, listed: bool = False) -> None:
        if not listed:
            self.entries.append(entry)
        for kind, text in entry.addresses:
            self._by_address.setdefault((kind, normal(kind, text)), entry)

    def recipient(self, kind: str, text: str, standing: Standing = Standing.PLANNER) -> Recipient:
        """The recipient at this address; how the plan came by the address shows in its roles."""
        how = standing.what if kind in SERVICES else standing.whom
        shown = {HOW[how]} if how in HOW else set()
        key = (kind, normal(kind, text))
        entry = self._by_address.get(key)
        if entry is None:
            return Recipient(f"{kind}:{key[1]}", "", frozenset({UNKNOWN, *shown}), text)
        if entry.owner == USER.id:
            return USER
        return Recipient(f"{kind}:{key[1]}", entry.owner, entry.roles | shown, entry.name, entry.one)

    def reaches_user(self, id_: str, own: Iterable[str] = ()) -> bool:
        """Whether what goes to this recipient may come back to the user: to an address of their own, in `own` or listed here, however
        a provider lets it be spelled. That is no address of theirs by itself: elsewhere it is another person's."""
        listed = (f"{kind}:{normal(kind, text)}" for entry in self.entries if entry.owner == USER.id for kind, text in entry.addresses)
        return id_ == USER.id or _box(id_) in {_box(one) for one in (*own, *listed)}

    def by_id(self, id_: str) -> Recipient:
        """A recipient that a contract or a place names."""
        if id_ == USER.id:
            return USER
        kind, _, text = id_.partition(":")
        entry = self._by_address.get((kind, normal(kind, text))) if kind == "mail" else None
        if id_ in self.fixed or entry is None:
            return self.fixed.get(id_) or Recipient(id_, "", frozenset({UNKNOWN}), id_)
        return self.recipient(kind, text)

    def ids(self) -> frozenset[str]:
        """How norms can name somebody who is known here: by address, by owner or by the id in a contract."""
        addresses = {f"{kind}:{normal(kind, text)}" for entry in self.entries for kind, text in entry.addresses}
        return frozenset({*addresses, *self.fixed, *(entry.owner for entry in self.entries)})

    def owners(self) -> Mapping[str, frozenset[str]]:
        """Roles by owner, for norms about a subject."""
        return {entry.owner: entry.roles for entry in self.entries}


def normal(kind: str, text: str) -> str:
    """One spelling of an address: mail addresses and hosts do not differ by case; a web address stands for its host."""
    text = text.strip()
    if kind == "host" and "://" in text:
        text = re.split(r"[/?#\\]", text.partition("://")[2], maxsplit=1)[0]
    return text.lower() if kind in ("mail", "host") else text


def _box(id_: str) -> str:
    """The mailbox that an address may belong to: without what follows a plus, and without dots."""
    local, at, domain = id_.lower().rpartition("@")
    return local.partition("+")[0].replace(".", "") + at + domain


def with_roles(recipient: Recipient, roles: Iterable[str]) -> Recipient:
    """The same recipient with more roles."""
    return replace(recipient, roles=recipient.roles | frozenset(roles))
