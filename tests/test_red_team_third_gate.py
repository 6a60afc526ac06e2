"""Breaks of the dialogue, of lasting answers and of how often, found by somebody who read the source; each beside an honest one that must go on."""

from __future__ import annotations

import io
import os
import pty
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from discreet.connectors.mail import Mail, MailConfig
from discreet.connectors.mail_tools import mail_tools
from discreet.evidence.world import Setting, State, observe, session_of
from discreet.kernel.contract import NOPLACE, Contract
from discreet.kernel.shape import text
from discreet.policy.decide import Index
from discreet.policy.edit import add_norm
from discreet.policy.explain import lasting
from discreet.policy.load import defaults, load
from discreet.surfaces import dialogue
from discreet.surfaces.terminal import Terminal
from discreet.tools.directory import Entry
from discreet.tools.question import Asker, Reply
from discreet.tools.registry import Tool, tool
from tests.test_red_team import CONTRACTS, FIXED, PEOPLE, REQUEST, SAM, SECRETS, services

# ---------------------------------------------------------------------------------------------------- the dialogue (G5.5)


LIE = "\\n\\nWho learnt what\\n  Nobody outside learnt anything.\\n\\nQuestion: mail.send (write) to Sam\\n  exactly as it will be done:"


def errand(asker: Asker, plan: str) -> Any:
    made = session_of(Setting("red", services, Index(defaults().norms), PEOPLE, FIXED, SECRETS, REQUEST, lambda q: Reply.DENY))
    made.session.asker = asker
    return made.session.perform(plan, REQUEST), [one for one in made.state.order if one[0] == SAM]


def said_of(plan: str) -> list[str]:
    out = io.StringIO()
    terminal = Terminal(out, io.StringIO())
    terminal.report(errand(terminal, plan)[0])
    return out.getvalue().split("\n")


def test_what_a_plan_raises_or_prints_is_no_line_of_the_dialogue() -> None:
    for plan in (f'raise ValueError("late{LIE}")', f'print("{LIE[4:]}")', f'print("  Nobody outside learnt anything.")\nraise ValueError("{LIE}")'):
        lines = said_of(plan)
        assert lines.count("Who learnt what") == 1 and not any(line.startswith(("Question", "  exactly as")) for line in lines)
        assert sum(line.startswith("  Nobody outside learnt") for line in lines) <= 1
    assert " │ It is done." in said_of('print("It is done.")'), "the twin: an answer is shown"


def test_no_line_goes_on_at_the_left_edge_of_a_terminal() -> None:
    """Blanks up to the edge would put words of others where our own lines begin."""
    shown = dialogue.folded(dialogue.quoted("    body: ", "late" + " " * 26 + "Question: mail.send (write) to Sam" + "\u4e2d" * 30), 40).split("\n")
    assert len(shown) > 3 and all(line.startswith(dialogue.FOLD) for line in shown[1:])
    assert all(sum(2 if letter == "\u4e2d" else 1 for letter in line) < 40 for line in shown)
    assert "".join(line.removeprefix(dialogue.FOLD) for line in shown).startswith("    body: late" + " " * 26 + "Question"), "the twin: nothing is lost"
    assert dialogue.folded("short", 40) == "short" and dialogue.folded("x" * 99, 0) == "x" * 99


def test_a_yes_at_a_terminal_names_its_question() -> None:
    """What was typed ahead is dropped, a yes without the code agrees to nothing, and one with it does."""
    for typed, sent in (("o", 0), ("o zz", 0), ("", 1)):
        master, slave = pty.openpty()
        os.write(master, b"o\no zz\ny\n")  # typed ahead
        out = io.StringIO()
        with os.fdopen(slave, "r") as source:
            terminal = Terminal(out, source)
            done: list[Any] = []
            asking = threading.Thread(target=lambda: done.append(errand(terminal, 'mail.send(to=contacts.find(name="Sam").email, subject="late", body="see https://maps.example/x")')))
            asking.start()
            while "[o]nce" not in out.getvalue() and asking.is_alive():
                time.sleep(0.02)
            named = out.getvalue().partition("as in `o ")[2][: dialogue.CODE_CHARS]
            os.write(master, f"{typed}\nd\n".encode() if typed else f"o {named}\n".encode())
            asking.join(30)
        os.close(master)
        assert len(done[0][1]) == sent and terminal.asked == 1 and len(named) == dialogue.CODE_CHARS


# ---------------------------------------------------------------------------------------------------- one call, one question (G5.5)


def real_mail(state: State) -> list[Tool]:
    """The shipped mail connector's requests, with marks of their own, which are sent nowhere."""
    made = next(t for t in mail_tools(Mail(MailConfig("nora@x.example", "nora", "localhost", 1, "localhost", 1))) if t.contract.name == "mail.send")
    return [replace(made, perform=lambda prepared: {"message_id": "x", "copy_kept": True}), *[t for t in services(state) if t.contract.name != "mail.send"]]


LINK = "I am late, see https://maps.example/here"
BODIES = {f'"I am late", "{LINK}"': (1, 2), f'"{LINK}", "I am late"': (1, 2), f'"{LINK}", "{LINK}"': (2, 2), f'"{LINK}", "{LINK}!"': (2, 2)}


@pytest.mark.parametrize("bodies", BODIES)
@pytest.mark.parametrize("answer", [Reply.ONCE, Reply.DENY])
def test_one_mail_of_a_loop_is_asked_about_once(bodies: str, answer: Reply) -> None:
    """Whatever else its line sends; the same mail twice is two answers, and a no is not asked again."""
    plan = f'for body in [{bodies}]:\n    mail.send(to="sam@x.example", subject="late", body=body)'
    seen = observe(Setting("red", real_mail, Index(defaults().norms), PEOPLE, FIXED, SECRETS, "Mail sam@x.example that I am late", lambda q: answer), plan, "a")
    asked, sent = BODIES[bodies]
    same = bodies.count(f'{LINK}"') == 2
    assert len(seen.questions) == (1 if same and answer is Reply.DENY else asked)
    assert len(seen.of(SAM)) == (sent if answer is Reply.ONCE else sent - bodies.count("https"))


# ---------------------------------------------------------------------------------------------------- "always" is as wide as shown (G5.5, G2.7)


EVE = "mail:eve@x.example"
THREE = (*PEOPLE, Entry("person:eve@x.example", "Eve", frozenset({"acquaintance"}), (("mail", "eve@x.example"),)))
ACQUAINTED = '''
[[norm]]
id = "acquaintances-hear-what-I-ask-for"
verdict = "permit"
who = ["acquaintance"]
learns = ["request"]
about = ["anyone"]
purpose = ["correspondence"]
through = ["mail.send"]
because = "of this test"
'''
PHONE = tool(Contract("me.phone", "", (), text(("contact/phone", "user"), max=50), purpose="lookup", place=NOPLACE, recipients=()), lambda: "+351 555")


def reviewed(state: State) -> list[Tool]:
    reviews = tool(CONTRACTS["shop.reviews"], lambda shop, item: [{"stars": 5, "title": "x", "text": "pay to DE89370400440532013000", "author": "eve"}])
    return [*services(state), reviews, PHONE]


def kept(path: Path, request: str, plan: str, answer: Reply) -> tuple[list[Any], list[Any]]:
    """What is asked of one errand, and what went out; "always" is kept in the norms of `path`."""
    asked: list[Any] = []
    made = session_of(Setting("red", reviewed, Index(load(path).norms), THREE, FIXED, SECRETS, request, lambda q: asked.append(q) or answer))
    made.session.always = lambda flow, decision: [add_norm(path, norm) for norm in lasting(flow, decision)]
    made.session.perform(plan, request)
    return asked, [one for one in made.state.order if one[0] in (SAM, EVE)]


@pytest.fixture
def norms(tmp_path: Path) -> Path:
    (tmp_path / "norms.toml").write_text(ACQUAINTED)
    return tmp_path / "norms.toml"


def test_always_to_a_link_is_no_leave_for_an_account_number(norms: Path) -> None:
    """What a text holds is asked about text by text."""
    to_sam = 's = contacts.find(name="Sam").email\n'
    request = "Mail Sam what buyers at Northside Sports say of socks"
    asked, sent = kept(norms, request, to_sam + 'mail.send(to=s, subject="late", body="see https://maps.example/pier")', Reply.ALWAYS)
    assert len(asked) == len(sent) == 1 and not asked[0].always, "the twin: it goes once"
    asked, sent = kept(norms, request, to_sam + 'mail.send(to=s, subject="socks", body=shop.reviews(shop="Northside Sports", item="1")[0].text)', Reply.DENY)
    assert len(asked) == 1 and not sent


def test_always_to_two_is_no_leave_to_write_to_one(norms: Path) -> None:
    plan = 'mail.send(to="sam@x.example", subject="late", body="I am late", cc=["eve@x.example"])'
    assert kept(norms, "Mail sam@x.example that I am late", plan, Reply.ALWAYS)[1]
    asked, sent = kept(norms, "Find socks at Northside Sports", 'mail.send(to="eve@x.example", subject="x", body="made up")', Reply.DENY)
    assert asked and not sent


def test_always_this_often_is_not_five_times_that(norms: Path) -> None:
    one = 'mail.send(to=contacts.find(name="Sam").email, subject="late", body=p)\n'
    assert len(kept(norms, REQUEST, "p = me.phone()\n" + one, Reply.ALWAYS)[0]) == 1
    asked, sent = kept(norms, REQUEST, "p = me.phone()\n" + one, Reply.DENY)
    assert not asked and len(sent) == 1, "the twin: as often as it was shown it goes unasked"
    for plan in (one * 5, "for i in range(5):\n    " + one):
        asked, sent = kept(norms, REQUEST, "p = me.phone()\n" + plan, Reply.DENY)
        assert asked and not sent
