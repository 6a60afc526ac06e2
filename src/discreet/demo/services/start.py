"""Starts all demo services on free local ports, and stops just those.

    with start(directory, hostile=False) as services:
        mail = Mail(services.mail())
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from discreet.connectors.calendar import CalendarConfig
from discreet.connectors.calendar_object import write as calendar_object
from discreet.connectors.dav import DavConfig
from discreet.connectors.files import FilesConfig
from discreet.connectors.http import HttpLimits
from discreet.connectors.mail import MailConfig
from discreet.connectors.mcp_wire import McpConfig
from discreet.connectors.shop import ShopConfig
from discreet.connectors.web import WebConfig

from ..persona import world
from . import record
from .booking import DESKS
from .mail import AUTHSERV_ID
from .shop import HOSTILE

READY_S_MAX = 30.0
STOP_S_MAX = 3.0
SHOPS = {"northside": "Northside Sports", "riverbend": "Riverbend Runners"}


@dataclass(slots=True)
class Services:
    """The running services: their addresses as connector configurations, and what each has observed."""

    directory: Path
    today: dt.date
    ports: dict[str, int]
    _processes: dict[str, subprocess.Popen[str]] = field(repr=False)

    def mail(self, address: str = world.NORA, **more: Any) -> MailConfig:
        """A user's mail account."""
        name = {world.NORA: "Nora Lindqvist", world.SAM: "Sam Okafor", world.TILDA: "Tilda Brandt"}.get(address, "")
        settings: dict[str, Any] = {
            "address": address, "user": address, "password": world.PASSWORDS[address], "display_name": name, "imap_host": "127.0.0.1",
            "imap_port": self.ports["imap"], "smtp_host": "127.0.0.1", "smtp_port": self.ports["smtp"], "imap_tls": False, "smtp_tls": "none",
            "trusted_authserv_ids": frozenset({AUTHSERV_ID}), "sent_folder": "Sent", **more,
        }
        return MailConfig(**settings)

    def calendar(self, **more: Any) -> CalendarConfig:
        """Nora's calendar."""
        return CalendarConfig(**{"dav": self._dav("calendar"), "zone": "Europe/Berlin", "server_schedules": False, **more})

    def contacts(self) -> DavConfig:
        """Nora's address book."""
        return self._dav("contacts")

    def shops(self, northside: str = "northside", **more: Any) -> tuple[ShopConfig, ...]:
        """Both shops; `northside` may name another instance of that shop."""
        at = {northside: SHOPS["northside"], "riverbend": SHOPS["riverbend"]}
        return tuple(ShopConfig(name, McpConfig(id_, url=self.url(id_) + "/mcp", **more)) for id_, name in at.items())

    def desk(self, id_: str = "dentist", **more: Any) -> McpConfig:
        """A booking desk that speaks MCP: `dentist` or `library`."""
        return McpConfig(id_, url=self.url(id_) + "/mcp", **more)

    def web(self, **limits: Any) -> WebConfig:
        """The web as this machine has it: the demo's site and its search engine."""
        return WebConfig(self.url("site") + "/search?q={query}", HttpLimits(private_hosts=frozenset({"127.0.0.1"}), **limits))

    def files(self) -> FilesConfig:
        """Nora's files."""
        return FilesConfig({folder.name: folder for folder in sorted((self.directory / "files").iterdir())})

    def url(self, service: str) -> str:
        """Where an HTTP service is."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def observed(self, service: str) -> list[dict[str, Any]]:
        """All that a service has seen so far: `imap`, `smtp`, `delivered` (mails by recipient), `dav`, or an HTTP service's name."""
        return record.read(self.directory / f"{service}.jsonl")

    def delivered(self, address: str) -> list[str]:
        """Every message that one recipient got, as bytes in Latin-1."""
        return [seen["data"] for seen in self.observed("delivered") if seen["to"].lower() == address.lower()]

    def kill(self, process: str) -> None:
        """Kill one server process (`mail`, `dav` or `web`) at once, as a crash would."""
        self._processes[process].kill()
        self._processes[process].wait()

    def freeze(self, process: str) -> None:
        """Stop a server process from answering without closing its connections."""
        os.kill(self._processes[process].pid, signal.SIGSTOP)

    def _dav(self, collection: str) -> DavConfig:
        return DavConfig(f"{self.url('dav')}/nora/{collection}/", "nora", "demo-nora", HttpLimits(private_hosts=frozenset({"127.0.0.1"})))


@contextmanager
def start(directory: str | Path, hostile: bool = False, today: dt.date | None = None, tricks: Mapping[str, frozenset[str]] | None = None,
          only: frozenset[str] = frozenset({"mail", "dav", "web"})) -> Iterator[Services]:
    """All services, or those of `only`. `tricks` names what single services do, else `hostile` gives each its usual ones;
    an id in it that is no service's makes another shop called Northside Sports, with these tricks."""
    home = Path(directory)
    home.mkdir(parents=True, exist_ok=True)
    today = today or dt.date.today()
    ports: dict[str, int] = {}
    processes: dict[str, subprocess.Popen[str]] = {}
    world.write_files(home / "files")
    with ExitStack() as stack:
        stack.callback(_stop, processes)
        dav_port = _free_port()
        if "dav" in only:
            processes["dav"] = _run(home, "-m", "radicale", "--config", str(_radicale(home, dav_port, today)))
        if "mail" in only:
            processes["mail"] = _run(home, "-m", "discreet.demo.services.mail", str(_settings(home, "mail", _mail_settings(home, today))))
        if only & {"web", "dav"}:
            web = _web_settings(home, today, HOSTILE if hostile else frozenset(), tricks or {}, dav_port, only)
            processes["web"] = _run(home, "-m", "discreet.demo.services.web_process", str(_settings(home, "web", web)))
        for name in ("mail", "web"):
            if name in processes:
                ports.update(_ready(name, processes[name]))
        if "dav" in processes:
            _listening(dav_port, processes["dav"])
        yield Services(home, today, ports, processes)


def _run(home: Path, *arguments: str) -> subprocess.Popen[str]:
    errors = open(home / "errors.log", "a", encoding="utf-8")
    with errors:
        return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, text=True,
                                env={**os.environ, "PYTHONWARNINGS": "ignore"})


def _settings(home: Path, name: str, settings: dict[str, Any]) -> Path:
    path = home / f"{name}.settings.json"
    path.write_text(json.dumps(settings), "utf-8")
    return path


def _mail_settings(home: Path, today: dt.date) -> dict[str, Any]:
    users = [{"address": a, "password": p, "messages": world.mails(today).get(a, [])} for a, p in world.PASSWORDS.items()]
    return {"users": users, "log": str(home / "imap.jsonl"), "log_smtp": str(home / "smtp.jsonl"), "delivered": str(home / "delivered.jsonl")}


def _web_settings(home: Path, today: dt.date, usual: frozenset[str], tricks: Mapping[str, frozenset[str]], dav_port: int,
                  only: frozenset[str]) -> dict[str, Any]:
    services: list[dict[str, Any]] = []
    if "web" in only:
        for id_, name in SHOPS.items():
            services.append({"id": id_, "kind": "shop", "name": name, "tricks": sorted(tricks.get(id_, usual)), "log": str(home / f"{id_}.jsonl")})
        for id_, name in DESKS.items():
            services.append({"id": id_, "kind": "booking", "name": name, "tricks": sorted(tricks.get(id_, usual)), "log": str(home / f"{id_}.jsonl")})
        for id_ in sorted(tricks.keys() - SHOPS.keys() - DESKS.keys()):
            services.append({"id": id_, "kind": "shop", "name": SHOPS["northside"], "tricks": sorted(tricks[id_]), "log": str(home / f"{id_}.jsonl")})
        services.append({"id": "site", "kind": "site", "name": "site", "tricks": [], "log": str(home / "site.jsonl")})
    relays = [{"id": "dav", "port": dav_port, "log": str(home / "dav.jsonl")}] if "dav" in only else []
    return {"today": today.isoformat(), "services": services, "relays": relays}


def _radicale(home: Path, port: int, today: dt.date) -> Path:
    """Radicale's settings, users and collections, written as it keeps them itself."""
    (home / "dav.users").write_text("nora:demo-nora\n", "utf-8")
    collections = home / "dav" / "collection-root" / "nora"
    for name, tag in (("calendar", "VCALENDAR"), ("contacts", "VADDRESSBOOK")):
        (collections / name).mkdir(parents=True, exist_ok=True)
        (collections / name / ".Radicale.props").write_text(json.dumps({"tag": tag, "D:displayname": name}), "utf-8")
    now = dt.datetime.combine(today, dt.time(), dt.timezone.utc)
    for event in world.events(today):
        made = {key: event[key] for key in ("title", "start", "end", "place", "notes")}
        data = calendar_object(f"{event['id']}@demo", now, **made, attendees=(), organizer="")  # type: ignore[arg-type]
        (collections / "calendar" / f"{event['id']}.ics").write_text(data, "utf-8", newline="")
    for card in world.contacts():
        (collections / "contacts" / f"{card['id']}.vcf").write_text(_card(card), "utf-8", newline="")
    path = home / "radicale.ini"
    path.write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {home / 'dav.users'}\nhtpasswd_encryption = plain\n"
        f"delay = 0\n[storage]\nfilesystem_folder = {home / 'dav'}\n[logging]\nlevel = warning\n", "utf-8")
    return path


def _card(card: Mapping[str, str]) -> str:
    first, _, last = card["name"].rpartition(" ")
    rows = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{card['id']}@demo", f"FN:{card['name']}", f"N:{last};{card['given'] or first};;;",
            f"EMAIL:{card['email']}"]
    for key, prefix in (("phone", "TEL:"), ("address", "ADR:"), ("birthday", "BDAY:"), ("relation", "X-RELATION:"), ("groups", "CATEGORIES:")):
        rows += [prefix + card[key]] if card[key] else []
    return "\r\n".join([*rows, "END:VCARD", ""])


def _ready(name: str, process: subprocess.Popen[str]) -> dict[str, int]:
    """Wait for the child's `ready name=port …` line."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
        if not waiting.select(READY_S_MAX):
            raise RuntimeError(f"service `{name}` was not ready within {READY_S_MAX} s")
        said = process.stdout.readline()  # type: ignore[union-attr]
    if not said.startswith("ready"):
        raise RuntimeError(f"service `{name}` ended while starting; see errors.log")
    return {key: int(port) for key, port in re.findall(r"(\w+)=(\d+)", said)}


def _listening(port: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + READY_S_MAX
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("service `dav` was not ready; see errors.log")


def _stop(processes: Mapping[str, subprocess.Popen[str]]) -> None:
    """End our own children, by their ids only."""
    for process in processes.values():
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)  # a frozen one cannot end
            process.terminate()
    for process in processes.values():
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
