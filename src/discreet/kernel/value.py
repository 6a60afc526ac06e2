"""Values: immutable data beside its label; containers label their elements and their shape apart (G2.4).

    Value.data     None bool int float str date time datetime timedelta, or one of the classes below
    Value.label    of a scalar: its label; of a container: the label of its shape (length, keys, order)
    Value.total    join of the shape label and of every element's total; what a check looks at, at constant cost
    Value.standing where an argument comes from (G3.6); any computation drops it, but for one f-string (interpreter.py)
    Value.bound    greatest size (characters, elements) or magnitude, public; None when not known (G3.7)

Unknown and Many are data of which only the label and the type are known: the labels-only domain of the preflight (G3.8).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import Any

from discreet.kernel.errors import NOWHERE, Span
from discreet.kernel.label import PUBLIC, Label, join2


class Standing(IntEnum):
    """Evidence for an argument, never a permission (G3.6)."""

    OUTSIDE = 0  # read from somewhere that outsiders can write
    PLANNER = 1  # made by the planner or computed
    NAMED = 2  # stands in the request or was found from what does, and in what way is not clear: it may be who is left out
    WORDED = 3  # words of the user's and one described text: as good as described where a norm asks, and never built upon
    DESCRIBED = 4  # picked by the plan's own test from a collection that the user named
    FOUND = 5  # as resolved, from a name that was typed and is bidden nothing
    RESOLVED = 6  # found by equality and alone, from a user-said name, in a store that outsiders cannot write
    TYPED = 7  # typed by the user as a whole token, and denied by nothing: said, but for whom something goes to
    USER = 8  # typed by the user as a whole token; a name: as whom to tell, to ask or to act upon

    @property
    def whom(self) -> Standing:
        """As evidence for whom something goes to: there a name counts that the user bids to be told, and no mention (G3.6)."""
        return Standing.NAMED if self is Standing.TYPED or self is Standing.FOUND else self

    @property
    def what(self) -> Standing:
        """As evidence for anything else: a size, a title or a filter need not be bidden."""
        return Standing.USER if self is Standing.TYPED else Standing.RESOLVED if self is Standing.FOUND else self


@cache
def weaker(a: Standing, b: Standing) -> Standing:
    """The standing of what is one or the other: no better than either, as whom and as what."""
    return max(s for s in Standing if s.what <= min(a.what, b.what) and s.whom <= min(a.whom, b.whom))


UNATTESTED = "unattested"  # a source beside that of a described collection: of what its provider does not vouch for (G3.6)


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure as a value (G3.4). `kind` is one of FAULT_KINDS and never holds contents."""

    kind: str
    span: Span = NOWHERE


FAULT_KINDS = frozenset(
    {
        "denied",  # the monitor refused the call
        "refused",  # the service or the user refused
        "unknown",  # the outcome of an effect is not known
        "failed",  # the service failed
        "type",  # an operation on data of the wrong type
        "value",  # an operation on data outside its domain (index, key, parse, division by zero, NaN)
        "limit",  # a limit was met (G3.7)
        "raised",  # the plan's own raise
        "unassigned",  # a name that this path did not assign
        "schema",  # a reader's answer did not fit its schema
    }
)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Data that is not known before the run; `kind` is the name of a scalar type or "any".

    `choices` are the only data it can be, where that is known (both arms of a conditional); () when not. `found` says that
    they come from a look-up: they name recipients, and decide nothing else before the run (G3.8).
    """

    kind: str = "any"
    choices: tuple[Any, ...] = ()
    found: bool = False


@dataclass(frozen=True, slots=True)
class Maybe:
    """Either `value` or None or a fault; known only before the run."""

    value: Value


@dataclass(frozen=True, slots=True)
class Many:
    """A list (or set) of at most `max` elements, each like `element`; known only before the run."""

    element: Value
    max: int
    kind: str = "list"


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping of at most `max` entries of which only `key` and `element` are known."""

    key: Value
    element: Value
    max: int


class Seq:
    """An immutable list, tuple or set (insertion order). `append` shares the buffer where no later element exists."""

    __slots__ = ("_buffer", "size", "kind", "_extent")

    def __init__(self, items: Iterable[Value] = (), kind: str = "list") -> None:
        self._buffer = list(items)
        self.size = len(self._buffer)
        self.kind = kind
        self._extent: tuple[int, int] | None = None

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[Value]:
        buffer = self._buffer
        if len(buffer) == self.size:
            return iter(buffer)
        return iter(buffer[: self.size])

    def __getitem__(self, index: int) -> Value:
        if not -self.size <= index < self.size:
            raise IndexError
        return self._buffer[index % self.size]

    def items(self) -> list[Value]:
        """The elements as a fresh Python list."""
        return self._buffer[: self.size]

    def appended(self, item: Value) -> Seq:
        """A new list with `item` behind; constant cost while this one is the longest over its buffer."""
        grown = object.__new__(Seq)
        grown.kind = self.kind
        grown._buffer = self._buffer if len(self._buffer) == self.size else self._buffer[: self.size]
        grown._buffer.append(item)
        grown.size = self.size + 1
        depth, parts = self.extent
        inner_depth, inner_parts = extent(item.data)
        grown._extent = (max(depth, 1 + inner_depth), parts + inner_parts)
        return grown

    @property
    def extent(self) -> tuple[int, int]:
        """(nesting, parts in all), counted once."""
        if self._extent is None:
            self._extent = _extent_of(self, 1)
        return self._extent

    def __repr__(self) -> str:
        return f"Seq({self.kind}, {self.size})"


@dataclass(frozen=True, slots=True)
class Map:
    """An immutable dict in insertion order: plain key -> (key value, element value)."""

    entries: Mapping[Any, tuple[Value, Value]]
    _extent: list[tuple[int, int]] = field(default_factory=list, init=False, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def extent(self) -> tuple[int, int]:
        if not self._extent:
            self._extent.append(_extent_of((held for _, held in self.entries.values()), 2))
        return self._extent[0]


@dataclass(frozen=True, slots=True)
class Record:
    """A result with named fields, read by attribute; `name` is its shape's name."""

    name: str
    fields: Mapping[str, Value]


def extent(data: Any) -> tuple[int, int]:
    """How deeply data is nested and of how many parts it is in all, by public bounds where it is not known (G3.7)."""
    match data:
        case Seq() | Map():
            return data.extent
        case Record(fields=fields):
            return _extent_of(fields.values(), 1)
        case Many(element=element) | Table(element=element):
            depth, parts = extent(element.data)
            return depth + 1, 1 + parts * max(data.max, 1)
        case Maybe(value=held):
            return extent(held.data)
    return 0, 1


def _extent_of(items: Iterable[Value], of_each: int) -> tuple[int, int]:
    deepest, parts = 0, 1
    for item in items:
        data = item.data
        if isinstance(data, SCALARS):
            parts += of_each
            continue
        depth, inner = extent(data)
        deepest = max(deepest, depth)
        parts += inner + of_each - 1
    return deepest + 1, parts


class Value:
    """Data with its labels. Nothing changes a value once made."""

    __slots__ = ("data", "label", "total", "standing", "bound")

    def __init__(
        self,
        data: Any,
        label: Label = PUBLIC,
        total: Label | None = None,
        standing: Standing = Standing.PLANNER,
        bound: int | None = None,
    ) -> None:
        self.data = data
        self.label = label
        self.total = label if total is None else total
        self.standing = standing
        self.bound = bound

    def __repr__(self) -> str:
        return f"Value({type(self.data).__name__}, {self.total!r}, {self.standing.name.lower()})"  # never the data

    @property
    def ok(self) -> bool:
        """Whether this is no fault. Unknown data is not known to be one."""
        return not isinstance(self.data, Fault)

    def under(self, other: Label) -> Value:
        """The same data with `other` joined into its label. Elements stay: every read joins the container's label (G2.4)."""
        label = join2(self.label, other)
        if label is self.label:
            return self
        standing = self.standing
        if (standing is Standing.DESCRIBED or standing is Standing.WORDED) and not other.sources <= self.total.sources:
            standing = Standing.PLANNER  # picked by what somebody else said, such as a reader
        return Value(self.data, label, join2(self.total, other), standing, self.bound)


def fault(kind: str, label: Label, span: Span = NOWHERE) -> Value:
    """A fault under the full label that decided it (G3.4)."""
    return Value(Fault(kind, span), label)


def seq(items: Iterable[Value], shape: Label = PUBLIC, kind: str = "list", standing: Standing = Standing.PLANNER) -> Value:
    """A list, tuple or set value with its shape label; the total is joined once here."""
    data = Seq(items, kind)
    total = shape
    for item in data:
        total = join2(total, item.total)
    return Value(data, shape, total, standing)


def mapping(entries: Mapping[Any, tuple[Value, Value]], shape: Label = PUBLIC) -> Value:
    """A dict value. Keys decide place and presence, so every key's label joins the shape and every element (G2.4)."""
    for key, _ in entries.values():
        shape = join2(shape, key.total)
    total = shape  # elements need not carry the shape's label: every read joins it
    for _, element in entries.values():
        total = join2(total, element.total)
    return Value(Map(entries), shape, total)


def record(name: str, fields: Mapping[str, Value], shape: Label = PUBLIC, standing: Standing = Standing.PLANNER) -> Value:
    """A record value; its field names are public by contract, `shape` is the label of its presence."""
    total = shape
    for field in fields.values():
        total = join2(total, field.total)
    return Value(Record(name, fields), shape, total, standing)


SCALARS = (type(None), bool, int, float, str, dt.date, dt.time, dt.datetime, dt.timedelta)


def kind_of(data: Any) -> str:
    """The name of the type of `data` as plans and errors use it."""
    match data:
        case None:
            return "none"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "text"
        case dt.datetime():
            return "datetime"
        case dt.date():
            return "date"
        case dt.time():
            return "time"
        case dt.timedelta():
            return "duration"
        case Seq() | Many():
            return data.kind
        case Map() | Table():
            return "dict"
        case Record():
            return "record"
        case Fault():
            return "fault"
        case Unknown():
            return data.kind
        case Maybe():
            return kind_of(data.value.data)
    return "any"


def lift(data: Any, label: Label = PUBLIC, standing: Standing = Standing.PLANNER) -> Value:
    """A value from plain Python data, every element under `label`. Raises TypeError on anything else than plain data."""
    if isinstance(data, SCALARS):
        return Value(data, label, None, standing, len(data) if isinstance(data, str) else None)
    if isinstance(data, (list, tuple, set, frozenset)):
        kind = "tuple" if isinstance(data, tuple) else "list" if isinstance(data, list) else "set"
        return seq((lift(item, label, standing) for item in data), label, kind, standing)
    if isinstance(data, dict):
        return mapping({k: (lift(k, label), lift(v, label, standing)) for k, v in data.items()}, label)
    raise TypeError(f"not plain data: {type(data).__name__}")


def plain(value: Value) -> Any:
    """The bare Python data of a value, labels gone: for the one call site, the oracle and tests. Faults and unknown data stay."""
    data = value.data
    if isinstance(data, Seq):
        items = [plain(item) for item in data]
        return tuple(items) if data.kind == "tuple" else items
    if isinstance(data, Map):
        return {key: plain(element) for key, (_, element) in data.entries.items()}
    if isinstance(data, Record):
        return {name: plain(field) for name, field in data.fields.items()}
    return data
