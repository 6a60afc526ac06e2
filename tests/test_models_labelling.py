"""Labelling a new fact: the nearest description, and in doubt the more private (G0.5)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from errands.fetched import fetched  # noqa: E402

from discreet.memory.fact import VaultError  # noqa: E402
from discreet.memory.store import Vault  # noqa: E402
from discreet.models import labelling  # noqa: E402
from discreet.models.labelling import PRIVATE_FIRST, privacy_of, suggest  # noqa: E402
from discreet.models.spans import redact  # noqa: E402
from discreet.policy.vocabulary import types  # noqa: E402

# (a fact as people say it, its type): written for this test, none of it used to choose the margin.
FACTS = [
    ("I'm HIV positive", "health/condition"), ("my shoe size is 43", "body/shoe-size"), ("I take metformin every morning", "health/medication"),
    ("my passport number is X4410927", "identity/passport"), ("the alarm code at home is 5580", "credential/pin"),
    ("I like Sichuan food", "preference/food"), ("I'm allergic to peanuts", "health/allergy"), ("born on 21 July 1988", "identity/birth-date"),
    ("I'm getting divorced", "family/relationship"), ("I voted for the greens", "personal/belief"), ("my T-shirt size is M", "body/clothing-size"),
    ("I see a therapist for anxiety", "health/mental"), ("200,000 euros of mortgage left", "finance/debt"), ("my wifi password is hunter2", "credential/password"),
    ("I always take the aisle seat", "preference/room"), ("my IBAN is AT61 1904 3002", "finance/account"),
]  # fmt: skip


def candidates() -> list[tuple[str, str]]:
    vocabulary = types()
    return [(id_, vocabulary[id_].meaning) for id_ in vocabulary if "/" in id_]


def test_facts_get_their_type_or_a_more_private_one():
    fetched("minilm")
    labelling.encoder.cache_clear()
    suggested = {fact: suggest(fact, candidates()) for fact, _ in FACTS}
    exact = sum(suggested[fact].type == wanted for fact, wanted in FACTS)
    less_private = [fact for fact, wanted in FACTS if suggested[fact].type != wanted and privacy_of(suggested[fact].type) > privacy_of(wanted)]
    assert exact >= 11 and less_private == []


def test_doubt_goes_to_the_most_private_candidate(monkeypatch):
    monkeypatch.setattr(labelling, "_by_meaning", lambda fact, types_: [0.50, 0.45, 0.49])
    made = suggest("x", [("preference/food", ""), ("health/allergy", ""), ("body/shoe-size", "")])
    assert (made.type, made.certain) == ("health/allergy", False)


def test_when_nothing_is_near_any_type_could_be_meant(monkeypatch):
    monkeypatch.setattr(labelling, "_by_meaning", lambda fact, types_: [0.10, 0.01])
    assert suggest("qwx", [("preference/food", ""), ("credential/pin", "")]).type == "credential/pin"


def test_a_clear_winner_is_certain(monkeypatch):
    monkeypatch.setattr(labelling, "_by_meaning", lambda fact, types_: [0.60, 0.20])
    made = suggest("x", [("body/shoe-size", ""), ("health/condition", "")])
    assert (made.type, made.certain) == ("body/shoe-size", True)


def test_without_weights_shared_words_decide_and_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("DISCREET_WEIGHTS", raising=False)
    labelling.encoder.cache_clear()
    labelling._described.cache_clear()
    made = suggest("my shoe size is 43", [("body/shoe-size", "shoe size"), ("health/condition", "an illness")])
    assert made.type == "body/shoe-size" and "not on this machine" in made.method
    assert suggest("xyzzy", [("body/shoe-size", "shoe size"), ("health/condition", "an illness")]).type == "health/condition"


PRIVATE = ["I am seeing a psychiatrist on Tuesdays", "I vote for the greens", "insulin pump", "I sleep badly since the divorce", "I take an inhaler every morning", "I drink too much"]


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("fact", PRIVATE)
def test_doubt_over_the_whole_vocabulary_is_never_what_is_told_to_all(fact, weights, monkeypatch, tmp_path):
    """No stored fact is of the kind `request`, and one that nothing is near to is `unclassified`."""
    if weights:
        fetched("minilm")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.delenv("DISCREET_WEIGHTS", raising=False)
    labelling.encoder.cache_clear()
    labelling._described.cache_clear()
    made = suggest(fact, [(id_, types()[id_].meaning) for id_ in types()])
    assert made.type.split("/")[0] in {"unclassified", "health", "personal", "family", "communication"} | ({"identity", "legal"} if weights else set())


def test_no_fact_is_of_the_kind_request(tmp_path):
    with Vault.open(tmp_path / "vault.db", bytes(32)) as vault, pytest.raises(VaultError):
        vault.remember("I am seeing a psychiatrist", "request")


def test_every_kind_of_the_vocabulary_has_its_place_in_the_order():
    tops = {id_.split("/")[0] for id_ in types()} - {"request", "told"}
    assert tops <= {prefix.split("/")[0] for prefix in PRIVATE_FIRST}
    assert privacy_of("never-heard-of") < privacy_of("credential/pin") < privacy_of("preference/food")
    assert privacy_of("communication/secret") < privacy_of("communication/message")


@pytest.mark.parametrize(
    ("request_text", "words"),
    [("Tell Anna Schmidt that I'll be late", ["Anna Schmidt"]), ("mail Priya my address in Lyon", ["Priya", "Lyon"]), ("Add lunch tomorrow", [])],
)
def test_the_span_model_finds_names_and_places(request_text, words):
    from discreet.models import spans

    fetched("rampart")
    spans._classifier.cache_clear()
    made = redact(request_text)
    assert list(made.handles.values()) == words and made.method.startswith("the span model")
