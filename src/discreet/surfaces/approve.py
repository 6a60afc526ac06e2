"""What an MCP server offers, shown inert, and the approval of its tools: pinned as they are now, with what comes next."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Sequence
from typing import Any

from discreet.agents.connections import contract_file, mcp_config
from discreet.agents.home import Home
from discreet.connectors.mcp import McpServer, approve as pin
from discreet.connectors.mcp_tools import mcp_tools
from discreet.kernel.errors import DiscreetError, nearest
from discreet.tools.failure import Failure
from discreet.tools.question import inert


def offered(home: Home, server: str) -> str:
    """The tools of a server in its own words."""
    lines = []
    for one in _offers(home, server).values():
        lines += [f"{inert(one['name'])}: {inert(str(one.get('description', '')))}", f"  takes {inert(json.dumps(one.get('schema') or {}))}"]
    return "\n".join([*lines, f"\nto approve some: `discreet approve {shlex.quote(server)} TOOL …`, with `--reads` if they change nothing"])


def approved(home: Home, server: str, names: Sequence[str], reads: bool, summary: str) -> str:
    """Approve these tools; what plans can call then, and how to let the server be told anything."""
    offers = _offers(home, server)
    for name in names:
        if name not in offers:
            raise DiscreetError(f"`{server}` offers no `{name}`{nearest(name, offers)}")
    try:
        pinned = [pin(offers[name], summary, reads) for name in names]
    except Failure as error:
        raise DiscreetError(f"`{server}`: {error}") from None
    kept = [one for one in home.approved().get(server, []) if one["name"] not in names]
    home.approve(server, [*kept, *map(dataclasses.asdict, pinned)])
    described = home.described().get(server)
    file = contract_file(server, described) if described is not None else None
    made = mcp_tools(McpServer(mcp_config({"name": server, "url": "http://127.0.0.1"}), tuple(pinned)), file)  # nothing is contacted
    told = [f"approved; a later change of {'any of them' if len(names) > 1 else 'it'} is refused. Plans can call:", *(f"  {one.contract.stub()}" for one in made)]
    return "\n".join([*told, f"It may be told nothing until a norm of yours permits it: `discreet norms explain mcp:{shlex.quote(server)} request --purpose errand --tool {made[0].name}` shows which"])


def _offers(home: Home, server: str) -> dict[str, Any]:
    known = {one["name"]: one for one in home.config.get("mcp", [])}
    if server not in known:
        raise DiscreetError(f"no MCP server is called `{server}`{nearest(server, known) or '; connect it first'}")
    link = McpServer(mcp_config(known[server], home.secrets().get(f"mcp:{server}", "")))
    try:
        return {one["name"]: one for one in link.offered()}
    except Failure as error:
        raise DiscreetError(f"`{server}`: {error}; look at its `url` or `command` in config.toml, or connect it anew") from None
    finally:
        link.close()
