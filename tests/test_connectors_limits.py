"""Every limit of the connectors has a name with its unit, and holds (G3.5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from discreet.connectors import attachments, calendar, calendar_object, contacts, dav, files, http, mail, mail_message, mcp, mcp_wire, shop, web
from discreet.connectors.calendar import Calendar, CalendarConfig
from discreet.connectors.errors import BadAnswer, ConnectorError, InvalidArgument, Unavailable
from discreet.connectors.files import Files, FilesConfig
from discreet.connectors.html_text import LINKS_MAX, html_to_text
from discreet.connectors.http import HttpLimits
from discreet.connectors.mail import Mail, MailConfig
from discreet.connectors.mcp import ApprovedTool, McpServer, approve
from discreet.connectors.mcp_wire import McpConfig
from discreet.connectors.shop import ShopConfig, Shops
from discreet.connectors.web import Web, WebConfig
from tests.services.clock import NOW
from tests.services.hostile import hostile

pytest_plugins = ["tests.services.fixtures"]

Call = Callable[..., Any]
ZONE = ZoneInfo("Europe/Berlin")
MAIL = Mail(MailConfig("n@x.example", "n", "127.0.0.1", 1, "127.0.0.1", 1))
CALENDAR = Calendar(CalendarConfig(dav.DavConfig("http://127.0.0.1:1/c/")), MAIL)
SHOPS = Shops((ShopConfig("S", McpConfig("s", url="http://127.0.0.1:1/mcp")),))
WEB = Web(WebConfig("http://127.0.0.1:1/?q={query}"))
START = dt.datetime(2027, 3, 1, 9, tzinfo=ZONE)


@pytest.mark.parametrize(("connector", "action", "args", "argument"), [
    (MAIL, "send", {"to": ["a@b.example"] * (mail.RECIPIENTS_MAX + 1), "subject": "x", "body": "y"}, "to"),
    (MAIL, "send", {"to": "a@b.example", "subject": "x" * (mail.SUBJECT_CHARS_MAX + 1), "body": "y"}, "subject"),
    (MAIL, "send", {"to": "a@b.example", "subject": "x", "body": "y" * 200_001}, "body"),
    (MAIL, "search", {"text": "x" * 1_001}, "text"),
    (CALENDAR, "add", {"title": "x" * (calendar.TITLE_CHARS_MAX + 1), "start": START}, "title"),
    (CALENDAR, "add", {"title": "x", "start": START, "notes": "x" * (calendar.NOTES_CHARS_MAX + 1)}, "notes"),
    (CALENDAR, "add", {"title": "x", "start": START, "minutes": calendar.SPAN_DAYS_MAX * 1440 + 1}, "minutes"),
    (CALENDAR, "add", {"title": "x", "start": START, "attendees": ["a@b.example"] * (calendar.ATTENDEES_MAX + 1)}, "attendees"),
    (CALENDAR, "list", {"start": dt.date(2027, 1, 1), "end": dt.date(2029, 1, 1)}, "end"),
    (CALENDAR, "list", {"start": dt.date(2027, 1, 1), "limit": calendar.EVENTS_MAX + 1}, "limit"),
    (SHOPS, "search", {"shop": "S", "query": "x" * 201}, "query"),
    (SHOPS, "search", {"shop": "S", "query": "x", "limit": shop.RESULTS_MAX + 1}, "limit"),
    (WEB, "read", {"url": "http://x.example/" + "x" * http.URL_CHARS_MAX}, "url"),
    (WEB, "search", {"query": "x" * (web.QUERY_CHARS_MAX + 1)}, "query"),
    (WEB, "search", {"query": "x", "limit": web.HITS_MAX + 1}, "limit"),
    (Files(FilesConfig({"d": files.Path("/")})), "read", {"path": "/".join(["d"] * (files.DEPTH_MAX + 1))}, "path"),
])
def test_what_is_too_much_to_send_is_refused_by_name(connector: Any, action: str, args: dict[str, Any], argument: str, fails: Call) -> None:
    assert fails(InvalidArgument, connector, action, **args).argument == argument


def test_a_mail_is_cut_to_its_limits() -> None:
    long = mail_message.parse(b"Subject: " + b"x" * 5_000 + b"\r\n\r\n" + b"y" * (mail_message.BODY_CHARS_MAX + 1), frozenset())
    assert len(long["text"]) == mail_message.BODY_CHARS_MAX and long["truncated"] and len(long["subject"]) <= 1_000
    part = b"--b\r\nContent-Disposition: attachment; filename=a\r\n\r\nx\r\n"
    head = b"Content-Type: multipart/mixed; boundary=b\r\nTo: " + b"a@b.example, " * 500 + b"\r\n\r\n"
    many = mail_message.parse(head + part * (attachments.ATTACHMENTS_MAX + 5) + b"--b--", frozenset())
    assert len(many["attachments"]) == attachments.ATTACHMENTS_MAX and len(many["to"]) == mail_message.ADDRESSES_MAX
    with pytest.raises(BadAnswer, match="parts"):
        mail_message.parse(head + part * attachments.PARTS_MAX + b"--b--", frozenset())


def test_calendar_objects_and_cards_are_limited() -> None:
    event = "BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20270310T070000Z\r\nDESCRIPTION:" + "x" * 20_000 + "\r\nEND:VEVENT\r\n"
    assert len(calendar_object.read(f"BEGIN:VCALENDAR\r\n{event}END:VCALENDAR\r\n", "x.ics", ZONE)[0]["notes"]) == calendar.NOTES_CHARS_MAX
    assert calendar_object.read("x" * (calendar_object.OBJECT_CHARS_MAX + 1), "x.ics", ZONE) == []
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Sam\r\nN:O;Sam;;;\r\nEND:VCARD\r\n"
    assert len(contacts.read(card * (contacts.CONTACTS_MAX + 5), "x.vcf")) == contacts.CONTACTS_MAX
    assert contacts.read(card + "x" * contacts.CARD_CHARS_MAX, "x.vcf") == []


def test_a_collection_and_its_answer_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    item = b"<response><href>/c/a.vcf</href><propstat><prop><address-data>x</address-data></prop></propstat></response>"
    body = b'<multistatus xmlns="DAV:">' + item * 3 + b"</multistatus>"
    with hostile([(b"REPORT", b"HTTP/1.1 207 X\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))]) as server:
        here = dav.DavConfig(f"http://127.0.0.1:{server.port}/c/", limits=HttpLimits(private_hosts=frozenset({"127.0.0.1"})))
        assert len(dav.report(here, "x")) == 3
        monkeypatch.setattr(dav, "ITEMS_MAX", 2)
        with pytest.raises(BadAnswer, match="over 2 items"):
            dav.report(here, "x")
        small = dav.DavConfig(here.url, limits=HttpLimits(answer_bytes_max=100, private_hosts=frozenset({"127.0.0.1"})))
        with pytest.raises(BadAnswer, match="over 100 bytes"):
            dav.report(small, "x")


def test_links_and_text_of_a_page_are_limited() -> None:
    written, links = html_to_text("<a href=x>y</a>" * (LINKS_MAX + 5), 50)
    assert len(links) == LINKS_MAX and len(written) <= 50
    assert html_to_text("<script>" * 100_000 + "x", 50) == ("", [])


def test_whatever_a_shop_lists_is_cut() -> None:
    product = {"id": "a" * 500, "title": "t" * 500, "description": {"plain": "d" * 9_000}, "variants": [{"id": str(n), "price": {"amount": 1, "currency": "EURO"}} for n in range(500)]}
    shown = shop._product(product)
    assert (len(shown["id"]), len(shown["title"]), len(shown["description"]), shown["currency"]) == (200, shop.TITLE_CHARS_MAX, shop.DESCRIPTION_CHARS_MAX, "EUR")
    found = shop._reviews({"reviews": [{"text": "x" * 9_000, "rating": 1e300}] * 500})
    assert len(found) == shop.REVIEWS_MAX and len(found[0]["text"]) == shop.REVIEW_CHARS_MAX and found[0]["stars"] == 0


@pytest.mark.parametrize("amount", [-1, shop.TOTAL_MAX * 100 + 1, 1.5, True, "1", None])
def test_an_amount_that_nobody_asks_is_no_answer(amount: Any) -> None:
    with pytest.raises(BadAnswer):
        shop._total({"totals": [{"type": "total", "amount": amount}]})
    with pytest.raises(BadAnswer, match="single total"):
        shop._total({"totals": [{"type": "total", "amount": 1}, {"type": "total", "amount": 2}]})


_LISTS_FOREVER = """
import json, sys
for row in sys.stdin:
    asked = json.loads(row)
    if asked.get("method") == "initialize":
        answer = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}
    elif asked.get("method") == "tools/list":
        answer = {"tools": [{"name": "t", "inputSchema": {"type": "object"}}] * %d, "nextCursor": "again"}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}), flush=True)
"""


@pytest.mark.parametrize("tools", [1, mcp_wire.TOOLS_MAX + 1])
def test_a_tool_list_without_end_is_cut(tools: int) -> None:
    import sys

    server = McpServer(McpConfig("x", command=(sys.executable, "-c", _LISTS_FOREVER % tools), mode="legacy"))
    with pytest.raises(BadAnswer, match="lists over"):
        server.offered()
    server.close()


def test_schemas_and_arguments_of_mcp_tools_are_limited() -> None:
    with pytest.raises(InvalidArgument, match="schema"):
        approve({"name": "t", "digest": "0", "schema": {"description": "x" * mcp.SCHEMA_BYTES_MAX}})
    server = McpServer(McpConfig("x", url="http://127.0.0.1:1/"), (ApprovedTool("t", "0", {"type": "object", "properties": {"a": {}}}),))
    with pytest.raises(InvalidArgument, match="arguments"):
        server.prepare("t", {"a": "x" * mcp.ARGUMENT_BYTES_MAX}, "a nonce that is long", NOW)


@pytest.mark.parametrize("seconds", [0.3])
def test_a_call_ends_at_its_deadline_however_the_bytes_trickle(seconds: float) -> None:
    import time

    with hostile([(b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab")]) as server:
        here = HttpLimits(timeout_s=seconds, private_hosts=frozenset({"127.0.0.1"}))
        began = time.monotonic()
        with pytest.raises(Unavailable, match=f"within {seconds} s"):
            http.request("GET", f"http://127.0.0.1:{server.port}/", (), b"", here)
        assert time.monotonic() - began < 10


def test_errors_are_all_of_one_family() -> None:
    assert {kind.__name__ for kind in ConnectorError.__subclasses__()} == {"InvalidArgument", "Refused", "Unavailable", "BadAnswer", "OutcomeUnknown"}
