"""The ledger: appends entries to a hash chain, durably and in one order over all processes, and reads them back (G8.1).

    ledger = Ledger.open(path, key, head_path)
    seq = ledger.intent(entry)          # before the effect; it is on the disk when this returns
    ...                                 # the effect
    ledger.outcome(seq, Status.DONE)    # after it; missing, it stands as unknown

Each entry's hash covers the entry and the hash before it. The newest hash is signed into a head file outside the store;
every so many entries a signed head stays in the store as a checkpoint. An append looks at the newest entry and the head
first, and refuses where they disagree: nothing is done that the ledger cannot record.
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discreet.ledger.database import StoreError, connect, damage, subkey, transaction
from discreet.ledger.entry import NOTE_CHARS_MAX, Entry, Kind, LedgerError, Record, Status, canonical, parsed
from discreet.ledger.head import Head, HeadFile, Signer, parse, turn
from discreet.ledger.sessions import Sessions

if TYPE_CHECKING:
    from discreet.ledger.verify import Report

LAYOUT = 1  # of the file
CHECKPOINT_ENTRIES = 256  # between two signed heads in the store
READ_ROWS = 1_000  # fetched at a time
START = b"\0" * 32  # the hash before the first entry
ACTS = frozenset({"write", "pay", "delete"})
Inside = Callable[[], None] | None

SCHEMA = """
create table meta(name text primary key, value text not null);
create table entry(seq integer primary key, kind text not null, errand text not null, body blob not null, hash blob not null);
create index entry_errand on entry(errand, seq);
create table heard(account text, seq integer, primary key(account, seq)) without rowid;
create table party(account text, id text, name text, primary key(account, id, name)) without rowid;
create table told(account text, type text, subject text, primary key(account, type, subject)) without rowid;
create table pending(seq integer primary key, session text not null);
create table spent(place text, account text, bits integer not null, primary key(place, account)) without rowid;
create table contents(seq integer primary key, body blob not null);
create table checkpoint(seq integer primary key, head text not null);
"""


class Repeated(LedgerError):
    """The same call stands with an unknown outcome; the user has to say that it may be made again (G8.1)."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        super().__init__(f"entry {seq} is the same call and its outcome is unknown: it is not repeated without the user")


def _utc() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Ledger:
    """One open ledger; safe for threads, and for other processes with the same file open."""

    def __init__(self, path: Path, key: bytes, head_path: Path | None, keep_contents: bool, now: Callable[[], dt.datetime]) -> None:
        self.path = path
        self.keep_contents = keep_contents
        self._now = now
        self._mutex = threading.RLock()
        self._digest_key = subkey(key, "ledger digests")
        self.link_key = subkey(key, "ledger links")
        self.signer = Signer(subkey(key, "ledger heads"))
        self.head_file = HeadFile(head_path) if head_path else None
        self._head: Head | None = None  # the last that this process signed
        self.sessions = Sessions(path.with_name(path.name + ".sessions"))
        self._lock_path = path.with_name(path.name + ".lock")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with turn(self._lock_path):
            self.db = connect(path, subkey(key, "ledger file"))
            self.name = self._begin_store()

    @classmethod
    def open(
        cls,
        path: Path | str,
        key: bytes,
        head_path: Path | str | None = None,
        *,
        keep_contents: bool = False,
        now: Callable[[], dt.datetime] = _utc,
    ) -> Ledger:
        """Open or create the ledger at `path`. Keep `head_path` outside the store's folder and its backups.

        Raises StoreError when the key is wrong or the file cannot be read. A ledger that disagrees with its head opens
        for reading; appends are refused until the user accepts what is missing.
        """
        return cls(Path(path), key, Path(head_path) if head_path else None, keep_contents, now)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Sign a last checkpoint if this process appended, and let go of the file."""
        with self._mutex:
            if self.sessions.own:
                with turn(self._lock_path), transaction(self.db):
                    self._checkpoint(*self.newest())
                self.sessions.end()
            self.db.close()

    # writing

    def intent(self, entry: Entry, contents: bytes = b"", again: bool = False, same: bytes = b"") -> int:
        """Record a permitted call before it is made; its number. On the disk when this returns.

        `contents` are the final bytes or the canonical request: only their keyed digest is kept unless the ledger keeps
        contents. `same` is what of it stays equal when the same is asked again (no time, no message id); without it,
        the contents. Raises Repeated for what `unknown_like` finds, unless the user has said `again`.
        """
        if entry.kind is not Kind.INTENT:
            raise LedgerError(f"an intent was expected, not `{entry.kind}`")
        like = None if again else self.unknown_like(entry, same or contents)
        if like is not None:
            raise Repeated(like.seq)
        return self._append(entry, contents, same or contents)

    def unknown_like(self, entry: Entry, same: bytes) -> Record | None:
        """The act whose outcome is unknown and which this one would repeat: a payment through the same tool to the same
        owners, whatever its contents; a write or deletion if `same` is equal too."""
        if entry.effect not in ACTS:
            return None
        for record in self.unknowns():
            if _doing(record.entry) == _doing(entry) and (entry.effect == "pay" or self._fits(record.salt, record.same, same)):
                return record
        return None

    def outcome(self, seq: int, status: Status | str, note: str = "", contents: bytes = b"") -> int:
        """Record what became of intent `seq`. A settled outcome is final; an unknown one can be settled later."""
        status = Status(status)
        intent = self.get(seq)
        if intent.kind is not Kind.INTENT:
            raise LedgerError(f"entry {seq} is no intent but `{intent.kind}`")

        def once() -> None:
            if not self._fetched("select 1 from pending where seq = ?", (seq,)):
                raise LedgerError(f"the outcome of entry {seq} is recorded already")

        entry = Entry(Kind.OUTCOME, intent.entry.errand, intent.entry.tool, of=seq, status=status.value, note=note)
        return self._append(entry, contents, inside=once)

    def note(self, kind: Kind | str, contents: bytes = b"", **fields: Any) -> int:
        """Record anything but an intent or an outcome; `fields` are those of Entry."""
        kind = Kind(kind)
        if kind in (Kind.INTENT, Kind.OUTCOME):
            raise LedgerError(f"`{kind}` has its own method")
        return self._append(Entry(kind, **fields), contents)

    def append_all(self, entries: list[Entry], inside: Callable[[], None]) -> None:
        """Record several entries or none; `inside` looks at the ledger while no other can write, and refuses by raising."""
        with self._mutex:
            if entries:
                self._append_many([(entry, b"", b"") for entry in entries], False, inside)

    def accept(self, why: str) -> int:
        """The user takes the ledger as it stands after a damage; that they did is recorded, and a new head signed."""
        return self._append(Entry(Kind.AUDIT, note=f"accepted: {why}"[:NOTE_CHARS_MAX]), b"", accepting=True)

    def forget_contents(self, seq: int | None = None) -> None:
        """Erase kept contents (of one entry); the chain stands, as it covers their digests only (G8.2)."""
        with self._mutex, transaction(self.db):
            self.db.execute("delete from contents where ?1 is null or seq = ?1", (seq,))
        self.db.execute("pragma wal_checkpoint(truncate)").fetchall()

    # reading

    def entries(
        self,
        kind: Kind | str | None = None,
        errand: str | None = None,
        account: str | None = None,
        since: int = 0,
        last: int | None = None,
    ) -> Iterator[Record]:
        """Records in order: of a kind, of an errand, those that an account heard, from number `since`, the `last` many."""
        terms, values = ["seq >= ?"], [max(since, 1)]
        if account is not None:
            terms.append("seq in (select seq from heard where account = ?)")
            values.append(account)
        if kind is not None:
            terms.append("kind = ?")
            values.append(Kind(kind).value)
        if errand is not None:
            terms.append("errand = ?")
            values.append(errand)
        chosen = f"from entry where {' and '.join(terms)}"
        if last is not None:
            newest = self._fetched(f"select seq {chosen} order by seq desc limit {int(last)}", values)
            if not newest:
                return
            values[0] = newest[-1][0]
        while rows := self._fetched(f"select seq, body, hash {chosen} order by seq limit {READ_ROWS}", values):
            for seq, body, hash_ in rows:
                yield parsed(body, hash_)
            values[0] = seq + 1

    def get(self, seq: int) -> Record:
        """The record of number `seq`. Raises LedgerError where there is none."""
        rows = self._fetched("select body, hash from entry where seq = ?", (seq,))
        if not rows:
            raise LedgerError(f"the ledger has no entry {seq}")
        return parsed(*rows[0])

    def unknowns(self) -> list[Record]:
        """Intents of which nobody knows what became: their process died, or the connector could not tell."""
        rows = self._fetched("select seq, session from pending order by seq")
        return [self.get(seq) for seq, session in rows if not session or not self.sessions.alive(session)]

    def under_way(self) -> list[Record]:
        """Intents whose process still runs."""
        rows = self._fetched("select seq, session from pending order by seq")
        return [self.get(seq) for seq, session in rows if session and self.sessions.alive(session)]

    def status(self, seq: int) -> Status | None:
        """What became of intent `seq`; None while it is under way."""
        for (session,) in self._fetched("select session from pending where seq = ?", (seq,)):
            return None if session and self.sessions.alive(session) else Status.UNKNOWN
        return self.statuses(self.get(seq).entry.errand, seq).get(seq)

    def statuses(self, errand: str | None = None, since: int = 0) -> dict[int, Status]:
        """Intent number -> settled status, of one errand or of all. What is missing is unknown or under way."""
        found = {}
        for record in self.entries(Kind.OUTCOME, errand, since=since):
            if record.entry.status != Status.UNKNOWN:
                found[record.entry.of] = Status(record.entry.status)
        return found

    def contents(self, seq: int) -> bytes | None:
        """The kept contents of an entry, if any."""
        rows = self._fetched("select body from contents where seq = ?", (seq,))
        return bytes(rows[0][0]) if rows else None

    def parties(self) -> list[tuple[str, str, str]]:
        """Account, id and name of everyone who ever heard anything."""
        return self._fetched("select account, id, name from party")

    def told(self, account: str, subject: str = "user") -> set[str]:
        """Types of facts about `subject` that any intent ever had for an account, whatever became of it."""
        return {t for (t,) in self._fetched("select type from told where account = ? and subject = ?", (account, subject))}

    def spent(self, place: str, account: str) -> int:
        """Bits that were reserved about a place for an account (G6.3)."""
        rows = self._fetched("select bits from spent where place = ? and account = ?", (place, account))
        return rows[0][0] if rows else 0

    def matches(self, record: Record, contents: bytes) -> bool:
        """Whether `contents` are what the record's digest stands for: how a user proves later what was sent."""
        return self._fits(record.salt, record.digest, contents)

    def newest(self) -> tuple[int, bytes]:
        """Number and hash of the newest entry."""
        rows = self._fetched("select seq, hash from entry order by seq desc limit 1")
        return (rows[0][0], bytes(rows[0][1])) if rows else (0, START)

    def signed_head(self) -> str:
        """A signed line that states the chain's end, to be kept elsewhere and given to `verify` later."""
        seq, hash_ = self.newest()
        return self.signer.sign(Head(self.name, seq, hash_.hex())).text()

    def verify(self, against: Iterable[str] = ()) -> Report:
        """Whether anything was edited, moved, removed or cut off; `against` are signed heads kept elsewhere."""
        from discreet.ledger.verify import verify

        return verify(self, [parse(text) for text in against])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside is of one moment, whatever other processes append."""
        with self._mutex:
            self.db.execute("begin")
            try:
                yield
            finally:
                if self.db.in_transaction:
                    self.db.execute("commit")

    # inside

    def _fetched(self, query: str, values: Iterable[Any] = ()) -> list[tuple]:
        """All rows at once: a reader that stops in the middle holds up nobody."""
        try:
            with self._mutex:
                return self.db.execute(query, tuple(values)).fetchall()
        except damage() as error:
            raise LedgerError(f"the ledger at `{self.path}` cannot be read: {error}") from error

    def _begin_store(self) -> str:
        try:
            if not self.db.execute("select 1 from sqlite_master where name = 'meta'").fetchone():
                with transaction(self.db):
                    for statement in SCHEMA.strip().split(";\n"):
                        self.db.execute(statement)
                    self.db.execute("insert into meta values('name', ?)", (secrets.token_hex(8),))
                    self.db.execute(f"pragma user_version = {LAYOUT}")
            layout = self.db.execute("pragma user_version").fetchone()[0]
            if layout != LAYOUT:
                raise StoreError(f"the ledger at `{self.path}` has layout {layout} and this program knows layout {LAYOUT}")
            return self.db.execute("select value from meta where name = 'name'").fetchone()[0]
        except damage() as error:
            self.db.close()
            raise StoreError(f"the ledger at `{self.path}` cannot be read: {error}") from error

    def _digest(self, salt: str, contents: bytes) -> str:
        return hmac.digest(self._digest_key, bytes.fromhex(salt) + contents, "sha256").hex()

    def _fits(self, salt: str, digest: str, contents: bytes) -> bool:
        return bool(digest) and hmac.compare_digest(self._digest(salt, contents), digest)

    def _append(self, entry: Entry, contents: bytes, same: bytes = b"", accepting: bool = False, inside: Inside = None) -> int:
        return self._append_many([(entry, contents, same)], accepting, inside)

    def _append_many(self, entries: list[tuple[Entry, bytes, bytes]], accepting: bool, inside: Inside) -> int:
        """Add entries, all or none; `inside` runs in the same transaction before them and may refuse by raising."""
        for entry, *_ in entries:
            if len(entry.note) > NOTE_CHARS_MAX:
                raise LedgerError(f"a note of {len(entry.note)} characters; at most {NOTE_CHARS_MAX} characters are recorded")
        try:
            with self._mutex, turn(self._lock_path):
                session = self.sessions.begin()
                with transaction(self.db):
                    seq, hash_ = self.newest()
                    if not accepting:
                        self._agree(seq, hash_)
                    if inside:
                        inside()
                    for entry, contents, same in entries:
                        seq, hash_ = seq + 1, self._insert(seq + 1, hash_, session, entry, contents, same)
                if self.head_file:  # the entries are on the disk: a head can lag behind a crash, never run ahead of one
                    self._head = self.signer.sign(Head(self.name, seq, hash_.hex()))
                    self.head_file.write(self._head)
        except damage() as error:
            raise LedgerError(f"the ledger at `{self.path}` cannot be written: {error}") from error
        except StoreError as error:
            raise LedgerError(str(error)) from error
        except UnicodeEncodeError as error:
            raise LedgerError("an entry with half a character (a lone surrogate)") from error
        return seq

    def _insert(self, seq: int, previous: bytes, session: str, entry: Entry, contents: bytes, same: bytes) -> bytes:
        """One row and its traces in the tables; its hash."""
        salt = secrets.token_hex(16) if contents or same else ""
        digest, repeat = (self._digest(salt, held) if held else "" for held in (contents, same))
        at = self._now().isoformat(timespec="microseconds")
        body = canonical(seq, at, session, entry, salt, digest, repeat)
        hash_ = link(self.link_key, previous, body)
        self.db.execute("insert into entry values(?,?,?,?,?)", (seq, entry.kind.value, entry.errand, body, hash_))
        self._index(seq, session, entry)
        if contents and self.keep_contents:
            self.db.execute("insert into contents values(?,?)", (seq, contents))
        if seq % CHECKPOINT_ENTRIES == 0:
            self._checkpoint(seq, hash_)
        return hash_

    def _agree(self, seq: int, hash_: bytes) -> None:
        """The store must hold what the head states; else it was cut, replaced or put back to an older copy."""
        if self.head_file is None:
            return
        head = self.head_file.read()
        if head is None:
            if seq:
                raise LedgerError(f"the head file `{self.head_file.path}` is missing; see `discreet verify`")
            self.head_file.write(self.signer.sign(Head(self.name, 0, START.hex())))  # from now on its absence tells
            return
        if head.seq != seq:
            row = self.db.execute("select hash from entry where seq = ?", (head.seq,)).fetchone()
            hash_ = bytes(row[0]) if row else START
            self._follow(head.seq, hash_)
        made = head == self._head or self.signer.made(head)
        if head.ledger != self.name or head.hash != hash_.hex() or not made:
            raise LedgerError(f"the ledger does not hold what its head states (entry {head.seq}); see `discreet verify`")

    def _follow(self, seq: int, hash_: bytes) -> None:
        """What stands behind the head was left by a crash, and by this ledger."""
        for number, body, made in self.db.execute("select seq, body, hash from entry where seq > ? order by seq", (seq,)):
            seq, hash_ = seq + 1, link(self.link_key, hash_, body)
            if number != seq or made != hash_:
                raise LedgerError(f"entry {number} was not written by this ledger; see `discreet verify`")

    def _index(self, seq: int, session: str, entry: Entry) -> None:
        """Keep the tables by which entries are found; `verify` computes them anew and compares."""
        for statement, values in derived(seq, session, entry):
            self.db.execute(statement, values)

    def _checkpoint(self, seq: int, hash_: bytes) -> None:
        if seq:
            signed = self.signer.sign(Head(self.name, seq, hash_.hex()))
            self.db.execute("insert or replace into checkpoint values(?,?)", (seq, signed.text()))


def _doing(entry: Entry) -> tuple:
    return entry.tool, entry.effect, sorted({party.account or party.id for party in entry.parties})


def link(key: bytes, previous: bytes, body: bytes) -> bytes:
    """The keyed hash of an entry: of all before it and of itself. Who has the file's key alone can make none, not even behind the head."""
    return hmac.digest(key, previous + body, "sha256")


def derived(seq: int, session: str, entry: Entry) -> Iterator[tuple[str, tuple]]:
    """The statements by which an entry enters the tables that answer questions quickly."""
    for party in entry.parties:
        account = party.account or party.id
        yield "insert or ignore into heard values(?,?)", (account, seq)
        yield "insert or ignore into party values(?,?,?)", (account, party.id, party.name)
        if entry.kind is Kind.INTENT:
            for item in entry.items:
                yield "insert or ignore into told values(?,?,?)", (account, item.type, item.subject)
    if entry.kind is Kind.INTENT:
        yield "insert into pending values(?,?)", (seq, session)
    elif entry.kind is Kind.OUTCOME:
        if entry.status == Status.UNKNOWN:
            yield "update pending set session = '' where seq = ?", (entry.of,)
        else:
            yield "delete from pending where seq = ?", (entry.of,)
    elif entry.kind is Kind.DOWNGRADE and entry.bits:
        for party in entry.parties:
            yield (
                "insert into spent values(?,?,?) on conflict(place, account) do update set bits = bits + excluded.bits",
                (entry.place, party.account or party.id, entry.bits),
            )
