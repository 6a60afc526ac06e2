"""Laws of the norms: the fast decision, the oracle and Cedar agree; prohibitions only ever take away (E3, G5.3)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discreet.kernel.contract import NOPLACE, USER, Contract, Effect, Parameter, Place, Recipient, Role
from discreet.kernel.label import PUBLIC, label
from discreet.kernel.monitor import Flow, Verdict
from discreet.kernel.shape import text
from discreet.kernel.value import Standing, Unknown, Value
from discreet.policy.decide import Index, decide
from discreet.policy.fields import STANDINGS as FIELD_STANDINGS
from discreet.policy.norm import Allowance, Norm, Norms, Rule, Used
from tests.oracle import decide as oracle

# A few of each kind, chosen so that norms meet often; unknown and unclassified types among them.
TYPES = ["health", "health/condition", "health/medication", "contact", "contact/email", "request", "unclassified", "not-a-type"]
TERMS = ["*", "health", "health/condition", "contact", "contact/email", "request", "unclassified", "finance"]
ROLES = ["merchant", "merchant/lodging", "friend", "clinician", "user-said", "resolved", "unknown"]
IDS = ["shop:a", "bob@x.org"]
PURPOSES = ["purchase", "purchase/order", "correspondence", "errand"]
TOOLS = ["shop.search", "mail.send"]
SUBJECTS = ["user", "bob@x.org", "carol"]
DIRECTORY = {"carol": frozenset({"friend"})}

one_or_more = dict(min_size=1, max_size=2, unique=True)


@st.composite
def norms(draw: st.DrawFn, size: int = 7) -> Norms:
    """A handful of norms; later permits may answer earlier questions."""
    made: list[Norm] = []
    for number in range(draw(st.integers(0, size))):
        rule = draw(st.sampled_from([*[Rule.PERMIT] * 4, *[Rule.ASK] * 4, Rule.FORBID]))
        permit = rule is Rule.PERMIT
        asked = [n.id for n in made if n.verdict is Rule.ASK]
        terms = st.sampled_from([*ROLES, *IDS, *["anyone"] * 6])
        made.append(
            Norm(
                id=f"n{number}",
                verdict=rule,
                who=tuple(draw(st.lists(st.frozensets(terms, min_size=1, max_size=2), **one_or_more))),
                learns=tuple(draw(st.lists(st.sampled_from(["*", "*", *TERMS]), **one_or_more))),
                but=tuple(draw(st.lists(st.sampled_from(TERMS[1:]), max_size=1))),
                about=(draw(st.sampled_from([*SUBJECTS, "others", "recipient", *["anyone"] * 3, "friend"])),),
                purpose=(draw(st.sampled_from([*PURPOSES, "*", "*", "*"])),),
                through=(draw(st.sampled_from([*TOOLS, "*", "*"])),),
                because="made up",
                times_max=draw(st.sampled_from([None, 1, 3])) if permit else None,
                yields=rule is Rule.ASK and draw(st.booleans()),
                over=tuple(draw(st.lists(st.sampled_from(asked), max_size=2, unique=True))) if permit and asked else (),
            )
        )
    return Norms(tuple(made), directory=DIRECTORY)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """One reading call to up to three recipients with up to five tags."""
    pairs = st.tuples(st.sampled_from(TYPES), st.sampled_from(SUBJECTS))
    audiences = st.frozensets(st.sampled_from(["shop", "shop:a", "bob@x.org"]), max_size=1)
    tags = draw(st.dictionaries(pairs, audiences, max_size=5))
    roles = st.frozensets(st.sampled_from(ROLES), max_size=3)
    shop = Recipient("shop:a", "shop", draw(roles))
    bob = Recipient("bob@x.org", "", draw(roles))
    recipients = draw(st.lists(st.sampled_from([shop, bob, USER]), max_size=3, unique=True))
    contract = Contract(draw(st.sampled_from(TOOLS)), "", (Parameter("q", text()),), text(), Effect.READ, draw(st.sampled_from(PURPOSES)))
    return Flow(contract, {"q": Value("x", label(tags))}, PUBLIC, tuple(recipients), NOPLACE, draw(st.sampled_from([1, 2, 5])))


@settings(max_examples=300, deadline=None)
@given(flows(), norms())
def test_fast_decision_agrees_with_the_oracle(flow: Flow, some: Norms) -> None:
    found = {(f.recipient, f.tag): f.verdict for f in decide(flow, some).findings}
    expected = {(r.id, tag): oracle.verdict(flow, r, tag, some) for r in flow.recipients for tag in flow.label.tags}
    assert found == expected


@settings(max_examples=80, deadline=None)
@given(flows(), norms())
def test_a_decision_names_norms_that_speak_of_it(flow: Flow, some: Norms) -> None:
    by_id = {r.id: r for r in flow.recipients}
    rule_of = {Verdict.DENY: Rule.FORBID, Verdict.ASK: Rule.ASK, Verdict.PERMIT: Rule.PERMIT}
    for finding in decide(flow, some).findings:
        for norm in map(some.named, finding.norms):
            assert norm.verdict is rule_of[finding.verdict]
            assert oracle.applies(norm, flow, by_id[finding.recipient], finding.tag, some)


@settings(max_examples=80, deadline=None)
@given(flows(), norms(), norms(2))
def test_adding_prohibitions_never_permits_more(flow: Flow, some: Norms, more: Norms) -> None:
    forbidding = Norms(tuple(_as(n, f"f{i}", Rule.FORBID) for i, n in enumerate(more.norms)))
    both = zip(_rank(decide(flow, some + forbidding)), _rank(decide(flow, some)), strict=True)
    assert all(after >= before for after, before in both)


@settings(max_examples=80, deadline=None)
@given(flows(), norms())
def test_removing_a_permit_never_permits_more(flow: Flow, some: Norms) -> None:
    before = _rank(decide(flow, some))
    for norm in some.norms:
        if norm.verdict is Rule.PERMIT:
            after = _rank(decide(flow, some.without([norm.id])))
            assert all(a >= b for a, b in zip(after, before, strict=True))


@settings(max_examples=50, deadline=None)
@given(flows(), norms(), st.randoms())
def test_the_order_of_norms_does_not_matter(flow: Flow, some: Norms, rng: object) -> None:
    shuffled = list(some.norms)
    rng.shuffle(shuffled)
    other = Norms(tuple(shuffled), directory=DIRECTORY)
    assert [f.verdict for f in decide(flow, other).findings] == [f.verdict for f in decide(flow, some).findings]


@settings(max_examples=50, deadline=None)
@given(st.lists(flows(), min_size=1, max_size=4), norms())
def test_an_index_that_has_seen_much_decides_as_a_fresh_one(several: list[Flow], some: Norms) -> None:
    index = Index(some)
    for flow in several:
        assert index(flow) == Index(some)(flow)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flows(), norms())
def test_cedar_agrees_on_the_exported_norms(flow: Flow, some: Norms) -> None:
    pytest.importorskip("cedarpy")
    from discreet.policy.export import cedar_policies, cedar_verdict

    policies = cedar_policies(some)
    for recipient in flow.recipients:
        for tag in flow.label.tags:
            expected = oracle.verdict(flow, recipient, tag, some)
            assert cedar_verdict(policies, flow, recipient, tag, some) == expected


STANDINGS = st.sampled_from(list(Standing))
AMOUNTS = st.sampled_from([None, "x", True, -1, 0, 5, 10, 10.0, 10.01, 40, float("nan"), Unknown("int"), Unknown("text")])


@st.composite
def allowances(draw: st.DrawFn) -> Norms:
    """A handful of allowances to act, with what was spent under them."""
    made: list[Allowance] = []
    for number in range(draw(st.integers(0, 4))):
        rule = draw(st.sampled_from([*[Rule.PERMIT] * 5, Rule.ASK, Rule.FORBID]))
        asked = [a.id for a in made if a.verdict is Rule.ASK]
        limited = draw(st.booleans())
        made.append(
            Allowance(
                id=f"a{number}",
                verdict=rule,
                effect=tuple(draw(st.lists(st.sampled_from([Effect.WRITE, Effect.PAY, Effect.DELETE]), min_size=2, max_size=3, unique=True))),
                through=(draw(st.sampled_from([*TOOLS, "*", "*"])),),
                purpose=(draw(st.sampled_from([*PURPOSES, "*", "*", "*"])),),
                to=tuple(draw(st.lists(st.frozensets(st.sampled_from([*ROLES, "anyone", "user"]), min_size=1, max_size=2), **one_or_more))),
                because="made up",
                standing=draw(st.dictionaries(st.sampled_from([Role.WHO, Role.WHAT, Role.AMOUNT, Role.TIMES]), st.sampled_from(sorted(set(FIELD_STANDINGS.values()))))),
                amount_max=Decimal(draw(st.sampled_from([0, 10, 20]))) if limited else None,
                currency="EUR" if limited else "",
                times_max=draw(st.sampled_from([1, 2, 5])),
                undoable=draw(st.booleans()),
                sources=tuple(draw(st.lists(st.sampled_from(["any", "place", "shop", "mail"]), max_size=2, unique=True))),
                over=tuple(asked) if rule is Rule.PERMIT and draw(st.booleans()) else (),
            )
        )
    used = {a.id: Used(Decimal(draw(st.sampled_from([0, 0, 5])))) for a in made}
    return Norms(allowances=tuple(made), used=used)


@st.composite
def acts(draw: st.DrawFn) -> Flow:
    """One write, payment or deletion with some authority arguments, pc sources and recipients."""
    sources = st.frozensets(st.sampled_from(["user", "shop", "mail", "elsewhere"]), max_size=1)
    parameters, values = [], {}
    for role in draw(st.lists(st.sampled_from(list(Role)), max_size=3, unique=True)):
        data = draw(AMOUNTS) if role is Role.AMOUNT else "x"
        parameters.append(Parameter(role.value, text(), role))
        values[role.value] = Value(data, label((), draw(sources)), None, draw(STANDINGS), draw(st.sampled_from([None, 3, 30])))
    if draw(st.booleans()):
        parameters.append(Parameter("currency", text()))
        values["currency"] = Value(draw(st.sampled_from(["EUR", "EUR", "USD", None])))
    contract = Contract(
        draw(st.sampled_from(TOOLS)), "", tuple(parameters), text(), draw(st.sampled_from([Effect.WRITE, Effect.PAY, Effect.DELETE])),
        draw(st.sampled_from(PURPOSES)), undoable=draw(st.booleans()),
    )  # fmt: skip
    shop = Recipient("shop:a", "shop", draw(st.frozensets(st.sampled_from(ROLES), max_size=2)))
    bob = Recipient("bob@x.org", "", draw(st.frozensets(st.sampled_from(ROLES), max_size=2)))
    recipients = tuple(draw(st.lists(st.sampled_from([shop, bob, USER]), max_size=2, unique=True)))
    place = Place("p", label((), draw(sources)))
    unresolved = draw(st.sampled_from([(), (), ("who",)]))
    return Flow(contract, values, label((), draw(sources)), recipients, place, draw(st.sampled_from([1, 1, 2, 5])), unresolved=unresolved)


@settings(max_examples=300, deadline=None)
@given(acts(), allowances())
def test_acts_are_decided_as_the_oracle_does(flow: Flow, some: Norms) -> None:
    findings = decide(flow, some).findings
    assert {f.verdict for f in findings} == {oracle.act_verdict(flow, some)}
    assert {f.argument for f in findings} == (set(flow.authority()) or {""})


@settings(max_examples=150, deadline=None)
@given(acts(), allowances(), st.data())
def test_raising_a_standing_never_permits_less_and_never_lifts_a_prohibition(flow: Flow, some: Norms, data: st.DataObject) -> None:
    if not flow.arguments:
        return
    name = data.draw(st.sampled_from(sorted(flow.arguments)))
    old = flow.arguments[name]
    raised = Value(old.data, old.label, old.total, Standing.USER, old.bound)
    better = replace(flow, arguments={**flow.arguments, name: raised})
    before, after = decide(flow, some).verdict, decide(better, some).verdict
    assert after == before or (before, after) == (Verdict.ASK, Verdict.PERMIT)


def _as(norm: Norm, id: str, rule: Rule) -> Norm:
    return Norm(id, rule, norm.who, norm.learns, norm.about, norm.purpose, norm.through, norm.because, norm.but)


def _rank(decision: object) -> list[int]:
    return [[Verdict.PERMIT, Verdict.ASK, Verdict.DENY].index(f.verdict) for f in decision.findings]
