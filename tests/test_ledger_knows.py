"""What a recipient has learnt, and the short account of an errand (G7.3, G1.3)."""

from __future__ import annotations

import pytest

from discreet.kernel.label import Tag
from discreet.ledger.chain import Ledger
from discreet.ledger.entry import Entry, Item, Kind, LedgerError, Party, Status
from discreet.ledger.knows import accounts, inert, knows, told

KEY = bytes(range(32))
SHOP = Party("shop:northside", "northside", "Northside Sports")
TILL = Party("mail:till@northside.example", "northside", "Northside Sports")
BOB = Party("bob@example.org", "bob", "Bob")
COUNTS = {"health/condition": 9, "health/medication": 5, "body/shoe-size": 1, "contact/postal-address": 1, "finance/payment-token": 1}


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.db", KEY) as ledger:
        yield ledger


def tell(ledger, party, *types, errand="e1", status=Status.DONE, **more) -> int:
    items = tuple(t if isinstance(t, Item) else Item(t) for t in types)
    fields = {"tool": "shop.buy", "effect": "pay", "purpose": "shopping", "norms": ("n1",), "parties": (party,), **more}
    seq = ledger.intent(Entry(Kind.INTENT, errand, items=items, **fields))
    if status:
        ledger.outcome(seq, status)
    return seq


def test_the_account_of_the_demo_errand_reads_as_promised(ledger):
    tell(ledger, SHOP, "body/shoe-size")
    tell(ledger, SHOP, "contact/postal-address", "finance/payment-token")
    [account] = accounts(ledger, "e1", COUNTS)
    assert account.sentence() == (
        "Northside Sports learnt: shoe size, postal address, payment token. It did not learn: 14 health facts you have."
    )


def test_knows_says_what_when_why_and_how_many_bits(ledger):
    seq = tell(ledger, SHOP, "body/shoe-size", Item("identity/over-18", bits=1))
    size, age = knows(ledger, "Northside Sports")
    assert (size.type, size.subject, size.purpose, size.tool, size.bits) == ("body/shoe-size", "user", "shopping", "shop.buy", None)
    assert (age.bits, age.errand, age.norms, age.seq, age.certain) == (1, "e1", ("n1",), seq, True)
    assert size.when == ledger.get(seq).at


def test_recipients_of_one_owner_are_one(ledger):
    tell(ledger, SHOP, "body/shoe-size")
    tell(ledger, TILL, "contact/postal-address", errand="e2")
    for who in ("northside", "NORTHSIDE sports", "shop:northside", "mail:till@northside.example"):
        assert [one.type for one in knows(ledger, who)] == ["body/shoe-size", "contact/postal-address"]


def test_a_stranger_is_said_to_be_unknown_with_the_nearest_name(ledger):
    tell(ledger, SHOP, "body/shoe-size")
    with pytest.raises(LedgerError, match="nobody called `Northside Sport`; did you mean `Northside Sports`"):
        knows(ledger, "Northside Sport")


def test_denials_and_unsent_calls_told_nothing(ledger):
    tell(ledger, SHOP, "health/condition", status=Status.UNSENT)
    ledger.note(Kind.DENIAL, errand="e1", parties=(SHOP,), items=(Item("health/condition"),))
    tell(ledger, SHOP, "body/shoe-size")
    [account] = accounts(ledger, "e1", COUNTS)
    assert [one.type for one in account.learnt] == ["body/shoe-size"]
    assert [one.type for one in knows(ledger, "northside")] == ["body/shoe-size"]


def test_a_service_that_refused_has_heard(ledger):
    tell(ledger, SHOP, "body/shoe-size", status=Status.REFUSED)
    assert knows(ledger, "northside")[0].certain


def test_whom_the_users_own_provider_refused_to_carry_it_to_has_heard_nothing(ledger):
    """G7.3, G5.3: a mail that was not taken is told to the provider and to nobody else, and widens no audience."""
    carrier = Party("mail-provider", "mail-provider", "mail provider")
    tell(ledger, BOB, "schedule/event", status=Status.REFUSED, tool="mail.send", parties=(BOB, carrier))
    [bob, own] = accounts(ledger, "e1")
    assert bob.sentence() == "Bob learnt: nothing. Not passed on by your mail provider: event."
    assert own.sentence() == "mail provider learnt: event."
    assert knows(ledger, "Bob") == [] and told(ledger, Tag("schedule/event", "user")) == {"mail-provider"}
    tell(ledger, BOB, "schedule/event", status=Status.DONE, tool="mail.send", parties=(BOB, carrier))
    assert [one.type for one in knows(ledger, "Bob")] == ["schedule/event"] and BOB.id in told(ledger, Tag("schedule/event", "user"))


def test_a_party_that_is_called_like_a_provider_is_none(ledger):
    tell(ledger, SHOP, "body/shoe-size", status=Status.REFUSED, parties=(SHOP, Party("mail:eve@evil-provider", "eve", "x-provider")))
    assert knows(ledger, "northside")[0].certain


@pytest.mark.parametrize("status", [None, Status.UNKNOWN, Status.FAILED])
def test_what_may_have_been_told_is_said_so_and_never_counted_as_withheld(ledger, status):
    tell(ledger, SHOP, "body/shoe-size")
    tell(ledger, SHOP, "health/condition", "body/shoe-size", status=status)
    [account] = accounts(ledger, "e1", COUNTS)
    assert "It may have learnt: condition." in account.sentence()
    assert account.withheld["health"] == 5
    assert [one.certain for one in knows(ledger, "northside")] == [True, False, False]


def test_the_complement_covers_types_below_one_that_was_told(ledger):
    tell(ledger, SHOP, "health")
    [account] = accounts(ledger, "e1", COUNTS)
    assert "health" not in account.withheld


def test_many_groups_are_summed(ledger):
    tell(ledger, SHOP, "body/shoe-size")
    [account] = accounts(ledger, "e1", {"a/x": 4, "b/x": 3, "c/x": 2, "d/x": 1, "e/x": 1})
    assert account.sentence().endswith("It did not learn: 4 a facts, 3 b facts, 2 c facts, 2 other facts you have.")


def test_others_facts_and_views_are_named_as_such(ledger):
    tell(ledger, SHOP, Item("contact/email", "bob"), Item("identity/over-18", bits=1))
    [account] = accounts(ledger, "e1")
    assert account.sentence({"contact/email": "e-mail address"}) == (
        "Northside Sports learnt: e-mail address of bob, over 18 (1 bit)."
    )


def test_the_complement_is_of_the_users_facts(ledger):
    """That the shop heard of Bob's health does not mean it heard of the user's."""
    tell(ledger, SHOP, Item("health/condition", "bob"))
    [account] = accounts(ledger, "e1", COUNTS)
    assert account.withheld["health"] == 14


def test_what_was_told_in_part_or_in_another_errand_is_not_said_to_be_withheld(ledger):
    tell(ledger, SHOP, Item("finance/card", bits=14))
    tell(ledger, SHOP, "health/medication", errand="e0")
    [account] = accounts(ledger, "e1", {"finance/card": 1, **COUNTS})
    assert account.withheld == {"health": 9, "body": 1, "contact": 1, "finance": 1}  # finance: the payment token
    assert [one.type for one in account.learnt] == ["finance/card"]


def test_each_recipient_has_an_account_and_the_user_has_none(ledger):
    tell(ledger, SHOP, "body/shoe-size")
    tell(ledger, BOB, "schedule/event")
    tell(ledger, Party("user", "user", "you"), "health/condition")
    tell(ledger, BOB, "health/condition", errand="e2")
    assert [a.name for a in accounts(ledger, "e1", COUNTS)] == ["Northside Sports", "Bob"]


def test_a_call_that_tells_nothing_is_said_to(ledger):
    tell(ledger, SHOP)
    assert accounts(ledger, "e1")[0].sentence() == "Northside Sports learnt: nothing."


def test_told_is_whole_sure_and_at_an_untagged_pc(ledger):
    """G5.3: an audience grows by what the ledger surely shows, never by a telling under a private decision."""
    tag = Tag("schedule/event", "user")
    tell(ledger, BOB, tag.type)
    tell(ledger, SHOP, tag.type, tagged_pc=True)
    tell(ledger, Party("carl"), tag.type, status=Status.UNKNOWN)
    tell(ledger, Party("dora"), Item(tag.type, bits=2))
    tell(ledger, Party("emil"), Item(tag.type, "bob"))
    assert told(ledger, tag) == {BOB.id}


def test_names_cannot_act_on_a_terminal(ledger):
    assert inert("Bob\x1b[2J\u202eboB\n") == "Bob\ufffd[2J\ufffdboB\ufffd"
    tell(ledger, Party("x", "x", "Ev\x1b[31mil"), "body/shoe-size")
    assert "\x1b" not in accounts(ledger, "e1")[0].sentence()
