"""The tags of EC2 instances for those who find resources by tags (a TagHolder). EC2's own tag operations are in `instances`."""

from localorg.instances.instances import TAGS_MAX, Instances
from localorg.kernel.arn import Arn
from localorg.protocol.calls import Request


class InstanceTags:
    """Who keeps the tags of instances."""

    limit = TAGS_MAX

    def __init__(self, instances: Instances, partition: str) -> None:
        self._instances = instances
        self._partition = partition

    def arn(self, request: Request, resource_id: str) -> str:
        """Return the ARN of an instance."""
        return str(Arn(self._partition, "ec2", request.region, request.account, f"instance/{resource_id}"))

    def tags(self, request: Request, resource_id: str) -> dict[str, str]:
        """Return the tags of an instance. Raises InvalidInstanceID.NotFound."""
        return self._instances.find(request, [resource_id])[0].tags

    def names(self, request: Request) -> list[str]:
        """Return the ids of the caller's instances, in order."""
        return self._instances.names(request.account, request.region)

    def retag(self, request: Request, resource_id: str, tags: dict[str, str]) -> None:
        """Replace the tags of an instance."""
        one = self._instances.find(request, [resource_id])[0]
        one.tags = tags
        self._instances.keep(one)
