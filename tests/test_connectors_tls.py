"""Mail over TLS: certificates are checked, whichever way the encryption begins."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from discreet.connectors.errors import Unavailable
from discreet.connectors.mail import Mail
from discreet.demo.services.start import Services, start
from tests.services.clock import TODAY

pytest_plugins = ["tests.services.fixtures"]

Call = Callable[..., Any]
NORA, SAM = "nora@lindqvist.example", "sam@okafor.example"


@pytest.fixture(scope="module")
def mail_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with start(tmp_path_factory.mktemp("mail"), today=TODAY, only=frozenset({"mail"})) as services:
        yield services


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of this machine's, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256()))
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
                     + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def encrypted(mail_services: Services, certificate: Path) -> Iterator[dict[str, int]]:
    """Ports at which the plain servers are reached through TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.new_event_loop()

    async def pass_on(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        while data := await reading.read(65_536):
            writing.write(data)
            await writing.drain()
        writing.close()

    async def serve(port: int) -> int:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(pass_on(reader, up_writer), pass_on(up_reader, writer), return_exceptions=True)

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        return int(server.sockets[0].getsockname()[1])

    threading.Thread(target=loop.run_forever, daemon=True).start()
    yield {name: asyncio.run_coroutine_threadsafe(serve(mail_services.ports[name]), loop).result(10) for name in ("imap", "smtp")}
    loop.call_soon_threadsafe(loop.stop)


def account(services: Services, encrypted: dict[str, int], **more: Any) -> Mail:
    return Mail(services.mail(imap_port=encrypted["imap"], smtp_port=encrypted["smtp"], imap_tls=True, smtp_tls="tls", timeout_s=10.0, **more))


def test_mail_is_read_and_sent_over_tls(mail_services: Services, encrypted: dict[str, int], certificate: Path, call: Call) -> None:
    mail = account(mail_services, encrypted, ca_file=str(certificate))
    assert call(mail, "search", limit=1)
    assert call(mail, "send", to=SAM, subject="over tls", body="x")["copy_kept"]


def test_an_unknown_certificate_ends_the_call_before_anything_is_said(mail_services: Services, encrypted: dict[str, int], fails: Call) -> None:
    distrusting = account(mail_services, encrypted)
    before = len(mail_services.delivered(SAM))
    fails(Unavailable, distrusting, "search")
    fails(Unavailable, distrusting, "send", to=SAM, subject="x", body="y")
    assert len(mail_services.delivered(SAM)) == before


def test_starttls_is_demanded_and_checked(mail_services: Services, certificate: Path, call: Call, fails: Call) -> None:
    class Sink:
        got: list[bytes] = []

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            assert session.ssl is not None
            self.got.append(envelope.content)
            return "250 kept"

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    controller = Controller(Sink(), hostname="127.0.0.1", port=_free_port(), tls_context=context, require_starttls=True)
    controller.start()
    try:
        settings = {"smtp_port": controller.port, "smtp_tls": "starttls", "password": "", "sent_folder": "", "timeout_s": 10.0}
        call(Mail(mail_services.mail(**settings, ca_file=str(certificate))), "send", to=SAM, subject="x", body="y")
        assert len(Sink.got) == 1
        fails(Unavailable, Mail(mail_services.mail(**settings)), "send", to=SAM, subject="x", body="y")
        assert len(Sink.got) == 1
    finally:
        controller.stop()


def test_a_server_without_starttls_gets_nothing(mail_services: Services, fails: Call) -> None:
    before = len(mail_services.observed("delivered"))
    fails(Unavailable, Mail(mail_services.mail(smtp_tls="starttls", timeout_s=10.0)), "send", to=SAM, subject="x", body="y")
    assert len(mail_services.observed("delivered")) == before


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
