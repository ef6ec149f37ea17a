"""Launching and stopping the server, as light as `localorg down` wants it: no engine is imported here.

Flow of a detached start: a pipe is handed to the new process, which writes "ready" or its reason into it; whoever started it waits
for that word. Stopping is SIGTERM, then waiting until the state directory's lock is free.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from localorg.kernel.readings import chosen
from localorg.server.spec import load_spec
from localorg.server.state import LocalorgError, ServerFacts, StateDirectory

READY_FD = "LOCALORG_READY_FD"
DOWN_LIMIT_S = 30.0


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


def run_detached(options: UpOptions) -> ServerFacts:
    """Start the server as a process of its own session and return where it is. Raises LocalorgError with its reason."""
    options.state.create()
    reading, writing = os.pipe()
    command = [
        *(sys.executable, "-m", "localorg.server.cli", "up", "--spec", str(options.spec), "--port", str(options.port)),
        *("--tls-port", str(options.tls_port), "--state", str(options.state.root), "--isolation", options.isolation),
        *(word for item in options.readings.items() for word in ("--reading", "=".join(item))),
        *(["--allow-retired-runtimes"] if options.allow_retired_runtimes else []),
    ]
    with options.state.server_log.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[writing],
            env={**os.environ, READY_FD: str(writing)},
        )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        news = pipe.read()
    if news == "ready":
        return options.state.running()
    process.wait()
    reason = (
        news.removeprefix("failed ") or f"the server ended with exit code {process.returncode}; see {options.state.server_log}"
    )
    raise LocalorgError(reason)


def stop(state: StateDirectory) -> None:
    """Stop the server of `state` and wait until it has gone. Raises LocalorgError when there is none or it does not go."""
    facts = state.running()
    with contextlib.suppress(ProcessLookupError):
        os.kill(facts.pid, signal.SIGTERM)
    for _ in range(int(DOWN_LIMIT_S * 20)):
        if not state.is_served():
            return
        time.sleep(0.05)
    raise LocalorgError(
        f"process {facts.pid} did not stop within {DOWN_LIMIT_S:.0f} s. Look at {state.server_log}, then kill it."
    )
