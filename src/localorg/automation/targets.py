"""Target locations: which account-Region pairs they mean, and how many may be started now. Pure but for the directory that is asked.

Flow: TargetLocations + a `Directory` of the organization -> `Pair`s; counts of one location -> `startable`.
Rules: MaxErrors N tolerates N errors; error N + 1 stops further starts, what runs may finish. A pair is run once, however often named.
AWS: API TargetLocation; user guide, running-automations-multiple-accounts-regions and running-automations-scale-controls.
"""

from dataclasses import dataclass
from typing import Any, Protocol

DEFAULT_ROLE = "AWS-SystemsManager-AutomationExecutionRole"
DEFAULT_CONCURRENCY, DEFAULT_ERRORS = "1", "0"
NOT_SUPPORTED = ("TargetLocationAlarmConfiguration", "Targets", "TargetsMaxConcurrency", "TargetsMaxErrors")


class Directory(Protocol):
    """Who is in the organization."""

    def accounts(self, unit: str) -> list[str]:
        """Return the ids of the accounts directly in an OU (or root)."""
        ...

    def units(self, unit: str) -> list[str]:
        """Return the ids of the OUs directly in an OU (or root)."""
        ...


@dataclass(frozen=True)
class Pair:
    """One account and Region of one location (by its place in the list)."""

    location: int
    account: str
    region: str
    role: str

    @property
    def name(self) -> str:
        """The name of its step. Observed: a public screenshot of a multi-account execution."""
        return f"{self.account}_{self.region}"


def expand(locations: list[dict[str, Any]], directory: Directory) -> list[Pair]:
    """Return the pairs of all locations in order; what a location excludes is left out."""
    pairs: dict[tuple[str, str], Pair] = {}
    for number, location in enumerate(locations):
        deep = bool(location.get("IncludeChildOrganizationUnits", False))
        # ASSUMED: an excluded OU is excluded with everything below it.
        excluded = set(_accounts(location.get("ExcludeAccounts", []), directory, deep=True))
        role = location.get("ExecutionRoleName", DEFAULT_ROLE)
        for account in _accounts(location.get("Accounts", []), directory, deep=deep):
            if account not in excluded:
                for region in location.get("Regions", []):
                    pairs.setdefault((account, region), Pair(number, account, region, role))
    return list(pairs.values())


def _accounts(named: list[str], directory: Directory, *, deep: bool) -> list[str]:
    """Return the accounts that ids of accounts, OUs and roots mean, each once."""
    found: dict[str, None] = {}
    for name in named:
        if not name.startswith(("ou-", "r-")):
            found[name] = None
            continue
        waiting = [name]
        while waiting:
            unit = waiting.pop(0)
            found.update(dict.fromkeys(directory.accounts(unit)))
            if deep:
                waiting += directory.units(unit)
    return list(found)


def amount(limit: str, total: int) -> int:
    """Return "10" or "10%" of `total` as a number. # ASSUMED: percentages are rounded down."""
    return total * int(limit[:-1]) // 100 if limit.endswith("%") else int(limit)


def is_stopped(errors: int, max_errors: str, total: int) -> bool:
    """Say whether so many errors end the starting."""
    return errors > amount(max_errors, total)


def startable(*, waiting: int, running: int, errors: int, total: int, max_concurrency: str, max_errors: str) -> int:
    """Return how many of the waiting pairs may be started now."""
    if is_stopped(errors, max_errors, total):
        return 0
    # ASSUMED: a percentage never rounds down to nobody at all; locations have no ramp-up.
    return max(0, min(waiting, max(1, amount(max_concurrency, total)) - running))
