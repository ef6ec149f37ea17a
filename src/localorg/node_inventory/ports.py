"""What inventory needs to know of nodes, as a shape that the fleet fills: both belong to the same AWS service (ssm)."""

from collections.abc import Callable, Sequence
from typing import Protocol

ComplianceOf = Callable[[str, str, str], list[dict[str, str]]]
"""(account, region, node id) -> its compliance items, as entries of the type AWS:ComplianceItem."""


class NodeFacts(Protocol):
    """A managed node, as the fleet knows it."""

    instance_id: str
    agent_version: str
    computer_name: str
    ip_address: str
    platform_name: str
    platform_type: str
    platform_version: str
    source: str
    state: str
    registered: float
    last_contact: float | None


class Nodes(Protocol):
    """The managed nodes of every account and Region."""

    def find(self, account: str, region: str, instance_id: str) -> NodeFacts | None:
        """Return a node of this account and Region."""
        ...

    def keys(self, *place: str) -> Sequence[tuple[str, ...]]:
        """Return (account, region, node id) of every node of an account and Region, in order."""
        ...

    def is_online(self, account: str, region: str, instance_id: str) -> bool:
        """Say whether the node was heard of lately."""
        ...
