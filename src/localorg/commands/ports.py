"""What Run Command needs of its surroundings, as shapes that others fill.

The registry of nodes belongs to the same AWS service (ssm), so it is a port and not an API call; tags belong to EC2 and are
asked through the gateway.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from localorg.protocol.calls import Principal


class NodeFacts(Protocol):
    """A managed node, as the fleet knows it."""

    @property
    def instance_id(self) -> str:
        """i-... or mi-..."""
        ...

    @property
    def platform_type(self) -> str:
        """Linux, Windows or MacOS."""
        ...

    @property
    def computer_name(self) -> str:
        """The host name that the agent reported."""
        ...


NodeDirectory = Callable[[str, str], Sequence[NodeFacts]]
"""(account, region) -> its managed nodes, online or not."""
ServiceLinkedRole = Callable[[str, str], Principal]
"""(account, service name) -> a session of that service-linked role."""
