"""Aggregators of GetInventory: how many nodes have which value, and how many match a group's filters. Pure.

AWS: API InventoryAggregator, InventoryGroup; user guide "Aggregating inventory data".
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localorg.kernel.errors import AwsError, NotSupported
from localorg.node_inventory import filters
from localorg.node_inventory.filters import Filter, Find
from localorg.node_inventory.records import Entry, Item

GROUPS_TEXT = "matchingCount", "notMatchingCount"


@dataclass(frozen=True)
class Plan:
    """What is counted: entries by these attributes of one type, or nodes by these groups."""

    type_name: str
    attributes: tuple[str, ...]
    groups: tuple[tuple[str, tuple[Filter, ...]], ...] = ()

    def count(self, items: Sequence[Item]) -> list[Entry]:
        """Return one row per combination of values, or two per group."""
        if self.groups:
            return [row for _, tests in self.groups for row in _matching(items, tests)]
        # ASSUMED: a node is counted once for each combination of values that it has; values keep their spelling.
        combinations = Counter(
            combination
            for item in items
            for combination in {tuple(entry.get(name, "") for name in self.attributes) for entry in item.content}
        )
        return [
            {"Count": str(count), **dict(zip(self.attributes, combination, strict=True))}
            for combination, count in sorted(combinations.items())
        ]


def _matching(items: Sequence[Item], tests: Sequence[Filter]) -> list[Entry]:
    matching = sum(bool(filters.passing(item.content, tests)) for item in items)
    return [{GROUPS_TEXT[1]: str(len(items) - matching)}, {GROUPS_TEXT[0]: str(matching)}]


def plan(aggregators: Sequence[dict[str, Any]], find: Find) -> Plan:
    """Read the aggregators of a request. Raises InvalidAggregatorException, InvalidInventoryGroupException, NotSupported."""
    if len(aggregators) > 1:
        raise NotSupported("more than one aggregator beside another; nest them", "GetInventory")
    return _plan(aggregators[0], find)


def _plan(aggregator: dict[str, Any], find: Find) -> Plan:
    nested = aggregator.get("Aggregators", [])
    if len(nested) > 1:
        raise NotSupported("more than one aggregator beside another; nest them", "GetInventory")
    expression = aggregator.get("Expression", "")
    if aggregator.get("Groups"):
        type_name = expression if find(expression) is not None else filters.split(expression)[0]
        return Plan(type_name, (), tuple(_group(group, type_name, find) for group in aggregator["Groups"]))
    type_name, attribute = filters.split(expression)
    schema = find(type_name)
    if schema is None or attribute not in (schema.aggregated or schema.attributes):
        what = f"{expression!r} is no attribute by which nodes can be counted; see GetInventorySchema with Aggregator."
        raise AwsError("InvalidAggregatorException", what)
    if not nested:
        return Plan(type_name, (attribute,))
    inner = _plan(nested[0], find)
    if inner.type_name != type_name or inner.groups:
        raise NotSupported("nested aggregators of another type, or with groups", "GetInventory")
    return Plan(type_name, (attribute, *inner.attributes))


def _group(group: dict[str, Any], type_name: str, find: Find) -> tuple[str, tuple[Filter, ...]]:
    if find(type_name) is None:
        raise AwsError("InvalidAggregatorException", f"There is no inventory type {type_name}.")
    tests = filters.read(group["Filters"], find)
    if any(test.type_name != type_name for test in tests):
        what = f"The filters of the group {group['Name']} must be on {type_name}."
        raise AwsError("InvalidInventoryGroupException", what)
    return group["Name"], tuple(tests)
