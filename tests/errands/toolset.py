"""The tools that the errands are planned over: the product's own contracts, over connectors that are never called."""

from __future__ import annotations

from types import SimpleNamespace

from discreet.agents.reader_tool import reader_tool
from discreet.agents.vault_tools import vault_tools
from discreet.connectors.calendar_tools import calendar_tools
from discreet.connectors.contacts_tools import contacts_tools
from discreet.connectors.mail_tools import mail_tools
from discreet.connectors.shop_tools import shop_tools
from discreet.kernel.contract import Contract, Effect, Parameter, Role
from discreet.kernel.shape import Shape, list_of, record_of, scalar, text

_line = text()
_none = scalar("none")
_FILE = Shape("record", fields={"path": _line, "name": _line, "modified": scalar("date")}, name="File")
_PAGE = record_of("Page", url=_line, title=_line)


def contracts(shops: tuple[str, ...]) -> dict[str, Contract]:
    """Every contract by its tool's name."""
    inert = SimpleNamespace(config=SimpleNamespace(zone="UTC", address="alex@marlow.example"), names=shops, currencies=dict.fromkeys(shops, "EUR"), prepare=None, perform=None, readers=lambda *_: ())
    tools = [
        *mail_tools(inert), *shop_tools(inert), *calendar_tools(inert), *contacts_tools(inert), *vault_tools(inert), reader_tool(lambda *_: None),
    ]  # fmt: skip
    made = {tool.name: tool.contract for tool in tools}
    for contract in _OTHERS:  # files, pages and remembering, in the form that their connectors give them
        made.setdefault(contract.name, contract)
    return made


def _key(name: str) -> Parameter:
    return Parameter(name, _line, Role.KEY)


_OTHERS = (
    Contract("files.list", "files of a folder", (_key("folder"),), list_of(_FILE)),
    Contract("files.read", "the text of a file", (_key("path"),), _line),
    Contract("files.write", "write a text file", (Parameter("path", _line, Role.WHAT), Parameter("text", _line)), _none, Effect.WRITE),
    Contract("web.search", "search the web", (_key("query"),), list_of(_PAGE)),
    Contract("web.read", "the text of a page", (_key("url"),), _line),
    Contract("memory.remember", "keep a fact that the user tells", (Parameter("type", _line), Parameter("fact", _line)), _none, Effect.WRITE),
)
