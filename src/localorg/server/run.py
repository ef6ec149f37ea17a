"""The server itself: from a locked state directory to a listening port, and back.

Flow of `up`: options -> state directory locked -> port bound -> engines assembled and seeded -> HTTP -> node host -> "ready". The
order of going down is the reverse, and it is the same for `down`, SIGTERM and Ctrl-C. SIGKILL skips it: then the kernel of the
machine takes the node host with it, and rows are whole up to the last committed turn.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import uvicorn

from localorg.server.assembly import LocalOrganization, assemble
from localorg.server.launch import READY_FD, UpOptions
from localorg.server.state import LocalorgError, ServerFacts


def run_here(options: UpOptions) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises LocalorgError when it cannot start."""
    with _starter_is_told():
        options.state.create()
        options.state.acquire()
        listener = _bind(options.port)
        asyncio.run(_serve(options, listener))


@contextlib.contextmanager
def _starter_is_told() -> Iterator[None]:
    """Hand a failure to the process that started us detached, if one waits."""
    try:
        yield
    except LocalorgError as error:
        _tell_starter(f"failed {error}")
        raise


def _tell_starter(text: str) -> None:
    descriptor = os.environ.pop(READY_FD, None)
    if descriptor is not None:
        with os.fdopen(int(descriptor), "w") as pipe:
            pipe.write(text)


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()  # now, not when all is assembled: only a listening port keeps a second server off
    except OSError as error:
        raise LocalorgError(f"port {port} of 127.0.0.1 is taken ({error.strerror}). Give --port another.") from error
    return listener


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


async def _serve(options: UpOptions, listener: socket.socket) -> None:
    endpoint = f"http://127.0.0.1:{options.port}"
    organization = await assemble(options, endpoint)
    config = uvicorn.Config(
        organization.app,
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
    server = _Server(config)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    starting = asyncio.create_task(_ready(options, organization, server, endpoint))
    told = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await told
    finally:
        await _cancelled(starting, told)
        await organization.stop_machines()
        server.should_exit = True
        await serving
        await organization.close()
        options.state.withdraw()


async def _cancelled(*tasks: "asyncio.Task[Any]") -> None:
    """Let go of what is still under way, and hear it out."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _ready(options: UpOptions, organization: LocalOrganization, server: _Server, endpoint: str) -> None:
    await server.listening.wait()
    await organization.start()
    facts = ServerFacts(os.getpid(), options.port, endpoint)
    options.state.announce(facts)
    if READY_FD in os.environ:
        _tell_starter("ready")
    else:
        sys.stderr.write(f"up: {endpoint} (state {options.state.root}); stop with Ctrl-C or `localorg down`\n")
