"""More breaks that were found by somebody who read the source, each as the plan that shows it, beside an honest one that must go on."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from discreet.connectors.files import Files, FilesConfig
from discreet.connectors.files_tools import files_tools
from discreet.evidence.world import Setting, State, observe, session_of
from discreet.kernel.contract import Contract, Effect, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.monitor import Decision, Flow
from discreet.kernel.shape import Shape, scalar
from discreet.policy.decide import Index
from discreet.policy.edit import add_norm
from discreet.policy.explain import lasting
from discreet.policy.load import combine, defaults, load, parse
from discreet.tools.question import Reply, exact
from discreet.tools.registry import Tool, tool
from tests.test_red_team import DOCUMENTS, FIXED, PEOPLE, REQUEST, SAM, SECRETS, both, chats, services

ANYONE = combine(defaults(), parse(DOCUMENTS.replace('"friend"', '"anyone"'))).norms


# ---------------------------------------------------------------------------------------------------- places (G2.6)


SEND = 'mail.send(to=contacts.find(name="Sam").email, subject="late", body={})'
READ = SEND.format('files.read(path="shared/plan.txt")')


@pytest.fixture
def folders(tmp_path: Path) -> Callable[[State], list[Tool]]:
    """The shipped tools over two folders: one of letters about health, one of plain documents."""

    def tools(state: State) -> list[Tool]:
        for name in ("medical", "shared"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
            (tmp_path / name).mkdir()
        (tmp_path / "medical" / "report.txt").write_text(state.secrets["secret"])
        (tmp_path / "shared" / "draft.txt").write_text("plain")
        roots = Files(FilesConfig({"medical": tmp_path / "medical", "shared": tmp_path / "shared"}))
        return [*services(state), *files_tools(roots, {"medical": ("health",), "shared": ("document/file",)})]

    return tools


UNKNOWN = 'x = "shared/plan.txt" if len(mail.search()) > 2 else "shared/other.txt"\n'
OPEN = 'x = mail.search()[0].subject.replace("hi", "shared/plan.txt")\n'


@pytest.mark.parametrize("act", [
    'files.move(path="medical/report.txt", to="shared/plan.txt")', UNKNOWN + 'files.move(path="medical/report.txt", to=x)', OPEN + 'files.move(path="medical/report.txt", to=x)',
    OPEN + 'files.write(path=x, text=files.read(path="medical/report.txt"))', OPEN + 'files.write(path=x if "HIV" in files.read(path="medical/report.txt") else "shared/y", text="x")',
    'for f in files.list(folder="medical")[:5]:\n    files.move(path=f.path, to="shared/plan.txt")',
])  # fmt: skip
@pytest.mark.parametrize("answer", [Reply.DENY, Reply.ONCE])
def test_what_is_moved_is_written_where_it_goes(act: str, answer: Reply, folders: Any) -> None:
    """A move takes contents along that are no argument, and a path may be known in the run alone."""
    first, second = both(f"{act}\n{READ}", folders, DOCUMENTS, answer)
    assert first.of(SAM) == second.of(SAM)


@pytest.mark.parametrize("act", [
    'files.move(path="shared/draft.txt", to="shared/plan.txt")', OPEN + 'files.move(path="shared/draft.txt", to=x)', OPEN + 'files.write(path=x, text="plain")',
    'for f in files.list(folder="shared")[:5]:\n    files.move(path=f.path, to="shared/plan.txt")',
    'files.move(path="medical/report.txt", to="medical/old.txt")\nfiles.write(path="shared/plan.txt", text="plain")',
    'for f in files.list(folder="medical")[:5]:\n    files.move(path=f.path, to=f"medical/old {f.name}")\nfiles.write(path="shared/plan.txt", text="plain")',
])  # fmt: skip
def test_what_is_moved_among_its_like_goes_on(act: str, folders: Any) -> None:
    first, _ = both(f'{act}\nprint(files.read(path="shared/plan.txt"))\nprint(len(files.list(folder="medical")))\nprint([f.name for f in files.list(folder="medical")])', folders, DOCUMENTS, Reply.ONCE)
    assert first.told[0] == "plain" and first.told[1] == "1" and ("old" in first.told[2]) is ("medical/old" in act)


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
