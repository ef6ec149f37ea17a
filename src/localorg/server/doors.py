"""The two ports of a server: plain HTTP for every client, and TLS for those that take nothing else. Both lead to the same application.

Flow: `bind` (both ports, before anything is assembled) -> `Doors`: addresses to tell, `serve` until `close`.
Rules: only 127.0.0.1; a TLS port that nobody chose is the one of the last time, so that clients which know it find it again, or a free one.
AWS agent: the stock agent speaks to the message gateway over TLS only.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from localorg.server import tls
from localorg.server.state import LocalorgError, StateDirectory

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Addresses:
    """Where the server is: two URLs, and the file with the authority that vouches for the second."""

    endpoint: str
    tls_endpoint: str
    authority: Path


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the order of going down is ours. `listening` is set once it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Doors:
    """Two listening sockets and, once `open` was called, the servers behind them."""

    plain: socket.socket
    secure: socket.socket
    certificates: tls.Certificates
    _servers: list[_Server] = field(default_factory=list)
    _serving: "list[asyncio.Task[None]]" = field(default_factory=list)

    @property
    def addresses(self) -> Addresses:
        """Where the doors are."""
        port, tls_port = self.plain.getsockname()[1], self.secure.getsockname()[1]
        return Addresses(f"http://{HOST}:{port}", f"https://{HOST}:{tls_port}", self.certificates.authority)

    def open(self, app: Any) -> None:
        """Begin to serve `app` behind both."""
        for listener, certificates in ((self.plain, None), (self.secure, self.certificates)):
            server = _Server(
                uvicorn.Config(
                    app,
                    lifespan="off",
                    access_log=False,
                    log_level="warning",
                    timeout_graceful_shutdown=1,
                    timeout_keep_alive=75,
                    ws="wsproto",
                    ssl_certfile=certificates.server if certificates else None,
                    ssl_keyfile=certificates.key if certificates else None,
                )
            )
            self._servers.append(server)
            self._serving.append(asyncio.create_task(server.serve(sockets=[listener])))

    async def listening(self) -> None:
        """Return when both answer. Raises what ended one of them before it did: nobody would ever answer there."""
        for server, serving in zip(self._servers, self._serving, strict=True):
            answering = asyncio.create_task(server.listening.wait())
            await asyncio.wait({answering, serving}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                answering.cancel()
                serving.result()

    async def close(self) -> None:
        """Serve nobody any more."""
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*self._serving)


def bind(port: int, tls_port: int, state: StateDirectory) -> Doors:
    """Take both ports; `tls_port` 0 leaves the choice. Raises LocalorgError when one is taken."""
    plain = _listener(port, "--port")
    try:
        secure = _listener(tls_port, "--tls-port") if tls_port else _usual(state.tls / "port")
    except LocalorgError:
        plain.close()
        raise
    return Doors(plain, secure, tls.prepare(state.tls))


def _usual(kept: Path) -> socket.socket:
    """Take the port of the last time, or a free one, and keep its number."""
    known = kept.read_text(encoding="utf-8") if kept.exists() else "0"
    try:
        listener = _listener(int(known) if known.isdecimal() else 0, "--tls-port")
    except LocalorgError:
        listener = _listener(0, "--tls-port")
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    kept.write_text(str(listener.getsockname()[1]), encoding="utf-8")
    return listener


def _listener(port: int, option: str) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()  # now, not when all is assembled: only a listening port keeps a second server off
    except OSError as error:
        listener.close()
        raise LocalorgError(f"port {port} of {HOST} is taken ({error.strerror}). Give {option} another.") from error
    return listener
