"""A place has the labels of what was written into it, and accepts no more sources for that (G2.6, G5.4)."""

from dataclasses import replace

from discreet.kernel.contract import USER, Contract, Effect, Parameter, Place, Recipient, Role
from discreet.kernel.label import PUBLIC, label
from discreet.kernel.monitor import Flow, Verdict, decide
from discreet.kernel.shape import scalar, text
from discreet.kernel.value import Value
from discreet.tools.kept import UNSAID_ROLE, Kept

WRITE = Contract("write", "", (Parameter("id", text(), Role.WHAT, default=""), Parameter("text", text())), scalar("none"), Effect.WRITE)
ORDER, HEALTH = ("purchase/order", "user"), ("health/condition", "user")


def flow(content, place: Place, pc=PUBLIC) -> Flow:
    return Flow(WRITE, {"id": Value("x"), "text": Value("y", content)}, pc, (), place)


def verdict(flow_: Flow) -> Verdict:
    from discreet.kernel.monitor import Decision

    return decide(flow_, lambda _: Decision()).verdict


def test_what_a_place_keeps_raises_its_label_for_later_reads() -> None:
    kept, place = Kept(), Place("drafts", PUBLIC, keeps=("purchase",))
    assert verdict(kept.raised(flow(label([ORDER]), place))) is Verdict.PERMIT
    assert kept.place(place).label.tags.keys() == label([ORDER]).tags.keys()
    assert kept.place(Place("drafts/inner", PUBLIC)).label.tags


def test_a_raised_place_still_holds_what_it_declares() -> None:
    kept, place = Kept(), Place("mail", label([HEALTH]), keeps=("purchase",))
    assert verdict(kept.raised(flow(label([ORDER, HEALTH]), place))) is Verdict.PERMIT


def test_what_it_does_not_keep_is_asked_and_raises_it_all_the_same() -> None:
    kept, place = Kept(), Place("drafts", PUBLIC, keeps=("purchase",))
    assert verdict(kept.raised(flow(label([HEALTH]), place))) is Verdict.ASK
    assert HEALTH in kept.place(place).label.tags


def test_a_private_decision_to_write_is_denied() -> None:
    kept, place = Kept(), Place("drafts", PUBLIC, keeps=("purchase",))
    assert verdict(kept.raised(flow(PUBLIC, place, label([HEALTH])))) is Verdict.DENY


def test_content_from_outside_does_not_make_its_source_one_that_the_place_declares() -> None:
    kept, place = Kept(), Place("drafts", label((), ("mail",)), keeps=("purchase",))
    raised = kept.raised(flow(label([ORDER], ["web"]), place)).place
    assert raised.label.sources == {"mail", "web"} and raised.declared == {"mail"}
    assert kept.place(place).declared == {"mail"}


def test_a_place_that_no_tool_reads_shows_nothing() -> None:
    kept, place = Kept(), Place("sent", PUBLIC, readable=False)
    assert verdict(kept.raised(flow(label([HEALTH]), place, label([HEALTH])))) is Verdict.PERMIT


def test_what_decided_a_write_shows_in_places_that_hold_less() -> None:
    """G2.6: free/busy of a calendar has the label of pc and ids, as the preflight saw them too, and not of what was written."""
    shown = Place("busy", PUBLIC)
    place = Place("calendar", label([HEALTH, ORDER]), keeps=("health", "purchase"), shows=(shown,))
    for pc, earlier, id_, content, wanted in (
        (label([HEALTH]), PUBLIC, PUBLIC, PUBLIC, {HEALTH}), (PUBLIC, label([HEALTH]), PUBLIC, PUBLIC, {HEALTH}), (PUBLIC, PUBLIC, label([ORDER]), PUBLIC, {ORDER}),
        (PUBLIC, PUBLIC, PUBLIC, label([HEALTH]), set()), (label([HEALTH]), PUBLIC, label([ORDER]), label([HEALTH]), {HEALTH, ORDER}),
    ):  # fmt: skip
        kept = Kept()
        kept.raised(Flow(WRITE, {"id": Value("x", id_), "text": Value("y", content)}, pc, (), place, preflight_pc=earlier))
        assert set(kept.place(shown).label.tags) == wanted


def test_whoever_a_place_was_shared_with_hears_what_is_written_there_and_nothing_of_readings() -> None:
    """G5.1, G5.2: a read tells its own recipients alone."""
    kept, place, sam, own = Kept(), Place("box", PUBLIC), Recipient("mail:sam"), Recipient("own")
    share = replace(WRITE, name="share", shares=True)
    kept.shared(Flow(share, {"id": Value("x"), "text": Value("y")}, PUBLIC, (sam,), place))
    written = kept.shared(Flow(WRITE, {"id": Value("x"), "text": Value("y")}, PUBLIC, (own,), place))
    assert written.recipients == (own, sam)
    for read in (replace(WRITE, effect=Effect.READ), replace(share, effect=Effect.READ)):
        assert kept.shared(Flow(read, {"id": Value("x"), "text": Value("y")}, PUBLIC, (own,), place)).recipients == (own,)
    assert list(kept.readers["box"]) == ["mail:sam"]


def test_what_is_written_nobody_says_where_shows_wherever_its_hearers_can_look_and_nowhere_else() -> None:
    """G5.1, G2.6: into the place that is read it comes beside what that holds; an outside party's answers are its speech."""
    sam, own = Recipient("mail:sam"), Recipient("own")
    unsaid = replace(WRITE, place=None).place
    assert isinstance(unsaid, Place) and unsaid.unsaid

    def after(contract: Contract, place: Place, *hearers: Recipient) -> Kept:
        kept = Kept()
        kept.raised(Flow(contract, {"id": Value("x"), "text": Value("y", label([HEALTH]))}, PUBLIC, hearers, place))
        return kept

    box = Place("box", label([ORDER]), ("own",))
    kept = after(WRITE, unsaid, sam)
    assert kept.seen(box, {sam.id: sam}).label == label([ORDER, HEALTH]) and kept.seen(box, {sam.id: sam}).declared == frozenset()
    assert kept.seen(box, {own.id: own}) is box and kept.seen(box, {}) is box
    assert kept.seen(box, {"tool:x": Recipient("tool:x", "", frozenset({UNSAID_ROLE}))}).label == label([ORDER, HEALTH])
    assert kept.seen(replace(box, owner="shop"), {sam.id: sam}).label == label([ORDER])
    assert after(WRITE, unsaid, USER).seen(box, {own.id: own}).label == label([ORDER, HEALTH])
    for other in (after(replace(WRITE, effect=Effect.READ), unsaid, sam), after(WRITE, Place("drafts", PUBLIC, keeps=("health",)), sam)):
        assert other.seen(box, {sam.id: sam}) is box
