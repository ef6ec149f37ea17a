"""aws:runCommand: sends a command, waits until it has ended everywhere, and fails with it.

AWS: user guide, automation-action-runcommand. Observed: "Command ... returns unexpected invocation result: {Status=[Failed], ...}".
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import Action, Failed, Outcome, Run, Succeeded, Waiting
from localorg.automation.parameters import to_wire
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Output

VERIFYING = "verifying the command has completed"
ENDED = ("Success", "Failed", "TimedOut", "Cancelled")
OUTPUT_MAX = 2_500


class RunCommand(Action):
    """Runs a command on nodes."""

    name = "aws:runCommand"
    required = ("DocumentName",)
    optional = (
        *("InstanceIds", "Targets", "Parameters", "DocumentVersion", "DocumentHash", "DocumentHashType", "Comment"),
        *("TimeoutSeconds", "MaxConcurrency", "MaxErrors", "OutputS3BucketName", "OutputS3KeyPrefix", "OutputS3Region"),
        *("ServiceRoleArn", "NotificationConfig", "CloudWatchOutputConfig"),
    )
    own_outputs = frozenset({"CommandId", "Status", "ResponseCode", "Output", "OutputPayload"})
    response_output = "OutputPayload"

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Nodes are named in one of two ways."""
        if ("InstanceIds" in inputs) == ("Targets" in inputs):
            yield f"{place}.inputs: aws:runCommand needs either InstanceIds or Targets"

    def start(self, run: Run) -> Outcome:
        """Send the command."""
        params = {name: value for name, value in run.inputs.items() if name != "Parameters"}
        if given := run.inputs.get("Parameters"):
            params["Parameters"] = {name: to_wire(value) for name, value in given.items()}
        command_id = run.invoke("ssm", "SendCommand", params)["Command"]["CommandId"]
        run.state["command"] = command_id
        run.execution.step_outputs[run.step.name] = {"CommandId": command_id}
        return self._look(run)

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """Something about the command has changed."""
        del event
        if data["command_id"] != run.state.get("command"):
            return Waiting()
        return self._look(run)

    def _look(self, run: Run) -> Outcome:
        command_id = run.state["command"]
        status = run.invoke("ssm", "ListCommands", {"CommandId": command_id})["Commands"][0]["Status"]
        if status not in ENDED:
            return Waiting()
        found = run.invoke("ssm", "ListCommandInvocations", {"CommandId": command_id, "Details": True})["CommandInvocations"]
        outputs = result(command_id, status, found)
        if status == "Success":
            return Succeeded(outputs, outputs)
        shown = ", ".join(f"{name}=[{value}]" for name, value in outputs.items())
        return Failed(
            f"Command {command_id} returns unexpected invocation result: \n{{{shown}}}",
            VERIFYING,
            stage="PostVerification",
            kind="Verification",
            timed_out=status == "TimedOut",
            outputs=outputs,
        )

    def cancel(self, run: Run) -> None:
        """Cancel the command as well."""
        if command_id := run.state.get("command"):
            try:
                run.invoke("ssm", "CancelCommand", {"CommandId": command_id})
            except AwsError:
                # Not allowed, or already over: the step is cancelled either way.
                return

    def recover(self, run: Run) -> Outcome:
        """Commands are kept in rows: look how it stands."""
        return self._look(run) if "command" in run.state else super().recover(run)


def result(command_id: str, status: str, invocations: list[Output]) -> dict[str, Any]:
    """Return the outputs of the step. AWS: Output is that of one node; # ASSUMED: of the first that failed, else of the first."""
    failed = [one for one in invocations if one["Status"] != "Success"]
    plugins = [plugin for one in (failed or invocations)[:1] for plugin in one.get("CommandPlugins", [])]
    codes = [plugin["ResponseCode"] for plugin in plugins if plugin.get("ResponseCode")]
    shown = {
        "Status": status,
        "ResponseCode": codes[0] if codes else 0 if status == "Success" else -1,
        "Output": "\n".join(plugin.get("Output", "") for plugin in plugins if plugin.get("Output"))[:OUTPUT_MAX],
        "CommandId": command_id,
    }
    return {**shown, "ResponseCode": json.dumps(shown["ResponseCode"])}
