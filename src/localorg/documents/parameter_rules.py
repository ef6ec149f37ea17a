"""The `parameters` of Command and Automation documents: is each declaration well formed?

AWS: user guide, documents-syntax-data-elements-parameters.
Refuses to know: values given at run time.
"""

import re
from collections.abc import Iterator
from typing import Any

PLAIN_TYPES = ("String", "StringList", "Integer", "Boolean", "MapList", "StringMap")
RESOURCE_TYPE = re.compile(r"AWS::[A-Za-z0-9]+::[A-Za-z0-9:]+|List<AWS::[A-Za-z0-9]+::[A-Za-z0-9:]+>")
"""AWS: user guide, populating-input-parameters; Automation only."""
FIELDS = {
    "type",
    "description",
    "default",
    "allowedValues",
    "allowedPattern",
    "displayType",
    "minItems",
    "maxItems",
    "minChars",
    "maxChars",
    "interpolationType",
}
LISTS = ("StringList", "MapList")


def problems(declared: Any, *, resource_types: bool) -> list[str]:
    """Return what is wrong with the `parameters` of a document; `resource_types` admits AWS::EC2::Instance::Id and the like."""
    if declared is None:
        return []
    if not isinstance(declared, dict):
        return [f"parameters must map names to declarations, found {declared!r}"]
    return [problem for name, rules in declared.items() for problem in _of_one(f"parameters.{name}", rules, resource_types)]


def _of_one(place: str, rules: Any, resource_types: bool) -> Iterator[str]:  # noqa: FBT001 - handed on from a keyword argument
    if not isinstance(rules, dict):
        yield f"{place} must be a mapping with at least a type, found {rules!r}"
        return
    kind = rules.get("type")
    if kind not in PLAIN_TYPES and not (resource_types and isinstance(kind, str) and RESOURCE_TYPE.fullmatch(kind)):
        yield f"{place}.type must be one of {', '.join(PLAIN_TYPES)}, found {kind!r}"
    unknown = sorted(set(rules) - FIELDS)
    if unknown:
        yield f"{place} has unknown fields {', '.join(unknown)}"
    if not isinstance(rules.get("allowedValues", []), list):
        yield f"{place}.allowedValues must be a list"
    default = rules.get("default")
    is_reference = isinstance(default, str) and "{{" in default
    if default is None or is_reference:
        return
    if kind in LISTS and not isinstance(default, list):
        yield f"{place}.default must be a list for {kind}, found {default!r}"
    if kind == "StringMap" and not isinstance(default, dict):
        yield f"{place}.default must be a mapping for StringMap, found {default!r}"
