"""The engine's turn: which step runs next, what its outcome means, and how an execution ends.

Flow: `admit` -> (queue) -> `go` -> steps from the cursor on, until one waits -> its events -> `_settle` -> `decide` -> ... -> `finish`,
which is published as "automation.status-change" and told to the step that waits for this execution.
Rules: a loop over a cursor, never recursion; rows are put after every change, so a restart finds what is needed to go on. What an
action does is the action's, the order of steps is `decide`'s; here they are only brought together.
"""

import json
from collections.abc import Iterator
from typing import Any

from localorg.automation import messages, outputs
from localorg.automation.actions import ACTIONS
from localorg.automation.actions.action import RESOLVING, Action, Failed, NextPass, Outcome, Run, Succeeded, Waiting, refused
from localorg.automation.decide import Ended, Then, decide
from localorg.automation.executions import Executions, runbook_of
from localorg.automation.interpolate import Unresolved
from localorg.automation.locations import Locations
from localorg.automation.ports import ENGINE, StepPorts, token_of
from localorg.automation.records import TERMINAL, Execution, ParentStep, StepRecord
from localorg.automation.runbook import Step
from localorg.automation.sessions import Sessions
from localorg.kernel import ids
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel

CANCEL_LIMIT_S = 120.0
"""AWS: user guide, automation-actions: "Automation runs the cancellation workflow for a maximum of two minutes"."""


class Engine:
    """Runs executions."""

    def __init__(
        self, kernel: Kernel, executions: Executions, sessions: Sessions, ports: StepPorts, locations: Locations
    ) -> None:
        self._kernel = kernel
        self._executions = executions
        self._sessions = sessions
        self._ports = ports
        self._locations = locations
        locations.on_end = self.finish

    # Beginning and ending

    def admit(self, execution: Execution) -> None:
        """Let a new execution run, now or when there is room."""
        room = self._executions.has_room(execution.account, execution.region)
        self._executions.recount(execution)
        if room:
            self._begin(execution)

    def _begin(self, execution: Execution) -> None:
        execution.status = "InProgress"
        self._executions.recount(execution)
        if execution.kind == "Local":
            steps = runbook_of(execution.content).steps
            execution.cursor = steps[0].name
            for position, step in enumerate(steps):
                self._executions.put_step(execution, self._record(execution, step, f"{position:04d}"))
        self._publish(execution)
        self._kernel.post(Event(ENGINE, "go", _key(execution)))

    def _record(self, execution: Execution, step: Step, position: str) -> StepRecord:
        step_id = ids.uuid(self._kernel.dice)
        return StepRecord(step_id, execution.execution_id, step.name, step.action, position)

    def finish(self, execution: Execution) -> None:
        """End an execution with the status that its steps have earned."""
        for record in list(self._at_work(execution)):
            self._close(execution, record, "Cancelled")
        execution.status = "Cancelled" if execution.is_cancelling else execution.bad_end or "Success"
        execution.ended = self._kernel.now()
        execution.cursor = execution.running = execution.loop = ""
        if execution.kind == "Local":
            execution.outputs = outputs.of_execution(runbook_of(execution.content).outputs, execution.step_outputs)
        self._sessions.forget(execution)
        self._executions.recount(execution)
        self._publish(execution)
        if execution.parent is not None:
            self._tell_parent(execution)
        queued = self._executions.next_queued(execution.account, execution.region)
        if queued is not None and self._executions.has_room(execution.account, execution.region):
            self._begin(queued)

    def _publish(self, execution: Execution) -> None:
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

    # Running

    def go(self, execution: Execution) -> None:
        """Run steps from the cursor on, until one waits or the end is reached."""
        if execution.kind == "CrossAccount":
            self._locations.go(execution)
            return
        while execution.cursor and execution.status not in TERMINAL:
            name, execution.cursor = execution.cursor, ""
            step = runbook_of(execution.content).step(name)
            self._start(execution, step, self._record_to_start(execution, step))
        if execution.status not in TERMINAL:
            self._executions.put(execution)

    def _record_to_start(self, execution: Execution, step: Step) -> StepRecord:
        """Return the row of the step: the one made at the start, the one to try again, or a new one for this pass of a loop."""
        again = self._executions.step(execution, execution.running)
        if execution.attempt > 1 and again is not None and again.name == step.name:
            return again
        loop = self._executions.step(execution, execution.loop)
        if loop is None:
            return next(row for row in self._executions.steps_of(execution) if row.name == step.name and row.parent is None)
        passes = int(loop.state["pass"])
        names = [inner.name for inner in runbook_of(execution.content).step(loop.name).inner]
        record = self._record(execution, step, f"{loop.position}.{passes:03d}.{names.index(step.name):03d}")
        value = execution.step_outputs.get(loop.name, {}).get("CurrentIteratorValue", "")
        record.parent = ParentStep(loop.step_id, loop.name, passes, value if isinstance(value, str) else json.dumps(value))
        return record

    def _start(self, execution: Execution, step: Step, record: StepRecord) -> None:
        action = ACTIONS[step.action]
        record.status, record.attempt = "InProgress", execution.attempt
        record.started = record.started or self._kernel.now()
        record.state, record.ended, record.failure_message, record.failure_stage, record.failure_type = {}, None, "", "", ""
        execution.running = record.step_id
        run = Run(execution, record, step, {}, self._ports)
        try:
            self._fill(run, action)
        except (Unresolved, ValueError) as problem:
            self._settle(run, Failed(str(problem), RESOLVING, stage="InputValidation", kind="Verification"))
            return
        self._set_timeout(run)
        # Kept before anything happens outside: a restart then finds a step at work, not a run without one.
        self._executions.put_step(execution, record)
        self._executions.put(execution)
        self._settle(run, self._attempt(action.start, run))

    def _fill(self, run: Run, action: Action) -> None:
        """Replace the references in inputs and time-out. Raises Unresolved, ValueError."""
        run.inputs = self._inputs(run, action)
        shown = {name: value for name, value in run.inputs.items() if name != "Steps"}
        run.record.inputs = {name: json.dumps(value) for name, value in shown.items()}
        timeout = run.step.timeout_s
        resolved = self._ports.resolve(run, timeout) if timeout is not None else None
        run.record.timeout_s = float(resolved) if resolved is not None else action.default_timeout_s

    def _inputs(self, run: Run, action: Action) -> dict[str, Any]:
        if action.raw_inputs:
            return run.step.inputs
        literal = (
            {"Script": run.step.inputs["Script"]} if "Script" in run.step.inputs and action.name == "aws:executeScript" else {}
        )
        others = {name: value for name, value in run.step.inputs.items() if name not in literal}
        resolved: dict[str, Any] = self._ports.resolve(run, others)
        return {**resolved, **literal}

    def _set_timeout(self, run: Run) -> None:
        if run.record.timeout_s is not None:
            event = Event(ENGINE, "step.timeout", token_of(run.execution, run.record))
            run.record.alarms.append(self._kernel.after(run.record.timeout_s, event))

    @staticmethod
    def _attempt(work: Any, run: Run, *arguments: Any) -> Outcome:
        try:
            outcome: Outcome = work(run, *arguments)
        except AwsError as refusal:
            # An action that starts something lets AWS's refusal through; the operation is in the message already where it matters.
            return refused(_operation_of(run), refusal)
        except (Unresolved, ValueError) as problem:
            return Failed(str(problem), RESOLVING, stage="InputValidation", kind="Verification")
        return outcome

    def on_step_event(self, name: str, data: dict[str, Any]) -> None:
        """Bring an event to the step that it names; what comes too late is dropped."""
        execution = self._executions.rows.get(data["account"], data["region"], data["execution"])
        record = self._executions.step(execution, data["step"]) if execution else None
        if execution is None or record is None or record.status != "InProgress" or record.attempt != data["attempt"]:
            return
        if execution.kind == "CrossAccount":
            self._locations.on_child_ended(execution, record, data)
            return
        run = self._run_of(execution, record)
        if name == "timeout":
            self._time_out(run)
        else:
            self._settle(run, self._attempt(ACTIONS[record.action].handle, run, name, data))
        self.go(execution)

    def on_command(self, data: dict[str, Any]) -> None:
        """A command has changed: tell the runCommand steps of its account and Region that wait for it."""
        for execution in self._executions.running(data["account"], data["region"]):
            record = self._executions.step(execution, execution.running)
            if record is not None and record.state.get("command") == data["command_id"]:
                self.on_step_event("command", {**token_of(execution, record), **data})

    def _run_of(self, execution: Execution, record: StepRecord) -> Run:
        step = runbook_of(execution.content).step(record.name)
        read_back = {name: json.loads(value) for name, value in record.inputs.items()}
        inputs = step.inputs if ACTIONS[record.action].raw_inputs else read_back
        return Run(execution, record, step, inputs, self._ports)

    def _time_out(self, run: Run) -> None:
        for record in self._at_work(run.execution):
            ACTIONS[record.action].cancel(self._run_of(run.execution, record))
            if record.step_id != run.record.step_id and record.parent and record.parent.step_id == run.record.step_id:
                self._close(run.execution, record, "Cancelled")
        limit = f"{run.record.timeout_s:.0f}"
        self._settle(run, Failed(f"The step did not end within {limit} seconds.", timed_out=True))

    def _at_work(self, execution: Execution) -> Iterator[StepRecord]:
        """Yield the step at work and the loop around it."""
        for step_id in (execution.running, execution.loop):
            record = self._executions.step(execution, step_id)
            if record is not None and record.status == "InProgress":
                yield record

    # What an outcome means

    def _settle(self, run: Run, outcome: Outcome) -> None:
        execution, record = run.execution, run.record
        if isinstance(outcome, Succeeded):
            try:
                given = outputs.collect(run.step, outcome.response, outcome.outputs, ACTIONS[record.action].response_output)
            except outputs.OutputTypeError as problem:
                outcome = Failed(str(problem), stage="PostVerification", kind="Verification")
        match outcome:
            case Waiting():
                self._executions.put_step(execution, record)
            case NextPass():
                execution.loop, execution.cursor, execution.attempt = record.step_id, run.step.inner[0].name, 1
                self._executions.put_step(execution, record)
            case Succeeded():
                execution.step_outputs[record.name] = given
                record.outputs = outputs.shown(given)
                record.next_step = outcome.next_step
                self._close(execution, record, "Success")
                self._follow(run, Ended.SUCCESS, chosen=outcome.next_step)
            case Failed():
                self._fail(run, outcome)
        self._executions.put(execution)

    def _fail(self, run: Run, failure: Failed) -> None:
        execution, record = run.execution, run.record
        record.failure_message = messages.told(failure.doing, failure.message, timed_out=failure.timed_out)
        record.failure_stage, record.failure_type = failure.stage, failure.kind
        if failure.outputs:
            execution.step_outputs[record.name] = dict(failure.outputs)
            record.outputs = outputs.shown(failure.outputs)
        ended = Ended.TIMED_OUT if failure.timed_out else Ended.FAILED
        self._close(execution, record, ended.value)
        self._follow(run, ended)

    def _close(self, execution: Execution, record: StepRecord, status: str) -> None:
        record.status, record.ended = status, self._kernel.now()
        for alarm in record.alarms:
            self._kernel.cancel(alarm)
        record.alarms = []
        if execution.loop == record.step_id:
            execution.loop = ""
        self._executions.put_step(execution, record)

    def _follow(self, run: Run, ended: Ended, chosen: str = "") -> None:
        execution, record, step = run.execution, run.record, run.step
        runbook = runbook_of(execution.content)
        siblings = runbook.step(record.parent.name).inner if record.parent else runbook.steps
        names = [one.name for one in siblings]
        place = names.index(step.name) + 1
        verdict = decide(step, names[place] if place < len(names) else "", ended, record.attempt, chosen)
        if verdict.fails_execution:
            self._note_failure(run, ended)
        execution.attempt = record.attempt + 1 if verdict.then is Then.AGAIN else 1
        match verdict.then:
            case Then.AGAIN:
                execution.cursor = step.name
            case Then.GO:
                execution.cursor = verdict.step
            case Then.END:
                self._end_of_list(execution, record)

    def _note_failure(self, run: Run, ended: Ended) -> None:
        """The first critical failure is the cause; inside a loop it is the loop's."""
        execution, record = run.execution, run.record
        loop = self._executions.step(execution, execution.loop) if record.parent else None
        if loop is not None:
            cause = {"failed": messages.cause_of(record.failure_message), "stage": record.failure_stage}
            loop.state.setdefault("failure", {**cause, "kind": record.failure_type, "timed_out": ended is Ended.TIMED_OUT})
            self._executions.put_step(execution, loop)
        elif not execution.bad_end:
            execution.bad_end, execution.failure_message = ended.value, record.failure_message

    def _end_of_list(self, execution: Execution, record: StepRecord) -> None:
        loop = self._executions.step(execution, execution.loop) if record.parent else None
        if loop is None or execution.is_cancelling:
            self.finish(execution)
            return
        none = {"failed": "", "stage": "", "kind": "", "timed_out": False}
        run = self._run_of(execution, loop)
        self._settle(run, self._attempt(ACTIONS[loop.action].handle, run, "pass-ended", loop.state.get("failure", none)))

    # Cancelling and restarting

    def cancel(self, execution: Execution) -> None:
        """Stop what is at work, run the clean-up step if there is one, and end as Cancelled."""
        if execution.status in {"Pending", "Cancelling"} or execution.kind == "CrossAccount":
            self._cancel_without_steps(execution)
            return
        execution.is_cancelling, target = True, ""
        for record in list(self._at_work(execution)):
            run = self._run_of(execution, record)
            ACTIONS[record.action].cancel(run)
            if run.step.on_cancel.startswith("step:"):
                target = run.step.on_cancel.removeprefix("step:")
            if not (target and record.step_id == execution.loop):
                self._close(execution, record, "Cancelled")
        if not target:
            self.finish(execution)
            return
        execution.status, execution.cursor, execution.attempt = "Cancelling", target, 1
        self._executions.recount(execution)
        self._publish(execution)
        self._kernel.after(CANCEL_LIMIT_S, Event(ENGINE, "cancel-limit", _key(execution)))
        self.go(execution)

    def _cancel_without_steps(self, execution: Execution) -> None:
        if execution.status == "Pending":
            execution.is_cancelling = True
            self.finish(execution)
        elif execution.kind == "CrossAccount" and not execution.is_cancelling:
            execution.is_cancelling, execution.status = True, "Cancelling"
            self._executions.recount(execution)
            for child in self._locations.running_children(execution):
                self.cancel(child)
            self._locations.go(execution)

    def end_cancelling(self, execution: Execution) -> None:
        """The two minutes of clean-up are over."""
        if execution.status != "Cancelling":
            return
        for record in list(self._at_work(execution)):
            ACTIONS[record.action].cancel(self._run_of(execution, record))
            self._close(execution, record, "Cancelled")
        self.finish(execution)

    def resume(self) -> None:
        """After a restart: ask the step at work how it stands, or start the next."""
        for execution in list(self._executions.alive()):
            if execution.status == "Pending":
                continue
            record = self._executions.step(execution, execution.running)
            if execution.kind == "Local" and record is not None and record.status == "InProgress":
                run = self._run_of(execution, record)
                outcome = self._attempt(ACTIONS[record.action].recover, run)
                if not isinstance(outcome, NextPass):
                    self._settle(run, outcome)
            self._kernel.post(Event(ENGINE, "go", _key(execution)))


def _key(execution: Execution) -> dict[str, Any]:
    return {"account": execution.account, "region": execution.region, "execution": execution.execution_id}


def _operation_of(run: Run) -> str:
    """Return the operation that an action's refusal is about, for boto3's sentence."""
    match run.step.action:
        case "aws:executeAutomation":
            return "StartAutomationExecution"
        case "aws:runCommand":
            return "ListCommands" if "command" in run.state else "SendCommand"
        case _:
            return "AssumeRole"
