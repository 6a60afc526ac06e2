"""A TCP relay that writes down every byte a client sends to a server that keeps no such record itself."""

from __future__ import annotations

import asyncio

from .record import Recorder


async def relay(recorder: Recorder, upstream_port: int, port: int = 0) -> asyncio.Server:
    """Listen on a free port of 127.0.0.1 and pass everything on; one record per client write, by connection order."""
    connections = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        number = connections
        recorder.write("connect", connection=number)
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", upstream_port)
        except OSError:
            writer.close()
            return

        async def outward() -> None:
            while data := await reader.read(65536):
                recorder.write("bytes", connection=number, data=data.replace(own_address, b"127.0.0.1"))  # the port tells nothing
                up_writer.write(data)
                await up_writer.drain()
            up_writer.close()

        async def inward() -> None:
            while data := await up_reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()

        try:
            await asyncio.gather(outward(), inward(), return_exceptions=True)
        except asyncio.CancelledError:
            pass  # the service is being stopped

    server = await asyncio.start_server(handle, "127.0.0.1", port)
    own_address = f"127.0.0.1:{port_of(server)}".encode()
    return server


def port_of(server: asyncio.Server) -> int:
    """The port that a server got."""
    return server.sockets[0].getsockname()[1]
