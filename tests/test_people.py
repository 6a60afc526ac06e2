"""Who stands behind a name or an address, by the user's own address book (G5.3, G3.6)."""

from __future__ import annotations

from typing import Any

import pytest

from discreet.agents.people import directory
from discreet.connectors.contacts import named


def card(name: str, email: str = "", relation: str = "", *also: str) -> dict[str, Any]:
    return {"name": name, "email": email, "emails": [email] if email else [], "relation": relation, "groups": [], "also_called": list(also)}


@pytest.mark.parametrize(
    ("relations", "role", "given"),
    [
        (["brother", "dentist"], "clinician", False),  # one address of two people: what is for one alone is told to neither
        (["brother", "dentist"], "family", False),
        (["brother", "sister"], "family", True),
        (["brother", ""], "family", True),  # a second card that says nothing takes nothing away
        (["", ""], "acquaintance", True),
        (["dentist"], "clinician", True),
    ],
)
def test_who_shares_an_address_has_the_roles_that_all_cards_give(relations: list[str], role: str, given: bool) -> None:
    people = directory([card(f"N{n}", "home@x.example", relation) for n, relation in enumerate(relations)], (), ())
    roles = people.recipient("mail", "HOME@x.example").roles
    assert any(one == role or one.startswith(role + "/") for one in roles) is given


def test_an_address_of_ones_own_is_oneself_whatever_a_card_says() -> None:
    assert directory([card("Sam", "me@x.example", "friend")], (), ("me@x.example",)).recipient("mail", "me@x.example").roles == {"user"}


BOOK = [card("Sam  Okafor", "s@x.example", "running partner", "Sam"), card("STRASSE Gmbh", "g@x.example"), card("Ann", "a@x.example", "Running  Partner")]


@pytest.mark.parametrize(
    ("name", "found"),
    [("sam okafor", 1), (" Sam   Okafor ", 1), ("Straße GmbH", 1), ("my running partner", 2), ("Running partner", 2), ("Sam O", 0), ("my my running partner", 0)],
)
def test_a_name_is_found_and_labelled_by_one_rule(name: str, found: int) -> None:
    """G3.6: case and white space do not count, everything else does; a relation where nobody bears the name."""
    assert len(named(BOOK, name)) == found


@pytest.mark.parametrize(
    ("relation", "roles"),
    [
        ("brother", {"family"}), ("my mum", {"family"}), ("mother-in-law", {"family/extended"}), ("girlfriend", {"friend"}), ("GP", {"clinician"}), ("plumber", {"merchant"}),
        ("old friend", {"friend"}), ("doctor's office", {"clinician"}), ("running partner", {"friend"}),
        ("ex-husband", {"acquaintance"}), ("former boss", {"acquaintance"}), ("estranged brother", {"acquaintance"}),  # no more
        ("doctor's wife", {"acquaintance"}), ("friend of my brother", {"acquaintance"}), ("sister of Tom", {"acquaintance"}), ("my boss’s son", {"acquaintance"}),  # to somebody else
    ],
)  # fmt: skip
def test_a_relation_gives_the_role_that_its_words_mean(relation: str, roles: set[str]) -> None:
    assert directory([card("N", "n@x.example", relation)], (), ()).recipient("mail", "n@x.example").roles == roles
