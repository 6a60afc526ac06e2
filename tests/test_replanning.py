"""A plan that did not end well may be followed by another: what its planner hears is a disclosure, and nothing is done twice (G4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from discreet.agents.planning import planner
from discreet.agents.providers import apart, recipient
from discreet.agents.session import REPLANS_MAX, Report
from discreet.evidence import house
from discreet.evidence.world import Observed, Setting, State, session_of
from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Role
from discreet.kernel.errors import DiscreetError
from discreet.kernel.label import Tag, label
from discreet.kernel.shape import scalar, text
from discreet.ledger.entry import Kind
from discreet.models.scripted import Scripted
from discreet.policy.decide import Index
from discreet.policy.load import parse
from discreet.tools.failure import Failure
from discreet.tools.registry import Tool, tool

TOLD = """
[[norm]]
id = "planner-request"
verdict = "permit"
who = ["provider/planner"]
learns = ["request"]
about = ["user"]
purpose = ["planning"]
through = ["plan.draft"]
because = "it has to be asked"
"""
CLEARED = TOLD + """
[[norm]]
id = "planner-endings"
verdict = "permit"
who = ["provider/planner/local"]
learns = ["health"]
about = ["user"]
purpose = ["planning"]
through = ["plan.draft"]
because = "it runs here and forgets"
"""
REQUEST = "write to my friends"
SEND = 'mail.send(to="{}@home.example", body="hello")'


@pytest.fixture(autouse=True)
def first_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first sample of a draft that may run is taken: these plans do not do what the request asks."""
    monkeypatch.setattr("discreet.models.planner.missing", lambda *_: [])


def tools(state: State) -> list[Tool]:
    """A store that fails while the secret says so, one that always fails, mail, and something to read."""
    sick = Place("health", label([house.HEALTH]))

    def fails() -> str:
        if state.secrets["fails"]:
            raise Failure("failed", "asthma")
        return "fine"

    def down() -> str:
        raise Failure("failed", "down")

    send = Contract(
        "mail.send", "send", (Parameter("to", text(max=100), Role.WHO, address="mail"), Parameter("body", text())), scalar("none"), Effect.WRITE, place=NOPLACE,
    )
    return [
        tool(Contract("health.read", "", (), text(max=50), place=sick, recipients=()), fails), tool(Contract("weather", "", (), text(max=50), place=NOPLACE, recipients=()), down),
        tool(Contract("time", "", (), text(max=50), place=NOPLACE, recipients=()), lambda: "noon"), tool(send, lambda to, body: None),
    ]  # fmt: skip


def asked(norms: str, plans: Sequence[str], fails: bool = True, hosted: bool = False) -> tuple[Report, Scripted, Observed]:
    setting = Setting(
        "again", tools, Index(parse(house.NORMS + norms).norms), house.PEOPLE, house.FIXED, {"a": {"fails": fails}}, REQUEST
    )
    held = session_of(setting)
    model = Scripted(plans, hosted=hosted)
    who = recipient(model, "planner")
    report = held.session.ask(REQUEST, planner(model, who, held.session.world.tools.contracts, use_span_model=False))
    return report, model, held


def sends(held: Observed) -> list[str]:
    return [who for who, what in held.state.order if who.startswith("mail:")]


def test_a_second_plan_goes_on_where_the_first_failed_and_does_nothing_twice() -> None:
    first = f'{SEND.format("sam")}\nprint(weather())'
    second = f'{SEND.format("sam")}\n{SEND.format("bo")}\nprint(time())'
    report, model, held = asked(TOLD, [first, second])
    assert report.plans == 2 and report.told[-1] == "noon"
    assert sends(held) == ["mail:sam@home.example", "mail:bo@home.example"]
    assert [kind for _, kind in report.faults] == ["refused"]  # the mail that had been sent
    told = str(model.sent.turns[1])
    assert "line 2, column 7: `weather` gave nothing: failed" in told and "`mail.send` was done" in told
    notes = [r.entry.note for r in held.ledger.entries(Kind.DENIAL)]
    assert notes == ["done before in this errand"]
    assert {a.name for a in report.accounts} >= {"Sam Lee", "Bo"}  # one account of the whole errand


def test_content_in_other_words_is_not_another_act() -> None:
    first = f'{SEND.format("sam")}\nprint(weather())'
    _, _, held = asked(TOLD, [first, first.replace("hello", "hello once more"), first.replace("hello", "and again")])
    assert sends(held) == ["mail:sam@home.example"]


def test_a_run_that_ends_well_is_not_planned_again_and_rounds_have_a_limit() -> None:
    assert asked(TOLD, ["print(time())"])[0].plans == 1
    report, model, _ = asked(TOLD, ["print(weather())"] * 9)
    assert report.plans == 1 + REPLANS_MAX == len(model.sent.turns) and not report.done


@pytest.mark.parametrize("last", ["", 'raise ValueError("it stops here")'])
def test_how_a_private_call_ended_does_not_reach_a_planner_that_is_not_cleared(last: str) -> None:
    """Two secrets, one sequence of what the provider was sent: that it is asked again would tell."""
    plan = f'x = health.read()\nif "fine" in x:\n    {last or "print(x)"}'
    seen = [asked(TOLD, [plan, "print(time())", "print(time())"], fails)[1].sent.turns for fails in (False, True)]
    assert seen[0] == seen[1] and len(seen[0]) == 1


def test_which_of_two_calls_failed_does_not_show_either() -> None:
    """The label is of all that could fail, so a failure under a public label beside a private call is not told."""
    plan = "x = health.read()\ny = weather()"
    assert [len(asked(TOLD, [plan] * 3, fails)[1].sent.turns) for fails in (False, True)] == [1, 1]


def test_a_plan_after_a_private_ending_begins_under_its_label() -> None:
    report, model, held = asked(CLEARED, ["print(health.read())", SEND.format("sam")])
    assert report.plans == 1 and not sends(held)  # friends may not learn of health, by any choice
    assert "`health.read` gave nothing: failed" in str(model.sent.turns[1])
    assert len(model.sent.turns) == 2  # what it may tell whom is decided by the user's norms and address book, and told to the user alone
    assert "asthma" not in str(model.sent.turns)
    assert Tag(*house.HEALTH) in held.session.label.tags
    report, _, held = asked(CLEARED, ["print(health.read())", SEND.format("sam")], fails=False)
    assert report.done and not sends(held)


def test_planner_and_reader_share_no_account() -> None:
    """G4.2: what a reader was sent would be known to the planner's provider, and come back in a plan as its own words."""
    with pytest.raises(DiscreetError, match="share an account at `openai`"):
        apart("openai:one", "openai:other")
    for pair in (("openai:one", "anthropic:other"), ("openai:one", "local"), ("local", "local"), ("local:/w", "local:/w")):
        apart(*pair)


def test_what_a_hosted_planner_was_sent_stays_with_it() -> None:
    """G4.1: in its lifetime, for anything hosted; also in the next conversation."""
    norms = CLEARED.replace("provider/planner/local", "provider/planner")
    _, model, held = asked(norms, ["print(health.read())", "print(time())"], hosted=True)
    kept = held.session.world.kept.labels
    assert [Tag(*house.HEALTH) in of.tags for of in kept.values()] == [True]
    later = session_of(Setting("later", tools, Index(parse(house.NORMS + norms).norms), house.PEOPLE, house.FIXED, {"a": {"fails": False}}))
    later.session.world = replace(later.session.world, kept=held.session.world.kept)
    again: Any = planner(Scripted([SEND.format("sam")] * 9, hosted=True), recipient(model, "planner"), later.session.world.tools.contracts, use_span_model=False)
    assert later.session.ask(REQUEST, again).problems and not sends(later)
