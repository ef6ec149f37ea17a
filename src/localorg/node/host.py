"""The node host: one small single-threaded process from which every node is forked. `python -m localorg.node.host CONFIG.json`.

Flow: config -> for each node: layers prepared on disk -> `namespaces.start` -> event `node-up`. Then it serves: commands as JSON lines
on standard input (set_online, add, stop), events as JSON lines on standard output (node-up, node-died, refused, failed).
Rules: it imports everything before it forks, because a node's root has no Python of ours. End of input stops every node. It dies
with its parent, nodes die with it: SIGKILL anywhere leaves no process and no mount.
What it does not protect against: scripts share the kernel, the network and the processor with everything else; nodes of an
ordinary user may read the memory of their own agent, which was forked from this process and so may hold the secrets of other nodes
(as root the agents are closed to that); with isolation "none" there is no protection at all.
"""

import encodings.ascii
import encodings.cp437
import encodings.idna
import encodings.latin_1
import gc
import json
import os
import select
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localorg.node import config, machine, namespaces, persona, rootfs, rootplan
from localorg.node.config import BadConfigError, HostConfig, NodeConfig
from localorg.node.machine import Root
from localorg.node.namespaces import SandboxRefusedError
from localorg.node.rootplan import HostFacts, RootPlan

PRELOADED = (encodings.idna, encodings.cp437, encodings.latin_1, encodings.ascii)
"""Modules that the standard library imports only when it first needs them: inside a node it would be too late."""
KEPT_VARIABLES = frozenset(
    {"HOME", "PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "http_proxy", "https_proxy", "no_proxy"}
)
DESCRIPTORS_MAX = 8192
POLICY_RC = "#!/bin/sh\n# localorg: a node runs no init, so packages must not start services.\nexit 101\n"


@dataclass
class _Running:
    pid: int
    orders: int
    asked_to_stop: bool = False


@dataclass
class Host:
    """Every node of one local organization."""

    settings: HostConfig
    facts: HostFacts = field(default_factory=rootfs.read_host_facts)
    _nodes: dict[str, _Running] = field(default_factory=dict)

    def add(self, node: NodeConfig) -> None:
        """Start `node`. Raises SandboxRefusedError."""
        if node.instance_id in self._nodes:
            raise SandboxRefusedError(f"node {node.instance_id} is running already; stop it first")
        folder = self.settings.state_dir / node.instance_id
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        reading, writing = os.pipe()
        try:
            starter = self._start_sandboxed if self.settings.isolation == "namespaces" else self._start_bare
            pid = starter(node, folder, reading)
        except (SandboxRefusedError, OSError):
            os.close(writing)
            raise
        finally:
            os.close(reading)
        self._nodes[node.instance_id] = _Running(pid, writing)
        emit("node-up", instance_id=node.instance_id, pid=pid)

    def _start_sandboxed(self, node: NodeConfig, folder: Path, orders: int) -> int:
        plan = self._plan(folder)
        rootfs.make_layers(plan)
        masked = (*rootfs.private_paths(self.facts), *self.settings.masked, str(self.settings.state_dir))
        rootfs.mask(plan, self.facts, masked)
        whole_root = rootfs.is_whole_root()
        if whole_root:
            rootfs.lock_passwords(plan)
        rootfs.write_node_files(plan, _node_files(node))

        def main() -> int:
            _forget_all_but(orders)
            if whole_root:
                namespaces.set_dumpable(allowed=False)
            return machine.run(node, self.settings, Root(Path("/"), sandboxed=True), orders)

        return namespaces.start(plan, main, node.computer_name)

    def _plan(self, folder: Path) -> RootPlan:
        directories = rootfs.node_directories(folder)
        if rootfs.is_whole_root():
            return rootplan.overlay_plan(self.facts, directories)
        skeleton = self.settings.state_dir / "skeleton"
        rootfs.build_skeleton(skeleton, self.facts)
        return rootplan.layered_plan(self.facts, directories, str(skeleton))

    def _start_bare(self, node: NodeConfig, folder: Path, orders: int) -> int:
        """Start a node without a sandbox: a folder for its files, scripts on the bare host."""
        root = folder / "bare"
        (root / "etc").mkdir(parents=True, exist_ok=True)
        (root / "etc/os-release").write_text(persona.os_release_text(node.os_release))
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                namespaces.die_with_parent()
                _forget_all_but(orders)
                os.chdir(root)
                code = machine.run(node, self.settings, Root(root, sandboxed=False), orders)
            finally:
                os._exit(code)
        return pid

    def obey(self, command: Mapping[str, Any]) -> None:
        """Carry out one command; what is wrong with it is told as a `failed` event."""
        try:
            match command.get("op"):
                case "set_online":
                    self._order(str(command["instance_id"]), b"online\n" if command["online"] else b"offline\n")
                case "stop":
                    self._stop(str(command["instance_id"]))
                case "add":
                    self._add_from(command["node"])
                case other:
                    emit("failed", reason=f"the command {other!r} is not known; known are set_online, add and stop")
        except KeyError as error:
            emit("failed", reason=f"the command {command} lacks {error}, or names a node that is not running")
        except (BadConfigError, SandboxRefusedError, OSError) as error:
            emit("failed", reason=str(error), instance_id=str(command.get("instance_id", "")))

    def _add_from(self, entry: Any) -> None:
        problems = config.node_problems(entry, has_gateway=self.settings.message_gateway is not None)
        if problems:
            raise BadConfigError("; ".join(f"node{problem}" for problem in problems))
        self.add(config.node_config(entry))

    def _order(self, instance_id: str, order: bytes) -> None:
        os.write(self._nodes[instance_id].orders, order)

    def _stop(self, instance_id: str) -> None:
        running = self._nodes[instance_id]
        running.asked_to_stop = True
        os.kill(running.pid, signal.SIGKILL)  # its files are whole at any moment; its processes go with their process 1

    def stop_all(self) -> None:
        """Stop every node and wait until all have gone."""
        for instance_id in self._nodes:
            self._stop(instance_id)
        while self._nodes:
            self._bury(*os.waitpid(-1, 0))

    def reap(self) -> None:
        """Notice nodes that ended."""
        while self._nodes:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._bury(pid, status)

    def _bury(self, pid: int, status: int) -> None:
        for instance_id, running in list(self._nodes.items()):
            if running.pid == pid:
                os.close(running.orders)
                del self._nodes[instance_id]
                how = "it was stopped" if running.asked_to_stop else f"its first process ended ({_how_it_ended(status)})"
                emit("node-died", instance_id=instance_id, reason=how)


def _forget_all_but(orders: int) -> None:
    """In a node: close what belongs to the host and to other nodes."""
    os.closerange(3, orders)
    os.closerange(orders + 1, DESCRIPTORS_MAX)


def _how_it_ended(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _node_files(node: NodeConfig) -> dict[str, str]:
    release = persona.os_release_text(node.os_release)
    files = {"/etc/os-release": release, "/usr/lib/os-release": release, "/etc/hostname": node.computer_name + "\n"}
    files["/usr/sbin/policy-rc.d"] = POLICY_RC
    if Path("/etc/dpkg").is_dir():
        # Each node would wait for the disk at every file of every package; what a node loses in a power cut is made anew.
        files["/etc/dpkg/dpkg.cfg.d/localorg-node"] = "force-unsafe-io\n"
    return files


def emit(event: str, **data: Any) -> None:
    """Tell the server something."""
    sys.stdout.write(json.dumps({"event": event, **data}) + "\n")
    sys.stdout.flush()


def serve(host: Host) -> None:
    """Obey commands until the end of standard input."""
    woken, wake = os.pipe()
    for descriptor in (woken, wake):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    pending = b""
    host.reap()
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            host.reap()
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                _obey_line(host, line)


def _obey_line(host: Host, line: bytes) -> None:
    try:
        command = json.loads(line)
    except ValueError:
        emit("failed", reason=f"expected a JSON object on each line of standard input, found {line[:80]!r}")
        return
    if isinstance(command, dict):
        host.obey(command)


def _forget_the_callers_environment() -> None:
    """Start anew without the variables of whoever started the server: what is in a process's first memory, its node can read."""
    kept = {key: value for key, value in os.environ.items() if key in KEPT_VARIABLES}
    # Python itself sets LC_CTYPE at its start in some locales (PEP 538): it would be there again after every new start.
    if os.environ.keys() - kept.keys() - {"LC_CTYPE"}:
        os.execve(sys.executable, [sys.executable, "-m", "localorg.node.host", *sys.argv[1:]], kept)  # noqa: S606 - ourselves again


def main(arguments: list[str]) -> int:
    """Run the host. Returns the exit code: 2 for a wrong configuration, 3 when the machine refuses sandboxes."""
    namespaces.die_with_parent()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the server decides, by closing our input
    if len(arguments) != 1:
        emit("refused", reason="expected one argument, the path of the configuration")
        return 2
    try:
        settings = config.read_config(Path(arguments[0]))
    except BadConfigError as error:
        emit("refused", reason=str(error))
        return 2
    gc.freeze()
    host = Host(settings)
    signal.signal(signal.SIGTERM, lambda *_: _leave(host))
    try:
        _check_isolation(settings)
        for node in settings.nodes:
            host.add(node)
    except (SandboxRefusedError, OSError) as error:
        emit("refused", reason=str(error))
        host.stop_all()
        return 3
    serve(host)
    host.stop_all()
    return 0


def _leave(host: Host) -> None:
    host.stop_all()
    os._exit(0)


def _check_isolation(settings: HostConfig) -> None:
    if settings.isolation == "none":
        emit("warning", reason="isolation none: package scripts run on this machine itself, not in nodes of their own")
    elif refusal := namespaces.available():
        raise SandboxRefusedError(refusal.reason)


if __name__ == "__main__":
    _forget_the_callers_environment()
    sys.exit(main(sys.argv[1:]))
