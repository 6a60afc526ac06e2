"""Breaks that were found by somebody who read the source, each as the plan that shows it, beside an honest one that must go on.

Shipped contracts and norms over functions in memory; every attack runs with two secrets and the outsider's view is compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from discreet.agents.delegation import delegate_tool
from discreet.agents.home import Home
from discreet.agents.people import READER_LOCAL
from discreet.agents.session import Session, World
from discreet.connectors.calendar_tools import calendar_tools
from discreet.connectors.contacts_tools import contacts_tools
from discreet.connectors.mail_tools import mail_tools
from discreet.connectors.shop_tools import shop_tools
from discreet.evidence import house
from discreet.evidence.world import Seen, Setting, State, observe, session_of
from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Recipient, Role
from discreet.kernel.label import label
from discreet.kernel.shape import scalar, text
from discreet.kernel.value import Standing, Value
from discreet.policy.decide import Index
from discreet.policy.load import combine, defaults, parse
from discreet.tools.directory import Entry
from discreet.tools.failure import Failure
from discreet.tools.question import Everyone, Nobody, Reply, inert
from discreet.tools.registry import Tool, tool

SAM, SHOP = "mail:sam@x.example", "shop:Northside Sports"
PEOPLE = (
    Entry("person:sam@x.example", "Sam", frozenset({"friend"}), (("mail", "sam@x.example"),)),
    Entry(SHOP, "Northside Sports", frozenset({"merchant"}), (("shop", "Northside Sports"),)),
)
FIXED = {f"{name}-provider": Recipient(f"{name}-provider", f"{name}-provider", frozenset({"own-provider"})) for name in ("mail", "calendar", "contacts")}
SECRETS = {"a": {"secret": "chemo HIV", "people": ["Sam", "my oncologist"]}, "b": {"secret": "a haircut", "people": ["Sam"]}}
REQUEST = "Mail Sam that I am late and find socks at Northside Sports"


class Account:
    """What the contracts of connectors need to know of one."""

    names = ("Northside Sports",)
    currencies = {"Northside Sports": "EUR"}
    zone, address = "UTC", "nora@x.example"

    @property
    def config(self) -> Account:
        return self

    def prepare(self, *_: Any) -> Any: ...

    def readers(self, *_: str | None) -> tuple[str, ...]:
        return ()

    perform = prepare


CONTRACTS = {
    one.name: one.contract
    for one in (
        *calendar_tools(Account()), *mail_tools(Account()), *shop_tools(Account()),  # type: ignore[arg-type]
        *contacts_tools(Account(), lambda name: "person:sam@x.example" if name == "Sam" else ""),  # type: ignore[arg-type]
    )
}  # fmt: skip


def services(state: State) -> list[Tool]:
    def event(title: str, start: dt.datetime) -> dict[str, Any]:
        return {"id": title, "title": title, "start": start, "end": start + dt.timedelta(hours=1), "all_day": False, "place": "", "notes": ""}

    events = [event(state.secrets["secret"], dt.datetime(2026, 3, 3, 9))]

    def between(start: dt.date, end: dt.date) -> list[dict[str, Any]]:
        return [one for one in events if start <= one["start"].date() <= end]

    def add(title: str, start: dt.datetime, **_: Any) -> dict[str, Any]:
        events.append(event(title, start))
        return {**{k: events[-1][k] for k in ("id", "title", "start", "end", "place")}, "invited": False}

    def mail(id_: str, sender: str) -> dict[str, Any]:
        return {"id": id_, "sender": sender, "sender_name": "", "sender_verified": True, "subject": "hi", "date": None, "unseen": False}

    box = [mail("1", "clinic@x.example"), mail("2", "sam@x.example"), mail("3", "sam@x.example")]

    def move(id: str, folder: str) -> dict[str, bool]:
        box[:] = [one for one in box if one["id"] != id]
        return {"moved": True}

    def find(name: str) -> dict[str, Any]:
        if name not in state.secrets["people"]:
            raise Failure("refused", "nobody")
        return {"name": name, "email": f"{'sam' if name == 'Sam' else 'onc'}@x.example", "phone": "", "address": "", "birthday": None, "relation": "", "groups": []}

    functions: dict[str, Callable[..., Any]] = {
        "calendar.list": between, "calendar.busy": lambda start, end: [{"start": one["start"], "end": one["end"]} for one in between(start, end)],
        "calendar.add": add, "mail.search": lambda sender, **_: [one for one in box if not sender or one["sender"] == sender],
        "mail.read": lambda id: state.secrets["secret"], "mail.move": move, "mail.send": lambda **_: {"message_id": "x", "copy_kept": True},
        "contacts.find": find, "shop.search": lambda shop, query: [],
    }  # fmt: skip
    return [tool(CONTRACTS[name], function) for name, function in functions.items()]


def both(plan: str, tools: Callable[[State], Iterable[Tool]] = services, norms: str = "", answer: Reply = Reply.DENY) -> tuple[Seen, Seen]:
    judge = Index(combine(defaults(), parse(norms)).norms)
    setting = Setting("red", tools, judge, PEOPLE, FIXED, SECRETS, REQUEST, lambda question: answer)
    first, second = (observe(setting, plan, variant) for variant in "ab")
    return first, second


# ---------------------------------------------------------------------------------------------------- places (G2.6)


def test_what_decided_an_event_shows_in_free_and_busy() -> None:
    busy = "b = calendar.busy(start=date(2030, 1, 1), end=date(2030, 1, 1))\nshop.search(shop=\"Northside Sports\", query=f\"socks {len(b)}\")"
    plan = f"""
for e in calendar.list(start=date(2026, 3, 1), end=date(2026, 3, 7))[:5]:
    if "chemo" in e.title:
        calendar.add(title="x", start=datetime(2030, 1, 1, 10, 0))
{busy}"""
    first, second = both(plan)
    assert first.of(SHOP) == second.of(SHOP)
    first, second = both("calendar.add(title=\"Run\", start=datetime(2030, 1, 1, 10, 0))\n" + busy)
    assert first.of(SHOP) == second.of(SHOP)  # its twin: an event that nothing private decided


def test_what_decided_a_move_shows_in_one_persons_mails() -> None:
    count = 'n = len(mail.search(sender=contacts.find(name="Sam").email))\nmail.send(to=contacts.find(name="Sam").email, subject="late", body=f"I am late {n}")'
    plan = f"""
box = mail.search()
secret = mail.read(id=box[0].id)
for m in box[:5]:
    if "HIV" in secret and m.sender == "sam@x.example":
        mail.move(id=m.id, folder="Archive")
{count}"""
    first, second = both(plan)
    assert first.of(SAM) == second.of(SAM)
    first, second = both(count)  # its twin: what Sam wrote may be told to Sam
    assert first.of(SAM) == second.of(SAM) and first.of(SAM) and not first.questions


def test_who_is_in_the_address_book_is_the_users_affair() -> None:
    plan = """
o = contacts.find(name="my oncologist")
x = "yes" if o.ok else "no"
mail.send(to=contacts.find(name="Sam").email, subject="late", body=f"I am late {x}")"""
    first, second = both(plan)
    assert first.of(SAM) == second.of(SAM)
    first, second = both('mail.send(to=contacts.find(name="Sam").email, subject="late", body="I am late")')
    assert first.of(SAM) and not first.questions


def test_a_name_of_the_request_that_nobody_has_is_told_to_the_user_alone() -> None:
    """G3.6: nothing is done, whatever the plan makes of it."""
    setting = Setting("red", services, Index(defaults().norms), PEOPLE, FIXED, SECRETS, "Mail Bob and Sam")
    seen = observe(setting, 'b = contacts.find(name="Bob")\nmail.send(to=contacts.find(name="Sam").email, subject="x", body=f"{b.ok}")')
    assert not seen.of(SAM) and "finds nothing for 'Bob'" in seen.refused[0] and not any("Bob" in one for one in seen.feedback)


def test_a_hidden_word_that_nobody_bears_stops_nothing() -> None:
    """G1.1: whether a look-up of hidden words finds somebody would show in that nothing runs; the user hears it when all is done."""
    plan = 'sick = contacts.find(name="[[1]]")\nmail.send(to=contacts.find(name="Sam").email, subject="x", body="I am late")\nprint(sick.ok)'
    seen = {}
    for word in ("my oncologist", "asthma"):
        setting = Setting(
            "red", services, Index(defaults().norms), PEOPLE, FIXED, SECRETS, "Tell Sam that I am late. [[1]]",
            handles={"[[1]]": Value(word, label([("health", "user"), ("request", "user")]), None, Standing.USER)},
        )  # fmt: skip
        seen[word] = observe(setting, plan)
    first, second = seen.values()
    assert first.of(SAM) == second.of(SAM) != () and first.told != second.told


def folders(state: State) -> list[Tool]:
    """Files in folders, each a place; a path that is not known is the place of all."""
    files: dict[str, str] = {"papers/a": "plain"}
    place = lambda name: Place(name, label([("document", "user")]), keeps=("finance",))  # noqa: E731

    def at(arguments: Any) -> Place:
        path = arguments["path"].data
        return place(f"files/{path.split('/')[0]}") if isinstance(path, str) else place("files")

    path = Parameter("path", text(max=50), Role.KEY)
    salary = Place("bank", label([("finance/income", "user")]))
    return [
        *services(state), tool(Contract("salary", "", (), text(max=50), place=salary), lambda: state.secrets["secret"]),
        tool(Contract("files.write", "", (path, Parameter("body", text())), scalar("none"), Effect.WRITE, "storage", at, undoable=True), lambda path, body: files.update({path: body})),
        tool(Contract("files.read", "", (path,), text(), place=at), lambda path: files.get(path, "")),
    ]  # fmt: skip


DOCUMENTS = """
[[norm]]
id = "documents"
verdict = "permit"
who = ["friend"]
learns = ["document", "request"]
about = ["user"]
purpose = ["*"]
through = ["*"]
because = "for this test"
"""


@pytest.mark.parametrize("path", ['"notes/s"', '"papers/a" if len(files.read(path="papers/a")) > 100 else "notes/s"'])
def test_what_a_folder_came_to_hold_is_read_under_its_label_by_any_path(path: str) -> None:
    plan = f'files.write(path="notes/s", body=salary())\nmail.send(to="sam@x.example", subject="x", body=files.read(path={path}))'
    first, second = both(plan, folders, DOCUMENTS, Reply.ONCE)
    assert first.of(SAM) == second.of(SAM)


# ---------------------------------------------------------------------------------------------------- calls


def test_half_a_character_stops_nothing() -> None:
    """G3.4: a call that cannot be written out is a fault of its own, and the rest goes on."""
    plan = """
x = "q\\ud800@x.example"
if "HIV" in mail.read(id="1"):
    mail.send(to=x, subject="x", body="x")
mail.send(to=contacts.find(name="Sam").email, subject="late", body="I am late")"""
    first, second = both(plan)
    assert first.of(SAM) == second.of(SAM)


def chats(state: State) -> list[Tool]:
    say = Contract("chat.say", "", (Parameter("to", text(max=50), Role.WHO, address="mail"), Parameter("body", text())), scalar("none"), Effect.WRITE, "correspondence")
    return [*services(state), tool(say, lambda **_: None)]


def test_an_answer_is_for_its_own_line() -> None:
    """G5.5: the same words on a line that a secret decides are another call."""
    say = 'chat.say(to="bob@x.example", body="hello")'
    plan = f'd = mail.read(id="1")\nif "HIV" in d:\n    {say}\nmail.search()\n{say}'
    asked: list[Any] = []

    def answer(question: Any) -> Reply:
        asked.append(question)
        return Reply.DENY if question.reveals else Reply.ONCE

    setting = Setting("red", chats, Index(combine(defaults(), parse(DOCUMENTS.replace('"friend"', '"anyone"'))).norms), PEOPLE, FIXED, SECRETS, REQUEST, answer)
    first, second = (observe(setting, plan, variant) for variant in "ab")
    assert first.of("mail:bob@x.example") == second.of("mail:bob@x.example")


@pytest.mark.parametrize("letter", ["\U000e0148", "\u3164", "\u115f", "\uffa0", "\u034f", "\ufe0f", "\u17b4", "\u180b", "\u2003", "\u00a0"])
def test_what_shows_nothing_is_spelled_out(letter: str) -> None:
    """G5.5."""
    assert inert(f"at 7{letter}!") == (f"at 7\\u{ord(letter):04x}!" if ord(letter) < 0x10000 else f"at 7\\U{ord(letter):08x}!")
    assert inert("Grüße, 你好, naïve") == "Grüße, 你好, naïve"


def test_how_often_counts_over_all_lines() -> None:
    """G1.2: fifteen mails are fifteen, in a loop or not; and more than a tool's greatest number are none (G3.5)."""
    send = 'mail.send(to=contacts.find(name="Sam").email, subject="late", body="{}")'
    few, _ = both("\n".join(send.format(n) for n in range(3)))
    assert not few.questions and len(few.of(SAM)) == 3
    many, _ = both("\n".join(send.format(n) for n in range(15)))
    assert many.questions and not many.of(SAM)
    too_many, _ = both("\n".join(send.format(n) for n in range(40)))
    assert "at most 20 are allowed" in too_many.refused[0]


@pytest.mark.parametrize(("count", "sent"), [("10", 1), ("11", 0), ("-11", 0), ("10 * 5", 0), ("len(mail.search()) * 9", 0)])
def test_the_greatest_number_of_a_contract_holds(count: str, sent: int) -> None:
    """G3.5: also where somebody would have been asked."""
    got: list[int] = []
    order = Contract("order", "", (Parameter("count", scalar("int", max=10), Role.AMOUNT),), scalar("none"), Effect.WRITE, "purchase", recipients=(SHOP,))
    both(f"order(count={count})", lambda state: [*services(state), tool(order, lambda count: got.append(count))], DOCUMENTS.replace('"friend"', '"anyone"').replace('"document"', '"communication"'), Reply.ONCE)
    assert len(got) == 2 * sent


# ---------------------------------------------------------------------------------------------------- planners


HIDDEN = ("cancer", "asthma", "HIV")


def heard(plan: str, word: str, tools: Callable[[State], Iterable[Tool]] = services) -> list[str]:
    setting = Setting("red", tools, Index(defaults().norms), PEOPLE, FIXED, SECRETS, REQUEST)
    handles = {"[[1]]": Value(word, label([("health", "user"), ("request", "user")]))}
    return session_of(setting).session.problems(plan, "tell Sam that I have [[1]]", handles)


@pytest.mark.parametrize(
    "plan",
    [
        "\n".join(f'mail.send(to="{word}", subject="x", body=mail.read(id="1"))' for word in (*HIDDEN, "[[1]]")),
        "\n".join(f'calendar.add(title="x", start=datetime(2030, 1, 1, 10, 0), attendees=["{word}"])' for word in (*HIDDEN, "[[1]]")),
        "\n".join(f"{word}.x()" for word in HIDDEN),
        *(f'if "{word}".startswith("[[1]]"):\n    mail.send(to="eve@x.example", subject="x", body=mail.read(id="1"))' for word in HIDDEN),
        *(f'mail.send(to=contacts.find(name="{word}").email, subject="[[1]]", body=mail.read(id="1"))' for word in HIDDEN),
    ],
)
def test_a_planner_cannot_guess_what_a_handle_stands_for(plan: str) -> None:
    """G4.1: what it hears of its guesses is the same, whichever is right."""
    assert len({tuple(heard(plan, word)) for word in HIDDEN}) == 1


def test_a_guess_of_a_handles_words_is_not_said_by_the_user() -> None:
    """G3.6: or what is done unasked would tell it."""
    setting = Setting("red", services, Index(defaults().norms), PEOPLE, FIXED, SECRETS)
    verdicts = set()
    for word in HIDDEN:
        handles = {"[[1]]": Value(word, label([("request", "user")]))}
        lines = session_of(setting).session.prepare('shop.search(shop="Northside Sports", query="HIV")', "find [[1]] at Northside Sports", handles).preview.lines
        verdicts.add(tuple((line.verdict, line.flow.arguments["query"].standing) for line in lines))
    assert len(verdicts) == 1


# ---------------------------------------------------------------------------------------------------- errands beside each other


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Home.create(tmp_path / "home", "file", zone="UTC") as made:
        made.vault.remember("4111 1111 1111 1234", "finance/card", provenance=("user",))
        made.vault.remember("DE89 3704 0044 0532 0130 00", "finance/account", provenance=("user",))
        yield made


def world(home: Home, heard: list[str], norms: str = "", draft: Any = None) -> World:
    """A home's world with one salary, one folder, one friend who is told and one planner of delegated plans."""
    store: dict[str, str] = home.__dict__.setdefault("store", {})
    notes = Place("notes", label([("document", "user")]), keeps=("finance",))
    made = home.world()
    extra = [
        tool(Contract("salary", "", (), text(max=50), place=Place("bank", label([("finance/income", "user")])), recipients=()), lambda: "42000"),
        tool(Contract("notes.set", "", (Parameter("x", text()),), scalar("none"), Effect.WRITE, "storage", notes, (), undoable=True), lambda x: store.update(x=x)),
        tool(Contract("notes.get", "", (), text(), place=notes, recipients=()), lambda: store.get("x", "")),
        tool(Contract("friend.tell", "", (Parameter("x", text()),), scalar("none"), Effect.READ, "correspondence", NOPLACE, recipients=("sam",)), lambda x: heard.append(x)),
        *([delegate_tool(draft, "provider:reader")] if draft else []),
    ]  # fmt: skip
    fixed = {"sam": Recipient("sam", "sam", frozenset({"friend"}), "Sam"), "provider:reader": Recipient("provider:reader", "local", READER_LOCAL, "the local reader")}
    directory = made.directory
    directory.fixed = {**directory.fixed, **fixed}
    return replace(made, tools=type(made.tools)([*made.tools.values(), *extra]), judge=Index(combine(defaults(), parse(DOCUMENTS + norms)).norms))


WRITE, TELL = "notes.set(x=salary())", "friend.tell(x=notes.get())"


def test_a_plan_that_was_prepared_before_another_wrote_is_looked_at_again(home: Home) -> None:
    heard: list[str] = []
    made = world(home, heard)
    assert Session(made, Nobody()).perform(TELL, "").done and heard == [""]  # its twin: while nothing is there
    early = Session(made, Nobody()).prepare(TELL, "")
    Session(made, Everyone()).perform(WRITE, "")
    assert home.__dict__["store"] == {"x": "42000"}
    Session(made, Nobody()).run(early)
    assert heard == [""]


def test_two_sessions_of_a_home_lose_nothing_of_what_places_hold(home: Home) -> None:
    heard: list[str] = []
    first, second = world(home, heard), world(home, heard)
    Session(first, Everyone()).perform(WRITE, "")
    Session(second, Everyone()).perform('notes.set(x="plain")', "")
    assert any(tag.type == "finance/income" for tag in home.kept().labels["notes"].tags)
    home.__dict__["store"]["x"] = "42000"
    Session(world(home, heard), Nobody()).perform(TELL, "")
    Session(second, Nobody()).perform(TELL, "")
    assert heard == []


def test_what_a_delegated_plan_writes_is_kept_under_its_label(home: Home) -> None:
    """G4.5, G2.6: in the next errand too; and nothing of it is done unasked, whatever shipped norms allow."""
    heard: list[str] = []
    made = world(home, heard, draft=lambda body, goal, tools: f"notes.set(x={body!r})")
    refused = Session(made, Nobody()).perform('delegate(text=salary(), goal="keep it")', "")
    assert home.__dict__["store"] == {} and refused.questions == 1
    asked = Everyone()
    Session(made, asked).perform('delegate(text=salary(), goal="keep it")', "")
    assert home.__dict__["store"] == {"x": "42000"} and len(asked.asked) == 1
    Session(world(home, heard), Nobody()).perform(TELL, "")
    assert heard == []


VIEWED = """
[[norm]]
id = "four"
verdict = "permit"
who = ["friend"]
learns = ["finance/last-four", "request"]
about = ["user"]
purpose = ["*"]
through = ["*"]
because = "for this test"

[[bits]]
id = "four-bits"
view = "finance/last-four"
who = ["friend"]
about = ["user"]
purpose = ["*"]
bits_max = 14
because = "for this test"
"""


def test_every_release_of_a_view_is_counted(home: Home) -> None:
    """G6.3: two answers in one message are twice the bits, and none is put aside for a later errand."""
    heard: list[str] = []
    made = world(home, heard, VIEWED)
    card, account = (f'memory.last_four(of="finance/{what}")' for what in ("card", "account"))
    assert Session(made, Everyone()).perform(f"a = {card}\nb = {account}\nfriend.tell(x=a + b)", "").problems
    assert heard == []
    assert "is kept nowhere" in Session(made, Everyone()).perform(f"notes.set(x={card})", "").problems[0]
    assert Session(made, Everyone()).perform(f"friend.tell(x={card})", "").done and heard == ["1234"]
    assert Session(made, Everyone()).perform(f"friend.tell(x={account})", "").problems and heard == ["1234"]


def test_a_filter_that_fails_does_not_tell_by_how_many_calls_it_ends() -> None:
    """G3.4: found by generated pairs; every element is looked at, whichever fails."""
    number = Contract("number", "", (), scalar("int"), place=Place("health", label([house.HEALTH])), recipients=())

    def tools(state: State) -> list[Tool]:
        def fails() -> int:
            if "HIV" in state.secrets["secret"]:
                raise Failure("failed", "")
            return 1

        told = Contract("ask", "", (), scalar("int"), place=NOPLACE, recipients=(SHOP,))
        return [tool(number, fails), tool(told, lambda: 1)]

    first, second = both("n = number()\nxs = [i for i in [1, 2, 3] if ask() < default(n, n)]", tools, DOCUMENTS.replace('"friend"', '"anyone"'))
    assert first.of(SHOP) == second.of(SHOP) and len(first.of(SHOP)) == 3
