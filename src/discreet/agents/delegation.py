"""Data-dependent work: a fresh, isolated planner reads one text and plans what it asks for (G4.5).

    1. the planner of this call sees the text, the goal and the tools' signatures; it has no memory and plans once
    2. its plan begins under the whole label of the text: every literal and pc carries it, and its sources
    3. its reads run first, each checked like any other
    4. its effects are collected as exact calls and shown to the user in one list; nothing is computed after the answer
    5. a plan inside a plan cannot delegate again
What no norm speaks of is asked here rather than denied, since the user sees the exact call; a prohibition stays one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from discreet.agents.reader_tool import memory_of
from discreet.kernel.contract import WORST, Contract, Effect, Parameter, Role
from discreet.kernel.domain import scan
from discreet.kernel.errors import PlanError
from discreet.kernel.interpreter import Request, run
from discreet.kernel.label import Label, join2, label
from discreet.kernel.monitor import Asked, Decision, Denied, Finding, Flow, Judge, Permit, Verdict
from discreet.kernel.resolve import resolve
from discreet.kernel.shape import Shape, scalar, text
from discreet.kernel.syntax import parse
from discreet.kernel.value import UNATTESTED, Value, fault, plain, record
from discreet.policy.load import SHIPPED
from discreet.policy.norm import Allowance
from discreet.tools.call import Gate
from discreet.tools.flow import flow_of, result_label
from discreet.tools.preflight import preflight
from discreet.tools.question import Reply
from discreet.tools.registry import PlainRequest, Prepared, Tool

NAME = "delegate"
SOURCE = "delegate"  # what a model made of an outside text
WHY = "the text that you handed over asks for it"
EFFECTS_MAX = 20  # calls that one delegated plan may ask for
TEXT_CHARS_MAX = 20_000
GOAL_CHARS_MAX = 500

Draft = Callable[[str, str, Mapping[str, Contract]], str]  # (text, goal, tools) -> plan source; a model, so anything
GIVEN = join2(WORST, label((), (SOURCE,)))  # what it gives may be anything that its plan read, which nobody knows before the call (G2.5)
RESULT = Shape("record", GIVEN, name="Delegated", fields={"done": scalar("int", max=EFFECTS_MAX), "told": text(max=2_000)})


def delegate_tool(draft: Draft, recipient: str) -> Tool:
    """`delegate(text, goal)` over one planner, which is the recipient of the text."""
    contract = Contract(
        NAME, "let a text decide what is done: a fresh planner plans for this text alone, and you are shown its exact calls",
        (Parameter("text", Shape("any"), Role.CONTENT), Parameter("goal", text(max=GOAL_CHARS_MAX), Role.CONTENT)),
        RESULT, purpose="reading", place=memory_of(recipient), recipients=(recipient,), calls_max=3,
    )  # fmt: skip

    def prepare(arguments: Mapping[str, object], nonce: str, now: object) -> Prepared:
        return PlainRequest(NAME, arguments, nonce)

    def perform(prepared: object) -> object:
        raise PlanError("a delegated plan runs inside the gate only")

    return Tool(contract, prepare, perform, lambda gate, request, base: _Delegated(gate, request, base, draft).run())


class _Delegated:
    """One delegated plan, from the text to the account of its effects."""

    def __init__(self, gate: Gate, request: Request, base: Label, draft: Draft) -> None:
        self.gate, self.request, self.draft = gate, request, draft
        self.start = join2(base, label((), (SOURCE,)))
        self.given = join2(base, GIVEN)
        self.pending: list[_Call] = []

    def run(self) -> Value:
        body, goal = plain(self.request.arguments["text"]), plain(self.request.arguments["goal"])
        shown = body if isinstance(body, str) else repr(body)
        tools = {name: c for name, c in self.gate.tools.contracts.items() if name != NAME}
        source = self.draft(shown[:TEXT_CHARS_MAX], str(goal), tools)
        gate = self.gate
        kept = gate.kept.copy()
        kept.join(gate.preview.kept if gate.preview else {})  # also by lines that were not taken (G2.6)
        inner = Gate(
            gate.tools, gate.directory, _asking(gate.judge), gate.ledger, gate.errand, gate.handed(), gate.clock, gate.asker, gate.progress,
            kept=kept, objects=gate.objects, turn=gate.turn, acts=gate.acts,
        )  # fmt: skip
        try:
            plan = resolve(parse(source), tools)
            preview = preflight(
                plan, gate.directory, inner.judge, None, self.start, clock=gate.clock.replace(tzinfo=None), kept=kept.copy(), often=gate.often
            )
        except PlanError:
            return fault("schema", self.start, self.request.span)  # what was wrong with it depends on the text
        inner.preview = preview
        gate.often = preview.often
        gate.kept.join(preview.kept)  # before the first effect, whichever of them will be made (G2.6)
        gate.keep(preview.kept)
        outcome = run(plan, _Collector(inner, self.pending), self.start, clock=gate.clock.replace(tzinfo=None), limits=preview.outcome.limits)
        done = self._confirmed(inner)
        gate.questions += inner.questions  # what was done or denied in it is told to the user, by the ledger, and to no planner (G4.4)
        told = "; ".join(str(plain(value)) for value in outcome.told)[:2_000]
        return record("Delegated", {"done": Value(done, self.given), "told": Value(told, self.given)}, self.given)

    def _confirmed(self, inner: Gate) -> int:
        """Ask once for all effects, exactly as they will be made; all or none."""
        if not self.pending:
            return 0
        wanting = [one for one in self.pending if one.permit is None]
        if wanting:
            replies = inner.put([(replace(inner.question(one.flow, one.decision, one.prepared), always=False), one.prepared) for one in wanting])
            if any(reply is not Reply.ONCE for reply in replies):  # edited or denied: then none of them, as nothing is computed after the answer
                return 0
        done = 0
        for one in self.pending:
            permit = one.permit or inner.permit(one.flow, inner.digest(one.flow, one.prepared))
            request = Request(one.flow.contract, one.flow.arguments, one.flow.pc, one.flow.span, one.flow.times)
            done += inner.made(request, one.flow, one.prepared, permit, result_label(one.flow)).ok
        return done


@dataclass(frozen=True, slots=True)
class _Call:
    """An effect that waits for the answer: permitted already, or asked."""

    flow: Flow
    prepared: Prepared
    decision: Decision
    permit: Permit | None


class _Collector:
    """Answers a delegated plan's calls: reads at once, effects later."""

    def __init__(self, gate: Gate, pending: list[_Call]) -> None:
        self.gate, self.pending = gate, pending

    def call(self, request: Request) -> Value:
        if request.contract.effect is Effect.READ:
            return self.gate.call(request)
        gate = self.gate
        shown = flow_of(request, gate.directory, gate.kept)
        flow = gate.preview.bound(shown) if gate.preview else None
        if flow is None or any(scan(value)[1] is not None for value in request.arguments.values()):
            return gate.deny(shown, Decision())
        if gate.done_before(flow):
            return fault("refused", result_label(flow), flow.span)
        if len(self.pending) >= EFFECTS_MAX:
            return fault("limit", result_label(flow), flow.span)
        try:
            prepared = gate.prepared(flow)
        except Exception:
            return fault("value", result_label(flow), flow.span)
        try:
            permit = gate.permit(flow, gate.digest(flow, prepared))
            self.pending.append(_Call(flow, prepared, permit.decision, permit))
        except Asked as asked:
            self.pending.append(_Call(flow, prepared, asked.decision, None))
        except Denied as denied:
            return gate.deny(flow, denied.decision)
        return fault("unknown", result_label(flow), flow.span)  # what it will give is not known while the plan runs


def _asking(judge: Judge) -> Judge:
    """Default denials of effects become questions; prohibitions and reads stay as they are."""

    def decide(flow: Flow) -> Decision:
        decision = judge(flow)
        if flow.contract.effect is Effect.READ:
            return decision
        findings = tuple(replace(f, verdict=Verdict.ASK, why=WHY) if f.verdict is Verdict.DENY and not f.norms else f for f in decision.findings)
        return Decision(findings if covered(flow, decision) else (*findings, Finding(Verdict.ASK, why=WHY)))

    norms = getattr(judge, "norms", None)

    def covered(flow: Flow, decision: Decision) -> bool:
        """Whether norms of the user's own let it be done on behalf of every one of those sources."""
        sources = (flow.label.sources | flow.preflight_pc.sources) - {SOURCE, UNATTESTED}
        acts = [f for f in decision.findings if f.tag is None]
        allowances = [norms.named(id_) for f in acts for id_ in f.norms] if norms is not None else []
        return bool(acts) and all(f.norms for f in acts) and all(
            isinstance(one, Allowance) and one.origin not in ("", SHIPPED) and one.amount_max is None and sources <= set(one.sources) for one in allowances
        )  # fmt: skip

    decide.norms = norms  # type: ignore[attr-defined]
    return decide
