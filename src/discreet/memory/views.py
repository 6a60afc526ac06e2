"""Views: the few coarsenings of a stored fact that may be told where the fact may not, each with a capacity in bits (G6.2).

A view is pure and total over texts: it gives its answer or raises ViewError. Its parameters come from a norm and from
nowhere else; `capacity_bits` is the binary logarithm of the number of answers that these parameters leave, rounded up,
so that no strategy can learn more from one release, whatever the fact. A fact that a view cannot read gets one of the
answers too, the one that grants least.

    view        of                             gives                answers                                  bits
    over-18     identity/birth-date            identity/over-18     yes; no, or not shown                    1
    last-four   finance/card, finance/account  finance/last-four    four digits, or none                     14
    city        contact/postal-address         location/city        a city of the norm's list, or elsewhere  log2(list + 1)
    free-busy   schedule/event                 schedule/free-busy/slots  busy or not, for each slot of a window   slots
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discreet.kernel.errors import DiscreetError, nearest

SLOTS_MAX = 24 * 60 // 15 * 7  # of one free-busy view: a week of quarters of an hour
CITIES_MAX = 4_096  # in one norm's list
NONE, ELSEWHERE = "none", "elsewhere"  # answers like the others
ADULT_YEARS = 18


class ViewError(DiscreetError):
    """A view that does not exist, or parameters that it does not take. Never about the fact."""


@dataclass(frozen=True, slots=True)
class View:
    """`takes` are information types (and all below), `gives` the type of the answer."""

    name: str
    takes: tuple[str, ...]
    gives: str
    parameters: Mapping[str, str]  # name -> what it is
    capacity_bits: Callable[[Mapping[str, Any]], int]
    apply: Callable[[str, Mapping[str, Any], dt.datetime], Any]


def view(name: str) -> View:
    """The view of that name. Raises ViewError."""
    if name not in VIEWS:
        raise ViewError(f"unknown view `{name}`{nearest(name, VIEWS)}")
    return VIEWS[name]


def capacity_bits(name: str, parameters: Mapping[str, Any]) -> int:
    """What one release can tell at most. Raises ViewError for parameters that the view does not take."""
    return _checked(name, parameters).capacity_bits(parameters)


def look(name: str, text: str, parameters: Mapping[str, Any], now: dt.datetime) -> Any:
    """The view's answer about a stored fact's text; `now` is the run's clock. The caller holds the grant."""
    return _checked(name, parameters).apply(text, parameters, now)


def fits(name: str, type_: str) -> bool:
    """Whether the view takes facts of that information type."""
    return any(type_ == t or type_.startswith(t + "/") for t in view(name).takes)


def _checked(name: str, parameters: Mapping[str, Any]) -> View:
    found = view(name)
    for given in parameters:
        if given not in found.parameters:
            raise ViewError(f"view `{name}` has no parameter `{given}`{nearest(given, found.parameters)}")
    for needed in found.parameters:
        if needed not in parameters:
            raise ViewError(f"view `{name}` needs `{needed}`: {found.parameters[needed]}")
    return found


def _bits(answers: int) -> int:
    return (answers - 1).bit_length()


# over-18


def _over_18(text: str, parameters: Mapping[str, Any], now: dt.datetime) -> bool:
    born = _only_date(text)
    if born is None:
        return False
    today = now.date()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day)) >= ADULT_YEARS


def _only_date(text: str) -> dt.date | None:
    """The one ISO date in a text; two different ones are none."""
    found = set(re.findall(r"(?<![\d-])(\d{4}-\d{2}-\d{2})(?![\d-])", text, re.ASCII))
    try:
        return dt.date.fromisoformat(found.pop()) if len(found) == 1 else None
    except ValueError:
        return None


# last-four


def _last_four(text: str, parameters: Mapping[str, Any], now: dt.datetime) -> str:
    """Of the one card or account number in a text: digits in groups, or an IBAN."""
    found = {re.sub(r"\D", "", number)[-4:] for number in _NUMBER.findall(text)}
    return found.pop() if len(found) == 1 else NONE


_NUMBER = re.compile(r"(?<![\w-])(?:[A-Z]{2}\d{2}(?: ?[A-Z\d]{2,4}){3,8}|\d(?:[ -]?\d){7,18})(?![\w-])", re.ASCII)


# city


def _city(text: str, parameters: Mapping[str, Any], now: dt.datetime) -> str:
    """The one city of the norm's list that stands in the address as whole words."""
    cities = _cities(parameters)
    plain = text.casefold()
    found = [c for c in cities if re.search(rf"(?<!\w){re.escape(c.casefold())}(?!\w)", plain)]
    longest = [c for c in found if not any(c != other and c.casefold() in other.casefold() for other in found)]
    return longest[0] if len(longest) == 1 else ELSEWHERE


def _cities(parameters: Mapping[str, Any]) -> Sequence[str]:
    cities = parameters["cities"]
    if not isinstance(cities, (list, tuple)) or not 0 < len(cities) <= CITIES_MAX or not all(isinstance(c, str) and c.strip() for c in cities):
        raise ViewError(f"`cities` is a list of 1 to {CITIES_MAX} names")
    return list(dict.fromkeys(cities))


# free-busy


def _free_busy(text: str, parameters: Mapping[str, Any], now: dt.datetime) -> tuple[bool, ...]:
    """Which slots of the window are taken by intervals `start/end`, one a line; an event with no end takes its slot.

    The text is what trusted code wrote of the stored events: ISO times, all with or all without a zone.
    """
    slots = _slots(parameters)
    busy = [False] * len(slots)
    for start, end in re.findall(r"^(\S+)/(\S+)$", text, re.MULTILINE):
        try:
            begin, stop = dt.datetime.fromisoformat(start), dt.datetime.fromisoformat(end)
            for i, (slot, after) in enumerate(slots):
                if begin < after and (stop > slot or begin == stop >= slot):
                    busy[i] = True
        except (ValueError, TypeError):  # no time, or one with a zone beside one without
            return (True,) * len(slots)
    return tuple(busy)


def _slots(parameters: Mapping[str, Any]) -> list[tuple[dt.datetime, dt.datetime]]:
    try:
        start, end = dt.datetime.fromisoformat(parameters["start"]), dt.datetime.fromisoformat(parameters["end"])
        step = dt.timedelta(minutes=int(parameters["slot_minutes"]))
        count = (end - start) / step
    except (ValueError, TypeError, ZeroDivisionError, OverflowError) as error:
        raise ViewError("`start` and `end` are ISO times and `slot_minutes` is a whole number of minutes") from error
    if step <= dt.timedelta() or not 0 < count <= SLOTS_MAX or count != int(count):
        raise ViewError(f"the window is a whole number of slots, 1 to {SLOTS_MAX} slots")
    return [(start + step * i, start + step * (i + 1)) for i in range(int(count))]


VIEWS: Mapping[str, View] = {
    "over-18": View(
        "over-18",
        ("identity/birth-date",),
        "identity/over-18",
        {},
        lambda parameters: _bits(2),
        _over_18,
    ),
    "last-four": View(
        "last-four",
        ("finance/card", "finance/account"),
        "finance/last-four",
        {},
        lambda parameters: _bits(10_000 + 1),
        _last_four,
    ),
    "city": View(
        "city",
        ("contact/postal-address",),
        "location/city",
        {"cities": "the cities that may be named"},
        lambda parameters: _bits(len(_cities(parameters)) + 1),
        _city,
    ),
    "free-busy": View(
        "free-busy",
        ("schedule/event",),
        "schedule/free-busy/slots",
        {"start": "when the window begins", "end": "when it ends", "slot_minutes": "how long one slot is"},
        lambda parameters: len(_slots(parameters)),
        _free_busy,
    ),
}
