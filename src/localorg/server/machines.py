"""The machines of the organization: starts the node host as a process of its own, tells it what to do, hears what becomes of nodes.

Flow: specs of nodes -> config file -> `python -m localorg.node.host` -> JSON lines: node-up, node-died, refused. Commands go the
other way on its standard input; closing that input shuts every node down, and the host dies with the server (parent-death signal),
so that not even SIGKILL of the server leaves a process or a mount.
"""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localorg.server.state import LocalorgError

START_LIMIT_S = 120.0
"""How long all nodes together may take to come up; a fresh ordinary-user skeleton takes the longest."""


@dataclass
class Machines:
    """The running node host and what it said about each node."""

    folder: Path
    log: Path
    pids: dict[str, int] = field(default_factory=dict)
    """instance id -> process id of the node's first process, as this machine sees it."""
    died: dict[str, str] = field(default_factory=dict)
    _process: Process | None = None
    _reader: "asyncio.Task[None] | None" = None
    _refusal: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, config: dict[str, Any]) -> None:
        """Start every node of `config["nodes"]` and return when all are up. Raises LocalorgError with the host's reason."""
        wanted = {node["instance_id"] for node in config["nodes"]}
        path = self.folder / "host.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config), encoding="utf-8")
        with self.log.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "localorg.node.host", str(path)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is for the server, also before the host has learnt to ignore it
            )
        self._reader = asyncio.create_task(self._listen(self._process))
        try:
            await asyncio.wait_for(self._until(wanted), START_LIMIT_S)
        except TimeoutError as error:
            missing = ", ".join(sorted(wanted - self.pids.keys()))
            raise LocalorgError(f"nodes did not come up within {START_LIMIT_S:.0f} s: {missing}. See {self.log}.") from error

    async def _until(self, wanted: set[str]) -> None:
        while not wanted <= self.pids.keys():
            await self._changed.wait()
            self._changed.clear()
            if self._refusal:
                raise LocalorgError(self._refusal)

    async def _listen(self, process: Process) -> None:
        if process.stdout is None:
            raise LocalorgError("the node host has no standard output")
        async for line in process.stdout:
            self._hear(json.loads(line))
        code = await process.wait()
        if not self._refusal:
            self._refusal = f"the node host ended with exit code {code}. See {self.log}."
        self._changed.set()

    def _hear(self, news: dict[str, Any]) -> None:
        match news.get("event"):
            case "node-up":
                self.pids[news["instance_id"]] = int(news["pid"])
                self.died.pop(news["instance_id"], None)
            case "node-died":
                self.pids.pop(news["instance_id"], None)
                self.died[news["instance_id"]] = str(news.get("reason", ""))
            case "refused":
                self._refusal = str(news.get("reason", "the node host refused to start"))
        self._changed.set()

    async def tell(self, command: dict[str, Any]) -> None:
        """Send the host one command."""
        if self._process is None or self._process.stdin is None:
            raise LocalorgError("the node host is not running")
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._process.stdin.drain()

    async def stop(self) -> None:
        """Shut every node down and wait until the host has gone."""
        if self._process is None or self._process.returncode is not None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 15)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader
