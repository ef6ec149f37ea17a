"""executeScript's rim: hands scripts to the script host and posts what came of them as events.

Flow: ScriptJob -> JSON line to the host's standard input -> (a sandboxed fork runs it) -> JSON line back -> the job's reply event,
extended as `ScriptJob` says. While a script runs the kernel counts it as work outside, so that virtual time stands still.
"""

import asyncio
import contextlib
import json
import logging
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ScriptJob
from localorg.server.state import LocalorgError

TIMEOUT_S_MAX = 600.0
"""AWS: Automation action reference, "aws:executeScript": a script runs for at most 600 seconds."""
LINE_BYTES_MAX = 8 << 20


class ScriptWorkers:
    """The running script host."""

    def __init__(self, kernel: Kernel, isolation: str, folder: Path, log: logging.Logger) -> None:
        self._kernel = kernel
        self._isolation = isolation
        self._mount_point = folder / "script-root"
        self._log = log
        self._numbers = count(1)
        self._waiting: dict[str, ScriptJob] = {}
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start the host."""
        self._mount_point.mkdir(exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "localorg.server.script_host", self._isolation, str(self._mount_point)),
            stdin=PIPE,
            stdout=PIPE,
            limit=LINE_BYTES_MAX,
        )
        self._reader = asyncio.create_task(self._listen(self._process))

    def start(self, job: ScriptJob) -> None:
        """Run a job; its reply event is posted when it has ended. Raises LocalorgError when the host is not there."""
        if self._process is None or self._process.stdin is None:
            raise LocalorgError("the script host is not running")
        number = str(next(self._numbers))
        self._waiting[number] = job
        self._kernel.outside += 1
        self._process.stdin.write(json.dumps({"id": number, **self._description(job)}).encode() + b"\n")

    def stop(self, reply: Event) -> None:
        """End the job with this reply event; no reply is posted. No error when it has ended."""
        number = next((number for number, job in self._waiting.items() if job.reply == reply), None)
        if number is None or self._process is None or self._process.stdin is None:
            return
        del self._waiting[number]
        self._kernel.outside -= 1
        self._process.stdin.write(json.dumps({"stop": number}).encode() + b"\n")

    def _description(self, job: ScriptJob) -> dict[str, Any]:
        return {
            "script": job.script,
            "handler": job.handler,
            "payload": job.payload,
            "timeout_s": min(job.timeout_s, TIMEOUT_S_MAX),
            "environment": self._environment(job),
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

    async def _listen(self, process: Process) -> None:
        if process.stdout is None:
            raise LocalorgError("the script host has no standard output")
        async for line in process.stdout:
            news = json.loads(line)
            self._finish(news["id"], news["result"])
        code = await process.wait()
        for number in list(self._waiting):
            self._finish(number, {"error": f"the script host ended with exit code {code}", "error_type": "WorkerDied"})

    def _finish(self, number: str, result: dict[str, Any]) -> None:
        job = self._waiting.pop(number, None)
        if job is None:
            return  # stopped: nobody waits for it any more
        self._kernel.outside -= 1
        if result.get("error"):
            keys = ("error", "error_type", "log", "timed_out")
            outcome = {"ok": False, "log": "", "timed_out": False, **{key: result[key] for key in keys if key in result}}
        else:
            outcome = {"ok": True, "payload": result["payload"], "log": result["log"]}
        self._kernel.post(replace(job.reply, data={**job.reply.data, **outcome}))

    async def close(self) -> None:
        """End the host and every script with it."""
        if self._process is None or self._process.returncode is not None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._reader is not None:
            await self._reader
