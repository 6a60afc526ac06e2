"""Verifies a ledger: every hash, signature and table computed anew and compared, and the end compared with heads kept elsewhere.

What it finds: without the key, any change of the store's bytes, and any cut or older copy that a head outlives. With the
key, one can write a new chain and sign it; then only a head that was kept where that person cannot write tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from discreet.ledger.database import StoreError, damage
from discreet.ledger.entry import LedgerError, Record, parsed
from discreet.ledger.head import Head, parse

if TYPE_CHECKING:
    from discreet.ledger.chain import Ledger

ROWS = 2_000  # read at a time
PROBLEMS_MAX = 50  # listed; one damage often shows at many entries


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and from which entry on (0: not at one entry)."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """`head` is matches, lags, differs, missing or none; `beyond` says what this run could not have seen."""

    entries: int
    checkpoints: int
    head: str
    problems: tuple[Problem, ...]
    beyond: str

    @property
    def ok(self) -> bool:
        return not self.problems

    def sentence(self) -> str:
        if self.ok:
            return f"{self.entries} entries, {self.checkpoints} checkpoints, all in order. {self.beyond}"
        first = self.problems[0]
        where = f"entry {first.seq}: " if first.seq else ""
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"damaged: {where}{first.what}{more}"


BEYOND = {
    "matches": "Who holds the key and can write the head file could still have made a new chain with a new head.",
    "lags": "The head file is older than the newest entries, as after a crash; entries after it may have been cut off.",
    "none": "No head is kept outside: entries cut off the end, or an older copy put in place, cannot be seen.",
}


def verify(ledger: Ledger, against: Iterable[Head] = ()) -> Report:
    """Everything that can be checked, without stopping at the first problem."""
    problems: list[Problem] = []
    try:
        heads = [(head, "a head kept elsewhere") for head in against]
        state = _head_state(ledger, heads, problems)
        with ledger.snapshot():
            entries, checkpoints = _chain(ledger, heads, problems)
        for (line,) in ledger.db.execute("pragma cipher_integrity_check").fetchall():
            problems.append(Problem(0, f"the file is damaged: {line}"))
    except (*damage(), LedgerError) as error:
        problems.append(Problem(0, f"the file cannot be read to its end: {error}"))
        entries, checkpoints, state = 0, 0, "none"
    if state == "matches" and entries > _seq_of_head(ledger):
        state = "lags"
    return Report(entries, checkpoints, state, tuple(problems[:PROBLEMS_MAX]), BEYOND.get(state, ""))


def verify_file(path: Path, key: bytes, head_path: Path | None, against: Iterable[str] = ()) -> Report:
    """`verify` for a file that perhaps cannot even be opened, or is gone."""
    from discreet.ledger.chain import Ledger
    from discreet.ledger.head import HeadFile

    if not path.exists():
        head = HeadFile(head_path).read() if head_path else None
        gone = f"the ledger is gone; its head states {head.seq} entries" if head else "there is no ledger"
        return Report(0, 0, "none", (Problem(0, gone),), "")
    try:
        with Ledger.open(path, key, head_path) as ledger:
            return ledger.verify(against)
    except (StoreError, LedgerError) as error:
        return Report(0, 0, "none", (Problem(0, str(error)),), "")


def _seq_of_head(ledger: Ledger) -> int:
    head = ledger.head_file.read() if ledger.head_file else None
    return head.seq if head else 0


def _head_state(ledger: Ledger, heads: list[tuple[Head, str]], problems: list[Problem]) -> str:
    """Reads the head file into `heads`; what is wrong with the file itself is a problem."""
    if ledger.head_file is None:
        return "none"
    try:
        head = ledger.head_file.read()
    except LedgerError as error:
        problems.append(Problem(0, f"{error}: the head file `{ledger.head_file.path}`"))
        return "differs"
    if head is None:
        if ledger.newest()[0]:
            problems.append(Problem(0, f"the head file `{ledger.head_file.path}` is missing"))
            return "missing"
        return "matches"
    heads.append((head, "the head file"))
    return "matches"


def _chain(ledger: Ledger, heads: list[tuple[Head, str]], problems: list[Problem]) -> tuple[int, int]:
    """Walks the chain once; numbers, hashes, heads and tables."""
    from discreet.ledger.chain import START, link

    stored = [(parse(text), "a checkpoint") for (text,) in ledger.db.execute("select head from checkpoint").fetchall()]
    expected: dict[int, list[tuple[Head, str]]] = {}
    for head, what in [*stored, *heads]:
        if head.ledger != ledger.name or not ledger.signer.made(head):
            problems.append(Problem(head.seq, f"{what} was not signed by this ledger"))
        else:
            expected.setdefault(head.seq, []).append((head, what))
    tables = _Tables()
    last, previous = 0, START
    while rows := ledger.db.execute("select * from entry where seq > ? order by seq limit ?", (last, ROWS)).fetchall():
        for seq, kind, errand, body, hash_ in rows:
            if seq != last + 1:
                problems.append(Problem(last + 1, "an entry was removed" if seq == last + 2 else f"{seq - last - 1} entries were removed"))
            elif not (isinstance(body, bytes) and isinstance(hash_, bytes)) or link(ledger.link_key, previous, body) != hash_:
                problems.append(Problem(seq, "the entry, or the one before it, was changed or moved"))
            record = _record(seq, body, hash_, problems)
            if record and (record.seq, record.kind.value, record.entry.errand) != (seq, kind, errand):
                problems.append(Problem(seq, "the entry was moved or its columns were changed"))
            if record:
                tables.add(record)
            for head, what in expected.pop(seq, ()):
                if not isinstance(hash_, bytes) or head.hash != hash_.hex():
                    problems.append(Problem(seq, f"the entry is not the one that {what} states"))
            last, previous = seq, hash_ if isinstance(hash_, bytes) else START
    for seq in sorted(expected):
        for head, what in expected[seq]:
            if seq:
                problems.append(Problem(last + 1, f"cut off or put back to an older copy: {what} states {seq} entries"))
    tables.compare(ledger, problems)
    return last, len(stored)


def _record(seq: int, body: bytes, hash_: bytes, problems: list[Problem]) -> Record | None:
    try:
        return parsed(body, hash_)
    except LedgerError as error:
        problems.append(Problem(seq, str(error)))
        return None


class _Tables:
    """The tables that answer `knows` quickly, built anew from the entries alone."""

    def __init__(self) -> None:
        import sqlite3

        from discreet.ledger.chain import SCHEMA

        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.executescript(SCHEMA)
        self._db.execute("begin")

    def add(self, record: Record) -> None:
        from discreet.ledger.chain import derived

        for statement, values in derived(record.seq, record.session, record.entry):
            self._db.execute(statement, values)

    def compare(self, ledger: Ledger, problems: list[Problem]) -> None:
        for table, what in (
            ("heard", "who heard what"),
            ("told", "the types of facts that were told"),
            ("party", "the names of recipients"),
            ("pending", "the intents without outcome"),
            ("spent", "the leakage accounts"),
        ):
            columns = "1, 2, 3" if table in ("told", "party", "spent") else "1, 2"
            query = f"select * from {table} order by {columns}"
            mine, stored = self._db.execute(query), ledger.db.execute(query)
            while True:
                ours, theirs = mine.fetchmany(ROWS), stored.fetchmany(ROWS)
                if ours != theirs:
                    problems.append(Problem(0, f"the table of {what} does not follow from the entries"))
                    break
                if not ours:
                    break
        self._db.close()
