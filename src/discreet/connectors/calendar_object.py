"""Calendar objects: events written with fixed bytes, and read though an attacker may have written them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from .base import utc
from .errors import BadAnswer, Refused

EVENTS_MAX = 500
OBJECT_CHARS_MAX = 1_000_000
_NOTES_CHARS_MAX = 10_000
_PARAMETER = re.compile(r';([A-Za-z0-9-]+)=((?:"[^"]*"|[^";:])*)')
_HEAD = re.compile(r'[A-Za-z]+((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:])*)*):')  # a property up to its value


def query(start: datetime, end: datetime) -> str:
    """The REPORT body for all events in a span, repeating ones spelled out by the server."""
    span = f'start="{_stamp(start)}" end="{_stamp(end)}"'
    return (
        '<?xml version="1.0" encoding="utf-8"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        f"<D:prop><D:getetag/><C:calendar-data><C:expand {span}/></C:calendar-data></D:prop>"
        '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
        f"<C:time-range {span}/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    )


def write(uid: str, now: datetime, title: str, start: date | datetime, end: date | datetime, place: str, notes: str,
          attendees: Sequence[str], organizer: str, method: str = "") -> str:
    """One event as iCalendar text; equal arguments give equal bytes, times are written in UTC."""
    rows = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//discreet//EN"]
    rows += [f"METHOD:{method}"] if method else []
    rows += ["BEGIN:VEVENT", f"UID:{uid}", f"DTSTAMP:{_stamp(now)}", _when("DTSTART", start), _when("DTEND", end), f"SUMMARY:{_escaped(title)}"]
    rows += [f"LOCATION:{_escaped(place)}"] if place else []
    rows += [f"DESCRIPTION:{_escaped(notes)}"] if notes else []
    agent = "" if method else ";SCHEDULE-AGENT=CLIENT"
    rows += [f"ORGANIZER{agent}:mailto:{organizer}"] if organizer else []
    rows += [f"ATTENDEE{agent};PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{attendee}" for attendee in attendees]
    rows += ["END:VEVENT", "END:VCALENDAR", ""]
    return "\r\n".join(_folded(row) for row in rows)


def read(data: str, name: str, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Every event in an object as plain records; what cannot be read is left out, whatever it holds."""
    try:
        calendar = _parsed(data)
    except BadAnswer:
        return []
    events = []
    for component in calendar.walk("VEVENT")[:EVENTS_MAX]:
        try:
            events.append(_record(component, name, zone))
        except Exception:  # one malformed event must not hide the others
            continue
    return events


def moved(data: str, start: datetime, end: datetime | None, now: datetime) -> str:
    """The same object with its one event at another time, of the same length unless `end` says otherwise."""
    calendar = _parsed(data)
    events = calendar.walk("VEVENT")
    if len(events) != 1 or "RRULE" in events[0]:
        raise Refused("repeating", "a repeating event is not changed here; nothing was written")
    event = events[0]
    try:
        old_start, old_end = _times(event, ZoneInfo("UTC"))
        new_end = end or start + (old_end - old_start)
        sequence = int(event.get("SEQUENCE", 0)) + 1
        for key, value in (("DTSTART", utc(start)), ("DTEND", utc(new_end)), ("DTSTAMP", utc(now)), ("SEQUENCE", sequence)):
            event.pop(key, None)
            event.add(key.lower(), value)
        event.pop("DURATION", None)
        return calendar.to_ical().decode("utf-8")
    except (ValueError, TypeError, OverflowError, KeyError, AttributeError) as error:
        raise BadAnswer("malformed", "event cannot be read; nothing was written") from error


def server_would_write(data: str) -> bool:
    """Whether a scheduling server would mail somebody when this object changes."""
    unfolded = re.sub(r"\r?\n[ \t]", "", data)
    people = [row for row in unfolded.splitlines() if re.match(r"(ATTENDEE|ORGANIZER)[;:]", row, re.IGNORECASE)]
    return not all(map(_left_to_us, people))


def _left_to_us(row: str) -> bool:
    """Whether the one `SCHEDULE-AGENT` of a property is `CLIENT`; a parameter's text may spell it out, or the row be malformed (G5.1)."""
    head = _HEAD.match(row)
    agents = [value for name, value in _PARAMETER.findall(head[1]) if name.upper() == "SCHEDULE-AGENT"] if head else []
    return [agent.upper() for agent in agents] in (["CLIENT"], ['"CLIENT"'])


def _parsed(data: str) -> Any:
    from icalendar import Calendar

    if len(data) > OBJECT_CHARS_MAX:
        raise BadAnswer("too_large", f"calendar object is over {OBJECT_CHARS_MAX} characters")
    try:
        return Calendar.from_ical(data)
    except Exception as error:  # the library raises whatever its parts raise on hostile text
        raise BadAnswer("malformed", f"calendar object cannot be read ({type(error).__name__})") from error


def _record(event: Any, name: str, zone: ZoneInfo) -> dict[str, Any]:
    start, end = _times(event, zone)
    all_day = not isinstance(event.decoded("DTSTART"), datetime)
    again = event.get("RECURRENCE-ID")
    return {
        "id": f"{name}#{_stamp(_aware(again.dt, zone))}" if again is not None else name,
        "title": _line(event.get("SUMMARY"), 300),
        "start": start,
        "end": end,
        "all_day": all_day,
        "place": _line(event.get("LOCATION"), 300),
        "notes": _text(event.get("DESCRIPTION"))[:_NOTES_CHARS_MAX],
        "attendees": _people(event),
        "free": str(event.get("TRANSP", "")).upper() == "TRANSPARENT" or str(event.get("STATUS", "")).upper() == "CANCELLED",
    }


def _times(event: Any, zone: ZoneInfo) -> tuple[datetime, datetime]:
    first = event.decoded("DTSTART")
    start = _aware(first, zone)
    if "DTEND" in event:
        end = _aware(event.decoded("DTEND"), zone)
    elif "DURATION" in event:
        end = start + event.decoded("DURATION")
    else:
        end = start + (timedelta(0) if isinstance(first, datetime) else timedelta(days=1))
    return start, max(start, end)


def _aware(value: Any, zone: ZoneInfo) -> datetime:
    """A moment in the owner's zone; a bare date is the day's beginning, a time without a zone is local."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    found = value.replace(tzinfo=zone) if value.tzinfo is None else value
    return datetime.fromtimestamp(found.timestamp(), zone)  # overflows here, inside the guard, rather than in a caller


def _people(event: Any) -> list[str]:
    found = event.get("ATTENDEE", [])
    found = found if isinstance(found, list) else [found]
    return [_line(person, 320).removeprefix("mailto:").removeprefix("MAILTO:") for person in found[:50]]


def _line(value: Any, chars_max: int) -> str:
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", _text(value)).strip()[:chars_max]


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return str(value or "").encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\0", "")


def _stamp(value: datetime) -> str:
    return value.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def _when(key: str, value: date | datetime) -> str:
    return f"{key}:{_stamp(value)}" if isinstance(value, datetime) else f"{key};VALUE=DATE:{value.strftime('%Y%m%d')}"


def _escaped(value: str) -> str:
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    value = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", " ", value)


def _folded(row: str) -> str:
    """Lines of at most 75 bytes, cut between characters (RFC 5545, 3.1)."""
    pieces, piece, size = [], "", 0
    for character in row:
        width = len(character.encode())
        if size + width > (75 if not pieces else 74):
            pieces.append(piece)
            piece, size = "", 0
        piece += character
        size += width
    return "\r\n ".join([*pieces, piece])
