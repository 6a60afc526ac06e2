"""One calendar over CalDAV: list, free/busy, add, move, remove; a time without a zone is the owner's.

The server is told never to write to attendees (RFC 6638, SCHEDULE-AGENT=CLIENT): an invitation is a mail of ours, fixed with
the event in one request, and its readers are recipients (G5.1). An event whose attendees the server may write to is not touched.
What the protocol tells beyond the event: the server learns the time of creation to the second, and a UID derived from the nonce.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from . import calendar_object, dav, mail_message
from .base import Connector, derive, line, lines, moment, text, utc, whole
from .errors import ConnectorError, InvalidArgument, OutcomeUnknown, Refused
from .mail import Mail

EVENTS_MAX = 500
DEFAULT_MINUTES = 60  # of an event that says neither end nor length
SPAN_DAYS_MAX = 400
ATTENDEES_MAX = 50
TITLE_CHARS_MAX = 300
NOTES_CHARS_MAX = 10_000

# An encoded slash or a leading dot could name an item of another collection.
_ID = re.compile(r"(?P<name>(?!\.)(?!.*%(?:2[EF]|5C|00))[A-Za-z0-9@_.%+-]{1,200}\.ics)(#[0-9TZ:+-]{1,40})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CalendarConfig:
    """One calendar. `zone` is where its owner lives: days begin there, and times without a zone are read so."""

    dav: dav.DavConfig
    zone: str = "UTC"
    server_schedules: bool = True  # whether the server may write to attendees by itself; then events with attendees stay untouched


class Calendar(Connector):
    """One calendar as a connector; `mail` sends invitations."""

    name: ClassVar[str] = "calendar"
    parameters: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "list": ("start", "end", "text", "limit"),
        "busy": ("start", "end"),
        "add": ("title", "start", "minutes", "end", "place", "notes", "attendees"),
        "move": ("id", "start", "end"),
        "remove": ("id",),
    }

    def __init__(self, config: CalendarConfig, mail: Mail | None = None) -> None:
        self.config = config
        self._zone = ZoneInfo(config.zone)
        self._mail = mail

    # list and busy

    def _prepare_list(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        request = self._span(args, now)
        return {**request, "text": line(args, "text", ""), "limit": whole(args, "limit", 50, 1, EVENTS_MAX)}

    def _perform_list(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = request["text"].casefold()
        found = [e for e in self._events(request) if wanted in f"{e['title']}\n{e['place']}\n{e['notes']}".casefold()]
        return found[: request["limit"]]

    def _prepare_busy(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return self._span(args, now)

    def _perform_busy(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Spans without titles; touching and overlapping ones are one, so their number tells no more than their times."""
        spans: list[dict[str, Any]] = []
        for event in self._events(request):
            if event["free"] or event["end"] <= event["start"]:
                continue
            if spans and event["start"] <= spans[-1]["end"]:
                spans[-1]["end"] = max(spans[-1]["end"], event["end"])
            else:
                spans.append({"start": event["start"], "end": event["end"]})
        return spans

    def _span(self, args: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        start = self._moment(args, "start", now)
        end = self._moment(args, "end", start + timedelta(days=7), closing=True)
        if not start < end or end - start > timedelta(days=SPAN_DAYS_MAX):
            raise InvalidArgument("end", f"must lie after `start`, within {SPAN_DAYS_MAX} days")
        return {"start": utc(start).isoformat(), "end": utc(end).isoformat()}

    def _events(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        start, end = datetime.fromisoformat(request["start"]), datetime.fromisoformat(request["end"])
        found = []
        for path, _etag, data in dav.report(self.config.dav, calendar_object.query(start, end)):
            found += [e for e in calendar_object.read(data, path.rpartition("/")[2], self._zone) if e["start"] < end and start <= e["end"]]
        return sorted(found, key=lambda e: (e["start"], e["end"], e["id"]))[:EVENTS_MAX]

    # add

    def _prepare_add(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        title = line(args, "title", chars_max=TITLE_CHARS_MAX)
        place = line(args, "place", "", chars_max=TITLE_CHARS_MAX)
        notes = text(args, "notes", "", chars_max=NOTES_CHARS_MAX)
        attendees = [mail_message.address({"attendees": a}, "attendees") for a in lines(args, "attendees", ATTENDEES_MAX)]
        start, end = self._times(args)
        organizer = self._mail.config.address if self._mail and attendees else ""
        if attendees and not organizer:
            raise InvalidArgument("attendees", "need a mail account to be written to")
        uid = f"{derive(nonce, 'uid')}@discreet"
        made = {"title": title, "start": start, "end": end, "place": place, "notes": notes, "attendees": attendees, "organizer": organizer}
        request: dict[str, Any] = {"name": f"{derive(nonce, 'uid')}.ics", "data": calendar_object.write(uid, now, **made),
                                   "shown": {"title": title, "place": place, "start": self._iso(start), "end": self._iso(end)}}
        if attendees and self._mail:
            invitation = calendar_object.write(uid, now, **made, method="REQUEST")
            c = self._mail.config
            request["invitation"] = {
                "sender": c.address, "recipients": list(dict.fromkeys(attendees)), "text": self._spelled(made),
                "message": mail_message.build(c.address, c.display_name, attendees, f"Invitation: {title}"[:400],
                                              self._spelled(made), nonce, now, calendar=invitation),
            }
        return request

    def added(self, action: str, request: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """The mail that attendees get, but for the event in it, which is the arguments."""
        if "invitation" not in request:
            return ()
        return ("invitation subject", mail_message.subject_of(request["invitation"]["message"])), ("invitation text", request["invitation"]["text"])

    def _perform_add(self, request: dict[str, Any]) -> dict[str, Any]:
        dav.put(self.config.dav, request["name"], request["data"], "text/calendar")
        invited = False
        if "invitation" in request and self._mail is not None:
            try:
                self._mail._perform_send(request["invitation"])
                invited = True
            except OutcomeUnknown as error:
                raise OutcomeUnknown("event was added; whether the invitation was sent is not known") from error
            except ConnectorError:
                pass  # the event stands: that nobody was invited is told in the result
        shown = request["shown"]
        return {"id": request["name"], **shown, "start": datetime.fromisoformat(shown["start"]), "end": datetime.fromisoformat(shown["end"]),
                "invited": invited}

    # move and remove

    def _prepare_move(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        start = self._moment(args, "start", None)
        end = self._moment(args, "end", None) if "end" in args else None
        if end is not None and end <= start:
            raise InvalidArgument("end", "must lie after `start`")
        return {"name": _name(args), "start": utc(start).isoformat(), "end": utc(end).isoformat() if end else "", "stamp": utc(now).isoformat()}

    def _perform_move(self, request: dict[str, Any]) -> dict[str, Any]:
        etag, data = dav.get(self.config.dav, request["name"])
        self._untouchable(data)
        end = datetime.fromisoformat(request["end"]) if request["end"] else None
        moved = calendar_object.moved(data, datetime.fromisoformat(request["start"]), end, datetime.fromisoformat(request["stamp"]))
        dav.put(self.config.dav, request["name"], moved, "text/calendar", _strong(etag))
        return {"moved": True}

    def _prepare_remove(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return {"name": _name(args)}

    def _perform_remove(self, request: dict[str, Any]) -> dict[str, Any]:
        etag, data = dav.get(self.config.dav, request["name"])
        self._untouchable(data)
        dav.delete(self.config.dav, request["name"], _strong(etag))
        return {"removed": True}

    def _untouchable(self, data: str) -> None:
        if self.config.server_schedules and calendar_object.server_would_write(data):
            raise Refused("has_attendees", "server would write to the event's attendees by itself; nothing was changed")

    # times

    def _times(self, args: Mapping[str, Any]) -> tuple[date | datetime, date | datetime]:
        """Start and end; a start without a time of day makes a whole-day event."""
        start: Any = args.get("start")
        if isinstance(start, date) and not isinstance(start, datetime):
            end: Any = args.get("end", start)
            if isinstance(end, datetime) or not isinstance(end, date) or end < start or (end - start).days > SPAN_DAYS_MAX:
                raise InvalidArgument("end", "must be a date on or after `start`")
            return start, end + timedelta(days=1)
        minutes = whole(args, "minutes", 0, 0, SPAN_DAYS_MAX * 1440)
        if isinstance(start, datetime) and start.tzinfo is None and start.time() == time.min and not minutes and "end" not in args:
            return start.date(), start.date() + timedelta(days=1)  # a plan's bare date arrives as its first moment
        start = self._moment(args, "start", None)
        if "end" in args and minutes:
            raise InvalidArgument("minutes", "and `end` exclude each other")
        end = self._moment(args, "end", start + timedelta(minutes=minutes or DEFAULT_MINUTES))
        if end <= start:
            raise InvalidArgument("end", "must lie after `start`")
        return start, end

    def _moment(self, args: Mapping[str, Any], name: str, default: datetime | None, closing: bool = False) -> datetime:
        """A moment; a bare date means the beginning of that day here, or its end where it closes a span."""
        value = args.get(name)
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime.combine(value + timedelta(days=1 if closing else 0), time.min, self._zone)
        if isinstance(value, datetime) and value.tzinfo is None:
            return value.replace(tzinfo=self._zone)
        return moment(args, name, default)

    def _iso(self, value: date | datetime) -> str:
        if not isinstance(value, datetime):
            value = datetime.combine(value, time.min, self._zone)
        return value.astimezone(self._zone).isoformat()

    def _spelled(self, made: Mapping[str, Any]) -> str:
        def spoken() -> Iterator[str]:
            yield made["title"]
            start = made["start"]
            yield start.astimezone(self._zone).strftime("%A %d %B %Y, %H:%M %Z") if isinstance(start, datetime) else start.strftime("%A %d %B %Y")
            yield from (made[key] for key in ("place", "notes") if made[key])

        return "\n".join(spoken()) + "\n"


def _name(args: Mapping[str, Any]) -> str:
    parts = _ID.fullmatch(line(args, "id"))
    if not parts:
        raise InvalidArgument("id", "is not the id of an event")
    if "#" in args["id"]:
        raise InvalidArgument("id", "is one of a repeating event, which is not changed here")
    return parts["name"]


def _strong(etag: str) -> str:
    if not etag:
        raise Refused("changed", "server names no version of the item; nothing was written")
    return etag
