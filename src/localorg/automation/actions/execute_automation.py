"""aws:executeAutomation: starts another automation, here, over many targets or in many accounts and Regions, and waits for its end.

AWS: user guide, automation-action-executeAutomation.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import POLLING, RESOLVING, Action, Failed, Outcome, Run, Succeeded, Waiting, refusal_text
from localorg.automation.messages import cause_of, told
from localorg.automation.parameters import to_wire
from localorg.kernel.errors import AwsError

PASSED_ON = (
    *("DocumentName", "DocumentVersion", "Tags", "TargetLocations", "MaxConcurrency", "MaxErrors"),
    *("TargetParameterName", "Targets", "TargetMaps"),
)
TEXTS = frozenset({"DocumentVersion", "MaxConcurrency", "MaxErrors"})
"""Inputs that a runbook may write as a number."""
OUTPUTS = "failed-execute-automation-outputs"


class ExecuteAutomation(Action):
    """Runs a secondary automation."""

    name = "aws:executeAutomation"
    required = ("DocumentName",)
    optional = (*PASSED_ON[1:], "RuntimeParameters")
    own_outputs = frozenset({"ExecutionId", "Status", "Output", "OutputPayload"})
    response_output = "OutputPayload"

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Targets come in one of two ways, and name the parameter that they fill."""
        if "Targets" in inputs and "TargetMaps" in inputs:
            yield f"{place}.inputs: Targets and TargetMaps can't be specified together"
        if "Targets" in inputs and "TargetParameterName" not in inputs:
            yield f"{place}.inputs: TargetParameterName is required when Targets are specified"
        if not isinstance(inputs.get("RuntimeParameters", {}), dict | str):
            yield f"{place}.inputs.RuntimeParameters must map names to values, found {inputs['RuntimeParameters']!r}"

    def start(self, run: Run) -> Outcome:
        """Start the other automation."""
        params = {name: run.inputs[name] for name in PASSED_ON if run.inputs.get(name) not in (None, "", [])}
        params |= {name: str(params[name]) for name in TEXTS if name in params}
        given = run.inputs.get("RuntimeParameters") or {}
        if not isinstance(given, dict):
            return Failed(f"RuntimeParameters must map names to values, found {given!r}", RESOLVING, stage="InputValidation")
        if given:
            params["Parameters"] = {name: to_wire(value) for name, value in given.items()}
        child = run.ports.start_child(run, params)
        run.state["child"] = child
        # Also a step that runs after this one has failed may ask for it.
        if run.ports.reading(OUTPUTS) == "given":
            run.execution.step_outputs[run.step.name] = {"ExecutionId": child}
        return Waiting()

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """The other automation has ended."""
        del event
        values = [value for listed in data["outputs"].values() for value in listed]
        outputs = {"ExecutionId": data["execution_id"], "Status": data["status"], "Output": values}
        if data["status"] == "Success":
            return Succeeded(outputs, outputs)
        cause = cause_of(data["failure_message"]) or "it gives no reason"
        message = f"Automation execution {data['execution_id']} ended with status {data['status']}: {cause}"
        return Failed(message, POLLING, outputs=outputs if run.ports.reading(OUTPUTS) == "given" else {})

    def cancel(self, run: Run) -> None:
        """Stop the other automation too."""
        if child := run.state.get("child"):
            try:
                run.invoke("ssm", "StopAutomationExecution", {"AutomationExecutionId": child, "Type": "Cancel"})
            except AwsError as refusal:
                # It has ended meanwhile, or this principal may not stop it: either way this step is cancelled.
                if refusal.code != "InvalidAutomationStatusUpdateException":
                    # ASSUMED: a cancelled step whose automation runs on, because it may not be stopped, says so.
                    cause = refusal_text("StopAutomationExecution", refusal.code, refusal.message)
                    run.record.failure_message = told(POLLING, cause)

    def recover(self, run: Run) -> Outcome:
        """The other automation is kept in rows like this one, and will tell its end."""
        if "child" in run.state:
            return Waiting()
        return super().recover(run)
