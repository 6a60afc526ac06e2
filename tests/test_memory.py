"""The vault: facts keep their labels, recall stays within the types that were named, what is forgotten is gone (G7)."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading

import pytest

from discreet.kernel.label import Tag, join, label
from discreet.ledger.database import StoreError
from discreet.memory import migrations, search
from discreet.memory.fact import OUTSIDE, VaultError
from discreet.memory.store import FACT_CHARS_MAX, NAME_CHARS_MAX, PROVENANCE_STEPS_MAX, RECALL_FACTS_MAX, Vault

KEY = bytes(range(32))
TYPES = ["health", "health/condition", "health/medication", "body", "body/shoe-size", "preference", "contact/email", "unclassified"]


def at(folder, **more) -> Vault:
    return Vault.open(folder / "vault.db", KEY, **{"types": TYPES, **more})


@pytest.fixture
def vault(tmp_path):
    with at(tmp_path) as vault:
        yield vault


def texts(facts) -> list[str]:
    return [fact.text for fact in facts]


def test_a_fact_is_remembered_with_its_label_and_read_back_after_reopening(tmp_path):
    with at(tmp_path) as vault:
        fact = vault.remember("EU 43", "body/shoe-size", provenance=("typed 2026-11-23",), audience=("northside",))
    with at(tmp_path) as vault:
        again = vault.get(fact.id)
    assert again == fact
    assert again.label == label([("body/shoe-size", "user")], (), ("northside",))
    assert (again.sources, again.audience, again.learned, again.provenance) == ((), ("northside",), False, ("typed 2026-11-23",))


def test_what_came_from_outside_is_learned_and_keeps_its_sources(vault):
    """G7.1"""
    fact = vault.remember("ships on tuesdays", "preference", sources=("mail:shop",), provenance=("mail 7", "reader"))
    assert fact.learned and set(fact.sources) == {"mail:shop", OUTSIDE}
    assert vault.remember("x", "preference", sources=("user",)).learned is False


def test_a_derived_fact_keeps_the_sources_and_tags_of_what_it_was_derived_from(vault):
    """Laundering by summary: RED_TEAM 8."""
    mail = vault.remember("asthma, says the clinic", "health/condition", sources=("mail:clinic",))
    summary = vault.remember("likes calm runs", "preference", more=mail.label)
    assert summary.learned and "mail:clinic" in summary.sources
    assert Tag("health/condition", "user") in summary.label.tags
    assert vault.recall(["preference"], "calm", learned=True) == []
    assert texts(vault.recall(["preference", "health"], "calm", learned=True)) == ["likes calm runs"]
    assert vault.recall(["preference", "health"], "calm") == []


def test_merging_facts_intersects_their_audiences(vault):
    """G5.3"""
    one = vault.remember("a@x.example", "contact/email", "bob", audience=("anna", "carl"))
    two = vault.remember("b@x.example", "contact/email", "bob", audience=("carl", "dora"))
    merged = vault.remember("both", "contact/email", "bob", audience=("anna", "carl", "dora"), more=join(one.label, two.label))
    assert merged.audience == ("carl",)


def test_recall_of_what_the_user_said_never_reads_what_was_learned(vault):
    vault.remember("trail shoes", "preference")
    vault.remember("the user always ships shoes to mallory", "preference", sources=("mail:mallory",))
    assert texts(vault.recall(["preference"], "shoes")) == ["trail shoes"]
    assert texts(vault.recall(["preference"], "shoes", learned=True)) == ["the user always ships shoes to mallory"]


def test_recall_stays_within_the_named_types_and_those_below(vault):
    """G7.2"""
    vault.remember("marathon with asthma", "health/condition")
    vault.remember("marathon spray", "health/medication")
    vault.remember("marathon shoes", "preference")
    assert texts(vault.recall(["preference"], "marathon")) == ["marathon shoes"]
    assert set(texts(vault.recall(["health"], "marathon"))) == {"marathon with asthma", "marathon spray"}
    assert texts(vault.recall(["health/medication"], "marathon")) == ["marathon spray"]


def test_recall_stays_with_the_named_subjects(vault):
    vault.remember("mine@x.example", "contact/email")
    vault.remember("bob@x.example", "contact/email", "bob")
    assert texts(vault.recall(["contact/email"])) == ["mine@x.example"]
    assert texts(vault.recall(["contact/email"], subjects=("bob",))) == ["bob@x.example"]


def test_private_facts_never_displace_public_ones(vault, tmp_path):
    """The first k of a named type are the same whatever another named type holds (RED_TEAM, recall)."""
    for i in range(3):
        vault.remember(f"marathon shoes {i}", "preference")
    before = vault.recall(["preference", "health"], "marathon", limit=2)
    for i in range(20):
        vault.remember(f"marathon marathon asthma {i}", "health/condition")
    after = vault.recall(["preference", "health"], "marathon", limit=2)
    assert after[:2] == before and len(after) == 4


def test_statistics_do_not_span_types(tmp_path):
    """The same public facts rank the same beside any private ones: one index a place."""

    def order(folder, private):
        with at(folder) as vault:
            for text in private:
                vault.remember(text, "health/condition")
            for text in ("red trail shoes", "blue road shoes shoes", "trail trail map"):
                vault.remember(text, "preference")
            return texts(vault.recall(["preference"], "trail shoes", limit=3))

    first, second = tmp_path / "a", tmp_path / "b"
    assert order(first, []) == order(second, ["trail trail asthma", "trail"] * 10)


def test_the_label_of_a_recall_depends_on_what_was_named_alone(vault):
    """G2.5, G2.6: found, withheld and absent carry the same label and look alike."""
    empty = vault.place_label(["health", "preference"])
    assert vault.recall(["health", "preference"], "asthma") == []
    vault.remember("asthma", "health/condition", audience=("doctor",))
    assert vault.place_label(["health", "preference"]) is empty
    assert set(empty.tags) == {Tag(t, "user") for t in ("health", "health/condition", "health/medication", "preference")}
    assert all(not heard for heard in empty.tags.values()) and not empty.sources
    assert vault.place_label(["preference"], learned=True).sources == {OUTSIDE}
    for fact in vault.recall(["health"], "asthma"):
        assert fact.label <= empty


def test_the_names_of_a_type_find_its_facts(vault):
    vault.remember("EU 43", "body/shoe-size")
    assert texts(vault.recall(["body"], "what is my shoe size")) == ["EU 43"]
    assert vault.recall(["body"], "blood pressure") == []


def test_the_fact_that_is_most_about_the_query_comes_first(vault):
    for text in ("a long note of many things in which a trail occurs once among other words", "trail trail", "a trail"):
        vault.remember(text, "preference")
    assert texts(vault.recall(["preference"], "trail", limit=2)) == ["trail trail", "a trail"]


def test_the_best_of_all_places_below_a_type_come_first(vault):
    """Not the first place's, whatever it holds."""
    for i in range(5):
        vault.remember(f"asthma {i}", "health/condition")
    vault.remember("blue asthma spray", "health/medication")
    assert texts(vault.recall(["health"], "asthma spray", limit=1)) == ["blue asthma spray"]
    assert len(vault.recall(["health"], "asthma", limit=3)) == 3


def test_sources_are_never_lost_to_a_generator_or_a_bare_text(vault):
    fact = vault.remember("x", "preference", sources=(s for s in ["mail:shop"]), audience=(a for a in ["bob"]), provenance=iter(["mail 7"]))
    assert fact.learned and "mail:shop" in fact.sources and fact.audience == ("bob",) and fact.provenance == ("mail 7",)
    assert set(vault.correct(fact.id, "y", sources=(s for s in ["web"])).sources) == {"mail:shop", "web", OUTSIDE}
    assert vault.place_label((t for t in ["health"]), subjects=(s for s in ["user", "bob"])) == vault.place_label(["health"], subjects=["user", "bob"])
    for wrong in ({"sources": "mail"}, {"audience": "bob"}, {"provenance": "mail"}):
        with pytest.raises(VaultError, match="several names"):
            vault.remember("x", "preference", **wrong)
    for wrong in (lambda: vault.recall("preference"), lambda: vault.recall(["preference"], subjects="bob")):
        with pytest.raises(VaultError, match="several names"):
            wrong()


def test_odd_texts_are_kept_or_refused_and_never_change(vault):
    for text in ("\0", "a\0b", "\u202e", "\U0001f45f", "'; drop table fact", "\r\n"[0] + "x", "é"):
        assert vault.get(vault.remember(text, "preference").id).text == text
    for text in ("", " \n", "\ud800"):
        with pytest.raises(VaultError):
            vault.remember(text, "preference")
    with pytest.raises(VaultError, match="surrogate"):
        vault.remember("x", "preference", "b\udfff")
    assert vault.check() == []


def test_a_larger_change_of_which_a_part_failed_is_not_kept(vault):
    def failing(words):
        raise RuntimeError

    with pytest.raises(VaultError, match="a part of the change failed"), vault.together():
        vault.remember("x", "preference")
        vault._embed = failing
        with pytest.raises(RuntimeError):
            vault.remember("y", "health/condition")
        vault._embed = None
        vault.remember("z", "preference")
    assert vault.facts() == []
    vault.remember("y", "health/condition")
    with vault.together():
        with pytest.raises(VaultError, match="unknown information type"):
            vault.remember("x", "nothing")  # refused before anything changed
        vault.remember("z", "preference")
    assert texts(vault.facts()) == ["y", "z"]


def test_a_full_disk_is_told_and_leaves_the_vault_whole(vault):
    vault.remember("x", "preference")
    pages = vault.db.execute("pragma page_count").fetchone()[0]
    vault.db.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(VaultError, match="cannot be written: .*database or disk is full"):
        for _ in range(50):
            vault.remember("y" * 10_000, "health/condition")
    vault.db.execute("pragma max_page_count = 1000000")
    assert "x" in texts(vault.facts()) and vault.check() == []
    vault.remember("z", "health/condition")


def test_a_change_is_on_the_disk_when_it_returns(vault):
    assert vault.db.execute("pragma synchronous").fetchone()[0] == 2  # full
    assert vault.db.execute("pragma journal_mode").fetchone()[0] == "wal"
    assert vault.db.execute("pragma secure_delete").fetchone()[0] == 1


def test_an_empty_query_finds_the_newest_first(tmp_path):
    times = iter(dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in range(1, 20))
    with at(tmp_path, now=lambda: next(times)) as vault:
        first = vault.remember("one", "preference")
        vault.remember("two", "preference")
        vault.correct(first.id, "one, corrected")
        assert texts(vault.recall(["preference"])) == ["one, corrected", "two"]


def test_equal_matches_come_in_order_of_entry(vault):
    facts = [vault.remember("same words", "preference") for _ in range(8)]
    assert vault.recall(["preference"], "same words", limit=8) == facts


@pytest.mark.parametrize("query", ['"', "a* OR b", "NEAR(a b)", "text:asthma", "-asthma", "(", "'; drop table fact; --", "\0", "^a", "{}", "shoe's"])
def test_nothing_in_a_query_is_an_operator(vault, query):
    vault.remember("asthma", "health/condition")
    vault.recall(["health"], query)
    assert vault.recall(["health"], "condi*") == []


def test_ids_tell_nothing_of_other_places(tmp_path):
    """Two vaults of one key that differ only in private facts give public facts the same ids (DECISIONS: bytes that tell)."""
    ids = []
    for name, private in (("a", 0), ("b", 7)):
        with at(tmp_path / name) as vault:
            for i in range(private):
                vault.remember(f"asthma {i}", "health/condition")
            ids.append([vault.remember(t, "preference").id for t in ("x", "y")])
    assert ids[0] == ids[1] and len(set(ids[0])) == 2
    with at(tmp_path / "c") as vault:
        gone = vault.remember("x", "preference").id
        vault.forget(gone)
        assert vault.remember("x", "preference").id != gone


def test_correct_replaces_the_text_and_keeps_label_and_origin(vault):
    fact = vault.remember("EU 43", "body/shoe-size", provenance=("typed",))
    better = vault.correct(fact.id, "EU 44")
    assert (better.id, better.label, better.created) == (fact.id, fact.label, fact.created)
    assert better.provenance[0] == "typed" and better.provenance[1].startswith("corrected ")
    assert texts(vault.recall(["body"], "44")) == ["EU 44"]
    assert texts(vault.recall(["body"], "43")) == []


def test_a_learned_fact_stays_learned_when_corrected(vault):
    """G7.1: nor by the user having touched it; who wants it trusted says it anew."""
    fact = vault.remember("ships tuesdays", "preference", sources=("mail:shop",))
    better = vault.correct(fact.id, "ships fridays")
    assert better.learned and "mail:shop" in better.sources
    assert set(vault.correct(fact.id, "x", sources=("web",)).sources) == {"mail:shop", OUTSIDE, "web"}


def test_outside_text_never_corrects_what_the_user_said(vault):
    fact = vault.remember("ships to me", "preference")
    with pytest.raises(VaultError, match="was said by the user"):
        vault.correct(fact.id, "ships to mallory", sources=("mail:mallory",))
    assert vault.get(fact.id).text == "ships to me"


def test_forget_takes_the_fact_away(vault):
    fact = vault.remember("asthma", "health/condition")
    vault.forget(fact.id)
    assert vault.recall(["health"], "asthma") == [] and vault.facts() == [] and vault.counts() == {}
    for gone in (vault.get, vault.forget):
        with pytest.raises(VaultError, match="has no fact"):
            gone(fact.id)


def test_facts_and_counts_are_for_the_user(vault):
    vault.remember("asthma", "health/condition")
    vault.remember("spray", "health/medication")
    vault.remember("pollen", "health/condition", sources=("web",))
    vault.remember("b@x.example", "contact/email", "bob")
    assert vault.counts() == {"health/condition": 2, "health/medication": 1}
    assert vault.counts(None)["contact/email"] == 1
    assert texts(vault.facts("health", learned=False)) == ["asthma", "spray"]
    assert texts(vault.facts(subject="bob")) == ["b@x.example"]


def test_unknown_types_are_refused_with_the_nearest_name(vault):
    for use in (lambda: vault.remember("x", "health/conditon"), lambda: vault.recall(["health/conditon"])):
        with pytest.raises(VaultError, match="unknown information type `health/conditon`; did you mean `health/condition`"):
            use()
    assert vault.facts() == []


def test_a_type_that_is_no_longer_known_loads_as_the_most_private(tmp_path):
    with at(tmp_path, types=[*TYPES, "hobby"]) as vault:
        vault.remember("chess", "hobby", audience=("bob",))
    with at(tmp_path) as vault:
        [fact] = vault.facts()
        assert fact.type == "unclassified"
        assert dict(fact.label.tags) == {Tag("unclassified", "user"): frozenset()}
        assert texts(vault.recall(["unclassified"], "chess")) == ["chess"]
        assert vault.recall(["preference"], "chess") == []
        vault.forget(fact.id)
        assert vault.facts() == []


def test_the_shipped_vocabulary_is_the_default(tmp_path):
    with Vault.open(tmp_path / "v.db", KEY) as vault:
        vault.remember("EU 43", "body/shoe-size")
        assert "health/condition" in vault.types and vault.most_private in vault.types


def test_limits_are_stated_with_their_unit(vault):
    with pytest.raises(VaultError, match=f"at most {FACT_CHARS_MAX} characters"):
        vault.remember("x" * (FACT_CHARS_MAX + 1), "preference")
    with pytest.raises(VaultError, match=f"at most {NAME_CHARS_MAX} characters"):
        vault.remember("x", "preference", "b" * (NAME_CHARS_MAX + 1))
    with pytest.raises(VaultError, match=f"at most {PROVENANCE_STEPS_MAX} steps"):
        vault.remember("x", "preference", provenance=["s"] * (PROVENANCE_STEPS_MAX + 1))
    with pytest.raises(VaultError, match=f"between 1 and {RECALL_FACTS_MAX} facts"):
        vault.recall(["preference"], "x", RECALL_FACTS_MAX + 1)
    with pytest.raises(VaultError, match=f"at most {search.QUERY_CHARS_MAX} characters"):
        vault.recall(["preference"], "x" * (search.QUERY_CHARS_MAX + 1))
    vault.recall(["preference"], " ".join(f"w{i}" for i in range(search.QUERY_WORDS_MAX + 50)))
    fact = vault.remember("x", "preference", provenance=["s"] * PROVENANCE_STEPS_MAX)
    assert len(vault.correct(fact.id, "y").provenance) == PROVENANCE_STEPS_MAX


def bag(words):
    """A tiny embedding by letters: deterministic and local."""
    return [[text.casefold().count(c) for c in "abcdefghijklmnopqrstuvwxyz"] for text in words]


def test_an_embedding_finds_what_words_do_not_and_stays_in_the_place(tmp_path):
    with at(tmp_path, embed=bag) as vault:
        vault.remember("sneakers", "preference")
        vault.remember("zzz", "preference")
        vault.remember("sneaker allergy", "health/condition")
        assert texts(vault.recall(["preference"], "snekers", limit=1)) == ["sneakers"]
        fact = vault.recall(["preference"], "snekers")[0]
        vault.correct(fact.id, "qqq")
        assert vault.recall(["preference"], "snekers") == []
        vault.forget(fact.id)
        assert vault.db.execute("select count(*) from vector").fetchone()[0] == 2
    with at(tmp_path) as vault:  # and without one, words alone
        assert texts(vault.recall(["health"], "allergy")) == ["sneaker allergy"]


def test_an_embedding_installed_later_is_made_up_for(tmp_path):
    with at(tmp_path) as vault:
        vault.remember("sneakers", "preference")
    with at(tmp_path, embed=bag) as vault:
        assert vault.recall(["preference"], "snekers") == []
        assert vault.embed_missing() == 1 and vault.embed_missing() == 0
        assert texts(vault.recall(["preference"], "snekers")) == ["sneakers"]


def test_threads_share_one_vault(vault):
    def work(n: int) -> None:
        for i in range(10):
            vault.remember(f"fact {n} {i}", "preference")
            assert vault.recall(["preference"], f"fact {n}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(vault.facts()) == 40 and vault.check() == []


MANY = """
import sys
from discreet.memory.store import Vault
with Vault.open(sys.argv[1], bytes(range(32)), types=["preference"], head_path=sys.argv[3]) as vault:
    for i in range(40):
        fact = vault.remember(f"{sys.argv[2]} {i}", "preference")
        if i % 20 == 0:
            vault.forget(fact.id)
"""


def test_two_processes_share_one_vault(tmp_path):
    path, head = str(tmp_path / "vault.db"), str(tmp_path / "elsewhere" / "head")
    runs = [subprocess.Popen([sys.executable, "-c", MANY, path, n, head], stderr=subprocess.PIPE) for n in ("anna", "bob")]
    for run in runs:
        _, errors = run.communicate(timeout=60)
        assert run.returncode == 0, errors.decode()
    with at(tmp_path, head_path=head) as vault:
        assert len(vault.facts()) == 76 and vault.check() == []
        assert len({f.id for f in vault.facts()}) == 76


def test_migrations_are_numbered_and_run_once(tmp_path, monkeypatch):
    numbers = [int(m.__name__[1:4]) for m in migrations.MIGRATIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    with at(tmp_path) as vault:
        vault.remember("x", "preference")
        assert migrations.migrate(vault.db) == len(numbers)
    added = lambda db: db.execute("create table added(x)")  # noqa: E731
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, added))
    with at(tmp_path) as vault:
        assert texts(vault.facts()) == ["x"]
        assert vault.db.execute("select count(*) from added").fetchone()[0] == 0
    monkeypatch.undo()
    with pytest.raises(VaultError, match="knows layouts up to"):
        at(tmp_path)


def test_a_failed_migration_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    with at(tmp_path) as vault:
        vault.remember("x", "preference")

    def bad(db):
        db.execute("drop table fact")
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, bad))
        with pytest.raises(RuntimeError):
            at(tmp_path)
    with at(tmp_path) as vault:
        assert texts(vault.facts()) == ["x"]


def test_together_is_all_or_nothing(vault):
    with pytest.raises(RuntimeError), vault.together():
        vault.remember("x", "preference")
        raise RuntimeError
    assert vault.facts() == []
    with vault.together():
        fact = vault.remember("x", "preference")
        vault.remember("y", "preference")
        vault.forget(fact.id)
    assert texts(vault.facts()) == ["y"]


def test_the_wrong_key_opens_nothing(tmp_path):
    at(tmp_path).close()
    with pytest.raises(StoreError, match="the key is wrong"):
        Vault.open(tmp_path / "vault.db", b"w" * 32, types=TYPES)


def test_a_fact_never_shows_its_text_by_accident(vault):
    assert "asthma" not in repr(vault.remember("asthma", "health/condition"))
