"""Slips of small models that are set right, and what is left as it is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from errands.world import CONTRACTS, problems_of, today  # noqa: E402

from discreet.models.mend import mend  # noqa: E402
from discreet.models.planner import draft  # noqa: E402
from discreet.models.scripted import Scripted  # noqa: E402
from discreet.models.spans import Redacted  # noqa: E402

ADDRESS = {"[[1]]": "info@pool.example"}


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ('print("Rent" in x.lower())', "print('rent' in x.lower())"),
        ('print(x.lower() == "Rent")', "print(x.lower() == 'rent')"),
        ('mails = mail.search()\nm = next((m for m in mails if m.id), None)\nprint(m.id)', "mails = mail.search()\nm = next((m for m in mails if m.id), mails[0])\nprint(m.id)"),
        ('p = contacts.find(name="[[1]]")\nmail.send(to=p.email, subject="a", body="b")', "mail.send(to='[[1]]', subject='a', body='b')"),
    ],
)
def test_a_slip_is_set_right(plan, expected):
    assert mend(plan, ADDRESS) == expected


@pytest.mark.parametrize(
    "plan",
    [
        'print("Rent" in x)',
        "mails = mail.search()\nm = next((m for m in mails if m.id), None)\nif m is None:\n    print(1)",
        "events = calendar.list()\ne = next((e for e in events if e.id), None)\ncalendar.remove(id=e.id)",  # an act is never given another object
        'p = contacts.find(name="[[2]]")\nmail.send(to=p.email, subject="a", body="b")',
        'p = contacts.find(name="[[1]]")\nmail.send(to=p.email, subject=p.name, body="b")',
        "not a plan (",
    ],
)
def test_what_is_no_slip_stays_as_it_is_written(plan):
    assert mend(plan, ADDRESS) == plan


READS = ("contacts.find", "mail.search")


def test_a_look_up_that_nothing_uses_is_left_out():
    plan = 'p = contacts.find(name="Sam")\nmails = mail.search(sender="Harbour")\nprint(mails[0].subject)'
    assert mend(plan, {}, READS) == "mails = mail.search(sender='Harbour')\nprint(mails[0].subject)"
    assert mend(plan, {}) == plan


@pytest.mark.parametrize(
    "plan",
    [
        'p = contacts.find(name="Sam")\nprint("found")',  # the only call: without it nothing at all is done
        'p = contacts.find(name="Sam")\nsent = mail.send(to=p.email, subject="a", body="b")\nprint("sent")',  # an act is never left out
    ],
)
def test_what_acts_or_is_all_there_is_stays(plan):
    assert mend(plan, {}, READS) == plan


def test_a_planner_is_never_shown_what_a_handle_made_of_its_plan():
    """What stands for `[[1]]` would else be told by the mended plan (G4.1)."""
    first = 'p = contacts.find(name="[[1]]")\nmail.send(to=p.email, subject="a", body="b")\nunused = 1'
    provider = Scripted([first, first.replace("\nunused = 1", "")])
    made = draft(Redacted("mail [[1]] a b", ADDRESS), CONTRACTS, provider, problems_of, today=today())
    assert "contacts.find" not in made.source and "contacts.find" in made.written
    shown = [message.content for message in provider.sent.turns[1][-2:]]
    assert shown[0] == first and "line 3: `unused`" in shown[1]  # as its own plan counts lines
