"""One address book over CardDAV: contacts found by equality of name, relation or e-mail address.

Finding is by equality only, and cards that were collected by a mail program rather than entered by the owner are left out:
a stranger can put a friend's name on such a card (G3.6). The server is asked for the whole book each time, so that it
does not learn whom the owner looks for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from . import dav
from .base import Connector, line
from .errors import InvalidArgument, Refused

CONTACTS_MAX = 100
CARD_CHARS_MAX = 200_000
UNCONFIRMED_GROUPS = frozenset({"auto-collected", "collected addresses", "unconfirmed"})

_QUERY = (
    '<?xml version="1.0" encoding="utf-8"?><C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
    "<D:prop><D:getetag/><C:address-data/></D:prop><C:filter/></C:addressbook-query>"
)


class Contacts(Connector):
    """One address book as a connector."""

    name: ClassVar[str] = "contacts"
    parameters: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "find": ("name",),
        "search": ("name", "relation", "email", "group"),
    }

    def __init__(self, config: dav.DavConfig) -> None:
        self.config = config

    def _prepare_find(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        return {"whom": _same(line(args, "name"))}

    def _perform_find(self, request: dict[str, Any]) -> dict[str, Any]:
        """The one person of this name, or, if nobody bears it, of this relation (`my running partner`); alone, or refused."""
        found = named(self._cards(), request["whom"])
        if not found:
            raise Refused("nobody", "nobody in the address book is called so")
        if len(found) > 1:
            raise Refused("several", "several people in the address book are called so")
        return _shown(found[0])

    def _prepare_search(self, args: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        request = {key: _same(line(args, key)) for key in self.parameters["search"] if args.get(key)}
        if not request:
            raise InvalidArgument("name", "or `relation`, `email` or `group` must say whom to find")
        return request

    def _perform_search(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        return [_shown(card) for card in self._cards() if _fits(card, request)][:CONTACTS_MAX]

    def everyone(self) -> list[dict[str, Any]]:
        """Every confirmed card, for the directory that is made before a run."""
        return self._cards()

    def _cards(self) -> list[dict[str, Any]]:
        items = dav.report(self.config, _QUERY)
        return [card for path, _etag, data in items for card in read(data, path.rpartition("/")[2]) if not _unconfirmed(card)]


def named(cards: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The cards that bear a name or, where none does, a relation: whom `find` would find, and whose label it carries."""
    whom = _same(name)
    return [c for c in cards if _fits(c, {"name": whom})] or [c for c in cards if _fits(c, {"relation": whom.removeprefix("my ")})]


def _shown(card: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in card.items() if key != "also_called"}


def read(data: str, name: str) -> list[dict[str, Any]]:
    """Every card in an object as plain records; what cannot be read is left out, whatever it holds."""
    import vobject

    if len(data) > CARD_CHARS_MAX:
        return []
    cards = []
    try:
        for component in vobject.readComponents(data):
            if component.name == "VCARD" and len(cards) < CONTACTS_MAX:
                cards.append(_record(component, name))
    except Exception:  # the library raises whatever its parts raise on hostile text
        pass
    return cards


def _record(card: Any, name: str) -> dict[str, Any]:
    emails = [e for e in (_clean(v) for v in _values(card, "email")) if "@" in e]
    given = _clean(getattr(_first(card, "n"), "given", ""))
    return {
        "id": name,
        "name": _clean(_first(card, "fn")),
        "email": emails[0] if emails else "",
        "emails": emails[:10],
        "phone": _clean(_first(card, "tel")),
        "address": _address(_first(card, "adr")),
        "relation": _clean(_first(card, "x-relation")),
        "birthday": _birthday(_clean(_first(card, "bday"))),
        "role": _clean(_first(card, "role")),
        "groups": [_clean(g) for value in _values(card, "categories") for g in (value if isinstance(value, list) else [value])][:20],
        "also_called": [_clean(v) for v in _values(card, "nickname")] + [given],
    }


def _fits(card: dict[str, Any], request: dict[str, Any]) -> bool:
    mine = {
        "name": [card["name"], *card["also_called"]],
        "relation": [card["relation"]],
        "email": card["emails"],
        "group": card["groups"],
    }
    return all(wanted in [_same(v) for v in mine[key]] for key, wanted in request.items())


def _unconfirmed(card: dict[str, Any]) -> bool:
    return any(_same(group) in UNCONFIRMED_GROUPS for group in card["groups"])


def _same(value: str) -> str:
    """What counts as equal: case and the amount of white space do not, everything else does."""
    return " ".join(value.casefold().split())


def _birthday(written: str) -> date | None:
    try:
        return date.fromisoformat(written[:10])
    except ValueError:
        return None


def _values(card: Any, key: str) -> list[Any]:
    return [entry.value for entry in card.contents.get(key, [])[:20]]


def _first(card: Any, key: str) -> Any:
    values = _values(card, key)
    return values[0] if values else ""


def _clean(value: Any) -> str:
    if isinstance(value, list):
        value = " ".join(str(v) for v in value)
    cleaned = str(value).encode("utf-8", "replace").decode()
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", cleaned).strip()[:500]


def _address(value: Any) -> str:
    """`street, postal code and town, country`, the form in which shops take it."""
    parts = [getattr(value, key, "") for key in ("street", "code", "city", "country")]
    street, code, city, country = (_clean(part) for part in parts)
    return ", ".join(part for part in (street, f"{code} {city}".strip(), country) if part)
