"""The monitor's fixed rules: what no norm relaxes, and whose evidence an argument is (G5.4, G2.6, G3.6)."""

from __future__ import annotations

import pytest

from discreet.kernel.contract import Contract, Effect, Parameter, Place, Recipient, Role
from discreet.kernel.errors import Denied, InvariantError
from discreet.kernel.label import PUBLIC, label
from discreet.kernel.monitor import Asked, Decision, Finding, Flow, Verdict, check, decide
from discreet.kernel.shape import Shape, scalar, text
from discreet.kernel.value import Fault, Standing, Unknown, Value, lift, seq

HEALTH = label([("health", "user")])
MAIL = label([("communication/message", "user")], ["mail"])
PERMIT, ASK, DENY = (lambda flow, v=v: Decision((Finding(v),)) for v in Verdict)
WRITE = Contract("place.write", "w", (Parameter("id", text(), Role.WHAT), Parameter("body", text()), Parameter("tags", Shape("list"))), scalar("none"), Effect.WRITE)
DIGEST = b"d" * 32


def flow(place: Place = Place("box", MAIL), pc=PUBLIC, contract: Contract = WRITE, **arguments: Value) -> Flow:
    given = {"id": lift("a"), "body": lift("b"), "tags": lift([])} | arguments
    return Flow(contract, given, pc, (Recipient("r"),), place)


def test_a_write_must_fit_its_place() -> None:
    assert decide(flow(), PERMIT).verdict is Verdict.PERMIT
    assert decide(flow(pc=HEALTH), PERMIT).verdict is Verdict.DENY
    assert decide(flow(id=lift("a", HEALTH)), PERMIT).verdict is Verdict.DENY
    assert decide(flow(tags=Value(seq([]).data, HEALTH)), PERMIT).verdict is Verdict.DENY
    assert decide(flow(place=Place("box", HEALTH), pc=HEALTH), PERMIT).verdict is Verdict.PERMIT
    assert decide(flow(pc=label([("request", "user")])), PERMIT).verdict is Verdict.PERMIT


def test_reads_and_places_that_are_nowhere_are_not_held_to_it() -> None:
    read = Contract("place.read", "r", WRITE.parameters, scalar("none"))
    assert decide(flow(contract=read, pc=HEALTH), PERMIT).verdict is Verdict.PERMIT
    assert decide(flow(place=Place("nowhere"), pc=HEALTH), PERMIT).verdict is Verdict.PERMIT


def test_contents_beyond_their_place_are_not_simply_written() -> None:
    assert decide(flow(body=lift("b", HEALTH)), PERMIT).verdict is not Verdict.PERMIT
    assert decide(flow(place=Place("sent", MAIL, readable=False), body=lift("b", HEALTH)), PERMIT).verdict is Verdict.PERMIT


def test_an_outsiders_own_place_takes_what_its_owner_may_learn() -> None:
    theirs = Place("shop", label((), ["shop"]), owner="r")
    assert decide(flow(place=theirs, pc=HEALTH, body=lift("b", HEALTH)), PERMIT).verdict is Verdict.PERMIT
    assert decide(flow(place=Place("shop", label(()), owner="other"), pc=HEALTH), PERMIT).verdict is Verdict.DENY


def test_the_worst_finding_wins() -> None:
    verdicts = [Finding(Verdict.PERMIT), Finding(Verdict.ASK), Finding(Verdict.DENY)]
    assert Decision(tuple(verdicts)).verdict is Verdict.DENY
    assert Decision(tuple(verdicts[:2])).verdict is Verdict.ASK
    assert Decision(tuple(verdicts[:1])).verdict is Decision().verdict is Verdict.PERMIT


def test_a_judge_that_errs_denies() -> None:
    """G5.3, G3.4: a call that the norms cannot be applied to is not made, and nothing ends in the middle."""

    def errs(_: Flow) -> Decision:
        raise OverflowError("a number that nobody counts with")

    assert decide(flow(), errs).verdict is Verdict.DENY
    with pytest.raises(Denied):
        check(flow(), errs, b"d" * 32)


def test_an_unresolved_recipient_asks() -> None:
    unresolved = Flow(WRITE, flow().arguments, PUBLIC, (), Place("nowhere"), unresolved=("id",))
    assert decide(unresolved, PERMIT).verdict is Verdict.ASK


def test_check_gives_a_permit_for_the_exact_call_or_raises() -> None:
    permit = check(flow(), PERMIT, DIGEST)
    assert permit.digest == DIGEST and permit.recipients == ("r",) and not permit.confirmed
    with pytest.raises(Denied) as denied:
        check(flow(), DENY, DIGEST)
    assert not isinstance(denied.value, Asked)
    with pytest.raises(Denied):
        check(flow(), DENY, DIGEST, frozenset({DIGEST}))
    with pytest.raises(Asked):
        check(flow(), ASK, DIGEST)
    with pytest.raises(Asked):
        check(flow(), ASK, DIGEST, frozenset({b"e" * 32}))
    assert check(flow(), ASK, DIGEST, frozenset({DIGEST})).confirmed


@pytest.mark.parametrize("data", [Unknown("text"), Fault("value")])
def test_check_takes_only_what_is_known(data: object) -> None:
    with pytest.raises(InvariantError):
        check(flow(body=Value(data)), PERMIT, DIGEST)
    with pytest.raises(InvariantError):
        check(flow(), PERMIT, b"short")


def test_the_checked_label_joins_pc_arguments_and_preflight() -> None:
    joined = Flow(WRITE, flow(body=lift("b", HEALTH)).arguments, MAIL, (), Place("nowhere"), preflight=label([("body", "user")]))
    assert {t.type for t in joined.label.tags} == {"health", "communication/message", "body"}
    inside = flow(tags=seq([lift("x", HEALTH)]))
    assert {t.type for t in inside.label.tags} == {"health"}


def test_authority_is_the_least_standing_and_the_sources_of_pc() -> None:
    found = flow(pc=label((), ["shop"]), id=Value("a", label((), ["mail"]), None, Standing.USER)).authority()
    assert found == {"id": (Standing.USER, frozenset({"shop", "mail"}))}
    contract = Contract("m", "m", (Parameter("to", Shape("list"), Role.WHO),), scalar("none"), Effect.WRITE)
    mixed = seq([Value("a", PUBLIC, None, Standing.USER), Value("b", PUBLIC, None, Standing.OUTSIDE)], standing=Standing.USER)
    assert Flow(contract, {"to": mixed}, PUBLIC, (), Place("nowhere")).authority()["to"][0] is Standing.OUTSIDE


def t(*names: str):
    return label([(name, "user") for name in names])


def test_what_decides_that_something_shows_is_all_but_its_contents() -> None:
    """G2.6: pc, what the preflight saw of it, ids, keys, amounts and how often; of an address only what is more than whose it is."""
    parameters = (
        Parameter("to", text(), Role.WHO, address="mail"), Parameter("id", text(), Role.WHAT), Parameter("key", text(), Role.KEY), Parameter("n", scalar("int"), Role.AMOUNT),
        Parameter("often", scalar("int"), Role.TIMES), Parameter("body", text()), Parameter("more", text(), Role.KEY, ""),
    )  # fmt: skip
    contract = Contract("w", "x", parameters, scalar("none"), Effect.WRITE)
    address = label([("contact/email", "sam"), ("health/condition", "sam")])
    arguments = {name: Value("x", t(name)) for name in ("id", "key", "n", "often", "body")} | {"to": Value("a@b.example", address)}
    flow_ = Flow(contract, arguments, t("pc"), (), Place("p"), preflight_pc=t("earlier"))
    assert {tag.type for tag in flow_.deciding.tags} == {"pc", "earlier", "id", "key", "n", "often", "health/condition"}
    assert Flow(contract, {"body": arguments["body"]}, PUBLIC, (), Place("p")).deciding == PUBLIC


def test_what_is_shared_by_an_id_counts_as_told_beside_pc_and_arguments() -> None:
    """G5.4, G5.1"""
    share = Contract("share", "s", (Parameter("id", text(), Role.WHAT),), scalar("none"), Effect.WRITE, shares=True)
    told = Flow(share, {"id": lift("a", t("id"))}, t("pc"), (), Place("box", MAIL), preflight=t("earlier"))
    assert {tag.type for tag in told.label.tags} == {"pc", "earlier", "id", "communication/message"} and told.label.sources == {"mail"}
    kept = Flow(WRITE, {"id": lift("a", t("id"))}, t("pc"), (), Place("box", MAIL))
    assert {tag.type for tag in kept.label.tags} == {"pc", "id"}
