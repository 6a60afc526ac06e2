"""What the analyst tells the ledger: which compartment ran what, before it runs, and how it ended after."""

from __future__ import annotations

from typing import Protocol


class Recorder(Protocol):
    """Append-only record of runs (G8.1); `before` returns the handle that `after` closes."""

    def before(self, what: str, digest: str) -> str: ...

    def after(self, handle: str, outcome: str) -> None: ...


class NoRecord:
    """Keeps nothing; for one-off use without a ledger."""

    def before(self, what: str, digest: str) -> str:
        return ""

    def after(self, handle: str, outcome: str) -> None:
        return None
