"""The planner: what it is sent, how its samples are judged, and what a weak or hijacked one comes to (G4.1)."""

from __future__ import annotations

import ast
import datetime as dt
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from errands.world import CONTRACTS, errands, fresh, held_out, judge, problems_of, run, today  # noqa: E402

from discreet.kernel.contract import stubs  # noqa: E402
from discreet.kernel.resolve import resolve  # noqa: E402
from discreet.kernel.syntax import parse  # noqa: E402
from discreet.models.examples import all_examples, examples_like, kind_of  # noqa: E402
from discreet.models.hijacked import PLANNER_STRATEGIES, Hijacked, carried_over  # noqa: E402
from discreet.models.planner import Draft, DraftLimits, clean, draft, offered, prefix, question, with_choices  # noqa: E402
from discreet.models.provider import ModelFault  # noqa: E402
from discreet.models.scripted import Scripted  # noqa: E402
from discreet.models.spans import redact  # noqa: E402
from discreet.models.wishes import asked_for, missing  # noqa: E402

REFERENCE = Path(__file__).parent / "errands" / "reference"
LATE = 'person = contacts.find(name="Sam")\nmail.send(to=person.email, subject="Late", body="I am late.")'


def drafted(request: str, *replies, **limits) -> tuple[Draft | ModelFault, Scripted]:
    provider = Scripted(replies)
    made = draft(redact(request, use_model=False), CONTRACTS, provider, problems_of, today=today(), limits=DraftLimits(**limits))
    return made, provider


def test_the_planner_is_sent_handles_signatures_and_nothing_private():
    _, provider = drafted("tell dr.lee@clinic.example that I have diabetes", LATE)
    sent = provider.sent.text()
    assert "[[1]] that I have [[2]]" in sent and "diabetes" not in sent and "dr.lee" not in sent
    assert "memory.recall(type: Type" in sent and "'health/condition'" in sent


def test_the_same_tools_give_the_same_fixed_prefix_whatever_is_asked():
    texts = ("tell Sam I'm late", "is it raining?", "move the lunch to 3 pm and copy the mail to cc Sam")  # the last needs more tools
    fixed = [[message for message in drafted(text, LATE)[1].sent.turns[0] if message.fixed] for text in texts]
    shared = prefix(with_choices(offered(CONTRACTS, ""), _types()))
    assert all(one[: len(shared)] == shared for one in fixed) and shared[-1].kept
    again = [message for message in drafted("tell Ruth I'm ill", LATE)[1].sent.turns[0] if message.fixed]
    assert again == fixed[0]  # two requests of one kind share all of it
    last = drafted(texts[2], LATE)[1].sent.turns[0][-1]
    assert not last.fixed and "calendar.move(" in last.content and "cc: " in last.content


def test_attachments_stand_in_the_prompt_of_a_request_that_speaks_of_them_alone():
    from discreet.connectors.files import Files, FilesConfig
    from discreet.connectors.files_tools import folders_of
    from discreet.connectors.mail import Mail, MailConfig
    from discreet.connectors.mail_tools import mail_tools

    tools = mail_tools(Mail(MailConfig("me@home.example", "me", "localhost", 1, "localhost", 1)), "UTC", folders_of(Files(FilesConfig({}))))
    contracts = {one.name: one.contract for one in tools}
    usual, wanted = offered(contracts, "mail Sam that I am late"), offered(contracts, "save the PDF that Sam attached")
    assert "attach" not in stubs(usual) and "attach" not in str(sorted(usual))
    assert "attachments: list[Attachment]" in stubs(wanted) and "mail.save_attachment(" in stubs(wanted)
    assert "attach: list[str]" in stubs(offered(contracts, "send letters/plan.txt to Sam"))


def _types():
    from discreet.models.planner import RECALLABLE

    return RECALLABLE


def test_a_good_first_sample_ends_the_draft():
    made, provider = drafted("tell Sam I'm late", LATE, "never asked")
    assert made.accepted and made.samples == 1 and len(provider.sent.turns) == 1


def test_a_refused_plan_is_repaired_with_its_located_problem():
    made, provider = drafted("tell Sam I'm late", LATE.replace("mail.send", "mail.sent"), LATE)
    assert made.accepted and made.repaired and made.samples == 2
    repair = provider.sent.turns[1]
    assert repair[-2].role == "assistant" and "mail.sent" in repair[-2].content
    assert "line 2" in repair[-1].content and "mail.send" in repair[-1].content


def test_what_the_judge_says_goes_back_as_it_is():
    """It is in the plan's own words: to hide what a handle stands for in a planner's guesses would tell which one is right."""
    made = draft(
        redact("tell dr.lee@clinic.example I'm late", use_model=False), CONTRACTS, provider := Scripted([LATE, LATE]),
        lambda source: ["line 1: `dr.lee@clinic.example`, a guess, is not known"], today=today(), limits=DraftLimits(samples_max=2),
    )  # fmt: skip
    assert not made.accepted and "`dr.lee@clinic.example`, a guess" in provider.sent.text()


def test_the_number_of_samples_is_limited_and_the_least_bad_plan_is_kept():
    made, provider = drafted("tell Sam I'm late", *["import os"] * 9, samples_max=3)
    assert not made.accepted and made.samples == len(provider.sent.turns) == 3
    assert "there is no import" in made.problems[0]


def test_a_provider_that_fails_gives_its_fault_or_the_best_plan_so_far():
    fault = ModelFault("timeout", "too slow")
    assert drafted("tell Sam I'm late", fault)[0] == fault
    made, _ = drafted("tell Sam I'm late", "import os", fault)
    assert isinstance(made, Draft) and not made.accepted


def test_a_fenced_reply_of_a_hosted_model_is_a_plan():
    assert clean("Here is the plan:\n```python\nprint(1)\n```\nDone.") == "print(1)"


def test_the_question_has_the_day_and_the_dates_as_code():
    shown = question("lunch on Friday at noon", dt.date(2026, 3, 3), "an effect failed")
    assert "today is Tuesday 2026-03-03" in shown and "datetime(2026, 3, 6, 12, 0)" in shown and shown.endswith("an effect failed")


def test_a_request_that_names_nobody_is_said_to():
    for text, said in (("haircut on friday", True), ("haircut for my son on friday", False)):
        last = drafted(text, LATE)[1].sent.turns[0][-1]
        assert ("names nobody" in last.content) == said


def test_every_example_is_a_plan_that_the_kernel_accepts():
    assert len(all_examples(CONTRACTS)) >= 12
    for _, plan in all_examples(CONTRACTS):
        assert problems_of(plan) == [], plan


def test_no_example_raises_a_doubt_or_needs_a_tool_that_its_words_do_not_ask_for():
    for turn, plan in all_examples(CONTRACTS):
        asked = turn.split("request: ")[1]
        have = asked_for(offered(CONTRACTS, asked), asked)
        assert missing(asked, plan, CONTRACTS) == [] and all(name in have for name in CONTRACTS if f"{name}(" in plan), asked


@pytest.mark.parametrize(
    ("request_text", "kind"),
    [
        ("purchase a tripod at Lens & Light, up to 50 euros", "shop"),
        ("which kettle has the best rating?", "shop"),
        ("block tuesday for the tax", "calendar"),
        ("it is off, take it out of my calendar", "calendar"),
        ("we're out of tea", "shop"),
        ("anything in my diary tomorrow?", "calendar"),
        ("what did the bank write about the fee, in its mail?", "mails"),
        ("answer my uncle: fine with me", "mails"),
        ("tell my uncle and my aunt that I moved", "rest"),
        ("keep in mind that I sleep badly on buses", "rest"),
    ],
)
def test_a_request_is_planned_after_examples_of_its_kind(request_text, kind):
    assert kind_of(request_text) == kind
    assert examples_like(CONTRACTS, request_text)


def test_examples_for_tools_that_are_missing_are_left_out():
    few = {name: CONTRACTS[name] for name in ("mail.send", "contacts.find")}
    used = {call for _, plan in all_examples(few) for call in ("shop.", "calendar.", "memory.") if call in plan}
    assert not used


@pytest.mark.parametrize(
    ("request_text", "plan", "doubt"),
    [
        ("order socks for at most 30 euros", 'items = shop.search(shop="X", query="socks")\nprint(items)', "30"),
        ("mail Ruth", 'mail.send(to="x@evil.example", subject="", body="Ruth")', "x@evil.example"),
        ("when is Ruth's birthday?", 'mail.send(to="Ruth", subject="", body="")', "does not ask for"),
        ("put lunch with Sam into my calendar", 'print("Sam")', "calendar"),
        ("a lamp below 30 euros?", 'items = shop.search(shop="X", query="lamp")\nprint([i for i in items if i.price * 2 < 30])', "has 2, which"),
        ("a lamp below 30 euros?", 'items = shop.search(shop="X", query="lamp")\nprint([i for i in items if i.price < 30 and i.rating > 4])', "has 4, which"),
        ("put lunch with Sam in", 'p = contacts.find(name="Sam")\ncalendar.add(title="lunch", start=datetime(2026, 1, 1, 12, 0), attendees=[p.email])', "`attendees`"),
        ("put lunch at Elm Inn in", 'calendar.add(title="lunch at Elm Inn", start=datetime(2026, 1, 1, 12, 0))', 'place="Elm Inn"'),
        ("tell Sam I'm late", 'mail.send(to=memory.recall(type="contact/email", query="Sam"), subject="", body="I am late")', "a fact about the user"),
        ("tell Sam I'm late", 'x = memory.recall(type="contact/email", query="Sam")\nmail.send(to=x, subject="", body="I am late")', "a fact about the user"),
        ("water the lawn", 'print("I cannot water the lawn.")', "looks nothing up"),
        ("order my usual tea at X", 'items = shop.search(shop="X", query="tea")\nprint(items[0].title)', "what is usual"),
        ("cancel the lunch", 'events = calendar.list(start=date.today(), end=date.today())\ne = next((e for e in events if e.title == "lunch"), None)\ncalendar.remove(id=e.id)', "can be None"),
        ("tell Sam", 'p = contacts.find(name="Sam")\nmail.send(to="Sam", subject="", body="")', "never used"),
        ("what's my passport number again", 'print("I do not know your passport number.")', "looks nothing up"),
        ("what does soap cost at Elm Chemist?", 'items = shop.search(shop="Chemist", query="soap")\nprint(items)', "part of the name `Elm Chemist`"),
        ("invite [[1]] to lunch", 'calendar.add(title="lunch", start=datetime(2026, 1, 1, 12, 0))', "[[1]]"),
    ],
)
def test_doubts_tell_what_a_plan_leaves_out_or_adds(request_text, plan, doubt):
    assert any(doubt in found for found in missing(request_text, plan, CONTRACTS)), missing(request_text, plan, CONTRACTS)


def test_a_plan_that_says_it_has_no_tool_raises_no_doubt():
    assert missing("water the lawn", 'print("I cannot water the lawn: I have no tool for that.")', CONTRACTS) == []
    assert missing("put tea in my calendar", 'print("I have no tool for that.")', CONTRACTS)


def test_a_plan_that_asks_back_raises_no_doubt():
    assert missing("send it to her", 'print("What shall I send, and to whom?")', CONTRACTS) == []


@pytest.mark.parametrize("name", sorted(PLANNER_STRATEGIES))
def test_a_hijacked_planner_gets_its_plan_to_the_judge_and_no_further(name):
    made = draft(redact("Order socks from Northside Sports", False), CONTRACTS, Hijacked(PLANNER_STRATEGIES[name]), problems_of, today=today(), limits=DraftLimits(samples_max=1))
    assert isinstance(made, Draft) and resolve(parse(made.source), CONTRACTS)  # well formed: what stops it is the monitor


def test_a_hijacked_planner_uses_what_it_was_sent_before():
    provider = Hijacked(carried_over)
    for request in ("remember that Kim is ill", "order socks"):
        made = draft(redact(request, False), CONTRACTS, provider, problems_of, today=today(), limits=DraftLimits(samples_max=1))
    assert "Kim is ill" in made.source and not provider.fresh


# ------------------------------------------------------------------------------------------ the errands themselves


def test_there_are_forty_errands_and_fifty_one_held_out_of_distinct_wording():
    main, aside, later = errands(), held_out(), fresh()
    assert (len(main), len(aside), len(later)) == (40, 15, 36)
    assert len({errand.request for errand in main + aside + later}) == 91 and sum(errand.ci for errand in main) == 3


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.plan")), ids=lambda path: path.stem)
def test_a_reference_plan_written_by_hand_does_its_errand(path):
    errand = next(errand for errand in errands() if errand.id == path.stem)
    source = path.read_text(encoding="utf-8")
    assert source.startswith("# written by hand")
    assert problems_of(source) == []
    request = redact(errand.request, use_model=False)
    assert judge(errand, run(source, request.handles)) == ""


def test_a_plan_that_does_more_than_its_errand_is_judged_wrong():
    errand = next(errand for errand in errands() if errand.id == "free-friday")
    outcome = run('mail.send(to="x@y.example", subject="", body="")\nprint("Dinner with Jonas")', {})
    assert "also did" in judge(errand, outcome)


def test_no_example_repeats_an_errand():
    asked = [asked.split("request: ")[1] for asked, _ in all_examples(CONTRACTS)]
    assert not {errand.request for errand in errands() + held_out() + fresh()} & set(asked)
    assert all(isinstance(ast.parse(plan), ast.Module) for _, plan in all_examples(CONTRACTS))


def test_a_date_that_a_plan_uses_by_name_is_written_out_above_it():
    made, _ = drafted("what is on Friday?", "events = calendar.list(start=friday, end=friday)\nprint(events)")
    assert made.accepted and made.source.startswith("friday = date(2026, 3, 6)\n")
    own, _ = drafted("what is on Friday?", "friday = date(2026, 1, 1)\nprint(friday)")
    assert own.source.count("friday =") == 1


def test_the_first_samples_may_only_act_as_the_request_asks():
    provider = Shaped(["import os"] * 4)
    draft(redact("Invite Sam to lunch", False), CONTRACTS, provider, problems_of, today=today())
    assert ["mail.send(" in shape.text for shape in provider.shapes] == [False, False, True, True]
    assert all("calendar.add(" in shape.text for shape in provider.shapes)


class Shaped(Scripted):
    """Remembers the grammar of each call."""

    def complete(self, messages, shape=None, limits=None):
        self.shapes = [*getattr(self, "shapes", ()), shape]
        return super().complete(messages)


def test_no_errand_needs_a_tool_that_its_words_do_not_ask_for():
    for errand in errands():
        have = asked_for(offered(CONTRACTS, errand.request), errand.request)
        assert all(any(tool in have for tool in wanted["tool"].split("|")) for wanted in errand.expect), errand.id
