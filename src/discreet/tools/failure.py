"""How a tool says that a call gave no result: by status only, so that no contents travel in an exception (G5.6)."""

from __future__ import annotations


class Failure(Exception):
    """Raised by a tool's `perform` or `prepare`.

    status  of the ledger: "refused" (heard and declined), "failed" (no effect, or a read without an answer),
            "unsent" (nothing has left), "unknown" (an effect may have happened)
    """

    status = "failed"

    def __init__(self, status: str = "", message: str = "") -> None:
        super().__init__(message or status)
        if status:
            self.status = status
