"""What waits in a home for the person or for a gateway: questions, answers to them, reports, the person's request; sealed under the home's key.

An answer and a request are trust bits (G3.6, G5.5): who cannot open the home's key can neither write nor change one, nor give an
answer to another question than the one it names.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from discreet.agents.home_paths import default_home, made
from discreet.ledger.database import subkey
from discreet.memory.keys import obtain

REPORTS_MAX = 50  # kept; the oldest make room
FILE_BYTES_MAX = 4_000_000  # of one question or report
_NAME = re.compile(r"[a-z]+-[a-z0-9-]{1,60}")


class Waiting:
    """A folder of sealed records, each of a kind (`question`, `answer`, `report`, `request`, `done`) and a name."""

    def __init__(self, home: Path, secret: bytes) -> None:
        from cryptography.fernet import Fernet

        self.folder = home / "waiting"
        self._box = Fernet(base64.urlsafe_b64encode(subkey(secret, "what waits for the person")))

    def put(self, kind: str, name: str, data: Mapping[str, Any]) -> None:
        """Keep one record, in one step; an older one of that kind and name is replaced."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        sealed = self._box.encrypt(json.dumps({"kind": kind, "name": name, "data": data}).encode())
        temporary = self.folder / f".{secrets.token_hex(8)}"
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(sealed)
        temporary.replace(self.folder / f"{kind}-{name}")

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """One record; None where there is none, or what is there was not sealed as this one."""
        from cryptography.fernet import InvalidToken

        try:
            path = self.folder / f"{kind}-{name}"
            if path.stat().st_size > FILE_BYTES_MAX:
                return None
            found = json.loads(self._box.decrypt(path.read_bytes()))
        except (OSError, InvalidToken):
            return None
        return found["data"] if (found["kind"], found["name"]) == (kind, name) else None

    def take(self, kind: str, name: str) -> dict[str, Any] | None:
        """One record, which is gone then."""
        found = self.get(kind, name)
        self.drop(kind, name)
        return found

    def drop(self, kind: str, name: str) -> None:
        (self.folder / f"{kind}-{name}").unlink(missing_ok=True)

    def all(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """The records of a kind by name, oldest first."""
        try:
            paths = [p for p in self.folder.iterdir() if _NAME.fullmatch(p.name) and p.name.startswith(f"{kind}-")]
        except OSError:
            return []
        names = [path.name.removeprefix(f"{kind}-") for path in sorted(paths, key=_age)]
        return [(name, data) for name in names if (data := self.get(kind, name)) is not None]

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """While it is held no other process works for this agent: what one hears and does, the next one knows."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with open(self.folder / f".{name}.turn", "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield  # closing the file gives it free

    def report(self, data: Mapping[str, Any]) -> None:
        """Keep a report for the person to read."""
        self.put("report", secrets.token_hex(8), data)
        for name, _ in self.all("report")[:-REPORTS_MAX]:
            self.drop("report", name)


def _age(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:  # taken meanwhile
        return 0, path.name


def waiting(home: Path | None, ask: Any = None) -> Waiting:
    """What waits in a home, without opening vault or ledger. Raises HomeError when there is no home."""
    path = made(home or default_home())
    return Waiting(path, obtain(path, ask).secret)
