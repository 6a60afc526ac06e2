"""Runs any plan against any tool world and norms given as a Python module, and tells what each recipient observed.

The contract for such modules is docs/EVIDENCE.md. Everything runs through the product's own session and call site; nothing
here decides anything. Every call that is made is an observation of each of its recipients, byte for byte and in order; what
a tool adds with `state.tell` is one too.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from discreet.agents.session import Drafted, Report, Session, World
from discreet.kernel.contract import NOPLACE, Contract, Parameter, Recipient
from discreet.kernel.errors import DiscreetError, nearest
from discreet.kernel.label import label
from discreet.kernel.monitor import Flow, Judge
from discreet.kernel.shape import text
from discreet.kernel.value import Value
from discreet.ledger.entry import Entry, Kind, Status
from discreet.policy.contracts import misspelt, slip
from discreet.policy.decide import Index
from discreet.policy.known import fitted, unfit
from discreet.policy.load import SHIPPED, Loaded, combine, defaults, parse
from discreet.policy.norm import Norms
from discreet.policy.vocabulary import roles
from discreet.tools.directory import Directory
from discreet.tools.directory import Entry as Known
from discreet.tools.question import Question, Reply, inert
from discreet.tools.registry import Tool, Toolbox, tool

CLOCK = dt.datetime(2026, 3, 2, 9, 0)
OBSERVATIONS_MAX = 20_000  # of one run
OWN_UNSAID = "own-place-unsaid"  # the shipped norm by which a contract that leaves its hearers unsaid may still read the user's own places


class WorldError(DiscreetError):
    """A world module is not as docs/EVIDENCE.md says; tells the module, the line and what is wrong."""


class State:
    """What one run of one variant knows: the secrets, what every recipient observed, and room for the tools' own things."""

    def __init__(self, secrets: Mapping[str, Any], seed: int = 0) -> None:
        self.secrets, self.seed = secrets, seed
        self.memory: dict[str, Any] = {}
        self.order: list[tuple[str, str]] = []
        self.flow: Flow | None = None
        self._heard: dict[str, list[str]] = {}

    def tell(self, recipient: str, what: Any) -> None:
        """`recipient` observes `what`."""
        if len(self.order) < OBSERVATIONS_MAX:
            shown = what if isinstance(what, str) else repr(what)
            self.order.append((recipient, shown))
            self._heard.setdefault(recipient, []).append(shown)

    def heard(self, *recipients: str) -> tuple[str, ...]:
        """All that these recipients observed so far, in order: what a service's answer may depend on."""
        if len(recipients) == 1:
            return tuple(self._heard.get(recipients[0], ()))
        return tuple(what for who, what in self.order if who in recipients)

    def choose(self, *more: Any, who: str = "") -> int:
        """A number that an adversary makes of the seed, of what `who` observed and of `more`."""
        text = repr((self.seed, self.heard(who) if who else (), more))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big")


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry of a MemoryLedger."""

    seq: int
    entry: Entry
    at: str = ""

    @property
    def kind(self) -> Kind:
        return self.entry.kind


class MemoryLedger:
    """A ledger for one run, with the methods that a call and an account need; the chain is tested on its own."""

    def __init__(self) -> None:
        self.records: list[Noted] = []

    def _add(self, entry: Entry) -> int:
        seq = len(self.records) + 1
        self.records.append(Noted(seq, entry))
        return seq

    def append_entry(self, entry: Entry) -> int:
        return self._add(entry)

    def intent(self, entry: Entry, contents: bytes = b"", **more: Any) -> int:
        return self._add(entry)

    def outcome(self, seq: int, status: Any, note: str = "", contents: bytes = b"") -> int:
        return self._add(Entry(Kind.OUTCOME, self.records[seq - 1].entry.errand, of=seq, status=str(status), note=note))

    def unknown_like(self, entry: Entry, same: bytes) -> None:
        return None

    def append_all(self, entries: list[Entry], inside: Callable[[], None]) -> None:
        inside()
        for entry in entries:
            self._add(entry)

    def spent(self, place: str, account: str) -> int:
        return sum(r.entry.bits for r in self.records if r.entry.bits and r.entry.place == place and any(p.account == account for p in r.entry.parties))

    def note(self, kind: Any, contents: bytes = b"", **fields: Any) -> int:
        return self._add(Entry(Kind(kind), **fields))

    def entries(self, kind: Any = None, errand: str | None = None, account: str | None = None, since: int = 0, last: int | None = None) -> Iterator[Noted]:
        wanted = None if kind is None else Kind(kind)
        for record in self.records:
            if (wanted is None or record.entry.kind is wanted) and (errand is None or record.entry.errand == errand):
                yield record

    def statuses(self, errand: str | None = None, since: int = 0) -> dict[int, Status]:
        return {r.entry.of: Status(r.entry.status) for r in self.entries(Kind.OUTCOME, errand)}

    def told(self, account: str) -> set[str]:
        intents = self.entries(Kind.INTENT)
        return {i.type for r in intents if any(account in (p.account, p.id) for p in r.entry.parties) for i in r.entry.items}


@dataclass(frozen=True, slots=True)
class Setting:
    """A world ready to run: how its tools are made for one run, norms, directory, secrets by variant, request, answers."""

    name: str
    tools: Callable[[State], Iterable[Tool]]
    judge: Judge
    entries: tuple[Known, ...] = ()
    fixed: Mapping[str, Recipient] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"a": {}})
    request: str | Mapping[str, str] = "do this"  # as a planner is sent it, with `handles` in it
    answer: Callable[[Question], Reply] = lambda question: Reply.ONCE
    handles: Mapping[str, Value] = field(default_factory=dict)
    clock: dt.datetime = CLOCK
    notes: tuple[str, ...] = ()  # what the module leaves unsaid, and how that is read

    def request_of(self, plan: str) -> str:
        if isinstance(self.request, str):
            return self.request
        return self.request.get(plan, self.request.get("*", ""))


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run showed. `order` holds every observation of every recipient, in the order in which they were made."""

    refused: tuple[str, ...]
    order: tuple[tuple[str, str], ...]
    questions: tuple[tuple[tuple[str, str], ...], ...]
    faults: tuple[tuple[int, str, str], ...]
    told: tuple[str, ...]
    stopped: str
    denied: int
    feedback: tuple[str, ...]
    report: Report
    records: tuple[Noted, ...]

    def of(self, *recipients: str) -> tuple[tuple[str, str], ...]:
        """The observations of these recipients together, in order: what they could tell each other."""
        return tuple(one for one in self.order if one[0] in recipients)

    def as_json(self) -> dict[str, Any]:
        observations: dict[str, list[str]] = {}
        for who, what in self.order:
            observations.setdefault(who, []).append(what)
        return {
            "refused": list(self.refused), "observations": observations, "order": [list(one) for one in self.order],
            "questions": [dict(shown) for shown in self.questions],
            "faults": [{"line": line, "tool": tool, "kind": kind} for line, tool, kind in self.faults],
            "told": list(self.told), "stopped": self.stopped, "denied": self.denied, "planner_feedback": list(self.feedback),
            "accounts": [account.sentence() for account in self.report.accounts],
        }  # fmt: skip


class _Asker:
    def __init__(self, answer: Callable[[Question], Reply]) -> None:
        self.answer, self.asked = answer, []

    def ask(self, questions: Sequence[Question]) -> Sequence[Reply]:
        self.asked += questions
        return [self.answer(question) for question in questions]


def observe(setting: Setting, source: str, variant: str = "a", request: str | None = None, seed: int = 0, feedback: bool = True, ledger: Any = None) -> Seen:
    """Run one plan in one variant of a world. Never raises for what the plan says."""
    return observed(session_of(setting, variant, seed, ledger), source, setting.request_of("*") if request is None else request, setting.handles, feedback)


class Observed:
    """A session with the state that its tools record into; several plans can run in it, one after another."""

    def __init__(self, session: Session, state: State, asker: _Asker, ledger: Any) -> None:
        self.session, self.state, self.asker, self.ledger = session, state, asker, ledger
        self.faults: list[tuple[int, str, str]] = []


def session_of(setting: Setting, variant: str = "a", seed: int = 0, ledger: Any = None) -> Observed:
    """A session over one variant of a world."""
    state = State(setting.secrets[variant], seed)
    tools = Toolbox(_watched(tool, state) for tool in setting.tools(state))
    ledger = MemoryLedger() if ledger is None else ledger
    asker = _Asker(setting.answer)
    world = World(tools, Directory(list(setting.entries), setting.fixed), setting.judge, ledger)
    made: list[Observed] = []

    def progress(stage: str, flow: Flow) -> None:
        state.flow = flow
        if stage not in ("start", "done"):
            made[0].faults.append((flow.span.line, flow.contract.name, stage))

    session = Session(world, asker, lambda: setting.clock, lambda: b"evidence".ljust(32, b"."), progress)
    made.append(Observed(session, state, asker, ledger))
    return made[0]


def observed(held: Observed, source: str, request: str, handles: Mapping[str, Value] = {}, feedback: bool = True) -> Seen:
    """Run one plan in a session that is already there."""
    start = (len(held.state.order), len(held.asker.asked), len(held.faults))
    problems = tuple(held.session.problems(source, request, handles)) if feedback else ()
    return _seen(held, held.session.perform(source, request, handles), problems, start)


def _seen(held: Observed, report: Report, problems: tuple[str, ...], start: tuple[int, int, int]) -> Seen:
    return Seen(
        tuple(report.problems), tuple(held.state.order[start[0] :]), tuple(q.shown for q in held.asker.asked[start[1] :]),
        tuple(held.faults[start[2] :]), report.told, report.stopped, report.denied, problems, report,
        tuple(getattr(held.ledger, "records", ())),
    )  # fmt: skip


PLANNER = Recipient("provider:planner", "", frozenset({"provider/planner/hosted"}), "planner")


class Replanner:
    """A planner that may be anything: its first plan is given, each further one is a function of all that it was sent (G4.4).
    What it is sent goes through the call site like any other call, and is its observation."""

    lasting = ""

    def __init__(self, state: State, first: str, further: Callable[[int], str]) -> None:
        self.state, self.first, self.further = state, first, further

    def __call__(self, request: str, judge: Any, call: Any, feedback: Value | None = None) -> Drafted:
        contract = Contract("plan.draft", "a plan", (Parameter("request", text()), Parameter("ended", text(), default="")), text(), purpose="planning", place=NOPLACE, recipients=(PLANNER.id,), seconds_max=None)
        made: list[str] = []

        def perform(request: str, ended: str) -> str:
            self.state.tell(PLANNER.id, f"{request}\n{ended}")
            made.append(self.further(self.state.choose(who=PLANNER.id)) if feedback is not None else self.first)
            return made[0]

        call(tool(contract, perform), {"request": Value(request, label([("request", "user")])), "ended": feedback or Value("")}, PLANNER)
        return Drafted(made[0], request) if made else Drafted("", request, ("the planner may not be told",), told=False)


def replanned(held: Observed, source: str, request: str, further: Callable[[int], str]) -> Seen:
    """Run an errand whose planner may plan again when its plan did not end well."""
    start = (len(held.state.order), len(held.asker.asked), len(held.faults))
    return _seen(held, held.session.ask(request, Replanner(held.state, source, further)), (), start)


def _watched(tool: Tool, state: State) -> Tool:
    """The tool, with its call as an observation of each of its recipients."""

    def perform(prepared: Any) -> Any:
        flow = state.flow
        for recipient in flow.recipients if flow is not None else ():
            state.tell(recipient.id, prepared.canonical.decode("utf-8", "replace"))
        return tool.perform(prepared)

    return replace(tool, perform=perform)


# ---------------------------------------------------------------------------------------------------- modules


NAMES = ("tools", "SECRETS", "NORMS", "SHIPPED_NORMS", "DIRECTORY", "RECIPIENTS", "REQUEST", "ANSWER", "HANDLES", "CLOCK")
ENTRY_KEYS = ("name", "owner", "roles", "addresses")


def load(path: Path | str) -> Setting:
    """The world that a module describes. Raises WorldError, located."""
    path = Path(path)
    module = _imported(path)
    for given in vars(module):
        if given.isupper() and (near := slip(given, NAMES)) and not hasattr(module, near):
            raise WorldError(f"{path}: `{given}` means nothing here; did you mean `{near}`?")
    tools = _needed(module, "tools", callable, "a function `tools(state)` that returns tools")
    secrets = getattr(module, "SECRETS", {"a": {}})
    if not isinstance(secrets, Mapping) or not secrets or not all(isinstance(v, Mapping) for v in secrets.values()):
        raise WorldError(f"{path}: `SECRETS` is a dict of variants, each a dict: {{\"a\": {{…}}, \"b\": {{…}}}}")
    entries, fixed = tuple(_known(one, path) for one in getattr(module, "DIRECTORY", ())), _fixed(module, path)
    norms = _norms(module, path)
    box = _tried_tools(tools, secrets, path)
    people = Directory(list(entries), fixed)
    _fits_people(box, people, path)
    handles = getattr(module, "HANDLES", {})
    notes = [*box.notes(), *_fits_tools(norms, box, people, path)]
    return Setting(
        path.stem, tools, Index(fitted(norms, box, people.ids())), entries, fixed, secrets, _sent(getattr(module, "REQUEST", "do this"), handles), _answers(module, path),
        handles, getattr(module, "CLOCK", CLOCK), tuple(notes),
    )  # fmt: skip


def _sent(request: str | Mapping[str, str], handles: Mapping[str, Value]) -> str | Mapping[str, str]:
    """A request with the handles of the world in it: where it shows their words, and else at its end."""
    if not isinstance(request, str):
        return {plan: _sent(one, handles) for plan, one in request.items()}  # type: ignore[misc]
    for handle, words in handles.items():
        if handle not in request:
            request = request.replace(str(words.data), handle) if str(words.data) in request else f"{request} {handle}"
    return request


def _imported(path: Path) -> ModuleType:
    if not path.is_file():
        raise WorldError(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location(f"evidence_world_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    except Exception as error:
        raise WorldError(f"{_where(error, path)}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def _where(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{path}: line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == path.name]
    return f"{path}: line {lines[-1]}" if lines else str(path)


def _needed(module: ModuleType, name: str, test: Callable[[Any], bool], what: str) -> Any:
    found = getattr(module, name, None)
    if not test(found):
        raise WorldError(f"{module.__file__}: `{name}` has to be {what}")
    return found


def _norms(module: ModuleType, path: Path) -> Any:
    text = getattr(module, "NORMS", "")
    if not isinstance(text, str):
        raise WorldError(f"{path}: `NORMS` is a text in the form of a norms file")
    loaded = parse(text, f"{path} NORMS")
    base = defaults() if getattr(module, "SHIPPED_NORMS", False) else Loaded(Norms(tuple(n for n in defaults().norms.norms if n.id == OWN_UNSAID)))
    both = combine(base, loaded)
    if both.problems:
        raise WorldError("; ".join(map(str, both.problems)))
    directory = {one.owner: one.roles for one in (_known(entry, path) for entry in getattr(module, "DIRECTORY", ()))}
    return replace(both.norms, directory=directory)


def _known(one: Any, path: Path) -> Known:
    if isinstance(one, Known):
        return one
    try:
        addresses = tuple((str(kind), str(text)) for kind, text in one["addresses"])
        for key in one:
            if key not in ENTRY_KEYS:
                raise WorldError(f"{path}: `DIRECTORY`: `{one['name']}`: `{key}` means nothing here{nearest(key, ENTRY_KEYS)}")
        return Known(one.get("owner", one["name"]), one["name"], _roles(one.get("roles", ()), f"{path}: `DIRECTORY`: `{one['name']}`"), addresses)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise WorldError(
            f"{path}: an entry of `DIRECTORY` is {{\"name\": …, \"owner\": …, \"roles\": […], \"addresses\": [(kind, text), …]}}; got {one!r}"
        ) from error


def _fixed(module: ModuleType, path: Path) -> dict[str, Recipient]:
    found = getattr(module, "RECIPIENTS", {})
    if not isinstance(found, Mapping):
        raise WorldError(f"{path}: `RECIPIENTS` is a dict: id -> roles")
    return {id_: one if isinstance(one, Recipient) else Recipient(id_, "", _roles(one, f"{path}: `RECIPIENTS`: `{id_}`"), id_) for id_, one in found.items()}


def _roles(given: Any, where: str) -> frozenset[str]:
    """A role that the vocabulary does not have would meet no prohibition."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise WorldError(f"{where}: roles are a list; write `[{given!r}]`")
    for role in given:
        if role not in roles():
            raise WorldError(f"{where}: {roles().unknown(str(role))}")
    return frozenset(given)


def _answers(module: ModuleType, path: Path) -> Callable[[Question], Reply]:
    found = getattr(module, "ANSWER", "once")
    if callable(found):
        return lambda question: Reply(found(question))
    try:
        reply = Reply(found)
    except ValueError as error:
        raise WorldError(f"{path}: `ANSWER` is \"once\", \"deny\" or a function of a question; got {found!r}") from error
    return lambda question: reply


def _tried_tools(tools: Callable[[State], Iterable[Tool]], secrets: Mapping[str, Mapping[str, Any]], path: Path) -> Toolbox:
    try:
        made = list(tools(State(next(iter(secrets.values())))))
    except Exception as error:
        raise WorldError(f"{_where(error, path)}: `tools(state)`: {type(error).__name__}: {error}") from error
    for one in made:
        if not isinstance(one, Tool):
            raise WorldError(f"{path}: `tools(state)` returned {type(one).__name__}; each has to be a Tool: `tool(contract, function)`")
    try:
        return Toolbox(made)
    except DiscreetError as error:
        raise WorldError(f"{path}: {error}") from error


def _fits_people(box: Toolbox, people: Directory, path: Path) -> None:
    """A recipient that is misspelt would be a stranger to norms that speak of the one who was meant."""
    kinds = {kind for entry in people.entries for kind, _ in entry.addresses}
    wrong = misspelt(box.contracts.values(), {*people.fixed, *people.owners()}, people.owners(), kinds)
    if wrong:
        raise WorldError(f"{path}: {'; '.join(wrong)}")


def _fits_tools(norms: Norms, box: Toolbox, people: Directory, path: Path) -> list[str]:
    """Notes on tools of the module's own norms that it does not have. Raises WorldError for one that is nearly one of them."""
    own = replace(norms, norms=tuple(n for n in norms.norms if n.origin != SHIPPED), allowances=tuple(a for a in norms.allowances if a.origin != SHIPPED))
    wrong = unfit(own, box, people.ids())
    if wrong:
        raise WorldError("; ".join(map(str, wrong)))
    absent = {name: norm.id for norm in (*own.norms, *own.allowances) for name in norm.through if name != "*" and name not in set(box)}
    return [f"`{norm}`: no tool is called `{name}`, so this norm says nothing of any" for name, norm in absent.items()]


def run_all(setting: Setting, plans: Path, share: float = 1.0, seed: int = 0) -> list[dict[str, Any]]:
    """Every `.plan` and `.py` file of a folder (or one file), in every variant; and which recipients saw a difference."""
    files = [plans] if plans.is_file() else sorted(p for p in plans.rglob("*") if p.suffix in (".plan", ".py"))
    if not files:
        raise WorldError(f"{plans}: no plan files")
    found = []
    for number, file in enumerate(files):
        if share < 1 and (number * 2_654_435_761 + seed) % 10_000 >= share * 10_000:
            continue
        source = file.read_text("utf-8")
        runs = {variant: observe(setting, source, variant, setting.request_of(file.stem), seed) for variant in setting.secrets}
        found.append({"plan": str(file), "notes": list(setting.notes) if not found else [], "runs": {v: seen.as_json() for v, seen in runs.items()}, "differs": differing(runs.values())})
    return found


def differing(runs: Iterable[Seen]) -> list[str]:
    """The recipients whose observations are not the same in all runs; "planner" when its feedback is not."""
    runs = list(runs)
    recipients = sorted({who for seen in runs for who, _ in seen.order})
    found = [who for who in recipients if len({seen.of(who) for seen in runs}) > 1]
    return found + (["planner"] if len({seen.feedback for seen in runs}) > 1 else [])


def shown(questions: Iterable[Question]) -> list[str]:
    """Questions as short texts."""
    return [inert(", ".join(f"{name}={text}" for name, text in question.shown)) for question in questions]
