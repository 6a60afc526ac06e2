"""Takes all facts out of a vault as JSON that the user can read, and back in; tags, sources and provenance stay (G7.1).

Each exported fact bears a seal of its vault's key. What comes in with a fitting seal is what went out. Anything else is
a text from outside that claims a label: it is taken as learned and most private, unless the user vouches for the file;
then its types and audiences count, its sources still do, and a fact without sources counts as the user's.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass

from discreet.kernel.label import Label, Tag, decode, label
from discreet.memory.fact import Fact, VaultError
from discreet.memory.store import Vault

FORMAT = "discreet facts 1"
FILE_CHARS_MAX = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's facts."""

    sealed: int  # came back as they were
    vouched: int  # taken at the user's word
    doubted: int  # taken as learned and most private
    known: int  # already there, left as they are


def export(vault: Vault) -> str:
    """All facts, readable; who reads this file reads everything."""
    facts = [_plain(fact) for fact in vault.facts()]
    for fact in facts:
        fact["seal"] = _seal(vault, fact)
    return json.dumps({"format": FORMAT, "facts": facts}, indent=1, ensure_ascii=False)


def import_(vault: Vault, text: str, vouched: bool = False) -> Imported:
    """Take facts in. Raises VaultError, and takes none, when the text is no export."""
    rows = _rows(text)
    counts = {"sealed": 0, "vouched": 0, "doubted": 0, "known": 0}
    with vault.together():
        present = {(f.text, f.type, f.subject, f.label) for f in vault.facts()}
        for row in rows:
            stored = str(row.pop("seal", ""))
            how = "sealed" if hmac.compare_digest(_seal(vault, row).encode(), stored.encode()) else "vouched" if vouched else "doubted"
            if (row["text"], row["type"], row["subject"], _label(row)) in present:
                how = "known"
            else:
                _add(vault, row if how != "doubted" else _doubted(vault, row))
            counts[how] += 1
    return Imported(**counts)


def _doubted(vault: Vault, row: dict) -> dict:
    """The row without the claims that would make it more public or more trusted than a stranger's text."""
    return {**row, "type": vault.most_private, "subject": "user", "tags": [], "sources": ["import", *row["sources"]]}


def _add(vault: Vault, row: dict) -> None:
    type_ = row["type"] if row["type"] in vault.types else vault.most_private
    whole = decode(_label(row).canonical(), vault.types, vault.most_private)
    audience = whole.tags.get(Tag(type_, row["subject"]), ())
    steps = [*row["provenance"], f"imported, was {row['id']}"]
    vault.remember(row["text"], type_, row["subject"], (), steps, audience, whole)


def _plain(fact: Fact) -> dict:
    tags = [[t.type, t.subject, sorted(heard)] for t, heard in sorted(fact.label.tags.items())]
    return {
        "id": fact.id,
        "text": fact.text,
        "type": fact.type,
        "subject": fact.subject,
        "tags": tags,
        "sources": list(fact.sources),
        "provenance": list(fact.provenance),
        "created": fact.created,
        "updated": fact.updated,
    }


def _label(row: dict) -> Label:
    return label({Tag(type_, subject): heard for type_, subject, heard in row["tags"]}, row["sources"])


def _seal(vault: Vault, row: dict) -> str:
    message = json.dumps(row, sort_keys=True, ensure_ascii=True).encode()
    return hmac.digest(vault.export_key, message, "sha256").hex()


_KINDS = {"id": str, "text": str, "type": str, "subject": str, "tags": list, "sources": list, "provenance": list, "created": str, "updated": str}


def _rows(text: str) -> list[dict]:
    if len(text) > FILE_CHARS_MAX:
        raise VaultError(f"a file of {len(text)} characters; at most {FILE_CHARS_MAX} characters are imported")
    try:
        raw = json.loads(text)
        if raw["format"] != FORMAT:
            raise ValueError
        rows = list(raw["facts"])
    except (ValueError, TypeError, KeyError) as error:
        raise VaultError(f"this is no export of facts (`{FORMAT}`)") from error
    for number, row in enumerate(rows, 1):
        _check(number, row)
    return rows


def _check(number: int, row: object) -> None:
    """Every field has its kind; said with the fact's number, never its text."""
    if not isinstance(row, dict) or set(row) - {"seal"} != set(_KINDS):
        raise VaultError(f"fact {number} of the file has not the fields {', '.join(_KINDS)}")
    for name, kind in _KINDS.items():
        if not isinstance(row[name], kind):
            raise VaultError(f"fact {number} of the file: `{name}` is not of kind {kind.__name__}")
    texts = [*row["sources"], *row["provenance"]]
    for tag in row["tags"]:
        if not (isinstance(tag, list) and len(tag) == 3 and isinstance(tag[2], list)):
            raise VaultError(f"fact {number} of the file: a tag is type, subject and audience")
        texts += [tag[0], tag[1], *tag[2]]
    if not all(isinstance(t, str) for t in texts):
        raise VaultError(f"fact {number} of the file: names are texts")
