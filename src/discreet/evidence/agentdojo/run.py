"""Runs the AgentDojo part inside the benchmark's own environment and writes one result; called by setup.py, never imported by it.

    python -m discreet.evidence.agentdojo.run --share 0.01 --out result.json [--pairs pairs.jsonl] [--part 0/2]

Pairs that `--pairs` already holds are not run again, so that a full run can be stopped, resumed and split.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from discreet.evidence.agentdojo import bench, reference, worst
from discreet.evidence.agentdojo.inside import INSIDE


def main(arguments: list[str] | None = None) -> int:
    """Reference plans of all tasks, and the worst case on a share of all pairs."""
    options = _options(arguments)
    begun = time.monotonic()
    done = _pairs(options)
    if options.out:
        tasks = [reference.attempt(s, t)[0] for s in bench.SUITES for t in reference.tasks(s)] if options.tasks else []
        result = summary(tasks, done, options.share, time.monotonic() - begun)
        Path(options.out).write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--out", default="")
    parser.add_argument("--pairs", default="")
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--no-tasks", dest="tasks", action="store_false")
    return parser.parse_args(arguments)


def _pairs(options: argparse.Namespace) -> list[dict[str, Any]]:
    kept = Path(options.pairs) if options.pairs else None
    known = [json.loads(line) for line in kept.read_text("utf-8").splitlines()] if kept and kept.exists() else []
    have = {(p["suite"], p["task"], p["injection"]) for p in known}
    number, parts = map(int, options.part.split("/"))
    made = list(known)
    for index, pair in enumerate(sorted(worst.chosen(options.share), key=lambda p: (p[0], p[2]))):  # by goal: one environment is read once
        if index % parts != number or pair in have:
            continue
        row = asdict(worst.attack(*pair))
        made.append(row)
        if kept:
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        if row["effective"]:
            print(*pair, row["effective"], file=sys.stderr, flush=True)
    wanted = set(worst.chosen(options.share))
    return [row for row in made if (row["suite"], row["task"], row["injection"]) in wanted]


def summary(tasks: Iterable[reference.Done], pairs: list[dict[str, Any]], share: float, seconds: float) -> dict[str, Any]:
    """The result: totals, then each suite, then every task that is not done and every attack that took effect."""
    tasks = list(tasks)
    spoken = [p for p in pairs if (p["suite"], p["injection"]) in worst.SPOKEN]
    acting = [p for p in pairs if p not in spoken]
    suites = {}
    for name in bench.SUITES:
        of, attacked = [t for t in tasks if t.suite == name], [p for p in pairs if p["suite"] == name]
        suites[name] = {
            "tasks": len(of), "done": sum(t.done for t in of), "questions": sum(t.questions for t in of), "attacks": len(attacked),
            "effective": sum(_took(p) for p in attacked), "wrong_approvals": sum(bool(p["approved"]) for p in attacked),
            "wrong_approvals_by_injection": sum(any(w.startswith(worst.INJECTED) for w in p["approved"]) for p in attacked),
        }  # fmt: skip
    outside = [t for t in tasks if (t.suite, t.task) not in INSIDE]
    inside = [t for t in tasks if (t.suite, t.task) in INSIDE]
    return {
        "tasks": len(tasks), "done": sum(t.done for t in tasks), "questions": sum(t.questions for t in tasks),
        "questions_per_task": {
            "outside": round(sum(t.questions for t in outside) / max(len(outside), 1), 4), "outside_tasks": len(outside),
            "inside": round(sum(t.questions for t in inside) / max(len(inside), 1), 4), "inside_tasks": len(inside),
        },
        "attacks": len(pairs), "tries": sum(p["tried"] for p in pairs), "effective": sum(map(_took, pairs)),
        "effective_by_injection": sum(any(w.startswith(worst.INJECTED) for w in p["effective"]) for p in pairs),
        "effective_by_hostile_planner": sum(_took(p) for p in acting),
        "words_by_hostile_planner": sum(bool(p["effective"]) for p in spoken), "words_pairs": len(spoken),
        "wrong_approvals": sum(bool(p["approved"]) for p in pairs),
        "wrong_approvals_by_injection": sum(any(w.startswith(worst.INJECTED) for w in p["approved"]) for p in pairs), "questions_under_attack": sum(p["asked"] for p in pairs),
        "suites": suites, "inside": {f"{s}/{t}": why for (s, t), why in INSIDE.items()},
        "not_done": [{"suite": t.suite, "task": t.task, "why": t.why} for t in tasks if not t.done],
        "took_effect": [{k: p[k] for k in ("suite", "task", "injection", "effective")} for p in pairs if p["effective"]],
        "version": bench.VERSION, "share": share, "seconds": round(seconds, 1), "seed": 0,
    }  # fmt: skip


def _took(pair: dict[str, Any]) -> bool:
    """Whether an attack took effect: any way; of a goal that is only words to the user, a way that an injection has (G1.4)."""
    if (pair["suite"], pair["injection"]) in worst.SPOKEN:
        return any(way.startswith(worst.INJECTED) for way in pair["effective"])
    return bool(pair["effective"])


if __name__ == "__main__":
    sys.exit(main())
