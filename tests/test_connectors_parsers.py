"""Whatever bytes outsiders send, our parsers return the declared record or raise a declared error, and nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discreet.connectors import calendar_object, contacts, dav, mail_message
from discreet.connectors.errors import BadAnswer, ConnectorError, InvalidArgument
from discreet.connectors.html_text import html_to_text
from discreet.connectors.http import parse_url
from discreet.connectors.shop import _check, _ordered, _product, _said_yes
from discreet.connectors.mcp_wire import Answer
from discreet.kernel.label import PUBLIC
from discreet.kernel.shape import record_of, scalar, text, to_value

FAST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TRUSTED = frozenset({"mail.demo.example"})
ZONE = ZoneInfo("Europe/Berlin")

_names = st.sampled_from([b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"Authentication-Results", b"Content-Type", b"Content-Transfer-Encoding", b"Content-Disposition", b"X"])
_values = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([
        b"=?utf-8?b?////?=", b"=?nonsense?q?x?=", b"=?utf-8?q?=0D=0ABcc:?=", b"multipart/mixed; boundary=b", b"multipart/mixed; boundary=\"", b"text/html; charset=utf-7",
        b"text/plain; charset=\"\x00\"", b"message/rfc822", b"message/external-body; access-type=x", b"base64", b"x-uuencode", b"quoted-printable", b"a@b.example", b"<a@b.example>, x",
        b"Sam <sam@okafor.example>", b"mail.demo.example; auth=pass smtp.auth=sam@okafor.example", b"mail.demo.example; (((", b"Mon, 99 Foo 20260 99:99:99 +9999", b"Mon, 1 Jan 0001 00:00:00 -9999",
        b"attachment; filename*=utf-8''%ff%00", b"attachment; filename*0*=x; filename*2=y", b"\xff\xfe", b"x\r\n y", b"group: a@b.example, c@d.example;"]),
)
_mails = st.builds(
    lambda rows, body: b"".join(n + b": " + v + b"\r\n" for n, v in rows) + b"\r\n" + body,
    st.lists(st.tuples(_names, _values), max_size=12),
    st.one_of(st.binary(max_size=200), st.sampled_from([b"--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n--b--", b"--b\r\n" * 30, b"begin 666 x\r\n!!!\r\nend", b"<![CDATA[<!--<script>"])),
)
_mail_shape = record_of(
    "M", message_id=text(max=300), in_reply_to=text(max=300), sender=text(max=330), sender_name=text(max=200), sender_verified=scalar("bool"), subject=text(max=1_000),
    date=scalar("datetime", optional=True), text=text(max=mail_message.BODY_CHARS_MAX), truncated=scalar("bool"))


@FAST
@given(_mails | st.binary(max_size=400))
def test_any_mail_is_a_record_or_a_bad_answer(raw: bytes) -> None:
    try:
        found = mail_message.parse(raw, TRUSTED)
    except BadAnswer:
        return
    to_value(found, _mail_shape, PUBLIC)
    for line in (found["subject"], found["sender"], found["sender_name"], *found["to"], *found["cc"]):
        assert len(line.splitlines()) <= 1 and "\0" not in line
    str(found).encode()  # no half characters


@FAST
@given(_mails)
def test_no_mail_verifies_itself(raw: bytes) -> None:
    """A forged verdict below the server's own, which is always put on top, changes nothing."""
    assert mail_message.parse(b"Authentication-Results: mail.demo.example; none\r\n" + raw, TRUSTED)["sender_verified"] is False


@pytest.mark.parametrize(("headers", "verified"), [
    ("Authentication-Results: mail.demo.example; auth=pass smtp.auth=sam@okafor.example\r\nFrom: Sam <sam@okafor.example>", True),
    ("Authentication-Results: mail.demo.example; dmarc=pass header.from=okafor.example\r\nFrom: SAM@okafor.example", True),
    ("Authentication-Results: mail.demo.example; auth=pass smtp.auth=tilda@brandt.example\r\nFrom: sam@okafor.example", False),
    ("Authentication-Results: evil.example; auth=pass smtp.auth=sam@okafor.example\r\nFrom: sam@okafor.example", False),
    ("Authentication-Results: evil.example; none\r\nAuthentication-Results: mail.demo.example; auth=pass smtp.auth=sam@okafor.example\r\nFrom: sam@okafor.example", False),
    ("Authentication-Results: mail.demo.example; auth=pass smtp.auth=sam@okafor.example\r\nFrom: sam@okafor.example\r\nFrom: tilda@brandt.example", False),
    ("Authentication-Results: mail.demo.example; auth=pass smtp.auth=sam@okafor.example\r\nFrom: sam@okafor.example, evil@x.example", False),
    ("Authentication-Results: mail.demo.example; dkim=pass header.d=okafor.example\r\nFrom: sam@okafor.example", False),
    ("Authentication-Results: mail.demo.example; (auth=pass smtp.auth=sam@okafor.example) none\r\nFrom: sam@okafor.example", False),
    ("Authentication-Results: mail.demo.example.evil; auth=pass smtp.auth=sam@okafor.example\r\nFrom: sam@okafor.example", False),
    ("Authentication-Results: mail.demo.example; auth=pass smtp.auth=sam@okafor.example\r\nFrom: \"sam@okafor.example\" <evil@x.example>", False),
    ("From: sam@okafor.example", False),
])
def test_a_sender_is_verified_only_by_the_topmost_trusted_verdict(headers: str, verified: bool) -> None:  # G2.5
    assert mail_message.parse(f"{headers}\r\n\r\nx".encode(), TRUSTED)["sender_verified"] is verified


_rows = st.lists(st.sampled_from([
    "BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "END:VTIMEZONE", "TZID:Nowhere", "BEGIN:STANDARD", "END:STANDARD", "TZOFFSETFROM:+9999", "TZOFFSETTO:x",
    "DTSTART:20270310T070000Z", "DTSTART:20270310", "DTSTART;VALUE=DATE:20270399", "DTSTART;TZID=Nowhere:20270310T070000", "DTSTART;TZID=Europe/Berlin:00010101T000000", "DTSTART:99991231T235959Z",
    "DTEND:00010101T000000Z", "DTEND;VALUE=DATE:20270311", "DURATION:P99999999999D", "DURATION:-PT1H", "DURATION:x", "RRULE:FREQ=SECONDLY", "RECURRENCE-ID:20270310T070000Z", "RECURRENCE-ID:x",
    "SUMMARY:x\\n\\,y", "SUMMARY;ENCODING=BASE64:////", "SUMMARY:a", "SUMMARY:b", "LOCATION", ":", ";;;:::", "ATTENDEE:mailto:a@b.example", "ATTENDEE;X=\":x", "STATUS:CANCELLED", "SEQUENCE:x", "UID:a", " folded", "\t", "\x00"]), max_size=25)


@FAST
@given(st.one_of(_rows.map("\r\n".join), _rows.map(lambda rows: "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "DTSTART:20270310T070000Z", *rows, "END:VEVENT", "END:VCALENDAR"])), st.text(max_size=300)))
def test_any_calendar_object_is_events_or_nothing(data: str) -> None:
    for event in calendar_object.read(data, "x.ics", ZONE):
        assert event["start"].tzinfo is not None and event["start"] <= event["end"]
        assert "\n" not in event["title"] + event["place"] and isinstance(event["attendees"], list)
    calendar_object.server_would_write(data)
    try:
        calendar_object.moved(data, dt.datetime(2027, 1, 1, tzinfo=ZONE), None, dt.datetime(2027, 1, 1, tzinfo=ZONE))
    except ConnectorError:
        pass


@pytest.mark.parametrize("row,writes", [
    ("ORGANIZER:mailto:eve@x.example", True), ('ORGANIZER;CN="SCHEDULE-AGENT=CLIENT":mailto:eve@x.example', True), ("ORGANIZER;CN=SCHEDULE-AGENT=CLIENT:mailto:eve@x.example", True),
    ('ATTENDEE;CN="x;SCHEDULE-AGENT=CLIENT":mailto:eve@x.example', True), ("ATTENDEE;SCHEDULE-AGENT=CLIENTS:mailto:eve@x.example", True),
    ("ATTENDEE;SCHEDULE-AGENT=SERVER;SCHEDULE-AGENT=CLIENT:mailto:eve@x.example", True), ('ATTENDEE;CN="x;SCHEDULE-AGENT=CLIENT:mailto:eve@x.example', True),
    ("ORGANIZER;SCHEDULE-AGENT=CLIENT:mailto:eve@x.example", False), ('ATTENDEE;cn="a;b:c";schedule-agent=client;RSVP=TRUE:mailto:eve@x.example', False),
    ('ATTENDEE;CN=Eve;SCHEDULE-AG\r\n ENT="CLIENT":mailto:eve@x.example', False), ("SUMMARY:ATTENDEE", False),
])  # fmt: skip
def test_whom_the_server_would_write_to_is_read_from_parameters(row: str, writes: bool) -> None:
    """G5.1: a display name may spell out a parameter."""
    assert calendar_object.server_would_write(f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{row}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n") is writes


@FAST
@given(title=st.text(max_size=80), place=st.text(max_size=80), notes=st.text(max_size=200))
def test_what_is_written_into_an_event_is_read_back_as_one_event(title: str, place: str, notes: str) -> None:
    """No title, place or note adds a property, an attendee or a second event."""
    start = dt.datetime(2027, 3, 10, 9, tzinfo=ZONE)
    try:
        data = calendar_object.write("uid", start, title, start, start + dt.timedelta(hours=1), place, notes, (), "")
        data.encode()
    except UnicodeEncodeError:
        return
    assert all(len(row.encode()) <= 75 for row in data.split("\r\n"))
    properties = {row.split(":")[0].split(";")[0] for row in data.replace("\r\n ", "").split("\r\n")} - {""}
    assert properties <= {"BEGIN", "VERSION", "PRODID", "UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "LOCATION", "DESCRIPTION", "END"}
    events = calendar_object.read(data, "x.ics", ZONE)
    assert len(events) == 1 and events[0]["attendees"] == []


@FAST
@given(st.lists(st.sampled_from(["BEGIN:VCARD", "END:VCARD", "VERSION:3.0", "VERSION:x", "FN:Sam", "N:Okafor;Sam;;;", "N", "EMAIL:a@b.example", "EMAIL;TYPE=x;ENCODING=b:////", "ADR:;;;;;;", "ADR:x",
                                 "CATEGORIES:a,b", "BDAY:x", "item1.EMAIL:c@d.example", "ENCODING=QUOTED-PRINTABLE:=", " x", ":", "X-RELATION:y", "PHOTO;ENCODING=b:%%%"]), max_size=20).map("\r\n".join) | st.text(max_size=200))
def test_any_card_is_people_or_nothing(data: str) -> None:
    for card in contacts.read(data, "x.vcf"):
        assert all(len(card[key].splitlines()) <= 1 for key in ("name", "email", "phone", "address", "relation"))


@FAST
@given(st.binary(max_size=300) | st.sampled_from([b"<a>" * 5_000, b"<?xml version='1.0' encoding='utf-16'?><a/>", b"<a xmlns='DAV:'><response><href>x</href></response></a>"]))
def test_any_xml_is_a_tree_or_a_bad_answer(raw: bytes) -> None:
    try:
        dav._xml(raw)
    except BadAnswer:
        pass


@FAST
@given(st.lists(st.sampled_from(["<p>", "</p>", "<script>", "</script>", "<!--", "-->", "<![CDATA[", "<a href='x'>", "</a>", "<a href=\"javascript:x\">", "&#0;", "&#xD800;", "&amp", "<!DOCTYPE", "<?x", "<", ">", "text", "<svg>",
                                 "<noscript>", "\x00", "<br/>", "<style>", "</style>"]), max_size=40).map("".join) | st.text(max_size=300))
def test_any_html_is_text_and_links(html: str) -> None:
    written, links = html_to_text(html, 100)
    assert len(written) <= 100 and all(set(link) == {"text", "url"} for link in links)


@FAST
@given(st.text(max_size=80) | st.lists(st.sampled_from(["http://", "https://", "x.example", "@", ":", "/", "\\", "?", "#", "[", "]", "80", "%00", " ", "..", "\t"]), max_size=10).map("".join))
def test_any_text_is_an_address_or_refused(url: str) -> None:
    try:
        parts = parse_url(url)
    except InvalidArgument:
        return
    assert parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc


_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["id", "title", "price", "amount", "currency", "variants", "availability", "available", "options", "name", "label", "line_items", "item", "quantity", "totals", "type", "total",
                         "status", "order", "fulfillment", "methods", "groups", "messages", "ucp", "rating", "value", "description", "plain"]), inner, max_size=6), max_leaves=30)


@FAST
@given(_json)
def test_any_answer_of_a_shop_is_a_record_or_a_declared_error(answer: Any) -> None:
    request = {"item": "a", "quantity": 1, "currency": "EUR", "cents_max": 100, "size": ""}
    for read in (lambda: _product(answer), lambda: _check(answer, "a", request), lambda: _ordered(answer, answer), lambda: _said_yes(Answer("", answer))):
        if not isinstance(answer, dict):
            answer = {}
        try:
            read()
        except ConnectorError:
            pass
