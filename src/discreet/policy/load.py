"""Read norms from TOML; what is wrong is told with line, column and the nearest name, and denies until it is mended (G5.3).

    drop = ["id of a shipped norm", …]
    [[norm]]   id verdict who learns but about purpose through times_max over yields because
    [[allow]]  id verdict effect through purpose to standing amount_max currency times_max undoable sources over because
    [[bits]]   id view who about purpose bits_max because
    [[test]]   who knows what should be decided (see check.py)

Nothing has a silent width: who, what, about whom, for what and through what are always written out. A table is read by
itself, so that an error in one leaves the others as they are; the table that errs becomes a prohibition over everything
that its readable fields leave open.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from discreet.kernel.contract import AUTHORITY, Effect, Role
from discreet.kernel.errors import nearest
from discreet.kernel.value import Standing
from discreet.policy.norm import ANYONE, Allowance, Bits, Norm, Norms, Rule, Who, who
from discreet.policy.vocabulary import ANY, Vocabulary, purposes, roles, types

FILE_BYTES_MAX = 2_000_000
TABLES_MAX = 4_000  # of one file
TEXT_CHARS_MAX = 2_000  # of any one text in a norm
NAME_CHARS_MAX = 400  # of a recipient's id
SHIPPED = "shipped"

STANDINGS = {standing.name.lower(): standing for standing in Standing}
SUBJECTS = ("user", "others", "recipient", ANYONE)
SOURCES = ("any", "place")
KEYS = {
    "norm": ("id", "verdict", "who", "learns", "but", "about", "purpose", "through", "times_max", "over", "yields", "because"),
    "allow": (
        "id", "verdict", "effect", "through", "purpose", "to", "standing", "amount_max", "currency", "times_max",
        "undoable", "sources", "over", "because",
    ),
    "bits": ("id", "view", "who", "about", "purpose", "bits_max", "because"),
    "test": (
        "name", "who", "who_is", "tells", "about", "audience", "purpose", "through", "expect", "effect", "standing", "amount",
        "currency", "times", "undoable",
    ),
}  # fmt: skip
HEAD_KEYS = ("drop", "version")
_HEADER = re.compile(r"\s*\[\[\s*([A-Za-z_]+)\s*\]\]\s*(?:#.*)?$")
_TOOL = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\Z")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,99}\Z")


@dataclass(frozen=True, slots=True)
class Problem:
    """One editing mistake: where, and what it is."""

    origin: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.origin}: line {self.line}, column {self.column}: {self.message}"


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
    both = _distinct(_Gathered(*(sum(group, ()) for group in zip(*groups, strict=True))), problems)
    return Loaded(_with_over_checked(both, base.norms, problems), user.drop, base.tests + user.tests, tuple(problems))


def parse(text: str, origin: str = "norms") -> Loaded:
    """The norms of a file's text. Never raises for what the text says."""
    reader = _Reader(origin)
    chunks = _chunks(text)
    if len(chunks) > TABLES_MAX:
        problem = Problem(origin, chunks[TABLES_MAX].line, 1, f"at most {TABLES_MAX} tables are possible")
        return Loaded(_deny_all("file", problem), problems=(problem,))
    for chunk in chunks:
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
    return replace(item, verdict=Rule.FORBID, over=(), erring=why)


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


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The lines of one table, by itself readable TOML; `kind` is empty for what stands before the first table."""

    kind: str
    line: int
    text: str


def _chunks(text: str) -> list[_Chunk]:
    found: list[_Chunk] = []
    kind, start, lines = "", 1, []
    for number, line in enumerate(text.split("\n"), 1):
        header = _HEADER.match(line)
        if header:
            found.append(_Chunk(kind, start, "\n".join(lines)))
            kind, start, lines = header[1], number, []
        lines.append(line)
    found.append(_Chunk(kind, start, "\n".join(lines)))
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

    def read(self, chunk: _Chunk) -> None:
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
        fields = _Fields(chunk, row, self.origin)
        getattr(self, f"_{chunk.kind}")(fields)
        self.problems += fields.problems

    def _unreadable(self, chunk: _Chunk, error: Exception) -> None:
        at = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(at[1]), int(at[2])) if at else (chunk.text.count("\n") + 1, 1)
        reason = re.sub(r"\s*\(at .*\)", "", str(error)).strip()
        self._deny(chunk, line, reason[:1].lower() + reason[1:], column)

    def _deny(self, chunk: _Chunk, line: int, message: str, column: int = 1) -> None:
        problem = Problem(self.origin, chunk.line + line - 1, column, message)
        self.problems.append(problem)
        if chunk.kind != "test":
            self.norms.norms += (_forbid_all(f"line-{chunk.line}", problem),)
            self.norms.allowances += (_forbid_acts(f"line-{chunk.line}-acts", problem),)

    def _head(self, chunk: _Chunk, table: dict) -> None:
        fields = _Fields(chunk, table, self.origin)
        fields.known(HEAD_KEYS)
        if "drop" in table:
            self.drop += fields.texts("drop", ("",), lambda _: "") if table["drop"] != [] else ()
        self.problems += fields.problems
        for problem in fields.problems[:1]:
            self.norms.norms += (_forbid_all("head", problem),)
            self.norms.allowances += (_forbid_acts("head-acts", problem),)

    def _norm(self, f: _Fields) -> None:
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
        self.norms.norms += (f.settle(norm),)

    def _allow(self, f: _Fields) -> None:
        f.known(KEYS["allow"])
        amount = f.amount() if "amount_max" in f.row else None
        allowance = Allowance(
            id=f.id(),
            verdict=f.one_of("verdict", [r.value for r in Rule], Rule.FORBID, Rule),
            effect=tuple(map(Effect, f.texts("effect", tuple(_EFFECTS), f.effect))),
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
            because=f.because(),
            origin=self.origin,
            line=f.chunk.line,
        )
        self.norms.allowances += (f.settle(allowance),)

    def _bits(self, f: _Fields) -> None:
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
            origin=self.origin,
            line=f.chunk.line,
        )
        if not f.problems:  # an erring allowance in bits gives none
            self.norms.bits += (bits,)

    def _test(self, f: _Fields) -> None:
        f.known(KEYS["test"])
        if not f.problems:
            self.tests.append({**f.row, "line": f.chunk.line, "origin": self.origin})


_EFFECTS = tuple(e.value for e in Effect if e is not Effect.READ)


@dataclass
class _Fields:
    """The fields of one table; a field that errs is noted and read as wide as it could be."""

    chunk: _Chunk
    row: dict
    origin: str
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, key: str, message: str, shown: object = None) -> None:
        line, column = self._find(key, shown)
        self.problems.append(Problem(self.origin, line, column, f"{key}: {message}" if key else message))

    def _find(self, key: str, shown: object) -> tuple[int, int]:
        """Where the key stands, or the value after it when `shown` is a text."""
        lines = self.chunk.text.split("\n")
        at = next((n for n, line in enumerate(lines) if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line)), 0)
        if isinstance(shown, str):
            for n in range(at, len(lines)):
                column = lines[n].find(shown)
                if shown and column >= 0:
                    return self.chunk.line + n, column + 1
        return self.chunk.line + at, len(lines[at]) - len(lines[at].lstrip()) + 1 if lines else 1

    def known(self, keys: Iterable[str]) -> None:
        for key in self.row:
            if key not in keys:
                self.wrong(key, f"is no field of this table{nearest(key, keys)}")

    def settle(self, item: Any) -> Any:
        """The item, or, where anything was wrong, a prohibition as wide as it might have been."""
        return _erred(item, "; ".join(map(str, self.problems))) if self.problems else item

    def id(self) -> str:
        found = self.row.get("id")
        if isinstance(found, str) and _ID.match(found):
            return found
        self.wrong("id", "a text of letters, digits, `-`, `.`, `:`, `@` and `/` is needed")
        return f"line-{self.chunk.line}"

    def because(self) -> str:
        if "because" not in self.row:
            self.wrong("because", "is missing; a norm says why it is there")
            return "its reason could not be read"
        found = self.row["because"]
        if isinstance(found, str) and found.strip() and len(found) <= TEXT_CHARS_MAX:
            return " ".join(found.split())
        self.wrong("because", f"a reason of at most {TEXT_CHARS_MAX} characters is needed")
        return "its reason could not be read"

    def texts(self, key: str, widest: tuple, test: Callable[[str], str]) -> tuple[str, ...]:
        """A text or a list of them; `test` gives an error text for one, or nothing."""
        if key not in self.row:
            self.wrong(key, "is missing")
            return widest
        found = self.row[key]
        found = [found] if isinstance(found, str) else found
        if not isinstance(found, list) or not found or not all(isinstance(t, str) and len(t) <= TEXT_CHARS_MAX for t in found):
            self.wrong(key, "a text or a list of texts is needed")
            return widest
        errors = [(t, error) for t in found if (error := test(t))]
        for text, error in errors:
            self.wrong(key, error, text)
        return widest if errors else tuple(dict.fromkeys(found))

    def concepts(self, key: str, vocabulary: Vocabulary) -> tuple[str, ...]:
        return self.texts(key, (ANY,), lambda t: "" if t == ANY or t in vocabulary else vocabulary.unknown(t))

    def who(self, key: str) -> tuple[Who, ...]:
        """`"merchant & user-said"` or `["shop:Marks & Co.", "user-said"]` for one that meets all terms; a list of such for any."""
        found = self.row.get(key)
        found = [found] if isinstance(found, str) else found
        if not isinstance(found, list) or not found:
            self.wrong(key, "a text or a list of texts is needed" if key in self.row else "is missing")
            return who(ANYONE)
        alternatives = [[t.strip() for t in one.split("&")] if isinstance(one, str) else one for one in found]
        before = len(self.problems)
        for terms in alternatives:
            if not isinstance(terms, list) or not terms or not all(isinstance(t, str) for t in terms):
                self.wrong(key, "each alternative is a text or a list of texts")
                continue
            for term in terms:
                if error := _term_error(term):
                    self.wrong(key, error, term)
        wrong = len(self.problems) > before
        return who(ANYONE) if wrong else tuple(frozenset(t.removeprefix("=") for t in terms) for terms in alternatives)

    def subjects(self) -> tuple[str, ...]:
        return tuple(t.removeprefix("=") for t in self.texts("about", (ANYONE,), self.subject))

    @staticmethod
    def subject(text: str) -> str:
        return "" if text in SUBJECTS else _term_error(text, (*SUBJECTS, *roles()))

    @staticmethod
    def tool(text: str) -> str:
        if text == ANY or _TOOL.match(text):
            return ""
        return f"`{text}` is no tool's name; names match exactly, and `*` alone stands for every tool"

    @staticmethod
    def effect(text: str) -> str:
        return "" if text in _EFFECTS else f"unknown effect `{text}`{nearest(text, _EFFECTS)}"

    @staticmethod
    def source(text: str) -> str:
        return "" if text in SOURCES or (_is_name(text) and " " not in text.split(":")[0]) else f"`{text}` is no source's name"

    def one_of(self, key: str, choices: list[str], widest: Any, make: Callable[[str], Any]) -> Any:
        found = self.row.get(key)
        if found in choices:
            return make(found)
        self.wrong(key, "is missing" if key not in self.row else f"one of {', '.join(choices)} is needed{nearest(str(found), choices)}", str(found))
        return widest

    def whole(self, key: str) -> int:
        found = self.row.get(key)
        if isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= 10**9:
            return found
        self.wrong(key, "a whole number from 0 is needed")
        return 0

    def flag(self, key: str, otherwise: bool) -> bool:
        found = self.row.get(key, otherwise)
        if isinstance(found, bool):
            return found
        self.wrong(key, "true or false is needed")
        return True

    def amount(self) -> Decimal:
        found = self.row["amount_max"]
        good = isinstance(found, (int, float)) and not isinstance(found, bool) and 0 <= found <= 10**12
        if not good:
            self.wrong("amount_max", "an amount from 0 is needed")
        return Decimal(str(found)) if good else Decimal(0)

    def currency(self, amount: Decimal | None) -> str:
        found = self.row.get("currency", "")
        if amount is not None and not (isinstance(found, str) and re.match(r"[A-Z]{3}\Z", found)):
            self.wrong("currency", "an amount needs a currency of three capital letters")
            return ""
        return found if isinstance(found, str) else ""

    def standing(self) -> dict[Role, Standing]:
        found = self.row.get("standing", {})
        if not isinstance(found, dict):
            self.wrong("standing", 'a table such as { who = "resolved" } is needed')
            return {}
        result = {}
        authority = sorted(r.value for r in AUTHORITY)
        for role, standing in found.items():
            if role not in authority:
                self.wrong("standing", f"unknown authority `{role}`{nearest(role, authority)}", role)
            elif standing not in STANDINGS:
                self.wrong("standing", f"unknown standing `{standing}`{nearest(str(standing), STANDINGS)}", str(standing))
            else:
                result[Role(role)] = STANDINGS[standing]
        return result


def _term_error(term: str, known: Iterable[str] | None = None) -> str:
    """A role, `anyone`, an id (which has a `:`, `@` or `.`), or `=id` for an id that looks like none."""
    names = (*(known or roles()), ANYONE)
    if term in names:
        return ""
    plain = term.removeprefix("=")
    if _is_name(plain) and (plain != term or any(mark in plain for mark in ":@.")):
        return ""
    return f"unknown role `{term}`{nearest(term, names) or f'; an id without `:`, `@` or `.` is written `={plain}`'}"


def _is_name(text: str) -> bool:
    """Whether this could be the id of a recipient, a principal or a source: one line that shows all that it holds."""
    return 0 < len(text) <= NAME_CHARS_MAX and text == text.strip() and text.isprintable()
