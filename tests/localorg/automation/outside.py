"""What lies outside Systems Manager, for automations that reach for it: the real small EC2, and a CloudFormation of ten seconds."""

from typing import Any

from automation.harness import ADMIN, HUB, REGION, Harness

from localorg.instances.records import InstanceSeed
from localorg.instances.service import SmallEc2
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import ApiCall, Operation, Output, Request

ONE, TWO = "i-00000000000000001", "i-00000000000000002"


class House(Harness):
    """Two instances, and a CloudFormation whose stacks take ten seconds."""

    def __init__(self, authoriser: Any = None, ends: str = "CREATE_COMPLETE") -> None:
        super().__init__(authoriser)
        instances = SmallEc2(self.kernel, self.gateway)
        self.gateway.add(one for one in instances.operations() if one.service == "ec2")
        for number, instance_id in enumerate((ONE, TWO), 1):
            instances.add_instance(InstanceSeed(instance_id, HUB, REGION, f"10.0.0.{number}"))
        self.ends = ends
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.stacks: dict[str, tuple[str, float]] = {}
        stack_operations = {"CreateStack": self.create, "DeleteStack": self.delete, "DescribeStacks": self.describe}
        self.gateway.add([Operation("cloudformation", name, handler) for name, handler in stack_operations.items()])
        self.gateway.add([Operation("ssm", "AddTagsToResource", self.tag)])

    def tag(self, request: Request) -> Output:
        self.asked.append((request.operation, request.params))
        return {}

    def create(self, request: Request) -> Output:
        self.asked.append((request.operation, request.params))
        stack_id = f"arn:aws:cloudformation:{REGION}:{HUB}:stack/{request.params['StackName']}/1"
        self.stacks[stack_id] = ("CREATE", request.now)
        return {"StackId": stack_id}

    def delete(self, request: Request) -> Output:
        for stack_id in self.stacks:
            if request.params["StackName"] in stack_id:
                self.stacks[stack_id] = ("DELETE", request.now)
        return {}

    def describe(self, request: Request) -> Output:
        for stack_id, (what, since) in self.stacks.items():
            if request.params["StackName"] in stack_id:
                done = self.ends if what == "CREATE" else "DELETE_COMPLETE"
                status = done if request.now >= since + 10 else f"{what}_IN_PROGRESS"
                shown = {"StackId": stack_id, "StackName": "s", "CreationTime": since, "StackStatus": status}
                return {"Stacks": [{**shown, "StackStatusReason": "no room"} if status.startswith("ROLLBACK") else shown]}
        raise AwsError("ValidationError", f"Stack with id {request.params['StackName']} does not exist")

    def ec2(self, operation: str, *ids: str) -> Output:
        """Call EC2 as the administrator."""
        return self.gateway.invoke(ApiCall(ADMIN, REGION, "ec2", operation, {"InstanceIds": list(ids)}))
