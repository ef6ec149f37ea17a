"""Launching the server: what it was told, checked, and its start apart from whoever started it. No engine is imported here.

Flow of a detached start: a fork has one end of a pipe, and writes "ready" or its reason into it; whoever started it waits for that
word.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from localorg.kernel.readings import chosen
from localorg.server.spec import load_spec
from localorg.server.state import LocalorgError, ServerFacts, StateDirectory

READY_FD = "LOCALORG_READY_FD"
DESCRIPTORS_MAX = 4096


@dataclass(frozen=True)
class UpOptions:
    """What `localorg up` was told, checked."""

    spec: Path
    port: int
    tls_port: int
    """0: the one of the last time, or a free one."""
    state: StateDirectory
    isolation: Literal["namespaces", "none"]
    readings: Mapping[str, str]
    allow_retired_runtimes: bool = False

    @classmethod
    def checked(
        cls,
        spec: Path,
        port: int,
        tls_port: int,
        state: Path,
        isolation: Literal["namespaces", "none"],
        readings: Sequence[str],
        *,
        allow_retired_runtimes: bool = False,
    ) -> "UpOptions":
        """Check everything before anything starts; a reading is a word such as "runbook-lookup=strict".

        Raises SpecError, UnknownReadingError.
        """
        answers = chosen(readings)
        load_spec(spec)
        return cls(spec.absolute(), port, tls_port, StateDirectory(state), isolation, answers, allow_retired_runtimes)


def go_on_detached(options: UpOptions) -> ServerFacts | None:
    """Go on as a process of its own session, the server: there, return None. Here, return where it is, or raise LocalorgError.

    It is a fork, for an interpreter of its own would read and check everything once more. Nothing has made a thread yet.
    """
    options.state.create()
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    server = os.fork()
    if server == 0:
        _leave_starter(options.state.server_log, writing)
        return None
    os.close(writing)
    with os.fdopen(reading) as pipe:
        news = pipe.read()
    if news == "ready":
        return options.state.running()
    code = os.waitstatus_to_exitcode(os.waitpid(server, 0)[1])
    reason = news.removeprefix("failed ") or f"the server ended with exit code {code}; see {options.state.server_log}"
    raise LocalorgError(reason)


def _leave_starter(log: Path, writing: int) -> None:
    """Hold nothing of whoever started us but the end of the pipe; what we say goes to `log`."""
    os.setsid()
    said, nothing = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666), os.open(os.devnull, os.O_RDONLY)
    for stream, place in enumerate((nothing, said, said)):
        os.dup2(place, stream)
    os.closerange(3, writing)
    os.closerange(writing + 1, DESCRIPTORS_MAX)
    os.environ[READY_FD] = str(writing)
