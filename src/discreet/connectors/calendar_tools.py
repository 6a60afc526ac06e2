"""The calendar as tools: the contracts of `calendar.list`, `busy`, `add`, `move`, `remove`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from discreet.kernel.contract import Contract, Effect, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import list_of, record_of, scalar, text
from discreet.tools.kept import ORDINARY
from discreet.tools.registry import Prepared, Tool

from .calendar import ATTENDEES_MAX, Calendar
from .local_time import local_tool
from .mail_tools import MAILBOX

PROVIDER = "calendar-provider"  # recipient id of the calendar's host; its role is `own-provider`
SOURCE = "calendar"  # whoever may have entered something: invitations are outside text

# Titles, places and notes may say more than that there is an event; they are kept as `schedule`, which no norm gives away whole.
BUSY = Place("calendar/busy", label((("schedule/free-busy", "user"),), (SOURCE,)), (PROVIDER,))
CALENDAR = Place("calendar", label((("schedule", "user"),), (SOURCE, "outside")), (PROVIDER,), keeps=ORDINARY, shows=(BUSY,), returns=MAILBOX)  # an invitation is a mail

EVENTS_MAX = 50
_line = text(max=300)
_id = text(max=250, attested=True, id_of="event")
_when = scalar("datetime", attested=True)
_event = record_of("Event", id=_id, title=_line, start=_when, end=_when, all_day=scalar("bool", attested=True), place=_line, notes=text(max=10_000))
_added = record_of("Added", id=_id, title=_line, start=_when, end=_when, place=_line, invited=scalar("bool"))


def calendar_tools(calendar: Calendar) -> tuple[Tool, ...]:
    """The tools of one calendar, in its owner's wall-clock time."""
    span = (Parameter("start", scalar("date"), Role.KEY), Parameter("end", scalar("date"), Role.KEY))
    made = {
        "list": Contract("calendar.list", "events between two days, both included", span, list_of(_event, EVENTS_MAX), place=CALENDAR,
                         purpose="lookup/own", recipients=(PROVIDER,)),
        "busy": Contract("calendar.busy", "when the user is not free, without saying why", span,
                         list_of(record_of("Busy", start=_when, end=_when), EVENTS_MAX), place=BUSY, purpose="lookup/own", recipients=(PROVIDER,)),
        "add": Contract(
            "calendar.add", "put an event into the calendar; attendees get an invitation by mail; minutes=0 is an hour, or from midnight the whole day",
            (Parameter("title", _line), Parameter("start", scalar("datetime"), Role.WHAT),
             Parameter("minutes", scalar("int", max=576_000), Role.WHAT, 0), Parameter("place", _line, default=""),
             Parameter("notes", text(max=10_000), default=""),
             Parameter("attendees", list_of(text(max=320), ATTENDEES_MAX), Role.WHO, (), address="mail")),
            _added, Effect.WRITE, "scheduling", CALENDAR, undoable=True, calls_max=20),
        "move": Contract(
            "calendar.move", "change when an event begins; it keeps its length", (Parameter("id", _id, Role.WHAT), Parameter("start", scalar("datetime"), Role.WHAT)),
            record_of("Moved", moved=scalar("bool")), Effect.WRITE, "scheduling", CALENDAR, undoable=True, calls_max=20),
        "remove": Contract("calendar.remove", "delete an event", (Parameter("id", _id, Role.WHAT),), record_of("Removed", removed=scalar("bool")),
                           Effect.DELETE, "scheduling", CALENDAR, calls_max=20),
    }
    tools = [local_tool(contract, calendar, action, calendar.config.zone) for action, contract in made.items()]
    return tuple(replace(one, reached="invited") if one.name == "calendar.add" else one for one in tools)


@dataclass(frozen=True, slots=True)
class _Day:
    """The exact request for a day's busy times, and which day."""

    events: Prepared
    day: dt.date

    @property
    def canonical(self) -> bytes:
        return self.events.canonical


def of_busy(contract: Contract, busy: Tool, change: Callable[[dt.date, list[Mapping[str, dt.datetime]]], Any]) -> Tool:
    """A tool that asks for one `day` as `calendar.busy` does and gives what `change` makes of the answer."""

    def prepare(given: Mapping[str, Any], nonce: str, now: dt.datetime) -> _Day:
        return _Day(busy.prepare({"start": given["day"], "end": given["day"]}, nonce, now), given["day"])

    return Tool(contract, prepare, lambda request: change(request.day, busy.perform(request.events)))
