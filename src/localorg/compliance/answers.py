"""Compliance in the shapes of the API, and its filters. Rules: pure; an unknown filter is refused, never ignored.

AWS: API ListComplianceItems, ListComplianceSummaries, ListResourceComplianceSummaries, ComplianceStringFilter.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from localorg.compliance.records import COMPLIANT, NON_COMPLIANT, SEVERITIES, ComplianceSet, Item, Occasion
from localorg.kernel.errors import AwsError

Facts = Mapping[str, str]
OPERATORS: dict[str, Callable[[str, list[str]], bool]] = {
    "EQUAL": lambda found, values: found in values,
    "NOT_EQUAL": lambda found, values: found not in values,
    "BEGIN_WITH": lambda found, values: found.startswith(tuple(values)),
    "LESS_THAN": lambda found, values: any(found < value for value in values),
    "GREATER_THAN": lambda found, values: any(found > value for value in values),
}
PREFIX = "AWS:ComplianceItem."
DETAILS = (
    *("DocumentName", "DocumentVersion", "Classification", "PatchBaselineId"),
    *("PatchSeverity", "PatchState", "PatchGroup", "InstalledTime"),
)
"""AWS: API PutComplianceItems; user guide, sysman-compliance-about, filters by DocumentName and InstanceId. # ASSUMED: by these of the
details only, not by those of custom types."""


def passes(filters: list[dict[str, Any]], facts: Facts) -> bool:
    """Say whether something passes all filters; its `facts` are what can be filtered by. Raises InvalidFilter."""
    return all(_one(each, facts) for each in filters)


def _one(each: dict[str, Any], facts: Facts) -> bool:
    # AWS: the guide writes keys also as inventory attributes, such as AWS:ComplianceItem.Status (ASSUMED: they mean the same).
    key, values = each.get("Key", "").removeprefix(PREFIX), each.get("Values") or []
    if key not in facts:
        raise AwsError("InvalidFilter", f"{key!r} is no filter here; expected one of {', '.join(facts)}.")
    return OPERATORS[each.get("Type", "EQUAL")](facts[key], values)


def item_facts(one: ComplianceSet, item: Item) -> Facts:
    """Return what ListComplianceItems can be filtered by."""
    return {
        **dict.fromkeys(DETAILS, ""),
        **{name: value for name, value in item.details.items() if name in DETAILS},
        **_set_facts(one, item.occasion),
        "Status": item.status,
        "Severity": item.severity,
        "Id": item.id,
        "Title": item.title,
    }


def resource_facts(one: ComplianceSet) -> Facts:
    """Return what both summaries can be filtered by."""
    facts = {"Status": one.status, "OverallSeverity": one.severity, "Severity": one.severity}
    return {**_set_facts(one, one.occasion), **facts}


def _set_facts(one: ComplianceSet, occasion: Occasion) -> Facts:
    return {
        "ComplianceType": one.kind,
        "ResourceId": one.resource,
        "InstanceId": one.resource,
        "ResourceType": one.resource_type,
        "ExecutionId": occasion.id,
        "ExecutionType": occasion.kind,
        # AWS: aws CLI example 3 of list-compliance-items: a time in seconds, compared as text
        "ExecutionTime": moment(occasion),
    }


def moment(occasion: Occasion) -> str:
    """Return when something was found out, as filters and inventory write it."""
    return f"{datetime.fromtimestamp(occasion.time, UTC):%Y-%m-%dT%H:%M:%SZ}"


NOTHING = ComplianceSet("", "", "", Occasion(0.0), {"": Item("", "", "UNSPECIFIED", COMPLIANT, Occasion(0.0))})
"""Its facts are all that can be filtered by: so that a wrong key is refused where there is nothing to be filtered, too."""


def item(one: ComplianceSet, item_: Item) -> dict[str, Any]:
    """Return ComplianceItem."""
    return {
        "ComplianceType": one.kind,
        "ResourceType": one.resource_type,
        "ResourceId": one.resource,
        "Id": item_.id,
        "Title": item_.title,
        "Status": item_.status,
        "Severity": item_.severity,
        "ExecutionSummary": _occasion(item_.occasion),
        "Details": item_.details,
    }


def resource(one: ComplianceSet) -> dict[str, Any]:
    """Return ResourceComplianceSummaryItem: it counts items."""
    return {
        "ComplianceType": one.kind,
        "ResourceType": one.resource_type,
        "ResourceId": one.resource,
        "Status": one.status,
        "OverallSeverity": one.severity,
        "ExecutionSummary": _occasion(one.occasion),
        **_counts((each.status, each.severity) for each in one.items.values()),
    }


def summary(kind: str, sets: Iterable[ComplianceSet]) -> dict[str, Any]:
    """Return ComplianceSummaryItem: it counts resources."""
    return {"ComplianceType": kind, **_counts((one.status, one.severity) for one in sets)}


def _counts(found: Iterable[tuple[str, str]]) -> dict[str, Any]:
    rows = list(found)
    return {
        "CompliantSummary": {
            "CompliantCount": sum(status == COMPLIANT for status, _ in rows),
            "SeveritySummary": _severities(severity for status, severity in rows if status == COMPLIANT),
        },
        "NonCompliantSummary": {
            "NonCompliantCount": sum(status == NON_COMPLIANT for status, _ in rows),
            "SeveritySummary": _severities(severity for status, severity in rows if status == NON_COMPLIANT),
        },
    }


def _severities(found: Iterable[str]) -> dict[str, int]:
    severities = list(found)
    return {f"{name.capitalize()}Count": severities.count(name) for name in SEVERITIES}


def _occasion(occasion: Occasion) -> dict[str, Any]:
    optional = {"ExecutionId": occasion.id, "ExecutionType": occasion.kind}
    return {"ExecutionTime": occasion.time, **{name: value for name, value in optional.items() if value}}
