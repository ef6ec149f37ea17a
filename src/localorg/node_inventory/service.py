"""The inventory engine of Systems Manager: what nodes and people put, what people ask.

Flow: PutInventory (agents: aws:softwareInventory; people: custom types) -> rows -> GetInventory, ListInventoryEntries;
DeleteInventory -> an alarm -> gone.
Rules: AWS:ComplianceItem is what Compliance recorded of a node (a port). Resource data syncs are not kept: their
operations are refused by name. ASSUMED: AWS:InstanceInformation is what the fleet knows of a node, whatever anybody puts.
Refuses to know: how an agent gathers (localorg.node), and where nodes come from (the fleet; a port).
AWS: API PutInventory, GetInventory, GetInventorySchema, ListInventoryEntries, DeleteInventory, DescribeInventoryDeletions.
"""

from localorg.kernel.arn import Arn
from localorg.kernel.events import Event, Kernel
from localorg.node_inventory.deleting import Deleting
from localorg.node_inventory.ports import ComplianceOf, Nodes
from localorg.node_inventory.putting import Putting
from localorg.node_inventory.reading import Reading
from localorg.node_inventory.shelf import Shelf
from localorg.protocol.calls import Access, Operation, Request

ENGINE = "node-inventory"


class NodeInventory:
    """Inventory of the managed nodes of every account and Region."""

    def __init__(self, kernel: Kernel, nodes: Nodes, compliance_of: ComplianceOf) -> None:
        self._partition = kernel.settings.partition
        shelf = Shelf(kernel.store, nodes, compliance_of)
        self._putting = Putting(shelf)
        self._reading = Reading(shelf)
        self._deleting = Deleting(kernel, ENGINE, shelf)
        kernel.on(ENGINE, self.handle)

    def handle(self, event: Event) -> None:
        """Take an alarm."""
        self._deleting.handle(event)

    def operations(self) -> list[Operation]:
        """Return what this engine answers."""
        return [
            Operation("ssm", "PutInventory", self._putting.put, self._node_access),
            Operation("ssm", "GetInventory", self._reading.get),
            Operation("ssm", "GetInventorySchema", self._reading.schema),
            Operation("ssm", "ListInventoryEntries", self._reading.entries, self._node_access),
            Operation("ssm", "DeleteInventory", self._deleting.delete),
            Operation("ssm", "DescribeInventoryDeletions", self._deleting.describe),
        ]

    def _node_access(self, request: Request) -> list[Access]:
        # AWS: Service Authorization Reference, Systems Manager: resource types instance and managed-instance.
        instance_id = request.params["InstanceId"]
        service, kind = ("ssm", "managed-instance") if instance_id.startswith("mi-") else ("ec2", "instance")
        arn = Arn(self._partition, service, request.region, request.account, f"{kind}/{instance_id}")
        return [Access(f"ssm:{request.operation}", str(arn))]
