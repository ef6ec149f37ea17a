"""Parents: executions that run no steps of the runbook, but other executions, as many at a time as their limits allow.

Flow: `go` -> (once) a Pending step per child, from the parent's `Kind` -> as many children as the limits of each group allow -> event
"child-ended" -> its step is closed, and `go` again, until nothing runs and nothing may be started.
Rules: a child that cannot be started is a failed step with AWS's words; beyond MaxErrors nothing more is started, what runs may end. The
rows of the steps are the truth; `limits.Group`s are counts of them, kept in memory and made anew after a restart.
AWS: user guide, running-automations-multiple-accounts-regions, running-automations-map-targets, running-automations-scale-controls.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from localorg.automation import messages
from localorg.automation.actions.action import POLLING
from localorg.automation.executions import Executions
from localorg.automation.limits import Group, Limits, grouped
from localorg.automation.ports import ENGINE
from localorg.automation.records import TERMINAL, Execution, StepRecord
from localorg.kernel.events import Event, Kernel

RETRIED_AFTER_S = 5.0
"""When a parent looks again whether the queue has room for its children."""


class CannotStart(Exception):
    """The children cannot be found out, or one of them cannot be started; the text is the cause for a FailureMessage."""


class CannotStop(Exception):
    """A child runs on although its parent is cancelled; the text is the cause for a FailureMessage."""


class Kind(Protocol):
    """What is particular to one kind of parent."""

    what: str
    """What its children are, for a sentence: "targets"."""

    def is_ready(self, execution: Execution) -> bool:
        """Say whether `expand` can be asked; when it cannot, a `go` follows later."""
        ...

    def expand(self, execution: Execution) -> list[StepRecord]:
        """Return a Pending step per child, each with the number of its group in `state`. Raises CannotStart."""
        ...

    def limits(self, execution: Execution, group: int, total: int) -> Limits:
        """Return the limits of one group."""
        ...

    def has_room(self, execution: Execution) -> bool:
        """Say whether one more child may be started, or has to wait for room in the queue."""
        ...

    def start(self, execution: Execution, record: StepRecord) -> str:
        """Start the child of a step and return its id. Raises CannotStart."""
        ...

    def ended(self, record: StepRecord, news: dict[str, Any]) -> None:
        """Put into the step what its ended child gives."""
        ...

    def stop(self, child: Execution) -> bool:
        """Stop a child by a call of the API, where that is how it is done; False where it is not. Raises CannotStop."""
        ...

    def place(self, execution: Execution, record: StepRecord) -> tuple[str, str]:
        """Return the account and Region of a step's child."""
        ...


class Fanout:
    """Runs the parents. `on_end` is told when one has ended."""

    def __init__(self, kernel: Kernel, executions: Executions, kind_of: Callable[[Execution], Kind]) -> None:
        self._kernel = kernel
        self._executions = executions
        self._kind_of = kind_of
        self._groups: dict[str, dict[int, Group]] = {}
        self.on_end: Callable[[Execution], None] = lambda _execution: None

    def go(self, execution: Execution) -> None:
        """Start what may be started; end the execution when nothing is left to wait for."""
        if execution.status in TERMINAL:
            return
        groups = self._known(execution)
        stops = execution.is_cancelling or execution.is_completing
        if not groups and not stops:
            if not self._kind_of(execution).is_ready(execution):
                return
            try:
                groups = self._expand(execution)
            except CannotStart as problem:
                self.give_up(execution, str(problem))
                return
        waits = False
        if not stops:
            for number, group in groups.items():
                waits = not self._start_some(execution, number, group) or waits
        if any(group.running for group in groups.values()):
            return
        if waits:
            self._kernel.after(RETRIED_AFTER_S, Event(ENGINE, "go", _key(execution)))
        else:
            self._end(execution, groups)

    def give_up(self, execution: Execution, cause: str) -> None:
        """End an execution that cannot have children."""
        execution.bad_end, execution.failure_message = "Failed", messages.told(POLLING, cause)
        self._groups.pop(execution.execution_id, None)
        self.on_end(execution)

    def _known(self, execution: Execution) -> dict[int, Group]:
        if execution.execution_id not in self._groups:
            self._groups[execution.execution_id] = grouped(self._executions.steps_of(execution))
        return self._groups[execution.execution_id]

    def _expand(self, execution: Execution) -> dict[int, Group]:
        records = self._kind_of(execution).expand(execution)
        for record in records:
            self._executions.put_step(execution, record)
        self._executions.put(execution)
        groups = self._groups[execution.execution_id] = grouped(records)
        return groups

    def _start_some(self, execution: Execution, number: int, group: Group) -> bool:
        """Start one after another, as long as the limits allow: a start that fails at once counts before the next.

        Returns False when the limits would allow more, but the queue has no room.
        """
        kind = self._kind_of(execution)
        allowed = kind.limits(execution, number, group.total)
        while group.startable(allowed):
            if not kind.has_room(execution):
                return False
            record = self._executions.step(execution, group.waiting.popleft())
            if record is not None:
                self._start(execution, record, group)
        return True

    def _start(self, execution: Execution, record: StepRecord, group: Group) -> None:
        record.status, record.started = "InProgress", self._kernel.now()
        group.running += 1
        try:
            record.state["child"] = self._kind_of(execution).start(execution, record)
        except CannotStart as problem:
            self._close(execution, record, "Failed", str(problem))
            return
        self._executions.put_step(execution, record)

    def on_child_ended(self, execution: Execution, record: StepRecord, news: dict[str, Any]) -> None:
        """Take the end of a child, and go on."""
        self._known(execution)
        self._kind_of(execution).ended(record, news)
        cause = ""
        if news["status"] != "Success" and not execution.is_cancelling:
            inner = messages.cause_of(news["failure_message"]) or "it gives no reason"
            cause = f"Automation execution {news['execution_id']} ended with status {news['status']}: {inner}"
        self._close(execution, record, news["status"], cause)
        self.go(execution)

    def _close(self, execution: Execution, record: StepRecord, status: str, cause: str) -> None:
        self._groups[execution.execution_id][record.state["group"]].end(status)
        record.status, record.ended = status, self._kernel.now()
        if cause:
            record.failure_message = messages.told(POLLING, cause)
            record.failure_stage, record.failure_type = "Invocation", "Action"
        self._executions.put_step(execution, record)

    def _end(self, execution: Execution, groups: dict[int, Group]) -> None:
        kind = self._kind_of(execution)
        beyond = any(group.is_beyond(kind.limits(execution, number, group.total)) for number, group in groups.items())
        records = self._executions.steps_of(execution)
        self._settle_unstarted(execution, records)
        bad = [record for record in records if record.status != "Success"]
        # AWS: API AutomationExecution, FailureMessage: for what has failed; one that a person cancelled has not.
        if any(record.started for record in bad) and not execution.is_cancelling:
            tolerated = self._kernel.settings.reading("errors-within-threshold")
            execution.bad_end = "Failed" if beyond or tolerated == "Failed" else ""
            execution.failure_message = _summary(records, bad, kind.what)
        self._groups.pop(execution.execution_id, None)
        self.on_end(execution)

    def _settle_unstarted(self, execution: Execution, records: list[StepRecord]) -> None:
        if self._kernel.settings.reading("unstarted-locations") == "Pending":
            return
        for record in records:
            if record.status == "Pending":
                record.status, record.ended = "Cancelled", self._kernel.now()
                self._executions.put_step(execution, record)

    def stops(self, execution: Execution, child: Execution) -> bool:
        """Say whether nothing is left to do to stop a child: an API call has stopped it, or was refused, as its step then tells."""
        try:
            return self._kind_of(execution).stop(child)
        except CannotStop as problem:
            record = self._executions.step(execution, child.parent.step_id) if child.parent else None
            if record is not None:
                record.failure_message = messages.told(POLLING, str(problem))
                self._executions.put_step(execution, record)
            return True

    def running_children(self, execution: Execution) -> Iterator[Execution]:
        """Yield the children that are at work or queued."""
        kind = self._kind_of(execution)
        for record in self._executions.steps_of(execution):
            if record.status == "InProgress":
                found = self._executions.rows.get(*kind.place(execution, record), record.state["child"])
                if found is not None:
                    yield found


def _key(execution: Execution) -> dict[str, Any]:
    return {"account": execution.account, "region": execution.region, "execution": execution.execution_id}


def _summary(records: list[StepRecord], bad: list[StepRecord], what: str) -> str:
    told = [record for record in bad if record.failure_message]
    causes = " | ".join(f"{record.name}: {messages.cause_of(record.failure_message)}" for record in told)
    text = f"{len(bad)} of {len(records)} {what} did not succeed. {causes}"
    return messages.told(POLLING, text.strip())
