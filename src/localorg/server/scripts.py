"""executeScript's rim: hands each script to a sandboxed process of its own and posts what came of it as an event.

Flow: ScriptJob -> the script host is asked for a sandbox, with one end of a socket pair -> the job goes through the other end, straight
to the run -> its result comes back the same way -> the job's reply event, extended as `ScriptJob` says. While a script runs the
kernel counts it as work outside, so that virtual time stands still.
Rules: nothing that a run says is believed beyond its form and size, and it is heard for that run only; a host that has died is replaced.
"""

import asyncio
import base64
import contextlib
import json
import logging
import os
import socket
import sys
from asyncio.subprocess import Process
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from localorg.automation.runtimes import is_powershell
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ScriptJob
from localorg.server.script_run import PAYLOAD_BYTES_MAX, Result, outcome, read_result

TIMEOUT_S_MAX = 600.0
"""AWS: Automation action reference, "aws:executeScript": a script runs for at most 600 seconds."""
RESULT_BYTES_MAX = 1 << 20
"""A payload and a log, with room for what JSON adds to them; a run that says more is not heard out."""
END_S_MAX = 5.0
HOST_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
"""Everything that the host inherits: a fork of it can read /proc/self/environ, and our own environment may hold real credentials."""


class ScriptWorkers:
    """The script host and the runs that were asked of it."""

    def __init__(self, kernel: Kernel, isolation: str, folder: Path, log: logging.Logger) -> None:
        self._kernel = kernel
        self._isolation = isolation
        self._mount_point = folder / "script-root"
        self._log = log
        self._numbers = count(1)
        self._runs: dict[asyncio.Task[None], ScriptJob] = {}
        self._process: Process | None = None
        self._control: socket.socket | None = None
        self._is_open = asyncio.Event()
        self._opening = asyncio.Lock()
        self._is_closing = False

    async def open(self) -> None:
        """Start the host."""
        self._mount_point.mkdir(exist_ok=True)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-m",
                    "localorg.server.script_host",
                    self._isolation,
                    str(self._mount_point),
                    str(theirs.fileno()),
                    self._kernel.settings.pwsh,
                ),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=HOST_ENVIRONMENT,
                start_new_session=True,  # Ctrl-C is for the server, also before the host has learnt to ignore it
            )
        self._is_open.set()

    def start(self, job: ScriptJob) -> None:
        """Run a job, as soon as the host is there; its reply event is posted when it has ended.

        A run that the server's end interrupts has no reply: its step is still at work in the rows, and Automation says after the
        restart that nobody knows how it ended.
        """
        if self._is_closing:
            return
        self._kernel.outside += 1
        task = asyncio.get_running_loop().create_task(self._run(job, str(next(self._numbers))))
        self._runs[task] = job
        task.add_done_callback(lambda ended: self._runs.pop(ended, None))

    def stop(self, reply: Event) -> None:
        """End the job with this reply event; no reply is posted. No error when it has ended."""
        for task, job in list(self._runs.items()):
            if job.reply == reply:
                del self._runs[task]
                task.cancel()

    async def _run(self, job: ScriptJob, number: str) -> None:
        result = Result(error_type="WorkerDied", error="the server went down while the script ran")
        try:
            result = await self._outcome(job, number)
        except OSError as error:
            result = Result(error_type="WorkerDied", error=f"the script host does not answer ({error})")
        finally:
            self._kernel.outside -= 1
            if asyncio.current_task() in self._runs and not self._is_closing:
                self._finish(job, result)

    async def _outcome(self, job: ScriptJob, number: str) -> Result:
        await self._is_open.wait()  # executions that a restart takes up may be quicker than the host
        async with self._opening:
            if self._process is not None and self._process.returncode is not None and not self._is_closing:
                self._log.error("the script host ended with exit code %s; starting another", self._process.returncode)
                await self.open()
        ours, theirs = socket.socketpair()
        with theirs:
            self._ask({"run": number}, theirs.fileno())
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            async with asyncio.timeout(min(job.timeout_s, TIMEOUT_S_MAX)):
                writer.write(json.dumps(self._description(job)).encode())
                writer.write_eof()
                told = await _heard(reader)
        except TimeoutError:
            return Result(error_type="TimedOut", error="the script did not end within its time", timed_out=True)
        except ConnectionError:
            told = b""
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                self._ask({"end": number})
        return read_result(told)

    def _ask(self, what: dict[str, str], *descriptors: int) -> None:
        if self._control is None:
            raise ConnectionError("it was never started")
        socket.send_fds(self._control, [json.dumps(what).encode()], descriptors)

    def _description(self, job: ScriptJob) -> dict[str, Any]:
        return {
            "script": job.script,
            "handler": job.handler,
            "payload": job.payload,
            "environment": self._environment(job),
            "pwsh": self._kernel.settings.pwsh if is_powershell(job.runtime) else "",
            "attachment": job.attachment,
            "attached": base64.b64encode(job.attached).decode(),
        }

    def _environment(self, job: ScriptJob) -> dict[str, str]:
        environment = {
            "AWS_REGION": job.region,
            "AWS_DEFAULT_REGION": job.region,
            "AWS_ENDPOINT_URL": self._kernel.settings.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": "/tmp",  # noqa: S108 - the sandbox's own
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
        }
        if job.credentials is not None:
            environment["AWS_ACCESS_KEY_ID"] = job.credentials["AccessKeyId"]
            environment["AWS_SECRET_ACCESS_KEY"] = job.credentials["SecretAccessKey"]
            environment["AWS_SESSION_TOKEN"] = job.credentials["SessionToken"]
        return environment

    def _finish(self, job: ScriptJob, result: Result) -> None:
        self._kernel.post(replace(job.reply, data={**job.reply.data, **outcome(result)}))

    async def close(self) -> None:
        """End the host and every script with it."""
        self._is_closing = True
        if self._control is not None:
            self._control.close()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._runs:
            await asyncio.wait(list(self._runs), timeout=END_S_MAX)


async def _heard(reader: asyncio.StreamReader) -> bytes:
    told = bytearray()
    while chunk := await reader.read(1 << 16):
        told += chunk
        if len(told) > RESULT_BYTES_MAX + PAYLOAD_BYTES_MAX:
            return b""
    return bytes(told)
