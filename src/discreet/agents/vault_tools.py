"""The vault as tools: a plan names the information type and gets the whole label of that type (G7.2, G2.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from discreet.kernel.contract import Contract, Parameter, Place, Role
from discreet.kernel.label import Label, label
from discreet.kernel.shape import text
from discreet.kernel.value import Value
from discreet.policy.vocabulary import kinds_of_facts, types
from discreet.tools.registry import Tool, tool

QUERY_CHARS_MAX = 300
FACT_CHARS_MAX = 4_000
MOST_PRIVATE = "unclassified"  # a type that is not known before the call may be any of them


class Facts(Protocol):
    """The vault, as far as recalling needs it."""

    def recall(self, types: Sequence[str], query: str, limit: int, learned: bool = False) -> Sequence[Any]: ...


def vault_tools(vault: Facts, subjects: tuple[str, ...] = ("user",)) -> list[Tool]:
    """`memory.recall` over what the user said, `memory.recall_learned` over what came from outside."""
    return [_recall(vault, False, subjects), _recall(vault, True, subjects)]


def _recall(vault: Facts, learned: bool, subjects: tuple[str, ...]) -> Tool:
    def place(arguments: Mapping[str, Value]) -> Place:
        named = arguments["type"].data
        known = isinstance(named, str) and named in kinds_of_facts()
        wanted = named if known else MOST_PRIVATE
        return Place(f"vault:{wanted}{':learned' if learned else ''}", place_label(wanted, learned, subjects))

    contract = Contract(
        name="memory.recall_learned" if learned else "memory.recall",
        summary="what outside texts told of one information type" if learned else "what the user told of one information type: the best match, or an empty text",
        parameters=(
            Parameter("type", text(max=100), Role.KEY),
            Parameter("query", text(max=QUERY_CHARS_MAX), Role.KEY, default=""),
        ),
        result=text(max=FACT_CHARS_MAX, attested=not learned),
        within="type",
        purpose="lookup",
        place=place,
        recipients=(),
        seconds_max=None,  # the vault is in this process
    )

    def run(type: str, query: str) -> str:
        if type not in kinds_of_facts():
            return ""  # absent and withheld answer alike (G6.3)
        found = vault.recall([type], query, 1, learned=learned) or vault.recall([type], "", 1, learned=learned)
        return found[0].text if found else ""

    return tool(contract, run)


def place_label(type_: str, learned: bool, subjects: tuple[str, ...]) -> Label:
    """The fixed label of a vault type: with all below it, which a recall reads too and a prohibition may name."""
    return label([(t, subject) for t in types().below(type_) for subject in subjects], {"outside"} if learned else ())


