"""One join over every operand (G2.3): every function, method and operation, each operand under a tag of its own."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Callable

import pytest

from discreet.kernel import operations as ops
from discreet.kernel.functions import FUNCTIONS, METHODS, REBINDING, SCALAR_METHODS, call_method, changed
from discreet.kernel.label import Label, join, label
from discreet.kernel.shape import Shape, dict_of, list_of, record_of, scalar, text, to_unknown, worst
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


def test_choosing_and_ordering_label_by_all_that_decides_them() -> None:
    """G2.4: where values decide place, choice or presence, all of them join into the shape and every element; with keys these decide."""
    items, keys = [under(1, "a"), under(2, "b")], [under(3, "c"), under(4, "d")]
    shape = label([("s", "user")])
    everything = {"a", "b", "c", "d", "s"}
    ordered = ops.ordered(items, keys, under(False, "r"), shape)
    assert {t.type for t in ordered.label.tags} == {"c", "d", "s", "r"} and told(ordered) == everything | {"r"}
    assert {t.type for t in ops.ordered(items, items, under(False, "r"), shape).label.tags} == {"a", "b", "s", "r"}
    unknown = ops.ordered(items, [Value(Unknown("int"), k.label) for k in keys], under(False, "r"), shape)
    assert {t.type for t in unknown.label.tags} == {"c", "d", "s", "r"} and told(unknown) == everything | {"r"}
    for greatest, picked in ((True, "b"), (False, "a")):
        assert told(ops.extreme(items, keys, greatest, shape)) == {picked, "c", "d", "s"}
        assert told(ops.extreme(items, items, greatest, shape)) == {"a", "b", "s"}
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


# ---------------------------------------------------------------------------------------------------- exact labels


def t(*names: str) -> Label:
    return label([(name, "user") for name in names])


def named(value: Label) -> str:
    return " ".join(sorted(tag.type for tag in value.tags))


def items(name: str, *data: object, kind: str = "list") -> Value:
    """A list whose shape tells `name` and whose elements tell `name.e`."""
    return seq([under(one, f"{name}.e") for one in data], t(name), kind)


def some(name: str, element: Value, kind: str = "list", most: int = 3) -> Value:
    """The same before the run: at most `most` elements, each like `element`."""
    return Value(Many(element, most, kind), t(name), join(t(name), element.total))


def held(name: str, **entries: Value) -> Value:
    return mapping({key: (Value(key), element) for key, element in entries.items()}, t(name))


def rows(name: str, element: Value) -> Value:
    """A dict before the run, whose keys are public."""
    return Value(Table(Value(Unknown("text")), element, 3), t(name), join(t(name), element.total))


def maybe(name: str, value: Value) -> Value:
    """What a call may also not give: that it did tells `name`."""
    return Value(Maybe(value), t(name), join(t(name), value.total))


def call(name: str, *args: Value) -> Value:
    return FUNCTIONS[name].run(list(args), {}, ops.NOWHERE)


def method(receiver: Value, name: str, *args: Value) -> Value:
    return call_method(receiver, name, list(args), {})


def change(target: Value, name: str, *args: Value) -> Value:
    return changed(target, name, list(args), {}, None, ops.NOWHERE)


LONG = ops.LIST_RESULT_ITEMS_MAX
PAIR = seq([under("k", "k"), under(1, "v")], t("p"), "tuple")
MAY_LIST = maybe("m", items("x", 1, 2))
MAY_RECORD = maybe("m", record("R", {"f": under(1, "f")}, t("r")))
EXACT: dict[str, tuple[Callable[[], Value], str, str]] = {  # what is done: its value, what its label tells, what all of it tells
    # what may be there is read under what tells that it is (G2.4, G3.4)
    "a in maybe": (lambda: ops.compare(ast.In, under(1, "a"), MAY_LIST), "a m x x.e", "a m x x.e"),
    "maybe.f": (lambda: ops.attribute(MAY_RECORD, "f"), "f m r", "f m r"),
    "maybe[0]": (lambda: ops.index(MAY_LIST, Value(0)), "m x x.e", "m x x.e"),
    "maybe[:1]": (lambda: ops.part(MAY_LIST, Value(None), Value(1), Value(None)), "m x", "m x x.e"),
    "len(maybe)": (lambda: call("len", MAY_LIST), "m x", "m x"),
    "list(maybe)": (lambda: call("list", MAY_LIST), "m x", "m x x.e"),
    "dict(maybe)": (lambda: call("dict", maybe("m", held("x", a=under(1, "v")))), "m x", "m v x"),
    "maybe.count(a)": (lambda: method(MAY_LIST, "count", under(1, "a")), "a m x x.e", "a m x x.e"),
    "maybe.values()": (lambda: method(maybe("m", held("x", a=under(1, "v"))), "values"), "m x", "m v x"),
    "maybe.get(k)": (lambda: method(maybe("m", held("x", a=under(1, "v"))), "get", under("a", "k")), "k m v x", "k m v x"),
    # reading joins element, shape and index (G2.4)
    "record['f']": (lambda: ops.index(record("R", {"f": under(1, "f"), "g": under(2, "g")}, t("r")), Value("f")), "f r", "f r"),
    "record[k]": (lambda: ops.index(record("R", {"f": under(1, "f"), "g": under(2, "g")}, t("r")), under("f", "k")), "f g k r", "f g k r"),
    "xs[unknown]": (lambda: ops.index(seq([under(1, "a"), under(2, "b")], t("x")), Value(Unknown("int"))), "a b x", "a b x"),
    "d[unknown]": (lambda: ops.index(held("x", a=under(1, "a"), b=under(2, "b")), Value(Unknown("text"))), "a b x", "a b x"),
    "d.get(k, ys), missing": (lambda: method(held("x"), "get", under("a", "k"), items("y", 1)), "k x y y.e", "k x y y.e"),
    "d.get(k, ys), found": (lambda: method(held("x", a=items("v", 1)), "get", under("a", "k"), items("y", 1)), "k v v.e x y y.e", "k v v.e x y y.e"),
    "rows.get(k, ys)": (lambda: method(rows("x", items("v", 1)), "get", under("a", "k"), items("y", 1)), "k v v.e x y y.e", "k v v.e x y y.e"),
    # choosing tells of all (G2.4)
    "min(xs), unknown": (lambda: ops.extreme([Value(Unknown("int"), t("a")), Value(Unknown("int"), t("b"))], [Value(Unknown("int"), t("k")), under(1, "l")], False, t("x")), "a b k l x", "a b k l x"),
    "some | some": (lambda: ops.set_operation(ops.SETS[ast.BitOr], some("x", Value(Unknown("int"), t("a")), "set"), some("y", Value(Unknown("int"), t("b")), "set"), ops.NOWHERE), "a b x y", "a b x y"),
    # what a list of pairs becomes has the shape of the list and of the pairs, and all that is in them
    "dict(pairs)": (lambda: call("dict", seq([PAIR], t("x"))), "k p x", "k p v x"),
    "dict(some pairs)": (lambda: call("dict", some("x", PAIR)), "k p x", "k p v x"),
    "enumerate(some, n)": (lambda: call("enumerate", some("x", under(1, "e")), under(1, "n")), "n x", "e n x"),
    "zip(some, ys)": (lambda: call("zip", some("x", under(1, "e")), items("y", 1)), "x y", "e x y y.e"),
    "set(some)": (lambda: call("set", some("x", under(1, "e"))), "e x", "e x"),
    # a fault has the label of every operand that decided it (G3.4)
    "zip(fault, ys)": (lambda: call("zip", fault("value", t("f")), items("y", 1)), "f y", "f y"),
    "zip(ys, fault)": (lambda: call("zip", items("y", 1), fault("value", t("f"))), "f y", "f y"),
    "list(record)": (lambda: call("list", record("R", {"f": under(1, "f")}, t("r"))), "f r", "f r"),
    "fault is None": (lambda: ops.compare(ast.Is, fault("value", t("f")), under(None, "n")), "f n", "f n"),
    "xs[fault:]": (lambda: ops.part(items("x", 1, 2), fault("value", t("f")), Value(None), Value(None)), "f x x.e", "f x x.e"),
    "xs * many": (lambda: ops.arithmetic(ast.Mult, items("x", 1, 2), under(LONG, "n")), "n x x.e", "n x x.e"),
    "many * xs": (lambda: ops.arithmetic(ast.Mult, under(LONG, "n"), items("x", 1, 2)), "n x x.e", "n x x.e"),
    "xs - a": (lambda: ops.arithmetic(ast.Sub, items("x", 1), under(1, "a")), "a x x.e", "a x x.e"),
    "d | e, too many": (lambda: ops.updated(mapping(dict.fromkeys(range(LONG), (Value(1), Value(1))), t("x")), mapping({-1: (under(-1, "k"), Value(1))}, t("y"))), "k x y", "k x y"),
    "f'{long}{a}'": (lambda: ops.formatted([(under("a" * (ops.TEXT_RESULT_CHARS_MAX + 1), "x"), "", ""), (under(1, "a"), "", "")]), "a x", "a x"),
    "d.keys(a)": (lambda: method(held("x", a=under(1, "v")), "keys", under(1, "a")), "a v x", "a v x"),
    "xs.extend(a) on its own": (lambda: change(items("x", 1), "extend", under(1, "a")), "a x x.e", "a x x.e"),
    "xs.sort(a) on its own": (lambda: change(items("x", 1), "sort", under(1, "a")), "a x x.e", "a x x.e"),
    "d.update(a) on its own": (lambda: change(held("x", a=under(1, "v")), "update", under(1, "a")), "a v x", "a v x"),
}  # fmt: skip


@pytest.mark.parametrize("what", EXACT)
def test_a_result_tells_exactly_what_it_was_made_of(what: str) -> None:
    """G2.3, G2.4: no operand is lost from the label or from the whole, and none comes in that was not there."""
    made, of_label, of_all = EXACT[what]
    value = made()
    assert (named(value.label), named(value.total)) == (of_label, of_all)


def test_more_than_a_dict_may_hold_is_a_fault() -> None:
    """G3.7"""
    half = LONG // 2
    first, second, last = (mapping({n: (Value(n), Value(n)) for n in range(*ends)}) for ends in ((0, half), (half, LONG), (half, LONG + 1)))
    assert len(ops.updated(first, second).data) == LONG and ops.updated(first, last).data.kind == "limit"


def test_what_a_loop_runs_through_tells_the_shape() -> None:
    for value, wanted in ((MAY_LIST, "m x"), (maybe("m", held("x", a=under(1, "v"))), "m x"), (items("x", 1), "x"), (some("x", under(1, "e")), "x"), (maybe("m", fault("value", t("f"))), "f m")):
        assert named(ops.elements(value)[1]) == wanted


def test_the_worst_of_a_shape_is_all_that_is_in_it() -> None:
    """G2.5: what a contract does not say of a place is read as this."""
    inner = record_of("R", a=text(("a", "user"), sources=("s",)), b=list_of(scalar("int", ("b", "user")), tags=(("c", "user"),)))
    shape = dict_of(inner, tags=(("d", "user"),))
    assert named(worst(shape)) == "a b c d" and worst(shape).sources == {"s"} and named(worst(text(("a", "user")))) == "a"


@pytest.mark.parametrize("of", [list_of, dict_of])
def test_what_the_preflight_sees_of_a_shape_has_its_label_and_all_inside(of: Callable[..., Shape]) -> None:
    """G3.8"""
    seen = to_unknown(of(record_of("R", a=text(("a", "user"))), tags=(("c", "user"),)), t("base"))
    assert (named(seen.label), named(seen.total)) == ("base c", "a base c") and named(seen.data.element.total) == "a base c"
