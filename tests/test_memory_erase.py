"""What is forgotten or corrected is gone from every page of the file, seen with the key in hand (G7.3)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from discreet.ledger.database import subkey
from discreet.memory.store import Vault
from tests.killing import fast_folder

KEY = bytes(range(32))
PAGE, RESERVED, SALT = 4096, 80, 16  # of the encrypted file's format: the page's end holds its IV and code
WAL_HEADER, FRAME_HEADER = 32, 24


def plain(folder: Path) -> bytes:
    """All pages of the file and of its write-ahead log, decrypted: free ones and torn-off ends too."""
    file_key = subkey(KEY, "vault file")
    found = []
    raw = (folder / "vault.db").read_bytes()
    pages = [(raw[i : i + PAGE], i == 0) for i in range(0, len(raw), PAGE)]
    log = folder / "vault.db-wal"
    frames = log.read_bytes()[WAL_HEADER:] if log.exists() else b""
    for i in range(0, len(frames) - FRAME_HEADER, FRAME_HEADER + PAGE):
        number = int.from_bytes(frames[i : i + 4], "big")
        pages.append((frames[i + FRAME_HEADER : i + FRAME_HEADER + PAGE], number == 1))
    for page, first in pages:
        start = SALT if first else 0
        cipher = Cipher(algorithms.AES(file_key), modes.CBC(page[PAGE - RESERVED : PAGE - RESERVED + 16])).decryptor()
        found.append(cipher.update(page[start : PAGE - RESERVED]) + cipher.finalize())
    return b"".join(found)


def vault_with(folder: Path, count: int) -> Vault:
    vault = Vault.open(folder / "vault.db", KEY, types=["health/condition", "preference"], embed=lambda ts: [[1.0, 2.0] for _ in ts])
    with vault.together():
        for i in range(count):
            vault.remember(f"filler number {i} about nothing at all", "health/condition")
    return vault


@pytest.mark.parametrize("fillers", [0, 300])
@pytest.mark.parametrize("how", ["forget", "correct"])
def test_what_is_gone_is_gone_from_every_page(tmp_path, fillers, how):
    secret = "quinsyxylophone"
    with vault_with(tmp_path, fillers) as vault:
        fact = vault.remember(f"has had {secret} since spring", "health/condition")
        vault.remember("stays: quagmire", "health/condition")
        assert secret.encode() in plain(tmp_path)
        if how == "forget":
            vault.forget(fact.id)
        else:
            vault.correct(fact.id, "has had nothing")
        while_open = plain(tmp_path)
    for found in (while_open, plain(tmp_path)):
        assert b"quagmire" in found
        assert secret.encode() not in found
        assert b"xylophon" not in found  # an index keeps stems, and of these what differs from the word before
        if how == "forget":
            assert fact.id.encode() not in found


def test_long_texts_are_gone_too(tmp_path):
    with vault_with(tmp_path, 20) as vault:
        fact = vault.remember("zephyrine " * 1500, "health/condition")
        assert plain(tmp_path).count(b"zephyrine") > 1000
        vault.forget(fact.id)
        assert b"zephyr" not in plain(tmp_path)


def test_many_texts_that_moved_between_pages_are_gone_too():
    """Zeroing what is deleted is not enough: pages that were split keep copies until the file is rewritten."""
    rng = random.Random(4)
    with fast_folder() as folder, Vault.open(folder / "vault.db", KEY, types=["health/condition"]) as vault:
        facts = []
        for i in range(200):
            word = f"q{i * 211 + 13:05}x"
            facts.append((vault.remember((word + " ") * rng.randint(1, rng.choice([3, 40, 300])), "health/condition"), word))
        rng.shuffle(facts)
        with vault.together():
            for fact, _ in facts[:150]:
                vault.forget(fact.id)
        found = plain(folder)
    assert [word for _, word in facts[:150] if word.encode() in found] == []
    assert all(word.encode() in found for _, word in facts[150:])
