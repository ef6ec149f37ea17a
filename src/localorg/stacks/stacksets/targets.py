"""Where an operation goes: accounts, or units of the organization with a filter of accounts, and Regions.

Flow: request of an operation on instances, with the accounts that `account_lists` found -> `target_of` -> TargetRecord (raises
ValidationError) -> `organization.Directory.expand`.

AWS: CloudFormation API reference, DeploymentTargets; template reference, AWS::CloudFormation::StackSet DeploymentTargets.
"""

from collections.abc import Sequence
from typing import Any

from localorg.stacks.stacksets.records import SELF_MANAGED, Action, StackSetRecord, TargetRecord
from localorg.stacks.template import invalid

UNITS_MAX = 50
ONLY_UNITS = "StackSets with SERVICE_MANAGED permission model can only have OrganizationalUnit as target"
ONLY_ACCOUNTS = "StackSets with SELF_MANAGED permission model can only have accounts as target"


def target_of(params: dict[str, Any], stack_set: StackSetRecord, action: Action, known: Sequence[str]) -> TargetRecord:
    """Return what the request targets. Raises ValidationError."""
    regions = list(dict.fromkeys(params.get("Regions", ())))
    check_regions(regions, known)
    targets = params.get("DeploymentTargets", {})
    if "Accounts" in params and "DeploymentTargets" in params:
        raise invalid("You can specify Accounts or DeploymentTargets, but not both")
    if not regions:
        raise invalid("You must specify at least one value for Regions")
    if stack_set.permission_model == SELF_MANAGED:
        return TargetRecord([], regions, _accounts(params, targets))
    if "Accounts" in params:
        raise invalid(ONLY_UNITS)
    return _units(targets, action, regions)


def check_regions(regions: Sequence[str], known: Sequence[str]) -> None:
    """Raise ValidationError for Regions that the organization does not have."""
    unknown = [region for region in regions if region not in known]
    if unknown:
        raise invalid(f"Region(s) {', '.join(unknown)} are not in this organization; it has {', '.join(known)}")


def _accounts(params: dict[str, Any], targets: dict[str, Any]) -> list[str]:
    if targets.get("OrganizationalUnitIds"):
        raise invalid(ONLY_ACCOUNTS)
    if "AccountFilterType" in targets:
        raise invalid("AccountFilterType is for stack sets with the SERVICE_MANAGED permission model")
    accounts = list(dict.fromkeys([*params.get("Accounts", ()), *targets.get("Accounts", ())]))
    if not accounts:
        raise invalid("You must specify at least one value for Accounts")
    return accounts


def _units(targets: dict[str, Any], action: Action, regions: list[str]) -> TargetRecord:
    units = list(dict.fromkeys(targets.get("OrganizationalUnitIds", ())))
    accounts = list(dict.fromkeys(targets.get("Accounts", ())))
    if not units:
        raise invalid("OrganizationalUnitIds are required" if accounts else ONLY_UNITS)
    if len(units) > UNITS_MAX:
        raise invalid(f"An operation takes at most {UNITS_MAX} OrganizationalUnitIds; {len(units)} were given")
    kind = targets.get("AccountFilterType")
    if kind is None:
        # AWS: UNION is the default; a creation must name the filter.
        kind = "NONE" if not accounts else "UNION" if action != "CREATE" else "missing"
    _check_filter(kind, accounts, action)
    return TargetRecord(units, regions, accounts, kind)


def _check_filter(kind: str, accounts: list[str], action: Action) -> None:
    if kind == "UNION" and action == "CREATE":
        raise invalid("AccountFilterType UNION is not supported for create operations")
    if accounts and kind in ("NONE", "missing"):
        raise invalid("AccountFilterType should be specified when both OrganizationalUnitIds and Accounts are provided")
    if not accounts and kind != "NONE":
        raise invalid(f"Accounts should be specified when AccountFilterType is {kind}")
