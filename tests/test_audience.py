"""G5.3: whom our ledger shows we told a fact may hear it again; what only looks like a telling adds nobody (decision 19)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from discreet.agents.home import Home
from discreet.agents.session import Report, Session
from discreet.agents.told_tools import BITS, FACTS_MAX, last_told, wholes
from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.resolve import resolve
from discreet.kernel.shape import list_of, scalar, text
from discreet.kernel.syntax import parse
from discreet.ledger.entry import Kind
from discreet.policy.edit import add_norm
from discreet.tools.directory import Entry
from discreet.tools.question import Edited, Everyone, Nobody, Question, Reply
from discreet.tools.registry import Toolbox, tool

SAM, BOB = "sam@home.example", "bob@home.example"
REQUEST = f"tell Sam Lee at {SAM} and Bob Ray at {BOB} when the parcel comes"
DELIVERY = "The parcel comes on 12 May"
TELL = f'x = memory.recall(type="schedule", query="parcel")\nmail.send(to="{SAM}", body=f"Hello, {{x}}.")\n'
AGAIN = f'y = memory.told(to="Sam", type="schedule", query="parcel")\nmail.send(to="{SAM}", body=f"Once more: {{y}}.")\n'


class World:
    """A home with two friends, a mail that is sent within this process, and one letter from outside."""

    def __init__(self, home: Home) -> None:
        self.home, self.sent = home, []
        self.made = home.world()
        for name, address in (("Sam Lee", SAM), ("Bob Ray", BOB)):
            self.made.directory.add(Entry(f"person:{address}", name, frozenset({"friend"}), (("mail", address),)))
        addresses = Parameter("to", list_of(text(max=100), 5), Role.WHO, address="mail")
        send = Contract("mail.send", "", (Parameter("to", text(max=100), Role.WHO, address="mail"), Parameter("body", text())), scalar("none"), Effect.WRITE, "correspondence", NOPLACE)
        many = Contract("mail.many", "", (addresses, Parameter("body", text())), scalar("none"), Effect.WRITE, "correspondence", NOPLACE)
        letter = Contract("letter.cc", "", (), text(max=100), place=Place("letter", label((), ("mail",))), recipients=())
        extra = [tool(send, self._send), tool(many, self._send), tool(letter, lambda: BOB)]
        self.made = dataclasses.replace(self.made, tools=Toolbox([*self.made.tools.values(), *extra]))

    def _send(self, to: Any, body: str) -> None:
        self.sent += [(one, body) for one in ([to] if isinstance(to, str) else to)]

    def run(self, plan: str, asker: Any = None, request: str = REQUEST) -> Report:
        return Session(self.made, asker or Everyone()).perform(plan, request)

    def grants(self) -> list[str]:
        return [p.id for r in self.home.ledger.entries(Kind.GRANT) for p in r.entry.parties]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Home.create(tmp_path / "home", "file", zone="UTC") as made:
        made.vault.remember(DELIVERY, "schedule/event", provenance=("user",))
        made.vault.remember("asthma", "health/condition", provenance=("user",))
        yield made


@pytest.fixture
def world(home: Home) -> World:
    return World(home)


def test_what_was_told_is_told_again_unasked(world: World) -> None:
    """The honest errand: the first mail is asked about, the second, of another day, is not."""
    assert world.run(TELL).questions == 1 and world.grants() == [f"mail:{SAM}"]
    report = world.run(AGAIN, Nobody())
    assert report.done and report.questions == 0 and world.sent[-1] == (SAM, f"Once more: {DELIVERY}.")
    assert world.run(f'mail.send(to="{SAM}", body=memory.told(to="{SAM}", type="schedule/event"))\n', Nobody()).denied == 0
    assert world.sent[-1] == (SAM, "")  # it was told as a `schedule`, the name under which it was recalled


def test_nobody_else_hears_it_again(world: World) -> None:
    world.run(TELL)
    for plan in (
        f'mail.send(to="{BOB}", body=memory.told(to="Sam", type="schedule"))\n',
        f'mail.many(to=["{SAM}", "{BOB}"], body=memory.told(to="Sam", type="schedule"))\n',
    ):
        assert not world.run(plan, Nobody()).done
    world.run(f'mail.send(to="{BOB}", body=memory.told(to="Bob", type="schedule"))\n', Nobody())
    assert [body for to, body in world.sent if to == BOB] == [""]


def test_merging_two_facts_intersects_their_audiences(world: World) -> None:
    """What Sam and what Bob were told makes together something that neither was."""
    world.home.vault.remember("The gate code is new on 3 June", "home", provenance=("user",))
    world.run(TELL)
    world.run(f'mail.send(to="{BOB}", body=memory.recall(type="home"))\n')
    told = 'x = memory.told(to="Sam", type="schedule")\ny = memory.told(to="Bob", type="{type}")\n'
    before = len(world.sent)
    for who in (SAM, BOB):
        assert not world.run(told.format(type="home") + f'mail.send(to="{who}", body=x + y)\n', Nobody()).done
        assert not world.run(told.format(type="schedule") + f'mail.send(to="{who}", body=x + y)\n', Nobody()).done
    assert len(world.sent) == before
    assert world.run('mail.send(to="%s", body=memory.told(to="Bob", type="home"))\n' % BOB, Nobody()).done


def test_a_fact_that_was_corrected_was_told_to_nobody(world: World) -> None:
    [fact] = world.home.vault.facts("schedule/event")
    world.run(TELL)
    world.home.vault.correct(fact.id, "The parcel comes on 30 May")
    assert world.run(AGAIN, Nobody()).done and world.sent[-1] == (SAM, "Once more: .")
    assert world.run(TELL, Nobody()).questions == 1 and "30 May" not in str(world.sent)
    world.run(TELL)
    assert world.run(AGAIN, Nobody()).done and world.sent[-1] == (SAM, "Once more: The parcel comes on 30 May.")


def test_a_corrected_fact_keeps_no_audience(home: Home) -> None:
    fact = home.vault.remember("asthma", "health/allergy", audience=("dr-silva",))
    assert fact.audience == ("dr-silva",) and home.vault.correct(fact.id, "pollen").audience == ()


def test_a_forgotten_fact_is_told_to_nobody(world: World) -> None:
    world.run(TELL)
    world.home.vault.forget(world.home.vault.facts("schedule/event")[0].id)
    assert world.run(AGAIN, Nobody()).done and world.sent[-1] == (SAM, "Once more: .")


@pytest.mark.parametrize("plan", [
    'x = memory.recall(type="schedule")\nif memory.recall(type="health/condition") != "":\n    mail.send(to="SAM", body=x)\n',  # at a tagged pc
    'x = memory.recall(type="schedule")\nif letter.cc() != "":\n    mail.send(to="SAM", body=x)\n',  # outside text decided
    'x = memory.recall(type="schedule")\nmail.send(to="SAM", body=x[:5])\n',  # a part
    'x = memory.recall(type="schedule")\nmail.send(to="SAM", body="The parcel comes on 12 May" + x[:0])\n',  # a guess under its label
    'x = memory.recall(type="schedule")\nx = "The parcel comes on 12 May" if len(x) > 3 else x\nmail.send(to="SAM", body=x)\n',  # assigned twice
    'x = memory.recall(type="schedule")\nmail.send(to="SAM", body=f"{x:.5}")\n',
    'x = memory.recall(type="schedule")\nmail.send(to=letter.cc(), body=x)\n',  # whom a header named
    'for x in ["The parcel comes on 12 May"]:\n    mail.send(to="SAM", body=x)\n',
    'x = [memory.recall(type=t) for t in ["schedule"]]\nmail.send(to="SAM", body=x[0])\n',
])  # fmt: skip
def test_what_is_no_whole_telling_adds_nobody(world: World, plan: str) -> None:
    report = world.run(plan.replace("SAM", SAM))
    assert not report.problems and world.grants() == []
    world.run(AGAIN, Nobody())
    assert (SAM, f"Once more: {DELIVERY}.") not in world.sent


def test_headers_and_edits_add_nobody(world: World) -> None:
    """A gossip's `Cc:` decides a recipient: told, if the user says so, and still in no audience. Text that the user changed was not told whole."""
    class Editor:
        def ask(self, questions: Sequence[Question]) -> Sequence[Edited | Reply]:
            return [Edited({"body": f"something else than {DELIVERY}"}) for _ in questions]

    world.run(TELL, Editor())
    assert world.sent[-1] == (SAM, f"something else than {DELIVERY}") and world.grants() == []
    add_norm(world.home.path / "norms.toml", '[[norm]]\nid = "friends"\nverdict = "permit"\nwho = ["friend"]\nlearns = ["schedule", "request"]\nabout = ["user"]\npurpose = ["*"]\nthrough = ["*"]\nbecause = "b"\n')
    world = World(world.home)
    cc = f'x = memory.recall(type="schedule")\nmail.many(to=["{SAM}", letter.cc()], body=x)\n'
    world.run(cc, request=f"tell Sam Lee at {SAM} when the parcel comes")
    assert (BOB, DELIVERY) in world.sent and f"mail:{BOB}" not in world.grants()


def test_a_telling_of_a_view_is_no_telling_of_its_fact(world: World) -> None:
    world.home.vault.remember("1988-05-14", "identity/birth-date", provenance=("user",))
    add_norm(world.home.path / "norms.toml", '[[bits]]\nid = "age"\nview = "identity/over-18"\nwho = ["friend"]\nabout = ["user"]\npurpose = ["*"]\nbits_max = 9\nbecause = "b"\n'
             '[[norm]]\nid = "age-told"\nverdict = "permit"\nwho = ["friend"]\nlearns = ["identity/over-18"]\nabout = ["user"]\npurpose = ["*"]\nthrough = ["*"]\nbecause = "b"\n')  # fmt: skip
    world = World(world.home)
    assert world.run(f'mail.send(to="{SAM}", body=f"{{memory.over_18()}}")\n', Nobody()).done and world.grants() == []
    assert world.run(f'mail.send(to="{SAM}", body=memory.told(to="Sam", type="identity/birth-date"))\n', Nobody()).done and world.sent[-1] == (SAM, "")


def test_a_prohibition_wins_over_an_audience(world: World) -> None:
    world.run(TELL)
    add_norm(world.home.path / "norms.toml", '[[norm]]\nid = "hush"\nverdict = "forbid"\nwho = ["friend"]\nlearns = ["schedule"]\nabout = ["user"]\npurpose = ["*"]\nthrough = ["*"]\nbecause = "b"\n')
    again = World(world.home)
    assert again.run(AGAIN).denied == 1 and again.sent == []


def test_whether_something_was_told_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """G1.1: facts that somebody was not told change nothing of what they hear again: neither what is there besides, nor that it was corrected."""
    seen = []
    for more in ((), (("the parcel parcel parcel holds a wig", "schedule/event"), ("a parcel for the clinic", "schedule/event"), ("cancer", "health/condition"))):
        folder = tmp_path / str(len(more))
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        with Home.create(folder / "home", "file", zone="UTC") as made:
            made.vault.remember(DELIVERY, "schedule/event", provenance=("user",))
            world = World(made)
            world.run(TELL)
            later = [made.vault.remember(words, type_) for words, type_ in more]
            for fact in later[1:2]:
                made.vault.correct(fact.id, "two parcels for the clinic")
            for _ in range(3):
                world.run(AGAIN, Nobody())
            world.run(f'mail.send(to="{BOB}", body=memory.told(to="Bob", type="schedule", query="parcel"))\n', Nobody())
            seen.append((world.sent, world.grants(), [r.entry.bits for r in made.ledger.entries(Kind.DOWNGRADE)]))
    assert seen[0] == seen[1] and seen[0][0][1:4] == [(SAM, f"Once more: {DELIVERY}.")] * 3


def test_each_look_is_charged_and_ends_when_nothing_is_left(world: World) -> None:
    """G6.3: that a fact stands no more is all that a look can tell besides, and that is counted, whatever the answer."""
    few = '[[bits]]\nid = "few"\nview = "told"\nwho = ["friend"]\nabout = ["user"]\npurpose = ["*"]\nbits_max = 12\nbecause = "b"\n'
    (world.home.path / "norms.toml").write_text(f'drop = ["told-again"]\n{few}', "utf-8")
    world = World(world.home)
    world.run(TELL)
    world.run(AGAIN)
    [spent] = [r.entry for r in world.home.ledger.entries(Kind.DOWNGRADE) if r.entry.note == "reserved"]
    assert spent.bits == BITS == FACTS_MAX.bit_length() and spent.place == "view:told" and spent.norms == ("few",)
    for _ in range(12 // BITS - 1):
        assert world.run(AGAIN).done
    assert "bits" in world.run(AGAIN).problems[0]


def test_what_lies_too_far_back_is_told_as_new(home: Home) -> None:
    world = World(home)
    for n in range(FACTS_MAX + 1):
        home.vault.remember(f"appointment{n} fits well", "schedule/travel")
        assert world.run(f'mail.send(to="{SAM}", body=memory.recall(type="schedule/travel", query="appointment{n}"))\n').done
    assert len(last_told(home.ledger, f"person:{SAM}", "schedule/travel")) == FACTS_MAX
    world.run(f'mail.send(to="{SAM}", body=memory.told(to="Sam", type="schedule/travel", query="appointment0"))\n', Nobody())
    assert "appointment0 " not in world.sent[-1][1]
    world.run(f'mail.send(to="{SAM}", body=memory.told(to="Sam", type="schedule/travel", query="appointment7"))\n', Nobody())
    assert world.sent[-1] == (SAM, "appointment7 fits well")


def test_a_name_that_means_nobody_or_two_gives_nothing(world: World) -> None:
    world.run(TELL)
    world.made.directory.add(Entry("person:sam2", "Sam Ray", frozenset({"friend"}), (("mail", "sam2@home.example"),)))
    for who in ("Sam", "Zoe", ""):
        assert not world.run(f'mail.send(to="{SAM}", body=memory.told(to="{who}", type="schedule"))\n', Nobody()).done
    assert world.run(f'mail.send(to="{SAM}", body=memory.told(to="Sam Lee", type="schedule"))\n', Nobody()).done


def test_who_is_asked_for_is_named_by_the_plan_alone(world: World) -> None:
    """A view's rule: nothing private and no outside text chooses what is looked at (G6.2)."""
    world.run(TELL)
    assert world.run(f'mail.send(to="{SAM}", body=memory.told(to=letter.cc(), type="schedule"))\n').denied
    assert world.run(f'q = memory.recall(type="health/condition")\nmail.send(to="{SAM}", body=memory.told(to="Sam", type="schedule", query=q))\n').denied


def test_tellings_are_found_in_the_text_of_a_plan(world: World) -> None:
    contracts = world.made.tools.contracts
    found = wholes(resolve(parse(TELL + 'mail.send(to="a@b.example", body="x: " + memory.recall(type="schedule"))\n'), contracts))
    assert [sorted(held["body"]) for held in found.values()] == [[("schedule", "parcel")], [("schedule", "")]]
