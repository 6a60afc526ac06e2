"""Tells a call that is still under way in another process from one whose process died: a lock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path


class Sessions:
    """A folder with one locked file per open ledger. The system drops the lock when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1
        self.own = ""

    def begin(self) -> str:
        """Take a name and hold its lock until `end` or death."""
        if self.own:
            return self.own
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        while not self.own:
            name = secrets.token_hex(8)
            path = self._folder / name
            self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            if path.exists():
                self.own = name
            else:  # swept between its making and its locking
                os.close(self._descriptor)
        self._sweep()
        return self.own

    def alive(self, name: str) -> bool:
        """Whether the process that began `name` still runs. Never true for a name of another machine's boot."""
        if name == self.own:
            return bool(name)
        if not name.isalnum():
            return False
        try:
            descriptor = os.open(self._folder / name, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def end(self) -> None:
        if self.own:
            (self._folder / self.own).unlink(missing_ok=True)
            os.close(self._descriptor)
            self.own, self._descriptor = "", -1

    def _sweep(self) -> None:
        """Remove the files of the dead, each while its lock is held, so that a newcomer notices."""
        for file in self._folder.iterdir():
            if file.name == self.own:
                continue
            try:
                descriptor = os.open(file, os.O_RDWR)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.unlink(missing_ok=True)
            except BlockingIOError:
                pass
            finally:
                os.close(descriptor)
