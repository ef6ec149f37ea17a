"""Work outside the engines, done in the simulation's own thread between two turns, so that every run of a seed does it in the same order.

Flow: an engine starts a script, or a borrowed service has an answer -> it waits here, counted by the kernel as work outside (virtual time
stands still) -> the simulation does it -> its result is posted as an event.
Rules: a script runs in this process and in real time; nothing isolates it, so only runbooks that may run here belong here.
"""

import contextlib
import io
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from typing import Any

import boto3

from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ScriptJob
from localorg.server.script_run import LOG_CHARS_MAX, Result, call_handler, outcome, read_result

LendSession = Callable[[Mapping[str, str] | None, str], contextlib.AbstractContextManager[boto3.Session]]
"""(credentials, Region) -> a boto3 session, for a while, whose calls reach the simulated organization."""


class InlineExecutor(Executor):
    """Does at once what it is given: moto on the simulation's own thread."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Do `work` and return its outcome as a future that has ended."""
        done: Future[Any] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - a future holds whatever its work has raised
            done.set_exception(error)
        return done


@dataclass
class Outside:
    """What waits to be done between two turns, in the order in which it was asked for."""

    kernel: Kernel
    waiting: deque[Callable[[], None]] = field(default_factory=deque)

    def work(self, what: Callable[[], None]) -> None:
        """Do `what` after the present turn; virtual time stands still until it is done."""
        self.kernel.outside += 1

        def counted() -> None:
            self.kernel.outside -= 1
            what()

        self.waiting.append(counted)

    def later(self, work: Callable[[], None]) -> None:
        """Do `work` after the present turn."""
        self.waiting.append(work)

    def do_all(self) -> None:
        """Do everything that waits, and what that brings."""
        while self.waiting:
            self.waiting.popleft()()


class InlineScripts:
    """executeScript's port (`automation.ports.Scripts`): each script is called in this process with a boto3 of its own."""

    def __init__(self, kernel: Kernel, outside: Outside) -> None:
        self._kernel = kernel
        self._outside = outside
        self._wanted: list[ScriptJob] = []
        self.lend_session: LendSession | None = None

    def start(self, job: ScriptJob) -> None:
        """Run a job after the present turn."""
        self._wanted.append(job)
        self._outside.work(lambda: self._run(job))

    def stop(self, reply: Event) -> None:
        """Forget the job with this reply event. No error when it has ended: in virtual time a script takes no time."""
        self._wanted = [job for job in self._wanted if job.reply != reply]

    def _run(self, job: ScriptJob) -> None:
        if not any(job is wanted for wanted in self._wanted):
            return
        self._wanted = [wanted for wanted in self._wanted if wanted is not job]
        result = self._performed(job)
        self._kernel.post(replace(job.reply, data={**job.reply.data, **outcome(result)}))

    def _performed(self, job: ScriptJob) -> Result:
        if self.lend_session is None:
            raise AssertionError("a script was started before the organization was assembled")
        log = io.StringIO()
        out, err = contextlib.redirect_stdout(log), contextlib.redirect_stderr(log)
        with self.lend_session(job.credentials, job.region) as session, _default(session), out, err:
            result = call_handler(job.script, job.handler, job.payload)
        said = replace(result, log=(result.log + log.getvalue())[-LOG_CHARS_MAX:])
        # As text and back, as it comes from a process of its own: what is no JSON must not reach the rows.
        return read_result(json.dumps(said.__dict__).encode("utf-8", "replace"))


@contextlib.contextmanager
def _default(session: boto3.Session) -> Iterator[None]:
    """Let `boto3.client` be this session's."""
    before = boto3.DEFAULT_SESSION
    boto3.DEFAULT_SESSION = session
    try:
        yield
    finally:
        boto3.DEFAULT_SESSION = before
