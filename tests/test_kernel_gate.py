"""The call site and its limits: what a plan or a service can send there never ends a run, and one answer is one call."""

from __future__ import annotations

from discreet.evidence import house
from discreet.evidence.world import Setting, State, observe
from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Role
from discreet.kernel.label import label
from discreet.kernel.shape import Shape, list_of, record_of, scalar, text
from discreet.tools.question import Reply
from discreet.tools.registry import tool
from tests.world import both, heard, one


def world(*tools, **more) -> Setting:
    return Setting("small", lambda state: [*house.tools(state), *(t(state) if not hasattr(t, "contract") else t for t in tools)], house.judge(), house.PEOPLE, house.FIXED, {"a": house.secrets()}, house.REQUEST, **more)


def test_one_answer_is_one_call() -> None:
    """G5.5: what was confirmed once is not made twice by an equal call elsewhere."""
    seen = one('pay.send("sam", 20)\nfor i in range(2):\n    pay.send("sam", int("20"))\n')
    assert len(heard(seen, "payee:sam")) == 3
    assert len(seen.questions) == 3  # one before the run, one for each turn of the loop


def test_an_answer_that_denies_is_not_asked_again() -> None:
    seen = one('pay.send("sam", 20)\npay.send("sam", int("20"))\n', reply=Reply.DENY)
    assert not heard(seen, "payee:sam")


def test_a_fault_inside_an_argument_stops_the_call_only() -> None:
    """G3.4: a list with a failure in it is a failure of the call."""
    seen = one("tracker.ping([1, 1 / 0])\ntracker.ping({'a': [int('x')]})\ntracker.ping(2)\n")
    assert heard(seen, "tracker") == ['["tracker.ping", {"x": 2}]']


def test_keys_that_no_request_can_hold_are_a_fault() -> None:
    seen = one("tracker.ping({1: 1, 'a': 2})\ntracker.ping({date(2026, 1, 1): 1})\ntracker.ping({(1, 2): 1})\ntracker.ping(2)\n")
    assert heard(seen, "tracker")[-1] == '["tracker.ping", {"x": 2}]'


def test_too_many_recipients_are_a_fault() -> None:
    """G3.7: what the ledger could not write down is not done."""
    seen = one('x = mail.send("a" * 20000, "s", "b")\ntracker.ping(x.ok)\n')
    assert heard(seen, "tracker") == ['["tracker.ping", {"x": false}]']


def test_a_misfit_stays_in_its_field() -> None:
    """G2.5: that one field of a service's answer does not fit is told by that field alone."""
    contract = Contract("odd.get", "x", (), record_of("Odd", health=text(house.HEALTH, max=10), n=scalar("int", max=5), xs=list_of(scalar("int"), 3)), place=NOPLACE, recipients=())
    for health, leak in (("short", ""), ("far too long for it", "")):
        setting = world(tool(contract, lambda health=health: {"health": health, "n": 3, "xs": [1, "a"]}))
        seen = observe(setting, "o = odd.get()\ntracker.ping(o.n)\ntracker.ping(o.xs[0])\ntracker.ping(o.xs[1].ok)\ntracker.ping(o.health.ok)\n")
        assert heard(seen, "tracker") == ['["tracker.ping", {"x": 3}]', '["tracker.ping", {"x": 1}]', '["tracker.ping", {"x": false}]']


def test_results_of_any_depth_and_kind_are_taken_or_faults() -> None:
    deep: list = []
    for _ in range(5_000):
        deep = [deep]
    answers = iter([deep, {1: 2}, object(), float("nan"), {"a": b"x"}, 10**400, "x" * 10**7, {"a": {"b": [1, None]}}])
    setting = world(tool(Contract("any.get", "x", (), Shape("any"), place=NOPLACE, recipients=()), lambda: next(answers)))
    seen = observe(setting, "for i in range(7):\n    x = any.get()\n    print(str(x))\ny = any.get()\ntracker.ping(y['a']['b'][0])\n".replace("any.get", "any.get"))
    assert heard(seen, "tracker") == ['["tracker.ping", {"x": 1}]'] and not seen.refused


def test_the_place_of_a_call_is_fixed_before_the_run() -> None:
    """G2.6: a type that a secret names gives the label of what was not known, in every run alike."""
    plan = "x = vault.fact(vault.text())\ndoctor.tell(x)\n"
    a, b = both(plan, a=house.secrets(text="health"), b=house.secrets(text="nothing"))
    assert a.denied == b.denied and a.of("doctor") == b.of("doctor")


def test_contents_never_travel_in_exceptions() -> None:
    def perform(x: str) -> None:
        raise RuntimeError(f"the secret is {x}")

    setting = world(tool(Contract("bad.write", "x", (Parameter("x", text()),), scalar("none"), Effect.WRITE, recipients=("doctor",)), perform))
    seen = observe(setting, 'r = bad.write(vault.text())\nprint(r)\nraise ValueError(f"{r}")\n')
    assert "asthma" not in str((seen.told, seen.stopped, seen.faults, seen.refused, seen.feedback))


def test_a_write_in_a_loop_raises_its_place_for_the_reads_before_it() -> None:
    """G2.6, G3.3: what the second turn reads may hold what the first turn wrote, taken or not."""
    plan = "x = drafts.read()\nfor i in range(2):\n    x = drafts.read()\n    tracker.ping(len(x))\n    if vault.flag():\n        drafts.write('x')\n"
    a, b = both(plan)
    assert a.of(*house.OUTSIDERS) == b.of(*house.OUTSIDERS)
    loop = "for m in inbox.search():\n    x = drafts.read()\n    mail.send('sam@home.example', 'x', x)\n    if vault.flag():\n        drafts.write('x')\n"
    a, b = both(loop)
    assert a.of(*house.OUTSIDERS) == b.of(*house.OUTSIDERS)


def test_a_place_that_nobody_reads_again_takes_what_the_recipient_may_learn() -> None:
    sent = Place("sent", label([house.MESSAGE]), ("own",), readable=False)
    contract = Contract("post.send", "x", (Parameter("to", text(), Role.WHO, address="mail"), Parameter("body", text())), scalar("none"), Effect.WRITE, place=sent)
    seen = observe(world(tool(contract, lambda to, body: None)), 'post.send("sam@home.example", str(vault.size()))\n')
    assert heard(seen, "mail:sam@home.example")


def test_state_hears_in_order() -> None:
    state = State({}, 1)
    state.tell("a", "x")
    state.tell("b", 2)
    assert state.heard("a") == ("x",) and state.heard("a", "b") == ("x", "2")
