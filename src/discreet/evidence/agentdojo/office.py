"""Contracts of the workspace suite: mailbox, calendar and cloud drive; the travel suite shares the first two.

Anybody can mail the user, invite them to an event or share a file with them, so all contents come from outside. The providers
vouch for senders, addresses, ids, times, sizes and who shares a file. Address book: of the contacts that the mailbox collected
only those to whom the user has written, since strangers put the others there (G3.6).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from discreet.evidence.agentdojo.house import OWN, House, Services, acting, arg, day, key, reading, service
from discreet.kernel.contract import Effect, Place, Recipient, Role
from discreet.kernel.label import label
from discreet.kernel.shape import enum, list_of, record_of, scalar, text
from discreet.kernel.value import Standing, Value
from discreet.tools.directory import Directory, Entry
from discreet.tools.kept import ORDINARY
from discreet.tools.registry import Tool

PROVIDERS = {name: service(name, *OWN) for name in ("mail-provider", "calendar-provider", "drive-provider")}
_MESSAGE, _FILE, _EVENT = ("communication/message", "user"), ("document/file", "user"), ("schedule/event", "user")
MAILBOX = Place("mail", label((_MESSAGE,), ("mail",)), ("mail-provider",), keeps=ORDINARY)
CALENDAR = Place("calendar", label((_EVENT,), ("calendar",)), ("calendar-provider",), keeps=ORDINARY)
DRIVE = Place("drive", label((_FILE,), ("drive",)), ("drive-provider",), keeps=ORDINARY)

_line = text(max=2_000)
_body = text(max=60_000)
_mail_address = text(max=320, attested=True)
_id = text(max=60, attested=True)
_when = scalar("datetime", attested=True)
_email = record_of(
    "Email", id=_id, sender=_mail_address, recipients=list_of(_mail_address), cc=list_of(_mail_address), subject=_line, body=_body, timestamp=_when,
    read=scalar("bool", attested=True),
)  # fmt: skip
_contact = record_of("Contact", name=text(("contact/name", "others"), max=200, attested=True), email=_mail_address)
_event = record_of(
    "Event", id=_id, title=_line, description=_body, start_time=_when, end_time=_when, location=_line, participants=list_of(_mail_address),
    status=text(max=20, attested=True),
)  # fmt: skip
_share = record_of("Share", email=_mail_address, permission=text(max=4, attested=True))
_file = record_of(
    "File", id=_id, filename=text(max=300, attested=True), content=_body, owner=_mail_address, last_modified=_when,
    shared_with=list_of(_share), size=scalar("int", max=10**9, attested=True),
)  # fmt: skip
_done = record_of("Done", done=scalar("bool"))
_addresses = list_of(text(max=320), 50)
_more = replace(_addresses, optional=True)
_attached = replace(list_of(text(max=60), 50), optional=True)


def workspace(house: House) -> Services:
    """The tools of one mailbox, calendar and drive."""
    tools = (*_mail(house), send_email(house), *_calendar(house), *_drive(house))
    fixed = {**PROVIDERS, **_readers(house)}
    return Services(tools, Directory(correspondents(house.environment), fixed))


def correspondents(environment: Any) -> list[Entry]:
    """The user's own addresses, and everybody to whom the user has written."""
    inbox = environment.inbox
    own = inbox.account_email
    written = [a for m in inbox.emails.values() if m.sender == own for a in (*m.recipients, *m.cc, *m.bcc)]
    company = own.partition("@")[2]
    known = [
        Entry(f"mail:{a}", _names(environment).get(a, a), frozenset({"colleague" if a.endswith("@" + company) else "acquaintance"}), (("mail", a),))
        for a in dict.fromkeys(written)
        if a != own
    ]
    return [Entry("user", "you", frozenset({"user"}), (("mail", own),)), *known]


def _names(environment: Any) -> dict[str, str]:
    return {c.email: c.name for c in environment.inbox.contact_list}


def _readers(house: House) -> dict[str, Recipient]:
    """Everybody who shares a file or is in an event of the user's, as readers of those places."""
    events = house.environment.calendar.events.values()
    files = house.environment.cloud_drive.files.values()
    found = {f"event:{a}": Recipient(f"event:{a}", f"mail:{a}", frozenset({"invitee"}), a) for e in events for a in e.participants}
    shared = {a for f in files for a in (*f.shared_with, f.owner)}
    return {**found, **{f"shared:{a}": Recipient(f"shared:{a}", f"mail:{a}", frozenset({"sharer"}), a) for a in shared}}


# ---------------------------------------------------------------------------------------------------- mail


def _mail(house: House) -> tuple[Tool, ...]:
    query = key("query", _line)

    def find(name: str) -> Any:
        known = [e for e in correspondents(house.environment) if e.owner != "user"]
        wanted = name.strip().casefold()
        fits = [e for e in known if wanted in (e.name.casefold(), e.name.casefold().split()[0])]
        return {"name": fits[0].name, "email": fits[0].addresses[0][1]} if len(fits) == 1 else None

    return (
        reading("contacts.find", "the one person of the address book with this first or full name; None if there is not exactly one",
                (key("name", text(max=200)),), record_of("Contact", True, **_contact.fields), NOWRITER, find, resolves=True),
        reading("mail.search_contacts_by_name", "contacts whose name holds a text", (query,), list_of(_contact), MAILBOX,
                lambda query: [c.model_dump() for c in house.search("search_contacts_by_name", query=query)]),
        reading("mail.search_contacts_by_email", "contacts whose address holds a text", (query,), list_of(_contact), MAILBOX,
                lambda query: [c.model_dump() for c in house.search("search_contacts_by_email", query=query)]),
        reading("mail.search_emails", "mails that hold a text in subject or body (an empty one: all), of one sender's address if given",
                (query, key("sender", text(max=320), "")), list_of(_email), _searched,
                lambda query, sender: [_mail_shown(m) for m in house.search("search_emails", query=query, sender=sender or None)]),
        reading("mail.get_received_emails", "all mails received", (), list_of(_email), MAILBOX, lambda: [_mail_shown(m) for m in house.call("get_received_emails")]),
        reading("mail.get_sent_emails", "all mails sent", (), list_of(_email), MAILBOX, lambda: [_mail_shown(m) for m in house.call("get_sent_emails")]),
        reading("mail.get_draft_emails", "all drafts", (), list_of(_email), MAILBOX, lambda: [_mail_shown(m) for m in house.call("get_draft_emails")]),
        acting("mail.get_unread_emails", "all unread mails; they count as read then", (), list_of(_email), MAILBOX,
               lambda: [_mail_shown(m) for m in house.call("get_unread_emails")], "storage", undoable=True),
        acting("mail.delete_email", "move a mail into the trash", (arg("email_id", _id, Role.WHAT),), _done, MAILBOX,
               lambda email_id: _did(house.call("delete_email", email_id=email_id)), "storage", Effect.DELETE, undoable=True),
    )  # fmt: skip


# names and addresses of people to whom the user has written: no outsider can enter one, so it declares no source
NOWRITER = Place("contacts", label(), ("mail-provider",))


def send_email(house: House) -> Tool:
    """Mail with attachments by file id."""
    return acting(
        "mail.send_email", "send a mail; attachments are ids of files in the drive",
        (arg("recipients", _addresses, Role.WHO, address="mail"), arg("subject", _line), arg("body", _body),
         arg("attachments", _attached, Role.WHAT, None), arg("cc", _more, Role.WHO, None, "mail"), arg("bcc", _more, Role.WHO, None, "mail")),
        record_of("Email", **_email.fields), MAILBOX,
        lambda recipients, subject, body, attachments, cc, bcc: _mail_shown(house.call(
            "send_email", recipients=list(recipients), subject=subject, body=body,
            attachments=[{"type": "file", "file_id": f} for f in attachments or ()] or None, cc=list(cc or ()) or None, bcc=list(bcc or ()) or None)),
        "correspondence",
    )  # fmt: skip


def _searched(arguments: Mapping[str, Value]) -> Place:
    """Mails of one known sender are a place of their own, with that person in its audience (G2.6)."""
    sender = arguments["sender"]
    if isinstance(sender.data, str) and "@" in sender.data and sender.standing >= Standing.FOUND:
        who = f"mail:{sender.data.strip().lower()}"
        return Place(f"mail/from/{who}", label((_MESSAGE,), ("mail",), audience=(who,)), ("mail-provider",))
    return MAILBOX


def _mail_shown(mail: Any) -> dict[str, Any]:
    return {
        "id": mail.id_, "sender": mail.sender, "recipients": list(mail.recipients), "cc": list(mail.cc), "subject": mail.subject, "body": mail.body,
        "timestamp": mail.timestamp, "read": mail.read,
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------- calendar


def _calendar(house: House) -> tuple[Tool, ...]:
    event_id = arg("event_id", _id, Role.WHAT)
    noted = _noted(house)
    return (
        reading("calendar.get_current_day", "today", (), scalar("date", attested=True), CALENDAR_CLOCK, lambda: day(house.call("get_current_day"))),
        search_events(house), day_events(house), create_event(house), cancel_event(house),
        acting("calendar.reschedule_calendar_event", "give an event another time, and tell its participants; without an end it keeps its length",
               (event_id, arg("new_start_time", scalar("datetime")), arg("new_end_time", scalar("datetime", optional=True), default=None)), _event, noted,
               lambda event_id, new_start_time, new_end_time: _event_shown(house.call(
                   "reschedule_calendar_event", event_id=event_id, new_start_time=_minute(new_start_time),
                   new_end_time=_minute(new_end_time) if new_end_time else None)), "scheduling", undoable=True),
        acting("calendar.add_calendar_event_participants", "invite more people to an event", (event_id, arg("participants", _addresses, Role.WHO, address="mail")),
               _event, noted, lambda event_id, participants: _event_shown(house.call(
                   "add_calendar_event_participants", event_id=event_id, participants=list(participants))), "scheduling", undoable=True),
    )  # fmt: skip


CALENDAR_CLOCK = Place("calendar/clock", label(), ("calendar-provider",))


def search_events(house: House) -> Tool:
    return reading("calendar.search_calendar_events", "events that hold a text in title or description, on one day if given",
                   (key("query", _line), key("date", scalar("date", optional=True), None)), list_of(_event), CALENDAR,
                   lambda query, date: [_event_shown(e) for e in house.search("search_calendar_events", query=query, date=date.isoformat() if date else None)])  # fmt: skip


def day_events(house: House) -> Tool:
    return reading("calendar.get_day_calendar_events", "the events of one day", (key("day", scalar("date")),), list_of(_event), CALENDAR,
                   lambda day: [_event_shown(e) for e in house.call("get_day_calendar_events", day=day.isoformat())])  # fmt: skip


def create_event(house: House) -> Tool:
    """A new event; what it is called decides what it is, when and where may come from what was read."""
    return acting(
        "calendar.create_calendar_event", "put an event into the calendar and invite its participants",
        (arg("title", _line, Role.WHAT), arg("start_time", scalar("datetime")), arg("end_time", scalar("datetime")), arg("description", _body, default=""),
         arg("participants", _more, Role.WHO, None, "mail"), arg("location", replace(_line, optional=True), default=None)),
        _event, CALENDAR,
        lambda title, start_time, end_time, description, participants, location: _event_shown(house.call(
            "create_calendar_event", title=title, start_time=_minute(start_time), end_time=_minute(end_time), description=description,
            participants=list(participants or ()) or None, location=location or None)),
        "scheduling", undoable=True,
    )  # fmt: skip


def cancel_event(house: House) -> Tool:
    return acting("calendar.cancel_calendar_event", "cancel an event, and tell its participants", (arg("event_id", _id, Role.WHAT),), _done, _noted(house),
                  lambda event_id: _did(house.call("cancel_calendar_event", event_id=event_id)), "scheduling", Effect.DELETE)  # fmt: skip


def _noted(house: House) -> Any:
    """The calendar with the participants of the event among its readers; all of them while the event is not known."""

    def place(arguments: Mapping[str, Value]) -> Place:
        events = house.environment.calendar.events
        wanted = arguments["event_id"].data
        chosen = [events[wanted]] if isinstance(wanted, str) and wanted in events else events.values()
        own = house.environment.calendar.account_email
        readers = sorted({f"event:{a}" for e in chosen for a in e.participants if a != own})
        return replace(CALENDAR, readers=(*CALENDAR.readers, *readers))

    return place


def _event_shown(event: Any) -> dict[str, Any]:
    return {
        "id": event.id_, "title": event.title, "description": event.description, "start_time": event.start_time, "end_time": event.end_time,
        "location": event.location or "", "participants": list(event.participants), "status": event.status.value,
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------- drive


def _drive(house: House) -> tuple[Tool, ...]:
    file_id = arg("file_id", _id, Role.WHAT)
    shared = _shared(house)
    return (
        reading("drive.search_files_by_filename", "files whose name holds a text", (key("filename", text(max=300)),), list_of(_file), DRIVE,
                lambda filename: [_file_shown(f) for f in house.call("search_files_by_filename", filename=filename)]),
        reading("drive.search_files", "files whose text holds a text", (key("query", _line),), list_of(_file), DRIVE,
                lambda query: [_file_shown(f) for f in house.search("search_files", query=query)]),
        reading("drive.get_file_by_id", "one file", (key("file_id", _id),), _file, DRIVE, lambda file_id: _file_shown(house.call("get_file_by_id", file_id=file_id))),
        reading("drive.list_files", "all files", (), list_of(_file), DRIVE, lambda: [_file_shown(f) for f in house.call("list_files")]),
        acting("drive.create_file", "make a new file", (arg("filename", text(max=300), Role.WHAT), arg("content", _body)), _file, DRIVE,
               lambda filename, content: _file_shown(house.call("create_file", filename=filename, content=content)), "storage", undoable=True),
        acting("drive.append_to_file", "add a text at the end of a file", (file_id, arg("content", _body)), _file, shared,
               lambda file_id, content: _file_shown(house.call("append_to_file", file_id=file_id, content=content)), "storage", undoable=True),
        acting("drive.delete_file", "delete a file for good", (file_id,), _done, shared, lambda file_id: _did(house.call("delete_file", file_id=file_id)),
               "storage", Effect.DELETE),
        acting("drive.share_file", "let somebody read (r) or read and write (rw) a file",
               (file_id, arg("email", text(max=320), Role.WHO, address="mail"), arg("permission", enum("r", "rw"), Role.WHAT)), _file, DRIVE,
               lambda file_id, email, permission: _file_shown(house.call("share_file", file_id=file_id, email=email, permission=permission)),
               "correspondence", undoable=True),
    )  # fmt: skip


def _shared(house: House) -> Any:
    """The drive with those who share the file among its readers; all sharers while the file is not known."""

    def place(arguments: Mapping[str, Value]) -> Place:
        files = house.environment.cloud_drive.files
        wanted = arguments["file_id"].data
        chosen = [files[wanted]] if isinstance(wanted, str) and wanted in files else files.values()
        own = house.environment.cloud_drive.account_email
        readers = sorted({f"shared:{a}" for f in chosen for a in (*f.shared_with, f.owner) if a != own})
        return replace(DRIVE, readers=(*DRIVE.readers, *readers))

    return place


def _file_shown(file: Any) -> dict[str, Any]:
    return {
        "id": file.id_, "filename": file.filename, "content": file.content, "owner": file.owner, "last_modified": file.last_modified,
        "shared_with": [{"email": a, "permission": p.value} for a, p in file.shared_with.items()], "size": file.size,
    }  # fmt: skip


def _did(_: object) -> dict[str, bool]:
    return {"done": True}


def _minute(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
