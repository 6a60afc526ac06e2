"""Mail against a real IMAP and SMTP server, and against servers that no honest provider runs."""

from __future__ import annotations

import datetime as dt
import smtplib
import time
from collections.abc import Callable
from typing import Any

import pytest

from discreet.connectors import mail as mail_module
from discreet.connectors.errors import BadAnswer, InvalidArgument, OutcomeUnknown, Refused, Unavailable
from discreet.connectors.mail import Mail, MailConfig
from discreet.demo.services.start import Services, start
from tests.services.clock import TODAY
from tests.services.hostile import hostile

pytest_plugins = ["tests.services.fixtures"]

NORA, SAM, TILDA = "nora@lindqvist.example", "sam@okafor.example", "tilda@brandt.example"
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def nora(services: Services) -> Mail:
    return Mail(services.mail())


@pytest.fixture(scope="module")
def sam(services: Services) -> Mail:
    return Mail(services.mail(SAM))


def at(port: int, **more: Any) -> Mail:
    """An account whose both servers are at one port."""
    settings: dict[str, Any] = {"timeout_s": 2.0, "imap_tls": False, "smtp_tls": "none", **more}
    return Mail(MailConfig(NORA, NORA, "127.0.0.1", port, "127.0.0.1", port, "demo-nora", **settings))


def test_what_is_sent_arrives_byte_for_byte_as_prepared(nora: Mail, services: Services) -> None:
    prepared = nora.prepare("send", {"to": [TILDA], "subject": "Grüße", "body": "Zeile\n.\n.dot\n"}, "a nonce of this test", dt.datetime.now(dt.timezone.utc))
    sent = nora.perform(prepared)
    delivered = services.delivered(TILDA)[-1]
    assert delivered == prepared.request()["message"]
    assert sent["message_id"] in delivered and sent["copy_kept"]


def test_the_message_tells_no_more_than_it_must(nora: Mail, services: Services, call: Call) -> None:
    call(nora, "send", to=TILDA, subject="x", body="y")
    head = services.delivered(TILDA)[-1].partition("\r\n\r\n")[0]
    assert [row.split(":")[0] for row in head.split("\r\n")] == [
        "From", "To", "Subject", "Date", "Message-ID", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]
    assert "+0000" in head  # UTC, not the zone of the sender's clock


def test_a_round_trip_keeps_subject_and_text(nora: Mail, sam: Mail, call: Call) -> None:
    call(sam, "send", to=NORA, subject="Übung; a=b, \"c\" 🎽", body="Grüße 🎽\n.punkt\nEnde")
    found = call(nora, "search", sender=SAM, subject="Übung")[0]
    assert found["subject"] == "Übung; a=b, \"c\" 🎽" and found["sender_verified"] and found["unseen"]
    read = call(nora, "read", id=found["id"])
    assert read["text"].rstrip("\n") == "Grüße 🎽\n.punkt\nEnde"
    assert call(nora, "search", sender=SAM, subject="Übung", unseen=True)  # reading marks nothing as seen


@pytest.mark.parametrize("argument", ["to", "cc", "subject"])
@pytest.mark.parametrize("evil", ["x\r\nBcc: evil@x.example", "x\nBcc: evil@x.example", "x\rBcc: e@x.example", "x\x0bBcc: e@x", "x\u2028Bcc: e@x", "x\x85y", "x\0y"])
def test_content_cannot_become_a_header(argument: str, evil: str, nora: Mail, services: Services, fails: Call) -> None:  # G5.1
    args = {"to": TILDA, "subject": "hello", "body": "hi", argument: evil}
    before = len(services.observed("smtp"))
    assert fails(InvalidArgument, nora, "send", **args).argument == argument
    assert len(services.observed("smtp")) == before


def test_a_body_cannot_end_the_message_or_begin_a_header(nora: Mail, services: Services, call: Call) -> None:
    call(nora, "send", to=TILDA, subject="x", body="a\r\n.\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<evil@x.example>\r\nDATA\r\nhi\r\n.\r\n\r\nBcc: e@x")
    assert "MAIL FROM:<evil@x.example>" in services.delivered(TILDA)[-1]
    assert not services.delivered("evil@x.example")


@pytest.mark.parametrize("address", ["", "sam", "Sam <sam@okafor.example>", "a@b@c", "a..b@c.example", "a@b.example,c@d.example", "<a@b.example>", "a@b.example\t", "a b@c.example", "@c.example", "a@-"])
def test_what_is_no_plain_address_is_refused(address: str, nora: Mail, fails: Call) -> None:
    assert fails(InvalidArgument, nora, "send", to=address, subject="x", body="y").argument == "to"


def test_there_is_no_blind_copy(nora: Mail, fails: Call) -> None:
    fails(InvalidArgument, nora, "send", to=TILDA, subject="x", body="y", bcc=SAM)


def test_a_forged_sender_is_a_claim_and_not_found_by_address(nora: Mail, services: Services, call: Call) -> None:  # G2.5
    config = services.mail()
    with smtplib.SMTP(config.smtp_host, config.smtp_port) as outsider:  # no login, and a verdict of its own making
        outsider.sendmail("evil@x.example", [NORA], (
            f"Authentication-Results: mail.demo.example; auth=pass smtp.auth={SAM}\r\n"
            f"From: Sam Okafor <{SAM}>\r\nTo: {NORA}\r\nSubject: forged\r\nMessage-ID: <f@x>\r\n\r\npay me\r\n").encode())
    assert not call(nora, "search", sender=SAM, subject="forged")
    found = call(nora, "search", sender="Okafor", subject="forged")
    assert [m["sender_verified"] for m in found] == [False]


def test_a_login_does_not_vouch_for_another_from(nora: Mail, services: Services, call: Call) -> None:
    tilda = services.mail(TILDA)
    with smtplib.SMTP(tilda.smtp_host, tilda.smtp_port) as client:
        client.login(tilda.user, tilda.password)
        client.sendmail(TILDA, [NORA], f"From: {SAM}\r\nSubject: borrowed\r\n\r\nhi\r\n".encode())
    assert [m["sender_verified"] for m in call(nora, "search", subject="borrowed")] == [False]


def test_nobody_is_verified_by_a_server_that_was_not_configured(services: Services, call: Call) -> None:
    distrusting = Mail(services.mail(trusted_authserv_ids=frozenset()))
    assert not any(m["sender_verified"] for m in call(distrusting, "search"))


def test_an_address_means_exactly_this_address(nora: Mail, services: Services, call: Call) -> None:
    lookalike = "not" + SAM  # an IMAP server matches any part of a header
    config = services.mail()
    with smtplib.SMTP(config.smtp_host, config.smtp_port) as outsider:
        outsider.sendmail(lookalike, [NORA], f"From: {lookalike}\r\nSubject: almost\r\n\r\nhi\r\n".encode())
    assert not call(nora, "search", sender=SAM, verified=False, subject="almost")


def test_a_reply_quotes_nothing_and_goes_to_the_sender_alone(nora: Mail, sam: Mail, services: Services, call: Call, fails: Call) -> None:
    call(sam, "send", to=NORA, subject="Plan", body="a secret of Sam's", cc=[TILDA])
    found = call(nora, "search", sender=SAM, subject="Plan")[0]
    counts = {who: len(services.delivered(who)) for who in (SAM, TILDA)}
    call(nora, "reply", id=found["id"], to=SAM, body="Fine.", stored=found)
    told = services.delivered(SAM)[-1]
    assert "secret" not in told and "Fine." in told and f"In-Reply-To: {found['message_id']}" in told and "Subject: Re: Plan" in told
    assert len(services.delivered(TILDA)) == counts[TILDA]
    assert fails(InvalidArgument, nora, "reply", id=found["id"], to=TILDA, body="Fine.", stored=found).argument == "to"


def test_draft_move_and_delete_act_on_one_message(nora: Mail, call: Call, fails: Call) -> None:
    draft = call(nora, "draft", to=SAM, subject="a draft", body="…")
    assert [m["id"] for m in call(nora, "search", folder="Drafts", subject="a draft")] == [draft["id"]]
    other = call(nora, "draft", to=SAM, subject="another draft", body="…")
    assert call(nora, "move", id=draft["id"], folder="Archive") == {"moved": True}
    assert call(nora, "delete", id=other["id"]) == {"deleted": True}
    assert not call(nora, "search", folder="Drafts", subject="draft") and call(nora, "search", folder="Archive", subject="a draft")
    for action in ("read", "delete"):
        assert fails(Refused, nora, action, id=other["id"]).code == "gone"


def test_an_id_of_a_rebuilt_folder_means_nothing(nora: Mail, call: Call, fails: Call) -> None:
    folder, _validity, uid = call(nora, "search")[0]["id"].split("/")
    assert fails(Refused, nora, "read", id=f"{folder}/1/{uid}").code == "gone"
    for wrong in ("", "INBOX", "INBOX/1/x", "INBOX/1/2 EXPUNGE", "INBOX/1/1:*", "INBOX/1/1\r\nA9 DELETE INBOX"):
        fails(InvalidArgument, nora, "read", id=wrong)


def test_search_terms_cannot_become_commands(nora: Mail, services: Services, call: Call, fails: Call) -> None:
    assert call(nora, "search", subject='" DELETED ALL "') == []
    assert call(nora, "search", subject="\\") == []
    fails(InvalidArgument, nora, "search", subject="x\r\nA9 DELETE INBOX")
    assert call(nora, "search", folder="INBOX")


def test_results_are_limited(nora: Mail, call: Call, fails: Call) -> None:
    assert len(call(nora, "search", limit=2)) == 2
    fails(InvalidArgument, nora, "search", limit=mail_module.SEARCH_RESULTS_MAX + 1)


def test_a_message_over_the_limit_is_not_read(nora: Mail, sam: Mail, call: Call, fails: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    call(sam, "send", to=NORA, subject="long one", body="x" * 5_000)
    monkeypatch.setattr(mail_module, "MESSAGE_BYTES_MAX", 1_000)
    assert fails(BadAnswer, nora, "read", id=call(nora, "search", subject="long one")[0]["id"]).code == "too_large"


def test_a_wrong_password_is_refused(services: Services, fails: Call) -> None:
    wrong = Mail(services.mail(password="wrong"))
    assert fails(Refused, wrong, "search").code == "login"
    assert fails(Refused, wrong, "send", to=SAM, subject="x", body="y").code == "login"


def test_a_server_that_is_not_there_is_unavailable(fails: Call) -> None:
    fails(Unavailable, at(1), "search")
    fails(Unavailable, at(1), "send", to=SAM, subject="x", body="y")


_SMTP = [(b"ehlo", b"250-x\r\n250 AUTH PLAIN\r\n"), (b"EHLO", b"250 x\r\n"), (b"AUTH", b"235 ok\r\n"), (b"MAIL", b"250 ok\r\n"), (b"RCPT", b"250 ok\r\n")]


@pytest.mark.parametrize("end", [b"CLOSE", b"HANG", b"garbage without a code\r\n"])
def test_silence_after_the_message_is_unknown_and_nothing_is_sent_again(end: bytes, fails: Call) -> None:  # G8.1
    script = [*_SMTP, (b"DATA", b"354 go\r\n"), (b"\r\n.\r\n", end)]
    with hostile(script, b"220 x\r\n") as server:
        fails(OutcomeUnknown, at(server.port), "send", to=SAM, subject="x", body="y")
        assert len(server.seen) == 1 and server.seen[0].count(b"\r\n.\r\n") == 1


@pytest.mark.parametrize("end", [b"CLOSE", b"HANG", b"550 no\r\n"])
def test_before_the_message_nothing_has_happened(end: bytes, fails: Call) -> None:
    with hostile([*_SMTP[:-1], (b"RCPT", end)], b"220 x\r\n") as server:
        fails((Unavailable, Refused), at(server.port), "send", to=SAM, subject="x", body="y")  # type: ignore[arg-type]
        assert b"DATA" not in server.seen[0]


def test_if_one_recipient_is_refused_nobody_gets_it(fails: Call) -> None:
    script = [*_SMTP[:-1], (b"RCPT TO:<sam", b"250 ok\r\n"), (b"RCPT TO:<tilda", b"550 no\r\n"), (b"DATA", b"354 go\r\n")]
    with hostile(script, b"220 x\r\n") as server:
        fails(Refused, at(server.port), "send", to=[SAM, TILDA], subject="x", body="y")
        assert b"DATA" not in server.seen[0]


_IMAP = [(b"CAPABILITY", b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"), (b"LOGIN", b"TAG OK in\r\n"),
         (b"SELECT", b"* OK [UIDVALIDITY 1] x\r\n* 1 EXISTS\r\nTAG OK done\r\n"), (b"EXAMINE", b"* OK [UIDVALIDITY 1] x\r\nTAG OK done\r\n")]


@pytest.mark.parametrize("answer", [
    b"* 1 FETCH (UID 1 BODY[] {9999999999}\r\n", b"* 1 FETCH (UID 1 BODY[] {-1}\r\nTAG OK x\r\n", b"* 1 FETCH (UID 1 BODY[] {5}\r\nab", b"\x00\xff\r\nTAG OK x\r\n",
    b"* BYE go away\r\n", b"TAG NO what\r\n", b"TAG BAD what\r\n", b"A9 OK other\r\n", b"* 1 FETCH\r\n" * 50 + b"TAG OK x\r\n", b"HANG", b"CLOSE", b"x" * 2_000_000 + b"\r\n",
])
def test_any_answer_to_a_read_ends_in_a_declared_error(answer: bytes, fails: Call) -> None:
    with hostile([*_IMAP, (b"FETCH", answer)], b"* OK hi\r\n") as server:
        fails((BadAnswer, Unavailable, Refused), at(server.port, answer_bytes_max=1_000_000, timeout_s=1.0), "read", id="INBOX/1/1")  # type: ignore[arg-type]


def test_an_endless_answer_is_cut(fails: Call) -> None:  # G3.5
    with hostile([(b"CAPABILITY", b"* CAPABILITY IMAP4rev1\r\n")], b"* OK hi\r\n", then="endless") as server:
        fails((BadAnswer, Unavailable), at(server.port, answer_bytes_max=200_000), "search")  # type: ignore[arg-type]
    with hostile([(b"EHLO", b"250-x\r\n"), (b"ehlo", b"250-x\r\n")], b"220 x\r\n", then="endless") as server:
        fails(Unavailable, at(server.port), "send", to=SAM, subject="x", body="y")


def test_a_drip_ends_at_the_deadline(fails: Call) -> None:  # each byte comes in time, the whole never would
    for greeting in (b"* OK ", b"220 ", b"\x16\x03\x03\x40\x00"):
        with hostile([], greeting, then="drip") as server:
            began = time.monotonic()
            fails(Unavailable, at(server.port, timeout_s=1.0), "search")
            fails(Unavailable, at(server.port, timeout_s=1.0), "send", to=SAM, subject="x", body="y")
            fails(Unavailable, at(server.port, timeout_s=1.0, imap_tls=True), "search")
            fails(Unavailable, at(server.port, timeout_s=1.0, smtp_tls="tls"), "send", to=SAM, subject="x", body="y")
            assert time.monotonic() - began < 20


@pytest.mark.parametrize("end", [b"CLOSE", b"HANG"])
def test_silence_after_a_change_is_unknown(end: bytes, fails: Call) -> None:  # G8.1
    script = [*_IMAP, (b"FETCH", b"* 1 FETCH (UID 1)\r\nTAG OK x\r\n"), (b"MOVE", end)]
    with hostile(script, b"* OK hi\r\n") as server:
        fails(OutcomeUnknown, at(server.port), "move", id="INBOX/1/1", folder="Archive")
        assert len(server.seen) == 1 and server.seen[0].count(b"MOVE") == 1


def test_a_server_killed_in_the_middle_leaves_no_second_try(tmp_path: Any, fails: Call) -> None:  # G8.1
    with start(tmp_path, today=TODAY, only=frozenset({"mail"})) as services:
        account = Mail(services.mail(timeout_s=1.0))
        services.freeze("mail")
        fails(Unavailable, account, "search")
        services.kill("mail")
        fails(Unavailable, account, "send", to=SAM, subject="x", body="y")
        assert not services.delivered(SAM)
