"""One suite's environment as services of one user: calls go to the benchmark's own functions and are kept as its traces."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Recipient, Role
from discreet.kernel.shape import Shape
from discreet.tools.call import Failure
from discreet.tools.directory import Directory
from discreet.tools.registry import Tool, tool

OWN = frozenset({"own-provider"})


@dataclass
class House:
    """A live environment: `call` runs one of the benchmark's functions on it and notes the call."""

    environment: Any
    runtime: Any
    traces: list[Any] = field(default_factory=list)

    def call(self, function: str, **arguments: Any) -> Any:
        """The function's own result. A call that it refuses is a `refused` failure without contents."""
        from agentdojo.functions_runtime import FunctionCall

        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            result, _ = self.runtime.run_function(self.environment, function, given, raise_on_error=True)
        except (ValueError, TypeError) as error:
            raise Failure("refused", type(error).__name__) from None
        self.traces.append(FunctionCall(function=function, args=given))
        return result

    def search(self, function: str, **arguments: Any) -> Any:
        """As `call`, where the function raises when nothing is found: an empty list."""
        try:
            return self.call(function, **arguments)
        except Failure:
            return []


@dataclass(frozen=True, slots=True)
class Services:
    """What a suite gives: its tools and the user's own directory."""

    tools: tuple[Tool, ...]
    directory: Directory


def service(id_: str, *roles: str, name: str = "") -> Recipient:
    """A recipient that contracts name; its roles are the user's configuration."""
    return Recipient(id_, id_, frozenset(roles) or OWN, name or id_)


def reading(name: str, summary: str, keys: tuple[Parameter, ...], result: Shape, place: Any, run: Callable[..., Any], purpose: str = "lookup/own", **more: Any) -> Tool:
    """A tool that only reads."""
    return tool(Contract(name, summary, keys, result, Effect.READ, purpose, place, **more), run)


def acting(
    name: str, summary: str, parameters: tuple[Parameter, ...], result: Shape, place: Any, run: Callable[..., Any], purpose: str,
    effect: Effect = Effect.WRITE, **more: Any,
) -> Tool:  # fmt: skip
    """A tool that writes, pays or deletes."""
    return tool(Contract(name, summary, parameters, result, effect, purpose, place, **{"calls_max": 20, **more}), run)


def key(name: str, shape: Shape, default: Any = ..., address: str = "") -> Parameter:
    """An argument that selects what is read."""
    return Parameter(name, shape, Role.KEY, **({} if default is ... else {"default": default}), address=address)


def arg(name: str, shape: Shape, role: Role = Role.CONTENT, default: Any = ..., address: str = "") -> Parameter:
    """An argument of an act."""
    return Parameter(name, shape, role, **({} if default is ... else {"default": default}), address=address)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(str(text)[:10])


NOWHERE = NOPLACE
