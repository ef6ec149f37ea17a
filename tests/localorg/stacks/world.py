"""Stacks in virtual time over small neighbours, and a caller for CloudFormation's API."""

import json
from typing import Any

from stacks.neighbours import SmallIam, SmallSsm
from support import AllowAll

from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Kernel
from localorg.kernel.store import Store
from localorg.organization.service import Organization
from localorg.protocol.calls import ApiCall, Output, Principal
from localorg.protocol.gateway import Gateway
from localorg.protocol.validate import validate
from localorg.stacks.service import Stacks

HUB, REGION = "111111111111", "us-east-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
NAMED = ["CAPABILITY_NAMED_IAM"]


def admin(account: str = HUB) -> Principal:
    return Principal("user", account, f"arn:aws:iam::{account}:user/admin")


def linked_role(account: str, service: str) -> Principal:
    return Principal("role", account, f"arn:aws:sts::{account}:assumed-role/{service}/x")


def role(**properties: Any) -> Output:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST, **properties}}


def template(resources: Output, **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


class World:
    """A kernel, the stacks engine, small IAM and SSM. Every test ends with no fault in the kernel."""

    def __init__(
        self, store: Store | None = None, iam: SmallIam | None = None, ssm: SmallSsm | None = None, start: float = 1.8e9
    ) -> None:
        self.kernel = Kernel(store or Store(), VirtualClock(start))
        self.gateway = Gateway(self.kernel, AllowAll(), validate)
        self.iam, self.ssm = iam or SmallIam(), ssm or SmallSsm()
        self.stacks = Stacks(self.kernel, self.gateway, lambda key: Principal("role", HUB, f"session of {key}"), linked_role)
        self.organization = Organization(self.kernel, self.gateway)
        for operations in (
            self.iam.operations(),
            self.ssm.operations(),
            self.stacks.operations(),
            self.organization.operations(),
        ):
            self.gateway.add(operations)

    def call(self, operation: str, params: Output | None = None, account: str = HUB, region: str = REGION) -> Output:
        return self.gateway.invoke(ApiCall(admin(account), region, "cloudformation", operation, params or {}))

    def run(self, seconds: float = 600) -> None:
        self.kernel.run_until(self.kernel.now() + seconds)
        assert self.kernel.faults == []

    def create(self, body: str, name: str = "one", **params: Any) -> str:
        self.call("CreateStack", {"StackName": name, "TemplateBody": body, "Capabilities": NAMED, **params})
        self.run()
        return self.status(name)

    def update(self, body: str, name: str = "one", **params: Any) -> str:
        self.call("UpdateStack", {"StackName": name, "TemplateBody": body, "Capabilities": NAMED, **params})
        self.run()
        return self.status(name)

    def delete(self, name: str = "one") -> None:
        self.call("DeleteStack", {"StackName": name})
        self.run()

    def stack(self, name: str = "one") -> Output:
        return self.call("DescribeStacks", {"StackName": name})["Stacks"][0]

    def status(self, name: str = "one") -> str:
        return self.stack(name)["StackStatus"]

    def outputs(self, name: str = "one") -> dict[str, str]:
        return {row["OutputKey"]: row["OutputValue"] for row in self.stack(name).get("Outputs", ())}

    def story(self, name: str = "one") -> list[tuple[str, str]]:
        """Return (logical id, status) of every event, oldest first."""
        events = self.call("DescribeStackEvents", {"StackName": name})["StackEvents"]
        return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(events)]

    def reasons(self, name: str = "one") -> list[str]:
        events = self.call("DescribeStackEvents", {"StackName": name})["StackEvents"]
        return [event["ResourceStatusReason"] for event in reversed(events) if event.get("ResourceStatusReason")]
