"""From configuration to tools: each configured service opened, with what the directory needs to know of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from discreet.kernel.errors import DiscreetError
from discreet.tools.failure import Failure
from discreet.tools.registry import Tool


@dataclass
class Connections:
    """What is connected: tools, contact cards, shop names, ids of the user's own providers, and named hosts."""

    tools: list[Tool] = field(default_factory=list)
    cards: list[Mapping[str, Any]] = field(default_factory=list)
    shops: list[str] = field(default_factory=list)
    providers: list[str] = field(default_factory=list)
    hosts: dict[str, frozenset[str]] = field(default_factory=dict)
    engines: list[str] = field(default_factory=list)
    servers: list[str] = field(default_factory=list)


def connections(
    config: Mapping[str, Any], secrets: Mapping[str, str], stack: ExitStack, approved: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    closed: tuple[Path, ...] = (), described: Mapping[str, str] | None = None,
) -> Connections:
    """Open what `config` names. Nothing is contacted but the address book, whose cards say who is who.

    `approved` are the tools of each MCP server that the user has approved, as they saw them; `closed` are the agent's own
    folders, which no file tool enters; `described` is what the user wrote of a server's tools, by its name.
    """
    approved = approved or {}
    found = Connections()
    zone = config.get("person", {}).get("zone", "UTC")
    mail = None
    folders = _files(found, config["files"], zone, stack, closed) if "files" in config else None
    if "mail" in config:
        mail = _mail(found, config["mail"], secrets.get("mail", ""), zone, folders, stack)
    if "contacts" in config:
        _contacts(found, config["contacts"], secrets.get("contacts", ""), stack)
    if "calendar" in config:
        _calendar(found, config["calendar"], secrets.get("calendar", ""), zone, mail, stack)
    if config.get("shop"):
        _shops(found, config["shop"], stack)
    if "web" in config:
        _web(found, config["web"], stack)
    for one in config.get("mcp", ()):
        _mcp(found, one, approved.get(one["name"], ()), secrets.get(f"mcp:{one['name']}", ""), (described or {}).get(one["name"]), zone, stack)
    return found


def _close(connector: Any, stack: ExitStack) -> Any:
    stack.callback(connector.close)
    return connector


def _mail(found: Connections, settings: Mapping[str, Any], password: str, zone: str, folders: Any, stack: ExitStack) -> Any:
    from discreet.connectors.mail import Mail, MailConfig
    from discreet.connectors.mail_tools import PROVIDER, mail_tools

    values = dict(settings)
    values["trusted_authserv_ids"] = frozenset(values.get("trusted_authserv_ids", ()))
    mail = _close(Mail(MailConfig(password=password, **values), folders.files if folders else None), stack)
    found.tools += mail_tools(mail, zone, folders)
    found.providers.append(PROVIDER)
    return mail


def _contacts(found: Connections, settings: Mapping[str, Any], password: str, stack: ExitStack) -> None:
    from discreet.agents.people import owner_id
    from discreet.connectors.contacts import Contacts, named
    from discreet.connectors.contacts_tools import PROVIDER, contacts_tools

    contacts = _close(Contacts(_dav(settings, password)), stack)
    try:
        cards = contacts.everyone()
    except Failure as error:  # who somebody is to the user is not guessed: without the address book nothing is planned or done
        raise DiscreetError(f"[contacts] {error}; set it anew with `discreet connect contacts url=… user=… --password`") from None
    found.cards += cards

    def owner_of(name: str) -> str:
        found_ = named(cards, name)
        return owner_id(found_[0]) if len(found_) == 1 else ""

    found.tools += contacts_tools(contacts, owner_of)
    found.providers.append(PROVIDER)


def _calendar(found: Connections, settings: Mapping[str, Any], password: str, zone: str, mail: Any, stack: ExitStack) -> None:
    from discreet.connectors.calendar import Calendar, CalendarConfig
    from discreet.connectors.calendar_tools import PROVIDER, calendar_tools

    config = CalendarConfig(_dav(settings, password), zone, bool(settings.get("server_schedules", True)))
    found.tools += calendar_tools(_close(Calendar(config, mail), stack))
    found.providers.append(PROVIDER)


def _dav(settings: Mapping[str, Any], password: str) -> Any:
    from discreet.connectors.dav import DavConfig
    from discreet.connectors.http import HttpLimits

    limits = HttpLimits(private_hosts=frozenset(settings.get("private_hosts", ())))
    return DavConfig(settings["url"], settings.get("user", ""), password, limits)


def _shops(found: Connections, settings: list[Mapping[str, Any]], stack: ExitStack) -> None:
    from discreet.connectors.mcp_wire import McpConfig
    from discreet.connectors.shop import ShopConfig, Shops
    from discreet.connectors.shop_tools import shop_tools

    configs = tuple(
        ShopConfig(one["name"], McpConfig(one["name"], url=one.get("url", ""), command=tuple(one.get("command", ()))), one.get("currency", "EUR"))
        for one in settings
    )
    found.tools += shop_tools(_close(Shops(configs), stack))
    found.shops += [one["name"] for one in settings]


def _files(found: Connections, settings: Mapping[str, Any], zone: str, stack: ExitStack, closed: tuple[Path, ...]) -> Any:
    """`name = "/path"` for each root; `holds.name = [types]` for what a root's files tell."""
    from discreet.connectors.files import Files, FilesConfig
    from discreet.connectors.files_tools import files_tools, folders_of

    roots = {name: Path(path) for name, path in settings.items() if isinstance(path, str)}
    holds = {name.removeprefix("holds_"): tuple(types) for name, types in settings.items() if name.startswith("holds_")}
    files = _close(Files(FilesConfig(roots, closed=closed)), stack)
    found.tools += files_tools(files, holds, zone)
    return folders_of(files, holds)


def _web(found: Connections, settings: Mapping[str, Any], stack: ExitStack) -> None:
    from discreet.connectors.http import HttpLimits
    from discreet.connectors.web import Web, WebConfig
    from discreet.connectors.web_tools import SEARCH_ENGINE, web_tools

    limits = HttpLimits(private_hosts=frozenset(settings.get("private_hosts", ())))
    found.tools += web_tools(_close(Web(WebConfig(settings.get("search_url", ""), limits)), stack))
    found.engines.append(SEARCH_ENGINE)


def _mcp(
    found: Connections, settings: Mapping[str, Any], approved: Sequence[Mapping[str, Any]], token: str, described: str | None, zone: str, stack: ExitStack
) -> None:
    from discreet.connectors.mcp import ApprovedTool, McpServer
    from discreet.connectors.mcp_tools import mcp_tools

    tools = tuple(ApprovedTool(**one) for one in approved)
    file = contract_file(settings["name"], described) if described is not None else None
    found.tools += mcp_tools(_close(McpServer(mcp_config(settings, token), tools), stack), file, zone)
    found.servers.append(f"mcp:{settings['name']}")


def contract_file(server: str, text: str) -> Any:
    """What the user wrote of a server's tools. Raises DiscreetError with every mistake, located."""
    from discreet.connectors.contract_file import read

    return read(text, contracts_name(server), server)


def contracts_name(server: str) -> str:
    """The file in the home that describes a server's tools."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", server):
        raise DiscreetError(f"`{server}`: a server with contracts has a name of letters, digits, `-` and `_`")
    return f"contracts-{server}.toml"


def mcp_config(settings: Mapping[str, Any], token: str = "") -> Any:
    """How an MCP server is reached: `url`, or `command` to start it."""
    from discreet.connectors.mcp_wire import McpConfig

    headers = {"authorization": f"Bearer {token}"} if token else {}
    command = tuple(str(settings.get("command", "")).split()) if isinstance(settings.get("command", ""), str) else tuple(settings["command"])
    return McpConfig(settings["name"], url=settings.get("url", ""), command=command, headers=headers, mode=settings.get("mode", "auto"))
