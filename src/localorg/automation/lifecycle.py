"""How executions begin and end: the queue, the first rows, the last word, and who is told.

Flow: `admit` -> (queue) -> `_begin`: a Pending row per step, and a "go" -> ... -> `finish`: status, outputs, "automation.status-change",
the step that waits for this execution is told, and the next in the queue begins.
Refuses to know: what steps do.
"""

from collections.abc import Iterator
from typing import Any

from localorg.automation import outputs
from localorg.automation.executions import Executions, runbook_of
from localorg.automation.ports import ENGINE
from localorg.automation.records import AT_WORK, Execution, StepRecord
from localorg.automation.retention import Retention
from localorg.automation.runbook import Step
from localorg.automation.sessions import Sessions
from localorg.kernel import ids
from localorg.kernel.events import Event, Kernel


class Lifecycle:
    """Begins and ends executions, and their steps."""

    def __init__(self, kernel: Kernel, executions: Executions, sessions: Sessions, retention: Retention) -> None:
        self._kernel = kernel
        self._executions = executions
        self._sessions = sessions
        self._retention = retention

    def admit(self, execution: Execution) -> None:
        """Let a new execution run, now or when there is room."""
        place = execution.account, execution.region
        room = self._executions.quota.has_room(*place, rate_controlled=execution.is_rate_controlled)
        self._executions.recount(execution)
        if room:
            self._begin(execution)
            return
        # Whoever waits for this one may have been the last that moved: see `quota`.
        self._let_in(*place)
        if execution.parent is not None:
            self._let_in(execution.parent.account, execution.parent.region)

    def _let_in(self, account: str, region: str) -> None:
        """Begin what is queued and may run now, in the order of arrival."""
        while (execution_id := self._executions.quota.next_in(account, region)) is not None:
            self._begin(self._executions.get(account, region, execution_id))

    def _begin(self, execution: Execution) -> None:
        execution.status = "InProgress"
        self._executions.recount(execution)
        if not execution.is_parent:
            steps = runbook_of(execution.content).steps
            execution.cursor = steps[0].name
            for position, step in enumerate(steps):
                self._executions.put_step(execution, new_record(self._kernel, execution, step, f"{position:04d}"))
        self.publish(execution)
        self._kernel.post(Event(ENGINE, "go", key_of(execution)))

    def finish(self, execution: Execution) -> None:
        """End an execution with the status that its steps have earned."""
        for record in list(self.at_work(execution)):
            self.close(execution, record, "Cancelled")
        execution.status = "Cancelled" if execution.is_cancelling else execution.bad_end or "Success"
        execution.ended = self._kernel.now()
        execution.cursor = execution.running = execution.loop = ""
        if not execution.is_parent:
            execution.outputs = outputs.of_execution(runbook_of(execution.content).outputs, execution.step_outputs)
        self._sessions.forget(execution)
        self._executions.recount(execution)
        self.publish(execution)
        if execution.parent is not None:
            self._tell_parent(execution)
        self._retention.arrange()
        self._let_in(execution.account, execution.region)

    def publish(self, execution: Execution) -> None:
        """Tell every subscriber of "automation.status-change" how the execution stands."""
        self._kernel.publish(
            "automation.status-change",
            {
                "account": execution.account,
                "region": execution.region,
                "execution_id": execution.execution_id,
                "status": execution.status,
                "parent_execution_id": execution.parent.execution_id if execution.parent else "",
                "failure_message": execution.failure_message,
            },
        )

    def _tell_parent(self, child: Execution) -> None:
        link = child.parent
        if link is None:
            return
        data = {"account": link.account, "region": link.region, "execution": link.execution_id, "step": link.step_id}
        news = {"execution_id": child.execution_id, "status": child.status, "failure_message": child.failure_message}
        self._kernel.post(Event(ENGINE, "step.child-ended", {**data, "attempt": link.attempt, **news, "outputs": child.outputs}))

    def close(self, execution: Execution, record: StepRecord, status: str) -> None:
        """End a step with `status`: its alarms are forgotten."""
        record.status, record.ended = status, self._kernel.now()
        for alarm in record.alarms:
            self._kernel.cancel(alarm)
        record.alarms = []
        if execution.loop == record.step_id:
            execution.loop = ""
        self._executions.put_step(execution, record)

    def at_work(self, execution: Execution) -> Iterator[StepRecord]:
        """Yield the step at work and the loop around it."""
        for step_id in (execution.running, execution.loop):
            record = self._executions.step(execution, step_id)
            if record is not None and record.status in AT_WORK:
                yield record

    def show(self, execution: Execution, status: str) -> None:
        """Let an execution at work be InProgress, or Waiting for a person; one that is being cancelled stays so."""
        if execution.status in AT_WORK and execution.status != status:
            execution.status = status
            self._executions.put(execution)
            self.publish(execution)


def key_of(execution: Execution) -> dict[str, Any]:
    """Return the data of an event that is about `execution` as a whole."""
    return {"account": execution.account, "region": execution.region, "execution": execution.execution_id}


def new_record(kernel: Kernel, execution: Execution, step: Step, position: str) -> StepRecord:
    """Return a fresh row for `step`."""
    return StepRecord(ids.uuid(kernel.dice), execution.execution_id, step.name, step.action, position)
