"""What is attached to a mail: told from the structure that the server gives, read as text, and put into messages of ours.

A name, a type and a size are the sender's words, like the text. Names that are equal within one mail are told apart by a number, the
same way wherever they are told, so that a name and a mail's id stand for one attachment.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .base import derive
from .errors import BadAnswer, InvalidArgument, Refused
from .html_text import html_to_text

ATTACHMENTS_MAX = 10  # of one mail that are told, read or sent
NAME_CHARS_MAX = 200
ATTACHMENT_CHARS_MAX = 200_000  # of the text of one
ATTACHED_BYTES_MAX = 2_000_000  # of all that one mail of ours carries
STRUCTURE_DEPTH_MAX = 40
PARTS_MAX = 200

# By the end of a file's name; a table of our own, so that a message does not tell what is installed here.
TYPES = {
    "csv": "text/csv", "htm": "text/html", "html": "text/html", "ics": "text/calendar", "log": "text/plain", "md": "text/markdown", "txt": "text/plain",
    "vcf": "text/vcard", "json": "application/json", "xml": "application/xml", "pdf": "application/pdf", "gif": "image/gif", "jpeg": "image/jpeg",
    "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "zip": "application/zip",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "odt": "application/vnd.oasis.opendocument.text",
}  # fmt: skip
OTHER = "application/octet-stream"
_TEXTS = frozenset({"application/json", "application/xml", "application/yaml", "application/csv"})


@dataclass(frozen=True, slots=True)
class Attached:
    """One file as it goes into a message or came in one."""

    name: str
    type: str
    data: bytes


def type_of(name: str) -> str:
    """A file's type by the end of its name."""
    return TYPES.get(name.rpartition(".")[2].lower() if "." in name else "", OTHER)


# ---------------------------------------------------------------------------------------------------- in messages of ours


def attach(message: Any, files: Iterable[Attached], nonce: str) -> None:
    """Put files into a message; equal files and nonce give equal bytes."""
    for file in files:
        kind, _, sub = file.type.partition("/")
        charset = {"charset": "utf-8"} if _plain(file.data, file.type) is not None else {}
        message.add_attachment(file.data, maintype=kind, subtype=sub, filename=file.name, cte="base64", params=charset)
    if message.is_multipart():
        message.set_boundary(f"={derive(nonce, 'boundary')}=")  # the library's own would be random


def checked(files: list[Attached]) -> list[Attached]:
    """The files, if a message may carry them all."""
    if len(files) > ATTACHMENTS_MAX:
        raise InvalidArgument("attach", f"has more than {ATTACHMENTS_MAX} files")
    if sum(len(file.data) for file in files) > ATTACHED_BYTES_MAX:
        raise InvalidArgument("attach", f"is over {ATTACHED_BYTES_MAX} bytes in all")
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        raise InvalidArgument("attach", "has two files of one name")
    if any("=?" in name for name in names):
        raise InvalidArgument("attach", "has a file whose name mail programs would read as another one (`=?`)")
    return files


def shown(message: str) -> tuple[tuple[str, str], ...]:
    """What a message of ours carries, read out of it: of each file name, type, size, and its text where it has one (G5.5)."""
    from email import message_from_string
    from email.policy import default
    from hashlib import sha256

    found = []
    for number, part in enumerate(message_from_string(message, policy=default).iter_attachments(), 1):  # type: ignore[attr-defined]
        data = part.get_payload(decode=True) or b""
        words = _plain(data, part.get_content_type())
        found.append((f"attachment {number}", f"{part.get_filename()}, {part.get_content_type()}, {len(data)} bytes"))
        if words is not None:
            found.append((f"attachment {number} text", words))
        else:
            found.append((f"attachment {number} is no text", f"SHA-256 {sha256(data).hexdigest()}"))
    return tuple(found)


def _plain(data: bytes, kind: str) -> str | None:
    """A text as it stands in the file; None where bytes of it would not be seen."""
    try:
        return data.decode("utf-8") if kind.startswith("text/") or kind in _TEXTS else None
    except UnicodeDecodeError:
        return None


# ---------------------------------------------------------------------------------------------------- in messages of others


def leaves(message: Any) -> Iterator[tuple[str, str, Any]]:
    """Name, type and part of each attachment of a parsed message."""
    parts = [part for count, part in zip(range(PARTS_MAX), message.walk()) if not part.is_multipart() and is_attached(part)]
    told = [(_name(part), _type(part)) for part in parts[:ATTACHMENTS_MAX]]
    yield from ((name, kind, part) for (name, kind), part in zip(numbered(told), parts))


def is_attached(part: Any) -> bool:
    """Whether a part is something besides the text of its mail."""
    return bool(part.get_filename()) or part.get_content_disposition() == "attachment" or not part.get_content_type().startswith("text/")


def numbered(told: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Names and types, with a number behind a name that stood before: `scan.pdf`, `scan.pdf (2)`."""
    seen: Counter[str] = Counter()
    made: list[tuple[str, str]] = []
    for name, kind in told:
        seen[name] += 1
        made.append((f"{name} ({seen[name]})" if seen[name] > 1 else name, kind))
    names = [name for name, _ in made]
    return made if len(set(names)) == len(names) else [(f"{name} [{number}]", kind) for number, (name, kind) in enumerate(made, 1)]


def text_of(name: str, kind: str, part: Any) -> str:
    """An attachment as text. Raises Refused for what is none."""
    from .pdf_text import pdf_to_text

    data = part.get_payload(decode=True) or b""
    by_name = type_of(name)
    if kind == "application/pdf" or (kind == OTHER and by_name == "application/pdf"):
        words = pdf_to_text(data, ATTACHMENT_CHARS_MAX + 1)
    elif kind.startswith("text/") or kind in _TEXTS or (kind == OTHER and (by_name.startswith("text/") or by_name in _TEXTS)):
        words = _decoded(data, part.get_content_charset() or "utf-8")
        words = html_to_text(words, ATTACHMENT_CHARS_MAX + 1)[0] if "html" in kind else words
    else:
        raise Refused("not_text", "attachment is neither text nor PDF")
    words = words.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    if len(words) > ATTACHMENT_CHARS_MAX:
        raise BadAnswer("too_large", f"attachment has over {ATTACHMENT_CHARS_MAX} characters")
    return words


def _decoded(data: bytes, charset: str) -> str:
    try:
        words = data.decode(charset, "replace")
    except (LookupError, ValueError):  # a charset nobody knows, or a codec that is no text
        words = data.decode("utf-8", "replace")
    return words.encode("utf-8", "replace").decode() if isinstance(words, str) else ""


def _name(part: Any) -> str:
    from .mail_message import shown_name

    return shown_name(str(part.get_filename() or ""))[:NAME_CHARS_MAX] or "attachment"


def _type(part: Any) -> str:
    return re.sub(r"[^a-z0-9!#$&^_.+/-]", "", part.get_content_type().lower())[:100]


# ---------------------------------------------------------------------------------------------------- as the server tells it


def listed(structure: bytes | None) -> list[dict[str, Any]]:
    """Name, type and size of what is attached, from a BODYSTRUCTURE (RFC 3501, 7.4.2); nothing from one that cannot be read."""
    try:
        found = list(_bodies(parsed(structure or b""), 0))
    except (ValueError, IndexError, TypeError, RecursionError, AttributeError, LookupError):
        return []
    told = [((_name(part), _type(part)), size) for part, size in found if is_attached(part)][:ATTACHMENTS_MAX]
    return [{"name": name, "type": kind, "size": size} for (name, kind), (_, size) in zip(numbered([one for one, _ in told]), told)]


def _bodies(body: Any, depth: int) -> Iterator[tuple[Any, int]]:
    """Each leaf as headers without a body, so that names are read by the parser that reads messages, and about how many bytes it has."""
    if depth > STRUCTURE_DEPTH_MAX:
        raise ValueError
    if isinstance(body[0], list):
        for part in body:
            if not isinstance(part, list):
                break
            yield from _bodies(part, depth + 1)
        return
    kind = f"{_text(body[0])}/{_text(body[1])}".lower()
    if kind == "message/rfc822":
        yield from _bodies(body[8], depth + 1)
        return
    disposition = body[9:10] if kind.startswith("text/") else body[8:9]
    octets = int(_text(body[6]) or 0)
    yield _headers(kind, body[2], disposition[0] if disposition else None), octets * 57 // 78 if _text(body[5]).lower() == "base64" else octets


def _headers(kind: str, parameters: Any, disposition: Any) -> Any:
    from email.message import Message

    part = Message()
    part["Content-Type"] = kind + _spelled(parameters)
    if isinstance(disposition, list) and disposition:
        part["Content-Disposition"] = _text(disposition[0]) + _spelled(disposition[1] if len(disposition) > 1 else None)
    elif isinstance(disposition, bytes):  # servers that tell the header as it stands
        part["Content-Disposition"] = _text(disposition)
    return part


def _spelled(parameters: Any) -> str:
    flat = [_text(one) for one in parameters] if isinstance(parameters, list) else []
    pairs = zip(flat[::2], flat[1::2])
    return "".join("; {}=\"{}\"".format(re.sub(r"[^\w*.-]", "", key), value.replace("\\", "\\\\").replace('"', '\\"')) for key, value in pairs)


def _text(token: Any) -> str:
    return re.sub(r"[\r\n\0]+", " ", token.decode("utf-8", "replace")) if isinstance(token, bytes) else ""


_TOKEN = re.compile(rb'[ \t\r\n]*(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*)"|\{(?P<literal>\d{1,7})\}\r\n|(?P<atom>[^\s()"{]+))', re.DOTALL)


def parsed(raw: bytes) -> list[Any]:
    """One parenthesised list of quoted texts, literals, atoms and lists; NIL is None."""
    stack: list[list[Any]] = [[]]
    at = 0
    while token := _TOKEN.match(raw, at):
        at = token.end()
        if token["open"]:
            stack.append([])
            if len(stack) > STRUCTURE_DEPTH_MAX * 3:
                raise ValueError
        elif token["close"]:
            closed = stack.pop()
            stack[-1].append(closed)
            if len(stack) == 1:
                return closed
        elif token["quoted"] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", token["quoted"], flags=re.DOTALL))
        elif token["literal"]:
            size = int(token["literal"])
            stack[-1].append(raw[at:at + size])
            at += size
        else:
            stack[-1].append(None if token["atom"].upper() == b"NIL" else token["atom"])
    raise ValueError


def structures(answer: Iterable[Any]) -> Mapping[int, bytes]:
    """The BODYSTRUCTURE of each message in a FETCH answer, by UID; what the client library took apart is put together again."""
    found: dict[int, bytes] = {}
    whole = b""
    for part in answer:
        if isinstance(part, tuple) and len(part) == 2:
            whole += part[0] + b"\r\n" + part[1]
            continue
        whole += part if isinstance(part, bytes) else b""
        uid, at = re.search(rb"\bUID (\d{1,10})\b", whole), whole.find(b"BODYSTRUCTURE ")
        if uid and at >= 0:
            found[int(uid.group(1))] = whole[at + len(b"BODYSTRUCTURE "):]
        whole = b""
    return found
