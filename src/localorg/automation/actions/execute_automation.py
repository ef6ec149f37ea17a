"""aws:executeAutomation: starts another automation, here or in many accounts and Regions, and waits for its end.

AWS: user guide, automation-action-executeAutomation.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import POLLING, RESOLVING, Action, Failed, Outcome, Run, Succeeded, Waiting
from localorg.automation.messages import cause_of
from localorg.automation.parameters import to_wire
from localorg.kernel.errors import AwsError

NOT_YET = ("Targets", "TargetParameterName", "TargetMaps")
PASSED_ON = ("DocumentName", "DocumentVersion", "Tags", "TargetLocations", "MaxConcurrency", "MaxErrors")


class ExecuteAutomation(Action):
    """Runs a secondary automation."""

    name = "aws:executeAutomation"
    required = ("DocumentName",)
    optional = (*PASSED_ON[1:], "RuntimeParameters", *NOT_YET)
    own_outputs = frozenset({"ExecutionId", "Status", "Output", "OutputPayload"})
    response_output = "OutputPayload"

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Rate control over targets is named, not skipped."""
        for name in NOT_YET:
            if name in inputs:
                yield f"{place}.inputs: localorg does not support {name} (rate control over targets in one account)"
        if not isinstance(inputs.get("RuntimeParameters", {}), dict | str):
            yield f"{place}.inputs.RuntimeParameters must map names to values, found {inputs['RuntimeParameters']!r}"

    def start(self, run: Run) -> Outcome:
        """Start the other automation."""
        params = {name: run.inputs[name] for name in PASSED_ON if name in run.inputs}
        given = run.inputs.get("RuntimeParameters") or {}
        if not isinstance(given, dict):
            return Failed(f"RuntimeParameters must map names to values, found {given!r}", RESOLVING, stage="InputValidation")
        if given:
            params["Parameters"] = {name: to_wire(value) for name, value in given.items()}
        if "DocumentVersion" in params:
            params["DocumentVersion"] = str(params["DocumentVersion"])
        child = run.ports.start_child(run, params)
        run.state["child"] = child
        # Also a step that runs after this one has failed may ask for it.
        run.execution.step_outputs[run.step.name] = {"ExecutionId": child}
        return Waiting()

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """The other automation has ended."""
        del run, event
        values = [value for listed in data["outputs"].values() for value in listed]
        outputs = {"ExecutionId": data["execution_id"], "Status": data["status"], "Output": values}
        if data["status"] == "Success":
            return Succeeded(outputs, outputs)
        cause = cause_of(data["failure_message"]) or "it gives no reason"
        message = f"Automation execution {data['execution_id']} ended with status {data['status']}: {cause}"
        return Failed(message, POLLING, outputs=outputs)

    def cancel(self, run: Run) -> None:
        """Stop the other automation too."""
        if child := run.state.get("child"):
            try:
                run.invoke("ssm", "StopAutomationExecution", {"AutomationExecutionId": child, "Type": "Cancel"})
            except AwsError:
                # It has ended meanwhile, or this principal may not stop it: either way this step is cancelled.
                return

    def recover(self, run: Run) -> Outcome:
        """The other automation is kept in rows like this one, and will tell its end."""
        if "child" in run.state:
            return Waiting()
        return super().recover(run)
