"""Running a command inside a node, for `localorg exec`: enters the namespaces of the node's first process, as little able as the node.

Flow: pid of the node's first process -> a child that joins, drops capabilities and executes the command with our streams -> its exit
code. Rules: the caller is single-threaded (it forks); the environment is the node's, not the caller's: it may hold keys.
With isolation "none" there is nothing to join: the command runs on the bare host, in the node's folder.
"""

import os
import signal
from pathlib import Path
from typing import NoReturn

from localorg.node import namespaces

CANNOT_ENTER = 125
COMMAND_NOT_FOUND = 127
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run_in_node(pid: int, command: list[str], streams: tuple[int, int] = (1, 2)) -> int:
    """Run `command` in the node whose first process is `pid`; returns its exit code (128 + signal, 127 not found, 125 no such node).

    `streams` are the descriptors to which its output and its errors go.
    """
    child = os.fork()
    if child == 0:
        for own, given in enumerate(streams, start=1):
            os.dup2(given, own)
        _enter_and_run(pid, command)
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return _code(os.waitpid(child, 0)[1])
    finally:
        signal.signal(signal.SIGINT, previous)


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _enter_and_run(pid: int, command: list[str]) -> NoReturn:
    """In a child: join the node, and be the parent of the command there (a process-id namespace holds only later children)."""
    code = CANNOT_ENTER
    try:
        namespaces.die_with_parent()
        bare = _is_bare(pid)
        if bare:
            os.chdir(f"/proc/{pid}/cwd")
        else:
            namespaces.join(pid)
        inner = os.fork()
        if inner == 0:
            _execute(command, bare=bare)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = _code(os.waitpid(inner, 0)[1])
    except OSError as error:
        _complain(
            f"cannot enter the node of process {pid}: {error}. Is it running (`localorg nodes`), and are you who started it?"
        )
    finally:
        os._exit(code)


def _is_bare(pid: int) -> bool:
    return Path(f"/proc/{pid}/ns/mnt").stat().st_ino == Path("/proc/self/ns/mnt").stat().st_ino


def _execute(command: list[str], *, bare: bool) -> NoReturn:
    code = CANNOT_ENTER
    try:
        namespaces.die_with_parent()
        environment = {"PATH": SEARCH_PATH, "HOME": os.getcwd() if bare else "/root"}
        environment |= {key: os.environ[key] for key in ("TERM", "LANG", "LC_ALL") if key in os.environ}
        if not bare:
            os.chdir("/")
            namespaces.drop_capabilities()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execvpe(command[0], command, environment)  # noqa: S606 - running what the operator asked for is the purpose
    except FileNotFoundError:
        _complain(f"{command[0]}: not found in the node (searched {SEARCH_PATH})")
        code = COMMAND_NOT_FOUND
    except OSError as error:
        _complain(f"{command[0]}: {error.strerror}")
    finally:
        os._exit(code)


def _complain(text: str) -> None:
    os.write(2, f"{text}\n".encode())
