"""Turns what the compartment claims into findings: every claim becomes an emitted test, run anew in a fresh compartment.

A claim whose test does not fail there is not a finding. Two tests are made to run in one process only if they
share the application; a test that did not fail in such a batch gets a compartment of its own import.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from discreet.analyst.claim import Claim, read_claim
from discreet.analyst.compartment import Compartment, writable_copy
from discreet.analyst.proof import emit, test_name
from discreet.analyst.project import Staged
from discreet.analyst.recorder import Recorder
from discreet.sandbox import Bind, Limits

ENDPOINT_S = 25.0
THOROUGH_ENDPOINTS_MAX = 60
ALONE_PROOFS_MAX = 120
ATTACK_MEMORY_BYTES_MAX = 4 << 30
OUTPUT_BYTES_MAX = 128 << 20
START_S = 60.0
SURVEY_S = 180.0
PROOF_S = 30.0


@dataclass(slots=True)
class Attacked:
    """What came out of attacking all entry points."""

    claims: list[Claim] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)
    suspected: list[dict[str, Any]] = field(default_factory=list)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)
    forged: int = 0
    noise: str = ""
    ended: str = "exited"


def survey(compartment: Compartment, recorder: Recorder) -> dict[str, Any]:
    """What the files say, read by the target's own interpreter; lists of JSON objects."""
    found: dict[str, Any] = {"unread": [], "files": [], "functions": [], "candidates": [], "python": None}
    key = secrets.token_hex(16)

    def on_message(message: dict[str, Any]) -> None:
        name, items = message.get("survey"), message.get("items")
        if message.get("key") == key and name in found and isinstance(items, list):
            found[name] += [i for i in items if isinstance(i, dict)]
        elif message.get("key") == key and name == "end":
            found["python"] = message.get("python")

    handle = recorder.before("survey", compartment.staged.digest)
    outcome = compartment.run({"mode": "survey", "key": key}, Limits(wall_s=SURVEY_S, cpu_s=int(SURVEY_S), memory_bytes_max=3 << 30, output_bytes_max=OUTPUT_BYTES_MAX), on_message)
    recorder.after(handle, outcome.ended)
    if found["python"] is None:
        found["unread"].append({"file": ".", "why": f"the survey ended early ({outcome.ended}): {_last_line(outcome.stderr)}"})
    return found


STEPS = frozenset({"people", "stored"})  # of an attack, on an application as a whole: done once, and no entry points


def entry_points(done: Iterable[str]) -> list[str]:
    """What of all that an attack has done are entry points."""
    return [name for name in done if name not in STEPS]


def attack(
    compartment: Compartment,
    facts: dict[str, Any],
    held: Path,
    budget_s: float,
    done: dict[str, dict[str, Any]],
    only_files: frozenset[str] | None,
    jobs: int,
    recorder: Recorder,
    on_progress: Callable[[dict[str, Any]], None],
    people: bool = True,
) -> Attacked:
    """Drive every entry point with every payload that could matter, in as many compartments as `jobs`; `people`: and try what users do to each other."""
    result = Attacked()
    files = frozenset(compartment.staged.files)
    for entry, kept in done.items():
        result.done[entry] = kept
        result.claims += [c for c in (read_claim(d, files) for d in kept.get("claims", [])) if c is not None]
        result.suspected += [s for s in kept.get("suspected", []) if isinstance(s, dict)]
    job_files = held / "job"
    job_files.mkdir(exist_ok=True)
    (job_files / "survey.json").write_text(json.dumps({k: facts[k] for k in ("files", "functions")}))
    writable_copy(job_files)
    lock = threading.Lock()

    def shard(number: int) -> None:
        key = secrets.token_hex(16)
        job = {
            "mode": "attack", "key": key, "nonce": secrets.token_hex(3), "done": sorted(done), "shards": jobs, "shard": number, "thorough_max": THOROUGH_ENDPOINTS_MAX,
            "only_files": sorted(only_files) if only_files is not None else None, "budget_s": budget_s, "endpoint_s": ENDPOINT_S, "people": people,
        }  # fmt: skip

        over: list[bool] = []

        def on_message(message: dict[str, Any]) -> None:
            with lock:
                if message.get("key") != key:
                    result.forged += 1
                    return
                over.extend([True] if message.get("end") is True else [])
                _take(message, result, files)
                on_progress(message)

        handle = recorder.before("attack", compartment.staged.digest)
        limits = Limits(wall_s=budget_s + START_S + ENDPOINT_S, cpu_s=int(budget_s + START_S), memory_bytes_max=ATTACK_MEMORY_BYTES_MAX, processes_max=128, output_bytes_max=OUTPUT_BYTES_MAX)
        outcome = compartment.run(job, limits, on_message, (Bind(job_files, "/job"),))
        recorder.after(handle, outcome.ended)
        with lock:
            result.noise = _last_line(outcome.stderr) or result.noise
            if outcome.ended != "exited" or outcome.exit_code:
                result.ended = outcome.ended if outcome.ended != "exited" else f"exit code {outcome.exit_code}"
            elif not over:
                result.ended = "the target ended the process that drives it"

    threads = [threading.Thread(target=shard, args=(n,)) for n in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return result


def _take(message: dict[str, Any], result: Attacked, files: frozenset[str]) -> None:
    for problem in message.get("problems") or []:
        if isinstance(problem, dict) and len(result.problems) < 500:
            entry = {"file": str(problem.get("file"))[:300], "why": str(problem.get("why"))[:500]}
            if entry not in result.problems:
                result.problems.append(entry)
    for entry in message.get("map") or []:
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            result.entries[entry["id"]] = entry
    if isinstance(message.get("unfinished"), str):
        result.unfinished.append(message["unfinished"])
    if isinstance(message.get("done"), str):
        claims = message.get("claims") if isinstance(message.get("claims"), list) else []
        suspected = [s for s in message.get("suspected") or [] if isinstance(s, dict)][:20] if isinstance(message.get("suspected"), list) else []
        result.suspected += suspected
        result.done[message["done"]] = {"claims": claims, "suspected": suspected, "failed": str(message["failed"])[:300] if message.get("failed") else None}
        result.claims += [c for c in (read_claim(d, files) for d in claims[:100]) if c is not None]


def distinct(claims: list[Claim]) -> list[Claim]:
    """One claim for each hole: of those at one place the one with the smallest request."""
    best: dict[tuple[str, str, int], Claim] = {}
    for claim in claims:
        known = best.get(claim.place)
        if known is None or len(json.dumps(claim.steps)) < len(json.dumps(known.steps)):
            best[claim.place] = claim
    return sorted(best.values(), key=lambda c: (c.file, c.line, c.cwe))


def others(claims: list[Claim], tried: list[Claim], places: set[tuple[str, str, int]]) -> list[Claim]:
    """At places whose claim's test showed nothing, the claim that was seen there in another way."""
    return distinct([c for c in claims if c.place in places and c not in tried])


def confirm(
    compartment: Compartment, facts: dict[str, Any], claims: list[Claim], project: Path, proofs: Path, held: Path, recorder: Recorder, staged: Staged | None = None, deadline: float | None = None, first: int = 0
) -> dict[int, tuple[str, Path]]:
    """Write each claim's test and run it; the verdict (`fails`, `passes`, `broken`) and path by the claim's position."""
    proofs.mkdir(parents=True, exist_ok=True)
    paths: dict[str, int] = {}
    for number, claim in enumerate(claims):
        name = test_name(claim, first + number + 1)
        (proofs / name).write_text(emit(claim, str(project)))
        paths[name] = number
    verdicts = run_proofs(compartment, facts, [proofs / n for n in paths], held, recorder, staged, deadline)
    return {number: (verdicts.get(name, ("broken", ""))[0], proofs / name) for name, number in paths.items()}


def run_proofs(
    compartment: Compartment, facts: dict[str, Any], proofs: list[Path], held: Path, recorder: Recorder, staged: Staged | None = None, deadline: float | None = None
) -> dict[str, tuple[str, str]]:
    """The verdict of each test, first in a batch that imports the application once, then alone where that was not enough."""
    verdicts = _batch(compartment, facts, proofs, held, recorder, staged, preload=True)
    again = [p for p in proofs if verdicts.get(p.name, ("broken", ""))[0] != "fails"]
    for proof in again[:ALONE_PROOFS_MAX]:
        if deadline is not None and time.monotonic() > deadline:
            break
        verdicts.update(_batch(compartment, facts, [proof], held, recorder, staged, preload=False))
    return verdicts


def _batch(compartment: Compartment, facts: dict[str, Any], proofs: list[Path], held: Path, recorder: Recorder, staged: Staged | None, preload: bool) -> dict[str, tuple[str, str]]:
    if not proofs:
        return {}
    place = held / f"proofs-{secrets.token_hex(4)}"
    place.mkdir()
    for proof in proofs:
        (place / proof.name).write_text(proof.read_text())
    job_files = held / "job"
    job_files.mkdir(exist_ok=True)
    (job_files / "survey.json").write_text(json.dumps({k: facts[k] for k in ("files", "functions")}))
    writable_copy(place)
    writable_copy(job_files)
    names = {p.name for p in proofs}
    verdicts: dict[str, tuple[str, str]] = {}
    key = secrets.token_hex(16)

    def on_message(message: dict[str, Any]) -> None:
        name, verdict = message.get("done"), message.get("verdict", "broken")
        if message.get("key") == key and name in names and verdict in ("fails", "passes", "broken"):
            # Two answers for one test mean that something inside speaks out of turn: neither is believed.
            verdicts[name] = (verdict, str(message.get("why") or message.get("failed") or "")[:300]) if name not in verdicts else ("broken", "two verdicts were given")

    handle = recorder.before("prove", compartment.staged.digest)
    wall = START_S + PROOF_S + 3.0 * len(proofs)
    outcome = compartment.run(
        {"mode": "prove", "key": key, "preload": preload, "endpoint_s": PROOF_S},
        Limits(wall_s=wall, cpu_s=int(wall), memory_bytes_max=ATTACK_MEMORY_BYTES_MAX, processes_max=128, output_bytes_max=OUTPUT_BYTES_MAX),
        on_message,
        (Bind(job_files, "/job"), Bind(place, "/proofs")),
        staged,
    )
    recorder.after(handle, outcome.ended)
    return verdicts


def _last_line(noise: bytes) -> str:
    lines = [line for line in noise.decode("utf-8", "replace").splitlines() if line.strip()]
    return re.sub(r"[^\x20-\x7e]", "?", lines[-1])[:300] if lines else ""
