"""Shops that speak UCP over MCP: search, product, reviews, checkout (create and complete), order status.

An order is one exact request: item, quantity, address, consent (all refused), payment token and the most it may cost are
fixed before anything leaves. A checkout that asks for more, holds another item, or costs more is given up, never filled in.
What the protocol tells beyond the order: the agent's profile address, and an idempotency key derived from the nonce.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from .base import Connector, derive, line, strict_json, whole
from .errors import BadAnswer, InvalidArgument, OutcomeUnknown, Refused
from .mail_message import address as mail_address
from .mcp_wire import Answer, McpConfig, McpLink

RESULTS_MAX = 50
REVIEWS_MAX = 50
REVIEW_CHARS_MAX = 4_000
TITLE_CHARS_MAX = 300
DESCRIPTION_CHARS_MAX = 4_000
QUANTITY_MAX = 20
TOTAL_MAX = 100_000  # in whole units of the currency
ASKED_FIELDS_MAX = 20

_CONSENTS = ("marketing", "analytics", "preferences", "sale_or_sharing")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,199}")


@dataclass(frozen=True, slots=True)
class ShopConfig:
    """One shop. `name` is what the user calls it and what plans write; `server` is where it is."""

    name: str
    server: McpConfig
    currency: str = "EUR"
    agent_profile: str = "https://discreet.invalid/ucp-profile"


@dataclass(slots=True)
class _Open:
    config: ShopConfig
    link: McpLink = field(repr=False)


class Shops(Connector):
    """All configured shops as one connector; the argument `shop` says which one learns."""

    name: ClassVar[str] = "shop"
    parameters: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "search": ("shop", "query", "limit"),
        "product": ("shop", "item"),
        "reviews": ("shop", "item"),
        "checkout": ("shop", "item", "address", "card", "size", "quantity", "max_total", "email"),
        "order": ("shop", "id"),
    }

    def __init__(self, shops: tuple[ShopConfig, ...]) -> None:
        self._shops = {config.name: _Open(config, McpLink(config.server)) for config in shops}

    @property
    def names(self) -> tuple[str, ...]:
        """What the shops are called."""
        return tuple(self._shops)

    @property
    def currencies(self) -> Mapping[str, str]:
        """In which currency each shop is paid, by configuration; a checkout in another one is refused."""
        return {name: shop.config.currency for name, shop in self._shops.items()}

    def close(self) -> None:
        for shop in self._shops.values():
            shop.link.close()

    # search, product, reviews

    def _prepare_search(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        limit = whole(args, "limit", 10, 1, RESULTS_MAX)
        return self._call(args, "search_catalog", {"catalog": {"query": line(args, "query", chars_max=200), "pagination": {"limit": limit}}})

    def _perform_search(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self._read(request)
        return [_product(product) for product in _items(answer, "products", RESULTS_MAX)]

    def _prepare_product(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return self._call(args, "get_product", {"catalog": {"id": _identifier(args, "item")}})

    def _perform_product(self, request: dict[str, Any]) -> dict[str, Any]:
        return _product(_record(self._read(request), "product"))

    def _prepare_reviews(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return self._call(args, "list_reviews", {"id": _identifier(args, "item")})

    def _perform_reviews(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        return _reviews(self._read(request))

    # checkout and order

    def _prepare_checkout(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        shop = self._shop(args)
        item, quantity = _identifier(args, "item"), whole(args, "quantity", 1, 1, QUANTITY_MAX)
        cents_max = _cents(args, "max_total")
        person, place = _address(args)
        buyer: dict[str, Any] = {**person, "consent": {
            f"dev.ucp.consent.{purpose}": {"granted": False, "source": "platform", "description": "not agreed to"} for purpose in _CONSENTS}}
        if args.get("email"):
            buyer["email"] = mail_address(dict(args), "email")
        destination = {"id": "dest_1", "type": "shipping_address", **person, **place}
        create = {
            "buyer": buyer,
            "fulfillment": {"methods": [{"type": "shipping", "selected_destination_id": "dest_1", "destinations": [destination]}]},
        }
        credential = {"type": "delegated_token", "token": line(args, "card", chars_max=200), "amount_max": cents_max,
                      "currency": shop.config.currency}
        complete = {"payment": {"instruments": [{"id": "pay_1", "handler_id": "default", "type": "token", "selected": True,
                                                 "credential": credential}]}}
        return {
            "shop": shop.config.name, "server": _where(shop.config.server), "item": item, "size": line(args, "size", "", chars_max=40),
            "quantity": quantity, "cents_max": cents_max, "currency": shop.config.currency,
            "create": {"meta": self._meta(shop, nonce, "create"), "checkout": create},
            "complete": {"meta": self._meta(shop, nonce, "complete"), "checkout": complete},
        }

    def _perform_checkout(self, request: dict[str, Any]) -> dict[str, Any]:
        """Choose the variant, create, look, complete. Up to the last step nothing is bought: only its silence is `unknown`."""
        shop = self._opened(request)
        meta = {"ucp-agent": request["create"]["meta"]["ucp-agent"]}
        answer = shop.link.call("get_product", {"meta": meta, "catalog": {"id": request["item"]}}, writes=False)
        variant = _variant(_record(_said_yes(answer), "product"), request)
        rows = [{"item": {"id": variant}, "quantity": request["quantity"]}]
        create = {**request["create"], "checkout": {**request["create"]["checkout"], "line_items": rows}}
        checkout = _said_yes(shop.link.call("create_checkout", create, writes=False))
        number = checkout.get("id")
        if not isinstance(number, str) or not _ID.fullmatch(number):
            raise BadAnswer("malformed", "shop gave no checkout id")
        _check(checkout, variant, request)
        # besides what was fixed go only ids by which the shop itself calls its variant and its checkout
        answer = shop.link.call("complete_checkout", {**request["complete"], "id": number}, writes=True)
        try:
            return _ordered(_said_yes(answer), checkout)
        except BadAnswer as error:
            raise OutcomeUnknown("shop's answer to the order cannot be read") from error

    def _prepare_order(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return self._call(args, "get_order", {"id": _identifier(args, "id")})

    def _perform_order(self, request: dict[str, Any]) -> dict[str, Any]:
        order = self._read(request)
        expected = (_items(_maybe(order, "fulfillment"), "expectations", 50) or [{}])[0]
        row = (_items(order, "line_items", 50) or [{}])[0]
        return {"id": _text(order, "id", 200), "title": _text(_maybe(row, "item"), "title", TITLE_CHARS_MAX), "total": _total(order) / 100,
                "currency": _text(order, "currency", 3), "delivery": _day(expected.get("fulfillable_on"))}

    # shared

    def _shop(self, args: Mapping[str, Any]) -> _Open:
        name = line(args, "shop")
        if name not in self._shops:
            raise InvalidArgument("shop", "is not a configured shop")
        return self._shops[name]

    def _opened(self, request: dict[str, Any]) -> _Open:
        shop = self._shops.get(request["shop"])
        if shop is None or _where(shop.config.server) != request["server"]:
            raise InvalidArgument("shop", "is not configured as it was when this was prepared")
        return shop

    def _meta(self, shop: _Open, nonce: str, purpose: str) -> dict[str, Any]:
        return {"ucp-agent": {"profile": shop.config.agent_profile}, "idempotency-key": derive(nonce, f"{shop.config.name}/{purpose}")}

    def _call(self, args: Mapping[str, Any], tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        shop = self._shop(args)
        meta = {"ucp-agent": {"profile": shop.config.agent_profile}}
        return {"shop": shop.config.name, "server": _where(shop.config.server), "tool": tool, "arguments": {"meta": meta, **arguments}}

    def _read(self, request: dict[str, Any]) -> dict[str, Any]:
        shop = self._opened(request)
        return _said_yes(shop.link.call(request["tool"], request["arguments"], writes=False))


def _said_yes(answer: Answer) -> dict[str, Any]:
    """The structured answer, or the shop's refusal with its words kept apart."""
    if answer.asked:
        raise Refused("asked_back", "shop asked a question instead of answering", answer.asked)
    found = answer.structured
    if found is None and answer.text:
        found = strict_json(answer.text, len(answer.text))
    if not isinstance(found, dict):
        raise BadAnswer("malformed", "shop gave no structured answer")
    if answer.is_error or _maybe(found, "ucp", "status") == "error":
        raise Refused("refused", "shop refused", _messages(found) or answer.text)
    return found


def _variant(product: dict[str, Any], request: dict[str, Any]) -> str:
    """The shop's id of the one variant of this size; equal and alone, or nothing is ordered."""
    found = [v for v in _items(product, "variants", 100) if not request["size"] or _size(v).casefold() == request["size"].casefold()]
    if product.get("id") != request["item"] or len(found) != 1:
        raise Refused("size", "shop has not exactly one such item of this size; nothing was ordered")
    if not _ID.fullmatch(number := _text(found[0], "id", 200)):
        raise BadAnswer("malformed", "shop gave no id for the item")
    return number


def _check(checkout: dict[str, Any], variant: str, request: dict[str, Any]) -> None:
    """The shop's checkout against the order as it was confirmed."""
    rows = checkout.get("line_items")
    if not isinstance(rows, list) or len(rows) != 1 or _maybe(rows[0], "item", "id") != variant or _maybe(rows[0], "quantity") != request["quantity"]:
        raise Refused("changed", "shop's checkout holds something other than was ordered; nothing was bought")
    if checkout.get("currency") != request["currency"]:
        raise Refused("changed", "shop's checkout is in another currency; nothing was bought")
    if _total(checkout) > request["cents_max"]:
        raise Refused("over_limit", "shop asks more than the limit; nothing was bought")
    if checkout.get("status") != "ready_for_complete":
        raise Refused("asks_more", "shop wants something that the order does not give; nothing was bought", _messages(checkout))


def _ordered(done: dict[str, Any], checkout: dict[str, Any]) -> dict[str, Any]:
    order = _record(done, "order")
    if done.get("status") != "completed":
        raise BadAnswer("malformed", "shop neither completed nor refused")
    item = checkout["line_items"][0]["item"]
    return {"id": _text(order, "id", 200), "title": _text(item, "title", TITLE_CHARS_MAX), "total": _total(done) / 100,
            "currency": checkout["currency"], "delivery": _delivery(checkout)}


def _delivery(checkout: dict[str, Any]) -> date | None:
    """The day of the chosen delivery option, if the shop names one."""
    for method in (_maybe(checkout, "fulfillment", "methods") or [])[:10]:
        for group in (_maybe(method, "groups") or [])[:10]:
            for option in (_maybe(group, "options") or [])[:10]:
                if _maybe(option, "id") == _maybe(group, "selected_option_id"):
                    return _day(_maybe(option, "latest_fulfillment_time") or _maybe(option, "earliest_fulfillment_time"))
    return None


def _product(product: Any) -> dict[str, Any]:
    """A product as plans see it: the price is that of its cheapest variant that is in stock."""
    variants = _items(product, "variants", 100)
    stocked = [v for v in variants if _maybe(v, "availability", "available") is True]
    prices = [_amount(_maybe(v, "price", "amount")) for v in stocked or variants]
    return {
        "id": _text(product, "id", 200),
        "title": _text(product, "title", TITLE_CHARS_MAX),
        "price": min(prices, default=0) / 100,
        "currency": _text(_maybe((stocked or variants or [{}])[0], "price"), "currency", 3),
        "rating": _number(_maybe(product, "rating"), "value"),
        "in_stock": bool(stocked),
        "sizes": [_size(v) for v in stocked if _size(v)],
        "description": _text(_maybe(product, "description"), "plain", DESCRIPTION_CHARS_MAX),
    }


def _reviews(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"stars": int(_number(review, "rating") or 0), "title": _text(review, "title", TITLE_CHARS_MAX),
         "text": _text(review, "text", REVIEW_CHARS_MAX), "author": _text(review, "author", 200)}
        for review in _items(answer, "reviews", REVIEWS_MAX)
    ]


def _size(variant: dict[str, Any]) -> str:
    return next((_text(o, "label", 40) for o in _items(variant, "options", 20) if str(o.get("name", "")).lower() == "size"), "")


# arguments


def _identifier(args: Mapping[str, Any], name: str) -> str:
    value = line(args, name, chars_max=200)
    if not _ID.fullmatch(value):
        raise InvalidArgument(name, "is not an id that a shop gave")
    return value


def _cents(args: Mapping[str, Any], name: str) -> int:
    value = args.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise InvalidArgument(name, "must be a number")
    if not 0 < value <= TOTAL_MAX:
        raise InvalidArgument(name, f"must lie between 0 and {TOTAL_MAX}")
    return int(round(value * 100))


def _address(args: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """`name, street and number, postal code and town, country` as UCP's person and place; name and country may be left out."""
    parts = [part.strip() for part in line(args, "address", chars_max=400).split(",") if part.strip()]
    person: dict[str, str] = {}
    if len(parts) in (3, 4) and not any(c.isdigit() for c in parts[0]):
        first, _, last = parts.pop(0).rpartition(" ")
        person = {"first_name": first, "last_name": last} if first else {"last_name": last}
    if len(parts) not in (2, 3):
        raise InvalidArgument("address", "must read `name, street and number, postal code and town, country`")
    code, _, town = parts[1].partition(" ")
    if not any(c.isdigit() for c in code):
        code, town = "", parts[1]
    found = {"street_address": parts[0], "address_locality": town.strip()}
    if code:
        found["postal_code"] = code
    if len(parts) == 3:
        found["address_country"] = parts[2]
    return person, found


def _where(server: McpConfig) -> str:
    return server.url or " ".join(server.command)


# answers: whatever the shop sends, these give the declared type or raise BadAnswer


def _maybe(found: Any, *path: str) -> Any:
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _items(found: Any, key: str, count_max: int) -> list[dict[str, Any]]:
    value = _maybe(found, key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadAnswer("malformed", f"shop's `{key}` is not a list")
    return [item for item in value[:count_max] if isinstance(item, dict)]


def _record(found: Any, key: str) -> dict[str, Any]:
    value = _maybe(found, key)
    if not isinstance(value, dict):
        raise BadAnswer("malformed", f"shop gave no `{key}`")
    return value


def _text(found: Any, key: str, chars_max: int) -> str:
    value = _maybe(found, key)
    cleaned = value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
    return "".join(c if c >= " " or c == "\n" else " " for c in cleaned)[:chars_max]


def _number(found: Any, key: str) -> float | None:
    value = _maybe(found, key)  # json gives no NaN: strict parsing refuses it
    good = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9
    return float(value) if good else None


def _amount(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= TOTAL_MAX * 100:
        raise BadAnswer("malformed", "shop named no amount within bounds")
    return value


def _total(found: dict[str, Any]) -> int:
    """The one total; two totals, or none, is no answer."""
    totals = [row for row in _items(found, "totals", 50) if row.get("type") == "total"]
    if len(totals) != 1:
        raise BadAnswer("malformed", "shop named no single total")
    return _amount(totals[0].get("amount"))


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _messages(found: dict[str, Any]) -> str:
    rows = _items(found, "messages", ASKED_FIELDS_MAX)
    return "\n".join(f"{_text(row, 'path', 100)} {_text(row, 'content', 300)}".strip() for row in rows)
