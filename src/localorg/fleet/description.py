"""DescribeInstanceInformation: which nodes, in which shape. Pure, but for the tags that are passed in.

AWS: API DescribeInstanceInformation, InstanceInformationStringFilter: values of one filter are OR-ed, filters AND-ed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from localorg.fleet.records import Node
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Output, Params

Tags = Callable[[], Mapping[str, Mapping[str, str]]]
"""() -> node id -> its tags; asked only when a filter needs it."""
Filter = tuple[str, list[str]]
SIMPLE: dict[str, Callable[[Node, bool], str]] = {
    "InstanceIds": lambda node, _online: node.instance_id,
    "PingStatus": lambda _node, online: ping_status(online=online),
    "PlatformTypes": lambda node, _online: node.platform_type,
    "AgentVersion": lambda node, _online: node.agent_version,
    "ResourceType": lambda node, _online: node.source,
    "IamRole": lambda node, _online: _iam_role(node),
    "SourceIds": lambda node, _online: node.instance_id,
    "SourceTypes": lambda node, _online: _source_type(node),
}


def filters(params: Params) -> list[Filter]:
    """Return the filters of either form. Raises InvalidFilterKey, ValidationException."""
    old, new = params.get("InstanceInformationFilterList", []), params.get("Filters", [])
    if old and new:
        raise AwsError("ValidationException", "Give Filters or InstanceInformationFilterList, not both.")
    found = [(item["key"], item["valueSet"]) for item in old] + [(item["Key"], item["Values"]) for item in new]
    known = (*SIMPLE, "ActivationIds", "AssociationStatus", "tag-key", "tag:KEY")
    for key, _ in found:
        if key not in known and not key.startswith("tag:"):
            raise AwsError("InvalidFilterKey", f"{key!r} is no filter key; expected one of {', '.join(known)}.")
    return found


def matches(node: Node, found: list[Filter], *, online: bool, tags: Tags) -> bool:
    """Say whether a node passes all filters."""
    return all(_one(node, key, values, online=online, tags=tags) for key, values in found)


def _one(node: Node, key: str, values: list[str], *, online: bool, tags: Tags) -> bool:
    if key in SIMPLE:
        return SIMPLE[key](node, online) in values
    if key in ("ActivationIds", "AssociationStatus"):
        # No node here has an activation, and none has an association status yet.
        return False
    of_node = tags().get(node.instance_id, {})
    if key == "tag-key":
        return any(value in of_node for value in values)
    return of_node.get(key.removeprefix("tag:")) in values


def ping_status(*, online: bool) -> str:
    """Return PingStatus."""
    return "Online" if online else "ConnectionLost"


def view(node: Node, *, online: bool) -> dict[str, Any]:
    """Return the shape InstanceInformation."""
    shown: Output = {
        "InstanceId": node.instance_id,
        "PingStatus": ping_status(online=online),
        "LastPingDateTime": node.registered if node.last_contact is None else node.last_contact,
        "AgentVersion": node.agent_version,
        "IsLatestVersion": True,
        "PlatformType": node.platform_type,
        "PlatformName": node.platform_name,
        "PlatformVersion": node.platform_version,
        "ResourceType": node.source,
        "IPAddress": node.ip_address,
        "ComputerName": node.computer_name,
        "SourceId": node.instance_id,
        "SourceType": _source_type(node),
    }
    if _iam_role(node):
        shown |= {"IamRole": _iam_role(node), "RegistrationDate": node.registered, "Name": node.computer_name}
    return shown


def _source_type(node: Node) -> str:
    return "AWS::EC2::Instance" if node.source == "EC2Instance" else "AWS::SSM::ManagedInstance"


def _iam_role(node: Node) -> str:
    # AWS: API DescribeInstanceInformation: IamRole is that of on-premises nodes, not of an EC2 instance's own profile.
    return node.role if node.source == "ManagedInstance" else ""
