"""aws:createTags: tags EC2 resources, or one managed node or parameter of Systems Manager.

AWS: user guide, automation-action-createtag.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import RESOLVING, Action, Failed, Outcome, Run, Succeeded, Waiting, is_literal
from localorg.automation.actions.execute_aws_api import call_failure

SSM_TYPES = ("ManagedInstance", "Parameter")
NOT_YET = "MaintenanceWindow"


class CreateTags(Action):
    """Tags resources."""

    name = "aws:createTags"
    required = ("ResourceIds", "Tags")
    optional = ("ResourceType",)

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Name the types that there are, and the one that localorg lacks."""
        kind = inputs.get("ResourceType", "EC2")
        if is_literal(kind) and (problem := _problem(kind)):
            yield f"{place}.inputs.ResourceType: {problem}"

    def start(self, run: Run) -> Outcome:
        """Make the call."""
        kind, ids = str(run.inputs.get("ResourceType", "EC2")), run.inputs["ResourceIds"]
        if problem := _problem(kind):
            return Failed(f"ResourceType: {problem}", RESOLVING, stage="InputValidation", kind="Verification")
        if kind == "EC2":
            run.state["operation"] = "CreateTags"
            run.ports.submit(run, "ec2", "CreateTags", {"Resources": ids, "Tags": run.inputs["Tags"]}, "answer")
            return Waiting()
        if not isinstance(ids, list) or len(ids) != 1:
            # AWS: "If resource type is not "EC2", this field can contain only a single item".
            return Failed(f"ResourceIds must have one item for {kind}.", RESOLVING, stage="InputValidation", kind="Verification")
        run.state["operation"] = "AddTagsToResource"
        params = {"ResourceType": kind, "ResourceId": ids[0], "Tags": run.inputs["Tags"]}
        run.ports.submit(run, "ssm", "AddTagsToResource", params, "answer")
        return Waiting()

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """Take the answer."""
        del event
        return Succeeded() if data["ok"] else call_failure(str(run.state["operation"]), data["error"])

    def recover(self, run: Run) -> Outcome:
        """Tagging twice is the same as once."""
        return self.start(run)


def _problem(kind: str) -> str:
    if kind == NOT_YET:
        return f"localorg does not support tags on a {kind}"
    return "" if kind in ("EC2", *SSM_TYPES) else f"must be EC2, ManagedInstance, Parameter or MaintenanceWindow, found {kind!r}"
