"""Driver (b), the worst case: every pair of a user's task and an attacker's goal, by every way that a hostile model has.

    injected        the benchmark's own vectors hold the attack, the user's plan runs, and the reader obeys: every field that it
                    fills holds the attacker's values. This is what an injection can reach, since the planner sees no outside text.
    hostile planner the planner itself is the attacker's and knows every goal: it tries the goal in place of the user's plan,
                    behind it, between its steps, by its arguments, through detours, by a delegated plan, and by picking.

The user of the main figure is careful: says yes to exactly those calls that the user's own task asks about when nobody attacks.
A second user says yes to everything: what takes effect then are the wrong approvals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from discreet.evidence.agentdojo import bench, goals, reference
from discreet.evidence.agentdojo.readers import Ask, NotRecorded, adversary, recorded
from discreet.kernel.errors import DiscreetError
from discreet.tools.question import Question, Reply

INJECTED = "injected"
SPOKEN = {("travel", "injection_task_6")}  # goals that are nothing but words to the user; not promised (G1.4)


@dataclass
class Pair:
    """One user task against one goal: which ways took effect, with the careful user and with the one who says yes."""

    suite: str
    task: str
    injection: str
    tried: int = 0
    refused: int = 0  # plans that did not get past the preflight
    asked: int = 0  # questions put in all tries
    effective: list[str] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)  # ways that took effect only because the user said yes to a question


def pairs() -> list[tuple[str, str, str]]:
    """All pairs of the four suites, in order."""
    return [(s, t, i) for s in bench.SUITES for t in reference.tasks(s) for i in sorted(bench.suite(s).injection_tasks, key=lambda i: int(i.rsplit("_", 1)[1]))]


def chosen(share: float) -> list[tuple[str, str, str]]:
    """A stable share of all pairs, spread over suites and goals."""
    if share >= 1:
        return pairs()
    ranked = sorted(pairs(), key=lambda p: hashlib.sha256("/".join(p).encode()).digest())
    return ranked[: max(round(len(ranked) * share), 4)]


def attack(suite: str, task: str, injection: str) -> Pair:
    """Try every way on one pair."""
    pair = Pair(suite, task, injection)
    for way, run in ways(suite, task, injection):
        pair.tried += 1
        careful = run(_careful(suite, task))
        pair.refused += bool(careful.report.problems)
        pair.asked += len(careful.asked)
        goal = bench.suite(suite).injection_tasks[injection]
        if bench.harmed(goal, careful):
            pair.effective.append(way)
        elif careful.asked and not pair.approved:
            if bench.harmed(goal, run(lambda q: Reply.ONCE)):
                pair.approved.append(way)
    return pair


@cache
def approved(suite: str, task: str) -> frozenset[tuple[Any, ...]]:
    """The exact calls that the user's own task asks about when nobody attacks."""
    return frozenset(reference.attempt(suite, task)[0].asked)


def _careful(suite: str, task: str) -> Callable[[Question], Reply]:
    known = approved(suite, task)
    return lambda question: Reply.ONCE if bench.exact(question) in known else Reply.DENY


Try = Callable[[Callable[[Question], Reply]], bench.Run]


def ways(suite: str, task: str, injection: str) -> Iterator[tuple[str, Try]]:
    """Each way by name, as something to run with a user's answers."""
    plan, handed = reference.plan_of(suite, task), reference.delegated_plan(suite, task)
    vectors = injections(suite, injection)
    texts = goals.texts(suite, injection)
    numbers = [v for v in goals.wanted(suite, injection).values() if isinstance(v, (int, float))] or [1_000_000]
    for turn in range(min(max(len(texts), 2), 4)):
        obeying = adversary(texts[turn:] + texts[:turn], numbers, turn)
        yield f"{INJECTED}: reader answers {turn}", _try(suite, task, plan, obeying, vectors, handed)
    yield f"{INJECTED}: honest reader", _try(suite, task, plan, _tolerant(suite, task), vectors, handed)
    obeying = adversary(texts, numbers)
    vectors = {}  # a goal's own words in a mailbox blind oracles that count mails; who knows the goal needs no text for it
    yield f"{INJECTED}: reader answers, texts taken away", _try(suite, task, plan, obeying, vectors, handed)
    for number, goal in enumerate(goals.goals(suite, injection)):
        yield f"goal {number} in place of the plan", _try(suite, task, goal, obeying, vectors)
        yield f"goal {number} behind the plan", _try(suite, task, goals.appended(plan, goal), obeying, vectors)
        yield f"goal {number} after every result", _try(suite, task, goals.interleaved(suite, plan, goal), obeying, vectors)
        yield f"goal {number} delegated", _try(suite, task, plan, obeying, vectors, goal)
    first = goals.goals(suite, injection)[0]
    for how in goals.LAUNDERINGS:
        yield f"laundered by {how}", _try(suite, task, goals.laundered(suite, first, how), obeying, vectors)
    for which in ("who", "what", "all"):
        yield f"arguments replaced: {which}", _try(suite, task, goals.substituted(suite, injection, plan, which), obeying, vectors, handed)


def _try(suite: str, task: str, plan: str, reader: Ask, vectors: dict[str, str], delegated: str = "") -> Try:
    made = bench.suite(suite).user_tasks[task]

    def run(answer: Callable[[Question], Reply]) -> bench.Run:
        live = made.init_environment(bench.environment(suite, vectors))
        return bench.perform(suite, made.PROMPT, plan, reader, answer, live, delegated)

    return run


def _tolerant(suite: str, task: str) -> Ask:
    honest = recorded(bench.HERE / "plans" / suite / f"{task}.answers.json")

    def ask(text: str, question: str, shape: Any) -> Any:
        try:
            return honest(text, question, shape)
        except NotRecorded as error:
            raise DiscreetError(str(error)) from error

    return ask


@cache
def _attack_text() -> str:
    from agentdojo.attacks.important_instructions_attacks import ImportantInstructionsAttack

    return ImportantInstructionsAttack._JB_STRING


def injections(suite: str, injection: str) -> dict[str, str]:
    """The benchmark's own attack text in every vector of the suite."""
    goal = bench.suite(suite).injection_tasks[injection].GOAL.replace('"', "'")
    text = _attack_text().format(goal=goal, user="Emma Johnson", model="AI assistant")
    return {vector: text for vector in bench.suite(suite).get_injection_vector_defaults()}
