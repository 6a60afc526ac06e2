"""The call site and its limits: what a plan or a service can send there never ends a run, and one answer is one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from discreet.evidence import house
from discreet.evidence.world import CLOCK, MemoryLedger, Setting, State, observe
from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Role
from discreet.kernel.errors import Span
from discreet.kernel.interpreter import Request, run
from discreet.kernel.label import PUBLIC, Label, join, label
from discreet.kernel.monitor import Decision, Finding, Flow, Verdict
from discreet.kernel.resolve import resolve
from discreet.kernel.shape import Shape, list_of, record_of, scalar, text
from discreet.kernel.syntax import parse
from discreet.kernel.value import Standing, Value, lift
from discreet.ledger.entry import Kind
from discreet.policy.decide import Index
from discreet.policy.load import parse as norms_of
from discreet.tools import preflight as preflight_module
from discreet.tools.call import Gate
from discreet.tools.directory import Directory
from discreet.tools.failure import Failure
from discreet.tools.flow import flow_of, result_label
from discreet.tools.kept import UNSAID_ROLE, Kept
from discreet.tools.preflight import Line, Preview, preflight
from discreet.tools.question import Question, Reply
from discreet.tools.registry import Tool, Toolbox, tool
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


# ---------------------------------------------------------------------------------------------------- one rule of the gate at a time


H, S = label([house.HEALTH]), label([house.SIZE])
PING = Contract("ping", "", (Parameter("x", Shape("any"), default=""),), scalar("none"), Effect.WRITE, place=NOPLACE, recipients=("tracker",))
READ = Contract("read", "", (Parameter("x", Shape("any"), default=""),), text(max=50), place=Place("box", S), recipients=())


class Answering:
    """Answers all with one reply and keeps the questions."""

    def __init__(self, reply: Reply) -> None:
        self.reply, self.questions = reply, []

    def ask(self, questions: Sequence[Question]) -> Sequence[Reply]:
        self.questions += questions
        return [self.reply] * len(questions)


def permits(flow: Flow) -> Decision:
    return Decision()


def asks(flow: Flow) -> Decision:
    return Decision((Finding(Verdict.ASK, why="so"),))


def gate(*tools: Tool, judge: Any = permits, **more: Any) -> Gate:
    return Gate(Toolbox(tools), Directory(), judge, MemoryLedger(), "errand", b"s" * 32, CLOCK, **more)


def request(contract: Contract, line: int = 1, pc: Label = PUBLIC, **arguments: Value) -> Request:
    given = {p.name: arguments[p.name] if p.name in arguments else lift(p.default) for p in contract.parameters}
    return Request(contract, given, pc, Span(line, 0))


def preview_of(*requests: Request) -> Preview:
    """What a preflight that saw these calls shows."""
    flows = [flow_of(one_, Directory(), Kept()) for one_ in requests]
    seen = preflight(resolve(parse("x = 1"), {}), Directory(), permits)
    return Preview(tuple(Line(flow, Decision(), True) for flow in flows), seen.outcome, {}, {})


def kinds(gate_: Gate) -> list[Kind]:
    return [record.kind for record in gate_.ledger.records]


def test_a_call_that_the_preflight_did_not_see_is_denied() -> None:
    """G3.8: nobody was shown it, and the label of that is all that decided it."""
    done: list[object] = []
    at = gate(tool(PING, lambda x: done.append(x)), preview=preview_of(request(PING)))
    assert at.call(request(PING)).ok and done == [""]
    unseen = at.call(request(PING, line=2, x=lift(1, H)))
    assert unseen.data.kind == "denied" and done == [""] and at.denied == 1 and kinds(at)[-1] is Kind.DENIAL


def test_a_call_that_carries_more_than_the_preflight_saw_is_denied() -> None:
    """G3.8: permits are decided on the preflight's labels, and the run's lie within them."""
    done: list[object] = []
    at = gate(tool(PING, lambda x: done.append(x)), preview=preview_of(request(PING, x=lift(1, H))))
    assert at.call(request(PING, x=lift(1, H))).ok and at.call(request(PING, x=lift(1))).ok
    for more in (request(PING, x=lift(1, S)), request(PING, pc=S), request(PING, x=lift(1, label([house.HEALTH], ["web"])))):
        assert at.call(more).data.kind == "denied"
    assert len(done) == 2 and at.denied == 3


def test_a_denial_has_the_label_of_the_calls_result_and_of_what_else_decided_it() -> None:
    """G5.6, G3.4: an outside party's own place tells nothing of the arguments, but that the call was not seen depends on them."""
    theirs = Contract("shop.ask", "", (Parameter("q", text(), Role.KEY),), text(), place=Place("shop", label((), ["shop"]), owner="shop"), recipients=())
    at = gate(tool(theirs, lambda q: "yes"), preview=preview_of(request(PING)))
    asked = request(theirs, line=2, q=lift("x", H))
    assert result_label(flow_of(asked, Directory(), Kept())) == label((), ["shop"])
    assert at.call(asked).label == label([house.HEALTH], ["shop"])
    flow = flow_of(request(READ, x=lift("x", H)), Directory(), Kept())
    assert at.deny(flow, Decision()).label == join(H, S)
    assert at.deny(flow, Decision(), label([house.MESSAGE])).label == join(H, S, label([house.MESSAGE]))


def test_a_name_is_looked_up_once_in_preflight_and_run() -> None:
    """G3.6: what was resolved before the run is handed to it; a second look-up would be a second disclosure."""
    seen = one('for i in range(3):\n    x = contacts.find("Sam Lee")\nmail.send(x.email, "hi", "b")\n')
    assert heard(seen, "mail:sam@home.example")
    assert [r.kind for r in seen.records if r.entry.tool == "contacts.find"] == [Kind.INTENT]


def test_a_name_that_is_said_openly_and_a_hidden_one_are_looked_up_each_for_itself() -> None:
    """G3.6, G4.1: that a look-up was made already would tell of the hidden word, or of what decided it."""
    find = Contract("find", "", (Parameter("name", text(), Role.KEY),), text(max=50), place=NOPLACE, recipients=(), resolves=True)
    keys = [preflight_module.call_key(request(find, pc=pc, name=Value("Sam", told, None, Standing.USER))) for pc, told in ((PUBLIC, PUBLIC), (PUBLIC, H), (S, PUBLIC), (PUBLIC, label((), ["web"])))]
    assert len(set(keys)) == 4 and keys[0] == preflight_module.call_key(request(find, line=7, name=Value("Sam")))
    assert keys[0] != preflight_module.call_key(request(find, name=Value("Bo")))


def test_what_a_look_up_found_has_the_label_that_the_run_will_give_it() -> None:
    """G3.8: the preflight is above the run, also where an earlier line looked the name up under other labels."""
    find = Contract("find", "", (Parameter("name", text(), Role.KEY),), text(max=50), place=Place("contacts", PUBLIC), recipients=(), resolves=True)
    port = preflight_module._Port(Directory(), permits, lambda request_, flow: Value("sam", H), Kept())
    found = port.call(request(find, name=Value("Sam", PUBLIC, None, Standing.USER)))
    assert found.data.choices == ("sam",) and found.label == H


def test_what_decides_a_line_is_what_any_preflight_of_it_saw() -> None:
    """G5.4: a run whose path was shorter still checks under the pc that the preflight found at its line."""
    shown = preview_of(request(PING, pc=H), request(PING, pc=S))
    (flow,) = [shown.bound(flow_of(request(PING), Directory(), Kept()))]
    assert flow is not None and flow.preflight_pc == join(H, S) and flow.preflight == join(H, S) and flow.pc == PUBLIC


def test_a_result_has_the_label_of_what_decided_the_call() -> None:
    """G2.5: pc, place and arguments, fixed before the call."""
    flow = flow_of(request(READ, pc=H, x=lift(1, label([house.MESSAGE]))), Directory(), Kept())
    assert result_label(flow) == join(H, S, label([house.MESSAGE]))
    at = gate(tool(READ, lambda x: "text"))
    assert at.call(request(READ, pc=H)).label == join(H, S)


def test_a_call_whose_contract_says_nobody_is_heard_by_an_outsider_whom_nobody_knows() -> None:
    """G5.1"""
    def hearers(contract: Contract) -> dict[str, bool]:
        return {r.id: UNSAID_ROLE in r.roles for r in flow_of(request(contract), Directory(), Kept()).recipients}

    say = Contract("say", "", (Parameter("x", text(), default=""),), scalar("none"), Effect.WRITE, place=NOPLACE)
    assert hearers(say) == {"tool:say": False} and hearers(replace(say, effect=Effect.READ)) == {"tool:say": True}
    assert hearers(replace(say, recipients=())) == {} and hearers(replace(say, recipients=("own",))) == {"own": False}
    assert hearers(replace(say, place=Place("box", S, ("own",)))) == {"own": False} == hearers(replace(say, place=Place("box", S, owner="own")))


def test_an_answer_is_used_up_by_the_call_that_needed_it_alone() -> None:
    """G5.5: a call that the norms permit takes no answer away."""
    done: list[object] = []
    user = Answering(Reply.ONCE)
    at = gate(tool(PING, lambda x: done.append(x)), asker=user)
    assert at.call(request(PING)).ok and not user.questions
    at.judge = asks
    for turn in (1, 2):
        assert at.call(request(PING)).ok and len(user.questions) == turn
    assert len(done) == 3 and not any(at.confirmed.values())


@pytest.mark.parametrize(("status", "again"), [("refused", True), ("unsent", True), ("unknown", False), ("failed", False), ("", False)])
def test_a_later_plan_does_again_only_what_is_known_not_to_be_done(status: str, again: bool) -> None:
    """G4.4: effects already done, or perhaps done, are never replayed."""
    tried: list[object] = []

    def perform(x: object) -> None:
        tried.append(x)
        if status and len(tried) == 1:
            raise Failure(status)

    first = gate(tool(PING, perform))
    first.call(request(PING))
    later = gate(tool(PING, perform), turn=2, acts=dict(first.acts))
    value = later.call(request(PING))
    assert len(tried) == (2 if again else 1)
    assert value.ok is again and (again or value.data.kind == "refused")
    assert gate(tool(PING, perform), acts=dict(first.acts)).call(request(PING)).ok  # of the first plan none is an earlier one


def test_what_was_read_may_be_read_again_and_is_not_told_as_done() -> None:
    """G4.4: a read acts on nothing."""
    first = gate(tool(READ, lambda x: "text"), tool(PING, lambda x: None))
    assert first.call(request(READ)).ok and not first.acts and not first.performed
    assert first.call(request(PING, line=2)).ok and first.performed == [("ping", Span(2, 0))]
    later = gate(tool(READ, lambda x: "text"), turn=2, acts=dict(first.acts))
    assert later.call(request(READ)).ok


ASKING = """
[[norm]]
id = "ask-size"
verdict = "ask"
who = ["unknown"]
learns = ["body/shoe-size"]
about = ["user"]
purpose = ["*"]
through = ["*"]
because = "a case"
"""


def test_always_makes_a_norm_where_it_was_offered_and_counts_once_where_not() -> None:
    """G5.5: under a labelled pc there is no "always"."""
    contract = Contract("tell", "", (Parameter("x", text()),), text(), place=NOPLACE, recipients=("tracker",))
    for pc, offered in ((PUBLIC, True), (S, False)):
        made: list[tuple[Flow, Decision]] = []
        user = Answering(Reply.ALWAYS)
        at = gate(tool(contract, lambda x: "heard"), judge=Index(norms_of(ASKING).norms), asker=user, always=lambda flow, decision: made.append((flow, decision)))
        assert at.call(request(contract, pc=pc, x=lift("43", S))).ok
        assert [q.always for q in user.questions] == [offered]
        assert [flow.contract.name for flow, _ in made] == (["tell"] if offered else [])
        assert all(decision.verdict is Verdict.ASK for _, decision in made)
        assert [r.entry.note for r in at.ledger.records if r.kind is Kind.ANSWER] == ["always" if offered else "once"]
    silent = gate(tool(contract, lambda x: "heard"), judge=Index(norms_of(ASKING).norms), asker=Answering(Reply.ALWAYS))
    assert silent.call(request(contract, x=lift("43", S))).ok  # where nobody keeps norms, it counts for this call


def test_a_preflight_lists_so_many_lines_and_the_run_makes_no_other_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """G3.7, G3.8"""
    assert preflight_module.LINES_MAX <= 10_000
    monkeypatch.setattr(preflight_module, "LINES_MAX", 3)
    plan = resolve(parse("ping(1)\nping(2)\nping(3)\nping(4)\n"), {"ping": PING})
    shown = preflight(plan, Directory(), permits)
    assert [line.flow.span.line for line in shown.lines] == [1, 2, 3]
    done: list[object] = []
    at = gate(tool(PING, lambda x: done.append(x)), preview=shown)
    run(plan, at, limits=shown.outcome.limits)
    assert done == [1, 2, 3] and at.denied == 1


def test_what_cannot_be_made_is_not_asked_before_the_run() -> None:
    """G5.5: a question shows the exact call, and there is none."""
    def prepare(arguments: Any, nonce: str, now: Any) -> Any:
        raise ValueError("no such address")

    user = Answering(Reply.ONCE)
    at = gate(Tool(PING, prepare, lambda prepared: None), judge=asks, asker=user)
    shown = preview_of(request(PING))
    at.confirm(Preview(tuple(Line(line.flow, asks(line.flow), True) for line in shown.lines), shown.outcome, {}, {}))
    assert not user.questions and kinds(at) == []
