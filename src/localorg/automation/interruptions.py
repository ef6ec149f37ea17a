"""What comes between: a person stops an execution, or localorg itself is restarted.

Rules: a cancel ends what is at work outside as far as possible, and gives the step named by onCancel two minutes. After a restart each
step at work says itself how it stands.
AWS: API StopAutomationExecution; user guide, automation-actions, onCancel.
"""

from localorg.automation.actions import ACTIONS
from localorg.automation.actions.action import NextPass
from localorg.automation.engine import Engine
from localorg.automation.executions import Executions
from localorg.automation.fanout import Fanout
from localorg.automation.lifecycle import Lifecycle, key_of
from localorg.automation.ports import ENGINE
from localorg.automation.records import AT_WORK, Execution, StepRecord
from localorg.kernel.events import Event, Kernel

CANCEL_LIMIT_S = 120.0
"""AWS: user guide, automation-actions: "Automation runs the cancellation workflow for a maximum of two minutes"."""


class Interruptions:
    """Stops and resumes executions."""

    def __init__(self, kernel: Kernel, executions: Executions, lifecycle: Lifecycle, engine: Engine, fanout: Fanout) -> None:
        self._kernel = kernel
        self._executions = executions
        self._lifecycle = lifecycle
        self._engine = engine
        self._fanout = fanout

    def cancel(self, execution: Execution) -> None:
        """Stop what is at work, run the clean-up step if there is one, and end as Cancelled."""
        if execution.status in {"Pending", "Cancelling"} or execution.is_parent:
            self._cancel_without_steps(execution)
            return
        execution.is_cancelling, target = True, ""
        for record in list(self._lifecycle.at_work(execution)):
            run = self._engine.run_of(execution, record)
            ACTIONS[record.action].cancel(run)
            if run.step.on_cancel.startswith("step:"):
                target = run.step.on_cancel.removeprefix("step:")
            if not (target and record.step_id == execution.loop):
                self._lifecycle.close(execution, record, "Cancelled")
        if not target:
            self._lifecycle.finish(execution)
            return
        execution.status, execution.cursor, execution.attempt = "Cancelling", target, 1
        self._executions.recount(execution)
        self._lifecycle.publish(execution)
        self._kernel.after(CANCEL_LIMIT_S, Event(ENGINE, "cancel-limit", key_of(execution)))
        self._engine.go(execution)

    def _cancel_without_steps(self, execution: Execution) -> None:
        if execution.status == "Pending":
            execution.is_cancelling = True
            self._lifecycle.finish(execution)
        elif execution.is_parent and not execution.is_cancelling:
            execution.is_cancelling, execution.status = True, "Cancelling"
            self._executions.recount(execution)
            # ASSUMED: a cancel reaches the children that are at work or queued; the others are never started.
            for child in list(self._fanout.running_children(execution)):
                if not self._fanout.stops(execution, child):
                    self.cancel(child)
            self._fanout.go(execution)

    def complete(self, execution: Execution) -> None:
        """End an execution here, with the status that its steps have earned. # ASSUMED: what is at work is cancelled, without onCancel."""
        if execution.is_parent and execution.status != "Pending":
            # ASSUMED: a parent lets the children that run end, and starts no more.
            execution.is_completing = True
            self._executions.put(execution)
            self._fanout.go(execution)
            return
        for record in list(self._lifecycle.at_work(execution)):
            ACTIONS[record.action].cancel(self._engine.run_of(execution, record))
        self._lifecycle.finish(execution)

    def child_of(self, execution: Execution, record: StepRecord) -> Execution | None:
        """Return the child at work that a step of an automation in many accounts stands for."""
        children = self._fanout.running_children(execution)
        return next((one for one in children if one.parent and one.parent.step_id == record.step_id), None)

    def end_cancelling(self, execution: Execution) -> None:
        """The two minutes of clean-up are over."""
        if execution.status != "Cancelling":
            return
        for record in list(self._lifecycle.at_work(execution)):
            ACTIONS[record.action].cancel(self._engine.run_of(execution, record))
            self._lifecycle.close(execution, record, "Cancelled")
        self._lifecycle.finish(execution)

    def resume(self) -> None:
        """After a restart: ask the step at work how it stands, or start the next."""
        for execution in list(self._executions.alive()):
            if execution.status == "Pending":
                continue
            record = self._executions.step(execution, execution.running)
            if not execution.is_parent and record is not None and record.status in AT_WORK:
                run = self._engine.run_of(execution, record)
                outcome = self._engine.attempt(ACTIONS[record.action].recover, run)
                if not isinstance(outcome, NextPass):
                    self._engine.settle(run, outcome)
            self._kernel.post(Event(ENGINE, "go", key_of(execution)))
