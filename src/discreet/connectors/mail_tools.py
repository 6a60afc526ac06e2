"""Mail as tools: the contracts of `mail.search`, `read`, `attachment`, `save_attachment`, `send`, `reply`, `draft`, `move`, `delete`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, PlaceRule, Role
from discreet.kernel.label import label
from discreet.kernel.shape import list_of, record_of, scalar, text
from discreet.kernel.value import Seq, Standing, Unknown, Value
from discreet.tools.kept import ORDINARY
from discreet.tools.registry import Tool

from .attachments import ATTACHMENT_CHARS_MAX, ATTACHMENTS_MAX, NAME_CHARS_MAX
from .files_tools import Folders
from .local_time import local_tool
from .mail import RECIPIENTS_MAX, Mail
from .mail_message import BODY_CHARS_MAX

PROVIDER = "mail-provider"  # recipient id of the account's host; its role is `own-provider`
SOURCE = "mail"  # whoever wrote to the mailbox
RESULTS_MAX = 20

# A mailbox holds what was said between people; what it says beyond that is private all the same: no norm gives messages away.
_HELD = (("communication/message", "user"),)
BY_SENDER = Place("mail/from", label((), (SOURCE, "outside")))  # of whom it is from, each may hear it again; of what else decided what is there, not
MAILBOX = Place("mail", label(_HELD, (SOURCE,)), (PROVIDER,), keeps=ORDINARY, shows=(BY_SENDER,))
# no tool reads copies of what was sent; what was sent to an address of one's own comes in again
SENT = Place("mail/sent", label(_HELD, (SOURCE,)), (PROVIDER,), readable=False, returns=MAILBOX)

_line = text(max=1_000)
_address = text(max=320)
_name = text(max=NAME_CHARS_MAX + 10)  # as the sender wrote it
_path = text(max=1_000)
_id = text(max=300, attested=True, id_of="mail")
_summary = record_of(
    "Mail", id=_id, sender=_address, sender_name=_line, sender_verified=scalar("bool", attested=True), subject=_line,
    date=scalar("datetime", optional=True), unseen=scalar("bool", attested=True),
    attachments=list_of(record_of("Attachment", name=_name, type=text(max=100), size=scalar("int")), ATTACHMENTS_MAX),
)
_sent = record_of("Sent", message_id=text(max=300), copy_kept=scalar("bool"))


def mail_tools(mail: Mail, zone: str = "UTC", folders: Folders | None = None) -> tuple[Tool, ...]:
    """The tools of one account; with `folders`, the account's files, mails carry files and what is attached can be kept."""
    files = (Parameter("attach", list_of(_path, ATTACHMENTS_MAX), Role.KEY, ()),) if folders else ()
    carried = _carried(folders) if folders else None
    sent = replace(SENT, own=(f"mail:{mail.config.address.lower()}",))

    def into(arguments: Mapping[str, Value]) -> Place:
        """The mailbox; whoever else reads the folder written to hears it (G5.1)."""
        folder = arguments["folder"].data
        could = folder.choices if isinstance(folder, Unknown) and folder.choices else (folder,)
        return replace(MAILBOX, readers=(PROVIDER, *mail.readers(*(one if isinstance(one, str) else None for one in could))))

    def taken(arguments: Mapping[str, Value]) -> Place:
        return MAILBOX if into(arguments).readers != MAILBOX.readers else NOPLACE

    made = {
        "search": Contract(
            "mail.search", "mails, newest first; a full address as sender finds only mail that is proven to be from it",
            (Parameter("sender", _line, Role.KEY, ""), Parameter("subject", _line, Role.KEY, ""), Parameter("text", _line, Role.KEY, ""),
             Parameter("since", scalar("date", optional=True), Role.KEY, None), Parameter("unseen", scalar("bool"), Role.KEY, False)),
            list_of(_summary, RESULTS_MAX), place=_searched, purpose="lookup/own", recipients=(PROVIDER,)),
        "read": Contract(
            "mail.read", "the text of one mail", (Parameter("id", _id, Role.KEY),), text(max=BODY_CHARS_MAX), place=MAILBOX,
            purpose="lookup/own", recipients=(PROVIDER,)),
        "attachment": Contract(
            "mail.attachment", "the text of what is attached to a mail, of texts and PDFs; name as listed",
            (Parameter("id", _id, Role.KEY), Parameter("name", _name, Role.KEY)), text(max=ATTACHMENT_CHARS_MAX), place=MAILBOX,
            purpose="lookup/own", recipients=(PROVIDER,)),
        "send": Contract(
            "mail.send", "send a mail",
            (Parameter("to", _address, Role.WHO, address="mail"), Parameter("subject", _line), Parameter("body", text()),
             Parameter("cc", list_of(_address, RECIPIENTS_MAX), Role.WHO, (), address="mail"), *files),
            _sent, Effect.WRITE, "correspondence", sent, calls_max=20, origin=carried),
        "reply": Contract(
            "mail.reply", "answer one mail; `to` is its sender",
            (Parameter("id", _id, Role.KEY), Parameter("to", _address, Role.WHO, address="mail"), Parameter("body", text()), *files),
            _sent, Effect.WRITE, "correspondence/reply", sent, calls_max=20, origin=carried),
        "draft": Contract(
            "mail.draft", "write a mail into the drafts without sending it",
            (Parameter("to", _address), Parameter("subject", _line), Parameter("body", text()), *files),
            record_of("Draft", id=_id), Effect.WRITE, "storage", MAILBOX, undoable=True, calls_max=20, origin=carried),
        "move": Contract(
            "mail.move", "move a mail to another folder", (Parameter("id", _id, Role.WHAT), Parameter("folder", _line, Role.WHAT)),
            record_of("Moved", moved=scalar("bool")), Effect.WRITE, "storage", into, undoable=True, origin=taken),
        "delete": Contract(
            "mail.delete", "delete a mail for good", (Parameter("id", _id, Role.WHAT),), record_of("Deleted", deleted=scalar("bool")),
            Effect.DELETE, "storage", MAILBOX, calls_max=20),
    }
    if folders:
        made["save_attachment"] = Contract(
            "mail.save_attachment", "keep what is attached to a mail as a new file; name as listed",
            (Parameter("id", _id, Role.KEY), Parameter("name", _name, Role.KEY), Parameter("path", _path, Role.WHAT)), record_of("Saved", path=_path),
            Effect.WRITE, "storage", lambda arguments: folders.of(arguments["path"]), (PROVIDER,), undoable=True, calls_max=20, origin=MAILBOX)
    tools = [local_tool(contract, mail, action, zone, "text" if action == "read" else "") for action, contract in made.items()]
    return tuple(replace(one, along=("sender", "subject", "message_id")) if one.name == "mail.reply" else one for one in tools)


def _carried(folders: Folders) -> PlaceRule:
    """Where the files come from that a mail carries: their contents go along under all that is kept there (G2.6)."""

    def place(arguments: Mapping[str, Value]) -> Place:
        given = arguments["attach"]
        if isinstance(given.data, Seq):
            return folders.of(*given.data.items()) if len(given.data) else NOPLACE
        return folders.of(given) if given.data is not None else NOPLACE

    return place


def _searched(arguments: Mapping[str, Value]) -> Place:
    """A search by one resolved, proven address is a place of its own, with that person in its audience (G2.6)."""
    sender = arguments["sender"]
    address = sender.data
    if isinstance(address, str) and "@" in address and sender.standing >= Standing.FOUND:
        who = f"mail:{address.strip().lower()}"
        return Place(f"mail/from/{who}", label(_HELD, (SOURCE,), audience=(who,)), (PROVIDER,))
    return MAILBOX
