"""The instances engine: the small EC2 of every account and Region.

Flow: `add_instance` (the spec) -> rows -> reads; only the states of instances change over time (`power`).
Refuses to know: what runs on an instance; that is the fleet's and the node's.
"""

from localorg.instances.instance_tags import InstanceTags
from localorg.instances.instances import Instances
from localorg.instances.power import ENGINE, SETTLE, Power
from localorg.instances.records import InstanceSeed
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import Operation
from localorg.protocol.gateway import Gateway
from localorg.protocol.tagging import TagHolder


class SmallEc2:
    """The small EC2."""

    def __init__(self, kernel: Kernel, _gateway: Gateway) -> None:
        self._instances = Instances(kernel)
        self._power = Power(kernel, self._instances)
        self._partition = kernel.settings.partition
        kernel.on(ENGINE, self.handle)

    def handle(self, event: Event) -> None:
        """Take an event."""
        if event.name != SETTLE:
            raise ValueError(f"instances received an event it does not know: {event.name}")
        self._power.settle(event.data)

    def is_running(self, account: str, region: str, instance_id: str) -> bool:
        """Say whether an instance runs, or is no EC2 instance that could have been stopped."""
        one = self._instances.get(account, region, instance_id)
        return one is None or one.state == "running"

    def add_instance(self, seed: InstanceSeed) -> None:
        """Let an instance exist (the server, from the spec). A second time changes nothing."""
        self._instances.add(seed)

    def retag(self, account: str, region: str, instance_id: str, tags: dict[str, str | None]) -> None:
        """Carry over what the spec changed of an instance's tags; None takes one away. Raises ValueError when they are too many."""
        self._instances.retag(account, region, instance_id, tags)

    def operations(self) -> list[Operation]:
        """Return the operations of ec2."""
        return [*self._instances.operations(), *self._power.operations()]

    def tagged(self) -> dict[str, TagHolder]:
        """Return who keeps the tags of instances, for those who find resources by tags."""
        return {"Instance": InstanceTags(self._instances, self._partition)}
