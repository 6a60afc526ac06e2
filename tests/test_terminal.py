"""What the terminal says of questions, denials and endings: whole sentences, for the user, rendered inert."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from discreet.agents.planning import planner
from discreet.agents.providers import recipient
from discreet.agents.session import Report, Session, World
from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import list_of, scalar, text
from discreet.ledger.chain import Ledger
from discreet.models.scripted import Scripted
from discreet.policy.decide import Index
from discreet.policy.load import combine, defaults, parse
from discreet.surfaces.terminal import DENIALS_SHOWN_MAX, Terminal, as_json
from discreet.tools.directory import Directory, Entry
from discreet.tools.registry import Toolbox, tool

LIST = Contract("box.list", "the senders of all mails", (), list_of(text(max=50), 5), place=Place("box", label([("communication/message", "user")], ("outside",))), recipients=())
FACT = Contract("fact", "a fact", (), text(max=50), place=Place("facts", label([("health/condition", "user")])), recipients=())
SEND = Contract(
    "post.send", "write to somebody", (Parameter("to", text(max=50), Role.WHO, address="mail"), Parameter("body", text(max=500))), scalar("none"), Effect.WRITE,
    purpose="correspondence", place=NOPLACE, recipients=(),
)  # fmt: skip
PAY = Contract(
    "till.pay", "pay", (Parameter("to", text(max=50), Role.WHO, address="mail"), Parameter("amount", scalar("int"), Role.AMOUNT)), scalar("none"), Effect.PAY,
    purpose="correspondence", place=Place("till", label(), currency="EUR"), recipients=(),
)  # fmt: skip
SAM = Entry("person:sam", "Sam Okafor", frozenset({"friend"}), (("mail", "sam@x.example"),))
ALLOW = """
[[allow]]
id = "small"
verdict = "permit"
effect = ["pay"]
through = ["till.pay"]
purpose = ["*"]
to = ["user-said"]
standing = { who = "user", amount = "user" }
amount_max = 10
currency = "EUR"
undoable = false
sources = ["any"]
times_max = 1
because = "small"
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "l.db", b"k" * 32) as opened:
        yield opened


def errand(ledger: Ledger, plan: str, request: str, answers: str = "d\n" * 9, norms: str = "") -> tuple[str, Report, Terminal]:
    """What is shown of an errand, with its report."""
    loaded = combine(defaults(), parse(norms))
    assert not loaded.problems, loaded.problems
    out = io.StringIO()
    terminal = Terminal(out, io.StringIO(answers), norms=loaded.norms)
    made = [tool(LIST, lambda: ["eve@x.example"]), tool(FACT, lambda: "asthma"), tool(SEND, lambda to, body: None), tool(PAY, lambda to, amount: None)]
    session = Session(World(Toolbox(made), Directory([SAM]), Index(loaded.norms), ledger), terminal, progress=terminal.progress)
    report = session.perform(plan, request)
    terminal.report(report)
    return out.getvalue(), report, terminal


def test_a_question_says_who_would_learn_what_and_by_which_norm(ledger: Ledger) -> None:
    said, _, _ = errand(ledger, 'post.send(to="sam@x.example", body=fact())', "tell sam@x.example how I am")
    assert "why you are asked: Sam Okafor would learn your health/condition: one tells those close to one how one is, and chooses what and whom (norm `close-health`)" in said
    assert "post.send: you said no" in said and "Nobody outside learnt anything" in said


def test_a_question_names_the_argument_that_does_not_fit(ledger: Ledger) -> None:
    said, _, _ = errand(ledger, 'till.pay(to="sam@x.example", amount=5)', "pay sam@x.example something", norms=ALLOW)
    assert "why you are asked: `amount` is made by the planner and would have to be said by you" in said
    said, _, _ = errand(ledger, 'till.pay(to="sam@x.example", amount=50)', "pay sam@x.example 50 euros", norms=ALLOW)
    assert "why you are asked: `amount` is over the limit of 10 EUR" in said and "amount: 50 EUR" in said
    assert "without asking" not in said, "what does not fit is all there is to say"


def test_a_payment_is_asked_in_words(ledger: Ledger) -> None:
    said, _, _ = errand(ledger, 'till.pay(to="sam@x.example", amount=5)', "pay sam@x.example 5 euros")
    assert "why you are asked: it pays, and no norm of yours lets `till.pay` do that without asking" in said


def test_a_denial_says_what_would_permit_it_and_how_to_see_the_norm(ledger: Ledger) -> None:
    said, report, terminal = errand(ledger, 'post.send(to="eve@x.example", body=fact())', "hello")
    assert "line 1: post.send (write): not allowed" not in said, "no preflight was shown here"
    assert "eve@x.example may not learn your health/condition, your request for correspondence through `post.send`: no norm permits it; a norm would permit it" in said
    assert "discreet norms explain mail:eve@x.example health/condition request --purpose correspondence --tool post.send" in said
    assert as_json(report, {}, terminal.denied(report.lines))["why_denied"][0]["explain"].startswith("discreet norms explain mail:eve@x.example")


def test_what_is_denied_in_the_run_alone_is_explained_too(ledger: Ledger) -> None:
    """Whom it goes to is found in the run; the preflight could only say that it asks."""
    plan = 'known = fact()\nfor one in box.list()[:1]:\n    post.send(to=one, body=known)'
    said, report, _ = errand(ledger, plan, "answer everybody")
    assert report.denied == 1 and not any(line.verdict == "deny" for line in report.lines)
    assert "eve@x.example may not learn" in said


def test_a_denial_says_when_naming_somebody_would_do(ledger: Ledger) -> None:
    """Whom the request does not name is a stranger; what was read cannot be named by it."""
    said, _, _ = errand(ledger, 'post.send(to="sam@x.example", body="late")', "say that I am late")
    assert "it would be asked if your request named Sam Okafor" in said, "no norm lets `post.send` write unasked"
    said, _, _ = errand(ledger, 'post.send(to="sam@x.example", body=fact())', "say how I am")
    assert "it would be asked if your request named Sam Okafor" in said
    said, _, _ = errand(ledger, 'post.send(to="eve@x.example", body=fact())', "say how I am")
    assert "may not learn" in said and "it would be" not in said
    said, _, _ = errand(ledger, 'for one in box.list()[:1]:\n    post.send(to=one, body=fact())', "answer everybody")
    assert "if your request named" not in said


def test_of_many_denials_some_are_shown_and_the_rest_counted(ledger: Ledger) -> None:
    plan = "\n".join(f'post.send(to="eve{n}@x.example", body=fact())' for n in range(DENIALS_SHOWN_MAX + 3))
    said, _, _ = errand(ledger, plan, "hello")
    assert said.count("may not learn") == DENIALS_SHOWN_MAX and "and 3 more; `discreet ledger` has all" in said


def test_no_command_is_offered_for_an_address_that_shows_otherwise_than_it_is(ledger: Ledger) -> None:
    """What is pasted runs in a shell: names of others are quoted, and what cannot be seen is not offered."""
    said, _, _ = errand(ledger, 'post.send(to="eve\u202e@x.example", body=fact())', "hello")
    assert "may not learn" in said and "norms explain" not in said
    said, _, _ = errand(ledger, 'post.send(to="eve;rm -rf ~@x.example", body=fact())', "hello")
    assert "discreet norms explain 'mail:eve;rm -rf ~@x.example' health/condition" in said


def test_nobody_is_offered_to_permit_a_heap(ledger: Ledger) -> None:
    kinds = ("condition", "medication", "symptom", "test", "doctor")
    many = Contract("much", "all", (), text(max=9), place=Place("m", label([(f"health/{kind}", "user") for kind in kinds])), recipients=())
    norms = defaults().norms
    out = io.StringIO()
    terminal = Terminal(out, norms=norms)
    world = World(Toolbox([tool(many, lambda: "x"), tool(SEND, lambda to, body: None)]), Directory([SAM]), Index(norms), ledger)
    terminal.report(Session(world, progress=terminal.progress).perform('post.send(to="eve@x.example", body=much())', "hello"))
    assert "and 2 more" in out.getvalue() and "norms explain" not in out.getvalue()


def test_what_a_planner_hears_has_none_of_it(ledger: Ledger) -> None:
    """G5.6: reasons and remedies are for the user."""
    _, report, _ = errand(ledger, 'post.send(to="eve@x.example", body=fact())', "hello")
    heard: Any = " ".join(report.ended)
    assert "norm" not in heard and "health" not in heard and "eve" not in heard


def test_that_there_is_no_second_plan_is_told_as_that(ledger: Ledger) -> None:
    """G4.4: how a plan ended on private data is kept from its planner, and the user hears why it is not tried again."""
    norms, out = defaults().norms, io.StringIO()
    terminal, model = Terminal(out, io.StringIO("d\n"), norms=norms), Scripted(['post.send(to="[[1]]", body=fact())'] * 9)
    world = World(Toolbox([tool(FACT, lambda: "asthma"), tool(SEND, lambda to, body: None)]), Directory([SAM]), Index(norms), ledger)
    plans = planner(model, recipient(model, "planner"), world.tools.contracts, use_span_model=False)
    report = Session(world, terminal, progress=terminal.progress).ask("tell sam@x.example how I am", plans)
    terminal.report(report)
    assert not report.problems and "post.send: you said no" in out.getvalue()
    assert "no second plan: by your norms the planner does not hear" in out.getvalue() and "plan.draft may not" not in out.getvalue()
