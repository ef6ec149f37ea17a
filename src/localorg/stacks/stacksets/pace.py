"""How many accounts an operation may work on at once, and how many may fail: OperationPreferences in numbers.

Rules: per Region. Percentages round down; a concurrency never below one. Under STRICT_FAILURE_TOLERANCE concurrency follows the
failures that are still tolerated.

AWS: CloudFormation API reference, StackSetOperationPreferences.
"""

from collections.abc import Mapping
from typing import Any

from localorg.stacks.template import invalid

PAIRS = (("FailureToleranceCount", "FailureTolerancePercentage"), ("MaxConcurrentCount", "MaxConcurrentPercentage"))


def check_preferences(preferences: Mapping[str, Any], regions: list[str]) -> None:
    """Raise ValidationError with everything that contradicts itself."""
    problems = [f"Cannot specify both {a} and {b}" for a, b in PAIRS if a in preferences and b in preferences]
    foreign = sorted(set(preferences.get("RegionOrder", ())) - set(regions))
    if foreign:
        problems.append(f"RegionOrder names Regions that the operation does not: {', '.join(foreign)}")
    if problems:
        raise invalid("\n".join(problems))


def tolerance(preferences: Mapping[str, Any], accounts: int) -> int:
    """Return how many accounts of a Region may fail."""
    if "FailureTolerancePercentage" in preferences:
        return accounts * int(preferences["FailureTolerancePercentage"]) // 100
    return int(preferences.get("FailureToleranceCount", 0))


def concurrency(preferences: Mapping[str, Any], accounts: int, failed: int) -> int:
    """Return how many accounts of a Region may be worked on at once, after so many failures."""
    if "MaxConcurrentPercentage" in preferences:
        most = max(1, accounts * int(preferences["MaxConcurrentPercentage"]) // 100)
    else:
        most = int(preferences.get("MaxConcurrentCount", 1))
    if preferences.get("ConcurrencyMode") == "SOFT_FAILURE_TOLERANCE":
        return most
    return max(0, min(most, tolerance(preferences, accounts) - failed + 1))


def in_parallel(preferences: Mapping[str, Any]) -> bool:
    """Say whether all Regions go at once."""
    return bool(preferences.get("RegionConcurrencyType") == "PARALLEL")


def region_order(preferences: Mapping[str, Any], regions: list[str]) -> list[str]:
    """Return the Regions in the order of work."""
    first = list(preferences.get("RegionOrder", ()))
    return [*first, *(region for region in regions if region not in first)]
