"""DescribeInstanceInformation: which nodes, in which shape. Pure.

Flow: filters of a request -> `filters` (checked) -> `passes(Facts)` for each node -> `view`.
Rules: a filter looks at one word of a node, or at its tags; values of one filter are OR-ed, filters AND-ed.
AWS: API DescribeInstanceInformation, InstanceInformationStringFilter.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localorg.fleet.associated import Overview
from localorg.fleet.records import Node
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Params

NEWEST_AGENT = (3, 3, 0, 0)
"""ASSUMED: the newest SSM Agent there is, for IsLatestVersion: the one that localorg's own agent says it is."""
Filter = tuple[str, list[str]]


@dataclass(frozen=True)
class Facts:
    """A node and what is known of it beside its own row. `tags` is asked only when somebody needs it."""

    node: Node
    online: bool
    associations: Overview
    tags: Callable[[], Mapping[str, str]]


SIMPLE: dict[str, Callable[[Facts], str]] = {
    "InstanceIds": lambda one: one.node.instance_id,
    "PingStatus": lambda one: ping_status(online=one.online),
    "PlatformTypes": lambda one: one.node.platform_type,
    "AgentVersion": lambda one: one.node.agent_version,
    "ActivationIds": lambda one: one.node.activation_id,
    "ResourceType": lambda one: one.node.source,
    "IamRole": lambda one: iam_role(one.node),
    "AssociationStatus": lambda one: one.associations.status,
    "SourceIds": lambda one: one.node.instance_id,
    "SourceTypes": lambda one: source_type(one.node),
}
WORDS = {
    "PingStatus": ("Online", "ConnectionLost", "Inactive"),
    "PlatformTypes": ("Windows", "Linux", "MacOS"),
    "ResourceType": ("EC2Instance", "ManagedInstance"),
    "AssociationStatus": ("Success", "Pending", "Failed"),
    "SourceTypes": ("AWS::EC2::Instance", "AWS::SSM::ManagedInstance", "AWS::IoT::Thing", "Microsoft.Compute/virtualMachines"),
}
"""AWS: API DescribeInstanceInformation, Filters: valid values."""
NODE_ID = re.compile(r"i-(\w{8}|\w{17})|mi-\w{17}")


def filters(params: Params) -> list[Filter]:
    """Return the filters of either form. Raises InvalidFilterKey, InvalidInstanceInformationFilterValue, ValidationException."""
    old, new = params.get("InstanceInformationFilterList", []), params.get("Filters", [])
    if old and new:
        raise AwsError("ValidationException", "Give Filters or InstanceInformationFilterList, not both.")
    found = [(item["key"], item["valueSet"]) for item in old] + [(item["Key"], item["Values"]) for item in new]
    known = (*SIMPLE, "tag-key", "tag:KEY")
    for key, values in found:
        if key not in SIMPLE and not is_tag_filter(key):
            raise AwsError("InvalidFilterKey", f"{key!r} is no filter key; expected one of {', '.join(known)}.")
        check_words(key, values, "InvalidInstanceInformationFilterValue")
    if len({is_tag_filter(key) for key, _ in found}) > 1:
        # AWS: API DescribeInstanceInformation, Filters: tag filters cannot be combined with others. ASSUMED: the error code.
        raise AwsError("ValidationException", "Tag filters can't be combined with other filter types.")
    return found


def is_tag_filter(key: str) -> bool:
    """Say whether a filter looks at tags."""
    return key == "tag-key" or (key.startswith("tag:") and len(key) > len("tag:"))


def check_words(key: str, values: list[str], code: str) -> None:
    """Refuse a value that no node can have. Raises AwsError `code`."""
    wrong = [value for value in values if key in WORDS and value not in WORDS[key]]
    if wrong:
        raise AwsError(code, f"The value {wrong[0]!r} of the filter {key} is not valid; expected one of {', '.join(WORDS[key])}.")


def ids(found: list[Filter]) -> set[str] | None:
    """Return the only nodes that can pass, or None when any can."""
    lists = [set(values) for key, values in found if key == "InstanceIds"]
    return set.intersection(*lists) if lists else None


def passes(one: Facts, found: list[Filter]) -> bool:
    """Say whether a node passes all filters."""
    return all(_passes_one(one, key, values) for key, values in found)


def _passes_one(one: Facts, key: str, values: list[str]) -> bool:
    if key in SIMPLE:
        return SIMPLE[key](one) in values
    tags = one.tags()
    if key == "tag-key":
        return any(value in tags for value in values)
    return tags.get(key.removeprefix("tag:")) in values


def ping_status(*, online: bool) -> str:
    """Return PingStatus."""
    return "Online" if online else "ConnectionLost"


def version(text: str) -> tuple[int, ...]:
    """Return an agent's version as numbers; what is no number counts as 0."""
    return tuple(int(part) if part.isdecimal() else 0 for part in text.split("."))


def agent_facts(one: Facts) -> dict[str, Any]:
    """Return what InstanceInformation and InstanceProperty tell alike of the agent and its platform."""
    node = one.node
    shown: dict[str, Any] = {
        "InstanceId": node.instance_id,
        "PingStatus": ping_status(online=one.online),
        "LastPingDateTime": node.registered if node.last_contact is None else node.last_contact,
        "AgentVersion": node.agent_version,
        "PlatformType": node.platform_type,
        "PlatformName": node.platform_name,
        "PlatformVersion": node.platform_version,
        "ResourceType": node.source,
        "ComputerName": node.computer_name,
        "SourceId": node.instance_id,
        "SourceType": source_type(node),
        **one.associations.view(),
    }
    if node.source == "ManagedInstance":
        shown |= {"IamRole": node.role, "RegistrationDate": node.registered}
        shown |= {"ActivationId": node.activation_id} if node.activation_id else {}
    return shown


def view(one: Facts) -> dict[str, Any]:
    """Return the shape InstanceInformation."""
    node = one.node
    newest = version(node.agent_version) >= NEWEST_AGENT
    shown = {**agent_facts(one), "IsLatestVersion": newest, "IPAddress": node.ip_address}
    if node.source == "ManagedInstance":
        # ASSUMED: a node whose activation gave it no name is shown under the name of its computer.
        shown["Name"] = node.name or node.computer_name
    # ASSUMED: a node that was registered and has not said anything yet is listed without what only its agent can tell.
    return {name: value for name, value in shown.items() if value != ""}


def source_type(node: Node) -> str:
    """Return SourceType."""
    return "AWS::EC2::Instance" if node.source == "EC2Instance" else "AWS::SSM::ManagedInstance"


def iam_role(node: Node) -> str:
    """Return IamRole: that of a hybrid node."""
    # AWS: API DescribeInstanceInformation: IamRole is that of on-premises nodes, not of an EC2 instance's own profile.
    return node.role if node.source == "ManagedInstance" else ""
