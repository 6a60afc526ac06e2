"""Export and import: labels, sources and provenance survive; a label that anyone could have written is not believed (G7.1)."""

from __future__ import annotations

import json

import pytest

from discreet.kernel.label import Tag, label
from discreet.memory.fact import VaultError
from discreet.memory.portable import FORMAT, Imported, export, import_
from discreet.memory.store import Vault

KEY = bytes(range(32))
TYPES = ["health/condition", "preference", "contact/email", "unclassified"]


def at(path, key=KEY, types=TYPES) -> Vault:
    return Vault.open(path, key, types=types)


@pytest.fixture
def vault(tmp_path):
    with at(tmp_path / "vault.db") as vault:
        vault.remember("asthma", "health/condition", audience=("doctor",))
        vault.remember("ünïcode \u202e text", "preference")
        vault.remember("ships tuesdays", "preference", sources=("mail:shop",), provenance=("mail 7",))
        vault.remember("summary", "preference", more=label([("health/condition", "user")], ("mail:clinic",)))
        vault.remember("bob@x.example", "contact/email", "bob", audience=("anna",))
        yield vault


def told(vault):
    return sorted((f.text, f.type, f.subject, f.label.canonical(), f.learned) for f in vault.facts())


def test_every_fact_is_in_the_export_and_readable(vault):
    facts = json.loads(export(vault))["facts"]
    assert {f["text"] for f in facts} == {f.text for f in vault.facts()}
    [learned] = [f for f in facts if f["text"] == "ships tuesdays"]
    assert learned["sources"] == ["mail:shop", "outside"] and learned["provenance"] == ["mail 7"]


def test_an_export_comes_back_as_it_was_in_a_vault_of_the_same_key(vault, tmp_path):
    text = export(vault)
    with at(tmp_path / "restored.db") as restored:
        assert import_(restored, text) == Imported(sealed=5, vouched=0, doubted=0, known=0)
        assert told(restored) == told(vault)
        [mail] = [f for f in restored.facts() if f.text == "ships tuesdays"]
        assert mail.provenance[0] == "mail 7" and mail.provenance[1].startswith("imported, was f")
        assert import_(restored, text).known == 5
    assert import_(vault, text).known == 5 and len(vault.facts()) == 5


def test_an_edited_label_is_not_believed(vault, tmp_path):
    """A learned fact made the user's, a private one made public, in the file."""
    file = json.loads(export(vault))
    for fact in file["facts"]:
        if fact["text"] == "ships tuesdays":
            fact["sources"] = []
        if fact["text"] == "asthma":
            fact["type"], fact["tags"] = "preference", [["preference", "user", ["shop"]]]
    with at(tmp_path / "other.db") as other:
        assert import_(other, json.dumps(file)) == Imported(sealed=3, vouched=0, doubted=2, known=0)
        by_text = {f.text: f for f in other.facts()}
    for text in ("ships tuesdays", "asthma"):
        fact = by_text[text]
        assert fact.type == "unclassified" and fact.learned and "import" in fact.sources and fact.audience == ()


def test_another_vaults_export_is_doubted_unless_the_user_vouches(vault, tmp_path):
    text = export(vault)
    with at(tmp_path / "a.db", b"a" * 32) as other:
        assert import_(other, text).doubted == 5
        assert {f.type for f in other.facts()} == {"unclassified"} and all(f.learned for f in other.facts())
    with at(tmp_path / "b.db", b"a" * 32) as other:
        assert import_(other, text, vouched=True).vouched == 5
        assert told(other) == told(vault)


def test_types_that_are_not_known_come_in_as_the_most_private(vault, tmp_path):
    with at(tmp_path / "other.db", types=["preference", "unclassified"]) as other:
        import_(other, export(vault))
        by_text = {f.text: f for f in other.facts()}
    assert by_text["asthma"].type == "unclassified" and by_text["asthma"].audience == ()
    assert set(by_text["summary"].label.tags) == {Tag("preference", "user"), Tag("unclassified", "user")}
    assert by_text["bob@x.example"].subject == "bob"


ROW = {"id": "f1", "text": "x", "type": "preference", "subject": "user", "tags": [["preference", "user", []]], "sources": [], "provenance": [], "created": "", "updated": ""}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", '{"format": "x", "facts": []}', json.dumps({"format": FORMAT}),
        *(json.dumps({"format": FORMAT, "facts": [ROW, broken]}) for broken in (
            7, {}, {**ROW, "text": 7}, {**ROW, "tags": ["x"]}, {**ROW, "tags": [["a", "b", "c"]]}, {**ROW, "tags": [["a", 1, []]]},
            {**ROW, "sources": [1]}, {**ROW, "more": 1}, {**ROW, "text": "x" * 30_000},
        )),
    ],
)  # fmt: skip
def test_what_is_no_export_is_refused_whole(vault, text):
    before = told(vault)
    with pytest.raises(VaultError):
        import_(vault, text, vouched=True)
    assert told(vault) == before
    vault.remember("goes on", "preference")


def test_a_file_has_a_limit(vault, monkeypatch):
    monkeypatch.setattr("discreet.memory.portable.FILE_CHARS_MAX", 100)
    with pytest.raises(VaultError, match="at most 100 characters"):
        import_(vault, export(vault))
