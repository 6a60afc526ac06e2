"""Who else reads a folder, as the mail server tells: name spaces (RFC 2342), its list of folders, and their access rights (RFC 4314).

Writing into a folder tells whoever reads it (G5.1). What the server does not say is read as: an outsider whom nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .attachments import parsed
from .errors import BadAnswer, ConnectorError
from .mail_wire import ImapCall

FOLDERS_MAX = 1_000  # that are listed; whoever reads one beyond is not known
RIGHTS_MAX = 200  # folders whose rights are asked for
READERS_SECONDS_MAX = 60  # how long an answer holds
SOMEBODY = "mail-folder:somebody"  # whoever reads a folder of which the server does not say who does

_LISTED = re.compile(rb'\([^()]*\)\s+(?:"(?:[^"\\]|\\.)"|NIL)\s+(?P<name>.+)', re.S)
_ADDRESS = re.compile(r"[^\s@:]{1,64}@[^\s@:]{1,255}")
_READING = frozenset("ra")  # rights to read, and to give oneself that right


@dataclass(frozen=True, slots=True)
class Readers:
    """Recipient ids of who reads each folder besides the user, by its name on the wire."""

    by_folder: Mapping[bytes, tuple[str, ...]] = field(default_factory=dict)

    def of(self, folder: str | None) -> tuple[str, ...]:
        """Of one folder; of None, which may be any, all that there are."""
        if folder is not None:
            return self.by_folder.get(wire_name(folder), (SOMEBODY,))
        found = {who: None for readers in self.by_folder.values() for who in readers}
        return (*found, SOMEBODY) if found and SOMEBODY not in found else tuple(found) or (() if self.by_folder else (SOMEBODY,))


def readers(config: Any) -> Readers:
    """What the server says of all folders. Nothing of any plan is in the question; whatever goes wrong, nothing is known."""
    call = ImapCall(config)
    try:
        with call.open():
            can = call.capabilities()
            others = _others(call.said("NAMESPACE")) if "NAMESPACE" in can else ()
            found: dict[bytes, tuple[str, ...]] = {}
            for name in _names(call.listed())[:FOLDERS_MAX]:
                theirs = any(name.startswith(prefix) for prefix in others)
                if "ACL" not in can:
                    found[name] = (SOMEBODY,) if theirs else ()
                else:
                    rights = call.rights(name) if len(found) < RIGHTS_MAX else None
                    found[name] = _readers(rights, theirs, {config.user.casefold(), config.address.casefold(), "owner"})
            return Readers(found)
    except (ConnectorError, ValueError):
        return Readers()


def wire_name(folder: str) -> bytes:
    """A folder's name as the server knows it; INBOX has one spelling."""
    from imap_tools.imap_utf7 import utf7_encode

    name = utf7_encode(folder)
    return b"INBOX" if name.upper() == b"INBOX" else name


def _others(told: list[Any]) -> tuple[bytes, ...]:
    """Beginnings of the names of other people's folders and of shared ones."""
    spaces = parsed(b"(" + b" ".join(_joined(told)) + b")")
    if len(spaces) < 3:
        raise BadAnswer("malformed", "mail server's name spaces cannot be read")
    prefixes = [space[0] for kind in spaces[1:3] for space in kind or ()]
    return tuple(prefix if isinstance(prefix, bytes) else b"" for prefix in prefixes)


def _names(told: list[Any]) -> list[bytes]:
    found = []
    for row in _joined(told):
        match = _LISTED.fullmatch(row)
        if match is None:
            continue  # a name that cannot be read is on no list
        name = parsed(b"(" + match["name"].strip() + b")")
        if len(name) == 1 and isinstance(name[0], bytes):
            found.append(b"INBOX" if name[0].upper() == b"INBOX" else name[0])
    return found


def _readers(rights: list[Any] | None, theirs: bool, own: Iterable[str]) -> tuple[str, ...]:
    """Whom an answer to GETACL gives the right to read; of another's folder its owner is not listed."""
    told = parsed(b"(" + b" ".join(_joined(rights)) + b")")[1:] if rights else None
    if told is None or len(told) % 2 or not all(isinstance(one, bytes) for one in told):
        return (SOMEBODY,)
    found = {SOMEBODY: None} if theirs else {}
    for who, may in zip(told[::2], told[1::2], strict=True):
        name = who.decode("utf-8", "replace")
        if name.casefold() in own or name.startswith("-") or not _READING & set(may.decode("ascii", "replace")):
            continue
        found[f"mail:{name.lower()}" if _ADDRESS.fullmatch(name) else SOMEBODY] = None
    return tuple(found)


def _joined(told: list[Any]) -> list[bytes]:
    """The rows of an answer; what the client library took apart for a literal is put together again."""
    rows: list[bytes] = []
    whole = b""
    for part in told:
        if isinstance(part, tuple) and len(part) == 2:
            whole += part[0] + b"\r\n" + part[1]
        elif isinstance(part, bytes):
            rows.append(whole + part)
            whole = b""
    return rows
