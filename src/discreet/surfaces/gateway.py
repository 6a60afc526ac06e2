"""`discreet gateway`: an MCP server on standard input and output, over which somebody else's agent works behind the monitor.

Nothing but the protocol leaves this process: standard error is closed to it once it serves, since the client reads that too. Questions
and reports go into the home, sealed, where `discreet questions` shows them to the person; the client's own dialogues are its agent's.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from discreet.agents.gateway import HOW, Gateway, Refused
from discreet.agents.home import Home
from discreet.agents.providers import LOCAL, provider, reading, recipient
from discreet.agents.session import Report
from discreet.agents.waiting import Waiting
from discreet.kernel.contract import REQUIRED, Contract, Effect
from discreet.kernel.errors import DiscreetError
from discreet.kernel.monitor import Flow
from discreet.kernel.shape import Shape
from discreet.models.planner import RECALLABLE, with_choices
from discreet.policy.norm import Norms
from discreet.surfaces.terminal import Terminal
from discreet.tools.question import Question, Reply

ANSWER_S_MAX = 300  # that a call waits for the person's answer, unless `--wait` says otherwise; then it counts as denied
ANSWER_S_LONGEST = 3_600
_WORK = threading.Lock()
LOOK_S = 0.2  # between two looks for an answer
CANNOT = "this cannot be done now"  # whatever went wrong here, in the same words
PLAN = {"type": "object", "properties": {"plan": {"type": "string"}}, "required": ["plan"], "additionalProperties": False}
NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}
OWN = {  # the tools that are not the person's services
    "plan_language": ("the language of plans and the tools that they may call: read this first", NOTHING, True),
    "person_request": ("what the person asked for at a place of their own; names in it count as said by them", NOTHING, True),
    "check_plan": ("what is wrong with a plan; nothing is done", PLAN, True),
    "run_plan": ("run a plan", PLAN, False),
}  # fmt: skip


def gateway(home: Callable[[], Home], agent: str, wait_s: int) -> int:
    """Serve one connection until the client closes it."""
    import anyio

    if not 1 <= wait_s <= ANSWER_S_LONGEST:
        raise DiscreetError(f"--wait: between 1 and {ANSWER_S_LONGEST} seconds")
    with home() as opened:
        waiting = Waiting(opened.path, opened.key.secret)
        closed = threading.Event()
        world = opened.world(*_reader(opened))
        desk = Desk(waiting, agent, world.names, wait_s, closed)
        zone = ZoneInfo(opened.config.get("person", {}).get("zone", "UTC"))
        made = Gateway(
            world, agent, desk, waiting, lambda: dt.datetime.now(zone), lasting=opened.kept, norms=_norms(opened), report=desk.report, progress=desk.progress,
        )  # fmt: skip
        desk.norms = lambda: made.world.judge.norms  # type: ignore[attr-defined]  # those that decide now
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
        anyio.run(_serve, made, closed)
        with _WORK:  # what was being done when the client left
            return 0


def config(agent: str, home: Path | None) -> dict[str, Any]:
    """What an MCP client is told of this server."""
    command = shutil.which("discreet") or str(Path(sys.argv[0]).resolve())
    where = ["--home", str(home.resolve())] if home else []
    return {"mcpServers": {"discreet": {"command": command, "args": ["gateway", "--agent", agent, *where]}}}


def _reader(home: Home) -> tuple[Any, Any]:
    """The reader on this machine. A hosted one could share an account with the agent's model, so there is none then (G4.2)."""
    name = home.config.get("models", {}).get("reader", LOCAL)
    try:
        model = provider(name, "reader")
    except DiscreetError:
        return None, None
    return (None, None) if model.hosted else (reading(model), recipient(model, "reader"))


def _norms(home: Home) -> Callable[[], Norms]:
    """The norms as their file has them now."""
    seen: dict[Any, Norms] = {}

    def norms() -> Norms:
        path = home.path / "norms.toml"
        now = (path.stat().st_mtime_ns, path.stat().st_size) if path.exists() else None
        if now not in seen:
            seen.clear()
            seen[now] = home.norms().norms
        return seen[now]

    return norms


# ---------------------------------------------------------------------------------------------------- the person


class Desk:
    """Puts questions into the home and waits for answers; keeps reports there."""

    def __init__(self, waiting: Waiting, agent: str, names: Mapping[str, str], wait_s: float, closed: threading.Event) -> None:
        self.waiting, self.agent, self.names, self.wait_s, self.closed = waiting, agent, names, wait_s, closed
        self.norms: Callable[[], Norms] = Norms
        self.errand = self._terminal()  # keeps what was denied and refused in this errand, and by whom

    def progress(self, stage: str, flow: Flow) -> None:
        self.errand.progress(stage, flow)

    def ask(self, questions: Sequence[Question]) -> Sequence[Reply]:
        """One answer for each, `deny` where none came in time or the agent went away."""
        asked = [secrets.token_hex(8) for _ in questions]
        until = time.time() + self.wait_s
        for name, question in zip(asked, questions, strict=True):
            self.waiting.put("question", name, {"agent": self.agent, "text": self._rendered(lambda t, q=question: t.show(q)), "until": until})
        replies: dict[str, Reply] = {}
        while len(replies) < len(asked) and time.time() < until and not self.closed.is_set():
            for name in asked:
                found = self.waiting.take("answer", name) if name not in replies else None
                if found is not None:
                    replies[name] = Reply.ONCE if found.get("reply") == Reply.ONCE.value else Reply.DENY
            self.closed.wait(LOOK_S)
        for name in asked:
            self.waiting.drop("question", name)
            self.waiting.drop("answer", name)
        answers = [replies.get(name, Reply.DENY) for name in asked]
        self.errand.said_no |= {q.flow.contract.name for name, q in zip(asked, questions, strict=True) if replies.get(name) is Reply.DENY}
        return answers

    def report(self, report: Report) -> None:
        """What an errand came to, for the person to read: by which norms, and who refused what."""
        shown, self.errand = self.errand, self._terminal()
        shown.out, shown.norms = io.StringIO(), self.norms()
        shown.report(report)
        said = shown.out.getvalue()
        self.waiting.report({"agent": self.agent, "text": said, "at": time.time()})

    def _rendered(self, write: Callable[[Terminal], None]) -> str:
        terminal = self._terminal()
        write(terminal)
        return terminal.out.getvalue()  # type: ignore[attr-defined]

    def _terminal(self) -> Terminal:
        return Terminal(io.StringIO(), io.StringIO(), self.names, self.norms())


# ---------------------------------------------------------------------------------------------------- the agent


async def _serve(gateway: Gateway, closed: threading.Event) -> None:
    import anyio
    import mcp_types as types
    from mcp.server.lowlevel import Server
    from mcp.server.stdio import stdio_server

    listed = [types.Tool.model_validate(one) for one in tools(gateway)]
    one_after_another = anyio.Lock()  # in the order in which they came

    async def on_list_tools(_ctx: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=listed)

    async def on_call_tool(_ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        async with one_after_another:
            text, failed = await anyio.to_thread.run_sync(answer, gateway, params.name, params.arguments or {}, abandon_on_cancel=True)
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=failed)

    server = Server("discreet", version="1", instructions=HOW, on_list_tools=on_list_tools, on_call_tool=on_call_tool)
    async with stdio_server() as (reading_, writing):
        try:
            await server.run(reading_, writing, server.create_initialization_options())
        finally:
            closed.set()


def answer(gateway: Gateway, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
    """What the agent is sent for one call, and whether it is an error."""
    try:
        with _WORK:
            return _ascii(_done(gateway, name, arguments)), False
    except Refused as error:
        return _ascii({"error": str(error)}), True
    except Exception:  # what went wrong may tell of something
        return _ascii({"error": CANNOT}), True


def _ascii(data: Any) -> str:
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=True, default=str)


def _done(gateway: Gateway, name: str, arguments: Mapping[str, Any]) -> Any:
    if name in OWN:
        missing = [key for key in OWN[name][1].get("required", ()) if not isinstance(arguments.get(key), str)]
        if missing or set(arguments) - set(OWN[name][1]["properties"]):
            raise Refused(f"`{name}` takes {', '.join(f'`{key}`, a text' for key in OWN[name][1]['properties']) or 'nothing'}")
        return getattr(gateway, name)(*arguments.values())
    called = {mcp_name(one): one for one in gateway.single}
    if name not in called:
        raise Refused(f"there is no tool `{name}`")
    return gateway.call(called[name], arguments)


def tools(gateway: Gateway) -> list[dict[str, Any]]:
    """The tools as an MCP client sees them: four for plans, and every tool of the person's that one call can use."""
    made: list[dict[str, Any]] = [
        {"name": name, "description": said, "inputSchema": schema, "annotations": {"readOnlyHint": reads}} for name, (said, schema, reads) in OWN.items()
    ]
    for contract in with_choices(gateway.single, RECALLABLE).values():
        made.append({
            "name": mcp_name(contract.name), "description": _described(contract), "inputSchema": _schema(contract),
            "annotations": {"readOnlyHint": contract.effect is Effect.READ, "destructiveHint": contract.effect in (Effect.PAY, Effect.DELETE)},
        })  # fmt: skip
    names = [one["name"] for one in made]
    if twice := next((one for one in names if names.count(one) > 1), None):
        raise DiscreetError(f"two tools would be called `{twice}`; rename one of the MCP servers")
    return made


def mcp_name(name: str) -> str:
    """`mail.send` is `mail_send`: many clients take no dots."""
    return name.replace(".", "_")


def _described(contract: Contract) -> str:
    records = "; ".join(f"{name}({', '.join(f'{key}: {shape.stub()}' for key, shape in one.fields.items())})" for name, one in contract.result.records().items())
    return f"{contract.summary}. Gives a handle to {contract.result.stub()}{f' where {records}' if records else ''}"


def _schema(contract: Contract) -> dict[str, Any]:
    return {
        "type": "object", "properties": {p.name: _of_shape(p.shape) for p in contract.parameters},
        "required": [p.name for p in contract.parameters if p.default is REQUIRED], "additionalProperties": False,
    }  # fmt: skip


HANDLE = {"type": "string", "pattern": r"^\$h", "description": "a handle: $h3, $h3.subject, $h3[0].id"}
KINDS = {"int": {"type": "integer"}, "float": {"type": "number"}, "bool": {"type": "boolean"}, "date": {"type": "string", "description": "YYYY-MM-DD"},
         "datetime": {"type": "string", "description": "YYYY-MM-DDTHH:MM:SS"}, "text": {"type": "string", "description": "a text, or a handle"}}  # fmt: skip


def _of_shape(shape: Shape) -> dict[str, Any]:
    if shape.kind == "enum":
        return {"type": "string", "enum": list(shape.choices)}
    if shape.kind == "list":
        return {"anyOf": [{"type": "array", "items": _of_shape(shape.element) if shape.element else {}}, HANDLE]}
    found = KINDS.get(shape.kind, {})
    return found if found.get("type", "string") == "string" else {"anyOf": [found, HANDLE]}
