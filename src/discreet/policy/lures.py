"""What in a text for others could lure them: a link, an address or an account number that the user did not write.

Outside text may fill what is sent to whom the user named (G1.2), and a link in it then speaks with the user's voice. An
allowance that asks or forbids may be narrowed to such texts (`holds`). Whoever gets the text may learn all of it, so that
asking by what is in it tells them nothing more, and a refusal stays under the label of the call (G3.4). It only takes from
what is allowed, and never adds to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from discreet.kernel.contract import USER, Role
from discreet.kernel.monitor import Flow, lowest_standing
from discreet.kernel.value import Map, Record, Seq, Standing, Value

LURES = {
    "link": re.compile(r"(?:https?://|www\.)[^\s<>\"'()\[\]{}]{2,2000}", re.I),
    "address": re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"),
    "account": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
}


def lures(flow: Flow, kinds: Iterable[str], request: str) -> bool:
    """Whether a content argument of a call that reaches others holds such a thing that stands nowhere in the request, or what it takes
    along by its id may hold one: stored contents are not looked at here, so that they count as if, unless the user named them."""
    if all(r.account == USER.account or "own-provider" in r.roles for r in flow.recipients):
        return False
    kinds = tuple(kinds)
    return _unseen(flow) or any(unsaid(text, kinds, request) for value in _contents(flow) for text in _texts(value))


def _unseen(flow: Flow) -> bool:
    keys = [flow.arguments[p.name] for p in flow.contract.parameters if p.role is Role.KEY and p.name in flow.arguments]
    return bool(flow.moved.sources) and any(lowest_standing(value).what < Standing.RESOLVED for value in keys)


def unsaid(text: str, kinds: Iterable[str], request: str) -> list[str]:
    """What of these kinds stands in a text and, as a whole, nowhere in the request."""
    found = [match.group().rstrip(".,;:!?") for kind in kinds for match in LURES[kind].finditer(text)]
    return [one for one in found if not _stands(one, request)]


def _stands(one: str, request: str) -> bool:
    wanted = r"\s?".join(map(re.escape, one.casefold().replace(" ", "")))  # an account number is written with blanks or without
    return re.search(rf"(?<![\w@]){wanted}(?![\w@/-])", request.casefold()) is not None


def _contents(flow: Flow) -> Iterator[Value]:
    for parameter in flow.contract.parameters:
        if parameter.role is Role.CONTENT and parameter.name in flow.arguments:
            yield flow.arguments[parameter.name]


def _texts(value: Value) -> Iterator[str]:
    match value.data:
        case str() as text:
            yield text
        case Seq() as items:
            for item in items:
                yield from _texts(item)
        case Record(fields=fields):
            for item in fields.values():
                yield from _texts(item)
        case Map(entries=entries):
            for _, item in entries.values():
                yield from _texts(item)
