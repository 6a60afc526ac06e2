"""The reader as a tool: a labelled value and a question in, a typed answer out, under the join of all it was sent (G4.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from discreet.kernel.contract import NOPLACE, Contract, Parameter, Place, Role
from discreet.kernel.errors import PlanError
from discreet.kernel.label import PUBLIC
from discreet.kernel.shape import Shape, enum, list_of, scalar, text
from discreet.kernel.value import Map, Record, Seq, Unknown, Value
from discreet.models.provider import account_at
from discreet.tools.registry import Tool, tool

READ_CALLS_MAX = 100  # at one place of a plan: a loop over a list of the usual length reads every element
READ_CHARS_MAX = 60_000
QUESTION_CHARS_MAX = 1_000
ANSWER_CHARS_MAX = 2_000
ANSWER_ITEMS_MAX = 20
SOURCE = "reader"

SCALARS = {
    "str": "text", "text": "text", "string": "text", "int": "int", "integer": "int", "float": "float", "number": "float",
    "bool": "bool", "boolean": "bool", "date": "date", "datetime": "datetime", "time": "time",
}  # fmt: skip


def reader_tool(ask: Callable[[str, str, Shape], Any], recipient: str = "provider:reader", calls_max: int = READ_CALLS_MAX) -> Tool:
    """`read(text, question, schema)`. `ask(text, question, shape)` is one call of a model without tools, or raises."""
    contract = Contract(
        name="read",
        summary="a reader without tools answers one question about one text; schema: a type, or {\"name\": type}, or [\"choice\", \"choice\"]",
        parameters=(
            Parameter("text", Shape("any"), Role.CONTENT),
            Parameter("question", text(max=QUESTION_CHARS_MAX), Role.CONTENT),
            Parameter("schema", Shape("any"), Role.CONTENT, default="str"),
        ),
        result=text(max=ANSWER_CHARS_MAX, sources=(SOURCE,)),
        purpose="reading",
        place=memory_of(recipient),
        recipients=(recipient,),
        result_rule=lambda arguments: shape_of(arguments["schema"]),
        calls_max=calls_max,
    )

    def run(text: Any, question: str, schema: Any) -> Any:
        shown = text if isinstance(text, str) else repr(text)
        return ask(shown[:READ_CHARS_MAX], question, _shape(schema))

    return tool(contract, run)


def memory_of(recipient: str) -> Place:
    """Where a reader's answers come from: nowhere but the call for a fresh local process, for a hosted one all that its account was ever
    sent, by planners too (G4.2)."""
    account = account_at(recipient)
    return Place(f"planner:{account}", PUBLIC, remembers=True) if account else NOPLACE


def shape_of(schema: Value) -> Shape:
    """The shape that a schema argument declares; anything when it is not known before the call."""
    if isinstance(schema.data, Unknown):
        return Shape("any", _sources())
    return _shape(_plain(schema))


def _plain(value: Value) -> Any:
    data = value.data
    if isinstance(data, Map):
        return {key: _plain(held) for key, (_, held) in data.entries.items()}
    if isinstance(data, Seq):
        return [_plain(item) for item in data]
    return None if isinstance(data, Record) else data


def _sources() -> Any:
    return text(sources=(SOURCE,)).label


def _shape(schema: Any, depth: int = 0) -> Shape:
    if depth > 3:
        raise PlanError("a schema nested deeper than 3")
    if isinstance(schema, Mapping):
        fields = {str(name): _shape(inner, depth + 1) for name, inner in schema.items()}
        return Shape("record", fields=fields, name="Answer" if depth == 0 else f"Part{depth}")  # a field may be called `optional`
    if isinstance(schema, (list, tuple)):
        if len(schema) > 1 and all(isinstance(choice, str) and choice not in SCALARS for choice in schema):
            return enum(*schema, sources=(SOURCE,))
        inner = _shape(schema[0] if schema else "str", depth + 1)
        return list_of(inner, ANSWER_ITEMS_MAX, sources=(SOURCE,))
    name = str(schema).strip().lower()
    if name.startswith("list[") and name.endswith("]"):
        return list_of(_shape(name[5:-1], depth + 1), ANSWER_ITEMS_MAX, sources=(SOURCE,))
    kind = SCALARS.get(name)
    if kind is None:
        raise PlanError(f"`{name[:40]}` is no type for an answer", rewrite="str, int, float, bool, date, or a list of choices")
    if kind == "text":
        return text(max=ANSWER_CHARS_MAX, sources=(SOURCE,))
    return scalar(kind, sources=(SOURCE,), optional=True)
