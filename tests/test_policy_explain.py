"""Explanations, lasting answers, the user's own file, tests of norms, and guesses of types (G5.5, G2.7)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from discreet.kernel import monitor
from discreet.kernel.contract import NOPLACE, Contract, Effect, Parameter, Place, Role
from discreet.kernel.errors import DiscreetError
from discreet.kernel.label import PUBLIC, label
from discreet.kernel.monitor import Finding, Flow, Verdict
from discreet.kernel.shape import list_of, text
from discreet.kernel.value import Standing, Value
from discreet.policy.check import test_norms as run_tests
from discreet.policy.decide import Index, decide
from discreet.policy.edit import add_norm, drop_norm, list_norms, unknown_tools
from discreet.policy.explain import NAMED_MAX, always, explain, explain_telling, lasting, no_always
from discreet.policy.load import combine, defaults, load, parse
from discreet.policy.naming import PHRASE_WORDS_MAX, TEXT_CHARS_MAX, roles_named, types_inside, types_named, types_of, words
from discreet.policy.norm import Norms
from discreet.policy.vocabulary import roles, types
from tests.test_policy import FRIEND, SHIPPED, SHOP, STRANGER, errand, pay, tell
from tests.test_policy_load import ACT, GOOD

NORMS = defaults().norms


# --- explain --------------------------------------------------------------------------------------------------------


def test_a_denial_says_what_would_permit_it() -> None:
    said = explain_telling(SHOP, "health/condition", "purchase/search", "shop.search", NORMS)
    assert said.verdict is Verdict.DENY
    assert said.sentence == "Northside Sports may not learn your health/condition for purchase/search through `shop.search`: no norm permits it"
    assert "permit `health/condition` about `user` to `shop:Northside Sports` for `purchase/search` through `shop.search`" in said.remedy


def test_a_question_and_a_permit_name_their_norms() -> None:
    asked = explain_telling(SHOP, "contact/phone", "purchase/search", "shop.search", NORMS)
    assert (asked.verdict, asked.norms) == (Verdict.ASK, ("merchant-more",))
    assert "Northside Sports may, if you agree, learn your contact/phone" in asked.sentence
    permitted = explain_telling(SHOP, "body/shoe-size", "purchase/search", "shop.search", NORMS)
    assert (permitted.verdict, permitted.norms, permitted.remedy) == (Verdict.PERMIT, ("merchant-fit",), "")


def test_what_a_remedy_proposes_does_permit_it(tmp_path: Path) -> None:
    table = (
        '[[norm]]\nid = "mine"\nverdict = "permit"\nwho = "shop:Northside Sports"\nlearns = "health/condition"\nabout = "user"\n'
        'purpose = "purchase/search"\nthrough = "shop.search"\nbecause = "it sells insoles"\n'
    )
    loaded = add_norm(tmp_path / "n.toml", table)
    assert explain_telling(SHOP, "health/condition", "purchase/search", "shop.search", loaded.norms).verdict is Verdict.PERMIT


def test_a_prohibition_can_only_be_dropped() -> None:
    advertiser = replace(SHOP, roles=frozenset({"advertiser"}))
    said = explain_telling(advertiser, "preference", "errand", "web.post", NORMS)
    assert "only dropping `advertisers-nothing` would permit it" in said.remedy


def test_one_sentence_groups_and_counts() -> None:
    said = explain(tell(*sorted(types().below("health"))), NORMS)
    assert said.sentence.count("Northside Sports") == 1
    assert f"and {len(types().below('health')) - 1 - NAMED_MAX} more" in said.sentence, "allergies are asked about, the rest is denied"


def test_an_act_is_explained_with_the_argument_that_does_not_fit() -> None:
    said = explain(errand()["checkout"], NORMS, monitor.decide(errand()["checkout"], SHIPPED))
    assert said.verdict is Verdict.ASK
    assert said.sentence == "`shop.checkout` is done only if you agree: no norm lets this be done without asking"
    told = explain(pay(60.0), parse(ACT).norms)
    assert "`amount` is over the limit of 12.5 EUR" in told.sentence
    outside = explain(pay(1.0, standing=Standing.OUTSIDE), parse(ACT).norms)
    assert "`amount` is outside text and would have to be found from a name that you said" in outside.sentence


def test_what_tells_and_does_nothing_says_so() -> None:
    assert explain(tell(), NORMS).sentence == "`shop.search` tells nobody anything and does nothing"


def test_no_explanation_holds_contents() -> None:
    flow = Flow(errand()["search"].contract, {"shop": Value("n"), "query": Value("plantar fasciitis", label([("health/condition", "user")]))}, PUBLIC, (SHOP,), NOPLACE)
    assert "fasciitis" not in str(explain(flow, NORMS)) + repr(explain(flow, NORMS))


def test_a_place_that_does_not_hold_it_is_explained() -> None:
    contract = Contract("notes.add", "", (Parameter("id", text(), Role.KEY), Parameter("text", text())), text(), Effect.WRITE, "storage", undoable=True)
    place = Place("notes", PUBLIC)
    control = Flow(contract, {"id": Value("7", label([("health", "user")])), "text": Value("x")}, PUBLIC, (), place)
    assert "a place takes only what it holds" in explain(control, NORMS, monitor.decide(control, SHIPPED)).remedy


# --- always ---------------------------------------------------------------------------------------------------------


def asked(flow: Flow) -> Finding:
    return next(f for f in decide(flow, NORMS).findings if f.verdict is Verdict.ASK)


def test_always_is_exactly_as_wide_as_shown() -> None:
    flow = tell("contact/phone")
    lasting = Norms((always(asked(flow), flow),))
    assert decide(flow, NORMS + lasting).verdict is Verdict.PERMIT
    wider = [
        tell("contact/email"), tell("contact"), tell("contact/phone", about="bob"), tell("contact/phone", tool="shop.reviews"),
        tell("contact/phone", purpose="purchase/order"), tell("contact/phone", times=2), tell("contact/phone", to=replace(SHOP, id="shop:x", owner="x")),
        tell("contact/phone", to=replace(SHOP, roles=frozenset({"merchant"}))),
    ]  # fmt: skip
    for other in wider:
        assert decide(other, lasting).verdict is not Verdict.PERMIT


def test_always_is_refused_under_a_tagged_pc_or_an_outside_source() -> None:
    flow = tell("contact/phone")
    for pc, why in ((label([("health", "user")]), "something private"), (label((), ["mail"]), "influenced by mail")):
        steered = replace(flow, pc=pc)
        assert why in no_always(asked(steered), steered)
        with pytest.raises(DiscreetError, match="no lasting answer is possible"):
            always(asked(steered), steered)
    assert no_always(asked(flow), replace(flow, pc=label([("request", "user")], ["user"]))) == ""
    mentioned = replace(flow, recipients=(replace(flow.recipients[0], roles=frozenset({"unknown", "user-named"})),))
    assert "not clear" in no_always(asked(flow), mentioned), "or `do not write to Eve` would be a permit from then on"
    assert "something private" in no_always(asked(flow), replace(flow, preflight_pc=label([("health", "user")])))


def test_always_is_refused_for_what_holds_more_than_was_shown() -> None:
    flow = tell("contact")
    assert "holds more than was shown" in no_always(asked(flow), flow)
    assert no_always(decide(tell("health"), NORMS).findings[0], tell("health")) == "nothing is asked"


def test_payments_and_deletions_have_no_lasting_answer() -> None:
    flow = pay()
    assert "confirmed each time" in no_always(asked(flow), flow)


def test_a_lasting_answer_to_an_act_covers_these_recipients_only() -> None:
    contract = Contract("chat.post", "", (Parameter("to", list_of(text()), Role.WHO), Parameter("text", text())), text(), Effect.WRITE, "correspondence")
    flow = Flow(contract, {"to": Value("x", standing=Standing.USER), "text": Value("y")}, PUBLIC, (FRIEND,), NOPLACE)
    lasting = Norms(allowances=(always(asked(flow), flow),))
    assert decide(flow, lasting).verdict is Verdict.PERMIT
    for other in (
        replace(flow, recipients=(FRIEND, STRANGER)), replace(flow, times=2), replace(flow, pc=label((), ["mail"])),
        replace(flow, arguments={**flow.arguments, "to": Value("x", standing=Standing.PLANNER)}), replace(flow, contract=replace(contract, name="chat.send")),
    ):  # fmt: skip
        assert decide(other, lasting).verdict is Verdict.ASK
    what = replace(contract, parameters=(*contract.parameters, Parameter("what", text(), Role.WHAT)))
    differs = replace(flow, contract=what, arguments={**flow.arguments, "what": Value("z")})
    assert "differs from call to call" in no_always(asked(differs), differs)


def test_always_answers_every_question_of_a_call_or_is_not_offered() -> None:
    both = tell("contact/phone", "purchase/history")
    norms = lasting(both, decide(both, NORMS))
    assert len(norms) == 2 and decide(both, NORMS + Norms(norms)).verdict is Verdict.PERMIT
    mixed = tell("contact/phone", "contact")
    assert lasting(mixed, decide(mixed, NORMS)) == ()
    assert lasting(pay(), decide(pay(), NORMS)) == ()
    assert lasting(tell("body"), decide(tell("body"), NORMS)) == ()


# --- the user's file ------------------------------------------------------------------------------------------------


def test_a_norm_is_added_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "norms.toml"
    loaded = add_norm(path, GOOD)
    assert loaded.norms.named("size") is not None and load(path).norms == loaded.norms
    before = path.read_bytes()
    for bad in (GOOD, GOOD.replace("body", "bdy"), "drop = []\n", "", 'drop = ["merchant-fit"]\n' + ACT, GOOD.replace('"size"', '"named-request"')):
        with pytest.raises(DiscreetError):
            add_norm(path, bad)
        assert path.read_bytes() == before
    flow = tell("contact/phone")
    assert add_norm(path, always(asked(flow), flow)).problems == ()
    assert Index(load(path).norms)(flow).verdict is Verdict.PERMIT
    assert [p.name for p in path.parent.iterdir()] == ["norms.toml"], "nothing half-written is left"


def test_an_id_with_any_sign_in_it_can_stand_in_a_norm(tmp_path: Path) -> None:
    flow = tell("contact/phone", to=replace(SHOP, id="shop:Müller & \"Söhne\" = 1"))
    loaded = add_norm(tmp_path / "norms.toml", always(asked(flow), flow))
    assert decide(flow, loaded.norms).verdict is Verdict.PERMIT


def test_a_file_that_errs_already_can_still_be_added_to(tmp_path: Path) -> None:
    path = tmp_path / "norms.toml"
    path.write_text("[[norm]]\nid = 3\n")
    assert add_norm(path, GOOD).norms.named("size") is not None


def test_a_shipped_norm_is_dropped_by_id(tmp_path: Path) -> None:
    path = tmp_path / "norms.toml"
    add_norm(path, GOOD)
    assert drop_norm(path, "merchant-fit").norms.named("merchant-fit") is None
    loaded = drop_norm(path, "named-request")
    assert loaded.drop == ("merchant-fit", "named-request") and loaded.norms.named("size") is not None
    assert drop_norm(path, "named-request").drop == loaded.drop
    with pytest.raises(DiscreetError, match="did you mean `merchant-fit`"):
        drop_norm(path, "merchant-fat")


def test_norms_are_listed_prohibitions_first_and_erring_ones_before_all() -> None:
    loaded = combine(defaults(), parse("[[norm]]\nid = 3\n" + GOOD + ACT))
    shown = list_norms(loaded.norms)
    assert shown[0].erring and shown[1].verdict == "forbid"
    assert [s.text for s in shown if s.id == "size"] == ["merchant & user-said, bob@example.org: body about user for purchase through shop.search"]
    assert [s.text for s in shown if s.id == "small"] == ["pay towards user-said for payment, at most 3 times, at most 12.5 EUR through bank.pay"]


def test_a_norm_for_a_tool_that_is_not_there_is_pointed_out() -> None:
    assert unknown_tools(parse(GOOD).norms, ["shop.searches", "mail.send"]) == ["`size`: no tool `shop.search` is connected; did you mean `shop.searches`?"]
    assert unknown_tools(parse(GOOD).norms, ["shop.search"]) == []


TESTS = """
[[test]]
name = "no health to the shop"
who = "shop:northside"
who_is = ["merchant", "user-said"]
tells = ["health/condition"]
purpose = "purchase/search"
through = "shop.search"
expect = "deny"
[[test]]
name = "small sums"
who = "mail:bob"
who_is = ["user-said"]
purpose = "payment"
through = "bank.pay"
effect = "pay"
standing = { who = "user", amount = "user" }
amount = 10
currency = "EUR"
expect = "permit"
"""


def test_norms_are_tested_by_tables_beside_them() -> None:
    results = run_tests(combine(defaults(), parse(ACT + TESTS, "mine.toml")))
    assert [(r.name, r.passed) for r in results] == [("no health to the shop", True), ("small sums", True)]
    failing = run_tests(combine(defaults(), parse(TESTS)))
    assert [(r.passed, r.found) for r in failing] == [(True, "deny"), (False, "ask")]
    for good, bad, message in (
        ('"health/condition"', '"health/conditon"', "did you mean `health/condition`"), ('"deny"', '"denied"', "did you mean `deny`"),
        ('"merchant"', '"merchnt"', "unknown role"), ('who = "shop:northside"', "", "who: a text is needed"), ('"pay"', '"play"', "unknown effect"),
        ('"payment"', '"paymnt"', "unknown purpose"), ('amount = "user"', 'amount = "u"', "standing"),
    ):  # fmt: skip
        wrong = [r for r in run_tests(parse(TESTS.replace(good, bad, 1))) if r.mistake]
        assert len(wrong) == 1 and message in wrong[0].mistake and not wrong[0].passed


# --- guesses --------------------------------------------------------------------------------------------------------


def test_names_are_read_as_words() -> None:
    assert words("CheckInDates_2") == ["check", "in", "date"]
    assert types_named("family_medical_history") == {"health/family-history"}, "the longest phrase wins"
    assert "body/shoe-size" in types_of("Shoe size")
    assert types_of("xyzzy") == {"unclassified"}
    assert types_of("", "") == {"unclassified"}


@pytest.mark.parametrize(
    ("inside", "type_"),
    [
        ("SSN 987-65-4321", "identity/national-number"), ("pay with 4111-1111-1111-1234", "finance/card"), ("write to a.b@example.org", "contact/email"),
        ("call +49 30 555-0199", "contact/phone"), ("at 12 Elm Street", "contact/postal-address"), ("taking a prescription for hypertension", "health/condition"),
        ("Hi Anna,\nsee you", "communication/message"), ("DE89 3704 0044 0532 0130 00", "finance/account"), ("my passport", "identity/passport"),
    ],
)  # fmt: skip
def test_telling_kinds_are_found_inside_of_texts(inside: str, type_: str) -> None:
    assert type_ in types_of("note", inside)


def test_texts_are_looked_through_up_to_a_greatest_length_and_kinds_are_joined() -> None:
    assert types_inside("x" * TEXT_CHARS_MAX + " SSN 987-65-4321") == frozenset()
    assert types_of("address", "my diagnosis") >= {"contact/postal-address", "health/condition"}
    assert all(len(words(w)) <= PHRASE_WORDS_MAX for v in (types(), roles()) for c in v.concepts.values() for w in c.words)


def test_roles_are_guessed_from_descriptions() -> None:
    assert roles_named("hotel staff") == {"merchant/lodging", "merchant"} - {"merchant"}
    assert roles_named("my close friend") == {"friend"}
    assert roles_named("xyzzy") == {"unknown"}


def test_an_embedding_is_asked_only_where_no_word_matches() -> None:
    near = lambda said: frozenset({"home"})  # noqa: E731
    assert types_of("xyzzy", "", near) == {"home"}
    assert "home" not in types_of("phone number", "", near)
