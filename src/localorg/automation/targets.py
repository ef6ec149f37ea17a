"""Target locations: which account-Region pairs they mean. Pure but for the directory that is asked.

Flow: TargetLocations + a `Directory` of the organization -> `Pair`s; a pair is run once, however often it is named.
AWS: API TargetLocation; user guide, running-automations-multiple-accounts-regions.
"""

import re
from dataclasses import dataclass
from typing import Any, Protocol

DEFAULT_ROLE = "AWS-SystemsManager-AutomationExecutionRole"
DEFAULT_CONCURRENCY, DEFAULT_ERRORS = "1", "0"
"""AWS: API TargetLocation; those of the request count targets, not pairs."""
ACCOUNT_OR_UNIT = re.compile(r"\d{12}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32}", re.ASCII)
OPENED_LATER = frozenset(
    {
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
        *("ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1"),
        *("me-central-1", "me-south-1", "mx-central-1"),
    }
)
"""Regions launched after 20 March 2019, which an account has to enable. AWS: account guide, manage-acct-regions."""


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


def unreachable(hub_region: str, region: str, known: tuple[str, ...]) -> str:
    """Return why a run that was started in `hub_region` cannot reach `region`; empty when it can."""
    if region not in known:
        # ASSUMED: a Region that does not exist fails its pairs, not the request.
        return f"The Region {region} is not one of this organization's: {', '.join(known)}."
    if hub_region in OPENED_LATER and region not in OPENED_LATER:
        # AWS: user guide, running-automations-multiple-accounts-regions: from a Region launched after 20 March 2019 an automation that
        # targets a Region which is enabled by default fails. ASSUMED: the pair fails, not the whole.
        return f"An automation started in {hub_region}, which was launched after March 20, 2019, cannot target {region}."
    return ""
