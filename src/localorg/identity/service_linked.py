"""Service-linked roles: made by AWS services for themselves, in the account they work for.

Flow: CreateServiceLinkedRole, or a service that needs its role -> the role with AWS's own policy -> a principal that acts as it.
Rules: only the services listed here; the roles are protected from the account's own hands.
Refuses to know: what the services do with it.

AWS: IAM user guide, "Using service-linked roles"; Systems Manager user guide, "Using service-linked roles"; CloudFormation user
guide, "Activate trusted access for StackSets".
"""

import hashlib
import json
from dataclasses import dataclass

from localorg.identity.directory import Directory
from localorg.identity.records import Role
from localorg.identity.roles import SERVICE_PATH, Roles, role_output
from localorg.identity.sts import session_arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import Access, Operation, Output, Principal, Request

STACKSETS_MEMBER = "member.org.stacksets.cloudformation.amazonaws.com"


@dataclass(frozen=True)
class LinkedService:
    """The role of one service: its name and AWS's policy for it."""

    role: str
    policy: str


SERVICES = {
    "ssm.amazonaws.com": LinkedService("AWSServiceRoleForAmazonSSM", "AmazonSSMServiceRolePolicy"),
    STACKSETS_MEMBER: LinkedService(
        "AWSServiceRoleForCloudFormationStackSetsOrgMember", "CloudFormationStackSetsOrgMemberServiceRolePolicy"
    ),
    "stacksets.cloudformation.amazonaws.com": LinkedService(
        "AWSServiceRoleForCloudFormationStackSetsOrgAdmin", "CloudFormationStackSetsOrgAdminServiceRolePolicy"
    ),
}


class ServiceLinkedRoles:
    """Makes service-linked roles and lets their services act as them."""

    def __init__(self, directory: Directory, roles: Roles) -> None:
        self._directory = directory
        self._roles = roles

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        return [Operation("iam", "CreateServiceLinkedRole", self._create, self._access)]

    def _access(self, request: Request) -> list[Access]:
        service = request.params["AWSServiceName"]
        name = _linked(service).role
        arn = self._directory.arn(request.account, "role", f"{SERVICE_PATH}{service}/", name)
        return [Access("iam:CreateServiceLinkedRole", arn, context={"iam:AWSServiceName": service})]

    def _create(self, request: Request) -> Output:
        if "CustomSuffix" in request.params:
            raise NotSupported("the parameter CustomSuffix", "iam:CreateServiceLinkedRole")
        service = request.params["AWSServiceName"]
        if (request.account, _linked(service).role.lower()) in self._directory.roles:
            raise AwsError(
                "InvalidInput",
                f"Service role name {_linked(service).role} has been taken in this account, please try a different suffix.",
            )
        role = self._ensured(request.account, service)
        role.description = request.params.get("Description", "")
        self._directory.keep(role)
        return {"Role": role_output(role)}

    def principal(self, account: str, service: str) -> Principal:
        """Return a session of the service's role in `account`, making the role when it is not there. Raises NotSupported.

        For StackSets in a member account this is the role stacksets-exec-..., which its service-linked role makes there.
        """
        role = self._ensured(account, service)
        if service == STACKSETS_MEMBER:
            role = self._stacksets_execution(account)
        name = service.split(".", 1)[0] if service != STACKSETS_MEMBER else "stacksets"
        return Principal(kind="role", account=account, arn=session_arn(self._directory.partition, role, name), role_arn=role.arn)

    def _ensured(self, account: str, service: str) -> Role:
        linked = _linked(service)
        known = self._directory.roles.get(account, linked.role.lower())
        if known:
            return known
        role = self._roles.make(account, linked.role, f"{SERVICE_PATH}{service}/", _trusted_by(service))
        role.service_linked = service
        role.attached = [_aws_policy(self._directory, "/aws-service-role/", linked.policy)]
        self._directory.keep(role)
        return role

    def stacksets_execution_role(self) -> str:
        """Return the name of the role that StackSets act as, the same in every account: DescribeStackSet tells one for a set."""
        # ASSUMED: AWS does not publish how the digest comes about; one organization has one.
        return f"stacksets-exec-{hashlib.sha256(self._directory.partition.encode()).hexdigest()[:32]}"

    def _stacksets_execution(self, account: str) -> Role:
        """AWS: in a member, StackSets act as stacksets-exec-<digest>, which holds AdministratorAccess."""
        name = self.stacksets_execution_role()
        known = self._directory.roles.get(account, name)
        if known:
            return known
        role = self._roles.make(account, name, "/", _trusted_by(STACKSETS_MEMBER))
        role.attached = [_aws_policy(self._directory, "/", "AdministratorAccess")]
        self._directory.keep(role)
        return role


def _linked(service: str) -> LinkedService:
    if service not in SERVICES:
        raise NotSupported(f"the service-linked role of {service} (there are {', '.join(sorted(SERVICES))})")
    return SERVICES[service]


def _trusted_by(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _aws_policy(directory: Directory, path: str, name: str) -> str:
    return directory.policy(f"arn:{directory.partition}:iam::aws:policy{path}{name}").arn
