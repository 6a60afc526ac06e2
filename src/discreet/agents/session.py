"""One errand from end to end: request, plan, preflight, confirmation, run, answer and account (read this second).

    draft      the planner sees the request with handles, and tool signatures      G4.1
    resolve    names, tools, arguments; refused before any effect                  G3.1
    preflight  who would learn what, on labels alone                               G3.8
    confirm    one question for all that can be shown exactly                      G5.5
    run        every call through the one call site                                G5.4
    answer     what the plan printed, rendered inert                               G5.1
    account    who learnt what, from the ledger                                    G7.3
    again      if it did not end well and the planner may be told so               G4.4
"""

from __future__ import annotations

import ast
import asyncio
import datetime as dt
import hashlib
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Protocol

from discreet.agents.said import Said
from discreet.agents.told_tools import Asked, Stood, hear, wholes
from discreet.kernel.contract import Contract, Effect, Recipient
from discreet.kernel.errors import NOWHERE, PlanError, invariant
from discreet.kernel.interpreter import Outcome, Request, run
from discreet.kernel.label import PUBLIC, Label, Tag, join, label
from discreet.kernel.monitor import Decision, Flow, Judge, Verdict
from discreet.kernel.resolve import ResolvedPlan, ToolCall, resolve
from discreet.kernel.syntax import parse, span_of
from discreet.kernel.value import Fault, Seq, Standing, Unknown, Value, plain
from discreet.ledger.accounts import Exhausted, Want, account_of, reserve
from discreet.ledger.entry import Kind
from discreet.ledger.knows import Account, accounts
from discreet.policy.bits import bits_max
from discreet.policy.decide import Index
from discreet.policy.load import load
from discreet.policy.norm import Used
from discreet.policy.spending import exhausted, limited, used
from discreet.tools.call import Gate
from discreet.tools.directory import Directory
from discreet.tools.flow import result_label
from discreet.tools.kept import Kept
from discreet.tools.objects import Objects
from discreet.tools.preflight import Line, Preview, act_key, call_key, preflight
from discreet.tools.question import Asker, Nobody, inert
from discreet.tools.registry import Tool, Toolbox

REQUEST_CHARS_MAX = 4_000
REPLANS_MAX = 2  # plans after the first, of one request
FEEDBACK_LINES_MAX = 20  # of what a planner hears of its plan
REQUEST = Tag("request", "user")
PEOPLE = label([("social", "user"), ("contact/email", "user")])  # who is in the address book, and which address is one's own


@dataclass(frozen=True, slots=True)
class World:
    """Everything that an errand runs in: tools, the user's directory, norms, ledger, and the vault's counts by type."""

    tools: Toolbox
    directory: Directory
    judge: Judge
    ledger: Any
    counts: Callable[[], Mapping[str, int]] = dict
    names: Mapping[str, str] = field(default_factory=dict)  # information type -> how people call it
    kept: Kept = field(default_factory=Kept)
    recalled: Callable[[Asked], Stood | None] = lambda asked: None  # the fact that a recall gives now
    keep: Callable[[Kept], None] = lambda kept: None  # joins `kept` with what other sessions made last, and makes both last
    alone: Callable[[], AbstractContextManager[object]] = nullcontext  # while an errand runs, no other of this home does


@dataclass(frozen=True, slots=True)
class Given:
    """What a name of the plan stands for that it did not assign itself: `value` for the run, `seen` for the preflight (G3.8)."""

    value: Value
    seen: Value


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan that may run, with what its preflight found."""

    request: str  # as the planner was sent it
    source: str
    plan: ResolvedPlan
    preview: Preview
    gate: Gate
    start: Label
    handles: Mapping[str, Value]
    said: Callable[[Any], Standing]
    kept: Mapping[str, Label]  # what the places held by then
    used: Mapping[str, Used]  # what was spent by then
    before: Gate | None = None
    given: Mapping[str, Given] = field(default_factory=dict)

    @property
    def ending(self) -> Label:
        """The label of how a run of this plan ends: of all that could fail in it, whatever did (G4.4)."""
        lines = [join(line.flow.label, result_label(line.flow)) for line in self.preview.lines]
        named = any(line.flow.contract.resolves or by_people(line.flow) and line.verdict is Verdict.DENY for line in self.preview.lines)
        lines += [PEOPLE] if named else []  # a plan with a name that nobody bears does not run, and who somebody is to the user decides a denial
        return join(self.preview.outcome.pc, *lines, *(words.total for words in self.handles.values()))


@dataclass(frozen=True, slots=True)
class Report:
    """What an errand came to. `told` is what the plan printed, for the user's eyes; `faults` the calls that gave none."""

    errand: str
    request: str
    source: str
    told: tuple[str, ...]
    stopped: str
    questions: int
    accounts: tuple[Account, ...]
    lines: tuple[Line, ...]
    problems: tuple[str, ...] = ()
    denied: int = 0
    faults: tuple[tuple[str, str], ...] = ()
    ended: tuple[str, ...] = ()  # of each call and stop that a planner may hear of, where and how
    plans: int = 1  # that ran
    outcome: Outcome | None = field(default=None, repr=False)  # the run's values under their labels

    @property
    def done(self) -> bool:
        """Whether the plan ran to its end and every call of it gave its result: none denied, refused, failed or unknown."""
        return not (self.problems or self.stopped or self.denied or self.faults)


class Session:
    """A conversation. What its planner was sent accumulates in `label`, unless the planner is fresh for every errand."""

    def __init__(
        self,
        world: World,
        asker: Asker | None = None,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now().astimezone(),
        secret: Callable[[], bytes] = lambda: secrets.token_bytes(32),
        progress: Callable[[str, Flow], None] = lambda stage, flow: None,
        always: Callable[[Flow, Decision], None] | None = None,
    ) -> None:
        self.world, self.asker, self.clock = world, asker or Nobody(), clock
        self.secret, self.progress, self.always = secret, progress, always
        self.label = label([REQUEST])
        self.objects: Objects | None = None  # what earlier errands read that this one's ids may stand for; else each begins with nothing

    # ------------------------------------------------------------------------------------------ steps

    def prepare(
        self, source: str, request: str, handles: Mapping[str, Value] | None = None, start: Label | None = None, before: Gate | None = None,
        given: Mapping[str, Given] | None = None,
    ) -> Planned:
        """Parse, resolve and preflight a plan for `request`, as its planner was sent it: with the handles that stand for the words in
        `handles`. Raises PlanError, located, before any effect."""
        if len(request) > REQUEST_CHARS_MAX:
            raise PlanError(f"the request has {len(request)} characters; at most {REQUEST_CHARS_MAX} are accepted")
        gate, typed = self.gate(before), _typed(request, handles or {})
        if isinstance(gate.judge, Index):
            gate.judge = gate.judge.using(replace(gate.judge.norms, request=typed))
        spent_before = gate.judge.norms.used if isinstance(gate.judge, Index) else {}
        begin = join(self.label, *([start] if start is not None else []))
        given = given or {}
        plan = resolve(parse(source), self.world.tools.contracts, frozenset(given))
        shown = {name: one.seen for name, one in given.items()}
        said = Said(request).standing
        found: dict[Any, Value] = {}  # a name is looked up once, whatever is evaluated again

        def look_up(call: Request, flow: Flow) -> Value:
            key = call_key(call)
            return found[key] if key in found else found.setdefault(key, gate.look_up(call, flow))

        def evaluated() -> Preview:
            return preflight(
                plan, self.world.directory, gate.judge, look_up, begin, shown, said, _wall(gate.clock), _shown(handles or {}), gate.kept.copy(), before.often if before else None
            )

        preview = evaluated()
        if isinstance(gate.judge, Index) and limited(gate.judge.norms):
            spent = exhausted(((line.flow, line.decision) for line in preview.lines), gate.judge.norms)
            if spent.used != gate.judge.norms.used:  # together the lines come to more than an allowance has left
                gate.judge = gate.judge.using(spent)
                preview = evaluated()
        gate.preview, gate.often = preview, preview.often
        if preview.nobody:  # who is named and not there is told to the user alone, and before anything is done (G3.6)
            name, _, *keys = preview.nobody[0]
            raise PlanError(f"`{name}` finds nothing for {', '.join(shown for _, shown in keys)}")
        return Planned(request, source, plan, preview, gate, begin, handles or {}, said, dict(self.world.kept.labels), spent_before, before, given)

    def judge(self) -> Judge:
        """The norms' judge, with what the ledger says was spent under each allowance."""
        judge = self.world.judge
        if not (isinstance(judge, Index) and limited(judge.norms)):
            return judge
        notes = (record.entry.note for record in self.world.ledger.entries(Kind.INTENT))
        return judge.using(replace(judge.norms, used=used(notes)))

    def gate(self, before: Gate | None = None) -> Gate:
        """A gate for one run; `before` is that of the run that this one goes on from."""
        secret = self.secret()
        world = self.world
        return Gate(
            world.tools, world.directory, self.judge(), world.ledger, before.errand if before else _name(secret), secret, self.clock(), self.asker,
            self.progress, self.always, world.kept.copy(), self.objects or (before.objects if before else Objects()), keep=self.keep,
            turn=before.turn + 1 if before else 1, acts=dict(before.acts) if before else {},
        )  # fmt: skip

    def keep(self, kept: Mapping[str, Label]) -> None:
        """Make what places come to hold last."""
        if any(self.world.kept.labels.get(place) != label_ for place, label_ in kept.items()):
            self.world.kept.join(kept)
            self.world.keep(self.world.kept)

    def run(self, planned: Planned, confirm: bool = True) -> Report:
        """Confirm what can be confirmed, run the plan, and account for it. Errands of one home run one after another.

        Raises PlanError where an errand in between changed what this one would tell, so that it may not run any more.
        """
        with self.world.alone():
            return self._run(self._renewed(planned), confirm)

    def _renewed(self, planned: Planned) -> Planned:
        """The plan with a preflight of now, if another errand wrote into a place or spent money since it had its own."""
        self.world.keep(self.world.kept)
        judge = self.judge()
        spent = isinstance(judge, Index) and judge.norms.used != planned.used
        if not spent and self.world.kept.labels == planned.kept:
            return planned
        return self.prepare(planned.source, planned.request, planned.handles, planned.start, planned.before, planned.given)

    def _run(self, planned: Planned, confirm: bool) -> Report:
        gate, ledger = planned.gate, self.world.ledger
        ledger.note(Kind.RUN_START, errand=gate.errand)
        self._reserve(planned)
        refused = gate.confirm(planned.preview) if confirm else frozenset()
        never = {*refused, *(key for line in planned.preview.lines for key in _unwritten(line, planned.preview))}
        self.keep(self._lasting(planned, never))  # before the first effect, whichever lines will run

        def begun(flow: Flow) -> None:
            if flow.span in never:
                never.discard(flow.span)
                self.keep(self._lasting(planned, never))

        gate.begun = begun
        told_by = wholes(planned.plan)
        facts = {asked: self.world.recalled(asked) for held in told_by.values() for one in held.values() for asked in one}
        gate.heard = lambda flow: hear(ledger, gate.errand, flow, told_by.get(flow.span, {}), facts)
        outcome = run(
            planned.plan, gate, planned.start, {name: one.value for name, one in planned.given.items()}, planned.said, _wall(gate.clock), planned.preview.outcome.limits, planned.handles
        )
        ledger.note(Kind.RUN_END, errand=gate.errand)
        told = tuple(inert(_spoken(value)) for value in outcome.told)
        stopped = inert(_spoken(outcome.stopped)) if outcome.stopped is not None else ""
        return Report(
            gate.errand, _typed(planned.request, planned.handles), planned.source, told, stopped, gate.questions,
            tuple(accounts(ledger, gate.errand, self.world.counts())), planned.preview.lines, (), gate.denied,
            tuple((tool, kind) for tool, kind, _ in gate.faults), _ended(gate, outcome.stopped is not None),
            outcome=outcome,
        )  # fmt: skip

    def _lasting(self, planned: Planned, never: Set[Any]) -> Mapping[str, Label]:
        """What places will hold: by all lines that could write, taken or not, but for what is `never` done (G2.6)."""
        if not never:
            return planned.preview.kept
        shown = {name: one.seen for name, one in planned.given.items()}
        return self.found(planned, shown, planned.gate.judge, planned.start, never).kept

    def _reserve(self, planned: Planned) -> None:
        """Take the bits that this errand's views could tell from the accounts of whom they could reach, or refuse it (G6.3).

        Raises Exhausted, which the user sees and no planner: what is left tells of earlier errands.
        """
        views = {tool.contract.view: tool.contract for tool in self.world.tools.values() if tool.contract.view}
        calls: Counter[str] = Counter()
        for line in planned.preview.lines:
            if line.flow.contract.view:
                calls[line.flow.contract.view] += line.flow.times
        # no place holds what a view gave, so it is looked at here or was given; other facts of its kind are no releases
        looked = views.keys() & {*calls, *(tag.type for one in planned.given.values() for tag in one.value.total.tags)}
        wants: dict[tuple[str, str], Want] = {}
        allowed: dict[tuple[str, str], int] = {}
        by: set[str] = set()
        for line in (one for one in planned.preview.lines if one.verdict is not Verdict.DENY):
            flow = line.flow
            told = [tag for tag in flow.label.tags if tag.type in looked]
            if told and flow.contract.effect is not Effect.READ and flow.place.readable and flow.place.id != "nowhere" and not flow.theirs:
                raise PlanError("what a view gives is kept nowhere, since nothing would count its bits when it is told later", flow.span, "look again")
            for tag in told:
                for who in flow.recipients:
                    if who.id != "user" and "own-provider" not in who.roles:
                        key = (f"view:{tag.type}", account_of(who))  # however often it is told, it tells no more than was released
                        wants[key] = Want(*key, views[tag.type].view_bits * max(calls[tag.type], 1), who.one)
                        most, ids = bits_max(self.world.judge.norms, who, tag, flow.contract.purpose)  # type: ignore[attr-defined]
                        by.update(ids)
                        allowed[key] = min(most, allowed.get(key, most))
        reserve(self.world.ledger, planned.gate.errand, list(wants.values()), allowed, tuple(sorted(by)))

    def problems(self, source: str, request: str, handles: Mapping[str, Value] | None = None) -> list[str]:
        """What is wrong with a plan by its text, its labels and the shipped norms: the judge of a planner's samples. No look-up is
        made, and what depends on the user's own norms or on whom they know is told to the user alone (G2.7, G4.4, G5.6)."""
        try:
            plan, preview = self.seen(source, request, handles, kept=Kept(), world=public(self.world))
        except PlanError as error:
            return [str(error)]
        return [denied(line, plan) for line in preview.lines if line.verdict is Verdict.DENY and not by_people(line.flow)]

    def wrong(self, source: str, request: str, handles: Mapping[str, Value] | None = None) -> list[str]:
        """What is wrong with a plan by the user's own norms and address book too: for the user alone."""
        try:
            plan, preview = self.seen(source, request, handles)
        except PlanError as error:
            return [str(error)]
        return [denied(line, plan) for line in preview.lines if line.verdict is Verdict.DENY]

    def seen(
        self, source: str, request: str, handles: Mapping[str, Value] | None = None, given: Mapping[str, Value] | None = None, kept: Kept | None = None,
        world: World | None = None,
    ) -> tuple[ResolvedPlan, Preview]:
        """A plan and its preflight without any look-up and any word that a handle stands for: what a planner may hear of follows from it (G4.4)."""
        world = world or self.world
        _typed(request, handles or {})
        unseen = {handle: Value(Unknown("text"), words.label, words.total, words.standing, REQUEST_CHARS_MAX) for handle, words in (handles or {}).items()}
        plan = resolve(parse(source), world.tools.contracts, frozenset(given or ()))
        said = Said(request).standing
        return plan, preflight(plan, world.directory, world.judge, None, self.label, given, said, _wall(self.clock()), unseen, kept)

    def found(
        self, planned: Planned, given: Mapping[str, Value], judge: Judge | None = None, start: Label | None = None, never: Set[Any] = frozenset()
    ) -> Preview:
        """The preflight of a prepared plan under this session's own label or `start`, with what its look-ups found and nothing looked up again."""

        def known(call: Request, flow: Flow) -> Value:
            return planned.preview.resolved.get(call_key(call), Value(Unknown("any")))

        return preflight(
            planned.plan, self.world.directory, judge or self.world.judge, known, self.label if start is None else start, given, planned.said,
            _wall(planned.gate.clock), _shown(planned.handles), self.world.kept.copy(), never=never,
        )  # fmt: skip

    def perform(self, source: str, request: str, handles: Mapping[str, Value] | None = None) -> Report:
        """`prepare` and `run` in one: what `discreet plan run` does."""
        try:
            planned = self.prepare(source, request, handles)
            return self.run(planned)
        except (PlanError, Exhausted) as error:
            return Report("", request, source, (), "", 0, (), (), (str(error),))

    # ------------------------------------------------------------------------------------------ from a request

    def draft(self, request: str, planner: Planner, feedback: Value | None = None) -> Drafted:
        """A plan for `request`, judged by text and labels alone; `feedback` is how an earlier one ended, under its label."""
        return planner(request, self.problems, self.apart, feedback)

    def apart(self, tool: Tool, arguments: Mapping[str, Value], who: Recipient) -> Value:
        """One checked call outside any plan: what a provider is sent (G4.3)."""
        gate = self.gate()
        gate.tools = Toolbox([tool])
        gate.directory = Directory(fixed={who.id: who})
        return gate.call(Request(tool.contract, arguments, self.label, NOWHERE))

    def ask(self, request: str, planner: Planner, watch: Watch | None = None) -> Report:
        """Draft a plan for `request` and run it; `planner` is made by agents/planning.py. If it does not end well, the planner
        may try again, as far as it may be told how: what was done is not done again (G4.4)."""
        watch = watch or Watch()
        lasting = f"planner:{planner.lasting}" if planner.lasting else ""  # a hosted planner remembers (G4.1)
        self.label = join(self.label, self.world.kept.labels.get(lasting, PUBLIC))
        made = self.draft(request, planner)
        watch.drafted(made)
        report, planned = self._once(request, made, watch, None)
        for _ in range(REPLANS_MAX):
            if planned is None or report.done or report.problems:
                break
            ending, known = planned.ending, self.label
            self.label = join(known, ending)
            made = self.draft(request, planner, Value("\n".join(report.ended), ending))
            if not made.told:  # the norms keep it from the planner, which has heard nothing
                self.label = known
                break
            if lasting:
                with self.world.alone():
                    self.keep({lasting: ending})
            if self._faulty(made):
                break
            watch.drafted(made)
            after, planned = self._once(request, made, watch, planned.gate)
            report = replace(
                after, told=(*report.told, *after.told), questions=report.questions + after.questions, denied=report.denied + after.denied,
                accounts=after.accounts or report.accounts, plans=report.plans + 1,
            )  # fmt: skip
        return report

    def _faulty(self, made: Drafted) -> Sequence[str]:
        """What keeps a drafted plan from running, told to the user; its planner was judged by what anybody may know."""
        return self.wrong(made.source, made.request, made.handles) if made.source else made.problems

    def _once(self, request: str, made: Drafted, watch: Watch, before: Gate | None) -> tuple[Report, Planned | None]:
        problems, planned = self._faulty(made), None
        if not problems:
            try:
                planned = self.prepare(made.source, made.request, made.handles, before=before)
                watch.prepared(planned)
                with self.world.alone():
                    planned = self._renewed(planned)
                    return self._run(planned, True), planned
            except (PlanError, Exhausted) as error:
                problems, planned = (str(error),), None
        return Report("", request, made.source, (), "", 0, (), (), tuple(problems)), planned

    async def ask_async(self, request: str, planner: Planner) -> Report:
        """`ask` for async callers: the kernel is synchronous and runs in a worker thread."""
        return await asyncio.to_thread(self.ask, request, planner)


@dataclass(frozen=True, slots=True)
class Drafted:
    """A planner's plan with handles still in it, the request as it was sent, what they stand for, and what the judge found."""

    source: str
    request: str
    problems: tuple[str, ...] = ()
    handles: Mapping[str, Value] = field(default_factory=dict)
    samples: int = 1
    doubts: tuple[str, ...] = ()  # what of the request the plan seems to leave out
    told: bool = True  # whether the planner was sent anything


@dataclass(frozen=True, slots=True)
class Watch:
    """What to show of an errand while it goes: each plan as it was drafted, and with its preflight before it runs."""

    drafted: Callable[[Drafted], None] = lambda made: None
    prepared: Callable[[Planned], None] = lambda planned: None


Judged = Callable[[str, str, Mapping[str, Value]], Sequence[str]]  # of a plan, the request as it was sent, and its handles
Apart = Callable[[Tool, Mapping[str, Value], Recipient], Value]


class Planner(Protocol):
    """Drafts plans. `lasting` names a provider that may remember what it was sent; empty for a fresh local process (G4.1)."""

    lasting: str

    def __call__(self, request: str, judge: Judged, call: Apart, feedback: Value | None = None) -> Drafted: ...


def public(world: World) -> World:
    """The world as anybody may know it: nobody in the address book, the shipped norms, no folder of the user's own."""
    entries = [one for one in world.directory.entries if all(kind != "mail" for kind, _ in one.addresses)]
    tools = [replace(t, contract=_known(t.contract)) for t in world.tools.values()]
    return replace(world, tools=Toolbox(tools), directory=Directory(entries, world.directory.fixed), judge=_shipped())


def _known(contract: Contract) -> Contract:
    if contract.resolves:
        return replace(contract, result_rule=None)
    place = contract.known_as
    return contract if place is None else replace(contract, place=place, origin=None if contract.origin is None else place)


@cache
def _shipped() -> Index:
    return Index(load().norms)


def by_people(flow: Flow) -> bool:
    """Whether what becomes of a call depends on who is in the address book, which address is one's own, or who reads a folder of one's own."""
    if any(reader.startswith("mail") and reader.partition(":")[1] for reader in flow.place.readers):
        return True
    given = [flow.arguments[p.name].data for p in flow.contract.parameters if p.address == "mail"]
    return flow.contract.resolves or any(data not in (None, "") and not (isinstance(data, Seq) and not len(data)) for data in given)


def denied(line: Line, plan: ResolvedPlan) -> str:
    """One denied line, located, by kind only and in the plan's own words: what a planner may hear of it (G4.4, G5.6).

    Whom an expression of the plan came to is not said: a handle in it would be.
    """
    worst = [f for f in line.decision.findings if f.verdict is Verdict.DENY]
    types = sorted({f.tag.type for f in worst if f.tag is not None})
    named = f" must not learn {', '.join(types)}" if types else " is not allowed"
    contract = line.flow.contract
    addressed = {p.name for p in contract.parameters if p.address}
    written = next((target.arguments for node, target in plan.calls.items() if isinstance(target, ToolCall) and span_of(node) == line.flow.span), ())
    whom = ", ".join([*(ast.unparse(value) for name, value in written if name in addressed), *contract.recipients]) or contract.name
    return f"{line.flow.span}: `{line.flow.contract.name}`: {whom}{named}"


def _shown(handles: Mapping[str, Value]) -> dict[str, Value]:
    """What handles stand for, as the preflight of a run may use it: it names recipients and is shown to the user, and decides no
    branch and no refusal; or whether anything of a plan runs would tell of it (G3.8)."""
    return {handle: Value(Unknown("text", (words.data,), True), words.label, words.total, words.standing, REQUEST_CHARS_MAX) for handle, words in handles.items()}


def _unwritten(line: Line, preview: Preview) -> Iterator[Any]:
    """What of a plan's line writes nothing unless the user says yes to it, whatever the secrets are: an exact call that is denied, and a line
    that stands for one call at most, is reached by no private or outside decision, and is asked for what it tells, which labels decide."""
    flow = line.flow
    if line.exact and line.verdict is Verdict.DENY and not flow.unresolved:
        yield act_key(flow)
    alone = sum(one.flow.times for one in preview.lines if one.flow.span == flow.span) == 1
    openly = not flow.pc.sources and all(tag.type == "request" for tag in flow.pc.tags)
    by_label = any(f.verdict is Verdict.ASK and f.tag is not None for f in line.decision.findings)
    if line.verdict is Verdict.ASK and by_label and alone and openly and not flow.unresolved and flow.contract.effect is not Effect.READ:
        yield flow.span


def _typed(request: str, handles: Mapping[str, Value]) -> str:
    """The user's own words: a request with what its handles stand for. What counts as said is found in the request as it was sent, so
    that no guess of hidden words counts (G3.6, G4.1); so each handle must stand there."""
    for handle, words in handles.items():
        invariant(handle in request, f"the request was sent without its handle {handle}")
        request = request.replace(handle, str(words.data))
    return request


def _ended(gate: Gate, stopped: bool) -> tuple[str, ...]:
    """How a run ended, by kind and span alone (G4.4, G5.6)."""
    told = [f"{span}: `{tool}` gave nothing: {kind}" for tool, kind, span in gate.faults]
    told += [f"{span}: `{tool}` was done and is not to be done again" for tool, span in gate.performed]
    told += ["the plan was stopped by its own raise"] if stopped else []
    return tuple(told[:FEEDBACK_LINES_MAX])


def _spoken(value: Value) -> str:
    data = value.data
    if isinstance(data, Fault):
        return f"({FAULT_WORDS.get(data.kind, data.kind)})"
    if isinstance(data, Seq):
        return ", ".join(_spoken(item) for item in data)
    return str(plain(value))


FAULT_WORDS = {
    "denied": "your norms do not allow this",
    "refused": "this was refused",
    "unknown": "whether this happened is not known",
    "failed": "the service failed",
    "type": "a step did not fit its data",
    "value": "a step did not fit its data",
    "limit": "a limit was met",
    "schema": "the reader's answer did not fit",
    "unassigned": "this was not found",
    "raised": "stopped",
}


def _wall(clock: dt.datetime) -> dt.datetime:
    """The clock as plans see it: the owner's wall clock."""
    return clock.replace(tzinfo=None, microsecond=0)


def _name(secret: bytes) -> str:
    """An errand's name: derived from its secret, so that it counts nothing."""
    return hashlib.sha256(b"errand\0" + secret).hexdigest()[:12]
