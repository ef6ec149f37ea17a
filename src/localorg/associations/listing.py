"""Filters and pages of associations and their executions. Rules: pure; an unknown filter is refused, never ignored."""

import operator
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from localorg.associations.records import AssociationRecord, ExecutionRecord, VersionRecord
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.paging import page

R = TypeVar("R")
AssociationTest = Callable[[AssociationRecord, VersionRecord], bool]
ExecutionTest = Callable[[ExecutionRecord], bool]
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "EQUAL": operator.eq,
    "LESS_THAN": operator.lt,
    "GREATER_THAN": operator.gt,
}
PAGE = 50
"""AWS: API MaxResults, at most 50. # ASSUMED: also the size of a page when nothing is said."""


def cut(rows: Sequence[R], key: Callable[[R], str], params: dict[str, Any]) -> tuple[list[R], dict[str, str]]:
    """Return one page of `rows`, and {"NextToken": ...} when there is more. Raises InvalidNextToken."""
    refusal = AwsError("InvalidNextToken", "The NextToken is not one that an earlier page gave. Begin again without it.")
    chosen, token = page(rows, key, params.get("MaxResults") or PAGE, params.get("NextToken"), refusal)
    return chosen, {"NextToken": token} if token else {}


def association_tests(filters: list[dict[str, Any]]) -> list[AssociationTest]:
    """Return one test per filter of ListAssociations. Raises NotSupported."""
    return [_association_test(one["key"], one["value"]) for one in filters]


SIMPLE: dict[str, Callable[[AssociationRecord, VersionRecord], str]] = {
    "Name": lambda _, version: version.document,
    "AssociationId": lambda association, _: association.id,
    "AssociationName": lambda _, version: version.name,
    "AssociationStatusName": lambda association, _: association.status,
    # AWS: API ListAssociations: filtering by InstanceId only returns legacy associations.
    "InstanceId": lambda _, version: version.instance,
}
GROUP_KEYS = ("resource-groups:Name", "ResourceGroup")


def _association_test(key: str, value: str) -> AssociationTest:
    if key in SIMPLE:
        return lambda association, version: SIMPLE[key](association, version) == value
    if key == "ResourceGroupName":
        return lambda _, version: any(one.get("Key") in GROUP_KEYS and value in one.get("Values", []) for one in version.targets)
    if key in ("LastExecutedBefore", "LastExecutedAfter"):
        moment, sign = _time(value), 1 if key == "LastExecutedAfter" else -1
        return lambda association, _: association.last_execution is not None and sign * (association.last_execution - moment) > 0
    # DEVIATES: there are no cloud connectors here; the filter CloudConnectorId is refused by name.
    raise NotSupported(f"the filter {key}", "ListAssociations")


def execution_tests(filters: list[dict[str, Any]]) -> list[ExecutionTest]:
    """Return one test per filter of DescribeAssociationExecutions."""
    return [_execution_test(one["Key"], one["Type"], one["Value"]) for one in filters]


def _execution_test(key: str, comparison: str, value: str) -> ExecutionTest:
    if key == "CreatedTime":
        moment, compare = _time(value), COMPARISONS[comparison]
        return lambda record: compare(record.created, moment)
    if comparison != "EQUAL":
        raise AwsError("ValidationException", f"{key} can only be compared with EQUAL, found {comparison}.")
    return (lambda record: record.id == value) if key == "ExecutionId" else (lambda record: record.status == value)


def targets(shown: list[dict[str, Any]], filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the targets that pass the filters of DescribeAssociationExecutionTargets, whose keys are members of the answer."""
    return [target for target in shown if all(target[one["Key"]] == one["Value"] for one in filters)]


def _time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise AwsError("ValidationException", f"A time looks like 2026-11-23T16:00:00Z, found {text!r}.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
