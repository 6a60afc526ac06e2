"""Every limit of the kernel holds where it stands (G3.5, G3.7), and what the call site and the contracts refuse is refused."""

from __future__ import annotations

import ast
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from discreet.evidence import house
from discreet.evidence.world import Setting, observe, session_of
from discreet.kernel import label as labels
from discreet.kernel import operations as ops
from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Recipient, Role
from discreet.kernel.domain import CHOICES_MAX, merge
from discreet.kernel.downgrade import Grant, declassify, endorse
from discreet.kernel.errors import InvariantError, LimitError, PlanError
from discreet.kernel.functions import FUNCTIONS, call_method, changed
from discreet.kernel.interpreter import NESTING_MAX, TOLD_MAX, UNROLL_MAX, run
from discreet.kernel.label import PUBLIC, Tag, join, join2, label
from discreet.kernel.monitor import Flow, Verdict, check, decide
from discreet.kernel.resolve import resolve
from discreet.kernel.shape import ANY_DEPTH_MAX, ANY_ITEMS_MAX, INT_MAGNITUDE_MAX, TEXT_CHARS_MAX, Shape, dict_of, list_of, record_of, scalar, text, to_unknown, to_value
from discreet.kernel.syntax import PLAN_CHARS_MAX, PLAN_NODES_MAX, parse
from discreet.kernel.value import Fault, Many, Standing, Unknown, Value, fault, lift, seq, weaker
from discreet.policy.decide import SEEN_MAX, Index
from discreet.tools.call import FAULTS, Failure
from discreet.tools.kept import Kept
from discreet.tools.question import Edited, Reply
from discreet.tools.registry import tool
from tests.world import heard, one

H = label([house.HEALTH])
S = label([house.SIZE])


def alone(source: str, given: dict[str, Value] | None = None, contracts: dict[str, Contract] | None = None, port: Any = None) -> Any:
    plan = resolve(parse(source), contracts or {}, frozenset(given or {}))
    before = run(plan, port, given=given)
    return run(plan, port, given=given, limits=before.limits)


def nested(depth: int) -> Value:
    held = lift(1)
    for _ in range(depth):
        held = seq([held])
    return held


@pytest.mark.parametrize(("made", "kind"), [
    (lambda: ops.compare(ast.Eq, nested(60), nested(60)), "limit"), (lambda: ops.arithmetic(ast.Pow, lift(1), lift(5_000)), "limit"), (lambda: ops.arithmetic(ast.Add, lift([1] * 15_000), lift([1] * 15_000)), "limit"),
    (lambda: ops.appended(lift([1] * 20_000), lift(1)), "limit"), (lambda: ops.stored(lift({n: n for n in range(20_000)}), lift(20_001), lift(1)), "limit"), (lambda: ops.arithmetic(ast.Mult, lift([1] * 15_000), lift(2)), "limit"),
    (lambda: FUNCTIONS["range"].run([lift(20_001)], {}, ops.NOWHERE), "limit"), (lambda: FUNCTIONS["round"].run([lift(2.5), lift(101)], {}, ops.NOWHERE), "limit"), (lambda: call_method(lift("a"), "zfill", [lift(1_001)], {}), "limit"),
    (lambda: call_method(lift("," * 1_001), "split", [lift(",")], {}), "limit"), (lambda: ops.arithmetic(ast.Mult, lift(2**200), lift(2**200)), "limit"), (lambda: ops.formatted([(lift("a" * 600_000), "", ""), (lift("a" * 600_000), "", "")]), "limit"),
])  # fmt: skip
def test_beyond_a_limit_is_a_fault(made: Callable[[], Value], kind: str) -> None:
    assert made().data.kind == kind


@pytest.mark.parametrize(("made", "good"), [
    (lambda: ops.arithmetic(ast.Pow, lift(1), lift(1_000)), 1), (lambda: ops.compare(ast.Eq, nested(39), nested(39)), True), (lambda: FUNCTIONS["len"].run([ops.appended(lift([1] * 19_999), lift(1))], {}, ops.NOWHERE), 20_000),
    (lambda: FUNCTIONS["round"].run([lift(2.5), lift(100)], {}, ops.NOWHERE), 2.5),
])  # fmt: skip
def test_up_to_a_limit_all_is_well(made: Callable[[], Value], good: object) -> None:
    assert made().data == good


@pytest.mark.parametrize("made", [
    lambda: ops.arithmetic(ast.Mult, lift("ab"), lift(20_000_000)), lambda: ops.arithmetic(ast.Mult, lift(20_000_000), lift("ab")), lambda: call_method(lift("a" * 9_000), "replace", [lift("a"), lift("b" * 5_000)], {}),
    lambda: ops.formatted([(seq([lift("a" * 100_000)] * 300), "", "")]), lambda: FUNCTIONS["str"].run([seq([lift("a" * 100_000)] * 300)], {}, ops.NOWHERE),
])  # fmt: skip
def test_what_would_be_too_long_is_never_made(made: Callable[[], Value]) -> None:
    """G3.7: the limit is met before the text is there, not after."""
    tracemalloc.start()
    try:
        assert made().data.kind == "limit"
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_a_bound_of_an_unknown_result_is_kept() -> None:
    many = Value(Many(lift(1), 15_000))
    assert ops.arithmetic(ast.Add, many, many).data.max == 20_000 and ops.appended(Value(Many(lift(1), 20_000)), lift(1)).data.max == 20_000
    held = lift(0)
    for n in range(1, CHOICES_MAX + 3):
        held = merge(held, lift(n))
    assert held.data == Unknown("int")
    few = merge(lift(0), lift(1))
    assert few.data.choices == (0, 1)


def test_labels_and_joins_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """G2.3: a long history costs no memory; a join is right whether it is kept or not."""
    monkeypatch.setattr(labels, "LABELS_MAX", 40)
    first = label([("first", "user")])
    for n in range(200):
        other = label([(f"t{n}", "user")], (f"s{n}",))
        both = join2(first, other)
        assert both.tags.keys() == {Tag("first", "user"), Tag(f"t{n}", "user")} and both.sources == {f"s{n}"}
    assert len(labels._interned) <= 41 and len(first._joins) <= 41


@pytest.mark.parametrize(("source", "message"), [
    ("x = [1 for a in range(20000) for b in range(20000)]", "steps"), ("for i in range(20000):\n    for j in range(20000):\n        x = 1", "steps"), ("x = 1\n" * 3 + "for i in range(1001):\n    far(i)", "more than 1000 calls"),
    ("for i in range(300):\n    near(i)", "at most 200"), ("x = " + "[" * 40 + "]" * 40, "nested"), ("x = [1] * 20000\ny = [x] * 20000", "parts"),
])  # fmt: skip
def test_what_could_cost_too_much_is_refused_before_the_run(source: str, message: str) -> None:
    number = (Parameter("n", scalar("int")),)
    contracts = {"far": Contract("far", "x", number, scalar("int"), calls_max=5_000), "near": Contract("near", "x", number, scalar("int"))}
    with pytest.raises(PlanError, match=message):
        run(resolve(parse(source), contracts), _Answering(), limits=None)


class _Answering:
    def call(self, request: Any) -> Value:
        return Value(Unknown("int"))


def test_lists_that_a_run_makes_too_long_are_faults() -> None:
    names = alone("x = [1 for a in range(250) for b in range(250)]\ny = x.ok\n").names
    assert isinstance(names["x"].data, Fault) and names["x"].data.kind == "limit" and names["y"].data is False


def test_more_turns_than_the_preflight_saw_are_a_fault() -> None:
    plan = resolve(parse("x = 0\nfor y in xs:\n    x = x + 1\nz = [1 for y in xs]\n"), {}, frozenset({"xs"}))
    before = run(plan, None, given={"xs": Value(Many(lift("a"), 3), H)})
    after = run(plan, None, given={"xs": lift(["a"] * 4, H)}, limits=before.limits)
    assert after.names["x"].data.kind == after.names["z"].data.kind == "limit" and after.names["x"].label == H
    assert run(plan, None, given={"xs": lift(["a"] * 3, H)}, limits=before.limits).names["x"].data == 3


def test_what_a_run_tells_is_bounded_and_long_loops_are_shown_once() -> None:
    assert len(alone(f"for i in range({TOLD_MAX + 50}):\n    print(i)").told) == TOLD_MAX
    held = session_of(house.setting())
    planned = held.session.prepare(f'for i in range({UNROLL_MAX + 1}):\n    tracker.ping(i)\n', house.REQUEST)
    assert [line.flow.times for line in planned.preview.lines] == [UNROLL_MAX + 1]
    assert len(held.session.prepare("for i in range(3):\n    tracker.ping(i)\n", house.REQUEST).preview.lines) == 3
    keyed = alone(f"x = sorted(list(range({UNROLL_MAX + 5})), key=lambda k: -k)[0]").names["x"]
    assert keyed.data == UNROLL_MAX + 4
    for turns, shown in ((UNROLL_MAX, 1), (UNROLL_MAX + 1, UNROLL_MAX + 1)):
        lines = held.session.prepare(f"x = [tracker.ping(i) for i in range({turns})]\n", house.REQUEST).preview.lines
        assert (len(lines), lines[0].flow.times) == (turns // shown, shown)  # each on its own, or one line for all
        first = run(resolve(parse(f"x = sorted(list(range({turns})), key=lambda k: -k)[0]"), {}), None).names["x"]
        assert first.data == (turns - 1 if shown == 1 else Unknown("int"))
    deep = "x = 1\n" + "x = [x]\n" * (NESTING_MAX + 2)
    with pytest.raises(LimitError, match="nested"):
        alone(deep)


@pytest.mark.parametrize(("source", "message"), [("x = 1\n" * (PLAN_CHARS_MAX // 6 + 10), "characters"), ("x = [" + "1," * (PLAN_NODES_MAX + 10) + "]", "parts"), ("x = f'{1:" + "%Y-" * 40 + "}'", "format")])  # fmt: skip
def test_a_plan_has_a_greatest_length(source: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        parse(source)


# ---------------------------------------------------------------------------------------------------- shapes


def test_a_result_without_a_declared_shape_is_bounded() -> None:
    any_ = Shape("any", H)
    deep: Any = 1
    for _ in range(ANY_DEPTH_MAX + 2):
        deep = [deep]

    def broken(value: Value) -> bool:
        data = value.data
        return isinstance(data, Fault) or any(broken(part) for part in (data if hasattr(data, "items") and not isinstance(data, dict) and hasattr(data, "kind") else ()))

    assert broken(to_value(deep, any_, PUBLIC))
    for raw in ([1] * (ANY_ITEMS_MAX + 1), {str(n): n for n in range(ANY_ITEMS_MAX + 1)}, "a" * (TEXT_CHARS_MAX + 1), INT_MAGNITUDE_MAX + 1, -INT_MAGNITUDE_MAX - 1, float("nan"), object(), {1: 2}):
        made = to_value(raw, any_, S)
        assert isinstance(made.data, Fault) and made.label == join(H, S), type(raw)
    for raw in ([1] * ANY_ITEMS_MAX, {"a": 1}, "a" * TEXT_CHARS_MAX, INT_MAGNITUDE_MAX, None):
        made = to_value(raw, any_, S)
        assert not isinstance(made.data, Fault) and made.total == join(H, S)
    assert isinstance(to_value(INT_MAGNITUDE_MAX + 1, scalar("int"), PUBLIC).data, Fault) and to_value(INT_MAGNITUDE_MAX, scalar("int"), PUBLIC).data == INT_MAGNITUDE_MAX
    with pytest.raises(InvariantError):
        scalar("complex")


def test_what_the_preflight_assumes_of_a_shape_is_above_what_comes() -> None:
    """G3.8, G2.5: label by label, field by field."""
    inner = record_of("R", a=text(house.HEALTH, max=9), b=scalar("int", house.SIZE, max=9))
    for shape, raw in (
        (list_of(inner, 3, tags=(house.MESSAGE,)), [{"a": "x", "b": 1}]), (dict_of(inner, 3, tags=(house.MESSAGE,)), {"k": {"a": "x", "b": 1}}), (dict_of(text(house.HEALTH, max=5), 3), {"k": "v"}), (list_of(text(house.HEALTH, max=5), 3), ["v"]),
        (inner, {"a": "x", "b": 1}), (text(house.HEALTH, optional=True), None), (list_of(list_of(text(house.HEALTH, max=5), 2), 2), [["a"]]), (dict_of(list_of(text(house.HEALTH, max=5), 2), 2), {"a": ["a"]}),
    ):  # fmt: skip
        before, after = to_unknown(shape, S), to_value(raw, shape, S)
        assert after.total <= before.total and after.label <= before.label and S <= after.label


# ---------------------------------------------------------------------------------------------------- contracts and the monitor


def test_contracts_and_downgrades_refuse_what_they_cannot_mean() -> None:
    with pytest.raises(InvariantError):
        Contract("x", "x", (Parameter("a", scalar("int")), Parameter("a", scalar("int"))), scalar("int"))
    held, written = seq([Value("a", H)], S), []
    for relax in (lambda: declassify(held, [], Grant("norm", "x"), lambda *seen: written.append(seen)), lambda: endorse(held, Grant("norm", "x"), lambda *seen: written.append(seen))):
        with pytest.raises(InvariantError):
            relax()
    assert not written
    for by, what in (("", "x"), ("norm", "")):
        with pytest.raises(InvariantError):
            Grant(by, what)
    relaxed = endorse(Value("a", label([house.HEALTH], ("web",))), Grant("norm", "x"), lambda *seen: written.append(seen))
    assert relaxed.label == H and len(written) == 1
    lowered = declassify(Value("a", label([house.HEALTH], ("web",))), [Tag(*house.SIZE)], Grant("norm", "x"), lambda *seen: written.append(seen))
    assert lowered.label == label([house.SIZE], ("web",)) and len(written) == 2


VIEW = Contract("v", "x", (Parameter("of", text(), Role.KEY), Parameter("and_", text(), Role.KEY)), scalar("bool"), view="identity/over-18", view_bits=1)


@pytest.mark.parametrize(("first", "second", "pc", "denied"), [
    (PUBLIC, PUBLIC, PUBLIC, False), (H, PUBLIC, PUBLIC, True), (PUBLIC, H, PUBLIC, True), (PUBLIC, PUBLIC, H, True), (label((), ("web",)), PUBLIC, PUBLIC, True), (PUBLIC, label((), ("web",)), PUBLIC, True),
    (PUBLIC, PUBLIC, label((), ("web",)), True), (label([("identity/over-18", "user")]), PUBLIC, label([("request", "user")]), False),
])  # fmt: skip
def test_a_view_is_chosen_by_nothing_private_and_nobody_outside(first: Any, second: Any, pc: Any, denied: bool) -> None:
    """G6.2"""
    flow = Flow(VIEW, {"of": Value("a", first), "and_": Value("b", second)}, pc, (), Place("view"))
    assert any(f.verdict is Verdict.DENY for f in decide(flow, house.judge()).findings) is denied


def test_what_decided_a_write_is_all_that_selects_it() -> None:
    """G2.6: pc, ids, keys, sizes; of an address only what is more than whose it is; not contents."""
    contract = Contract("w", "x", (Parameter("to", text(), Role.WHO, address="mail"), Parameter("id", text(), Role.WHAT), Parameter("key", text(), Role.KEY), Parameter("xs", list_of(text())), Parameter("body", text()), Parameter("n", scalar("int"), Role.AMOUNT)), scalar("none"), Effect.WRITE)

    def t(*names: str) -> Any:
        return label([(name, "user") for name in names])

    address = label({Tag("contact/email", "sam"): (), Tag("health/condition", "sam"): ()})
    arguments = {"to": Value("a@b.example", address), "id": Value("i", t("id")), "key": Value("k", t("key")), "xs": seq([Value("a", t("element"))], t("length")), "body": Value("b", t("body")), "n": Value(1, t("amount"))}
    flow = Flow(contract, arguments, t("pc"), (), Place("p"), preflight_pc=t("earlier"))
    assert {tag.type for tag in flow.control.tags} == {"pc", "earlier", "id", "key", "length", "health/condition"}
    assert {tag.type for tag in flow.content.tags} == {"element", "length", "body", "amount"}
    part = Flow(contract, {"body": arguments["body"]}, PUBLIC, (), Place("p"))
    assert part.control == PUBLIC and {tag.type for tag in part.content.tags} == {"body"}


def test_check_takes_known_arguments_and_whole_digests_only() -> None:
    contract = Contract("t", "x", (Parameter("x", Shape("any")),), scalar("none"))
    digest = b"d" * 32
    for bad in (Value(Unknown("int")), Value(Many(lift(1), 2)), fault("value", PUBLIC)):
        with pytest.raises(InvariantError):
            check(Flow(contract, {"x": bad}, PUBLIC, (), Place("p")), house.judge(), digest)
    with pytest.raises(InvariantError):
        check(Flow(contract, {"x": lift(1)}, PUBLIC, (), Place("p")), house.judge(), b"short")
    permit = check(Flow(contract, {"x": lift(1)}, PUBLIC, (Recipient("own"),), Place("p")), house.judge(), digest)
    assert (permit.tool, permit.digest, permit.recipients, permit.confirmed) == ("t", digest, ("own",), False)


# ---------------------------------------------------------------------------------------------------- places and the call site


def test_a_place_holds_all_that_was_ever_written_to_it() -> None:
    kept = Kept()
    place = Place("p", label([house.MESSAGE]))
    assert kept.place(place) is place
    kept.join({"p": H})
    kept.join({"p": S})
    assert kept.place(place).label == join(place.label, H, S) and kept.place(Place("p/inner", PUBLIC)).label == join(H, S)
    assert kept.place(place).declared == place.label.sources and kept.place(Place("other", PUBLIC)).label == PUBLIC
    contract = Contract("w", "x", (Parameter("body", text()),), scalar("none"), Effect.WRITE)
    for body in (H, S):
        kept.raised(Flow(contract, {"body": Value("x", body)}, PUBLIC, (), Place("q", PUBLIC)))
    assert kept.labels["q"] == join(H, S)
    kept.raised(Flow(contract, {"body": Value("x", H)}, PUBLIC, (), Place("r", H)))
    assert "r" not in kept.labels


def world(*tools: Any, answer: Any = Reply.ONCE) -> Setting:
    base = house.setting(answer=answer)
    return Setting("small", lambda state: [*house.tools(state), *tools], base.judge, base.entries, base.fixed, {"a": house.secrets()}, house.REQUEST, base.answer)


def test_every_failure_has_its_kind_and_status() -> None:
    """G8.1: a write whose failure says nothing may have happened; a read has failed."""
    for effect in (Effect.READ, Effect.WRITE):
        for status in ("refused", "failed", "unknown", "unsent", None):
            def perform(status: str | None = status) -> None:
                raise Failure(status) if status else RuntimeError("lost")

            contract = Contract("odd.act", "x", (), scalar("none"), effect, recipients=("own",))
            seen = observe(world(tool(contract, perform)), "x = odd.act()\nprint(x)\n")
            wanted = status or ("unknown" if effect is Effect.WRITE else "failed")
            ended = [r.entry.status for r in seen.records if r.entry.status]
            assert ended == [wanted], (effect, status, ended)
            assert seen.report.faults == (("odd.act", FAULTS.get(wanted, "failed")),)


def test_many_recipients_and_long_ids_are_a_fault_before_anything_leaves() -> None:
    seen = one('x = mail.many([f"a{i}@b.example" for i in range(10)] * 1, "b")\n')
    assert len(heard(seen, "mail:a1@b.example")) == 1
    wide = Contract("mass.send", "x", (Parameter("to", list_of(text(max=9_000), 500), Role.WHO, address="mail"),), scalar("none"), Effect.WRITE, place=NOPLACE)
    for listed in ("[str(i) for i in range(201)]", "['a' * 5100, 'b' * 5100]"):
        seen = observe(world(tool(wide, lambda to: None)), f"x = mass.send({listed})\ntracker.ping(x.ok)\n")
        assert heard(seen, "tracker") == ['["tracker.ping", {"x": false}]'] and not [r for r in seen.records if r.entry.tool == "mass.send" and r.entry.kind == "intent"]
    for listed in ("[str(i) for i in range(200)]", "['a' * 4900, 'b' * 4900]"):
        seen = observe(world(tool(wide, lambda to: None)), f"x = mass.send({listed})\n")
        assert [r for r in seen.records if r.entry.tool == "mass.send" and r.entry.kind == "intent"]


def test_an_address_that_is_not_known_before_the_run_is_told_to_be_so() -> None:
    held = session_of(house.setting())

    def lines(source: str) -> list[Any]:
        return [line for line in held.session.prepare(source, house.REQUEST).preview.lines if line.flow.contract.name == "mail.send"]

    (unknown,) = lines('mail.send(web.fetch("site.example", 1), "hi", "b")\n')
    assert unknown.flow.unresolved == ("to",) and unknown.verdict is Verdict.ASK and unknown.flow.recipients == ()
    (either,) = lines('mail.send("sam@home.example" if web.fetch("site.example", 1) == "x" else "bo@home.example", "hi", "b")\n')
    assert not either.flow.unresolved and {r.id for r in either.flow.recipients} == {"mail:sam@home.example", "mail:bo@home.example"}
    (perhaps,) = lines('mail.send("sam@home.example" if web.fetch("site.example", 1) == "x" else None, "hi", "b")\n')
    assert perhaps.flow.unresolved == ("to",)
    (nobody,) = lines('mail.send("", "hi", "b")\n')
    assert not nobody.flow.unresolved and nobody.flow.recipients == ()


def test_a_question_is_put_once_a_confirmation_counts_for_its_call_and_an_edit_is_what_leaves() -> None:
    fee = 'fee.pay("sam", 20)\n'
    seen = observe(world(), fee)
    assert len(seen.questions) == 1 and len(heard(seen, "payee:sam")) == 1
    assert [r.entry.confirmed for r in seen.records if r.entry.kind == "intent"] == [True]
    no_questions = observe(world(), "tracker.ping(1)\n")
    assert not no_questions.questions and no_questions.report.questions == 0
    edited = observe(world(answer=lambda question: Edited({"currency": "USD"})), fee)
    assert "USD" in heard(edited, "payee:sam")[0]
    always = observe(world(answer=Reply.ALWAYS), fee * 2)
    assert len(heard(always, "payee:sam")) >= 1


def test_standings_join_to_the_least() -> None:
    for a in Standing:
        for b in Standing:
            assert weaker(a, b).what <= min(a.what, b.what) and weaker(a, b).whom <= min(a.whom, b.whom) and weaker(a, a) is a
            assert merge(Value("a", PUBLIC, None, a), Value("b", PUBLIC, None, b)).standing is weaker(a, b)


def test_changing_a_list_at_a_labelled_place_tells_the_place() -> None:
    for name, args in (("insert", [Value(1, H), lift(2)]), ("insert", [lift(1), Value(2, H)]), ("extend", [lift([1], H)]), ("append", [lift(1, H)])):
        for target in (lift([1, 2, 3]), Value(Many(lift(1), 3))):
            made = changed(target, name, args, {}, None, ops.NOWHERE)
            assert H <= made.total


def test_all_that_can_be_shown_is_asked_together_before_the_run() -> None:
    """G5.5: one confirmation for what the preflight shows exactly; what cannot be made is not asked."""
    batches: list[int] = []

    class Asker:
        def ask(self, questions: Any) -> list[Reply]:
            batches.append(len(questions))
            return [Reply.ONCE] * len(questions)

    def asked(source: str) -> list[int]:
        batches.clear()
        held = session_of(house.setting())
        held.session.asker = Asker()
        held.session.perform(source, house.REQUEST)
        return list(batches)

    assert asked('fee.pay("sam", 20)\nfee.pay("sam", 21)\n') == [2]
    assert asked('tracker.ping(1)\n') == []
    assert asked('fee.pay("sam", 20)\nfee.pay("sam", len(vault.text()))\n')[:1] == [1]
    assert asked('fee.pay("x" * 101, 20)\nfee.pay("sam", 21)\n') == [1]


def test_what_norms_keep_ready_is_bounded() -> None:
    index = Index(house.judge().norms)
    for n in range(SEEN_MAX + 20):
        index._acts(f"tool{n}")
    assert len(index._by_tool) <= SEEN_MAX
    masks = index._disclosures
    for n in range(SEEN_MAX + 20):
        masks.flow("errand", f"tool{n}")
        masks.recipient(Recipient(f"r{n}"))
    assert len(masks._flows) <= SEEN_MAX and len(masks._recipients) <= SEEN_MAX


def test_columns_count_characters() -> None:
    """G3.1: where an error stands is what a reader counts, whatever letters stand before it."""
    with pytest.raises(PlanError) as told:
        parse('x = "größe"\ny = "😀" ; z = nobody(1)\nw = lambda: 1')
    assert (told.value.span.line, told.value.span.column) == (3, 5)
    with pytest.raises(PlanError) as told:
        resolve(parse('x = "größe"\ny = "😀" ; z = nobody(1)'), {})
    assert (told.value.span.line, told.value.span.column) == (2, 15)
