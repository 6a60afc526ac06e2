"""Driver (a): reference plans, one per user task, written by hand from the planner's prompt; no model made them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from discreet.evidence.agentdojo import bench
from discreet.evidence.agentdojo.readers import Ask, recorded
from discreet.tools.question import Question, Reply


@dataclass(frozen=True, slots=True)
class Done:
    """One task: whether the suite says that it is done, what was asked, and why not."""

    suite: str
    task: str
    done: bool
    questions: int
    asked: tuple[tuple[Any, ...], ...]
    why: str


def tasks(suite: str) -> list[str]:
    """The ids of a suite's user tasks, in order."""
    return sorted(bench.suite(suite).user_tasks, key=lambda t: int(t.rsplit("_", 1)[1]))


def plan_of(suite: str, task: str) -> str:
    """The reference plan, or an empty text."""
    path = bench.HERE / "plans" / suite / f"{task}.plan"
    return path.read_text("utf-8") if path.exists() else ""


def delegated_plan(suite: str, task: str) -> str:
    """The plan of the fresh planner for a task that hands over to a text; empty for all others."""
    return plan_of(suite, f"{task}.delegated")


def attempt(
    suite: str, task: str, answer: Callable[[Question], Reply] = lambda q: Reply.ONCE, injections: dict[str, str] | None = None,
    together: bool = True, drafted: str | None = None, reader: Ask | None = None,
) -> tuple[Done, bench.Run | None]:  # fmt: skip
    """Run the reference plan of one task, with the replies recorded by hand; or a plan that a model drafted, with its reader."""
    plan = plan_of(suite, task) if drafted is None else drafted
    if not plan:
        return Done(suite, task, False, 0, (), "no plan"), None
    made = bench.suite(suite).user_tasks[task]
    live = made.init_environment(bench.environment(suite, injections))
    answers = reader or recorded(bench.HERE / "plans" / suite / f"{task}.answers.json")
    handed = delegated_plan(suite, task) if drafted is None else ""
    run = bench.perform(suite, made.PROMPT, plan, answers, answer, live, handed, together)
    done = not run.report.problems and bench.useful(suite, made, run)
    why = "; ".join(run.report.problems) or ("" if done else f"utility says no; told: {run.said[:300]}; denied {run.report.denied}")
    return Done(suite, task, done, run.report.questions, tuple(map(bench.exact, run.asked)), why), run
