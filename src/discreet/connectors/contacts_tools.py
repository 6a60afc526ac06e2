"""The address book as tools: the contracts of `contacts.find` and `contacts.search`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from discreet.kernel.contract import Contract, Parameter, Place, Role
from discreet.kernel.label import PUBLIC, label
from discreet.kernel.shape import Shape, list_of, scalar, text
from discreet.kernel.value import Standing, Value
from discreet.tools.registry import Tool, of_connector

from .contacts import Contacts

PROVIDER = "contacts-provider"  # recipient id of the address book's host; its role is `own-provider`
ADDRESS_BOOK = Place("contacts", label((("social", "user"),)), (PROVIDER,))  # that somebody is in it is the user's affair
SAID = Place("contacts/said", PUBLIC, (PROVIDER,))  # who is named in the request; where nobody is found, no plan runs (G3.6)
OTHERS = "others"  # the subject where it is not known before the call who will be found
RESULTS_MAX = 50


def contacts_tools(contacts: Contacts, owner_of: Callable[[str], str] = lambda _name: "") -> tuple[Tool, ...]:
    """The tools of one address book. `owner_of` gives the directory's owner id for a name or relation that the user said, or ""."""

    def whose(arguments: Mapping[str, Value]) -> Shape:
        name = arguments["name"]
        known = isinstance(name.data, str) and _stands(name)
        return _contact((owner_of(str(name.data)) if known else "") or OTHERS)

    def place(arguments: Mapping[str, Value]) -> Place:
        name = arguments["name"]
        return SAID if _stands(name) and not name.total.sources else ADDRESS_BOOK

    key = text(max=200)
    find = Contract(
        "contacts.find", 'one person of the address book, by name or by relation ("my dentist")', (Parameter("name", key, Role.KEY),),
        _contact(OTHERS), place=place, purpose="lookup/own", recipients=(PROVIDER,), result_rule=whose, resolves=True)
    search = Contract(
        "contacts.search", "everybody of the address book who fits",
        (Parameter("name", key, Role.KEY, ""), Parameter("relation", key, Role.KEY, ""), Parameter("email", key, Role.KEY, ""),
         Parameter("group", key, Role.KEY, "")),
        list_of(_contact(OTHERS), RESULTS_MAX, tags=(("social", "user"),)), place=ADDRESS_BOOK, purpose="lookup/own", recipients=(PROVIDER,))
    return of_connector(find, contacts, "find"), of_connector(search, contacts, "search")


def _stands(name: Value) -> bool:
    """Whether the name stands in the request or was found by one that does."""
    return name.standing >= Standing.FOUND or name.standing is Standing.NAMED


def _contact(subject: str) -> Shape:
    """A card as labelled: what it says of its person is about them, how the user stands to them about the user."""

    def told(kind: str, chars_max: int = 300) -> Shape:
        return text((kind, subject), max=chars_max, attested=True)

    fields = {
        "name": told("contact/name"), "email": told("contact/email"), "phone": told("contact/phone"), "address": told("contact/postal-address"),
        "birthday": scalar("date", ("identity/birth-date", subject), optional=True, attested=True),
        "relation": text(("social", "user"), max=100, attested=True),
        "groups": list_of(text(("social", "user"), max=100), 20, tags=(("social", "user"),)),
    }
    return Shape("record", fields=fields, name="Contact")
