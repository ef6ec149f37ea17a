"""The rows of inventory, and the types that are not in them: AWS:InstanceInformation, which is what the fleet knows, and
AWS:ComplianceItem, which is what Compliance has recorded.

Rules: an item of a custom type whose schema is disabled is as if it were not there.
"""

from datetime import UTC, datetime

from localorg.kernel.errors import AwsError
from localorg.kernel.store import Store, Table
from localorg.node_inventory.ports import ComplianceOf, NodeFacts, Nodes
from localorg.node_inventory.records import CustomSchema, Deletion, Entry, Item
from localorg.node_inventory.schemas import AWS_TYPES, COMPLIANCE_ITEM, INSTANCE_INFORMATION, Schema, number
from localorg.protocol.calls import Request

INVALID_STATES = frozenset({"shutting-down", "terminated"})
"""AWS: API InvalidInstanceId: invalid states are Shutting-down and Terminated."""


class Shelf:
    """Items, custom schemas and deletions of every account and Region."""

    def __init__(self, store: Store, nodes: Nodes, compliance_of: ComplianceOf) -> None:
        self.nodes = nodes
        self._compliance_of = compliance_of
        self.items: Table[Item] = store.table("ssm.inventory", Item)
        self.schemas: Table[CustomSchema] = store.table("ssm.inventory-schema", CustomSchema)
        self.deletions: Table[Deletion] = store.table("ssm.inventory-deletion", Deletion)

    def node(self, request: Request, instance_id: str) -> NodeFacts:
        """Return a node of the caller. Raises InvalidInstanceId."""
        found = self.nodes.find(request.account, request.region, instance_id)
        if found is None or found.state in INVALID_STATES:
            text = f"Instances [[{instance_id}]] not in a valid state for account {request.account}"
            raise AwsError("InvalidInstanceId", text)
        return found

    def schema(self, account: str, region: str, type_name: str) -> Schema | None:
        """Return the schema of a type, AWS's or custom; None when there is none, or when it is disabled."""
        if type_name in AWS_TYPES:
            return AWS_TYPES[type_name]
        custom = self.schemas.get(account, region, type_name)
        if custom is None or not is_enabled(custom, custom.version):
            return None
        return Schema((custom.version,), tuple(custom.attributes))

    def require(self, request: Request, type_name: str) -> Schema:
        """Return the schema of a type. Raises InvalidTypeNameException."""
        found = self.schema(request.account, request.region, type_name)
        if found is None:
            what = f"There is no inventory type {type_name} in {request.account} {request.region}."
            raise AwsError("InvalidTypeNameException", what)
        return found

    def item(self, account: str, region: str, node: NodeFacts, type_name: str) -> Item | None:
        """Return what a node reported of a type, or None."""
        if type_name == INSTANCE_INFORMATION:
            return self._implicit(account, region, node)
        if type_name == COMPLIANCE_ITEM:
            return self._recorded(account, region, node)
        found = self.items.get(account, region, node.instance_id, type_name)
        custom = self.schemas.get(account, region, type_name)
        return None if found is not None and custom is not None and not is_enabled(custom, found.schema_version) else found

    def items_of_type(self, account: str, region: str, type_name: str) -> list[Item]:
        """Return the kept items of one type, of all nodes."""
        return [item for item in self.items.values(account, region) if item.type_name == type_name]

    def _implicit(self, account: str, region: str, node: NodeFacts) -> Item:
        moment = datetime.fromtimestamp(node.last_contact if node.last_contact is not None else node.registered, UTC)
        entry: Entry = {
            "AgentType": "amazon-ssm-agent",
            "AgentVersion": node.agent_version,
            "ComputerName": node.computer_name,
            "InstanceId": node.instance_id,
            "InstanceStatus": self._status(account, region, node),
            "IpAddress": node.ip_address,
            "PlatformName": node.platform_name,
            "PlatformType": node.platform_type,
            "PlatformVersion": node.platform_version,
            "ResourceType": node.source,
        }
        return Item(node.instance_id, INSTANCE_INFORMATION, "1.0", f"{moment:%Y-%m-%dT%H:%M:%SZ}", content=[entry])

    def _recorded(self, account: str, region: str, node: NodeFacts) -> Item | None:
        entries = self._compliance_of(account, region, node.instance_id)
        if not entries:
            return None
        # ASSUMED: the capture time is that of the newest item.
        newest = max(entry["ExecutionTime"] for entry in entries)
        return Item(node.instance_id, COMPLIANCE_ITEM, "1.0", newest, content=entries)

    def _status(self, account: str, region: str, node: NodeFacts) -> str:
        # AWS: API GetInventory: the status of nodes includes Stopped and Terminated.
        # ASSUMED: a node whose agent is silent is ConnectionLost here too, as its PingStatus says.
        states = {"stopped": "Stopped", "terminated": "Terminated"}
        return states.get(node.state) or (
            "Active" if self.nodes.is_online(account, region, node.instance_id) else "ConnectionLost"
        )


def is_enabled(custom: CustomSchema, version: str) -> bool:
    """Say whether data of this schema version counts. AWS: API DeleteInventory, DisableSchema."""
    return not custom.disabled or number(version) > number(custom.disabled)
