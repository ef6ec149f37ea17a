"""The tags of nodes: a hybrid node's are the fleet's own, an EC2 instance's are asked of EC2, many at a time.

Rules: EC2 is asked under AWSServiceRoleForAmazonSSM (ec2:DescribeInstances), and only for nodes that somebody looks at.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from localorg.fleet.ports import ServiceLinkedRole
from localorg.fleet.records import Node
from localorg.protocol.calls import ApiCall
from localorg.protocol.gateway import Gateway

AT_ONCE = 200
"""AWS: EC2 API "Filtering": up to 200 values in a request."""
Instance = Mapping[str, Any]
Key = tuple[str, ...]
"""(account, region, node id)"""


class Instances:
    """The EC2 instances beneath a sorted list of nodes, read ahead in bundles as somebody walks along it."""

    def __init__(self, gateway: Gateway, role: ServiceLinkedRole, account: str, region: str, keys: Sequence[Key]) -> None:
        self._gateway = gateway
        self._role = role
        self._account, self._region = account, region
        self._keys = keys
        self._known: dict[str, Instance] = {}

    def tags(self, node: Node) -> Mapping[str, str]:
        """Return the tags of a node."""
        if node.source == "ManagedInstance":
            return node.tags
        return {tag["Key"]: tag["Value"] for tag in self.of(node.instance_id).get("Tags", [])}

    def of(self, instance_id: str) -> Instance:
        """Return what EC2 tells of an instance; nothing when it has none of this id."""
        if not instance_id.startswith("i-"):
            return {}
        if instance_id not in self._known:
            self._read(instance_id)
        return self._known[instance_id]

    def _read(self, instance_id: str) -> None:
        begin = bisect_left(self._keys, (self._account, self._region, instance_id))
        wanted = [name for _, _, name in self._keys[begin : begin + AT_ONCE] if name.startswith("i-")]
        self._known |= {name: {} for name in wanted}
        role = self._role(self._account, "ssm.amazonaws.com")
        params: dict[str, Any] = {"Filters": [{"Name": "instance-id", "Values": wanted}]}
        while True:
            output = self._gateway.invoke(ApiCall(role, self._region, "ec2", "DescribeInstances", params))
            self._known |= {item["InstanceId"]: item for group in output["Reservations"] for item in group["Instances"]}
            if not output.get("NextToken"):
                return
            params = {**params, "NextToken": output["NextToken"]}
