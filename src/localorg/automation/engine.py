"""The engine's turn: which step runs next, and what its outcome means.

Flow: `go` -> steps from the cursor on, until one waits -> its events -> `settle` -> `decide` -> ... -> `Lifecycle.finish`.
Rules: a loop over a cursor, never recursion; rows are put after every change, so a restart finds what is needed to go on. What an
action does is the action's, the order of steps is `decide`'s; here they are only brought together.
"""

import json
from collections.abc import Callable
from typing import Any

from localorg.automation import messages, outputs
from localorg.automation.actions import ACTIONS
from localorg.automation.actions.action import RESOLVING, Action, Failed, NextPass, Outcome, Run, Succeeded, Waiting, refused
from localorg.automation.decide import Ended, Then, decide
from localorg.automation.executions import Executions, runbook_of
from localorg.automation.fanout import Fanout
from localorg.automation.interpolate import Unresolved
from localorg.automation.lifecycle import Lifecycle, new_record
from localorg.automation.ports import ENGINE, StepPorts, token_of
from localorg.automation.records import AT_WORK, TERMINAL, Execution, ParentStep, StepRecord
from localorg.automation.runbook import Step
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel


class Engine:
    """Runs executions."""

    def __init__(self, kernel: Kernel, executions: Executions, lifecycle: Lifecycle, ports: StepPorts, fanout: Fanout) -> None:
        self._kernel = kernel
        self._executions = executions
        self._lifecycle = lifecycle
        self._ports = ports
        self._fanout = fanout

    def go(self, execution: Execution) -> None:
        """Run steps from the cursor on, until one waits or the end is reached."""
        if execution.is_parent:
            self._fanout.go(execution)
            return
        while execution.cursor and execution.status not in TERMINAL:
            if self._holds(execution):
                self._lifecycle.show(execution, "Waiting")
                break
            name, execution.cursor = execution.cursor, ""
            step = runbook_of(execution.content).step(name)
            self._start(execution, step, self._record_to_start(execution, step))
        if execution.status not in TERMINAL:
            self._executions.put(execution)

    @staticmethod
    def _holds(execution: Execution) -> bool:
        """AWS: user guide, automation-working-executing-manually: a manual automation waits before each step.

        ASSUMED: what follows by itself does not wait: another attempt, the steps of a loop that was let begin, and the clean-up.
        """
        is_manual = execution.mode == "Interactive" and not execution.is_cancelling
        return is_manual and not execution.loop and execution.attempt == 1 and execution.released != execution.cursor

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
        record = new_record(self._kernel, execution, step, f"{loop.position}.{passes:03d}.{names.index(step.name):03d}")
        value = execution.step_outputs.get(loop.name, {}).get("CurrentIteratorValue", "")
        record.parent = ParentStep(loop.step_id, loop.name, passes, value if isinstance(value, str) else json.dumps(value))
        return record

    def _start(self, execution: Execution, step: Step, record: StepRecord) -> None:
        action = ACTIONS[step.action]
        record.status, record.attempt = "InProgress", execution.attempt
        record.started = record.started or self._kernel.now()
        record.state, record.ended, record.failure_message, record.failure_stage, record.failure_type = {}, None, "", "", ""
        execution.running, execution.released = record.step_id, ""
        self._lifecycle.show(execution, "InProgress")
        run = Run(execution, record, step, {}, self._ports)
        try:
            self._fill(run, action)
        except (Unresolved, ValueError) as problem:
            self._forget_outputs(run)
            self.settle(run, Failed(str(problem), RESOLVING, stage="InputValidation", kind="Verification"))
            return
        self._forget_outputs(run)
        self._set_timeout(run)
        # Kept before anything happens outside: a restart then finds a step at work, not a run without one.
        self._executions.put_step(execution, record)
        self._executions.put(execution)
        self.settle(run, self.attempt(action.start, run))

    @staticmethod
    def _forget_outputs(run: Run) -> None:
        """ASSUMED: what the step gave in an earlier pass of its loop is gone once it has begun again, also when it then fails."""
        run.execution.step_outputs.pop(run.step.name, None)

    def _fill(self, run: Run, action: Action) -> None:
        """Replace the references in inputs and time-out. Raises Unresolved, ValueError."""
        run.inputs = self._inputs(run, action)
        shown = {name: value for name, value in run.inputs.items() if name != "Steps"}
        run.record.inputs = {name: json.dumps(value, separators=(",", ":"), ensure_ascii=False) for name, value in shown.items()}
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
    def attempt(work: Callable[..., Outcome], run: Run, *arguments: Any) -> Outcome:
        """Return the outcome of an action's `work`; what it raises is a failure of the step."""
        try:
            outcome = work(run, *arguments)
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
        if execution is None or record is None or record.status not in AT_WORK or record.attempt != data["attempt"]:
            return
        if execution.is_parent:
            self._fanout.on_child_ended(execution, record, data)
            return
        run = self.run_of(execution, record)
        if name == "timeout":
            self._time_out(run)
        else:
            self.settle(run, self.attempt(ACTIONS[record.action].handle, run, name, data))
        self.go(execution)

    def on_command(self, data: dict[str, Any]) -> None:
        """A command has changed: tell the runCommand steps of its account and Region that wait for it."""
        for execution in self._executions.running(data["account"], data["region"]):
            record = self._executions.step(execution, execution.running)
            if record is not None and record.state.get("command") == data["command_id"]:
                self.on_step_event("command", {**token_of(execution, record), **data})

    def run_of(self, execution: Execution, record: StepRecord) -> Run:
        """Return the attempt that `record` stands for, as it was started."""
        step = runbook_of(execution.content).step(record.name)
        read_back = {name: json.loads(value) for name, value in record.inputs.items()}
        inputs = step.inputs if ACTIONS[record.action].raw_inputs else read_back
        return Run(execution, record, step, inputs, self._ports)

    def _time_out(self, run: Run) -> None:
        for record in self._lifecycle.at_work(run.execution):
            ACTIONS[record.action].cancel(self.run_of(run.execution, record))
            if record.step_id != run.record.step_id and record.parent and record.parent.step_id == run.record.step_id:
                self._lifecycle.close(run.execution, record, "Cancelled")
        limit = f"{run.record.timeout_s:.0f}"
        self.settle(run, Failed(f"The step did not end within {limit} seconds.", timed_out=True))

    # What an outcome means

    def settle(self, run: Run, outcome: Outcome) -> None:
        """Take the outcome of a step: keep it, and set the cursor to what follows."""
        execution, record = run.execution, run.record
        if isinstance(outcome, Succeeded):
            try:
                given = outputs.collect(run.step, outcome.response, outcome.outputs, ACTIONS[record.action].response_output)
            except outputs.OutputTypeError as problem:
                outcome = Failed(str(problem), stage="PostVerification", kind="Verification")
        match outcome:
            case Waiting():
                record.status = "Waiting" if outcome.for_person else "InProgress"
                self._lifecycle.show(execution, record.status)
                self._executions.put_step(execution, record)
            case NextPass():
                execution.loop, execution.cursor, execution.attempt = record.step_id, run.step.inner[0].name, 1
                self._executions.put_step(execution, record)
            case Succeeded():
                execution.step_outputs[record.name] = given
                record.outputs = outputs.shown(given)
                record.next_step = outcome.next_step
                self._lifecycle.close(execution, record, "Success")
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
        self._lifecycle.close(execution, record, ended.value)
        self._follow(run, ended)

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
            if execution.mode == "Interactive" and not execution.is_cancelling and not execution.bad_end:
                # AWS: the same page: a manual automation is ended by StopAutomationExecution of type Complete.
                # ASSUMED: one that has failed ends by itself.
                self._lifecycle.show(execution, "Waiting")
                return
            self._lifecycle.finish(execution)
            return
        none = {"failed": "", "stage": "", "kind": "", "timed_out": False}
        run = self.run_of(execution, loop)
        self.settle(run, self.attempt(ACTIONS[loop.action].handle, run, "pass-ended", loop.state.get("failure", none)))


def _operation_of(run: Run) -> str:
    """Return the operation that an action's refusal is about, for boto3's sentence."""
    match run.step.action:
        case "aws:executeAutomation":
            return "StartAutomationExecution"
        case "aws:runCommand":
            return "ListCommands" if "command" in run.state else "SendCommand"
        case _:
            return "AssumeRole"
