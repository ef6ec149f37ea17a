"""Groups: users who hold policies together.

Rules: a user may be in ten groups; a group is deleted when nobody is in it and it holds nothing. Members are kept by unique id.
Refuses to know: inline and attached policies (holders.py), and what they allow.

AWS: IAM API reference, CreateGroup, AddUserToGroup and their kin; "IAM and AWS STS quotas".
"""

from localorg.identity.directory import Directory, missing
from localorg.identity.holders import HolderOperations
from localorg.identity.listing import listed
from localorg.identity.quotas import refuse_more
from localorg.identity.records import Group
from localorg.identity.users import user_in_list
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Operation, Output, Request

GROUPS_OF_USER_MAX = 10


class Groups:
    """The group operations."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._holders = HolderOperations(directory, "Group")

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        existing = self._holders.access
        return [
            Operation("iam", "CreateGroup", self._create, self._create_access),
            Operation("iam", "GetGroup", self._get, existing),
            Operation("iam", "ListGroups", self._list, self._list_access),
            Operation("iam", "UpdateGroup", self._update, self._update_access),
            Operation("iam", "DeleteGroup", self._delete, existing),
            Operation("iam", "AddUserToGroup", self._add, existing),
            Operation("iam", "RemoveUserFromGroup", self._remove, existing),
            Operation("iam", "ListGroupsForUser", self._list_for_user, self._user_access),
            *self._holders.operations(),
        ]

    def _create_access(self, request: Request) -> list[Access]:
        path, name = request.params.get("Path", "/"), request.params["GroupName"]
        return [Access("iam:CreateGroup", self._directory.arn(request.account, "group", path, name))]

    def _update_access(self, request: Request) -> list[Access]:
        """AWS: to rename a group one must be allowed on both names."""
        known = self._directory.groups.get(request.account, request.params["GroupName"].lower())
        path = str(request.params.get("NewPath", known.path if known else "/"))
        name = str(request.params.get("NewGroupName", request.params["GroupName"]))
        return [
            *self._holders.access(request),
            Access("iam:UpdateGroup", self._directory.arn(request.account, "group", path, name)),
        ]

    def _user_access(self, request: Request) -> list[Access]:
        name = request.params["UserName"]
        user = self._directory.users.get(request.account, name.lower())
        return [Access("iam:ListGroupsForUser", user.arn if user else self._directory.arn(request.account, "user", "/", name))]

    def _group(self, request: Request) -> Group:
        return self._directory.group(request.account, request.params["GroupName"])

    def _refuse_taken(self, account: str, name: str) -> None:
        if (account, name.lower()) in self._directory.groups:
            raise AwsError("EntityAlreadyExists", f"Group with name {name} already exists.", 409)

    def _list_access(self, request: Request) -> list[Access]:
        """Observed in clients' reports: the resource is the path that is listed."""
        return [
            Access("iam:ListGroups", self._directory.arn(request.account, "group", request.params.get("PathPrefix", "/"), ""))
        ]

    def _create(self, request: Request) -> Output:
        account, name, path = request.account, request.params["GroupName"], request.params.get("Path", "/")
        self._refuse_taken(account, name)
        refuse_more("Groups", self._directory.groups.values(account))
        arn = self._directory.arn(account, "group", path, name)
        group = Group(account, name, path, arn, self._directory.fresh_id("AGPA"), request.now)
        self._directory.keep(group)
        return {"Group": group_output(group)}

    def _get(self, request: Request) -> Output:
        group = self._group(request)
        users = [user for user in self._directory.users.values(request.account) if user.unique_id in group.members]
        page = listed(request, "Users", users, lambda user: user.unique_id)
        return {"Group": group_output(group), **page, "Users": [user_in_list(user) for user in page["Users"]]}

    def _list(self, request: Request) -> Output:
        prefix = request.params.get("PathPrefix", "/")
        return self._listed(request, [g for g in self._directory.groups.values(request.account) if g.path.startswith(prefix)])

    def _list_for_user(self, request: Request) -> Output:
        return self._listed(request, self._directory.groups_of(self._directory.user(request.account, request.params["UserName"])))

    def _listed(self, request: Request, groups: list[Group]) -> Output:
        ordered = sorted(groups, key=lambda group: (group.path, group.name.lower()))
        page = listed(request, "Groups", ordered, lambda group: group.unique_id)
        return {**page, "Groups": [group_output(group) for group in page["Groups"]]}

    def _update(self, request: Request) -> Output:
        group, name = self._group(request), request.params.get("NewGroupName")
        if name is not None and name.lower() != group.name.lower():
            self._refuse_taken(request.account, name)
        self._directory.groups.delete(group.account, group.name.lower())
        group.name, group.path = name or group.name, request.params.get("NewPath", group.path)
        group.arn = self._directory.arn(group.account, "group", group.path, group.name)
        self._directory.keep(group)
        return {}

    def _delete(self, request: Request) -> Output:
        group = self._group(request)
        if group.members:
            raise AwsError("DeleteConflict", "Cannot delete entity, must remove users from group first.", 409)
        if group.attached:
            raise AwsError("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409)
        if group.inline:
            raise AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.", 409)
        self._directory.groups.delete(group.account, group.name.lower())
        return {}

    def _add(self, request: Request) -> Output:
        group, user = self._group(request), self._directory.user(request.account, request.params["UserName"])
        if user.unique_id in group.members:
            return {}
        if len(self._directory.groups_of(user)) >= GROUPS_OF_USER_MAX:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for GroupsPerUser: {GROUPS_OF_USER_MAX}", 409)
        group.members.append(user.unique_id)
        self._directory.keep(group)
        return {}

    def _remove(self, request: Request) -> Output:
        group, user = self._group(request), self._directory.user(request.account, request.params["UserName"])
        if user.unique_id not in group.members:
            # ASSUMED: the words; AWS documents NoSuchEntity.
            raise missing(f"The user with name {user.name} cannot be found in the group {group.name}.")
        group.members.remove(user.unique_id)
        self._directory.keep(group)
        return {}


def group_output(group: Group) -> Output:
    """Return the Group structure."""
    return {
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.unique_id,
        "Arn": group.arn,
        "CreateDate": group.created,
    }
