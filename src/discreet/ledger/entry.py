"""What the ledger records: who would learn or do what, why and by which norms; never contents (G8.2).

    run-start run-end        an errand begins and ends
    intent                   a permitted call, before it is made
    outcome                  what became of an intent; `of` is the intent's number
    denial                   a call that the monitor refused
    question answer          what the user was asked and said; `of` of an answer is the question's number
    grant                    a norm or an answer that relaxes something, as wide as it is
    downgrade                a declassify, endorse or view, and the reservation of its bits
    audit                    what happens to the ledger itself
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from discreet.kernel.errors import DiscreetError

if TYPE_CHECKING:  # what shows the ledger starts without the rest of the kernel
    from discreet.kernel.contract import Recipient
    from discreet.kernel.label import Label
    from discreet.kernel.monitor import Decision, Flow

ENTRY_BYTES_MAX = 65_536  # of one encoded entry
UNREACHED = "passed on to nobody"  # note of an outcome: the user's own services did their part, and whom the call addresses heard nothing
PARTIES_BYTES_MAX = 49_152  # of all parties of one entry; of more, their number is written
ID_CHARS_MAX = 1_000  # of one party's id; a longer one ends in a digest of it
NAME_CHARS_MAX = 200
NOTE_CHARS_MAX = 500  # of the one free field, which is written by trusted code only


class LedgerError(DiscreetError):
    """The ledger cannot take or give an entry; nothing may be done that it should have recorded."""


class Kind(StrEnum):
    RUN_START = "run-start"
    RUN_END = "run-end"
    INTENT = "intent"
    OUTCOME = "outcome"
    DENIAL = "denial"
    QUESTION = "question"
    ANSWER = "answer"
    GRANT = "grant"
    DOWNGRADE = "downgrade"
    AUDIT = "audit"


class Status(StrEnum):
    """What became of an intent."""

    DONE = "done"
    REFUSED = "refused"  # the service heard it and refused
    FAILED = "failed"  # the service failed; it may have heard
    UNSENT = "unsent"  # the connector knows that nothing left
    UNKNOWN = "unknown"  # nobody knows: a crash, a lost connection


@dataclass(frozen=True, slots=True)
class Party:
    """Who learns: `account` is the owner under whom leakage is counted, `name` what the user calls them."""

    id: str
    account: str = ""
    name: str = ""

    @classmethod
    def of(cls, recipient: Recipient) -> Party:
        """As it can be written, whatever a plan made of the address: no data keeps an entry from being written (G1.1, G1.3)."""
        return cls(_writable(recipient.id, ID_CHARS_MAX), _writable(recipient.account, ID_CHARS_MAX), _writable(recipient.name, NAME_CHARS_MAX))


@dataclass(frozen=True, slots=True)
class Item:
    """One kind of fact about one subject that is told; `bits` is None when it is told whole."""

    type: str
    subject: str = "user"
    bits: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to record. All texts come from contracts, norms and the user's own directory."""

    kind: Kind
    errand: str = ""
    tool: str = ""
    effect: str = ""  # read, write, pay, delete
    purpose: str = ""
    place: str = ""
    parties: tuple[Party, ...] = ()
    items: tuple[Item, ...] = ()
    sources: tuple[str, ...] = ()
    norms: tuple[str, ...] = ()
    line: int = 0  # of the plan
    tagged_pc: bool = False  # told under a private decision: such a telling never widens an audience (G5.3)
    confirmed: bool = False  # by the user's answer to this exact call
    of: int = 0  # the intent of an outcome, the question of an answer
    status: str = ""
    bits: int = 0  # reserved from the account of `parties` in `place`
    note: str = ""

    def encoded(self) -> dict[str, Any]:
        """Plain data without the fields that have their default."""
        out: dict[str, Any] = {}
        for name in _FIELDS:
            value = getattr(self, name)
            if value != _DEFAULTS[name]:
                out[name] = value
        if self.parties:
            out["parties"] = [[p.id, p.account or p.id, p.name] for p in self.parties]
        if self.items:
            out["items"] = [[i.type, i.subject, i.bits] for i in self.items]
        return out


_FIELDS = tuple(f.name for f in fields(Entry))
_DEFAULTS = {f.name: f.default for f in fields(Entry)}


def decoded(raw: Mapping[str, Any]) -> Entry:
    """The entry that `encoded` came from."""
    plain = dict(raw)
    plain["kind"] = Kind(plain["kind"])
    for name in ("sources", "norms"):
        if name in plain:
            plain[name] = tuple(plain[name])
    if "parties" in plain:
        plain["parties"] = tuple(Party(*p) for p in plain["parties"])
    if "items" in plain:
        plain["items"] = tuple(Item(*i) for i in plain["items"])
    return Entry(**plain)


@dataclass(frozen=True, slots=True)
class Record:
    """An entry as it stands in the chain."""

    seq: int
    at: str  # UTC, ISO 8601
    session: str
    entry: Entry
    salt: str
    digest: str  # keyed and salted, of the contents; empty when there were none
    same: str  # likewise, of what stays equal when the same is asked again
    hash: bytes

    @property
    def kind(self) -> Kind:
        return self.entry.kind


def canonical(seq: int, at: str, session: str, entry: Entry, salt: str, digest: str, same: str) -> bytes:
    """The bytes that the chain covers; equal entries give equal bytes."""
    raw = [seq, at, session, entry.encoded(), salt, digest, same]
    body = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    if len(body) > ENTRY_BYTES_MAX:
        raise LedgerError(f"an entry of {len(body)} bytes; at most {ENTRY_BYTES_MAX} bytes are recorded")
    return body


def parsed(body: bytes, hash_: bytes) -> Record:
    """The record that `canonical` encoded. Raises LedgerError for anything else."""
    try:
        seq, at, session, raw, salt, digest, same = json.loads(body)
        return Record(seq, at, session, decoded(raw), salt, digest, same, hash_)
    except (ValueError, TypeError, KeyError) as error:
        raise LedgerError("a stored entry is damaged") from error


@lru_cache(maxsize=4_096)
def _told(label: Label) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    return tuple(Item(t.type, t.subject) for t in sorted(label.tags)), tuple(sorted(label.sources))


def _parties(flow: Flow) -> tuple[Party, ...]:
    made = [Party.of(r) for r in flow.recipients]
    size, kept = 0, 0
    for party in made:
        size += len(ascii(party.id)) + len(ascii(party.account)) + len(ascii(party.name))
        if size > PARTIES_BYTES_MAX:
            rest = f"and {len(made) - kept} more"
            return (*made[:kept], Party(rest, rest, rest))  # of a call that is not made: one that is has no more than tools/call.py lets through
        kept += 1
    return tuple(made)


def _writable(text: str, chars_max: int) -> str:
    """The text without half characters, cut where it is too long."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= chars_max else f"{text[: chars_max - 18]}… {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def of_flow(kind: Kind, flow: Flow, decision: Decision, errand: str, confirmed: bool = False, note: str = "") -> Entry:
    """The entry of a checked call: every recipient is taken to learn every tag of the checked label (G5.4)."""
    items, sources = _told(flow.label)
    return Entry(
        kind,
        errand=errand,
        tool=flow.contract.name,
        effect=flow.contract.effect.value,
        purpose=flow.contract.purpose,
        place=_writable(flow.place.id, ID_CHARS_MAX),
        parties=_parties(flow),
        items=items,
        sources=sources,
        norms=tuple(sorted({n for f in decision.findings for n in f.norms})),
        line=flow.span.line,
        tagged_pc=bool(flow.pc.tags),
        confirmed=confirmed,
        note=note[:NOTE_CHARS_MAX],
    )
