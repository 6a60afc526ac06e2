"""Laws of the chain, driven against a list as the specification: any history verifies, any one change of it does not."""

from __future__ import annotations

import tempfile
import zlib
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from discreet.ledger.accounts import Exhausted, Want, reserve, spent
from discreet.ledger.chain import START, Ledger, link
from discreet.ledger.database import connect, subkey
from discreet.ledger.entry import Entry, Item, Kind, LedgerError, Party, Status, canonical, parsed
from tests.killing import FAST

KEY = bytes(range(32))
names = st.text(st.characters(codec="utf-8"), max_size=12)
parties = st.builds(Party, st.sampled_from(["a", "b", "c"]), st.sampled_from(["a", "x", "y"]), names)
items = st.builds(Item, names, names, st.none() | st.integers(0, 99))
tuples = lambda inner: st.lists(inner, max_size=3).map(tuple)  # noqa: E731
entries = st.builds(
    Entry,
    st.sampled_from([k for k in Kind if k is not Kind.OUTCOME]),
    errand=st.sampled_from(["e1", "e2"]),
    tool=names,
    effect=st.sampled_from(["", "read", "write", "pay", "delete"]),
    purpose=names,
    place=names,
    parties=tuples(parties),
    items=tuples(items),
    sources=tuples(names),
    norms=tuples(names),
    line=st.integers(0, 10**6),
    tagged_pc=st.booleans(),
    confirmed=st.booleans(),
    note=names,
)


@given(entries, st.integers(1, 10**9), names, names)
@settings(max_examples=80, deadline=None)
def test_encoding_loses_nothing_and_is_canonical(entry, seq, at, salt):
    body = canonical(seq, at, "s", entry, salt, "d", "e")
    record = parsed(body, b"")
    again = canonical(record.seq, record.at, record.session, record.entry, record.salt, record.digest, record.same)
    assert again == body
    assert [p.id for p in record.entry.parties] == [p.id for p in entry.parties]
    assert record.entry.items == entry.items


@given(st.lists(st.binary(max_size=20), min_size=2, max_size=6, unique=True), st.data())
@settings(max_examples=80, deadline=None)
def test_no_other_sequence_has_the_same_end(bodies, data):
    def end(sequence) -> bytes:
        hash_ = START
        for body in sequence:
            hash_ = link(b"key", hash_, body)
        return hash_

    other = data.draw(st.permutations(bodies) | st.lists(st.binary(max_size=20), max_size=7))
    assert (end(other) == end(bodies)) == (list(other) == list(bodies))


class History(RuleBasedStateMachine):
    """Appends, outcomes, reservations, reopenings and crashes, beside a plain list; at the end one change at random."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=FAST)
        self.said: list[tuple] = []
        self.open: dict[int, str] = {}  # intents without a settled outcome
        self.bits = 0
        self.ledger = self.opened()

    def opened(self) -> Ledger:
        root = Path(self.folder.name)
        return Ledger.open(root / "store" / "ledger.db", KEY, root / "elsewhere" / "head")

    @rule(entry=entries, contents=st.binary(max_size=3))
    def append(self, entry, contents):
        if entry.kind is Kind.INTENT:
            seq = self.ledger.intent(entry, contents, again=True)
            self.open[seq] = "under way"
        else:
            fields = {name: getattr(entry, name) for name in Entry.__slots__ if name != "kind"}
            seq = self.ledger.note(entry.kind, contents, **fields)
        self.said.append((entry.kind, entry.errand, 0))
        assert seq == len(self.said)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), status=st.sampled_from(list(Status)))
    def outcome(self, data, status):
        seq = data.draw(st.sampled_from(sorted(self.open)))
        self.ledger.outcome(seq, status)
        self.said.append((Kind.OUTCOME, self.said[seq - 1][1], seq))
        if status is Status.UNKNOWN:
            self.open[seq] = "unknown"
        else:
            del self.open[seq]
            try:
                self.ledger.outcome(seq, status)
                raise AssertionError("an outcome was recorded twice")
            except LedgerError:
                pass

    @rule(bits=st.integers(1, 4))
    def take_bits(self, bits):
        try:
            reserve(self.ledger, "e1", [Want("health", "x", bits)], {("health", "x"): 9})
            assert self.bits + bits <= 9
            self.bits += bits
            self.said.append((Kind.DOWNGRADE, "e1", 0))
        except Exhausted:
            assert self.bits + bits > 9

    @rule(cleanly=st.booleans())
    def reopen(self, cleanly):
        if cleanly:
            self.ledger.close()
        else:
            self.ledger.sessions.end()
            self.ledger.db.close()
        self.open = dict.fromkeys(self.open, "unknown")
        self.ledger = self.opened()

    @invariant()
    def agrees_with_the_list(self):
        assert [(r.kind, r.entry.errand, r.entry.of) for r in self.ledger.entries()] == self.said
        assert [r.seq for r in self.ledger.unknowns()] == sorted(s for s, how in self.open.items() if how == "unknown")
        assert [r.seq for r in self.ledger.under_way()] == sorted(s for s, how in self.open.items() if how == "under way")
        assert spent(self.ledger, "health", "x") == self.bits
        report = self.ledger.verify()
        assert report.ok and report.entries == len(self.said), report

    def teardown(self):
        self.ledger.close()
        if len(self.said) > 1:
            self._one_change_is_found()
        self.folder.cleanup()

    def _one_change_is_found(self):
        seq = 1 + zlib.crc32(str(self.said).encode()) % len(self.said)
        edit = [
            f"update entry set body = cast(replace(body, '20', '21') as blob) where seq = {seq}",
            f"delete from entry where seq = {seq}",
            f"delete from entry where seq >= {seq}",
            f"update entry set seq = -1 where seq = {seq}; update entry set seq = {seq} where seq = {seq % len(self.said) + 1};"
            f"update entry set seq = {seq % len(self.said) + 1} where seq = -1",
        ][len(str(self.said)) % 4]
        db = connect(Path(self.folder.name) / "store" / "ledger.db", subkey(KEY, "ledger file"))
        db.executescript(edit)
        previous = START
        for number, body in db.execute("select seq, body from entry order by seq").fetchall():
            previous = link(subkey(KEY, "ledger links"), previous, body)
            db.execute("update entry set hash = ? where seq = ?", (previous, number))
        db.close()
        with self.opened() as ledger:
            assert not ledger.verify().ok, edit


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
