"""What the contract of each connected tool says, and the empty form of a contracts file for an MCP server's tools."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from discreet.agents.connections import contract_file
from discreet.agents.home import Home
from discreet.connectors.contract_file import ADDRESSES
from discreet.connectors.mcp import ApprovedTool
from discreet.connectors.mcp_tools import schema_arguments
from discreet.kernel.contract import REQUIRED, UNSAID, Contract, Effect, Place, Role
from discreet.kernel.errors import DiscreetError, nearest
from discreet.kernel.label import Label
from discreet.kernel.shape import Shape
from discreet.policy.contracts import unsaid
from discreet.tools.question import inert_line


def listing(contracts: Mapping[str, Contract], only: str = "") -> list[dict[str, Any]]:
    """Every contract, or those of one service, as plain data."""
    services = sorted({name.partition(".")[0] for name in contracts})
    if only and only not in services and only not in contracts:
        raise DiscreetError(f"no service or tool is called `{only}`{nearest(only, [*services, *contracts])}")
    return [_told(one) for name, one in sorted(contracts.items()) if not only or only in (name, name.partition(".")[0])]


def _told(contract: Contract) -> dict[str, Any]:
    place = contract.place if isinstance(contract.place, Place) else None
    return {
        "name": contract.name, "stub": contract.stub().partition("  # ")[0], "summary": contract.summary, "effect": contract.effect.value, "purpose": contract.purpose,
        "recipients": list(contract.recipients) if contract.recipients is not UNSAID else None,
        "arguments": [{"name": p.name, "role": p.role.value, "kind": p.shape.kind, "address": p.address, "needed": p.default is REQUIRED} for p in contract.parameters],
        "place": _place(place) if place is not None else "by its arguments",
        "origin": None if contract.origin is None else contract.origin.id if isinstance(contract.origin, Place) else "by its arguments",
        "result": list(_fields(contract.result, "")),
        **{key: getattr(contract, key) for key in ("resolves", "undoable", "shares", "view", "calls_max", "seconds_max")},
        "unsaid": unsaid(contract),
    }  # fmt: skip


def _place(place: Place) -> dict[str, Any]:
    return {
        "id": place.id, **_label(place.label), "owner": place.owner, "readers": list(place.readers), "readable": place.readable, "keeps": list(place.keeps),
        "shows": [one.id for one in place.shows], "currency": place.currency,
    }  # fmt: skip


def _label(held: Label) -> dict[str, Any]:
    return {"tells": [tag.type if tag.subject == "user" else f"{tag.type} of {tag.subject}" for tag in sorted(held.tags)], "from": sorted(held.sources)}


def _fields(shape: Shape, where: str) -> Iterable[dict[str, Any]]:
    """Each part of a result with what it tells beyond its place."""
    told = {"field": where, "kind": shape.kind, "max": shape.max, **_label(shape.label), "attested": shape.attested, "id_of": shape.id_of}
    if shape.kind not in ("record", "list", "dict") or shape.label.tags:
        yield told
    for name, inner in shape.fields.items():
        yield from _fields(inner, f"{where}.{name}")
    if shape.element is not None:
        yield from _fields(shape.element, f"{where}[]")


def shown(told: Iterable[Mapping[str, Any]]) -> str:
    """The same for people to read."""
    return "\n\n".join("\n".join(_lines(one)) for one in told)


def _lines(one: Mapping[str, Any]) -> Iterable[str]:
    yield inert_line(one["stub"])
    yield f"  {inert_line(one['summary'])}"
    heard = "an outsider whom nobody knows" if one["recipients"] is None else ", ".join(one["recipients"]) or "nobody but whom its arguments and its place name"
    yield inert_line(f"  {one['effect']}, for {one['purpose']}; heard by {heard}")
    if one["arguments"]:
        yield inert_line("  arguments: " + ", ".join(f"{a['name']} ({a['role']}{', an address of ' + a['address'] if a['address'] else ''})" for a in one["arguments"]))
    place = one["place"]
    if isinstance(place, str):
        yield f"  place: {place}"
    else:
        whose = f"; it is {place['owner']}'s own" if place["owner"] else ""
        yield inert_line(f"  place: {place['id']}, which tells {', '.join(place['tells']) or 'nothing of anybody'}, from {', '.join(place['from']) or 'nobody'}{whose}")
    more = [f"`{f['field'] or 'all'}`: {', '.join(f['tells'])}" for f in one["result"] if f["tells"]]
    attested = [f["field"] or "all" for f in one["result"] if f["attested"]]
    yield from ([inert_line(f"  gives besides: {'; '.join(more)}")] if more else [])
    yield from ([inert_line(f"  vouched for: {', '.join(attested)}")] if attested else [])
    said = [key for key in ("resolves", "undoable", "shares") if one[key]] + ([f"takes along what {one['origin']} holds"] if one["origin"] else [])
    yield from ([f"  {', '.join(said)}"] if said else [])
    yield from (f"  not said: {why}" for why in one["unsaid"])


def notes(home: Home) -> list[str]:
    """What contracts files say of tools that are not approved."""
    approved = home.approved()
    return [line for server, text in home.described().items() for line in contract_file(server, text).unused(one["name"] for one in approved.get(server, ()))]


# ---------------------------------------------------------------------------------------------------- the empty form


def skeleton(home: Home, server: str) -> str:
    """A contracts file for a server's approved tools that says what is read where nothing is said."""
    known = [one["name"] for one in home.config.get("mcp", [])]
    if server not in known:
        raise DiscreetError(f"no MCP server is called `{server}`{nearest(server, known)}")
    tools = [ApprovedTool(**one) for one in home.approved().get(server, ())]
    if not tools:
        raise DiscreetError(f"no tool of `{server}` is approved yet; `discreet approve {server}` shows what it offers")
    return "\n".join([*_head(server), *(line for one in tools for line in _form(one))])


def _head(server: str) -> list[str]:
    return [
        f"# What the tools of `{server}` do and tell; docs/TOOLS.md says what each line means. Everything here is at its worst reading:",
        "# what you take away or leave as it is stays so. `discreet words` looks up types of information and purposes.", "",
        "# [place.store]                  # whence the answers are, if you know: then write `place = \"store\"` with a tool",
        '# tells = ["unclassified", "unclassified of others"]  # [] tells nothing of anybody',
        '# from = ["outside"]             # who can write it besides the server; [] is nobody',
        '# owner = "user"                 # "server": its own, and its answers are its own speech',
    ]  # fmt: skip


def _form(tool: ApprovedTool) -> Iterable[str]:
    effect = Effect.READ if tool.reads else Effect.WRITE
    yield from ("", f"[tool.{_key(tool.name)}]", f"summary = {json.dumps(tool.summary, ensure_ascii=False)}  # what planners see")
    yield f'effect = "{effect.value}"  # {", ".join(one.value for one in Effect)}'
    yield from ('purpose = "errand"', "recipients = []  # who hears it besides the server", "undoable = false", "shares = false", "resolves = false")
    role = Role.KEY if tool.reads else Role.WHAT
    for name, (shape, _) in schema_arguments(tool).items():
        yield f"arguments.{_key(name)} = {{ role = \"{role.value}\" }}  # {shape.stub()}; {', '.join(one.value for one in Role)}; address = {', '.join(ADDRESSES)}"
    yield '# result = { kind = "record", fields = { NAME = { kind = "text", max = 100, tells = ["unclassified"], attested = false } } }'


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=True)
