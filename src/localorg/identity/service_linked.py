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

from localorg.identity.directory import Directory, missing
from localorg.identity.documents import bury
from localorg.identity.records import DeletionTask, Role
from localorg.identity.roles import SERVICE_PATH, Roles, role_output
from localorg.identity.sts import session_arn
from localorg.kernel import ids
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import Access, Operation, Output, Principal, Request

STACKSETS_MEMBER = "member.org.stacksets.cloudformation.amazonaws.com"


@dataclass(frozen=True)
class LinkedService:
    """The role of one service: its name and AWS's policy for it, and whether an account may have several, told apart by a suffix."""

    role: str
    policy: str
    suffix: bool = False


SERVICES = {
    "ssm.amazonaws.com": LinkedService("AWSServiceRoleForAmazonSSM", "AmazonSSMServiceRolePolicy"),
    STACKSETS_MEMBER: LinkedService(
        "AWSServiceRoleForCloudFormationStackSetsOrgMember", "CloudFormationStackSetsOrgMemberServiceRolePolicy"
    ),
    "stacksets.cloudformation.amazonaws.com": LinkedService(
        "AWSServiceRoleForCloudFormationStackSetsOrgAdmin", "CloudFormationStackSetsOrgAdminServiceRolePolicy"
    ),
    "accountdiscovery.ssm.amazonaws.com": LinkedService(
        "AWSServiceRoleForAmazonSSM_AccountDiscovery", "AWSSystemsManagerAccountDiscoveryServicePolicy"
    ),
    "autoscaling.amazonaws.com": LinkedService("AWSServiceRoleForAutoScaling", "AutoScalingServiceRolePolicy", suffix=True),
    "cloudtrail.amazonaws.com": LinkedService("AWSServiceRoleForCloudTrail", "CloudTrailServiceRolePolicy"),
    "elasticloadbalancing.amazonaws.com": LinkedService(
        "AWSServiceRoleForElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"
    ),
    "organizations.amazonaws.com": LinkedService("AWSServiceRoleForOrganizations", "AWSOrganizationsServiceTrustPolicy"),
    "spot.amazonaws.com": LinkedService("AWSServiceRoleForEC2Spot", "AWSEC2SpotServiceRolePolicy"),
}


class ServiceLinkedRoles:
    """Makes service-linked roles and lets their services act as them."""

    def __init__(self, directory: Directory, roles: Roles) -> None:
        self._directory = directory
        self._roles = roles
        self._tasks = directory.kernel.store.table("iam.deletion-task", DeletionTask)

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        return [
            Operation("iam", "CreateServiceLinkedRole", self._create, self._access),
            Operation("iam", "DeleteServiceLinkedRole", self._delete, self._existing),
            Operation("iam", "GetServiceLinkedRoleDeletionStatus", self._deletion_status),
        ]

    def _access(self, request: Request) -> list[Access]:
        service = request.params["AWSServiceName"]
        name = _role_name(request)
        arn = self._directory.arn(request.account, "role", f"{SERVICE_PATH}{service}/", name)
        return [Access("iam:CreateServiceLinkedRole", arn, context={"iam:AWSServiceName": service})]

    def _create(self, request: Request) -> Output:
        service, name = request.params["AWSServiceName"], _role_name(request)
        if "CustomSuffix" in request.params and not _linked(service).suffix:
            raise AwsError("InvalidInput", f"Custom suffix is not allowed for {service}")
        if (request.account, name.lower()) in self._directory.roles:
            raise AwsError(
                "InvalidInput", f"Service role name {name} has been taken in this account, please try a different suffix."
            )
        role = self.ensure(request.account, service, name)
        role.description = request.params.get("Description", "")
        self._directory.keep(role)
        return {"Role": role_output(role)}

    def _existing(self, request: Request) -> list[Access]:
        name = request.params["RoleName"]
        role = self._directory.roles.get(request.account, name.lower())
        return [Access(f"iam:{request.operation}", role.arn if role else self._directory.arn(request.account, "role", "/", name))]

    def _delete(self, request: Request) -> Output:
        role = self._directory.role(request.account, request.params["RoleName"])
        if not role.service_linked:
            # ASSUMED: the words and the code; AWS documents that only service-linked roles are deleted so.
            raise AwsError("InvalidInput", f"The role {role.name} is not a service-linked role.")
        # DEVIATES: AWS asks the service whether it still uses the role, and takes its time; here the role goes at once, and a service
        # that needs it makes it again.
        self._directory.roles.delete(role.account, role.name.lower())
        bury(self._directory, role)
        task = f"task/aws-service-role/{role.service_linked}/{role.name}/{ids.uuid(self._directory.kernel.dice)}"
        self._tasks.put(DeletionTask(task, role.account), task)
        return {"DeletionTaskId": task}

    def _deletion_status(self, request: Request) -> Output:
        wanted = request.params["DeletionTaskId"]
        task = self._tasks.get(wanted)
        if task is None or task.account != request.account:
            raise missing(f"The deletion task {wanted} cannot be found.")
        return {"Status": "SUCCEEDED"}

    def principal(self, account: str, service: str) -> Principal:
        """Return a session of the service's role in `account`, making the role when it is not there. Raises NotSupported.

        For StackSets in a member account this is the role stacksets-exec-..., which its service-linked role makes there.
        """
        role = self.ensure(account, service)
        if service == STACKSETS_MEMBER:
            role = self._stacksets_execution(account)
        name = service.split(".", 1)[0] if service != STACKSETS_MEMBER else "stacksets"
        return Principal(kind="role", account=account, arn=session_arn(self._directory.partition, role, name), role_arn=role.arn)

    def ensure(self, account: str, service: str, name: str = "") -> Role:
        """Return the service's role in `account`, making it when it is not there. Raises NotSupported."""
        linked = _linked(service)
        known = self._directory.roles.get(account, (name or linked.role).lower())
        if known:
            return known
        role = self._roles.make(account, name or linked.role, f"{SERVICE_PATH}{service}/", _trusted_by(service))
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


def _role_name(request: Request) -> str:
    name, suffix = _linked(request.params["AWSServiceName"]).role, request.params.get("CustomSuffix")
    return f"{name}_{suffix}" if suffix else name


def _linked(service: str) -> LinkedService:
    if service not in SERVICES:
        raise NotSupported(f"the service-linked role of {service} (there are {', '.join(sorted(SERVICES))})")
    return SERVICES[service]


def _trusted_by(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _aws_policy(directory: Directory, path: str, name: str) -> str:
    return directory.policy(f"arn:{directory.partition}:iam::aws:policy{path}{name}").arn
