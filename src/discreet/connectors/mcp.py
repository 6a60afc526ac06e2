"""Any MCP server by configuration: its approved tools, each pinned as it was when the user approved it.

A server is a recipient, and what it says of its tools is outside text. A tool whose name, description or schema is not what
was approved is refused before it is called, in the same conversation (CVE-2025-54136). Arguments are checked here, since servers
need not; a server that asks for sampling or elicitation is declined, and the result says that it asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from .base import Connector, canonical_json
from .errors import InvalidArgument, Refused
from .mcp_wire import McpConfig, McpLink

SCHEMA_BYTES_MAX = 100_000
ARGUMENT_BYTES_MAX = 200_000
RESULT_CHARS_MAX = 100_000
DESCRIPTION_CHARS_MAX = 10_000

_NAMED = ("properties", "$defs", "definitions", "dependentSchemas")  # their keys are names, not keywords
_PINNED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations", "execution")


@dataclass(frozen=True, slots=True)
class ApprovedTool:
    """One tool as the user approved it. `summary` is what planners see of it; `reads` says that it changes nothing."""

    name: str
    digest: str
    schema: Mapping[str, Any]
    summary: str = ""
    reads: bool = False


class McpServer(Connector):
    """One MCP server as a connector: an action for each approved tool."""

    def __init__(self, config: McpConfig, approved: tuple[ApprovedTool, ...] = ()) -> None:
        self.config = config
        self.approved = {tool.name: tool for tool in approved}
        self.name = f"mcp:{config.name}"  # type: ignore[misc]
        self.parameters = {tool.name: tuple(tool.schema.get("properties", {})) for tool in approved}  # type: ignore[misc]
        self._link = McpLink(config)

    def close(self) -> None:
        self._link.close()

    def offered(self) -> list[dict[str, Any]]:
        """What the server offers now, for the user to approve: outside text, cut to size."""
        return [
            {"name": str(tool.get("name"))[:200], "description": str(tool.get("description") or "")[:DESCRIPTION_CHARS_MAX], "schema": tool.get("inputSchema") or {},
             "digest": pin(tool)}
            for tool in self._link.list_tools()
        ]

    def prepare(self, action: str, args: Mapping[str, Any], nonce: str, now: datetime) -> Any:
        if action not in self.approved:
            raise InvalidArgument("action", f"`{action}` is no approved tool of `{self.config.name}`")
        return super().prepare(action, args, nonce, now)

    def __getattr__(self, name: str) -> Any:
        """`_prepare_<tool>` and `_perform_<tool>` for every approved tool."""
        for prefix, made in (("_prepare_", self._prepared), ("_perform_", self._performed)):
            if name.startswith(prefix) and name[len(prefix):] in self.__dict__.get("approved", {}):
                tool = name[len(prefix):]
                return lambda *given: made(tool, *given)
        raise AttributeError(name)

    def _prepared(self, tool: str, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        arguments = {name: _as_json(name, value) for name, value in args.items()}
        if len(canonical_json(arguments)) > ARGUMENT_BYTES_MAX:
            raise InvalidArgument("arguments", f"are over {ARGUMENT_BYTES_MAX} bytes")
        _validate(arguments, self.approved[tool].schema)
        return {"server": _where(self.config), "tool": tool, "digest": self.approved[tool].digest, "arguments": arguments}

    def _performed(self, tool: str, request: dict[str, Any]) -> dict[str, Any]:
        if request["server"] != _where(self.config):
            raise InvalidArgument("server", "is not configured as it was when this was prepared")

        def unchanged(listed: list[dict[str, Any]]) -> None:
            same_name = [t for t in listed if t.get("name") == tool]
            if len(same_name) != 1 or pin(same_name[0]) != request["digest"]:
                raise Refused("redefined", "tool is not as it was approved; it was not called")

        answer = self._link.call(tool, request["arguments"], writes=not self.approved[tool].reads, before=unchanged)
        if answer.is_error:
            raise Refused("tool_error", "tool answered with an error", answer.text)
        told = answer.text.encode("utf-8", "replace").decode()[:RESULT_CHARS_MAX]
        return {"text": told, "data": answer.structured, "asked": answer.asked}


def pin(tool: Mapping[str, Any]) -> str:
    """The digest of everything that a tool says of itself."""
    told = {key: tool[key] for key in _PINNED if tool.get(key) is not None}
    return hashlib.sha256(canonical_json(told)).hexdigest()


def approve(offered: Mapping[str, Any], summary: str = "", reads: bool = False) -> ApprovedTool:
    """Pin one entry of `offered()` as the user saw it."""
    if not isinstance(offered["schema"], dict) or len(canonical_json(offered["schema"])) > SCHEMA_BYTES_MAX:
        raise InvalidArgument("schema", f"is no schema of at most {SCHEMA_BYTES_MAX} bytes")
    return ApprovedTool(offered["name"], offered["digest"], offered["schema"], summary, reads)


def _validate(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Against the pinned schema, without its patterns: a hostile pattern could keep this machine busy, and the server checks its own."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    closed = {"additionalProperties": False, **_without_patterns(schema)} if "properties" in schema else _without_patterns(schema)
    try:
        Draft202012Validator.check_schema(closed)
        wrong = next(iter(Draft202012Validator(closed, registry=Registry()).iter_errors(arguments)), None)
    except (SchemaError, Unresolvable, RecursionError) as error:
        raise InvalidArgument("schema", "of the tool is not a JSON Schema that stands alone") from error
    if wrong is not None:
        where = str(wrong.absolute_path[0]) if wrong.absolute_path else (wrong.validator or "arguments")
        raise InvalidArgument(where, f"does not fit the tool's schema (`{wrong.validator}`)")


def _without_patterns(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {
            key: {name: _without_patterns(inner) for name, inner in value.items()} if key in _NAMED and isinstance(value, Mapping) else _without_patterns(value)
            for key, value in schema.items() if key not in ("pattern", "patternProperties", "$schema", "$id")
        }
    if isinstance(schema, list):
        return [_without_patterns(item) for item in schema]
    return schema


def _as_json(name: str, value: Any) -> Any:
    """Plain data of plans as JSON: moments and durations as ISO texts and seconds."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, list | tuple):
        return [_as_json(name, item) for item in value]
    if isinstance(value, dict):
        return {str(key): _as_json(name, item) for key, item in value.items()}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise InvalidArgument(name, f"cannot be told as JSON: {type(value).__name__}")


def _where(config: McpConfig) -> str:
    return config.url or " ".join(config.command)
