"""Laws of the interpreter, over generated plans: the oracle agrees, Python agrees, and the preflight is above the run."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discreet.evidence import house, pairs
from discreet.evidence.plans import Maker
from discreet.evidence.world import session_of
from discreet.kernel.errors import PlanError
from discreet.kernel.interpreter import run
from discreet.kernel.label import PUBLIC, join2, label
from discreet.kernel.resolve import resolve
from discreet.kernel.shape import list_of, scalar, text, to_unknown
from discreet.kernel.syntax import parse
from discreet.kernel.value import Fault, Map, Many, Seq, Standing, Table, Unknown, Value, lift, mapping, plain, seq
from discreet.tools.call import Gate
from tests.oracle.language import FAILED, Evaluator, Tags, V
from tests.oracle.pure import Pure

EXAMPLES = 60 if os.environ.get("DISCREET_MUTANT") else 400  # a mutant is looked at with fewer, and the same ones each time
SLOW = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)


def tag(name: str) -> Any:
    return label([(name, "user")])


def inputs(n: int, t: str, c: bool, texts: list[str], numbers: list[int]) -> tuple[dict[str, Value], dict[str, Value], dict[str, V]]:
    """The given names: for the run, for the preflight, for the oracle."""
    known = {
        "a": Value(n, tag("A")), "b": Value(t, tag("B"), bound=20), "c": Value(c, tag("C")),
        "xs": seq([lift(x, tag("X")) for x in texts], tag("S")), "ns": seq([lift(x, tag("N")) for x in numbers], PUBLIC),
        "d": mapping({"a": (lift("a", PUBLIC), lift(n, tag("D")))}, tag("E")),
    }  # fmt: skip
    unknown = {
        "a": Value(Unknown("int"), tag("A"), bound=100), "b": to_unknown(text(("B", "user"), max=20), PUBLIC), "c": Value(Unknown("bool"), tag("C")),
        "xs": to_unknown(list_of(text(("X", "user"), max=20), 5, tags=(("S", "user"),)), PUBLIC), "ns": to_unknown(list_of(scalar("int", ("N", "user"), max=100), 5), PUBLIC),
        "d": Value(Table(lift("a", PUBLIC), Value(Unknown("int"), tag("D"), bound=100), 1), tag("E"), join2(tag("D"), tag("E"))),
    }  # fmt: skip
    oracle = {
        "a": V(n, Tags("A")), "b": V(t, Tags("B")), "c": V(c, Tags("C")), "xs": V([V(x, Tags("XS")) for x in texts], Tags("S"), "list"),
        "ns": V([V(x, Tags("N")) for x in numbers], Tags(), "list"), "d": V([(V("a", Tags()), V(n, Tags("D")))], Tags("E"), "dict"),
    }  # fmt: skip
    oracle["xs"] = V([V(x, Tags("X")) for x in texts], Tags("S"), "list")
    return known, unknown, oracle


class NoTools:
    def call(self, request: Any) -> Value:
        raise NotImplementedError


def ran(source: str, known: dict[str, Value], unknown: dict[str, Value]) -> tuple[Any, Any] | None:
    """(preflight's outcome, run's outcome), or None where the plan is refused."""
    try:
        plan = resolve(parse(source), {}, frozenset(known))
        before = run(plan, NoTools(), given=unknown)
    except PlanError:
        return None
    return before, run(plan, NoTools(), given=known, limits=before.limits)


def seen(value: Value) -> tuple[Any, Any, Any]:
    """(data with all faults alike, own tags, total tags) of a kernel value."""
    data = value.data
    own, total = frozenset(t.type for t in value.label.tags), frozenset(t.type for t in value.total.tags)
    if isinstance(data, Fault):
        return "fault", total, total
    if isinstance(data, Seq):
        return [seen(item) for item in data], own, total
    if isinstance(data, Map):
        return {k: seen(item) for k, (_, item) in data.entries.items()}, own, total
    return (type(data).__name__, data), own, total


def told(value: V) -> tuple[Any, Any, Any]:
    if value.data is FAILED:
        return "fault", value.total(), value.total()
    if value.kind == "list":
        return [told(item) for item in value.data], value.tags, value.total()
    if value.kind == "dict":
        return {k.plain(): told(item) for k, item in value.data}, value.tags, value.total()
    return (type(value.data).__name__, value.data), value.tags, value.total()


@SLOW
@given(st.integers(0, 2**40), st.integers(-1, 4), st.sampled_from(["", "a", "xy"]), st.booleans(), st.lists(st.sampled_from(["a", "b", ""]), max_size=3), st.lists(st.integers(0, 3), max_size=3))
def test_oracle_agrees_on_value_and_label_and_preflight_is_above(seed: int, n: int, t: str, c: bool, texts: list[str], numbers: list[int]) -> None:
    source = Pure(seed).plan()
    known, unknown, oracle = inputs(n, t, c, texts, numbers)
    outcomes = ran(source, known, unknown)
    if outcomes is None:
        return
    before, after = outcomes
    expected = Evaluator(oracle).run(source)
    for name, value in after.names.items():
        if name in expected:
            assert seen(value) == told(expected[name]), f"{name}\n{source}"
        if after.stopped is None:  # a raise ends the run; the names of the rest are the preflight's alone
            assert value.total <= before.names[name].total, f"{name}: {value.total} {before.names[name].total}\n{source}"
            assert value.label <= before.names[name].label or not isinstance(value.data, (Seq, Map)), f"{name}\n{source}"


@SLOW
@given(st.integers(0, 2**40), st.integers(-1, 4), st.sampled_from(["", "a", "xy"]), st.booleans(), st.lists(st.sampled_from(["a", "b", ""]), max_size=3), st.lists(st.integers(0, 3), max_size=3))
def test_python_agrees_on_public_values(seed: int, n: int, t: str, c: bool, texts: list[str], numbers: list[int]) -> None:
    """E2: up to the first fault, names hold what CPython's hold."""
    source = Pure(seed).plan()
    if "default(" in source or ".ok" in source:
        return
    values = {"a": n, "b": t, "c": c, "xs": texts, "ns": numbers, "d": {"a": n}}
    known = {name: lift(value) for name, value in values.items()}
    outcomes = ran(source, known, known)
    if outcomes is None:
        return
    python: dict[str, Any] = {name: value for name, value in values.items()}
    try:
        exec(compile(source, "plan", "exec"), {}, python)  # noqa: S102  the oracle is CPython itself
    except Exception:
        return  # a fault: Python stops there, a plan goes on
    for name, value in python.items():
        if name in outcomes[1].names:
            got = plain(outcomes[1].names[name])
            assert got == value and type(got) is type(value), f"{name}\n{source}"


@pytest.mark.parametrize("start", range(0, 120, 40))
def test_run_time_label_is_below_the_preflight_at_every_call(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """G3.8: what a call carries was seen before, and no line runs more often than its bound."""
    original = Gate.call
    counts: dict[tuple[int, Any], int] = {}
    bounds: dict[tuple[int, Any], int] = {}

    def call(self: Gate, request: Any) -> Value:
        from discreet.tools.flow import flow_of

        flow = flow_of(request, self.directory, self.kept)
        bound = self.preview.bound(flow)
        assert bound is not None, "a line that the preflight did not see"
        assert flow.label <= bound.preflight, f"{request.span} {flow.label} above {bound.preflight}"
        key = (id(self), request.span)
        counts[key] = counts.get(key, 0) + 1
        bounds[key] = sum(line.flow.times for line in self.preview.lines if line.flow.span == request.span)
        return original(self, request)

    monkeypatch.setattr(Gate, "call", call)
    for number in range(50_000 + start, 50_040 + start):
        one = pairs.pair(number)
        held = session_of(house.setting({"a": one.a}), "a", one.seed)
        try:
            held.session.perform(one.source, house.REQUEST)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{number}\n{one.source}") from error
        for key, count in counts.items():
            assert count <= bounds[key], (number, key, count, bounds[key], one.source)
        counts.clear()


def test_clock_is_read_once() -> None:
    plan = resolve(parse("a = datetime.now()\nb = datetime.now()\nc = date.today()\n"), {})
    names = run(plan, NoTools(), clock=dt.datetime(2026, 1, 2, 3)).names
    assert plain(names["a"]) == plain(names["b"]) == dt.datetime(2026, 1, 2, 3) and plain(names["c"]) == dt.date(2026, 1, 2)


def test_given_names_cannot_be_assigned() -> None:
    with pytest.raises(PlanError, match="cannot be assigned"):
        resolve(parse("a = 1\n"), {}, frozenset({"a"}))


def test_standing_survives_reads_only() -> None:
    """G3.6: binding, attribute and element reads keep a standing; any computation drops it."""
    source = "x = 'sam'\ny = [x][0]\nz = x + ''\nw = x.strip()\nv = f'{x}'\nu = min(['sam', 'sam'])\nt = x if x else x\ns = str(x)\n"
    plan = resolve(parse(source), {})
    names = run(plan, NoTools(), said=lambda literal: Standing.USER if literal == "sam" else Standing.PLANNER, limits={}).names
    assert {n for n, v in names.items() if v.standing is Standing.USER} == {"x", "y", "u", "t"}


def test_the_users_words_and_one_described_text_are_described() -> None:
    """G3.6: `f"Dinner at {name}"` puts together nothing that was not said or described; what could make a new word or turn the
    meaning is planner-made."""
    source = (
        "a = f'Dinner at {x}'\nb = f'{x} for Sam'\n"
        "c = f'Dinner at{x}'\nd = f'Lunch at {x}'\ne = f'Dinner at {x} for Sam'\nf = f'Dinner at {x!r}'\ng = f'Dinner at {[x]}'\nh = f'{x}{x}'\n"
        "i = f'Dinner at {x:>5}'\nj = f'Dinner at {outside}'\nk = f'{x}'\nl = f'Dinner at {x + y}'\nm = f'Dinner at {number}'\nn = 'Dinner at ' + x\n"
    )
    plan = resolve(parse(source), {}, frozenset({"x", "y", "outside", "number"}))
    for text in ("Kofi", Unknown("text")):
        given = {"x": Value(text, standing=Standing.DESCRIBED), "y": Value("z", standing=Standing.DESCRIBED), "outside": Value("q", standing=Standing.OUTSIDE)}
        given["number"] = Value(3, standing=Standing.DESCRIBED)
        names = run(plan, NoTools(), given=given, said=lambda literal: Standing.TYPED if literal in ("Dinner at", "for Sam") else Standing.PLANNER, limits={}).names
        made = {n: v.standing for n, v in names.items() if n not in given}
        assert {n for n, standing in made.items() if standing > Standing.PLANNER} == {"a", "b"} and made["a"] is Standing.WORDED


def test_makers_plans_are_mostly_accepted() -> None:
    refused = 0
    for seed in range(200):
        try:
            parse(Maker(seed).plan())
        except PlanError:
            refused += 1
    assert refused < 20


_ = Many
