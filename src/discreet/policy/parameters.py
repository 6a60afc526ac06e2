"""The parameters of views, which are fixed in norms and nowhere else (G6.2): the cities that may be named, the slots of a day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from discreet.policy.fields import Problem
from discreet.policy.norm import Bits, Norms
from discreet.policy.vocabulary import ANY, ancestors

CITIES_MAX = 500  # that the norms of a view may name
CITY_CHARS_MAX = 100
SLOTS_MAX = 96  # of a day: quarters of an hour
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)\Z")


def parameters(norms: Norms, view: str) -> Mapping[str, Any]:
    """The parameters of a view that the norms in force state: of a city its list, of a day its slots; nothing where none do, or where two differ."""
    about = [b for b in norms.bits if b.view in (ANY, *ancestors(view))]
    cities = {b.cities for b in about if b.cities}
    slots = {(b.hours, b.slot_minutes) for b in about if b.hours}
    found: dict[str, Any] = {}
    if len(cities) == 1 and len(listed := cities.pop()) <= CITIES_MAX:
        found["cities"] = listed
    if len(slots) == 1:
        hours, found["slot_minutes"] = slots.pop()
        found["from"], found["to"] = _minutes(hours)
    return found


def differing(user: Iterable[Bits], shipped: Iterable[Bits]) -> list[Problem]:
    """Norms of one view that state other parameters than an earlier one: then the view is of no use, since it has one answer for all."""
    problems = []
    first: dict[tuple[str, str], tuple[Any, str]] = {}
    for bits in (*shipped, *user):
        for field, stated in (("cities", bits.cities), ("hours", (bits.hours, bits.slot_minutes) if bits.hours else ())):
            before, by = first.setdefault((bits.view, field), (stated, bits.id)) if stated else (stated, "")
            if before != stated:
                why = f"`{by}` states others of this view; a view has one answer for all, so state the same"
                problems.append(Problem(bits.origin, bits.line, 1, f"`{bits.id}`: {field}: {why}"))
    return problems


def city_error(text: str) -> str:
    return "" if text.strip() and len(text) <= CITY_CHARS_MAX and text.isprintable() else f"a city is a name of at most {CITY_CHARS_MAX} characters"


def slots_error(hours: str, slot_minutes: int) -> str:
    """What is wrong with the slots of a day; nothing where none are stated."""
    if not hours and not slot_minutes:
        return ""
    if not hours or not slot_minutes:
        return "`hours` and `slot_minutes` go together"
    if not _HOURS.match(hours):
        return 'a text such as "09:00-18:00" is needed'
    begin, end = _minutes(hours)
    count = (end - begin) / slot_minutes
    if end > 24 * 60 or not 1 <= count <= SLOTS_MAX or count != int(count):
        return f"`hours` is a whole number of slots, from 1 to {SLOTS_MAX}"
    return ""


def _minutes(hours: str) -> tuple[int, int]:
    a, b, c, d = map(int, _HOURS.match(hours).groups())  # type: ignore[union-attr]
    return a * 60 + b, c * 60 + d
