"""Starts the real node host as a process, for tests; and looks at what it leaves behind."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from node.control_plane import ControlPlane

SRC = Path(__file__).parents[2] / "src"


def node_entry(
    instance_id: str, *, online: bool = True, os_id: str = "debian", version: str = "12", secret: str = "s3cret"
) -> dict[str, Any]:
    """One node of the host's configuration."""
    return {
        "instance_id": instance_id,
        "account": "111122223333",
        "region": "eu-west-1",
        "persona": {
            "platform_name": "Test Linux",
            "platform_version": version,
            "platform_type": "Linux",
            "architecture": "x86_64",
            "os_release": {"ID": os_id, "VERSION_ID": version, "NAME": "Test"},
        },
        "computer_name": f"host-{instance_id[-4:]}",
        "ip_address": "10.0.0.1",
        "secret": secret,
        "online": online,
    }


class HostProcess:
    """The running host: its events, and commands to it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self.changed = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.events.append({"event": "ended"})
            self.changed.notify_all()

    def wait(self, event: str, instance_id: str | None = None) -> dict[str, Any]:
        """Wait for an event and return it."""

        def find() -> dict[str, Any] | None:
            found = [e for e in self.events if e["event"] == event and instance_id in {None, e.get("instance_id")}]
            return found[-1] if found else None

        with self.changed:
            assert self.changed.wait_for(lambda: find() or self.events[-1:] == [{"event": "ended"}], 30), (
                f"no {event}: {self.events}"
            )
            found = find()
            assert found, f"the host ended without {event}: {self.events}"
            return found

    def tell(self, **command: Any) -> None:
        """Send a command."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def pid(self, instance_id: str) -> int:
        """The node's first process."""
        return int(self.wait("node-up", instance_id)["pid"])

    def end(self) -> int:
        """Close its input and wait."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(30)


@contextmanager
def host(
    plane: ControlPlane,
    state: Path,
    nodes: list[dict[str, Any]],
    *,
    isolation: str = "namespaces",
    prefix: tuple[str, ...] = (),
    config: Path | None = None,
    **extra: Any,
) -> Iterator[HostProcess]:
    """Run the host with `nodes` until the end of the block."""
    settings = {
        "endpoint": plane.endpoint,
        "state_dir": str(state),
        "isolation": isolation,
        "masked": [],
        "nodes": nodes,
        **extra,
    }
    path = config or state.parent / "host.json"
    if os.geteuid() != 0:
        _share_skeleton(state)
    path.write_text(json.dumps(settings))
    running = HostProcess(
        subprocess.Popen(
            [*prefix, sys.executable, "-m", "localorg.node.host", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": python_path()},
        )
    )
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.end()


def _share_skeleton(state: Path) -> None:
    """An ordinary user's nodes need a copy of the host's directories: make it once for all tests."""
    shared = Path(tempfile.gettempdir()) / f"localorg-test-skeleton-{os.geteuid()}"
    shared.mkdir(exist_ok=True)
    state.mkdir(parents=True, exist_ok=True)
    if not (state / "skeleton").exists():
        (state / "skeleton").symlink_to(shared)


def in_layer(state: Path, instance_id: str, path: str) -> Path:
    """Where a node's own copy of the absolute `path` lies on this machine."""
    upper = state / instance_id / "upper"
    return upper / "root" / path.strip("/") if os.geteuid() == 0 else upper / path.strip("/")


def enter(pid: int, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a node as `localorg exec` does."""
    code = f"import sys; from localorg.node.exec import run_in_node; sys.exit(run_in_node({pid}, {list(command)!r}))"
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": python_path()},
        timeout=60,
    )


def is_sandbox_possible() -> bool:
    """Say whether this machine can make sandboxes at all for this user."""
    code = "import sys; from localorg.node.namespaces import available; sys.exit(available() is not None)"
    return (
        subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ, "PYTHONPATH": python_path()}).returncode == 0
    )


def python_path() -> str:
    """Our sources first, and whatever this Python was given."""
    return os.pathsep.join([str(SRC), *filter(None, [os.environ.get("PYTHONPATH")])])
