"""The Query of TAG_FILTERS_1_0: JSON text -> which types of resources with which tags. Pure.

AWS: Resource Groups API "Build queries": keys are AND-ed, the values of a key OR-ed; no values stand for any.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localorg.grouping.resources import ALL, SUPPORTED, Wanted
from localorg.kernel.errors import AwsError, NotSupported

TAG_FILTERS = "TAG_FILTERS_1_0"
FILTERS_MAX, VALUES_MAX = 50, 20
"""AWS: API GetResources, TagFilters: up to 50 keys with up to 20 values each, which is what a group's query becomes."""


@dataclass(frozen=True)
class Query:
    """A query that was understood. `types` has AWS::AllSupported or types of resources."""

    types: tuple[str, ...]
    tags: Wanted

    def covers(self, resource_type: str) -> bool:
        """Say whether resources of this type can be found."""
        return ALL in self.types or resource_type in self.types


def read(query: Mapping[str, str], operation: str) -> Query:
    """Read a ResourceQuery. Raises BadRequestException with every problem, NotSupported for what is not kept here."""
    if query.get("Type") != TAG_FILTERS:
        raise NotSupported(f"a query that is not {TAG_FILTERS} (found {query.get('Type')})", operation)
    try:
        body = json.loads(query["Query"])
    except (ValueError, RecursionError) as error:
        raise AwsError("BadRequestException", f"Query not valid: not JSON: {error}") from error
    problems = _problems(body)
    if problems:
        raise AwsError("BadRequestException", f"Query not valid: {'; '.join(problems)}")
    others = [kind for kind in body["ResourceTypeFilters"] if kind not in (ALL, *SUPPORTED)]
    if others:
        raise NotSupported(f"groups of {', '.join(others)}; there are {', '.join(SUPPORTED)}", operation)
    return Query(tuple(body["ResourceTypeFilters"]), [(entry["Key"], entry.get("Values", [])) for entry in body["TagFilters"]])


def _problems(body: Any) -> list[str]:
    if not isinstance(body, dict):
        return [f"expected an object, found {type(body).__name__}"]
    problems = [f"unknown member {name}" for name in body if name not in ("ResourceTypeFilters", "TagFilters")]
    kinds, tags = body.get("ResourceTypeFilters"), body.get("TagFilters")
    if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, str) for kind in kinds):
        problems.append("ResourceTypeFilters must be a list of resource types")
    elif ALL in kinds and len(kinds) > 1:
        problems.append(f"ResourceTypeFilters has {ALL} or types of resources, not both")
    if not isinstance(tags, list) or not all(_is_tag_filter(tag) for tag in tags):
        problems.append("TagFilters must be a list of objects with a Key and a list of Values")
    elif len(tags) > FILTERS_MAX or any(len(tag.get("Values", [])) > VALUES_MAX for tag in tags):
        problems.append(f"TagFilters has up to {FILTERS_MAX} keys with up to {VALUES_MAX} values each")
    return problems


def _is_tag_filter(tag: Any) -> bool:
    if not isinstance(tag, dict) or not isinstance(tag.get("Key"), str) or not tag["Key"]:
        return False
    values = tag.get("Values", [])
    return set(tag) <= {"Key", "Values"} and isinstance(values, list) and all(isinstance(value, str) for value in values)
