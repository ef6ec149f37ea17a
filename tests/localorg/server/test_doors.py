"""Both doors open, or the start says why not: it never waits for a door that cannot open."""

import asyncio
import socket
from pathlib import Path

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
