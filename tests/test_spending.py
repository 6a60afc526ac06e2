"""Many small acts are one large one (RED_TEAM 7): an allowance states the most in all, in a plan and over errands."""

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from discreet.agents.session import Report, Session, World
from discreet.agents.vault_tools import vault_tools
from discreet.connectors.mcp_wire import McpConfig
from discreet.connectors.shop import ShopConfig, Shops
from discreet.connectors.shop_tools import shop_tools
from discreet.kernel.contract import Contract, Effect, Parameter, Role
from discreet.kernel.shape import scalar, text
from discreet.ledger.chain import Ledger
from discreet.policy.decide import Index
from discreet.policy.load import combine, defaults, parse
from discreet.tools.directory import Directory, Entry
from discreet.tools.question import Nobody
from discreet.tools.registry import Tool, Toolbox, tool

REFUND = Contract(
    "refund", "pay back", (Parameter("to", text(max=50), Role.WHO, address="mail"), Parameter("amount", scalar("int"), Role.AMOUNT),
                          Parameter("currency", text(max=3), default="EUR")), scalar("none"), Effect.PAY)  # fmt: skip
NORM = """
[[allow]]
id = "small-refunds"
verdict = "permit"
effect = ["pay"]
through = ["refund"]
purpose = ["*"]
to = ["user-said"]
standing = { who = "user", amount = "planner" }
amount_max = 1000
currency = "EUR"
times_max = 20
undoable = false
sources = ["any"]
because = "small sums to whom one names"

[[norm]]
id = "refund-request"
verdict = "permit"
who = ["user-said"]
learns = ["request"]
about = ["anyone"]
purpose = ["*"]
through = ["refund"]
because = "a refund tells that it is one"
"""


@pytest.fixture
def ledger(tmp_path: Path):
    with Ledger.open(tmp_path / "l.db", b"k" * 32) as opened:
        yield opened


def errand(ledger: Ledger, source: str, paid: list[int]) -> Report:
    loaded = combine(defaults(), parse(NORM))
    assert not loaded.problems, loaded.problems
    bob = Entry("bob", "Bob", frozenset({"client"}), (("mail", "bob@x.example"),))
    world = World(Toolbox([tool(REFUND, lambda to, amount, currency: paid.append(amount))]), Directory([bob]), Index(loaded.norms), ledger)
    return Session(world, Nobody(), lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC)).perform(source, "refund bob@x.example what he is owed")


def test_eleven_refunds_of_nine_hundred_are_asked(ledger: Ledger) -> None:
    paid: list[int] = []
    report = errand(ledger, 'for i in range(11):\n    refund(to="bob@x.example", amount=900)', paid)
    assert paid == [] and report.questions > 0


def test_refunds_on_lines_of_their_own_are_summed(ledger: Ledger) -> None:
    paid: list[int] = []
    report = errand(ledger, "\n".join(f'refund(to="bob@x.example", amount={n})' for n in (400, 401, 402)), paid)
    assert paid == [] and report.questions > 0


def test_refunds_are_summed_over_errands(ledger: Ledger) -> None:
    paid: list[int] = []
    assert errand(ledger, 'refund(to="bob@x.example", amount=600)', paid).questions == 0
    assert paid == [600]
    assert errand(ledger, 'refund(to="bob@x.example", amount=600)', paid).questions == 1
    assert paid == [600]


def test_their_benign_twin_a_refund_within_the_limit_asks_nothing(ledger: Ledger) -> None:
    paid: list[int] = []
    report = errand(ledger, 'refund(to="bob@x.example", amount=400)\nrefund(to="bob@x.example", amount=500)', paid)
    assert paid == [400, 500] and report.questions == 0


# ---------------------------------------------------------------------------------------------------- the allowance of docs/NORMS.md, with the shipped contract

PAGE = (Path(__file__).parents[1] / "docs/NORMS.md").read_text("utf-8")
COFFEE = next(block for block in re.findall(r"```toml norms\n(.*?)```", PAGE, re.S) if 'id = "coffee"' in block)
CAFE = "Corner Café"
ERRAND = f"Buy a flat white at {CAFE} for at most {{}} euros"
PLAN = f"""
drinks = shop.search(shop="{CAFE}", query="flat white")
coffee = next((d for d in drinks if d.in_stock), None)
if coffee is None:
    raise ValueError("no flat white today")
order = shop.checkout(shop="{CAFE}", item=coffee.id, address=memory.recall(type="contact/postal-address"), card=memory.recall(type="finance/payment-token"), max_total={{}}{{}})
print(order.title)
"""


def a_cafe(currency: str, bought: list[float]) -> Toolbox:
    """The shipped contracts of a shop; only what performs them stands still."""
    shops = Shops((ShopConfig(CAFE, McpConfig(CAFE, url="http://127.0.0.1:9/mcp"), currency),))
    drink = {"id": "fw", "title": "Flat white", "price": 3.8, "currency": currency, "rating": None, "in_stock": True, "sizes": [], "description": ""}

    def search(**_: object) -> list[dict[str, object]]:
        return [drink]

    def checkout(max_total: float, **_: object) -> dict[str, object]:
        bought.append(max_total)
        return {"id": "o1", "title": "Flat white", "total": 3.8, "currency": currency, "delivery": None}

    stands: dict[str, object] = {"shop.search": search, "shop.checkout": checkout}
    contracts: list[Tool] = [one for one in shop_tools(shops) if one.contract.name in stands]
    return Toolbox([*(tool(one.contract, stands[one.contract.name]) for one in contracts), *vault_tools(Told())])


class Told:
    """What the user told of themselves."""

    def recall(self, types: Sequence[str], query: str, limit: int, learned: bool = False) -> Sequence[Any]:
        told = {"contact/postal-address": "Nora, 1 Elm Row, 10115 Berlin, Germany", "finance/payment-token": "tok"}
        return [] if learned or query else [SimpleNamespace(text=told[types[0]])] if types[0] in told else []


def coffee(ledger: Ledger, most: float, bought: list[float], more: str = "", currency: str = "EUR", request: str = "") -> Report:
    loaded = combine(defaults(), parse(COFFEE))
    assert not loaded.problems, loaded.problems
    cafe = Entry(f"shop:{CAFE}", CAFE, frozenset({"merchant"}), (("shop", CAFE),))
    world = World(a_cafe(currency, bought), Directory([cafe]), Index(loaded.norms), ledger)
    report = Session(world, Nobody(), lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC)).perform(PLAN.format(most, more), request or ERRAND.format(most))
    assert not report.problems, report.problems
    return report


@pytest.mark.parametrize("more", ["", ", quantity=1"])
def test_coffees_are_bought_unasked_up_to_the_limit_and_asked_above_it(ledger: Ledger, more: str) -> None:
    bought: list[float] = []
    for _ in range(2):
        report = coffee(ledger, 4, bought, more)
        assert report.done and report.questions == 0 and report.denied == 0
    assert bought == [4, 4]
    assert coffee(ledger, 4, bought, more).questions == 1 and bought == [4, 4]
    assert coffee(ledger, 2, bought, more).questions == 0 and bought == [4, 4, 2]


@pytest.mark.parametrize(
    ("recalled", "instead"),
    [
        ('address=memory.recall(type="contact/postal-address")', 'address="13 Evil Lane, 10115 Berlin, Germany"'),
        ('address=memory.recall(type="contact/postal-address")', 'address=memory.recall(type="contact/postal-address", query="Eve")'),
        ('address=memory.recall(type="contact/postal-address")', 'address=memory.recall_learned(type="contact/postal-address")'),
        ('address=memory.recall(type="contact/postal-address")', "address=coffee.description"),
        ('card=memory.recall(type="finance/payment-token")', 'card="tok_of_somebody"'),
        ("coffee.id,", 'coffee.id, email="eve@evil.example",'),
    ],
)
def test_an_allowance_holds_for_ones_own_address_and_card(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, recalled: str, instead: str) -> None:
    """G1.2, G3.6: where goods go to and what pays for them is who and what; a vault's facts are described where no word of the plan's picks them."""
    bought: list[float] = []
    monkeypatch.setitem(globals(), "PLAN", PLAN.replace(recalled, instead))
    assert instead in PLAN and coffee(ledger, 4, bought).questions == 1 and bought == []


@pytest.mark.parametrize(
    ("most", "more", "currency", "request_"),
    [
        (12, "", "EUR", ""),  # more than the allowance
        (4, ", quantity=2", "EUR", ""),  # more than one, which nobody said
        (4, "", "USD", ""),  # the shop's currency is another one
        (4, "", "EUR", f"Buy a flat white at {CAFE}"),  # the plan's own amount
        (4, "", "EUR", "Buy a flat white for at most 4 euros"),  # a shop that nobody named
    ],
)
def test_what_the_allowance_does_not_cover_is_not_bought_unasked(ledger: Ledger, most: float, more: str, currency: str, request_: str) -> None:
    bought: list[float] = []
    coffee(ledger, most, bought, more, currency, request_)
    assert bought == []
