"""What exists before anybody can ask for it: an administrator for each account, the role of nodes, the way in from the management account.

Flow: the server's seeding calls these for each account of its spec; on a second start everything is there already and is returned.
Rules: idempotent; what a person has changed meanwhile is not put back.
Refuses to know: the spec.
"""

import json
from dataclasses import dataclass

from localorg.identity.access_keys import AccessKeys
from localorg.identity.authorise import Authoriser
from localorg.identity.directory import Directory
from localorg.identity.hybrid_roles import SSM
from localorg.identity.profiles import InstanceProfiles
from localorg.identity.records import AccessKey, Role, Session
from localorg.identity.roles import Roles
from localorg.identity.sts import Sessions
from localorg.identity.users import Users
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Principal
from localorg.protocol.partitions import partition

ADMINISTRATOR = "admin"
ORGANIZATION_ROLE = "OrganizationAccountAccessRole"
NODE_SESSION_S = 6 * 3600
"""AWS: EC2 user guide, "Retrieve security credentials from instance metadata": an instance's credentials live about six hours."""


@dataclass(frozen=True)
class Bootstrap:
    """Seeds identities."""

    directory: Directory
    users: Users
    keys: AccessKeys
    roles: Roles
    profiles: InstanceProfiles
    sessions: Sessions
    authoriser: Authoriser

    def account(self, account: str) -> AccessKey:
        """Return a key of the account's administrator, making both when they are not there."""
        user = self.directory.users.get(account, ADMINISTRATOR)
        if user is None:
            user = self.users.make(account, ADMINISTRATOR, "/")
            user.attached = [self._aws_policy("AdministratorAccess")]
            self.directory.keep(user)
        keys = [key for key in self.directory.keys_of(user) if key.active]
        return keys[0] if keys else self.keys.make(user)

    def node_role(self, account: str, name: str) -> Role:
        """Return the role of the account's nodes, with an instance profile of the same name."""
        role = self._role(account, name, {"Service": self._ec2()}, "AmazonSSMManagedInstanceCore")
        if (account, name.lower()) not in self.directory.profiles:
            self.profiles.make(account, name, "/", role.name)
        return role

    def hybrid_role(self, account: str, name: str) -> Role:
        """Return the role of the account's hybrid nodes: Systems Manager takes it for them."""
        return self._role(account, name, {"Service": SSM}, "AmazonSSMManagedInstanceCore")

    def organization_access_role(self, account: str, management_account: str, name: str = ORGANIZATION_ROLE) -> Role:
        """Return the role by which the management account administers a member.

        AWS: Organizations user guide, "Accessing member accounts in an organization".
        """
        root = f"arn:{self.directory.partition}:iam::{management_account}:root"
        return self._role(account, name, {"AWS": root}, "AdministratorAccess")

    def node_session(self, account: str, role_name: str, instance_id: str, region: str) -> Session:
        """Return credentials for an instance, after the role's trust in EC2 was judged. Raises AccessDenied or NoSuchEntity."""
        role = self.directory.role(account, role_name)
        profile = next(iter(self.directory.profiles_with(role)), None)
        if profile is None:
            raise AwsError("NoSuchEntity", f"No instance profile of account {account} carries the role {role_name}.", 404)
        instance = f"arn:{self.directory.partition}:ec2:{region}:{account}:instance/{instance_id}"
        name = self._ec2()
        ec2 = Principal(kind="service", account=account, arn=name, service=name, source_account=account, source_arn=instance)
        self.authoriser.check(ec2, region, Access("sts:AssumeRole", role.arn, account, json.loads(role.trust), trust=True))
        return self.sessions.issue(role, instance_id, NODE_SESSION_S)

    def _ec2(self) -> str:
        return partition(self.directory.partition).service_principal("ec2")

    def _role(self, account: str, name: str, principal: dict[str, str], policy: str) -> Role:
        known = self.directory.roles.get(account, name.lower())
        if known:
            return known
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        role = self.roles.make(account, name, "/", json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        role.attached = [self._aws_policy(policy)]
        self.directory.keep(role)
        return role

    def _aws_policy(self, name: str) -> str:
        return self.directory.policy(f"arn:{self.directory.partition}:iam::aws:policy/{name}").arn
