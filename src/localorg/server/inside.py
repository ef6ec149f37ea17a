"""`localorg exec`: run a command inside a node."""

from localorg.node.exec import run_in_node


def run_inside(pid: int, command: list[str]) -> int:
    """Run `command` in the node whose first process is `pid` and return its exit code."""
    return run_in_node(pid, command)
