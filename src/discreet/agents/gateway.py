"""Somebody else's agent behind the monitor: its plans and single calls run as errands, and what it hears is a checked disclosure.

    1. the agent is a planner and its provider a recipient; nothing it writes is said by the user           G3.6, G4.3
    2. its plans begin under the label of all that it was ever told, in this and every other connection     G4.1
    3. every call gives a handle, whatever came of it; its value stays here, under its label                G3.7, G4.4
    4. whether it is told more is decided by labels alone, without look-ups and without the address book    G4.4, G5.6
    5. what it is told passes the call site, and is part of its label before it leaves                      G5.4, G8.1
    6. what a request made of a handle ends with that request: for any other it is the planner's own        G3.6, G1.2
    7. from the look at what places hold to what is told of a run, no other errand of the home goes on      G4.4, G2.6
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from discreet.agents.planning import handles_of
from discreet.agents.session import PEOPLE, Given, Planned, Report, Session, World, by_people, denied, public
from discreet.agents.waiting import Waiting
from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Recipient
from discreet.kernel.errors import DiscreetError, PlanError, nearest
from discreet.kernel.label import PUBLIC, Label, join, label
from discreet.kernel.monitor import Decision, Flow, Verdict
from discreet.kernel.resolve import ResolvedPlan
from discreet.kernel.shape import scalar
from discreet.kernel.shape import text as text_shape
from discreet.kernel.value import Fault, Many, Map, Maybe, Record, Seq, Standing, Table, Value, fault, plain
from discreet.models.planner import RECALLABLE, RULES, short_stubs, with_choices
from discreet.models.spans import redact
from discreet.policy.decide import Index
from discreet.policy.known import SHIPPED_TOOLS, fitted
from discreet.policy.load import load
from discreet.policy.norm import Norms
from discreet.tools.flow import result_label
from discreet.tools.kept import Kept
from discreet.tools.objects import Objects
from discreet.tools.preflight import Doing, Line, Preview, doings
from discreet.tools.question import Asker
from discreet.tools.registry import tool

AGENT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")  # what an agent can be called
REQUEST_S_MAX = 3_600  # that a request waits to be taken up
RUNS_MAX = 50  # plans and single calls for one request
HANDLES_MAX = 1_000  # of one connection
TOLD_CHARS_MAX = 60_000  # of one thing that the agent is told
REQUEST = label([("request", "user")])
HEAR = "agent.hear"
WHY = "the agent says this of its own accord: you did not name the recipient"
_REFERENCE = re.compile(r"\$(h[1-9]\d{0,3}(?:\.[a-z][a-z0-9_]{0,60}|\[\d{1,4}\])*)")
HOW = """\
Plans run behind a monitor that knows the person's secrets; you do not, and need not. `check_plan` says what is wrong with a plan before it runs, `run_plan`
runs it. What a plan prints is for the person, who reads it in `discreet questions`; you are told it only where their norms let you learn all that the plan
touched. A single call gives a handle such as $h3; in a plan the same value is the name h3. Private things go only to whom the person named: ask them to say
what they want with `discreet request`, then call `person_request`. Where the person is asked, a call waits for their answer in `discreet questions`: tell them
before. You cannot answer for them."""


class Refused(DiscreetError):
    """What was asked of the gateway cannot be done; follows from what the agent wrote and from labels alone."""


class Counted(Index):
    """The norms for an agent's calls: how often counts over all its errands of a day, and what it says of its own accord to
    somebody whom no norm speaks of is asked rather than denied."""

    def __init__(self, norms: Norms, done: Counter[Doing]) -> None:
        super().__init__(norms)
        self.done = done

    def __call__(self, flow: Flow) -> Decision:
        before = max(self.done[one] for one in doings(flow)) if flow.contract.effect is not Effect.READ else 0
        decision = super().__call__(replace(flow, together=max(flow.times, flow.together) + before) if before else flow)
        return Decision(tuple(
            replace(f, verdict=Verdict.ASK, why=WHY) if f.verdict is Verdict.DENY and not f.norms and f.tag is not None and f.tag.type == "request" else f
            for f in decision.findings
        ))  # fmt: skip

    def counting(self, done: Counter[Doing]) -> Counted:
        """The same norms after other acts."""
        other = copy.copy(self)
        other.done = done
        return other


@dataclass(frozen=True, slots=True)
class Held:
    """What a handle stands for: its value, what the preflight of a later plan sees of it, and the same without what the agent
    itself brought in, for deciding what it may be told. `asked` is the request that it was made for, as long as that is in force."""

    given: Given
    bare: Value
    asked: Asked | None = None

    def later(self) -> Held:
        """The same for any other request: what one request said or found is said and found for no other (G3.6)."""
        return Held(Given(unsaid(self.given.value), unsaid(self.given.seen)), unsaid(self.bare))


@dataclass
class Asked:
    """A request that the person typed at a place of their own."""

    text: str
    shown: str  # with handles for its sensitive spans
    handles: Mapping[str, Value]
    left: int = RUNS_MAX
    before: Any = None  # the gate of the last run for it: what was done is not done again


class Gateway:
    """One connection of one agent. Not for two threads at once."""

    def __init__(
        self, world: World, agent: str, asker: Asker, waiting: Waiting, clock: Callable[[], dt.datetime], *, lasting: Callable[[], Kept] = Kept,
        norms: Callable[[], Norms] | None = None, report: Callable[[Report], None] = lambda report: None,
        progress: Callable[[str, Flow], None] = lambda stage, flow: None,
    ) -> None:
        if not AGENT.fullmatch(agent):
            raise DiscreetError(f"`{agent}` cannot be an agent's name: small letters, digits and `-`, at most 40")
        self.agent, self.asker, self.waiting, self.clock, self.report, self.progress = agent, asker, waiting, clock, report, progress
        self.who = Recipient(f"agent:{agent}", f"agent:{agent}", frozenset({"provider/planner/hosted"}), f"the agent `{agent}`")
        self.lasting, self.heard = lasting, f"planner:agent:{agent}"
        self.norms = norms or (lambda: world.judge.norms)  # type: ignore[attr-defined]
        self.world = replace(world, alone=once(world.alone))
        self._judges: tuple[Norms | None, Counted | None] = (None, None)  # the norms as they were last, made ready
        self.public = replace(public(world), judge=Counted(load().norms, Counter()))
        self.views = {t.contract.view for t in world.tools.values() if t.contract.view}
        self.single = {name: t.contract for name, t in world.tools.items() if not t.contract.view}  # no handle holds what a view gave: its bits are counted by plan
        self.held: dict[str, Held] = {}
        self.objects = Objects()  # what its handles came with
        self.asked: Asked | None = None
        self.calls = 0

    # ------------------------------------------------------------------------------------------ what the agent can do

    def plan_language(self) -> str:
        """The language, the tools, and how to be told more."""
        contracts = with_choices(self.world.tools.contracts, RECALLABLE)
        return f"{HOW}\n\n{RULES.partition(chr(10) * 2)[2]}\n\nTools:\n{short_stubs(contracts)}"

    def person_request(self) -> dict[str, Any]:
        """The request that the person typed for this agent, its sensitive spans as handles. Names in it count as said by them."""
        found = self.waiting.take("request", self.agent)
        if found is not None and time.time() - found["at"] <= REQUEST_S_MAX:
            try:
                made = redact(found["text"])
                asked = Asked(found["text"], made.text, handles_of(found["text"], made))
            except DiscreetError as error:  # too long, or too many sensitive spans
                self.report(Report("", found["text"], "", (), "", 0, (), (), (str(error),)))
            else:
                self.asked = asked if self._tell(made.text, REQUEST) else None
        return {"request": self.asked.shown if self.asked else None, "runs": self.asked.left if self.asked else 0}

    def check_plan(self, source: str) -> dict[str, Any]:
        """What is wrong with a plan, and what its lines would come to by the norms that everybody can read."""
        try:
            return {"problems": [], "lines": self._notes(source)}
        except Refused as error:
            return {"problems": [str(error)], "lines": []}

    def run_plan(self, source: str) -> dict[str, Any]:
        """Run a plan; its answer is told to the person, and to the agent if the norms let it learn all that the plan touched."""
        with self.waiting.turn(self.agent):
            return self._errand(source, "")

    def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """One call of a tool of `single`: a plan of one line, whose value gets the next handle."""
        if self.calls >= HANDLES_MAX:
            raise Refused(f"a connection has at most {HANDLES_MAX} handles; connect again")
        contract = self.single[name]
        handle = f"h{self.calls + 1}"
        source = f"{handle} = {one_line(contract, arguments)}"
        notes = self._notes(source)
        with self.waiting.turn(self.agent):
            found = self._errand(source, handle)
        return {"handle": f"${handle}", "shape": contract.result.stub(), "notes": notes, **found}

    # ------------------------------------------------------------------------------------------ one errand

    def _errand(self, source: str, name: str) -> dict[str, Any]:
        """Run one plan while no other errand of this home does: what is told of it is decided by what it met (G4.4)."""
        with ExitStack() as turn:
            busy = ""
            try:
                turn.enter_context(self.world.alone())
            except DiscreetError as error:
                busy = str(error)
            return self._errand_alone(source, name, busy)

    def _errand_alone(self, source: str, name: str, busy: str) -> dict[str, Any]:
        """Run one plan under the label of all that the agent was told; `busy` says why it cannot run now. Raises Refused where plan and
        labels decide that it cannot run."""
        self._refresh()
        asked = self.asked
        text, handles = (asked.shown, asked.handles) if asked else ("", {})
        bare = {handle: one.bare for handle, one in self.held.items()}
        try:
            _, seen = self._session(self.public, REQUEST).seen(source, text, handles, bare, self.world.kept.copy())
        except PlanError as error:
            raise Refused(str(error)) from None
        if asked is not None:
            asked.left -= 1
            self.asked = asked if asked.left > 0 else None
        self.calls += bool(name)
        telling, planned, report, why = self._telling(seen, name, handles), None, None, ""
        try:
            if busy:
                raise DiscreetError(busy)
            given = {handle: one.given for handle, one in self.held.items()}
            planned = self._session(self.world, self.start(asked)).prepare(source, text, handles, None, asked.before if asked else None, given)
            if asked is not None:
                asked.before = planned.gate
            telling = join(telling, self._telling(self._session(self.world, REQUEST).found(planned, bare), name, handles))
            self._count(planned)
            report = self._session(self.world, planned.start).run(planned)
        except Exception as error:  # why it did not run is for the person alone: who is not in the address book, what is spent (G3.6, G6.3)
            why = str(error) if isinstance(error, DiscreetError) else "it could not be run"
        if why or not name:
            self._reported(report or Report("", asked.text if asked else "", source, (), "", 0, (), (), (why,)))
        words = self._hold(name, seen.outcome.names[name].under(telling), planned, report, asked) if name else _ending(report)
        return words if self._tell(json.dumps(words, default=str), telling) else {"withheld": True}

    def _hold(self, name: str, bare: Value, planned: Planned | None, report: Report | None, asked: Asked | None) -> dict[str, Any]:
        """Keep the value of a single call under its handle; what it is."""
        shown = planned.preview.outcome.names[name] if planned is not None else bare.under(self.start(None))
        value = report.outcome.names[name] if report is not None and report.outcome is not None else fault("refused", shown.total)
        made = Held(Given(value, shown), bare, asked)
        self.held[name] = made if asked is not None else made.later()
        return {"result": _shown(plain(value))}

    def _reported(self, report: Report) -> None:
        try:
            self.report(report)
        except Exception:  # a report that cannot be kept changes nothing of what the agent sees
            return

    def start(self, asked: Asked | None) -> Label:
        """What the agent's plans begin under: all that it was ever told, and itself where the person did not say what is to be done."""
        known = join(REQUEST, self.world.kept.labels.get(self.heard, PUBLIC))
        return known if asked is not None else join(known, label((), (self.who.id,)))

    def _telling(self, preview: Preview, name: str, handles: Mapping[str, Value]) -> Label:
        """The label of everything that could be seen of a plan: of its calls, their failures, its words and how it ended."""
        outcome, flows = preview.outcome, [line.flow for line in preview.lines]
        parts = [join(flow.label, result_label(flow)) for flow in flows] + [value.total for value in outcome.told]
        if any(flow.contract.effect is not Effect.READ for flow in flows):  # what is asked of an effect looks at the words behind handles too
            parts += [words.total for words in handles.values()]
        parts += [outcome.stopped.total] if outcome.stopped is not None else []
        parts += [outcome.names[name].total] if name else []
        parts += [PEOPLE] if any(by_people(flow) for flow in flows) else []
        return join(REQUEST, outcome.pc, *parts)

    def _tell(self, words: str, telling: Label) -> bool:
        """Tell the agent, if the norms let it learn this label; from then on it is part of what it knows (G4.1, G4.3).

        What a view gives is never told here, since nothing would count its bits (G6.3).
        """
        if len(words) > TOLD_CHARS_MAX or any(tag.type in self.views for tag in telling.tags):
            return False
        told: list[bool] = []
        session = self._session(self.world, REQUEST)

        def hear(text: str) -> None:
            with self.world.alone():
                session.keep({self.heard: telling})
            told.append(True)

        contract = Contract(
            HEAR, "what a connected agent is told", (Parameter("text", text_shape(max=TOLD_CHARS_MAX)),), scalar("none"), purpose="planning", place=NOPLACE,
            recipients=(self.who.id,), seconds_max=None,
        )  # fmt: skip
        try:
            session.apart(tool(contract, hear), {"text": Value(words, telling)}, self.who)
        except Exception:  # a ledger or a home that cannot be written: then nothing is told
            return False
        return bool(told)

    # ------------------------------------------------------------------------------------------ what it stands on

    def _session(self, world: World, start: Label) -> Session:
        session = Session(world, self.asker, self.clock, progress=self.progress)
        session.label, session.objects = start, self.objects
        return session

    def _refresh(self) -> None:
        """What other processes of this home wrote since: what the agent was told elsewhere, what places hold, norms, counts; and which request is
        in force for the handles."""
        self.held = {handle: one if one.asked is None or one.asked is self.asked else one.later() for handle, one in self.held.items()}
        self.world.kept.join(self.lasting().labels)
        norms, (seen, judge) = self.norms(), self._judges
        if judge is None or norms is not seen:
            people = self.world.directory
            judge = Counted(replace(fitted(norms, {*SHIPPED_TOOLS, *self.world.tools}, people.ids()), directory=people.owners()), Counter())
            self._judges = (norms, judge)
        self.world = replace(self.world, judge=judge.counting(self._done()))

    def _done(self) -> Counter[Doing]:
        found = self.waiting.get("done", self.agent) or {}
        today = self.clock().date().isoformat()
        return Counter({(name, id_): count for name, id_, count in found.get("acts", []) if found.get("day") == today})

    def _count(self, planned: Planned) -> None:
        """Count what a plan may do, whether or not it comes to it: a norm's limit holds for all that an agent does in a day (G1.2)."""
        acts = [line.flow for line in planned.preview.lines if line.flow.contract.effect is not Effect.READ and line.verdict is not Verdict.DENY]
        if acts:
            done = self._done()
            for flow in acts:
                for one in doings(flow):
                    done[one] += flow.times
            listed = sorted([name, id_, count] for (name, id_), count in done.items())
            self.waiting.put("done", self.agent, {"day": self.clock().date().isoformat(), "acts": listed})

    def _notes(self, source: str) -> list[str]:
        """Of each line of a plan what the shipped norms say; what depends on whom the person knows is left open."""
        self._refresh()
        bare = {handle: one.bare for handle, one in self.held.items()}
        text, handles = (self.asked.shown, self.asked.handles) if self.asked else ("", {})
        try:
            plan, preview = self._session(self.public, self.start(self.asked)).seen(source, text, handles, bare)
        except PlanError as error:
            raise Refused(str(error)) from None
        return [_note(line, plan) for line in preview.lines]


def unsaid(value: Value) -> Value:
    """The value with all inside it as somebody has it who was asked for nothing: made by the planner, or outside where it was (G3.6)."""
    data = value.data
    match data:
        case Seq():
            data = Seq(map(unsaid, data), data.kind)
        case Map():
            data = Map({key: (unsaid(named), unsaid(held)) for key, (named, held) in data.entries.items()})
        case Record():
            data = Record(data.name, {name: unsaid(held) for name, held in data.fields.items()})
        case Many():
            data = Many(unsaid(data.element), data.max, data.kind)
        case Table():
            data = Table(unsaid(data.key), unsaid(data.element), data.max)
        case Maybe():
            data = Maybe(unsaid(data.value))
    return Value(data, value.label, value.total, min(value.standing, Standing.PLANNER), value.bound)


def once(alone: Callable[[], AbstractContextManager[object]]) -> Callable[[], AbstractContextManager[object]]:
    """The same lock for one who may hold it already. Not for two threads at once."""
    holds: list[bool] = []

    @contextmanager
    def held() -> Iterator[None]:
        if holds:
            yield
            return
        with alone():
            holds.append(True)
            try:
                yield
            finally:
                holds.clear()

    return held


def _note(line: Line, plan: ResolvedPlan) -> str:
    where = f"{line.flow.span}: `{line.flow.contract.name}`"
    if by_people(line.flow) or line.flow.contract.view:
        return f"{where}: decided when it runs"
    said = {Verdict.PERMIT: f"{where}: permitted", Verdict.ASK: f"{where}: the person is asked first"}
    return f"{said.get(line.verdict) or denied(line, plan)}, by the shipped norms"


def _ending(report: Report | None) -> dict[str, Any]:
    """What a plan said and how it ended."""
    if report is None:
        return {"answer": [], "stopped": "", "ended": ["it did not run"]}
    return {"answer": list(report.told), "stopped": report.stopped, "ended": list(report.ended)}


def one_line(contract: Contract, arguments: Mapping[str, Any]) -> str:
    """A call as a plan writes it; a text that is a handle, `$h3`, `$h3.subject`, `$h3[0].id`, stands for its value."""
    names = [p.name for p in contract.parameters]
    for name in arguments:
        if name not in names:
            raise Refused(f"`{contract.name}` has no argument `{name}`{nearest(name, names)}")
    return f"{contract.name}({', '.join(f'{name}={_written(arguments[name])}' for name in names if arguments.get(name) is not None)})"


def _written(value: Any) -> str:
    if isinstance(value, str):
        found = _REFERENCE.fullmatch(value)
        return found.group(1) if found else repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_written(held)}' for key, held in value.items())}}}"
    if isinstance(value, float) and not math.isfinite(value):
        raise Refused("a number has to be finite")
    return repr(value)


def _shown(data: Any) -> Any:
    if isinstance(data, Fault):
        return {"fault": data.kind}
    if isinstance(data, (list, tuple)):
        return [_shown(item) for item in data]
    if isinstance(data, dict):
        return {str(key): _shown(held) for key, held in data.items()}
    if isinstance(data, dt.timedelta):
        return data.total_seconds()
    return data.isoformat() if isinstance(data, (dt.date, dt.time)) else data
