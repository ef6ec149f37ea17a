"""Stacks over the small organization of the organization's tests, with two Regions."""

from typing import Any

import pytest
from organization.world import ASLEEP, DEEP, HUB, LOWER, ONE, OTHER, ROOT, SEED, STACKSETS, TWO, UPPER, account
from stacks.world import NAMED, World, admin, role, template

from localorg.kernel.errors import AwsError
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.protocol.calls import ApiCall, Output

ROLE = template(
    {"Role": role(RoleName="Exec", Description={"Ref": "Words"})}, Parameters={"Words": {"Type": "String", "Default": "v1"}}
)
REGIONS = ["us-east-1", "eu-west-1"]
CURRENT = ("CURRENT", "SUCCEEDED")
AUTO = {"Enabled": True, "RetainStacksOnAccountRemoval": False}
TAKEN: Output = {"policies": {}, "attached": [], "tags": {}}
"""A role that is in the way."""
PARALLEL = {"RegionConcurrencyType": "PARALLEL", "MaxConcurrentCount": 10, "FailureToleranceCount": 9}
__all__ = [
    "ASLEEP",
    "AUTO",
    "CURRENT",
    "DEEP",
    "HUB",
    "LOWER",
    "NAMED",
    "ONE",
    "OTHER",
    "PARALLEL",
    "REGIONS",
    "ROLE",
    "ROOT",
    "STACKSETS",
    "TAKEN",
    "TWO",
    "UPPER",
    "Organized",
    "account",
    "refused",
]


def refused(world: World, operation: str, params: Output, account: str = HUB) -> AwsError:
    """Return the refusal of a call."""
    with pytest.raises(AwsError) as refusal:
        world.call(operation, params, account)
    return refusal.value


class Organized(World):
    """A world whose hub manages an organization of five accounts, one of them suspended."""

    def __init__(self, store: Store | None = None, **given: Any) -> None:
        super().__init__(store, **given)
        self.kernel.settings = Settings(regions=tuple(REGIONS))
        self.organization.seed(SEED)
        self.stacks.activate_stack_sets(HUB)
        self.run(0)

    def make_set(self, body: str = ROLE, caller: str = HUB, **params: Any) -> str:
        given = {"StackSetName": "set", "TemplateBody": body, "PermissionModel": "SERVICE_MANAGED", "Capabilities": NAMED}
        if params.get("PermissionModel") != "SELF_MANAGED":
            given["AutoDeployment"] = {"Enabled": False}
        return self.call("CreateStackSet", {**given, **params}, caller)["StackSetId"]

    def deploy(
        self, *units: str, regions: list[str] | None = None, operation: str = "CreateStackInstances", **params: Any
    ) -> Output:
        given = {
            "StackSetName": "set",
            "DeploymentTargets": {"OrganizationalUnitIds": list(units)},
            "Regions": regions or REGIONS[:1],
        }
        given = {**given, **params}
        return self.finish(self.call(operation, given)["OperationId"], given["StackSetName"])

    def finish(self, operation_id: str, name: str = "set") -> Output:
        self.run()
        return self.call("DescribeStackSetOperation", {"StackSetName": name, "OperationId": operation_id})["StackSetOperation"]

    def results(self, operation: Output) -> dict[tuple[str, str], str]:
        params = {"StackSetName": "set", "OperationId": operation["OperationId"]}
        rows = self.call("ListStackSetOperationResults", params)["Summaries"]
        return {(row["Account"], row["Region"]): row["Status"] for row in rows}

    def instances(self) -> dict[tuple[str, str], tuple[str, str]]:
        rows = self.call("ListStackInstances", {"StackSetName": "set"})["Summaries"]
        return {(row["Account"], row["Region"]): (row["Status"], row["StackInstanceStatus"]["DetailedStatus"]) for row in rows}

    def instance(self, account: str, region: str = REGIONS[0]) -> Output:
        params = {"StackSetName": "set", "StackInstanceAccount": account, "StackInstanceRegion": region}
        return self.call("DescribeStackInstance", params)["StackInstance"]

    def move(self, account: str, source: str, destination: str) -> None:
        self.ask_organization("MoveAccount", AccountId=account, SourceParentId=source, DestinationParentId=destination)

    def ask_organization(self, operation: str, **params: Any) -> Output:
        answer = self.gateway.invoke(ApiCall(admin(), REGIONS[0], "organizations", operation, params))
        self.run()
        return answer

    def holders(self, name: str = "Exec") -> set[str]:
        return {holder for holder, found in self.iam.roles if found == name}
