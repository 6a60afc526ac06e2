"""Where the key is: keyring, passphrase or file; said plainly, never weaker than it was made, never read too widely."""

from __future__ import annotations

import json
import os
import stat

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest

from discreet.memory import keys
from discreet.memory.keys import KeyProblem, Where, keyring_usable, lock, obtain, remember_for


class FolderKeyring(keyring.backend.KeyringBackend):
    """A real backend by keyring's own interface, over a folder; `locked` is how a desktop's keyring fails."""

    priority = 5

    def __init__(self, folder, locked=False):
        super().__init__()
        self.folder, self.locked = folder, locked

    def _file(self, service, name):
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
        return self.folder / f"{service}-{name}"

    def get_password(self, service, username):
        file = self._file(service, username)
        return file.read_text() if file.exists() else None

    def set_password(self, service, username, password):
        self._file(service, username).write_text(password)


@pytest.fixture(autouse=True)
def no_keyring(tmp_path, monkeypatch):
    """A machine without a keyring and without a login's memory, unless a test gives it one."""
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(keys, "SCRYPT_N", 2**12)  # so that a test need not wait; the shipped cost has a test of its own
    yield
    keyring.set_keyring(before)


def asked(text):
    def ask():
        ask.times += 1
        return text

    ask.times = 0
    return ask


def test_without_keyring_and_passphrase_the_key_is_a_file_of_the_users_alone(tmp_path):
    key = obtain(tmp_path / "home")
    file = tmp_path / "home" / "key"
    assert key.where is Where.FILE and str(file) in key.says and "backup" in key.says
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert obtain(tmp_path / "home") == key and len(key.secret) == 32
    assert obtain(tmp_path / "other").secret != key.secret
    assert key.secret.hex() not in repr(key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o666, 0o610, 0o777])
def test_a_key_file_with_wider_permissions_is_refused(tmp_path, mode):
    obtain(tmp_path)
    (tmp_path / "key").chmod(mode)
    with pytest.raises(KeyProblem, match="can be read by others"):
        obtain(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_someone_else_is_refused(tmp_path):
    obtain(tmp_path)
    os.chown(tmp_path / "key", 12345, 12345)
    with pytest.raises(KeyProblem, match="can be read by others"):
        obtain(tmp_path)


def test_a_key_file_that_is_a_link_or_damaged_or_gone_is_refused(tmp_path):
    obtain(tmp_path)
    file, elsewhere = tmp_path / "key", tmp_path / "elsewhere"
    file.rename(elsewhere)
    with pytest.raises(KeyProblem, match="cannot be read"):
        obtain(tmp_path)
    file.symlink_to(elsewhere)
    with pytest.raises(KeyProblem, match="cannot be read"):
        obtain(tmp_path)
    file.unlink()
    for text in ("", "ab", "z" * 64, "a" * 70):
        file.write_text(text)
        file.chmod(0o600)
        with pytest.raises(KeyProblem, match="is damaged"):
            obtain(tmp_path)


def test_a_process_that_died_between_key_and_record_loses_nothing(tmp_path):
    key = obtain(tmp_path)
    (tmp_path / "key.json").unlink()
    assert obtain(tmp_path) == key


def test_a_passphrase_gives_the_same_key_again_and_a_wrong_one_none(tmp_path):
    key = obtain(tmp_path, asked("correct horse"))
    assert key.where is Where.PASSPHRASE and "lost is lost" in key.says
    assert obtain(tmp_path, asked("correct horse")) == key
    with pytest.raises(KeyProblem, match="the passphrase is wrong"):
        obtain(tmp_path, asked("wrong horse"))
    with pytest.raises(KeyProblem, match="nobody to ask"):
        obtain(tmp_path)
    assert not (tmp_path / "key").exists()
    assert key.secret.hex() not in (tmp_path / "key.json").read_text()


def test_a_short_passphrase_is_refused_and_nothing_is_made(tmp_path):
    with pytest.raises(KeyProblem, match=f"at least {keys.PASSPHRASE_CHARS_MIN} characters"):
        obtain(tmp_path, asked("short"))
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_makes_guessing_cheap_or_endless_is_refused(tmp_path):
    obtain(tmp_path, asked("correct horse"))
    record = json.loads((tmp_path / "key.json").read_text())
    for n in (2, keys.SCRYPT_N // 2, keys.SCRYPT_N_MAX * 2):
        (tmp_path / "key.json").write_text(json.dumps({**record, "n": n}))
        with pytest.raises(KeyProblem, match="cost is out of bounds"):
            obtain(tmp_path, asked("correct horse"))


SHIPPED_N = keys.SCRYPT_N


def test_the_shipped_cost_of_a_guess_is_128_mebibytes(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "SCRYPT_N", SHIPPED_N)
    assert 128 * SHIPPED_N * keys.SCRYPT_R == 128 * 2**20
    obtain(tmp_path, asked("correct horse"))
    assert json.loads((tmp_path / "key.json").read_text())["n"] == SHIPPED_N


def test_a_passphrases_key_is_kept_for_a_while_in_the_logins_memory_only(tmp_path, monkeypatch):
    key = obtain(tmp_path / "home", asked("correct horse"))
    assert remember_for(tmp_path / "home", key, 5) is False  # no such memory here: not kept
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(run))
    assert remember_for(tmp_path / "home", key, 5)
    [cached] = run.iterdir()
    assert stat.S_IMODE(cached.stat().st_mode) == 0o600
    ask = asked("correct horse")
    assert obtain(tmp_path / "home", ask) == key and ask.times == 0
    cached.chmod(0o644)
    assert obtain(tmp_path / "home", ask) == key and ask.times == 1
    cached.chmod(0o600)
    monkeypatch.setattr(keys.time, "time", lambda: 10**12)
    assert obtain(tmp_path / "home", ask) == key and ask.times == 2
    assert not cached.exists()


def test_lock_forgets_a_kept_key_at_once(tmp_path, monkeypatch):
    key = obtain(tmp_path / "home", asked("correct horse"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    remember_for(tmp_path / "home", key, 1)
    lock(tmp_path / "home")
    with pytest.raises(KeyProblem, match="nobody to ask"):
        obtain(tmp_path / "home")
    for minutes in (0, keys.CACHE_MINUTES_MAX + 1):
        with pytest.raises(KeyProblem, match=f"{keys.CACHE_MINUTES_MAX} minutes"):
            remember_for(tmp_path / "home", key, minutes)


def test_a_keyring_is_preferred_and_told(tmp_path):
    store = tmp_path / "keyring"
    store.mkdir()
    keyring.set_keyring(FolderKeyring(store))
    assert keyring_usable()
    key = obtain(tmp_path / "home", asked("correct horse"))
    assert key.where is Where.KEYRING and "keyring" in key.says
    assert obtain(tmp_path / "home") == key
    assert {f.name for f in (tmp_path / "home").iterdir()} == {"key.json"}


def test_a_locked_or_empty_keyring_is_an_error_and_never_a_new_key(tmp_path):
    store = tmp_path / "keyring"
    store.mkdir()
    keyring.set_keyring(FolderKeyring(store))
    obtain(tmp_path / "home")
    keyring.set_keyring(FolderKeyring(store, locked=True))
    with pytest.raises(KeyProblem, match="locked or absent"):
        obtain(tmp_path / "home", asked("correct horse"))
    empty = tmp_path / "empty"
    empty.mkdir()
    keyring.set_keyring(FolderKeyring(empty))
    with pytest.raises(KeyProblem, match="has no key"):
        obtain(tmp_path / "home")
    keyring.set_keyring(keyring.backends.fail.Keyring())
    assert not keyring_usable()
    with pytest.raises(KeyProblem, match="locked or absent"):
        obtain(tmp_path / "home")


def test_the_key_is_not_taken_from_another_place_than_it_was_made_in(tmp_path):
    obtain(tmp_path, where=Where.FILE)
    with pytest.raises(KeyProblem, match="is kept in the file, not in the passphrase"):
        obtain(tmp_path, asked("correct horse"), Where.PASSPHRASE)


def test_a_damaged_record_is_told(tmp_path):
    obtain(tmp_path)
    (tmp_path / "key.json").write_text("{")
    with pytest.raises(KeyProblem, match="is damaged"):
        obtain(tmp_path)
