"""StackInstancesGroup of a stack set: what it covers, and what a change of it creates, updates and deletes.

Flow: properties -> `covered` ((unit or account, Region) -> which accounts of it, with which overrides) -> `calls` of what is in one and
not in the other -> parameters of CreateStackInstances | UpdateStackInstances | DeleteStackInstances.
Rules: accounts of a unit are a set, or everyone but a set; so what one group covers and another does not is again such a set.

AWS: the published source of the resource type (aws-cloudformation-resource-providers-cloudformation): InstancesAnalyzer,
AltStackInstancesCalculator, Validator.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.stacks.resources.kinds import Properties

Place = tuple[str, str]
"""(organizational unit, or account of a self-managed set; Region)"""
Call = dict[str, Any]


@dataclass(frozen=True)
class Accounts:
    """Some accounts of a unit, or everyone but some."""

    names: frozenset[str] = frozenset()
    all_but: bool = True

    def __bool__(self) -> bool:
        return self.all_but or bool(self.names)

    def union(self, other: "Accounts") -> "Accounts":
        """Return what is in either."""
        return self.outside.common(other.outside).outside

    @property
    def outside(self) -> "Accounts":
        """Return everyone else."""
        return Accounts(self.names, not self.all_but)

    def common(self, other: "Accounts") -> "Accounts":
        """Return what is in both."""
        match self.all_but, other.all_but:
            case True, True:
                return Accounts(self.names | other.names)
            case False, False:
                return Accounts(self.names & other.names, all_but=False)
            case False, True:
                return Accounts(self.names - other.names, all_but=False)
            case _:
                return other.common(self)

    def targets(self) -> Call:
        """Return AccountFilterType and Accounts."""
        if not self.names:
            return {}
        return {"AccountFilterType": "DIFFERENCE" if self.all_but else "INTERSECTION", "Accounts": sorted(self.names)}


@dataclass(frozen=True)
class Covered:
    """What one place covers: accounts, and the parameter overrides as JSON (empty: none)."""

    accounts: Accounts
    overrides: str


Coverage = Mapping[Place, Covered]


def covered(properties: Properties) -> dict[Place, Covered]:
    """Return what the group of these properties covers. Raises InvalidRequest."""
    groups = properties.get("StackInstancesGroup") or ()
    filtered = any("AccountFilterType" in group["DeploymentTargets"] for group in groups)
    found: dict[Place, Covered] = {}
    for group in groups:
        overrides = json.dumps(group["ParameterOverrides"], sort_keys=True) if group.get("ParameterOverrides") else ""
        for target, accounts in _targets(properties, group["DeploymentTargets"]):
            for region in group["Regions"]:
                before = found.get((target, region))
                if before is not None and not filtered:
                    raise _invalid(f"Stack instance [{target},{region}] is duplicated")
                found[target, region] = Covered(accounts.union(before.accounts) if before else accounts, overrides)
    return found


def _targets(properties: Properties, targets: Mapping[str, Any]) -> list[tuple[str, Accounts]]:
    if "AccountsUrl" in targets:
        raise _invalid("localorg does not support AccountsUrl in DeploymentTargets; list the Accounts")
    accounts, units = targets.get("Accounts") or [], targets.get("OrganizationalUnitIds") or []
    if is_self_managed(properties):
        if not accounts:
            raise _invalid("Accounts should be specified in DeploymentTargets in [SELF_MANAGED] model")
        return [(account, Accounts()) for account in accounts]
    if not units:
        raise _invalid("OrganizationalUnitIds should be specified in SERVICE_MANAGED mode")
    kind = targets.get("AccountFilterType", "NONE")
    if kind not in ("NONE", "INTERSECTION", "DIFFERENCE"):
        raise _invalid(f"{kind} is not a valid AccountFilterType")
    if kind == "NONE" and accounts:
        raise _invalid("AccountFilterType should be specified when both OrganizationalUnitIds and Accounts are provided")
    if kind != "NONE" and not accounts:
        raise _invalid("Accounts should be specified when Account-level Targeting is enabled")
    which = Accounts(frozenset(accounts), all_but=kind != "INTERSECTION")
    return [(unit, which) for unit in units]


def is_self_managed(properties: Properties) -> bool:
    """Say whether the set of these properties is self-managed."""
    return bool(properties.get("PermissionModel") == "SELF_MANAGED")


def _invalid(words: str) -> AwsError:
    return AwsError("InvalidRequest", f"Invalid request provided: {words}")


def without(some: Coverage, others: Coverage) -> dict[Place, Covered]:
    """Return what `some` covers and `others` do not."""
    found = {}
    for place, one in some.items():
        other = others.get(place)
        left = one.accounts.common(other.accounts.outside) if other else one.accounts
        if left:
            found[place] = Covered(left, one.overrides)
    return found


def overridden(wanted: Coverage, was: Coverage) -> dict[Place, Covered]:
    """Return what both cover and `wanted` overrides otherwise."""
    found = {}
    for place, one in wanted.items():
        other = was.get(place)
        if other is None or other.overrides == one.overrides:
            continue
        both = one.accounts.common(other.accounts)
        if both:
            found[place] = Covered(both, one.overrides)
    return found


def calls(properties: Properties, coverage: Coverage) -> list[Call]:
    """Return DeploymentTargets, Regions and ParameterOverrides of the calls that go over a coverage; as few as can be."""
    regions: dict[tuple[str, Covered], list[str]] = {}
    for (target, region), one in coverage.items():
        regions.setdefault((target, one), []).append(region)
    targets: dict[tuple[Covered, tuple[str, ...]], list[str]] = {}
    for (target, one), where in regions.items():
        targets.setdefault((one, tuple(where)), []).append(target)
    member = "Accounts" if is_self_managed(properties) else "OrganizationalUnitIds"
    return [
        {
            "DeploymentTargets": {member: names, **one.accounts.targets()},
            "Regions": list(where),
            "ParameterOverrides": json.loads(one.overrides or "[]"),
        }
        for (one, where), names in targets.items()
    ]
