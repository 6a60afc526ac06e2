"""The user may change the words of a call before agreeing to it; edited text keeps its tags (G5.5)."""

import datetime as dt
from pathlib import Path

import pytest

from discreet.agents.session import Session, World
from discreet.kernel.contract import Contract, Effect, Parameter, Role
from discreet.kernel.errors import InvariantError
from discreet.kernel.label import label
from discreet.kernel.monitor import Decision, Finding, Flow, Verdict
from discreet.kernel.shape import scalar, text
from discreet.kernel.value import Standing
from discreet.ledger.chain import Ledger
from discreet.tools.call import edited
from discreet.tools.directory import Directory
from discreet.tools.question import Edited, Reply
from discreet.tools.registry import Toolbox, tool

FACT = Contract("fact", "", (), text(("health/condition", "user"), max=50))
SEND = Contract("send", "", (Parameter("to", text(max=50), Role.WHO, address="mail"), Parameter("body", text(max=200))), scalar("none"), Effect.WRITE)
PLAN = 'x = fact()\nsend(to="bob@x.example", body=f"I have {x}")'


class User:
    def __init__(self, *answers: Reply | Edited) -> None:
        self.answers, self.questions = list(answers), []

    def ask(self, questions):
        self.questions += questions
        return [self.answers.pop(0) for _ in questions]


def asks(flow: Flow) -> Decision:
    return Decision((Finding(Verdict.ASK, why="so"),) if flow.contract.name == "send" else ())


@pytest.fixture
def ledger(tmp_path: Path):
    with Ledger.open(tmp_path / "l.db", b"k" * 32) as opened:
        yield opened


def run(ledger: Ledger, user: User, sent: list[str]):
    tools = Toolbox([tool(FACT, lambda: "gout"), tool(SEND, lambda to, body: sent.append(body))])
    session = Session(World(tools, Directory(), asks, ledger), user, lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    return session.perform(PLAN, "tell bob@x.example how I am")


def test_edited_text_is_what_is_sent_and_asked_once(ledger: Ledger) -> None:
    sent: list[str] = []
    user = User(Edited({"body": "I am well"}))
    report = run(ledger, user, sent)
    assert sent == ["I am well"] and report.questions == 1 and report.done
    assert user.questions[0].editable == ("body",)
    assert [r.entry.note for r in ledger.entries() if r.entry.kind == "answer"] == ["edited"]


def test_edited_text_keeps_its_tags(ledger: Ledger) -> None:
    run(ledger, User(Edited({"body": "I am well"})), [])
    told = next(r.entry for r in ledger.entries() if r.entry.kind == "intent" and r.entry.tool == "send")
    assert ("health/condition", "user") in [(i.type, i.subject) for i in told.items]


def test_its_benign_twin_unedited_text_goes_as_it_was(ledger: Ledger) -> None:
    sent: list[str] = []
    run(ledger, User(Reply.ONCE), sent)
    assert sent == ["I have gout"]


def test_only_content_can_be_edited(ledger: Ledger) -> None:
    from discreet.kernel.contract import NOPLACE
    from discreet.kernel.label import PUBLIC
    from discreet.kernel.value import Value

    flow = Flow(SEND, {"to": Value("a@x.example"), "body": Value("b", label([("health", "user")]))}, PUBLIC, (), NOPLACE)
    made = edited(flow, Edited({"body": "c"})).arguments["body"]
    assert made.data == "c" and made.total is flow.arguments["body"].total and made.standing is Standing.USER
    with pytest.raises(InvariantError):
        edited(flow, Edited({"to": "eve@x.example"}))
