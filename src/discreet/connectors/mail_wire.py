"""IMAP and SMTP connections that end: a deadline for the whole call, a limit on what the server may answer."""

from __future__ import annotations

import imaplib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .errors import BadAnswer, OutcomeUnknown, Refused, Unavailable

REPLY_LINES_MAX = 100  # lines of one SMTP reply


class TooMuch(Exception):
    """The server has sent more than the limit."""


class LimitedIMAP(imaplib.IMAP4):
    """IMAP4 with fixed tags (a random one would differ between two equal runs) and a limit on received bytes."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, timeout_s: float, answer_bytes_max: int,
                 opened: Callable[[socket.socket], None]) -> None:
        self._tls = tls
        self._opened = opened  # told of the socket before anything is read from it
        self._left_bytes = answer_bytes_max
        super().__init__(host, port, timeout=timeout_s)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return _connected(self.host, self.port, timeout, self._tls, self._opened)

    def _new_tag(self) -> bytes:
        if self.tagpre != b"A":
            self.tagpre = b"A"
            self.tagre = re.compile(rb"(?P<tag>A\d+) (?P<type>[A-Z]+) ?(?P<data>.*)", re.ASCII)
        return super()._new_tag()

    def _spend(self, size: int) -> None:
        self._left_bytes -= size
        if self._left_bytes < 0:
            raise TooMuch

    def read(self, size: int) -> bytes:
        self._spend(size)  # before reading: a literal announces its size
        return super().read(size)

    def readline(self) -> bytes:
        found = super().readline()
        self._spend(len(found))
        return found


class LimitedSMTP(smtplib.SMTP):
    """SMTP that gives up on a reply of endless lines; with `tls`, encrypted from the first byte."""

    tls: ssl.SSLContext | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return _connected(host, port, timeout, self.tls, lambda opened: setattr(self, "sock", opened))

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = self.sock.makefile("rb")
        said = []
        for _ in range(REPLY_LINES_MAX):
            received = self.file.readline(1_000)
            if not received or not received.endswith(b"\n"):
                break
            said.append(received[4:].strip(b" \t\r\n"))
            if received[3:4] != b"-":
                if not received[:3].isdigit():
                    break
                return int(received[:3]), b"\n".join(said)
        self.close()
        raise smtplib.SMTPServerDisconnected("no complete reply")


def _connected(host: str, port: int, timeout: float | None, tls: ssl.SSLContext | None, opened: Callable[[socket.socket], None]) -> socket.socket:
    """A socket, encrypted if `tls`; `opened` is told of it before a byte is read, so that a deadline can cut even a handshake."""
    plain = socket.create_connection((host, port), timeout)
    if tls is None:
        opened(plain)
        return plain
    encrypted = tls.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    opened(encrypted)
    encrypted.do_handshake()
    return encrypted


@contextmanager
def deadline(sock_of: Any, seconds: float) -> Iterator[None]:
    """Cut the connection when the whole call has taken too long; a per-read timeout alone never ends a slow drip."""

    def cut() -> None:
        if (sock := sock_of()) is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class ImapCall:
    """One IMAP conversation: connect, log in, a few commands, log out. Errors come out as the connector's own."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._writing = False
        self.client: Any = None

    @contextmanager
    def open(self) -> Iterator[ImapCall]:
        c = self._config
        sockets: list[socket.socket] = []
        try:
            with deadline(lambda: sockets[0] if sockets else None, c.timeout_s):
                try:
                    tls = trusted(c) if c.imap_tls else None
                    self.client = LimitedIMAP(c.imap_host, c.imap_port, tls, c.timeout_s, c.answer_bytes_max, sockets.append)
                except (OSError, imaplib.IMAP4.error, TooMuch) as error:
                    raise Unavailable("unreachable", "mail server cannot be reached") from error
                self._login()
                yield self
        except TooMuch as error:
            raise self._lost(BadAnswer("too_large", f"mail server sent over {c.answer_bytes_max} bytes")) from error
        except (OSError, imaplib.IMAP4.abort, EOFError) as error:
            raise self._lost(Unavailable("no_answer", f"mail server gave no answer within {c.timeout_s} s")) from error
        except (imaplib.IMAP4.error, ValueError, IndexError, UnicodeError) as error:
            raise self._lost(BadAnswer("malformed", "mail server's answer cannot be read")) from error
        finally:
            self._leave()

    def _login(self) -> None:
        try:
            self.client.login(self._config.user, self._config.password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise Refused("login", "mail server refused the login") from error

    def _lost(self, otherwise: Exception) -> Exception:
        """After a write left, no failure tells whether it took effect."""
        return OutcomeUnknown("mail server did not confirm the change") if self._writing else otherwise

    def _leave(self) -> None:
        if self.client is None:
            return
        try:
            self.client.shutdown()  # no LOGOUT round trip: nothing depends on it
        except OSError:
            pass

    def select(self, folder: str, readonly: bool) -> str:
        """Open a folder and return its UIDVALIDITY."""
        status, data = self.client.select(quoted_folder(folder), readonly=readonly)
        if status != "OK":
            raise Refused("folder", "mail server has no such folder", _said(data))
        found = self.client.response("UIDVALIDITY")[1]
        return found[0].decode() if found and found[0] else "0"

    def read(self, *command: Any) -> list[Any]:
        """A UID command that changes nothing."""
        status, data = self.client.uid(*command)
        if status != "OK":
            raise Refused("command", f"mail server refused `{command[0]}`", _said(data))
        return data

    def write(self, *command: Any) -> list[Any]:
        """A UID command that changes the mailbox: from here on, silence means unknown."""
        self._writing = True
        status, data = self.client.uid(*command)
        self._writing = False
        if status != "OK":
            raise Refused("command", f"mail server refused `{command[0]}`", _said(data))
        return data

    def capabilities(self) -> frozenset[str]:
        """What the server can, as it says after the login."""
        status, data = self.client.capability()
        return frozenset(b" ".join(data).decode("ascii", "replace").upper().split()) if status == "OK" else frozenset()

    def listed(self) -> list[Any]:
        """The rows that tell all folders."""
        status, data = self.client.list()
        if status != "OK":
            raise Refused("command", "mail server refused `LIST`", _said(data))
        return [row for row in data if row]

    def said(self, command: str) -> list[Any]:
        """The answer to a command without arguments."""
        status, data = self.client.namespace() if command == "NAMESPACE" else ("NO", [])
        if status != "OK":
            raise Refused("command", f"mail server refused `{command}`", _said(data))
        return data

    def rights(self, folder: bytes) -> list[Any] | None:
        """Who may do what with a folder, by its name on the wire; None where the server does not say."""
        from imap_tools.utils import quote

        status, data = self.client.getacl(quote(folder).decode("ascii"))
        return data if status == "OK" and data and data[0] else None

    def append(self, folder: str, flags: str, message: bytes) -> str:
        """Put a message into a folder; returns `folder/uidvalidity/uid`, or "" if the server does not tell."""
        self._writing = True
        status, data = self.client.append(quoted_folder(folder), flags, None, message)
        self._writing = False
        if status != "OK":
            raise Refused("folder", "mail server refused to keep the message", _said(data))
        told = re.search(rb"APPENDUID (\d+) (\d+)", data[0] or b"")
        return f"{folder}/{told.group(1).decode()}/{told.group(2).decode()}" if told else ""


def send(config: Any, sender: str, recipients: list[str], message: str) -> None:
    """Hand over one message once, to all recipients or to none."""
    accepted = False
    try:
        with _smtp(config) as client:
            if client.docmd("MAIL", f"FROM:<{sender}>")[0] != 250:
                raise Refused("sender", "mail server refused the sender")
            for recipient in recipients:
                code, said = client.docmd("RCPT", f"TO:<{recipient}>")
                if code not in (250, 251):
                    raise Refused("recipient", "mail server refused a recipient; nothing was sent", said.decode("utf-8", "replace"))
            if client.docmd("DATA")[0] != 354:
                raise Refused("message", "mail server refused the message")
            accepted = True  # from here on, silence means unknown
            client.send(re.sub(rb"(?m)^\.", b"..", message.encode("ascii")) + b".\r\n")
            code, said = client.getreply()
            accepted = False
            if code != 250:
                raise Refused("message", "mail server refused the message", said.decode("utf-8", "replace"))
    except (OSError, smtplib.SMTPException) as error:
        if accepted:
            raise OutcomeUnknown("mail server did not confirm the message") from error
        raise Unavailable("no_answer", "mail server gave no answer; nothing was sent") from error


@contextmanager
def _smtp(config: Any) -> Iterator[LimitedSMTP]:
    client = LimitedSMTP(local_hostname=config.helo_name, timeout=config.timeout_s)
    try:
        with deadline(lambda: client.sock, config.timeout_s):
            if config.smtp_tls == "tls":
                client.tls = trusted(config)
            client._host = config.smtp_host  # type: ignore[attr-defined]  # starttls() checks the certificate against it
            code, _ = client.connect(config.smtp_host, config.smtp_port)
            if code != 220:
                raise Unavailable("unreachable", "mail server does not greet")
            if config.smtp_tls == "starttls":
                client.starttls(context=trusted(config))
            client.ehlo_or_helo_if_needed()
            if config.password:
                _log_in(client, config)
            yield client
    finally:
        client.close()


def trusted(config: Any) -> ssl.SSLContext:
    """Certificates are always checked: against the machine's authorities, or the configured file's."""
    return ssl.create_default_context(cafile=config.ca_file or None)


def _log_in(client: LimitedSMTP, config: Any) -> None:
    """Once, by one mechanism: a refused password is not tried again by another."""
    client.user, client.password = config.user, config.password
    offered = client.esmtp_features.get("auth", "").upper().split()
    try:
        if "PLAIN" in offered or not offered:
            client.auth("PLAIN", client.auth_plain)
        else:
            client.auth("LOGIN", client.auth_login)
    except smtplib.SMTPAuthenticationError as error:
        raise Refused("login", "mail server refused the login") from error


def quoted_folder(folder: str) -> str:
    from imap_tools.utils import encode_folder

    return encode_folder(folder).decode("ascii")


def _said(data: Any) -> str:
    return b" ".join(part for part in data or [] if isinstance(part, bytes)).decode("utf-8", "replace")
