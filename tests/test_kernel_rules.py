"""Laws of every operation on labels (G2.3, G2.4, G3.8): nothing of an operand is lost, a container knows what it holds, the preflight is above the run."""

from __future__ import annotations

import ast
import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from discreet.kernel import operations as ops
from discreet.kernel.contract import Contract, Parameter
from discreet.kernel.domain import ABSTRACT, inner, many, merge, table
from discreet.kernel.functions import FUNCTIONS, METHODS, REBINDING, SCALAR_METHODS, call_method, changed
from discreet.kernel.interpreter import Outcome, Request, run
from discreet.kernel.label import PUBLIC, Label, join, label
from discreet.kernel.resolve import resolve
from discreet.kernel.shape import Shape, scalar
from discreet.kernel.syntax import parse
from discreet.kernel.value import Fault, Many, Map, Maybe, Record, Seq, Table, Unknown, Value, fault, kind_of, lift, mapping, plain, record, seq
from tests.laws.test_kernel_laws import inputs, ran, told
from tests.laws.test_kernel_laws import seen as seen_by_oracle
from tests.oracle.language import Evaluator
from tests.oracle.pure import Pure


def tag(*names: str) -> Label:
    return label([(name, "user") for name in names])


def types(held: Label) -> set[str]:
    return {one.type for one in held.tags}


def under(data: object, name: str) -> Value:
    return lift(data, tag(name))


def listed(items: list, name: str, kind: str = "list") -> Value:
    """A list whose length tells `name` and whose elements tell `name.e`."""
    return seq([under(item, f"{name}.e") for item in items], tag(name), kind)


OPERANDS: dict[str, Callable[[str], Value]] = {
    "int": lambda n: under(1, n), "zero": lambda n: under(0, n), "float": lambda n: under(2.5, n), "text": lambda n: under("a,b", n), "letter": lambda n: under("a", n), "bool": lambda n: under(True, n), "none": lambda n: under(None, n),
    "date": lambda n: under(dt.date(2026, 1, 2), n), "days": lambda n: under(dt.timedelta(days=2), n), "iso": lambda n: under("2026-01-02", n), "ints": lambda n: listed([3, 1], n), "texts": lambda n: listed(["a", "b"], n), "empty": lambda n: listed([], n),
    "tuple": lambda n: listed([1, 2], n, "tuple"), "set": lambda n: listed([1, 2], n, "set"), "pairs": lambda n: seq([listed(["a", 1], f"{n}.e", "tuple")], tag(n)),
    "dict": lambda n: mapping({"a": (under("a", f"{n}.k"), under(1, f"{n}.e"))}, tag(n)), "hollow": lambda n: mapping({}, tag(n)), "lists": lambda n: seq([listed([1], f"{n}.e")], tag(n)),
    "record": lambda n: record("R", {"f": under(1, f"{n}.e")}, tag(n)), "fault": lambda n: fault("value", tag(n)), "unknown": lambda n: Value(Unknown("any"), tag(n)),
}  # fmt: skip


def abstract(value: Value) -> Value:
    """What the preflight has in place of this value: as much of it unknown as possible."""
    data = value.data
    match data:
        case Seq() if len(data):
            seen = many(data)
            return Value(Many(abstract(seen.element), seen.max, seen.kind), value.label, value.total, value.standing, value.bound)
        case Seq():
            return Value(Many(Value(Unknown("any")), 3, data.kind), value.label, value.total)
        case Map():
            seen_table = table(data)
            return Value(Table(abstract(seen_table.key), abstract(seen_table.element), max(seen_table.max, 1)), value.label, value.total)
        case Record():
            return Value(Record(data.name, {n: abstract(v) for n, v in data.fields.items()}), value.label, value.total)
        case Fault():
            return Value(Unknown("any"), value.label, value.total)
        case None:
            return value
    return Value(Unknown(kind_of(data)), value.label, bound=10) if not isinstance(data, ABSTRACT) else value


def maybe(value: Value) -> Value:
    """What it is where a call may also give nothing: that there is something is told by `value`'s own label."""
    return Value(Maybe(abstract(value)), value.label, value.total)


def function(name: str) -> Callable[..., Value]:
    return lambda *args: FUNCTIONS[name].run(list(args), {}, ops.NOWHERE)


def method(name: str) -> Callable[..., Value]:
    return lambda receiver, *args: call_method(receiver, name, list(args), {})


def change(name: str) -> Callable[..., Value]:
    return lambda target, *args: changed(target, name, list(args), {}, None, ops.NOWHERE)


def arithmetic(op: type[ast.operator]) -> Callable[..., Value]:
    return lambda a, b: ops.arithmetic(op, a, b)


def comparison(op: type[ast.cmpop]) -> Callable[..., Value]:
    return lambda a, b: ops.compare(op, a, b)


def key_sorted(listed_: Value, key: Value, reverse: Value) -> Value:
    """`sorted` as the interpreter calls it."""
    items, shape = ops.elements(listed_)
    if isinstance(items, (Fault, Many)):
        total = join(listed_.total, key.total, reverse.total)
        return Value(items, total)
    return ops.ordered(items, [key] * len(items), reverse, join(shape, key.total))


NUMBERS = ("int", "zero", "float")
ANYTHING = tuple(OPERANDS)
COLLECTIONS = ("ints", "texts", "empty", "tuple", "set", "dict", "hollow", "text", "lists", "pairs")
# name -> (operation, what each operand may be). The result of all but those of SHAPES tells everything of every operand.
OPERATIONS: dict[str, tuple[Callable[..., Value], tuple[tuple[str, ...], ...]]] = {
    **{f"a {op.__name__} b": (arithmetic(op), (ANYTHING, ANYTHING)) for op in ops.ARITHMETIC},
    **{f"a {op.__name__} b": (comparison(op), (ANYTHING, ANYTHING)) for op in (ast.Eq, ast.Lt)},
    "a in b": (comparison(ast.In), (("int", "letter", "none"), COLLECTIONS)),
    "a[b]": (ops.index, (COLLECTIONS + ("record", "unknown"), ("int", "letter", "zero"))),
    "a[b:c]": (lambda a, b, c: ops.part(a, b, c, Value(None)), (COLLECTIONS, ("int", "zero", "letter"), ("int", "none"))),
    "a[b] = c": (ops.stored, (COLLECTIONS + ("unknown",), ("int", "letter"), ("int", "ints", "fault"))),
    "a.append(b)": (ops.appended, (COLLECTIONS + ("unknown",), ("int", "ints", "fault"))),
    "default(a, b)": (ops.default, (ANYTHING, ("int", "ints", "none"))),
    "not a": (ops.negation, (("int", "text", "bool", "fault"),)), "-a": (lambda a: ops.negate(ast.USub, a), (NUMBERS + ("text", "fault"),)),
    "sorted(a, key=b, reverse=c)": (key_sorted, (("ints", "texts", "empty", "lists"), ("int", "ints"), ("bool", "text"))),
    **{f"{name}(a)": (function(name), (COLLECTIONS + NUMBERS + ("record", "unknown"),)) for name in ("str", "int", "float", "abs", "sum", "any", "all", "list", "tuple", "set", "reversed", "find_emails", "find_dates")},
    "dict(a)": (function("dict"), (("pairs", "dict", "empty", "ints"),)), "zip(a, b)": (function("zip"), (COLLECTIONS, COLLECTIONS)), "enumerate(a, b)": (function("enumerate"), (COLLECTIONS, ("int", "text", "fault"))),
    "range(a, b)": (function("range"), (("int", "zero", "text", "fault"), ("int", "float"))), "round(a, b)": (function("round"), (NUMBERS, ("int", "none", "text"))), "timedelta(a, b)": (function("timedelta"), (NUMBERS, NUMBERS)),
    **{f"a.{name}()": (method(name), (("text", "letter", "iso", "date", "int"),)) for name in SCALAR_METHODS if name not in ("startswith", "endswith", "zfill", "ljust", "rjust", "center", "replace", "strftime")},
    **{f"a.{name}(b)": (method(name), (("text", "letter", "date"), ("letter", "int"))) for name in ("startswith", "split", "partition", "zfill", "center", "find", "strip", "count", "index", "removeprefix", "strftime")},
    "a.replace(b, c)": (method("replace"), (("text",), ("letter", "int"), ("letter", "int"))), "a.join(b)": (method("join"), (("letter", "int"), ("texts", "ints", "empty", "text", "fault"))), "a.copy()": (method("copy"), (COLLECTIONS,)),
    "a.get(b, c)": (method("get"), (("dict", "hollow", "unknown", "ints"), ("letter", "int"), ("int", "none", "ints"))), "a.count(b)": (method("count"), (("ints", "texts", "tuple", "empty"), ("int", "letter", "ints"))),
    "a.items()": (method("items"), (("dict", "hollow", "record"),)), "a.keys()": (method("keys"), (("dict", "hollow"),)), "a.values()": (method("values"), (("dict", "hollow", "record"),)),
    **{f"a.{name}(b)": (method(name), (("set",), ("set", "ints", "lists"))) for name in METHODS if name in ("union", "intersection", "difference", "symmetric_difference")},
    **{f"a.{name}(b) on its own": (change(name), (("ints", "texts", "set", "dict", "hollow", "empty", "int"), ("int", "letter", "ints", "set", "dict", "fault"))) for name in sorted(REBINDING - {"insert", "sort", "reverse", "append"})},
    **{f"a.{name}() on its own": (change(name), (("ints", "texts", "set", "lists", "int"),)) for name in ("sort", "reverse")},
    "a.insert(b, c)": (change("insert"), (("ints", "texts", "int"), ("int", "zero", "letter"), ("int", "fault"))),
    "a.b": (lambda a: ops.attribute(a, "f"), (("record", "fault", "unknown", "int"),)), "a.year": (lambda a: ops.attribute(a, "year"), (("date", "text", "fault"),)),
    **({"divmod(a, b)": (function("divmod"), (NUMBERS, NUMBERS))} if "divmod" in FUNCTIONS else {}), **({"sum(a, b)": (function("sum"), (("ints", "lists", "empty", "fault"), ("int", "ints", "fault")))} if FUNCTIONS["sum"].most > 1 else {}),
    **({"repr(a)": (function("repr"), (ANYTHING,))} if "repr" in FUNCTIONS else {}),
}  # fmt: skip
# These tell of the shape, the presence or the kind of an operand, and nothing of what is inside.
SHAPES: dict[str, tuple[Callable[..., Value], tuple[tuple[str, ...], ...]]] = {
    "len(a)": (function("len"), (COLLECTIONS + ("fault", "unknown", "int"),)), "a is None": (lambda a: ops.compare(ast.Is, a, Value(None)), (ANYTHING,)), "isinstance(a, b)": (function("isinstance"), (ANYTHING[:-2], ("text",))), "a.ok": (ops.is_ok, (ANYTHING,)), "bool(a)": (function("bool"), (ANYTHING,)),
}  # fmt: skip


KEYS_ONLY = ("a[b]", "a in b", "a.get(b, c)", "a.keys()", "a.values()", "a.b")  # they look at some of what is inside


def everything(value: Value) -> set[str]:
    found = types(value.total)
    for part in inner(value):
        found |= everything(part)
    return found


def cases(operands: tuple[tuple[str, ...], ...]) -> Iterator[tuple[str, ...]]:
    return itertools.product(*operands)


def made(case: tuple[str, ...]) -> list[Value]:
    return [OPERANDS[kind](name) for kind, name in zip(case, "xyz")]


def well_formed(value: Value) -> bool:
    """A container knows the total of what it holds, at every depth (G2.4)."""
    return value.label <= value.total and all(part.total <= value.total and well_formed(part) for part in inner(value))


def seen(value: Value) -> Label:
    """What reading an element tells: the container's shape and the elements'."""
    return join(value.label, *(part.total for part in inner(value)))


@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_of_an_operand_is_lost(name: str) -> None:
    """G2.3: one join over every operand, whatever its length or truth; and every shape is in the result's shape."""
    operation, operands = OPERATIONS[name]
    for case in cases(operands):
        for how in (lambda v: v, abstract, maybe):
            values = [how(value) for value in made(case)]
            got = operation(*values)
            shapes = set().union(*(types(value.label) for value in values))
            assert everything(got) >= shapes, (case, got)
            if name not in KEYS_ONLY and "dict" not in case and "hollow" not in case and not (isinstance(got.data, Fault) or "pop" in name or "[b:c]" in name or "append" in name):
                whole = set().union(*(everything(value) for value in values))
                lost = whole - everything(got)
                assert not lost or all(one.endswith((".e", ".k")) and _need_not(name, got) for one in lost), (case, lost, got)
            if isinstance(got.data, (Seq, Many, Map, Table)) and name != "a[b]" and name != "a.get(b, c)" and name != "default(a, b)":
                wanted = set().union(*(types(value.label) for value, kind in zip(values, case) if not _inside(name, kind, values, value)))
                assert types(got.label) >= wanted, (case, got)
            assert well_formed(got), (case, got)


def _need_not(name: str, got: Value) -> bool:
    """Elements that are not in the result any more: a product of none, a fault of the kind, what an empty list made shorter."""
    return isinstance(got.data, Fault) or name in ("a Mult b", "zip(a, b)", "a[b] = c") or isinstance(got.data, Unknown)


def _inside(name: str, kind: str, values: list[Value], value: Value) -> bool:
    """Whether an operand is put into the result as an element, whose labels stay its own."""
    return value is values[-1] and name in ("a.append(b)", "a[b] = c", "a.insert(b, c)", "a.extend(b) on its own", "a.add(b) on its own") and name != "a.extend(b) on its own"


@pytest.mark.parametrize("name", SHAPES)
def test_what_looks_at_a_shape_tells_it(name: str) -> None:
    operation, operands = SHAPES[name]
    for case in cases(operands):
        for how in (lambda v: v, abstract, maybe):
            values = [how(value) for value in made(case)]
            got = operation(*values)
            assert types(got.total) >= set().union(*(types(value.label) for value in values)), (case, got)


@pytest.mark.parametrize("name", {**OPERATIONS, **SHAPES})
def test_the_preflight_is_above_the_run(name: str) -> None:
    """G3.8: whichever operands are not known before the run, the labels found then hold what the run's have."""
    operation, operands = {**OPERATIONS, **SHAPES}[name]
    for case in cases(operands):
        known = made(case)
        ran = operation(*known)
        for hows in itertools.product((lambda v: v, abstract, maybe), repeat=len(case)):
            before = operation(*(how(value) for how, value in zip(hows, known)))
            if isinstance(before.data, Fault) and before.data.kind == "type" and not isinstance(ran.data, Fault):
                continue  # decided before the run: the plan is told so
            assert ran.total <= before.total, (case, ran, before)
            assert ran.label <= before.label or isinstance(ran.data, Fault) and ran.label <= before.total, (case, ran, before)
            if inner(ran) and inner(before):
                assert seen(ran) <= seen(before), (case, ran, before)


def test_two_paths_are_above_each() -> None:
    """G3.8: what a name holds where one of two paths was taken has the labels of both, and the lesser standing."""
    for a, b in itertools.product(OPERANDS, OPERANDS):
        x, y = OPERANDS[a]("x"), OPERANDS[b]("y")
        for widen in (False, True):
            got = merge(x, y, widen)
            assert join(x.total, y.total) <= got.total and join(x.label, y.label) <= got.label, (a, b, got)
            assert well_formed(got) and got.standing == min(x.standing, y.standing)


def test_raising_a_value_raises_all_that_is_read_from_it() -> None:
    for kind in OPERANDS:
        raised = OPERANDS[kind]("x").under(tag("p"))
        assert {"x", "p"} <= types(raised.label) and types(raised.total) >= everything(OPERANDS[kind]("x")) | {"p"}
        assert raised.under(PUBLIC) is raised and raised.under(tag("p")) is raised


# ---------------------------------------------------------------------------------------------------- plans


@pytest.mark.parametrize("block", range(24))
def test_the_oracle_agrees_on_fixed_plans(block: int) -> None:
    """E3: value and label of every name, in runs whose tests go both ways; and the preflight is above them."""
    for seed in range(block * 20, block * 20 + 20):
        source = Pure(seed).plan()
        for n, t, c, texts, numbers in ((1, "a", True, ["a", "b"], [1, 2]), (0, "", False, [], []), (3, "xy", True, ["", "b", "a"], [0])):
            known, unknown, oracle = inputs(n, t, c, texts, numbers)
            outcomes = ran(source, known, unknown)
            if outcomes is None:
                break
            before, after = outcomes
            expected = Evaluator(oracle).run(source)
            for name, value in after.names.items():
                if name in expected:
                    assert seen_by_oracle(value) == told(expected[name]), f"{name}\n{source}"
                if after.stopped is None:
                    assert value.total <= before.names[name].total, f"{name}\n{source}"
                    assert value.label <= before.names[name].label or not isinstance(value.data, (Seq, Map)), f"{name}\n{source}"


class Noting:
    """Answers every call with 5, or with what is not known before the run, and notes what each call's pc tells."""

    def __init__(self) -> None:
        self.pcs: dict[Any, set[str]] = {}

    def call(self, request: Request) -> Value:
        known = plain(request.arguments["n"])
        self.pcs.setdefault(known, set()).update(types(request.pc))
        return Value(5)


PING = Contract("ping", "ping", (Parameter("n", scalar("int")),), scalar("int"))


def outcomes(source: str, on: bool, empty: bool = False, first: Noting | None = None, second: Noting | None = None) -> tuple[Outcome, Outcome]:
    """The preflight's and the run's, of a plan over names that each tell a type of their own."""
    data = {"c": on, "e": on, "g": not on, "a": 1 if on else 3}
    given = {name: Value(value, tag(name)) for name, value in data.items()}
    before = {name: Value(Unknown(kind_of(value)), tag(name), bound=9) for name, value in data.items()}
    for name, held in (("xs", ["a", "b"]), ("ys", [1, 2])):
        given[name] = seq([under(item, f"{name}.e") for item in ([] if empty else held)], tag(name))
        before[name] = Value(Many(Value(Unknown("text" if name == "xs" else "int"), tag(f"{name}.e"), bound=9), 3), tag(name), join(tag(name), tag(f"{name}.e")))
    given["f"] = before["f"] = fault("value", tag("f"))
    plan = resolve(parse(source), {"ping": PING}, frozenset(given))
    earlier = run(plan, first or Noting(), given=before)
    return earlier, run(plan, second or Noting(), given=given, limits=earlier.limits)


PCS: tuple[tuple[str, dict[int, str]], ...] = (
    ("if c:\n    if e:\n        ping(1)\n    ping(2)\nping(3)", {1: "c e", 2: "c", 3: ""}),
    ("if c:\n    pass\nelse:\n    if g:\n        ping(1)\n    ping(2)", {1: "c g", 2: "c"}),
    ("if c:\n    for x in xs:\n        ping(1)\n    ping(2)", {1: "c xs", 2: "c"}),
    ("for x in xs:\n    if c:\n        ping(1)\n    ping(2)\nping(3)", {1: "c xs", 2: "xs", 3: ""}),
    ("for x in xs:\n    for y in ys:\n        ping(1)\n    ping(2)", {1: "xs ys", 2: "xs"}),
    ("for x in [1, 2]:\n    if c:\n        ping(1)\n    ping(2)", {1: "c", 2: ""}),
    ("if c:\n    z = e and ping(1) > 2\n    ping(2)", {1: "c e", 2: "c"}), ("if c:\n    z = g or ping(1) > 2", {1: "c g"}), ("z = c and e and ping(1) > 2\nping(2)", {1: "c e", 2: ""}),
    ("if c:\n    z = ping(1) if e else 2\n    ping(2)", {1: "c e", 2: "c"}), ("z = (ping(1) if e else ping(2)) if c else ping(3)\nping(4)", {1: "c e", 2: "c e", 3: "c", 4: ""}),
    ("if c:\n    z = 0 < a < ping(1)\n    ping(2)", {1: "a c", 2: "c"}), ("z = 0 < a < 9 < ping(1)\nping(2)", {1: "a", 2: ""}),
    ("if c:\n    z = [ping(1) for x in xs]\n    ping(2)", {1: "c xs", 2: "c"}), ("z = [ping(1) for x in xs for y in ys]\nping(2)", {1: "xs ys", 2: ""}), ("z = [ping(1) for x in xs if c if e]\nping(2)", {1: "c e xs", 2: ""}),
    ("z = [ping(1) for x in [1, 2] if c if e]", {1: "c e"}), ("z = [1 for x in [1, 2] if c if ping(1) > 2]", {1: "c"}), ("if g:\n    pass\nelse:\n    z = [ping(1) for x in [1, 2] if c]", {1: "c g"}), ("z = [ping(1) for x in [1, 2] if c for y in ys]", {1: "c ys"}),
    ("for x in [1, 2]:\n    if c:\n        break\n    ping(1)\nping(2)", {1: "c", 2: ""}), ("for x in [1, 2]:\n    if c:\n        break\n    if e:\n        break\n    ping(1)\nping(2)", {1: "c e", 2: ""}),
    ("for x in [1, 2]:\n    ping(1)\n    if c:\n        break\n    ping(2)", {1: "c", 2: "c"}), ("for x in xs:\n    if c:\n        break\n    ping(1)\nping(2)", {1: "c xs", 2: ""}), ("for x in xs:\n    ping(1)\n    if c:\n        break", {1: "c xs"}),
    ("if e:\n    for x in [1, 2]:\n        if c:\n            break\n        ping(1)\n    ping(2)\nping(3)", {1: "c e", 2: "e", 3: ""}), ("for x in [1, 2]:\n    if c:\n        continue\n    ping(1)\nping(2)", {1: "c", 2: ""}),
    ("for x in [1, 2]:\n    for y in [1, 2]:\n        if c:\n            break\n        ping(1)\n    ping(2)\n    if e:\n        continue\n    ping(3)\nping(4)", {1: "c e", 2: "e", 3: "e", 4: ""}),
    ("for x in xs:\n    for y in ys:\n        if c:\n            break\n        ping(1)\n    ping(2)\n    if e:\n        break\n    ping(3)\nping(4)", {1: "c e xs ys", 2: "e xs", 3: "e xs", 4: ""}),
    ("if c:\n    raise ValueError('x')\nping(1)\nif e:\n    raise ValueError('x')\nping(2)", {1: "c", 2: "c e"}), ("for x in xs:\n    raise ValueError('x')\nping(1)", {1: "xs"}), ("if c:\n    raise ValueError('x')\nfor x in xs:\n    raise ValueError('x')\nping(1)", {1: "c xs"}),
    ("for x in [1, 2]:\n    ping(1)\n    if c:\n        raise ValueError('x')\n    ping(2)\nping(3)", {1: "c", 2: "c", 3: "c"}), ("if e:\n    if c:\n        raise ValueError('x')\n    ping(1)\nping(2)", {1: "c e", 2: "c e"}),
    ("for x in xs:\n    if c:\n        raise ValueError('x')\nping(1)", {1: "c xs"}), ("for x in [1, 2]:\n    if c:\n        if e:\n            break\n        ping(1)\n    ping(2)\nping(3)", {1: "c e", 2: "c e", 3: ""}),
    ("for x in [1]:\n    if c:\n        break\n    ping(1)\nping(2)", {1: "c", 2: ""}), ("for x in [1]:\n    if c:\n        continue\n    if e:\n        break\n    ping(1)", {1: "c e"}),
    ("ping(1)\nif f:\n    ping(2)\nping(3)", {1: "", 3: ""}), ("for x in f:\n    ping(1)\nping(2)", {2: ""}), ("if f:\n    raise ValueError('x')\nping(1)", {1: "f"}), ("for x in [1, 2]:\n    if f:\n        break\n    ping(1)\nping(2)", {1: "f", 2: ""}),
)  # fmt: skip


@pytest.mark.parametrize(("source", "wanted"), PCS, ids=[source for source, _ in PCS])
def test_pc_tells_what_decided_a_call(source: str, wanted: dict[int, str]) -> None:
    """G3.3: what decides that a call is made is in its pc, in every run that makes it, and gone behind the branch or loop."""
    for on in (True, False):
        for empty in (True, False):
            before, after = Noting(), Noting()
            outcomes(source, on, empty, before, after)
            assert before.pcs == {n: set(tags.split()) for n, tags in wanted.items()}, before.pcs
            for n, tags in after.pcs.items():
                assert tags <= set(wanted[n].split()), (n, tags)
                lost = set(wanted[n].split()) - tags
                assert not lost or "continue" in source or "break" in source or "raise" in source, (n, lost)


NAMES: tuple[tuple[str, str, str], ...] = (  # plan, name, what it tells whatever the tests were
    ("x = 0\nif c:\n    if e:\n        x = 1", "x", "c e"), ("x = 0\nfor y in xs:\n    if c:\n        x = 1", "x", "c xs"), ("x = [0]\nif c:\n    x.append(1)", "x", "c"), ("x = {}\nif c:\n    x['a'] = 1", "x", "c"), ("x = 1\nif c:\n    x += 1", "x", "c"),
    ("if c:\n    raise ValueError('x')\nx = 1", "x", "c"), ("x = [1]\nif c:\n    raise ValueError('x')\nx.append(2)", "x", "c"), ("x = [1]\nif c:\n    raise ValueError('x')\nx[0] = 2", "x", "c"), ("x = 0\nif c:\n    raise ValueError('x')\nfor x in [1, 2]:\n    pass", "x", "c"),
    ("x = [y for y in xs if c]", "x", "c xs xs.e"), ("x = [1 for y in xs if c]", "x", "c xs"), ("x = {y: 1 for y in xs if c}", "x", "c xs xs.e"), ("x = {1: 1 for y in xs if c}", "x", "c xs"), ("x = list({y for y in xs if c})", "x", "c xs xs.e"), ("x = list({1 for y in xs if c})", "x", "c xs"),
    ("x = [1 for y in xs if f]", "x", "f xs"), ("x = [1 for y in f]", "x", "f"), ("x = [1 for y in xs if c for z in f]", "x", "c f xs"), ("x = [1 for y in xs for z in ys]", "x", "xs ys"), ("x = len([1 for y in [1, 2] if c if e])", "x", "c e"),
    ("x = next((y for y in xs if c), a)", "x", "a c xs xs.e"), ("x = next((1 for y in xs), 2)", "x", "xs"), ("x = next((1 for y in xs if f), a)", "x", "a f xs"), ("x = next((y for y in xs if c))", "x", "c xs xs.e"), ("x = next((1 for y in [1] if c), a)", "x", "a c"),
    ("x = max(ys, default=a)", "x", "a ys ys.e"), ("x = min(ys)", "x", "ys ys.e"), ("x = max(ys, key=lambda k: a)", "x", "a ys ys.e"), ("x = sorted(ys, key=lambda k: a)", "x", "a ys ys.e"), ("x = sorted(ys, reverse=c)", "x", "c ys ys.e"), ("x = max(f, default=a)", "x", "f"), ("x = min(a, 2)", "x", "a"),
    ("x = sorted(ys, key=lambda k: f)", "x", "f ys ys.e"), ("x = [1, 2]\nx.sort(key=lambda k: a)", "x", "a"), ("x = c and e", "x", "c e"), ("x = g or a", "x", "a g"), ("x = a if c else 2", "x", "a c"), ("x = 1 if c else 2", "x", "c"), ("x = f if c else 2", "x", "c f"), ("x = 0 < a < 9", "x", "a"),
    ("x = [*ys, a]", "x", "a ys ys.e"), ("x = [*f, a]", "x", "f"), ("x = f'{a}-{c}'", "x", "a c"), ("x = {a: 1}", "x", "a"), ("x = {'k': a}", "x", "a"), ("x, y = xs", "x", "xs xs.e"), ("y, x = (1, a)", "x", "a"), ("x = 0\nif f:\n    x = 1", "x", "f"), ("x = 0\nfor y in f:\n    x = 1", "x", "f"),
    ("x = 0\nfor y in [1, 2]:\n    if c:\n        break\n    x = y", "x", "c"), ("x = 0\nfor y in [1, 2]:\n    if c:\n        continue\n    x = y", "x", "c"), ("x = 0\nfor y in xs:\n    x = y", "x", "xs xs.e"), ("for x in xs:\n    if c:\n        break", "x", "c xs xs.e"),
    ("x = 0\nfor y in [1, 2]:\n    for z in ys:\n        if c:\n            break\n        x = x + 1", "x", "c ys"), ("x = {'a': [1]}\nif c:\n    x['a'].append(a)", "x", "a c"), ("x = sum(y for y in ys if c)", "x", "c ys ys.e"), ("x = any(y > a for y in ys)", "x", "a ys ys.e"),
    ("x = next((1 for y in xs if c))", "x", "c xs"), ("x = next((a for y in xs))", "x", "a xs"), ("x = [a, *f]", "x", "a f"), ("x = min(ys, default=[a])", "x", "a ys ys.e"), ("x = {y for y in ys if c}", "x", "c ys ys.e"),
    ("x = [y for y in [1, 2] if c][0]", "x", "c"), ("x = default(f, a)", "x", "a f"), ("x = f.ok", "x", "f"), ("x = isinstance(f, str)", "x", "f"), ("x = f is None", "x", "f"), ("x = f\nx = f'{x}'", "x", "f"), ("x = [f, 1]\nx = x[1]", "x", ""), ("x = (a, 1)[1]", "x", ""), ("x = [a, 1][c]", "x", "a c"),
)  # fmt: skip


@pytest.mark.parametrize(("source", "name", "wanted"), NAMES, ids=[source for source, _, _ in NAMES])
def test_a_name_tells_what_decided_it(source: str, name: str, wanted: str) -> None:
    """G2.3, G3.3: what a test decided is in the label of what it did not change too. Only what was not there is not told: the
    elements of an empty list, and what a loop without a turn would have looked at; before the run all of it is."""
    whole = set(wanted.split())
    for on in (True, False):
        for empty in (True, False):
            before, outcome = outcomes(source, on, empty)
            assert types(before.names[name].total) == whole, before.names[name]
            if outcome.stopped is not None:
                continue
            told_ = types(outcome.names[name].total)
            assert told_ <= whole, outcome.names[name]
            looped = whole & {"xs"} or whole & {"ys"}
            needed = looped if empty and looped else whole & {"c"}  # what no other test stands before
            assert needed <= told_ and (told_ == whole or not on or empty), (on, empty, outcome.names[name])


def test_a_test_on_a_fault_makes_every_name_that_fault() -> None:
    """G3.4: a test on a fault, or a loop over one, runs no body; every assignable name becomes that fault."""
    for source in ("x = 0\nif f:\n    x = 1", "x = 0\nif f:\n    pass\nelse:\n    x = 1", "x = 0\nfor y in f:\n    x = 1", "x = 0\nfor x in f:\n    pass", "x = 0\nif c:\n    if f:\n        x = 1\nelif f:\n    x = 2"):
        for on in (True, False):
            _, outcome = outcomes(source, on)
            assert isinstance(outcome.names["x"].data, Fault) and "f" in types(outcome.names["x"].label), source


def test_what_is_told_and_what_stopped_tell_what_decided_it() -> None:
    for source in ("if c:\n    print('x')", "for y in xs:\n    print('x')\n    break"):
        _, outcome = outcomes(source, True)
        assert types(outcome.told[0].total) == ({"c"} if "if" in source else {"xs"})
    _, outcome = outcomes("if c:\n    raise ValueError('x')", True)
    assert outcome.stopped is not None and types(outcome.stopped.total) == {"c"}
    _, outcome = outcomes("if c:\n    raise ValueError(f'{a}')", True)
    assert types(outcome.stopped.total) == {"a", "c"}


@pytest.mark.parametrize("then", ["x['k'] = 1", "x = {'k': 1}", "x.update({'k': 1})", "x = [1]\nx.append(2)", "x = [1]\nx[0] = 2", "x = 1\nx += 1"])
def test_what_is_assigned_after_a_stop_has_in_its_shape_what_stopped(then: str) -> None:
    """G3.3: a `raise` that any path could reach raises pc to the plan's end, and pc is in the label of what is assigned, not only in its total."""
    before, after = outcomes(f"x = {{}}\nif c:\n    raise ValueError('x')\n{then}", False)
    for outcome in (before, after):
        assert types(outcome.names["x"].label) == {"c"} == types(outcome.names["x"].total)


def test_the_last_value_of_a_plan_tells_what_decided_it() -> None:
    """G3.3"""
    for source, wanted in (("if c:\n    a", {"a", "c"}), ("for y in xs:\n    a", {"a", "xs"}), ("if c:\n    raise ValueError('x')\na", {"a", "c"})):
        on = "raise" not in source
        assert all(types(outcome.last.total) == wanted for outcome in outcomes(source, on)), source


class Keeping:
    """Answers nothing and keeps the labels of all arguments."""

    def __init__(self) -> None:
        self.told: list[set[str]] = []

    def call(self, request: Request) -> Value:
        self.told += [types(value.total) for value in request.arguments.values()]
        return Value(None)


@pytest.mark.parametrize("written", ["1", "'a'", "f''", "f'{1}'", "list()", "dict()", "set()", "[]", "{}", "[1]", "datetime.now()", "date.today()", "[1 for k in [1]]", "a", "str", "'a'[0:]", "[f''][0]", "str(list())"])
def test_what_a_plan_writes_out_has_the_label_of_what_it_begins_under(written: str) -> None:
    """G4.1: pc and literals; an argument tells it of itself, whatever pc its call has."""
    hear = Contract("hear", "hear", (Parameter("n", Shape("any")),), scalar("none"))
    plan = resolve(parse(f"hear({written})"), {"hear": hear}, frozenset({"a"}))
    before, after = Keeping(), Keeping()
    limits = run(plan, before, tag("s"), {"a": Value(1)}).limits
    run(plan, after, tag("s"), {"a": Value(1)}, limits=limits)
    assert before.told == after.told == [{"s"}]


def test_what_a_plan_begins_under_is_in_all_of_it() -> None:
    """G4.1, G4.5: literals, given names, functions without arguments and pc carry the label of all that the planner was sent."""
    port, start = Noting(), tag("s")
    plan = resolve(parse("x = 1\ny = a\nz = list()\nw = f''\nv = set()\nu = f'{1}'\nt = [1 for k in [1]]\nr = datetime.now()\nping(1)\nprint()\n"), {"ping": PING}, frozenset({"a"}))
    outcome = run(plan, port, start, {"a": Value(1, tag("a"))}, limits=run(plan, Noting(), start, {"a": Value(1, tag("a"))}).limits)
    assert all("s" in types(value.total) for value in outcome.names.values()), outcome.names
    assert types(outcome.names["y"].total) == {"a", "s"} and port.pcs == {1: {"s"}} and types(outcome.told[0].total) == {"s"}


def test_words_behind_a_handle_have_their_own_label() -> None:
    plan = resolve(parse("x = '[[1]] and [[2]]'\ny = '[[2]]'\nz = 'none'"), {})
    names = run(plan, Noting(), tag("s"), handles={"[[1]]": Value("one", tag("a")), "[[2]]": Value("two", tag("b"))}, limits={}).names
    assert plain(names["x"]) == "one and two" and types(names["x"].total) == {"a", "b", "s"} and types(names["y"].total) == {"b", "s"} and types(names["z"].total) == {"s"}
