"""What a third red team found in plans: each attack beside its honest twin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from discreet.agents.planning import handles_of
from discreet.agents.reader_tool import reader_tool
from discreet.connectors.files import Files, FilesConfig
from discreet.connectors.files_tools import files_tools
from discreet.evidence import world as evidence_world
from discreet.evidence.world import Seen, Setting, State, observed, replanned, session_of
from discreet.kernel import functions
from discreet.kernel.contract import Recipient
from discreet.kernel.interpreter import run
from discreet.kernel.label import label
from discreet.kernel.resolve import resolve
from discreet.kernel.syntax import parse as parse_plan
from discreet.kernel.value import Value
from discreet.ledger.chain import Ledger
from discreet.models.spans import redact
from discreet.policy.decide import Index
from discreet.policy.load import defaults
from discreet.tools.question import Reply
from discreet.tools.registry import Tool, tool
from tests.test_red_team import CONTRACTS, FIXED, PEOPLE, SAM, SECRETS, SHOP, services

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
    monkeypatch.setitem(functions.FUNCTIONS, "len", functions.Function(breaks, 1, 1))
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


# ---------------------------------------------------------------------------------------------------- words behind handles


def tools(state: State) -> list[Tool]:
    return [*services(state), tool(CONTRACTS["shop.product"], lambda **_: {}), reader_tool(lambda *_: "x")]


READER = {**FIXED, "provider:reader": Recipient("provider:reader", "local", frozenset({"provider/reader/local"}), "the local reader")}


def searched(plan: str, word: str) -> Seen:
    """What becomes of a plan for a request with this word in it, which its planner was sent as a handle."""
    request = f"Look for socks at Northside Sports and note that I have {word}"
    sent_ = redact(request, False)
    setting = Setting("red", tools, Index(defaults().norms), PEOPLE, READER, SECRETS, request, lambda question: Reply.DENY)
    return observed(session_of(setting), plan, sent_.text, handles_of(request, sent_, False))


@pytest.mark.parametrize(
    "told",
    [
        'i = shop.product(shop="Northside Sports", item="1")\nprint(i["title" if "[[1]]".startswith("asth") else "nothing"])',
        'n = 3000 if "[[1]]".startswith("asth") else 1\nxs = [[0] * n] * 1000',
        'read("x", "y", "str" if "[[1]]".startswith("asth") else "nothing")',
        'read("x", "y", "[[1]]")',
        'xs = ["[[1]]"] * 9000',
        'x = {"asthma": 1}["[[1]]"]',
        'for i in range(len("[[1]]")):\n    x = i',
    ],
)
def test_hidden_words_do_not_decide_whether_a_plan_runs(told: str) -> None:
    """G3.8, G4.1: they name recipients and are shown to the user; a refusal that they decide would show in what is not done."""
    plan = f'shop.search(shop="Northside Sports", query="socks")\n{told}'
    first, second = (searched(plan, word) for word in ("asthma", "eczema"))
    assert first.of(SHOP) == second.of(SHOP) and bool(first.refused) == bool(second.refused)


def test_their_benign_twin_hidden_words_name_a_recipient_and_are_shown_in_the_question() -> None:
    """G3.6, G5.5."""
    request = "Mail alice@x.example that I have asthma"
    sent_ = redact(request, False)
    asked: list[str] = []
    setting = Setting("red", services, Index(defaults().norms), PEOPLE, FIXED, SECRETS, request, lambda question: (asked.append(question.shown), Reply.ONCE)[1])
    plan = 'mail.send(to="[[1]]", subject="news", body="I have [[2]]")'
    held = session_of(setting)
    lines = held.session.prepare(plan, sent_.text, handles_of(request, sent_, False)).preview.lines
    assert [r.id for r in lines[-1].flow.recipients if r.id.startswith("mail:")] == ["mail:alice@x.example"] and lines[-1].exact


# ---------------------------------------------------------------------------------------------------- what a planner hears


def test_whether_a_planner_is_asked_again_does_not_tell_who_is_in_the_address_book() -> None:
    """G4.4, G3.6: a plan with a name that nobody bears does not run, so that another one did is the address book's affair."""
    request = "Mail my oncologist that I am late"
    heard = []
    for variant in "ab":
        setting = Setting("red", services, Index(defaults().norms), PEOPLE, {**FIXED, "provider:planner": evidence_world.PLANNER}, SECRETS, request, lambda question: Reply.DENY)
        held = session_of(setting, variant)
        replanned(held, 'contacts.find(name="my oncologist")\nraise ValueError("again")', request, lambda n: 'print("x")')
        heard.append([one for one in held.state.order if one[0] == evidence_world.PLANNER.id])
    assert heard[0] == heard[1] and len(heard[0]) == 1


@pytest.mark.parametrize("plan", ['shop.search(shop="Northside Sports", query=files.read(path="rehab/letter.txt"))', 'shop.search(shop="Northside Sports", query=f"{len(files.list(folder=mail.read(id=\'1\')))}")'])
def test_a_planner_does_not_hear_which_folders_there_are_and_what_they_hold(plan: str, tmp_path: Path) -> None:
    """G4.4, G5.6."""
    heard = []
    for number, roots in enumerate(({"documents": ("document/file",)}, {"documents": ("document/file",), "rehab": ("health/treatment",)})):
        for name in roots:
            (tmp_path / f"{number}" / name).mkdir(parents=True)
        files = Files(FilesConfig({name: tmp_path / f"{number}" / name for name in roots}))
        setting = Setting("red", lambda state: [*services(state), *files_tools(files, roots)], Index(defaults().norms), PEOPLE, FIXED, SECRETS)
        held = session_of(setting).session
        heard.append(held.problems(plan, "find socks at Northside Sports"))
        assert held.wrong(plan, "find socks at Northside Sports")  # the user hears what it would tell
    assert heard[0] == heard[1] and heard[0]
