"""Operations on values: each makes its result with one join over every operand, whatever its length or truth (G2.3).

A fault among the operands gives that fault under the join (G3.4); unknown data gives unknown data (G3.8). What Python
would raise becomes a fault of kind "type", "value" or "limit"; where Python accepts, the result is Python's (G3.2).
"""

from __future__ import annotations

import ast
import datetime as dt
import operator
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from discreet.kernel.domain import ABSTRACT, inner, many, merge, scan, size_max, table, unknown_like
from discreet.kernel.errors import NOWHERE, Span
from discreet.kernel.label import PUBLIC, Label, join2
from discreet.kernel.value import (
    SCALARS,
    Fault,
    Many,
    Map,
    Maybe,
    Record,
    Seq,
    Standing,
    Table,
    Unknown,
    Value,
    fault,
    kind_of,
    lift,
    mapping,
    plain,
    seq,
)

INT_BITS_MAX = 256
TEXT_RESULT_CHARS_MAX = 1_000_000
LIST_RESULT_ITEMS_MAX = 20_000
EXPONENT_MAX = 1_000
COMPARE_DEPTH_MAX = 40
SCALAR_CHARS_MAX = 100  # that a number, a date or a duration shows as at most

ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
SETS: dict[type[ast.operator], Callable[[dict, dict], list]] = {  # which keys of two sets are in the result
    ast.Sub: lambda a, b: [k for k in a if k not in b],
    ast.BitOr: lambda a, b: [*a, *(k for k in b if k not in a)],
    ast.BitAnd: lambda a, b: [k for k in a if k in b],
    ast.BitXor: lambda a, b: [*(k for k in a if k not in b), *(k for k in b if k not in a)],
}
ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
TYPE_ERRORS = (TypeError, AttributeError)
VALUE_ERRORS = (ValueError, ArithmeticError, LookupError)


def joined(operands: Sequence[Value]) -> Label:
    """The join of every operand's total."""
    label = PUBLIC
    for operand in operands:
        label = join2(label, operand.total)
    return label


def blocked(operands: Sequence[Value], label: Label, kind: str, bound: int | None = None) -> Value | None:
    """The fault or the unknown value that these operands give whatever the operation; None when all are known."""
    abstract = False
    for operand in operands:
        if type(operand.data) is str or isinstance(operand.data, SCALARS):
            continue
        unknown, found = scan(operand)
        if found is not None:
            return Value(found, label)
        abstract = abstract or unknown
    return Value(Unknown(kind), label, bound=bound) if abstract else None


def pure(function: Callable[..., Any], operands: Sequence[Value], kind: str = "any", span: Span = NOWHERE, bound: int | None = None) -> Value:
    """Apply a function of plain data; the result lies under the join of all operands."""
    label = joined(operands)
    stopped = blocked(operands, label, kind, bound)
    if stopped is not None:
        return stopped
    try:
        result = function(*(plain(operand) for operand in operands))
    except TYPE_ERRORS:
        return fault("type", label, span)
    except VALUE_ERRORS:
        return fault("value", label, span)
    except (RecursionError, MemoryError):
        return fault("limit", label, span)
    except Exception:  # whatever a function of Python's raises of its own, such as a format that is no pattern
        return fault("value", label, span)
    return admitted(result, label, span)


def admitted(result: Any, label: Label, span: Span) -> Value:
    """A result of plain Python as a value: limits and NaN are faults."""
    kind = type(result)
    if kind is int:
        if result.bit_length() > INT_BITS_MAX:
            return fault("limit", label, span)
        return Value(result, label)
    if kind is str:
        return Value(result, label) if len(result) <= TEXT_RESULT_CHARS_MAX else fault("limit", label, span)
    if kind is float:
        return Value(result, label) if result == result else fault("value", label, span)
    if isinstance(result, complex):
        return fault("value", label, span)
    try:
        return lift(result, label)
    except TypeError:
        return fault("type", label, span)


def arithmetic(op: type[ast.operator], a: Value, b: Value, span: Span = NOWHERE) -> Value:
    """`a op b` for numbers, texts, dates, lists, tuples and sets."""
    x, y = a.data, b.data
    kind_x, kind_y = type(x), type(y)
    if kind_x is int and kind_y is int and op in (ast.Add, ast.Sub):  # the hot path
        result = x + y if op is ast.Add else x - y
        label = join2(a.label, b.label)
        return Value(result, label) if result.bit_length() <= INT_BITS_MAX else fault("limit", label, span)
    if isinstance(x, (Seq, Many)) or isinstance(y, (Seq, Many)):
        return _sequence_arithmetic(op, a, b, span)
    if op is ast.BitOr and (isinstance(x, (Map, Table)) or isinstance(y, (Map, Table))):
        if isinstance(x, (Map, Table)) and isinstance(y, (Map, Table)):
            return updated(a, b, span)
        for failed, held in ((a, b), (b, a)):
            if isinstance(failed.data, Fault):
                return Value(failed.data, join2(failed.total, held.label))  # that it failed tells nothing of the other's elements
    label = join2(a.total, b.total)
    stopped = blocked((a, b), label, _result_kind(op, a, b), _bound(op, a, b))
    if stopped is not None:
        return stopped
    if op is ast.Mod and kind_x is str:
        return fault("type", label, span)  # no printf formats: f-strings say the same
    if op is ast.Pow and (not isinstance(y, (int, float)) or abs(y) > EXPONENT_MAX):
        return fault("limit" if isinstance(y, (int, float)) else "type", label, span)
    if op is ast.Mult and (_too_long(x, y) or _too_long(y, x)):
        return fault("limit", label, span)
    return pure(ARITHMETIC[op], (a, b), span=span)


def _too_long(text: Any, times: Any) -> bool:
    return isinstance(text, str) and isinstance(times, int) and len(text) * times > TEXT_RESULT_CHARS_MAX


def _result_kind(op: type[ast.operator], a: Value, b: Value) -> str:
    x, y = kind_of(a.data), kind_of(b.data)
    if op is ast.Div and {x, y} <= {"int", "float"}:
        return "float"
    if x == y and x in ("text", "int", "float"):
        return x
    if {x, y} == {"int", "float"}:
        return "float"
    dates = {"date", "datetime"}
    if op is ast.Sub and x in dates and y in dates:
        return "duration"
    if x in dates and y == "duration":
        return x
    return "any"


def upper(value: Value) -> int | None:
    """The greatest magnitude that an int can have, public; None when not bounded."""
    data = value.data
    if isinstance(data, int):
        return abs(data)
    if isinstance(data, Unknown) and data.choices and all(isinstance(c, int) for c in data.choices):
        return max(abs(c) for c in data.choices)
    return value.bound if isinstance(data, Unknown) and data.kind in ("int", "float") else None


def _bound(op: type[ast.operator], a: Value, b: Value) -> int | None:
    x, y = upper(a), upper(b)
    if op is ast.Mod and y is not None:
        return y
    if op in (ast.FloorDiv, ast.Div) and x is not None:
        return x
    if x is None or y is None:
        return None
    if op in (ast.Add, ast.Sub):
        return x + y
    return x * y if op is ast.Mult else None


def _sequence_arithmetic(op: type[ast.operator], a: Value, b: Value, span: Span) -> Value:
    x, y = a.data, b.data
    label = join2(a.label, b.label)
    for side in (x, y):
        if isinstance(side, Fault):
            return Value(side, join2(a.total, b.total))
    if isinstance(x, Maybe) or isinstance(y, Maybe):
        return unknown_like("any", a, b)
    if op is ast.Add and isinstance(x, (Seq, Many)) and isinstance(y, (Seq, Many)) and x.kind == y.kind != "set":
        return concatenated(a, b, span)
    if op in SETS and kind_of(x) == kind_of(y) == "set":
        return set_operation(SETS[op], a, b, span)
    times, listed = (y, a) if isinstance(x, (Seq, Many)) else (x, b)
    if op is ast.Mult and isinstance(times, int) and isinstance(listed.data, Seq) and listed.data.kind != "set":
        if listed.data.size * max(times, 0) > LIST_RESULT_ITEMS_MAX or abs(times) > sys.maxsize:  # as Python's OverflowError
            return fault("limit", join2(a.total, b.total), span)
        return seq(listed.data.items() * times, label, listed.data.kind)
    if isinstance(x, Unknown) or isinstance(y, Unknown) or isinstance(listed.data, Many):
        return unknown_like("any", a, b)
    return fault("type", join2(a.total, b.total), span)


def concatenated(a: Value, b: Value, span: Span = NOWHERE) -> Value:
    """Two lists or tuples behind each other; the shapes join, the elements keep their labels."""
    x, y = a.data, b.data
    label, total = join2(a.label, b.label), join2(a.total, b.total)
    size = size_max(x) + size_max(y)
    if isinstance(x, Seq) and isinstance(y, Seq):
        if size > LIST_RESULT_ITEMS_MAX:
            return fault("limit", label, span)
        return Value(Seq(x.items() + y.items(), x.kind), label, total)
    elements = [many(part).element for part in (x, y) if size_max(part)]
    element = merge(elements[0], elements[-1]) if elements else Value(Unknown("any"))
    return Value(Many(element, min(size, LIST_RESULT_ITEMS_MAX), x.kind), label, total)


def set_operation(choose: Callable[[dict, dict], list], a: Value, b: Value, span: Span) -> Value:
    """A set from two sets: which elements are in it tells of all of them."""
    total = join2(a.total, b.total)
    stopped = blocked((a, b), total, "any")
    if stopped is not None:
        if isinstance(stopped.data, Fault):
            return stopped
        first, second = (many(v.data) if isinstance(v.data, (Seq, Many)) else None for v in (a, b))
        if first is None or second is None:
            return unknown_like("any", a, b)
        sizes = {SETS[ast.BitAnd]: min(first.max, second.max), SETS[ast.Sub]: first.max}
        return Value(Many(merge(first.element, second.element), sizes.get(choose, first.max + second.max), "set"), total)
    if not (isinstance(a.data, Seq) and isinstance(b.data, Seq)):
        return fault("type", total, span)
    try:
        held = [{_key(item): item for item in v.data} for v in (a, b)]
    except TypeError:
        return fault("type", total, span)
    both = {**held[1], **held[0]}
    return seq([both[k] for k in choose(held[0], held[1])], total, "set")


def _key(value: Value) -> Any:
    """The hashable plain key of a value, as Python compares it. Raises TypeError for lists, dicts and records."""
    data = value.data
    if isinstance(data, SCALARS):
        return data
    if isinstance(data, Seq) and data.kind == "tuple":
        return tuple(_key(item) for item in data)
    raise TypeError


def negate(op: type[ast.unaryop], a: Value, span: Span = NOWHERE) -> Value:
    """`-a` and `+a`."""
    return pure(operator.neg if op is ast.USub else operator.pos, (a,), kind_of(a.data), span, a.bound)


def comparable(value: Value, depth: int = 0) -> Any:
    """Plain data for comparison, in which records, lists, tuples and dicts stay apart."""
    data = value.data
    if depth > COMPARE_DEPTH_MAX:
        raise RecursionError
    match data:
        case Seq(kind="tuple"):
            return tuple(comparable(item, depth + 1) for item in data)
        case Seq(kind="set"):
            return frozenset(_key(item) for item in data)
        case Seq():
            return [comparable(item, depth + 1) for item in data]
        case Map():
            return {k: comparable(v, depth + 1) for k, (_, v) in data.entries.items()}
        case Record():
            return ("record", data.name, {n: comparable(v, depth + 1) for n, v in data.fields.items()})
    return data


def compare(op: type[ast.cmpop], a: Value, b: Value, span: Span = NOWHERE) -> Value:
    """`a op b` as a bool under the join of both; `is` looks at None, True and False only."""
    if op in (ast.Is, ast.IsNot):
        return _identity(op, a, b)
    if op in (ast.In, ast.NotIn):
        return _contains(op, a, b, span)
    label = join2(a.total, b.total)
    x, y = a.data, b.data
    if type(x) in (int, float, str) and type(x) is type(y):
        if op in ORDER:
            return Value(ORDER[op](x, y), label)
        return Value((x == y) is (op is ast.Eq), label)
    stopped = blocked((a, b), label, "bool")
    if stopped is not None:
        return stopped
    try:
        left, right = comparable(a), comparable(b)
        result = ORDER[op](left, right) if op in ORDER else (left == right) is (op is ast.Eq)
    except TYPE_ERRORS:
        return fault("type", label, span)
    except RecursionError:
        return fault("limit", label, span)
    return Value(bool(result), label)


def _identity(op: type[ast.cmpop], a: Value, b: Value) -> Value:
    label = join2(a.label, b.label)
    if isinstance(a.data, Fault):
        return Value(a.data, label)
    if isinstance(a.data, (Unknown, Maybe)):
        return Value(Unknown("bool"), label)
    return Value((a.data is b.data) is (op is ast.Is), label)


def _contains(op: type[ast.cmpop], a: Value, b: Value, span: Span) -> Value:
    if isinstance(b.data, Maybe):
        b = b.data.value.under(b.label)
    whole = b.label if isinstance(b.data, (Map, Table)) else b.total  # a dict's keys are in its shape
    label = join2(a.total, whole)
    if isinstance(b.data, Fault):
        return Value(b.data, label)
    probe = b if not isinstance(b.data, Map) else Value(None, b.label)
    stopped = blocked((a, probe), label, "bool")
    if stopped is not None:
        return stopped
    try:
        match b.data:
            case str():
                found = a.data in b.data
            case Map(entries=entries):
                found = _key(a) in entries
            case Seq():
                wanted = comparable(a)
                found = any(comparable(item) == wanted for item in b.data)
            case _:
                return fault("type", label, span)
    except TYPE_ERRORS:
        return fault("type", label, span)
    return Value(found is (op is ast.In), label)


def truth(value: Value) -> tuple[bool | None | Fault, Label]:
    """Whether a value counts as true, and the label of that: None when unknown, the fault when it is one."""
    data = value.data
    match data:
        case Fault():
            return data, value.total
        case Unknown(choices=choices, found=found):
            known = {bool(c) for c in choices}
            return (known.pop() if len(known) == 1 and not found else None), value.label
        case Maybe() | Many() | Table():
            return None, value.label
        case Seq() | Map():
            return len(data) > 0, value.label
        case Record():
            return (None if scan(value)[0] else True), value.label
    return bool(data), value.label


def negation(value: Value) -> Value:
    """`not value`."""
    result, label = truth(value)
    if isinstance(result, Fault):
        return Value(result, label)
    return Value(Unknown("bool") if result is None else not result, label)


def attribute(value: Value, name: str, span: Span = NOWHERE) -> Value:
    """`value.name` of a record, a date or a duration; `value.ok` of anything (G3.4)."""
    data = value.data
    if name == "ok" and not (isinstance(data, Record) and "ok" in data.fields):
        return is_ok(value)
    match data:
        case Fault():
            return value
        case Maybe():
            return attribute(data.value, name, span).under(value.label)
        case Record(fields=fields) if name in fields:
            return fields[name].under(value.label)
        case Unknown():
            return Value(Unknown("int" if name in DATE_FIELDS and data.kind != "any" else "any"), value.label, bound=10_000)
        case dt.date() | dt.time() | dt.timedelta() if name in DATE_FIELDS and hasattr(data, name):
            return Value(getattr(data, name), value.label)
    return fault("type", value.label, span)


DATE_FIELDS = frozenset({"year", "month", "day", "hour", "minute", "second", "days", "seconds"})


def is_ok(value: Value) -> Value:
    """Whether a value is no fault, under the label that decided it."""
    if isinstance(value.data, Fault):
        return Value(False, value.total)
    if isinstance(value.data, (*ABSTRACT, Record)) and scan(value)[0]:
        return Value(Unknown("bool"), value.label)
    return Value(True, value.label)


def default(value: Value, instead: Value) -> Value:
    """`default(x, y)`: x unless it is a fault or None; the label is the join of both, whichever it is (G3.1)."""
    label = join2(value.total, instead.total)
    if isinstance(value.data, Fault) or value.data is None:
        return instead.under(label)
    if isinstance(value.data, Maybe):
        return merge(value.data.value, instead).under(label)
    if isinstance(value.data, (*ABSTRACT, Record)) and scan(value)[0]:
        return merge(value, instead).under(label)
    return value.under(label)


def index(value: Value, key: Value, span: Span = NOWHERE) -> Value:
    """`value[key]`: joins element, shape and index (G2.4)."""
    data = value.data
    if isinstance(data, Maybe):
        return index(data.value.under(value.label), key, span)
    for operand in (value, key):
        if isinstance(operand.data, Fault):
            return Value(operand.data, join2(value.total, key.total))
    label = join2(value.label, key.total)
    if not key.total <= value.label:
        label = join2(label, value.total)  # which element a labelled index picks must not show in the label
    unknown_key = scan(key)[0]
    match data:
        case Unknown():
            return Value(Unknown("text" if data.kind == "text" else "any"), label, bound=value.bound)
        case Record(fields=fields):
            if isinstance(key.data, str) and key.data in fields:
                return fields[key.data].under(label)
        case Many():
            return data.element.under(label)
        case Table():
            return data.element.under(label)
        case Seq() if unknown_key:
            return many(data).element.under(label)  # the merged element has the labels of all
        case Map() if unknown_key:
            return table(data).element.under(label)
        case str() if unknown_key:
            return Value(Unknown("text"), label, bound=1)
        case Seq():
            if isinstance(key.data, int):
                return data[key.data].under(label) if -len(data) <= key.data < len(data) else fault("value", label, span)
        case Map(entries=entries):
            try:
                held = entries.get(_key(key))
            except TypeError:
                return fault("type", label, span)
            return held[1].under(label) if held else fault("value", label, span)
        case str():
            if isinstance(key.data, int):
                return Value(data[key.data], label) if -len(data) <= key.data < len(data) else fault("value", label, span)
    return fault("type", label, span)


def part(value: Value, low: Value, high: Value, step: Value, span: Span = NOWHERE) -> Value:
    """`value[low:high:step]` of a text, list or tuple; the bounds join the shape."""
    limits = (low, high, step)
    label = join2(value.label, joined(limits))
    if isinstance(value.data, Maybe):
        return part(value.data.value.under(value.label), low, high, step, span)
    for operand in (value, *limits):
        if isinstance(operand.data, Fault):
            return Value(operand.data, join2(label, value.total))
    unknown_limits = any(scan(limit)[0] for limit in limits)
    if not unknown_limits and not all(isinstance(v.data, (int, type(None))) for v in limits):
        return fault("type", label, span)
    data = value.data
    if isinstance(data, (Many, Seq)) and data.kind != "set":
        if isinstance(data, Many) or unknown_limits:
            seen = many(data)
            return Value(Many(seen.element, _part_max(seen.max, low, high), seen.kind), label, join2(label, value.total))
        if step.data == 0:
            return fault("value", label, span)
        return seq(data.items()[low.data : high.data : step.data], label, data.kind)
    if isinstance(data, Unknown) or (isinstance(data, str) and unknown_limits):
        return Value(Unknown(kind_of(data)), label, bound=value.bound)
    if isinstance(data, str):
        return Value(data[low.data : high.data : step.data], label) if step.data != 0 else fault("value", label, span)
    return fault("type", label, span)


def _part_max(size: int, low: Value, high: Value) -> int:
    """A public bound of a slice of at most `size` elements."""
    if isinstance(high.data, int):
        if high.data >= 0:
            return min(size, high.data)
        return max(size + high.data, 0)
    if isinstance(low.data, int) and low.data < 0 and high.data is None:
        return min(size, -low.data)
    return size


def formatted(parts: Sequence[tuple[Value, str, str]], span: Span = NOWHERE) -> Value:
    """An f-string from (value, conversion, format) parts; every part joins, empty ones too."""
    values = [value for value, _, _ in parts]
    if not values:
        return Value("")
    if any([_shown_chars(value, 0) > TEXT_RESULT_CHARS_MAX for value in values]):
        return fault("limit", joined(values), span)
    if not any([scan(value)[0] for value in values]):
        return pure(lambda *_: "".join([_shown(*part) for part in parts]), values, "text", span)
    widths = [sum(map(int, re.findall(r"\d+", spec))) for _, _, spec in parts if spec]
    sizes = [chars_max(value) for value in values]
    bound = None if None in sizes else min(sum(sizes) + sum(widths), TEXT_RESULT_CHARS_MAX)  # type: ignore[arg-type]
    return pure(lambda *_: "", values, "text", span, bound)


def chars_max(value: Value) -> int | None:
    """As how many characters a value can show at most, by public bounds; None when not bounded (G3.7)."""
    data = value.data
    match data:
        case str():
            return 2 * len(data) + 2  # as in a list: quoted, with what is not printed written out
        case Unknown(kind="text" | "any" | "enum"):
            return None if value.bound is None else 2 * value.bound + 2
        case Maybe(value=held):
            size = chars_max(held)
            return None if size is None else max(size, len("None"))
    sizes = [chars_max(held) for held in inner(value)]
    if None in sizes:
        return None
    size = sum(sizes) + 4 * len(sizes)  # type: ignore[arg-type]  # what stands between them
    if isinstance(data, (Many, Table)):
        size *= data.max
    if isinstance(data, Record):
        size += sum(len(name) + 4 for name in data.fields)
    return min(size + (2 if sizes else SCALAR_CHARS_MAX), TEXT_RESULT_CHARS_MAX)


def _shown(value: Value, conversion: str, spec: str) -> str:
    data = value.data
    if type(data) is str and not conversion and not spec:
        return data
    if conversion == "r" or not isinstance(data, SCALARS):
        data = repr(comparable_shown(value)) if not isinstance(data, str) or conversion == "r" else data
    elif conversion == "s":
        data = str(data)
    return format(data, spec)


def _shown_chars(value: Value, found: int) -> int:
    """At least how many characters a value shows as, counted up to the limit only."""
    data = value.data
    if isinstance(data, str):
        return found + len(data)
    if isinstance(data, (Seq, Map, Record)):
        for part_ in inner(value):
            found = _shown_chars(part_, found + 1)
            if found > TEXT_RESULT_CHARS_MAX:
                break
    return found


def chars_exceed(value: Value, limit: int = TEXT_RESULT_CHARS_MAX) -> bool:
    """Whether a value would show as more than `limit` characters, at a cost of at most the limit."""
    return _shown_chars(value, 0) > limit


class _ShownSet(list):
    """A set as Python shows it, in its own order."""

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}" if self else "set()"


def comparable_shown(value: Value) -> Any:
    """Plain data as `str()` shows it in Python: sets as sets, records as dicts."""
    data = value.data
    if isinstance(data, Seq):
        items = [comparable_shown(item) for item in data]
        return tuple(items) if data.kind == "tuple" else _ShownSet(items) if data.kind == "set" else items
    if isinstance(data, Map):
        return {k: comparable_shown(v) for k, (_, v) in data.entries.items()}
    if isinstance(data, Record):
        return {n: comparable_shown(v) for n, v in data.fields.items()}
    return data


def appended(target: Value, item: Value, span: Span = NOWHERE) -> Value:
    """The list with `item` behind; constant cost while the list is the longest over its buffer."""
    data = target.data
    total = join2(target.total, item.total)
    match data:
        case Fault():
            return Value(data, total)
        case Seq(kind="list"):
            if data.size >= LIST_RESULT_ITEMS_MAX:
                return fault("limit", target.label, span)
            return Value(data.appended(item), target.label, total)
        case Many(kind="list"):
            element = merge(data.element, item) if data.max else item
            return Value(Many(element, min(data.max + 1, LIST_RESULT_ITEMS_MAX)), target.label, total)
        case Unknown() | Maybe():
            return Value(Unknown("any"), total)
    return fault("type", total, span)


def stored(target: Value, key: Value, item: Value, span: Span = NOWHERE) -> Value:
    """`target[key] = item` as a new dict or list; the key joins the shape (G2.4)."""
    data = target.data
    label = join2(target.label, key.total)
    total = join2(join2(target.total, label), item.total)
    for operand in (target, key):
        if isinstance(operand.data, Fault):
            return Value(operand.data, total)
    unknown_key = scan(key)[0]
    match data:
        case Map() if not unknown_key:
            try:
                plain_key = _key(key)
            except TypeError:
                return fault("type", total, span)
            if len(data) >= LIST_RESULT_ITEMS_MAX:
                return fault("limit", label, span)
            first = data.entries.get(plain_key)  # an equal key stays as it was first written, as in Python
            return Value(Map({**data.entries, plain_key: (key if first is None else first[0], item)}), label, total)
        case Map() | Table():
            seen = table(data)
            new_key, element = (merge(seen.key, key), merge(seen.element, item)) if seen.max else (key, item)
            return Value(Table(new_key, element, min(seen.max + 1, LIST_RESULT_ITEMS_MAX)), label, total)
        case Seq(kind="list") if not unknown_key:
            if not isinstance(key.data, int):
                return fault("type", total, span)
            if not -data.size <= key.data < data.size:
                return fault("value", total, span)
            items = data.items()
            items[key.data] = item
            return Value(Seq(items), label, total)
        case Seq(kind="list") | Many(kind="list"):
            seen_list = many(data)
            return Value(Many(merge(seen_list.element, item), seen_list.max), label, total)
        case Unknown() | Maybe():
            return Value(Unknown("any"), total)
    return fault("type", total, span)


def updated(target: Value, other: Value, span: Span = NOWHERE) -> Value:
    """One dict with the entries of another put in: `a | b` and `a.update(b)`."""
    if isinstance(target.data, Map) and isinstance(other.data, Map):
        entries = dict(target.data.entries)
        for plain_key, (key, element) in other.data.entries.items():
            entries[plain_key] = (entries.get(plain_key, (key,))[0], element)  # an equal key stays as it was first written, as in Python
        if len(entries) > LIST_RESULT_ITEMS_MAX:
            return fault("limit", join2(target.label, other.label), span)
        return mapping(entries, join2(target.label, other.label))
    either = table(merge(target, other).data)
    most = min(size_max(target.data) + size_max(other.data), LIST_RESULT_ITEMS_MAX)
    return Value(Table(either.key, either.element, most), join2(target.label, other.label), join2(target.total, other.total))


def without(target: Value, item: Value, missing: bool, span: Span = NOWHERE) -> Value:
    """A list or set without `item`, its first equal: which one that is tells of all of them (G2.4). `missing`: it may be absent."""
    data, label = target.data, join2(target.total, item.total)
    stopped = blocked((target, item), label, "any")
    if stopped is not None:
        return stopped if isinstance(stopped.data, Fault) or not isinstance(data, (Seq, Many)) else Value(many(data), label)
    if not isinstance(data, Seq) or data.kind == "tuple":
        return fault("type", label, span)
    try:
        wanted = comparable(item) if data.kind == "list" else _key(item)
        place = next((i for i, held in enumerate(data) if comparable(held) == wanted), None)
    except TYPE_ERRORS:
        return fault("type", label, span)
    if place is None and not missing:
        return fault("value", label, span)
    return seq([held for i, held in enumerate(data) if i != place], label, data.kind)


def popped(target: Value, key: Value, missing: bool, span: Span = NOWHERE) -> Value:
    """A list or dict without the element at `key`; the key joins the shape (G2.4). `missing`: it may be absent."""
    data, label = target.data, join2(target.label, key.total)
    total = join2(target.total, key.total)
    for operand in (target, key):
        if isinstance(operand.data, Fault):
            return Value(operand.data, total)
    unknown = scan(key)[0]
    match data:
        case Map() if not unknown:
            try:
                plain_key = _key(key)
            except TypeError:
                return fault("type", total, span)
            if plain_key not in data.entries and not missing:
                return fault("value", total, span)
            return mapping({k: v for k, v in data.entries.items() if k != plain_key}, label)
        case Map() | Table():
            return Value(table(data), label, total)
        case Seq(kind="list") if not unknown:
            if not isinstance(key.data, int):
                return fault("type", total, span)
            if not -data.size <= key.data < data.size:
                return fault("value", total, span)
            items = data.items()
            del items[key.data]
            return seq(items, label)
        case Seq(kind="list") | Many(kind="list"):
            return Value(many(data), label, total)
        case Unknown() | Maybe():
            return Value(Unknown("any"), total)
    return fault("type", total, span)


def elements(value: Value, span: Span = NOWHERE) -> tuple[list[Value] | Many | Fault, Label]:
    """What a loop over `value` runs through, and the shape label that its number of turns tells.

    A list of values, `Many` when only known before the run, or the fault.
    """
    data = value.data
    match data:
        case Fault():
            return data, value.total
        case Seq():
            return data.items(), value.label
        case Many():
            return data, value.label
        case Map(entries=entries):
            return [key for key, _ in entries.values()], value.label
        case Table():
            return Many(data.key, data.max), value.label
        case Maybe():
            return elements(data.value.under(value.label), span)
        case str():
            return [Value(c, value.label) for c in data], value.label
        case Unknown(kind="text" | "any"):
            kind = "text" if data.kind == "text" else "any"
            return Many(Value(Unknown(kind), value.label, bound=value.bound), value.bound or UNKNOWN_ITEMS_MAX), value.label
    return Fault("type", span), value.label


UNKNOWN_ITEMS_MAX = 50  # elements assumed for data whose type is not known before the run


def ordered(items: Sequence[Value], keys: Sequence[Value], reverse: Value, shape: Label, span: Span = NOWHERE) -> Value:
    """`sorted`: where each stands tells of all keys, so these and `reverse` join the shape (G2.4); without `key=` the elements are the keys."""
    label = join2(shape, joined([*keys, reverse]))
    whole = join2(label, joined(items))
    stopped = blocked([*keys, reverse], whole, "any")
    if stopped is not None:
        if isinstance(stopped.data, Fault):
            return stopped
        return Value(many(Seq(items)), label, whole)
    if not isinstance(reverse.data, int):
        return fault("type", whole, span)
    try:
        places = sorted(range(len(items)), key=lambda i: comparable(keys[i]), reverse=bool(reverse.data))
    except TYPE_ERRORS:
        return fault("type", whole, span)
    except RecursionError:
        return fault("limit", whole, span)
    return seq([items[i] for i in places], label)


def extreme(items: Sequence[Value], keys: Sequence[Value], greatest: bool, shape: Label, span: Span = NOWHERE) -> Value:
    """`min` and `max`: which one wins tells of all keys (G2.4); without `key=` the elements are the keys."""
    label = join2(shape, joined(keys))
    whole = join2(label, joined(items))
    if not items:
        return fault("value", label, span)
    stopped = blocked(keys, whole, "any")
    if stopped is not None:
        if isinstance(stopped.data, Fault):
            return stopped
        result = items[0]
        for item in items[1:]:
            result = merge(result, item)
        bounds = [upper(item) for item in items]
        if greatest:
            bound = max(b for b in bounds if b is not None) if None not in bounds else None
        else:
            bound = min((b for b in bounds if b is not None), default=None)
        data = Unknown(result.data.kind) if isinstance(result.data, Unknown) else result.data
        return Value(data, join2(label, result.label), join2(label, result.total), Standing.PLANNER, bound)
    try:
        pick = (max if greatest else min)(range(len(items)), key=lambda i: comparable(keys[i]))
    except TYPE_ERRORS:
        return fault("type", whole, span)
    return items[pick].under(label)


def as_set(items: Sequence[Value], shape: Label, span: Span = NOWHERE) -> Value:
    """A set in insertion order; which elements are alike tells of all of them (G2.4)."""
    label = join2(shape, joined(items))
    stopped = blocked(items, label, "any")
    if stopped is not None:
        return stopped if isinstance(stopped.data, Fault) else Value(Many(many(Seq(items)).element, len(items), "set"), label)
    try:
        held: dict[Any, Value] = {}
        for item in items:
            held.setdefault(_key(item), item)
    except TypeError:
        return fault("type", label, span)
    return seq(held.values(), label, "set")


def as_dict(pairs: Sequence[tuple[Value, Value]], shape: Label, span: Span = NOWHERE) -> Value:
    """A dict from (key, element) pairs; a later equal key wins, as in Python."""
    label = join2(shape, joined([key for key, _ in pairs]))
    keys = [key for key, _ in pairs]
    stopped = blocked(keys, label, "any")
    if stopped is not None:
        if isinstance(stopped.data, Fault):
            return stopped
        key = many(Seq(keys)).element
        element = many(Seq([e for _, e in pairs])).element
        return Value(Table(key, element, len(pairs)), label, join2(label, element.total))
    entries: dict[Any, tuple[Value, Value]] = {}
    try:
        for key, element in pairs:
            first = entries.get(_key(key))  # an equal key stays as it was first written, as in Python
            entries[_key(key)] = (key if first is None else first[0], element)
    except TypeError:
        return fault("type", label, span)
    return mapping(entries, label)


def unpacked(value: Value, count: int, span: Span = NOWHERE) -> list[Value]:
    """The elements for `a, b = value`; each a fault when there are not exactly `count`."""
    items, label = elements(value, span)
    if isinstance(items, Fault):
        return [Value(items, label)] * count
    if isinstance(items, Many):
        return [items.element.under(label)] * count
    if len(items) != count:
        return [fault("value", label, span)] * count
    return [item.under(label) for item in items]


