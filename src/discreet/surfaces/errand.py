"""Errands at the terminal: `ask` and the `plan` commands, from an opened home."""

from __future__ import annotations

import datetime as dt
import json as json_
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from discreet.agents.home import Home
from discreet.agents.planning import planner
from discreet.agents.providers import LOCAL, apart, delegating, provider, reading, recipient
from discreet.agents.session import Drafted, Planned, Planner, Report, Session, Watch, World
from discreet.kernel.errors import DiscreetError, PlanError
from discreet.kernel.monitor import Decision, Flow
from discreet.ledger.accounts import Exhausted
from discreet.policy.edit import add_norm
from discreet.policy.explain import lasting
from discreet.surfaces.terminal import Terminal, as_json, line_json
from discreet.tools.preflight import Line
from discreet.tools.question import Question, Reply, inert

EXIT_DONE, EXIT_NOT_DONE, EXIT_CANNOT = 0, 1, 2


def errand(home: Home, request: str, model: str, json: bool) -> int:
    """Plan, preflight, run, account."""
    with home:
        shown, session, world, no_reader = _session(home, json)

        drafts: list[Drafted] = []

        def drafted(made: Drafted) -> None:
            drafts.append(made)
            _say_no_reader(no_reader, made.source)
            if made.source and not json:
                shown.plan(made.source)
                _doubted(shown, made)

        with _planner(home, world, model) as plans:
            report = session.ask(request, plans, Watch(drafted) if json else Watch(drafted, lambda planned: _before(shown, planned)))
        if report.problems and drafts:
            report = replace(report, lines=_lines(session, drafts[-1]))
        return _ended(shown, report, world, json)


def show(home: Home, request: str, model: str, json: bool) -> int:
    """Draft and preflight only."""
    with home:
        shown, session, world, _ = _session(home, json)
        drafted = _drafted(home, session, world, request, model)
        return _shown(shown, session, drafted, json)


def check(home: Home, path: Path, request: str, json: bool) -> int:
    """Preflight of a plan file."""
    with home:
        shown, session, *_ = _session(home, json, reader=False)
        return _shown(shown, session, Drafted(path.read_text("utf-8"), request), json)


def run_file(home: Home, path: Path, request: str, json: bool) -> int:
    """Run a plan file."""
    with home:
        source = path.read_text("utf-8")
        shown, session, world, no_reader = _session(home, json)
        _say_no_reader(no_reader, source)
        report = _performed(shown, session, request, Drafted(source, request), json)
        return _ended(shown, report, world, json)


def edit(home: Home, request: str, model: str) -> int:
    """Draft, edit, run."""
    with home:
        shown, session, world, no_reader = _session(home, False)
        drafted = _drafted(home, session, world, request, model)
        with tempfile.NamedTemporaryFile("w", suffix=".plan", delete=False, encoding="utf-8") as file:
            file.write(drafted.source or "# no plan was accepted; write one here\n")
        subprocess.run([*os.environ.get("EDITOR", "vi").split(), file.name], check=True)
        source = Path(file.name).read_text("utf-8")
        os.unlink(file.name)
        _say_no_reader(no_reader, source)
        report = _performed(shown, session, request, Drafted(source, drafted.request, (), drafted.handles), False)
        return _ended(shown, report, world, False)


def _session(home: Home, json: bool, reader: bool = True) -> tuple[Terminal, Session, World, str]:
    """Terminal, session, world, and why there is no reader ("" where there is one)."""
    read, who, draft, no_reader = None, None, None, ""
    if reader:
        name = home.config.get("models", {}).get("reader", LOCAL)
        try:
            model_ = provider(name, "reader")
            read, who, draft = reading(model_), recipient(model_, "reader"), delegating(name)
        except DiscreetError as absent:
            read, no_reader = _absent, str(absent)
    world = home.world(read or _absent, who, draft)
    shown = Terminal(sys.stderr if json else sys.stdout, names=world.names, norms=getattr(world.judge, "norms", None))
    zone = ZoneInfo(home.config.get("person", {}).get("zone", "UTC"))
    session = Session(world, _Silent() if json and not sys.stdin.isatty() else shown, lambda: dt.datetime.now(zone), progress=shown.progress, always=_keeper(home))
    return shown, session, world, no_reader


def _say_no_reader(why: str, source: str) -> None:
    """Say that there is none, where the plan would use one."""
    if why and re.search(r"\b(?:read|delegate)\s*\(", source):
        print(f"no reader, so what the plan has read will be missing: {why}", file=sys.stderr)


def _absent(*_: Any) -> Any:
    raise DiscreetError("there is no reader: its weights are absent")


class _Silent:
    """Denies every question: with `--json` and no terminal nobody can answer."""

    def ask(self, questions: Sequence[Question]) -> Sequence[Reply]:
        return [Reply.DENY] * len(questions)


def _keeper(home: Home) -> Any:
    """Makes the answer "always" a norm exactly as wide as shown (G5.5)."""

    def keep(flow: Flow, decision: Decision) -> None:
        for norm in lasting(flow, decision):
            add_norm(home.path / "norms.toml", norm)

    return keep


@contextmanager
def _planner(home: Home, world: World, model: str) -> Iterator[Planner]:
    models = home.config.get("models", {})
    name = model or models.get("planner", LOCAL)
    apart(name, models.get("reader", LOCAL))
    drafts = provider(name, "planner")
    try:
        yield planner(drafts, recipient(drafts, "planner"), world.tools.contracts)
    finally:
        getattr(drafts, "close", lambda: None)()


def _drafted(home: Home, session: Session, world: World, request: str, model: str) -> Drafted:
    with _planner(home, world, model) as plans:
        return session.draft(request, plans)


def _shown(shown: Terminal, session: Session, drafted: Drafted, json: bool) -> int:
    problems = list(drafted.problems)
    planned: Planned | None = None
    if not problems:
        try:
            planned = session.prepare(drafted.source, drafted.request, drafted.handles)
        except PlanError as error:
            problems = [str(error)]
    lines = planned.preview.lines if planned else _lines(session, drafted) if drafted.problems else ()
    if json:
        print(json_.dumps({"plan": drafted.source, "problems": problems, "doubts": list(drafted.doubts), "lines": [line_json(one) for one in lines]}, indent=2))
    else:
        shown.plan(drafted.source)
        for problem in problems:
            shown.block("refused: ", inert(problem), "bad")
        for doubt in drafted.doubts:
            shown.block("left out, it seems: ", inert(doubt), "warn")
        if lines:
            shown.preflight(lines)
            shown.denials(lines)
    return EXIT_CANNOT if problems else EXIT_DONE


def _lines(session: Session, drafted: Drafted) -> tuple[Line, ...]:
    """The preflight of a plan that its judge refused, for the user to see why; none where it is no plan."""
    try:
        return session.prepare(drafted.source, drafted.request, drafted.handles).preview.lines
    except (PlanError, Exhausted):
        return ()


def _performed(shown: Terminal, session: Session, request: str, drafted: Drafted, json: bool) -> Report:
    if drafted.problems:
        return Report("", request, drafted.source, (), "", 0, (), (), tuple(drafted.problems))
    try:
        planned = session.prepare(drafted.source, drafted.request, drafted.handles)
    except PlanError as error:
        return Report("", request, drafted.source, (), "", 0, (), (), (str(error),))
    if not json:
        _doubted(shown, drafted)
        _before(shown, planned)
    try:
        return session.run(planned)
    except (Exhausted, PlanError) as error:
        return Report("", request, drafted.source, (), "", 0, (), (), (str(error),))


def _doubted(shown: Terminal, drafted: Drafted) -> None:
    for doubt in drafted.doubts:
        shown.block("  the plan seems to leave out: ", inert(doubt), "warn")


def _before(shown: Terminal, planned: Planned) -> None:
    shown.preflight(planned.preview.lines)
    shown.line("\nDoing it", "bold")


def _ended(shown: Terminal, report: Report, world: World, json: bool) -> int:
    if json:
        print(json_.dumps(as_json(report, world.names, shown.denied(report.lines)), indent=2, ensure_ascii=False, default=str))
    else:
        shown.report(report)
    if report.problems:
        return EXIT_CANNOT
    return EXIT_DONE if report.done else EXIT_NOT_DONE
