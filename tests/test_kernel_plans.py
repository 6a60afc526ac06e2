"""Golden plans: every chunk of tests/plans/*.plan is accepted with its values and labels, or refused at its line."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from discreet.kernel.errors import PlanError
from discreet.kernel.value import plain
from tests.world import opened, outcome, types

PLANS = Path(__file__).parent / "plans"


def chunks(name: str) -> list[tuple[str, str]]:
    parts = re.split(r"^---$\n", (PLANS / name).read_text("utf-8"), flags=re.M)
    return [(f"{name}:{number}", part) for number, part in enumerate(parts, 1)]


def expected(chunk: str, mark: str) -> dict[str, str]:
    return dict(re.findall(rf"^# (\w+) {mark} (.*)$", chunk, re.M))


@pytest.mark.parametrize(("name", "chunk"), chunks("values.plan"))
def test_accepted_plans_give_their_values(name: str, chunk: str) -> None:
    names = outcome(chunk).names
    wanted = expected(chunk, "=")
    assert wanted, name
    for one, text in wanted.items():
        assert plain(names[one]) == ast.literal_eval(text) and type(plain(names[one])) is type(ast.literal_eval(text)), one


@pytest.mark.parametrize(("name", "chunk"), chunks("labels.plan"))
def test_accepted_plans_give_their_labels(name: str, chunk: str) -> None:
    for variant in ({}, {"flag": False, "number": 0, "text": "", "items": [], "fails": True}):
        names = outcome(chunk, **variant).names
        for one, text in expected(chunk, ":").items():
            assert types(names[one]) == (set() if text == "-" else set(text.split(", "))), (one, variant)


@pytest.mark.parametrize(("name", "chunk"), chunks("refused.plan"))
def test_refused_plans_name_the_line_and_say_why(name: str, chunk: str) -> None:
    line = next(n for n, text in enumerate(chunk.splitlines(), 1) if "###" in text)
    message = chunk.splitlines()[line - 1].split("###")[1].strip()
    with pytest.raises(PlanError) as raised:
        opened().session.prepare(chunk, "a request")
    assert message in str(raised.value)
    assert raised.value.span.line == line or not message, str(raised.value)
