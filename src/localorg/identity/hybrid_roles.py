"""Roles of hybrid nodes: Systems Manager takes them on behalf of a machine that has no instance profile.

Flow: an activation names a role -> `check` says whether Systems Manager may take it -> each time a node asks for its token, `session`.
Rules: the role's own trust decides, for the service principal, with the account and the node as source.
Refuses to know: activations and keys; whoever calls has been judged before.

AWS: Systems Manager user guide, "Create the IAM service role required for Systems Manager in hybrid and multicloud environments".
"""

import json
from dataclasses import dataclass

from localorg.identity.authorise import Authoriser
from localorg.identity.directory import Directory
from localorg.identity.records import Role
from localorg.identity.sts import IsOpen, Sessions, credentials_output
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import Access, Output, Principal

SSM = "ssm.amazonaws.com"
TOKEN_S = 3600
"""AWS agent: its log tells that it renews its credentials after 30 minutes, which is half of their life."""


@dataclass(frozen=True)
class HybridRoles:
    """What the fleet asks of identity."""

    directory: Directory
    sessions: Sessions
    authoriser: Authoriser
    is_open: IsOpen

    def arn(self, account: str, name: str) -> str:
        """Return the ARN of the role that `name` (with its path) stands for, whether or not it exists."""
        path, _, last = name.rpartition("/")
        return self.directory.arn(account, "role", f"/{path}/" if path else "/", last)

    def check(self, account: str, region: str, name: str, node: str = "*") -> None:
        """Raise AccessDenied unless the role is there and lets Systems Manager take it."""
        role = self._role(account, name)
        place = f"arn:{self.directory.partition}:ssm:{region}:{account}:managed-instance/{node}"
        service = Principal(kind="service", account=account, arn=SSM, service=SSM, source_account=account, source_arn=place)
        self.authoriser.check(service, region, Access("sts:AssumeRole", role.arn, account, json.loads(role.trust), trust=True))

    def session(self, account: str, region: str, name: str, node: str) -> Output:
        """Return credentials of the role for a node, as STS would. Raises AccessDenied."""
        self.check(account, region, name, node)
        return credentials_output(self.sessions.issue(self._role(account, name), node, TOKEN_S))

    def _role(self, account: str, name: str) -> Role:
        if not self.is_open(account):
            # ASSUMED: in an account that is not active no node gets a session, in the words of a role that does not trust.
            raise AccessDenied(f"The account {account} is not active.")
        try:
            role = self.directory.role(account, name.rpartition("/")[2])
        except AwsError as refusal:
            raise AccessDenied(refusal.message) from refusal
        if role.arn.lower() != self.arn(account, name).lower():
            # AWS: user guide "Create a hybrid activation": a role with a path is named with it, as in service-role/NAME.
            # ASSUMED: it is not found without its path either.
            raise AccessDenied(f"{role.arn} is not at the path that {name} says.")
        if role.service_linked:
            # AWS: API CreateActivation, IamRole: a service-linked role cannot be named.
            raise AccessDenied(f"{role.arn} is a service-linked role.")
        return role
