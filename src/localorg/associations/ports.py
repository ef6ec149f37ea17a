"""What State Manager needs of others, as types. The registry of nodes belongs to the same AWS service, so it is a port, not an API call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from localorg.protocol.calls import Principal, Request

ServiceLinkedRole = Callable[[str, str], Principal]
"""(account, service name) -> a session of that service-linked role."""
SessionPrincipals = Callable[[str], Principal]
"""access key id -> who holds it."""


class NodeFacts(Protocol):
    """A managed node, as the fleet knows it."""

    @property
    def instance_id(self) -> str:
        """i-... or mi-..."""
        ...

    @property
    def account(self) -> str:
        """The account that it belongs to."""
        ...

    @property
    def region(self) -> str:
        """Its Region."""
        ...

    @property
    def platform_type(self) -> str:
        """Linux, Windows or MacOS."""
        ...


@dataclass(frozen=True)
class NodePorts:
    """The fleet, as State Manager sees it."""

    nodes: Callable[[str, str], Sequence[NodeFacts]]
    """(account, region) -> its managed nodes, online or not."""
    is_online: Callable[[str, str, str], bool]
    """(account, region, node id) -> whether it was heard of lately."""
    speaker: Callable[[Request, str], NodeFacts]
    """(a call, the node that it claims to be) -> that node, noted as alive. Raises AccessDenied for anybody else."""
