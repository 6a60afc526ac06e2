"""The mail connector's reading side against Dovecot, the IMAP server that most providers run; skipped where it is not installed."""

from __future__ import annotations

import imaplib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from discreet.connectors.attachments import NAME_CHARS_MAX
from discreet.connectors.errors import InvalidArgument, Refused
from discreet.connectors.mail import Mail, MailConfig
from discreet.connectors.mail_folders import SOMEBODY

pytest_plugins = ["tests.services.fixtures"]
pytestmark = pytest.mark.skipif(shutil.which("dovecot", path="/usr/sbin:/usr/bin:/sbin") is None or os.getuid() != 0,
                                reason="needs root and Dovecot: apt-get install dovecot-imapd")

Call = Callable[..., Any]
NORA, SAM, TILDA = "nora@lindqvist.example", "sam@okafor.example", "tilda@brandt.example"

_CONFIG = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{home}/mail/%u
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 0
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={home}/mail/%u
}}
namespace inbox {{
  inbox = yes
  mailbox Drafts {{
    auto = create
  }}
  mailbox Archive {{
    auto = create
  }}
  mailbox "Größe & Maß" {{
    auto = create
  }}
}}
"""


_SHARING = """
mail_plugins = acl
protocol imap {{
  mail_plugins = acl imap_acl
}}
plugin {{
  acl = vfile
  acl_shared_dict = file:{home}/mail/shared-mailboxes
}}
namespace inbox {{
  separator = /
  mailbox Team {{
    auto = create
  }}
}}
namespace {{
  type = shared
  separator = /
  prefix = Shared/%%u/
  location = maildir:{home}/mail/%%u
  subscriptions = no
  list = children
}}
"""


@contextmanager
def running(home: Path, config: str) -> Iterator[int]:
    """A Dovecot of this configuration; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = home / "dovecot.conf"
    file.write_text(config.format(home=home, port=port))
    for folder in (home, *list(home.parents)[:3]):
        if folder != Path("/tmp") and folder.exists():
            folder.chmod(folder.stat().st_mode | 0o711)
    (home / "mail").mkdir()
    shutil.chown(home / "mail", "nobody", "nogroup")
    server = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(file)], stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < until and server.poll() is None, (home / "log").read_text() if (home / "log").exists() else "no log"
                time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def account(port: int, address: str = NORA) -> Mail:
    return Mail(MailConfig(address, address, "127.0.0.1", port, "127.0.0.1", 1, "secret", imap_tls=False, smtp_tls="none", timeout_s=30.0,
                           trusted_authserv_ids=frozenset({"mail.demo.example"})))


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mail]:
    with running(tmp_path_factory.mktemp("dovecot"), _CONFIG) as port:
        yield account(port)


@pytest.fixture(scope="module")
def sharing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Nora's Archive is read by Sam, and Sam's Team by Nora."""
    with running(tmp_path_factory.mktemp("sharing"), _CONFIG + _SHARING) as port:
        for owner, folder, who, rights in ((NORA, "Archive", SAM, "lr"), (NORA, "Drafts", TILDA, "l"), (SAM, "Team", NORA, "lrwi")):
            client = imaplib.IMAP4("127.0.0.1", port)
            client.login(owner, "secret")
            client.select("INBOX")
            assert client.setacl(folder, who, rights)[0] == "OK"
            client.logout()
        yield port


def put(mail: Mail, raw: bytes) -> None:
    """Deliver into the inbox, as the server's own delivery would."""
    from discreet.connectors.mail_wire import ImapCall

    call = ImapCall(mail.config)
    with call.open():
        call.append("INBOX", "", raw)


def test_messages_are_searched_and_read(dovecot: Mail, call: Call) -> None:
    put(dovecot, b"Authentication-Results: mail.demo.example; dmarc=pass header.from=okafor.example\r\nFrom: Sam Okafor <sam@okafor.example>\r\nTo: nora@lindqvist.example\r\n"
                 b"Subject: =?utf-8?q?=C3=9Cbung?=\r\nDate: Mon, 23 Nov 2026 09:00:00 +0100\r\nMessage-ID: <a@x>\r\n\r\nhello\r\n")
    put(dovecot, b"From: notsam@okafor.example\r\nSubject: other\r\n\r\nx\r\n")
    found = call(dovecot, "search", sender="sam@okafor.example")
    assert [(m["subject"], m["sender_verified"], m["unseen"]) for m in found] == [("Übung", True, True)]
    assert call(dovecot, "search", subject="Übung", text="hello")[0]["id"] == found[0]["id"]
    assert call(dovecot, "read", id=found[0]["id"])["text"] == "hello\n"
    assert call(dovecot, "search", unseen=True, sender="sam@okafor.example")


def test_drafts_are_kept_moved_and_deleted(dovecot: Mail, call: Call, fails: Call) -> None:
    first, second = (call(dovecot, "draft", to="a@b.example", subject=f"draft {n}", body="x") for n in (1, 2))
    assert call(dovecot, "move", id=first["id"], folder="Größe & Maß") == {"moved": True}
    assert [m["subject"] for m in call(dovecot, "search", folder="Größe & Maß")] == ["draft 1"]
    assert call(dovecot, "delete", id=second["id"]) == {"deleted": True}
    assert call(dovecot, "search", folder="Drafts") == []
    assert fails(Refused, dovecot, "delete", id=second["id"]).code == "gone"
    assert fails(Refused, dovecot, "search", folder="No such folder").code == "folder"


def test_terms_cannot_become_commands(dovecot: Mail, call: Call, fails: Call) -> None:
    assert call(dovecot, "search", subject='x" OR ALL "', text="\\") == []
    fails(InvalidArgument, dovecot, "search", folder="INBOX\r\nA9 DELETE Archive")
    assert call(dovecot, "search", folder="Archive") == []


def test_a_wrong_password_is_refused(dovecot: Mail, fails: Call) -> None:
    import dataclasses

    assert fails(Refused, Mail(dataclasses.replace(dovecot.config, password="wrong")), "search").code == "login"


# ---------------------------------------------------------------------------------------------------- what is attached


ODD = ("report.pdf", "Größe.txt", 'a "quoted" name.txt', "back\\slash.txt", "x" * 300 + ".txt", "two  spaces.csv", "semi;colon=1.txt", "naïve, (draft).txt", "表.txt")


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 10_000])
def test_names_types_and_sizes_are_told_without_sending_the_files(dovecot: Mail, call: Call, size: int) -> None:
    from email.message import EmailMessage
    from email.policy import SMTP

    made = EmailMessage(policy=SMTP)
    made["From"], made["Subject"] = "tilda@brandt.example", f"odd names {size}"
    made.set_content("see")
    for name in ODD:
        made.add_attachment(b"x" * size, maintype="application", subtype="pdf", filename=name)
    put(dovecot, made.as_bytes())
    found = call(dovecot, "search", subject=f"odd names {size}")[0]
    read = call(dovecot, "read", id=found["id"])
    assert [one["name"] for one in found["attachments"]] == [one["name"] for one in read["attachments"]] and len(read["attachments"]) == len(ODD)
    assert {one["type"] for one in found["attachments"]} == {"application/pdf"} and {one["size"] for one in read["attachments"]} == {size}
    assert all(abs(one["size"] - size) <= 3 for one in found["attachments"])


def test_what_hangs_on_a_forwarded_mail_is_told_too(dovecot: Mail, call: Call) -> None:
    from email.message import EmailMessage
    from email.policy import SMTP

    inner, outer = EmailMessage(policy=SMTP), EmailMessage(policy=SMTP)
    for made, subject in ((inner, "inner"), (outer, "forwarded")):
        made["From"], made["Subject"] = "tilda@brandt.example", subject
        made.set_content("see")
    inner.add_attachment("deep", filename="inner.txt")
    outer.add_attachment(inner)
    put(dovecot, outer.as_bytes())
    found = call(dovecot, "search", subject="forwarded")[0]
    assert [one["name"] for one in found["attachments"]] == ["inner.txt"]
    assert call(dovecot, "attachment", id=found["id"], name="inner.txt").strip() == "deep"


RAW = b"From: t@x.example\r\nSubject: %s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\n%s\r\n\r\nZGF0YQ==\r\n--b--\r\n"
HEADS = (
    b'Content-Type: text/plain; name="=?utf-8?q?a=0Db?="\r\nContent-Transfer-Encoding: base64',
    b"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''%E2%82%AC%0d%0aX-Evil%3a%201.pdf\r\nContent-Transfer-Encoding: base64",
    b'Content-Type: image/png\r\nContent-Disposition: inline; filename*0="a"; filename*1="b.png"',
    b'Content-Type: image/png; name="../../etc/passwd"', b"Content-Disposition: attachment", b'Content-Type: text/plain; name=""\r\nContent-Disposition: attachment; filename="  "',
)


@pytest.mark.parametrize("number,head", list(enumerate(HEADS)))
def test_hostile_names_stay_one_line_and_have_one_reading(number: int, head: bytes, dovecot: Mail, call: Call) -> None:
    subject = f"hostile {number}"
    put(dovecot, RAW % (subject.encode(), head))
    found = call(dovecot, "search", subject=subject)[0]
    names = [one["name"] for one in found["attachments"]]
    assert len(names) == 1 and names[0] and names[0].isprintable() and len(names[0]) <= NAME_CHARS_MAX
    assert names == [one["name"] for one in call(dovecot, "read", id=found["id"])["attachments"]]


def test_the_server_says_who_reads_a_folder(sharing: int) -> None:  # G5.1
    nora = account(sharing)
    assert nora.readers("INBOX") == nora.readers("inbox") == nora.readers("Drafts") == nora.readers("Größe & Maß") == ()  # to see that it is there is not to read it
    assert nora.readers("Archive") == (f"mail:{SAM}",)
    for folder in (f"Shared/{SAM}/Team", "Shared/other", "No such folder", "Archive/", "Gr&APYA3w-e"):
        assert SOMEBODY in nora.readers(folder)
    assert set(nora.readers(None)) == {f"mail:{SAM}", SOMEBODY}


def test_a_server_without_shared_folders_has_no_other_readers(dovecot: Mail) -> None:
    assert dovecot.readers("Archive") == dovecot.readers("Größe & Maß") == dovecot.readers(None) == ()
    assert dovecot.readers("No such folder") == (SOMEBODY,)


def test_who_reads_the_drafts_is_told_by_no_draft(sharing: int, call: Call, fails: Call) -> None:
    client = imaplib.IMAP4("127.0.0.1", sharing)
    client.login(TILDA, "secret")
    assert client.setacl("Drafts", NORA, "lr")[0] == "OK"
    client.logout()
    assert fails(Refused, account(sharing, TILDA), "draft", to="a@b.example", subject="x", body="y").code == "shared"
    assert call(account(sharing), "draft", to="a@b.example", subject="x", body="y")["id"]
