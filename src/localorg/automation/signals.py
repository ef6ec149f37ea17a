"""SendAutomationSignal: what a person tells an execution that waits.

Flow: signal + payload -> the step that it means -> that step's action, or the engine (StartStep), or a cancel (StopStep).
Rules: what does not fit the execution as it stands is InvalidAutomationSignalException, a step that is not there
AutomationStepNotFoundException.
AWS: API SendAutomationSignal; user guide, automation-working-executing-manually. ASSUMED: which error it is where both could be meant.
"""

from localorg.automation.actions import ACTIONS
from localorg.automation.actions.action import Signal, WrongSignal
from localorg.automation.engine import Engine
from localorg.automation.executions import Executions, runbook_of
from localorg.automation.interruptions import Interruptions
from localorg.automation.lifecycle import Lifecycle
from localorg.automation.records import AT_WORK, TERMINAL, Execution, StepRecord
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Request

PAYLOADS = {
    "Approve": "Comment",
    "Reject": "Comment",
    "Revoke": "Comment",
    "StartStep": "StepName",
    "Resume": "StepName",
    "StopStep": "StepExecutionId",
}
"""AWS: API SendAutomationSignal, Payload. ASSUMED: Revoke, which the API does not explain, takes what Reject takes."""


class Signals:
    """Brings signals to where they belong."""

    def __init__(self, executions: Executions, lifecycle: Lifecycle, engine: Engine, interruptions: Interruptions) -> None:
        self._executions = executions
        self._lifecycle = lifecycle
        self._engine = engine
        self._interruptions = interruptions

    def send(self, execution: Execution, request: Request) -> None:
        """Take the signal of `request`. Raises AwsError."""
        kind = request.params["SignalType"]
        said = _payload(kind, request.params.get("Payload") or {})
        if execution.status in TERMINAL:
            raise _invalid(
                f"Automation execution {execution.execution_id} has ended as {execution.status}; no signal reaches it."
            )
        match kind:
            case "StartStep":
                self._start_step(execution, said)
            case "StopStep":
                self._stop_step(execution, said)
            case "Revoke":
                # AWS: only automations of subtype AccessRequest (just-in-time node access) have an approval that can be revoked.
                raise _invalid("Revoke takes back the approval of an access request, and this automation is none.")
            case _:
                step = said if kind == "Resume" else ""
                self._tell(execution, Signal(kind, request.principal, "" if kind == "Resume" else said), step)

    def _tell(self, execution: Execution, signal: Signal, step_name: str) -> None:
        record = self._executions.step(execution, execution.running)
        if step_name and not any(one.name == step_name for one in self._executions.steps_of(execution)):
            raise _no_step(f"The automation has no step {step_name!r}.")
        is_waiting = record is not None and record.status == "Waiting" and signal.kind in ACTIONS[record.action].signals
        if record is None or not is_waiting or step_name not in ("", record.name):
            what = f"the step {step_name}" if step_name else "any step"
            raise _invalid(f"Automation execution {execution.execution_id} does not wait for {signal.kind} in {what}.")
        run = self._engine.run_of(execution, record)
        try:
            outcome = ACTIONS[record.action].signal(run, signal)
        except WrongSignal as problem:
            raise _invalid(str(problem)) from None
        self._engine.settle(run, outcome)
        self._engine.go(execution)

    def _start_step(self, execution: Execution, name: str) -> None:
        if execution.mode != "Interactive":
            raise _invalid("StartStep is for automations that were started in the mode Interactive; this one runs by itself.")
        try:
            runbook_of(execution.content).step(name)
        except KeyError:
            raise _no_step(f"The runbook has no step {name!r}.") from None
        if execution.status != "Waiting" or execution.cursor != name:
            following = execution.cursor or "none (stop the automation with the type Complete)"
            raise _invalid(f"The step {name} cannot be started now; the next one is {following}.")
        execution.released = name
        self._engine.go(execution)

    def _stop_step(self, execution: Execution, step_id: str) -> None:
        """# ASSUMED: stopping the step at work stops its automation too, by way of the step's onCancel."""
        record = self._executions.step(execution, step_id)
        if record is None:
            raise _no_step(f"The automation has no step execution {step_id}.")
        if record.status not in AT_WORK:
            raise _invalid(f"The step {record.name} is {record.status} and cannot be stopped.")
        self._interruptions.cancel(self._child_of(execution, record))

    def _child_of(self, execution: Execution, record: StepRecord) -> Execution:
        """Return the execution to stop: in an automation of many accounts a step is one child."""
        child = self._interruptions.child_of(execution, record) if execution.is_parent else None
        return child or execution


def _payload(kind: str, payload: dict[str, list[str]]) -> str:
    name = PAYLOADS[kind]
    unknown = sorted(set(payload) - {name})
    if unknown:
        raise _invalid(f"The payload of {kind} has {name} and nothing else; found {', '.join(unknown)}.")
    values = payload.get(name) or []
    if len(values) > 1 or (name != "Comment" and not values):
        raise _invalid(f"The payload of {kind} needs {name} with one value; found {len(values)}.")
    return values[0] if values else ""


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidAutomationSignalException", message)


def _no_step(message: str) -> AwsError:
    return AwsError("AutomationStepNotFoundException", message)
