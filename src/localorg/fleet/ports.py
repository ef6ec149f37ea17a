"""What the fleet needs of its surroundings, as shapes that others fill."""

from collections.abc import Callable
from typing import Protocol

from localorg.protocol.calls import Output, Principal

ServiceLinkedRole = Callable[[str, str], Principal]
"""(account, service name) -> a session of that service-linked role."""
SecretSource = Callable[[int], str]
"""number of random bytes -> text of at least that many URL-safe characters."""


class Accounts(Protocol):
    """What the fleet asks about accounts of the organization; the organization's."""

    def organization_path_of(self, account: str) -> str | None:
        """Return o-.../r-.../ou-.../, or None when the account is in no organization."""
        ...

    def is_open(self, account: str) -> bool:
        """Say whether an account may be worked in."""
        ...

    def is_management(self, account: str) -> bool:
        """Say whether `account` is the management account."""
        ...

    def is_delegated_administrator(self, account: str, service: str) -> bool:
        """Say whether `account` administers `service` for the organization."""
        ...


class NodeRoles(Protocol):
    """The roles that Systems Manager takes for hybrid nodes; identity's."""

    def arn(self, account: str, name: str) -> str:
        """Return the ARN that a role of this name has, or would have."""
        ...

    def check(self, account: str, region: str, name: str, node: str = "*") -> None:
        """Raise AccessDenied unless the role is there and lets Systems Manager take it."""
        ...

    def session(self, account: str, region: str, name: str, node: str) -> Output:
        """Return AccessKeyId, SecretAccessKey, SessionToken, Expiration (epoch seconds). Raises AccessDenied."""
        ...
