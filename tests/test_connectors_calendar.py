"""Calendar and contacts against a real CalDAV and CardDAV server, and against ones that answer nonsense."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from discreet.connectors import dav
from discreet.connectors.calendar import Calendar, CalendarConfig
from discreet.connectors.contacts import Contacts
from discreet.connectors.errors import BadAnswer, InvalidArgument, OutcomeUnknown, Refused, Unavailable
from discreet.connectors.http import HttpLimits
from discreet.connectors.mail import Mail
from discreet.demo.services.start import Services, start
from tests.services.clock import NOW, TODAY
from tests.services.hostile import hostile

pytest_plugins = ["tests.services.fixtures"]

Call = Callable[..., Any]
BERLIN = ZoneInfo("Europe/Berlin")
SAM, TILDA = "sam@okafor.example", "tilda@brandt.example"


@pytest.fixture(scope="module")
def calendar(services: Services) -> Calendar:
    return Calendar(services.calendar(), Mail(services.mail()))


@pytest.fixture(scope="module")
def contacts(services: Services) -> Contacts:
    return Contacts(services.contacts())


def on(day: int, hour: int = 0, minute: int = 0) -> dt.datetime:
    """A moment in March 2027, when nobody else has entered anything."""
    return dt.datetime(2027, 3, day, hour, minute, tzinfo=BERLIN)


def titles(found: list[dict[str, Any]]) -> list[str]:
    return [event["title"] for event in found]


def at(port: int) -> dav.DavConfig:
    return dav.DavConfig(f"http://127.0.0.1:{port}/c/", limits=HttpLimits(timeout_s=2, private_hosts=frozenset({"127.0.0.1"})))


def test_an_event_is_added_found_moved_and_removed(calendar: Calendar, call: Call, fails: Call) -> None:
    added = call(calendar, "add", title="Läufer; Treffen, \\ \"x\"", start=on(1, 18), minutes=45, place="Kanal", notes="a\nb; c, d\\n\nEND:VEVENT")
    found = call(calendar, "list", start=dt.date(2027, 3, 1), end=dt.date(2027, 3, 1))
    assert titles(found) == ["Läufer; Treffen, \\ \"x\""] and found[0]["notes"] == "a\nb; c, d\\n\nEND:VEVENT"
    assert (found[0]["start"], found[0]["end"]) == (on(1, 18), on(1, 18, 45))
    call(calendar, "move", id=added["id"], start=on(2, 7))
    moved = call(calendar, "list", start=dt.date(2027, 3, 1), end=dt.date(2027, 3, 2))
    assert [(e["start"], e["end"]) for e in moved] == [(on(2, 7), on(2, 7, 45))] and titles(moved) == titles(found)
    assert call(calendar, "remove", id=added["id"]) == {"removed": True}
    assert fails(Refused, calendar, "remove", id=added["id"]).code == "gone"


def test_days_zones_and_summer_time(calendar: Calendar, call: Call) -> None:
    call(calendar, "add", title="whole day", start=dt.date(2027, 3, 28))  # the day on which the clocks change: 23 hours
    call(calendar, "add", title="from elsewhere", start=dt.datetime(2027, 3, 28, 23, tzinfo=ZoneInfo("America/New_York")), minutes=30)
    call(calendar, "add", title="wall clock", start=dt.datetime(2027, 3, 28, 12))
    found = {e["title"]: e for e in call(calendar, "list", start=dt.date(2027, 3, 28), end=dt.date(2027, 3, 29))}
    assert found["whole day"]["all_day"] and found["whole day"]["end"] - found["whole day"]["start"] == dt.timedelta(days=1)
    assert found["from elsewhere"]["start"].isoformat() == "2027-03-29T05:00:00+02:00"
    assert found["wall clock"]["start"].isoformat() == "2027-03-28T12:00:00+02:00"
    assert "from elsewhere" not in titles(call(calendar, "list", start=dt.date(2027, 3, 28), end=dt.date(2027, 3, 28)))


def test_repeating_events_are_spelled_out_and_not_changed(calendar: Calendar, services: Services, call: Call, fails: Call) -> None:
    data = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:weekly\r\nDTSTAMP:20270101T000000Z\r\nDTSTART:20270405T070000Z\r\nDURATION:PT1H\r\n"
            "RRULE:FREQ=WEEKLY;COUNT=4\r\nSUMMARY:Weekly\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    dav.put(calendar.config.dav, "weekly.ics", data, "text/calendar")
    found = call(calendar, "list", start=dt.date(2027, 4, 1), end=dt.date(2027, 4, 30))
    assert [e["start"].day for e in found] == [5, 12, 19, 26]
    fails(InvalidArgument, calendar, "remove", id=found[0]["id"])
    assert fails(Refused, calendar, "move", id="weekly.ics", start=on(1)).code == "repeating"


def test_busy_tells_times_and_nothing_else(calendar: Calendar, call: Call) -> None:  # G6.2
    for title, hour in (("HIV check", 9), ("overlaps", 9), ("touches", 10), ("later", 14)):
        call(calendar, "add", title=title, start=on(5, hour), minutes=60)
    assert call(calendar, "busy", start=dt.date(2027, 3, 5), end=dt.date(2027, 3, 5)) == [
        {"start": on(5, 9), "end": on(5, 11)}, {"start": on(5, 14), "end": on(5, 15)}]


def test_invitations_are_mails_of_ours_fixed_with_the_event(calendar: Calendar, services: Services, call: Call) -> None:  # G5.1
    prepared = calendar.prepare("add", {"title": "Run", "start": on(7, 9), "attendees": [SAM, TILDA]}, "a nonce of invitations", NOW)
    assert calendar.perform(prepared)["invited"]
    message = prepared.request()["invitation"]["message"]
    assert services.delivered(SAM)[-1] == services.delivered(TILDA)[-1] == message and "METHOD:REQUEST" in message
    stored = dav.get(calendar.config.dav, prepared.request()["name"])[1]
    assert stored.replace("\r\n ", "").count("SCHEDULE-AGENT=CLIENT") == 3


def test_that_nobody_was_invited_is_told(calendar: Calendar, services: Services, call: Call) -> None:
    silenced = Calendar(services.calendar(), Mail(services.mail(password="wrong")))
    added = call(silenced, "add", title="no mail", start=on(9), attendees=[SAM])
    assert added["invited"] is False and call(calendar, "remove", id=added["id"])


def test_content_cannot_add_attendees(calendar: Calendar, services: Services, call: Call, fails: Call) -> None:  # RED_TEAM: an event with attendees sends mail
    evil = "x\r\nATTENDEE:mailto:evil@x.example"
    assert fails(InvalidArgument, calendar, "add", title=evil, start=on(8)).argument == "title"
    assert fails(InvalidArgument, calendar, "add", title="x", start=on(8), place=evil).argument == "place"
    assert fails(InvalidArgument, calendar, "add", title="x", start=on(8), attendees=["a@b.example;X=1:mailto:evil@x.example"]).argument == "attendees"
    call(calendar, "add", title="notes", start=on(8), notes=evil + "\nEND:VEVENT\nBEGIN:VEVENT")
    assert [e["attendees"] for e in call(calendar, "list", start=dt.date(2027, 3, 8), end=dt.date(2027, 3, 8))] == [[]]


def test_an_event_that_the_server_would_mail_about_is_not_touched(calendar: Calendar, call: Call, fails: Call) -> None:
    data = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:invited\r\nDTSTAMP:20270101T000000Z\r\nDTSTART:20270310T070000Z\r\nDTEND:20270310T080000Z\r\n"
            f"ORGANIZER:mailto:boss@x.example\r\nATTEN\r\n DEE;CN=Sam:mailto:{SAM}\r\nSUMMARY:Invited\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    dav.put(calendar.config.dav, "invited.ics", data, "text/calendar")
    scheduling = Calendar(CalendarConfig(calendar.config.dav, "Europe/Berlin"))
    for action, more in (("remove", {}), ("move", {"start": on(11)})):
        assert fails(Refused, scheduling, action, id="invited.ics", **more).code == "has_attendees"
    assert call(scheduling, "list", start=dt.date(2027, 3, 10), end=dt.date(2027, 3, 10))[0]["attendees"] == [SAM]


@pytest.mark.parametrize(("args", "argument"), [
    ({"title": "x"}, "start"), ({"title": "x", "start": "tomorrow"}, "start"), ({"start": on(1)}, "title"), ({"title": "x", "start": on(2), "end": on(1)}, "end"),
    ({"title": "x", "start": on(1), "minutes": -5}, "minutes"), ({"title": "x", "start": on(1), "end": on(2), "minutes": 5}, "minutes"), ({"title": "x" * 301, "start": on(1)}, "title"),
])
def test_impossible_events_are_refused(args: dict[str, Any], argument: str, calendar: Calendar, fails: Call) -> None:
    assert fails(InvalidArgument, calendar, "add", **args).argument == argument


@pytest.mark.parametrize("id_", ["", "../x.ics", "x", "a/b.ics", "x.ics?y", "x.ics\r\nHost: y", "%2e%2e/x.ics", "..%2Fcontacts%2Fsam.ics", "..%2fx.ics", "a%5Cb.ics", ".ics", "..ics", "%2E.ics"])
def test_ids_stay_within_the_collection(id_: str, calendar: Calendar, fails: Call) -> None:
    fails(InvalidArgument, calendar, "remove", id=id_)


def test_one_unreadable_event_does_not_hide_the_others(calendar: Calendar, call: Call) -> None:
    from discreet.connectors.calendar_object import read

    good = "BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20270310T070000Z\r\nSUMMARY:good\r\nEND:VEVENT\r\n"
    bad = "BEGIN:VEVENT\r\nUID:b\r\nDTSTART:99999999T999999Z\r\nSUMMARY:bad\r\nEND:VEVENT\r\n"
    assert titles(read(f"BEGIN:VCALENDAR\r\n{bad}{good}END:VCALENDAR\r\n", "x.ics", BERLIN)) == ["good"]


def test_people_are_found_by_equality_and_alone(contacts: Contacts, call: Call, fails: Call) -> None:  # G3.6
    for name in ("Sam Okafor", "sam  okafor", "Sam", "my running partner", "Running Partner"):
        assert call(contacts, "find", name=name)["email"] == SAM
    for name in ("Sa", "Sam O", "amOkafor", "okafor", "partner", "*", ""):
        assert fails(Refused, contacts, "find", name=name).code == "nobody"
    assert call(contacts, "find", name="my dentist")["name"] == "Dr. Jan Wolff"
    assert {c["name"] for c in call(contacts, "search", group="running")} == {"Sam Okafor", "Tilda Brandt"}


def test_a_collected_card_that_bears_a_friends_name_is_not_found(contacts: Contacts, call: Call) -> None:  # RED_TEAM
    assert not call(contacts, "search", email="sam.okafor@freemail-login.example")
    assert len(call(contacts, "search", name="Sam Okafor")) == 1


def test_two_of_one_name_are_nobody_in_particular(contacts: Contacts, services: Services, call: Call, fails: Call) -> None:
    for number in (1, 2):
        dav.put(contacts.config, f"twin{number}.vcf", f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:t{number}\r\nFN:Kim Twin\r\nN:Twin;Kim;;;\r\nEMAIL:kim{number}@x.example\r\nEND:VCARD\r\n", "text/vcard")
    assert fails(Refused, contacts, "find", name="Kim Twin").code == "several"


def test_the_server_does_not_learn_whom_one_looks_for(contacts: Contacts, services: Services, call: Call) -> None:
    seen = []
    for name in ("Sam", "Tilda"):
        before = len(services.observed("dav"))
        call(contacts, "find", name=name)
        seen.append(services.observed("dav")[before:])
    assert seen[0] == seen[1] and len(seen[0]) == 1


def test_a_wrong_password_is_refused(services: Services, fails: Call) -> None:
    right = services.contacts()
    wrong = dav.DavConfig(right.url, right.user, "wrong", right.limits)
    assert fails(Refused, Contacts(wrong), "find", name="Sam").code == "login"


@pytest.mark.parametrize("body", [b"", b"<a>", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", b"\xff\xfe<\x00", b"<multistatus/>" * 2, b"<x>" * 100_000])
def test_answers_that_are_no_multistatus_are_bad(body: bytes, fails: Call) -> None:
    with hostile([(b"REPORT", b"HTTP/1.1 207 X\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))]) as server:
        fails(BadAnswer, Contacts(at(server.port)), "find", name="Sam")


_STORED = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20270310T070000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
_GET = (b"GET", b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: %d\r\n\r\n%b' % (len(_STORED), _STORED))


@pytest.mark.parametrize("end", [b"CLOSE", b"HANG", b"nonsense\r\n\r\n"])
@pytest.mark.parametrize("action", ["add", "move", "remove"])
def test_silence_after_a_change_is_unknown_and_nothing_is_sent_again(action: str, end: bytes, fails: Call) -> None:  # G8.1
    args: dict[str, Any] = {"add": {"title": "x", "start": on(1)}, "move": {"id": "a.ics", "start": on(1)}, "remove": {"id": "a.ics"}}[action]
    with hostile([_GET, (b"PUT", end), (b"DELETE", end)]) as server:
        fails(OutcomeUnknown, Calendar(CalendarConfig(at(server.port), server_schedules=False)), action, **args)
        assert sum(seen.startswith((b"PUT", b"DELETE")) for seen in server.seen) == 1


def test_a_change_made_meanwhile_is_not_overwritten(fails: Call) -> None:
    with hostile([_GET, (b"PUT", b"HTTP/1.1 412 X\r\nContent-Length: 0\r\n\r\n")]) as server:
        calendar = Calendar(CalendarConfig(at(server.port), server_schedules=False))
        assert fails(Refused, calendar, "move", id="a.ics", start=on(1)).code == "changed"
        assert b'if-match: "1"' in server.seen[-1]


def test_a_killed_server_is_unavailable(tmp_path: Any, fails: Call) -> None:
    with start(tmp_path, today=TODAY, only=frozenset({"dav"})) as services:
        calendar = Calendar(services.calendar())
        services.kill("web")  # the relay in front of it
        fails(Unavailable, calendar, "list", start=TODAY, end=TODAY)
        fails(Unavailable, calendar, "add", title="x", start=on(1))
