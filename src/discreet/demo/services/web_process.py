"""Runs the demo's HTTP services in one process, each on a port of its own with a record of its own."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from .record import Recorder
from .relay import port_of, relay


def main() -> None:
    """Run until terminated; the settings file is the only argument, `ready name=port …` goes to standard output."""
    asyncio.run(_serve(json.loads(Path(sys.argv[1]).read_text("utf-8"))))


async def _serve(settings: dict[str, Any]) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        def capture_signals(self) -> Any:
            return contextlib.nullcontext()  # one handler for all servers, below

    running: list[Any] = []
    ports: list[str] = []
    today = dt.date.fromisoformat(settings["today"])
    for service in settings["services"]:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio turns Nagle off only where TCP is named
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        recorder = Recorder(service["log"])
        recorded = _Recorded(_application(service, today, recorder), recorder, frozenset(service["tricks"]))
        config = uvicorn.Config(recorded, log_level="critical", access_log=False, lifespan="on", server_header=False, date_header=False)
        running.append((Server(config), listening))
        ports.append(f"{service['id']}={listening.getsockname()[1]}")
    tasks = [asyncio.create_task(server.serve(sockets=[listening])) for server, listening in running]
    while not all(server.started for server, _ in running):
        await asyncio.sleep(0.01)
    for wanted in settings.get("relays", ()):
        relayed = await relay(Recorder(wanted["log"]), wanted["port"])
        ports.append(f"{wanted['id']}={port_of(relayed)}")
    print("ready " + " ".join(ports), flush=True)
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    await stop.wait()
    for server, _ in running:
        server.should_exit = server.force_exit = True
    await asyncio.wait(tasks, timeout=2)


def _application(service: dict[str, Any], today: dt.date, recorder: Recorder) -> Any:
    tricks = frozenset(service["tricks"])
    if service["kind"] == "shop":
        from .shop import Shop, app

        return app(Shop(service["name"], tricks, today, recorder), tricks)
    if service["kind"] == "booking":
        from . import booking

        return booking.app(booking.Desk(service["name"], tricks, recorder), tricks)
    if service["kind"] == "site":
        from . import site

        return site.app
    raise ValueError(f"unknown kind of service `{service['kind']}`")


class _Recorded:
    """ASGI middleware: writes each request down as it came, and plays the tricks that lie below JSON."""

    def __init__(self, inner: Any, recorder: Recorder, tricks: frozenset[str]) -> None:
        self._inner = inner
        self._recorder = recorder
        self._tricks = tricks

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        # the port differs between two runs and tells nothing
        headers = [[k.decode("latin-1"), "127.0.0.1" if k == b"host" else v.decode("latin-1")] for k, v in scope["headers"]]
        path = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
        self._recorder.write("request", method=scope["method"], path=path, headers=headers, body=body)
        given = False

        async def again() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        if "endless" in self._tricks and b"search_catalog" in body:
            await _endless(send)
        elif "breaks" in self._tricks and b'"complete_checkout"' in body:
            await self._inner(scope, again, _swallowed)
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        elif "duplicates" in self._tricks and b'"tools/call"' in body:
            await self._inner(scope, again, _doubled(send))
        else:
            await self._inner(scope, again, send)


async def _endless(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    for _ in range(100_000):
        await send({"type": "http.response.body", "body": b" " * 65_536, "more_body": True})


async def _swallowed(_event: Any) -> None:
    """An answer that nobody gets."""


def _doubled(send: Any) -> Any:
    """Repeats the first key of the result, so that two parsers may read two values."""
    started: list[Any] = []

    async def wrapped(event: Any) -> None:
        if event["type"] == "http.response.start":
            started.append({**event, "headers": [(k, v) for k, v in event["headers"] if k.lower() != b"content-length"]})
            return
        if started:
            await send(started.pop())
        body = event.get("body", b"").replace(b'"isError":false', b'"isError":false,"isError":true').replace(b'"result":{', b'"result":{"x":1,"x":2,', 1)
        await send({**event, "body": body})

    return wrapped


if __name__ == "__main__":
    main()
