"""The demo's mail server as a process of its own: IMAP by pymap, SMTP by aiosmtpd, one mailbox per user.

It is honest about senders: it removes forged Authentication-Results that bear its name and vouches only for a From that
equals the SMTP login. Mail without a login is taken too, as from the outside world, and vouched for by nobody. Mail to
an address that is no user's is accepted and written down: it is what that outsider would have received.
"""

from __future__ import annotations

import asyncio
import imaplib
import json
import signal
import socket
import sys
from argparse import Namespace
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from .record import Recorder
from .relay import port_of, relay

FOLDERS = ("Drafts", "Sent", "Archive")
AUTHSERV_ID = "mail.demo.example"


def main() -> None:
    """Run until terminated; the settings file is the only argument, the ports go to standard output."""
    asyncio.run(_serve(json.loads(Path(sys.argv[1]).read_text("utf-8"))))


async def _serve(settings: dict[str, Any]) -> None:
    from aiosmtpd.controller import Controller

    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    passwords = {user["address"]: user["password"] for user in settings["users"]}
    imap_port = await _start_imap(passwords)
    await asyncio.to_thread(_fill, imap_port, settings["users"])
    recorder = Recorder(settings["log"])
    imap = await relay(recorder, imap_port)
    handler = _Delivery(passwords, imap_port, Recorder(settings["delivered"]))
    smtp = Controller(handler, hostname="127.0.0.1", port=_free_port(), authenticator=handler.authenticate,
                      auth_required=False, auth_require_tls=False, server_hostname=AUTHSERV_ID, ident="demo")
    smtp.start()
    smtp_relay = await relay(Recorder(settings["log_smtp"]), smtp.port)
    print(f"ready imap={port_of(imap)} smtp={port_of(smtp_relay)}", flush=True)
    await stop.wait()
    smtp.stop()
    imap.close()
    smtp_relay.close()


async def _start_imap(passwords: dict[str, str]) -> int:
    """pymap with its in-memory store, holding just these users."""
    from pymap.backend.dict import Config, DictBackend, Identity, Login
    from pymap.imap import IMAPServer, IMAPService
    from pymap.user import Passwords, UserMetadata

    args = Namespace(demo_data=False, demo_user="nobody", demo_password="", host=["127.0.0.1"], port="0", cert=None, key=None,
                     tls=False, proxy_protocol=None, passlib_cfg=None, debug=False, inherited_sockets=None, skip_services=[])
    config = Config.from_args(args)
    login = Login(config)
    backend = DictBackend(login, config)
    config.apply_context()
    for address, password in passwords.items():
        hashed = await Passwords(config).hash_password(password)
        await Identity(address, login, None, frozenset()).set(UserMetadata(config, address, password=hashed))
    service = IMAPService(backend, config)
    server = await asyncio.start_server(_with_socket_info(IMAPServer(service.backend.login, config)), "127.0.0.1", 0)
    return port_of(server)


def _with_socket_info(serve: Any) -> Any:
    from proxyprotocol.reader import ProxyProtocolReader
    from proxyprotocol.version import ProxyProtocolVersion

    return ProxyProtocolReader(ProxyProtocolVersion.get(None)).get_callback(serve)


def _fill(port: int, users: list[dict[str, Any]]) -> None:
    """Put each user's folders and first messages in place, as a mail client would."""
    for user in users:
        client = imaplib.IMAP4("127.0.0.1", port)
        client.login(user["address"], user["password"])
        for folder in FOLDERS:
            client.create(folder)
        for message in user.get("messages", ()):
            flags = r"(\Seen)" if message.get("seen") else ""
            client.append(message.get("folder", "INBOX"), flags, None, message["raw"].encode("utf-8"))
        client.logout()


class _Delivery:
    """Takes mail by SMTP and files it into the users' inboxes over IMAP."""

    def __init__(self, passwords: dict[str, str], imap_port: int, recorder: Recorder) -> None:
        self._passwords = passwords
        self._imap_port = imap_port
        self._recorder = recorder

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        from aiosmtpd.smtp import AuthResult

        user = data.login.decode("utf-8", "replace")
        good = self._passwords.get(user) == data.password.decode("utf-8", "replace")
        if good:
            session.discreet_login = user
        return AuthResult(success=good, handled=good)  # a refusal is left to the server to say

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        login = getattr(session, "discreet_login", "")
        raw = _stamped(envelope.content, login)
        for recipient in envelope.rcpt_tos:
            self._recorder.write("mail", to=recipient, sender=envelope.mail_from, data=envelope.content)
            if recipient.lower() in self._passwords:
                await asyncio.to_thread(self._file, recipient.lower(), raw)
        return "250 kept"

    def _file(self, user: str, raw: bytes) -> None:
        client = imaplib.IMAP4("127.0.0.1", self._imap_port)
        client.login(user, self._passwords[user])
        client.append("INBOX", "", None, raw)
        client.logout()


def _stamped(content: bytes, login: str) -> bytes:
    """The message with this server's verdict on top, and without any that only pretends to be ours (RFC 8601, 5)."""
    head, separator, body = content.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    dropping = False
    for row in head.split(b"\r\n"):
        if row[:1] not in (b" ", b"\t"):
            dropping = row.lower().startswith(b"authentication-results:")
        if not dropping:
            kept.append(row)
    froms = [row for row in kept if row.lower().startswith(b"from:")]
    spoken = [spec.lower() for _, spec in getaddresses([froms[0][5:].decode("utf-8", "replace")])] if len(froms) == 1 else []
    verdict = f"auth=pass smtp.auth={login.lower()}" if login and spoken == [login.lower()] else "none"
    stamp = f"Authentication-Results: {AUTHSERV_ID}; {verdict}".encode()
    return b"\r\n".join([stamp, *kept]) + separator + body


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
