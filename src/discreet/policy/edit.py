"""The user's own norms file: show it, add to it, drop from the shipped norms; every change is validated before it is written.

A change is made only at the user's own word; G2.7 keeps plans from it: no function here is a tool.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from discreet.kernel.errors import DiscreetError, nearest
from discreet.kernel.value import Standing
from discreet.policy.fields import STANDINGS, SUBJECTS
from discreet.policy.load import Loaded, chunks, combine, defaults, load, parse
from discreet.policy.norm import Allowance, Bits, Norm, Norms, show_who
from discreet.policy.vocabulary import ANY, roles


@dataclass(frozen=True, slots=True)
class Shown:
    """One norm as a line for people."""

    id: str
    verdict: str
    text: str
    because: str
    origin: str
    erring: str = ""


def list_norms(norms: Norms) -> list[Shown]:
    """All norms in reading order: prohibitions first, then questions, then permits."""
    order = {"forbid": 0, "ask": 1, "permit": 2, "bits": 3}
    shown = [_shown(n) for n in norms.all()]
    return sorted(shown, key=lambda s: (not s.erring, order[s.verdict]))


def add_norm(path: Path, addition: str | Norm | Allowance | Bits) -> Loaded:
    """Append one or more tables to the user's file and give the norms as they are then. Raises with every mistake, writing nothing."""
    text = addition if isinstance(addition, str) else to_toml(addition)
    added = parse(text, "addition")
    if added.problems:
        raise DiscreetError("\n".join(map(str, added.problems)))
    if added.drop:
        raise DiscreetError("`drop` stands at the head of the file; use drop_norm")
    if not len(added.norms) and not added.tests:
        raise DiscreetError("there is no norm in it; a norm starts with `[[norm]]`")
    before = _read(path)
    return _replace(path, before + ("\n" if before and not before.endswith("\n\n") else "") + text.strip() + "\n")


def drop_norm(path: Path, id: str) -> Loaded:
    """Take a norm out of force: a shipped one is named in `drop`, one of the user's own is taken out of the file."""
    known = {n.id for n in defaults().norms.all()}
    own = [chunk for chunk in chunks(_read(path)) if id in {n.id for n in parse(chunk.text).norms.all()}] if id not in known else []
    if own:
        kept_chunks = [chunk.text for chunk in chunks(_read(path)) if chunk not in own]
        return _replace(path, "\n".join(kept_chunks))
    if id not in known:
        mine = {n.id for chunk in chunks(_read(path)) for n in parse(chunk.text).norms.all()}
        raise DiscreetError(f"no norm has the id `{id}`{nearest(id, known | mine) or '; `discreet norms list` has them all'}")
    before = _read(path)
    dropped = parse(before, str(path)).drop
    if id in dropped:
        return load(path)
    kept = [line for line in before.splitlines(keepends=True) if not line.startswith("drop ")]
    if dropped and sum(line.startswith("drop ") for line in before.splitlines()) != 1:
        raise DiscreetError(f"write `drop = [...]` of {path} on one line first")
    return _replace(path, f"drop = {_texts((*dropped, id))}\n" + "".join(kept))


def unknown_tools(norms: Norms, tools: Iterable[str]) -> list[str]:
    """A line for each tool that a norm names and that is not connected: a slip, or not connected yet."""
    known = sorted(tools)
    lines = []
    for norm in (*norms.norms, *norms.allowances):
        for tool in norm.through:
            if tool != ANY and tool not in known:
                lines.append(f"`{norm.id}`: no tool `{tool}` is connected{nearest(tool, known)}")
    return lines


def to_toml(item: Norm | Allowance | Bits) -> str:
    """The table that reads back as this norm."""
    match item:
        case Norm():
            fields = {
                "id": item.id, "verdict": item.verdict, "who": _who(item.who), "learns": item.learns, "but": item.but or None,
                "about": [_plain(s) for s in item.about], "purpose": item.purpose, "through": item.through,
                "times_max": item.times_max, "over": item.over or None, "yields": item.yields or None, "because": item.because,
            }  # fmt: skip
            return _table("norm", fields)
        case Allowance():
            named = {standing: name for name, standing in STANDINGS.items()} | {Standing.DESCRIBED: "described"}
            fields = {
                "id": item.id, "verdict": item.verdict, "effect": item.effect, "through": item.through, "purpose": item.purpose,
                "to": _who(item.to), "standing": {r.value: named[s] for r, s in item.standing.items()} or None,
                "amount_max": item.amount_max, "currency": item.currency or None, "times_max": item.times_max,
                "undoable": item.undoable, "sources": item.sources or None, "over": item.over or None, "holds": item.holds or None, "because": item.because,
            }  # fmt: skip
            return _table("allow", fields)
    fields = {
        "id": item.id, "view": item.view, "who": _who(item.who), "about": [_plain(s) for s in item.about],
        "purpose": item.purpose, "bits_max": item.bits_max, "cities": item.cities or None,
        "hours": item.hours or None, "slot_minutes": item.slot_minutes or None, "because": item.because,
    }  # fmt: skip
    return _table("bits", fields)


def _who(alternatives: Iterable[frozenset[str]]) -> list[str | list[str]]:
    """Each alternative as one text, or as a list where a term has the sign that joins terms."""
    shown: list[str | list[str]] = []
    for one in alternatives:
        terms = sorted(map(_plain, one))
        shown.append(terms if any("&" in t for t in terms) else " & ".join(terms))
    return shown


def _plain(term: str) -> str:
    """An id that looks like no id is written with `=`; everything else stands for itself."""
    return term if term in roles() or term in SUBJECTS or any(mark in term for mark in ":@.") else f"={term}"


def _table(kind: str, fields: Mapping[str, object]) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in fields.items() if value is not None]
    return "\n".join((f"[[{kind}]]", *lines)) + "\n"


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Enum():
            return _text(str(value.value))
        case str():
            return _text(value)
        case dict():
            return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
    return str(value)


def _texts(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _text(text: str) -> str:
    """As TOML has it, in ASCII: what is beyond 16 bits is one escape there. Half a character is none and is refused where it is read."""
    return '"' + "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}" for c in text) + '"'


def _shown(item: Norm | Allowance | Bits) -> Shown:
    match item:
        case Norm():
            but = f" except {', '.join(item.but)}" if item.but else ""
            text = f"{show_who(item.who)}: {', '.join(item.learns)}{but} about {', '.join(item.about)} for {', '.join(item.purpose)}"
            return Shown(item.id, item.verdict, text + _through(item.through), item.because, item.origin, item.erring)
        case Allowance():
            most = f", at most {item.amount_max} {item.currency}" if item.amount_max is not None else ""
            text = f"{', '.join(item.effect)} towards {show_who(item.to)} for {', '.join(item.purpose)}, at most {item.times_max} times{most}"
            return Shown(item.id, item.verdict, text + _through(item.through), item.because, item.origin, item.erring)
    text = f"{show_who(item.who)}: {item.view} about {', '.join(item.about)} for {', '.join(item.purpose)}, {item.bits_max} bits a fact"
    return Shown(item.id, "bits", text, item.because, item.origin)


def _through(tools: tuple[str, ...]) -> str:
    return "" if ANY in tools else f" through {', '.join(tools)}"


def _read(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def _replace(path: Path, text: str) -> Loaded:
    """Write the whole file at once, if it brings no new mistake; a crash leaves the old one or the new one."""
    before, after = load(path), combine(defaults(), parse(text, str(path)))
    fresh = [p for p in after.problems if p.message not in {b.message for b in before.problems}]
    if fresh:
        raise DiscreetError("\n".join(map(str, fresh)))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return after
