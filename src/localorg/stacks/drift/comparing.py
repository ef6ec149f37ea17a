"""A resource as it is, against what its stack's template and parameters say: pure.

Flow: expected properties + live ones -> `differences` -> DifferenceRecord ... (none: the resource is in sync).
Rules: only properties that the template sets are compared, and only those that the type's reading tells of. Members of lists have no
order: whoever has a Key or a PolicyName is compared with its namesake, others with their equals.

AWS: CloudFormation user guide, "Detect unmanaged configuration changes": "CloudFormation only determines drift for property values that
are explicitly set"; API reference, PropertyDifference.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from localorg.stacks.drift.records import DifferenceRecord

NOTHING = "null"
ROOT = re.compile(r"arn:[a-z-]+:iam::(\d{12}):root")
NAMES = ("Key", "PolicyName")


def differences(expected: Mapping[str, Any], live: Mapping[str, Any]) -> list[DifferenceRecord]:
    """Return what is not as expected. A live property that is None is not there."""
    return [found for name in sorted(set(expected) & set(live)) for found in _differ(f"/{name}", expected[name], live[name])]


def shown(properties: Mapping[str, Any], live: Mapping[str, Any]) -> str:
    """Return as JSON those of the properties that are compared."""
    return json.dumps({name: value for name, value in properties.items() if name in live and value is not None}, default=str)


def _differ(path: str, expected: Any, live: Any) -> Iterator[DifferenceRecord]:
    expected = _unpacked(expected, live)
    if live is None:
        yield DifferenceRecord(path, _text(expected), NOTHING, "REMOVE")
        return
    match expected, live:
        case dict(), dict():
            yield from _objects(path, expected, live)
        case list(), list():
            yield from _lists(path, expected, live)
        case _:
            if not _is_same(expected, live):
                yield DifferenceRecord(path, _text(expected), _text(live), "NOT_EQUAL")


def _unpacked(expected: Any, live: Any) -> Any:
    """Return an expected object that is written as JSON text as the object that it is."""
    if isinstance(expected, str) and isinstance(live, dict | list):
        try:
            return json.loads(expected)
        except ValueError:
            return expected
    return expected


def _objects(path: str, expected: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[DifferenceRecord]:
    for key, value in expected.items():
        yield from _differ(f"{path}/{key}", value, live.get(key))
    for key in live:
        if key not in expected:
            yield DifferenceRecord(f"{path}/{key}", NOTHING, _text(live[key]), "ADD")


def _lists(path: str, expected: Sequence[Any], live: Sequence[Any]) -> Iterator[DifferenceRecord]:
    surplus = dict(enumerate(live))
    missing: dict[int, Any] = {}
    for index, value in enumerate(expected):
        same = next((key for key, other in surplus.items() if _is_same(other, value)), None)
        if same is None:
            missing[index] = value
        else:
            del surplus[same]
    for index, value in missing.items():
        other = _counterpart(value, surplus, alone=len(missing) == len(surplus))
        if other is None:
            yield DifferenceRecord(f"{path}/{index}", _text(value), NOTHING, "REMOVE")
        else:
            yield from _differ(f"{path}/{index}", value, surplus.pop(other))
    for index, value in surplus.items():
        yield DifferenceRecord(f"{path}/{index}", NOTHING, _text(value), "ADD")


def _counterpart(value: Any, others: Mapping[int, Any], *, alone: bool) -> int | None:
    """Return the key of what a member of a list has become, or None: its namesake; else the first other one, if none is surplus."""
    name = next((one for one in NAMES if isinstance(value, dict) and one in value), None)
    if name is not None:
        return next((key for key, other in others.items() if isinstance(other, dict) and other.get(name) == value[name]), None)
    return next(iter(others), None) if alone else None


def _is_same(one: Any, other: Any) -> bool:
    # ASSUMED: an account in a policy and the root of it, as which IAM keeps it, are no drift.
    return ROOT.sub(r"\1", _text(one)) == ROOT.sub(r"\1", _text(other))


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return json.dumps(_plain(value), sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    """Return a value whose scalars are texts: templates and services do not agree on "true" and 3600."""
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value if value is None else _text(value)
