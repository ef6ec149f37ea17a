"""Tags of hybrid nodes, for Systems Manager's tag operations; an EC2 instance's tags are EC2's.

AWS: API AddTagsToResource, ResourceType ManagedInstance: for nodes mi-… only.
"""

from localorg.fleet.records import Node
from localorg.fleet.registry import Registry
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Request
from localorg.protocol.tagging import TAGS_MAX


class HybridTags:
    """The tags of managed instances (a TagHolder)."""

    limit = TAGS_MAX

    def __init__(self, registry: Registry, partition: str) -> None:
        self._registry = registry
        self._partition = partition

    def arn(self, request: Request, resource_id: str) -> str:
        """Return the ARN of a managed instance."""
        return str(Arn(self._partition, "ssm", request.region, request.account, f"managed-instance/{resource_id}"))

    def tags(self, request: Request, resource_id: str) -> dict[str, str]:
        """Return a node's tags. Raises InvalidResourceId."""
        return self._find(request, resource_id).tags

    def names(self, request: Request) -> list[str]:
        """Return the ids of the caller's hybrid nodes, in order."""
        return [name for _, _, name in self._registry.keys(request.account, request.region) if name.startswith("mi-")]

    def retag(self, request: Request, resource_id: str, tags: dict[str, str]) -> None:
        """Replace a node's tags."""
        node = self._find(request, resource_id)
        node.tags = tags
        self._registry.keep(node)

    def _find(self, request: Request, wanted: str) -> Node:
        node = self._registry.find(request.account, request.region, wanted)
        if node is None or node.source != "ManagedInstance":
            raise AwsError("InvalidResourceId", f"{request.account} has no managed instance {wanted} in {request.region}.")
        return node
