"""Paired execution (E1): one plan, two runs whose secrets differ; whoever may not learn the difference observes the same.

A pair is fixed by its number alone: plan, secrets, what differs, the strategies of reader and services. Everything that an
outsider observes is compared, jointly and in order (colluding outsiders compare notes), and what the planner hears.
"""

from __future__ import annotations

import ast
import datetime as dt
import json
import multiprocessing
import random
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from discreet.evidence import house
from discreet.evidence.plans import Maker, exhaustive, small
from discreet.evidence.world import Seen, observe
from discreet.kernel.errors import InvariantError
from discreet.tools.question import Reply

FULL = 1_000_000  # pairs of a full run
EXHAUSTIVE_SIZE = 3  # statements of the plans of which all are run
CHUNK = 500

# What differs -> (secrets that the plan reads, whether it may use the shop, who may not learn the difference)
GROUPS: dict[str, tuple[tuple[str, ...], bool, tuple[str, ...]]] = {
    "health": (("text", "bool", "int", "texts", "size", "mails"), True, house.OUTSIDERS),
    "messages": (("mails", "text", "events"), True, house.OUTSIDERS),
    "schedule": (("events", "bool", "mails"), True, house.OUTSIDERS),
    "size": (("size", "size", "text"), False, house.STRANGERS),
    "address": (("address", "address", "int"), False, house.STRANGERS + ("mail:sam@home.example", "mail:bo@home.example", "payee:sam")),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A plan with two variants of the secrets."""

    number: int
    source: str
    group: str
    a: dict[str, Any]
    b: dict[str, Any]
    seed: int
    reply: str = "once"


@dataclass(slots=True)
class Tally:
    """What a share of the pairs came to."""

    pairs: int = 0
    violations: list[dict[str, Any]] = field(default_factory=list)
    crashes: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    effects: int = 0  # pairs in which an outsider observed something
    denied: int = 0
    seconds: float = 0.0

    def add(self, other: Tally) -> None:
        self.pairs += other.pairs
        self.violations += other.violations
        self.crashes += other.crashes
        self.refused += other.refused
        self.effects += other.effects
        self.denied += other.denied
        self.seconds += other.seconds


def pair(number: int) -> Pair:
    """The pair of this number."""
    r = random.Random(number)
    group = r.choice(("health",) * 5 + ("messages", "messages", "schedule", "size", "address"))
    kinds, shop, _ = GROUPS[group]
    source = Maker(r.randrange(2**48), kinds, shop).plan() if group != "health" or r.random() < 0.7 else small(r.randrange(2**48))
    a, b = variants(group, r)
    return Pair(number, source, group, a, b, r.randrange(1_000), r.choice(("once", "once", "deny")))


def variants(group: str, r: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two vaults that differ in the facts of `group` only."""
    base = house.secrets(**_facts("all", r))
    return base, {**base, **_facts(group, r)}


def _facts(group: str, r: random.Random) -> dict[str, Any]:
    words = ("asthma", "", "flu", "sam", "a", "12", "2026-03-05", "x" * 60)
    people = ("eve@evil.example", "sam@home.example", "bo@home.example")
    made: dict[str, dict[str, Any]] = {
        "health": {
            "text": r.choice(words), "flag": r.random() < 0.5, "number": r.choice((0, 1, 2, 3, 7, 50)), "items": [r.choice(words) for _ in range(r.choice((0, 1, 2, 5)))],
            "fails": r.random() < 0.4, "optional": r.choice((None, "", "flu")),
        },
        "messages": {
            "mails": [{"sender": r.choice(people), "subject": r.choice(("invoice", "run", "")), "body": r.choice(words), "opened": r.random() < 0.5} for _ in range(r.choice((0, 1, 2, 4)))],
        },
        "schedule": {"events": [{"title": r.choice(("clinic", "c", "run")), "day": dt.date(2026, 3, r.randint(1, 28))} for _ in range(r.choice((0, 1, 2)))]},
        "size": {"size": r.choice((0, 1, 36, 43))},
        "address": {"address": r.choice(("", "1 Elm Row", "2 Oak St"))},
    }  # fmt: skip
    return {name: value for facts in made.values() for name, value in facts.items()} if group == "all" else made[group]


def runs(one: Pair) -> tuple[Seen, Seen]:
    """Both runs of a pair."""
    setting = house.setting({"a": one.a, "b": one.b}, Reply(one.reply))
    feedback = one.number % 4 == 0
    return observe(setting, one.source, "a", seed=one.seed, feedback=feedback), observe(setting, one.source, "b", seed=one.seed, feedback=feedback)


def difference(one: Pair, a: Seen, b: Seen) -> str:
    """Who observed a difference that may not, and what; empty when nobody did."""
    low = GROUPS[one.group][2]
    x, y = a.of(*low), b.of(*low)
    if x != y:
        place = next((i for i, (p, q) in enumerate(zip(x, y)) if p != q), min(len(x), len(y)))
        return f"observation {place}: {x[place] if place < len(x) else 'nothing'} / {y[place] if place < len(y) else 'nothing'}"
    if a.refused != b.refused:
        return f"refusal: {a.refused} / {b.refused}"
    if a.feedback != b.feedback:
        return f"planner: {a.feedback} / {b.feedback}"
    return ""


def judge(one: Pair, tally: Tally) -> None:
    """Run one pair and count it."""
    tally.pairs += 1
    try:
        a, b = runs(one)
    except Exception as error:  # nothing in a plan or in data may get here
        tally.crashes.append({"number": one.number, "error": f"{type(error).__name__}: {error}", "where": traceback.format_exc(limit=-3), "plan": one.source})
        return
    tally.refused += bool(a.refused)
    tally.denied += bool(a.denied or b.denied)
    tally.effects += bool(a.of(*house.OUTSIDERS))
    what = difference(one, a, b)
    if what:
        tally.violations.append({"number": one.number, "group": one.group, "what": what, "plan": one.source})


def run_numbers(numbers: Iterable[int], make: Callable[[int], Pair] = pair, stop_at: int = 0) -> Tally:
    """Run the pairs of these numbers; stop after `stop_at` violations (0: never)."""
    tally, began = Tally(), time.perf_counter()
    for number in numbers:
        judge(make(number), tally)
        if stop_at and len(tally.violations) >= stop_at:
            break
    tally.seconds = time.perf_counter() - began
    return tally


def small_pairs(size: int) -> Iterator[Pair]:
    """Every small plan, with two vaults that differ in everything that is private."""
    a = house.secrets()
    b = house.secrets(text="", flag=False, number=0, items=[], fails=True, optional="y")
    for number, source in enumerate(exhaustive(size)):
        yield Pair(number * 4 + 1, source, "health", a, b, 0)


def run_small(size: int, share: float = 1.0, seed: int = 0) -> Tally:
    """All small plans of `size` statements, or a share of them chosen by `seed`."""
    tally, began = Tally(), time.perf_counter()
    for one in small_pairs(size):
        if share >= 1 or random.Random(one.number * 1_000_003 + seed).random() < share:
            judge(one, tally)
    tally.seconds = time.perf_counter() - began
    return tally


# ---------------------------------------------------------------------------------------------------- many at once


def run_parallel(count: int, seed: int = 0, workers: int = 2, folder: Path | None = None, progress: Callable[[int], None] = lambda done: None) -> Tally:
    """`count` pairs in chunks over processes. What is in `folder` already is not run again, so that a stopped run goes on."""
    first = seed * 1_000_000_000
    jobs = [(first + start, min(CHUNK, count - start)) for start in range(0, count, CHUNK)]
    total = Tally()
    todo = []
    for job in jobs:
        done = _stored(folder, job)
        if done is None:
            todo.append(job)
        else:
            total.add(done)
    if todo and workers <= 1:
        for job in todo:
            _merge(total, job, _chunk(job), folder)
            progress(total.pairs)
    elif todo:
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            for job, tally in pool.imap_unordered(_numbered, todo):
                _merge(total, job, tally, folder)
                progress(total.pairs)
    return total


def _numbered(job: tuple[int, int]) -> tuple[tuple[int, int], Tally]:
    return job, _chunk(job)


def _chunk(job: tuple[int, int]) -> Tally:
    return run_numbers(range(job[0], job[0] + job[1]))


def _merge(total: Tally, job: tuple[int, int], tally: Tally, folder: Path | None) -> None:
    total.add(tally)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"pairs-{job[0]}-{job[1]}.json"
        part.with_suffix(".tmp").write_text(json.dumps(asdict(tally)), "utf-8")
        part.with_suffix(".tmp").replace(part)


def _stored(folder: Path | None, job: tuple[int, int]) -> Tally | None:
    part = folder / f"pairs-{job[0]}-{job[1]}.json" if folder is not None else None
    if part is None or not part.exists():
        return None
    return Tally(**json.loads(part.read_text("utf-8")))


# ---------------------------------------------------------------------------------------------------- shrinking


def shrunk(one: Pair, seconds: float = 20.0) -> Pair:
    """The smallest plan found that still shows a difference."""
    until = time.monotonic() + seconds
    best = one
    going = True
    while going and time.monotonic() < until:
        going = False
        for source in _smaller(best.source):
            if time.monotonic() > until:
                break
            candidate = Pair(best.number, source, best.group, best.a, best.b, best.seed, best.reply)
            if _shows(candidate):
                best, going = candidate, True
                break
    return best


def _shows(one: Pair) -> bool:
    try:
        return bool(difference(one, *runs(one)))
    except InvariantError:
        return False
    except Exception:
        return False


def _smaller(source: str) -> Iterator[str]:
    """Plans with one statement less, one branch flattened, or one expression replaced by a part of it."""
    count = sum(1 for _ in ast.walk(ast.parse(source)))
    for position in range(count):
        for how in ("drop", "flatten"):
            made = _edited(source, position, how)
            if made and len(made) < len(source):
                yield made
    for position in range(count):
        for part in range(4):
            made = _edited(source, position, f"part{part}")
            if made and len(made) < len(source):
                yield made


def _edited(source: str, position: int, how: str) -> str:
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    node = nodes[position]
    for parent in nodes:
        for name, value in ast.iter_fields(parent):
            if isinstance(value, list) and node in value and isinstance(node, ast.stmt):
                index = value.index(node)
                if how == "drop":
                    new: list[ast.stmt] = []
                elif how == "flatten" and isinstance(node, (ast.If, ast.For)):
                    new = node.body
                else:
                    return ""
                value[index : index + 1] = new
                if not value and name == "body":
                    value.append(ast.Pass())
                return _text(tree)
            if how.startswith("part") and isinstance(node, ast.expr):
                parts = [inner for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.expr)]
                number = int(how[4:])
                if number >= len(parts):
                    return ""
                if value is node:
                    setattr(parent, name, parts[number])
                    return _text(tree)
                if isinstance(value, list) and node in value:
                    value[value.index(node)] = parts[number]
                    return _text(tree)
    return ""


def _text(tree: ast.AST) -> str:
    try:
        text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
        ast.parse(text)
        return text
    except (ValueError, SyntaxError, AttributeError):
        return ""
