"""Each tool's real result fits its declared shape, and each contract's arguments are those of its connector."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from discreet.connectors.calendar import Calendar
from discreet.connectors.calendar_tools import calendar_tools
from discreet.connectors.contacts import Contacts
from discreet.connectors.contacts_tools import contacts_tools
from discreet.connectors.mail import Mail
from discreet.connectors.mail_tools import mail_tools
from discreet.connectors.shop import Shops
from discreet.connectors.shop_tools import shop_tools
from discreet.demo.services.start import Services
from discreet.kernel.label import PUBLIC
from discreet.kernel.shape import to_value
from discreet.kernel.value import plain
from discreet.tools.registry import Toolbox

pytest_plugins = ["tests.services.fixtures"]

CLOCK = dt.datetime(2026, 11, 23, 10)


@pytest.fixture(scope="module")
def tools(services: Services) -> Iterator[Toolbox]:
    mail, shops = Mail(services.mail()), Shops(services.shops())
    yield Toolbox([
        *mail_tools(mail, "Europe/Berlin"), *calendar_tools(Calendar(services.calendar(), mail)),
        *contacts_tools(Contacts(services.contacts())), *shop_tools(shops),
    ])
    shops.close()


def use(tools: Toolbox, name: str, /, **given: Any) -> Any:
    """Call as a plan does: every declared argument given or defaulted, the result made a value."""
    tool = tools[name]
    args = {p.name: given.pop(p.name, p.default) for p in tool.contract.parameters}
    assert given.keys() == ({"stored"} if tool.along else set())
    args |= given  # what the call site adds of the object that is named
    prepared = tool.prepare(args, f"nonce of {name} {sorted(map(str, args.items()))}", CLOCK)
    return plain(to_value(tool.perform(prepared), tool.contract.result, PUBLIC))


def test_the_errand_of_the_demo_runs_through_the_tools(tools: Toolbox, services: Services) -> None:
    item = next(i for i in use(tools, "shop.search", shop="Northside Sports", query="Brooks Ghost 16") if i["title"] == "Brooks Ghost 16")
    assert item["price"] <= 120 and "41" in item["sizes"]
    order = use(tools, "shop.checkout", shop="Northside Sports", item=item["id"], size="41", max_total=120, card="tok_nora_4417",
                address="Nora Lindqvist, Kastanienallee 7, 10435 Berlin, DE", email="nora@lindqvist.example")
    assert order["total"] == 114.9 and order["delivery"] == dt.date(2026, 11, 27)
    assert use(tools, "shop.order", shop="Northside Sports", id=order["id"])["delivery"] == order["delivery"]
    delivery = dt.datetime.combine(order["delivery"], dt.time())
    event = use(tools, "calendar.add", title="Delivery: running shoes", start=delivery)
    listed = use(tools, "calendar.list", start=order["delivery"], end=order["delivery"])
    assert [e["title"] for e in listed if e["all_day"]] == ["Delivery: running shoes"]
    assert event["start"] == delivery
    partner = use(tools, "contacts.find", name="my running partner")
    use(tools, "mail.send", to=partner["email"], subject="New shoes", body="They come on Friday.")
    assert "They come on Friday." in services.delivered("sam@okafor.example")[-1]


def test_every_other_tool_answers_in_its_shape(tools: Toolbox) -> None:
    mails = use(tools, "mail.search", sender="sam@okafor.example", subject="Sunday run")
    assert [m["subject"] for m in mails] == ["Sunday run"]
    assert "canal" in use(tools, "mail.read", id=mails[0]["id"])
    assert use(tools, "mail.reply", id=mails[0]["id"], to=mails[0]["sender"], body="Gladly.", stored=mails[0])["copy_kept"]
    draft = use(tools, "mail.draft", to="sam@okafor.example", subject="x", body="y")
    assert use(tools, "mail.move", id=draft["id"], folder="Archive") == {"moved": True}
    archived = use(tools, "mail.search", text="", subject="")
    assert all(m["id"].startswith("INBOX/") for m in archived)
    assert use(tools, "mail.delete", id=archived[-1]["id"]) == {"deleted": True}
    assert len(use(tools, "contacts.search", group="running")) == 2
    assert use(tools, "shop.reviews", shop="Northside Sports", item="ns-ghost-16")[0]["stars"] == 5
    assert use(tools, "shop.product", shop="Riverbend Runners", item="rr-ghost-16")["price"] == 109.9
    event = use(tools, "calendar.add", title="Walk", start=dt.datetime(2026, 12, 1, 18), minutes=30)
    assert event["end"] == dt.datetime(2026, 12, 1, 18, 30)
    assert use(tools, "calendar.move", id=event["id"], start=dt.datetime(2026, 12, 1, 19)) == {"moved": True}
    assert use(tools, "calendar.busy", start=dt.date(2026, 12, 1), end=dt.date(2026, 12, 1)) == [
        {"start": dt.datetime(2026, 12, 1, 19), "end": dt.datetime(2026, 12, 1, 19, 30)}]
    assert use(tools, "calendar.remove", id=event["id"]) == {"removed": True}
