"""The one key of vault and ledger: from the system's keyring, a passphrase, or a file that only the user can read.

`obtain` takes the key where it was put when it was made, and says plainly where that is. It never falls back to a weaker
place by itself: a keyring that is locked is an error, not a reason to write a file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from discreet.kernel.errors import DiscreetError
from discreet.ledger.database import KEY_BYTES

SERVICE = "discreet"  # the entry's name in the keyring
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1  # 128 MiB and about 0.4 s of one core a guess
SCRYPT_N_MAX = 2**20
SCRYPT_BYTES_MAX = 2**30 + 2**20
PASSPHRASE_CHARS_MIN = 8
CACHE_MINUTES_MAX = 24 * 60
RECORD = "key.json"  # says where the key is; holds no key
KEY_FILE = "key"


class KeyProblem(DiscreetError):
    """The key cannot be had, or is kept in a way that is not safe."""


class Where(StrEnum):
    KEYRING = "keyring"
    PASSPHRASE = "passphrase"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Key:
    """The key and where it came from; `says` is for the user."""

    secret: bytes
    where: Where
    says: str

    def __repr__(self) -> str:
        return f"Key({self.where})"  # never the secret


Ask = Callable[[], str]


def obtain(home: Path, ask: Ask | None = None, where: Where | None = None) -> Key:
    """The key of the data in `home`; made at the first call, in `where` or in the best place this machine has.

    `ask` gives the passphrase. Raises KeyProblem when the key was made elsewhere than `where`, cannot be read, or lies in
    a file that others can read.
    """
    record = _record(home)
    if record is None:
        return _make(home, ask, where or (Where.KEYRING if keyring_usable() else Where.PASSPHRASE if ask else Where.FILE))
    made = Where(record["where"])
    if where and where is not made:
        raise KeyProblem(f"the key of `{home}` is kept in the {made}, not in the {where}")
    match made:
        case Where.KEYRING:
            return _from_keyring(home, record)
        case Where.PASSPHRASE:
            return _from_passphrase(home, record, ask)
        case Where.FILE:
            return _from_file(home)


def keyring_usable() -> bool:
    """Whether the system has a keyring that is neither absent nor a plain text file."""
    try:
        import keyring
        import keyring.backends.fail
        import keyring.backends.null

        backend = keyring.get_keyring()
    except Exception:  # noqa: BLE001  a broken backend of another package is no keyring
        return False
    weak = (keyring.backends.fail.Keyring, keyring.backends.null.Keyring)
    return not isinstance(backend, weak) and backend.priority >= 1 and "plain" not in type(backend).__name__.lower()


def lock(home: Path) -> None:
    """Forget a cached key at once."""
    cached = _cache_path(home)
    if cached:
        cached.unlink(missing_ok=True)


def remember_for(home: Path, key: Key, minutes: int) -> bool:
    """Keep a passphrase's key in memory-backed storage of this login, so that the next command need not ask.

    False where the system has none (`XDG_RUNTIME_DIR`): the key is then not kept, never put on a disk.
    """
    if not 0 < minutes <= CACHE_MINUTES_MAX:
        raise KeyProblem(f"a key is kept for 1 to {CACHE_MINUTES_MAX} minutes, not {minutes} minutes")
    cached = _cache_path(home)
    if cached is None:
        return False
    _write_private(cached, json.dumps({"until": time.time() + minutes * 60, "key": key.secret.hex()}).encode())
    return True


def _make(home: Path, ask: Ask | None, where: Where) -> Key:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = secrets.token_bytes(KEY_BYTES)
    record: dict[str, object] = {"where": where.value, "name": secrets.token_hex(8)}
    match where:
        case Where.KEYRING:
            import keyring

            keyring.set_password(SERVICE, str(record["name"]), base64.b64encode(secret).decode())
        case Where.PASSPHRASE:
            salt = secrets.token_bytes(16)
            record |= {"salt": salt.hex(), "n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P}
            secret = _stretched(_passphrase(ask), record)
            record["check"] = _check(secret)
        case Where.FILE:
            if (home / KEY_FILE).exists():  # a process died before it wrote the record
                secret = _from_file(home).secret
            else:
                _write_private(home / KEY_FILE, secret.hex().encode() + b"\n", new=True)
    _write_private(home / RECORD, json.dumps(record).encode(), new=True)
    return Key(secret, where, _says(where, home))


def _record(home: Path) -> dict | None:
    try:
        return json.loads((home / RECORD).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise KeyProblem(f"`{home / RECORD}` is damaged") from error


def _from_keyring(home: Path, record: dict) -> Key:
    import keyring
    import keyring.errors

    try:
        stored = keyring.get_password(SERVICE, record["name"])
    except keyring.errors.KeyringError as error:
        raise KeyProblem("the keyring is locked or absent; unlock it and try again") from error
    if not stored:
        raise KeyProblem(f"the keyring has no key `{record['name']}` of `{SERVICE}`; without it the data cannot be read")
    return Key(base64.b64decode(stored), Where.KEYRING, _says(Where.KEYRING, home))


def _from_passphrase(home: Path, record: dict, ask: Ask | None) -> Key:
    secret = _cached(home)
    if secret is None or not hmac.compare_digest(_check(secret), record["check"]):
        secret = _stretched(_passphrase(ask, new=False), record)
        if not hmac.compare_digest(_check(secret), record["check"]):
            raise KeyProblem("the passphrase is wrong")
    return Key(secret, Where.PASSPHRASE, _says(Where.PASSPHRASE, home))


def _from_file(home: Path) -> Key:
    path = home / KEY_FILE
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise KeyProblem(f"the key file `{path}` cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(file.fileno())
        text = file.read(3 * KEY_BYTES)
    wide = stat.S_IMODE(state.st_mode) & 0o077
    if wide or state.st_uid != os.geteuid() or not stat.S_ISREG(state.st_mode):
        raise KeyProblem(f"the key file `{path}` can be read by others; `chmod 600` it, and take the key as known to them")
    try:
        secret = bytes.fromhex(text.decode().strip())
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise KeyProblem(f"the key file `{path}` is damaged: {KEY_BYTES} bytes in hexadecimal were expected")
    return Key(secret, Where.FILE, _says(Where.FILE, home))


def _says(where: Where, home: Path) -> str:
    match where:
        case Where.KEYRING:
            return "the key is in this system's keyring: who can use your unlocked login can read your facts"
        case Where.PASSPHRASE:
            return "the key comes from your passphrase: nobody can read your facts without it, and lost is lost"
        case Where.FILE:
            return f"the key is in the file `{home / KEY_FILE}`: who can read that file, or a backup of it, can read your facts"


def _passphrase(ask: Ask | None, new: bool = True) -> str:
    if ask is None:
        raise KeyProblem("a passphrase is needed and there is nobody to ask")
    said = ask()
    if new and len(said) < PASSPHRASE_CHARS_MIN:
        raise KeyProblem(f"a passphrase of {len(said)} characters; at least {PASSPHRASE_CHARS_MIN} characters are needed")
    return said


def _stretched(passphrase: str, record: dict) -> bytes:
    n = int(record["n"])
    if not SCRYPT_N <= n <= SCRYPT_N_MAX:  # nobody makes a guess cheaper by editing the record
        raise KeyProblem("the record of the key is damaged: its cost is out of bounds")
    salt = bytes.fromhex(record["salt"])
    r, p = int(record["r"]), int(record["p"])
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=n, r=r, p=p, maxmem=SCRYPT_BYTES_MAX, dklen=KEY_BYTES)


def _check(secret: bytes) -> str:
    return hmac.digest(secret, b"discreet key check", "sha256").hex()


def _cache_path(home: Path) -> Path | None:
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    if not folder or not Path(folder).is_dir():
        return None
    return Path(folder) / f"discreet-{hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]}"


def _cached(home: Path) -> bytes | None:
    path = _cache_path(home)
    if path is None or not path.exists():
        return None
    try:
        state = path.stat()
        if stat.S_IMODE(state.st_mode) & 0o077 or state.st_uid != os.geteuid():
            return None
        kept = json.loads(path.read_bytes())
        if kept["until"] < time.time():
            path.unlink(missing_ok=True)
            return None
        return bytes.fromhex(kept["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_private(path: Path, data: bytes, new: bool = False) -> None:
    """Write whole or not at all, readable by the user alone. With `new` an existing file is left as it is."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        if new:
            os.link(beside, path)
        else:
            os.replace(beside, path)
    except FileExistsError as error:
        raise KeyProblem(f"`{path}` exists already") from error
    finally:
        beside.unlink(missing_ok=True)
