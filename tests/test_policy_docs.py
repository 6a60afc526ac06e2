"""The norms in docs/NORMS.md are norms, and their tests pass."""

from __future__ import annotations

import re
from pathlib import Path

from discreet.policy.check import test_norms as run_tests
from discreet.policy.load import combine, defaults, parse
from discreet.policy.vocabulary import roles

PAGE = (Path(__file__).parents[1] / "docs/NORMS.md").read_text("utf-8")
TABLES = "\n".join(re.findall(r"```toml norms\n(.*?)```", PAGE, re.S))


def test_every_example_of_the_page_is_right() -> None:
    loaded = combine(defaults(), parse(TABLES, "docs/NORMS.md"))
    assert loaded.problems == ()
    assert {n.id for n in parse(TABLES).norms.all()} == {"pharmacy-allergies", "coffee", "free-busy-for-friends"}
    results = run_tests(loaded)
    assert len(results) == 2 and all(r.passed for r in results), results


def test_the_mistake_of_the_page_is_told_as_the_page_says() -> None:
    text = '[[norm]]\nid = "x"\nverdict = "permit"\nwho = ["mechant"]\n'
    assert f"{parse(text, 'norms.toml').problems[0]}" in PAGE


def test_the_marks_that_the_page_names_are_roles() -> None:
    assert all(roles()[mark].mark for mark in ("user-said", "resolved"))
