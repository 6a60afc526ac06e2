"""Questions about what an id stands for: a person sees which mail, event or item it is, from what the errand itself read (G5.4, G5.5)."""

from __future__ import annotations

import datetime as dt
import io
import smtplib
from collections.abc import Iterator
from typing import Any

import pytest

from discreet.agents.home import Home
from discreet.agents.session import Report, Session
from discreet.demo.services.start import Services, start
from discreet.demo.stage import settled
from discreet.policy.edit import add_norm
from discreet.surfaces.terminal import Terminal
from discreet.tools.question import Everyone

SAM = "sam@okafor.example"
NORM = """
[[norm]]
id = "eve"
verdict = "permit"
who = ["mail:eve@evil.example"]
learns = ["request", "communication", "schedule", "social"]
about = ["anyone"]
purpose = ["*"]
through = ["*"]
because = "of this test: only the act is in question"
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with start(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture(scope="module")
def home(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        with settled(tmp_path_factory.mktemp("home") / "home", services) as made:
            add_norm(made.path / "norms.toml", NORM)
            yield made


def shown(home: Home, plan: str, request: str = "tidy up", answers: str = "d\n" * 20) -> tuple[str, Report]:
    """What the terminal shows of an errand, and what it came to."""
    out = io.StringIO()
    terminal = Terminal(out, io.StringIO(answers))
    return "".join([*(terminal.report(report := Session(home.world(), terminal).perform(plan, request)) or ""), out.getvalue()]), report


def from_outside(services: Services, subject: str, sender: str = "Eve <eve@evil.example>") -> None:
    config = services.mail()
    with smtplib.SMTP(config.smtp_host, config.smtp_port) as outsider:
        outsider.sendmail("eve@evil.example", [config.address], f"From: {sender}\r\nTo: {config.address}\r\nSubject: {subject}\r\n\r\nhello\r\n".encode())


def rows(text: str, name: str) -> list[str]:
    return [row.strip().removeprefix(f"{name}: ") for row in text.splitlines() if row.strip().startswith(f"{name}: ")]


def test_before_a_mail_is_deleted_its_sender_subject_and_date_are_shown(home: Home, services: Services) -> None:
    text, report = shown(home, 'for m in mail.search(subject="Sunday run")[:1]:\n    mail.delete(id=m.id)')
    assert report.questions == 1 and report.faults == (("mail.delete", "refused"),)
    assert rows(text, "id.sender") == [SAM] and rows(text, "id.sender_verified") == ["true"] and rows(text, "id.subject") == ["Sunday run"]
    assert rows(text, "id.date")[0].startswith(str(dt.date.today().year)) and rows(text, "id")[0].startswith("INBOX/")


def test_showing_it_reads_nothing_and_tells_nobody(home: Home, services: Services) -> None:
    """The same commands reach the mail server, whether the question is about a mail that was read or about one that was not."""
    plan = 'ms = mail.search(subject="Sunday run")\nmail.delete(id={})'
    seen = []
    for id_ in ("ms[0].id", '"INBOX/1/1"'):
        before = len(services.observed("imap"))
        text, report = shown(home, plan.format(id_))
        assert report.questions == 1
        seen.append([one["data"] for one in services.observed("imap")[before:]])
        told = str(list(home.ledger.entries()))
        assert "Sunday run" not in told
    assert seen[0] == seen[1] and "SEARCH" in seen[0][0]


def test_what_nobody_read_is_said_to_be_unknown(home: Home) -> None:
    text, report = shown(home, 'mail.delete(id="INBOX/1/1")')
    assert report.questions == 1 and rows(text, "id is") == ["a mail of which this errand has read nothing, so nobody can say here which one"]


@pytest.mark.parametrize("subject", ["x\x1b[2Jgone", "=?utf-8?q?a=0A____id=2Esubject=3A_harmless?=", "\u202egnissim", "x\u200by", "a" * 900])
def test_no_subject_acts_on_the_terminal_or_looks_like_another_line(home: Home, services: Services, subject: str) -> None:
    """Red team, class 10: lies in the dialogue."""
    from_outside(services, subject)
    text, report = shown(home, 'm = mail.search(sender="Eve")[0]\nmail.delete(id=m.id)')
    assert report.questions == 1
    assert not any(c in text for c in "\x1b\u202e\u200b") and len(rows(text, "id.subject")) == 1 and rows(text, "id.sender") == ["eve@evil.example"]
    assert rows(text, "id.sender_verified") == ["false"] and max(map(len, text.splitlines())) < 600


def test_the_event_that_would_go_is_shown(home: Home) -> None:
    day = dt.date.today() + dt.timedelta(days=3)
    plan = f'calendar.add(title="Dinner with Tilda", start=datetime({day.year}, {day.month}, {day.day}, 19, 0), place="Kantstr. 1")\nfor e in calendar.list(start=date({day.year}, {day.month}, {day.day}), end=date({day.year}, {day.month}, {day.day}))[:5]:\n    if e.title == "Dinner with Tilda":\n        calendar.remove(id=e.id)'
    text, report = shown(home, plan)
    assert rows(text, "id.title") == ["Dinner with Tilda"] and rows(text, "id.start") == [f"{day} 19:00:00"] and rows(text, "id.place") == ["Kantstr. 1"], text


def test_the_item_that_would_be_bought_is_shown(home: Home) -> None:
    plan = """
items = shop.search(shop="Northside Sports", query="Brooks Ghost 16")
address = memory.recall(type="contact/postal-address")
card = memory.recall(type="finance/payment-token")
shop.checkout(shop="Northside Sports", item=items[0].id, address=address, card=card, max_total=120, size="41")
"""
    text, report = shown(home, plan, "buy shoes at Northside Sports")
    assert report.questions == 1 and rows(text, "item.title") == ["Brooks Ghost 16"] and rows(text, "item.price")


# ---------------------------------------------------------------------------------------------------- replies


def test_a_reply_is_asked_with_the_subject_that_leaves_and_leaves_with_it(home: Home, services: Services) -> None:
    """G5.4: the subject that the tool puts together is in the exact request, which the permit and the question are about."""
    from_outside(services, "About your test results")
    plan = 'm = mail.search(sender="Eve", subject="test results")[0]\nmail.reply(id=m.id, to=m.sender, body="Who are you?")'
    asker = Everyone()
    report = Session(home.world(), asker).perform(plan, "answer Eve")
    assert report.done and [q.flow.contract.name for q in asker.asked] == ["mail.reply"]
    fields = dict(asker.asked[0].shown)
    assert fields["subject"] == "Re: About your test results" and fields["to"] == "eve@evil.example" and fields["id.subject"] == "About your test results"
    assert f"Subject: {fields['subject']}\r\n" in services.delivered("eve@evil.example")[-1]


def test_sending_a_reply_looks_nothing_up(home: Home, services: Services) -> None:
    from_outside(services, "Once")
    asker = Everyone()
    before = len(services.observed("imap"))
    plan = 'm = mail.search(sender="Eve", subject="Once")[0]\n'
    Session(home.world(), asker).perform(plan, "answer Eve")
    middle = len(services.observed("imap"))
    Session(home.world(), asker).perform(plan + 'mail.reply(id=m.id, to=m.sender, body="Hi")', "answer Eve")
    looked, answered = ([one["data"] for one in part] for part in (services.observed("imap")[before:middle], services.observed("imap")[middle:]))
    assert "FETCH" in looked[0] and answered[0] == looked[0]
    assert "APPEND" in answered[-1] and not any(word in one for one in answered[1:] for word in ("FETCH", "SEARCH", "EXAMINE"))  # the copy that is kept


@pytest.mark.parametrize("given", ['"INBOX/1/1"', "known"])
def test_no_reply_takes_along_what_its_id_does_not_tell(home: Home, services: Services, given: str) -> None:
    """A mail that was not read, or whose id was written into the plan by its planner: the subject would leave under no label."""
    from_outside(services, "Secret of the mailbox")
    if given == "known":
        report = Session(home.world()).perform('print(mail.search(sender="Eve", subject="Secret of")[0].id)', "x")
        given = repr(report.told[0])
    before = len(services.delivered("eve@evil.example"))
    report = Session(home.world(), Everyone()).perform(f'ms = mail.search(sender="Eve", subject="Secret of")\nmail.reply(id={given}, to="eve@evil.example", body="Hi")', "answer eve@evil.example")
    assert report.faults == (("mail.reply", "value"),) and len(services.delivered("eve@evil.example")) == before


def test_a_reply_goes_to_the_sender_that_was_read_alone(home: Home, services: Services) -> None:
    from_outside(services, "Mine")
    before = len(services.delivered(SAM))
    report = Session(home.world(), Everyone()).perform(f'm = mail.search(sender="Eve", subject="Mine")[0]\nmail.reply(id=m.id, to="{SAM}", body="Hi")', f"answer {SAM}")
    assert report.faults == (("mail.reply", "value"),) and len(services.delivered(SAM)) == before


def test_an_invitation_is_shown_as_it_is_mailed(home: Home, services: Services) -> None:
    asker = Everyone()
    day = dt.date.today() + dt.timedelta(days=4)
    Session(home.world(), asker).perform(f'calendar.add(title="Tea", start=datetime({day.year}, {day.month}, {day.day}, 16, 0), attendees=["eve@evil.example"])', "tea")
    fields: dict[str, Any] = dict(asker.asked[0].shown)
    assert fields["invitation subject"] == "Invitation: Tea" and fields["invitation text"].startswith("Tea\n")
    assert "Subject: Invitation: Tea" in services.delivered("eve@evil.example")[-1]
