"""Writes the one report of all evidence: evidence/summary.json for machines, evidence/report.md for people."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

EXHAUSTIVE_SIZE = 3
KILLS_FULL, KILLS_MIN = 500, 3
MUTANTS_SHARE_MIN = 0.02  # of a run of a small share: fewer mutants than this say nothing


def write(folder: Path, share: float = 1.0, seed: int = 0, workers: int = 2, told: Callable[[str], None] = lambda line: None) -> bool:
    """Run pairs, small plans, seeded leaks and mutants; read what other parts left in `folder`. True when all holds."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"pairs": _pairs(share, seed, workers, folder / "runs"), "leaks": _leaks(share), "mutants": _mutants(share, seed, workers, folder)}
    parts |= {"agentdojo": _agentdojo(share, workers, folder / "runs"), "kills": _kills(share, seed)}
    for name, part in parts.items():
        told(f"{name}: {part['said']}")
    for name in ("oversharing", "benchmarks"):
        other = folder / f"{name}.json"
        if other.exists():
            parts[name] = json.loads(other.read_text("utf-8"))
    summary = {
        "version": version("discreet"), "python": platform.python_version(), "system": platform.platform(), "when": time.strftime("%Y-%m-%d", time.gmtime()),
        "pairs": parts["pairs"]["pairs"], "violations": parts["pairs"]["violations"], "crashes": parts["pairs"]["crashes"], "plans_exhausted": parts["pairs"]["plans_exhausted"],
        "mutants": parts["mutants"].get("mutants", 0), "mutants_killed": parts["mutants"].get("killed", 0), "mutants_equivalent": parts["mutants"].get("equivalent", 0),
        "agentdojo": parts.get("agentdojo", {}), "parts": parts, "seed": seed, "share": share,
    }  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False), "utf-8")
    (folder / "report.md").write_text(_markdown(summary), "utf-8")
    whole = summary["mutants"] - summary["mutants_killed"] - summary["mutants_equivalent"]
    return not summary["violations"] and not parts["kills"]["violations"] and not summary["agentdojo"].get("effective") and not summary["crashes"] and not whole and all(one["after"] for one in parts["leaks"]["leaks"])


def _pairs(share: float, seed: int, workers: int, store: Path) -> dict[str, Any]:
    from discreet.evidence import pairs

    began = time.perf_counter()
    tally = pairs.run_parallel(max(int(pairs.FULL * share), 1), seed, workers, store if share >= 0.1 else None)
    small = pairs.Tally()
    for size in range(1, EXHAUSTIVE_SIZE + 1):
        small.add(pairs.run_small(size, 1.0 if size == 1 else share, seed))
    return {
        "said": f"{tally.pairs} pairs and {small.pairs} small plans, {len(tally.violations) + len(small.violations)} violations",
        "pairs": tally.pairs, "violations": len(tally.violations) + len(small.violations), "crashes": len(tally.crashes) + len(small.crashes),
        "plans_exhausted": small.pairs, "plans_exhausted_size": EXHAUSTIVE_SIZE if share >= 1 else 1, "observed": tally.effects, "refused": tally.refused,
        "denied": tally.denied, "found": (tally.violations + small.violations + tally.crashes + small.crashes)[:20],
        "seconds": round(time.perf_counter() - began, 1), "seed": seed, "share": share,
    }  # fmt: skip


def _leaks(share: float) -> dict[str, Any]:
    from discreet.evidence import leaks

    began = time.perf_counter()
    chosen = leaks.LEAKS if share >= 0.1 else leaks.LEAKS[:: max(len(leaks.LEAKS) // 5, 1)]
    found = [asdict(one) for one in leaks.search(leaks=chosen)]
    said = f"{sum(bool(one['after']) for one in found)} of {len(found)} seeded leaks found"
    return {"said": said, "leaks": found, "seconds": round(time.perf_counter() - began, 1), "share": round(len(found) / len(leaks.LEAKS), 3)}


def _mutants(share: float, seed: int, workers: int, folder: Path) -> dict[str, Any]:
    from discreet.evidence import mutants

    began = time.perf_counter()
    part = min(1.0, max(share, MUTANTS_SHARE_MIN))
    try:
        fates = mutants.run(part, seed, workers, Path.cwd(), folder / "runs/mutants.json" if share >= 0.1 else None)
    except FileNotFoundError as error:
        return {"said": str(error), "seconds": 0.0, "seed": seed, "share": 0.0}
    survivors = [fate.key for fate in fates if not fate.killer and not fate.because]
    return {
        "said": f"{sum(bool(f.killer) for f in fates)} of {len(fates)} mutants killed, {len(survivors)} survived",
        "mutants": len(fates), "killed": sum(bool(f.killer) for f in fates), "equivalent": sum(bool(f.because) for f in fates), "survivors": survivors,
        "fates": [asdict(fate) for fate in fates], "seconds": round(time.perf_counter() - began, 1), "seed": seed, "share": part,
    }  # fmt: skip


def _agentdojo(share: float, workers: int, store: Path) -> dict[str, Any]:
    """AgentDojo in its own environment, made from the registry; told plainly where that cannot be had."""
    from discreet.evidence.agentdojo import setup

    try:
        store.mkdir(parents=True, exist_ok=True)
        made = setup.run(share, store / "agentdojo.jsonl" if share >= 0.1 else None, workers)
    except (setup.Unavailable, OSError, ValueError) as error:
        return {"said": f"not run: {error}"}
    return {"said": f"{made['done']} of {made['tasks']} tasks, {made['questions']} questions, {made['effective']} of {made['attacks']} attacks effective", **made}


def _kills(share: float, seed: int) -> dict[str, Any]:
    from discreet.evidence.kills import kills

    made = kills(max(int(KILLS_FULL * share), KILLS_MIN), seed)
    said = f"{made.kills} kills of an errand, {made.unknown} acts left unknown and told so, {len(made.violations)} violations"
    return {"said": said, "kills": made.kills, "by_step": dict(made.by_step), "unknown": made.unknown, "violations": made.violations, "seconds": round(made.seconds, 1), "seed": seed}


def _markdown(summary: dict[str, Any]) -> str:
    pairs, mutants, leaks = summary["parts"]["pairs"], summary["parts"]["mutants"], summary["parts"]["leaks"]
    lines = [
        "# Evidence", "",
        f"discreet {summary['version']}, Python {summary['python']}, {summary['when']}; share {summary['share']}, seed {summary['seed']}.", "",
        "| part | what | result | seconds |", "|---|---|---|---|",
        f"| E1 paired execution | {pairs['pairs']} pairs, {pairs['observed']} with something to observe | {pairs['violations']} violations, {pairs['crashes']} crashes | {pairs['seconds']} |",
        f"| E1 small plans | {pairs['plans_exhausted']} plans of up to {pairs['plans_exhausted_size']} statements | in the line above | |",
        f"| E4 mutants | {mutants.get('mutants', 0)} | {mutants.get('killed', 0)} killed, {mutants.get('equivalent', 0)} argued equivalent | {mutants['seconds']} |",
        f"| kill -9 | {summary['parts']['kills']['said']} | {len(summary['parts']['kills']['violations'])} violations | {summary['parts']['kills']['seconds']} |",
        f"| E6 AgentDojo | {summary['parts']['agentdojo']['said']} | | {summary['parts']['agentdojo'].get('seconds', '')} |",
        f"| seeded leaks | {len(leaks['leaks'])} | {leaks['said']} | {leaks['seconds']} |", "",
        "## Seeded leaks", "", "| rule switched off | rule | found after pairs |", "|---|---|---|",
        *(f"| {one['name']} | {one['rule']} | {one['after'] or 'not found'} |" for one in leaks["leaks"]), "",
        "## Mutants that survived", "", *([f"- `{key}`" for key in mutants.get("survivors", [])] or ["none"]), "",
        "## Violations and crashes", "", *([f"```\n{json.dumps(one, indent=1)}\n```" for one in pairs["found"]] or ["none"]), "",
    ]  # fmt: skip
    if summary["agentdojo"]:
        lines += ["## AgentDojo", "", "```json", json.dumps(summary["agentdojo"], indent=1)[:4_000], "```", ""]
    return "\n".join(lines)
