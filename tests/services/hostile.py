"""A local server that answers each request with prepared bytes, then closes, hangs, or never stops: what no honest server does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Hostile:
    """`port` to connect to; `seen` is what each connection sent."""

    def __init__(self, script: list[tuple[bytes, bytes]], greeting: bytes, then: str) -> None:
        self._script = script
        self._greeting = greeting
        self._then = then
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self.port: int = self._listening.getsockname()[1]
        self.seen: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self._stop.set()
        self._listening.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.seen.append(b"")
            threading.Thread(target=self._talk, args=(connection, len(self.seen) - 1), daemon=True).start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        """Answer whatever contains a script's trigger with its bytes; `TAG` in them stands for the request's first word."""
        with connection:
            try:
                connection.sendall(self._greeting)
                while self._then == "drip" and not self._stop.wait(0.1):
                    connection.sendall(b"x")
                waiting = b""
                while data := connection.recv(65_536):
                    self.seen[number] += data
                    waiting += data
                    for trigger, answer in self._script:
                        if trigger in waiting:
                            tag = waiting.split(b" ", 1)[0]
                            waiting = b""
                            if answer == b"CLOSE":
                                return
                            if answer == b"HANG":
                                self._stop.wait(30)
                                return
                            connection.sendall(answer.replace(b"TAG", tag))
                            if self._then == "endless":
                                while not self._stop.is_set():
                                    connection.sendall(b"* OK more\r\n" * 1000)
                            break
            except OSError:
                pass


@contextmanager
def hostile(script: list[tuple[bytes, bytes]], greeting: bytes = b"", then: str = "") -> Iterator[Hostile]:
    """Run one until the block ends."""
    server = Hostile(script, greeting, then)
    try:
        yield server
    finally:
        server.stop()
