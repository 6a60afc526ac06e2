"""More breaks that were found by somebody who read the source, each as the plan that shows it, beside an honest one that must go on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from discreet.evidence.world import Setting, observe, session_of
from discreet.kernel.contract import Contract, Effect, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.monitor import Decision, Flow
from discreet.kernel.shape import Shape, scalar
from discreet.policy.decide import Index
from discreet.policy.edit import add_norm
from discreet.policy.explain import lasting
from discreet.policy.load import combine, defaults, load, parse
from discreet.tools.question import Reply, exact
from discreet.tools.registry import tool
from tests.test_red_team import DOCUMENTS, FIXED, PEOPLE, REQUEST, SECRETS, chats

ANYONE = combine(defaults(), parse(DOCUMENTS.replace('"friend"', '"anyone"'))).norms


# ---------------------------------------------------------------------------------------------------- questions (G5.5)


@pytest.mark.parametrize("one,other", [
    (["Sam, Bob"], ["Sam", "Bob"]), ({"note": "x, payee: Sam"}, {"note": "x", "payee": "Sam"}), (["5"], [5]), ({"cc": "None"}, {"cc": None}), ("a\u200bb", "a\\u200bb"),
    ([["a"], "b"], ["a", "b"]), ("5", 5), ("None", None), ("true", True), ('["a"]', ["a"]), ("2026-03-01", dt.date(2026, 3, 1)), ({"a": 'x", "b": "y'}, {"a": "x", "b": "y"}),
    ("\ue0041", "\U000e0041"), (["a\nb"], ["a\\nb"]), ({1: "a"}, {"1": "a"}), (["", "a"], ["a"]), ("", None), ([], ""), ("'", '"'),
])  # fmt: skip
def test_what_is_agreed_to_is_told_apart(one: Any, other: Any) -> None:
    assert exact(one) != exact(other)


@pytest.mark.parametrize("text", ["Grüße, Sam: 5", "None", "5", "two\nlines", 'he said "so"', "[a]"])
def test_a_text_stands_as_it_is_where_only_texts_stand(text: str) -> None:
    assert exact(text, "text") == text


def test_two_payments_are_two_questions() -> None:
    asked: list[Any] = []
    pay = Contract("bank.pay", "", (Parameter("transfers", Shape("any"), Role.WHAT),), scalar("none"), Effect.PAY, "payment", Place("mcp/bank", label((), ("mcp:bank",)), owner="mcp:bank"), ("mcp:bank",))
    world = Setting("pay", lambda state: [tool(pay, lambda transfers: None)], Index(ANYONE), PEOPLE, FIXED, SECRETS, "pay the bills", lambda q: asked.append(q.shown) or Reply.ONCE)
    for transfer in ({"to": "Sam", "note": "rent, amount: 5", "amount": 500}, {"to": "Sam", "note": "rent", "amount": "5, amount: 500"}):
        assert observe(world, f"bank.pay(transfers=[{transfer!r}])", "a").of("mcp:bank")
    assert len(set(asked)) == 2 and all("Sam" in shown[0][1] for shown in asked)


# ---------------------------------------------------------------------------------------------------- answers (G5.5)


@pytest.mark.parametrize("whom", ["sam@x.example", "\U0001f355@x.example", "a\nb@x.example", 'a"\\\\b@x.example', "half\ud800@x.example"])
def test_an_answer_that_makes_no_norm_counts_once(whom: str, tmp_path: Path) -> None:
    """G5.5: whatever stands in a name, the norm holds for it alone, or there is none and the user is told."""
    path, told = tmp_path / "norms.toml", []
    world = session_of(Setting("always", chats, Index(ANYONE), PEOPLE, FIXED, SECRETS, REQUEST, lambda _: Reply.ALWAYS))

    def keep(flow: Flow, decision: Decision) -> None:
        for norm in lasting(flow, decision):
            add_norm(path, norm)

    session = world.session
    session.always, session.progress = keep, lambda stage, flow: told.append(stage)
    report = session.perform(f'chat.say(to={whom!r}, body="hi")\nprint("done")', REQUEST)
    assert report.told == ("done",) and not report.problems
    kept = [norm for norm in load(path).norms.all() if norm.origin == str(path)]
    assert bool(kept) != ("unkept" in told) and (kept or not whom.isprintable())
