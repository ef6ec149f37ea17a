"""The small organization with real IAM and STS: every call is judged by the policies of whoever makes it."""

from typing import Any

from identity.world import SeededSecrets, document
from organization.world import HUB, ONE, SEED, TWO
from stacks.organized import REGIONS, ROLE
from stacks.world import NAMED

from localorg.identity.service import Identity
from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Kernel
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.organization.service import Organization
from localorg.protocol.calls import ApiCall, Output, Principal
from localorg.protocol.gateway import Gateway
from localorg.protocol.validate import validate
from localorg.stacks.service import Stacks

ADMIN, EXECUTION = "AWSCloudFormationStackSetAdministrationRole", "AWSCloudFormationStackSetExecutionRole"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


class Judged:
    """Identity, the organization and CloudFormation behind one gateway."""

    def __init__(self) -> None:
        self.kernel = Kernel(Store(), VirtualClock(1.8e9), Settings(regions=tuple(REGIONS)))
        self.identity = Identity(self.kernel, SeededSecrets(), self._organization_of)
        self.gateway = Gateway(self.kernel, self.identity, validate)
        self.organization = Organization(self.kernel, self.gateway)
        self.stacks = Stacks(
            self.kernel,
            self.gateway,
            self.identity.sessions.principal,
            self.identity.service_linked_role,
            self.organization.management_of,
            self.identity.stacksets_execution_role,
        )
        for engine in (self.identity, self.organization, self.stacks):
            self.gateway.add(engine.operations())
        self.organization.seed(SEED)
        self.stacks.activate_stack_sets(HUB)
        self.run(0)

    def _organization_of(self, account: str) -> str | None:
        return self.organization.organization_of(account)

    def run(self, seconds: float = 600) -> None:
        self.kernel.run_until(self.kernel.now() + seconds)
        assert self.kernel.faults == []

    def admin(self, account: str = HUB) -> Principal:
        return self.identity.sessions.principal(self.identity.bootstrap_account(account).id)

    def user(self, *allowed: Output) -> Principal:
        """Make a user of the hub that may do no more than this."""
        name = f"user{len(self.identity.directory.users.values())}"
        self.call("CreateUser", service="iam", UserName=name)
        self.call("PutUserPolicy", service="iam", UserName=name, PolicyName="p", PolicyDocument=document(*allowed))
        key = self.call("CreateAccessKey", service="iam", UserName=name)["AccessKey"]
        return self.identity.sessions.principal(key["AccessKeyId"])

    def call(self, operation: str, who: Principal | None = None, service: str = "cloudformation", **params: Any) -> Output:
        return self.gateway.invoke(ApiCall(who or self.admin(), REGIONS[0], service, operation, params))

    def role(self, account: str, name: str, trusted: Output, *allowed: Output, **condition: Output) -> str:
        statement = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole", **condition}
        who = self.admin(account)
        made = self.call("CreateRole", who, "iam", RoleName=name, AssumeRolePolicyDocument=document(statement))
        if allowed:
            text = document(*allowed)
            self.call("PutRolePolicy", who, "iam", RoleName=name, PolicyName="p", PolicyDocument=text)
        return str(made["Role"]["Arn"])

    def administration(self, name: str = ADMIN, execution: str = EXECUTION, **condition: Output) -> str:
        """Make the administration role as the guide has it."""
        may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::*:role/{execution}"}
        return self.role(HUB, name, {"Service": "cloudformation.amazonaws.com"}, may, **condition)

    def execution(self, account: str, name: str = EXECUTION, *allowed: Output) -> str:
        """Make the execution role as the guide has it, with everything allowed or with less."""
        return self.role(account, name, {"AWS": HUB}, *(allowed or (EVERYTHING,)))

    def make_set(self, **params: Any) -> str:
        given = {"StackSetName": "set", "TemplateBody": ROLE, "Capabilities": NAMED}
        return str(self.call("CreateStackSet", **{**given, **params})["StackSetId"])

    def finish(self, operation_id: str) -> Output:
        self.run()
        return self.call("DescribeStackSetOperation", StackSetName="set", OperationId=operation_id)["StackSetOperation"]

    def deploy(self, *accounts: str, operation: str = "CreateStackInstances", **params: Any) -> Output:
        given = {"StackSetName": "set", "Accounts": list(accounts), "Regions": REGIONS[:1]}
        return self.finish(self.call(operation, **{**given, **params})["OperationId"])

    def reasons(self, operation: Output) -> dict[str, str]:
        rows = self.call("ListStackSetOperationResults", StackSetName="set", OperationId=operation["OperationId"])["Summaries"]
        return {row["Account"]: row.get("StatusReason", "") for row in rows}

    def has_role(self, account: str, name: str = "Exec") -> bool:
        rows = self.call("ListRoles", self.admin(account), "iam")["Roles"]
        return name in [row["RoleName"] for row in rows]


__all__ = ["ADMIN", "EVERYTHING", "EXECUTION", "HUB", "ONE", "TWO", "Judged"]
