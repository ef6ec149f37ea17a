"""What is true of an account as a whole: its alias, its password policy, and how much of everything it has.

Rules: one alias, unlike every other account's; the password policy is kept and judges nobody, for nobody here has a password.
Refuses to know: what is counted (directory.py).

AWS: IAM API reference, CreateAccountAlias, UpdateAccountPasswordPolicy, GetAccountSummary; "IAM and AWS STS quotas".
"""

from localorg.identity.access_keys import KEYS_MAX
from localorg.identity.directory import Directory, missing
from localorg.identity.documents import MANAGED_CHARACTERS_MAX, TRUST_CHARACTERS_MAX
from localorg.identity.groups import GROUPS_OF_USER_MAX
from localorg.identity.holders import ATTACHED_MAX, INLINE_CHARACTERS_MAX
from localorg.identity.listing import listed
from localorg.identity.policies import VERSIONS_MAX
from localorg.identity.quotas import PER_ACCOUNT
from localorg.identity.records import AccountSettings
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Operation, Output, Request

PASSWORD_DEFAULTS: Output = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
}
"""AWS: API UpdateAccountPasswordPolicy: what each parameter is when it is not given. ASSUMED: the three that have no value are left out."""
QUOTAS = {
    "AccessKeysPerUserQuota": KEYS_MAX,
    "AssumeRolePolicySizeQuota": TRUST_CHARACTERS_MAX,
    "AttachedPoliciesPerGroupQuota": ATTACHED_MAX,
    "AttachedPoliciesPerRoleQuota": ATTACHED_MAX,
    "AttachedPoliciesPerUserQuota": ATTACHED_MAX,
    "GroupPolicySizeQuota": INLINE_CHARACTERS_MAX["Group"],
    "GroupsPerUserQuota": GROUPS_OF_USER_MAX,
    "PolicySizeQuota": MANAGED_CHARACTERS_MAX,
    "PolicyVersionsInUseQuota": 10_000,
    "RolePolicySizeQuota": INLINE_CHARACTERS_MAX["Role"],
    "ServerCertificatesQuota": 20,
    "SigningCertificatesPerUserQuota": 2,
    "UserPolicySizeQuota": INLINE_CHARACTERS_MAX["User"],
    "VersionsPerPolicyQuota": VERSIONS_MAX,
    **{f"{kind}Quota": most for kind, most in PER_ACCOUNT.items()},
}
NONE_HERE = (
    "AccountAccessKeysPresent",
    "AccountMFAEnabled",
    "AccountPasswordPresent",
    "AccountSigningCertificatesPresent",
    "MFADevices",
    "MFADevicesInUse",
    "Providers",
    "ServerCertificates",
)


class Account:
    """The operations about a whole account."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._settings = directory.kernel.store.table("iam.account", AccountSettings)

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        return [
            Operation("iam", "CreateAccountAlias", self._create_alias),
            Operation("iam", "DeleteAccountAlias", self._delete_alias),
            Operation("iam", "ListAccountAliases", self._list_aliases),
            Operation("iam", "UpdateAccountPasswordPolicy", self._update_password_policy),
            Operation("iam", "GetAccountPasswordPolicy", self._get_password_policy),
            Operation("iam", "DeleteAccountPasswordPolicy", self._delete_password_policy),
            Operation("iam", "GetAccountSummary", self._summary),
        ]

    def _of(self, account: str) -> AccountSettings:
        return self._settings.get(account) or AccountSettings(account)

    def _create_alias(self, request: Request) -> Output:
        alias, mine = request.params["AccountAlias"], self._of(request.account)
        if any(settings.alias == alias for settings in self._settings.values()):
            raise AwsError("EntityAlreadyExists", f"The account alias {alias} already exists.", 409)
        # AWS: user guide "Account aliases": an account has one; a new one takes the place of the old.
        mine.alias = alias
        self._settings.put(mine, mine.account)
        return {}

    def _delete_alias(self, request: Request) -> Output:
        mine, alias = self._of(request.account), request.params["AccountAlias"]
        if mine.alias != alias:
            raise missing(f"The account alias {alias} cannot be found.")
        mine.alias = ""
        self._settings.put(mine, mine.account)
        return {}

    def _list_aliases(self, request: Request) -> Output:
        alias = self._of(request.account).alias
        return listed(request, "AccountAliases", [alias] if alias else [], str)

    def _update_password_policy(self, request: Request) -> Output:
        mine = self._of(request.account)
        mine.password_policy = PASSWORD_DEFAULTS | request.params
        self._settings.put(mine, mine.account)
        return {}

    def _password_policy(self, request: Request) -> AccountSettings:
        mine = self._of(request.account)
        if not mine.password_policy:
            raise missing(f"The Password Policy with domain name {mine.account} cannot be found.")
        return mine

    def _get_password_policy(self, request: Request) -> Output:
        rules = self._password_policy(request).password_policy
        return {"PasswordPolicy": {**rules, "ExpirePasswords": "MaxPasswordAge" in rules}}

    def _delete_password_policy(self, request: Request) -> Output:
        mine = self._password_policy(request)
        mine.password_policy = {}
        self._settings.put(mine, mine.account)
        return {}

    def _summary(self, request: Request) -> Output:
        directory, account = self._directory, request.account
        policies = directory.policies.values(account)
        counted = {
            "Users": len(directory.users.values(account)),
            "Groups": len(directory.groups.values(account)),
            "Roles": len(directory.roles.values(account)),
            "Policies": len(policies),
            "InstanceProfiles": len(directory.profiles.values(account)),
            "PolicyVersionsInUse": sum(len(policy.versions) for policy in policies),
            # AWS: user guide "Manage AWS STS": tokens of the global endpoint are of version 1 until an account chooses otherwise.
            "GlobalEndpointTokenVersion": 1,
        }
        return {"SummaryMap": {**QUOTAS, **dict.fromkeys(NONE_HERE, 0), **counted}}
