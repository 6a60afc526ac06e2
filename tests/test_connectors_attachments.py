"""Attachments against a real IMAP and SMTP server: what is listed, read as text, kept as a file, and sent."""

from __future__ import annotations

import datetime as dt
import imaplib
import json
import zlib
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discreet.connectors import attachments, pdf_text
from discreet.connectors.errors import BadAnswer, InvalidArgument, Refused
from discreet.connectors.files import Files, FilesConfig
from discreet.connectors.mail import Mail
from discreet.demo.services.start import Services

pytest_plugins = ["tests.services.fixtures"]

NORA, TILDA = "nora@lindqvist.example", "tilda@brandt.example"
Call = Callable[..., Any]
NONCE, NOON = "a nonce of this test", dt.datetime(2026, 5, 4, 12, tzinfo=dt.timezone.utc)


@pytest.fixture
def roots(tmp_path: Path) -> Files:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "letter.txt").write_text("Dear Tilda,\nhere it is.\n", "utf-8")
    (tmp_path / "documents" / "plan.pdf").write_bytes(pdf("The new floor plan"))
    return Files(FilesConfig({"documents": tmp_path / "documents"}, file_bytes_max=100_000))


@pytest.fixture
def nora(services: Services, roots: Files) -> Mail:
    return Mail(services.mail(), roots)


def pdf(words: str, stream: bytes | None = None, more: bytes = b"") -> bytes:
    """A PDF of one page."""
    content = stream if stream is not None else b"BT /F1 12 Tf 20 100 Td (%s) Tj ET" % words.encode("latin-1")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), more, content), b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]  # fmt: skip
    made, at = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        at.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % one for one in at)
    return made + b"xref\n0 6\n0000000000 65535 f \n" + table + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(made)


def message(*files: tuple[str, str, bytes], subject: str = "with files") -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = TILDA, NORA, subject
    made.set_content("See what is attached.")
    for name, kind, data in files:
        made.add_attachment(data, maintype=kind.partition("/")[0], subtype=kind.partition("/")[2], filename=name)
    return made


def put(services: Services, raw: bytes) -> None:
    config = services.mail()
    with imaplib.IMAP4(config.imap_host, config.imap_port) as client:
        client.login(config.user, config.password)
        client.append("INBOX", "", None, raw)  # type: ignore[arg-type]


def there(nora: Mail, services: Services, call: Call, made: EmailMessage | bytes, subject: str) -> dict[str, Any]:
    put(services, made if isinstance(made, bytes) else made.as_bytes())
    return call(nora, "search", subject=subject)[0]


# ---------------------------------------------------------------------------------------------------- what is attached


ODD = ("report.pdf", "Größe.txt", 'a "quoted" name.txt', "back\\slash.txt", "x" * 300 + ".txt", "two  spaces.csv", "semi;colon=1.txt", "naïve, (draft).txt", "表.txt")


def test_search_tells_what_is_attached_as_reading_the_mail_does(nora: Mail, services: Services, call: Call) -> None:
    files = [(name, "application/octet-stream", b"12345" * 40 + name.encode()) for name in ODD]
    found = there(nora, services, call, message(*files, subject="odd names"), "odd names")
    read = call(nora, "read", id=found["id"])["attachments"]
    assert [one["name"] for one in found["attachments"]] == [one["name"] for one in read] and len(read) == len(ODD)
    assert [one["name"] for one in read][:3] == list(ODD[:3])
    assert [one["type"] for one in found["attachments"]] == [one["type"] for one in read]
    for told in found["attachments"]:
        assert call(nora, "save_attachment", id=found["id"], name=told["name"], path=f"documents/{abs(hash(told['name']))}")


def test_equal_names_are_told_apart(nora: Mail, services: Services, call: Call) -> None:
    made = message(("scan.txt", "text/plain", b"one"), ("scan.txt", "text/plain", b"two"), ("", "image/png", b"three"), subject="equal names")
    found = there(nora, services, call, made, "equal names")
    assert [one["name"] for one in found["attachments"]] == ["scan.txt", "scan.txt (2)", "attachment"]
    assert [call(nora, "attachment", id=found["id"], name=name) for name in ("scan.txt", "scan.txt (2)")] == ["one", "two"]


def test_what_hangs_on_a_forwarded_mail_is_attached_too(nora: Mail, services: Services, call: Call) -> None:
    outer = message(subject="forwarded")
    outer.add_attachment(message(("inner.txt", "text/plain", b"deep"), subject="inner"))
    found = there(nora, services, call, outer, "forwarded")
    assert [one["name"] for one in found["attachments"]] == ["inner.txt"] == [one["name"] for one in call(nora, "read", id=found["id"])["attachments"]]
    assert call(nora, "attachment", id=found["id"], name="inner.txt") == "deep"


def test_a_mail_without_attachments_has_none_and_no_more_than_ten_are_told(nora: Mail, services: Services, call: Call) -> None:
    assert there(nora, services, call, message(subject="nothing on it"), "nothing on it")["attachments"] == []
    found = there(nora, services, call, message(*[(f"{n}.txt", "text/plain", b"x") for n in range(14)], subject="many on it"), "many on it")
    assert len(found["attachments"]) == attachments.ATTACHMENTS_MAX


@given(st.binary(max_size=400) | st.text('()"\\{}0123456789 NILabc', max_size=200).map(str.encode))
def test_any_structure_is_listed_or_gives_nothing(raw: bytes) -> None:
    for one in attachments.listed(raw):
        assert isinstance(one["name"], str) and isinstance(one["size"], int)


def test_a_structure_in_pieces_and_a_deep_one() -> None:
    told = attachments.structures([(b'1 (UID 7 BODYSTRUCTURE (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 2 1)("TEXT" "PLAIN" ("NAME" {5}', b"a)(b."), b') NIL NIL "BASE64" 78 1 NIL ("ATTACHMENT" NIL)) "MIXED"))', b"2 (UID 8)"])
    assert attachments.listed(told[7]) == [{"name": "a)(b.", "type": "text/plain", "size": 57}] and 8 not in told
    assert attachments.listed(b"(" * 100_000) == [] == attachments.listed(b'("TEXT" "PLAIN"')


# ---------------------------------------------------------------------------------------------------- as text


@pytest.mark.parametrize("name,kind,data,expected", [
    ("a.txt", "text/plain", "Grüße".encode(), "Grüße"),
    ("a.csv", "text/csv", b"a,b\r\n1,2\r\n", "a,b\n1,2\n"),
    ("a.html", "text/html", b"<p>Hello <b>you</b></p><script>evil()</script>", "Hello you"),
    ("a.json", "application/json", b'{"a": 1}', '{"a": 1}'),
    ("a.md", "application/octet-stream", b"# Title", "# Title"),
    ("a.pdf", "application/pdf", pdf("Invoice 17, 80 euros"), "Invoice 17, 80 euros"),
    ("b.pdf", "application/octet-stream", pdf("By its name"), "By its name"),
])  # fmt: skip
def test_texts_and_pdfs_are_read(name: str, kind: str, data: bytes, expected: str, nora: Mail, services: Services, call: Call) -> None:
    subject = f"text {name} {kind}"
    made = EmailMessage(policy=SMTP)
    made["From"], made["Subject"] = TILDA, subject
    made.set_content("see")
    made.add_attachment(data, maintype=kind.partition("/")[0], subtype=kind.partition("/")[2], filename=name)
    found = there(nora, services, call, made, subject)
    assert call(nora, "attachment", id=found["id"], name=name).strip() == expected.strip()


@pytest.mark.parametrize("name,kind,data", [
    ("a.png", "image/png", b"\x89PNG"), ("a.zip", "application/zip", b"PK"), ("a.pdf", "application/pdf", b"no pdf at all"), ("a.pdf", "application/pdf", pdf("", b"")),
    ("a.docx", attachments.TYPES["docx"], b"PK"),
])  # fmt: skip
def test_what_has_no_text_is_refused(name: str, kind: str, data: bytes, nora: Mail, services: Services, call: Call, fails: Call) -> None:
    subject = f"no text {name} {len(data)}"
    found = there(nora, services, call, message((name, kind, data), subject=subject), subject)
    assert fails(Refused, nora, "attachment", id=found["id"], name=name).code == "not_text"
    assert fails(Refused, nora, "attachment", id=found["id"], name="other.txt").code == "gone"


def test_a_text_over_the_limit_is_not_cut_silently(nora: Mail, services: Services, call: Call, fails: Call) -> None:
    found = there(nora, services, call, message(("long.txt", "text/plain", b"line of text\n" * 16_000), subject="long text"), "long text")
    assert fails(BadAnswer, nora, "attachment", id=found["id"], name="long.txt").code == "too_large"


def test_a_hostile_pdf_costs_a_bounded_time_and_no_memory_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading it happens in a process of its own, which is ended."""
    bomb = pdf("", zlib.compress(b"BT (x) Tj ET " * 20_000_000, 9), b"/Filter/FlateDecode")
    monkeypatch.setattr(pdf_text, "READ_S_MAX", 3)
    with pytest.raises((Refused, BadAnswer)):
        pdf_text.pdf_to_text(bomb, 1_000)
    monkeypatch.setattr(pdf_text, "READ_S_MAX", 0.01)
    with pytest.raises(BadAnswer):
        pdf_text.pdf_to_text(pdf("slow"), 1_000)


# ---------------------------------------------------------------------------------------------------- kept as a file


def test_a_kept_attachment_is_the_bytes_that_came_and_never_over_another_file(nora: Mail, services: Services, call: Call, fails: Call, roots: Files) -> None:
    data = bytes(range(256)) * 3
    found = there(nora, services, call, message(("b.bin", "application/octet-stream", data), subject="to keep"), "to keep")
    assert call(nora, "save_attachment", id=found["id"], name="b.bin", path="documents/b.bin") == {"path": "documents/b.bin"}
    assert (roots.config.roots["documents"] / "b.bin").read_bytes() == data
    assert fails(Refused, nora, "save_attachment", id=found["id"], name="b.bin", path="documents/b.bin").code == "exists"
    for path in ("documents/../x", "elsewhere/x", "documents", "/etc/passwd", "documents/a\nb"):
        assert fails(InvalidArgument, nora, "save_attachment", id=found["id"], name="b.bin", path=path).argument == "path"


def test_what_is_larger_than_a_file_may_be_is_not_kept(nora: Mail, services: Services, call: Call, fails: Call, roots: Files) -> None:
    found = there(nora, services, call, message(("big.bin", "application/octet-stream", b"x" * 100_001), subject="too big"), "too big")
    assert fails(Refused, nora, "save_attachment", id=found["id"], name="big.bin", path="documents/big.bin").code == "too_large"
    assert not (roots.config.roots["documents"] / "big.bin").exists()


# ---------------------------------------------------------------------------------------------------- sent


def test_files_arrive_as_they_are(nora: Mail, services: Services, call: Call, roots: Files) -> None:
    from email import message_from_string
    from email.policy import default

    call(nora, "send", to=TILDA, subject="The plan", body="See it.", attach=["documents/letter.txt", "documents/plan.pdf"])
    got = message_from_string(services.delivered(TILDA)[-1], policy=default)
    files = {part.get_filename(): part for part in got.iter_attachments()}  # type: ignore[attr-defined]
    assert {name: part.get_content_type() for name, part in files.items()} == {"letter.txt": "text/plain", "plan.pdf": "application/pdf"}
    assert files["plan.pdf"].get_payload(decode=True) == (roots.config.roots["documents"] / "plan.pdf").read_bytes()
    assert got.get_body().get_content().strip() == "See it."  # type: ignore[attr-defined]


def test_the_exact_request_holds_the_files_bytes(nora: Mail, roots: Files) -> None:
    """G5.4: equal files give equal bytes, another byte in one another digest."""
    def prepared() -> Any:
        return nora.prepare("send", {"to": TILDA, "subject": "x", "body": "y", "attach": ["documents/letter.txt"]}, NONCE, NOON)

    first = prepared()
    assert first == prepared()
    (roots.config.roots["documents"] / "letter.txt").write_text("Dear Tilda,\nhere it is!\n")
    assert prepared().digest != first.digest


def test_what_a_mail_carries_is_told_for_the_question(nora: Mail) -> None:
    told = dict(nora.prepare("send", {"to": TILDA, "subject": "x", "body": "y", "attach": ["documents/letter.txt", "documents/plan.pdf"]}, NONCE, NOON).added)
    assert told["attachment 1"] == "letter.txt, text/plain, 24 bytes" and told["attachment 1 text"] == "Dear Tilda,\nhere it is.\n"
    assert told["attachment 2"].startswith("plan.pdf, application/pdf, ") and told["attachment 2 is no text"].startswith("SHA-256 ")


@pytest.mark.parametrize("name", ['a"; filename="evil.exe', "Größe & Maß.txt", "a\\b.txt", "a;b=c.txt", "x" * 200 + ".txt", "%0d%0aBcc: e@x.example.txt", "‮txt.exe"])
def test_no_file_name_becomes_a_header(name: str, nora: Mail, services: Services, call: Call, roots: Files) -> None:
    from email import message_from_string
    from email.policy import default

    (roots.config.roots["documents"] / name).write_text("x")
    call(nora, "send", to=TILDA, subject="names", body="y", attach=[f"documents/{name}"])
    raw = services.delivered(TILDA)[-1]
    got = message_from_string(raw, policy=default)
    assert got.keys() == ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"] and raw.isascii()
    part = next(iter(got.iter_attachments()))  # type: ignore[attr-defined]
    assert part.get_filename() == name and set(part.keys()) == {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "MIME-Version"}


@pytest.mark.parametrize("paths", [["documents/../x"], ["elsewhere/x"], ["documents/a\r\nBcc: e@x"], ["documents/letter.txt"] * 2, ["documents/letter.txt"] * 11, ["documents/=?utf-8?q?x?=.txt"]])
def test_what_is_no_file_of_ones_own_is_refused(paths: list[str], nora: Mail, fails: Call, roots: Files) -> None:
    (roots.config.roots["documents"] / "=?utf-8?q?x?=.txt").write_text("x")
    assert fails(InvalidArgument, nora, "send", to=TILDA, subject="x", body="y", attach=paths).argument == "attach"


def test_a_mail_carries_so_much_and_no_more(nora: Mail, fails: Call, roots: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "ATTACHED_BYTES_MAX", 30)
    fails(InvalidArgument, nora, "send", to=TILDA, subject="x", body="y", attach=["documents/letter.txt", "documents/plan.pdf"])
    fails(Refused, nora, "send", to=TILDA, subject="x", body="y", attach=["documents/none.txt"])


def test_without_folders_nothing_is_carried(services: Services, fails: Call) -> None:
    assert fails(InvalidArgument, Mail(services.mail()), "send", to=TILDA, subject="x", body="y", attach=["documents/letter.txt"]).argument == "attach"


def test_the_type_table_is_our_own() -> None:
    assert attachments.type_of("a.PDF") == "application/pdf" and attachments.type_of("noend") == attachments.OTHER == attachments.type_of("a.exe")
    assert json.dumps(attachments.TYPES)  # plain
