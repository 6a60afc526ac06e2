"""A signed statement of where the chain ends, kept in a file outside the store, so that a cut or an older copy shows."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from discreet.ledger import database
from discreet.ledger.database import StoreError
from discreet.ledger.entry import LedgerError

HEAD_BYTES = 512  # one disk sector, so that a head is written whole or not at all


@dataclass(frozen=True, slots=True)
class Head:
    """`ledger` is the store's random name; `hash` is that of entry `seq`; `signature` covers the other three."""

    ledger: str
    seq: int
    hash: str
    signature: str = ""

    def statement(self) -> bytes:
        return f"discreet head\n{self.ledger}\n{self.seq}\n{self.hash}\n".encode()

    def text(self) -> str:
        """One line to keep elsewhere: on paper, in a mail to oneself, on another disk."""
        return json.dumps([self.ledger, self.seq, self.hash, self.signature], separators=(",", ":"))


def parse(text: str) -> Head:
    """The head that `text` states; its signature is not looked at here."""
    try:
        ledger, seq, hash_, signature = json.loads(text)
        return Head(str(ledger), int(seq), str(hash_), str(signature))
    except (ValueError, TypeError) as error:
        raise LedgerError("a head is damaged") from error


class Signer:
    """Signs heads, and checks them; the signing key is derived from the ledger's key and loaded at first use."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._private = None

    def _loaded(self):  # noqa: ANN202  (the class is imported lazily)
        if self._private is None:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

            self._private = Ed25519PrivateKey.from_private_bytes(self._seed)
        return self._private

    def sign(self, head: Head) -> Head:
        return Head(head.ledger, head.seq, head.hash, self._loaded().sign(head.statement()).hex())

    def public(self) -> str:
        """The public key in hexadecimal: with it anyone can check a head that they were given."""
        return self._loaded().public_key().public_bytes_raw().hex()

    def made(self, head: Head) -> bool:
        return signed_by(head, self.public())


def signed_by(head: Head, public: str) -> bool:
    """Whether the holder of `public` signed this head."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(head.signature), head.statement())
    except (InvalidSignature, ValueError):
        return False
    return True


class HeadFile:
    """The file with the newest head; appends of all processes take their turn by its lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def read(self) -> Head | None:
        """The head, or None where no head was ever written. Raises LedgerError on a damaged one."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        text = raw.rstrip(b"\n \0")
        if not text:
            return None
        try:
            return parse(text.decode())
        except UnicodeDecodeError as error:
            raise LedgerError("a head is damaged") from error

    def write(self, head: Head) -> None:
        """Replace the head in place; the caller holds `turn`."""
        raw = head.text().encode().ljust(HEAD_BYTES - 1) + b"\n"
        descriptor = os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.pwrite(descriptor, raw, 0)
        finally:
            os.close(descriptor)


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Hold the lock file `path` while the body runs; waits for other threads' and processes' turns, within a limit."""
    import fcntl

    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        until, pause = time.monotonic() + database.BUSY_MS_MAX / 1000, 0.0002
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise StoreError(f"another process holds `{path}` for over {database.BUSY_MS_MAX} ms") from None
                time.sleep(pause)
                pause = min(pause * 1.5, 0.02)
        yield
    finally:
        os.close(descriptor)  # which releases it
