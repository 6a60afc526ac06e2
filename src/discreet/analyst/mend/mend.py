"""Makes patches and keeps those that stand: proof red to green, variants too, tests and benign traffic as before, nothing new.

The checks, in the order in which they are made:
1. The emitted test, run on the patched copy, passes.
2. The attack on every entry point that the file can be reached from claims nothing at that place any more, whatever the
   payload, and nothing that it did not claim before.
3. Recorded harmless requests are answered as before, apart from what already differs between two runs of the original.
4. The project's own tests pass where they passed before.
"""

from __future__ import annotations

import difflib
import html
import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from discreet.analyst import prove
from discreet.analyst.claim import Claim
from discreet.analyst.compartment import Compartment
from discreet.analyst.finding import Finding
from discreet.analyst.mend.apply import candidates
from discreet.analyst.project import Staged
from discreet.analyst.recorder import Recorder
from discreet.sandbox import Bind, Limits

CANDIDATES_MAX = 4
FINDINGS_MAX = 60
ATTACK_S = 60.0
TRAFFIC_S = 60.0
TESTS_S = 120.0
# Harmless values that are none for a kind of hole: only an address of the site itself is one for redirects, and what is
# reckoned with, or taken apart by a shell or at a quotation mark, was never answered as it should be.
TOUCHY = {
    "redirect": "public address|json|xml|expression|base64", "sql": "expression", "nosql": "expression", "code": "expression", "template": "expression",
    "command": "apostrophe|json|xml|expression|own address", "xpath": "apostrophe|json|xml",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch that stood every check, and which checks those were."""

    path: str
    checks: tuple[str, ...]


def mend(
    compartment: Compartment, facts: dict[str, Any], findings: list[tuple[Claim, Finding]], project: Path, out: Path, held: Path, recorder: Recorder, deadline: float, progress: Callable[[str], None],
    more: Callable[[Claim, str], Iterable[str]] | None = None,
) -> dict[str, Patch]:  # fmt: skip
    """Patches by the path of the proof that they turn green; `more` proposes texts of a file where no rule's text stands."""
    patches: dict[str, Patch] = {}
    folder = out / "patches"
    if folder.is_dir():
        shutil.rmtree(folder)
    work = _Work(compartment, facts, held, recorder, {c.place for c, _f in findings}, more)
    for number, (claim, finding) in enumerate(findings[:FINDINGS_MAX], 1):
        if time.monotonic() > deadline:
            break
        found = work.patch(claim, Path(finding.proof))
        if found is not None:
            diff, checks = found
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / (Path(finding.proof).stem.removeprefix("test_") + ".patch")
            path.write_text(diff)
            patches[finding.proof] = Patch(str(path), checks)
        progress(f"mended {len(patches)} of {number}")
    return patches


def without_digests(answer: Any) -> Any:
    """An answer with a mark in place of each digest: to be another one is what was wanted of it."""
    return answer if not answer or len(answer) < 3 else (*answer[:2], re.sub(r"\b[0-9a-fA-F]{32,128}\b|\b[\w+/-]{22,86}==?", "#", answer[2]))


@dataclass(slots=True)
class _Work:
    compartment: Compartment
    facts: dict[str, Any]
    held: Path
    recorder: Recorder
    known: set[tuple[str, str, int]]
    more: Callable[[Claim, str], Iterable[str]] | None = None
    traffic_before: dict[str, tuple[Any, Any]] | None = None
    tests_before: dict[str, str] | None = None

    def patch(self, claim: Claim, proof: Path) -> tuple[str, tuple[str, ...]] | None:
        original = self.compartment.staged.root / claim.file
        source = original.read_text("utf-8", "surrogateescape")
        proposed = ((text, ()) for text in islice(candidates(source, claim.kind, claim.line, claim.function), CANDIDATES_MAX))
        advised = ((text, ("written by a model and vetted",)) for text in self.more(claim, source)) if self.more else ()
        for text, origin in chain(proposed, advised):
            staged = self._patched(claim.file, text)
            try:
                checks = self._stands(claim, proof, staged)
            finally:
                shutil.rmtree(staged.root.parent, ignore_errors=True)
            if checks is not None:
                lines = difflib.unified_diff(source.splitlines(keepends=True), text.splitlines(keepends=True), f"a/{claim.file}", f"b/{claim.file}")
                return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines), origin + checks
        return None

    def _patched(self, file: str, text: str) -> Staged:
        place = self.held / f"patched-{secrets.token_hex(4)}"
        place.mkdir()
        place.chmod(0o755)
        shutil.copytree(self.compartment.staged.root, place / "staged")
        (place / "staged" / file).write_text(text, "utf-8", "surrogateescape")
        return replace(self.compartment.staged, root=place / "staged")

    def _stands(self, claim: Claim, proof: Path, staged: Staged) -> tuple[str, ...] | None:
        verdict = prove._batch(self.compartment, self.facts, [proof], self.held, self.recorder, staged, preload=False).get(proof.name, ("broken", ""))[0]
        if verdict != "passes":
            return None
        checks = ["the proof passes"]
        patched = replace(self.compartment, staged=staged)
        facts = prove.survey(patched, self.recorder)
        again = prove.attack(patched, facts, self.held, ATTACK_S, {}, frozenset({claim.file}), 1, self.recorder, lambda message: None, people=claim.oracle == "scene" or claim.kind == "stored-xss")
        if again.ended != "exited" or not again.entries:
            return None
        before = {(cwe, file) for cwe, file, _line in self.known}
        functions = {(c.cwe, c.file, c.function) for c in again.claims}
        if (claim.cwe, claim.file, claim.function) in functions and not self._another(claim):
            return None
        if any((c.cwe, c.file) not in before for c in again.claims):
            return None
        checks.append("every variant of the attack fails")
        checks.append("the audit finds nothing new")
        if not self._same_traffic(staged, claim):
            return None
        checks.append("harmless requests are answered as before")
        tests = self._same_tests(staged)
        if tests is False:
            return None
        if tests:
            checks.append(f"the project's own tests pass as before ({tests})")
        return tuple(checks)

    def _another(self, claim: Claim) -> bool:
        """Whether the same function had a second hole of the same kind, which this patch need not close."""
        return sum(1 for cwe, file, line in self.known if cwe == claim.cwe and file == claim.file and line != claim.line) > 0

    def _same_traffic(self, staged: Staged, claim: Claim) -> bool:
        if self.traffic_before is None:
            first, second = self._traffic(self.compartment.staged)[0], self._traffic(self.compartment.staged)[0]
            self.traffic_before = {k: (first[k], second.get(k)) for k in first}
        # What one entry point keeps may be what another one shows: where a part of them differs, all of them decide.
        return self._answers(claim, *self._traffic(staged, claim.file)) or self._answers(claim, *self._traffic(staged))

    def _answers(self, claim: Claim, after: dict[str, Any], looked: set[str]) -> bool:
        """Whether all that was looked at was answered as before."""
        known = self.traffic_before or {}
        for request, (first, second) in known.items():
            now = after.get(request)
            if request.startswith(claim.endpoint + " ") and (claim.kind == "login" or (claim.kind == "object" and " as a user, " not in request)):
                continue  # that strangers are turned away here is what was wanted; a user still gets what is the user's own
            if claim.kind in TOUCHY and re.match(re.escape(claim.endpoint) + f" ({TOUCHY[claim.kind]}) ", request):
                continue
            if not request.startswith(tuple(looked)):
                continue
            if claim.kind in ("clock", "random") and request.startswith(claim.endpoint + " "):
                first, second, now = (a and a[:1] for a in (first, second, now))  # that it is another one each time is what was wanted
            if claim.kind in ("hash", "clock", "random"):
                first, second, now = (without_digests(a) for a in (first, second, now))
            if first == second and first is not None and first[0] < 500 and now != first:
                return False
        return bool(after) or not known

    def _traffic(self, staged: Staged, file: str | None = None) -> tuple[dict[str, Any], set[str]]:
        """(how harmless requests are answered, the entry points that were looked at): all of them, or those that reach a file and a few others."""
        found: dict[str, Any] = {}
        looked: set[str] = set()
        key = secrets.token_hex(16)

        def on_message(message: dict[str, Any]) -> None:
            if message.get("key") == key and isinstance(message.get("looked"), str):
                looked.add(message["looked"])
            if message.get("key") == key and isinstance(message.get("request"), str) and isinstance(message.get("answer"), list) and len(message["answer"]) == 3 and isinstance(message["answer"][0], int):
                status, location, body = message["answer"]
                found[message["request"]] = (status, location, html.unescape(str(body)))

        job_files = self.held / "job"
        self._facts_file(job_files)
        self.compartment.run(
            {"mode": "traffic", "key": key, "endpoint_s": 10.0, "budget_s": TRAFFIC_S, "only_files": [file] if file else None},
            Limits(wall_s=TRAFFIC_S * 2, cpu_s=int(TRAFFIC_S * 2), memory_bytes_max=prove.ATTACK_MEMORY_BYTES_MAX, processes_max=128, output_bytes_max=prove.OUTPUT_BYTES_MAX),
            on_message, (Bind(job_files, "/job"),), staged,
        )  # fmt: skip
        return found, looked

    def _facts_file(self, job_files: Path) -> None:
        job_files.mkdir(exist_ok=True)
        (job_files / "survey.json").write_text(json.dumps({k: self.facts[k] for k in ("files", "functions")}))
        prove.writable_copy(job_files)

    def _same_tests(self, staged: Staged) -> str | bool | None:
        """How many of the project's tests pass as before, False if one does not, None if there are none that run."""
        if not any(re.search(r"(^|/)(test_[^/]*|[^/]*_test)\.py$", f) for f in staged.files):
            return None
        if self.tests_before is None:
            first, second = self._tests(self.compartment.staged), self._tests(self.compartment.staged)
            self.tests_before = {k: v for k, v in first.items() if second.get(k) == v and v == "passed"}
        if not self.tests_before:
            return None
        after = self._tests(staged)
        return f"{len(self.tests_before)}" if all(after.get(k) == "passed" for k in self.tests_before) else False

    def _tests(self, staged: Staged) -> dict[str, str]:
        found: dict[str, str] = {}
        key = secrets.token_hex(16)

        def on_message(message: dict[str, Any]) -> None:
            if message.get("key") == key and isinstance(message.get("test"), str) and isinstance(message.get("result"), str):
                found[message["test"]] = message["result"]

        job_files = self.held / "job"
        self._facts_file(job_files)
        self.compartment.run(
            {"mode": "tests", "key": key},
            Limits(wall_s=TESTS_S, cpu_s=int(TESTS_S), memory_bytes_max=prove.ATTACK_MEMORY_BYTES_MAX, processes_max=128, output_bytes_max=prove.OUTPUT_BYTES_MAX),
            on_message, (Bind(job_files, "/job"),), staged,
        )  # fmt: skip
        return found
