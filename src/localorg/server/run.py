"""The server itself: from a locked state directory to a listening port, and back.

Flow of `up`: options -> state directory locked -> ports bound -> engines assembled and seeded -> HTTP -> node host -> "ready". The
order of going down is the reverse, and it is the same for `down`, SIGTERM and Ctrl-C. SIGKILL skips it: then the kernel of the
machine takes the node host with it, and rows are whole up to the last committed turn.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

from localorg.server.assembly import LocalOrganization, assemble
from localorg.server.doors import Doors, bind
from localorg.server.launch import READY_FD, UpOptions
from localorg.server.state import LocalorgError, ServerFacts


def run_here(options: UpOptions) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises LocalorgError when it cannot start."""
    with _starter_is_told():
        options.state.create()
        options.state.acquire()
        doors = bind(options.port, options.tls_port, options.state)
        asyncio.run(_serve(options, doors))


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


async def _serve(options: UpOptions, doors: Doors) -> None:
    organization = await assemble(options, doors.addresses)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    doors.open(organization.app)
    starting = asyncio.create_task(_ready(options, organization, doors))
    told = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await told
    finally:
        await _cancelled(starting, told)
        await organization.stop_machines()
        await doors.close()
        await organization.close()
        options.state.withdraw()


async def _cancelled(*tasks: "asyncio.Task[Any]") -> None:
    """Let go of what is still under way, and hear it out."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _ready(options: UpOptions, organization: LocalOrganization, doors: Doors) -> None:
    await doors.listening()
    await organization.start()
    endpoint = doors.addresses.endpoint
    options.state.announce(ServerFacts(os.getpid(), options.port, endpoint))
    if READY_FD in os.environ:
        _tell_starter("ready")
    else:
        sys.stderr.write(f"up: {endpoint} (state {options.state.root}); stop with Ctrl-C or `localorg down`\n")
