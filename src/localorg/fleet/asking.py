"""What people ask of nodes in one account and Region: DescribeInstanceInformation and DescribeInstanceProperties.

Flow: filters -> the nodes of the place in the order of their ids, from where the last page ended -> `description` | `properties`.
Rules: nodes whose instance is stopped or terminated are no managed nodes to be described; their properties are told.
"""

from collections.abc import Sequence

from localorg.fleet import description, properties
from localorg.fleet.associated import Associated
from localorg.fleet.description import Facts
from localorg.fleet.ports import ServiceLinkedRole
from localorg.fleet.records import Node
from localorg.fleet.registry import Registry
from localorg.fleet.tagging import Instances
from localorg.kernel.errors import AwsError
from localorg.kernel.paging import walk
from localorg.protocol.calls import Operation, Output, Request
from localorg.protocol.gateway import Gateway

PAGE_DEFAULT = 10
"""AWS: API DescribeInstanceInformation, MaxResults. ASSUMED: the same for DescribeInstanceProperties."""
LEFT_OUT = frozenset({"stopped", "terminated"})
"""AWS: API DescribeInstanceInformation: nothing is told of nodes that are either Stopped or Terminated."""
INVALID_STATES = frozenset({"shutting-down", "terminated"})
"""AWS: API InvalidInstanceId: invalid states are Shutting-down and Terminated."""


class Asking:
    """Answers about the managed nodes of one place."""

    def __init__(
        self, gateway: Gateway, registry: Registry, associated: Associated, role: ServiceLinkedRole, *, leaves_out: bool
    ) -> None:
        self._gateway = gateway
        self._registry = registry
        self._associated = associated
        self._role = role
        self._leaves_out = leaves_out

    def operations(self) -> list[Operation]:
        """Return the operations of ssm that are answered here."""
        return [
            Operation("ssm", "DescribeInstanceInformation", self._describe),
            Operation("ssm", "DescribeInstanceProperties", self._properties),
        ]

    def _describe(self, request: Request) -> Output:
        found = description.filters(request.params)
        keys = self._keys(request, description.ids(found))
        instances = self._instances(request, keys)

        def look(key: tuple[str, ...]) -> Facts | None:
            one = self._facts(self._registry.at(key), instances)
            return one if one.node.state not in LEFT_OUT and description.passes(one, found) else None

        shown, following = self._walk(request, keys, look)
        return {"InstanceInformationList": [description.view(one) for one in shown], **following}

    def _properties(self, request: Request) -> Output:
        found = properties.filters(request.params)
        keys = self._keys(request, properties.ids(found))
        instances = self._instances(request, keys)

        def look(key: tuple[str, ...]) -> Facts | None:
            one = self._facts(self._registry.at(key), instances)
            return one if properties.passes(one, found) else None

        shown, following = self._walk(request, keys, look)
        views = [properties.view(one, instances.of(one.node.instance_id)) for one in shown]
        return {"InstanceProperties": views, **following}

    def _keys(self, request: Request, wanted: set[str] | None) -> Sequence[tuple[str, ...]]:
        """Return the keys of the nodes that can be meant. Raises InvalidInstanceId."""
        if wanted is None:
            return self._registry.keys(request.account, request.region)
        nodes = {name: self._registry.find(request.account, request.region, name) for name in sorted(wanted)}
        unknown = [name for name, node in nodes.items() if node is None or node.state in INVALID_STATES]
        if unknown and not self._leaves_out:
            # AWS: API DescribeInstanceInformation: a node id that is not valid or not yours is an error.
            text = f"Instances [[{', '.join(unknown)}]] not in a valid state for account {request.account}"
            raise AwsError("InvalidInstanceId", text)
        return [(request.account, request.region, name) for name in nodes if name not in unknown]

    def _instances(self, request: Request, keys: Sequence[tuple[str, ...]]) -> Instances:
        return Instances(self._gateway, self._role, request.account, request.region, keys)

    def _facts(self, node: Node, instances: Instances) -> Facts:
        return Facts(node, self._registry.online(node), self._associated.of(node), lambda: instances.tags(node))

    @staticmethod
    def _walk(request: Request, keys: Sequence[tuple[str, ...]], look: properties.Look) -> tuple[list[Facts], Output]:
        refusal = AwsError("InvalidNextToken", "The NextToken is not one that this list gave.")
        limit, token = request.params.get("MaxResults", PAGE_DEFAULT), request.params.get("NextToken")
        shown, following = walk(keys, look, limit, token, refusal)
        return shown, {"NextToken": following} if following else {}
