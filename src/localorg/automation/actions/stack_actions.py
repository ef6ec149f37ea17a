"""aws:createStack and aws:deleteStack: ask CloudFormation, then look until the stack is done.

Flow: the inputs as CloudFormation's members -> CreateStack or DeleteStack as the execution's principal -> DescribeStacks again and again.
AWS: user guide, automation-action-createstack and automation-action-deletestack.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import POLLING, Action, Failed, Outcome, Run, Succeeded, Waiting, refused
from localorg.automation.api_values import to_params
from localorg.kernel.errors import AwsError

POLL_S = (1.0, 2.0, 3.0, 5.0)
"""ASSUMED: the time between two looks; AWS does not say it. The last one is repeated."""
GONE = "does not exist"


class _Stack(Action):
    """What both have alike: the wait, and what it ends with."""

    required = ("StackName",)
    own_outputs = frozenset({"StackId", "StackStatus", "StackStatusReason"})
    desired: str

    def look(self, run: Run) -> Outcome:
        """Ask how the stack stands."""
        try:
            stack = run.invoke("cloudformation", "DescribeStacks", {"StackName": run.state["stack"]})["Stacks"][0]
        except AwsError as refusal:
            if self.desired == "DELETE_COMPLETE" and GONE in refusal.message:
                return Succeeded(outputs={"StackId": run.state["stack"], "StackStatus": self.desired, "StackStatusReason": ""})
            return refused("DescribeStacks", refusal)
        status, reason = stack["StackStatus"], stack.get("StackStatusReason", "")
        outputs = {"StackId": stack["StackId"], "StackStatus": status, "StackStatusReason": reason}
        if status == self.desired:
            return Succeeded(outputs, outputs)
        if status.endswith("_IN_PROGRESS"):
            looks = int(run.state.get("looks", 0))
            run.state["looks"] = looks + 1
            run.ports.after(run, POLL_S[min(looks, len(POLL_S) - 1)], "look")
            return Waiting()
        why = f": {reason}" if reason else ""
        return Failed(f"Stack {stack['StackName']} entered the status {status}{why}", POLLING, outputs=outputs)

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """Time for the next look."""
        del event, data
        return self.look(run)

    def recover(self, run: Run) -> Outcome:
        """Look again; whether it was asked at all is known only when it was kept."""
        return self.look(run) if "stack" in run.state else super().recover(run)


class CreateStack(_Stack):
    """Makes a stack."""

    name = "aws:createStack"
    desired = "CREATE_COMPLETE"
    optional = (
        *("TemplateBody", "TemplateURL", "Parameters", "Capabilities", "RoleARN", "Tags", "OnFailure", "DisableRollback"),
        *("TimeoutInMinutes", "ClientRequestToken", "NotificationARNs", "ResourceTypes", "StackPolicyBody", "StackPolicyURL"),
    )

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """AWS: of both pairs one may be given only."""
        if ("TemplateBody" in inputs) == ("TemplateURL" in inputs):
            yield f"{place}.inputs: aws:createStack needs either TemplateBody or TemplateURL"
        if "DisableRollback" in inputs and "OnFailure" in inputs:
            yield f"{place}.inputs: aws:createStack takes either DisableRollback or OnFailure"

    def start(self, run: Run) -> Outcome:
        """Ask for the stack."""
        try:
            made = run.invoke("cloudformation", "CreateStack", to_params("cloudformation", "CreateStack", run.inputs))
        except AwsError as refusal:
            return refused("CreateStack", refusal)
        run.state["stack"] = made["StackId"]
        return self.look(run)


class DeleteStack(_Stack):
    """Takes a stack away. # ASSUMED: one that is not there is as wanted, as for CloudFormation itself."""

    name = "aws:deleteStack"
    desired = "DELETE_COMPLETE"
    optional = ("ClientRequestToken", "RetainResources", "RoleARN")

    def start(self, run: Run) -> Outcome:
        """Ask for its end, by the id that stays known afterwards."""
        name, operation = run.inputs["StackName"], "DescribeStacks"
        try:
            run.state["stack"] = run.invoke("cloudformation", operation, {"StackName": name})["Stacks"][0]["StackId"]
        except AwsError as refusal:
            if GONE not in refusal.message:
                return refused(operation, refusal)
            run.state["stack"] = name
        try:
            run.invoke("cloudformation", "DeleteStack", to_params("cloudformation", "DeleteStack", run.inputs))
        except AwsError as refusal:
            return refused("DeleteStack", refusal)
        return self.look(run)
