"""Any MCP server: pinned tools, checked arguments, limits, and questions that are declined; over HTTP and as a process, in both eras."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from discreet.connectors.errors import BadAnswer, InvalidArgument, OutcomeUnknown, Refused, Unavailable
from discreet.connectors.mcp import ApprovedTool, McpServer, approve, pin
from discreet.connectors.mcp_tools import mcp_tools
from discreet.connectors.mcp_wire import McpConfig
from discreet.demo.services.start import Services, start
from discreet.kernel.contract import Effect, Role
from discreet.kernel.label import PUBLIC
from discreet.kernel.shape import to_value
from discreet.kernel.value import plain
from tests.services.clock import NOW, TODAY
from tests.services.hostile import hostile

pytest_plugins = ["tests.services.fixtures"]

Call = Callable[..., Any]
MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The dentist honest, the library asking for forms."""
    with start(tmp_path_factory.mktemp("desks"), today=TODAY, tricks={"library": frozenset({"asks"})}, only=frozenset({"web"})) as services:
        yield services


@pytest.fixture
def opened() -> Iterator[Callable[..., McpServer]]:
    """`opened(config)`: a server with all its tools approved as it offers them now."""
    kept: list[McpServer] = []

    def get(config: McpConfig, **how: Any) -> McpServer:
        looking = McpServer(config)
        server = McpServer(config, tuple(approve(offer, **how) for offer in looking.offered()))
        if config.command:
            server._link = looking._link  # the same process: starting one takes a second
        else:
            looking.close()
        kept.append(server)
        return server

    yield get
    for server in kept:
        server.close()


def process(*tricks: str, **more: Any) -> McpConfig:
    return McpConfig("desk", command=(sys.executable, "-m", "discreet.demo.services.booking", *tricks), **{"timeout_s": 45, "start_s": 90, **more})


@MODES
def test_a_booking_over_http(mode: str, desks: Services, opened: Call, call: Call) -> None:
    desk = opened(desks.desk(mode=mode))
    day = {"auto": "2026-11-24", "legacy": "2026-11-25"}[mode]
    slot = call(desk, "free_slots", day=day)["data"]["slots"][0]
    assert call(desk, "book", slot=slot, name="Nora Lindqvist")["data"]["slot"] == slot
    assert slot not in call(desk, "free_slots", day=day)["data"]["slots"]


@MODES
def test_a_booking_with_a_process_that_keeps_its_state(mode: str, opened: Call, call: Call, fails: Call) -> None:
    desk = opened(process(mode=mode))
    assert call(desk, "book", slot="2026-11-24T08:00", name="Nora")["data"]["booking"] == "B-1"
    error = fails(Refused, desk, "book", slot="2026-11-24T08:00", name="Nora")
    assert error.code == "tool_error" and "not free" in error.said and "not free" not in str(error)


def test_a_tool_that_was_redefined_after_approval_is_not_called(opened: Call, fails: Call) -> None:  # CVE-2025-54136
    desk = opened(process("redefines"))
    assert fails(Refused, desk, "book", slot="2026-11-24T08:00", name="Nora").code == "redefined"


@pytest.mark.parametrize("change", [{"description": "other"}, {"title": "other"}, {"inputSchema": {"type": "object"}}, {"annotations": {"readOnlyHint": True}}, {"name": "b"}])
def test_a_pin_covers_all_that_a_tool_says(change: dict[str, Any]) -> None:
    tool = {"name": "a", "description": "x", "inputSchema": {"type": "object", "properties": {}}}
    assert pin(tool) == pin(dict(reversed(tool.items()))) != pin(tool | change)


@pytest.mark.parametrize("config", ["http", "process"])
@MODES
def test_a_server_that_asks_back_is_declined_and_it_is_told_that_it_asked(config: str, mode: str, desks: Services, opened: Call, call: Call) -> None:  # RED_TEAM 9
    desk = opened(desks.desk("library", mode=mode) if config == "http" else process("asks", mode=mode))
    answer = call(desk, "free_slots", day="2026-11-24")
    assert answer["asked"] in ("input_required", "elicitation/create") and "1988" not in str(answer)


@pytest.mark.parametrize(("args", "argument"), [({"slot": 7, "name": "x"}, "slot"), ({"slot": "x"}, "required"), ({"slot": "x", "name": "y", "diagnosis": "z"}, "diagnosis"),
                                                ({"slot": "x", "name": "n" * 101}, "name"), ({"slot": "x" * 300_000, "name": "y"}, "arguments"), ({"slot": object(), "name": "x"}, "slot")])
def test_arguments_that_do_not_fit_the_pinned_schema_never_leave(args: dict[str, Any], argument: str, desks: Services, opened: Call, fails: Call) -> None:
    desk = opened(desks.desk())
    before = len(desks.observed("dentist"))
    assert fails(InvalidArgument, desk, "book", **args).argument == argument
    assert len(desks.observed("dentist")) == before


def test_only_approved_tools_are_there(desks: Services, opened: Call) -> None:
    desk = opened(desks.desk())
    some = McpServer(desk.config, (desk.approved["free_slots"],))
    with pytest.raises(InvalidArgument, match="no approved tool"):
        some.prepare("book", {"slot": "x", "name": "y"}, "a nonce that is long", NOW)


def test_a_hostile_pattern_or_reference_in_a_schema_does_no_harm() -> None:
    slow = ApprovedTool("t", "0", {"type": "object", "properties": {"pattern": {"type": "string", "pattern": "^(a+)+$"}}})
    server = McpServer(McpConfig("x", url="http://127.0.0.1:1/"), (slow,))
    server.prepare("t", {"pattern": "a" * 40 + "b"}, "a nonce that is long", NOW)  # would take hours
    remote = ApprovedTool("t", "0", {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/schema"}}})
    with pytest.raises(InvalidArgument, match="stands alone"):
        McpServer(McpConfig("x", url="http://127.0.0.1:1/"), (remote,)).prepare("t", {"a": 1}, "a nonce that is long", NOW)


def test_silence_after_a_call_is_unknown_and_the_call_is_not_sent_again(opened: Call, fails: Call, call: Call) -> None:  # G8.1
    desk = opened(process("silent", timeout_s=12))
    fails(OutcomeUnknown, desk, "book", slot="2026-11-24T08:00", name="Nora")


def test_silence_after_reading_is_no_effect(opened: Call, fails: Call) -> None:
    desk = opened(process("silent", timeout_s=12), reads=True)
    fails(Unavailable, desk, "book", slot="2026-11-24T08:00", name="Nora")


def test_a_process_killed_in_the_middle_leaves_the_call_unknown(opened: Call, fails: Call, tmp_path: Any) -> None:  # G8.1
    killer = (sys.executable, "-c", _DIES)
    desk = opened(McpConfig("dying", command=killer, mode="legacy", timeout_s=45, start_s=90))
    fails(OutcomeUnknown, desk, "act")


_DIES = """
import json, sys
for row in sys.stdin:
    asked = json.loads(row)
    if asked.get("method") == "initialize":
        answer = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}
    elif asked.get("method") == "tools/list":
        answer = {"tools": [{"name": "act", "inputSchema": {"type": "object", "properties": {}}}]}
    elif asked.get("method") == "tools/call":
        sys.exit(1)
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}), flush=True)
"""


def test_a_process_that_is_no_server_is_unavailable(fails: Call) -> None:
    for command in (("/no/such/program",), (sys.executable, "-c", "print('hello')"), (sys.executable, "-c", "pass")):
        server = McpServer(McpConfig("x", command=command, mode="legacy", timeout_s=8, start_s=8))
        with pytest.raises((Unavailable, BadAnswer)):
            server.offered()
        server.close()


@pytest.mark.parametrize("body", [b"nonsense", b'{"jsonrpc":"2.0","id":1,"id":2,"result":{}}', b'{"jsonrpc":"2.0","id":1,"result":{}}', b"[]", b"{}", b"\xff"])
def test_whatever_a_server_answers_ends_in_a_declared_error(body: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with hostile([(b"POST", answer)]) as server:
        asking = McpServer(McpConfig("x", url=f"http://127.0.0.1:{server.port}/mcp", mode="legacy", timeout_s=15))
        with pytest.raises((BadAnswer, Unavailable, Refused)):
            asking.offered()
        asking.close()


def test_a_redirect_or_a_compressed_answer_is_not_followed() -> None:
    for answer in (b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
                   b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"):
        with hostile([(b"POST", answer)]) as server:
            asking = McpServer(McpConfig("x", url=f"http://127.0.0.1:{server.port}/mcp", mode="legacy", timeout_s=15))
            with pytest.raises((BadAnswer, Unavailable, Refused)):
                asking.offered()
            asking.close()


def test_as_tools_they_are_an_unknown_recipient_that_may_do_anything(desks: Services, opened: Call) -> None:  # G5.1
    tools = {t.name: t for t in mcp_tools(opened(desks.desk()))}
    contract = tools["dentist.book"].contract
    assert contract.recipients == ("mcp:dentist",) and contract.effect is Effect.WRITE
    assert {p.role for p in contract.parameters} == {Role.WHAT}
    assert "caller" not in contract.stub() and "Book a free time" not in contract.stub()  # its own words are no approved text
    free = tools["dentist.free_slots"]
    raw = free.perform(free.prepare({"day": "2026-11-26"}, "a nonce that is long", NOW))
    assert plain(to_value(raw, free.contract.result, PUBLIC))["data"]["slots"][0] == "2026-11-26T08:00"
