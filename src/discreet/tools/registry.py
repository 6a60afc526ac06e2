"""A tool is a contract with what prepares and performs its call; names match exactly.

`tool(contract, function)` makes one from a plain function: the arguments, as canonical JSON, fix the call.
"""

from __future__ import annotations

import datetime as dt
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from discreet.kernel.contract import Contract
from discreet.kernel.errors import DiscreetError, nearest
from discreet.policy.contracts import mistakes, notes, together

MISTAKES_MAX = 20  # of one set of tools that are told
LOOKED_MAX = 4_096  # contracts that need not be looked at again


class Prepared(Protocol):
    """An exact request: `canonical` fixes every byte that leaves (G5.4)."""

    @property
    def canonical(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Tool:
    """A contract, `prepare(arguments, nonce, now)` without any effect, and `perform(prepared)`, which has it.

    within  of a tool that runs a plan of its own (delegation): gets the gate, the labelled call and its result's label
    along   fields of the object that its id stands for which the request is made of too: `prepare` gets them as `stored`, as this
            errand read them, so that nothing leaves which the permit and the question do not cover (G5.4)
    reached field of the result that is False where those whom its arguments address were not reached, though the call was done
    """

    contract: Contract
    prepare: Callable[[Mapping[str, Any], str, dt.datetime], Prepared]
    perform: Callable[[Any], Any]
    within: Callable[[Any, Any, Any], Any] | None = None
    along: tuple[str, ...] = ()
    reached: str = ""

    @property
    def name(self) -> str:
        return self.contract.name


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """The request of a tool made from a function: its arguments."""

    tool: str
    arguments: Mapping[str, Any]
    nonce: str
    canonical: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "canonical", _ENCODE([self.tool, self.arguments]).encode())


def _shown(value: Any) -> Any:
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    raise TypeError(f"not plain data: {type(value).__name__}")


_ENCODE = json.JSONEncoder(sort_keys=True, default=_shown, ensure_ascii=True).encode


def tool(contract: Contract, function: Callable[..., Any]) -> Tool:
    """A tool whose effect is `function(**arguments)`; it returns plain data of the contract's result shape.

    Raises DiscreetError when the function does not take the contract's arguments by name.
    """
    if not isinstance(contract, Contract):
        raise DiscreetError(f"`tool(contract, function)` needs a Contract first; got {contract!r}")
    _fits(contract, function)

    def prepare(arguments: Mapping[str, Any], nonce: str, now: dt.datetime) -> PlainRequest:
        return PlainRequest(contract.name, arguments, nonce)

    return Tool(contract, prepare, lambda prepared: function(**prepared.arguments))


def _fits(contract: Contract, function: Callable[..., Any]) -> None:
    names = [p.name for p in contract.parameters]
    code = (getattr(function, "__code__", None), len(getattr(function, "__defaults__", None) or ()), *names)
    if code in _fitting:
        return
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin that does not say, or nothing to call at all
        if not callable(function):
            raise DiscreetError(f"`{contract.name}`: what performs it has to be a function; got {function!r}") from None
        return
    try:
        signature.bind(**dict.fromkeys(names))
    except TypeError as error:
        raise DiscreetError(f"`{contract.name}`: its function takes {signature}, and is called with {', '.join(names) or 'nothing'}, by name: {error}") from None
    if code[0] is not None and len(_fitting) < LOOKED_MAX:
        _fitting.add(code)


_fitting: set[tuple[Any, ...]] = set()  # functions that take their contract's arguments, by code


def of_connector(contract: Contract, connector: Any, action: str) -> Tool:
    """A tool whose effect is one action of a connector (`prepare(action, …)`, `perform(prepared)`)."""

    def prepare(arguments: Mapping[str, Any], nonce: str, now: dt.datetime) -> Any:
        return connector.prepare(action, arguments, nonce, now)

    return Tool(contract, prepare, connector.perform)


class Toolbox(Mapping[str, Tool]):
    """All tools of a session by name. Raises on two of one name, since no server shadows another's tool, and on contracts with
    names that no vocabulary has: a misspelt kind of information would meet no prohibition."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        wrong: list[str] = []
        for item in tools:
            if item.name in self._tools:
                raise DiscreetError(f"two tools are called `{item.name}`")
            self._tools[item.name] = item
            wrong += _mistakes(item.contract)
        wrong += together(item.contract for item in self._tools.values())
        if wrong:
            more = f"; and {len(wrong) - MISTAKES_MAX} more" if len(wrong) > MISTAKES_MAX else ""
            raise DiscreetError("; ".join(wrong[:MISTAKES_MAX]) + more)

    def __getitem__(self, name: str) -> Tool:
        if name not in self._tools:
            raise DiscreetError(f"unknown tool `{name}`{nearest(name, self._tools)}")
        return self._tools[name]

    def __iter__(self):
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def notes(self) -> list[str]:
        """What the contracts leave unsaid and how that is read, one sentence for each kind of slip."""
        return notes(item.contract for item in self._tools.values())

    @property
    def contracts(self) -> dict[str, Contract]:
        return {name: item.contract for name, item in self._tools.items()}


_looked: dict[int, tuple[Contract, list[str]]] = {}  # by identity, with the contract, so that no other has its number


def _mistakes(contract: Contract) -> list[str]:
    found = _looked.get(id(contract))
    if found is None:
        if len(_looked) >= LOOKED_MAX:
            _looked.clear()
        found = _looked[id(contract)] = (contract, mistakes(contract))
    return found[1]
