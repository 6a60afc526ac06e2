"""Whoever edits, reorders, removes, cuts or puts back an older copy of the ledger is found out, as far as can be (G8.1)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from discreet.ledger.chain import Ledger, derived, link
from discreet.ledger.database import connect, subkey
from discreet.ledger.entry import Entry, Item, Kind, LedgerError, Party, Status, canonical
from discreet.ledger.head import HEAD_BYTES, Head, Signer, parse, signed_by
from discreet.ledger.verify import verify_file

KEY = bytes(range(32))
SHOP = Party("shop", "northside", "Northside Sports")


@pytest.fixture
def folder(tmp_path):
    """A closed ledger of 20 entries."""
    with at(tmp_path) as ledger:
        for i in range(10):
            seq = ledger.intent(Entry(Kind.INTENT, f"e{i}", "shop.buy", "pay", parties=(SHOP,), items=(Item("body/shoe-size"),)))
            ledger.outcome(seq, "done")
    return tmp_path


def at(folder: Path) -> Ledger:
    return Ledger.open(folder / "store" / "ledger.db", KEY, folder / "elsewhere" / "head")


def report(folder: Path):
    return verify_file(folder / "store" / "ledger.db", KEY, folder / "elsewhere" / "head")


def insider(folder: Path):
    """The store as one sees it who has the file's key but not the signing key."""
    return connect(folder / "store" / "ledger.db", subkey(KEY, "ledger file"))


def rechain(db) -> None:
    """Make every hash fit again, as an editor would who knows the format and has the key of the links too, so that only heads are left."""
    previous = b"\0" * 32
    for seq, body in db.execute("select seq, body from entry order by seq").fetchall():
        previous = link(subkey(KEY, "ledger links"), previous, body if isinstance(body, bytes) else body.encode())
        db.execute("update entry set hash = ? where seq = ?", (previous, seq))


def test_an_untouched_ledger_verifies(folder):
    found = report(folder)
    assert found.ok and found.entries == 20 and found.head == "matches"
    assert "all in order" in found.sentence()


def test_every_page_of_the_raw_file_is_covered(folder):
    """One byte flipped anywhere, in each page in turn, without the key."""
    file = folder / "store" / "ledger.db"
    whole = file.read_bytes()
    for start in range(0, len(whole), 4096):
        for place in (start + 17, start + 2000, start + 4090):
            edited = bytearray(whole)
            edited[place] ^= 1
            file.write_bytes(edited)
            assert not report(folder).ok, f"byte {place} of {len(whole)}"
    file.write_bytes(whole)
    assert report(folder).ok


@pytest.mark.parametrize("count", [1, 4])
def test_who_has_the_files_key_alone_adds_nothing_behind_the_head(folder, count):
    """A forged outcome would settle a payment that nobody knows the end of, and the next append would sign it (G8.1)."""
    with at(folder) as ledger:
        seq = ledger.intent(Entry(Kind.INTENT, "e", "shop.checkout", "pay", "purchase", parties=(Party("shop:n"),)), b"order")
        ledger.outcome(seq, Status.UNKNOWN)
    db = insider(folder)
    for number in range(count):
        last, previous = db.execute("select seq, hash from entry order by seq desc limit 1").fetchone()
        entry = Entry(Kind.OUTCOME, "e", "shop.checkout", of=seq, status="refused") if not number else Entry(Kind.GRANT, "e")
        body = canonical(last + 1, "2026-11-23T10:00:00.000000+00:00", "s", entry, "", "", "")
        db.execute("insert into entry values(?,?,?,?,?)", (last + 1, entry.kind.value, entry.errand, body, link(b"not the key", bytes(previous), body)))
        for statement, values in derived(last + 1, "s", entry):
            db.execute(statement, values)
    db.commit()
    db.close()
    assert not report(folder).ok
    with at(folder) as ledger, pytest.raises(LedgerError, match="was not written by this ledger"):
        ledger.note(Kind.RUN_START, errand="next")


def test_its_benign_twin_what_a_crash_left_behind_the_head_is_taken_up(folder):
    head = (folder / "elsewhere" / "head").read_bytes()
    with at(folder) as ledger:
        ledger.note(Kind.DENIAL, errand="later")
        ledger.note(Kind.DENIAL, errand="later still")
    (folder / "elsewhere" / "head").write_bytes(head)
    assert report(folder).ok and report(folder).head == "lags"
    with at(folder) as ledger:
        ledger.note(Kind.RUN_START, errand="next")
    assert report(folder).head == "matches"


def test_pages_swapped_in_the_raw_file_are_found(folder):
    file = folder / "store" / "ledger.db"
    whole = file.read_bytes()
    pages = [whole[i : i + 4096] for i in range(0, len(whole), 4096)]
    pages[2], pages[3] = pages[3], pages[2]
    file.write_bytes(b"".join(pages))
    assert not report(folder).ok


def test_a_shortened_file_is_found(folder):
    file = folder / "store" / "ledger.db"
    file.write_bytes(file.read_bytes()[: 4096 * 3])
    assert not report(folder).ok


def test_a_store_put_back_to_an_older_copy_is_found_by_the_head(folder):
    shutil.copytree(folder / "store", folder / "older")
    with at(folder) as ledger:
        ledger.note(Kind.DENIAL, errand="later")
    shutil.rmtree(folder / "store")
    shutil.copytree(folder / "older", folder / "store")
    found = report(folder)
    assert not found.ok and "cut off or put back" in found.sentence()


def test_a_removed_write_ahead_log_is_found_by_the_head(folder):
    ledger = at(folder)
    ledger.note(Kind.DENIAL, errand="later")
    copy = folder / "copy"
    copy.mkdir()
    shutil.copy(folder / "store" / "ledger.db", copy)  # without the log, in which the newest entry is
    shutil.copytree(folder / "elsewhere", folder / "copy-head")
    ledger.close()
    found = verify_file(copy / "ledger.db", KEY, folder / "copy-head" / "head")
    assert not found.ok and "cut off" in found.sentence()


def test_a_deleted_store_is_found_by_the_head(folder):
    shutil.rmtree(folder / "store")
    assert "gone; its head states 20 entries" in report(folder).sentence()
    assert not (folder / "store" / "ledger.db").exists()
    with at(folder) as ledger, pytest.raises(LedgerError, match="does not hold what its head states"):
        ledger.note(Kind.QUESTION)


def test_a_missing_or_damaged_head_file_is_a_problem_and_stops_appends(folder):
    head = folder / "elsewhere" / "head"
    kept = head.read_bytes()
    for damaged in (None, b"nonsense", b"\xff\xfe", kept[: len(kept) // 4], kept.replace(b"20", b"19")):
        head.unlink(missing_ok=True)
        if damaged is not None:
            head.write_bytes(damaged)
        assert not report(folder).ok
        with at(folder) as ledger, pytest.raises(LedgerError):
            ledger.note(Kind.QUESTION)
    head.write_bytes(kept)
    assert report(folder).ok


def test_a_head_that_is_right_but_not_signed_stops_appends_too(folder):
    """Who cuts the store with the file's key alone cannot make the head that would fit."""
    head = folder / "elsewhere" / "head"
    db = insider(folder)
    db.execute("delete from entry where seq = 20")
    hash_ = db.execute("select hash from entry where seq = 19").fetchone()[0]
    db.close()
    signed = parse(head.read_text())
    head.write_text(Head(signed.ledger, 19, hash_.hex(), signed.signature).text())
    assert "not signed by this ledger" in report(folder).sentence()
    with at(folder) as ledger, pytest.raises(LedgerError, match="does not hold what its head states"):
        ledger.note(Kind.QUESTION)


def test_the_head_of_another_ledger_is_none_of_ours(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    with at(other) as ledger:
        for _ in range(20):
            ledger.note(Kind.QUESTION)
    shutil.copy(other / "elsewhere" / "head", folder / "elsewhere" / "head")
    assert "not signed by this ledger" in report(folder).sentence()


@pytest.mark.parametrize(
    "edit",
    [
        "update entry set body = cast(replace(body, 'shop.buy', 'shop.see') as blob) where seq = 7",
        "update entry set body = 'no blob' where seq = 7",
        "update entry set hash = 7 where seq = 7",
        "delete from entry where seq = 7",
        "delete from entry where seq between 5 and 9",
        "delete from entry where seq > 18",
        "update entry set seq = case seq when 7 then 9 when 9 then 7 end + 100 where seq in (7, 9)",
        "insert into entry select 21, kind, errand, body, hash from entry where seq = 20",
        "update entry set errand = 'e9' where seq = 7",
        "update entry set kind = 'denial' where seq = 7",
        "delete from heard where seq = 7",
        "insert into heard values('bob', 7)",
        "delete from told",
        "insert into told values('northside', 'health', 'user')",
        "update party set name = 'Bob'",
        "insert into pending values(7, '')",
        "insert into spent values('health', 'northside', 1)",
        "update checkpoint set head = replace(head, '20', '19')",
    ],
)
@pytest.mark.parametrize("fitting", [False, True], ids=["as is", "hashes made to fit"])
def test_an_editor_with_the_files_key_alone_is_found(folder, edit, fitting):
    """The hash chain, and for hashes made anew the signed heads, which the file's key does not give."""
    db = insider(folder)
    db.execute(edit)
    if fitting and "set hash" not in edit:
        rechain(db)
    db.close()
    found = report(folder)
    assert not found.ok
    assert found.sentence().startswith("damaged: ")


def test_a_report_lists_so_many_problems(folder, monkeypatch):
    monkeypatch.setattr("discreet.ledger.verify.PROBLEMS_MAX", 5)
    db = insider(folder)
    db.execute("update entry set hash = cast('x' as blob)")
    db.close()
    assert len(report(folder).problems) == 5


def test_swapped_rows_are_found(folder):
    db = insider(folder)
    rows = dict(db.execute("select seq, body from entry where seq in (3, 5)").fetchall())
    db.execute("update entry set body = ? where seq = 3", (rows[5],))
    db.execute("update entry set body = ? where seq = 5", (rows[3],))
    db.close()
    assert {3, 5} <= {p.seq for p in report(folder).problems}


def test_who_has_every_key_and_the_head_file_is_found_only_by_a_head_kept_elsewhere(folder):
    """Stated plainly in docs/LEDGER.md: this is where detection ends."""
    with at(folder) as ledger:
        kept = ledger.signed_head()
        name = ledger.name
        public = ledger.signer.public()
    db = insider(folder)
    db.execute("update entry set body = cast(replace(body, 'shop.buy', 'shop.see') as blob) where seq = 7")
    rechain(db)
    seq, hash_ = db.execute("select seq, hash from entry order by seq desc limit 1").fetchone()
    forged = Signer(subkey(KEY, "ledger heads")).sign(Head(name, seq, hash_.hex()))
    db.execute("delete from checkpoint")
    db.close()
    (folder / "elsewhere" / "head").write_bytes(forged.text().encode().ljust(HEAD_BYTES))
    assert report(folder).ok
    found = verify_file(folder / "store" / "ledger.db", KEY, folder / "elsewhere" / "head", [kept])
    assert not found.ok and "a head kept elsewhere states" in found.sentence()
    assert signed_by(parse(kept), public) and not signed_by(parse(kept), "00" * 32)


def test_a_head_that_lags_behind_a_crash_is_told_and_mends_itself(folder):
    head = folder / "elsewhere" / "head"
    kept = head.read_bytes()
    with at(folder) as ledger:
        ledger.note(Kind.QUESTION)
    head.write_bytes(kept)  # as if the process had died between the entry and the head
    found = report(folder)
    assert found.ok and found.head == "lags" and "older" in found.beyond
    with at(folder) as ledger:
        ledger.note(Kind.QUESTION)
    assert report(folder).head == "matches"


def test_without_a_head_file_a_cut_is_not_found_and_that_is_said(tmp_path):
    path = tmp_path / "ledger.db"
    with Ledger.open(path, KEY) as ledger:
        ledger.note(Kind.QUESTION)
        older = tmp_path / "older.db"
    shutil.copy(path, older)
    with Ledger.open(path, KEY) as ledger:
        ledger.note(Kind.QUESTION)
    shutil.copy(older, path)
    found = verify_file(path, KEY, None)
    assert found.ok and found.head == "none" and "cannot be seen" in found.sentence()


def test_the_user_may_go_on_after_a_damage_and_that_stands_in_the_ledger(folder):
    (folder / "elsewhere" / "head").unlink()
    with at(folder) as ledger:
        ledger.accept("moved to a new disk")
        ledger.note(Kind.QUESTION)
        assert ledger.verify().ok
        assert [r.entry.note for r in ledger.entries(Kind.AUDIT)] == ["accepted: moved to a new disk"]


def test_the_wrong_key_is_a_report_and_no_crash(folder):
    found = verify_file(folder / "store" / "ledger.db", b"w" * 32, None)
    assert not found.ok and "the key is wrong or the file is damaged" in found.sentence()
