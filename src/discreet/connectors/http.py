"""One HTTP request and its answer: nothing is followed, retried, decompressed or kept, and everything has a limit.

The bytes that leave are the ones given here, so that a prepared request fixes them. A name is resolved once, the addresses
are checked, and the connection goes to a checked address: a second answer of the name server changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import BadAnswer, ConnectorError, InvalidArgument, OutcomeUnknown, Unavailable

URL_CHARS_MAX = 2_000
HEADERS_MAX = 100


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one request may take."""

    timeout_s: float = 20.0  # of the whole exchange, however the bytes trickle in
    answer_bytes_max: int = 5_000_000
    private_hosts: frozenset[str] = frozenset()  # hosts that may lie on this machine or in a private network; "*" for all


@dataclass(frozen=True, slots=True)
class Response:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def text(self) -> str:
        """The body as text by its declared charset, or UTF-8."""
        kind = self.headers.get("content-type", "")
        charset = kind.partition("charset=")[2].split(";")[0].strip(" \"'") or "utf-8"
        try:
            found = self.body.decode(charset, "replace")
        except (LookupError, ValueError):
            found = self.body.decode("utf-8", "replace")
        return found.encode("utf-8", "replace").decode()


def parse_url(url: str, argument: str = "url") -> Any:
    """The parts of an absolute http(s) address; anything that two parsers could read two ways is refused."""
    from urllib.parse import urlsplit

    if len(url) > URL_CHARS_MAX:
        raise InvalidArgument(argument, f"is over {URL_CHARS_MAX} characters")
    if not url.isascii() or any(c <= " " or c in '\\"<>^`{|}\x7f' for c in url):
        raise InvalidArgument(argument, "holds a character that an address cannot hold")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidArgument(argument, "is not an address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidArgument(argument, "is not an absolute http or https address")
    if parts.username is not None or parts.password is not None or (port is not None and not 0 < port < 65536):
        raise InvalidArgument(argument, "holds a user name or an impossible port")
    return parts


def request(method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes, limits: HttpLimits, writes: bool = False) -> Response:
    """Send once. A lost answer is OutcomeUnknown if the request writes, else Unavailable."""
    import httpcore

    parts = parse_url(url)
    until = time.monotonic() + limits.timeout_s
    backend = _Backend(limits, until)
    sent = [("host", parts.netloc), *headers, ("accept-encoding", "identity"), ("connection", "close"), ("content-length", str(len(body)))]
    try:
        with httpcore.ConnectionPool(network_backend=backend, ssl_context=_tls(parts.scheme), retries=0) as pool:
            with pool.stream(method, url, headers=[(k.encode(), v.encode()) for k, v in sent], content=body,
                             extensions={"timeout": {k: limits.timeout_s for k in ("connect", "read", "write", "pool")}}) as answer:
                return _answer(answer, limits)
    except ConnectorError as error:
        if writes and backend.written and not isinstance(error, Unavailable):
            raise OutcomeUnknown("server's answer cannot be read") from error
        raise
    except (httpcore.ConnectError, httpcore.ConnectTimeout, socket.gaierror) as error:
        raise Unavailable("unreachable", "server cannot be reached") from error
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
        if writes and backend.written:
            raise OutcomeUnknown("server did not confirm the change") from error
        if isinstance(error, httpcore.RemoteProtocolError):
            raise BadAnswer("malformed", "server's answer is not HTTP") from error
        raise Unavailable("no_answer", f"server gave no answer within {limits.timeout_s} s") from error


def _answer(answer: Any, limits: HttpLimits) -> Response:
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in answer.headers[:HEADERS_MAX]}
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise BadAnswer("malformed", "server compressed its answer unasked")
    body = b""
    for chunk in answer.iter_stream():
        body += chunk
        if len(body) > limits.answer_bytes_max:
            raise BadAnswer("too_large", f"answer is over {limits.answer_bytes_max} bytes")
    return Response(answer.status, headers, body)


def _tls(scheme: str) -> ssl.SSLContext | None:
    return ssl.create_default_context() if scheme == "https" else None


def _addresses(host: str, port: int, limits: HttpLimits) -> list[str]:
    """Where a name points; refused whole if any of it is private and the host is not configured as such."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if "*" in limits.private_hosts or host in limits.private_hosts or f"{host}:{port}" in limits.private_hosts:
        return found
    for spelled in found:
        address = ipaddress.ip_address(spelled.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
        if not (address.is_global and mapped.is_global) or address.is_multicast:
            raise Unavailable("private_address", "host lies in a private network and is not configured as such")
    return found


class _Backend:
    """httpcore's network backend with one deadline for everything and a memory of whether bytes have left."""

    def __init__(self, limits: HttpLimits, until: float) -> None:
        import httpcore

        self._limits = limits
        self._until = until
        self._inner = httpcore.SyncBackend()
        self.written = False

    def left_s(self) -> float:
        import httpcore

        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("deadline")
        return left

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
                    socket_options: Iterable[Any] | None = None) -> Any:
        address = _addresses(host, port, self._limits)[0]
        return _Stream(self._inner.connect_tcp(address, port, self.left_s(), local_address, socket_options), self)

    def connect_unix_socket(self, *_: Any, **__: Any) -> Any:
        raise Unavailable("unreachable", "local sockets are not used")

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, self.left_s()))


class _Stream:
    def __init__(self, inner: Any, backend: _Backend) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._backend.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._backend.written = True
        self._inner.write(buffer, self._backend.left_s())

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None) -> Any:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._backend.left_s()), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
