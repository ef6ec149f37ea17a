"""The script host: the process from which every executeScript run is forked. `python -m localorg.server.script_host CONFIG`.

Flow: JSON lines on standard input (id, script, handler, payload, environment, timeout_s) -> a fork into a sandbox of its own: a read-only
root of only what Python needs, private /tmp, no capabilities -> the script's result through a pipe -> a JSON line on standard output.
Rules: it imports boto3 and the service models once, before it forks, so that a run costs a fork and not an interpreter. A run sees the
credentials of its assumed role and nothing else of this machine: not the server's state, not its environment, not the user's files.
The network stays the host's, for the API is on loopback. It dies with the server, its runs die with it.
"""

import json
import os
import resource
import select
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore
import botocore.session

from localorg.node import namespaces, rootfs
from localorg.node.namespaces import SandboxRefusedError
from localorg.node.rootplan import HostFacts, RootPlan, read_only_root_plan
from localorg.server.script_run import Result, perform

PRELOADED_SERVICES = ("ssm", "s3", "sts", "organizations", "ec2", "iam", "cloudformation")
SYSTEM_PIECES = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/etc/ssl",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/localtime",
)
FILE_BYTES_MAX = 512 << 20


@dataclass
class _Run:
    job: str
    pid: int
    pipe: int
    deadline: float
    heard: bytearray = field(default_factory=bytearray)
    timed_out: bool = False


class ScriptHost:
    """Forks runs, listens to them, ends those that take too long."""

    def __init__(self, isolation: str, mount_point: str) -> None:
        self._isolation = isolation
        self._facts = rootfs.read_host_facts()
        self._mount_point = mount_point
        self._runs: dict[int, _Run] = {}

    def obey(self, order: dict[str, Any]) -> None:
        """Begin a run, or end the one that `{"stop": id}` names."""
        if "stop" not in order:
            self.begin(order)
            return
        for run in self._runs.values():
            if run.job == order["stop"]:
                os.kill(run.pid, signal.SIGKILL)

    def begin(self, job: dict[str, Any]) -> None:
        """Start a run; a sandbox that cannot be made is the run's failure."""
        reading, writing = os.pipe()
        try:
            pid = self._fork(job, writing)
        except (SandboxRefusedError, OSError) as error:
            os.close(reading)
            answer(job["id"], Result(error_type="SandboxRefused", error=f"the script's sandbox could not be made: {error}"))
            return
        finally:
            os.close(writing)
        self._runs[reading] = _Run(job["id"], pid, reading, time.monotonic() + job["timeout_s"])

    def _fork(self, job: dict[str, Any], pipe: int) -> int:
        def main() -> int:
            _leave_all_but(pipe)
            _limit()
            with os.fdopen(pipe, "w", encoding="utf-8") as teller:
                teller.write(json.dumps(perform(job).__dict__))
            return 0

        if self._isolation == "namespaces":
            return namespaces.start(_plan(self._mount_point, self._facts), main, "executescript", keep=())
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                namespaces.die_with_parent()
                code = main()
            finally:
                os._exit(code)
        return pid

    def listen(self) -> None:
        """Serve until the end of standard input."""
        pending = b""
        while True:
            ready, _, _ = select.select([0, *self._runs], [], [], self._patience())
            if 0 in ready:
                chunk = os.read(0, 1 << 16)
                if not chunk:
                    return
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))
            for pipe in ready:
                if pipe in self._runs:
                    self._hear(self._runs[pipe])
            self._end_overdue()

    def _patience(self) -> float | None:
        if not self._runs:
            return None
        return max(0.0, min(run.deadline for run in self._runs.values()) - time.monotonic())

    def _hear(self, run: _Run) -> None:
        chunk = os.read(run.pipe, 1 << 16)
        if chunk:
            run.heard += chunk
            return
        os.close(run.pipe)
        del self._runs[run.pipe]
        os.waitpid(run.pid, 0)
        answer(run.job, _result(run))

    def _end_overdue(self) -> None:
        now = time.monotonic()
        for run in self._runs.values():
            if run.deadline <= now and not run.timed_out:
                run.timed_out = True
                run.deadline = now + 5.0
                os.kill(run.pid, signal.SIGKILL)  # process 1 of its namespace: all that it started goes with it


def _result(run: _Run) -> Result:
    if run.timed_out:
        return Result(error_type="TimedOut", error="the script did not end within its time", timed_out=True)
    try:
        return Result(**json.loads(run.heard))
    except ValueError:
        return Result(error_type="WorkerDied", error="the script's process ended without a result (killed, or out of memory)")


def answer(job: str, result: Result) -> None:
    """Tell the server how a run ended."""
    sys.stdout.write(json.dumps({"id": job, "result": result.__dict__}) + "\n")
    sys.stdout.flush()


def _plan(mount_point: str, facts: HostFacts) -> RootPlan:
    pieces = [*SYSTEM_PIECES, sys.base_prefix, str(Path(botocore.__file__).parents[1])]
    return read_only_root_plan(
        mount_point, tuple(os.path.realpath(p) if p not in SYSTEM_PIECES else p for p in pieces if _is_real(p)), facts
    )


def _is_real(path: str) -> bool:
    return Path(path).exists() and (path not in SYSTEM_PIECES or not Path(path).is_symlink() or path == "/etc/localtime")


def _leave_all_but(pipe: int) -> None:
    """Hold nothing of the host's: streams to nowhere, only the result's pipe open."""
    null = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.closerange(3, pipe)
    os.closerange(pipe + 1, 4096)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX))


def _preload() -> None:
    """Load the service models that scripts will want, into the session that their boto3.client uses."""
    core = botocore.session.Session()
    boto3.setup_default_session(botocore_session=core)
    loader = core.get_component("data_loader")
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        loader.load_data(name)
    for service in PRELOADED_SERVICES:
        loader.load_service_model(service, "service-2")


def main(arguments: list[str]) -> int:
    """Run the host: arguments are the isolation and the mount point of its sandboxes."""
    namespaces.die_with_parent()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    isolation, mount_point = arguments
    if isolation == "namespaces" and (refusal := namespaces.available()):
        sys.stderr.write(f"{refusal.reason}\n")
        return 3
    _preload()
    ScriptHost(isolation, mount_point).listen()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
