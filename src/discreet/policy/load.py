"""Read norms from TOML; what is wrong is told with line, column and the nearest name, and denies until it is mended (G5.3).

    drop = ["id of a shipped norm", …]
    [[norm]]   id verdict who learns but about purpose through times_max over yields because
    [[allow]]  id verdict effect through purpose to standing amount_max currency times_max undoable sources over holds because
    [[bits]]   id view who about purpose bits_max cities hours slot_minutes because
    [[test]]   who knows what should be decided (see check.py)

Nothing has a silent width: who, what, about whom, for what and through what are always written out. A table is read by
itself, so that an error in one leaves the others as they are; the table that errs becomes a prohibition over everything
that its readable fields leave open.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from discreet.kernel.contract import Effect
from discreet.kernel.errors import nearest
from discreet.policy.fields import EFFECTS, Chunk, Fields, Problem
from discreet.policy.lures import LURES
from discreet.policy.norm import ANYONE, Allowance, Bits, Norm, Norms, Rule, who
from discreet.policy.parameters import city_error, differing, slots_error
from discreet.policy.vocabulary import ANY, purposes, types

FILE_BYTES_MAX = 2_000_000
TABLES_MAX = 4_000  # of one file
SHIPPED = "shipped"

KEYS = {
    "norm": ("id", "verdict", "who", "learns", "but", "about", "purpose", "through", "times_max", "over", "yields", "because"),
    "allow": (
        "id", "verdict", "effect", "through", "purpose", "to", "standing", "amount_max", "currency", "times_max",
        "undoable", "sources", "over", "holds", "because",
    ),
    "bits": ("id", "view", "who", "about", "purpose", "bits_max", "cities", "hours", "slot_minutes", "because"),
    "test": (
        "name", "who", "who_is", "tells", "about", "audience", "purpose", "through", "expect", "effect", "standing", "amount",
        "currency", "times", "undoable",
    ),
}  # fmt: skip
HEAD_KEYS = ("drop", "version")
_HEADER = re.compile(r"\s*\[\[\s*([A-Za-z_]+)\s*\]\]\s*(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file gave: its norms (erring ones as prohibitions), which shipped norms it drops, its tests, its mistakes."""

    norms: Norms
    drop: tuple[str, ...] = ()
    tests: tuple[Mapping[str, Any], ...] = ()
    problems: tuple[Problem, ...] = ()


def load(path: Path | None = None) -> Loaded:
    """The shipped norms and those of the user's file on top. A file that cannot be read denies everything."""
    if path is None or not path.exists():
        return defaults()
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8") if len(raw) <= FILE_BYTES_MAX else None
    except (OSError, UnicodeDecodeError):
        text = None
    if text is None:
        problem = Problem(str(path), 1, 1, f"cannot be read as text of at most {FILE_BYTES_MAX} bytes")
        return combine(defaults(), Loaded(_deny_all("file", problem), problems=(problem,)))
    return combine(defaults(), parse(text, str(path)))


@cache
def defaults() -> Loaded:
    """The norms that the package ships."""
    return parse(resources.files("discreet.policy").joinpath("defaults.toml").read_text("utf-8"), SHIPPED)


def combine(base: Loaded, user: Loaded) -> Loaded:
    """`base` less what the user's file drops, and the user's norms; ids and `over` are checked across both."""
    problems = list(base.problems + user.problems)
    kept = base.norms.without(user.drop)
    extra = Norms()
    known = {n.id for n in base.norms.all()}
    for id in user.drop:
        if id not in known:
            problem = Problem(_origin(user), 1, 1, f"drop: no shipped norm has the id `{id}`{nearest(id, known)}")
            problems.append(problem)
            extra += _deny_all(f"drop-{len(problems)}", problem)
    groups = ((g.norms, g.allowances, g.bits) for g in (kept, user.norms, extra))
    problems += differing(user.norms.bits, kept.bits)
    both = _distinct(_Gathered(*(sum(group, ()) for group in zip(*groups, strict=True))), problems)
    return Loaded(_with_over_checked(both, base.norms, problems), user.drop, base.tests + user.tests, tuple(problems))


def parse(text: str, origin: str = "norms") -> Loaded:
    """The norms of a file's text. Never raises for what the text says."""
    reader = _Reader(origin)
    tables = chunks(text)
    if len(tables) > TABLES_MAX:
        problem = Problem(origin, tables[TABLES_MAX].line, 1, f"at most {TABLES_MAX} tables are possible")
        return Loaded(_deny_all("file", problem), problems=(problem,))
    for chunk in tables:
        reader.read(chunk)
    norms = _distinct(reader.norms, reader.problems)
    return Loaded(norms, tuple(reader.drop), tuple(reader.tests), tuple(reader.problems))


def _origin(loaded: Loaded) -> str:
    return next((n.origin for n in loaded.norms.all() if n.origin), "norms")


def _deny_all(name: str, problem: Problem) -> Norms:
    return Norms((_forbid_all(f"unreadable-{name}", problem),), (_forbid_acts(f"unreadable-{name}-acts", problem),))


def _forbid_all(id: str, problem: Problem) -> Norm:
    return Norm(
        id, Rule.FORBID, who(ANYONE), (ANY,), (ANYONE,), (ANY,), (ANY,),
        "the norms could not be read", erring=str(problem), origin=problem.origin,
    )  # fmt: skip


def _forbid_acts(id: str, problem: Problem) -> Allowance:
    return Allowance(
        id, Rule.FORBID, tuple(Effect), (ANY,), (ANY,), who(ANYONE),
        "the norms could not be read", erring=str(problem), origin=problem.origin,
    )  # fmt: skip


def _distinct(norms: Any, problems: list[Problem]) -> Norms:
    """All norms under distinct ids; whatever comes later under a taken id is renamed, and forbids (or gives no bits)."""
    seen: dict[str, int] = {}

    def one(item: Any) -> Any:
        count = seen[item.id] = seen.get(item.id, 0) + 1
        if count == 1:
            return item
        why = f"the id `{item.id}` is taken"
        if not getattr(item, "erring", ""):
            problems.append(Problem(item.origin, item.line, 1, why))
        renamed = replace(item, id=f"{item.id}~{count}")  # no file can write a `~`, so this one is free
        return replace(renamed, bits_max=0) if isinstance(item, Bits) else _erred(renamed, why)

    return Norms(tuple(map(one, norms.norms)), tuple(map(one, norms.allowances)), tuple(map(one, norms.bits)))


def _erred(item: Norm | Allowance, why: str) -> Norm | Allowance:
    if isinstance(item, Norm):
        return replace(item, verdict=Rule.FORBID, but=(), times_max=None, over=(), yields=False, erring=why)
    return replace(item, verdict=Rule.FORBID, over=(), holds=(), erring=why)


def _settled(item: Norm | Allowance, fields: Fields) -> Norm | Allowance:
    """The item, or, where anything was wrong, a prohibition as wide as it might have been."""
    return _erred(item, "; ".join(map(str, fields.problems))) if fields.problems else item


def _with_over_checked(norms: Norms, shipped: Norms, problems: list[Problem]) -> Norms:
    """`over` names norms that ask, a dropped one perhaps; a permit that names anything else errs."""

    def checked(items: tuple, before: tuple) -> tuple:
        asking = {n.id for n in (*items, *before) if n.verdict is Rule.ASK}
        done = []
        for item in items:
            wrong = [o for o in item.over if o not in asking]
            if wrong:
                why = f"over: no norm that asks has the id `{wrong[0]}`{nearest(wrong[0], asking)}"
                problems.append(Problem(item.origin, item.line, 1, f"`{item.id}`: {why}"))
                item = _erred(item, why)
            done.append(item)
        return tuple(done)

    return replace(norms, norms=checked(norms.norms, shipped.norms), allowances=checked(norms.allowances, shipped.allowances))


# --- tables ---------------------------------------------------------------------------------------------------------


def chunks(text: str) -> list[Chunk]:
    """The tables of a norms file, each by itself, in order; together they are the file."""
    found: list[Chunk] = []
    kind, start, lines = "", 1, []
    for number, line in enumerate(text.split("\n"), 1):
        header = _HEADER.match(line)
        if header:
            found.append(Chunk(kind, start, "\n".join(lines)))
            kind, start, lines = header[1], number, []
        lines.append(line)
    found.append(Chunk(kind, start, "\n".join(lines)))
    return found


@dataclass
class _Gathered:
    norms: tuple = ()
    allowances: tuple = ()
    bits: tuple = ()


class _Reader:
    """Reads chunk after chunk, gathering norms and mistakes."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.norms: Any = _Gathered()
        self.problems: list[Problem] = []
        self.drop: list[str] = []
        self.tests: list[Mapping[str, Any]] = []

    def read(self, chunk: Chunk) -> None:
        try:
            table = tomllib.loads(chunk.text)
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            self._unreadable(chunk, error)
            return
        if not chunk.kind:
            self._head(chunk, table)
            return
        rows = table.get(chunk.kind)
        row = rows[0] if isinstance(rows, list) and len(rows) == 1 and len(table) == 1 else None
        if chunk.kind not in KEYS or not isinstance(row, dict):
            self._deny(chunk, 1, f"unknown table `{chunk.kind}`{nearest(chunk.kind, KEYS)}")
            return
        fields = Fields(chunk, row, self.origin)
        getattr(self, f"_{chunk.kind}")(fields)
        self.problems += fields.problems

    def _unreadable(self, chunk: Chunk, error: Exception) -> None:
        at = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(at[1]), int(at[2])) if at else (chunk.text.count("\n") + 1, 1)
        reason = re.sub(r"\s*\(at .*\)", "", str(error)).strip()
        self._deny(chunk, line, reason[:1].lower() + reason[1:], column)

    def _deny(self, chunk: Chunk, line: int, message: str, column: int = 1) -> None:
        problem = Problem(self.origin, chunk.line + line - 1, column, message)
        self.problems.append(problem)
        if chunk.kind != "test":
            self.norms.norms += (_forbid_all(f"line-{chunk.line}", problem),)
            self.norms.allowances += (_forbid_acts(f"line-{chunk.line}-acts", problem),)

    def _head(self, chunk: Chunk, table: dict) -> None:
        fields = Fields(chunk, table, self.origin)
        fields.known(HEAD_KEYS)
        if "drop" in table:
            self.drop += fields.texts("drop", ("",), lambda _: "") if table["drop"] != [] else ()
        self.problems += fields.problems
        for problem in fields.problems[:1]:
            self.norms.norms += (_forbid_all("head", problem),)
            self.norms.allowances += (_forbid_acts("head-acts", problem),)

    def _norm(self, f: Fields) -> None:
        f.known(KEYS["norm"])
        norm = Norm(
            id=f.id(),
            verdict=f.one_of("verdict", [r.value for r in Rule], Rule.FORBID, Rule),
            who=f.who("who"),
            learns=f.concepts("learns", types()),
            but=f.concepts("but", types()) if "but" in f.row else (),
            about=f.subjects(),
            purpose=f.concepts("purpose", purposes()),
            through=f.texts("through", (ANY,), f.tool),
            times_max=f.whole("times_max") if "times_max" in f.row else None,
            over=f.texts("over", (), lambda _: "") if "over" in f.row else (),
            yields=f.flag("yields", False) if "yields" in f.row else False,
            because=f.because(),
            origin=self.origin,
            line=f.chunk.line,
        )
        if norm.verdict is not Rule.ASK and norm.yields:
            f.wrong("yields", "only an `ask` takes this")
        if norm.verdict is not Rule.PERMIT and (norm.times_max is not None or norm.over):
            f.wrong("times_max" if norm.times_max is not None else "over", "only a permit takes this")
        self.norms.norms += (_settled(norm, f),)

    def _allow(self, f: Fields) -> None:
        f.known(KEYS["allow"])
        amount = f.amount() if "amount_max" in f.row else None
        allowance = Allowance(
            id=f.id(),
            verdict=f.one_of("verdict", [r.value for r in Rule], Rule.FORBID, Rule),
            effect=tuple(map(Effect, f.texts("effect", tuple(EFFECTS), f.effect))),
            through=f.texts("through", (ANY,), f.tool),
            purpose=f.concepts("purpose", purposes()),
            to=f.who("to"),
            standing=f.standing(),
            amount_max=amount,
            currency=f.currency(amount),
            times_max=f.whole("times_max") if "times_max" in f.row else 1,
            undoable=f.flag("undoable", True),
            sources=f.texts("sources", (), f.source) if "sources" in f.row else (),
            over=f.texts("over", (), lambda _: "") if "over" in f.row else (),
            holds=f.texts("holds", tuple(LURES), lambda one: "" if one in LURES else f"unknown kind `{one}`{nearest(one, LURES)}") if "holds" in f.row else (),
            because=f.because(),
            origin=self.origin,
            line=f.chunk.line,
        )
        if allowance.holds and allowance.verdict is Rule.PERMIT:
            f.wrong("holds", "narrows an `ask` or a `forbid`, and widens no permit")
        self.norms.allowances += (_settled(allowance, f),)

    def _bits(self, f: Fields) -> None:
        f.known(KEYS["bits"])
        view = f.concepts("view", types())
        bits = Bits(
            id=f.id(),
            view=view[0],
            who=f.who("who"),
            about=f.subjects(),
            purpose=f.concepts("purpose", purposes()),
            bits_max=f.whole("bits_max"),
            because=f.because(),
            cities=f.texts("cities", (), city_error) if "cities" in f.row else (),
            hours=f.hours(),
            slot_minutes=f.whole("slot_minutes") if "slot_minutes" in f.row else 0,
            origin=self.origin,
            line=f.chunk.line,
        )
        if wrong := slots_error(bits.hours, bits.slot_minutes):
            f.wrong("hours" if "hours" in f.row else "slot_minutes", wrong)
        if not f.problems:  # an erring allowance in bits gives none
            self.norms.bits += (bits,)

    def _test(self, f: Fields) -> None:
        f.known(KEYS["test"])
        if not f.problems:
            self.tests.append({**f.row, "line": f.chunk.line, "origin": self.origin})
