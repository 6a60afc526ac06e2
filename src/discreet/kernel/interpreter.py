"""Runs a resolved plan: one tree walk for both domains, with pc labels on every path (G3.3, G3.4, G3.8).

On known data it runs the plan. Where data is unknown (the preflight) it takes both branches, runs a loop to the fixpoint
of its labels, and counts every call by public bounds. The rules it keeps:

    G3.3  after a branch or loop every name that any path could assign takes the test's label; a break or continue that any
          path could reach raises pc to the loop's end, a raise to the plan's end, taken or not
    G3.4  a test on a fault, or a loop over one, runs no body; every assignable name becomes that fault
    G3.7  steps and calls are charged by bounds that are public, before the first effect
"""

from __future__ import annotations

import ast
import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

from discreet.kernel import operations as ops
from discreet.kernel.contract import Contract
from discreet.kernel.domain import grown, merge, same, size_max, table
from discreet.kernel.errors import DiscreetError, LimitError, PlanError, Span, invariant, nearest
from discreet.kernel.functions import ALIASES, CLOCK, FUNCTIONS, TYPE_NAMES, call_method, changed
from discreet.kernel.label import PUBLIC, Label, join, join2
from discreet.kernel.resolve import Change, FunctionCall, MethodCall, ResolvedPlan, ToolCall
from discreet.kernel.shape import Shape
from discreet.kernel.syntax import span_of
from discreet.kernel.value import Fault, Many, Map, Maybe, Record, Seq, Standing, Table, Unknown, Value, extent, fault, kind_of, lift, seq

STEPS_MAX = 2_000_000  # evaluated parts of a plan, by public bounds
CALLS_MAX = 1_000  # tool calls of one run, by public bounds
UNROLL_MAX = 256  # turns of a loop over a known list that the preflight takes one by one
NESTING_MAX = 30  # lists in lists
PARTS_MAX = 1_000_000  # of one value, all that is inside counted
ARGUMENT_CHARS_MAX = 2_000_000  # of one argument of a call, as it would be written out
FIXPOINT_PASSES_MAX = 60  # labels only grow, so a loop settles far below
TOLD_MAX = 200  # prints of one run


@dataclass(frozen=True, slots=True)
class Request:
    """One tool call as the interpreter sees it: labelled arguments, pc, and how often at most."""

    contract: Contract
    arguments: Mapping[str, Value]
    pc: Label
    span: Span
    times: int = 1


class Port(Protocol):
    """What answers tool calls: the runtime on a run, the preflight before it."""

    def call(self, request: Request) -> Value: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run ends with: what it told the user, its last value, why it stopped, and every name's value."""

    told: tuple[Value, ...]
    last: Value
    stopped: Value | None  # the raise that ended it: its text under its label
    names: Mapping[str, Value]
    pc: Label
    limits: Mapping[ast.AST, int] = field(default_factory=dict)


def run(
    plan: ResolvedPlan,
    port: Port,
    start: Label = PUBLIC,
    given: Mapping[str, Value] | None = None,
    said: Callable[[Any], Standing] = lambda _: Standing.PLANNER,
    clock: dt.datetime = dt.datetime(2000, 1, 1),
    limits: Mapping[ast.AST, int] | None = None,
    handles: Mapping[str, Value] | None = None,
) -> Outcome:
    """Run `plan`.

    start   label of all that the plan's planner was sent; pc and every literal begin with it (G4.1)
    given   values of the names that stand for sensitive spans of the request
    said    the standing of a literal: whether the user typed it as a whole token (G3.6)
    clock   the run's clock, read once (G3.7)
    limits  None for the preflight, which finds them; for a run, what its preflight found: turns at most, by node
    handles what stands for `[[1]]` in a literal: the user's own words, under their own label (G4.1)
    Raises LimitError or PlanError only where plan and public labels decide it, so before any effect.
    """
    return _Machine(plan, port, start, given or {}, said, clock, limits, handles or {}).run()


CONTAINERS = frozenset({Seq, Map, Many, Table})


class _Status(IntEnum):
    NORMAL = 0
    BREAK = 1
    CONTINUE = 2
    STOP = 3


class _Loop:
    """A loop being run: the label that its exits raised pc to, and the environments that left it or a turn of it."""

    __slots__ = ("exit", "broken", "continued")

    def __init__(self) -> None:
        self.exit = PUBLIC
        self.broken: list[dict[str, Value]] = []
        self.continued: list[dict[str, Value]] = []


class _Machine:
    def __init__(self, plan, port, start, given, said, clock, limits, handles) -> None:
        self.plan, self.port, self.said, self.clock = plan, port, said, clock
        self.handles = handles
        self.literals: dict[ast.AST, Value] = {}  # made once each
        self.preflight = limits is None
        self.limits: dict[ast.AST, int] = {} if limits is None else dict(limits)
        self.start = self.pc = start
        self.stop_label = PUBLIC  # what every raise passed so far has shown, taken or not
        self.env: dict[str, Value] = {name: value.under(start) for name, value in given.items()}
        self.loops: list[_Loop] = []
        self.told: list[Value] = []
        self.last = Value(None, start)
        self.stopped: Value | None = None
        self.weight, self.steps, self.calls = 1, 0, 0
        self.called: Counter[str] = Counter()
        self.ports: Exception | None = None  # what the port raised
        self.touched = join(start, *(words.total for words in handles.values()))  # by every literal and result so far

    def run(self) -> Outcome:
        status = self.block(self.plan.tree.body)
        invariant(status in (_Status.NORMAL, _Status.STOP), "no loop is left open")
        return Outcome(tuple(self.told), self.last, self.stopped, self.env, self.pc, self.limits)

    def charge(self, node: ast.AST, units: int = 1) -> None:
        self.steps += units * self.weight
        if self.preflight and self.steps > STEPS_MAX:
            raise LimitError(f"the plan could take more than {STEPS_MAX} steps", span_of(node), "bound the list: `xs[:20]`")

    def weigh(self, node: ast.AST, *operands: Value) -> None:
        """Charge an operation for what it runs through: elements, and thousands of characters, by public bounds (G3.7)."""
        if self.preflight:
            self.charge(node, sum(_bulk(operand) for operand in operands))

    # ------------------------------------------------------------------------------------------ statements

    def block(self, body: list[ast.stmt]) -> _Status:
        for statement in body:
            status = self.statement(statement)
            if status is not _Status.NORMAL:
                return status
        return _Status.NORMAL

    def statement(self, node: ast.stmt) -> _Status:
        self.charge(node)
        if type(node) is ast.Assign:  # the most frequent by far
            value = self.eval(node.value)
            for target in node.targets:
                self.assign(target, value)
            return _Status.NORMAL
        match node:
            case ast.AugAssign(target=target, op=operator, value=expression):
                self.assign(target, self.augmented(target, operator, expression, node))
            case ast.AnnAssign(target=target, value=expression) if expression is not None:
                self.assign(target, self.eval(expression))
            case ast.Expr(value=ast.Call() as call) if isinstance(self.plan.calls.get(call), Change):
                self.change(call, self.plan.calls[call])
            case ast.Expr(value=expression):
                value = self.eval(expression)
                if not isinstance(expression, ast.Constant):
                    self.last = value.under(self.pc)
            case ast.If():
                return self.branch(node)
            case ast.For():
                return self.loop(node)
            case ast.Raise():
                return self.stop(node)
            case ast.Break():
                self.loops[-1].broken.append(self.snapshot())
                return _Status.BREAK
            case ast.Continue():
                self.loops[-1].continued.append(self.snapshot())
                return _Status.CONTINUE
        return _Status.NORMAL

    def snapshot(self) -> dict[str, Value]:
        return dict(self.env) if self.preflight else self.env

    def held(self, value: Value, node: ast.AST) -> Value:
        """The value, or a fault or refusal where it is nested too deeply or of too many parts (G3.7)."""
        if type(value.data) not in CONTAINERS:
            return value
        depth, parts = extent(value.data)
        if depth <= NESTING_MAX and parts <= PARTS_MAX:
            return value
        if self.preflight:
            raise LimitError(f"a list nested deeper than {NESTING_MAX} or of more than {PARTS_MAX} parts", span_of(node), "use names for the parts")
        return fault("limit", value.total, span_of(node))

    def assign(self, target: ast.expr, value: Value) -> None:
        if type(target) is ast.Name:
            self.env[target.id] = value.under(self.pc)
            return
        match target:
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                try:
                    items = ops.unpacked(value, len(parts), span_of(target))
                except Exception as error:
                    items = [self.broken(target, error)] * len(parts)
                for part, item in zip(parts, items, strict=True):
                    self.assign(part, item)
            case ast.Subscript(value=ast.Name(id=name), slice=key):
                held = self.read(name, target)
                self.weigh(target, held)
                try:
                    made = ops.stored(held, self.eval(key), value.under(self.pc), span_of(target))
                except Exception as error:
                    made = self.broken(target, error)
                self.env[name] = self.held(made, target).under(self.pc)

    def augmented(self, target: ast.expr, operator: ast.operator, expression: ast.expr, node: ast.AST) -> Value:
        held = self.read(target.id, target) if isinstance(target, ast.Name) else self.eval(target)
        added = self.eval(expression)
        try:
            return ops.arithmetic(type(operator), held, added, span_of(node))
        except Exception as error:
            return self.broken(node, error)

    def change(self, call: ast.Call, change: Change) -> None:
        """`xs.append(x)` and its like bind the name anew."""
        span = span_of(call)
        target = self.read(change.target, call)
        if change.method != "append" or change.key is not None:
            self.weigh(call, target)
        key = self.eval(change.key) if change.key is not None else None
        held = target if key is None else ops.index(target, key, span)
        arguments = [self.eval(argument).under(self.pc) for argument in call.args]
        named = {k.arg: self.eval(k.value) for k in call.keywords if k.arg and k.arg != "key"}
        try:
            keys = self.keys(call, held) if change.method == "sort" else None
            made = changed(held, change.method, arguments, named, keys, span)
            if key is not None:
                made = ops.stored(target, key, made, span)
        except Exception as error:
            made = self.broken(call, error)
        self.env[change.target] = self.held(made, call).under(self.pc)

    def stop(self, node: ast.Raise) -> _Status:
        exc = node.exc
        text = self.eval(exc.args[0]) if isinstance(exc, ast.Call) and exc.args else Value("stopped", self.start)
        text = text.under(self.pc)
        self.stopped = text if self.stopped is None else merge(self.stopped, text)
        return _Status.STOP

    def branch(self, node: ast.If) -> _Status:
        test, label = ops.truth(self.eval(node.test))
        saved, guard = self.pc, join2(self.pc, label)
        if node in self.plan.breaks:
            self.loops[-1].exit = join2(self.loops[-1].exit, guard)
        if node in self.plan.raises:
            self.stop_label = join2(self.stop_label, guard)
        self.pc = guard
        if isinstance(test, Fault):
            status = _Status.NORMAL
            for name in self.plan.assigned[node]:
                self.env[name] = Value(test, guard)
        elif test is None:
            status = self.both(node)
        else:
            status = self.block(node.body if test else node.orelse)
        self.leave(node, saved, guard)
        return status

    def both(self, node: ast.If) -> _Status:
        """Take both branches of a test that is not known, and merge what they leave."""
        before = self.env
        self.env = dict(before)
        first, taken = self.block(node.body), self.env
        self.env = dict(before)
        second, other = self.block(node.orelse), self.env
        if first is _Status.NORMAL and second is _Status.NORMAL:
            self.env = self.merged([taken, other])
        elif first is _Status.NORMAL:
            self.env = taken
        return _Status.NORMAL if _Status.NORMAL in (first, second) else first

    def merged(self, environments: list[dict[str, Value]], widen: bool = False) -> dict[str, Value]:
        result = dict(environments[0])
        for environment in environments[1:]:
            for name in result.keys() | environment.keys():
                missing = fault("unassigned", PUBLIC)
                result[name] = merge(result.get(name, missing), environment.get(name, missing), widen)
        return result

    def leave(self, node: ast.stmt, saved: Label, guard: Label) -> None:
        """After a branch or loop: its names take the guard, and pc keeps what breaks and raises showed (G3.3)."""
        if guard is not PUBLIC:
            for name in self.plan.assigned[node]:
                held = self.env.get(name)
                self.env[name] = fault("unassigned", guard, span_of(node)) if held is None else held.under(guard)
        self.pc = join2(saved, self.stop_label)
        if self.loops:
            self.pc = join2(self.pc, self.loops[-1].exit)

    # ------------------------------------------------------------------------------------------ loops

    def loop(self, node: ast.For) -> _Status:
        items, shape = ops.elements(self.eval(node.iter), span_of(node.iter))
        items = self.bounded(node, items)
        saved, guard = self.pc, join2(self.pc, shape)
        if node in self.plan.raises:
            self.stop_label = join2(self.stop_label, guard)
        frame = _Loop()
        self.loops.append(frame)
        self.pc = guard
        if isinstance(items, Fault):
            for name in self.plan.assigned[node]:
                self.env[name] = Value(items, guard)
            status = _Status.NORMAL
        elif isinstance(items, Many):
            status = self.settle(node, items.element, items.max, shape, frame)
        elif self.preflight and len(items) > UNROLL_MAX:
            status = self.settle(node, self.typical(items), len(items), shape, frame)
        else:
            status = self.turns(node, items, shape, frame)
        self.loops.pop()
        if node in self.plan.raises:  # also of a raise that a break or continue before it may have passed by
            self.stop_label = join2(self.stop_label, frame.exit)
        self.leave(node, saved, join2(guard, frame.exit))
        return status

    def bounded(self, node: ast.AST, items: list[Value] | Many | Fault) -> list[Value] | Many | Fault:
        """On the preflight, note the turns at most; on a run, more turns than that are a fault under their label (G3.7)."""
        if isinstance(items, Fault):
            return items
        turns = items.max if isinstance(items, Many) else len(items)
        if self.preflight:
            self.limits[node] = max(self.limits.get(node, 0), turns)
        elif turns > self.limits.get(node, 0):
            return Fault("limit", span_of(node))
        return items

    def turns(self, node: ast.For, items: list[Value], shape: Label, frame: _Loop) -> _Status:
        for item in items:
            self.charge(node)
            frame.continued = []
            self.assign(node.target, item.under(shape))
            status = self.block(node.body)
            if status is not _Status.NORMAL or frame.continued:
                if status in (_Status.STOP, _Status.BREAK) and not frame.continued:
                    return self.ended(frame, status)
                alive = [*frame.continued, *([self.env] if status is _Status.NORMAL else [])]
                self.env = self.merged(alive) if len(alive) > 1 else alive[0]
            self.pc = join2(self.pc, frame.exit)
        return self.ended(frame, _Status.NORMAL)

    def ended(self, frame: _Loop, status: _Status) -> _Status:
        """Merge the environments that broke out with the one that ran to the end."""
        alive = [*frame.broken, *([self.env] if status is _Status.NORMAL else [])]
        if not alive:
            return _Status.STOP
        self.env = self.merged(alive) if len(alive) > 1 else alive[0]
        return _Status.NORMAL

    def settle(self, node: ast.For, element: Value, turns: int, shape: Label, frame: _Loop) -> _Status:
        """Run a loop whose turns are not known to the fixpoint of its labels; the last pass is the one that counts."""
        invariant(self.preflight, "unknown data on the preflight only")
        entry = dict(self.env)
        outer = self.weight
        marks = (self.steps, self.calls, len(self.told), self.mark(), self.called.copy())
        self.weight = outer * max(turns, 1)
        for _ in range(FIXPOINT_PASSES_MAX):
            self.steps, self.calls, self.called = marks[0], marks[1], marks[4].copy()
            del self.told[marks[2] :]
            self.reset(marks[3])
            frame.continued, frame.broken = [], []
            before, known = self.env, self.reached()
            self.env = dict(before)
            self.charge(node)
            self.assign(node.target, element.under(shape))
            status = self.block(node.body)
            alive = [*frame.continued, *([self.env] if status is _Status.NORMAL else [])]
            self.pc = join2(self.pc, frame.exit)
            after = self.merged([entry, *alive, *frame.broken], widen=True) if alive or frame.broken else entry
            after = {name: self.room(entry.get(name), before.get(name), value, turns) for name, value in after.items()}
            if known == self.reached() and self.settled(before, after):
                break
            self.env = after
        else:
            raise LimitError("the loop does not settle", span_of(node))
        self.weight = outer
        self.env = self.merged([entry, after, *frame.broken], widen=True)
        return _Status.NORMAL

    def reached(self) -> Any:
        """What a pass of a loop could raise besides names: pc, and what the port keeps of places."""
        state = getattr(self.port, "state", None)
        return self.pc, self.stop_label, state() if state else None

    def mark(self) -> Any:
        mark = getattr(self.port, "mark", None)
        return mark() if mark else None

    def reset(self, mark: Any) -> None:
        if mark is not None:
            self.port.reset(mark)  # type: ignore[attr-defined]

    @staticmethod
    def room(entry: Value | None, before: Value | None, after: Value, turns: int) -> Value:
        return after if before is None else grown(entry, before, after, turns, ops.LIST_RESULT_ITEMS_MAX)

    @staticmethod
    def settled(before: dict[str, Value], after: dict[str, Value]) -> bool:
        return before.keys() == after.keys() and all(same(value, after[name]) for name, value in before.items())

    # ------------------------------------------------------------------------------------------ expressions

    def eval(self, node: ast.expr) -> Value:
        self.steps += self.weight
        try:
            value = _EVAL[type(node)](self, node)
        except Exception as error:
            value = self.broken(node, error)
        return self.held(value, node) if type(value.data) in CONTAINERS else value

    def broken(self, node: ast.AST, error: Exception) -> Value:
        """What an operation gives that raised what no operation should: what it worked on decided that, so it must not end the plan (G3.4). It is a
        fault under the label of all that the plan has touched by now. What this package raises on purpose, and what the port raises, is no operation's."""
        if isinstance(error, DiscreetError) or error is self.ports:
            raise error
        if self.preflight:
            raise PlanError("this cannot be worked out", span_of(node))
        return fault("limit", join(self.touched, self.pc, *(value.total for value in self.env.values())), span_of(node))

    def read(self, name: str, node: ast.AST) -> Value:
        value = self.env.get(name)
        if value is not None:
            return value
        if self.preflight and name not in TYPE_NAMES:
            raise PlanError(f"`{name}` is not assigned yet here", span_of(node), "assign it before the branch or loop")
        return fault("unassigned", self.pc, span_of(node))

    def constant(self, node: ast.Constant) -> Value:
        value = self.literals.get(node)
        if value is None:
            data = node.value
            if self.handles and isinstance(data, str) and "[[" in data:
                value = self.restored(data)
            else:
                literal = isinstance(data, (str, int, float)) and not isinstance(data, bool)
                value = Value(data, self.start, None, self.said(data) if literal else Standing.PLANNER, len(data) if isinstance(data, str) else None)
            self.literals[node] = value
        return value

    def restored(self, text: str) -> Value:
        """A literal with the user's words in place of handles, under the labels of those words."""
        label, written, unknown = self.start, text, []
        for handle, words in self.handles.items():
            if handle in text:
                label = join2(label, words.total)
                data = words.data
                if isinstance(data, Unknown):  # what a planner hears, or what keeps a plan from running, must not depend on them
                    unknown.append(words)
                    data = data.choices[0] if data.choices else handle
                text = text.replace(handle, data)
        if unknown:
            shown = all(words.data.found for words in unknown)
            standing, bound = self.said(written), len(written) + sum(words.bound or 0 for words in unknown)
            return Value(Unknown("text", (text,) if shown else (), shown), label, None, standing, bound)
        return Value(text, label, None, self.said(written), len(text))  # as the user's words are hidden, so is what they are compared with

    def name(self, node: ast.Name) -> Value:
        value = self.env.get(node.id)
        if value is not None:
            return value
        if node.id in TYPE_NAMES:
            return Value(node.id, self.start)
        return self.read(node.id, node)

    def attribute(self, node: ast.Attribute) -> Value:
        if isinstance(node.value, ast.Name) and node.value.id == "datetime" and "datetime" not in self.env:
            return Value(node.attr, self.start)  # a type's name in a schema
        value = self.eval(node.value)
        if self.preflight:
            self.check_field(value, node)
        return ops.attribute(value, node.attr, span_of(node))

    def check_field(self, value: Value, node: ast.Attribute) -> None:
        """A field that a record's shape does not have is decidable before the run, and told with the nearest name."""
        data = value.data.value.data if isinstance(value.data, Maybe) else value.data
        if isinstance(data, Record) and node.attr not in data.fields and node.attr != "ok":
            raise PlanError(f"a {data.name} has no `{node.attr}`{nearest(node.attr, data.fields)}", span_of(node), f"it has {', '.join(data.fields)}")
        if isinstance(data, (Seq, Many)) and node.attr != "ok":
            raise PlanError(f"a list has no `{node.attr}`", span_of(node), "loop over it, or take one element: `xs[0]`")

    def subscript(self, node: ast.Subscript) -> Value:
        value = self.eval(node.value)
        if isinstance(node.slice, ast.Slice):
            limits = [self.eval(limit) if limit is not None else Value(None, self.start) for limit in (node.slice.lower, node.slice.upper, node.slice.step)]
            return ops.part(value, *limits, span_of(node))
        key = self.eval(node.slice)
        data = value.data.value.data if isinstance(value.data, Maybe) else value.data
        if self.preflight and isinstance(data, Record) and isinstance(key.data, str) and key.data not in data.fields:
            raise PlanError(f"a {data.name} has no `{key.data}`{nearest(key.data, data.fields)}", span_of(node), f"it has {', '.join(data.fields)}")
        return ops.index(value, key, span_of(node))

    def binary(self, node: ast.BinOp) -> Value:
        left, right = self.eval(node.left), self.eval(node.right)
        if self.preflight:
            self.weigh(node, left, right)
        return ops.arithmetic(type(node.op), left, right, span_of(node))

    def unary(self, node: ast.UnaryOp) -> Value:
        value = self.eval(node.operand)
        return ops.negation(value) if isinstance(node.op, ast.Not) else ops.negate(type(node.op), value, span_of(node))

    def boolean(self, node: ast.BoolOp) -> Value:
        """`and`, `or`: what stands behind a labelled operand is decided by it, called or not (G3.3)."""
        stops_on = isinstance(node.op, ast.Or)
        saved, label = self.pc, PUBLIC
        result: Value | None = None
        closed = uncertain = False  # closed: an operand decided the result; the rest is looked at for its labels alone
        for operand in node.values:
            if closed and (label <= saved or _calls_tool(operand, self.plan)):
                continue
            value = self.eval(operand)
            label = join2(label, value.total)
            test, of_test = ops.truth(value)
            if not closed:
                result = merge(result, value) if result is not None and uncertain else value
                closed = test is not None and (isinstance(test, Fault) or test is stops_on)
            uncertain = uncertain or test is None
            self.pc = join2(self.pc, of_test)
        self.pc = saved
        invariant(result is not None, "an operand")
        return result.under(label)  # type: ignore[union-attr]

    def compare(self, node: ast.Compare) -> Value:
        left, saved = self.eval(node.left), self.pc
        result: Value | None = None
        for operator, right_node in zip(node.ops, node.comparators, strict=True):
            if result is not None:
                test, label = ops.truth(result)
                if (isinstance(test, Fault) or test is False) and (result.total <= saved or _calls_tool(right_node, self.plan)):
                    break
                self.pc = join2(self.pc, label)
            right = self.eval(right_node)
            self.weigh(node, left, right)
            one = ops.compare(type(operator), left, right, span_of(node))
            result = one if result is None else _conjunction(result, one)
            left = right
        self.pc = saved
        return result  # type: ignore[return-value]

    def conditional(self, node: ast.IfExp) -> Value:
        test, label = ops.truth(self.eval(node.test))
        saved, guard = self.pc, join2(self.pc, label)
        if isinstance(test, Fault):
            return Value(test, guard)
        self.pc = guard
        chosen, other = (node.orelse, node.body) if test is False else (node.body, node.orelse)
        value = self.eval(chosen)
        if test is None:
            value = merge(value, self.eval(other))
        elif not label <= saved and not _calls_tool(other, self.plan):
            value = value.under(self.eval(other).label)  # both arms' labels, so that the label does not tell the test
        self.pc = saved
        return value.under(guard)

    def list(self, node: ast.List | ast.Tuple) -> Value:
        kind = "tuple" if isinstance(node, ast.Tuple) else "list"
        if not any(isinstance(e, ast.Starred) for e in node.elts):
            return seq([self.eval(e) for e in node.elts], self.pc, kind)
        made = seq((), self.pc, kind)  # `[*xs, x]` is `list(xs) + [x]`
        for element in node.elts:
            if isinstance(element, ast.Starred):
                part = FUNCTIONS[kind].run([self.eval(element.value)], {}, span_of(element))
            else:
                part = seq([self.eval(element)], self.pc, kind)
            made = part.under(made.total) if isinstance(part.data, Fault) else ops.concatenated(made, part, span_of(element))
            if isinstance(made.data, Fault):
                return made
        return made

    def set(self, node: ast.Set) -> Value:
        return ops.as_set([self.eval(e) for e in node.elts], self.pc, span_of(node))

    def dict(self, node: ast.Dict) -> Value:
        pairs = [(self.eval(k), self.eval(v)) for k, v in zip(node.keys, node.values, strict=True) if k is not None]
        return ops.as_dict(pairs, self.pc, span_of(node))

    def joined(self, node: ast.JoinedStr) -> Value:
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                spec = "".join(c.value for c in part.format_spec.values) if part.format_spec else ""  # type: ignore[attr-defined]
                parts.append((self.eval(part.value), chr(part.conversion) if part.conversion > 0 else "", spec))
            else:
                parts.append((self.eval(part), "", ""))
        made = ops.formatted(parts, span_of(node)).under(self.start)
        return Value(made.data, made.label, made.total, Standing.WORDED, made.bound) if made.ok and self.describes(node, parts) else made

    def describes(self, node: ast.JoinedStr, parts: list[tuple[Value, str, str]]) -> bool:
        """Whether a text is words of the user's and one described text, a space between: `f"Dinner at {best.name}"`. It puts
        together nothing that was not said or described, so it is worded; any other computation drops a standing (G3.6)."""
        if len(parts) != 2:
            return False
        for words, hole, edge in ((0, 1, -1), (1, 0, 0)):
            text, (held, conversion, spec) = node.values[words], parts[hole]
            if isinstance(text, ast.Constant) and held.standing is Standing.DESCRIBED and not conversion and not spec and kind_of(held.data) == "text":
                return "[[" not in text.value and text.value.isprintable() and text.value[edge].isspace() and self.said(text.value.strip()) >= Standing.TYPED
        return False

    # ------------------------------------------------------------------------------------------ comprehensions

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
        found, shape, most, guards = self.generate(node.generators, lambda: (self.eval(node.elt),))
        if isinstance(found, (Fault, Unknown)):
            return Value(found, shape)
        items = [row[0].under(guards) for row in found]
        if isinstance(node, ast.SetComp):
            made = ops.as_set(items, join2(shape, guards), span_of(node))
            return made if most is None or isinstance(made.data, Fault) else _many(items, made.label, most, "set")
        if most is None:
            return seq(items, join2(shape, guards))
        return _many(items, join2(shape, guards), most, "list")

    def dict_comprehension(self, node: ast.DictComp) -> Value:
        found, shape, most, guards = self.generate(node.generators, lambda: (self.eval(node.key), self.eval(node.value)))
        if isinstance(found, (Fault, Unknown)):
            return Value(found, shape)
        label = join2(shape, guards)
        made = ops.as_dict([(key, value.under(guards)) for key, value in found], label, span_of(node))
        if most is None or isinstance(made.data, Fault) or not found:
            return made
        seen = table(made.data)
        return Value(Table(seen.key, seen.element, most), made.label, made.total)

    def generate(self, generators: list[ast.comprehension], make: Callable[[], tuple[Value, ...]]):
        """Run a comprehension's loops: (rows or fault, shape label, number at most when not known, label of all filters).

        Every filter's label joins the shape and every element, whatever it decided (G2.4).
        """
        saved_env = {}
        for generator in generators:
            for inner in ast.walk(generator.target):
                if isinstance(inner, ast.Name):
                    saved_env[inner.id] = self.env.get(inner.id)
        saved_pc, saved_weight = self.pc, self.weight
        state = _Rows(self.pc)
        self.descend(generators, 0, make, state, 1)
        for name, value in saved_env.items():
            if value is None:
                self.env.pop(name, None)
            else:
                self.env[name] = value
        self.pc, self.weight = saved_pc, saved_weight
        if state.fault is not None:  # a list that may be empty may have had no element to fail at
            return Unknown("any") if state.unknown else state.fault, join2(state.shape, state.guards), None, state.guards
        return state.rows, state.shape, state.most if state.unknown else None, state.guards

    def descend(self, generators: list[ast.comprehension], depth: int, make: Callable, state: _Rows, times: int) -> None:
        if depth == len(generators):
            state.rows.append(make())
            state.most += times
            if len(state.rows) > ops.LIST_RESULT_ITEMS_MAX:
                state.fault = Fault("limit", span_of(generators[0].target))
            return
        generator = generators[depth]
        items, shape = ops.elements(self.eval(generator.iter), span_of(generator.iter))
        items = self.bounded(generator, items)
        state.shape = join2(state.shape, shape)
        if isinstance(items, Fault):
            state.fault = items
            return
        saved_pc, saved_weight = self.pc, self.weight
        if isinstance(items, Many) or (self.preflight and len(items) > UNROLL_MAX):
            if isinstance(items, Many):
                element, most = items.element, items.max
            else:
                element, most = self.typical(items), len(items)
            self.weight *= max(most, 1)
            state.unknown = True
            turns, times = [element], times * most
        else:
            turns = items
        for item in turns:
            self.steps += self.weight
            if self.preflight and self.steps > STEPS_MAX:
                raise LimitError(f"the plan could take more than {STEPS_MAX} steps", span_of(generator.iter), "bound the list: `xs[:20]`")
            self.pc = join2(saved_pc, shape)
            self.bind(generator.target, item.under(shape))
            if self.admit(generator, state):
                self.descend(generators, depth + 1, make, state, times)  # to the end after a fault too: how many calls are made tells
        self.pc, self.weight = saved_pc, saved_weight

    def bind(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self.env[name] = value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part, item in zip(parts, ops.unpacked(value, len(parts), span_of(target)), strict=True):
                    self.bind(part, item)

    def admit(self, generator: ast.comprehension, state: _Rows) -> bool:
        """Whether the filters let this element in; a filter on unknown data lets it in and marks the number unknown."""
        for test_node in generator.ifs:
            test, label = ops.truth(self.eval(test_node))
            state.guards = join2(state.guards, label)
            self.pc = join2(self.pc, label)
            if isinstance(test, Fault):
                state.fault = state.fault or test
                return False
            if test is None:
                state.unknown = True
            elif not test:
                return False
        return True

    # ------------------------------------------------------------------------------------------ calls

    def call(self, node: ast.Call) -> Value:
        target = self.plan.calls[node]
        match target:
            case ToolCall():
                return self.tool(node, target)
            case MethodCall(name=name):
                receiver = self.eval(node.func.value)  # type: ignore[attr-defined]
                args = [self.argument(a) for a in node.args]
                named = {k.arg: self.eval(k.value) for k in node.keywords if k.arg}
                self.weigh(node, *(() if name == "get" else (receiver,)), *args)
                return call_method(receiver, name, args, named, span_of(node))
            case FunctionCall(name=name):
                return self.function(node, name)
        invariant(False, "a call that the resolver knows")
        raise AssertionError

    def argument(self, node: ast.expr) -> Value:
        return self.comprehension(node) if isinstance(node, ast.GeneratorExp) else self.eval(node)

    def function(self, node: ast.Call, name: str) -> Value:
        span = span_of(node)
        if name in CLOCK:
            return Value(self.clock if name == "datetime.now" else self.clock.date(), self.start)
        if name == "print":
            return self.tell(node)
        if name in ("sorted", "min", "max"):
            return self.picked(node, name, span)
        if name == "next":
            return self.first(node, span)
        if name == "isinstance":
            types = node.args[1]
            names = [ast.unparse(t) for t in (types.elts if isinstance(types, ast.Tuple) else [types])]
            wanted = seq([Value(ALIASES.get(n, n)) for n in names], PUBLIC, "tuple")
            return FUNCTIONS[name].run([self.eval(node.args[0]), wanted], {}, span)
        args = [self.argument(a) for a in node.args]
        named = {k.arg: self.eval(k.value) for k in node.keywords if k.arg}
        self.weigh(node, *args)
        result = FUNCTIONS[name].run(args, named, span)
        return result if args or named else result.under(self.start)

    def tell(self, node: ast.Call) -> Value:
        parts: list[tuple[Value, str, str]] = []
        for index, argument in enumerate(node.args):
            parts += ([(Value(" "), "", "")] if index else []) + [(self.eval(argument), "", "")]
        text = ops.formatted(parts, span_of(node)) if parts else Value("", self.start)
        if len(self.told) < TOLD_MAX:
            self.told.append(text.under(self.pc))
        return Value(None, self.start)

    def keys(self, node: ast.Call, items: Value) -> list[Value] | None:
        """The key of every element, or None without `key=`; a key sees one element and calls no tool."""
        key = next((k.value for k in node.keywords if k.arg == "key"), None)
        if key is None:
            return None
        found, shape = ops.elements(items)
        if isinstance(found, Fault):
            return []
        listed = [found.element] if isinstance(found, Many) else found
        if not isinstance(key, ast.Lambda):
            function = FUNCTIONS[ast.unparse(key)]
            return [function.run([item], {}, span_of(key)) for item in listed]
        name = key.args.args[0].arg
        saved = self.env.get(name)
        weight, self.weight = self.weight, self.weight * max(size_max(items.data), 1)
        keys = []
        for item in listed if not (self.preflight and len(listed) > UNROLL_MAX) else [self.typical(listed)] * len(listed):
            self.env[name] = item.under(shape)
            keys.append(self.eval(key.body))
        self.weight = weight
        if saved is None:
            self.env.pop(name, None)
        else:
            self.env[name] = saved
        return keys

    @staticmethod
    def typical(items: list[Value]) -> Value:
        element = items[0]
        if type(element.data) is int and all(type(i.data) is int and i.label is element.label and i.standing is element.standing for i in items):
            return Value(Unknown("int"), element.label, None, element.standing, max(abs(i.data) for i in items))  # a range, mostly
        for item in items[1:]:
            element = merge(element, item, widen=True)
        return element

    def picked(self, node: ast.Call, name: str, span: Span) -> Value:
        """`sorted`, `min`, `max` with `key`, `reverse`, `default`."""
        args = [self.argument(a) for a in node.args]
        listed = args[0] if len(args) == 1 else seq(args, PUBLIC)
        self.weigh(node, listed)
        keys = self.keys(node, listed)
        named = {k.arg: self.eval(k.value) for k in node.keywords if k.arg and k.arg != "key"}
        items, shape = ops.elements(listed, span)
        if isinstance(items, Fault):
            return Value(items, listed.total)
        if isinstance(items, Many):
            label = join(shape, *(v.total for v in (*([items.element] if keys is None else keys), *named.values())))
            if name == "sorted":
                return Value(Many(items.element, items.max), label, join2(label, items.element.total))
            instead = named.get("default")
            picked = items.element
            if instead is not None:
                return merge(picked, instead).under(label)
            picked = picked.under(label)
            data = picked.data if isinstance(picked.data, (Unknown, Maybe)) else Maybe(picked)
            return Value(data, picked.label, picked.total, Standing.PLANNER if not isinstance(picked.data, Unknown) else picked.standing, picked.bound)
        of_keys = items if keys is None else keys
        if name == "sorted":
            return ops.ordered(items, of_keys, named.get("reverse", Value(False)), shape, span)
        if not items and "default" in named:
            return named["default"].under(shape)
        chosen = ops.extreme(items, of_keys, name == "max", shape, span)
        return chosen.under(named["default"].total) if "default" in named else chosen

    def first(self, node: ast.Call, span: Span) -> Value:
        """`next((x for x in xs if …), default)`: every filter joins, as if all had been looked at."""
        found = self.comprehension(node.args[0])  # type: ignore[arg-type]
        defaults = [*node.args[1:], *(k.value for k in node.keywords if k.arg == "default")]
        instead = self.eval(defaults[0]) if defaults else None
        label = found.label if instead is None else join2(found.label, instead.label)
        data = found.data
        if isinstance(data, (Fault, Unknown)):
            return Value(data, label if instead is None else join2(label, instead.total))
        if isinstance(data, Many):
            element = data.element.under(label)
            if instead is None:
                return element if isinstance(element.data, Unknown) else Value(Maybe(element), label, element.total, element.standing)
            return merge(element, instead)
        if len(data):
            return data[0].under(label)
        return instead.under(label) if instead is not None else fault("value", label, span)

    def tool(self, node: ast.Call, target: ToolCall) -> Value:
        """A tool call: arguments in order, then one request to the port (G3.4, G5.4)."""
        contract, span = target.contract, span_of(node)
        written = {name: self.eval(expression) for name, expression in target.arguments}
        arguments = {}
        for parameter in contract.parameters:
            value = written.get(parameter.name)
            if value is None:
                value = lift(parameter.default, PUBLIC, Standing.RESOLVED)  # fixed by the contract
            else:
                value = fitted(value, parameter.shape, span)
            arguments[parameter.name] = value
        self.calls += self.weight
        if self.preflight and self.calls > CALLS_MAX:
            raise LimitError(f"the plan could make more than {CALLS_MAX} calls", span_of(node), "bound the list of the loop: `xs[:20]`")
        self.called[contract.name] += self.weight
        if self.preflight and (times := self.called[contract.name]) > contract.calls_max:
            raise LimitError(
                f"`{contract.name}` could be called {times} times by this plan; at most {contract.calls_max} are allowed",
                span_of(node), f"bound the list of the loop: `xs[:{contract.calls_max}]`",
            )  # fmt: skip
        try:
            value = self.port.call(Request(contract, arguments, self.pc, span, self.weight))
        except Exception as error:
            self.ports = error
            raise
        self.touched = join2(self.touched, value.total)
        return value


CHARS_A_STEP = 20_000
ELEMENTS_A_STEP = 8  # what runs through a list does not evaluate a part of the plan for each element


def _bulk(value: Value) -> int:
    data = value.data
    if isinstance(data, str):
        return len(data) // CHARS_A_STEP
    if isinstance(data, Unknown):
        return (value.bound or 0) // CHARS_A_STEP if data.kind in ("text", "any") else 0
    return size_max(data) // ELEMENTS_A_STEP


class _Rows:
    """What a comprehension has made so far."""

    __slots__ = ("rows", "shape", "guards", "most", "unknown", "fault")

    def __init__(self, pc: Label) -> None:
        self.rows: list[tuple[Value, ...]] = []
        self.shape, self.guards = pc, PUBLIC
        self.most, self.unknown = 0, False
        self.fault: Fault | None = None


def _many(items: list[Value], label: Label, most: int, kind: str) -> Value:
    element: Value | None = None
    for item in items:
        element = item if element is None else merge(element, item)
    element = element or Value(Unknown("any"))
    return Value(Many(element, most, kind), label, join2(label, element.total), Standing.PLANNER, most)


def _conjunction(a: Value, b: Value) -> Value:
    """`a and b` of two comparison results under the join of both."""
    label = join2(a.total, b.total)
    for one in (a, b):
        if isinstance(one.data, Fault):
            return Value(one.data, label)
        if one.data is False:
            return Value(False, label)
        if isinstance(one.data, Unknown):
            return Value(Unknown("bool"), label)
    return Value(True, label)


def _calls_tool(node: ast.expr, plan: ResolvedPlan) -> bool:
    return node in plan.calling


_FITS: dict[str, Callable[[Any], bool]] = {
    "text": lambda data: isinstance(data, str),
    "enum": lambda data: isinstance(data, str),
    "int": lambda data: isinstance(data, int) and not isinstance(data, bool),
    "float": lambda data: isinstance(data, (int, float)) and not isinstance(data, bool),
    "bool": lambda data: isinstance(data, bool),
    "date": lambda data: isinstance(data, dt.date) and not isinstance(data, dt.datetime),
    "datetime": lambda data: isinstance(data, dt.datetime),
    "time": lambda data: isinstance(data, dt.time),
    "duration": lambda data: isinstance(data, dt.timedelta),
    "list": lambda data: isinstance(data, (Seq, Many)),
    "none": lambda data: data is None,
}


def fitted(value: Value, shape: Shape, span: Span) -> Value:
    """An argument as its parameter wants it: ISO texts become dates; anything else that does not fit is a fault."""
    if ops.chars_exceed(value, ARGUMENT_CHARS_MAX):
        return fault("limit", value.total, span)
    data, kind = value.data, shape.kind
    one = isinstance(data, str) or (isinstance(data, Unknown) and data.kind == "text")
    if kind == "list" and one:  # one text where a list of texts is wanted
        return seq((value,), value.label)
    if isinstance(data, (Fault, Unknown, Maybe)) or kind in ("any", "record") or data is None:
        return value
    if isinstance(data, str) and kind in ("date", "datetime", "time"):
        return _parsed_date(value, kind, span)
    if kind == "datetime" and isinstance(data, dt.date) and not isinstance(data, dt.datetime):
        return Value(dt.datetime(data.year, data.month, data.day), value.label, value.total, value.standing)
    if kind == "date" and isinstance(data, dt.datetime):
        return Value(data.date(), value.label, value.total, value.standing)
    fits = _FITS.get(kind)
    if fits is not None and not (fits(data) if kind != "enum" else isinstance(data, str) and data in shape.choices):
        return fault("type", value.total, span)
    if isinstance(data, str) and shape.max is not None and len(data) > shape.max:
        return fault("limit", value.total, span)
    if isinstance(data, (int, float)) and shape.max is not None and abs(data) > shape.max:
        return fault("limit", value.total, span)
    if isinstance(data, Seq) and shape.max is not None and len(data) > shape.max:
        return fault("limit", value.total, span)
    if isinstance(data, Seq) and shape.element is not None and shape.element.kind == "text" and shape.element.max is not None:
        if any(isinstance(item.data, str) and len(item.data) > shape.element.max for item in data):
            return fault("limit", value.total, span)
    return value


def _parsed_date(value: Value, kind: str, span: Span) -> Value:
    parse = {"date": dt.date.fromisoformat, "datetime": dt.datetime.fromisoformat, "time": dt.time.fromisoformat}[kind]
    try:
        return Value(parse(value.data), value.label, value.total, value.standing)
    except ValueError:
        return fault("value", value.total, span)


_EVAL: dict[type[ast.expr], Callable[[_Machine, Any], Value]] = {
    ast.Constant: _Machine.constant,
    ast.Name: _Machine.name,
    ast.Attribute: _Machine.attribute,
    ast.Subscript: _Machine.subscript,
    ast.BinOp: _Machine.binary,
    ast.UnaryOp: _Machine.unary,
    ast.BoolOp: _Machine.boolean,
    ast.Compare: _Machine.compare,
    ast.IfExp: _Machine.conditional,
    ast.List: _Machine.list,
    ast.Tuple: _Machine.list,
    ast.Set: _Machine.set,
    ast.Dict: _Machine.dict,
    ast.JoinedStr: _Machine.joined,
    ast.ListComp: _Machine.comprehension,
    ast.SetComp: _Machine.comprehension,
    ast.GeneratorExp: _Machine.comprehension,
    ast.DictComp: _Machine.dict_comprehension,
    ast.Call: _Machine.call,
}
