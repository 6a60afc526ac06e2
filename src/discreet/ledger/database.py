"""Opens an encrypted SQLite file so that a commit is on the disk when it returns, and derives keys for single uses."""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from discreet.kernel.errors import DiscreetError, invariant

KEY_BYTES = 32
BUSY_MS_MAX = 30_000  # how long one process waits for another's write


class StoreError(DiscreetError):
    """An encrypted file cannot be opened, read or written."""


def subkey(key: bytes, use: str) -> bytes:
    """A key for one use only; nothing about `key` or another use follows from it."""
    invariant(len(key) == KEY_BYTES, f"a key of {KEY_BYTES} bytes")
    return hmac.digest(key, b"discreet key for " + use.encode(), "sha256")


def connect(path: Path, key: bytes) -> Any:
    """A connection in write-ahead mode with full synchronisation. Raises StoreError on a wrong key or a damaged file."""
    import sqlcipher3

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    db = sqlcipher3.connect(str(path), isolation_level=None, check_same_thread=False, timeout=BUSY_MS_MAX / 1000)
    try:
        db.execute("pragma cipher_log_level = none")  # what is wrong is told by the error
        db.execute(f"pragma key = \"x'{key.hex()}'\"")
        _write_ahead(db)
        db.execute("pragma synchronous = full")
        db.execute("pragma secure_delete = on")
        db.execute("pragma temp_store = memory")  # nothing of it is written to disk in the clear
        db.execute("select count(*) from sqlite_master").fetchone()
    except sqlcipher3.Error as error:
        db.close()
        raise StoreError(f"`{path}` cannot be opened: the key is wrong or the file is damaged") from error
    return db


def _write_ahead(db: Any) -> None:
    """Switch to write-ahead mode; two processes that switch a new file at once do not wait for each other by themselves."""
    import sqlcipher3

    until = time.monotonic() + BUSY_MS_MAX / 1000
    while True:
        try:
            db.execute("pragma journal_mode = wal")
            return
        except sqlcipher3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)


def damage() -> tuple[type[Exception], ...]:
    """The exceptions by which the database tells that a file is damaged, locked or full."""
    import sqlcipher3

    return (sqlcipher3.Error,)


@contextmanager
def transaction(db: Any) -> Iterator[None]:
    """One writer at a time over all processes; durable at the end or not done at all."""
    db.execute("begin immediate")
    try:
        yield
        db.execute("commit")
    except BaseException:
        if db.in_transaction:  # a damaged or full file may have rolled back by itself
            db.execute("rollback")
        raise

