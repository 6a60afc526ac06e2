"""Shops over UCP and MCP: an order is exactly what was confirmed, whatever the shop does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from discreet.connectors.errors import BadAnswer, ConnectorError, InvalidArgument, OutcomeUnknown, Refused, Unavailable
from discreet.connectors.shop import QUANTITY_MAX, TOTAL_MAX, Shops
from discreet.demo.services.shop import HOSTILE
from discreet.demo.services.start import Services, start
from tests.services.clock import NOW, TODAY

pytest_plugins = ["tests.services.fixtures"]

Call = Callable[..., Any]
NORTH, RIVER = "Northside Sports", "Riverbend Runners"
ORDER = {"shop": NORTH, "item": "ns-ghost-16", "size": "41", "max_total": 120, "card": "tok_nora_4417", "email": "nora@lindqvist.example",
         "address": "Nora Lindqvist, Kastanienallee 7, 10435 Berlin, DE"}


@pytest.fixture(scope="module")
def shops(services: Services) -> Iterator[Shops]:
    connector = Shops(services.shops(timeout_s=45))
    yield connector
    connector.close()


TRICKS = ("price_change", "swaps_item", "insists", "oversized", "duplicates", "endless", "silent", "breaks")
ALL = "hostile"


@pytest.fixture(scope="module")
def tricky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """One more Northside for each trick, and one that plays all of the usual ones."""
    tricks = {trick: frozenset({trick}) for trick in TRICKS} | {ALL: HOSTILE}
    with start(tmp_path_factory.mktemp("tricky"), today=TODAY, tricks=tricks, only=frozenset({"web"})) as services:
        yield services


@pytest.fixture
def tricked(tricky: Services) -> Iterator[Callable[..., Shops]]:
    """`tricked("price_change")`: the shops, with Northside playing that trick."""
    opened: list[Shops] = []

    def get(trick: str, timeout_s: float = 45) -> Shops:
        opened.append(Shops(tricky.shops(trick, timeout_s=timeout_s, answer_bytes_max=1_000_000)))
        return opened[-1]

    yield get
    for connector in opened:
        connector.close()


def orders(services: Services, shop: str = "northside") -> list[dict[str, Any]]:
    return [seen for seen in services.observed(shop) if seen["event"] == "order"]


def calls(services: Services, shop: str = "northside") -> list[dict[str, Any]]:
    """The tool calls that a shop received: name and arguments as it read them."""
    bodies = [json.loads(seen["body"]) for seen in services.observed(shop) if seen["event"] == "request" and seen["body"]]
    return [body["params"] for body in bodies if body.get("method") == "tools/call"]


def test_an_order_is_placed_as_confirmed_and_the_shop_learns_nothing_else(shops: Shops, services: Services, call: Call) -> None:
    found = call(shops, "checkout", **ORDER)
    assert (found["total"], found["currency"], found["delivery"].isoformat()) == (114.9, "EUR", "2026-11-27")
    assert orders(services)[-1] == {"event": "order", "id": found["id"], "lines": [["ns-ghost-16:41", 1]], "total": 11490}
    create = next(c for c in reversed(calls(services)) if c["name"] == "create_checkout")
    buyer = create["arguments"]["checkout"]["buyer"]
    assert set(buyer) == {"first_name", "last_name", "email", "consent"} and not any(c["granted"] for c in buyer["consent"].values())
    assert not calls(services, "riverbend")


def test_two_equal_orders_are_equal_byte_for_byte(tmp_path: Path) -> None:  # E1
    twins = {"one": frozenset[str](), "two": frozenset[str]()}
    with start(tmp_path, today=TODAY, tricks=twins, only=frozenset({"web"})) as services:
        for twin in twins:
            shops = Shops(services.shops(twin))
            shops.call("search", {"shop": NORTH, "query": "Brooks Ghost 16"}, "the same nonce twice", NOW)
            shops.call("checkout", ORDER, "the same nonce twice", NOW)
            shops.close()
        assert services.observed("one") == services.observed("two") and len(services.observed("one")) > 5


def test_prepared_bytes_fix_address_item_limit_and_token(shops: Shops) -> None:  # G5.4
    digest = shops.prepare("checkout", ORDER, "a nonce for digests", NOW).digest
    for change in ({"item": "ns-pegasus-41"}, {"size": "42"}, {"max_total": 121}, {"card": "tok_other"}, {"quantity": 2}, {"shop": RIVER},
                   {"address": "Kastanienallee 8, 10435 Berlin"}, {"email": "other@x.example"}):
        assert shops.prepare("checkout", ORDER | change, "a nonce for digests", NOW).digest != digest


@pytest.mark.parametrize(("change", "argument"), [
    ({"max_total": 0}, "max_total"), ({"max_total": float("nan")}, "max_total"), ({"max_total": float("inf")}, "max_total"), ({"max_total": "120"}, "max_total"),
    ({"max_total": TOTAL_MAX + 1}, "max_total"), ({"max_total": None}, "max_total"), ({"quantity": 0}, "quantity"), ({"quantity": QUANTITY_MAX + 1}, "quantity"),
    ({"quantity": True}, "quantity"), ({"item": "x y"}, "item"), ({"shop": "Southside"}, "shop"), ({"address": "nowhere"}, "address"), ({"card": None}, "card"),
    ({"email": "x"}, "email"), ({"health_note": "none"}, "health_note"),
])
def test_impossible_orders_are_refused_before_anything_leaves(change: dict[str, Any], argument: str, shops: Shops, services: Services, fails: Call) -> None:
    before = len(services.observed("northside"))
    assert fails(InvalidArgument, shops, "checkout", **(ORDER | change)).argument == argument
    assert len(services.observed("northside")) == before


@pytest.mark.parametrize(("change", "code"), [({"max_total": 114.89}, "over_limit"), ({"size": "55"}, "size"), ({"size": ""}, "size"), ({"item": "ns-none"}, "refused"), ({"quantity": 2}, "over_limit")])
def test_what_does_not_fit_is_not_bought(change: dict[str, Any], code: str, shops: Shops, services: Services, fails: Call) -> None:
    before = len(orders(services))
    assert fails(Refused, shops, "checkout", **(ORDER | change)).code == code
    assert len(orders(services)) == before


@pytest.mark.parametrize(("trick", "code"), [("price_change", "over_limit"), ("swaps_item", "changed"), ("insists", "asks_more")])
def test_a_shop_that_changes_the_deal_sells_nothing(trick: str, code: str, tricked: Call, tricky: Services, fails: Call) -> None:
    assert fails(Refused, tricked(trick), "checkout", **ORDER).code == code
    assert not orders(tricky, trick)
    assert [c["name"] for c in calls(tricky, trick)] == ["get_product", "create_checkout"]


def test_a_shop_that_asks_for_more_is_told_nothing_more(tricked: Call, tricky: Services, call: Call) -> None:
    assert call(tricked(ALL), "checkout", **ORDER)["total"] == 114.9
    told = json.dumps(calls(tricky, ALL))
    assert "date_of_birth" not in told and "health" not in told


def test_a_lookalike_is_another_item(tricked: Call, call: Call) -> None:
    found = call(tricked(ALL), "search", shop=NORTH, query="Brooks Ghost")
    assert [i["id"] for i in found if i["title"] == "Brooks Ghost 16"] == ["ns-ghost-16"] and len(found) > 1


def test_a_shops_own_words_stay_out_of_our_errors(tricked: Call, fails: Call) -> None:
    error = fails(Refused, tricked(ALL), "order", shop=NORTH, id="nope")
    assert "health conditions" in error.said and "health" not in str(error)


@pytest.mark.parametrize(("trick", "kind"), [("oversized", "too_large"), ("duplicates", "duplicate_key"), ("endless", "too_large")])
def test_answers_that_no_honest_shop_gives_are_refused(trick: str, kind: str, tricked: Call, fails: Call) -> None:  # RED_TEAM 9
    assert fails(BadAnswer, tricked(trick), "search", shop=NORTH, query="Brooks").code == kind


@pytest.mark.parametrize(("trick", "timeout_s"), [("silent", 15), ("breaks", 45)])
def test_an_order_without_an_answer_is_unknown_and_not_sent_again(trick: str, timeout_s: float, tricked: Call, tricky: Services, fails: Call) -> None:  # G8.1
    fails(OutcomeUnknown, tricked(trick, timeout_s), "checkout", **ORDER)
    assert [c["name"] for c in calls(tricky, trick)].count("complete_checkout") == 1 and len(orders(tricky, trick)) == 1


def test_a_killed_shop_is_unavailable(tmp_path: Path, fails: Call) -> None:
    with start(tmp_path, today=TODAY, only=frozenset({"web"})) as services:
        shops = Shops(services.shops(timeout_s=2))
        services.freeze("web")
        fails(Unavailable, shops, "search", shop=NORTH, query="x")
        services.kill("web")
        fails(Unavailable, shops, "search", shop=NORTH, query="x")
        fails(Unavailable, shops, "checkout", **ORDER)
        shops.close()


def test_both_eras_of_the_protocol_give_the_same_answers(services: Services, call: Call) -> None:
    old = Shops(services.shops(mode="legacy"))
    new = Shops(services.shops())
    try:
        assert call(old, "search", shop=RIVER, query="ghost") == call(new, "search", shop=RIVER, query="ghost") != []
        assert call(old, "reviews", shop=NORTH, item="ns-ghost-16") == call(new, "reviews", shop=NORTH, item="ns-ghost-16") != []
    finally:
        old.close()
        new.close()


def test_a_shop_elsewhere_than_when_prepared_is_not_asked(services: Services) -> None:
    here, there = Shops(services.shops()), Shops(tuple(services.shops()[::-1][i] for i in (0,)))
    prepared = here.prepare("search", {"shop": NORTH, "query": "x"}, "a nonce that is long", NOW)
    with pytest.raises(ConnectorError, match="not configured as it was"):
        there.perform(prepared)
    here.close()
