"""Two real nodes, shared by the tests of a module, under a small control plane."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.control_plane import ControlPlane
from node.running import HostProcess, host, in_layer, is_sandbox_possible, node_entry

ONE, TWO = "i-0aaa11112222", "i-0bbb11112222"


@dataclass
class Fleet:
    """Nodes ONE (debian 12) and TWO (rocky 9.4), the host they run on, and their control plane."""

    plane: ControlPlane
    host: HostProcess
    state: Path
    one: str = ONE
    two: str = TWO

    def file(self, instance_id: str, path: str) -> Path:
        """Where a node's own copy of `path` lies on this machine."""
        return in_layer(self.state, instance_id, path)


@pytest.fixture(scope="session")
def sandbox() -> None:
    """Skip where this machine has no namespaces (a failure in CI, see tests/conftest.py)."""
    if not is_sandbox_possible():
        pytest.skip("this machine does not allow mount namespaces to this user")


@pytest.fixture(scope="module")
def fleet(sandbox: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Run ONE and TWO for a module."""
    state = tmp_path_factory.mktemp("fleet") / "nodes"
    entries = [node_entry(ONE), node_entry(TWO, os_id="rocky", version="9.4")]
    with ControlPlane() as plane, host(plane, state, entries) as running:
        running.wait("node-up", TWO)
        yield Fleet(plane, running, state)
