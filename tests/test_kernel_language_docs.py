"""docs/LANGUAGE.md says what the tables of the kernel say: its generated parts are compared, its differences are run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from discreet.evidence.language import generated
from discreet.kernel.errors import PlanError
from discreet.kernel.resolve import resolve
from discreet.kernel.syntax import parse

DOCS = Path(__file__).parent.parent / "docs/LANGUAGE.md"


def test_generated_parts_are_current() -> None:
    """To renew: `python -m discreet.evidence.language docs/LANGUAGE.md`."""
    text = DOCS.read_text("utf-8")
    for name, part in generated().items():
        begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
        assert begin in text, name
        assert text.split(begin)[1].split(end)[0] == part, f"`{name}` is out of date"


def test_examples_of_accepted_plans_are_accepted() -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.S)
    assert blocks
    for block in blocks:
        resolve(parse(block), {}, frozenset({"mails"}))


def test_a_refusal_has_place_message_and_rewrite() -> None:
    with pytest.raises(PlanError) as raised:
        parse("x = 1\nwhile x:\n    x = 0\n")
    assert str(raised.value) == "line 2, column 1: there is no `while`; instead: use `for i in range(20):` with a `break`"
