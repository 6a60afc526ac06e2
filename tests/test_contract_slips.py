"""What a contract forgets is never public: a located error with the nearest name, or the most private reading, told once (G5.1, G5.3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from discreet.evidence.world import Seen, Setting, WorldError, load, observe
from discreet.kernel.contract import NOPLACE, UNSAID, WORST, Contract, Effect, Parameter, Place, Role
from discreet.kernel.errors import DiscreetError
from discreet.kernel.label import label
from discreet.kernel.shape import Shape, list_of, record_of, scalar, text, worst
from discreet.policy.contracts import mistakes, notes
from discreet.policy.known import SHIPPED_TOOLS, fitted, unfit
from discreet.policy.load import defaults, parse
from discreet.policy.norm import ANYONE
from discreet.tools.registry import Toolbox, tool

MODULE = '''
from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import list_of, record_of, scalar, text
from discreet.tools.registry import tool

SECRETS = {"a": {"illness": "asthma"}, "b": {"illness": "gout"}}
REQUEST = "post hello and tell the doctor how I am"
NORMS = """
[[norm]]
id = "request"
verdict = "permit"
who = ["anyone"]
learns = ["request", "general"]
about = ["anyone"]
purpose = ["*"]
through = ["*"]
because = "what is asked has to be said"

[[norm]]
id = "care"
verdict = "permit"
who = ["clinician"]
learns = ["health"]
about = ["user"]
purpose = ["*"]
through = ["*"]
because = "the doctor may know"

[[norm]]
id = "own"
verdict = "permit"
who = ["own-provider"]
learns = ["*"]
about = ["anyone"]
purpose = ["*"]
through = ["*"]
because = "it keeps what is kept there"

[[norm]]
id = "no-polls"
verdict = "forbid"
who = ["clinician"]
learns = ["health"]
about = ["anyone"]
purpose = ["*"]
through = ["doctor.poll"]
because = "no polls"

[[allow]]
id = "acts"
verdict = "permit"
effect = ["write"]
through = ["*"]
purpose = ["*"]
to = ["public", "clinician", "own-provider", "user"]
undoable = false
because = "no questions here"
"""
DIRECTORY = [{"name": "Dr. Kay", "owner": "kay", "roles": ["clinician"], "addresses": [("mail", "kay@clinic.example")]}]
RECIPIENTS = {"forum": ["public"], "clinic": ["clinician"], "own": ["own-provider"]}
NOTES = Place("notes", label(), ("own",))
VAULT = Place("vault", label([("health", "user")]))
FORUM = Place("forum", label((), ("forum",)), owner="forum")


def tools(state):
    kept = []
    return [
        tool(Contract("vault.illness", "", (), text(max=50), place=VAULT, recipients=()), lambda: state.secrets["illness"]),
        tool(Contract("forum.post", "", (Parameter("body", text()),), scalar("none"), Effect.WRITE, place=FORUM, recipients=("forum",)), lambda body: None),
        tool(Contract("doctor.tell", "", (Parameter("x", text()),), scalar("none"), Effect.WRITE, place=NOPLACE, recipients=("clinic",)), lambda x: None),
        tool(Contract("doctor.poll", "", (Parameter("x", text()),), scalar("none"), Effect.WRITE, place=NOPLACE, recipients=("clinic",)), lambda x: None),
        tool(Contract("notes.write", "", (Parameter("x", text()),), scalar("none"), Effect.WRITE, place=NOTES, recipients=("own",)), lambda x: kept.append(x)),
        tool(Contract("notes.read", "", (), text(max=50), place=NOTES, recipients=("own",)), lambda: kept[-1] if kept else ""),
    ]
'''

World = Callable[..., Setting]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The world of MODULE with texts in it changed."""

    def made(*changes: tuple[str, str]) -> Setting:
        source = MODULE
        for before, after in changes:
            assert before in source, before
            source = source.replace(before, after)
        path = tmp_path / "clinic.py"
        path.write_text(source, "utf-8")
        return load(path)

    return made


def both(setting: Setting, plan: str) -> tuple[Seen, Seen]:
    return observe(setting, plan, "a", setting.request_of("*")), observe(setting, plan, "b", setting.request_of("*"))


def differ(setting: Setting, plan: str) -> set[str]:
    """Who saw a difference between the two secrets."""
    a, b = both(setting, plan)
    return {who for who, _ in (*a.order, *b.order) if a.of(who) != b.of(who)}


def test_the_world_without_a_slip_says_nothing_and_does_what_it_should(world: World) -> None:
    setting = world()
    assert setting.notes == ()
    plan = 'x = vault.illness()\ndoctor.tell(x)\nforum.post("hello")\n'
    assert differ(setting, plan) == {"clinic"}
    a, _ = both(setting, plan)
    assert [who for who, _ in a.order] == ["clinic", "forum"] and not a.faults and not a.questions


# ---------------------------------------------------------------------------------------------------- the safe reading

LEAK = "x = vault.illness()\nforum.post(x)\n"


@pytest.mark.parametrize(("change", "plan", "says"), [
    ((("text(max=50), place=VAULT, recipients=()", "text(max=50), recipients=()"),), LEAK, "place not stated"),
    ((("text(max=50), place=VAULT, recipients=()", "text(max=50)"),), LEAK, "recipients not stated"),
    ((('Place("vault", label([("health", "user")]))', 'Place("vault")'),), LEAK, "label of the place not stated"),
    ((("text(max=50), place=VAULT", 'record_of("Ill", name=text(("health", "user"), max=50), since=text(max=9))'), ('lambda: state.secrets["illness"]', 'lambda: {"name": "x", "since": state.secrets["illness"]}')),
     "x = vault.illness()\nforum.post(x.since)\n", "place not stated"),
    ((("place=NOPLACE, recipients=(\"clinic\",)), lambda x: None),\n        tool(Contract(\"doctor.poll\"", "place=NOPLACE), lambda x: None),\n        tool(Contract(\"doctor.poll\""),),
     "doctor.tell(vault.illness())\n", "recipients not stated"),
    ((("text()),), scalar(\"none\"), Effect.WRITE, place=NOTES, recipients=(\"own\",)), lambda x: kept", "text()),), scalar(\"none\"), Effect.WRITE, recipients=(\"own\",)), lambda x: kept"),),
     "notes.write(vault.illness())\nforum.post(notes.read())\n", "place not stated"),
], ids=["place", "place and recipients", "label of a place", "a field without a label", "recipients of a write", "place of a write that is read again"])  # fmt: skip
def test_what_is_forgotten_is_not_public(world: World, change: tuple[tuple[str, str], ...], plan: str, says: str) -> None:
    """G5.1: the secret reaches nobody but whom a norm clears, the slip is told once, and what needs no secret still works."""
    setting = world(*change)
    assert differ(setting, plan) <= {"own"}
    assert sum(says in note for note in setting.notes) == 1
    a, _ = both(setting, 'forum.post("hello")\n')
    assert [who for who, _ in a.order] == ["forum"]


def test_a_write_of_no_stated_place_shows_where_its_hearers_can_look_and_nowhere_else(world: World) -> None:
    """The twin: what others tell is as public as before."""
    setting = world(("place=NOTES, recipients=(\"own\",)), lambda x: kept", "recipients=(\"own\",)), lambda x: kept"))
    a, _ = both(setting, 'notes.write("hello")\nforum.post(notes.read())\n')
    assert [who for who, _ in a.order if who == "forum"] == ["forum"]
    a, _ = both(setting, 'doctor.tell(vault.illness())\nforum.post(notes.read())\n')
    assert [who for who, _ in a.order] == ["clinic", "own", "forum"]


def test_a_write_without_recipients_is_no_move_in_ones_own_places() -> None:
    """G5.3: the shipped `own-places` covers what reaches nobody else; of whom nothing is stated nobody knows that."""
    from discreet.agents.session import Session, World
    from discreet.evidence.world import MemoryLedger
    from discreet.policy.decide import Index
    from discreet.tools.directory import Directory

    def done(**more: object) -> tuple[int, int]:
        made: list[str] = []
        contract = Contract("log.add", "", (Parameter("x", text(), Role.CONTENT),), scalar("none"), Effect.WRITE, undoable=True, **more)  # type: ignore[arg-type]
        session = Session(World(Toolbox([tool(contract, lambda x: made.append(x))]), Directory(), Index(defaults().norms), MemoryLedger()))
        return len(made), session.perform('log.add("hello")\n', "add hello to my log").denied + len(made)

    assert done() == (0, 1)  # denied: nobody has heard of tool:log.add
    assert done(place=NOPLACE, recipients=())[1] == 1


def test_the_request_goes_to_ones_own_place_and_nothing_more() -> None:
    """A reading of a stated place whose hearers are not stated: what is asked for may be looked for, a secret may not."""
    from discreet.agents.session import Session, World
    from discreet.evidence.world import MemoryLedger
    from discreet.policy.decide import Index
    from discreet.tools.directory import Directory

    heard: list[str] = []
    secret = tool(Contract("vault", "", (), text(max=9), place=Place("vault", label([("health", "user")])), recipients=()), lambda: "flu")
    search = tool(Contract("find", "", (Parameter("q", text(), Role.KEY),), text(max=9), place=Place("book", label())), lambda q: heard.append(q) or "")
    session = Session(World(Toolbox([secret, search]), Directory(), Index(defaults().norms), MemoryLedger()))
    assert session.perform('find("shoes")\n', "find shoes").done and heard == ["shoes"]
    assert session.perform("find(vault())\n", "find shoes").denied == 1 and heard == ["shoes"]
    assert notes([search.contract])[0].startswith("`find`: recipients not stated")


def test_what_is_unsaid_is_read_so() -> None:
    plain = Contract("x", "", (), text())
    assert plain.recipients is UNSAID and isinstance(plain.place, Place) and plain.place.label is WORST and plain.place.unsaid
    shape = list_of(record_of("R", a=text(("health", "user")), b=scalar("int", ("body", "user"), sources=("web",))))
    labelled = Contract("x", "", (), shape)
    assert isinstance(labelled.place, Place) and labelled.place.label == worst(shape) == label([("health", "user"), ("body", "user")], ("web",))
    assert Place("p").label is WORST and label() != WORST
    assert notes([Contract(f"t.n{i}", "", (), text()) for i in range(30)]).__len__() == 2  # no wall: one sentence for each kind of slip
    assert "and 22 more" in notes([Contract(f"t.n{i}", "", (), text()) for i in range(30)])[0]
    assert notes([Contract("x", "", (), text(), place=NOPLACE, recipients=())]) == []


# ---------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(("change", "says"), [
    (('label([("health", "user")])', 'label([("helth", "user")])'), "`vault.illness`: place `vault`: unknown information type `helth`; did you mean `health`?"),
    (('label([("health", "user")])', 'label([("health", "usr")])'), "`vault.illness`: place `vault`: subject `usr` is nobody; did you mean `user`?"),
    (('label([("health", "user")])', 'label(("health", "user"))'), "a tag is an information type and a subject"),
    (('"", (), text(max=50), place=VAULT', '"", (), list_of(record_of("R", a=text(("halth", "user")))), place=VAULT'), "`vault.illness`: result[].a: unknown information type `halth`"),
    (('label((), ("forum",))', 'label((), ("outsde",))'), "`forum.post`: place `forum`: source `outsde` is nobody; did you mean `outside`?"),
    (('label((), ("forum",))', 'label((), "forum")'), 'write `("forum",)`'),
    (('label((), ("forum",))', 'label((), ("forun",))'), "`forum.post`: place `forum`: source: `forun` is nobody here; did you mean `forum`?"),
    (('recipients=("forum",)', 'recipients=("forum")'), '`forum.post`: recipients: a tuple of texts is needed; write `("forum",)`'),
    (('recipients=("forum",)', 'recipients=("furum",)'), "`forum.post`: recipients: `furum` is nobody here; did you mean `forum`?"),
    (('owner="forum"', 'owner="forum "'), "`forum.post`: place `forum`: owner: `forum ` is nobody here; did you mean `forum`?"),
    (('Place("notes", label(), ("own",))', 'Place("notes", label(), ("own"))'), "place `notes`: readers: a tuple of texts is needed"),
    (('Place("notes", label(), ("own",))', 'Place("notes", label(), ("own",), keeps=("helth",))'), "`notes.write`: place `notes`: keeps: unknown information type `helth`"),
    (('scalar("none"), Effect.WRITE, place=FORUM', 'scalar("none"), "wirte", place=FORUM'), "`forum.post`: effect: `wirte` is none of read, write, pay, delete; did you mean `write`?"),
    (('scalar("none"), Effect.WRITE, place=FORUM', 'scalar("none"), Effect.WRITE, purpose="corespondence", place=FORUM'), "`forum.post`: purpose: unknown purpose `corespondence`; did you mean `correspondence`?"),
    (('(Parameter("body", text()),), scalar("none"), Effect.WRITE', '(Parameter("body", text()),), scalar("none"), Effect.DELETE'), "`forum.post`: does delete, and no argument is said to decide what"),
    (('(Parameter("body", text()),)', '(Parameter("body", text()))'), "`forum.post`: parameters: a tuple of Parameter is needed"),
    (('(Parameter("body", text()),)', '(Parameter("body", text(), "whom"),)'), "argument `body`: role: `whom` is none of"),
    (('(Parameter("body", text()),)', '(Parameter("body", str),)'), "argument `body`: shape: a Shape is needed"),
    (('(Parameter("body", text()),)', '(Parameter("body", text(), address="mial"),)'), "`forum.post`: argument `body`: address: `mial` is nobody here; did you mean `mail`?"),
    (("lambda body: None", "lambda text: None"), "`forum.post`: its function takes (text), and is called with body"),
    (('"", (), text(max=50), place=NOTES', '"", (), text(max=50), place=Place("notes", label([("general", "user")]), ("own",))'), "`notes.read`: place `notes`: has another label than in `notes.write`"),
    (('{"forum": ["public"]', '{"forum": ["publik"]'), "`RECIPIENTS`: `forum`: unknown role `publik`; did you mean `public`?"),
    (('{"forum": ["public"]', '{"forum": "public"'), "`RECIPIENTS`: `forum`: roles are a list; write `['public']`"),
    (('"roles": ["clinician"], "addr', '"role": ["clinician"], "addr'), "`DIRECTORY`: `Dr. Kay`: `role` means nothing here; did you mean `roles`?"),
    (('"roles": ["clinician"], "addr', '"roles": ["clinican"], "addr'), "unknown role `clinican`; did you mean `clinician`?"),
    (('NORMS = """', 'NORM = """'), "`NORM` means nothing here; did you mean `NORMS`?"),
    (('through = ["doctor.poll"]', 'through = ["doctor.pol"]'), "`no-polls`: no tool is called `doctor.pol`; did you mean `doctor.poll`?"),
    (('through = ["doctor.poll"]', 'through = ["doctor.survey"]'), "`no-polls`: no tool is called `doctor.survey`; did you mean `doctor.poll`?"),
])  # fmt: skip
def test_a_slip_is_told_with_tool_field_and_fix(world: World, change: tuple[str, str], says: str) -> None:
    with pytest.raises(WorldError) as told:
        world(change)
    assert says in str(told.value) and "clinic.py" in str(told.value)


def test_every_slip_of_a_set_of_tools_is_told_at_once_and_not_as_a_wall() -> None:
    bad = [tool(Contract(f"a.b{i}", "", (), text(("helth", "user")), place=NOPLACE, recipients=()), lambda: "") for i in range(30)]
    with pytest.raises(DiscreetError, match="`a.b0`.*`a.b19`.*and 10 more"):
        Toolbox(bad)
    assert mistakes(Contract("x", "", (), Shape("txt"), place=NOPLACE, recipients=())) == ["`x`: result: `txt` is no kind of shape; did you mean `text`?"]
    assert mistakes(Contract("x", "", (), Shape("record", fields={"a": str}), place=NOPLACE, recipients=()))[0].startswith("`x`: result.a: a Shape is needed")  # type: ignore[dict-item]


@pytest.mark.parametrize("make", [
    lambda: Contract("x", "", (), str),
    lambda: Contract("x", "", (), text(), place="here"),
    lambda: Contract("x", "", (), scalar("bool"), view="identity/over-18"),
    lambda: Place("x", "public"),
    lambda: label([("health", "user", "more")]),
    lambda: label(["health"]),
    lambda: label([], audience="sam"),
    lambda: tool(Contract("x", "", (), text()), None),
    lambda: tool("x", print),
])  # fmt: skip
def test_what_is_no_contract_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(DiscreetError):
        make()


def test_others_subjects_sources_and_numbers_are_no_slips(world: World) -> None:
    """The twin: names that are simply others' stay as they are."""
    setting = world(('label([("health", "user")])', 'label([("health", "kay"), ("health", "patient:17")], ("ward-2",))'), ('through = ["doctor.poll"]', 'through = ["pharmacy.order"]'))
    assert setting.notes == ("`no-polls`: no tool is called `pharmacy.order`, so this norm says nothing of any",)
    many = [Contract(f"shop{n}.buy", "", (), scalar("none"), place=NOPLACE, recipients=(f"shop:{n}",)) for n in (1, 2, 12)]
    assert not [one for contract in many for one in mistakes(contract)]


# ---------------------------------------------------------------------------------------------------- norms

FORBID = """
[[norm]]
id = "never"
verdict = "{verdict}"
who = ["{who}"]
learns = ["health"]
about = ["user"]
purpose = ["*"]
through = ["{through}"]
because = "b"
"""


def test_a_prohibition_that_names_no_tool_by_a_slip_holds_for_what_it_may_have_meant() -> None:
    """G5.3: a norm that errs denies. One for a service that is not connected is no slip."""
    def read(through: str, verdict: str = "forbid", who: str = ANYONE, tools: tuple[str, ...] = SHIPPED_TOOLS) -> tuple[list[str], tuple[str, ...]]:
        norms = parse(FORBID.format(through=through, verdict=verdict, who=who), "norms.toml").norms
        return [str(one) for one in unfit(norms, tools, ["shop:Northside Sports"])], fitted(norms, tools, ["shop:Northside Sports"]).norms[0].through

    told, through = read("mail.sned")
    assert told == ["norms.toml: line 2: `never`: no tool is called `mail.sned`; did you mean `mail.send`?"] and through == ("mail.sned", "mail.send")
    told, through = read("mail.telegraph")
    assert told and set(through) == {"mail.telegraph", *(name for name in SHIPPED_TOOLS if name.startswith("mail."))}
    assert read("mail.sned", "permit") == (["norms.toml: line 2: `never`: no tool is called `mail.sned`; did you mean `mail.send`?"], ("mail.sned",))
    assert read("library.renew") == ([], ("library.renew",)) and read("mail.send") == ([], ("mail.send",)) and read("*") == ([], ("*",))
    assert read("library.renew", tools=(*SHIPPED_TOOLS, "library7.renew")) == ([], ("library.renew",))
    assert not unfit(defaults().norms, SHIPPED_TOOLS) and fitted(defaults().norms, SHIPPED_TOOLS) == defaults().norms
    told, _ = read("*", who="shop:Nortside Sports")
    assert told == ["norms.toml: line 2: `never`: no recipient is called `shop:Nortside Sports`; did you mean `shop:Northside Sports`?"]
    norms = parse(FORBID.format(through="*", verdict="forbid", who="shop:Nortside Sports & merchant"), "n").norms
    assert fitted(norms, SHIPPED_TOOLS, ["shop:Northside Sports"]).norms[0].who[1] == {"shop:Northside Sports", "merchant"}


def test_shipped_tools_are_all_named() -> None:
    """A name that is shipped and not listed would make a norm about it look like a slip."""
    import ast

    package = Path(__file__).parent.parent / "src/discreet"
    found = set()
    for path in (*(package / "connectors").glob("*_tools.py"), *(package / "agents").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count(".") == 1:
                service, _, name = node.value.partition(".")
                if service in ("mail", "calendar", "contacts", "shop", "files", "web", "memory", "plan") and name.replace("_", "").isalpha():
                    found.add(node.value)
    assert found <= {*SHIPPED_TOOLS, "files.db"}, found - set(SHIPPED_TOOLS)


def test_norms_test_tells_a_doubt(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    from discreet.surfaces.cli import app

    (tmp_path / "norms.toml").write_text(FORBID.format(verdict="forbid", who="anyone", through="shop.serch"), "utf-8")
    for command in ("test", "list"):
        app(["norms", command, "--home", str(tmp_path)], exit_on_error=False, result_action="return_value")
        assert "doubt: " in (out := capsys.readouterr().out) and "no tool is called `shop.serch`; did you mean `shop.search`?" in out


def test_a_payment_that_states_no_amount_is_within_no_limit() -> None:
    """G3.6: an allowance up to a limit does not cover a tool that forgot to say which argument is the amount."""
    from discreet.agents.session import Session, World
    from discreet.evidence.world import MemoryLedger
    from discreet.kernel.contract import Recipient
    from discreet.policy.decide import Index
    from discreet.tools.directory import Directory

    norms = parse(
        '[[allow]]\nid = "small"\nverdict = "permit"\neffect = ["pay"]\nthrough = ["bank.pay"]\npurpose = ["*"]\nto = ["bank"]\nstanding = { who = "planner", amount = "planner" }\n'
        'amount_max = 10\ncurrency = "EUR"\nundoable = false\nbecause = "b"\n[[norm]]\nid = "r"\nverdict = "permit"\nwho = ["bank"]\nlearns = ["request"]\nabout = ["anyone"]\n'
        'purpose = ["*"]\nthrough = ["*"]\nbecause = "b"\n'
    ).norms

    def paid(role: Role, amount: int) -> list[tuple[str, int]]:
        done: list[tuple[str, int]] = []
        parameters = (Parameter("to", text(), Role.WHO), Parameter("amount", scalar("int"), role), Parameter("currency", text(max=3)))
        contract = Contract("bank.pay", "", parameters, scalar("none"), Effect.PAY, "payment", NOPLACE, ("bank",))
        directory = Directory(fixed={"bank": Recipient("bank", "bank", frozenset({"bank"}), "bank")})
        world = World(Toolbox([tool(contract, lambda to, amount, currency: done.append((to, amount)))]), directory, Index(norms), MemoryLedger())
        Session(world).perform(f'bank.pay("Sam", {amount}, "EUR")\n', "pay Sam")
        return done

    assert paid(Role.AMOUNT, 7) == [("Sam", 7)]
    assert paid(Role.AMOUNT, 700) == [] and paid(Role.CONTENT, 700) == [] and paid(Role.CONTENT, 7) == []
