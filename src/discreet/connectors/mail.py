"""Mail over IMAP and SMTP: search, read, attachments, draft, send, reply, move, delete.

Content cannot become authority: a line break in any header argument is refused by name, there is no Bcc, a reply quotes
nothing by itself (G5.1), and a sender counts as verified only by a server that the user configured (G2.5).
What the protocol tells beyond the message: the SMTP server learns `helo_name` and the time; each recipient sees the
account's address and name, a Date in UTC, and a Message-ID derived from the nonce.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from . import attachments, mail_folders, mail_message, mail_wire
from .base import Connector, flag, line, lines, text, whole
from .errors import BadAnswer, ConnectorError, InvalidArgument, Refused
from .files import Files

RECIPIENTS_MAX = 20
SEARCH_RESULTS_MAX = 100
SEARCH_SCANNED_MAX = 1_000  # newest messages that a search by exact sender looks through
INBOX, DRAFTS = "INBOX", "Drafts"
FOLDERS_READ = frozenset({INBOX.casefold(), DRAFTS.casefold()})  # whose messages have ids: what no search and no draft gives is read by no id
SUBJECT_CHARS_MAX = 400
MESSAGE_BYTES_MAX = 10_000_000

_UID = re.compile(r"(?P<folder>[^/\x00-\x1f].{0,200})/(?P<validity>\d{1,10})/(?P<uid>\d{1,10})")


@dataclass(frozen=True, slots=True)
class MailConfig:
    """One mail account. A server in `trusted_authserv_ids` is believed when it says who a sender is."""

    address: str
    user: str
    imap_host: str
    imap_port: int
    smtp_host: str
    smtp_port: int
    password: str = field(default="", repr=False)
    display_name: str = ""
    imap_tls: bool = True
    smtp_tls: str = "tls"  # "tls", "starttls" or "none"
    ca_file: str = ""  # certificates to trust instead of the machine's own
    trusted_authserv_ids: frozenset[str] = frozenset()
    sent_folder: str = ""  # where a copy of what was sent is kept; "" keeps none
    helo_name: str = "localhost"
    timeout_s: float = 20.0  # of one whole conversation with a server
    answer_bytes_max: int = 20_000_000


class Mail(Connector):
    """One mail account as a connector."""

    name: ClassVar[str] = "mail"
    parameters: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "search": ("sender", "subject", "since", "unseen", "text", "verified", "folder", "limit"),
        "read": ("id",),
        "attachment": ("id", "name"),
        "save_attachment": ("id", "name", "path"),
        "draft": ("to", "subject", "body", "cc", "attach"),
        "send": ("to", "subject", "body", "cc", "attach"),
        "reply": ("id", "to", "body", "attach", "stored"),
        "move": ("id", "folder"),
        "delete": ("id",),
    }

    def __init__(self, config: MailConfig, files: Files | None = None) -> None:
        if config.smtp_tls not in ("tls", "starttls", "none"):
            raise InvalidArgument("smtp_tls", "must be `tls`, `starttls` or `none`")
        if config.sent_folder.casefold() in FOLDERS_READ:
            raise InvalidArgument("sent_folder", "is a folder that is read: copies there would be read again as mail that came in")
        self.config = config
        self._files = files  # where attachments come from and are kept
        self._readers: tuple[float, mail_folders.Readers] | None = None

    def readers(self, *folders: str | None) -> tuple[str, ...]:
        """Recipient ids of who else reads these folders, as the server said within the last minute; None is any folder."""
        asked = time.monotonic()
        if self._readers is None or asked - self._readers[0] > mail_folders.READERS_SECONDS_MAX:
            self._readers = (asked, mail_folders.readers(self.config))
        return tuple(dict.fromkeys(who for folder in folders for who in self._readers[1].of(folder)))

    # search and read

    def _prepare_search(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        request: dict[str, Any] = {
            "folder": line(args, "folder", INBOX),
            "limit": whole(args, "limit", 20, 1, SEARCH_RESULTS_MAX),
            # an address that anybody can write into a header is no address until a server vouches for it
            "verified": flag(args, "verified", "@" in line(args, "sender", "")),
        }
        for key in ("sender", "subject", "text"):
            if args.get(key):
                request[key] = line(args, key)
        if flag(args, "unseen", False):
            request["unseen"] = True
        if "since" in args:
            since = args["since"]
            if not isinstance(since, date):
                raise InvalidArgument("since", f"must be a date, not {type(since).__name__}")
            request["since"] = since.strftime("%Y-%m-%d")
        return request

    def _perform_search(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        call = mail_wire.ImapCall(self.config)
        with call.open():
            validity = call.select(request["folder"], readonly=True)
            uids = _criteria_search(call, request)
            found: list[dict[str, Any]] = []
            for start in range(0, min(len(uids), SEARCH_SCANNED_MAX), 50):
                for item in self._headers(call, request["folder"], validity, uids[start:start + 50]):
                    if _fits(item, request):
                        found.append(item)
                if len(found) >= request["limit"]:
                    break
            return self._with_attachments(call, found[: request["limit"]])

    def _with_attachments(self, call: mail_wire.ImapCall, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The summaries with what is attached to each, as the server tells it without sending it."""
        uids = [item["id"].rpartition("/")[2] for item in found]
        told = attachments.structures(call.read("FETCH", ",".join(uids), "(UID BODYSTRUCTURE)")) if uids else {}
        return [{**item, "attachments": attachments.listed(told.get(int(uid)))} for item, uid in zip(found, uids, strict=True)]

    def _headers(self, call: mail_wire.ImapCall, folder: str, validity: str, uids: list[int]) -> list[dict[str, Any]]:
        """Summaries, newest first; a message whose headers cannot be read is listed with empty fields."""
        answer = call.read("FETCH", ",".join(map(str, uids)), "(UID FLAGS RFC822.SIZE BODY.PEEK[HEADER])")
        by_uid: dict[int, dict[str, Any]] = {}
        for meta, raw in _literals(answer):
            uid = _number(rb"UID (\d+)", meta)
            if uid is None or uid not in uids:
                continue
            try:
                item = mail_message.parse(raw, self.config.trusted_authserv_ids)
            except BadAnswer:
                item = mail_message.parse(b"", frozenset())
            by_uid[uid] = {
                "id": f"{folder}/{validity}/{uid}",
                "unseen": b"\\seen" not in meta.lower(),
                "size": _number(rb"RFC822\.SIZE (\d+)", meta) or 0,
                **{k: item[k] for k in ("message_id", "sender", "sender_name", "sender_verified", "to", "cc", "subject", "date")},
            }
        return [by_uid[uid] for uid in uids if uid in by_uid]

    def _prepare_read(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return _split_id(args)

    def _perform_read(self, request: dict[str, Any]) -> dict[str, Any]:
        meta, raw = self._whole(request)
        record = mail_message.parse(raw, self.config.trusted_authserv_ids)
        return {"id": request["id"], "unseen": b"\\seen" not in meta.lower(), "size": len(raw), **record}

    def _whole(self, request: dict[str, Any]) -> tuple[bytes, bytes]:
        """One message with its attributes."""
        call = mail_wire.ImapCall(self.config)
        with call.open():
            _open_for(call, request, readonly=True)
            # one byte more than the limit: a partial fetch bounds what the server may send
            answer = call.read("FETCH", request["uid"], f"(UID FLAGS BODY.PEEK[]<0.{MESSAGE_BYTES_MAX + 1}>)")
        for meta, raw in _literals(answer):
            if len(raw) > MESSAGE_BYTES_MAX:
                raise BadAnswer("too_large", f"message is over {MESSAGE_BYTES_MAX} bytes")
            return meta, raw
        raise Refused("gone", "message is no longer there")

    # attachments

    def _prepare_attachment(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return {**_split_id(args), "name": line(args, "name")}

    def _perform_attachment(self, request: dict[str, Any]) -> str:
        kind, part = mail_message.attachment(self._whole(request)[1], request["name"])
        return attachments.text_of(request["name"], kind, part)

    def _prepare_save_attachment(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return {**_split_id(args), "name": line(args, "name"), "file": self._folders("path").kept_at(args, nonce)}

    def _perform_save_attachment(self, request: dict[str, Any]) -> dict[str, Any]:
        """The file as it came, whatever is in it: it is no less from outside for lying in a folder of one's own (G3.6)."""
        _, part = mail_message.attachment(self._whole(request)[1], request["name"])
        data = part.get_payload(decode=True) or b""
        files = self._folders("path")
        if len(data) > files.config.file_bytes_max:
            raise Refused("too_large", f"attachment is over {files.config.file_bytes_max} bytes; nothing was written")
        return files.keep(request["file"], data)

    def _attached(self, args: Mapping[str, Any]) -> list[attachments.Attached]:
        """The files that a message is to carry, as they are now: the request that is agreed to holds their bytes (G5.4)."""
        paths = lines(args, "attach", attachments.ATTACHMENTS_MAX)
        found = [self._folders("attach").bytes_of(path, "attach") for path in paths]
        return attachments.checked([attachments.Attached(name, attachments.type_of(name), data) for name, data in found])

    def _folders(self, argument: str) -> Files:
        if self._files is None:
            raise InvalidArgument(argument, "needs folders that are connected")
        return self._files

    # draft, send, reply

    def _message(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        to = _addresses(args, "to")
        cc = _addresses(args, "cc")
        if not to:
            raise InvalidArgument("to", "names nobody")
        subject = line(args, "subject", chars_max=SUBJECT_CHARS_MAX)
        body = text(args, "body")
        c = self.config
        message = mail_message.build(c.address, c.display_name, to, subject, body, nonce, now, cc=cc, files=self._attached(args))
        return {"sender": c.address, "recipients": list(dict.fromkeys([*to, *cc])), "message": message}

    def _prepare_draft(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return self._message(args, nonce, now)

    def _perform_draft(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.readers(DRAFTS):
            raise Refused("shared", "others read the drafts, or may; nothing was written")
        call = mail_wire.ImapCall(self.config)
        with call.open():
            return {"id": call.append(DRAFTS, r"(\Draft \Seen)", request["message"].encode("ascii"))}

    def _prepare_send(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return self._message(args, nonce, now)

    def _perform_send(self, request: dict[str, Any]) -> dict[str, Any]:
        mail_wire.send(self.config, request["sender"], request["recipients"], request["message"])
        return {"message_id": _own_id(request["message"]), "recipients": request["recipients"], "copy_kept": self._keep_copy(request)}

    def _prepare_reply(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        """An answer to a message's sender, who must be `to`. Of the message only its subject and id go back to them, as it was
        `stored` when it was read: sending looks nothing up, so that what is agreed to is what leaves (G5.4)."""
        _split_id(args)
        to, stored = mail_message.address(dict(args), "to"), args.get("stored")
        if not isinstance(stored, Mapping):
            raise InvalidArgument("id", "is of a message that was not read before it is answered")
        if str(stored.get("sender", "")).lower() != to.lower():
            raise InvalidArgument("to", "is not who sent this message")
        subject = line({"subject": stored.get("subject") or ""}, "subject")[: SUBJECT_CHARS_MAX - 4]
        answered = mail_message.message_id({"message_id": stored["message_id"]}, "message_id") if stored.get("message_id") else ""
        c = self.config
        message = mail_message.build(c.address, c.display_name, [to], subject if subject.lower().startswith("re:") else f"Re: {subject}",
                                     text(args, "body"), nonce, now, answered, files=self._attached(args))
        return {"sender": c.address, "recipients": [to], "message": message}

    def _perform_reply(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._perform_send(request)

    def added(self, action: str, request: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        subject = (("subject", mail_message.subject_of(request["message"])),) if action == "reply" else ()
        return (*subject, *(attachments.shown(request["message"]) if "message" in request else ()))

    def _keep_copy(self, request: dict[str, Any]) -> bool:
        """The message is out by now: failing to keep a copy is told in the result, not raised."""
        if not self.config.sent_folder or self.readers(self.config.sent_folder):  # whom it was for hears it, and nobody else
            return False
        call = mail_wire.ImapCall(self.config)
        try:
            with call.open():
                call.append(self.config.sent_folder, r"(\Seen)", request["message"].encode("ascii"))
        except ConnectorError:
            return False
        return True

    # move, delete

    def _prepare_move(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return {**_split_id(args), "to_folder": line(args, "folder")}

    def _perform_move(self, request: dict[str, Any]) -> dict[str, Any]:
        call = mail_wire.ImapCall(self.config)
        with call.open():
            _open_for(call, request, readonly=False)
            _must_exist(call, request)
            call.write("MOVE", request["uid"], mail_wire.quoted_folder(request["to_folder"]))
        return {"moved": True}

    def _prepare_delete(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return _split_id(args)

    def _perform_delete(self, request: dict[str, Any]) -> dict[str, Any]:
        call = mail_wire.ImapCall(self.config)
        with call.open():
            _open_for(call, request, readonly=False)
            _must_exist(call, request)
            call.write("STORE", request["uid"], "+FLAGS.SILENT", r"(\Deleted)")
            call.write("EXPUNGE", request["uid"])  # of this message only
        return {"deleted": True}


def _criteria_search(call: mail_wire.ImapCall, request: dict[str, Any]) -> list[int]:
    """The matching UIDs, newest first. The server matches substrings; exact tests follow in `_fits`."""
    from imap_tools import AND

    terms: dict[str, Any] = {}
    if "sender" in request:
        terms["from_"] = request["sender"]
    if "subject" in request:
        terms["subject"] = request["subject"]
    if "text" in request:
        terms["text"] = request["text"]
    if "since" in request:
        terms["date_gte"] = date.fromisoformat(request["since"])
    if "unseen" in request:
        terms["seen"] = False
    criteria = str(AND(**terms)) if terms else "ALL"
    charset = () if criteria.isascii() else ("CHARSET", "UTF-8")
    data = call.read("SEARCH", *charset, criteria.encode())
    uids = [int(word) for word in (data[0] or b"").split() if word.isdigit()]
    return sorted(set(uids), reverse=True)


def _fits(item: dict[str, Any], request: dict[str, Any]) -> bool:
    """A `sender` that is an address means exactly this one (a server matches any part of the header); else it is a part
    of name or address, which anybody can bear. `verified` asks that the sender be vouched for."""
    wanted = request.get("sender", "").casefold()
    if "@" in wanted and item["sender"].casefold() != wanted:
        return False
    if wanted and wanted not in f"{item['sender_name']} {item['sender']}".casefold():
        return False
    return item["sender_verified"] or not request["verified"]


def _split_id(args: Mapping[str, Any]) -> dict[str, Any]:
    value = line(args, "id")
    parts = _UID.fullmatch(value)
    if not parts:
        raise InvalidArgument("id", "is not the id of a message")
    if parts["folder"] != DRAFTS and parts["folder"].casefold() != INBOX.casefold():  # its number could be guessed, and what is there has no place (G2.6)
        raise InvalidArgument("id", "is of a folder that is not read here")
    return {"id": value, "folder": parts["folder"], "validity": parts["validity"], "uid": parts["uid"]}


def _open_for(call: mail_wire.ImapCall, request: dict[str, Any], readonly: bool) -> str:
    validity = call.select(request["folder"], readonly)
    if validity != request["validity"]:
        raise Refused("gone", "the folder has been rebuilt; its old message ids mean nothing now")
    return validity


def _must_exist(call: mail_wire.ImapCall, request: dict[str, Any]) -> None:
    """IMAP answers OK to a change of a message that is not there."""
    if not any(_number(rb"UID (\d+)", part) == int(request["uid"]) for part in call.read("FETCH", request["uid"], "(UID)")):
        raise Refused("gone", "message is no longer there")


def _literals(answer: list[Any]) -> list[tuple[bytes, bytes]]:
    """Each fetched item as (attributes, literal); attributes after the literal belong to it too."""
    found: list[tuple[bytes, bytes]] = []
    for part in answer:
        if isinstance(part, tuple) and len(part) == 2:
            found.append((part[0], part[1]))
        elif isinstance(part, bytes) and found:
            found[-1] = (found[-1][0] + b" " + part, found[-1][1])
    return found


def _number(pattern: bytes, meta: Any) -> int | None:
    if not isinstance(meta, bytes):
        return None
    told = re.search(pattern, meta)
    return int(told.group(1)) if told else None


def _addresses(args: Mapping[str, Any], name: str) -> list[str]:
    return [mail_message.address({name: item}, name) for item in lines(args, name, RECIPIENTS_MAX)]


def _own_id(message: str) -> str:
    told = re.search(r"(?m)^Message-ID: (<[^>\r\n]+>)", message)
    return told.group(1) if told else ""

