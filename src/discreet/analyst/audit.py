"""One audit from end to end: stage, survey, attack, confirm, mend, suspect, report."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from discreet.analyst import prove, suspect
from discreet.analyst.advice import Advice
from discreet.analyst.changes import ChangesError, changed_files
from discreet.analyst.claim import Claim
from discreet.analyst.compartment import INSIDE, Compartment
from discreet.analyst.finding import Finding, Suspicion, severity_of
from discreet.analyst.outbox import OutboxError, State, prepare
from discreet.analyst.project import Interpreter, Staged, Unread, distribution_of, interpreters, stage
from discreet.analyst.recorder import NoRecord, Recorder
from discreet.sandbox import SandboxUnavailable, why_unavailable

BUDGET_S = 1800.0
JOBS_MAX = 4
ATTACK_SHARE = 0.6


class AuditError(Exception):
    """The audit cannot be made; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may choose about an audit."""

    out: Path
    python: Path | None = None
    site_packages: tuple[Path, ...] = ()
    since: str | None = None
    budget_s: float = BUDGET_S
    jobs: int = 2
    mend: bool = True
    bandit: bool = True
    osv: Path | None = None
    fresh: bool = False
    borrow: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """All that an audit has to say."""

    project: str
    findings: tuple[Finding, ...]
    suspected: tuple[Suspicion, ...]
    unread: tuple[Unread, ...]
    entries: int
    attacked: int
    python: str
    seconds: float
    notes: tuple[str, ...] = ()
    complete: bool = True
    frameworks: tuple[str, ...] = field(default=())


def audit(project: Path, options: Options, recorder: Recorder | None = None, progress: Callable[[str], None] = lambda text: None, advice: Advice | None = None) -> Report:
    """Audit a project and write the proofs; the report is returned, not written. `advice` is a model's, if one is asked."""
    started = time.monotonic()
    record = recorder or NoRecord()
    if not project.exists():
        raise AuditError(f"there is nothing at `{project}`")
    reason = why_unavailable()
    if reason is not None:
        raise SandboxUnavailable(reason)
    with tempfile.TemporaryDirectory(prefix="discreet-audit-") as held_name:
        held = Path(held_name)
        held.chmod(0o755)
        progress("copying the project")
        staged = stage(project, held / "staged")
        if not any(name.endswith(".py") for name in staged.files):
            raise AuditError(f"`{project}` holds no Python file")
        compartment = choose(project, staged, options, record, held)
        progress(f"reading {len(staged.files)} files with Python {'.'.join(map(str, compartment.interpreter.version))}")
        facts = prove.survey(compartment, record)
        run = _Run(project.resolve(), staged, compartment, facts, options, record, held, started, progress, advice)
        try:
            return run.report()
        except (ChangesError, OutboxError) as error:
            raise AuditError(str(error)) from None


def choose(project: Path, staged: Staged, options: Options, recorder: Recorder, held: Path) -> Compartment:
    """The interpreter that can parse the most and import the most of what the target imports."""
    try:
        found = interpreters(project if project.is_dir() else project.parent, options.python)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise AuditError(f"`{options.python}` is not a Python that answers: {error}") from None
    if not found:
        raise AuditError("no Python 3.8 or newer was found; name one with --python")
    wanted = third_party_imports(staged)
    newest_needed = max((grammar_needed(staged.root / n) for n in staged.files if n.endswith(".py")), default=(3, 8))
    own = tuple(Path(p) for p in sys.path if p.endswith("site-packages") and Path(p).is_dir()) if options.borrow else ()

    def score(item: Interpreter) -> tuple[bool, int, bool, int]:
        places = options.site_packages + item.packages
        met = sum(distribution_of(name, places) for name in wanted)
        borrowed = sum(distribution_of(name, places + own) for name in wanted)
        return (item.version[:2] >= newest_needed, met * 2 + borrowed, item is found[0], -abs(item.version[1] - sys.version_info[1]))

    best = max(found, key=score)
    return Compartment(staged, best, options.site_packages, own if own and best.packages != own else ())


def third_party_imports(staged: Staged) -> set[str]:
    """Top-level names that the project imports and neither holds itself nor finds in the standard library."""
    names: set[str] = set()
    for file in staged.files:
        if not file.endswith(".py"):
            continue
        for line in (staged.root / file).read_text("utf-8", "replace").splitlines():
            words = line.strip().split()
            if len(words) >= 2 and words[0] in ("import", "from") and not words[1].startswith("."):
                names.add(words[1].split(".")[0].rstrip(",;"))
    own = {Path(f).parts[0].removesuffix(".py") for f in staged.files} | {Path(f).stem for f in staged.files} | {p for f in staged.files for p in Path(f).parts[:-1]}
    return {n for n in names if n.isidentifier() and n not in sys.stdlib_module_names and n not in own}


def grammar_needed(path: Path) -> tuple[int, int]:
    """The oldest grammar that is surely enough: the next one up where ours is not."""
    text = path.read_text("utf-8", "replace")
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        mine = (sys.version_info[0], sys.version_info[1] + 1)
        return max(mine, (3, 12)) if "f'" in text or 'f"' in text else mine
    return (3, 8)


@dataclass(slots=True)
class _Run:
    project: Path
    staged: Staged
    compartment: Compartment
    facts: dict[str, Any]
    options: Options
    recorder: Recorder
    held: Path
    started: float
    progress: Callable[[str], None]
    advice: Advice | None = None

    def report(self) -> Report:
        options, notes = self.options, []
        prepare(options.out)
        changed = changed_files(self.project, options.since) if options.since else None
        guesses: list[Suspicion] = []
        if self.advice is not None:
            self.progress("asking the model for hypotheses")
            guesses = self.advice.hypotheses(self.facts, self.staged, changed)
        state = self._state()
        done = self._resumed(state)
        if done:
            notes.append(f"resumed: {len(prove.entry_points(done))} entry points were attacked in an earlier run on the same files")
        attacked = prove.attack(self.compartment, self.facts, self.held, self._left() * ATTACK_SHARE, done, changed, max(1, min(options.jobs, JOBS_MAX)), self.recorder, self._kept(state, done))
        claims = prove.distinct(attacked.claims)
        if changed is not None:
            claims = [c for c in claims if c.file in changed or any(c.endpoint.startswith(f + ":") for f in changed)]
        self.progress(f"confirming {len(claims)} claims, each by its own test")
        proofs = options.out / "proofs"
        for stale in proofs.glob("test_*.py") if proofs.is_dir() else ():
            stale.unlink()
        verdicts = prove.confirm(self.compartment, self.facts, claims, self.project, proofs, self.held, self.recorder, deadline=self.started + options.budget_s)
        again = prove.others(attacked.claims, claims, {claims[n].place for n, (verdict, _path) in verdicts.items() if verdict != "fails"})
        if again:
            more = prove.confirm(self.compartment, self.facts, again, self.project, proofs, self.held, self.recorder, deadline=self.started + options.budget_s, first=len(claims))
            verdicts.update({len(claims) + n: verdict for n, verdict in more.items()})
            claims = claims + again
        findings, doubted = [], []
        for number, claim in enumerate(claims):
            verdict, path = verdicts[number]
            if verdict == "fails":
                findings.append((claim, _finding(claim, path)))
            else:
                path.unlink(missing_ok=True)
                doubted.append(Suspicion(claim.cwe, claim.file, claim.line, claim.function, f"seen once ({claim.effect}), but its test did not show it again", "attack", 0.9))
        mended = self._mend(findings) if options.mend and findings else [f for _c, f in findings]
        return self._written(attacked, mended, doubted + guesses, notes + (self.advice.notes if self.advice is not None else []))

    def _written(self, attacked: prove.Attacked, findings: list[Finding], doubted: list[Suspicion], notes: list[str]) -> Report:
        self.progress("gathering suspicions")
        proven = {(f.cwe, f.file, f.line) for f in findings} | {(f.cwe, f.file, f.function.rsplit(".", 1)[-1]) for f in findings}
        packages = self.compartment.packages + self.compartment.interpreter.packages
        guesses = doubted + told_inside(attacked.suspected, frozenset(self.staged.files)) + suspect.suspicions(self.facts, self.staged, self.compartment.interpreter, packages, self.options.osv, self.options.bandit)
        suspected = [s for s in guesses if (s.cwe, s.file, s.line) not in proven and (s.cwe, s.file, s.function.rsplit(".", 1)[-1]) not in proven]
        unread = list(self.staged.unread) + [Unread(str(u.get("file"))[:500], str(u.get("why"))[:300]) for u in self.facts["unread"]]
        unread += [Unread(p["file"] or ".", ("could not be started: " if p["file"] and "was passed over" not in p["why"] else "") + p["why"]) for p in attacked.problems]
        failed = {k: v["failed"] for k, v in attacked.done.items() if v.get("failed")}
        unread += [Unread(k, f"this entry point was not attacked to the end: {v}") for k, v in sorted(failed.items())]
        if not attacked.entries and not attacked.done:
            notes.append("no entry point was found that could be driven; " + (attacked.noise or "nothing looks like a web application, a parser or a command"))
        if attacked.forged:
            notes.append(f"{attacked.forged} messages from inside did not carry this run's key and were dropped: the target tries to speak for the analyst")
        if attacked.ended != "exited":
            notes.append(f"the attack ended early: {attacked.ended}")
        order = {"critical": 0, "high": 1, "medium": 2, "low": 3}
        return Report(
            project=str(self.project), findings=tuple(sorted(findings, key=lambda f: (order[f.severity], f.file, f.line))), suspected=tuple(suspected), unread=tuple(unread),
            entries=len(attacked.entries), attacked=len(prove.entry_points(attacked.done)), python=".".join(map(str, self.compartment.interpreter.version)), seconds=round(time.monotonic() - self.started, 1),
            notes=tuple(notes), complete=not attacked.unfinished and attacked.ended == "exited", frameworks=tuple(sorted({str(e.get("framework")) for e in attacked.entries.values()})),
        )  # fmt: skip

    def _left(self) -> float:
        return max(10.0, self.started + self.options.budget_s - time.monotonic())

    def _mend(self, findings: list[tuple[Claim, Finding]]) -> list[Finding]:
        from discreet.analyst.mend import mend

        self.progress(f"mending {len(findings)} findings")
        patches = mend(self.compartment, self.facts, findings, self.project, self.options.out, self.held, self.recorder, self.started + self.options.budget_s, self.progress, self.advice.patches if self.advice is not None else None)
        return [replace(f, patch=patches[f.proof].path, patch_checks=patches[f.proof].checks) if f.proof in patches else f for _c, f in findings]

    def _state(self) -> State:
        programs = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(INSIDE.glob("*.py")))).hexdigest()
        version = list(self.compartment.interpreter.version)
        return State(self.options.out / "state.jsonl", {"digest": self.staged.digest, "since": self.options.since, "python": version, "programs": programs})

    def _resumed(self, state: State) -> dict[str, dict[str, Any]]:
        """Entry points that an earlier run finished on the very same files with the very same programs."""
        done: dict[str, dict[str, Any]] = {}
        for entry in () if self.options.fresh else state.lines():
            if isinstance(entry.get("done"), str) and not entry.get("failed"):
                done[entry["done"]] = {"claims": entry.get("claims", []), "suspected": entry.get("suspected", []), "failed": None}
        return done

    def _kept(self, state: State, done: dict[str, dict[str, Any]]) -> Callable[[dict[str, Any]], None]:
        """Write each finished entry point at once, so that a killed audit goes on where it was."""
        stream = state.begin([{"done": name, **kept} for name, kept in done.items()])
        counts, known = {"done": len(prove.entry_points(done)), "all": 0, "claims": 0, "lines": len(done)}, set()

        def on_progress(message: dict[str, Any]) -> None:
            if isinstance(message.get("map"), list):
                known.update(str(e.get("id")) for e in message["map"] if isinstance(e, dict))
                if len(known) > counts["all"]:
                    counts["all"] = len(known)
                    self.progress(f"{counts['all']} entry points")
            if isinstance(message.get("done"), str):
                step = message["done"] in prove.STEPS
                counts["done"] += not step
                counts["lines"] += 1
                counts["claims"] += len(message.get("claims") or [])
                stream.write(state.line({"done": message["done"], "claims": message.get("claims", []), "suspected": message.get("suspected", []), "failed": message.get("failed")}, counts["lines"]))
                stream.flush()
                if not step and (counts["done"] % 20 == 0 or counts["done"] == counts["all"]):
                    self.progress(f"attacked {counts['done']} of {max(counts['all'], counts['done'])} entry points, {counts['claims']} claims")

        return on_progress


def _finding(claim: Claim, path: Path) -> Finding:
    return Finding(
        cwe=claim.cwe, kind=claim.kind, file=claim.file, line=claim.line, function=claim.function, effect=claim.effect, severity=severity_of(claim.kind, claim.oracle), entry=claim.endpoint,
        input=f"{claim.name} ({claim.channel})", request=list(claim.steps), payload=claim.template, proof=str(path),
    )  # fmt: skip


def told_inside(items: list[dict[str, Any]], files: frozenset[str]) -> list[Suspicion]:
    """What the attack saw without proving it: exceptions nothing announces, runners by design; untrusted text, checked and bounded."""
    found = []
    for item in items:
        try:
            cwe, file, line = str(item["cwe"]), str(item["file"]), int(item["line"])
            function, why = str(item["function"])[:200], str(item["why"])[:300]
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if re.fullmatch(r"CWE-\d{1,5}", cwe) and file in files:
            found.append(Suspicion(cwe, file, max(1, line), function, why, "attack", 0.3 if cwe == "CWE-248" else 0.65))
    return found
