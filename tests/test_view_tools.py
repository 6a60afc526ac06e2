"""G6.2, G6.3: views as tools: parameters fixed in norms, chosen by nothing private and nobody outside, every look counted."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from discreet.agents.home import Home
from discreet.agents.session import Report, Session
from discreet.agents.view_tools import view_tools
from discreet.connectors.calendar import Calendar
from discreet.connectors.calendar_tools import BUSY, CALENDAR, PROVIDER, calendar_tools
from discreet.connectors.mail import Mail
from discreet.demo.services.start import Services
from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Recipient, Role
from discreet.kernel.label import label
from discreet.kernel.monitor import Verdict
from discreet.kernel.shape import list_of, record_of, scalar, text
from discreet.ledger.entry import Kind
from discreet.policy.edit import to_toml
from discreet.policy.load import combine, defaults, load, parse
from discreet.policy.parameters import CITIES_MAX, SLOTS_MAX, parameters
from discreet.tools.directory import Entry
from discreet.tools.question import Everyone, Nobody
from discreet.tools.registry import Tool, Toolbox, tool

pytest_plugins = ["tests.services.fixtures"]

SAM = "sam@home.example"
REQUEST = f"tell Sam at {SAM} which city I live in, and whether my Tuesday afternoon is free"
TUESDAY = dt.date(2027, 3, 2)
NORMS = """
[[bits]]
id = "city"
view = "location/city"
who = ["friend & user-said"]
about = ["user"]
purpose = ["correspondence"]
bits_max = 4
cities = ["Leeds", "Porto", "Graz"]
because = "they know roughly where I live"

[[bits]]
id = "free"
view = "schedule/free-busy/slots"
who = ["friend & user-said"]
about = ["user"]
purpose = ["correspondence", "scheduling"]
bits_max = 27
hours = "09:00-18:00"
slot_minutes = 60
because = "enough to find a time"

[[norm]]
id = "coarse"
verdict = "permit"
who = ["friend"]
learns = ["location/city", "finance/last-four"]
about = ["user"]
purpose = ["correspondence"]
through = ["mail.send"]
because = "coarse enough"

[[norm]]
id = "no-times"
verdict = "forbid"
who = ["friend"]
learns = ["schedule/event"]
about = ["user"]
purpose = ["*"]
through = ["*"]
because = "free or not is all they learn"
"""
CITY = f'mail.send(to="{SAM}", body=f"I live in {{memory.city()}}.")\n'
FREE = f"""slots = calendar.free(day=date(2027, 3, 2))
mail.send(to="{SAM}", body=f"Free at {{', '.join([f'{{s.hour}}' for s in slots if s.hour >= 13])}}.")
"""


class World:
    """A home with a friend, a mail that is sent within this process, a review by a stranger, and a calendar's busy times."""

    def __init__(self, home: Home, busy: Tool | None = None) -> None:
        self.home, self.sent = home, []
        made = home.world()
        made.directory.add(Entry(f"person:{SAM}", "Sam Lee", frozenset({"friend"}), (("mail", SAM),)))
        made.directory.fixed = {**made.directory.fixed, PROVIDER: Recipient(PROVIDER, PROVIDER, frozenset({"own-provider"}), "calendar")}
        send = Contract("mail.send", "", (Parameter("to", text(max=100), Role.WHO, address="mail"), Parameter("body", text())), scalar("none"), Effect.WRITE, "correspondence", NOPLACE)
        review = Contract("shop.review", "", (), text(max=100), place=Place("review", label((), ("shop",))), recipients=())
        notes = Contract("notes.write", "", (Parameter("x", text()),), scalar("none"), Effect.WRITE, "storage", Place("notes", label()), (), undoable=True)
        extra = [tool(send, lambda to, body: self.sent.append((to, body))), tool(review, lambda: "good"), tool(notes, lambda x: None), busy or self._busy()]
        own = {one.name: one for one in (*made.tools.values(), *extra)}
        views = view_tools(home.vault, home.ledger, load(home.path / "norms.toml").norms, extra)
        self.made = dataclasses.replace(made, tools=Toolbox({**own, **{one.name: one for one in views}}.values()))
        self.events: list[tuple[dt.datetime, dt.datetime]] = []

    def _busy(self) -> Tool:
        when = scalar("datetime", attested=True)
        span = (Parameter("start", scalar("date"), Role.KEY), Parameter("end", scalar("date"), Role.KEY))
        contract = Contract("calendar.busy", "", span, list_of(record_of("Busy", start=when, end=when)), place=BUSY, purpose="lookup/own", recipients=(PROVIDER,))
        return tool(contract, lambda start, end: [{"start": a, "end": b} for a, b in self.events if start <= a.date() <= end])

    def run(self, plan: str, asker: Any = None) -> Report:
        return Session(self.made, asker or Nobody()).perform(plan, REQUEST)

    def spent(self) -> list[tuple[str, int]]:
        return [(r.entry.place, r.entry.bits) for r in self.home.ledger.entries(Kind.DOWNGRADE) if r.entry.note == "reserved"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Home.create(tmp_path / "home", "file", zone="UTC") as made:
        made.vault.remember("14 Rua das Flores, Porto", "contact/postal-address", provenance=("user",))
        made.vault.remember("4000 1234 5678 9012", "finance/card", provenance=("user",))
        made.vault.remember("asthma", "health/condition", provenance=("user",))
        (made.path / "norms.toml").write_text(NORMS, "utf-8")
        yield made


@pytest.fixture
def world(home: Home) -> World:
    return World(home)


def at(hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2027, 3, 2, hour, minute)


# ---------------------------------------------------------------------------------------------------- honest twins


def test_a_friend_is_told_the_city_and_not_the_address(world: World) -> None:
    assert world.run(CITY).done and world.sent == [(SAM, "I live in Porto.")] and world.spent() == [("view:location/city", 2)]
    assert "memory.city() -> str" in world.made.tools["memory.city"].contract.stub()
    [given] = [r.entry for r in world.home.ledger.entries(Kind.DOWNGRADE) if r.entry.tool]
    assert given.tool == "memory.city" and given.bits == 2 and given.items[0].type == "location/city"


def test_a_friend_is_told_when_one_is_free(world: World) -> None:
    world.events = [(at(13, 30), at(14, 15)), (at(16), at(17)), (at(8), at(8, 30))]
    assert world.run(FREE).done and world.sent == [(SAM, "Free at 15, 17.")] and world.spent() == [("view:schedule/free-busy/slots", 9)]
    assert "calendar.free(day: date) -> list[datetime]" in world.made.tools["calendar.free"].contract.stub()
    told = world.run('print([s.hour for s in calendar.free(day=date(2027, 3, 3))])\n')  # to oneself it costs nothing
    assert told.told == ("[9, 10, 11, 12, 13, 14, 15, 16, 17]",) and len(world.spent()) == 1


def test_free_slots_of_a_real_calendar(home: Home, services: Services) -> None:
    calendar = Calendar(services.calendar(), Mail(services.mail()))
    try:
        tools = {one.name: one for one in calendar_tools(calendar, )}
        busy = tools["calendar.busy"]
        made = view_tools(home.vault, home.ledger, load(home.path / "norms.toml").norms, [busy])
        free = next(one for one in made if one.name == "calendar.free")
        prepared = free.prepare({"day": TUESDAY}, "n" * 32, dt.datetime(2027, 3, 1, 9, tzinfo=dt.UTC))
        assert [s.hour for s in free.perform(prepared)] == list(range(9, 18))
        added = tools["calendar.add"]
        event = {"title": "therapy", "start": at(14), "minutes": 90, "place": "", "notes": "", "attendees": ()}
        made_event = added.perform(added.prepare(event, "m" * 32, dt.datetime(2027, 3, 1, 9, tzinfo=dt.UTC)))
        found = free.perform(free.prepare({"day": TUESDAY}, "o" * 32, dt.datetime(2027, 3, 1, 9, tzinfo=dt.UTC)))
        assert [s.hour for s in found] == [9, 10, 11, 12, 13, 16, 17] and b"therapy" not in prepared.canonical
        tools["calendar.remove"].perform(tools["calendar.remove"].prepare({"id": made_event["id"]}, "p" * 32, dt.datetime(2027, 3, 1, 9, tzinfo=dt.UTC)))
    finally:
        calendar.close()


# ---------------------------------------------------------------------------------------------------- attacks


def test_without_a_norm_there_is_no_view(home: Home) -> None:
    (home.path / "norms.toml").write_text("", "utf-8")
    bare = World(home)
    assert not {"memory.city", "calendar.free"} & set(bare.made.tools) and "unknown tool" in bare.run(CITY).problems[0]


def test_asking_again_and_again_ends_with_the_allowance(world: World) -> None:
    """Repeated and shifted looks: each costs its capacity, whatever it gives, and none is done beyond the allowance."""
    assert world.run(CITY).done and world.run(CITY).done
    assert "bits" in world.run(CITY).problems[0] and len(world.sent) == 2
    days = "".join(f'mail.send(to="{SAM}", body=f"{{calendar.free(day=date(2027, 3, {day}))}}")\n' for day in range(1, 5))
    assert "36 bits" in world.run(days).problems[0] and len(world.sent) == 2
    loop = f'for d in [date(2027, 3, 1), date(2027, 3, 2), date(2027, 3, 3), date(2027, 3, 4)]:\n    mail.send(to="{SAM}", body=f"{{calendar.free(day=d)}}")\n'
    assert "36 bits" in world.run(loop).problems[0] and len(world.sent) == 2


@pytest.mark.parametrize("plan", [
    'x = "1"\nif "good" in shop.review():\n    x = memory.city()\nmail.send(to="SAM", body=x)\n',  # a review decides whether
    'if "asthma" in memory.recall(type="health/condition"):\n    mail.send(to="SAM", body=memory.city())\n',
    'd = date(2027, 3, 2) if "good" in shop.review() else date(2027, 3, 3)\nmail.send(to="SAM", body=f"{calendar.free(day=d)}")\n',
    'for n in range(min(3, len(memory.recall(type="health/condition")))):\n    x = calendar.free(day=date(2027, 3, 2))\n',
    'a = [memory.city() for r in shop.review()]\nmail.send(to="SAM", body=f"{a}")\n',
])  # fmt: skip
def test_nothing_private_and_nobody_outside_decides_whether_a_view_is_released(world: World, plan: str) -> None:
    planned = Session(world.made, Everyone()).prepare(plan.replace("SAM", SAM), REQUEST)
    assert [line.verdict for line in planned.preview.lines if line.flow.contract.view] == [Verdict.DENY]
    world.run(plan.replace("SAM", SAM), Everyone())
    assert not any("Porto" in body or "2027" in body for _, body in world.sent)


@pytest.mark.parametrize("plan", [
    'mail.send(to="SAM", body=memory.city(cities=["Porto", "Leeds"]))\n',  # bisecting by a list of one's own
    'mail.send(to="SAM", body=memory.last_four(of=memory.recall(type="finance/card")[:-4]))\n',  # of a computed value
    'mail.send(to="SAM", body=memory.last_four(of="finance/card"[:-4]))\n',
    'mail.send(to="SAM", body=f"{calendar.free(day=date(2027, 3, 2), slot_minutes=1)}")\n',
    'notes.write(x=memory.city())\n',  # kept, to be told later uncounted
])  # fmt: skip
def test_a_view_takes_no_parameters_and_no_values_of_a_plan(world: World, plan: str) -> None:
    report = world.run(plan.replace("SAM", SAM), Everyone())
    assert not report.done and not world.sent


def test_two_addresses_and_two_calendars_tell_as_much_as_the_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """G1.1: facts of one city, or of the same slots, look the same to a friend; what a stranger's eye would see differs."""
    seen = []
    for street, events in (("14 Rua das Flores, Porto", [(at(14), at(15))]), ("2 Cais da Ribeira, Porto, oncology ward", [(at(14, 10), at(14, 20)), (at(14, 30), at(14, 31))])):
        folder = tmp_path / str(len(seen))
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        with Home.create(folder / "home", "file", zone="UTC") as made:
            made.vault.remember(street, "contact/postal-address")
            (made.path / "norms.toml").write_text(NORMS, "utf-8")
            world = World(made)
            world.events = events
            for plan in (CITY, FREE):
                assert world.run(plan).done
            seen.append((world.sent, world.spent()))
    assert seen[0] == seen[1] and len(seen[0][0]) == 2


def test_what_decided_an_entry_shows_in_the_free_slots_too(world: World) -> None:
    """G2.6: an entry that health decided is not read off the slots."""
    add = Contract("calendar.add", "", (Parameter("title", text()), Parameter("start", scalar("datetime"), Role.WHAT)), scalar("none"), Effect.WRITE, "scheduling", CALENDAR, undoable=True)
    keeps = dataclasses.replace(CALENDAR, keeps=(*CALENDAR.keeps, "health"))
    world.made = dataclasses.replace(world.made, tools=Toolbox([*world.made.tools.values(), tool(dataclasses.replace(add, place=keeps), lambda title, start: None)]))
    plan = 'if memory.recall(type="health/condition") == "asthma":\n    calendar.add(title="x", start=datetime(2027, 3, 2, 14, 0))\n' + FREE
    told = Session(world.made, Everyone()).prepare(plan, REQUEST).preview.lines[-1]
    assert told.flow.contract.name == "mail.send" and ("health/condition", "user") in told.flow.label.tags
    world.run(plan)
    assert world.sent == []


def test_a_fact_of_a_views_type_is_no_view(world: World) -> None:
    """The twin: a city that the user told as such costs no bits."""
    world.home.vault.remember("Porto", "location/city")
    assert world.run(f'mail.send(to="{SAM}", body=memory.recall(type="location/city"))\n').done and world.spent() == []


# ---------------------------------------------------------------------------------------------------- parameters in norms


@pytest.mark.parametrize(("change", "says"), [
    (('cities = ["Leeds", "Porto", "Graz"]', 'cities = "  "'), "a city is a name"),
    (('cities = ["Leeds", "Porto", "Graz"]', "cities = 3"), "a text or a list of texts"),
    (('hours = "09:00-18:00"', 'hours = "9-18"'), '"09:00-18:00" is needed'),
    (('hours = "09:00-18:00"', "hours = 9"), '"09:00-18:00" is needed'),
    (('hours = "09:00-18:00"\n', ""), "go together"),
    (("slot_minutes = 60", "slot_minutes = 7"), "whole number of slots"),
    (("slot_minutes = 60", "slot_minutes = 5"), f"1 to {SLOTS_MAX}"),
    (('hours = "09:00-18:00"', 'hours = "18:00-09:00"'), f"1 to {SLOTS_MAX}"),
    (('hours = "09:00-18:00"', 'hours = "09:00-24:30"'), f"1 to {SLOTS_MAX}"),
])  # fmt: skip
def test_parameters_that_are_none_are_told_and_give_no_bits(change: tuple[str, str], says: str) -> None:
    loaded = parse(NORMS.replace(*change), "norms.toml")
    assert says in str(loaded.problems[0]) and loaded.problems[0].line in range(2, 22) and len(loaded.norms.bits) == 1


def test_a_view_has_one_answer_for_all() -> None:
    other = NORMS.replace('id = "city"', 'id = "city-2"').replace('id = "free"', 'id = "free-2"').split("[[norm]]")[0]
    loaded = combine(defaults(), parse(NORMS + other, "norms.toml"))
    assert not loaded.problems and parameters(loaded.norms, "location/city") == {"cities": ("Leeds", "Porto", "Graz")}
    assert parameters(loaded.norms, "schedule/free-busy/slots") == {"from": 540, "to": 1080, "slot_minutes": 60}
    loaded = combine(defaults(), parse(NORMS + other.replace('"Graz"', '"Bonn"').replace("60", "30"), "norms.toml"))
    assert [str(p).partition(": `")[2] for p in loaded.problems] == [
        "city-2`: cities: `city` states others of this view; a view has one answer for all, so state the same",
        "free-2`: hours: `free` states others of this view; a view has one answer for all, so state the same",
    ]
    assert not parameters(loaded.norms, "location/city") and not parameters(loaded.norms, "schedule/free-busy/slots")
    many = NORMS.replace('["Leeds", "Porto", "Graz"]', str([f"city {n}" for n in range(CITIES_MAX + 1)]).replace("'", '"'))
    assert not parameters(parse(many).norms, "location/city")


def test_parameters_are_written_back_as_they_were_read() -> None:
    loaded = parse(NORMS).norms
    again = parse("\n".join(to_toml(one) for one in loaded.bits)).norms.bits
    assert [(b.cities, b.hours, b.slot_minutes) for b in again] == [(("Leeds", "Porto", "Graz"), "", 0), ((), "09:00-18:00", 60)]
