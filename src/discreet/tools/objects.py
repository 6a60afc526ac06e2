"""What an errand read of the objects that ids stand for: a question shows which mail it is, a reply is made of it (G5.4, G5.5).

Nothing is read for this: whatever a call of the errand gave is noted under the id beside it, and only the person sees it. What a
request is made of besides is given if whoever may learn the id may learn that too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from discreet.kernel.contract import Contract
from discreet.kernel.label import Label
from discreet.kernel.monitor import Flow
from discreet.kernel.shape import Shape
from discreet.kernel.value import Record, Seq, Value

SHOWN_CHARS_MAX = 300  # of one field that says which object it is; what is longer is shown cut, with its length
Key = tuple[str, str, str]  # kind of object, whose place it is in, id


@dataclass(frozen=True, slots=True)
class Known:
    """One object as it was read last: under which label, its fields as plain data, and those that are shown."""

    label: Label
    fields: Mapping[str, Any]
    shown: tuple[tuple[str, Any], ...]


@dataclass
class Objects:
    """Objects by id. Bounded by the calls of an errand and the greatest size of their results."""

    _known: dict[Key, Known] = field(default_factory=dict)

    def note(self, flow: Flow, raw: Any, value: Value, shape: Shape) -> None:
        """Every object in a result, under the id that stands beside it."""
        if names(shape):
            for kind, id_, known in _found(raw, value, shape):
                self._known[kind, flow.place.owner, id_] = known

    def of(self, flow: Flow) -> Iterator[tuple[str, str, Known | None]]:
        """What each id among the arguments stands for: (argument, kind of object, what was read of it)."""
        for parameter in flow.contract.parameters:
            value = flow.arguments[parameter.name]
            shape, items, where = parameter.shape, [value], parameter.name
            if shape.kind == "list" and shape.element is not None and isinstance(value.data, Seq):
                shape, items, where = shape.element, value.data.items(), f"{parameter.name}[{{}}]"
            if shape.id_of:
                for number, item in enumerate(items):
                    if isinstance(item.data, str) and item.data:
                        yield where.format(number), shape.id_of, self._known.get((shape.id_of, flow.place.owner, item.data))

    def along(self, flow: Flow, fields: tuple[str, ...]) -> dict[str, Any] | None:
        """Of the one object that the call names, what its request is made of besides; None where this errand has not read it, or
        where the id tells less than the object: then the flow that is checked would not cover it (G5.4)."""
        found = [(argument, known) for argument, _, known in self.of(flow)]
        if len(found) != 1 or found[0][1] is None:
            return None
        argument, known = found[0]
        return {name: known.fields.get(name) for name in fields} if known.label <= flow.arguments[argument].total else None


def names(shape: Shape) -> bool:
    """Whether an id that stands for an object is somewhere in `shape`."""
    return bool(shape.id_of) or (shape.element is not None and names(shape.element)) or any(map(names, shape.fields.values()))


def named(contract: Contract) -> bool:
    """Whether an argument of the tool is such an id: what it stands for shows in the run alone."""
    return any(names(parameter.shape) for parameter in contract.parameters)


def _found(raw: Any, value: Value, shape: Shape) -> Iterator[tuple[str, str, Known]]:
    data = value.data
    if shape.kind == "list" and shape.element is not None and isinstance(data, Seq):
        for one, item in zip(raw, data, strict=True):
            yield from _found(one, item, shape.element)
    elif shape.kind == "record" and isinstance(data, Record):
        shown = tuple(
            (name, raw[name]) for name, inner in shape.fields.items()
            if not inner.id_of and inner.kind not in ("list", "dict", "record", "any") and data.fields[name].ok and raw.get(name) not in (None, "")
        )  # fmt: skip
        for name, inner in shape.fields.items():
            id_ = data.fields[name].data
            if inner.id_of and isinstance(id_, str) and id_:
                yield inner.id_of, id_, Known(value.total, raw, shown)
            elif names(inner):
                yield from _found(raw.get(name), data.fields[name], inner)
