"""Asks before a text goes to somebody with a link, an address or an account number in it that the user did not write.

Outside text may fill what is sent to whom the user named (G1.2), and a link in it then speaks with the user's voice. Whoever gets
the text may learn all of it, so that asking by what is in it tells nobody more; the question is to the user alone. It only adds
questions, and never a permission.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from discreet.kernel.contract import USER, Effect, Role
from discreet.kernel.monitor import Decision, Finding, Flow, Judge, Verdict
from discreet.kernel.value import Map, Record, Seq, Value

LURE = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'()\[\]{}]{2,2000}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+|\b[A-Z]{2}\d{2}[A-Z0-9]{10,30}\b"
)
WHY = "the text holds a link, an address or an account number that you did not write"


@dataclass(frozen=True, slots=True)
class Lures:
    """`judge`, and a question where a text for others holds what could lure them. `request` is what the user wrote."""

    judge: Judge
    request: str

    def __call__(self, flow: Flow) -> Decision:
        decided = self.judge(flow)
        if flow.contract.effect is Effect.READ or all(_own(r) for r in flow.recipients):
            return decided
        found = [Finding(Verdict.ASK, argument=name, why=WHY) for name, value in self._contents(flow) if self._lures(value)]
        return Decision((*decided.findings, *found)) if found else decided

    @staticmethod
    def _contents(flow: Flow) -> Iterator[tuple[str, Value]]:
        for parameter in flow.contract.parameters:
            if parameter.role is Role.CONTENT and parameter.name in flow.arguments:
                yield parameter.name, flow.arguments[parameter.name]

    def _lures(self, value: Value) -> bool:
        written = self.request.casefold()
        return any(found.casefold().rstrip(".,;:!?") not in written for text in _texts(value) for found in LURE.findall(text))


def _own(recipient: object) -> bool:
    return recipient.account == USER.account or "own-provider" in recipient.roles  # type: ignore[attr-defined]


def _texts(value: Value) -> Iterator[str]:
    match value.data:
        case str() as text:
            yield text
        case Seq() as items:
            for item in items:
                yield from _texts(item)
        case Record(fields=fields):
            for item in fields.values():
                yield from _texts(item)
        case Map(entries=entries):
            for _, item in entries.values():
                yield from _texts(item)
