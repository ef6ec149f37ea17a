"""Users and their access keys.

Rules: most operations default to the calling user when no name is given; a secret is shown once, when its key is made.
Refuses to know: groups, passwords and MFA, which are refused as unsupported by the gateway.

AWS: IAM API reference, CreateUser, GetUser, CreateAccessKey and their kin.
"""

from localorg.identity.directory import Directory, missing
from localorg.identity.documents import bury
from localorg.identity.holders import HolderOperations, refuse_too_many_tags, tag_list, tags_of
from localorg.identity.listing import listed
from localorg.identity.records import AccessKey, User
from localorg.identity.sts import Secrets
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import Access, Operation, Output, Request

KEYS_MAX = 2


class Users:
    """The user operations."""

    def __init__(self, directory: Directory, secrets: Secrets) -> None:
        self._directory = directory
        self._secrets = secrets
        self._holders = HolderOperations(directory, "User")

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        return [
            Operation("iam", "CreateUser", self._create, self._create_access),
            Operation("iam", "GetUser", self._get, self._access),
            Operation("iam", "ListUsers", self._list),
            Operation("iam", "DeleteUser", self._delete, self._access),
            Operation("iam", "CreateAccessKey", self._create_key, self._access),
            Operation("iam", "ListAccessKeys", self._list_keys, self._access),
            Operation("iam", "UpdateAccessKey", self._update_key, self._access),
            Operation("iam", "DeleteAccessKey", self._delete_key, self._access),
            *self._holders.operations(),
        ]

    def _create_access(self, request: Request) -> list[Access]:
        arn = self._directory.arn(request.account, "user", request.params.get("Path", "/"), request.params["UserName"])
        return [Access("iam:CreateUser", arn)]

    def _access(self, request: Request) -> list[Access]:
        return [Access(f"iam:{request.operation}", self._holders.arn(request.account, self._name(request)))]

    def _name(self, request: Request) -> str:
        """Return the user that the request means: the named one, else the caller."""
        if "UserName" in request.params:
            return str(request.params["UserName"])
        caller = self._directory.user_by_arn(request.principal.arn)
        if caller is None:
            raise AwsError("ValidationError", "Must specify userName when calling with non-User credentials")
        return caller.name

    def _user(self, request: Request) -> User:
        return self._directory.user(request.account, self._name(request))

    def _create(self, request: Request) -> Output:
        if "PermissionsBoundary" in request.params:
            raise NotSupported("permissions boundaries (PermissionsBoundary)", "iam:CreateUser")
        user = self.make(request.account, request.params["UserName"], request.params.get("Path", "/"))
        user.tags = tags_of(request)
        refuse_too_many_tags(user.tags)
        self._directory.keep(user)
        return {"User": user_output(user)}

    def make(self, account: str, name: str, path: str) -> User:
        """Return a new user that is not kept yet. Raises EntityAlreadyExists."""
        if (account, name.lower()) in self._directory.users:
            raise AwsError("EntityAlreadyExists", f"User with name {name} already exists.", 409)
        return User(
            account=account,
            name=name,
            path=path,
            arn=self._directory.arn(account, "user", path, name),
            unique_id=self._directory.fresh_id("AIDA"),
            created=self._directory.kernel.now(),
        )

    def _get(self, request: Request) -> Output:
        return {"User": user_output(self._user(request))}

    def _list(self, request: Request) -> Output:
        prefix = request.params.get("PathPrefix", "/")
        users = [user for user in self._directory.users.values(request.account) if user.path.startswith(prefix)]
        users.sort(key=lambda user: (user.path, user.name.lower()))
        page = listed(request, "Users", users, lambda user: user.arn)
        page["Users"] = [{key: value for key, value in user_output(user).items() if key != "Tags"} for user in page["Users"]]
        return page

    def _delete(self, request: Request) -> Output:
        user = self._user(request)
        if self.keys(user):
            raise AwsError("DeleteConflict", "Cannot delete entity, must delete access keys first.", 409)
        if user.attached:
            raise AwsError("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409)
        if user.inline:
            raise AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.", 409)
        self._directory.users.delete(user.account, user.name.lower())
        bury(self._directory, user)
        return {}

    def keys(self, user: User) -> list[AccessKey]:
        """Return the access keys of a user."""
        return [key for key in self._directory.keys.values() if (key.account, key.user) == (user.account, user.name)]

    def make_key(self, user: User) -> AccessKey:
        """Make and keep an access key. Raises LimitExceeded."""
        if len(self.keys(user)) >= KEYS_MAX:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for AccessKeysPerUser: {KEYS_MAX}", 409)
        key_id = self._secrets.key_id("AKIA")
        while key_id in self._directory.keys:
            key_id = self._secrets.key_id("AKIA")
        key = AccessKey(key_id, self._secrets.secret(), user.account, user.name, self._directory.kernel.now())
        return self._directory.keys.put(key, key.id)

    def _create_key(self, request: Request) -> Output:
        key = self.make_key(self._user(request))
        return {"AccessKey": {**_key_output(key), "SecretAccessKey": key.secret}}

    def _list_keys(self, request: Request) -> Output:
        rows = [_key_output(key) for key in self.keys(self._user(request))]
        return listed(request, "AccessKeyMetadata", rows, lambda row: str(row["AccessKeyId"]))

    def _key(self, request: Request) -> AccessKey:
        user, wanted = self._user(request), request.params["AccessKeyId"]
        found = next((key for key in self.keys(user) if key.id == wanted), None)
        if found is None:
            raise missing(f"The Access Key with id {wanted} cannot be found.")
        return found

    def _update_key(self, request: Request) -> Output:
        key = self._key(request)
        if request.params["Status"] not in {"Active", "Inactive"}:
            raise NotSupported(f"the access key status {request.params['Status']}", "iam:UpdateAccessKey")
        key.active = request.params["Status"] == "Active"
        self._directory.keys.put(key, key.id)
        return {}

    def _delete_key(self, request: Request) -> Output:
        self._directory.keys.delete(self._key(request).id)
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
    return output


def _key_output(key: AccessKey) -> Output:
    return {
        "UserName": key.user,
        "AccessKeyId": key.id,
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": key.created,
    }
