"""Paired execution (E1): one plan, two runs whose secrets differ; whoever may not learn the difference observes the same.

A pair is fixed by its number alone: plans, secrets, what differs, norms, the strategies of reader, planners, services and user.
Everything that an outsider observes is compared, jointly and in order (colluding outsiders compare notes), what the ledger
holds of outsiders, refusals, and what the planner hears.
"""

from __future__ import annotations

import ast
import datetime as dt
import hashlib
import json
import multiprocessing
import random
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from discreet.evidence import house
from discreet.evidence.plans import Maker, control, exhaustive, small
from discreet.evidence.world import PLANNER, Noted, Observed, Seen, observed, replanned, session_of
from discreet.kernel.errors import InvariantError
from discreet.kernel.label import label
from discreet.kernel.value import Standing, Value
from discreet.ledger.entry import Kind
from discreet.tools.question import Answer, Edited, Question, Reply

FULL = 1_000_000  # pairs of a full run
EXHAUSTIVE_SIZE = 3  # statements of the plans of which all are run
CHUNK = 200
MADE_BY = ("constructs.py", "plans.py", "pairs.py", "house.py", "world.py")  # what a pair of a number depends on


@dataclass(frozen=True, slots=True)
class Group:
    """What differs between the two runs of a pair.

    kinds  what its plans read (plans.py)
    shop   whether they may use the shop, which may itself learn some of it and answers
    low    who may not learn the difference
    types  the information types that it is of
    """

    kinds: tuple[str, ...]
    shop: bool
    low: tuple[str, ...]
    types: frozenset[str]


HEALTH, MESSAGE, SCHEDULE = frozenset({"health/condition"}), frozenset({"communication/message"}), frozenset({"schedule"})
GROUPS: dict[str, Group] = {
    "health": Group(("health", "messages"), True, house.OUTSIDERS, HEALTH),
    "messages": Group(("messages", "health", "letters"), True, house.OUTSIDERS, MESSAGE),
    "letters": Group(("letters", "messages"), True, tuple(one for one in house.OUTSIDERS if one != "mail:sam@home.example"), MESSAGE),
    "schedule": Group(("schedule", "health"), True, house.OUTSIDERS, SCHEDULE),
    "size": Group(("size",), False, house.STRANGERS, frozenset({"body/shoe-size"})),
    "address": Group(("address",), False, house.STRANGERS + house.FRIENDS, frozenset({"contact/postal-address", "unclassified"})),
    "age": Group(("age",), False, house.STRANGERS + house.FRIENDS, frozenset({"identity/birth-date", "identity/over-18"})),
    "papers": Group(("papers", "health"), True, house.OUTSIDERS, frozenset({"unclassified"})),
    "history": Group(("history", "letters"), True, house.OUTSIDERS, frozenset({"health"})),
    "words": Group(("words", "health"), True, house.OUTSIDERS, HEALTH),
}
OFTEN = ("health",) * 9 + ("messages",) * 3 + ("letters", "schedule", "size", "address", "age", "papers", "history", "words")


@dataclass(frozen=True, slots=True)
class Pair:
    """The plans of one or more errands with two variants of the secrets; `errands` run one after another in one session."""

    number: int
    errands: tuple[str, ...]
    group: str
    a: dict[str, Any]
    b: dict[str, Any]
    seed: int
    reply: str = "once"
    norms: int = 0
    made: str = ""

    @property
    def source(self) -> str:
        return "# the next errand\n".join(self.errands)


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
    made: dict[str, int] = field(default_factory=dict)  # pairs by how their plans were made
    asked: int = 0  # pairs in which the user was asked

    def add(self, other: Tally) -> None:
        self.pairs += other.pairs
        self.violations += other.violations
        self.crashes += other.crashes
        self.refused += other.refused
        self.effects += other.effects
        self.denied += other.denied
        self.seconds += other.seconds
        self.asked += other.asked
        self.made = dict(Counter(self.made) + Counter(other.made))


# ---------------------------------------------------------------------------------------------------- making


def pair(number: int) -> Pair:
    """The pair of this number."""
    r = random.Random(number)
    group = r.choice(OFTEN)
    made, errands = _errands(number, group, r)
    a, b = variants(group, r)
    norms = r.randrange(house.NORM_SETS) if r.random() < 0.4 else 0
    if made == "replans" and r.random() < 0.7:
        norms = house.CLEARED
    lenient = not norms and made != "replans" and not any("delegate" in source for source in errands)
    return Pair(number, errands, group, a, b, r.randrange(1_000), r.choice(("once", "deny", "careful", "careful") if lenient else ("careful", "careful", "deny")), norms, made)


def _errands(number: int, group: str, r: random.Random) -> tuple[str, tuple[str, ...]]:
    kinds, shop = GROUPS[group].kinds, GROUPS[group].shop
    way = r.random()
    maker = Maker(r.randrange(2**48), kinds, shop)
    if way < 0.55:
        return "probes", (maker.probes(number * 6),)
    if way < 0.70:
        return "random", (maker.plan(),)
    if way < 0.76:
        return "replans", (maker.probes(number * 6, 3),)
    if way < 0.87:
        further = Maker(r.randrange(2**48), kinds, shop)
        return "errands", (maker.probes(number * 6, 3), further.probes(number * 6 + 3, 3) if r.random() < 0.7 else further.plan())
    if group != "health":
        return "probes", (maker.probes(number * 6),)
    return ("control", (control(r.randrange(2**48)),)) if way < 0.95 else ("small", (small(r.randrange(2**48)),))


def variants(group: str, r: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two vaults that differ in the facts of `group` only: now a little, now in all of them."""
    base = house.secrets(**_facts("all", r))
    facts = _facts(group, r)
    if group == "health" and r.random() < 0.8:
        facts = _opposite(base, facts)
    return base, {**base, **facts}


def _opposite(base: Mapping[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Health facts each of which differs from those of `base`."""
    more = len(base["items"]) < 2
    return {
        **facts, "flag": not base["flag"], "fails": not base["fails"], "number": 0 if base["number"] > 2 else 7, "text": "flu" if len(base["text"]) < 2 else "", "items": ["asthma", "flu", "a"] if more else [],
        "visit": dt.date(2026, 3, 28 if base["visit"].day < 20 else 2), "weight": 12.5 if base["weight"] > 50 else 90.0, "results": {"x": 9} if "a" in base["results"] else {"a": 1, "b": 4},
    }  # fmt: skip


def _facts(group: str, r: random.Random) -> dict[str, Any]:
    words = ("asthma", "", "flu", "sam", "a", "12", "2026-03-05", "x" * 60, "sam@home.example")
    people = ("eve@evil.example", "sam@home.example", "bo@home.example")

    def mails(of: tuple[str, ...]) -> list[dict[str, Any]]:
        return [{"sender": r.choice(of), "subject": r.choice(("invoice", "run", "")), "body": r.choice(words), "opened": r.random() < 0.5} for _ in range(r.choice((0, 1, 2, 4)))]

    made: dict[str, Callable[[], dict[str, Any]]] = {
        "health": lambda: {
            "text": r.choice(words), "flag": r.random() < 0.5, "number": r.choice((0, 1, 2, 3, 7, 20, 50)), "items": [r.choice(words) for _ in range(r.choice((0, 1, 2, 5)))], "fails": r.random() < 0.4, "optional": r.choice((None, "", "flu")),
            "visit": dt.date(2026, 3, r.randint(1, 28)), "weight": r.choice((0.0, 12.5, 71.5, 90.0)), "results": {k: r.randint(0, 9) for k in r.choice(("", "a", "ab", "ba", "xyz"))},
        },
        "messages": lambda: {"mails": mails(people)},
        "letters": lambda: {"letters": mails(people[1:2])},
        "schedule": lambda: {"events": [{"title": r.choice(("clinic", "c", "run", "z")), "day": dt.date(2026, 3, r.randint(1, 28))} for _ in range(r.choice((0, 1, 2)))]},
        "size": lambda: {"size": r.choice((0, 1, 36, 43))},
        "address": lambda: {"address": r.choice(("", "1 Elm Row", "2 Oak St"))},
        "age": lambda: {"born": r.choice(("1990-05-01", "2010-05-01", "2008-03-02", "no date"))},
        "papers": lambda: {"paper": r.choice(words)},
        "history": lambda: {"history": r.choice(words)},
        "words": lambda: {"words": r.choice(words[:6])},
    }  # fmt: skip
    return {name: value for facts in made.values() for name, value in facts().items()} if group == "all" else made[group]()


def _answers(one: Pair) -> Callable[[Question], Answer]:
    """What the user says to a question: a function of what is shown, who grants nothing of what differs."""
    if one.reply != "careful":
        return lambda question: Reply(one.reply)
    types = GROUPS[one.group].types

    def careful(question: Question) -> Answer:
        if any(tag.type in types for tag in question.flow.label.tags):
            return Reply.DENY
        n = random.Random(f"{one.seed}{question.shown}").randrange(6)
        if n == 1 and question.editable:
            return Edited({question.editable[-1]: "edited"})
        return Reply.DENY if n == 0 else Reply.ONCE

    return careful


# ---------------------------------------------------------------------------------------------------- running and comparing


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a pair showed: each errand, and what the ledger holds."""

    errands: tuple[Seen, ...]
    records: tuple[Noted, ...]

    def of(self, *recipients: str) -> tuple[tuple[str, str], ...]:
        return tuple(one for seen in self.errands for one in seen.of(*recipients))


def runs(one: Pair) -> tuple[Run, Run]:
    """Both runs of a pair."""
    setting = house.setting({"a": one.a, "b": one.b}, _answers(one), house.judge(one.norms))
    return _run(one, session_of(setting, "a", one.seed), one.a), _run(one, session_of(setting, "b", one.seed), one.b)


def _run(one: Pair, held: Observed, secrets: Mapping[str, Any]) -> Run:
    words = secrets.get("words")
    handles = {"[[1]]": Value(words, label([house.HEALTH]), None, Standing.USER, len(words))} if one.group == "words" and words is not None else {}
    feedback = one.number % 4 == 0
    if one.made == "replans":
        group = GROUPS[one.group]
        seen = tuple(replanned(held, source, house.REQUEST, lambda n: Maker(n, group.kinds, group.shop).probes(n % 1_000, 2)) for source in one.errands)
    else:
        seen = tuple(observed(held, source, " and ".join((house.REQUEST, *handles)), handles, feedback) for source in one.errands)
    return Run(seen, tuple(held.ledger.records))


def difference(one: Pair, a: Run, b: Run) -> str:
    """Who observed a difference that may not, and what; empty when nobody did."""
    low = _low(one, a, b)
    x, y = a.of(*low), b.of(*low)
    if x != y:
        place = next((i for i, (p, q) in enumerate(zip(x, y)) if p != q), min(len(x), len(y)))
        return f"observation {place}: {x[place] if place < len(x) else 'nothing'} / {y[place] if place < len(y) else 'nothing'}"
    for first, second in zip(a.errands, b.errands, strict=True):
        if first.refused != second.refused and one.norms != house.CLEARED:  # there the planner hears what decides, and plans by it
            return f"refusal: {first.refused} / {second.refused}"
        if first.feedback != second.feedback:
            return f"planner: {first.feedback} / {second.feedback}"
    p, q = _ledger(a, low), _ledger(b, low)
    if p != q:
        return f"ledger: {[e for e in p if e not in q][:1]} / {[e for e in q if e not in p][:1]}"
    for run in (a, b):
        if (bits := _bits(run)) > CLUB_BITS_MAX:
            return f"bits: {bits} of {CLUB_BITS_MAX}"
    return ""


CLUB_BITS_MAX = 2  # as the house's norms say


def _bits(run: Run) -> int:
    """What was reserved for the club of the view that it may be told (G6.3)."""
    return sum(r.entry.bits for r in run.records if r.entry.note == "reserved" and any(p.account == "club" for p in r.entry.parties))


def _low(one: Pair, a: Run, b: Run) -> tuple[str, ...]:
    """Who may not learn the difference; one for whom bits were reserved may, as far as they go (G1.1)."""
    low = GROUPS[one.group].low if one.norms == house.CLEARED else (*GROUPS[one.group].low, PLANNER.id)
    return tuple(who for who in low if who != "club") if one.group == "age" and _bits(a) and _bits(b) else low


def _ledger(run: Run, low: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """What the ledger holds of these recipients: its face towards them (G1.3, G7.3)."""
    of_them = {r.seq: r.entry for r in run.records if r.entry.kind is Kind.INTENT and any(p.id in low for p in r.entry.parties)}
    ended = {r.entry.of: r.entry.status for r in run.records if r.entry.kind is Kind.OUTCOME and r.entry.of in of_them}
    return [(e.tool, e.purpose, e.place, e.parties, e.items, e.sources, e.norms, e.line, e.tagged_pc, e.confirmed, e.note, ended.get(seq, "")) for seq, e in of_them.items()]


def judge(one: Pair, tally: Tally) -> None:
    """Run one pair and count it."""
    tally.pairs += 1
    tally.made[one.made] = tally.made.get(one.made, 0) + 1
    try:
        a, b = runs(one)
    except Exception as error:  # nothing in a plan or in data may get here
        tally.crashes.append({"number": one.number, "error": f"{type(error).__name__}: {error}", "where": traceback.format_exc(limit=-3), "plan": one.source})
        return
    tally.refused += any(seen.refused for seen in a.errands)
    tally.denied += any(seen.denied for seen in (*a.errands, *b.errands))
    tally.asked += any(seen.questions for seen in a.errands)
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
        yield Pair(number * 4 + 1, (source,), "health", a, b, 0, made="exhaustive")


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
        part = _part(folder, job)
        part.with_suffix(".tmp").write_text(json.dumps(asdict(tally)), "utf-8")
        part.with_suffix(".tmp").replace(part)


def _part(folder: Path, job: tuple[int, int]) -> Path:
    """The file of one chunk; pairs of another generator are others, whatever their numbers."""
    return folder / f"pairs-{_generator()}-{job[0]}-{job[1]}.json"


@cache
def _generator() -> str:
    here = Path(__file__).parent
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in MADE_BY)).hexdigest()[:8]


def _stored(folder: Path | None, job: tuple[int, int]) -> Tally | None:
    part = _part(folder, job) if folder is not None else None
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
        for source in _fewer(best.errands):
            if time.monotonic() > until:
                break
            candidate = replace(best, errands=source)
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


def _fewer(errands: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """One errand less, or one of them smaller."""
    for place, source in enumerate(errands):
        before, after = errands[:place], errands[place + 1 :]
        if before or after:
            yield before + after
        for less in _smaller(source):
            yield (*before, less, *after)


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


# ---------------------------------------------------------------------------------------------------- kept for good


def keep(one: Pair, folder: Path) -> Path:
    """Write a pair that shows a difference, made small, as a file that `kept` reads: a scenario from then on."""
    small_one = shrunk(one)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{small_one.group}-{small_one.number}.json"
    path.write_text(json.dumps(asdict(small_one), indent=1, default=lambda day: {"day": day.isoformat()}, ensure_ascii=False), "utf-8")
    return path


def kept(path: Path) -> Pair:
    """The pair that `keep` wrote."""
    raw = json.loads(path.read_text("utf-8"), object_hook=lambda one: dt.date.fromisoformat(one["day"]) if one.keys() == {"day"} else one)
    return Pair(**{**raw, "errands": tuple(raw["errands"])})
