"""Laws of the vault: private facts change nothing that a recall of public ones shows; what a recall finds is what matches."""

from __future__ import annotations

import datetime as dt

import hypothesis.strategies as st
from hypothesis import given, settings

from discreet.memory.store import Vault
from tests.killing import fast_folder

KEY = bytes(range(32))
TYPES = ["preference", "body/shoe-size", "health/condition", "unclassified"]
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
WORDS = ["red", "blue", "trail", "shoe", "marathon", "asthma"]

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
public_steps = st.one_of(
    st.tuples(st.just("remember"), st.sampled_from(["preference", "body/shoe-size"]), texts, st.booleans()),
    st.tuples(st.just("correct"), st.integers(0, 5), texts),
    st.tuples(st.just("forget"), st.integers(0, 5)),
    st.tuples(st.just("recall"), texts | st.just(""), st.integers(1, 4), st.booleans()),
)
private_steps = st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.sampled_from(["remember", "forget", "bob"]), texts), max_size=6)


def do_private(vault, kept: list, step) -> None:
    _, outside, what, text = step
    sources = ("mail:clinic",) if outside else ()
    if what == "forget" and kept:
        vault.forget(kept.pop().id)
    elif what == "bob":
        kept.append(vault.remember(text, "preference", "bob", sources))
    else:
        kept.append(vault.remember(text, "health/condition", sources=sources))


def observed(steps, private) -> list:
    """What a plan that may see the public types sees: texts, ids, order, labels."""
    seen, facts, kept = [], [], []
    with fast_folder() as folder:
        with Vault.open(folder / "v.db", KEY, types=TYPES, now=lambda: NOON) as vault:
            for number, step in enumerate(steps):
                for one in private:
                    if one[0] == number:
                        do_private(vault, kept, one)
                match step:
                    case ("remember", type_, text, outside):
                        facts.append(vault.remember(text, type_, sources=("web",) if outside else ()))
                        seen.append(facts[-1])
                    case ("correct", which, text) if facts:
                        fact = facts[which % len(facts)]
                        seen.append(vault.correct(fact.id, text))
                    case ("forget", which) if facts:
                        vault.forget(facts.pop(which % len(facts)).id)
                    case ("recall", query, limit, learned):
                        seen.append(vault.recall(["preference", "body/shoe-size"], query, limit, learned))
                        seen.append(vault.place_label(["preference", "body/shoe-size"], learned))
    return [(entry, [f.text for f in entry] if isinstance(entry, list) else None) for entry in seen]


@given(st.lists(public_steps, min_size=2, max_size=9), private_steps, private_steps)
@settings(max_examples=20, deadline=None)
def test_two_secrets_one_observation(steps, first, second):
    """G1.1 for the vault: histories that differ in private facts alone, others' facts among them, look the same."""
    assert observed(steps, first) == observed(steps, second)


@given(st.lists(st.tuples(st.sampled_from(TYPES[:3]), texts, st.booleans()), max_size=12), texts, st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_recall_finds_exactly_what_shares_a_word(facts, query, learned):
    with fast_folder() as folder:
        with Vault.open(folder / "v.db", KEY, types=TYPES) as vault:
            for type_, text, outside in facts:
                vault.remember(text, type_, sources=("web",) if outside else ())
            for type_ in TYPES[:3]:
                wanted = set(query.split())
                names = set(type_.replace("-", " ").replace("/", " ").split())
                expected = [t for kind, t, outside in facts if kind == type_ and outside == learned and wanted & (set(t.split()) | names)]
                found = vault.recall([type_], query, 100, learned)
                assert sorted(f.text for f in found) == sorted(expected)
                assert all(f.label <= vault.place_label([type_], learned) or f.learned for f in found)
