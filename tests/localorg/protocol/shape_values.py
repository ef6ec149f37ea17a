"""Hypothesis strategies for values of a botocore shape, in localorg's own form (epoch seconds, bytes), and their twins for botocore."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

DEPTH_MAX = 4
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=12)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "character": TEXT,
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**53), 2**53),
    "float": st.integers(-1000, 1000).map(float),
    "double": st.integers(-1000, 1000).map(float),
    "boolean": st.booleans(),
    "timestamp": st.integers(0, 4_000_000_000).map(float),
    "blob": st.binary(min_size=1, max_size=12),
}


def values(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values of `shape`: never empty below the top, because the query protocol cannot say an empty structure or map."""
    match shape.type_name:
        case "structure":
            return structures(shape, depth)
        case "list":
            return st.lists(values(shape.member, depth + 1), min_size=1, max_size=2)
        case "map":
            keys = TEXT if not shape.key.enum else st.sampled_from(shape.key.enum)
            return st.dictionaries(keys, values(shape.value, depth + 1), min_size=1, max_size=2)
        case kind:
            return SCALARS[kind]


def structures(shape: Any, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Return structures with a few of the members of `shape`."""
    usable = {name: member for name, member in shape.members.items() if depth < DEPTH_MAX or not nested(member)}
    if not usable:
        return st.just({})

    def chosen(names: set[str]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries(
            {name: st.deferred(lambda name=name: values(usable[name], depth + 1)) for name in sorted(names)}
        )

    return st.sets(st.sampled_from(sorted(usable)), min_size=1, max_size=4).flatmap(chosen)


def nested(shape: Any) -> bool:
    """Say whether a shape contains others."""
    return shape.type_name in {"structure", "list", "map"}


def for_botocore(value: Any, shape: Any) -> Any:
    """Return `value` with datetimes for epoch seconds, as botocore takes and returns them."""
    match shape.type_name:
        case "structure":
            return {name: for_botocore(item, shape.members[name]) for name, item in value.items()}
        case "list":
            return [for_botocore(item, shape.member) for item in value]
        case "map":
            return {key: for_botocore(item, shape.value) for key, item in value.items()}
        case "timestamp":
            return datetime.fromtimestamp(value, UTC)
        case _:
            return value


def without_empty(value: Any) -> Any:
    """Return `value` without empty structures, which no protocol but JSON can tell from absent ones."""
    if isinstance(value, dict):
        cleaned = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item != {} and item != []}
    if isinstance(value, list):
        return [item for item in (without_empty(item) for item in value) if item != {}]
    return value
