"""ListNodes and ListNodesSummary: the nodes of one account and Region, or of the whole organization.

Flow: who asks, with which SyncName -> the keys of the nodes in question -> filters -> pages of nodes, or counts.
Rules: without SyncName a caller sees its own account and Region only. With it, every open account in every Region is seen, but only by
a delegated administrator of Systems Manager.
AWS: API ListNodes, ListNodesSummary, NodeFilter, NodeAggregator.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from localorg.fleet.description import source_type
from localorg.fleet.ports import Accounts, ServiceLinkedRole
from localorg.fleet.records import Node
from localorg.fleet.registry import Registry
from localorg.fleet.tagging import Instances
from localorg.kernel.errors import AwsError
from localorg.kernel.paging import page, walk
from localorg.protocol.calls import Operation, Output, Request
from localorg.protocol.gateway import Gateway

SYNC = "AWS-QuickSetup-ManagedNode"
"""AWS: API ListNodes, SyncName: the one resource data sync that there is for nodes."""
ADMINISTERS = ("ssm.amazonaws.com", "ssm-quicksetup.amazonaws.com")
"""ASSUMED: a delegated administrator of either has the integrated experience set up, and with it the sync."""
PAGE = 50
"""AWS: API ListNodes, MaxResults is at most 50. ASSUMED: also the default."""
DEEP = 2
"""AWS: API NodeSummary has three members at most: the count and two attributes."""
REFUSAL = AwsError("InvalidNextToken", "The NextToken is not one that this list gave.")
Facts = dict[str, str]


class NodeListing:
    """Answers about nodes across accounts."""

    def __init__(self, gateway: Gateway, registry: Registry, accounts: Accounts, role: ServiceLinkedRole) -> None:
        self._gateway = gateway
        self._registry = registry
        self._accounts = accounts
        self._role = role

    def operations(self) -> list[Operation]:
        """Return the operations of ssm that are answered here."""
        return [Operation("ssm", "ListNodes", self._list), Operation("ssm", "ListNodesSummary", self._summarise)]

    def _list(self, request: Request) -> Output:
        tests = _tests(request)
        limit, token = request.params.get("MaxResults", PAGE), request.params.get("NextToken")
        shown, following = walk(self._keys(request), lambda key: self._look(key, tests), limit, token, REFUSAL)
        instances: dict[tuple[str, str], Instances] = {}
        views = [self._view(node, facts, instances) for node, facts in shown]
        return {"Nodes": views, **({"NextToken": following} if following else {})}

    def _summarise(self, request: Request) -> Output:
        tests, plans = _tests(request), [plan for one in request.params["Aggregators"] for plan in _plans(one)]
        found = [row[1] for key in self._keys(request) if (row := self._look(key, tests)) is not None]
        rows = [row for plan in plans for row in _counts(found, plan)]
        numbered = [(f"{place}", row) for place, row in enumerate(rows)]
        limit, token = request.params.get("MaxResults", PAGE), request.params.get("NextToken")
        shown, following = page(numbered, lambda row: row[0], limit, token, REFUSAL)
        return {"Summary": [row for _, row in shown], **({"NextToken": following} if following else {})}

    def _keys(self, request: Request) -> Sequence[tuple[str, ...]]:
        """Return the keys of the nodes that the caller may see. Raises ResourceDataSyncNotFoundException and its like."""
        sync = request.params.get("SyncName")
        if sync is None:
            return self._registry.keys(request.account, request.region)
        if self._accounts.is_management(request.account):
            # AWS: user guide "Setting up Systems Manager for an organization": nodes are seen from a delegated administrator account.
            what = "This operation is not supported for the current account. First designate a delegated administrator account."
            raise AwsError("UnsupportedOperationException", what)
        administers = any(self._accounts.is_delegated_administrator(request.account, service) for service in ADMINISTERS)
        if sync != SYNC or not administers:
            what = f"There is no resource data sync {sync} in {request.account} {request.region}."
            raise AwsError("ResourceDataSyncNotFoundException", what)
        everywhere: tuple[str, ...] = ()
        return [key for key in self._registry.keys(*everywhere) if self._accounts.is_open(key[0])]

    def _look(self, key: tuple[str, ...], tests: "list[Test]") -> tuple[Node, Facts] | None:
        node = self._registry.at(key)
        if node.state == "terminated":
            return None
        facts = self._facts(node)
        return (node, facts) if all(test(facts) for test in tests) else None

    def _facts(self, node: Node) -> Facts:
        path = self._accounts.organization_path_of(node.account) or ""
        last = path.rstrip("/").rpartition("/")[2]
        return {
            "AgentType": "amazon-ssm-agent",
            "AgentVersion": node.agent_version,
            "ComputerName": node.computer_name,
            "InstanceId": node.instance_id,
            "InstanceStatus": self._status(node),
            "IpAddress": node.ip_address,
            "ManagedStatus": "Managed",
            "PlatformName": node.platform_name,
            "PlatformType": node.platform_type,
            "PlatformVersion": node.platform_version,
            "ResourceType": node.source,
            "OrganizationalUnitId": last if last.startswith("ou-") else "",
            "OrganizationalUnitPath": path,
            "Region": node.region,
            "AccountId": node.account,
            "SourceType": source_type(node),
            "SourceId": node.instance_id,
            "SourceLocation": "",
            "AvailabilityZone": node.zone,
            "AvailabilityZoneId": "",
        }

    def _status(self, node: Node) -> str:
        # ASSUMED: the words of InstanceStatus are those of inventory.
        if node.state == "stopped":
            return "Stopped"
        return "Active" if self._registry.online(node) else "ConnectionLost"

    def _view(self, node: Node, facts: Facts, instances: dict[tuple[str, str], Instances]) -> Output:
        place = (node.account, node.region)
        if place not in instances:
            instances[place] = Instances(self._gateway, self._role, *place, self._registry.keys(*place))
        name = node.name if node.source == "ManagedInstance" else instances[place].tags(node).get("Name", "")
        inner = ("OrganizationalUnitId", "OrganizationalUnitPath", "Region", "AccountId", "InstanceId")
        instance = {key: value for key, value in facts.items() if value and key not in inner}
        owner = {key: facts[key] for key in ("AccountId", "OrganizationalUnitId", "OrganizationalUnitPath") if facts[key]}
        return {
            "Id": node.instance_id,
            "CaptureTime": node.registered if node.last_contact is None else node.last_contact,
            "Owner": owner,
            "Region": node.region,
            "NodeType": {"Instance": {**instance, "Name": name}},
        }


Test = Callable[[Facts], bool]


def _tests(request: Request) -> list[Test]:
    return [_test(entry) for entry in request.params.get("Filters", [])]


def _test(entry: dict[str, Any]) -> Test:
    key, values, operator = entry["Key"], entry["Values"], entry.get("Type", "Equal")
    if key == "ManagedStatus":
        wrong = [value for value in values if value not in ("All", "Managed", "Unmanaged")]
        if wrong:
            raise AwsError("InvalidFilter", f"ManagedStatus is All, Managed or Unmanaged; found {wrong[0]!r}.")
        # ASSUMED: All takes every node in. Instances without an agent, which would be Unmanaged, are not there.
        values = [*values, "Managed"] if "All" in values else values
    match operator:
        case "NotEqual":
            return lambda facts: facts[key] not in values
        case "BeginWith":
            return lambda facts: facts[key].startswith(tuple(values))
    return lambda facts: facts[key] in values


def _plans(aggregator: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the attributes of each count that an aggregator stands for. Raises InvalidAggregatorException."""
    attributes = (*above, aggregator["AttributeName"])
    if len(attributes) > DEEP:
        what = f"Aggregators are nested {DEEP} deep at most, found {', '.join(attributes)}."
        raise AwsError("InvalidAggregatorException", what)
    nested = aggregator.get("Aggregators", [])
    return [plan for inner in nested for plan in _plans(inner, attributes)] if nested else [attributes]


def _counts(found: list[Facts], attributes: tuple[str, ...]) -> list[dict[str, str]]:
    counted = Counter(tuple(facts[name] for name in attributes) for facts in found)
    return [{**dict(zip(attributes, values, strict=True)), "Count": str(count)} for values, count in sorted(counted.items())]
