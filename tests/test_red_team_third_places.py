"""Breaks about where things show and who is behind an address, found by somebody who read the source, each beside an honest one that must go on."""

from __future__ import annotations

import imaplib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from discreet.agents.home import _addresses
from discreet.agents.people import directory
from discreet.agents.planning import planner
from discreet.agents.providers import apart, provider, recipient
from discreet.agents.reader_tool import memory_of, reader_tool
from discreet.agents.session import Session
from discreet.connectors.errors import InvalidArgument
from discreet.connectors.mail import Mail, MailConfig
from discreet.connectors.mail_folders import SOMEBODY
from discreet.connectors.mail_message import parse as parse_mail
from discreet.connectors.mail_tools import mail_tools
from discreet.connectors.settings import check
from discreet.demo.services.start import Services
from discreet.evidence.world import Seen, Setting, State, observe, session_of
from discreet.kernel.contract import NOPLACE, Contract, Recipient
from discreet.kernel.errors import DiscreetError
from discreet.kernel.shape import text
from discreet.kernel.value import Standing
from discreet.ledger.accounts import Exhausted, Want, account_of, reserve
from discreet.ledger.chain import Ledger
from discreet.ledger.knows import not_learnt
from discreet.policy.decide import Index
from discreet.policy.load import combine, defaults, parse
from discreet.tools.directory import Directory, Entry
from discreet.tools.question import Question, Reply
from discreet.tools.registry import Tool, tool
from tests.services.hostile import hostile
from tests.test_red_team import CONTRACTS, FIXED, PEOPLE, SAM, SECRETS, Account
from tests.test_red_team import services as in_memory

pytest_plugins = ["tests.services.fixtures"]

DOCTOR = Entry("person:miriam@clinic.example", "Miriam", frozenset({"clinician"}), (("mail", "miriam@clinic.example"),))
MESSAGES = """
[[norm]]
id = "sam-hears-messages"
verdict = "permit"
who = ["friend & resolved"]
learns = ["communication", "schedule"]
about = ["user"]
purpose = ["correspondence"]
through = ["mail.send"]
because = "he may read my mail"
"""


def setting(tools: Any, request: str, norms: str = MESSAGES, people: tuple[Entry, ...] = PEOPLE, answer: Reply = Reply.DENY) -> Setting:
    """A world in which the user answers `answer`, and of what Sam would hear always no."""

    def answered(question: Question) -> Reply:
        return Reply.DENY if SAM in {who.id for who in question.flow.recipients} else answer

    return Setting("red", tools, Index(combine(defaults(), parse(norms)).norms), people, FIXED, SECRETS, request, answered)


def health(state: State) -> Tool:
    fact = Contract("me.health", "", (), text(("health/condition", "user"), max=50), purpose="lookup", place=NOPLACE, recipients=())
    return tool(fact, lambda: state.secrets["secret"])


# ------------------------------------------------------------------------------- what comes back to the user (G2.6)


CONFIG = {"person": {"email": "nora@home.example", "addresses": ["n.adler@club.example"]}, "mail": {"address": "nora@x.example"}}
ME = Entry("user", "you", frozenset({"user"}), tuple(("mail", one) for one in _addresses(CONFIG)))
OWN = ["nora@x.example", "nora@home.example", "N.Adler@club.example", "nora+notes@home.example", "nadler@club.example"]


def coming_back(state: State) -> list[Tool]:
    """One mailbox for all addresses of the user's own, and an invitation is a mail."""
    got: list[tuple[str, str]] = []

    def send(to: str, subject: str, body: str, cc: Any = ()) -> dict[str, Any]:
        got.extend((subject, body) for one in (to, *cc) if one in OWN)
        return {"message_id": "x", "copy_kept": False}

    def add(title: str, start: Any, attendees: Any = (), **_: Any) -> dict[str, Any]:
        got.extend((title, title) for one in attendees if one in OWN)
        return {"id": "e", "title": title, "start": start, "end": start, "place": "", "invited": True}

    def search(**_: Any) -> list[dict[str, Any]]:
        shown = {"sender": "nora@x.example", "sender_name": "", "sender_verified": True, "date": None, "unseen": False, "attachments": []}
        return [{"id": str(number), "subject": subject, **shown} for number, (subject, _) in enumerate(got)]

    own = [tool(CONTRACTS["mail.send"], send), tool(CONTRACTS["calendar.add"], add), tool(CONTRACTS["mail.search"], search), tool(CONTRACTS["mail.read"], lambda id: got[int(id)][1])]
    return [*(one for one in in_memory(state) if one.name not in {t.name for t in own}), health(state), *own]


READ_ON = 'mail.send(to=contacts.find(name="Sam").email, subject="new", body=mail.read(id=mail.search()[0].id))'


def views(plan: str, answer: Reply = Reply.DENY) -> list[Seen]:
    made = setting(coming_back, f"Mail {', '.join(OWN)} my condition, and mail Sam what is new in my mailbox", people=(*PEOPLE, DOCTOR, ME), answer=answer)
    return [observe(made, f"{plan}\n{READ_ON}", variant) for variant in "ab"]


@pytest.mark.parametrize("to", OWN)
def test_mail_to_any_address_of_ones_own_is_read_again_as_what_it_holds(to: str) -> None:
    one, other = views(f'mail.send(to="{to}", subject="note", body=me.health())', Reply.ONCE)
    assert one.of(SAM) == other.of(SAM) == ()


def test_an_invitation_to_an_address_of_ones_own_is_read_again_as_what_it_holds() -> None:
    one, other = views('calendar.add(title=me.health(), start=datetime(2026, 3, 3, 9), attendees=["nora@home.example"])', Reply.ONCE)
    assert one.of(SAM) == other.of(SAM) == ()


def test_plain_mail_to_oneself_is_passed_on_unasked() -> None:
    for seen in views('mail.send(to="nora@home.example", subject="note", body="buy milk")'):
        assert "buy milk" in str(seen.of(SAM)) and not seen.questions


@pytest.mark.parametrize("to", ['"miriam@clinic.example"', 'contacts.find(name="Miriam").email'])
def test_a_health_mail_to_a_doctor_leaves_the_mailbox_as_it_was(to: str) -> None:
    def tools(state: State) -> list[Tool]:
        find = tool(CONTRACTS["contacts.find"], lambda name: {"name": name, "email": f"{name.lower()}@{'clinic' if name == 'Miriam' else 'x'}.example", "phone": "", "address": "", "birthday": None})
        return [*(one for one in in_memory(state) if one.name != "contacts.find"), find, health(state)]

    made = setting(tools, "Mail Miriam (miriam@clinic.example) how I am", people=(*PEOPLE, DOCTOR, ME), answer=Reply.ONCE)
    held = session_of(made, "a")
    report = held.session.perform(f'mail.send(to={to}, subject="how I am", body=me.health())', made.request)
    assert report.done, (report.problems, report.faults)
    assert "mail" not in held.session.world.kept.labels
    assert "be kept in" not in str([question.reasons for question in held.asker.asked])


def test_the_users_other_addresses_are_a_setting() -> None:
    check(CONFIG | {"mail": {**CONFIG["mail"], "user": "n", "imap_host": "h", "imap_port": 1, "smtp_host": "h", "smtp_port": 1}})
    assert "n.adler@club.example" in _addresses(CONFIG)


# --------------------------------------------------------------------------------- who reads a folder (G5.1, G1.1)


class Server:
    """What a mail server says of who reads its folders (tests/test_connectors_dovecot.py asks a real one), and who then sees what is moved there."""

    TOLD = {"Archive": (), "Team": ("mail:sam@x.example",), "Shared/Team": (SOMEBODY,)}

    def readers(self, *folders: str | None) -> tuple[str, ...]:
        told = [self.TOLD.get(one, (SOMEBODY,)) if one else tuple(who for all_ in self.TOLD.values() for who in all_) for one in folders]
        return tuple(dict.fromkeys(who for one in told for who in one))


class Mailbox(Account, Server):
    def readers(self, *folders: str | None) -> tuple[str, ...]:
        return Server.readers(self, *folders)


MOVE = next(one.contract for one in mail_tools(Mailbox()) if one.name == "mail.move")  # type: ignore[arg-type]


def shared(state: State) -> list[Tool]:
    def move(id: str, folder: str) -> dict[str, Any]:
        for who in Server().readers(folder):
            state.tell(who, state.secrets["secret"])
        return {"moved": True}

    return [*(one for one in in_memory(state) if one.name != "mail.move"), tool(MOVE, move)]


COMPUTED = 'x = "Arch" + "ive" if len(mail.search()) > 3 else {folder}\nmail.move(id="1", folder=x)'


@pytest.mark.parametrize("plan", ['mail.move(id="1", folder={folder})', COMPUTED, 'x = f"{{mail.search()[0].subject}}"\nmail.move(id="1", folder=x.replace("hi", {folder}))'])
@pytest.mark.parametrize("folder", ['"Team"', '"Shared/Team"', '"No such"'])
def test_a_mail_is_not_moved_to_where_others_read_unasked(folder: str, plan: str) -> None:
    made = setting(shared, f"Move the mail 1 to {folder}", norms="")
    for variant in "ab":
        seen = observe(made, plan.format(folder=folder), variant)
        assert seen.of(SAM) == seen.of(SOMEBODY) == ()


def test_who_reads_a_folder_hears_what_is_moved_there() -> None:
    """Sam may hear messages, by a norm of the user's that names him; the user is asked, since he is nobody whom the request names."""
    norms = MESSAGES.replace('"friend & resolved"', f'"{SAM}"').replace('"correspondence"', '"storage"').replace("mail.send", "mail.move").replace('"schedule"', '"request"')
    held = session_of(replace(setting(shared, "Move the mail 1 to Team", norms=norms), answer=lambda _: Reply.ONCE), "a")
    report = held.session.perform('mail.move(id="1", folder="Team")', "Move the mail 1 to Team")
    assert report.done and [SAM in {who.id for who in question.flow.recipients} for question in held.asker.asked] == [True]
    assert SAM in {party.id for record in held.ledger.records for party in record.entry.parties}


def test_a_mail_is_moved_to_a_folder_of_ones_own_unasked() -> None:
    for seen in (observe(setting(shared, "Move the mail 1 to Archive", norms=""), 'mail.move(id="1", folder="Archive")', variant) for variant in "ab"):
        assert not seen.faults and not seen.questions


def test_no_planner_hears_who_reads_a_folder() -> None:
    heard = {str(session_of(setting(shared, "Move the mail 1 to Archive", norms="")).session.problems(f'mail.move(id="1", folder="{folder}")', "Move the mail 1 to Archive")) for folder in Server.TOLD}
    assert heard == {"[]"}


@pytest.mark.parametrize("answer", [
    b"* NAMESPACE ((\"\" \"/\")) NIL\r\n", b"* NAMESPACE (((\r\n", b"* NAMESPACE NIL NIL ((\"\" \"/\"))\r\n", b"", b"* BAD\r\n", b"CLOSE",
])
def test_a_server_that_does_not_say_who_reads_names_somebody(answer: bytes) -> None:
    told = b"* CAPABILITY IMAP4rev1 NAMESPACE\r\nTAG OK done\r\n"
    script = [(b"CAPABILITY", told), (b"LOGIN", b"TAG OK in\r\n"), (b"NAMESPACE", answer if answer == b"CLOSE" else answer + b"TAG OK done\r\n"), (b"LIST", b'* LIST () "/" Archive\r\nTAG OK done\r\n')]
    with hostile(script, greeting=b"* OK ready\r\n") as server:
        told_of = Mail(MailConfig("n@x.example", "n", "127.0.0.1", server.port, "127.0.0.1", server.port, "p", imap_tls=False, smtp_tls="none", timeout_s=2.0))
        assert told_of.readers("Archive") == told_of.readers(None) == (SOMEBODY,)


def test_a_server_without_shared_folders_is_believed(services: Services) -> None:
    nora = Mail(services.mail())
    assert nora.readers("Archive") == nora.readers("INBOX") == nora.readers(None) == ()
    assert nora.readers("No such folder") == (SOMEBODY,)


# ------------------------------------------------------------------------------------ ids of what is not read (G2.6)


def ids_in(services: Services, folder: str) -> list[str]:
    """What whoever guesses an id could come to: the server's own numbers."""
    client = imaplib.IMAP4("127.0.0.1", services.ports["imap"])
    client.login(services.mail().user, services.mail().password)
    client.select(folder, readonly=True)
    validity = client.response("UIDVALIDITY")[1][0].decode()
    uids = client.uid("SEARCH", "ALL")[1][0].decode().split()
    client.logout()
    return [f"{folder}/{validity}/{uid}" for uid in uids]


@pytest.mark.parametrize("action", ["read", "attachment", "move", "delete"])
def test_no_id_reaches_a_folder_that_is_not_read(action: str, services: Services, call: Callable[..., Any], fails: Callable[..., Any]) -> None:
    nora = Mail(services.mail())
    assert call(nora, "send", to="sam@okafor.example", subject="how I am", body="asthma")["copy_kept"]
    more = {"attachment": {"name": "a.txt"}, "move": {"folder": "INBOX"}}.get(action, {})
    sent = ids_in(services, "Sent")[-1]
    for id_ in (sent, *ids_in(services, "Archive"), sent.lower(), f'"{sent[:4]}"{sent[4:]}', "Archive/1/1", "drafts/1/1"):
        assert "not read" in str(fails(InvalidArgument, nora, action, id=id_, **more))


def test_ids_that_a_search_and_a_draft_give_are_read(services: Services, call: Callable[..., Any]) -> None:
    nora = Mail(services.mail())
    for id_ in (call(nora, "search")[0]["id"], call(nora, "draft", to="sam@okafor.example", subject="x", body="y")["id"]):
        assert call(nora, "read", id=id_)["id"] == id_


@pytest.mark.parametrize("folder", ["INBOX", "inbox", "Drafts"])
def test_copies_of_what_is_sent_are_kept_where_nothing_is_read(folder: str, services: Services) -> None:
    with pytest.raises(InvalidArgument, match="sent_folder"):
        Mail(services.mail(sent_folder=folder))
    needed = {"address": "n@x.example", "user": "n", "imap_host": "h", "imap_port": 1, "smtp_host": "h", "smtp_port": 1}
    check({"mail": {**needed, "sent_folder": "Sent"}})
    with pytest.raises(DiscreetError, match="sent_folder"):
        check({"mail": {**needed, "sent_folder": folder}})


# --------------------------------------------------------------------------------------- who wrote it (G2.5, RFC 8601)


def seen_from(results: str, sender: str = "Sam <sam@okafor.example>") -> bytes:
    return f"Authentication-Results: {results}\r\nFrom: {sender}\r\nSubject: the race\r\n\r\nhello".encode()


FAIL = "dmarc=fail header.from=okafor.example"
PASS = "dmarc=pass header.from=okafor.example"
FORGED = [
    f'mail.demo.example;\r\n spf=pass smtp.mailfrom="x; {PASS} ;"@evil.example;\r\n {FAIL}',
    f'mail.demo.example; spf=pass smtp.mailfrom="x; {PASS} ;"@evil.example',
    f"mail.demo.example; spf=pass smtp.mailfrom=x; {PASS} ;@evil.example",  # a server that leaves the quotation marks out
    f"mail.demo.example; spf=pass (domain of x(y; {PASS} ;)@evil.example designates 1.2.3.4) smtp.mailfrom=evil.example; {FAIL}",
    f"mail.demo.example; spf=pass (a) b) smtp.mailfrom=evil.example; {PASS}",
    f"mail.demo.example; spf=pass (a smtp.mailfrom=evil.example; {PASS}",
    f"mail.demo.example; spf=pass (a \\) smtp.mailfrom=evil.example; {PASS}",
    f'mail.demo.example; dkim=fail reason="bad; {PASS} ; x" header.d=evil.example; {FAIL}',
    f'mail.demo.example; dkim=fail reason="bad \\"; {PASS} ; x" header.d=evil.example',
    f'mail.demo.example; dkim=fail reason="bad; {PASS}',
    f"mail.demo.example; {PASS}; {FAIL}", f"mail.demo.example; {PASS}; {PASS}", f"mail.demo.example; {PASS}; dmarc/1=fail header.from=okafor.example",
    "mail.demo.example; dmarc=pass header.from=evil.example header.from=okafor.example", "mail.demo.example; dmarc=pass", "mail.demo.example; dmarc = pass header.from=okafor.example",
    'mail.demo.example; "dmarc=pass" header.from=okafor.example', 'mail.demo.example; dmarc=pass "header.from=okafor.example"', "mail.demo.example; dmarc=pass header.from=o\N{KELVIN SIGN}afor.example",
    f"mail.demo.example; auth=pass smtp.auth=sam@okafor.example; {FAIL}", f'"mail.demo.example"; {PASS}', f"mail.demo.example x; {PASS}", f"mail.demo.example; none; {PASS}",
    f"mail.demo.example; {PASS}\x01", f"mail.demo.example; {PASS}; {'spf=pass ' * 2_000}",
]
HONEST = [
    f"mail.demo.example; {PASS}", f"mail.demo.example 1; {PASS}", f"Mail.Demo.Example;\r\n\t{PASS} ;", 'mail.demo.example; dmarc=pass header.from="okafor.example"',
    'mail.demo.example; dkim=pass header.i=@okafor.example header.s=2023 header.b="a/b;="; spf=pass (demo: domain of sam@okafor.example designates 1.2.3.4 as permitted sender)'
    " smtp.mailfrom=sam@okafor.example; dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=okafor.example; x-more=pass header.i=@demo.example",
    "mail.demo.example; spf=pass (sender IP is 1.2.3.4) smtp.mailfrom=okafor.example; dkim=pass (signature was verified) header.d=okafor.example;dmarc=pass action=none header.from=okafor.example;compauth=pass reason=100",
    "mail.demo.example; dkim=pass header.d=okafor.example; dkim=fail header.d=list.example; auth=pass smtp.auth=sam@okafor.example",
    f"mail.demo.example; spf=pass (a (b) \\( c) smtp.mailfrom=\"s ; m\"@okafor.example; {PASS}",
]


@pytest.mark.parametrize("results", FORGED)
def test_a_servers_verdict_is_not_made_of_the_senders_own_words(results: str) -> None:
    assert parse_mail(seen_from(results), frozenset({"mail.demo.example"}))["sender_verified"] is False


@pytest.mark.parametrize("results", HONEST)
def test_a_servers_verdict_is_read_as_servers_write_it(results: str) -> None:
    assert parse_mail(seen_from(results), frozenset({"mail.demo.example"}))["sender_verified"] is True


def test_one_of_several_senders_is_nobody() -> None:
    for sender in ('sam@okafor.example, "x y"@evil.example', "sam@okafor.example, <evil>", "friends: sam@okafor.example, evil@x.example;"):
        assert parse_mail(seen_from(f"mail.demo.example; {PASS}", sender), frozenset({"mail.demo.example"}))["sender_verified"] is False


def test_a_search_by_address_finds_no_mail_with_a_quoted_verdict(services: Services, call: Callable[..., Any]) -> None:
    client = imaplib.IMAP4("127.0.0.1", services.ports["imap"])
    client.login(services.mail().user, services.mail().password)
    for number, results in enumerate((FORGED[0], HONEST[4])):
        client.append("INBOX", "", None, seen_from(results).replace(b"the race", b"verdict %d" % number))  # type: ignore[arg-type]
    client.logout()
    found = call(Mail(services.mail()), "search", sender="sam@okafor.example", subject="verdict")
    assert [one["subject"] for one in found] == ["verdict 1"]


# ------------------------------------------------------------------------------------- one owner, one account (G6.3)


def card(name: str, *addresses: str) -> dict[str, Any]:
    return {"name": name, "email": addresses[0], "emails": list(addresses), "relation": "friend"}


CARDS = [card("Sam Okafor", "sam@home.example"), card("sam  okafor", "sam@work.example", "so@club.example"), card("Tilda Brandt", "tilda@home.example"),
         card("Orders", "orders@mail.northside.example"), card("Northside Sports", "hello@ns.example"), card("Bookings", "desk@booking.example")]
PARTIES = directory(CARDS, ["Northside Sports", "Greens"], ["nora@x.example"], hosts={"booking.example": frozenset({"service"})})
ONE = [
    ("mail", "sam@home.example", "mail", "sam@work.example"), ("mail", "sam@home.example", "mail", "so@club.example"), ("shop", "Northside Sports", "mail", "hello@ns.example"),
    ("shop", "Northside Sports", "mail", "orders@mail.northside.example"), ("host", "booking.example", "mail", "desk@booking.example"),
]
TWO = [("mail", "sam@home.example", "mail", "tilda@home.example"), ("shop", "Northside Sports", "shop", "Greens"), ("shop", "Greens", "mail", "sam@work.example"), ("host", "booking.example", "shop", "Greens")]


def told_both(tmp_path: Path, people: Directory, first: tuple[str, str], second: tuple[str, str], later: Directory | None = None) -> bool:
    """Whether both may be told as much as one of them."""
    with Ledger.open(tmp_path / "ledger.db", b"k" * 32) as ledger:
        for (kind, text_), known in zip((first, second), (people, later or people), strict=True):
            who = known.recipient(kind, text_, Standing.USER)
            key = ("view:schedule/free-busy", account_of(who))
            try:
                reserve(ledger, "errand", [Want(*key, 9, who.one)], {key: 9})
            except Exhausted:
                return False
    return True


@pytest.mark.parametrize(("kind", "a", "other", "b"), ONE)
def test_who_may_be_one_is_told_once(tmp_path: Path, kind: str, a: str, other: str, b: str) -> None:
    assert not told_both(tmp_path, PARTIES, (kind, a), (other, b))


@pytest.mark.parametrize(("kind", "a", "other", "b"), TWO)
def test_who_is_shown_to_be_another_is_told_for_themselves(tmp_path: Path, kind: str, a: str, other: str, b: str) -> None:
    assert told_both(tmp_path, PARTIES, (kind, a), (other, b))


def test_a_card_or_shop_that_is_added_later_starts_no_new_account(tmp_path: Path) -> None:
    before = directory(CARDS[3:4], [], [])
    assert not told_both(tmp_path, before, ("mail", "orders@mail.northside.example"), ("shop", "Northside Sports"), PARTIES)


def test_what_is_said_of_a_person_is_said_of_nobody_else_of_that_name() -> None:
    first, second = (PARTIES.recipient("mail", one, Standing.RESOLVED) for one in ("sam@home.example", "sam@work.example"))
    assert first.owner != second.owner and first.account != second.account  # a fact about one of them is not the other's own


# ------------------------------------------------------------------------------------- what an account claims (G7.3)


@pytest.mark.parametrize("told", ["unclassified", "health/of-an-older-release"])
def test_an_account_does_not_say_what_was_not_learnt_after_something_that_may_be_anything(told: str) -> None:
    assert not_learnt({"request", told}, {"health/condition": 2, "finance/income": 1}) == {}


def test_an_account_says_what_was_not_learnt_after_something_else() -> None:
    assert not_learnt({"request", "body/shoe-size"}, {"health/condition": 2, "body/shoe-size": 1}) == {"health": 2}


def test_the_account_of_an_errand_that_told_a_doubtful_note_claims_nothing() -> None:
    note = tool(Contract("me.note", "", (), text(("unclassified", "user"), max=50), purpose="lookup", place=NOPLACE, recipients=()), lambda: "I have HIV")
    anything = MESSAGES.replace('"permit"', '"ask"').replace('"communication", "schedule"', '"*"') + "yields = true\n"
    held = session_of(replace(setting(lambda state: [*in_memory(state), note, health(state)], "Mail Sam my note", norms=anything), answer=lambda _: Reply.ONCE), "a", ledger=None)
    held.session.world = replace(held.session.world, counts=lambda: {"health/condition": 2})
    report = held.session.perform('mail.send(to=contacts.find(name="Sam").email, subject="x", body=me.note())', "Mail Sam my note")
    said = [one.sentence() for one in report.accounts if one.name == "Sam"]
    assert report.done and said == ["Sam learnt: request, unclassified."]


# ---------------------------------------------------------------------- what a vendor's account was sent (G4.1, G4.2)


HOSTED = recipient(provider("openai:gpt-4o", "reader"), "reader")
SHOP = "shop:Northside Sports"
READS = """
[[norm]]
id = "my-reader-may-read-mail"
verdict = "permit"
who = ["provider/reader"]
learns = ["communication", "request"]
about = ["anyone"]
purpose = ["reading"]
through = ["read"]
because = "it reads better"
"""


def remembering(who: Recipient) -> Callable[[State], list[Tool]]:
    """A reader that answers by all that it was ever sent; a fresh one by what it is sent now."""

    def tools(state: State) -> list[Tool]:
        def ask(body: str, question: str, shape: Any) -> str:
            sent = state.memory.setdefault("sent", [])
            sent.append(body)
            return f"socks {len(sent) if 'hosted' in who.id else ''} {'with a hole' if any('HIV' in one for one in sent) and 'hosted' in who.id else ''}".strip()

        return [*in_memory(state), reader_tool(ask, who.id)]

    return tools


FIND = '\nshop.search(shop="Northside Sports", query=read("socks", "say it in other words"))'


@pytest.mark.parametrize("plan", [
    'read(mail.read(id="1"), "what is it about?")', 'x = mail.read(id="1")\nif "HIV" in x:\n    y = read(x, "what?")', 'for one in mail.search():\n    y = read(one.subject + mail.read(id="1"), "what?")',
])
def test_what_a_hosted_reader_was_sent_comes_out_of_it_again_nowhere_else(plan: str) -> None:
    made = replace(setting(remembering(HOSTED), "Find socks at Northside Sports", norms=READS), fixed={**FIXED, HOSTED.id: HOSTED})
    one, other = (observe(made, plan + FIND, variant) for variant in "ab")
    assert one.of(SHOP) == other.of(SHOP) == ()


def test_what_a_hosted_reader_was_sent_lasts() -> None:
    made = replace(setting(remembering(HOSTED), "Find socks at Northside Sports", norms=READS), fixed={**FIXED, HOSTED.id: HOSTED})
    held = session_of(made, "a")
    assert held.session.perform('read(mail.read(id="1"), "what?")', made.request).done
    later = Session(held.session.world, held.session.asker, held.session.clock, held.session.secret, held.session.progress)
    assert later.perform(FIND.strip(), made.request).denied
    assert not held.state.heard(SHOP)


@pytest.mark.parametrize("plan", ["", 'read("feet", "what?")'])
def test_a_hosted_reader_that_was_sent_nothing_private_is_of_use(plan: str) -> None:
    made = replace(setting(remembering(HOSTED), "Find socks at Northside Sports", norms=READS), fixed={**FIXED, HOSTED.id: HOSTED})
    assert observe(made, plan + FIND, "a").of(SHOP)


def test_a_fresh_reader_remembers_nothing() -> None:
    local = Recipient("provider:reader:local", "local", frozenset({"provider/reader/local"}), "the local reader")
    made = replace(setting(remembering(local), "Find socks at Northside Sports", norms=READS), fixed={**FIXED, local.id: local})
    one, other = (observe(made, 'read(mail.read(id="1"), "what?")' + FIND, variant) for variant in "ab")
    assert one.of(SHOP) == other.of(SHOP) != ()


def test_one_vendor_is_one_account_whatever_its_model() -> None:
    def lasting(name: str) -> str:
        of = provider(name, "planner")
        return planner(of, recipient(of, "planner"), {}).lasting

    assert lasting("openai:gpt-4o") == lasting("openai:gpt-4o-mini") == lasting("openai-responses:gpt-5") == lasting("gateway/openai:gpt-4o") != lasting("anthropic:x") != ""
    assert memory_of(HOSTED.id).id == f"planner:{lasting('openai:gpt-4o')}"  # a planner knows what a reader of its vendor was sent, in another month
    with pytest.raises(DiscreetError, match="share an account"):
        apart("openai:gpt-4o", "openai-responses:gpt-5")
    apart("openai:gpt-4o", "anthropic:x")
