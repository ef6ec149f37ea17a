"""`localorg exec`: run a command inside a node, or inside several, one after the other."""

import sys
import tempfile
from collections.abc import Mapping
from typing import BinaryIO

from localorg.node.exec import run_in_node


def run_inside(pid: int, command: list[str]) -> int:
    """Run `command` in the node whose first process is `pid` and return its exit code."""
    return run_in_node(pid, command)


def run_inside_each(pids: Mapping[str, int], command: list[str]) -> int:
    """Run `command` in each of these nodes; each line that it says has the node before it. Returns the greatest exit code."""
    return max(_told(node, pid, command) for node, pid in pids.items())


def _told(node: str, pid: int, command: list[str]) -> int:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        code = run_in_node(pid, command, (out.fileno(), errors.fileno()))
        for said, stream in ((out, sys.stdout.buffer), (errors, sys.stderr.buffer)):
            _tell(node, said, stream)
    return code


def _tell(node: str, said: BinaryIO, stream: BinaryIO) -> None:
    said.seek(0)
    stream.writelines(f"{node}: ".encode() + line.removesuffix(b"\n") + b"\n" for line in said)
    stream.flush()
