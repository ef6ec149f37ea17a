"""The rows of IAM, and how they are found: by account and name, or by ARN.

Flow: operations put and find records here; authorise.py collects the policies of a principal here.
Rules: names are unique in an account without regard to case; an ARN is matched exactly. Nothing found is NoSuchEntity in IAM's words.
Refuses to know: what policies mean.

AWS: IAM user guide, "IAM and AWS STS quotas", "Names are not distinguished by case".
"""

from localorg.identity.managed import AwsManagedPolicies
from localorg.identity.records import AccessKey, Group, Holder, InstanceProfile, ManagedPolicy, Role, Session, User
from localorg.kernel import ids
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel


def missing(message: str) -> AwsError:
    """Return IAM's refusal for something that is not there."""
    return AwsError("NoSuchEntity", message, 404)


class Directory:
    """Roles, users, managed policies, instance profiles, keys and sessions of all accounts."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.partition = kernel.settings.partition
        self.aws = AwsManagedPolicies(self.partition)
        self.roles = kernel.store.table("iam.role", Role)
        self.users = kernel.store.table("iam.user", User)
        self.groups = kernel.store.table("iam.group", Group)
        self.policies = kernel.store.table("iam.policy", ManagedPolicy)
        self.profiles = kernel.store.table("iam.instance-profile", InstanceProfile)
        self.keys = kernel.store.table("iam.access-key", AccessKey)
        self.sessions = kernel.store.table("sts.session", Session)
        kept = (self.roles, self.users, self.groups, self.policies, self.profiles)
        self._known_ids = {record.unique_id for table in kept for record in table.values()}

    def arn(self, account: str, kind: str, path: str, name: str) -> str:
        """Return the ARN of an IAM entity; `kind` is role, user, group, policy or instance-profile."""
        return f"arn:{self.partition}:iam::{account}:{kind}{path}{name}"

    def fresh_id(self, prefix: str) -> str:
        """Return a unique id of IAM (AROA..., AIDA...) that was never given, also not before a restart."""
        while (drawn := ids.upper_id(self.kernel.dice, prefix, 17)) in self._known_ids:
            pass
        self._known_ids.add(drawn)
        return drawn

    def role(self, account: str, name: str) -> Role:
        """Return a role. Raises NoSuchEntity."""
        role = self.roles.get(account, name.lower())
        if role is None:
            raise missing(f"The role with name {name} cannot be found.")
        return role

    def user(self, account: str, name: str) -> User:
        """Return a user. Raises NoSuchEntity."""
        user = self.users.get(account, name.lower())
        if user is None:
            raise missing(f"The user with name {name} cannot be found.")
        return user

    def group(self, account: str, name: str) -> Group:
        """Return a group. Raises NoSuchEntity."""
        group = self.groups.get(account, name.lower())
        if group is None:
            raise missing(f"The group with name {name} cannot be found.")
        return group

    def groups_of(self, user: User) -> list[Group]:
        """Return the groups that a user is in."""
        return [group for group in self.groups.values(user.account) if user.unique_id in group.members]

    def keys_of(self, user: User) -> list[AccessKey]:
        """Return the access keys of a user."""
        return [key for key in self.keys.values() if (key.account, key.user) == (user.account, user.name)]

    def profile(self, account: str, name: str) -> InstanceProfile:
        """Return an instance profile. Raises NoSuchEntity."""
        profile = self.profiles.get(account, name.lower())
        if profile is None:
            raise missing(f"Instance Profile {name} cannot be found.")
        return profile

    def policy(self, arn: str) -> ManagedPolicy:
        """Return a managed policy, the account's or AWS's. Raises NoSuchEntity, or NotSupported for one of AWS's we lack."""
        policy = self.find_policy(arn)
        if policy is None:
            self.aws.refuse_missing(arn)
            raise missing(f"Policy {arn} was not found.")
        return policy

    def find_policy(self, arn: str) -> ManagedPolicy | None:
        """Return the managed policy with this ARN, or None."""
        known = self.aws.get(arn)
        if known:
            return known
        found = self.policies.get(*_account_and_name(arn))
        return found if found and found.arn == arn else None

    def role_by_arn(self, arn: str) -> Role | None:
        """Return the role with exactly this ARN, or None."""
        found = self.roles.get(*_account_and_name(arn))
        return found if found and found.arn == arn else None

    def user_by_arn(self, arn: str) -> User | None:
        """Return the user with exactly this ARN, or None."""
        found = self.users.get(*_account_and_name(arn))
        return found if found and found.arn == arn else None

    def keep(self, holder: Holder) -> None:
        """Write a role, user or group that was created or changed."""
        match holder:
            case Role():
                self.roles.put(holder, holder.account, holder.name.lower())
            case User():
                self.users.put(holder, holder.account, holder.name.lower())
            case Group():
                self.groups.put(holder, holder.account, holder.name.lower())
            case _:
                raise TypeError(f"{type(holder).__name__} is no role, user or group")

    def profiles_with(self, role: Role) -> list[InstanceProfile]:
        """Return the instance profiles that carry `role`."""
        return [profile for profile in self.profiles.values(role.account) if profile.role == role.name]

    def holders_of(self, policy_arn: str) -> list[Holder]:
        """Return the roles, users and groups, of whatever account, to which a managed policy is attached."""
        holders: list[Holder] = [*self.roles.values(), *self.users.values(), *self.groups.values()]
        return [holder for holder in holders if policy_arn in holder.attached]

    def bounded_by(self, policy_arn: str) -> list[Holder]:
        """Return the roles and users, of whatever account, whose permissions boundary a managed policy is."""
        holders: list[Holder] = [*self.roles.values(), *self.users.values()]
        return [holder for holder in holders if holder.boundary == policy_arn]


def _account_and_name(arn: str) -> tuple[str, str]:
    parts = parse_arn(arn)
    if parts is None or parts.service != "iam":
        return ("", "")
    return (parts.account, parts.resource.rsplit("/", 1)[-1].lower())
