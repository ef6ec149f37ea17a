"""The orders given for one stack instance: make, change or delete its stack, and ask how it stands.

Rules: every call is made under the principal that the set's permissions give in the account, and is judged like any other.
Refuses to know: the operation's order and pace.
"""

from localorg.kernel import ids
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import ApiCall, Output
from localorg.protocol.gateway import Gateway
from localorg.stacks.resources.kinds import tag_list
from localorg.stacks.stacksets.acting import Acting
from localorg.stacks.stacksets.records import InstanceRecord, SetOperationRecord, StackSetRecord

NO_UPDATES = "No updates are to be performed."
SET_NAME_MAX = 82
"""128 characters of a stack name, less StackSet-, a hyphen and a UUID."""
DEAD_ENDS = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")


class Commanding:
    """Speaks to CloudFormation in the accounts of a set."""

    def __init__(self, gateway: Gateway, acting: Acting) -> None:
        self._gateway = gateway
        self._acting = acting

    def create(self, stack_set: StackSetRecord, operation: SetOperationRecord, instance: InstanceRecord) -> None:
        """Begin a new stack for an instance."""
        # ASSUMED: the name of a set that leaves no room for the unique part is cut.
        name = f"StackSet-{stack_set.name[:SET_NAME_MAX]}-{ids.uuid(self._gateway.kernel.dice)}"
        params = {"StackName": name, **self._params(stack_set, instance)}
        instance.stack_id = self._call(stack_set, operation, instance, "CreateStack", params)["StackId"]

    def update(self, stack_set: StackSetRecord, operation: SetOperationRecord, instance: InstanceRecord) -> bool:
        """Begin to bring an instance's stack up to date. Returns False when it is already."""
        params = {"StackName": instance.stack_id, **self._params(stack_set, instance)}
        try:
            self._call(stack_set, operation, instance, "UpdateStack", params)
        except AwsError as refusal:
            if refusal.message != NO_UPDATES:
                raise
            return False
        return True

    def delete(self, stack_set: StackSetRecord, operation: SetOperationRecord, instance: InstanceRecord) -> None:
        """Begin to delete an instance's stack."""
        self._call(stack_set, operation, instance, "DeleteStack", {"StackName": instance.stack_id})

    def detect_drift(self, stack_set: StackSetRecord, operation: SetOperationRecord, instance: InstanceRecord) -> str:
        """Begin to detect the drift of an instance's stack; return the detection's id."""
        params = {"StackName": instance.stack_id}
        return str(self._call(stack_set, operation, instance, "DetectStackDrift", params)["StackDriftDetectionId"])

    def drift(
        self, stack_set: StackSetRecord, operation: SetOperationRecord, instance: InstanceRecord, detection: str
    ) -> tuple[str, str, str]:
        """Return (status of the detection, drift of the stack, why the detection failed)."""
        params = {"StackDriftDetectionId": detection}
        found = self._call(stack_set, operation, instance, "DescribeStackDriftDetectionStatus", params)
        return found["DetectionStatus"], found.get("StackDriftStatus", ""), found.get("DetectionStatusReason", "")

    def status(self, stack_set: StackSetRecord, operation: SetOperationRecord, instance: InstanceRecord) -> str:
        """Return the status of the instance's stack; empty when there is none (any more)."""
        if not instance.stack_id:
            return ""
        try:
            answer = self._call(stack_set, operation, instance, "DescribeStacks", {"StackName": instance.stack_id})
        except AwsError as refusal:
            if refusal.code != "ValidationError":
                raise
            return ""
        status: str = answer["Stacks"][0]["StackStatus"]
        return "" if status == "DELETE_COMPLETE" else status

    def why(self, stack_set: StackSetRecord, operation: SetOperationRecord, instance: InstanceRecord, status: str) -> str:
        """Return why an instance's stack ended badly, in the words of its first failure."""
        try:
            answer = self._call(stack_set, operation, instance, "DescribeStackEvents", {"StackName": instance.stack_id})
        except AwsError as refusal:
            return f"The stack ended in {status}; {refusal.message}"
        failed = [event for event in answer["StackEvents"] if event["ResourceStatus"].endswith("_FAILED")]
        failed = [event for event in failed if event["ResourceType"] != "AWS::CloudFormation::Stack"]
        if not failed:
            return f"The stack ended in {status}"
        # AWS: the sentence of failed instances. The oldest failure is the cause, the newest come first in the list.
        causes = [event for event in reversed(failed) if "cancelled" not in event.get("ResourceStatusReason", "")]
        cause = (causes or failed[-1:])[0]
        why = cause.get("ResourceStatusReason", "")
        return (
            f"ResourceLogicalId:{cause['LogicalResourceId']}, ResourceType:{cause['ResourceType']}, ResourceStatusReason:{why}."
        )

    @staticmethod
    def _params(stack_set: StackSetRecord, instance: InstanceRecord) -> Output:
        overrides = {key: value for key, value in instance.overrides.items() if key in stack_set.parameters}
        values = {**stack_set.parameters, **overrides}
        return {
            "TemplateBody": stack_set.template,
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            "Capabilities": stack_set.capabilities,
            "Tags": tag_list(stack_set.tags),
        }

    def _call(
        self, stack_set: StackSetRecord, operation: SetOperationRecord, instance: InstanceRecord, name: str, params: Output
    ) -> Output:
        principal = self._acting.principal(stack_set, operation, instance.account)
        return self._gateway.invoke(ApiCall(principal, instance.region, "cloudformation", name, params))
