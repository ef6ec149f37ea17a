"""The identity engine: IAM, STS, and the ports by which the rest of the house asks who somebody is and what they may do.

Flow: the server assembles `Identity`, gives its `operations()` to the gateway and its `check` to whoever authorises; engines receive
`sessions.principal` and `service_linked_role`; the signature check receives `credentials`.
Rules: this class only wires; every decision is in a module of its own.
Refuses to know: other engines. Which organization an account is in arrives as a port.
"""

from collections.abc import Mapping
from typing import Any

from localorg.identity.absent import Absent
from localorg.identity.access_keys import AccessKeys
from localorg.identity.account import Account
from localorg.identity.account_details import AccountDetails
from localorg.identity.authorise import Authoriser, ControlPolicies
from localorg.identity.bootstrap import NODE_SESSION_S, ORGANIZATION_ROLE, Bootstrap
from localorg.identity.directory import Directory
from localorg.identity.documents import check_principals_exist
from localorg.identity.entities import PolicyEntities
from localorg.identity.facts import OrganizationOf, Surroundings, TagsOf
from localorg.identity.groups import Groups
from localorg.identity.hybrid_roles import HybridRoles
from localorg.identity.partition_check import check_partition
from localorg.identity.policies import ManagedPolicies
from localorg.identity.policy import Kind, parse_policy
from localorg.identity.profiles import InstanceProfiles
from localorg.identity.records import AccessKey, Role
from localorg.identity.resource_policies import ResourcePolicies
from localorg.identity.roles import Roles
from localorg.identity.service_linked import ServiceLinkedRoles
from localorg.identity.simulator import Simulator
from localorg.identity.sts import IsOpen, Secrets, SecretSource, SecurityTokens, Sessions, credentials_output
from localorg.identity.user_sessions import UserSessions
from localorg.identity.users import Users
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Access, Operation, Principal

__all__ = ["NODE_SESSION_S", "Identity"]


class Identity:
    """IAM and STS of every account. `secret_source(n)` gives text made of n random bytes (secrets.token_urlsafe).

    `is_open(account)` says whether an account is active; nobody of another account's signs calls, or is assumed there.
    `tags_of(account, arn)` gives the tags of a resource that a policy asks about. `path_of(account)` is where an account is in its
    organization, `service_control(account)` what its organization says of its callers, `resource_control(account)` of its resources
    (texts of policies by level).
    """

    def __init__(
        self,
        kernel: Kernel,
        secret_source: SecretSource,
        organization_of: OrganizationOf,
        is_open: IsOpen = lambda _account: True,
        tags_of: TagsOf = lambda _account, _resource: {},
        path_of: OrganizationOf = lambda _account: None,
        service_control: ControlPolicies = lambda _account: (),
        resource_control: ControlPolicies = lambda _account: (),
    ) -> None:
        self.directory = Directory(kernel)
        self._kernel = kernel
        secrets = Secrets(secret_source)
        around = Surroundings(self.directory, organization_of, path_of, tags_of)
        self.authoriser = Authoriser(around, service_control, resource_control)
        self.sessions = Sessions(self.directory, secrets)
        self.resource_policies = ResourcePolicies(self.directory)
        self._roles = Roles(self.directory)
        self._users = Users(self.directory)
        self._keys = AccessKeys(self.directory, self._users, secrets)
        self._profiles = InstanceProfiles(self.directory)
        self._linked = ServiceLinkedRoles(self.directory, self._roles)
        self._is_open = is_open
        self.hybrid_roles = HybridRoles(self.directory, self.sessions, self.authoriser, is_open)
        self._bootstrap = Bootstrap(
            self.directory, self._users, self._keys, self._roles, self._profiles, self.sessions, self.authoriser
        )

    def operations(self) -> list[Operation]:
        """Return every operation of IAM and STS that is supported."""
        tokens = SecurityTokens(self.directory, self.sessions, self.authoriser, self._is_open)
        policies = ManagedPolicies(self.directory)
        parts = (
            self._roles,
            self._users,
            self._keys,
            Groups(self.directory),
            self._profiles,
            self._linked,
            policies,
            PolicyEntities(self.directory, policies),
            Account(self.directory),
            AccountDetails(self.directory, policies, self._profiles),
            Absent(self.directory, self._users),
            Simulator(self.authoriser),
            tokens,
            UserSessions(self.directory, self.sessions),
        )
        return [operation for part in parts for operation in part.operations()]

    def check(self, principal: Principal, region: str, access: Access) -> None:
        """Raise AccessDenied unless `principal` may do `access` (the Authoriser of the gateway)."""
        self.authoriser.check(principal, region, access)

    def credentials(self, access_key_id: str) -> tuple[str, str | None, float | None, Principal] | None:
        """Return (secret, session token, expiry in epoch seconds, principal) of a key, or None when it is unknown or inactive.

        Raises AwsError for a key of an account that is not active.
        """
        found = self.sessions.find(access_key_id)
        if found is not None:
            self._refuse_closed(found[3].account)
        return found

    def _refuse_closed(self, account: str) -> None:
        if not self._is_open(account):
            # ASSUMED: AWS documents that a suspended account cannot be used, not in which words its keys are refused.
            what = f"The security token included in the request is invalid. The account {account} is not active."
            raise AwsError("UnrecognizedClientException", what)

    def admit(self, access_key_id: str, service: str, region: str) -> None:
        """Remember that a call was signed with a key. Raises AwsError when its session may not call the service, or lost its role."""
        self.sessions.admit(access_key_id, service)
        self._keys.used(access_key_id, service, region)

    def service_linked_role(self, account: str, service_name: str) -> Principal:
        """Return a principal that acts as the service-linked role of `service_name` in `account`. Raises NotSupported."""
        return self._linked.principal(account, service_name)

    def bootstrap_linked_role(self, account: str, service_name: str) -> None:
        """Let the service-linked role of `service_name` be in `account`. Raises NotSupported."""
        self._linked.ensure(account, service_name)

    def stacksets_execution_role(self) -> str:
        """Return the name of the role that StackSets act as in member accounts."""
        return self._linked.stacksets_execution_role()

    def validate_policy(self, document: str | Mapping[str, Any], kind: Kind = "identity") -> None:
        """Check a document before it is kept. Raises AwsError MalformedPolicyDocument or NotSupported, naming every problem."""
        policy = parse_policy(document, kind)
        check_partition(self.directory.partition, document)
        check_principals_exist(self.directory, policy)

    def bootstrap_account(self, account: str) -> AccessKey:
        """Return a key of the account's administrator `admin`; makes them the first time."""
        return self._bootstrap.account(account)

    def bootstrap_node_role(self, account: str, role_name: str = "localorg-node") -> Role:
        """Return the role that nodes of the account run under; makes it and its instance profile the first time."""
        return self._bootstrap.node_role(account, role_name)

    def bootstrap_hybrid_role(self, account: str, role_name: str) -> Role:
        """Return the role that hybrid nodes of the account run under; makes it the first time."""
        return self._bootstrap.hybrid_role(account, role_name)

    def bootstrap_organization_access_role(self, account: str, management_account: str, name: str = ORGANIZATION_ROLE) -> Role:
        """Return the role by which the management account administers a member; makes it the first time."""
        return self._bootstrap.organization_access_role(account, management_account, name)

    def node_session(self, account: str, role_name: str, instance_id: str, region: str = "") -> dict[str, Any]:
        """Return fresh credentials of an instance: AccessKeyId, SecretAccessKey, SessionToken, Expiration (epoch seconds)."""
        self._refuse_closed(account)
        session = self._bootstrap.node_session(account, role_name, instance_id, region or self._kernel.settings.regions[0])
        return credentials_output(session)
