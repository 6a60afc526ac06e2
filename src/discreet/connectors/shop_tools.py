"""Shops as tools: the contracts of `shop.search`, `product`, `reviews`, `checkout`, `order`."""

from __future__ import annotations

from collections.abc import Mapping

from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import Shape, list_of, record_of, scalar, text
from discreet.kernel.value import Value
from discreet.tools.registry import Tool, of_connector

from .shop import DESCRIPTION_CHARS_MAX, QUANTITY_MAX, REVIEW_CHARS_MAX, REVIEWS_MAX, TITLE_CHARS_MAX, TOTAL_MAX, Shops

RESULTS_MAX = 50


def shop_tools(shops: Shops) -> tuple[Tool, ...]:
    """The tools of all configured shops. The shop is told every argument of its call; its answers come from it."""
    places = {name: Place(f"shop/{name}", label((), (f"shop:{name}",)), owner=f"shop:{name}", currency=currency) for name, currency in shops.currencies.items()}
    any_shop = Place("shop", label((), tuple(f"shop:{name}" for name in shops.names)))

    def place(arguments: Mapping[str, Value]) -> Place:
        name = arguments["shop"].data
        return places.get(name, NOPLACE) if isinstance(name, str) else any_shop

    shop = Parameter("shop", text(max=100), Role.WHO, address="shop")
    number = Parameter("item", text(max=200, id_of="item"), Role.KEY)
    order = record_of(
        "Order", id=_told(200, True), title=_told(TITLE_CHARS_MAX, True), total=_ordered("float", max=TOTAL_MAX), currency=_told(3, True),
        delivery=_ordered("date", optional=True))
    made = {
        "search": Contract("shop.search", "items of a shop", (shop, Parameter("query", text(max=200), Role.KEY)), list_of(_item(), RESULTS_MAX),
                           place=place, purpose="purchase/search"),
        "product": Contract("shop.product", "one item of a shop", (shop, number), _item(), place=place, purpose="purchase/search"),
        "reviews": Contract("shop.reviews", "what buyers say of an item", (shop, number), list_of(_review(), REVIEWS_MAX), place=place,
                            purpose="purchase/search"),
        "checkout": Contract(
            "shop.checkout", "buy and pay; max_total is the most that it may cost in all",
            (shop, Parameter("item", text(max=200, id_of="item"), Role.WHAT), Parameter("address", text(max=400), Role.WHO), Parameter("card", text(max=200), Role.WHAT),
             Parameter("max_total", scalar("float", max=TOTAL_MAX), Role.AMOUNT), Parameter("size", text(max=40), Role.WHAT, ""),
             Parameter("quantity", scalar("int", max=QUANTITY_MAX), Role.TIMES, 1), Parameter("email", text(max=320), Role.WHO, "")),
            order, Effect.PAY, "purchase/order", place, calls_max=5),
        "order": Contract("shop.order", "how an order stands", (shop, Parameter("id", text(max=200), Role.KEY)), order, place=place,
                          purpose="purchase/order"),
    }
    return tuple(of_connector(contract, shops, action) for action, contract in made.items())


def _item() -> Shape:
    """The shop vouches for its own offers; what it praises them with is text."""
    attested = {"attested": True}
    return record_of(
        "Item", id=text(max=200, id_of="item", **attested), title=text(max=TITLE_CHARS_MAX, **attested), price=scalar("float", **attested),
        currency=text(max=3, **attested), rating=scalar("float", optional=True, **attested), in_stock=scalar("bool", **attested),
        sizes=list_of(text(max=40, **attested), 100), description=text(max=DESCRIPTION_CHARS_MAX))


def _review() -> Shape:
    return record_of("Review", stars=scalar("int", max=10), title=text(max=TITLE_CHARS_MAX), text=text(max=REVIEW_CHARS_MAX), author=text(max=200))


def _told(chars_max: int, attested: bool) -> Shape:
    return text(("purchase/order", "user"), max=chars_max, attested=attested)


def _ordered(kind: str, **more: object) -> Shape:
    return scalar(kind, ("purchase/order", "user"), attested=True, **more)
