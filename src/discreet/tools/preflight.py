"""The preflight: a plan on labels alone, showing who would learn what and what would be asked (G3.8).

No value is seen and nothing leaves but look-ups in the user's own stores that resolve user-said names (G3.6): those are
real, checked calls, made once and handed to the run. Permits are decided on the labels found here.
"""

from __future__ import annotations

import ast
import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from discreet.kernel.contract import USER, Effect, Place, Recipient, Role
from discreet.kernel.domain import known, scan
from discreet.kernel.errors import PlanError, Span
from discreet.kernel.interpreter import Outcome, Request, run
from discreet.kernel.label import PUBLIC, Label, join, join2, label
from discreet.kernel.monitor import Decision, Flow, Judge, Verdict, decide
from discreet.kernel.resolve import ResolvedPlan, ToolCall
from discreet.kernel.shape import Shape, to_unknown
from discreet.kernel.syntax import span_of
from discreet.kernel.value import SCALARS, UNATTESTED, Fault, Many, Maybe, Record, Seq, Standing, Unknown, Value, plain, weaker
from discreet.tools.directory import Directory
from discreet.tools.flow import flow_of, result_label
from discreet.tools.kept import Kept

LINES_MAX = 2_000  # calls that a preflight lists
BESIDE = label((), (UNATTESTED,))
Doing = tuple[str, str]  # a tool, and one recipient whom its effect reaches


@dataclass(frozen=True, slots=True)
class Line:
    """One call that the run may make: what it tells whom, how often at most, and what the norms say of it.

    exact    whether every argument is known before the run, so that it can be confirmed as shown
    ignores  spans of earlier effects whose failure this effect does not look at (G3.4)
    """

    flow: Flow
    decision: Decision
    exact: bool
    ignores: tuple[Span, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return self.decision.verdict

    @property
    def key(self) -> tuple[Span, tuple[str, ...]]:
        return line_key(self.flow)


def act_key(flow: Flow) -> tuple[Any, ...]:
    """What tells one exact call of a line from another: where it stands, whom it goes to, and its arguments."""
    return (*line_key(flow), *((name, repr(plain(value))) for name, value in flow.arguments.items()))


def line_key(flow: Flow) -> tuple[Span, tuple[str, ...]]:
    """What tells one line of a plan from another: where it stands and whom it goes to."""
    return flow.span, tuple(sorted(r.id for r in flow.recipients))


@dataclass(frozen=True, slots=True)
class Preview:
    """What the preflight found: its lines in order, the loop bounds for the run, what was resolved already, what the user's own
    places hold once any of its lines has written (by place id), and the look-ups of names in the open request that found nobody."""

    lines: tuple[Line, ...]
    outcome: Outcome
    resolved: Mapping[tuple[Any, ...], Value]
    kept: Mapping[str, Label]
    nobody: tuple[tuple[Any, ...], ...] = ()
    often: Mapping[Doing, int] = field(default_factory=dict)  # how often this errand may do what to whom, up to this plan
    _at: dict[Span, list[tuple[frozenset[str], Line]]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _bounds: dict[Any, tuple[Label, Label, int, int]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for line in self.lines:
            self._at.setdefault(line.flow.span, []).append((frozenset(line.key[1]), line))

    def bound(self, flow: Flow) -> Flow | None:
        """The flow of a call of the run with what the preflight saw at its line: the labels of all its lines, what decides
        whether it runs, how often at most, and its place. None where the preflight saw no such line (G3.8)."""
        key = (flow.span, tuple([r.id for r in flow.recipients]))
        found = self._bounds.get(key)
        if found is None:
            seen = [line.flow for named, line in self._at.get(flow.span, ()) if named.issuperset(key[1]) or line.flow.unresolved]
            if not seen:
                return None
            labels, deciding = join(*[f.label for f in seen]), join(*[f.pc for f in seen])
            found = self._bounds[key] = (labels, deciding, sum([f.times for f in seen]), max([f.together for f in seen]))
        preflight_, pc, times, together = found
        return Flow(flow.contract, flow.arguments, flow.pc, flow.recipients, self._place(flow), times, flow.span, flow.unresolved, preflight_, pc, together, flow.moved)

    def _place(self, flow: Flow) -> Place:
        """The call's place, which is fixed before the run (G2.6): where the preflight saw only others, the join of those, and a
        write fits the one that it turned out to be."""
        seen = []
        for _, line in self._at[flow.span]:
            if line.flow.place.id == flow.place.id:
                return flow.place
            seen.append(line.flow.place)
        fits = flow.place.holds if any(place.open for place in seen) else None
        return replace(seen[0], label=join(*(place.label for place in seen)), readers=tuple({r: None for p in seen for r in p.readers}), fits=fits, open=False)

    @property
    def verdict(self) -> Verdict:
        if any(line.verdict is Verdict.DENY for line in self.lines):
            return Verdict.DENY
        return Verdict.ASK if any(line.verdict is Verdict.ASK for line in self.lines) else Verdict.PERMIT


def preflight(
    plan: ResolvedPlan,
    directory: Directory,
    judge: Judge,
    look_up: Callable[[Request, Flow], Value] | None = None,
    start: Label = PUBLIC,
    given: Mapping[str, Value] | None = None,
    said: Callable[[Any], Standing] = lambda _: Standing.PLANNER,
    clock: dt.datetime = dt.datetime(2000, 1, 1),
    handles: Mapping[str, Value] | None = None,
    kept: Kept | None = None,
    often: Mapping[Doing, int] | None = None,
    never: Set[Any] = frozenset(),
) -> Preview:
    """Evaluate `plan` on labels alone. `look_up` makes one resolving call for real; what `never` names writes nothing: a line by
    its span, an exact call by its `act_key`.

    Raises PlanError or LimitError, located, where plan and public labels decide that the plan cannot run.
    """
    port = _Port(directory, judge, look_up, kept if kept is not None else Kept(), never)
    outcome = run(plan, port, start, given, said, clock, None, handles)
    lines, counted = _together(_summed(port.lines), judge, often or {})
    return Preview(_with_ignored(lines, plan), outcome, port.resolved, port.kept.labels, tuple(port.nobody), counted)


class _Port:
    """Answers calls on labels alone and lists them."""

    def __init__(self, directory: Directory, judge: Judge, look_up: Callable[[Request, Flow], Value] | None, kept: Kept, never: Set[Any] = frozenset()) -> None:
        self.directory, self.judge, self.look_up, self.kept, self.never = directory, judge, look_up, kept, never
        self.lines: list[Line] = []
        self.resolved: dict[tuple[Any, ...], Value] = {}
        self.nobody: list[tuple[Any, ...]] = []

    def mark(self) -> int:
        return len(self.lines)

    def state(self) -> object:
        """What the places of the plan's writes keep by now: a loop has to be looked at again when a turn raised it."""
        return self.kept.state()

    def reset(self, mark: int) -> None:
        del self.lines[mark:]

    def call(self, request: Request) -> Value:
        arguments, exact, stopped = {}, True, None
        for name, value in request.arguments.items():
            shown = arguments[name] = _shown(value)
            unknown, found = scan(shown)
            exact, stopped = exact and not unknown, stopped or found
        given = request.arguments  # in which what was found, or stands behind a handle, is not known
        if exact:
            request = Request(request.contract, arguments, request.pc, request.span, request.times)
        flow = flow_of(request, self.directory, self.kept.copy() if self.never else self.kept)
        if self.never and request.span not in self.never and not (exact and act_key(flow) in self.never):
            flow = flow_of(request, self.directory, self.kept)
        if len(self.lines) < LINES_MAX:
            self.lines.append(Line(flow, decide(flow, self.judge), exact))
        base = result_label(flow)
        if stopped is not None:
            return Value(stopped, base)
        try:
            shape = request.contract.result_of(request.arguments if request.contract.resolves else given)
        except PlanError as error:  # a schema that is none, told where the call stands
            raise PlanError(error.message, request.span, error.rewrite) from None
        unknown = described(to_unknown(shape, base, standing_of_result(request)), shape, request)
        if self.look_up is not None and resolvable(request, exact):
            real = self.really(request, flow)
            return _found(unknown, real).under(real.label)  # as the run will have it, from the first line that looked it up
        return unknown

    def really(self, request: Request, flow: Flow) -> Value:
        key = call_key(request)
        if key not in self.resolved:
            found = self.resolved[key] = self.look_up(request, flow)  # type: ignore[misc]
            openly = all(tag.type == "request" for tag in flow.label.tags)  # a hidden word may not decide whether anything runs
            if isinstance(found.data, Fault) and openly:
                self.nobody.append(key)
        return self.resolved[key]


def _found(unknown: Value, real: Value) -> Value:
    """What a look-up found, as far as the preflight may use it: it names recipients and can be shown; it decides no branch,
    no loop and no refusal, for those would tell of it to everybody (G3.8)."""
    x, y = unknown.data, real.data
    match x:
        case Unknown() if isinstance(y, SCALARS) and y is not None:
            x = Unknown(x.kind, (y,), True)
        case Record() if isinstance(y, Record):
            x = Record(x.name, {name: _found(held, y.fields[name]) for name, held in x.fields.items()})
        case Maybe() if y is not None:
            x = Maybe(_found(x.value, real))
    return Value(x, unknown.label, unknown.total, unknown.standing, unknown.bound)


def _shown(value: Value) -> Value:
    """The value with what a look-up found in it, for the user to see and for the exact call."""
    data = value.data
    if isinstance(data, Unknown) and data.found and len(data.choices) == 1:
        return Value(data.choices[0], value.label, value.total, value.standing, value.bound)
    if isinstance(data, Seq) and not known(value):
        data = Seq((_shown(item) for item in data), data.kind)
        return Value(data, value.label, value.total, value.standing, value.bound)
    return value


def resolvable(request: Request, exact: bool) -> bool:
    """Whether this call finds what a user-said name stands for, in a store whose keys outsiders cannot write (G3.6)."""
    if not (request.contract.resolves and exact and request.contract.effect is Effect.READ):
        return False
    keys = [request.arguments[p.name] for p in request.contract.parameters if p.role is not Role.CONTENT]
    told = [value for value in keys if value.data is not None and value.data != ""]
    return bool(told) and all((value.standing >= Standing.FOUND or value.standing is Standing.NAMED) and not value.total.sources for value in told)


def standing_of_result(request: Request) -> Standing:
    """A resolving call's result is resolved when its keys are user-said, and no better than a name of the request that is bidden nothing;
    anything else comes from outside."""
    if not resolvable(request, True):
        return Standing.OUTSIDE
    keys = [request.arguments[p.name] for p in request.contract.parameters if p.role is not Role.CONTENT]
    return reduce(weaker, (value.standing for value in keys if value.data is not None and value.data != ""), Standing.RESOLVED)


def described(value: Value, shape: Shape, request: Request) -> Value:
    """Attested fields of a collection that the user named: of a call whose keys are all the user's own words or found by them (G3.6).
    All filters left out name nothing: a whole mailbox is not described. A tool that has none is a collection by itself."""
    if value.standing in (Standing.RESOLVED, Standing.FOUND, Standing.NAMED):
        return value  # found by equality
    within = request.contract.within
    keys = [p for p in request.contract.parameters if p.role is not Role.CONTENT and p.name != within]
    if any(request.arguments[p.name].standing < Standing.DESCRIBED for p in keys):
        return value
    filters = [p for p in keys if p.shape.kind in ("text", "enum", "list", "any")]
    named = bool(within) or any(request.arguments[p.name].standing is not Standing.RESOLVED or request.arguments[p.name].data != p.default for p in filters)
    return _mark(value, shape) if named or not filters else value


def _mark(value: Value, shape: Shape) -> Value:
    """Attested leaves are described. The others get a source of their own, so that what is picked by them is not (kernel/value.py, `under`)."""
    data, total = value.data, value.total
    if shape.kind == "list" and shape.element is not None:
        inner: list[Value] = []
        if isinstance(data, Seq):
            inner = [_mark(item, shape.element) for item in data]
            data = Seq(inner, data.kind)
        elif isinstance(data, Many):
            inner = [_mark(data.element, shape.element)]
            data = Many(inner[0], data.max, data.kind)
        return Value(data, value.label, join(total, *(item.total for item in inner)), value.standing, value.bound)
    if shape.kind == "record" and isinstance(data, Record):
        fields = {n: _mark(v, shape.fields[n]) for n, v in data.fields.items()}
        return Value(Record(data.name, fields), value.label, join(total, *(v.total for v in fields.values())), value.standing, value.bound)
    if isinstance(data, Maybe):
        held = _mark(data.value, replace(shape, optional=False))
        return Value(Maybe(held), join2(value.label, held.label), join2(total, held.total), held.standing, value.bound)
    if shape.kind in ("list", "record"):
        return value  # there is none
    if shape.attested:
        return Value(data, value.label, total, Standing.DESCRIBED, value.bound)
    return value.under(BESIDE) if value.total.sources else value  # what nobody but the user can write needs no voucher


def call_key(request: Request) -> tuple[Any, ...]:
    """What makes two resolving calls the same: the tool, its plain arguments, and what these and the call's place tell. A name that is
    said openly and one that a hidden word comes to are looked up each for itself, or the one would tell of the other."""
    told = join(request.pc, *[value.total for value in request.arguments.values()])
    return (request.contract.name, told, *((name, repr(plain(value))) for name, value in request.arguments.items()))


def _summed(lines: list[Line]) -> tuple[Line, ...]:
    """Lines of one place in the plan to one recipient with the same arguments become one, with its times added."""
    found: dict[Any, Line] = {}
    keys = [line.key for line in lines]
    if len(set(keys)) == len(keys):
        return tuple(lines)
    for line in lines:
        shown = tuple(repr(plain(v)) for v in line.flow.arguments.values()) if line.exact else ()
        key = (*line.key, shown, line.flow.pc, line.flow.label, line.flow.place.label, line.verdict)
        earlier = found.get(key)
        if earlier is None:
            found[key] = line
        else:
            found[key] = replace(earlier, flow=replace(earlier.flow, times=earlier.flow.times + line.flow.times))
    return tuple(found.values())


def _together(lines: tuple[Line, ...], judge: Judge, before: Mapping[Doing, int]) -> tuple[tuple[Line, ...], dict[Doing, int]]:
    """How often counts over all lines that do the same to somebody, whoever else is told: forty lines are a loop of forty (G1.2).

    Those of the errand's earlier plans and of plans that were handed over count too, by what they could do.
    """
    often = Counter(before)
    acts = [(line, doings(line.flow) if line.flow.contract.effect is not Effect.READ or tells(line.flow) else ()) for line in lines]
    for line, doing in acts:
        for one in doing:
            often[one] += line.flow.times
    return tuple(_often(line, max(often[one] for one in doing), judge) if doing else line for line, doing in acts), dict(often)


def doings(flow: Flow) -> tuple[Doing, ...]:
    """What a call does to whom, once for each outsider it reaches."""
    outsiders = [r.id for r in flow.recipients if r.id != USER.id and "own-provider" not in r.roles]
    return tuple((flow.contract.name, id_) for id_ in outsiders or [r.id for r in flow.recipients] or [""])


def tells(flow: Flow) -> bool:
    """Whether a call tells somebody else anything that a norm could count."""
    return any(r.id != USER.id and "own-provider" not in r.roles for r in flow.recipients) and bool(flow.label.tags)


def _often(line: Line, times: int, judge: Judge) -> Line:
    if times <= line.flow.times:
        return line
    flow = replace(line.flow, together=times)
    return replace(line, flow=flow, decision=decide(flow, judge))


def _with_ignored(lines: tuple[Line, ...], plan: ResolvedPlan) -> tuple[Line, ...]:
    """Flag an effect behind an earlier effect whose result the plan never looks at (G3.4)."""
    unread = _unread_effects(plan) if any(line.flow.contract.effect is not Effect.READ for line in lines) else []
    flagged = []
    for line in lines:
        earlier = tuple(
            span for span in unread if (span.line, span.column) < (line.flow.span.line, line.flow.span.column)
        ) if line.flow.contract.effect is not Effect.READ else ()
        flagged.append(replace(line, ignores=earlier) if earlier else line)
    return tuple(flagged)


def _unread_effects(plan: ResolvedPlan) -> list[Span]:
    acts = [c for c, t in plan.calls.items() if isinstance(t, ToolCall) and t.contract.effect in (Effect.PAY, Effect.DELETE)]
    statements = {node.value for node in ast.walk(plan.tree) if isinstance(node, ast.Expr)} if acts else ()
    return [span_of(call) for call in acts if call in statements]


def who_learns(lines: tuple[Line, ...]) -> dict[Recipient, dict[str, Verdict]]:
    """For each recipient: which information types it would learn, with the worst verdict of each."""
    order = [Verdict.PERMIT, Verdict.ASK, Verdict.DENY]
    found: dict[str, tuple[Recipient, dict[str, Verdict]]] = {}
    for line in lines:
        by_id = {r.id: r for r in line.flow.recipients}
        for finding in line.decision.findings:
            if finding.tag is None or finding.recipient not in by_id:
                continue
            _, types = found.setdefault(finding.recipient, (by_id[finding.recipient], {}))
            shown = f"{finding.tag.type}" if finding.tag.subject == "user" else f"{finding.tag.type} of {finding.tag.subject}"
            types[shown] = max(types.get(shown, Verdict.PERMIT), finding.verdict, key=order.index)
    return {recipient: types for recipient, types in found.values()}
