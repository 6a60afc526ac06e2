"""Views as tools: a trusted coarsening of a stored fact, with its own information type and a capacity in bits (G6.2, G6.3).

    memory.over_18()          identity/over-18           of the birth date
    memory.last_four(of=…)    finance/last-four          of a card or an account
    memory.city()             location/city              of the address: a city of the norms' list, or elsewhere
    calendar.free(day=…)      schedule/free-busy/slots   of a day's events: which slots are free

Parameters are fixed in norms: without a list of cities, or hours, in a norm in force the tool is not there. Trusted code picks the
fact. Who may learn the answer is decided by the norms; how many bits, by the leakage account that an errand reserves before it starts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from discreet.connectors.calendar_tools import PROVIDER, SOURCE, of_busy
from discreet.kernel.contract import Contract, Parameter, Place, Role
from discreet.kernel.downgrade import Grant, declassify
from discreet.kernel.label import Label, Tag, label
from discreet.kernel.shape import Shape, enum, list_of, scalar, text
from discreet.kernel.value import Value
from discreet.ledger.entry import Item, Kind
from discreet.memory.views import ELSEWHERE, capacity_bits, look, view
from discreet.policy.norm import Norms
from discreet.policy.parameters import parameters
from discreet.tools.registry import PlainRequest, Tool

NO_FACT = ""  # a view of a fact that is not there answers as one that it cannot read
CARDS = ("finance/card", "finance/account")
BUSY = "calendar.busy"  # the tool that a day's events are read with


def view_tools(vault: Any, ledger: Any, norms: Norms | None = None, tools: Sequence[Tool] = ()) -> list[Tool]:
    """The views whose parameters are fixed: by nature, or by the norms. `tools` are the connected ones, the calendar among them."""
    of = (Parameter("of", enum(*CARDS), Role.KEY, CARDS[0]),)
    made = [
        _view("over-18", "memory.over_18", "whether the user is of age", scalar("bool"), (), {}, vault, ledger),
        _view("last-four", "memory.last_four", "the last four digits of a card or account", text(max=10), of, {}, vault, ledger),
    ]
    stated = parameters(norms or Norms(), view("city").gives)
    if "cities" in stated:
        chars_max = max(map(len, (ELSEWHERE, *stated["cities"])))
        fixed = {"cities": stated["cities"]}
        made.append(_view("city", "memory.city", f"the city that the user lives in, or {ELSEWHERE!r}", text(max=chars_max), (), fixed, vault, ledger))
    stated = parameters(norms or Norms(), view("free-busy").gives)
    busy = next((one for one in tools if one.name == BUSY), None)
    if "slot_minutes" in stated and busy is not None:
        made.append(_free(busy, stated, ledger))
    return made


def _view(
    name: str, called: str, summary: str, result: Shape, arguments: tuple[Parameter, ...], fixed: Mapping[str, Any], vault: Any, ledger: Any
) -> Tool:  # fmt: skip
    found = view(name)
    place = Place(f"view:{name}", label([(found.gives, "user")]))
    bits = capacity_bits(name, fixed)
    contract = Contract(called, summary, arguments, result, purpose="lookup/own", place=place, recipients=(), view=found.gives, view_bits=bits)

    def prepare(given: Mapping[str, Any], nonce: str, now: dt.datetime) -> PlainRequest:
        return PlainRequest(called, {**given, "now": now}, nonce)  # the run's clock, read once (G3.7)

    def perform(request: PlainRequest) -> Any:
        of = request.arguments.get("of", found.takes[0])
        facts = vault.recall([of], "", 1)
        stored = Value(facts[0].text, facts[0].label) if facts else Value(NO_FACT, label([(of, "user")]))
        coarse = Value(look(name, stored.data, fixed, request.arguments["now"]), stored.label)
        # the view is the grant's shape; whether and to whom its bits may go is in the reservation, which names its norms
        return declassify(coarse, [Tag(found.gives, "user")], Grant(f"view:{name}", summary), _writer(ledger, contract)).data

    return Tool(contract, prepare, perform)


def _writer(ledger: Any, contract: Contract) -> Callable[[Grant, Label, Label], None]:
    """Writes a downgrade into the ledger before what it gives is used (G6.1)."""

    def record(grant: Grant, before: Label, after: Label) -> None:
        items = tuple(Item(tag.type, tag.subject, contract.view_bits) for tag in sorted(after.tags))
        ledger.note(Kind.DOWNGRADE, tool=contract.name, place=contract.place.id, items=items, norms=(grant.by,), bits=contract.view_bits)  # type: ignore[union-attr]

    return record


def _free(busy: Tool, stated: Mapping[str, Any], ledger: Any) -> Tool:
    """The free slots of one day, whose hours and length the norms fix; the plan picks the day, and each look is counted."""
    found = view("free-busy")
    step = dt.timedelta(minutes=stated["slot_minutes"])

    def window(day: dt.date) -> dict[str, Any]:
        midnight = dt.datetime.combine(day, dt.time())
        first, last = (midnight + dt.timedelta(minutes=stated[name]) for name in ("from", "to"))
        return {"start": first.isoformat(), "end": last.isoformat(), "slot_minutes": stated["slot_minutes"]}

    bits = capacity_bits("free-busy", window(dt.date(2000, 1, 1)))
    summary = f"when each free slot of {stated['slot_minutes']} minutes of a day begins"
    # below free/busy, and so raised by all that is decided by private matters and shows there (G2.6)
    place = Place("calendar/busy/slots", label([(found.gives, "user")], (SOURCE,)), (PROVIDER,))
    contract = Contract(
        "calendar.free", summary, (Parameter("day", scalar("date"), Role.KEY),), list_of(scalar("datetime", attested=True), bits), purpose="lookup/own",
        place=place, recipients=(PROVIDER,), view=found.gives, view_bits=bits,
    )  # fmt: skip

    def coarser(day: dt.date, events: list[Mapping[str, dt.datetime]]) -> list[dt.datetime]:
        stored = "\n".join(f"{one['start'].isoformat()}/{one['end'].isoformat()}" for one in events)
        taken = look("free-busy", stored, window(day), dt.datetime.min)
        coarse = Value("".join("x" if one else "." for one in taken), label([(t, "user") for t in found.takes], (SOURCE,)))
        shown = declassify(coarse, [Tag(found.gives, "user")], Grant("view:free-busy", summary), _writer(ledger, contract)).data
        start = dt.datetime.fromisoformat(window(day)["start"])
        return [start + n * step for n, slot in enumerate(shown) if slot == "."]

    return of_busy(contract, busy, coarser)
