"""The ledger: order, digests, outcomes, unknowns, questions asked of it (G8, G1.3)."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from discreet.kernel.contract import Contract, Effect, Parameter, Place, Recipient
from discreet.kernel.label import label
from discreet.kernel.monitor import Decision, Finding, Flow, Verdict
from discreet.kernel.shape import Shape
from discreet.kernel.value import Value
from discreet.ledger import database
from discreet.ledger import entry as entries
from discreet.ledger.chain import CHECKPOINT_ENTRIES, Ledger, Repeated
from discreet.ledger.database import StoreError
from discreet.ledger.entry import ENTRY_BYTES_MAX, NOTE_CHARS_MAX, Entry, Item, Kind, LedgerError, Party, Status, of_flow
from discreet.ledger.head import turn

KEY = bytes(range(32))
SHOP = Party("shop:northside", "northside", "Northside Sports")


def opened(folder: Path, **more) -> Ledger:
    return Ledger.open(folder / "store" / "ledger.db", KEY, folder / "elsewhere" / "head", **more)


def order(errand: str = "e1", **more) -> Entry:
    fields = {"tool": "shop.buy", "effect": "pay", "parties": (SHOP,), "items": (Item("body/shoe-size"),), **more}
    return Entry(Kind.INTENT, errand, **fields)


def test_an_intent_stands_before_its_outcome_and_both_read_back(tmp_path):
    with opened(tmp_path) as ledger:
        seq = ledger.intent(order(), b"43 to the shop")
        assert ledger.status(seq) is None
        assert [r.seq for r in ledger.under_way()] == [seq]
        ledger.outcome(seq, Status.DONE)
        assert ledger.status(seq) is Status.DONE
        assert [r.kind for r in ledger.entries()] == [Kind.INTENT, Kind.OUTCOME]
        assert ledger.get(seq).entry == order()
        assert ledger.verify().ok


def test_an_outcome_is_recorded_once(tmp_path):
    with opened(tmp_path) as ledger:
        seq = ledger.intent(order())
        ledger.outcome(seq, Status.DONE)
        with pytest.raises(LedgerError, match="recorded already"):
            ledger.outcome(seq, Status.FAILED)
        with pytest.raises(LedgerError, match="no intent"):
            ledger.outcome(seq + 1, Status.DONE)
        with pytest.raises(LedgerError, match="no entry 99"):
            ledger.outcome(99, Status.DONE)


def test_an_unknown_outcome_stands_and_can_be_settled_later(tmp_path):
    with opened(tmp_path) as ledger:
        seq = ledger.intent(order())
        ledger.outcome(seq, Status.UNKNOWN, "connection lost")
        assert [r.seq for r in ledger.unknowns()] == [seq]
        ledger.outcome(seq, Status.DONE, "the user looked")
        assert ledger.unknowns() == []
        assert ledger.verify().ok


def test_an_intent_without_outcome_is_unknown_at_reopening(tmp_path):
    ledger = opened(tmp_path)
    seq = ledger.intent(order())
    ledger.close()
    with opened(tmp_path) as again:
        assert [r.seq for r in again.unknowns()] == [seq]
        assert again.status(seq) is Status.UNKNOWN
        assert again.verify().ok


def test_a_write_with_unknown_outcome_is_not_repeated_without_the_user(tmp_path):
    """G8.1"""
    mail = order(tool="mail.send", effect="write")
    with opened(tmp_path) as ledger:
        seq = ledger.intent(mail, b"Message-ID: 1\n\nhello", same=b"hello")
        ledger.outcome(seq, Status.UNKNOWN)
    with opened(tmp_path) as ledger:
        with pytest.raises(Repeated) as caught:
            ledger.intent(replace(mail, errand="e2"), b"Message-ID: 2\n\nhello", same=b"hello")
        assert caught.value.seq == seq
        for other in (replace(mail, tool="mail.reply"), replace(mail, parties=(Party("bob"),)), replace(mail, effect="delete")):
            assert ledger.unknown_like(other, b"hello") is None
        assert ledger.unknown_like(mail, b"goodbye") is None
        ledger.outcome(ledger.intent(mail, b"x", again=True, same=b"hello"), Status.DONE)
        ledger.outcome(seq, Status.UNSENT, "the user looked")
        ledger.intent(mail, b"x", same=b"hello")


def test_a_payment_to_an_owner_waits_while_another_is_unknown(tmp_path):
    """A second order differs by its date or price and would still be the second."""
    with opened(tmp_path) as ledger:
        ledger.outcome(ledger.intent(order(), b"one pair at 99"), Status.UNKNOWN)
        with pytest.raises(Repeated):
            ledger.intent(order("e2"), b"one pair at 98")
        ledger.intent(order("e2", parties=(Party("shop:south", "south"),)), b"one pair at 99")


def test_a_read_has_no_effect_to_repeat(tmp_path):
    with opened(tmp_path) as ledger:
        read = order(tool="mail.read", effect="read")
        ledger.outcome(ledger.intent(read, b"inbox"), Status.UNKNOWN)
        ledger.intent(read, b"inbox")


def test_contents_are_kept_only_if_the_user_wants(tmp_path):
    """G8.2"""
    with opened(tmp_path) as ledger:
        seq = ledger.intent(order(), b"43")
        assert ledger.contents(seq) is None
        assert ledger.matches(ledger.get(seq), b"43")
        assert not ledger.matches(ledger.get(seq), b"44")
    with opened(tmp_path, keep_contents=True) as ledger:
        seq = ledger.intent(order(), b"45", again=True)
        assert ledger.contents(seq) == b"45"
        ledger.forget_contents(seq)
        assert ledger.contents(seq) is None
        assert ledger.verify().ok


def test_digests_of_equal_contents_differ_and_need_the_key(tmp_path):
    """Low-entropy contents are guessable: equal ones must not show as equal, nor be found by trying (G8.2)."""
    with opened(tmp_path) as ledger:
        first, second = (ledger.get(ledger.intent(order(), b"43")) for _ in range(2))
    assert first.digest != second.digest
    with Ledger.open(tmp_path / "other.db", b"o" * 32) as other:
        assert not any(other.matches(first, str(size).encode()) for size in range(30, 50))


def test_no_plain_text_reaches_the_disk(tmp_path):
    with opened(tmp_path, keep_contents=True) as ledger:
        ledger.intent(order(note="for the marathon"), b"size forty-three")
        found = b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())
    for secret in (b"northside", b"Northside", b"shoe-size", b"marathon", b"forty-three", b"SQLite format"):
        assert secret not in found


def test_files_are_the_users_alone(tmp_path):
    with opened(tmp_path) as ledger:
        ledger.intent(order())
        for file in tmp_path.rglob("*"):
            if file.is_file():
                assert file.stat().st_mode & 0o077 == 0, file


def test_entries_are_chosen_by_kind_errand_account_and_number(tmp_path):
    with opened(tmp_path) as ledger:
        for i in range(6):
            ledger.outcome(ledger.intent(order(f"e{i % 2}", parties=(SHOP,) if i % 3 else (Party("bob"),))), Status.DONE)
        ledger.note(Kind.DENIAL, errand="e0", tool="mail.send")
        numbers = lambda **by: [r.seq for r in ledger.entries(**by)]  # noqa: E731
        assert numbers(kind="intent") == [1, 3, 5, 7, 9, 11]
        assert numbers(kind="intent", errand="e0") == [1, 5, 9]
        assert numbers(account="bob") == [1, 7]
        assert numbers(since=12) == [12, 13]
        assert numbers(last=2) == [12, 13]
        assert numbers(kind="intent", last=2) == [9, 11]
        assert numbers(errand="none", last=3) == []


def test_reading_while_appending_neither_blocks_nor_repeats(tmp_path, monkeypatch):
    monkeypatch.setattr("discreet.ledger.chain.READ_ROWS", 3)
    with opened(tmp_path) as ledger:
        for _ in range(10):
            ledger.note(Kind.QUESTION)
        seen = []
        for record in ledger.entries():
            seen.append(record.seq)
            if record.seq == 5:
                ledger.note(Kind.ANSWER, of=1)
        assert seen == list(range(1, 12))


def test_a_checked_flow_becomes_an_entry_of_every_tag_and_recipient(tmp_path):
    """G1.3, G5.4"""
    text = Shape("text")
    contract = Contract("mail.send", "send", (Parameter("body", text),), text, Effect.WRITE, "errand", Place("sent"))
    anna = Recipient("anna@example.org", "anna", name="Anna")
    body = Value("late", label([("schedule/event", "user")], {"calendar"}))
    flow = Flow(contract, {"body": body}, label([("health/condition", "user")]), (anna,), Place("sent"))
    decision = Decision((Finding(Verdict.PERMIT, norms=("n7",)), Finding(Verdict.PERMIT, norms=("n2", "n7"))))
    made = of_flow(Kind.INTENT, flow, decision, "e1", confirmed=True)
    assert made.items == (Item("health/condition"), Item("schedule/event"))
    assert made.parties == (Party("anna@example.org", "anna", "Anna"),)
    assert (made.sources, made.norms, made.tagged_pc, made.place) == (("calendar",), ("n2", "n7"), True, "sent")
    with opened(tmp_path) as ledger:
        assert ledger.get(ledger.intent(made)).entry == made


def test_limits_are_stated_with_their_unit(tmp_path):
    with opened(tmp_path) as ledger:
        with pytest.raises(LedgerError, match=f"at most {NOTE_CHARS_MAX} characters"):
            ledger.note(Kind.AUDIT, note="x" * (NOTE_CHARS_MAX + 1))
        with pytest.raises(LedgerError, match=f"at most {ENTRY_BYTES_MAX} bytes"):
            ledger.intent(order(sources=("s" * ENTRY_BYTES_MAX,)))
        assert ledger.newest()[0] == 0
        assert ledger.verify().ok


def test_a_full_disk_is_told_before_the_effect_and_leaves_the_chain_whole(tmp_path):
    with opened(tmp_path) as ledger:
        ledger.intent(order())
        pages = ledger.db.execute("pragma page_count").fetchone()[0]
        ledger.db.execute(f"pragma max_page_count = {pages}")
        with pytest.raises(LedgerError, match="cannot be written: database or disk is full"):
            for _ in range(50):
                ledger.intent(order(note="x" * 400))
        ledger.db.execute("pragma max_page_count = 1000000")
        assert ledger.verify().ok
        ledger.note(Kind.QUESTION)


def test_a_process_that_hangs_with_the_lock_is_told_after_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_MS_MAX", 50)
    with opened(tmp_path) as ledger:
        with turn(tmp_path / "store" / "ledger.db.lock"), pytest.raises(LedgerError, match="for over 50 ms"):
            ledger.note(Kind.QUESTION)
        ledger.note(Kind.QUESTION)
        assert ledger.verify().ok


def test_an_entry_is_on_the_disk_when_it_returns(tmp_path):
    """G8.1: `synchronous = full` before writes and payments, and before everything else too."""
    with opened(tmp_path) as ledger:
        assert ledger.db.execute("pragma synchronous").fetchone()[0] == 2
        assert ledger.db.execute("pragma journal_mode").fetchone()[0] == "wal"


def test_a_name_that_is_no_text_is_refused_whole(tmp_path):
    with opened(tmp_path) as ledger:
        with pytest.raises(LedgerError, match="surrogate"):
            ledger.intent(order(parties=(Party("x", "x", "\ud800"),)))
        assert ledger.newest()[0] == 0 and ledger.verify().ok


def test_kinds_keep_to_their_methods(tmp_path):
    with opened(tmp_path) as ledger:
        with pytest.raises(LedgerError, match="own method"):
            ledger.note(Kind.INTENT)
        with pytest.raises(LedgerError, match="an intent was expected"):
            ledger.intent(Entry(Kind.DENIAL))


def test_every_kind_and_field_survives_encoding():
    full = Entry(
        Kind.DOWNGRADE, "e", "t", "pay", "shopping", "p", (SHOP, Party("b", "b", "")), (Item("a/b", "bob", 3), Item("c")),
        ("s",), ("n",), 3, True, True, 9, "done", 5, "note",
    )  # fmt: skip
    for kind in Kind:
        for one in (Entry(kind), replace(full, kind=kind)):
            body = entries.canonical(1, "now", "s", one, "", "", "")
            assert entries.parsed(body, b"").entry == one


def test_the_wrong_key_opens_nothing(tmp_path):
    with opened(tmp_path) as ledger:
        ledger.intent(order())
    with pytest.raises(StoreError, match="the key is wrong"):
        Ledger.open(tmp_path / "store" / "ledger.db", b"w" * 32)


def test_threads_share_one_ledger(tmp_path):
    with opened(tmp_path) as ledger:

        def work() -> None:
            for _ in range(25):
                ledger.outcome(ledger.intent(order()), Status.DONE)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        report = ledger.verify()
        assert report.ok and report.entries == 200 and ledger.unknowns() == []


APPEND_MANY = """
import sys
from pathlib import Path
from discreet.ledger.chain import Ledger
from discreet.ledger.entry import Entry, Kind, Party
folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with Ledger.open(folder / "store" / "ledger.db", bytes(range(32)), folder / "elsewhere" / "head") as ledger:
    for i in range(count):
        seq = ledger.intent(Entry(Kind.INTENT, name, "mail.send", "write", parties=(Party(name),)), b"%d" % i)
        ledger.outcome(seq, "done")
"""


def test_two_errands_at_once_append_to_one_chain(tmp_path):
    """Two processes, started together on a store that neither has made yet."""
    count = 60
    runs = [
        subprocess.Popen([sys.executable, "-c", APPEND_MANY, str(tmp_path), name, str(count)], stderr=subprocess.PIPE)
        for name in ("anna", "bob")
    ]
    for run in runs:
        _, errors = run.communicate(timeout=60)
        assert run.returncode == 0, errors.decode()
    with opened(tmp_path) as ledger:
        report = ledger.verify()
        assert report.ok and report.head == "matches", report
        assert report.entries == 4 * count
        assert ledger.unknowns() == []
        for name in ("anna", "bob"):
            assert len(list(ledger.entries(Kind.INTENT, name))) == count


def test_another_process_call_under_way_is_not_unknown(tmp_path):
    code = (
        "import sys; from pathlib import Path; from discreet.ledger.chain import Ledger;"
        "from discreet.ledger.entry import Entry, Kind;"
        "l = Ledger.open(Path(sys.argv[1]) / 'store' / 'ledger.db', bytes(range(32)), Path(sys.argv[1]) / 'elsewhere' / 'head');"
        "print(l.intent(Entry(Kind.INTENT, 'e1')), flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline().strip() == b"1"
    with opened(tmp_path) as ledger:
        assert ledger.unknowns() == [] and [r.seq for r in ledger.under_way()] == [1]
        other.kill()
        other.wait(timeout=20)
        assert [r.seq for r in ledger.unknowns()] == [1] and ledger.under_way() == []
    other.stdin.close()
    other.stdout.close()


def test_checkpoints_are_signed_on_the_way_and_at_the_end(tmp_path):
    clock = iter(range(10**6))
    now = lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=next(clock))  # noqa: E731
    with opened(tmp_path, now=now) as ledger:
        for _ in range(CHECKPOINT_ENTRIES + 1):
            ledger.note(Kind.QUESTION)
        assert ledger.verify().checkpoints == 1
    with opened(tmp_path) as ledger:
        assert ledger.verify().checkpoints == 2
        assert ledger.get(1).at == "2026-01-01T00:00:00.000000+00:00"
