"""Access keys of users: at most two each, active or not, and when each was last used.

Flow: CreateAccessKey -> a key whose secret is shown once; every call that it signs -> `used` -> GetAccessKeyLastUsed.
Rules: when a key was used is known to the minute; a key that is not active signs nothing (sts.py looks).
Refuses to know: signatures.

AWS: IAM API reference, CreateAccessKey, UpdateAccessKey, GetAccessKeyLastUsed; user guide "Manage access keys for IAM users".
"""

from localorg.identity.directory import Directory, missing
from localorg.identity.listing import listed
from localorg.identity.records import AccessKey, User
from localorg.identity.sts import Secrets
from localorg.identity.users import Users
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Operation, Output, Request

KEYS_MAX = 2
MINUTE_S = 60
NOT_YET = "N/A"
"""AWS: API AccessKeyLastUsed: Region and service of a key that was not used yet."""


class AccessKeys:
    """The access key operations."""

    def __init__(self, directory: Directory, users: Users, secrets: Secrets) -> None:
        self._directory = directory
        self._users = users
        self._secrets = secrets

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        access = self._users.access
        return [
            Operation("iam", "CreateAccessKey", self._create, access),
            Operation("iam", "ListAccessKeys", self._list, access),
            Operation("iam", "UpdateAccessKey", self._update, access),
            Operation("iam", "DeleteAccessKey", self._delete, access),
            Operation("iam", "GetAccessKeyLastUsed", self._last_used, self._last_used_access),
        ]

    def make(self, user: User) -> AccessKey:
        """Make and keep an access key. Raises LimitExceeded."""
        if len(self._directory.keys_of(user)) >= KEYS_MAX:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for AccessKeysPerUser: {KEYS_MAX}", 409)
        key_id = self._secrets.key_id("AKIA")
        while (key_id,) in self._directory.keys:
            key_id = self._secrets.key_id("AKIA")
        key = AccessKey(key_id, self._secrets.secret(), user.account, user.name, self._directory.kernel.now())
        return self._directory.keys.put(key, key.id)

    def used(self, access_key_id: str, service: str, region: str) -> None:
        """Remember that a call was signed with a key; for the key of a role's session, that the role was used."""
        # ASSUMED: AWS's dates of last use have no seconds, and may come late.
        minute = self._directory.kernel.now() // MINUTE_S * MINUTE_S
        session = self._directory.sessions.get(access_key_id)
        role = self._directory.role_by_arn(session.role_arn) if session else None
        if role and (role.last_used or 0) < minute:
            role.last_used, role.last_used_region = minute, region
            self._directory.keep(role)
        key = self._directory.keys.get(access_key_id)
        if key is None:
            return
        if (key.last_used, key.last_used_region, key.last_used_service) != (minute, region, service):
            key.last_used, key.last_used_region, key.last_used_service = minute, region, service
            self._directory.keys.put(key, key.id)

    def _create(self, request: Request) -> Output:
        key = self.make(self._users.user(request))
        return {"AccessKey": {**_output(key), "SecretAccessKey": key.secret}}

    def _list(self, request: Request) -> Output:
        rows = [_output(key) for key in self._directory.keys_of(self._users.user(request))]
        return listed(request, "AccessKeyMetadata", rows, lambda row: str(row["AccessKeyId"]))

    def _key(self, request: Request) -> AccessKey:
        user, wanted = self._users.user(request), request.params["AccessKeyId"]
        found = next((key for key in self._directory.keys_of(user) if key.id == wanted), None)
        if found is None:
            raise _unknown(wanted)
        return found

    def _update(self, request: Request) -> Output:
        key, status = self._key(request), request.params["Status"]
        if status == "Expired":
            # AWS: API UpdateAccessKey, Status: a key is made Active or Inactive. ASSUMED: the words for the third of the model's values.
            raise AwsError("ValidationError", "Status must be Active or Inactive.")
        key.active = status == "Active"
        self._directory.keys.put(key, key.id)
        return {}

    def _delete(self, request: Request) -> Output:
        self._directory.keys.delete(self._key(request).id)
        return {}

    def _last_used_access(self, request: Request) -> list[Access]:
        key = self._directory.keys.get(request.params["AccessKeyId"])
        user = self._directory.users.get(key.account, key.user.lower()) if key and key.account == request.account else None
        # AWS: Service Authorization Reference has the user as the resource. ASSUMED: every user, for a key that nobody has.
        return [Access("iam:GetAccessKeyLastUsed", user.arn if user else self._directory.arn(request.account, "user", "/", "*"))]

    def _last_used(self, request: Request) -> Output:
        key = self._directory.keys.get(request.params["AccessKeyId"])
        if key is None or key.account != request.account:
            raise _unknown(request.params["AccessKeyId"])
        used: Output = {"Region": key.last_used_region or NOT_YET, "ServiceName": key.last_used_service or NOT_YET}
        if key.last_used is not None:
            used["LastUsedDate"] = key.last_used
        return {"UserName": key.user, "AccessKeyLastUsed": used}


def _unknown(key_id: str) -> AwsError:
    return missing(f"The Access Key with id {key_id} cannot be found.")


def _output(key: AccessKey) -> Output:
    return {
        "UserName": key.user,
        "AccessKeyId": key.id,
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": key.created,
    }
