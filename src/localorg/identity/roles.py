"""Roles: made, trusted, listed, deleted.

Rules: names are unique without regard to case; a role that still holds or serves something is not deleted; a role made by an AWS
service for itself (service-linked) is not changed through these operations.
Refuses to know: inline and attached policies (holders.py), and what trust leads to (sts.py).

AWS: IAM API reference, CreateRole, UpdateRole, UpdateAssumeRolePolicy, DeleteRole, GetRole, ListRoles.
"""

from localorg.identity.boundaries import boundary_output, checked_boundary
from localorg.identity.directory import Directory
from localorg.identity.documents import bury, check_trust_policy, on_the_wire
from localorg.identity.holders import HolderOperations, refuse_protected
from localorg.identity.listing import listed
from localorg.identity.quotas import refuse_more
from localorg.identity.records import Role
from localorg.identity.tags import tag_list, tags_of, with_tagging
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Operation, Output, Request

SERVICE_PATH = "/aws-service-role/"


class Roles:
    """The role operations."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._holders = HolderOperations(directory, "Role")

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        existing = self._holders.access
        return [
            Operation("iam", "CreateRole", self._create, self._create_access),
            Operation("iam", "GetRole", self._get, existing),
            Operation("iam", "ListRoles", self._list, self._list_access),
            Operation("iam", "UpdateRole", self._update, existing),
            Operation("iam", "UpdateRoleDescription", self._update_description, existing),
            Operation("iam", "UpdateAssumeRolePolicy", self._update_trust, existing),
            Operation("iam", "DeleteRole", self._delete, existing),
            *self._holders.operations(),
        ]

    def _create_access(self, request: Request) -> list[Access]:
        arn = self._directory.arn(request.account, "role", request.params.get("Path", "/"), request.params["RoleName"])
        bounded = (
            {"iam:PermissionsBoundary": request.params["PermissionsBoundary"]} if "PermissionsBoundary" in request.params else {}
        )
        return with_tagging(Access("iam:CreateRole", arn, context=bounded), request)

    def _list_access(self, request: Request) -> list[Access]:
        """Observed in clients' reports: the resource is the path that is listed."""
        return [Access("iam:ListRoles", self._directory.arn(request.account, "role", request.params.get("PathPrefix", "/"), ""))]

    def _create(self, request: Request) -> Output:
        path, name = request.params.get("Path", "/"), request.params["RoleName"]
        if path.startswith(SERVICE_PATH):
            raise AwsError("InvalidInput", f"The path {path} is reserved for service-linked roles; use CreateServiceLinkedRole.")
        refuse_more("Roles", self._directory.roles.values(request.account))
        role = self.make(request.account, name, path, request.params["AssumeRolePolicyDocument"])
        role.description = request.params.get("Description", "")
        role.max_session_s = request.params.get("MaxSessionDuration", 3600)
        role.tags = tags_of(request)
        if "PermissionsBoundary" in request.params:
            role.boundary = checked_boundary(self._directory, request.account, request.params["PermissionsBoundary"])
        self._directory.keep(role)
        return {"Role": _without(role_output(role), "RoleLastUsed")}

    def make(self, account: str, name: str, path: str, trust: str) -> Role:
        """Return a new role that is not kept yet. Raises EntityAlreadyExists, MalformedPolicyDocument or NotSupported."""
        if (account, name.lower()) in self._directory.roles:
            raise AwsError("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
        return Role(
            account=account,
            name=name,
            path=path,
            arn=self._directory.arn(account, "role", path, name),
            unique_id=self._directory.fresh_id("AROA"),
            created=self._directory.kernel.now(),
            trust=check_trust_policy(self._directory, trust),
        )

    def _role(self, request: Request) -> Role:
        return self._directory.role(request.account, request.params["RoleName"])

    def _get(self, request: Request) -> Output:
        return {"Role": role_output(self._role(request))}

    def _list(self, request: Request) -> Output:
        prefix = request.params.get("PathPrefix", "/")
        roles = [role for role in self._directory.roles.values(request.account) if role.path.startswith(prefix)]
        roles.sort(key=lambda role: (role.path, role.name.lower()))
        page = listed(request, "Roles", roles, lambda role: role.arn)
        # AWS: ListRoles leaves tags, boundaries and last use out.
        page["Roles"] = [_without(role_output(role), "Tags", "RoleLastUsed", "PermissionsBoundary") for role in page["Roles"]]
        return page

    def _update(self, request: Request) -> Output:
        role = self._role(request)
        if "MaxSessionDuration" in request.params or "Description" not in request.params:
            refuse_protected(role)
        role.description = request.params.get("Description", role.description)
        # AWS: API UpdateRole, MaxSessionDuration: "If you do not specify a value for this setting, the default value ... is applied."
        role.max_session_s = request.params.get("MaxSessionDuration", 3600)
        self._directory.keep(role)
        return {}

    def _update_description(self, request: Request) -> Output:
        # AWS: user guide "Edit a service-linked role": its description is the one thing that can be changed.
        role = self._role(request)
        role.description = request.params["Description"]
        self._directory.keep(role)
        return {"Role": role_output(role)}

    def _update_trust(self, request: Request) -> Output:
        role = self._role(request)
        refuse_protected(role)
        role.trust = check_trust_policy(self._directory, request.params["PolicyDocument"])
        self._directory.keep(role)
        return {}

    def _delete(self, request: Request) -> Output:
        role = self._role(request)
        refuse_protected(role)
        if self._directory.profiles_with(role):
            raise AwsError("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.", 409)
        if role.attached:
            raise AwsError("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409)
        if role.inline:
            raise AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.", 409)
        self._directory.roles.delete(role.account, role.name.lower())
        bury(self._directory, role)
        return {}


def role_output(role: Role) -> Output:
    """Return the Role structure."""
    output: Output = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.unique_id,
        "Arn": role.arn,
        "CreateDate": role.created,
        "AssumeRolePolicyDocument": on_the_wire(role.trust),
        "MaxSessionDuration": role.max_session_s,
        "RoleLastUsed": {} if role.last_used is None else {"LastUsedDate": role.last_used, "Region": role.last_used_region},
    }
    if role.description:
        output["Description"] = role.description
    if role.tags:
        output["Tags"] = tag_list(role.tags)
    return output | boundary_output(role)


def role_in_profile(role: Role) -> Output:
    """Return the role as an instance profile shows it. ASSUMED: the six members that AWS's examples have, and no others."""
    return _without(role_output(role), "MaxSessionDuration", "RoleLastUsed", "Description", "Tags", "PermissionsBoundary")


def _without(output: Output, *names: str) -> Output:
    return {name: value for name, value in output.items() if name not in names}
