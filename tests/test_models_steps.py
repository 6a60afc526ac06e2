"""A plan line by line: what the next line may be follows from what is bound and what the request says."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from errands.world import CONTRACTS, errands, held_out, problems_of, today  # noqa: E402
from gbnf import Walk  # noqa: E402

from discreet.models.grammar import plan_grammar  # noqa: E402
from discreet.models.planner import RECALLABLE, draft, line_tokens_max, offered, with_choices  # noqa: E402
from discreet.models.provider import Grammar, ModelFault, Reply  # noqa: E402
from discreet.models.said import said  # noqa: E402
from discreet.models.scope import paths, scope_of  # noqa: E402
from discreet.models.scripted import Scripted  # noqa: E402
from discreet.models.spans import redact  # noqa: E402
from discreet.models.steps import Step, lines_max, next_step, opening, reachable  # noqa: E402
from discreet.models.wishes import asked_for  # noqa: E402


def tools(request: str):
    return reachable(asked_for(with_choices(offered(CONTRACTS, request), RECALLABLE), request), said(request, today(), RECALLABLE))


def step(request: str, source: str = "") -> Step:
    contracts = tools(request)
    return next_step(scope_of(source, contracts), contracts, said(request, today(), RECALLABLE))


def root(request: str, source: str = "") -> str:
    made = step(request, source)
    assert made.grammar is not None, made
    return made.grammar.text.splitlines()[0].replace('\\"', "'")


MAILS = 'mails = mail.search(sender="Castle Heating")\n'
ITEMS = 'items = shop.search(shop="Elm Chemist", query="soap")\n'


def test_a_name_has_the_shape_and_the_source_of_what_it_was_given():
    scope = scope_of(
        MAILS + 'first = mails[0]\ntext = mail.read(id=first.id)\nr = read(text, "q", {"due": date})\nsize = memory.recall(type="body/shoe-size")\n'
        'good = [m for m in mails if m.unseen]\none = next((m for m in mails if m.unseen), None)\ntotal = 0', CONTRACTS,
    )  # fmt: skip
    bound = scope.bound
    assert bound["mails"].shape.element.name == bound["first"].shape.name == bound["good"].shape.element.name == "Mail"
    assert (bound["text"].origin, bound["size"].origin) == ("mail.read", "memory.recall:body/shoe-size")
    assert bound["r"].shape.fields["due"].kind == "date" and bound["one"].maybe and not bound["total"].origin
    reachable = {path.text: path.origin for path in paths(bound)}
    assert reachable["first.sender"] == "Mail.sender" and reachable["r.due"] == "Answer.due"
    assert "mails[0].sender" not in reachable  # something was picked from it since
    assert not any(text.startswith("one.") for text in reachable)  # it may be None


def test_only_fields_that_a_record_has_and_names_that_are_bound_can_be_written():
    text = step("When is the boiler service that Castle Heating wrote about?", MAILS).grammar.text
    assert "mails[0].subject" in text and "mails[0].start" not in text and "items" not in text


def test_an_id_comes_from_a_record_of_its_own_service():
    line = root("Answer Castle Heating's mail: any day", MAILS + 'events = calendar.list(start=date(2026, 3, 3), end=date(2026, 3, 3))\n')
    assert re.search(r"\"mail\.reply\(\" \"id=\" \(\(\"mails\[0\]\.id\"\)\)", line) and "events[0].id" not in line


def test_an_order_takes_address_and_card_from_facts_of_that_type_and_its_limit_from_the_request():
    line = root("Buy soap at Elm Chemist for at most 9 euros", ITEMS + "item = items[0]\n")
    checkout = line[line.index("shop.checkout") :]
    assert "memory.recall(type='contact/postal-address')" in checkout and "memory.recall(type='finance/payment-token')" in checkout
    assert re.search(r'max_total=" \(\("9"\)\)', checkout) and "quantity=" not in checkout and "size=" not in checkout


def test_an_order_that_goes_to_somebody_goes_to_their_address():
    line = root("Buy soap at Elm Chemist and have it sent to my aunt", 'aunt = contacts.find(name="my aunt")\n' + ITEMS)
    assert re.search(r'address=" \(\("aunt\.address"\)\)', line) and "contact/postal-address" not in line


def test_how_many_and_what_size_are_there_when_the_request_says_so():
    assert 'quantity=" (("3"))' in root("Buy three bars of soap at Elm Chemist", ITEMS)
    worn = "Order boots at Peak & Trail"
    assert opening(said(worn, today(), RECALLABLE), tools(worn)) == 'size = memory.recall(type="body/shoe-size")\n'
    assert 'size=" (("size"))' in root(worn, opening(said(worn, today(), RECALLABLE), tools(worn)) + ITEMS)


def test_the_first_lines_look_up_what_leaves_no_choice():
    request = "Order my usual honey from Harbour Grocers and tell my uncle"
    assert opening(said(request, today(), RECALLABLE), tools(request)) == (
        'wanted = memory.recall(type="preference/product", query="honey")\nuncle = contacts.find(name="my uncle")\n'
    )
    assert 'query=" (("wanted"))' in root(request, 'wanted = memory.recall(type="preference/product", query="honey")\n')


def test_which_one_of_several_is_as_the_request_says():
    line = root("Which kettle at Copper Pot is rated best?", ITEMS)
    assert "max(items, key=lambda x: x.rating)" in line and '"items[0]"' not in line and "min(items" not in line
    chosen = root("Order the cheapest kettle at Copper Pot that is in stock", ITEMS + "fitting = [i for i in items if i.in_stock]\n")
    assert "min(fitting, key=lambda x: x.price)" in chosen and "items[0].id" not in chosen and "(items" not in chosen
    assert "i.rating" not in step("Order a kettle at Copper Pot below 30 euros", ITEMS).grammar.text  # nobody said how many stars


def test_what_the_request_states_of_what_it_wants_is_sifted_by():
    stocked = "Which kettle at Copper Pot is rated best of those in stock?"
    line = root(stocked, ITEMS)
    assert '"[i for i in items if " "i.in_stock"' in line and "max(items" not in line and '"print("' in line
    assert "max(fitting, key=lambda x: x.rating)" in root(stocked, ITEMS + "fitting = [i for i in items if i.in_stock]\n")
    limited = root("Order a kettle at Copper Pot for at most 30 euros", ITEMS)
    assert '"i.price" (" <= " | " < ") ("30")' in limited and '"items[0]"' not in limited and "items[0].id" not in limited


def test_a_condition_is_tested_and_not_sifted_by():
    request = "Order a kettle at Copper Pot if it costs less than 30 euros"
    made = step(request, ITEMS + "item = items[0]\n").grammar.text
    assert '"item.price" cmp ("30")' in made and '"i.price"' not in step(request, ITEMS).grammar.text


def test_what_a_mail_says_is_read_and_not_taken_from_its_subject():
    request = "What is the code that Castle Heating wrote?"
    assert '"print("' not in root(request, MAILS) and '"print("' in root(request, MAILS + "text = mail.read(id=mails[0].id)\n")


def test_nothing_acts_before_what_it_needs_was_looked_up_and_read():
    request = "Tell my uncle what the boat costs, it says so in Castle Heating's mail"
    before = 'uncle = contacts.find(name="my uncle")\n'
    assert "mail.send(" not in root(request, before) and "mail.send(" not in root(request, before + MAILS)
    assert "mail.send(" in root(request, before + MAILS + "text = mail.read(id=mails[0].id)\n")
    entry = "Put the boiler service that Castle Heating wrote about in my calendar"
    assert "calendar.add(" not in root(entry, MAILS + "text = mail.read(id=mails[0].id)\n")


def test_roles_follow_from_the_words_around_a_name():
    known = said("Tell my uncle what Maurice's boat costs, it says so in [[1]]'s mail, and invite my aunt to her birthday", today(), RECALLABLE)
    assert (known.writers, known.hearers, known.guests) == (("[[1]]",), ("my uncle",), ("my aunt",))
    before = 'uncle = contacts.find(name="my uncle")\nperson = contacts.find(name="[[1]]")\n'
    request = "Tell my uncle what the boat costs, it says so in [[1]]'s mail"
    assert 'sender=" (("person.email"))' in root(request, before)
    line = root(request, before + "mails = mail.search(sender=person.email)\ntext = mail.read(id=mails[0].id)\n")
    assert re.search(r'"to=" \(\("uncle\.email"\)\)', line)


def test_nothing_is_looked_up_twice():
    request = "What does my uncle say in his mail about the boat?"
    before = 'uncle = contacts.find(name="my uncle")\n'
    assert "contacts.find(" not in root(request, before) and "mail.search(" in root(request, before)
    assert "mail.search(" not in root(request, before + "mails = mail.search(sender=uncle.email)\n")


def test_a_company_is_no_entry_of_the_address_book_but_somebody_to_write_to_is():
    assert "contacts.find(" not in root("What is the code that Castle Heating wrote?")
    assert "contacts.find(" in root("Tell Maurice that the boat is dry")


def test_what_may_not_be_there_is_asked_for_before_it_is_used():
    request = "Strike the swimming on Friday from my calendar"
    before = 'events = calendar.list(start=date(2026, 3, 6), end=date(2026, 3, 6))\nevent = next((e for e in events if "swim" in e.title.lower()), None)\n'
    assert step(request, before).line == "if event is None:"
    told = before + 'if event is None:\n    print("There is none.")\n'
    assert step(request, told).line == "else:"
    line = root(request, told + "else:\n")
    assert 'id=" (("events[0].id" | "event.id"))' in line or 'id=" (("event.id"' in line


def test_an_entry_that_is_there_is_moved_and_not_added_again():
    assert {"calendar.move", "calendar.list"} <= set(tools("Postpone the swimming on Friday to 7 pm")) and "calendar.add" not in tools("Postpone the swimming on Friday to 7 pm")


def test_a_plan_ends_when_it_has_told_the_user():
    assert step("What is the code that Castle Heating wrote?", MAILS + 'print(f"{mails[0].subject}")\n') == Step()
    many = "".join(f"m{i} = mails[0]\n" for i in range(lines_max))
    assert step("What is the code that Castle Heating wrote?", MAILS + many) == Step()


def test_the_user_is_not_told_before_what_was_asked_for_is_done():
    request = "Put the boiler service that Castle Heating wrote about in my calendar"
    read = MAILS + 'text = mail.read(id=mails[0].id)\nr = read(text, "When?", {"start": datetime})\n'
    assert '"print("' not in root(request, read) and 'start=" ("r.start")' in root(request, read)
    assert '"print("' in root(request, read + 'calendar.add(title="Boiler service", start=r.start)\n')


def test_a_request_that_names_nothing_may_be_asked_back():
    assert '"print(' in root("Send it to her.") and '"print("' in root("Water the lawn.")
    assert '"print("' not in root("what's my passport number again")


def test_a_request_that_points_at_nothing_is_answered_with_a_question():
    assert Walk(step("Send it to her.").grammar.text, random.Random(1)).text().endswith('?")\n')
    assert "?')" in root("Send it to her.") and "?')" not in root("Water the lawn.")


def test_a_place_that_is_gone_to_wrote_no_mail():
    assert "[[1]]" not in root("When does the train to [[1]] leave? The ticket is from Castle Rail.")
    assert "[[1]]" in root("What is the code in the mail from [[1]]?")


def test_a_fact_that_the_request_speaks_of_is_looked_up_under_its_type():
    line = root("what's my passport number again")
    assert "'identity/passport'" in line and "'health/condition'" not in line


def test_when_an_entry_begins_is_what_was_said_or_read():
    assert 'start=" ("datetime(2026, 3, 6, 12, 0)")' in root("tea on Friday at noon, put it in my calendar")
    request = "When does my uncle want the boat? Add a reminder on that day at 7 in the morning."
    before = 'uncle = contacts.find(name="my uncle")\nmails = mail.search(sender=uncle.email)\ntext = mail.read(id=mails[0].id)\nr = read(text, "When?", {"day": date})\n'
    assert "datetime(r.day.year, r.day.month, r.day.day, 7, 0)" in root(request, before)


@pytest.mark.parametrize("errand", errands() + held_out(), ids=lambda errand: errand.id)
def test_every_rule_that_a_step_names_is_there(errand):
    request = redact(errand.request, use_model=False).text
    contracts, known = tools(request), said(request, today(), RECALLABLE)
    for source in (opening(known, contracts), opening(known, contracts) + MAILS + ITEMS + "item = items[0]\nfor m in mails:\n"):
        made = next_step(scope_of(source, contracts), contracts, known)
        rules = dict(line.split(" ::= ", 1) for line in made.grammar.text.splitlines())
        for body in rules.values():
            plain = re.sub(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|\{[\d,]+\}', "", body)
            assert set(re.findall(r"[a-z][a-z0-9_-]*", plain)) <= set(rules), body


def test_a_bound_name_with_an_underscore_makes_no_rule_that_the_runtime_refuses():
    text = step("Tell Maurice that the boat is dry", 'boat_owner = contacts.find(name="Maurice")\n').grammar.text
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", line.split(" ::= ")[0]) for line in text.splitlines())


def by_chance(request: str, seed: int) -> str:
    """A plan of a model that writes anything its grammars let it."""
    chance, contracts, known = random.Random(seed), tools(request), said(request, today(), RECALLABLE)
    source = opening(known, contracts)
    for _ in range(3 * lines_max):
        made = next_step(scope_of(source, contracts), contracts, known)
        line = made.line + "\n" if made.line else Walk(made.grammar.text, chance).text() if made.grammar else ""
        if not line:
            break
        source += line
    return source


@pytest.mark.parametrize("errand", errands(), ids=lambda errand: errand.id)
def test_whatever_is_written_under_the_steps_is_a_plan_that_the_judge_accepts(errand):
    request = redact(errand.request, use_model=False).text
    for seed in range(plans_by_chance):
        source = by_chance(request, seed)
        assert source.strip() and problems_of(source) == [], source


plans_by_chance = 6


class Lines(Scripted):
    """Gives a line a call, as a local model does; remembers what it was sent and held to."""

    continues = True

    def complete(self, messages, shape=None, limits=None):
        self.sent.note(messages)
        self.shapes = [*getattr(self, "shapes", ()), shape]
        self.limits = [*getattr(self, "limits", ()), limits]
        reply = self.left.pop(0) if self.left else ""
        return reply if isinstance(reply, ModelFault) else Reply(reply, tokens_out=9)

    left: list = []


def drafted(request: str, replies: list):
    provider = Lines([])
    provider.left = list(replies)
    return draft(redact(request, use_model=False), CONTRACTS, provider, problems_of, today=today()), provider


def test_a_plan_is_written_line_by_line_and_each_call_goes_on_where_the_last_ended():
    made, provider = drafted("tell my uncle that the boat is dry", ['mail.send(to=uncle.email, subject="Boat", body="The boat is dry.")\n', 'print("I told your uncle.")\n'])
    assert made.accepted and made.samples == 1 and not made.doubts
    assert made.source.startswith('uncle = contacts.find(name="my uncle")\nmail.send(')
    assert [turn[-1].open for turn in provider.sent.turns] == [True, True]
    assert provider.sent.turns[1][-1].content.endswith('body="The boat is dry.")\n')
    assert all(limit.tokens_max == line_tokens_max for limit in provider.limits) and all(isinstance(shape, Grammar) for shape in provider.shapes)


def test_a_grammar_that_the_runtime_refuses_is_done_without():
    whole = 'uncle = contacts.find(name="my uncle")\nmail.send(to=uncle.email, subject="Boat", body="The boat is dry.")\nprint("I told your uncle.")'
    told = "tell my uncle that the boat is dry"
    made, provider = drafted(told, [ModelFault("refused", "status 400"), whole])
    assert made.accepted and provider.shapes[1].text == plan_grammar(asked_for(with_choices(offered(CONTRACTS, told), RECALLABLE), told), told, narrow=True).text


def test_no_step_tells_what_a_handle_stands_for():
    """One request, two meanings of its handle: the grammars are the same (G4.1)."""
    source = 'person = contacts.find(name="[[1]]")\n'
    assert step("tell [[1]] that I am late", source).grammar == step("tell [[1]] that I am late", source).grammar
    shown = [drafted(f"tell {word} that I am late", ['person = contacts.find(name="[[1]]")\n'])[1].shapes for word in ("dr.lee@clinic.example", "AT611904300234573201")]
    assert [shape.text for shape in shown[0]] == [shape.text for shape in shown[1]]


