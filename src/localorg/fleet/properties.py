"""DescribeInstanceProperties: what the console shows of nodes, those included whose instance is stopped. Pure.

AWS: API DescribeInstanceProperties, InstancePropertyFilter, InstancePropertyStringFilter.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localorg.fleet.description import SIMPLE, Facts, agent_facts, check_words, is_tag_filter, version
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Params

Filter = tuple[str, str, list[str]]
"""(key, operator, values)"""
Look = Callable[[tuple[str, ...]], Facts | None]
SINGLE = ("LessThan", "GreaterThan")
"""ASSUMED: LessThan and GreaterThan compare agent versions by their numbers, and everything else as text."""


def filters(params: Params) -> list[Filter]:
    """Return the filters of either form. Raises InvalidFilterKey, InvalidInstancePropertyFilterValue, ValidationException."""
    old, new = params.get("InstancePropertyFilterList", []), params.get("FiltersWithOperator", [])
    if old and new:
        # ASSUMED: as with DescribeInstanceInformation, one form excludes the other.
        raise AwsError("ValidationException", "Give FiltersWithOperator or InstancePropertyFilterList, not both.")
    found = [(item["key"], "Equal", item["valueSet"]) for item in old]
    found += [(item["Key"], item.get("Operator", "Equal"), item["Values"]) for item in new]
    for key, operator, values in found:
        if key not in SIMPLE and key != "DocumentName" and not is_tag_filter(key):
            known = ", ".join((*SIMPLE, "DocumentName", "tag-key", "tag:KEY"))
            raise AwsError("InvalidFilterKey", f"{key!r} is no filter key; expected one of {known}.")
        if operator == "Equal":
            check_words(key, values, "InvalidInstancePropertyFilterValue")
        if operator in SINGLE and len(values) > 1:
            raise AwsError("InvalidInstancePropertyFilterValue", f"{operator} takes one value, found {len(values)} of {key}.")
    return found


def ids(found: list[Filter]) -> set[str] | None:
    """Return the only nodes that can pass, or None when any can."""
    lists = [set(values) for key, operator, values in found if (key, operator) == ("InstanceIds", "Equal")]
    return set.intersection(*lists) if lists else None


def passes(one: Facts, found: list[Filter]) -> bool:
    """Say whether a node passes all filters."""
    return all(
        _holds(list(_texts(one, key)), operator, values, by_number=key == "AgentVersion") for key, operator, values in found
    )


def _texts(one: Facts, key: str) -> Iterable[str]:
    if key in SIMPLE:
        return [SIMPLE[key](one)]
    if key == "DocumentName":
        return one.associations.documents
    tags = one.tags()
    if key == "tag-key":
        return list(tags)
    name = key.removeprefix("tag:")
    return [tags[name]] if name in tags else []


def _holds(texts: list[str], operator: str, values: list[str], *, by_number: bool) -> bool:
    weigh: Callable[[str], Any] = version if by_number else str
    match operator:
        case "NotEqual":
            return not any(text in values for text in texts)
        case "BeginWith":
            return any(text.startswith(value) for text in texts for value in values)
        case "LessThan":
            return any(weigh(text) < weigh(values[0]) for text in texts)
        case "GreaterThan":
            return any(weigh(text) > weigh(values[0]) for text in texts)
    return any(text in values for text in texts)


def view(one: Facts, instance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shape InstanceProperty. `instance` is what EC2 tells of it, nothing for a hybrid node."""
    node = one.node
    profile = instance.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2]
    return {
        **agent_facts(one),
        "Name": node.name if node.source == "ManagedInstance" else one.tags().get("Name", ""),
        "InstanceRole": profile,
        "KeyName": instance.get("KeyName", ""),
        "Architecture": node.architecture,
        # AWS: API InstanceProperty, IPAddress: the public address, blank when there is none.
        "IPAddress": instance.get("PublicIpAddress", ""),
        **({"InstanceType": instance["InstanceType"], "LaunchTime": instance["LaunchTime"]} if instance else {}),
        "InstanceState": instance["State"]["Name"] if instance else node.state,
        "AvailabilityZone": instance.get("Placement", {}).get("AvailabilityZone", node.zone),
    }
