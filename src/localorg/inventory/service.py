"""The inventory engine: the small EC2 of every account and Region.

Flow: `add_instance` (the spec) -> rows -> reads. Nothing happens over time here, so it takes no events.
Refuses to know: what runs on an instance; that is the fleet's and the node's.
"""

from localorg.inventory.instance_tags import InstanceTags
from localorg.inventory.instances import Instances
from localorg.inventory.records import InstanceSeed
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import Operation
from localorg.protocol.gateway import Gateway
from localorg.protocol.tagging import TagHolder


class Inventory:
    """The small EC2."""

    def __init__(self, kernel: Kernel, _gateway: Gateway) -> None:
        self._instances = Instances(kernel)
        self._partition = kernel.settings.partition
        kernel.on("inventory", self.handle)

    def handle(self, event: Event) -> None:
        """Refuse: nobody has a reason to send an event here."""
        raise ValueError(f"inventory received an event it does not know: {event.name}")

    def add_instance(self, seed: InstanceSeed) -> None:
        """Let an instance exist (the server, from the spec). A second time changes nothing."""
        self._instances.add(seed)

    def retag(self, account: str, region: str, instance_id: str, tags: dict[str, str | None]) -> None:
        """Carry over what the spec changed of an instance's tags; None takes one away. Raises ValueError when they are too many."""
        self._instances.retag(account, region, instance_id, tags)

    def operations(self) -> list[Operation]:
        """Return the operations of ec2."""
        return self._instances.operations()

    def tagged(self) -> dict[str, TagHolder]:
        """Return who keeps the tags of instances, for those who find resources by tags."""
        return {"Instance": InstanceTags(self._instances, self._partition)}
