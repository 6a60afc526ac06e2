"""Leakage accounts: how many bits about a place or fact an owner of recipients may still be told, over all runs (G6.3).

Bits are reserved before an errand starts, all or none, and are spent whether used or not: there is no way to give them
back. The allowance is 0 unless a norm gives more. A reservation is an entry of the chain; the table of sums follows from
the entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discreet.kernel.errors import DiscreetError, invariant
from discreet.ledger.chain import Ledger
from discreet.ledger.entry import Entry, Kind, Party

if TYPE_CHECKING:
    from discreet.kernel.contract import Recipient

OUTSIDERS = "outsiders"  # whoever the user's own directory does not know: one account for all of them
NO_ROLES = frozenset({"unknown", "user-said", "resolved"})  # how an address was come by tells nothing of who is behind it
ACCOUNT_BITS_MAX = 1_000_000  # of one reservation


class Exhausted(DiscreetError):
    """A reservation was refused. Shown to the user only: what is left tells of earlier errands."""

    def __init__(self, place: str, account: str, wanted: int, left: int) -> None:
        self.place, self.account, self.wanted, self.left = place, account, wanted, left
        super().__init__(f"{wanted} bits about `{place}` for `{account}` are wanted and {left} bits are allowed")


@dataclass(frozen=True, slots=True)
class Want:
    """Bits about `place` (or a fact's id) that an errand may tell `account`, by public bounds."""

    place: str
    account: str
    bits: int
    also: tuple[str, ...] = ()  # accounts whose bits count too


Allowances = Mapping[tuple[str, str], int]  # (place, account) -> bits in all; what is missing is 0


def account_of(recipient: Recipient) -> str:
    """Under whom bits are counted: who may be one is one (G6.3). One whom the directory gives neither owner nor role is one of the outsiders."""
    if recipient.one:
        return recipient.one[0]
    return recipient.account if recipient.owner or recipient.roles - NO_ROLES else OUTSIDERS


def reserve(ledger: Ledger, errand: str, wants: list[Want], allowances: Allowances, norms: tuple[str, ...] = ()) -> None:
    """Take all of `wants` or raise Exhausted and take none; two processes never share the same bits."""
    sums: dict[tuple[str, str], int] = {}
    also: dict[str, set[str]] = {}
    for want in wants:
        also.setdefault(want.account, {want.account}).update(want.also)
        invariant(0 <= want.bits <= ACCOUNT_BITS_MAX, f"between 0 and {ACCOUNT_BITS_MAX} bits")
        key = (want.place, want.account)
        sums[key] = sums.get(key, 0) + want.bits
    entries = [
        Entry(Kind.DOWNGRADE, errand, place=place, parties=(Party(account, account),), norms=norms, bits=bits, note="reserved")
        for (place, account), bits in sorted(sums.items())
        if bits
    ]

    def within() -> None:
        for entry in entries:
            account = entry.parties[0].account
            left = allowances.get((entry.place, account), 0) - sum(spent(ledger, entry.place, one) for one in sorted(also[account]))
            if entry.bits > left:
                raise Exhausted(entry.place, account, entry.bits, max(left, 0))

    ledger.append_all(entries, within)


def spent(ledger: Ledger, place: str, account: str) -> int:
    """Bits that were ever reserved."""
    return ledger.spent(place, account)
