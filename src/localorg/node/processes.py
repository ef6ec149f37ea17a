"""Starting programs on the node and learning how they end. One thread reaps every child, as process 1 of a machine must.

Flow: `Processes.run(...)` starts a program in a session of its own and waits for the reaper to hand over its status, for its time
limit, or for a cancel; in the last two cases its whole process group is killed. The main thread calls `reap()` on each SIGCHLD.
Rules: nobody but the reaper waits for children, so an orphan that a package leaves behind is reaped too.
"""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

KILLED = 137
"""AWS: amazon-ssm-agent, appconfig: CommandStoppedPreemptivelyExitCode on Linux."""


class Cancel:
    """A request to stop, which may come before, while or after something runs."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._wake: threading.Event | None = None
        self._guard = threading.Lock()

    def cancel(self) -> None:
        """Ask for a stop."""
        with self._guard:
            self._event.set()
            if self._wake is not None:
                self._wake.set()

    @property
    def cancelled(self) -> bool:
        """Say whether a stop was asked for."""
        return self._event.is_set()

    def watch(self, wake: threading.Event | None) -> None:
        """Set `wake` too when a stop is asked for (None: no longer)."""
        with self._guard:
            self._wake = wake
            if wake is not None and self._event.is_set():
                wake.set()


@dataclass
class Ended:
    """How a program ended: its exit code (137 when it was killed), and whether its time was up or it was cancelled."""

    code: int
    timed_out: bool = False
    cancelled: bool = False


class Runner(Protocol):
    """Whoever runs a program and waits for its end."""

    def run(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        output: Path,
        timeout_s: float,
        cancel: Cancel,
    ) -> Ended:
        """Run `command` in `folder`; its output goes to the files `stdout` and `stderr` in the folder `output`. Raises OSError."""
        ...


class WaitingRunner:
    """Runs one program at a time and waits for it itself: for a process that has no reaper, because it is no node's process 1."""

    def run(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        output: Path,
        timeout_s: float,
        cancel: Cancel,
    ) -> Ended:
        """Run `command` in `folder`; its output goes to the files `stdout` and `stderr` in the folder `output`. Raises OSError."""
        if cancel.cancelled:
            return Ended(KILLED, cancelled=True)
        process = _begin(command, folder, environment, output)
        try:
            return Ended(_as_shell_code(process.wait(timeout_s)))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return Ended(KILLED, timed_out=True)


def _begin(command: Sequence[str], folder: Path, environment: Mapping[str, str], output: Path) -> "subprocess.Popen[bytes]":
    with (output / "stdout").open("wb") as out, (output / "stderr").open("wb") as err:
        return subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )


@dataclass
class _Child:
    process: "subprocess.Popen[bytes]"
    wake: threading.Event = field(default_factory=threading.Event)
    status: int | None = None


class Processes:
    """The children of this process."""

    def __init__(self) -> None:
        self._children: dict[int, _Child] = {}
        self._guard = threading.Lock()

    def run(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        output: Path,
        timeout_s: float,
        cancel: Cancel,
    ) -> Ended:
        """Run `command` in `folder`; its output goes to the files `stdout` and `stderr` in the folder `output`. Raises OSError."""
        with self._guard:
            child = _Child(_begin(command, folder, environment, output))
            self._children[child.process.pid] = child
        cancel.watch(child.wake)
        try:
            return self._wait(child, timeout_s, cancel)
        finally:
            cancel.watch(None)

    def _wait(self, child: _Child, timeout_s: float, cancel: Cancel) -> Ended:
        child.wake.wait(timeout_s)
        if child.status is not None:
            return Ended(_exit_code(child.status))
        cancelled = cancel.cancelled
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        return Ended(KILLED, timed_out=not cancelled, cancelled=cancelled)

    def reap(self) -> None:
        """Collect every child that has ended. Called by the main thread only."""
        while True:
            with self._guard:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    return
                if pid == 0:
                    return
                child = self._children.pop(pid, None)
                if child is not None:
                    child.status = status
                    child.process.returncode = _exit_code(status)
                    child.wake.set()


def _exit_code(status: int) -> int:
    return _as_shell_code(os.waitstatus_to_exitcode(status))


def _as_shell_code(code: int) -> int:
    return code if code >= 0 else 128 - code
