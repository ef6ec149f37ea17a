"""Filters of GetInventory and ListInventoryEntries: TYPE.ATTRIBUTE, an operator, values. Pure.

AWS: API InventoryFilter; user guide "Querying inventory data from multiple Regions and accounts" and its examples.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.node_inventory.records import Entry
from localorg.node_inventory.schemas import Schema

Find = Callable[[str], Schema | None]
"""type name -> its schema, or None"""


@dataclass(frozen=True)
class Filter:
    """One filter. Its values are OR-ed."""

    type_name: str
    attribute: str
    operator: str
    values: tuple[str, ...]

    def holds(self, entry: Mapping[str, str]) -> bool:
        """Say whether an entry passes."""
        text = entry.get(self.attribute)
        match self.operator:
            case "NotEqual":
                return text not in self.values
            case "BeginWith":
                return text is not None and text.startswith(self.values)
            case "LessThan":
                return text is not None and weight(text) < weight(self.values[0])
            case "GreaterThan":
                return text is not None and weight(text) > weight(self.values[0])
        return text in self.values


def read(given: Iterable[Mapping[str, Any]], find: Find, type_name: str = "") -> list[Filter]:
    """Return the filters of a request; keys may leave `type_name` out. Raises InvalidFilter with what is wrong."""
    return [_read_one(item, find, type_name) for item in given]


def _read_one(item: Mapping[str, Any], find: Find, type_name: str) -> Filter:
    named, attribute = split(item["Key"], type_name)
    operator, values = item.get("Type", "Equal"), tuple(item["Values"])
    schema = find(named)
    if schema is None or attribute not in schema.attributes:
        raise AwsError("InvalidFilter", f"{item['Key']} is no attribute of an inventory type; a key is TYPE.ATTRIBUTE.")
    if type_name and named != type_name:
        raise AwsError("InvalidFilter", f"{item['Key']} is not an attribute of {type_name}.")
    if operator in ("LessThan", "GreaterThan") and len(values) != 1:
        raise AwsError("InvalidFilter", f"{operator} takes one value, found {len(values)} of {item['Key']}.")
    if operator == "Exists":
        # AWS: API InventoryFilter, Type: Exists must be used with aggregators.
        raise AwsError("InvalidFilter", "Exists is for aggregators.")
    return Filter(named, attribute, operator, values)


def split(key: str, type_name: str = "") -> tuple[str, str]:
    """Return (type, attribute) of TYPE.ATTRIBUTE. Custom types may have dots, attributes have none."""
    named, dot, attribute = key.rpartition(".")
    return (named, attribute) if dot else (type_name, key)


def by_type(filters: Iterable[Filter]) -> dict[str, list[Filter]]:
    """Return the filters by the type that they look at."""
    found: dict[str, list[Filter]] = defaultdict(list)
    for one in filters:
        found[one.type_name].append(one)
    return dict(found)


def passing(entries: Iterable[Entry], filters: Iterable[Filter]) -> list[Entry]:
    """Return the entries that pass all filters."""
    tests = list(filters)
    return [entry for entry in entries if all(test.holds(entry) for test in tests)]


def weight(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a value for comparison: versions by their numbers, other text as it is.

    ASSUMED: AWS does not say how LessThan and GreaterThan compare; versions are what they are for.
    """
    parts = text.replace("-", ".").split(".")
    return tuple((0, int(part), "") if part.isdecimal() and len(part) < 19 else (1, 0, part) for part in parts)
