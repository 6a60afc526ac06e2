"""The tools that the errands are planned over, as contracts; their labels do not matter here, only what a planner sees."""

from __future__ import annotations

from discreet.kernel.contract import Contract, Effect, Parameter, Role
from discreet.kernel.shape import Shape, enum, list_of, record_of, scalar, text

FACT_TYPES = (
    "body/shoe-size", "body/clothes-size", "body/height", "health/condition", "health/medication", "health/allergy", "diet",
    "identity/full-name", "identity/birth-date", "identity/passport-number", "identity/postal-address", "finance/payment-card",
    "finance/iban", "finance/salary", "insurance/policy-number", "vehicle/licence-plate", "account/loyalty-number",
    "home/door-code", "preference/shoes", "preference/coffee", "preference/food", "preference/seat", "preference/hotel",
    "preference/gift-ideas", "work/employer", "school/class",
)  # fmt: skip

_int, _float, _date, _datetime, _none = (scalar(kind) for kind in ("int", "float", "date", "datetime", "none"))
_text = text()

CONTACT = Shape("record", fields={"name": _text, "email": _text, "phone": _text, "relation": _text, "address": _text, "birthday": _date}, name="Contact")
EVENT = record_of("Event", id=_text, title=_text, start=_datetime, end=_datetime, place=_text)
MAIL = record_of("Mail", id=_text, sender=_text, subject=_text, date=_date, has_attachment=scalar("bool"))
FILE = Shape("record", fields={"path": _text, "name": _text, "modified": _date}, name="File")
PAGE = record_of("Page", url=_text, title=_text)
ITEM = record_of("Item", id=_text, title=_text, price=_float, rating=_float, in_stock=scalar("bool"))
REVIEW = record_of("Review", stars=_int, text=_text)
ORDER = record_of("Order", id=_text, total=_float, delivery=_date)

EMPTY: list[str] = []


def _tool(name: str, summary: str, result: Shape, *parameters: Parameter, effect: Effect = Effect.READ) -> Contract:
    return Contract(name, summary, parameters, result, effect)


def _p(name: str, shape: Shape = _text, role: Role = Role.KEY, **more: object) -> Parameter:
    return Parameter(name, shape, role, **more)  # type: ignore[arg-type]


CONTRACTS = {
    contract.name: contract
    for contract in (
        _tool("read", "a reader takes typed fields out of one text", scalar("any"), _p("text", role=Role.CONTENT), _p("question", role=Role.CONTENT), _p("schema", scalar("any"), Role.CONTENT)),
        _tool("memory.recall", "what the user has told about themselves", _text, _p("type", enum(*FACT_TYPES))),
        _tool("memory.remember", "keep a new fact", _none, _p("type", enum(*FACT_TYPES), Role.CONTENT), _p("fact", role=Role.CONTENT), effect=Effect.WRITE),
        _tool("contacts.find", "one person of the address book, by name or by relation (\"my dentist\")", CONTACT, _p("name")),
        _tool("calendar.list", "events between two days", list_of(EVENT), _p("start", _date), _p("end", _date)),
        _tool("calendar.add", "put an event into the calendar; attendees are invited", EVENT, _p("title", role=Role.CONTENT), _p("start", _datetime, Role.WHAT), _p("minutes", _int, Role.WHAT, default=60), _p("place", role=Role.CONTENT, default=""), _p("attendees", list_of(_text), Role.WHO, default=EMPTY, address="mail"), effect=Effect.WRITE),
        _tool("calendar.remove", "delete an event", _none, _p("id", role=Role.WHAT), effect=Effect.DELETE),
        _tool("mail.search", "mails, newest first", list_of(MAIL), _p("sender", default=""), _p("subject", default=""), _p("since", _date, default=None)),
        _tool("mail.read", "the text of one mail", _text, _p("id")),
        _tool("mail.send", "send a mail", _none, _p("to", role=Role.WHO, address="mail"), _p("subject", role=Role.CONTENT), _p("body", role=Role.CONTENT), _p("attachment", role=Role.CONTENT, default=""), effect=Effect.WRITE),
        _tool("mail.reply", "answer one mail", _none, _p("id", role=Role.WHO), _p("body", role=Role.CONTENT), effect=Effect.WRITE),
        _tool("files.list", "files of a folder", list_of(FILE), _p("folder")),
        _tool("files.read", "the text of a file", _text, _p("path")),
        _tool("files.write", "write a text file", _none, _p("path", role=Role.WHAT), _p("text", role=Role.CONTENT), effect=Effect.WRITE),
        _tool("web.search", "search the web", list_of(PAGE), _p("query")),
        _tool("web.read", "the text of a page", _text, _p("url")),
        _tool("shop.search", "items of a shop", list_of(ITEM), _p("shop", role=Role.WHO, address="shop"), _p("query")),
        _tool("shop.reviews", "what buyers say of an item", list_of(REVIEW), _p("shop", role=Role.WHO, address="shop"), _p("item")),
        _tool("shop.checkout", "buy and pay", ORDER, _p("shop", role=Role.WHO, address="shop"), _p("item", role=Role.WHAT), _p("address", role=Role.CONTENT), _p("card", role=Role.CONTENT), _p("size", role=Role.CONTENT, default=""), _p("quantity", _int, Role.TIMES, default=1), _p("max_total", _float, Role.AMOUNT, default=None), effect=Effect.PAY),
    )
}  # fmt: skip
