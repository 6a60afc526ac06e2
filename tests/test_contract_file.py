"""Contracts of MCP tools from a file: located mistakes, worst readings, and real servers that it describes (G5.1, G2.5; red team, class 9)."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discreet.agents.connections import mcp_config
from discreet.agents.home import Home
from discreet.agents.session import Report, Session
from discreet.connectors import contract_file
from discreet.connectors.contract_file import positions, read
from discreet.connectors.mcp import ApprovedTool, McpServer, approve
from discreet.connectors.mcp_tools import fitted, mcp_tools
from discreet.connectors.mcp_wire import McpConfig
from discreet.demo.services.start import Services, start
from discreet.kernel.contract import WORST, Contract, Effect, Place, Role
from discreet.kernel.errors import DiscreetError
from discreet.kernel.shape import Shape
from discreet.kernel.value import Standing
from discreet.policy.edit import add_norm
from discreet.surfaces.cli import app
from discreet.surfaces.tools import listing, notes, shown, skeleton
from discreet.tools.question import Everyone, Nobody

RAW = Path(__file__).parent / "services" / "raw_mcp.py"
SCHEMA = {"properties": {"day": {"type": "string"}, "count": {"type": "integer"}}, "required": ["day"]}
TOOL = ApprovedTool("free_slots", "0" * 64, SCHEMA)


def contract(text: str, tool: ApprovedTool = TOOL, server: str = "desk") -> Contract:
    [made] = mcp_tools(McpServer(McpConfig(server, url="http://127.0.0.1"), (tool,)), read(text, "desk.toml", server))
    return made.contract


# ---------------------------------------------------------------------------------------------------- what is not said


def test_what_is_not_said_has_its_worst_reading() -> None:
    """G5.1: an empty table, which is as good as a file that forgot everything."""
    made = contract("[tool.free_slots]")
    assert made.effect is Effect.WRITE and not made.undoable and not made.resolves and made.purpose == "errand"
    assert [p.role for p in made.parameters] == [Role.WHAT, Role.WHAT] and made.recipients == ("mcp:desk",)
    place = made.place_of({})
    assert place.unsaid and not place.owner and place.label >= WORST  # type: ignore[operator]
    reading = contract('[tool.free_slots]\neffect = "read"')
    assert [p.role for p in reading.parameters] == [Role.KEY, Role.KEY]


def test_a_place_of_which_nothing_is_said_tells_anything_and_is_the_users() -> None:
    place = contract('[place.x]\n[tool.free_slots]\nplace = "x"').place_of({})
    assert WORST <= place.label and "mcp:desk" in place.label.sources and not place.owner and place.id == "mcp/desk/x"


def test_the_empty_form_says_what_is_read_where_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    odd = ApprovedTool('find "all".x', "1" * 64, {"properties": {"in_": {"type": "array", "items": {"type": "string"}}}}, 'my "words"', True)
    with Home.create(tmp_path / "home", "file", zone="UTC") as home:
        home.connect("mcp", {"name": "desk", "url": "http://127.0.0.1"})
        with pytest.raises(DiscreetError, match="no tool of `desk` is approved yet"):
            skeleton(home, "desk")
        home.approve("desk", [dataclasses.asdict(one) for one in (TOOL, odd)])
        form = skeleton(home, "desk")
        with pytest.raises(DiscreetError, match="did you mean `desk`"):
            skeleton(home, "dsk")
    for one in (TOOL, odd):
        key = json.dumps(one.name)
        said, empty = contract(form, one), contract(f"[tool.{key}]", one)
        assert dataclasses.replace(said, place=Place("x")) == dataclasses.replace(empty, place=Place("x")) and said.place_of({}) == empty.place_of({})


# ---------------------------------------------------------------------------------------------------- what cannot be said


def test_the_server_hears_every_call_and_is_a_source_of_every_answer() -> None:
    """G2.5: no word of a file takes that away."""
    made = contract('[place.x]\ntells = []\nfrom = []\n[tool.free_slots]\nplace = "x"\nrecipients = ["calendar-provider"]\nresult = { kind = "text", tells = [], from = [] }')
    assert made.recipients == ("mcp:desk", "calendar-provider")
    assert made.place_of({}).label.sources == {"mcp:desk"} and not made.place_of({}).label.tags and made.result.label.sources == {"mcp:desk"}


def test_places_and_ids_are_the_servers_own() -> None:
    """Red team, class 9: one server cannot speak of what another one, or the user's mailbox, holds."""
    made = contract('[place."../mail"]\n[tool.free_slots]\nplace = "../mail"\narguments.day = { kind = "text", id_of = "mail" }')
    assert made.place_of({}).id == "mcp/desk/../mail" and made.parameter("day").shape.id_of == "desk mail"


def test_views_are_none_of_a_servers_tools() -> None:
    for key in ("view = \"schedule/free-busy\"", "view_bits = 1", "name = \"mail.send\"", "result_rule = true"):
        with pytest.raises(DiscreetError, match="is no field of this table"):
            read(f"[tool.x]\n{key}", "desk.toml", "desk")


# ---------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize("text,where,what", [
    ("[tool.x]\nefect = \"read\"", (2, 1), "did you mean `effect`?"),
    ("[tool.x]\neffect = \"raed\"", (2, 11), "`raed` is none of read, write, pay, delete; did you mean `read`?"),
    ("[tool.x]\n  purpose = \"schedling\"", (2, 3), "did you mean `scheduling`?"),
    ("[tools.x]", (1, 2), "is no field of this file; did you mean `tool`?"),
    ("[tool.x]\nplace = \"stor\"\n[place.store]", (2, 10), "no place of this file is called `stor`; did you mean `store`?"),
    ("[tool.x]\norigin = \"y\"", (2, 11), "no place of this file"),
    ("[place.s]\nshows = [\"t\"]", (2, 11), "no place of this file"),
    ("[place.s]\ntells = [\n  \"schedule\",\n  \"helth\",\n]", (4, 4), "did you mean `health`?"),
    ("[place.s]\ntells = [\"health of othrs\"]", (2, 11), "did you mean `others`?"),
    ("[place.s]\ntells = \"health\"", (2, 1), "a list of texts is needed"),
    ("[place.s]\nowner = \"me\"", (2, 10), "none of server, user"),
    ("[place.s]\ncurrency = \"euro\"", (2, 1), "three capital letters"),
    ("[place.s]\nkeeps = [\"schedul\"]", (2, 11), "did you mean `schedule`?"),
    ("[tool.x]\narguments.day = { role = \"kee\" }", (2, 27), "`kee` is none of content, key"),
    ("[tool.x.arguments.day]\nrole = \"kee\"", (2, 9), "did you mean `key`?"),
    ("[tool.x]\narguments.day = { max = 3 }", (2, 19), "needs a `kind` beside it"),
    ("[tool.x]\narguments.day = { address = \"mial\" }", (2, 19), "did you mean `mail`?"),
    ("[tool.x]\narguments.day = { default = [1] }", (2, 19), "a text, a number, true or false"),
    ("[tool.x]\nresult = { kind = \"recrod\" }", (2, 20), "did you mean `record`?"),
    ("[tool.x]\nresult = { kind = \"record\" }", (2, 12), "a `record` has some"),
    ("[tool.x]\nresult = { kind = \"text\", of = { kind = \"int\" } }", (2, 27), "belongs to a `list`"),
    ("[tool.x]\nresult = { kind = \"enum\" }", (2, 12), "an `enum` has some"),
    ("[tool.x]\nresult = { kind = \"int\", id_of = \"y\" }", (2, 26), "belongs to a `text`"),
    ("[tool.x]\nresult = { kind = \"record\", fields = { \"a b\" = { kind = \"int\" } } }", (2, 40), "no name that a plan can write"),
    ("[tool.x.result]\nkind = \"record\"\n[tool.x.result.fields.when]\nkind = \"text\"\ntells = [\"helth\"]", (5, 11), "did you mean `health`?"),
    ("[tool.x]\nundoable = \"yes\"", (2, 1), "true or false is needed"),
    ("[tool.x]\ncalls_max = 0", (2, 1), "a whole number from 1 to 200"),
    ("[tool.x]\nseconds_max = 61", (2, 1), "a whole number from 1 to 60"),
    ("[tool.x]\nsummary = \"a\\nb\"", (2, 1), "one line"),
    ("[tool.x]\nrecipients = [\" a\"]", (2, 16), "an id is one line"),
    ("[tool.x]\nresult = 3", (2, 1), "a table such as"),
    ("tool = 3", (1, 1), "tables are needed"),
    ("[tool.x]\neffect = ", (2, 10), ""),
    ("[tool.x]\n[tool.x]", (2, 8), ""),
])  # fmt: skip
def test_a_mistake_is_told_by_line_column_and_nearest_name(text: str, where: tuple[int, int], what: str) -> None:
    with pytest.raises(DiscreetError) as caught:
        read(text, "desk.toml", "desk")
    first = str(caught.value).splitlines()[0]
    assert first.startswith(f"desk.toml: line {where[0]}, column {where[1]}: ") and what in first, first


def test_all_mistakes_of_a_file_are_told_up_to_a_limit() -> None:
    text = "\n".join(f"[tool.t{n}]\nefect = 1" for n in range(30))
    with pytest.raises(DiscreetError) as caught:
        read(text, "desk.toml", "desk")
    assert len(str(caught.value).splitlines()) == contract_file.PROBLEMS_MAX + 1 and "and 10 more" in str(caught.value)
    with pytest.raises(DiscreetError, match="is over 500000 bytes"):
        read("#" * 500_001, "desk.toml", "desk")
    deep = "{ kind = \"list\", of = " * 14 + "{ kind = \"int\" }" + " }" * 14
    with pytest.raises(DiscreetError, match="nested over 12 deep"):
        read(f"[tool.x]\nresult = {deep}", "desk.toml", "desk")


def test_an_argument_that_the_tool_does_not_take_is_told_where_it_stands() -> None:
    with pytest.raises(DiscreetError) as caught:
        contract('[tool.free_slots]\neffect = "read"\narguments.dya = { role = "key" }')
    assert str(caught.value) == "desk.toml: line 3, column 1: `free_slots` takes no argument `dya`; did you mean `day`?"


PIECES = st.lists(st.sampled_from([*"[]{}=.,\"'\n# ", "tool", "place", "x", "effect", '"read"', "kind", '"record"', "fields", "result", "tells", "arguments", "true", "7"]), max_size=60)


@given(PIECES.map("".join) | st.text(max_size=100))
def test_any_text_is_a_file_or_a_located_error(text: str) -> None:
    positions(text)
    try:
        read(text, "desk.toml", "desk")
    except DiscreetError as error:
        assert str(error).startswith("desk.toml: ")


# ---------------------------------------------------------------------------------------------------- what is given


@pytest.mark.parametrize("raw,shape,expected", [
    ("2026-05-04", Shape("date"), "2026-05-04"), ("2026-05-04T12:00:00Z", Shape("datetime"), "2026-05-04 14:00:00"), ("2026-05-04T12:00", Shape("datetime"), "2026-05-04 12:00:00"),
    ("12:30", Shape("time"), "12:30:00"), (90, Shape("duration"), "0:01:30"), ("soon", Shape("date"), "soon"), (10**30, Shape("duration"), str(10**30)),
    ([{"a": "2026-05-04", "b": 1}], Shape("list", element=Shape("record", fields={"a": Shape("date")})), "[{'a': datetime.date(2026, 5, 4)}]"), (None, Shape("date"), "None"),
])  # fmt: skip
def test_dates_are_read_where_the_file_declares_them(raw: Any, shape: Shape, expected: str) -> None:
    from zoneinfo import ZoneInfo

    assert str(fitted(raw, shape, ZoneInfo("Europe/Berlin"))) == expected


# ---------------------------------------------------------------------------------------------------- real servers

DESK = """
[place.desk]
tells = []
from = []
owner = "server"

[tool.free_slots]
summary = "free times of a day, YYYY-MM-DD"
effect = "read"
purpose = "scheduling"
place = "desk"
arguments.day = { role = "key", kind = "text", max = 10 }
result = { kind = "record", name = "Free", fields = { slots = { kind = "list", max = 20, of = { kind = "text", max = 20, attested = true } } } }

[tool.book]
summary = "book a free time"
purpose = "scheduling"
place = "desk"
arguments.slot = { role = "what" }
arguments.name = { role = "content", kind = "text", max = 100 }
arguments.reference = { role = "content" }
result = { kind = "record", name = "Booked", fields = { booking = { kind = "text", max = 20, attested = true, id_of = "booking" }, slot = { kind = "datetime" } } }

[tool.cancel]
summary = "give a booking up"
effect = "delete"
purpose = "scheduling"
place = "desk"
arguments.booking = { role = "what", kind = "text", id_of = "booking" }
"""
NORM = """
[[norm]]
id = "desk"
verdict = "permit"
who = ["mcp:desk"]
learns = ["request"]
about = ["user"]
purpose = ["*"]
through = ["*"]
because = "the desk has to know what is booked"
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with start(tmp_path_factory.mktemp("desks"), only=frozenset({"web"})) as running:
        yield running


@pytest.fixture
def home(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Home.create(tmp_path / "home", "file", zone="UTC") as made:
        made.connect("mcp", {"name": "desk", "url": services.desk().url})
        looking = McpServer(mcp_config(made.config["mcp"][0]))
        made.approve("desk", [dataclasses.asdict(approve(offer)) for offer in looking.offered()])
        looking.close()
        add_norm(made.path / "norms.toml", NORM)
        yield made


def errand(home: Home, plan: str, request: str, asker: Any = None) -> Report:
    return Session(home.world(), asker or Nobody()).perform(plan, request)


def test_a_described_server_is_read_unasked_and_what_it_vouches_for_is_described(home: Home) -> None:
    home.describe("desk", DESK)
    report = errand(home, 'f = desk.free_slots(day="2026-11-24")\nprint(f.slots[0])', "what is free on 2026-11-24?")
    assert report.done and report.questions == 0 and report.told == ("2026-11-24T08:00",)
    assert report.outcome is not None
    slots = report.outcome.names["f"].data.fields["slots"]  # type: ignore[union-attr]
    assert slots.data[0].standing is Standing.DESCRIBED and slots.total.sources == {"mcp:desk"} and {t.type for t in slots.total.tags} <= {"request"}


def test_without_a_place_its_answers_may_be_anything(home: Home) -> None:
    """G2.5: what nobody labelled is told to nobody unasked, although the tool is described otherwise."""
    home.describe("desk", DESK.replace('place = "desk"\n', ""))
    report = errand(home, 'f = desk.free_slots(day="2026-11-24")\nprint(f.slots[0])', "what is free on 2026-11-24?")
    assert report.done and report.outcome is not None
    assert "unclassified" in {tag.type for tag in report.outcome.names["f"].total.tags}
    report = errand(home, 'f = desk.free_slots(day="2026-11-24")\ndesk.book(slot="2026-11-24T09:00", name=f.slots[0])', "book 2026-11-24T09:00 at the desk", Everyone())
    assert report.denied == 1


def test_what_nobody_described_goes_back_to_its_server_and_to_nobody_else(home: Home, services: Services) -> None:
    """G2.5: a server that nobody described may hold what is the user's; what it gave is told to no other party."""
    home.connect("mcp", {"name": "other", "url": services.desk("library").url})
    home.approve("other", home.approved()["desk"])
    add_norm(home.path / "norms.toml", NORM.replace('"desk"', '"other"').replace("mcp:desk", "mcp:other"))
    plan = 'f = desk.free_slots(day="2026-11-24")\ng = {}.free_slots(day=f.text[:10])\nprint(g.ok)'
    told = {name: errand(home, plan.format(name), "what is free on 2026-11-24?", Everyone()) for name in ("desk", "other")}
    assert told["desk"].denied == 0 and told["other"].denied == 1
    home.describe("desk", "[place.x]\ntells = []\n[tool.free_slots]\nplace = 'x'")
    assert errand(home, plan.format("other"), "what is free on 2026-11-24?", Everyone()).denied == 0  # once the user says that it tells nothing of anybody


def test_a_booking_is_asked_and_the_question_about_another_shows_it(home: Home) -> None:
    """G5.5: what an id of a described server stands for is shown too."""
    home.describe("desk", DESK)
    asker = Everyone()
    report = errand(home, 'b = desk.book(slot="2026-11-25T08:00", name="Nora", reference="")\nprint(b.slot)\nr = desk.cancel(booking=b.booking)\nprint(r.data)',
                    "book 2026-11-25T08:00 at the desk and give it up", asker)
    assert report.done and report.told[0] == "2026-11-25 08:00:00", (report.faults, report.problems)
    assert dict(asker.asked[-1].shown)["booking.slot"] == "2026-11-25 08:00:00"


def test_a_result_that_does_not_fit_is_a_fault_in_its_place(home: Home) -> None:
    home.describe("desk", DESK.replace('of = { kind = "text", max = 20, attested = true }', 'of = { kind = "date" }'))
    report = errand(home, 'f = desk.free_slots(day="2026-11-24")\nprint(f.ok)\nprint(f.slots[0].ok)', "what is free on 2026-11-24?")
    assert report.told == ("True", "False")


def test_the_pin_stays_and_a_tool_that_nobody_approved_is_none(home: Home) -> None:
    """CVE-2025-54136: a description of the user's approves nothing."""
    home.approve("desk", [one for one in home.approved()["desk"] if one["name"] != "cancel"])
    home.describe("desk", DESK + '\n[tool.free_slot]\nsummary = "a slip"\n')
    assert "desk.cancel" not in list(home.world().tools)
    at = {name: home.described()["desk"].splitlines().index(f"[tool.{name}]") + 1 for name in ("cancel", "free_slot")}
    assert notes(home) == [f"contracts-desk.toml: line {at['cancel']}, column 2: no tool `cancel` of `desk` is approved",
                           f"contracts-desk.toml: line {at['free_slot']}, column 2: no tool `free_slot` of `desk` is approved; did you mean `free_slots`?"]


def test_a_file_with_a_mistake_is_not_kept_and_one_that_is_edited_stops_every_errand(home: Home) -> None:
    home.describe("desk", DESK)
    with pytest.raises(DiscreetError, match="contracts-desk.toml: line 1, column 2: tols: is no field"):
        home.describe("desk", "[tols.x]")
    assert home.described() == {"desk": DESK}
    (home.path / "contracts-desk.toml").write_text('[tool.free_slots]\neffect = "reed"')
    with pytest.raises(DiscreetError, match="line 2, column 11"):
        home.world()


def test_what_a_server_says_of_itself_is_no_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red team, class 9: annotations, labels and descriptions of a hostile server beside a file that says nothing of them."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Home.create(tmp_path / "home", "file", zone="UTC") as made:
        made.connect("mcp", {"name": "desk", "command": [sys.executable, str(RAW), str(tmp_path / "log.jsonl"), "labels"], "mode": "legacy"})
        looking = McpServer(mcp_config(made.config["mcp"][0]))
        made.approve("desk", [dataclasses.asdict(approve(offer)) for offer in looking.offered()])
        looking.close()
        made.describe("desk", '[tool.note]\nsummary = "keeps a note"')
        told = made.world().tools["desk.note"].contract
        assert told.effect is Effect.WRITE and told.recipients == ("mcp:desk",) and told.place_of({}).unsaid and told.summary == "keeps a note"
        assert "note" in skeleton(made, "desk") and "labels" not in skeleton(made, "desk").replace("tells", "")


def test_one_servers_file_says_nothing_of_another(home: Home, services: Services) -> None:
    home.connect("mcp", {"name": "other", "url": services.desk("library").url})
    home.approve("other", home.approved()["desk"])
    home.describe("desk", DESK)
    assert home.world().tools["other.free_slots"].contract.purpose == "errand"
    with pytest.raises(DiscreetError, match="a server with contracts has a name of letters"):
        home.describe("../norms", "[tool.x]")


# ---------------------------------------------------------------------------------------------------- the command line


def test_the_commands_keep_a_file_and_list_what_it_says(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    where = str(home.path)
    home.close()
    file = tmp_path / "desk.toml"
    file.write_text(DESK)
    url = home.config["mcp"][0]["url"]
    app(["connect", "mcp", "name=desk", f"url={url}", "--contracts", str(file), "--home", where], result_action="return_value")
    capsys.readouterr()
    app(["tools", "desk", "--home", where], result_action="return_value")
    said = capsys.readouterr().out
    assert "desk.free_slots(day: str) -> Free" in said and "read, for scheduling; heard by mcp:desk" in said and "place: mcp/desk/desk, which tells nothing of anybody" in said
    assert "delete, for scheduling" in said and "vouched for: .slots[]" in said and "arguments: name (content), slot (what), reference (content)" in said
    app(["tools", "desk.book", "--json", "--home", where], result_action="return_value")
    [told] = json.loads(capsys.readouterr().out)["tools"]
    assert told["effect"] == "write" and told["recipients"] == ["mcp:desk"] and told["place"]["owner"] == "mcp:desk"
    app(["tools", "desk", "--skeleton", "--home", where], result_action="return_value")
    assert "[tool.free_slots]" in capsys.readouterr().out
    with pytest.raises(DiscreetError, match="`--contracts` is for an MCP server"):
        app(["connect", "web", "--contracts", str(file), "--home", where], result_action="return_value")


def test_every_shipped_contract_can_be_listed(home: Home) -> None:
    contracts = home.world().tools.contracts
    assert len(shown(listing(contracts)).split("\n\n")) == len(contracts)
    with pytest.raises(DiscreetError, match="did you mean `desk`"):
        listing(contracts, "dsk")
