"""The labels-only domain: what is known of data before a run, and how two paths' values are merged (G3.8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from discreet.kernel.label import join2
from discreet.kernel.value import (
    SCALARS,
    Fault,
    Many,
    Map,
    Maybe,
    Record,
    Seq,
    Table,
    Unknown,
    Value,
    kind_of,
    weaker,
)

CHOICES_MAX = 8  # known alternatives kept for a scalar before it is simply unknown
ABSTRACT = (Unknown, Many, Table, Maybe)


def inner(value: Value) -> Iterable[Value]:
    """The values directly inside a container; nothing for a scalar."""
    match value.data:
        case Seq() as data:
            return data
        case Map(entries=entries):
            return [part for pair in entries.values() for part in pair]
        case Record(fields=fields):
            return fields.values()
        case Many(element=element):
            return (element,)
        case Maybe(value=held):
            return (held,)
        case Table(key=key, element=element):
            return (key, element)
    return ()


def scan(value: Value) -> tuple[bool, Fault | None]:
    """Whether anything in it is not known before the run, and the first fault in it."""
    data = value.data
    if type(data) is str or isinstance(data, SCALARS):
        return False, None
    if type(data) is Unknown:
        return True, None
    if isinstance(data, Fault):
        return False, data
    abstract, fault = isinstance(data, ABSTRACT), None
    for part in inner(value):
        deeper, found = scan(part)
        abstract, fault = abstract or deeper, fault or found
    return abstract, fault


def known(value: Value) -> bool:
    """Whether the data of `value` is known in full."""
    return not scan(value)[0]


def unknown_like(kind: str, *operands: Value, bound: int | None = None) -> Value:
    """An unknown scalar under the join of the operands' totals."""
    label = operands[0].total
    for operand in operands[1:]:
        label = join2(label, operand.total)
    return Value(Unknown(kind), label, bound=bound)


def merge(a: Value, b: Value, widen: bool = False) -> Value:
    """What a name holds when one of two paths was taken; its label is the join of both."""
    if a is b:
        return a
    label, total = join2(a.label, b.label), join2(a.total, b.total)
    standing = weaker(a.standing, b.standing)
    bound = max(a.bound, b.bound) if a.bound is not None and b.bound is not None else None
    data = _merge_data(a, b, widen)
    if isinstance(data, Unknown):
        label = total  # structure is lost, so what it held is joined
    return Value(data, label, total, standing, bound)


def _merge_data(a: Value, b: Value, widen: bool) -> Any:
    x, y = a.data, b.data
    match x, y:
        case Fault(), Fault():
            return x
        case (Fault() | None, _) | (_, Fault() | None) if x is not y:
            other, held = (b, y) if isinstance(x, (Fault, type(None))) else (a, x)
            if isinstance(held, (Seq, Map, Record, Many, Table)):
                return Maybe(other)
            if isinstance(held, Maybe):
                return held
            return Unknown("any")
        case Maybe(), Maybe():
            return _maybe(merge(x.value, y.value, widen))
        case Maybe(), _:
            return _maybe(merge(x.value, b, widen))
        case _, Maybe():
            return _maybe(merge(a, y.value, widen))
        case Record(), Record() if x.name == y.name and x.fields.keys() == y.fields.keys():
            return Record(x.name, {n: merge(v, y.fields[n], widen) for n, v in x.fields.items()})
        case Seq(), Seq() if x.size == y.size and x.kind == y.kind:
            return Seq((merge(v, w, widen) for v, w in zip(x, y, strict=True)), x.kind)
        case (Seq() | Many(), Seq() | Many()):
            return _merge_many(x, y, widen)
        case Map(), Map() if list(x.entries) == list(y.entries):
            return Map({k: (kv, merge(v, y.entries[k][1], widen)) for k, (kv, v) in x.entries.items()})
        case (Map() | Table(), Map() | Table()):
            return _merge_table(x, y, widen)
    return _merge_scalars(x, y, widen)


def _maybe(value: Value) -> Any:
    """`Maybe` around a value that is not one already; what is simply unknown may be None anyway."""
    return value.data if isinstance(value.data, (Maybe, Unknown)) else Maybe(value)


def _merge_scalars(x: Any, y: Any, widen: bool) -> Any:
    if isinstance(x, SCALARS) and type(x) is type(y) and x == y:
        return x
    kind = kind_of(x) if kind_of(x) == kind_of(y) else "any"
    both = [x.choices if isinstance(x, Unknown) else (x,), y.choices if isinstance(y, Unknown) else (y,)]
    if widen or not all(both) or not all(isinstance(c, SCALARS) for side in both for c in side):
        return Unknown(kind)
    choices = tuple({(type(c), c): c for c in both[0] + both[1]}.values())  # 1 and True are not one choice
    found = any(isinstance(data, Unknown) and data.found for data in (x, y))
    return Unknown(kind, choices if len(choices) <= CHOICES_MAX else (), found)


def size_max(data: Any) -> int:
    """The greatest number of elements that a container can have."""
    if isinstance(data, (Many, Table)):
        return data.max
    if isinstance(data, (Seq, Map)):
        return len(data)
    return size_max(data.value.data) if isinstance(data, Maybe) else 0


def element_of(data: Seq | Many, widen: bool = False) -> Value | None:
    """One value standing for every element; None for an empty list."""
    if isinstance(data, Many):
        return data.element
    result: Value | None = None
    for item in data:
        result = item if result is None else merge(result, item, widen)
    return result


def many(data: Seq | Many, widen: bool = False) -> Many:
    """A list seen as `Many`; an empty one has elements of which nothing is known, under PUBLIC."""
    if isinstance(data, Many):
        return data
    return Many(element_of(data, widen) or Value(Unknown("any")), data.size, data.kind)


def _merge_many(x: Seq | Many, y: Seq | Many, widen: bool) -> Many:
    if isinstance(x, Seq) and not x.size:
        return Many(many(y, widen).element, size_max(y), y.kind)
    if isinstance(y, Seq) and not y.size:
        return Many(many(x, widen).element, size_max(x), x.kind)
    a, b = many(x, widen), many(y, widen)
    return Many(merge(a.element, b.element, widen), max(a.max, b.max), a.kind)


def table(data: Map | Table, widen: bool = False) -> Table:
    """A dict seen as `Table`."""
    if isinstance(data, Table):
        return data
    key = element = None
    for key_value, held in data.entries.values():
        key = key_value if key is None else merge(key, key_value, widen)
        element = held if element is None else merge(element, held, widen)
    return Table(key or Value(Unknown("any")), element or Value(Unknown("any")), len(data))


def _merge_table(x: Map | Table, y: Map | Table, widen: bool) -> Table:
    if isinstance(x, Map) and not len(x):
        return table(y, widen)
    if isinstance(y, Map) and not len(y):
        return table(x, widen)
    a, b = table(x, widen), table(y, widen)
    return Table(merge(a.key, b.key, widen), merge(a.element, b.element, widen), max(a.max, b.max))


def grown(entry: Value | None, before: Value, after: Value, rounds: int, limit: int) -> Value:
    """`after` one pass of a loop, with room for what all its passes add to a list or dict, at any depth, that stood before it as `entry`."""
    was, data = before.data, after.data
    if before is after or not isinstance(data, (Seq, Many, Map, Table, Maybe)):
        return after
    if isinstance(data, Maybe):
        held = was.value if isinstance(was, Maybe) else before
        return Value(Maybe(grown(entry, held, data.value, rounds, limit)), after.label, after.total, after.standing, after.bound)
    old, new = size_max(was), size_max(data)
    start = size_max(entry.data) if entry is not None else 0
    room = max(old, min(start + (new - old) * max(rounds, 1), limit)) if new > old else new  # `old` has room already, from the second pass on
    if isinstance(data, Many) or (isinstance(data, Seq) and new > old):
        seen = many(data, widen=True)
        held, first = (many(v.data).element if v is not None and isinstance(v.data, (Seq, Many)) and size_max(v.data) else None for v in (before, entry))
        data = Many(grown(first, held, seen.element, rounds, limit) if held is not None else seen.element, room, seen.kind)
    elif isinstance(data, Table) or (isinstance(data, Map) and new > old):
        rows = table(data, widen=True)
        held, first = (table(v.data).element if v is not None and isinstance(v.data, (Map, Table)) and size_max(v.data) else None for v in (before, entry))
        data = Table(rows.key, grown(first, held, rows.element, rounds, limit) if held is not None else rows.element, room)
    return Value(data, after.label, after.total, after.standing, after.bound)


def same(a: Value, b: Value) -> bool:
    """Whether two values are alike but for the sizes of what is unknown: the test for a loop's fixpoint."""
    if a is b:
        return True
    if a.label != b.label or a.total != b.total or a.standing is not b.standing:
        return False
    x, y = a.data, b.data
    if type(x) is not type(y):
        return False
    match x:
        case Unknown():
            return x == y
        case Many():
            return x.kind == y.kind and same(x.element, y.element)
        case Maybe():
            return same(x.value, y.value)
        case Table():
            return same(x.key, y.key) and same(x.element, y.element)
        case Seq():
            return x.size == y.size and all(map(same, x, y))
        case Map():
            return list(x.entries) == list(y.entries) and all(same(x.entries[k][1], y.entries[k][1]) for k in x.entries)
        case Record():
            return x.fields.keys() == y.fields.keys() and all(same(v, y.fields[n]) for n, v in x.fields.items())
    return x == y
