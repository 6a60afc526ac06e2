"""Views as tools: a trusted coarsening of a stored fact, with its own information type and a capacity in bits (G6.2, G6.3).

`memory.over_18()` and `memory.last_four(of=…)` look at one stored fact and give `identity/over-18` or `finance/last-four`.
Who may learn that is decided by the norms; how many bits, by the leakage account that an errand reserves before it starts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from discreet.kernel.contract import Contract, Parameter, Place, Role
from discreet.kernel.downgrade import Grant, declassify
from discreet.kernel.label import Label, Tag, label
from discreet.kernel.shape import Shape, enum, scalar, text
from discreet.kernel.value import Value
from discreet.ledger.entry import Item, Kind
from discreet.memory.views import capacity_bits, look, view
from discreet.tools.registry import PlainRequest, Tool

NO_FACT = ""  # a view of a fact that is not there answers as one that it cannot read


def view_tools(vault: Any, ledger: Any) -> list[Tool]:
    """The views whose parameters are fixed: `city` and `free-busy` need theirs in a norm and are not tools yet."""
    cards = ("finance/card", "finance/account")
    return [
        _view("over-18", "memory.over_18", "whether the user is of age", scalar("bool"), (), vault, ledger),
        _view("last-four", "memory.last_four", "the last four digits of a card or account", text(max=10), (
            Parameter("of", enum(*cards), Role.KEY, cards[0]),), vault, ledger),
    ]  # fmt: skip


def _view(name: str, called: str, summary: str, result: Shape, parameters: tuple[Parameter, ...], vault: Any, ledger: Any) -> Tool:
    found = view(name)
    place = Place(f"view:{name}", label([(found.gives, "user")]))
    contract = Contract(called, summary, parameters, result, purpose="lookup/own", place=place, recipients=(), view=found.gives, view_bits=capacity_bits(name, {}))

    def record(grant: Grant, before: Label, after: Label) -> None:
        items = tuple(Item(tag.type, tag.subject, contract.view_bits) for tag in sorted(after.tags))
        ledger.note(Kind.DOWNGRADE, tool=called, place=place.id, items=items, norms=(grant.by,), bits=contract.view_bits)

    def prepare(arguments: Mapping[str, Any], nonce: str, now: dt.datetime) -> PlainRequest:
        return PlainRequest(called, {**arguments, "now": now}, nonce)  # the run's clock, read once (G3.7)

    def perform(request: PlainRequest) -> Any:
        of = request.arguments.get("of", found.takes[0])
        facts = vault.recall([of], "", 1)
        stored = Value(facts[0].text, facts[0].label) if facts else Value(NO_FACT, label([(of, "user")]))
        coarse = Value(look(name, stored.data, {}, request.arguments["now"]), stored.label)
        # the view is the grant's shape; whether and to whom its bits may go is in the reservation, which names its norms
        return declassify(coarse, [Tag(found.gives, "user")], Grant(f"view:{name}", summary), record).data

    return Tool(contract, prepare, perform)
