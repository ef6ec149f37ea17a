"""The solution's template sorts DeploymentTargets by CloudFormation's own functions: which StackSet gets what, and what is refused."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.stacks.planning import Plan
from localorg.stacks.resources.registry import TYPES
from localorg.stacks.scope import pseudo_parameters
from localorg.stacks.template import parse

TEMPLATE = parse((Path(__file__).parents[3] / "artifacts" / "CentralizedSoftwareDistributor.yaml").read_text())
PATTERN = TEMPLATE.parameters["DeploymentTargets"]["AllowedPattern"]
HUB = "111111111111"
UNITS = ("ou-abcd-11111111", "ou-abcd-1qwert43", "ou-ou12-9ou00000")
ACCOUNTS = ("123456789123", "000000000001", "222222222222")
kinds = st.lists(st.sampled_from(UNITS + ACCOUNTS), min_size=1, max_size=10, unique=True)


def reached(targets: str, parent: str) -> dict[str, dict[str, Any]]:
    """Return {resource: its deployment targets} of the StackSets that the template asks for, and of what refuses."""
    values = {name: str(one.get("Default", "")) for name, one in TEMPLATE.parameters.items()}
    values |= {"DeploymentTargets": targets, "AccountsParentId": parent, "ManagementAccountId": HUB}
    plan = Plan(TEMPLATE, values, pseudo_parameters("aws", HUB, "eu-west-1", "csd", "arn:stack"), TYPES, {})
    names = [name for name in plan.active() if name.startswith(("MemberRoles", "AccountsParentIdIsNeeded"))]
    groups = {name: plan.properties_of(name, {}).get("StackInstancesGroup", [{}])[0] for name in names}
    return {name: group.get("DeploymentTargets", {}) for name, group in groups.items()}


@given(kinds, st.sampled_from([",", ", ", " ,  "]))
def test_every_kind_goes_where_it_belongs(targets: list[str], comma: str) -> None:
    """OU ids into the StackSet that follows its OUs, account ids into the one that reaches them alone; in the order given."""
    text = comma.join(targets)
    assert re.fullmatch(PATTERN, text)
    units = [one for one in targets if one.startswith("ou-")]
    accounts = [one for one in targets if not one.startswith("ou-")]
    wanted: dict[str, Any] = {"MemberRoles": {"OrganizationalUnitIds": units}} if units else {}
    if accounts:
        only = {"OrganizationalUnitIds": ["r-abcd"], "Accounts": accounts, "AccountFilterType": "INTERSECTION"}
        wanted["MemberRolesOfAccounts"] = only
    assert reached(text, "r-abcd") == wanted


@pytest.mark.parametrize("targets", ["123456789123", "ou-abcd-1qwert43, 123456789123"])
def test_accounts_without_what_contains_them_are_refused(targets: str) -> None:
    """Nothing is sent anywhere: one resource is asked for, and its value does not fit its pattern."""
    assert list(reached(targets, "")) == ["AccountsParentIdIsNeeded"]
    guard = TEMPLATE.resources["AccountsParentIdIsNeeded"]["Properties"]
    assert not re.search(guard["AllowedPattern"], guard["Value"])


@pytest.mark.parametrize("count", [11, 40])
def test_one_kind_alone_may_have_any_length(count: int) -> None:
    """Only mixed lists are sorted, so only they have a bound."""
    units = ",".join(f"ou-abcd-{number:08d}" for number in range(count))
    accounts = ",".join(f"{number:012d}" for number in range(1, count))
    assert re.fullmatch(PATTERN, units)
    assert re.fullmatch(PATTERN, accounts)
    assert len(reached(units, "")["MemberRoles"]["OrganizationalUnitIds"]) == count
    assert len(reached(accounts, "r-abcd")["MemberRolesOfAccounts"]["Accounts"]) == count - 1
    assert not re.fullmatch(PATTERN, f"{units},123456789123")


@pytest.mark.parametrize("text", ["", "r-abcd", "ou-abcd-1qwert43,", "1234", "ou-abcd-1qwert43;123456789123", ",123456789123"])
def test_what_is_no_list_of_ids_is_refused_by_the_pattern(text: str) -> None:
    """Documented: CloudFormation user guide, AllowedPattern: the whole of a String must match."""
    assert not re.fullmatch(PATTERN, text)
