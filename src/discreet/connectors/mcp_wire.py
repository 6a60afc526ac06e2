"""One guarded conversation with an MCP server, over HTTP or standard input and output, in both eras of the protocol.

The SDK negotiates and types; the guard sits under it and sees every message: a duplicate key, too many bytes, a second
sending of the same call or any request but our own POSTs ends the conversation. A server that asks for sampling or
elicitation is declined and the result says that it asked.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from .base import strict_json
from .errors import BadAnswer, ConnectorError, InvalidArgument, OutcomeUnknown, Refused, Unavailable

TOOL_PAGES_MAX = 20
TOOLS_MAX = 200


@dataclass(frozen=True, slots=True)
class McpConfig:
    """One MCP server: by `url`, or by `command` to start as a process that is kept while the connector is open."""

    name: str
    url: str = ""
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    mode: str = "auto"  # "auto" tries the era without handshakes first; "legacy" speaks only the older one
    timeout_s: float = 30.0  # of one whole call, connecting included
    start_s: float = 30.0  # for a process to come up and agree on the protocol
    answer_bytes_max: int = 2_000_000  # of all that the server sends in one call


@dataclass(slots=True)
class Answer:
    """What a tool call gave: text and structured content as they came, and whether the server asked something back."""

    text: str = ""
    structured: Any = None
    is_error: bool = False
    asked: str = ""


class McpLink:
    """Lists and calls the tools of one server. Not for use from two threads at once."""

    def __init__(self, config: McpConfig) -> None:
        if bool(config.url) == bool(config.command):
            raise InvalidArgument("server", "needs either a url or a command")
        if config.mode not in ("auto", "legacy"):
            raise InvalidArgument("mode", "must be `auto` or `legacy`")
        self._config = config
        self._loop: Any = None
        self._kept: Any = None  # the open conversation with a process
        self._kept_client: Any = None
        self._kept_guard: _Guard | None = None

    def list_tools(self) -> list[dict[str, Any]]:
        """Every tool as the server describes it: outside text."""
        return self._run(lambda client: _list(client), writes=False)

    def call(self, tool: str, arguments: Mapping[str, Any], writes: bool,
             before: Callable[[list[dict[str, Any]]], None] | None = None) -> Answer:
        """Call once. `before` is given the tools as listed in this same conversation, and may raise."""

        async def talk(client: Any) -> Answer:
            if before is not None:
                before(await _list(client))
            return await _call(client, tool, arguments)

        return self._run(talk, writes)

    def close(self) -> None:
        """End a kept process and the event loop."""
        self._drop_kept()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def _run(self, talk: Callable[[Any], Any], writes: bool) -> Any:
        guard = _Guard(self._config.answer_bytes_max)
        try:
            return self._wait(self._talk_kept(talk, guard) if self._config.command else self._talk_once(talk, guard))
        except Exception as error:
            if not isinstance(error, (Refused, InvalidArgument)):
                self._drop_kept()  # a late answer must not meet the next call
            raise self._told(error, guard, writes) from error

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run in this link's own event loop, on a thread that never keeps the program from ending."""
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name=f"mcp {self._config.name}", daemon=True).start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _talk_once(self, talk: Callable[[Any], Any], guard: _Guard) -> Any:
        import anyio

        with anyio.fail_after(self._config.timeout_s):
            async with _http_client(self._config, guard) as client:
                found = await talk(client)
        return _noting(found, guard)

    async def _talk_kept(self, talk: Callable[[Any], Any], guard: _Guard) -> Any:
        import anyio

        self._kept_guard = guard
        if self._kept is None:
            self._kept = _process_client(self._config, self)
            with anyio.fail_after(self._config.start_s):
                self._kept_client = await self._kept.start()
        with anyio.fail_after(self._config.timeout_s):
            found = await talk(self._kept_client)
        return _noting(found, guard)

    def _drop_kept(self) -> None:
        kept, self._kept, self._kept_client = self._kept, None, None
        if kept is not None and self._loop is not None:
            self._wait(kept.stop())

    def _told(self, error: Exception, guard: _Guard, writes: bool) -> ConnectorError:
        """Which of our errors this is; decided by what had left by then, not by how the SDK words it."""
        error = _innermost(error)
        if isinstance(error, ConnectorError) and not guard.called:
            return error
        if guard.answered and isinstance(error, (Refused, InvalidArgument)):
            return error
        if guard.refused:
            return Refused("refused", "server refused the call", guard.refused)
        if guard.called and writes:
            return OutcomeUnknown("server did not confirm the call")
        if guard.fault is not None:
            return guard.fault
        if isinstance(error, ConnectorError):
            return error
        if guard.status:
            return Refused("http_status", f"server answered with HTTP status {guard.status}")
        if _is_protocol_error(error):
            return BadAnswer("malformed", "server's answer is not MCP as declared")
        if self._config.command and isinstance(error, (FileNotFoundError, PermissionError)):
            return Unavailable("no_answer", "its command cannot be started")
        return Unavailable("no_answer", f"server gave no answer within {self._config.timeout_s} s")


class _Guard:
    """Sees every message of one call, both ways."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._left_bytes = bytes_max
        self._call_id: Any = None
        self.called = False  # our tools/call has left
        self.answered = False  # and its answer, of any kind, has come whole
        self.refused = ""  # what the server said when it answered with a JSON-RPC error
        self.asked = ""  # what kind of question the server put to us
        self.status = 0
        self.fault: BadAnswer | None = None

    def outgoing(self, message: Any) -> None:
        """Called as a message is about to leave."""
        if isinstance(message, dict) and message.get("method") == "tools/call":
            if self.called:
                raise BadAnswer("resend", "a call is never sent twice")  # G8.1
            self.called = True
            self._call_id = message.get("id")

    def spend(self, size: int) -> None:
        self._left_bytes -= size
        if self._left_bytes < 0:
            self.fail(BadAnswer("too_large", f"server sent over {self._bytes_max} bytes"))

    def incoming(self, raw: bytes | str) -> None:
        """Called with each whole message before the SDK sees it."""
        try:
            message = strict_json(raw, self._bytes_max)
        except BadAnswer as fault:
            self.fail(fault)
        if not isinstance(message, dict):
            return
        method = message.get("method")
        if isinstance(method, str) and "id" in message and method != "ping":
            self.asked = method[:100]
        result = message.get("result")
        if isinstance(result, dict) and result.get("resultType") == "input_required":
            self.asked = "input_required"
        if self.called and "method" not in message and message.get("id") == self._call_id:
            self.answered = True
            if isinstance(message.get("error"), dict):
                self.refused = str(message["error"].get("message"))[:2_000] or "refused"

    def fail(self, fault: BadAnswer) -> None:
        self.fault = self.fault or fault
        raise fault


async def _list(client: Any) -> list[dict[str, Any]]:
    """All pages of the tool list, as plain data."""
    tools: list[dict[str, Any]] = []
    cursor = None
    for _ in range(TOOL_PAGES_MAX):
        page = await client.list_tools(cursor=cursor, cache_mode="bypass")
        tools += [tool.model_dump(by_alias=True, mode="json", exclude_unset=True) for tool in page.tools]
        cursor = page.next_cursor
        if len(tools) > TOOLS_MAX:
            break
        if cursor is None:
            return tools
    raise BadAnswer("too_large", f"server lists over {TOOLS_MAX} tools or {TOOL_PAGES_MAX} pages")


async def _call(client: Any, tool: str, arguments: Mapping[str, Any]) -> Answer:
    """tools/call at the session, below the SDK's own resending and driving of questions."""
    import mcp_types as types

    request = types.CallToolRequest(params=types.CallToolRequestParams(name=tool, arguments=dict(arguments)))
    result = await client.session.send_request(request, client.session._call_tool_adapter)
    if not isinstance(result, types.CallToolResult):
        return Answer(asked="input_required")
    said = "\n".join(part.text for part in result.content if isinstance(part, types.TextContent))
    return Answer(said, result.structured_content, bool(result.is_error))


def _noting(found: Any, guard: _Guard) -> Any:
    if isinstance(found, Answer) and guard.asked:
        found.asked = guard.asked
    return found


def _client(transport: Any, config: McpConfig) -> Any:
    from mcp import Client
    from mcp_types import Implementation

    # No callbacks: nothing is advertised, and whatever the server asks is answered with an error by the SDK.
    return Client(transport, mode=config.mode, client_info=Implementation(name="discreet", version="1"),
                  read_timeout_seconds=config.timeout_s, cache=None)


@asynccontextmanager
async def _http_client(config: McpConfig, guard: _Guard) -> AsyncIterator[Any]:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    http = httpx2.AsyncClient(transport=_guarded_transport(config.url, guard), headers={"user-agent": "discreet", **config.headers}, trust_env=False,
                              timeout=httpx2.Timeout(config.timeout_s), follow_redirects=False)
    async with http, _client(streamable_http_client(config.url, http_client=http, terminate_on_close=False), config) as client:
        yield client


@cache
def _tls_context() -> Any:
    import ssl

    return ssl.create_default_context()


def _tls(url: str) -> Any:
    """Reading the machine's certificates costs more than a call does, so they are read once and only if needed."""
    return _tls_context() if url.startswith("https:") else False


def _guarded_transport(url: str, guard: _Guard) -> Any:
    import httpx2

    class Stream(httpx2.AsyncByteStream):
        """Passes on whole messages only, each after the guard has read it."""

        def __init__(self, response: Any, events: bool) -> None:
            self._response = response
            self._events = events

        async def __aiter__(self) -> AsyncIterator[bytes]:
            buffer = b""
            async for chunk in self._response.aiter_raw():
                guard.spend(len(chunk))
                buffer += chunk
                if self._events:
                    buffer = buffer.replace(b"\r\n", b"\n")
                    while b"\n\n" in buffer:
                        event, _, buffer = buffer.partition(b"\n\n")
                        data = b"\n".join(row[5:].lstrip(b" ") for row in event.split(b"\n") if row.startswith(b"data:"))
                        if data:
                            guard.incoming(data)
                        # an event id would let the SDK reconnect and ask again
                        yield b"\n".join(row for row in event.split(b"\n") if row.startswith((b"data:", b"event:"))) + b"\n\n"
            if not self._events and buffer:
                guard.incoming(buffer)
                yield buffer

        async def aclose(self) -> None:
            await self._response.aclose()

    class Transport(httpx2.AsyncBaseTransport):
        def __init__(self) -> None:
            # without NODELAY, head and body in two packets wait 40 ms for each other
            self._inner = httpx2.AsyncHTTPTransport(retries=0, verify=_tls(url), socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])

        async def handle_async_request(self, request: Any) -> Any:
            if request.method != "POST" or str(request.url) != url:
                return httpx2.Response(405, request=request)  # no listening streams, no other address
            guard.outgoing(json.loads(request.content))
            request.headers["accept-encoding"] = "identity"
            response = await self._inner.handle_async_request(request)
            if response.headers.get("content-encoding", "identity") != "identity":
                await response.aclose()
                guard.fail(BadAnswer("malformed", "server compressed its answer unasked"))
            if response.status_code >= 300:
                guard.status = response.status_code
            kind = response.headers.get("content-type", "").lower()
            return httpx2.Response(response.status_code, headers=response.headers, request=request,
                                   stream=Stream(response, kind.startswith("text/event-stream")), extensions=response.extensions)

        async def aclose(self) -> None:
            await self._inner.aclose()

    return Transport()


class _process_client:
    """A server process and the conversation with it, held open by a task of its own."""

    def __init__(self, config: McpConfig, link: McpLink) -> None:
        self._config = config
        self._link = link
        self._client: Any = None

    async def start(self) -> Any:
        import asyncio

        self._stop = asyncio.Event()
        ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold(ready))
        try:
            return await asyncio.shield(ready)
        except asyncio.CancelledError:
            self._task.cancel()
            raise

    async def stop(self) -> None:
        import asyncio

        self._stop.set()
        try:
            await asyncio.wait_for(asyncio.shield(self._task), 5)
        except BaseException:
            self._task.cancel()

    async def _hold(self, ready: Any) -> None:
        try:
            async with _client(self._streams(), self._config) as client:
                ready.set_result(client)
                await self._stop.wait()
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error if isinstance(error, Exception) else RuntimeError("stopped"))

    @asynccontextmanager
    async def _streams(self) -> AsyncIterator[Any]:
        """Standard input and output as message streams: one line a message, each read by the guard first."""
        import subprocess

        import anyio
        import mcp_types as types
        from mcp.shared.message import SessionMessage

        to_sdk, sdk_reads = anyio.create_memory_object_stream[Any](0)
        sdk_writes, from_sdk = anyio.create_memory_object_stream[Any](0)
        process = await anyio.open_process(list(self._config.command), env=dict(self._config.env), cwd=self._config.cwd or None,
                                           stderr=subprocess.DEVNULL)

        async def reading() -> None:
            buffer = b""
            async with to_sdk:
                async for chunk in process.stdout:
                    guard = self._link._kept_guard
                    guard.spend(len(chunk))
                    *rows, buffer = (buffer + chunk).split(b"\n")
                    for row in rows:
                        if row.strip():
                            guard.incoming(row)
                            await to_sdk.send(SessionMessage(types.jsonrpc_message_adapter.validate_json(row, by_name=False)))

        async def writing() -> None:
            async with from_sdk:
                async for message in from_sdk:
                    row = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    self._link._kept_guard.outgoing(json.loads(row))
                    await process.stdin.send(row.encode() + b"\n")

        async def quietly(work: Callable[[], Any]) -> None:
            """The end of either side is the end of the conversation; the waiting call then learns of it by its closed stream."""
            try:
                await work()
            except Exception:
                pass
            finally:
                to_sdk.close()

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(quietly, reading)
                group.start_soon(quietly, writing)
                try:
                    yield sdk_reads, sdk_writes
                finally:
                    group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    process.terminate()
                    with anyio.move_on_after(2):
                        await process.wait()
                if process.returncode is None:
                    process.kill()
                await process.aclose()


def _innermost(error: BaseException) -> Exception:
    """The one cause inside task groups' wrapping; ours first if there are several."""
    if isinstance(error, BaseExceptionGroup):
        inner = [_innermost(e) for e in error.exceptions]
        return next((e for e in inner if isinstance(e, ConnectorError)), inner[0])
    return error if isinstance(error, Exception) else Unavailable("no_answer", "call was interrupted")


def _is_protocol_error(error: Exception) -> bool:
    """Whether the server answered, though not as it should have; silence and a closed connection are no answer."""
    from mcp.shared.exceptions import MCPError
    from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT
    from pydantic import ValidationError

    if isinstance(error, MCPError) and error.code in (REQUEST_TIMEOUT, CONNECTION_CLOSED):
        return False
    return isinstance(error, (MCPError, ValidationError, RuntimeError))
