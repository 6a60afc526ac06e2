"""The functions, methods and cuts that a plan may use, in tables; each joins every operand (G3.1, G6.2).

Cuts (`find_emails`, `find_amounts`, …) are parses by a fixed grammar: they keep tags and sources and release nothing.
"""

from __future__ import annotations

import ast
import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discreet.kernel import operations as ops
from discreet.kernel.domain import many, merge, scan, size_max
from discreet.kernel.errors import NOWHERE, Span
from discreet.kernel.label import PUBLIC, join2
from discreet.kernel.operations import (
    LIST_RESULT_ITEMS_MAX,
    SCALARS,
    TEXT_RESULT_CHARS_MAX,
    TYPE_ERRORS,
    blocked,
    comparable_shown,
    elements,
    joined,
    pure,
)
from discreet.kernel.value import Fault, Many, Map, Maybe, Record, Seq, Table, Unknown, Value, fault, kind_of, seq

SPLIT_ITEMS_MAX = 1_000  # parts of a split text
CUT_ITEMS_MAX = 50  # things that one cut finds
DIGITS_MAX = 100  # that `round` keeps or drops
WIDTH_CHARS_MAX = 1_000  # of zfill, ljust, rjust, center

Args = Sequence[Value]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the language: how many positional arguments, which keywords, what runs."""

    run: Callable[..., Value]
    least: int
    most: int
    keywords: tuple[str, ...] = ()


def _pure(function: Callable[..., Any], kind: str, least: int, most: int, keywords: tuple[str, ...] = ()) -> Function:
    def run(args: Args, named: Mapping[str, Value], span: Span) -> Value:
        names = list(named)
        count = len(args)

        def call(*plain_args: Any) -> Any:
            return function(*plain_args[:count], **dict(zip(names, plain_args[count:], strict=True)))

        operands = [*args, *named.values()]
        return pure(call, operands, kind, span) if operands else pure(lambda _: function(), [Value(None)], kind, span)

    return Function(run, least, most, keywords)


def _text(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    if not args:
        return Value("")
    value = args[0]
    if isinstance(value.data, SCALARS):
        return ops.admitted(str(value.data), value.total, span)
    if ops.chars_exceed(value):
        return fault("limit", value.total, span)
    stopped = blocked(args, value.total, "text", ops.chars_max(value))
    return stopped if stopped is not None else pure(lambda _: str(comparable_shown(value)), args, "text", span)


def _length(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    value = args[0]
    match value.data:
        case Fault():
            return Value(value.data, value.total)
        case Seq() | Map() | str():
            return Value(len(value.data), value.label)
        case Many() | Table():
            return Value(Unknown("int"), value.label, bound=value.data.max)
        case Maybe():
            return _length([value.data.value.under(value.label)], named, span)
        case Unknown(kind="text" | "any"):
            return Value(Unknown("int"), value.label, bound=value.bound)
    return fault("type", value.label, span)


def _spread(value: Value, span: Span) -> tuple[list[Value] | None, Value | None, Any]:
    """(elements, None, shape label) of a known list, or (None, result-to-return, label) for a fault, or (None, None, Many)."""
    items, label = elements(value, span)
    if isinstance(items, Fault):
        return None, Value(items, value.total), label
    if isinstance(items, Many):
        return None, None, (items, label)
    return items, None, label


def _fold(function: Callable[[list[Any]], bool]) -> Callable[..., Value]:
    def run(args: Args, named: Mapping[str, Value], span: Span) -> Value:
        items, stop, _ = _spread(args[0], span)
        total = args[0].total
        if stop is not None:
            return stop
        if items is None:
            return Value(Unknown("bool"), total)
        return pure(lambda *plain_items: function(list(plain_items[:-1])), [*items, Value(None, total)], "bool", span)

    return run


def _sum(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    start = args[1] if len(args) > 1 else named.get("start", Value(0))
    total = join2(args[0].total, start.total)
    items, stop, rest = _spread(args[0], span)
    if stop is not None:
        return stop.under(total)
    if items is None:
        element = rest[0].element.data
        if isinstance(element, (Many, Seq)):
            part = many(element)
            return Value(Many(part.element, min(part.max * rest[0].max + size_max(start.data), LIST_RESULT_ITEMS_MAX)), total)
        kind = kind_of(element)
        return Value(Unknown(kind if kind in ("bool", "int", "float", "duration") else "any"), total)
    return pure(_added, [start, *items, Value(None, total)], "any", span)


def _added(start: Any, *items: Any) -> Any:
    *parts, _ = items  # the last operand only carries the label
    if not isinstance(start, list):
        return sum(parts, start)
    if not all(isinstance(part, list) for part in parts):
        raise TypeError
    return [*start, *(element for part in parts for element in part)]


def _listed(kind: str) -> Callable[..., Value]:
    def run(args: Args, named: Mapping[str, Value], span: Span) -> Value:
        if not args:
            return seq((), PUBLIC, kind)
        items, stop, rest = _spread(args[0], span)
        if stop is not None:
            return stop
        if items is None:
            found, label = rest
            return Value(Many(found.element, found.max, kind), label, args[0].total, bound=found.max)
        return seq(items, rest, kind)

    return run


def _set(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    if not args:
        return seq((), PUBLIC, "set")
    items, stop, rest = _spread(args[0], span)
    if stop is not None:
        return stop
    if items is None:
        found, label = rest
        label = join2(label, found.element.total)
        return Value(Many(found.element, found.max, "set"), label)
    return ops.as_set(items, rest, span)


def _dict(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    pairs = [(Value(name), value) for name, value in named.items()]
    if not args:
        return ops.as_dict(pairs, PUBLIC, span)
    if isinstance(args[0].data, (Map, Table)) and not pairs:
        return args[0]
    if isinstance(args[0].data, Maybe):
        return _dict([args[0].data.value.under(args[0].label)], named, span)
    items, stop, rest = _spread(args[0], span)
    if stop is not None:
        return stop
    if items is None:
        found, label = rest
        key, element = ops.unpacked(found.element, 2, span)
        label = join2(label, key.total)
        return Value(Table(key, element, found.max), label, join2(label, element.total))
    split = [ops.unpacked(item, 2, span) for item in items]
    return ops.as_dict([(k, v) for k, v in split] + pairs, rest, span)


def _reversed(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    items, stop, rest = _spread(args[0], span)
    if stop is not None:
        return stop
    if items is None:
        found, label = rest
        return Value(Many(found.element, found.max), label, args[0].total)
    return seq(list(reversed(items)), rest)


def _enumerate(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    start = args[1] if len(args) > 1 else named.get("start", Value(0))
    items, stop, rest = _spread(args[0], span)
    if stop is not None:
        return stop
    if items is None:
        found, label = rest
        label = join2(label, start.total)
        number = Value(Unknown("int"), label, bound=found.max)
        pair = seq((number, found.element), label, "tuple")
        return Value(Many(pair, found.max), label, pair.total)
    label = join2(rest, start.total)
    if isinstance(start.data, Fault):
        return Value(start.data, label)
    if scan(start)[0]:
        number = Value(Unknown("int"), label)
        return seq([seq((number, item), label, "tuple") for item in items], label)
    if not isinstance(start.data, int):
        return fault("type", label, span)
    return seq([seq((Value(start.data + i, label), item), label, "tuple") for i, item in enumerate(items)], label)


def _zip(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    spread = [_spread(arg, span) for arg in args]
    label = PUBLIC
    for arg in args:
        label = join2(label, arg.label)
    for _, stop, _ in spread:
        if stop is not None:
            return stop.under(label)
    if any(items is None for items, _, _ in spread):
        columns = [rest[0].element if items is None else many(Seq(items)).element for items, _, rest in spread]
        pair = seq(columns, label, "tuple")
        most = min((rest[0].max if items is None else len(items)) for items, _, rest in spread)
        return Value(Many(pair, most), label, pair.total)
    rows = zip(*(items for items, _, _ in spread))  # type: ignore[arg-type]  # Python's zip: the shortest ends it
    return seq([seq(row, label, "tuple") for row in rows], label)


def _range(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    label = joined(args)
    for arg in args:
        if isinstance(arg.data, Fault):
            return Value(arg.data, label)
    if any(scan(arg)[0] for arg in args):
        bounds = [ops.upper(arg) for arg in args]
        most = bounds[0] if len(args) == 1 else (None if None in bounds[:2] else bounds[0] + bounds[1])  # type: ignore[operator]
        number = Value(Unknown("int"), label, bound=most)
        return Value(Many(number, LIST_RESULT_ITEMS_MAX if most is None else min(most, LIST_RESULT_ITEMS_MAX)), label)
    if not all(isinstance(arg.data, int) for arg in args):
        return fault("type", label, span)
    try:
        numbers = range(*(arg.data for arg in args))
        if len(numbers) > LIST_RESULT_ITEMS_MAX:
            return fault("limit", label, span)
    except OverflowError:
        return fault("limit", label, span)
    except ValueError:
        return fault("value", label, span)
    return seq([Value(n, label) for n in numbers], label)


def _isinstance(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    value, types = args
    if isinstance(value.data, Fault):
        return Value(value.data, value.total)
    label = join2(value.label, types.total)
    if isinstance(value.data, (Unknown, Maybe)):
        return Value(Unknown("bool"), label)
    wanted = {t.data for t in types.data} if isinstance(types.data, Seq) else {types.data}
    return Value(bool(wanted & TYPE_TESTS.get(kind_of(value.data), frozenset())), label)


TYPE_TESTS = {
    "text": {"str"}, "int": {"int"}, "float": {"float"}, "bool": {"bool", "int"}, "list": {"list"}, "tuple": {"tuple"},
    "set": {"set"}, "dict": {"dict"}, "date": {"date"}, "datetime": {"datetime", "date"}, "time": {"time"},
    "duration": {"timedelta"},
}  # fmt: skip
TYPE_NAMES = frozenset({"str", "int", "float", "bool", "list", "tuple", "set", "dict", "date", "datetime", "time", "timedelta"})


def _default(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    return ops.default(args[0], args[1])


EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62}\.)+[A-Za-z]{2,24}")
AMOUNT = re.compile(r"(?<![\w.,])(?:[€$£]\s?)?(\d{1,3}(?:,\d{3})+|\d{1,9})(?:[.](\d{1,2}))?(?![\w])")
ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
CODE = re.compile(r"(?<![\w\-])(\d{4,8})(?![\w\-])")
IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,3})?(?!\w)")
LINK = re.compile(r"https?://[^\s<>\"'()\[\]{}]{1,2000}")


def _emails(text: str) -> list[Any]:
    return EMAIL.findall(text)


AMOUNT_DIGITS_MAX = 30


def _amounts(text: str) -> list[Any]:
    found = []
    for whole, cents in AMOUNT.findall(text):
        number = whole.replace(",", "")
        if len(number) > AMOUNT_DIGITS_MAX:
            continue  # no amount of anything
        found.append(float(f"{number}.{cents}") if cents else int(number))
    return found


def _dates(text: str) -> list[Any]:
    found = []
    for year, month, day in ISO_DATE.findall(text):
        try:
            found.append(dt.date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return found


def _codes(text: str) -> list[Any]:
    return CODE.findall(text)


def _ibans(text: str) -> list[Any]:
    return [re.sub(r"\s", "", found) for found in IBAN.findall(text) if _iban_valid(re.sub(r"\s", "", found))]


def _iban_valid(iban: str) -> bool:
    digits = "".join(str(int(c, 36)) for c in iban[4:] + iban[:4])
    return int(digits) % 97 == 1  # ISO 13616


def _links(text: str) -> list[Any]:
    return [found.rstrip(".,;:!?") for found in LINK.findall(text)]


def _cut(find: Callable[[str], list[Any]], kind: str) -> Function:
    def run(args: Args, named: Mapping[str, Value], span: Span) -> Value:
        value = args[0]
        label = value.total
        stopped = blocked(args, label, "any")
        if stopped is not None:
            if isinstance(stopped.data, Fault):
                return stopped
            return Value(Many(Value(Unknown(kind), label, bound=200), CUT_ITEMS_MAX), label)
        if not isinstance(value.data, str):
            return fault("type", label, span)
        return pure(lambda text: find(text)[:CUT_ITEMS_MAX], args, span=span)

    return Function(run, 1, 1)


def _int(x: Any = 0, base: int | None = None) -> int:
    return int(x) if base is None else int(x, base)


def _round(x: Any, ndigits: int | None = None) -> Any:
    if isinstance(ndigits, int) and abs(ndigits) > DIGITS_MAX:
        raise MemoryError
    return round(x, ndigits)


def _divmod(args: Args, named: Mapping[str, Value], span: Span) -> Value:
    quotient, rest = (ops.arithmetic(op, *args, span) for op in (ast.FloorDiv, ast.Mod))
    return seq((quotient, rest), joined(args), "tuple") if not isinstance(quotient.data, Fault) else quotient


FUNCTIONS: dict[str, Function] = {
    "str": Function(_text, 0, 1),
    "len": Function(_length, 1, 1),
    "int": _pure(_int, "int", 0, 2),
    "float": _pure(float, "float", 0, 1),
    "bool": Function(lambda args, named, span: ops.negation(ops.negation(args[0])) if args else Value(False), 0, 1),
    "repr": Function(lambda args, named, span: ops.formatted([(args[0], "r", "")], span), 1, 1),
    "abs": _pure(abs, "any", 1, 1),
    "divmod": Function(_divmod, 2, 2),
    "round": _pure(_round, "any", 1, 2, ("ndigits",)),
    "sum": Function(_sum, 1, 2, ("start",)),
    "any": Function(_fold(any), 1, 1),
    "all": Function(_fold(all), 1, 1),
    "list": Function(_listed("list"), 0, 1),
    "tuple": Function(_listed("tuple"), 0, 1),
    "set": Function(_set, 0, 1),
    "dict": Function(_dict, 0, 1, ("*",)),
    "reversed": Function(_reversed, 1, 1),
    "enumerate": Function(_enumerate, 1, 2, ("start",)),
    "zip": Function(_zip, 1, 8, ()),
    "range": Function(_range, 1, 3),
    "isinstance": Function(_isinstance, 2, 2),
    "default": Function(_default, 2, 2),
    "math.floor": _pure(math.floor, "int", 1, 1),
    "math.ceil": _pure(math.ceil, "int", 1, 1),
    "math.sqrt": _pure(math.sqrt, "float", 1, 1),
    "date": _pure(dt.date, "date", 0, 3, ("year", "month", "day")),
    "time": _pure(dt.time, "time", 0, 4, ("hour", "minute", "second", "microsecond")),
    "datetime": _pure(dt.datetime, "datetime", 0, 7, ("year", "month", "day", "hour", "minute", "second", "microsecond")),
    "timedelta": _pure(dt.timedelta, "duration", 0, 2, ("days", "seconds", "minutes", "hours", "weeks")),
    "date.fromisoformat": _pure(dt.date.fromisoformat, "date", 1, 1),
    "datetime.fromisoformat": _pure(dt.datetime.fromisoformat, "datetime", 1, 1),
    "time.fromisoformat": _pure(dt.time.fromisoformat, "time", 1, 1),
    "datetime.strptime": _pure(dt.datetime.strptime, "datetime", 2, 2),
    "datetime.combine": _pure(dt.datetime.combine, "datetime", 2, 2),
    "find_emails": _cut(_emails, "text"),
    "find_amounts": _cut(_amounts, "float"),
    "find_dates": _cut(_dates, "date"),
    "find_codes": _cut(_codes, "text"),
    "find_ibans": _cut(_ibans, "text"),
    "find_links": _cut(_links, "text"),
}
ALIASES = {
    "datetime.datetime": "datetime",
    "datetime.date": "date",
    "datetime.time": "time",
    "datetime.timedelta": "timedelta",
    "datetime.datetime.fromisoformat": "datetime.fromisoformat",
    "datetime.datetime.strptime": "datetime.strptime",
    "datetime.datetime.combine": "datetime.combine",
    "datetime.date.fromisoformat": "date.fromisoformat",
    "datetime.datetime.now": "datetime.now",
    "datetime.datetime.today": "datetime.now",
    "datetime.today": "datetime.now",
    "datetime.date.today": "date.today",
}
CLOCK = frozenset({"datetime.now", "date.today"})  # read once a run (G3.7)
SPECIAL = frozenset({"print", "next", "sorted", "min", "max"})  # run by the interpreter: keys, defaults, telling

# ---------------------------------------------------------------------------------------------------- methods


def _method(name: str) -> Callable[..., Any]:
    def call(receiver: Any, *args: Any, **named: Any) -> Any:
        if not isinstance(receiver, (str, dt.date, dt.time, dt.timedelta)):
            raise TypeError
        return getattr(receiver, name)(*args, **named)

    return call


def _replace(receiver: Any, *args: Any, **named: Any) -> Any:
    if isinstance(receiver, str) and len(args) >= 2 and isinstance(args[1], str):
        if (len(receiver) + 1) * max(len(args[1]), 1) > 10 * TEXT_RESULT_CHARS_MAX:
            raise MemoryError
    return _method("replace")(receiver, *args, **named)


def _padded(name: str) -> Callable[..., Any]:
    def call(receiver: str, width: int, *fill: str) -> str:
        if width > WIDTH_CHARS_MAX:
            raise MemoryError
        return _method(name)(receiver, width, *fill)

    return call


def _split(name: str) -> Callable[..., Any]:
    def call(receiver: Any, *args: Any, **named: Any) -> Any:
        parts = _method(name)(receiver, *args, **named)
        if len(parts) > SPLIT_ITEMS_MAX:
            raise MemoryError
        return parts

    return call


def _encode_date(name: str) -> Callable[..., Any]:
    def call(receiver: Any, fmt: str) -> Any:
        if len(fmt) > WIDTH_CHARS_MAX:
            raise MemoryError
        return _method(name)(receiver, fmt)

    return call


SCALAR_METHODS: dict[str, tuple[Callable[..., Any], str]] = {
    **{n: (_method(n), "text") for n in (
        "upper", "lower", "strip", "lstrip", "rstrip", "title", "capitalize", "casefold", "swapcase", "removeprefix",
        "removesuffix", "isoformat")},
    **{n: (_method(n), "bool") for n in (
        "startswith", "endswith", "isdigit", "isalpha", "isalnum", "isnumeric", "isdecimal", "isspace", "isupper", "islower", "istitle")},
    **{n: (_method(n), "int") for n in ("find", "rfind", "rindex", "weekday", "isoweekday", "total_seconds")},
    **{n: (_padded(n), "text") for n in ("zfill", "ljust", "rjust", "center")},
    **{n: (_split(n), "list") for n in ("split", "rsplit", "splitlines")},
    "partition": (_method("partition"), "tuple3"),
    "rpartition": (_method("rpartition"), "tuple3"),
    "replace": (_replace, "same"),
    "strftime": (_encode_date("strftime"), "text"),
    "date": (_method("date"), "date"),
    "time": (_method("time"), "time"),
}  # fmt: skip


def _scalar_method(receiver: Value, name: str, args: Args, named: Mapping[str, Value], span: Span) -> Value:
    function, kind = SCALAR_METHODS[name]
    operands = [receiver, *args, *named.values()]
    label = joined(operands)
    names = list(named)
    result_kind = kind_of(receiver.data) if kind == "same" else kind
    stopped = blocked(operands, label, result_kind if kind not in ("list", "tuple3") else "any", _chars_made(receiver, name, args))
    if stopped is not None:
        if isinstance(stopped.data, Fault):
            return stopped
        piece = Value(Unknown("text"), label, bound=receiver.bound)
        if kind == "list":
            return Value(Many(piece, min(SPLIT_ITEMS_MAX, receiver.bound or SPLIT_ITEMS_MAX)), label)
        return seq([piece] * 3, label, "tuple") if kind == "tuple3" else stopped

    def call(*plain_args: Any) -> Any:
        positional = plain_args[: 1 + len(args)]
        return function(*positional, **dict(zip(names, plain_args[1 + len(args) :], strict=True)))

    return pure(call, operands, result_kind, span)


def _chars_made(receiver: Value, name: str, args: Args) -> int | None:
    """How long a method's text can be, by public bounds (G3.7)."""
    size = len(receiver.data) if isinstance(receiver.data, str) else receiver.bound
    if name in ("zfill", "ljust", "rjust", "center"):
        return None if size is None else size + WIDTH_CHARS_MAX
    if name == "replace" and kind_of(receiver.data) in ("text", "any") and len(args) > 1:
        new = len(args[1].data) if isinstance(args[1].data, str) else args[1].bound
        return None if size is None or new is None else min((size + 1) * (new + 1), TEXT_RESULT_CHARS_MAX)
    return None if size is None else 3 * size  # `upper` and its like make at most three characters of one


def _join(receiver: Value, args: Args, named: Mapping[str, Value], span: Span) -> Value:
    items, stop, rest = _spread(args[0], span)
    label = join2(receiver.total, args[0].total)
    if stop is not None:
        return stop.under(label)
    if items is None:
        return Value(Unknown("text"), label, bound=TEXT_RESULT_CHARS_MAX)
    stopped = blocked([receiver, *items], label, "text", TEXT_RESULT_CHARS_MAX)
    if stopped is not None:
        return stopped
    if not isinstance(receiver.data, str) or not all(isinstance(item.data, str) for item in items):
        return fault("type", label, span)
    if sum(len(item.data) for item in items) + len(receiver.data) * len(items) > TEXT_RESULT_CHARS_MAX:
        return fault("limit", label, span)
    return Value(receiver.data.join(item.data for item in items), label)


def _get(receiver: Value, args: Args, named: Mapping[str, Value], span: Span) -> Value:
    data = receiver.data
    key, instead = args[0], args[1] if len(args) > 1 else Value(None)
    label = join2(join2(receiver.label, key.total), instead.total)  # one join over every operand, found or not (G2.3)
    found = ops.index(receiver, key, span)
    unknown, failed = scan(key)
    if failed is not None:
        return Value(failed, join2(label, found.total))  # a key that failed is no missing key
    if isinstance(data, (Map, Record)) and not unknown:
        missing = isinstance(data, Map) and ops.compare(ast.NotIn, key, receiver, span).data is True
        return instead.under(join2(label, found.label)) if missing else found.under(label)
    if isinstance(data, (Table, Map, Unknown)):
        return merge(found, instead).under(label)
    return fault("type", label, span)


def _keys(receiver: Value, args: Args, named: Mapping[str, Value], span: Span) -> Value:
    return _entries(receiver, span, lambda key, element: key)


def _values(receiver: Value, args: Args, named: Mapping[str, Value], span: Span) -> Value:
    return _entries(receiver, span, lambda key, element: element)


def _items(receiver: Value, args: Args, named: Mapping[str, Value], span: Span) -> Value:
    return _entries(receiver, span, lambda key, element: seq((key, element), PUBLIC, "tuple"))


def _entries(receiver: Value, span: Span, view: Callable[[Value, Value], Value]) -> Value:
    data = receiver.data
    match data:
        case Map(entries=entries):
            return seq([view(key, element) for key, element in entries.values()], receiver.label)
        case Record(fields=fields):
            return seq([view(Value(name), element) for name, element in fields.items()], receiver.label)
        case Table():
            element = view(data.key, data.element)
            return Value(Many(element, data.max), receiver.label, join2(receiver.label, element.total))
        case Unknown():
            return Value(Many(Value(Unknown("any"), receiver.label), ops.UNKNOWN_ITEMS_MAX), receiver.label)
    return fault("type", receiver.label, span)


def _count(receiver: Value, args: Args, named: Mapping[str, Value], span: Span) -> Value:
    if isinstance(receiver.data, (str, Unknown)):
        return pure(lambda text, *rest: text.count(*rest), [receiver, *args], "int", span)
    return _search(receiver, args, span, lambda items, wanted: items.count(wanted))


def _index(receiver: Value, args: Args, named: Mapping[str, Value], span: Span) -> Value:
    if isinstance(receiver.data, (str, Unknown)):
        return pure(lambda text, *rest: text.index(*rest), [receiver, *args], "int", span)
    return _search(receiver, args, span, lambda items, wanted: items.index(wanted))


def _search(receiver: Value, args: Args, span: Span, find: Callable[[list[Any], Any], int]) -> Value:
    label = joined([receiver, *args])
    stopped = blocked([receiver, *args], label, "int", size_max(receiver.data))
    if stopped is not None:
        return stopped
    if not isinstance(receiver.data, Seq) or len(args) != 1:
        return fault("type", label, span)
    try:
        return Value(find([ops.comparable(item) for item in receiver.data], ops.comparable(args[0])), label)
    except TYPE_ERRORS:
        return fault("type", label, span)
    except ValueError:
        return fault("value", label, span)


def _copy(receiver: Value, args: Args, named: Mapping[str, Value], span: Span) -> Value:
    return receiver


def _set_method(op: type[ast.operator]) -> Callable[..., Value]:
    def run(receiver: Value, args: Args, named: Mapping[str, Value], span: Span) -> Value:
        other = args[0]
        if kind_of(other.data) in ("list", "tuple"):
            other = _set([other], {}, span)
        return ops.set_operation(ops.SETS[op], receiver, other, span)

    return run


METHODS: dict[str, tuple[Callable[..., Value], int, int]] = {
    "join": (_join, 1, 1),
    "get": (_get, 1, 2),
    "keys": (_keys, 0, 0),
    "values": (_values, 0, 0),
    "items": (_items, 0, 0),
    "count": (_count, 1, 3),
    "index": (_index, 1, 3),
    "copy": (_copy, 0, 0),
    "union": (_set_method(ast.BitOr), 1, 1),
    "intersection": (_set_method(ast.BitAnd), 1, 1),
    "difference": (_set_method(ast.Sub), 1, 1),
    "symmetric_difference": (_set_method(ast.BitXor), 1, 1),
}

# methods that change a list, dict or set in Python: here statements that bind the name anew
REBINDING = frozenset({"append", "extend", "insert", "sort", "reverse", "add", "update", "remove", "discard", "pop"})
REFUSED_METHODS = {
    "format": "use an f-string: only a text that is written out, with bare fields, is accepted",
    "format_map": "use an f-string",
    "pop": "write `x = xs.pop()` or `xs.pop()` on a line of its own, on a name",
    "popitem": "read the element and build the rest",
    "remove": "write `xs.remove(x)` on a line of its own, on a name",
    "discard": "write `xs.discard(x)` on a line of its own, on a name",
    "clear": "assign an empty one",
    "setdefault": "write `if k not in d: d[k] = v`, then `d[k]`",
    "model_dump": "use the record, or `str(x)` for a text of it",
    "model_dump_json": "write `str(x)`",
    "dict": "use the record, or `str(x)` for a text of it",
    "json": "write `str(x)`",
    "timestamp": "compare the times themselves, or subtract them",
    "encode": "texts stay texts",
    "decode": "texts stay texts",
    "translate": "use `replace`",
    "expandtabs": "use `replace`",
}
METHOD_NAMES = frozenset(SCALAR_METHODS) | frozenset(METHODS)


def call_method(receiver: Value, name: str, args: Args, named: Mapping[str, Value], span: Span = NOWHERE) -> Value:
    """`receiver.name(…)` for a method of the tables; the resolver has checked that the name is one."""
    if isinstance(receiver.data, Fault):
        return Value(receiver.data, joined([receiver, *args, *named.values()]))
    if isinstance(receiver.data, Maybe):
        return call_method(receiver.data.value.under(receiver.label), name, args, named, span)
    if name in METHODS:
        run, least, most = METHODS[name]
        if not least <= len(args) <= most or named:
            return fault("type", joined([receiver, *args, *named.values()]), span)
        return run(receiver, args, named, span)
    return _scalar_method(receiver, name, args, named, span)


def changed(target: Value, name: str, args: Args, named: Mapping[str, Value], keys: Sequence[Value] | None, span: Span) -> Value:
    """What `target` is after `target.append(x)` and its like (REBINDING)."""
    made = _changed(target, name, args, named, keys, span)
    return made.under(joined([target, *args, *named.values()])) if isinstance(made.data, Fault) else made


def _changed(target: Value, name: str, args: Args, named: Mapping[str, Value], keys: Sequence[Value] | None, span: Span) -> Value:
    if name == "append" and len(args) == 1:
        return ops.appended(target, args[0], span)
    if isinstance(target.data, Maybe):
        return Value(Unknown("any"), joined([target, *args]))
    kind = kind_of(target.data)
    if name == "extend" and len(args) == 1 and kind == "list":
        more = _listed("list")([args[0]], {}, span)
        return ops.concatenated(target, more, span) if not isinstance(more.data, Fault) else more
    if name == "add" and len(args) == 1 and kind == "set":
        one = seq(args, PUBLIC, "set")
        return ops.set_operation(ops.SETS[ast.BitOr], target, one, span)
    if name == "update" and len(args) == 1:
        return _updated(target, args[0], span)
    if name == "insert" and len(args) == 2 and kind == "list":
        zero, none = args[0], Value(None)
        head, tail = ops.part(target, none, zero, none, span), ops.part(target, zero, none, none, span)
        middle = ops.concatenated(head, seq([args[1]]), span) if not isinstance(head.data, Fault) else head
        return ops.concatenated(middle, tail, span) if not isinstance(middle.data, Fault) else middle
    if name in ("remove", "discard") and len(args) == 1 and kind in ("list", "set") and (name == "remove" or kind == "set"):
        return ops.without(target, args[0], name == "discard", span)
    if name == "pop" and (kind == "dict" and args or kind == "list" and len(args) < 2):
        return ops.popped(target, args[0] if args else Value(-1), len(args) == 2, span)
    if name == "reverse" and not args and kind == "list":
        return _reversed([target], {}, span)
    if name == "sort" and not args and kind == "list":
        items, stop, rest = _spread(target, span)
        if stop is not None:
            return stop
        if items is None:
            found, label = rest
            label = join2(label, joined([*([found.element] if keys is None else keys), *named.values()]))
            return Value(Many(found.element, found.max), label, join2(label, found.element.total))
        return ops.ordered(items, items if keys is None else keys, named.get("reverse", Value(False)), rest, span)
    return fault("type", joined([target, *args, *named.values()]), span)


def _updated(target: Value, other: Value, span: Span) -> Value:
    if kind_of(target.data) == "set":
        return _set_method(ast.BitOr)(target, [other], {}, span)
    if isinstance(target.data, (Map, Table)) and isinstance(other.data, (Map, Table)):
        return ops.updated(target, other, span)
    return fault("type", joined([target, other]), span)
