"""The demo's stage: real local services, and a home with the persona's vault connected to them."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from discreet.agents.home import Home
from discreet.demo.services.start import Services, start

ERRAND = (
    "Order my usual running shoes from Northside Sports for at most 120 euros, put the delivery in my calendar and mail my running partner the date"
)


@dataclass
class Stage:
    """Running services and an opened home."""

    services: Services
    home: Home
    facts: list[dict[str, Any]]


@contextmanager
def stage(folder: Path, hostile: bool = False) -> Iterator[Stage]:
    """Start everything in `folder`, and stop just that at the end."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(folder / "state")  # heads of the demo's stores stay with the demo
    try:
        with start(folder / "services", hostile=hostile) as services, settled(folder / "home", services) as home:
            yield Stage(services, home, persona()["fact"])
    finally:
        if before is None:
            os.environ.pop("XDG_STATE_HOME", None)
        else:
            os.environ["XDG_STATE_HOME"] = before


def persona() -> dict[str, Any]:
    """What Nora has told her agent."""
    return tomllib.loads(resources.files("discreet.demo.persona").joinpath("facts.toml").read_text("utf-8"))


@contextmanager
def settled(path: Path, services: Services) -> Iterator[Home]:
    """A new home with the persona's facts, connected to the services."""
    told = persona()
    person = told["person"]
    with Home.create(path, "file", None, person["name"], person["email"], person["zone"]) as home:
        connect(home, services)
        for fact in told["fact"]:
            home.vault.remember(fact["text"], fact["type"], subject=fact["subject"], provenance=("user",))
        yield home


def connect(home: Home, services: Services) -> None:
    """Connect the home to the running services, as `discreet connect` does."""
    mail = dataclasses.asdict(services.mail())
    secret = mail.pop("password")
    mail["trusted_authserv_ids"] = sorted(mail["trusted_authserv_ids"])
    home.connect("mail", mail, secret)
    calendar, contacts = services.calendar(), services.contacts()
    local = {"private_hosts": ["127.0.0.1"]}
    home.connect("calendar", {"url": calendar.dav.url, "user": calendar.dav.user, "server_schedules": False, **local}, calendar.dav.password)
    home.connect("contacts", {"url": contacts.url, "user": contacts.user, **local}, contacts.password)
    for shop in services.shops():
        home.connect("shop", {"name": shop.name, "url": shop.server.url, "currency": shop.currency})
