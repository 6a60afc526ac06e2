"""Where a home and the heads of its stores are; and the ledger alone, opened without anything else."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from discreet.kernel.errors import DiscreetError
from discreet.ledger.chain import Ledger
from discreet.memory.keys import obtain

if TYPE_CHECKING:
    from discreet.ledger.verify import Report


class HomeError(DiscreetError):
    """The home cannot be used as it is; says what to do."""


def default_home() -> Path:
    """$DISCREET_HOME, or discreet/ in the user's data directory."""
    if os.environ.get("DISCREET_HOME"):
        return Path(os.environ["DISCREET_HOME"])
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "discreet"


def head_path_of(path: Path, what: str) -> Path:
    """Where the head of a store is kept: outside the home and its backups."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "discreet"
    return state / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}.{what}.head"


def open_ledger(home: Path | None, ask: Callable[[], str] | None = None) -> Ledger:
    """The ledger of a home. Raises HomeError when there is no home."""
    path = made(home)
    return Ledger.open(path / "ledger.db", obtain(path, ask).secret, head_path_of(path, "ledger"))


def verify_ledger(home: Path | None, ask: Callable[[], str] | None = None) -> Report:
    """What is wrong with the ledger of a home, also where it cannot be opened or is gone."""
    from discreet.ledger.verify import verify_file

    path = made(home)
    return verify_file(path / "ledger.db", obtain(path, ask).secret, head_path_of(path, "ledger"))


def made(home: Path | None) -> Path:
    """The folder of a home that was made. Raises HomeError when there is none."""
    path = home or default_home()
    if not (path / "config.toml").exists():
        raise HomeError(f"there is no home in `{path}`; make one with `discreet init`")
    return path
