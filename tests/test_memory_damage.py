"""The vault edited from without: labels swapped, texts changed, bytes flipped, older copies put back (G7.1, G2.5)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from discreet.kernel.label import label
from discreet.ledger.database import StoreError, connect, subkey
from discreet.memory.fact import VaultError
from discreet.memory.store import Vault

KEY = bytes(range(32))
TYPES = ["health/condition", "preference", "unclassified"]


def at(folder: Path, **more) -> Vault:
    return Vault.open(folder / "store" / "vault.db", KEY, types=TYPES, head_path=folder / "elsewhere" / "head", **more)


@pytest.fixture
def folder(tmp_path):
    with at(tmp_path) as vault:
        vault.remember("asthma", "health/condition")
        vault.remember("diabetes", "health/condition", audience=("doctor",))
        vault.remember("trail shoes", "preference")
        vault.remember("ship to mallory", "preference", sources=("mail:mallory",))
    return tmp_path


def insider(folder: Path):
    """The store as one sees it who has the file's key but not the sealing key."""
    return connect(folder / "store" / "vault.db", subkey(KEY, "vault file"))


PUBLIC_PREFERENCE = label([("preference", "user")]).canonical().decode()

EDITS = {
    "labels of two facts swapped": "update fact set label = (select f.label from fact f where f.text = 'trail shoes') where text = 'asthma'",
    "labels and types swapped": "update fact set type = 'preference', label = (select f.label from fact f where f.text = 'trail shoes') where text = 'asthma'",
    "label of the same type swapped": "update fact set label = (select f.label from fact f where f.text = 'diabetes') where text = 'asthma'",
    "label emptied": "update fact set label = cast('[[],[]]' as blob) where text = 'asthma'",
    "label no label": "update fact set label = 7 where text = 'asthma'",
    "sources dropped": f"update fact set label = cast('{PUBLIC_PREFERENCE}' as blob) where text = 'ship to mallory'",
    "text changed": "update fact set text = 'no asthma' where text = 'asthma'",
    "subject changed": "update fact set subject = 'bob' where text = 'asthma'",
    "provenance forged": "update fact set provenance = '[\"typed\"]' where text = 'ship to mallory'",
    "date changed": "update fact set updated = '2020' where text = 'asthma'",
    "moved among the learned": "update fact set place = (select place from fact where text = 'ship to mallory'), serial = 99 where text = 'trail shoes'",
    "learned made said": "update fact set place = (select place from fact where text = 'trail shoes'), serial = 99 where text = 'ship to mallory'",
    "places renamed": "update place set key = '[\"said\",[[\"preference\",\"bob\"]]]' where key like '[\"said\"%health%'",
    "ids swapped": "update fact set id = case text when 'asthma' then 'x' else 'y' end where text in ('asthma', 'trail shoes')",
    "seal taken from another": "update fact set label = (select f.label from fact f where f.text = 'trail shoes'), seal = (select f.seal from fact f where f.text = 'trail shoes') where text = 'asthma'",
    "seal emptied": "update fact set seal = cast('' as blob) where text = 'asthma'",
    "seal a text": "update fact set seal = 'x' where text = 'asthma'",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_what_was_edited_is_never_read(folder, edit):
    db = insider(folder)
    db.execute(edit)
    db.close()
    with at(folder) as vault:
        assert vault.check()
        with pytest.raises(VaultError, match="was changed or moved"):
            vault.facts()
        for bad in vault.check():
            with pytest.raises(VaultError):
                vault.get(bad)
            vault.forget(bad)
        assert vault.check() == [] and vault.facts()


def test_an_edited_fact_is_not_recalled_either(folder):
    db = insider(folder)
    db.execute(EDITS["learned made said"])
    db.execute("insert into search_2(rowid, text, words) values(99, 'ship to mallory', '')")
    db.close()
    with at(folder) as vault, pytest.raises(VaultError):
        for type_ in TYPES:
            vault.recall([type_], "ship mallory")


def test_an_index_that_names_what_is_not_there_is_damage_and_not_silence(folder):
    db = insider(folder)
    numbers = dict(db.execute("select key, number from place").fetchall())
    number = numbers['["said",[["preference","user"]]]']
    db.execute(f"insert into search_{number}(rowid, text, words) values(50, 'trail', '')")
    db.close()
    with at(folder) as vault, pytest.raises(VaultError, match="damaged"):
        vault.recall(["preference"], "trail")


def test_no_byte_of_the_raw_file_can_change_unseen(folder):
    """Without the key; one byte in each page in turn. What still reads is what was written."""
    file = folder / "store" / "vault.db"
    with at(folder) as vault:
        facts = vault.facts()
    whole = file.read_bytes()
    refused = 0
    for start in range(0, len(whole), 4096):
        edited = bytearray(whole)
        edited[start + 1000] ^= 1
        file.write_bytes(edited)
        try:
            with at(folder) as vault:
                assert vault.facts() == facts
                vault.recall(["preference", "health/condition"], "asthma shoes")
        except StoreError:
            refused += 1
    assert refused >= 4


def test_no_plain_text_reaches_the_disk(folder):
    with at(folder) as vault:
        vault.remember("migraine", "health/condition")
        found = b"".join(f.read_bytes() for f in folder.rglob("*") if f.is_file())
    for secret in (b"asthma", b"migraine", b"health", b"mallory", b"SQLite format"):
        assert secret not in found


def test_files_are_the_users_alone(folder):
    with at(folder) as vault:
        vault.remember("x", "preference")
        for file in folder.rglob("*"):
            if file.is_file():
                assert file.stat().st_mode & 0o077 == 0, file


def test_an_older_copy_put_back_is_refused_until_the_user_accepts_it(folder):
    """A forgotten fact must not come back, nor a corrected one, without the user."""
    shutil.copytree(folder / "store", folder / "older")
    with at(folder) as vault:
        vault.forget(vault.facts()[0].id)
    shutil.rmtree(folder / "store")
    shutil.copytree(folder / "older", folder / "store")
    with pytest.raises(VaultError, match="older copy"):
        at(folder)
    with at(folder, accept_older=True) as vault:
        assert len(vault.facts()) == 4
    at(folder).close()


def test_an_older_copy_with_as_many_changes_is_refused(folder):
    shutil.copytree(folder / "store", folder / "older")
    with at(folder) as vault:
        vault.remember("one", "preference")
    newer = (folder / "elsewhere" / "head").read_bytes()
    shutil.rmtree(folder / "store")
    shutil.copytree(folder / "older", folder / "store")
    with at(folder, accept_older=True) as vault:
        vault.forget(vault.facts()[0].id)
    (folder / "elsewhere" / "head").write_bytes(newer)
    with pytest.raises(VaultError, match="older copy"):
        at(folder)


def test_a_missing_or_foreign_head_is_told(folder, tmp_path_factory):
    head = folder / "elsewhere" / "head"
    kept = head.read_bytes()
    head.unlink()
    with pytest.raises(VaultError, match="is missing"):
        at(folder)
    other = tmp_path_factory.mktemp("other")
    with at(other) as vault:
        for i in range(4):
            vault.remember(str(i), "preference")
    shutil.copy(other / "elsewhere" / "head", head)
    with pytest.raises(VaultError, match="replaced"):
        at(folder)
    head.write_bytes(b"junk")
    with pytest.raises(VaultError, match="a head is damaged"):
        at(folder)
    head.write_bytes(kept)
    at(folder).close()


def test_a_deleted_vault_is_told_by_its_head(folder):
    shutil.rmtree(folder / "store")
    with pytest.raises(VaultError, match="replaced"):
        at(folder)
