"""Shapes: the declared type, label and greatest size of a result, field by field, fixed before the call (G2.5, G5.1).

`to_value` turns what a connector returned into a labelled value; `to_unknown` makes the value that the preflight sees.
Both label alike: the place's and call's label joined with what the shape declares for each field.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from discreet.kernel.errors import invariant
from discreet.kernel.label import PUBLIC, Label, Tag, join2, label
from discreet.kernel.value import SCALARS, Many, Maybe, Standing, Table, Unknown, Value, fault, mapping, record, seq

TEXT_CHARS_MAX = 100_000  # characters of a text field that declares no maximum of its own
LIST_ITEMS_MAX = 50  # elements of a list that declares no maximum of its own
DICT_ITEMS_MAX = 50
INT_MAGNITUDE_MAX = 10**15
ANY_DEPTH_MAX = 20  # nesting of a result whose shape is not declared
ANY_ITEMS_MAX = 1_000  # elements of one list or dict of it
ANY_SCALARS = frozenset(SCALARS)

SCALAR_KINDS = {
    "text": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "date": (dt.date,),
    "datetime": (dt.datetime,),
    "time": (dt.time,),
    "duration": (dt.timedelta,),
    "none": (type(None),),
    "any": (),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The type and label of one result or argument.

    kind      a key of SCALAR_KINDS, or "list", "dict", "record", "enum"
    label     joined into the value: tags for what it tells, sources for who can have written it
    max       characters, elements or magnitude at most; public (G3.7)
    element   of a list or dict: the shape of its elements
    fields    of a record: name -> shape
    optional  whether None is possible
    attested  whether the provider itself vouches for the field (a price, not a review): needed for "described" (G3.6)
    choices   of an enum
    id_of     of a text that is an id: the kind of object that it stands for, so that what is read of the object beside its id can be
              shown where a call names it (G5.5)
    """

    kind: str
    label: Label = PUBLIC
    max: int | None = None
    element: Shape | None = None
    fields: Mapping[str, Shape] = field(default_factory=dict)
    name: str = ""
    optional: bool = False
    attested: bool = False
    choices: tuple[str, ...] = ()
    id_of: str = ""

    def stub(self) -> str:
        """How planners see it, as a Python annotation."""
        names = {"text": "str", "enum": "Literal", "none": "None", "duration": "timedelta", "any": "object"}
        if self.kind == "list":
            shown = f"list[{self.element.stub() if self.element else 'object'}]"
        elif self.kind == "dict":
            shown = f"dict[str, {self.element.stub() if self.element else 'object'}]"
        elif self.kind == "record":
            shown = self.name
        elif self.kind == "enum":
            shown = f"Literal[{', '.join(map(repr, self.choices))}]"
        else:
            shown = names.get(self.kind, self.kind)
        return f"{shown} | None" if self.optional and self.kind != "none" else shown

    def records(self) -> dict[str, Shape]:
        """Every record shape inside, by name, this one first."""
        found: dict[str, Shape] = {self.name: self} if self.kind == "record" else {}
        for inner in (*self.fields.values(), *((self.element,) if self.element else ())):
            found.update(inner.records())
        return found


def text(*tags: tuple[str, str], max: int = TEXT_CHARS_MAX, sources: tuple[str, ...] = (), **more: Any) -> Shape:
    """A text of at most `max` characters that tells `tags`."""
    return Shape("text", label(tags, sources), max, **more)


def scalar(kind: str, *tags: tuple[str, str], sources: tuple[str, ...] = (), **more: Any) -> Shape:
    """An int, float, bool, date, datetime, time, duration, none or any."""
    invariant(kind in SCALAR_KINDS, f"a scalar kind, not `{kind}`")
    return Shape(kind, label(tags, sources), **more)


def enum(*choices: str, tags: tuple[tuple[str, str], ...] = (), sources: tuple[str, ...] = (), **more: Any) -> Shape:
    """One of a fixed list of texts."""
    return Shape("enum", label(tags, sources), max=max(map(len, choices)), choices=choices, **more)


def list_of(element: Shape, max: int = LIST_ITEMS_MAX, tags: tuple[tuple[str, str], ...] = (), sources: tuple[str, ...] = ()) -> Shape:
    """A list of at most `max` elements; `tags` and `sources` label its shape: length and order."""
    return Shape("list", label(tags, sources), max, element)


def dict_of(element: Shape, max: int = DICT_ITEMS_MAX, tags: tuple[tuple[str, str], ...] = (), sources: tuple[str, ...] = ()) -> Shape:
    """A dict with text keys."""
    return Shape("dict", label(tags, sources), max, element)


def record_of(name: str, /, optional: bool = False, **fields: Shape) -> Shape:
    """A record read by attribute."""
    return Shape("record", fields=fields, name=name, optional=optional)


def to_value(raw: Any, shape: Shape, base: Label, standing: Standing = Standing.OUTSIDE, depth: int = 0) -> Value:
    """The labelled value of `raw`. What does not fit its shape is a fault in its own place, under that place's label, so
    that a misfit tells nothing to who may not read the field (G3.4)."""
    own = join2(base, shape.label)
    if raw is None and (shape.optional or shape.kind in ("none", "any")):
        return Value(None, own, None, standing)
    match shape.kind:
        case "list":
            limit = shape.max if shape.max is not None else LIST_ITEMS_MAX
            if not isinstance(raw, (list, tuple)) or len(raw) > limit:
                return fault("failed", own)
            element = shape.element or Shape("any")
            made = seq([to_value(item, element, own, standing, depth + 1) for item in raw], own, "list", standing)
            made.bound = limit
            return made
        case "dict":
            limit = shape.max if shape.max is not None else DICT_ITEMS_MAX
            if not isinstance(raw, dict) or len(raw) > limit or not all(isinstance(key, str) for key in raw):
                return fault("failed", own)
            element = shape.element or Shape("any")
            return mapping({k: (Value(k, own, None, standing), to_value(v, element, own, standing, depth + 1)) for k, v in raw.items()}, own)
        case "record":
            if not isinstance(raw, dict):
                return fault("failed", own)
            return record(shape.name, {n: to_value(raw.get(n), s, own, standing, depth + 1) for n, s in shape.fields.items()}, own, standing)
        case "any":
            return _any(raw, own, standing, depth)
    return _scalar(raw, shape, own, standing)


def _scalar(raw: Any, shape: Shape, own: Label, standing: Standing) -> Value:
    if shape.kind == "enum":
        good = isinstance(raw, str) and raw in shape.choices
        return Value(raw, own, None, standing, shape.max) if good else fault("failed", own)
    good = type(raw) in SCALAR_KINDS[shape.kind]
    bound = shape.max
    if good and isinstance(raw, str):
        bound = TEXT_CHARS_MAX if bound is None else bound
        good = len(raw) <= bound
    elif good and isinstance(raw, int) and not isinstance(raw, bool):
        good = abs(raw) <= (INT_MAGNITUDE_MAX if bound is None else bound)
    elif good and isinstance(raw, float):
        good = raw == raw and (bound is None or abs(raw) <= bound)  # NaN is a fault (G2.4)
    return Value(raw, own, None, standing, bound) if good else fault("failed", own)


def _any(raw: Any, own: Label, standing: Standing, depth: int) -> Value:
    if depth > ANY_DEPTH_MAX:
        return fault("failed", own)
    if isinstance(raw, dict) and len(raw) <= ANY_ITEMS_MAX and all(isinstance(key, str) for key in raw):
        return mapping({k: (Value(k, own, None, standing), _any(v, own, standing, depth + 1)) for k, v in raw.items()}, own)
    if isinstance(raw, (list, tuple)) and len(raw) <= ANY_ITEMS_MAX:
        return seq([_any(v, own, standing, depth + 1) for v in raw], own, "list", standing)
    if type(raw) not in ANY_SCALARS or raw != raw or (isinstance(raw, str) and len(raw) > TEXT_CHARS_MAX):
        return fault("failed", own)
    if isinstance(raw, int) and abs(raw) > INT_MAGNITUDE_MAX:
        return fault("failed", own)
    return Value(raw, own, None, standing, TEXT_CHARS_MAX if isinstance(raw, str) else None)


def to_unknown(shape: Shape, base: Label, standing: Standing = Standing.OUTSIDE) -> Value:
    """The value that the preflight sees: labels, type and greatest size of `shape`, no data (G3.8)."""
    own = join2(base, shape.label)
    match shape.kind:
        case "list":
            element = to_unknown(shape.element or Shape("any"), own, standing)
            limit = shape.max if shape.max is not None else LIST_ITEMS_MAX
            made = Value(Many(element, limit), own, element.total, standing, limit)  # which has `own`
        case "dict":
            element = to_unknown(shape.element or Shape("any"), own, standing)
            limit = shape.max if shape.max is not None else DICT_ITEMS_MAX
            key = Value(Unknown("text"), own, None, standing, TEXT_CHARS_MAX)
            made = Value(Table(key, element, limit), own, element.total, standing, limit)
        case "record":
            made = record(shape.name, {n: to_unknown(s, own, standing) for n, s in shape.fields.items()}, own, standing)
        case "none":
            made = Value(Unknown("none"), own, None, standing)  # a call may also fail
        case "enum":
            made = Value(Unknown("text"), own, None, standing, shape.max)
        case kind:
            bound = shape.max if shape.max is not None or kind not in ("text", "any") else TEXT_CHARS_MAX
            made = Value(Unknown(kind), own, None, standing, bound)
    if shape.optional:
        made = Value(Maybe(made), own, made.total, standing, made.bound)
    return made


def worst(shape: Shape) -> Label:
    """Join of every label inside `shape`."""
    result = shape.label
    for inner in (*shape.fields.values(), *((shape.element,) if shape.element else ())):
        result = join2(result, worst(inner))
    return result


def tags(*pairs: tuple[str, str]) -> tuple[Tag, ...]:
    """Tags from (information type, subject) pairs."""
    return tuple(Tag(*pair) for pair in pairs)
