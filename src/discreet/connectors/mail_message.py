"""Builds messages whose every byte is fixed by its arguments, and reads messages that an attacker may have written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from . import attachments, mail_results
from .base import LINE_CHARS_MAX, derive, line, utc
from .errors import BadAnswer, InvalidArgument, Refused
from .html_text import html_to_text

BODY_CHARS_MAX = 100_000
ADDRESSES_MAX = 100
HEADER_CHARS_MAX = 2_000

# A plain address: no quoting, no comments, no display name, so that what the user sees is where it goes.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")


def address(args: dict[str, Any], name: str) -> str:
    """One plain address, or InvalidArgument."""
    value = line(args, name)
    if not _ADDRESS.fullmatch(value) or ".." in value:
        raise InvalidArgument(name, "is not a plain e-mail address")
    return value


def message_id(args: dict[str, Any], name: str) -> str:
    """A Message-ID as a received message gave it, or InvalidArgument."""
    value = line(args, name)
    if not _MESSAGE_ID.fullmatch(value):
        raise InvalidArgument(name, "is not a message id")
    return value


def build(sender: str, sender_name: str, to: Iterable[str], subject: str, body: str, nonce: str, now: datetime,
          in_reply_to: str = "", cc: Iterable[str] = (), calendar: str = "", files: Iterable[attachments.Attached] = ()) -> str:
    """The message as ASCII text with CRLF line ends: equal arguments give equal bytes."""
    from email.headerregistry import Address
    from email.message import EmailMessage
    from email.policy import SMTP
    from email.utils import format_datetime

    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["From"] = Address(display_name=sender_name, addr_spec=sender)
    message["To"] = ", ".join(to)
    if cc := tuple(cc):
        message["Cc"] = ", ".join(cc)
    message["Subject"] = subject
    message["Date"] = format_datetime(utc(now))  # UTC: the zone of the sender's clock would tell where they are
    message["Message-ID"] = f"<{derive(nonce, 'message-id')}@{sender.rpartition('@')[2]}>"
    if in_reply_to:
        message["In-Reply-To"] = in_reply_to
        message["References"] = in_reply_to
    message.set_content(body.replace("\r\n", "\n").replace("\r", "\n"))
    if calendar:
        message.add_alternative(calendar, subtype="calendar", params={"method": "REQUEST"})
        message.set_boundary(f"={derive(nonce, 'boundary')}=")  # the library's own would be random
    attachments.attach(message, files, nonce)
    return message.as_bytes().decode("ascii")


def subject_of(message: str) -> str:
    """The subject of a message of ours, as who gets it will read it."""
    from email import message_from_string
    from email.policy import default

    return str(message_from_string(message, policy=default)["Subject"] or "")


def parse(raw: bytes, trusted_authserv_ids: frozenset[str]) -> dict[str, Any]:
    """A message as plain data. Whatever the bytes, this returns a record or raises BadAnswer."""
    from email import message_from_bytes
    from email.policy import compat32

    try:
        message = message_from_bytes(raw, policy=compat32)  # keeps hostile headers as they are instead of re-parsing them
        return _record(message, trusted_authserv_ids)
    except BadAnswer:
        raise
    except Exception as error:  # the parser met something that the library does not foresee
        raise BadAnswer("malformed", f"message cannot be read ({type(error).__name__})") from error


def _record(message: Any, trusted: frozenset[str]) -> dict[str, Any]:
    senders = _addresses(message, "From")
    sender_name, sender = senders[0] if senders else ("", "")
    body, attachments, truncated = _parts(message)
    return {
        "message_id": _identifier(message, "Message-ID"),
        "in_reply_to": _identifier(message, "In-Reply-To"),
        "sender": sender,
        "sender_name": sender_name,
        "sender_verified": _verified(message, senders, trusted),
        "to": [found for _, found in _addresses(message, "To")],
        "cc": [found for _, found in _addresses(message, "Cc")],
        "subject": _header(message, "Subject"),
        "date": _date(message),
        "text": body,
        "attachments": attachments,
        "truncated": truncated,
    }


def _header(message: Any, name: str) -> str:
    """A header as one decoded line; control characters become spaces so that a line stays a line."""
    from email.header import decode_header, make_header

    raw = str(message.get(name) or "")[:HEADER_CHARS_MAX]
    try:
        raw = str(make_header(decode_header(raw)))
    except Exception:  # an unknown charset or broken encoding: the raw text is shown
        pass
    return _one_line(raw)


def _one_line(raw: str) -> str:
    cleaned = raw.encode("utf-8", "replace").decode()
    cleaned = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", cleaned)
    return cleaned.strip()[:LINE_CHARS_MAX]


def _identifier(message: Any, name: str) -> str:
    found = _MESSAGE_ID.search(str(message.get(name) or "")[:HEADER_CHARS_MAX])
    return found.group(0) if found else ""


def _addresses(message: Any, name: str) -> list[tuple[str, str]]:
    """Display name and plain address of each entry; what is no plain address is left out."""
    found = []
    for display, spec in _entries(message, name):
        if _ADDRESS.fullmatch(spec) and ".." not in spec:
            found.append((shown_name(display), spec))
    return found


def _entries(message: Any, name: str) -> list[tuple[str, str]]:
    from email.utils import getaddresses

    return getaddresses([str(value)[: HEADER_CHARS_MAX * 10] for value in (message.get_all(name) or [])[:10]])[:ADDRESSES_MAX]


def shown_name(raw: str) -> str:
    """A name as it was meant, on one line."""
    from email.header import decode_header, make_header

    try:
        raw = str(make_header(decode_header(raw)))
    except Exception:
        pass
    return _one_line(raw)[:200]


def _date(message: Any) -> datetime | None:
    from email.utils import parsedate_to_datetime

    try:
        found = parsedate_to_datetime(str(message.get("Date"))[:100])
        if found.tzinfo is None:
            found = found.replace(tzinfo=timezone.utc)
        return found.astimezone(timezone.utc)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def _verified(message: Any, senders: list[tuple[str, str]], trusted: frozenset[str]) -> bool:
    """True only if the first Authentication-Results is by a server that the user configured, and vouches for this From.

    RFC 8601: a trusted server removes forged headers that bear its name and puts its own on top, so only the topmost
    counts; more than one From, or none that can be read, is never verified.
    """
    if len(senders) != 1 or len(message.get_all("From") or []) != 1:
        return False
    if len(_entries(message, "From")) != 1:  # one that is no plain address counts too: who of them the server looked at is not known
        return False
    results = message.get_all("Authentication-Results") or []
    found = mail_results.read(str(results[0])) if results else None
    return found is not None and found.server in {one.lower() for one in trusted} and found.vouches_for(senders[0][1])


def attachment(raw: bytes, name: str) -> tuple[str, Any]:
    """Type and part of what is attached to a message under this name. Raises Refused where there is none."""
    from email import message_from_bytes
    from email.policy import compat32

    try:
        found = list(attachments.leaves(message_from_bytes(raw, policy=compat32)))
    except Exception as error:  # the parser met something that the library does not foresee
        raise BadAnswer("malformed", f"message cannot be read ({type(error).__name__})") from error
    named = [(kind, part) for told, kind, part in found if told == name]
    if len(named) != 1:
        raise Refused("gone", "nothing of this name is attached to the message")
    return named[0]


def _parts(message: Any) -> tuple[str, list[dict[str, Any]], bool]:
    """The text a person would read (plain first, else reduced HTML), what is attached, and whether text was cut."""
    plain, html = [], []
    for count, part in enumerate(message.walk()):
        if count >= attachments.PARTS_MAX:
            raise BadAnswer("too_large", f"message has more than {attachments.PARTS_MAX} parts")
        if part.is_multipart() or attachments.is_attached(part):
            continue
        (html if part.get_content_type() == "text/html" else plain).append(_decoded(part))
    attached = [{"name": name, "type": kind, "size": len(part.get_payload(decode=True) or b"")} for name, kind, part in attachments.leaves(message)]
    body = "\n".join(plain) if any(p.strip() for p in plain) else html_to_text("\n".join(html), BODY_CHARS_MAX + 1)[0]
    body = body.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return body[:BODY_CHARS_MAX], attached, len(body) > BODY_CHARS_MAX


def _decoded(part: Any) -> str:
    raw = part.get_payload(decode=True) or b""
    charset = part.get_content_charset() or "utf-8"
    try:
        decoded = raw.decode(charset, "replace")
    except (LookupError, ValueError):  # a charset nobody knows, or a codec that is no text
        decoded = raw.decode("utf-8", "replace")
    return decoded.encode("utf-8", "replace").decode() if isinstance(decoded, str) else ""
