"""The approved tools of an MCP server as tools: by what the user wrote of them, else an unknown outside recipient that may do anything (G5.1)."""

from __future__ import annotations

import datetime as dt
import keyword
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from discreet.kernel.contract import REQUIRED, WORST, Contract, Effect, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import Shape, enum, list_of, record_of, scalar, text
from discreet.tools.registry import Tool, of_connector

from .contract_file import ContractFile
from .mcp import RESULT_CHARS_MAX, ApprovedTool, McpServer

CALLS_MAX = 20
DURATION_S_MAX = 10**10
ANSWER = record_of("ToolAnswer", text=text(max=RESULT_CHARS_MAX), data=scalar("any", optional=True), asked=text(max=100, attested=True))
_SCALARS = {"integer": "int", "number": "float", "boolean": "bool"}


def mcp_tools(server: McpServer, described: ContractFile | None = None, zone: str = "UTC") -> tuple[Tool, ...]:
    """One tool for each approved one, called `<server>.<tool>`; the server's id as recipient is `mcp:<server>`. Raises DiscreetError,
    located, where what the user wrote of a tool does not fit the tool."""
    recipient = f"mcp:{server.config.name}"
    # it may hold what is the user's and what others told them: nobody has said, so nobody but itself hears of it unasked (G2.5)
    place = Place(f"mcp/{server.config.name}", label(list(WORST.tags), (*WORST.sources, recipient), audience=(recipient,)), owner=recipient)
    return tuple(_tool(server, approved, recipient, place, described, zone) for approved in server.approved.values())


def _tool(server: McpServer, approved: ApprovedTool, recipient: str, place: Place, described: ContractFile | None, zone: str) -> Tool:
    name = f"{_spelled(server.config.name)}.{_spelled(approved.name)}"
    arguments = schema_arguments(approved)
    summary = approved.summary or f"a tool of {server.config.name}"
    contract = described.contract(approved.name, name, arguments, approved.reads, ANSWER) if described else None
    if contract is not None:
        return _described(server, approved, contract if contract.summary else replace(contract, summary=summary), zone)
    # every argument decides something as far as anybody knows, so each needs the user's word or a norm
    role = Role.KEY if approved.reads else Role.WHAT
    parameters = tuple(Parameter(one, shape, role, REQUIRED if needed else None) for one, (shape, needed) in arguments.items())
    contract = Contract(
        name, summary, parameters, ANSWER,
        Effect.READ if approved.reads else Effect.WRITE, "errand", place, (recipient,), calls_max=CALLS_MAX)
    return of_connector(contract, server, approved.name)


def schema_arguments(approved: ApprovedTool) -> dict[str, tuple[Shape, bool]]:
    """Shape of each argument of the pinned schema that a plan can write, and whether it is needed; those first."""
    required = approved.schema.get("required", ())
    return {
        name: (_shape(schema), name in required)
        for name, schema in sorted(approved.schema.get("properties", {}).items(), key=lambda item: (item[0] not in required, item[0]))
        if _speakable(name)
    }


def _described(server: McpServer, approved: ApprovedTool, contract: Contract, zone: str) -> Tool:
    """A tool whose result the contract spells out: the structured answer, or the text where it is one; dates as plans have them."""
    made = of_connector(contract, server, approved.name)
    if contract.result is ANSWER:
        return made
    field = "text" if contract.result.kind in ("text", "enum") else "data"

    def perform(prepared: Any) -> Any:
        return fitted(made.perform(prepared)[field], contract.result, ZoneInfo(zone))

    return replace(made, perform=perform)


def fitted(raw: Any, shape: Shape, zone: ZoneInfo) -> Any:
    """JSON with the dates, moments and durations that a shape declares read from their texts and seconds; what is none stays, and is
    a fault in its own place."""
    if raw is None:
        return None
    match shape.kind:
        case "list" if isinstance(raw, list) and shape.element is not None:
            return [fitted(one, shape.element, zone) for one in raw]
        case "dict" if isinstance(raw, dict) and shape.element is not None:
            return {key: fitted(one, shape.element, zone) for key, one in raw.items()}
        case "record" if isinstance(raw, dict):
            return {name: fitted(raw.get(name), inner, zone) for name, inner in shape.fields.items()}
        case "date" | "datetime" | "time" if isinstance(raw, str):
            return _moment(raw, shape.kind, zone)
        case "duration" if isinstance(raw, (int, float)) and not isinstance(raw, bool) and abs(raw) < DURATION_S_MAX:
            return dt.timedelta(seconds=raw)
    return raw


def _moment(raw: str, kind: str, zone: ZoneInfo) -> Any:
    try:
        if kind == "date":
            return dt.date.fromisoformat(raw)
        if kind == "time":
            return dt.time.fromisoformat(raw)
        found = dt.datetime.fromisoformat(raw)
        return found.astimezone(zone).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError):
        return raw


def _shape(schema: Any) -> Shape:
    """The nearest shape that a plan's argument can be fitted to; the pinned schema itself is checked by the connector."""
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    if kind == "string":
        choices = schema.get("enum")
        if isinstance(choices, list) and choices and all(isinstance(c, str) for c in choices):
            return enum(*choices)
        return text()
    if kind == "array":
        return list_of(_shape(schema.get("items", {})))
    return scalar(_SCALARS.get(str(kind), "any"))


def _spelled(name: str) -> str:
    """A name as plans can write it."""
    plain = re.sub(r"[^a-z0-9_]", "_", name.lower()).lstrip("_0123456789") or "tool"
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def _speakable(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
