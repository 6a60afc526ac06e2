"""Leakage accounts: reserved before, spent whether used or not, 0 by default, one sum over all processes (G6.3)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from discreet.kernel.contract import Recipient
from discreet.kernel.errors import InvariantError
from discreet.ledger.accounts import ACCOUNT_BITS_MAX, OUTSIDERS, Exhausted, Want, account_of, reserve, spent
from discreet.ledger.chain import Ledger
from discreet.ledger.entry import Kind

KEY = bytes(range(32))
ALLOWED = {("health", "northside"): 10}


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.db", KEY) as ledger:
        yield ledger


def test_the_default_allowance_is_nothing(ledger):
    with pytest.raises(Exhausted, match="1 bits about `health` for `northside` are wanted and 0 bits are allowed"):
        reserve(ledger, "e1", [Want("health", "northside", 1)], {})
    reserve(ledger, "e1", [Want("health", "northside", 0)], {})
    assert ledger.newest()[0] == 0


def test_bits_are_spent_whether_used_or_not_and_stand_in_the_chain(ledger):
    reserve(ledger, "e1", [Want("health", "northside", 6)], ALLOWED, ("n1",))
    assert spent(ledger, "health", "northside") == 6
    with pytest.raises(Exhausted) as caught:
        reserve(ledger, "e2", [Want("health", "northside", 5)], ALLOWED)
    assert caught.value.left == 4
    reserve(ledger, "e2", [Want("health", "northside", 4)], ALLOWED)
    [first, second] = ledger.entries(Kind.DOWNGRADE)
    assert (first.entry.bits, first.entry.norms, second.entry.errand) == (6, ("n1",), "e2")
    assert ledger.verify().ok


def test_a_reservation_is_all_or_nothing(ledger):
    with pytest.raises(Exhausted):
        reserve(ledger, "e1", [Want("health", "northside", 1), Want("mail", "northside", 1)], ALLOWED)
    assert spent(ledger, "health", "northside") == 0
    with pytest.raises(Exhausted):
        reserve(ledger, "e1", [Want("health", "northside", 6), Want("health", "northside", 6)], ALLOWED)
    assert spent(ledger, "health", "northside") == 0


def test_places_and_owners_have_accounts_of_their_own(ledger):
    allowed = {**ALLOWED, ("health", "bob"): 3, ("mail", "northside"): 3}
    reserve(ledger, "e1", [Want(p, a, 3) for p, a in allowed], allowed)
    reserve(ledger, "e2", [Want("health", "northside", 7)], allowed)
    with pytest.raises(Exhausted):
        reserve(ledger, "e3", [Want("health", "bob", 1)], allowed)


def test_whom_the_directory_does_not_know_is_one_of_the_outsiders():
    """A fresh address is no fresh account."""
    known = Recipient("shop:northside", "northside", frozenset({"shop"}))
    assert account_of(known) == "northside"
    assert account_of(Recipient("bob@x.example", "", frozenset({"friend"}))) == "bob@x.example"
    assert account_of(Recipient("a1@evil.example")) == account_of(Recipient("a2@evil.example")) == OUTSIDERS
    assert account_of(Recipient("mail:a3@evil.example", "", frozenset({"unknown", "user-said"}))) == OUTSIDERS  # as the directory makes it


def test_a_reservation_has_a_limit(ledger):
    for bits in (-1, ACCOUNT_BITS_MAX + 1):
        with pytest.raises(InvariantError, match=f"{ACCOUNT_BITS_MAX} bits"):
            reserve(ledger, "e", [Want("p", "a", bits)], {("p", "a"): 10**9})


RESERVE = """
import sys
from discreet.ledger.accounts import Exhausted, Want, reserve
from discreet.ledger.chain import Ledger
had = 0
with Ledger.open(sys.argv[1], bytes(range(32))) as ledger:
    for i in range(60):
        try:
            reserve(ledger, sys.argv[2], [Want("health", "northside", 1)], {("health", "northside"): 50})
            had += 1
        except Exhausted:
            pass
print(had)
"""


def test_two_errands_at_once_never_share_bits(tmp_path):
    path = str(tmp_path / "ledger.db")
    runs = [subprocess.Popen([sys.executable, "-c", RESERVE, path, n], stdout=subprocess.PIPE) for n in ("a", "b")]
    had = [int(run.communicate(timeout=60)[0]) for run in runs]
    assert sum(had) == 50
    with Ledger.open(path, KEY) as ledger:
        assert spent(ledger, "health", "northside") == 50 and ledger.verify().ok
