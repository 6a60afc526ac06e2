"""The user's directory: who stands behind which address, with roles from the user's own address book and services (G5.3).

Roles come from what the user wrote about a person (relation, groups), read by the role vocabulary's own words; a card that a
mail program collected gives none. Two cards with one address are one party with the roles that both give.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from discreet.kernel.contract import USER, Recipient
from discreet.policy.naming import roles_named
from discreet.policy.vocabulary import roles
from discreet.tools.directory import UNKNOWN, Directory, Entry, normal

OWN = frozenset({"own-provider"})
_FORMER_OR_ANOTHERS = re.compile(r"(?i:\b(?:ex|former|formerly|previous|estranged|divorced)\b|['’]s?\s+\w)|\bof (?:my\b|[A-Z])")
NOBODYS = frozenset({"acquaintance"})  # of a card that does not say who its person is to the user
NAMED = "named:"  # before a name, in the account of all who bear it
LABEL_CHARS_MIN = 4  # of a part of a domain that says whose it is: "northside", not "www" or "co"
READER_LOCAL = frozenset({"provider/reader/local"})


def directory(
    cards: Iterable[Mapping[str, Any]],
    shops: Iterable[str],
    own_addresses: Iterable[str],
    own_providers: Iterable[str] = (),
    reader: Recipient | None = None,
    hosts: Mapping[str, frozenset[str]] | None = None,
    engines: Iterable[str] = (),
    servers: Iterable[str] = (),
) -> Directory:
    """Entries for contacts, shops, the user's own addresses and named hosts; fixed recipients for own services."""
    entries = [Entry(USER.id, USER.name, frozenset({"user"}), tuple(("mail", a) for a in own_addresses))]
    entries += _people(cards)
    entries += [Entry(f"shop:{name}", name, frozenset({"merchant"}), (("shop", name),)) for name in shops]
    entries += [Entry(f"host:{host}", host, roles, (("host", host),)) for host, roles in (hosts or {}).items()]
    entries = _as_one(entries)
    fixed = {name: Recipient(name, name, OWN, name.replace("-", " ")) for name in own_providers}
    fixed |= {name: Recipient(name, name, frozenset({"provider/search"}), name.replace("-", " ")) for name in engines}
    fixed |= {name: Recipient(name, "", frozenset({UNKNOWN}), name.replace(":", " ")) for name in servers}
    if reader is not None:
        fixed[reader.id] = reader
    return Directory(entries, fixed)


def _people(cards: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """One entry for each mail address: of its first card, with the roles that every card of it gives which says who they are to the user."""
    held: dict[str, list[Mapping[str, Any]]] = {}
    for card in cards:
        for address in {normal("mail", e): e for e in (card.get("emails") or [card.get("email", "")]) if e}:
            held.setdefault(address, []).append(card)
    made = []
    for address, bearing in held.items():
        said = [roles for card in bearing if (roles := card_roles(card)) != NOBODYS]
        made.append(Entry(owner_id(bearing[0]), str(bearing[0]["name"]), frozenset.intersection(*said) or NOBODYS if said else NOBODYS, (("mail", address),)))
    return made


def _as_one(entries: list[Entry]) -> list[Entry]:
    """Who may be one party is one, for what it may be told in bits (G6.3): who has one name, and whoever writes from the domain of a shop or host."""
    links: dict[str, str] = {}

    def root(key: str) -> str:
        while links.get(key, key) != key:
            key = links[key]
        return key

    businesses = [(entry, _name_key(entry)) for entry in entries if any(kind in ("shop", "host") for kind, _ in entry.addresses)]
    others = [entry for entry in entries if entry.owner != USER.id]
    for entry in others:
        links[root(entry.owner)] = root(_name_key(entry))
        for kind, text in entry.addresses:
            domain = text.lower().rpartition("@")[2] if kind == "mail" else text.lower() if kind == "host" else ""
            for business, key in businesses if domain else ():
                if _of_business(domain, business):
                    links[root(_name_key(entry))] = root(key)
    members: dict[str, set[str]] = {}
    for entry in others:
        members.setdefault(root(entry.owner), set()).update((entry.owner, _name_key(entry)))
    made = []
    for entry in entries:
        one = members.get(root(entry.owner), set()) if entry.owner != USER.id else set()
        made.append(replace(entry, one=tuple(sorted(one, key=lambda key: (not key.startswith(NAMED), key)))))
    return made


def _name_key(entry: Entry) -> str:
    return NAMED + " ".join(entry.name.casefold().split())


def _of_business(domain: str, business: Entry) -> bool:
    """Whether a domain may be of a shop or host: a host's own, or one whose name is in the shop's."""
    for kind, text in business.addresses:
        if kind == "host" and (domain == text.lower() or domain.endswith("." + text.lower()) or text.lower().endswith("." + domain)):
            return True
        labels = [part for part in domain.split(".")[:-1] if len(part) >= LABEL_CHARS_MIN]
        shop = "".join(c for c in text.casefold() if c.isalnum())
        if kind == "shop" and len(shop) >= LABEL_CHARS_MIN and any(part.replace("-", "") in shop or shop in part.replace("-", "") for part in labels):
            return True
    return False


def owner_id(card: Mapping[str, Any]) -> str:
    """The owner of a card: its name as the user knows it. Two people of one name are two cards with two addresses."""
    return f"person:{card.get('email') or card['name']}".lower()


def card_roles(card: Mapping[str, Any]) -> frozenset[str]:
    """Roles by the words of relation and groups; friend groups make a friend, nothing makes `unknown`."""
    relation = str(card.get("relation", ""))
    said = " ".join([*([] if _no_more(relation) else [relation]), *map(str, card.get("groups", ()))])
    found = roles_named(said) if said.strip() else frozenset()
    return found - {UNKNOWN} or NOBODYS


def _no_more(relation: str) -> bool:
    """Whether it says who somebody was to the user, or is to somebody else."""
    known = any(relation.casefold().strip() in concept.words for concept in roles().concepts.values())
    return not known and _FORMER_OR_ANOTHERS.search(relation) is not None
