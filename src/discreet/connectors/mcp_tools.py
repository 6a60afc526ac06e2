"""The approved tools of an MCP server as tools: until somebody writes a contract, an unknown outside recipient that may do anything (G5.1)."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from typing import Any

from discreet.kernel.contract import REQUIRED, Contract, Effect, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import Shape, enum, list_of, record_of, scalar, text
from discreet.tools.registry import Tool, of_connector

from .mcp import RESULT_CHARS_MAX, ApprovedTool, McpServer

CALLS_MAX = 20
_SCALARS = {"integer": "int", "number": "float", "boolean": "bool"}


def mcp_tools(server: McpServer) -> tuple[Tool, ...]:
    """One tool for each approved one, called `<server>.<tool>`; the server's id as recipient is `mcp:<server>`."""
    recipient = f"mcp:{server.config.name}"
    place = Place(f"mcp/{server.config.name}", label((), (recipient,)), owner=recipient)
    return tuple(_tool(server, approved, recipient, place) for approved in server.approved.values())


def _tool(server: McpServer, approved: ApprovedTool, recipient: str, place: Place) -> Tool:
    """Every argument decides something as far as anybody knows, so each needs the user's word or a norm."""
    required = approved.schema.get("required", ())
    parameters = tuple(
        Parameter(name, _shape(schema), Role.KEY if approved.reads else Role.WHAT, REQUIRED if name in required else None)
        for name, schema in sorted(approved.schema.get("properties", {}).items(), key=lambda item: (item[0] not in required, item[0]))
        if _speakable(name)
    )
    result = record_of("ToolAnswer", text=text(max=RESULT_CHARS_MAX), data=scalar("any", optional=True), asked=text(max=100, attested=True))
    contract = Contract(
        f"{_spelled(server.config.name)}.{_spelled(approved.name)}", approved.summary or f"a tool of {server.config.name}", parameters, result,
        Effect.READ if approved.reads else Effect.WRITE, "errand", place, (recipient,), calls_max=CALLS_MAX)
    return of_connector(contract, server, approved.name)


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
