"""Both doors open, or the start says why not: it never waits for a door that cannot open."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from localorg.server import tls
from localorg.server.doors import Doors, bind
from localorg.server.state import StateDirectory


def test_a_door_that_cannot_open_ends_the_start(tmp_path: Path) -> None:
    """Whatever keeps a server from answering (a certificate that is gone) reaches whoever waits for it."""
    state = StateDirectory(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = bind(port, 0, state)
    gone = tls.Certificates(made.certificates.authority, tmp_path / "gone.pem", tmp_path / "gone.key")
    doors = Doors(made.plain, made.secure, gone)

    async def start() -> None:
        doors.open(None)
        await doors.listening()

    with pytest.raises(FileNotFoundError):
        asyncio.run(asyncio.wait_for(start(), 20))


def test_an_answer_does_not_wait_for_the_client_to_confirm_its_head(tmp_path: Path) -> None:
    """Observed: head and body leave in two writes; unless the connection is without delay, Linux keeps the body back for 40 ms."""
    state = StateDirectory(tmp_path)
    doors = bind(0, 0, state)

    async def answer(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def without_delay(port: int) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
        await reader.readuntil(b"ok")
        (served,) = doors._servers[0].server_state.connections
        told = served.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
        return bool(told)

    async def story() -> bool:
        doors.open(answer)
        await doors.listening()
        try:
            return await without_delay(doors.plain.getsockname()[1])
        finally:
            await doors.close()

    assert asyncio.run(asyncio.wait_for(story(), 20))
