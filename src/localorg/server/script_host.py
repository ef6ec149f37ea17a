"""The script host: the process from which every executeScript run is forked. `python -m localorg.server.script_host ISOLATION DIR FD`.

Flow: {"run": number} and a socket on the control socket -> a fork into a sandbox of its own: a read-only root of only what Python needs,
private /tmp, no capabilities -> the run reads its job from that socket and writes its result there. {"end": number} -> the run, and all
that it started, is killed.
Rules: it imports boto3 and the service models once, before it forks, so that a run costs a fork and not an interpreter. A fork inherits
this process's memory, so no job, no credential and no result ever passes through it. A run sees the credentials of its assumed role and
nothing else of this machine: not the server's state, not its environment, not the user's files. The network stays the host's, for the
API is on loopback. It dies with the server, its runs die with it.
"""

import contextlib
import json
import os
import resource
import select
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import boto3
import botocore
import botocore.session

from localorg.node import namespaces, rootfs
from localorg.node.namespaces import SandboxRefusedError
from localorg.node.rootplan import HostFacts, RootPlan, read_only_root_plan
from localorg.server.script_run import Result, perform, write_result

PRELOADED_SERVICES = ("ssm", "s3", "sts", "organizations", "ec2", "iam", "cloudformation")
SYSTEM_PIECES = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    # Not /etc/ssl: its private/ holds the machine's keys, which root may read.
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/localtime",
)
FILE_BYTES_MAX = 512 << 20
SCRATCH = {"/tmp": "size=256m", "/run": "size=1m", "/dev/shm": "size=64m"}  # noqa: S108 - the sandbox's own
"""Bounds of what a run may write: it is memory of this machine."""
DESCRIPTORS_MAX = 4096


@dataclass
class _Run:
    number: str
    pid: int


class ScriptHost:
    """Forks runs and ends them."""

    def __init__(self, isolation: str, mount_point: str, control: socket.socket, pwsh: str) -> None:
        self._isolation = isolation
        self._pwsh = pwsh
        self._facts = rootfs.read_host_facts()
        self._mount_point = mount_point
        self._control = control
        self._runs: dict[int, _Run] = {}
        """By a descriptor of the run's first process (pidfd)."""

    def listen(self) -> None:
        """Serve until the server closes the control socket."""
        while True:
            ready, _, _ = select.select([self._control.fileno(), *self._runs], [], [])
            for descriptor in set(ready) & self._runs.keys():
                self._reap(descriptor)
            if self._control.fileno() in ready:
                text, descriptors, _, _ = socket.recv_fds(self._control, 4096, 1)
                if not text:
                    return
                self._obey(json.loads(text), descriptors)

    def _obey(self, order: dict[str, str], descriptors: list[int]) -> None:
        if "end" in order:
            for descriptor, run in list(self._runs.items()):
                if run.number == order["end"]:
                    self._reap(descriptor)
            return
        with socket.socket(fileno=descriptors[0]) as channel:
            try:
                pid = self._fork(channel.fileno())
            except (SandboxRefusedError, OSError) as error:
                refusal = Result(error_type="SandboxRefused", error=f"the script's sandbox could not be made: {error}")
                write_result(channel.fileno(), refusal)
                return
        self._runs[os.pidfd_open(pid)] = _Run(order["run"], pid)

    def _reap(self, descriptor: int) -> None:
        """End a run if it has not ended; with process 1 of its namespace goes all that it started."""
        run = self._runs.pop(descriptor)
        for kill in (os.kill, os.killpg) if self._isolation == "none" else (os.kill,):
            with contextlib.suppress(OSError):
                kill(run.pid, signal.SIGKILL)
        os.waitpid(run.pid, 0)
        os.close(descriptor)

    def _fork(self, channel: int) -> int:
        def main() -> int:
            _leave_all_but(channel)
            _limit()
            perform(channel)
            return 0

        if self._isolation == "namespaces":
            return namespaces.start(_plan(self._mount_point, self._facts, self._pwsh), main, "executescript", keep=())
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.setsid()
                namespaces.die_with_parent()
                code = main()
            finally:
                os._exit(code)
        return pid


def _plan(mount_point: str, facts: HostFacts, pwsh: str) -> RootPlan:
    home = [str(Path(pwsh).resolve().parent)] if pwsh else []
    pieces = [*SYSTEM_PIECES, *home, sys.base_prefix, str(Path(botocore.__file__).parents[1])]
    real = tuple(os.path.realpath(p) if p not in SYSTEM_PIECES else p for p in pieces if _is_real(p))
    return read_only_root_plan(mount_point, real, facts, SCRATCH)


def _is_real(path: str) -> bool:
    return Path(path).exists() and (path not in SYSTEM_PIECES or not Path(path).is_symlink() or path == "/etc/localtime")


def _leave_all_but(channel: int) -> None:
    """Hold nothing of the host's: streams to nowhere, only the run's own channel open."""
    null = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.closerange(3, channel)
    os.closerange(channel + 1, DESCRIPTORS_MAX)


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
    """Run the host: arguments are isolation, mount point of its sandboxes, descriptor of the control socket, PowerShell."""
    namespaces.die_with_parent()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    isolation, mount_point, descriptor, pwsh = arguments
    if isolation == "namespaces" and namespaces.available():
        return 3  # the node host, which the server starts beside this one, says why
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS_MAX, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    _preload()
    ScriptHost(isolation, mount_point, socket.socket(fileno=int(descriptor)), pwsh).listen()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
