"""One join over every operand (G2.3): every function, method and operation, each operand under a tag of its own."""

from __future__ import annotations

import ast
import datetime as dt

import pytest

from discreet.kernel import operations as ops
from discreet.kernel.functions import FUNCTIONS, METHODS, REBINDING, SCALAR_METHODS, call_method, changed
from discreet.kernel.label import label
from discreet.kernel.value import Fault, Many, Maybe, Table, Unknown, Value, fault, lift, mapping, record, seq


def under(data: object, name: str) -> Value:
    """A value of which everything, shape and elements, tells `name`."""
    return lift(data, label([(name, "user")]))


def told(value: Value) -> set[str]:
    return {tag.type for tag in value.total.tags}


A = {
    "text": lambda n: under("a,b", n), "int": lambda n: under(2, n), "list": lambda n: under(["a", "b"], n), "ints": lambda n: under([3, 1], n), "dict": lambda n: under({"a": 1}, n),
    "set": lambda n: under({"a"}, n), "pairs": lambda n: under([("a", 1)], n), "date": lambda n: under(dt.date(2026, 1, 2), n), "float": lambda n: under(2.5, n), "iso": lambda n: under("2026-01-02", n),
    "unknown": lambda n: Value(Unknown("any"), label([(n, "user")])), "text?": lambda n: Value(Unknown("text"), label([(n, "user")])), "int?": lambda n: Value(Unknown("int"), label([(n, "user")])),
    "list?": lambda n: Value(Many(Value(Unknown("text"), label([(n, "user")])), 3), label([(n, "user")])), "dict?": lambda n: Value(Table(under("a", n), under(1, n), 3), label([(n, "user")])),
    "maybe": lambda n: Value(Maybe(under(["a"], n)), label([(n, "user")])), "fault": lambda n: fault("value", label([(n, "user")])), "none": lambda n: under(None, n), "bool": lambda n: under(True, n),
}  # fmt: skip
KINDS = tuple(A)


@pytest.mark.parametrize("op", [ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow])
@pytest.mark.parametrize("left", KINDS)
def test_arithmetic_joins_both(op: type[ast.operator], left: str) -> None:
    for right in KINDS:
        assert told(ops.arithmetic(op, A[left]("x"), A[right]("y"))) == {"x", "y"}, right


@pytest.mark.parametrize("op", [ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot])
@pytest.mark.parametrize("left", KINDS)
def test_comparison_joins_both(op: type[ast.cmpop], left: str) -> None:
    for right in KINDS:
        assert told(ops.compare(op, A[left]("x"), A[right]("y"))) == {"x", "y"}, right


@pytest.mark.parametrize("kind", KINDS)
def test_index_slice_default_and_store_join_all(kind: str) -> None:
    for other in KINDS:
        assert told(ops.index(A[kind]("x"), A[other]("y"))) == {"x", "y"}, other
        assert told(ops.default(A[kind]("x"), A[other]("y"))) == {"x", "y"}, other
        assert told(ops.part(A[kind]("x"), A[other]("y"), A["int"]("z"), A["none"]("w"))) == {"x", "y", "z", "w"}, other
        for third in ("int", "fault", "text?"):
            assert told(ops.stored(A[kind]("x"), A[other]("y"), A[third]("z"))) == {"x", "y", "z"}, other
        assert told(ops.appended(A[kind]("x"), A[other]("y"))) == {"x", "y"}, other


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if FUNCTIONS[n].least and n not in ("isinstance",)])
def test_functions_join_every_argument(name: str) -> None:
    function = FUNCTIONS[name]
    for first in KINDS:
        got = function.run([A[first]("x")] + [A["int"](n) for n in "yzw"[: max(function.least, 1) - 1]], {}, ops.NOWHERE)
        wanted = {"x"} | set("yzw"[: max(function.least, 1) - 1])
        assert told(got) == wanted, (first, got)


@pytest.mark.parametrize(("name", "kinds"), [
    ("round", ("float", "int")), ("int", ("text", "int")), ("zip", ("list", "ints", "list?")), ("zip", ("list?", "list")), ("range", ("int", "int", "int")), ("range", ("int?", "int")),
    ("enumerate", ("list", "int")), ("enumerate", ("list?", "int")), ("enumerate", ("list", "int?")), ("datetime.combine", ("date", "iso")), ("datetime.strptime", ("iso", "text")), ("date", ("int", "int", "int")),
])  # fmt: skip
def test_functions_join_further_arguments(name: str, kinds: tuple[str, ...]) -> None:
    got = FUNCTIONS[name].run([A[k](n) for k, n in zip(kinds, "xyz")], {}, ops.NOWHERE)
    assert told(got) == set("xyz"[: len(kinds)])


@pytest.mark.parametrize("name", [*SCALAR_METHODS, *METHODS])
def test_methods_join_receiver_and_arguments(name: str) -> None:
    least, most = (0, 2) if name in SCALAR_METHODS else METHODS[name][1:]
    for kind in KINDS:
        for other in KINDS:
            for count in range(least, min(most, 2) + 1):
                got = call_method(A[kind]("x"), name, [A[other](n) for n in "yz"[:count]], {})
                assert told(got) >= ({"x"} if isinstance(A[kind]("x").data, Fault) or name in ("keys", "values", "items", "copy") else {"x", *"yz"[:count]}), (kind, other, count, got)


@pytest.mark.parametrize("name", sorted(REBINDING))
def test_changes_join_target_and_arguments(name: str) -> None:
    counts = {"insert": 2, "sort": 0, "reverse": 0}
    for kind in KINDS:
        for other in KINDS:
            args = [A[other](n) for n in "yz"[: counts.get(name, 1)]]
            assert told(changed(A[kind]("x"), name, args, {}, None, ops.NOWHERE)) == {"x", *"yz"[: len(args)]}, (kind, other)
    reverse = changed(A["ints"]("x"), "sort", [], {"reverse": A["bool"]("y")}, [A["int"]("k"), A["int"]("k")], ops.NOWHERE)
    assert told(reverse) == {"x", "y", "k"} and {t.type for t in reverse.label.tags} == {"x", "y", "k"}
    assert told(changed(A["list?"]("x"), "sort", [], {"reverse": A["bool"]("y")}, [A["int"]("k")], ops.NOWHERE)) == {"x", "y", "k"}


def test_choosing_and_ordering_label_shape_and_every_element() -> None:
    """G2.4: where values decide place, choice or presence, all of them join into the shape and every element."""
    items, keys = [under(1, "a"), under(2, "b")], [under(3, "c"), under(4, "d")]
    shape = label([("s", "user")])
    everything = {"a", "b", "c", "d", "s"}
    ordered = ops.ordered(items, keys, under(False, "r"), shape)
    assert {t.type for t in ordered.label.tags} == everything | {"r"}
    for greatest in (True, False):
        assert told(ops.extreme(items, keys, greatest, shape)) == everything
        assert told(ops.extreme(items, [Value(Unknown("int"), k.label) for k in keys], greatest, shape)) == everything
    assert {t.type for t in ops.as_set(items, shape).label.tags} == {"a", "b", "s"}
    made = ops.as_dict([(under("k", "a"), under(1, "b")), (under("l", "c"), under(2, "d"))], shape)
    assert {t.type for t in made.label.tags} == {"a", "c", "s"} and told(made) == everything


def test_containers_know_the_total_of_what_they_hold() -> None:
    s = label([("s", "user")])
    assert told(seq([under(1, "a"), under(2, "b")], s)) == {"a", "b", "s"}
    assert told(record("R", {"f": under(1, "a"), "g": under(2, "b")}, s)) == {"a", "b", "s"}
    held = mapping({"k": (under("k", "a"), under(1, "b"))}, s)
    assert told(held) == {"a", "b", "s"} and {t.type for t in held.label.tags} == {"a", "s"}
    raised = seq([under(1, "a")]).under(s)
    assert told(raised) == {"a", "s"} and {t.type for t in raised.label.tags} == {"s"}
    assert [told(one) for one in ops.unpacked(seq([under(1, "a"), under(2, "b")], s), 2)] == [{"a", "s"}, {"b", "s"}]
    assert [told(one) for one in ops.unpacked(Value(Many(under(1, "a"), 2), s), 2)] == [{"a", "s"}, {"a", "s"}]
    assert told(ops.attribute(record("R", {"f": under(1, "a")}, s), "f")) == {"a", "s"}


@pytest.mark.parametrize(("source", "kind"), [
    ((ast.Pow, 2, 10_000), "limit"), ((ast.Pow, 2, 300), "limit"), ((ast.Mult, "a", 10_000_000), "limit"), ((ast.Mult, 10_000_000, "a"), "limit"), ((ast.Mult, [1], 30_000), "limit"),
    ((ast.Add, 2**255, 2**255), "limit"), ((ast.Add, "a" * 600_000, "a" * 600_000), "limit"), ((ast.Mod, "%s", 1), "type"), ((ast.Div, 1, 0), "value"),
])  # fmt: skip
def test_limits_of_arithmetic_are_faults(source: tuple, kind: str) -> None:
    op, a, b = source
    assert ops.arithmetic(op, lift(a), lift(b)).data.kind == kind


@pytest.mark.parametrize(("name", "args", "kind"), [
    ("round", [2.5, 10**9], "limit"), ("range", [30_000], "limit"), ("range", [10**40], "limit"), ("range", [1, 2, 0], "value"), ("int", ["x"], "value"), ("str", [["a" * 600_000] * 3], "limit"),
])  # fmt: skip
def test_limits_of_functions_are_faults(name: str, args: list, kind: str) -> None:
    assert FUNCTIONS[name].run([lift(a) for a in args], {}, ops.NOWHERE).data.kind == kind


@pytest.mark.parametrize(("receiver", "name", "args"), [
    ("a", "zfill", [10_000]), ("a", "ljust", [10_000]), ("a" * 5_000, "replace", ["a", "b" * 5_000]), ("," * 5_000, "split", [","]), ("a" * 999_999, "join", [["b", "c", "d"]]),
    (dt.date(2026, 1, 1), "strftime", ["%Y" * 2_000]),
])  # fmt: skip
def test_limits_of_methods_are_faults(receiver: object, name: str, args: list) -> None:
    assert call_method(lift(receiver), name, [lift(a) for a in args], {}).data.kind == "limit"
