"""`localorg exec`: run a command inside a node, whether the nodes are sandboxed or not."""

from localorg.node.exec import run_in_node
from localorg.server.state import StateDirectory


def run_inside(pid: int, command: list[str], state: StateDirectory, instance_id: str) -> int:
    """Run `command` in the node whose first process is `pid` and return its exit code."""
    del state, instance_id
    return run_in_node(pid, command)
