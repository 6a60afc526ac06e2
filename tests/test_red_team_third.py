"""What a third red team found in plans: each attack beside its honest twin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from discreet.agents.planning import handles_of
from discreet.agents.reader_tool import reader_tool
from discreet.evidence.world import Seen, Setting, State, observe, observed, replanned, session_of
from discreet.evidence import world as evidence_world
from discreet.kernel import functions
from discreet.kernel.contract import Recipient
from discreet.kernel.interpreter import run
from discreet.kernel.label import label
from discreet.kernel.resolve import resolve
from discreet.kernel.syntax import parse as parse_plan
from discreet.kernel.value import Fault, Value
from discreet.ledger.chain import Ledger
from discreet.models.spans import redact
from discreet.policy.decide import Index
from discreet.policy.load import combine, defaults, parse
from discreet.tools.registry import Tool, tool
from discreet.tools.question import Reply
from tests.test_red_team import CONTRACTS, FIXED, PEOPLE, REQUEST, SAM, SECRETS, SHOP, services

LATE = 'mail.send(to="sam@x.example", subject="late", body="I am late")'


def sent(plan: str, variant: str, request: str = "Mail sam@x.example that I am late", ledger: object = None) -> tuple[tuple[str, str], ...]:
    """What Sam observes of a plan whose user says no to every question."""
    setting = Setting("red", services, Index(defaults().norms), PEOPLE, FIXED, SECRETS, request, lambda question: Reply.DENY)
    return observed(session_of(setting, variant, ledger=ledger), plan, request).of(SAM)


# ---------------------------------------------------------------------------------------------------- a raise that is passed by


@pytest.mark.parametrize("leaves", ["continue", "break"])
@pytest.mark.parametrize(("loop", "stop"), [("for q in [1]:", 'raise ValueError("x")'), ("for q in range(3):", 'assert q > 5, "x"'), ("for q in [[1]]:\n    for p in q:", 'raise ValueError("x")')])
def test_a_raise_behind_a_private_break_or_continue_tells(leaves: str, loop: str, stop: str) -> None:
    """G3.3: whether the plan goes on behind the loop depends on the test that led past the raise."""
    deep = "        " if "\n" in loop else "    "
    plan = f'x = mail.read(id="1")\n{loop}\n{deep}if "HIV" in x:\n{deep}    {leaves}\n{deep}{stop}\n{LATE}'
    assert sent(plan, "a") == sent(plan, "b") == ()


@pytest.mark.parametrize("leaves", ["continue", "break"])
def test_its_benign_twin_a_private_break_without_a_raise_tells_nothing_behind_the_loop(leaves: str) -> None:
    plan = f'x = mail.read(id="1")\nfor q in [1, 2]:\n    if "HIV" in x:\n        {leaves}\n    y = q\n{LATE}'
    assert sent(plan, "a") == sent(plan, "b") != ()


# ---------------------------------------------------------------------------------------------------- what Python raises


@pytest.mark.parametrize("grown", ['find_amounts("1" + ",000" * (2000 if "HIV" in x else 1))', '[] * (2 ** (200 if "HIV" in x else 1))', '[1] * (-(2 ** (200 if "HIV" in x else 1)))'])
def test_what_python_raises_ends_no_plan(grown: str) -> None:
    """G3.4: an operation that fails on private data is a fault, and what does not use it goes on."""
    plan = f'x = mail.read(id="1")\nn = {grown}\n{LATE}'
    assert sent(plan, "a") == sent(plan, "b") != ()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.db", bytes(32), tmp_path / "head") as opened:
        yield opened


@pytest.mark.parametrize("grown", ['" " * (70000 if "HIV" in x else 0)', '"\\ud800" if "HIV" in x else ""', '"a" * (70000 if "HIV" in x else 0)'])
@pytest.mark.parametrize("how", ['to="sam@x.example", cc=["eve@x.example" + pad], subject=int("no")', 'to="eve@x.example" + pad, subject="s"', 'to="sam@x.example", cc=[f"{n}@x.example" + pad for n in range(12)], subject=int("no")'])
def test_no_address_keeps_the_ledger_from_being_written(ledger: Ledger, grown: str, how: str) -> None:
    """G1.1, G1.3: a denied call of whatever address is written down, and the plan goes on."""
    plan = f'x = mail.read(id="1")\npad = {grown}\nmail.send({how}, body=x)\n{LATE}'
    assert sent(plan, "a", ledger=ledger) == sent(plan, "b", ledger=ledger) != ()


BREAKS = ("y = len(x)", "y = [len(k) for k in [x]]", "y = f'{len(x)}'", "y = 1\nif len(x) > 3:\n    y = 2", "y = [1]\ny.append(len(x))", "y = [1]\ny[0] = len(x)")


@pytest.mark.parametrize("plan", BREAKS)
def test_an_operation_that_raises_what_none_should_is_a_fault_under_all_that_was_touched(plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """G3.4, G1.1: the net for what no test has found yet."""

    def breaks(*_: object) -> Value:
        raise KeyError("contents that must not travel")

    made = resolve(parse_plan(plan), {}, frozenset({"x", "other"}))
    given = {"x": Value("secret", label([("health", "user")])), "other": Value(1, label([("work", "user")]))}
    limits = run(made, None, given=given).limits  # type: ignore[arg-type]
    monkeypatch.setitem(functions.FUNCTIONS, "len", functions.FUNCTIONS["len"]._replace(run=breaks) if hasattr(functions.FUNCTIONS["len"], "_replace") else type(functions.FUNCTIONS["len"])(breaks, 1, 1))
    found = run(made, None, given=given, limits=limits).names["y"]  # type: ignore[arg-type]
    assert {tag.type for tag in found.total.tags} >= {"health", "work"}


def test_what_the_port_raises_is_not_taken_for_an_operation() -> None:
    """G1.3: a ledger that cannot be written ends the run."""

    class Port:
        def call(self, request: object) -> Value:
            raise OSError("disk full")

    made = resolve(parse_plan('x = mail.read(id="1")'), CONTRACTS)
    with pytest.raises(OSError, match="disk full"):
        run(made, Port(), limits={})  # type: ignore[arg-type]
