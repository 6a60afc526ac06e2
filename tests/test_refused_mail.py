"""What the user's own provider refused to carry was told to nobody else, and the person reads so, at the terminal and behind a gateway (G7.3)."""

from __future__ import annotations

import datetime as dt
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from discreet.agents.gateway import Gateway
from discreet.agents.home import Home
from discreet.agents.session import Session
from discreet.agents.waiting import Waiting
from discreet.demo.services.start import Services, start
from discreet.demo.stage import settled
from discreet.ledger.entry import Kind
from discreet.ledger.knows import knows
from discreet.policy.edit import add_norm
from discreet.surfaces.gateway import Desk
from discreet.surfaces.terminal import Terminal, as_json
from discreet.tools.question import Everyone

SAM = "sam@okafor.example"
DAY = dt.date.today() + dt.timedelta(days=4)
NORM = """
[[norm]]
id = "never-helen"
verdict = "forbid"
who = ["mail:helen@home.example"]
learns = ["*"]
about = ["anyone"]
purpose = ["*"]
through = ["*"]
because = "we have fallen out, and she is told nothing"
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with start(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture
def home(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with settled(tmp_path / "home", services) as made:
        yield made


def test_a_mail_that_the_provider_does_not_take_is_told_to_it_alone(home: Home, services: Services) -> None:
    home.connect("mail", home.config["mail"], "a wrong password")
    world, out = home.world(), io.StringIO()
    terminal = Terminal(out, names=world.names)
    report = Session(world, Everyone(), progress=terminal.progress).perform(
        'sam = contacts.find(name="Sam Okafor")\nmail.send(to=sam.email, subject="Sunday", body="I am late")', "Mail Sam Okafor that I am late")  # fmt: skip
    terminal.report(report)
    assert report.faults == (("mail.send", "refused"),) and not services.delivered(SAM)
    said = next(row for row in out.getvalue().splitlines() if "Sam Okafor" in row and "learnt" in row)
    assert said.strip().startswith("Sam Okafor learnt: nothing. Not passed on by your mail provider: what you asked for.")
    told = next(one for one in as_json(report, world.names)["accounts"] if one["recipient"] == "Sam Okafor")
    assert told["learnt"] == [] and [one["by"] for one in told["refused"]] == ["mail-provider"] * len(told["refused"]) != []
    assert knows(home.ledger, "Sam Okafor") == [] and knows(home.ledger, "mail provider")


def test_an_invitation_that_the_provider_does_not_take_was_told_to_nobody(home: Home, services: Services) -> None:
    """G5.3: the event stands, and who was to be invited has heard nothing: neither the account nor an audience says otherwise."""
    plan = f'''
sam = contacts.find(name="Sam Okafor")
made = calendar.add(title=memory.recall(type="preference/product"), start=datetime({DAY.year}, {DAY.month}, {DAY.day}, 16, 0), attendees=[sam.email])
print(made.invited)
'''
    for password, invited in (("a wrong password", "False"), (services.mail().password, "True")):
        home.connect("mail", home.config["mail"], password)
        before = len(list(home.ledger.entries(Kind.GRANT)))
        report = Session(home.world(), Everyone()).perform(plan, "Invite Sam Okafor to tea")
        sam = next(one for one in report.accounts if one.name == "Sam Okafor")
        assert report.done and report.told == (invited,) and bool(sam.learnt) is (invited == "True"), (report.faults, report.problems)
        assert (len(list(home.ledger.entries(Kind.GRANT))) > before) is (invited == "True")
        assert ("Not passed on by your calendar provider" in sam.sentence()) is (invited == "False")


def test_the_report_behind_a_gateway_names_norms_and_who_refused(home: Home, services: Services) -> None:
    """It knows the person's norms, and what the run met, as the terminal of `discreet ask` does."""
    add_norm(home.path / "norms.toml", NORM)
    home.connect("mail", home.config["mail"], "a wrong password")
    world, waiting = home.world(), Waiting(home.path, home.key.secret)
    desk = Desk(waiting, "helper", world.names, 1, threading.Event())
    agent = Gateway(world, "helper", Everyone(), waiting, lambda: dt.datetime(2026, 3, 2, 9), norms=lambda: home.norms().norms, report=desk.report, progress=desk.progress)
    desk.norms = lambda: agent.world.judge.norms  # type: ignore[attr-defined]
    agent.run_plan('mail.send(to="helen@home.example", subject="x", body="hello")')
    agent.run_plan(f'mail.send(to="{SAM}", subject="x", body="hello")')
    denied, refused = [text for _, text in sorted((one["at"], one["text"]) for _, one in waiting.all("report"))]
    assert "we have fallen out, and she is told nothing" in denied, denied
    assert "is its password right?" in refused and "Not passed on by your mail provider" in refused and "we have fallen out" not in refused, refused
