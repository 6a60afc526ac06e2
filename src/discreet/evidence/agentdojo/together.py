"""Questions of one errand put together: a rehearsal makes the plan's reads, collects the acts that would be asked, and asks once.

    1. every read is made for real and kept; a permitted act is not made and gives no result; an act that would be asked is kept
       with its exact request
    2. one question shows all of these exact calls
    3. the plan runs: the reads of before its first act are the kept ones, so that nothing is recomputed on other data; an act whose
       bytes are those confirmed is made, any other is asked by itself
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from discreet.agents.said import Said
from discreet.agents.session import Planned, Report, Session
from discreet.kernel.contract import Effect
from discreet.kernel.interpreter import Request, run
from discreet.kernel.label import PUBLIC, Label
from discreet.kernel.monitor import Decision, Flow, Permit
from discreet.kernel.value import Value, fault
from discreet.tools.call import Gate
from discreet.tools.question import Question, question
from discreet.tools.registry import Prepared


@dataclass
class RehearsingGate(Gate):
    """A gate that can rehearse; `read` is the label of what was read last."""

    rehearsing: bool = False
    pending: list[tuple[Question, Prepared]] = field(default_factory=list)
    kept_reads: list[tuple[bytes, Value]] = field(default_factory=list)
    read: Label = PUBLIC

    def made(self, request: Request, flow: Flow, prepared: Prepared, permit: Permit, base: Label) -> Value:
        if not looks(flow):
            if self.rehearsing:
                return fault("unassigned", base, flow.span)
            self.kept_reads.clear()
            return super().made(request, flow, prepared, permit, base)
        if not self.rehearsing and self.kept_reads and self.kept_reads[0][0] == prepared.canonical:
            return self.kept_reads.pop(0)[1]
        value = super().made(request, flow, prepared, permit, base)
        self.read = value.total
        if self.rehearsing:
            self.kept_reads.append((prepared.canonical, value))
        return value

    def asked(self, flow: Flow, decision: Decision, prepared: Prepared, base: Label) -> Value:
        if not self.rehearsing:
            return super().asked(flow, decision, prepared, base)
        if all(known.canonical != prepared.canonical for _, known in self.pending):
            self.pending.append((question(flow, decision), prepared))
        return fault("refused", base, flow.span)


def looks(flow: Flow) -> bool:
    """A read; fetching a page is one too, though it tells its host the address."""
    return flow.contract.effect is Effect.READ or flow.contract.purpose.startswith("lookup")


class Together(Session):
    """A session that puts the questions of an errand together."""

    def gate(self, before: Gate | None = None) -> Gate:
        plain = super().gate(before)
        return RehearsingGate(**{name: getattr(plain, name) for name in Gate.__dataclass_fields__ if not name.startswith("_")})

    def run(self, planned: Planned, confirm: bool = True) -> Report:
        gate: Any = planned.gate
        if any(line.verdict != "permit" for line in planned.preview.lines if not looks(line.flow)):
            gate.rehearsing = True
            run(planned.plan, gate, planned.start, None, planned.said, gate.clock.replace(tzinfo=None), planned.preview.outcome.limits, planned.handles)
            gate.rehearsing = False
            gate.denied = 0
            gate._turns.clear()
            if gate.pending:
                gate.put(gate.pending)
        return super().run(planned, confirm=False)
