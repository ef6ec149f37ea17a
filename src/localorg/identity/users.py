"""Users: made, renamed, listed, deleted.

Rules: most operations default to the calling user when no name is given; a user who is renamed stays the same user, in groups, with
keys, and where roles trust them.
Refuses to know: keys (access_keys.py), groups (groups.py), and what users cannot have here (absent.py).

AWS: IAM API reference, CreateUser, GetUser, UpdateUser and their kin; user guide "Rename an IAM user".
"""

from localorg.identity.boundaries import boundary_output, checked_boundary
from localorg.identity.directory import Directory
from localorg.identity.documents import bury, rename
from localorg.identity.holders import HolderOperations
from localorg.identity.listing import listed
from localorg.identity.quotas import refuse_more
from localorg.identity.records import User
from localorg.identity.tags import tag_list, tags_of, with_tagging
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Operation, Output, Request


def named_user(directory: Directory, request: Request) -> str:
    """Return the name of the user that the request means: the named one, else the caller. Raises ValidationError."""
    if "UserName" in request.params:
        return str(request.params["UserName"])
    caller = directory.user_by_arn(request.principal.arn)
    if caller is None:
        raise AwsError("ValidationError", "Must specify userName when calling with non-User credentials")
    return caller.name


class Users:
    """The user operations."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._holders = HolderOperations(directory, "User")

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        return [
            Operation("iam", "CreateUser", self._create, self._create_access),
            Operation("iam", "GetUser", self._get, self.access),
            Operation("iam", "ListUsers", self._list, self._list_access),
            Operation("iam", "UpdateUser", self._update, self._update_access),
            Operation("iam", "DeleteUser", self._delete, self._holders.access),
            *self._holders.operations(),
        ]

    def _create_access(self, request: Request) -> list[Access]:
        arn = self._directory.arn(request.account, "user", request.params.get("Path", "/"), request.params["UserName"])
        bounded = (
            {"iam:PermissionsBoundary": request.params["PermissionsBoundary"]} if "PermissionsBoundary" in request.params else {}
        )
        return with_tagging(Access("iam:CreateUser", arn, context=bounded), request)

    def _update_access(self, request: Request) -> list[Access]:
        """AWS: to rename a user one must be allowed on both names."""
        known = self._directory.users.get(request.account, request.params["UserName"].lower())
        path = str(request.params.get("NewPath", known.path if known else "/"))
        name = str(request.params.get("NewUserName", request.params["UserName"]))
        new = Access("iam:UpdateUser", self._directory.arn(request.account, "user", path, name))
        return [*self._holders.access(request), new]

    def access(self, request: Request) -> list[Access]:
        """Return the usual action on the user that the request means."""
        return [Access(f"iam:{request.operation}", self._holders.arn(request.account, named_user(self._directory, request)))]

    def user(self, request: Request) -> User:
        """Return the user that the request means. Raises NoSuchEntity."""
        return self._directory.user(request.account, named_user(self._directory, request))

    def _list_access(self, request: Request) -> list[Access]:
        """Observed in clients' reports: the resource is the path that is listed."""
        return [Access("iam:ListUsers", self._directory.arn(request.account, "user", request.params.get("PathPrefix", "/"), ""))]

    def _create(self, request: Request) -> Output:
        refuse_more("Users", self._directory.users.values(request.account))
        user = self.make(request.account, request.params["UserName"], request.params.get("Path", "/"))
        user.tags = tags_of(request)
        if "PermissionsBoundary" in request.params:
            user.boundary = checked_boundary(self._directory, request.account, request.params["PermissionsBoundary"])
        self._directory.keep(user)
        return {"User": user_output(user)}

    def make(self, account: str, name: str, path: str) -> User:
        """Return a new user that is not kept yet. Raises EntityAlreadyExists."""
        self._refuse_taken(account, name)
        return User(
            account=account,
            name=name,
            path=path,
            arn=self._directory.arn(account, "user", path, name),
            unique_id=self._directory.fresh_id("AIDA"),
            created=self._directory.kernel.now(),
        )

    def _refuse_taken(self, account: str, name: str) -> None:
        if (account, name.lower()) in self._directory.users:
            raise AwsError("EntityAlreadyExists", f"User with name {name} already exists.", 409)

    def _get(self, request: Request) -> Output:
        return {"User": user_output(self.user(request))}

    def _list(self, request: Request) -> Output:
        prefix = request.params.get("PathPrefix", "/")
        users = [user for user in self._directory.users.values(request.account) if user.path.startswith(prefix)]
        users.sort(key=lambda user: (user.path, user.name.lower()))
        page = listed(request, "Users", users, lambda user: user.unique_id)
        return {**page, "Users": [user_in_list(user) for user in page["Users"]]}

    def _update(self, request: Request) -> Output:
        user, name = self.user(request), request.params.get("NewUserName")
        if name is not None and name.lower() != user.name.lower():
            self._refuse_taken(request.account, name)
        before, keys = user.arn, self._directory.keys_of(user)
        self._directory.users.delete(user.account, user.name.lower())
        user.name, user.path = name or user.name, request.params.get("NewPath", user.path)
        user.arn = self._directory.arn(user.account, "user", user.path, user.name)
        self._directory.keep(user)
        for key in keys:
            key.user = user.name
            self._directory.keys.put(key, key.id)
        rename(self._directory, before, user.arn)
        return {}

    def _delete(self, request: Request) -> Output:
        user = self.user(request)
        if self._directory.groups_of(user):
            raise AwsError("DeleteConflict", "Cannot delete entity, must remove users from group first.", 409)
        if self._directory.keys_of(user):
            raise AwsError("DeleteConflict", "Cannot delete entity, must delete access keys first.", 409)
        if user.attached:
            raise AwsError("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409)
        if user.inline:
            raise AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.", 409)
        self._directory.users.delete(user.account, user.name.lower())
        bury(self._directory, user)
        return {}


def user_output(user: User) -> Output:
    """Return the User structure."""
    output: Output = {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.unique_id,
        "Arn": user.arn,
        "CreateDate": user.created,
    }
    if user.tags:
        output["Tags"] = tag_list(user.tags)
    return output | boundary_output(user)


def user_in_list(user: User) -> Output:
    """Return the user as lists show them. AWS: "resource-listing operations return a subset of the available attributes"."""
    return {key: value for key, value in user_output(user).items() if key not in {"Tags", "PermissionsBoundary"}}
