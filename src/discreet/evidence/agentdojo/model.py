"""Driver (c): a local model plans and reads, as it is, on a small sample of tasks without any attack; called by setup.py.

    python -m discreet.evidence.agentdojo.model --model local-small --tasks 5 --out result.json

The planner gets the product's own prompt: the request with handles and the tools' signatures. It may repair a refused plan as in the
product. The reader reads whatever the plan gives it. The suite's own oracle judges.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from discreet.evidence.agentdojo import bench, reference
from discreet.tools.question import Reply


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="local-small")
    parser.add_argument("--tasks", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True)
    given = parser.parse_args(arguments)
    sys.executable = os.environ.get("DISCREET_PYTHON", sys.executable)  # the model's own process needs the product's environment
    every = [(s, t) for s in bench.SUITES for t in reference.tasks(s)]
    rows = []
    for suite, task in random.Random(given.seed).sample(every, given.tasks):
        rows.append(attempt(suite, task, given.model))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    found = {"model": given.model, "seed": given.seed, "tasks": len(rows), "done": sum(r["done"] for r in rows), "drafted": sum(bool(r["plan"]) for r in rows), "rows": rows}
    Path(given.out).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


def attempt(suite: str, task: str, model: str) -> dict[str, Any]:
    """One task from its prompt alone."""
    from discreet.agents.providers import provider, reading

    began = time.monotonic()
    source, problems = drafted(suite, task, model)
    row: dict[str, Any] = {"suite": suite, "task": task, "plan": source, "problems": problems, "done": False}
    if source and not problems:
        reader = provider(model, "reader")
        try:
            done, _ = reference.attempt(suite, task, drafted=source, reader=reading(reader))
        finally:
            getattr(reader, "close", lambda: None)()
        row |= {key: asdict(done)[key] for key in ("done", "questions", "why")}
    return {**row, "seconds": round(time.monotonic() - began, 1)}


def drafted(suite: str, task: str, model: str) -> tuple[str, list[str]]:
    """The model's plan with the user's words in place of handles, and what the judge found in it."""
    from discreet.agents.planning import handles_of
    from discreet.agents.providers import provider
    from discreet.models.planner import draft
    from discreet.models.provider import ModelFault
    from discreet.models.spans import redact

    made = bench.suite(suite).user_tasks[task]
    live = made.init_environment(bench.environment(suite))
    session, _, _ = bench.opened(suite, lambda *_: None, lambda question: Reply.DENY, live)
    redacted = redact(made.PROMPT, False)
    handles = handles_of(made.PROMPT, redacted, False)
    planner = provider(model, "planner")
    try:
        plan = draft(redacted, session.world.tools.contracts, planner, lambda source: session.problems(source, redacted.text, handles), today=session.clock().date())
    finally:
        getattr(planner, "close", lambda: None)()
    if isinstance(plan, ModelFault):
        return "", [plan.detail]
    source = plan.source
    for handle, value in handles.items():
        source = source.replace(handle, str(value.data).replace('"', '\\"'))
    return source, list(plan.problems)


if __name__ == "__main__":
    sys.exit(main())
