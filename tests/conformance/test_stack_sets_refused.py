"""CloudFormation StackSets: what is refused, trusted access, and sets with self-managed permissions."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.target import Account

BODY = json.dumps({"Resources": {"Words": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}}})
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
SERVICE = {"PermissionModel": "SERVICE_MANAGED", "AutoDeployment": {"Enabled": False}}
ROOT = "r-abcd"
Make = Callable[..., str]


@pytest.fixture
def make(hub: Account, unique: Callable[[str], str]) -> Iterator[Make]:
    """Make empty sets that are gone afterwards."""
    api, made = hub.client("cloudformation"), []

    def create(**params: Any) -> str:
        name = unique("set")
        api.create_stack_set(**{"StackSetName": name, "TemplateBody": BODY, **params})
        made.append(name)
        return name

    yield create
    for name in made:
        api.delete_stack_set(StackSetName=name)


@documented("API CreateStackSet, StackSetName")
@pytest.mark.parametrize("name", ["1st", "with space", "under_score", "-x"])
def test_names_begin_with_a_letter(make: Make, name: str) -> None:
    """A stack set's name is a letter, then letters, digits and hyphens."""
    with refused("ValidationError", "stackSetName"):
        make(StackSetName=name)


@documented("API CreateStackSet, Capabilities")
def test_iam_takes_a_capability(make: Make) -> None:
    """A set whose template makes IAM roles is refused without CAPABILITY_IAM."""
    with refused("InsufficientCapabilitiesException", "CAPABILITY_IAM"):
        make(TemplateBody=json.dumps({"Resources": {"Role": ROLE}}), **SERVICE)


@documented("API AutoDeployment, RetainStacksOnAccountRemoval: only if Enabled is true")
def test_retaining_takes_auto_deployment(make: Make) -> None:
    """RetainStacksOnAccountRemoval is refused when auto-deployment is off."""
    with refused("ValidationError"):
        make(PermissionModel="SERVICE_MANAGED", AutoDeployment={"Enabled": False, "RetainStacksOnAccountRemoval": True})


@documented("API CreateStackSet, AutoDeployment: required if the permission model is SERVICE_MANAGED")
def test_service_managed_sets_say_whether_they_follow(make: Make) -> None:
    """A service-managed set without AutoDeployment is refused."""
    with refused("ValidationError", "AutoDeployment"):
        make(PermissionModel="SERVICE_MANAGED")


@documented("API CreateStackSet, AutoDeployment: not used with self-managed permissions")
def test_self_managed_sets_follow_no_organization(make: Make) -> None:
    """AutoDeployment is refused for a self-managed set."""
    with refused("ValidationError"):
        make(AutoDeployment={"Enabled": True})


@documented("API CreateStackSet, AdministrationRoleARN: valid only if the permissions model is SELF_MANAGED")
def test_service_managed_sets_take_no_roles(make: Make) -> None:
    """ExecutionRoleName is refused for a service-managed set."""
    with refused("ValidationError"):
        make(ExecutionRoleName="mine", **SERVICE)


@observed("getmoto/moto, as recorded from AWS")
def test_service_managed_sets_take_no_plain_accounts(hub: Account, member: Account, make: Make) -> None:
    """CreateStackInstances of a service-managed set refuses Accounts."""
    with refused("ValidationError", "StackSets with SERVICE_MANAGED permission model can only have OrganizationalUnit as target"):
        hub.client("cloudformation").create_stack_instances(
            StackSetName=make(**SERVICE), Accounts=[member.id], Regions=[hub.region]
        )


@observed("getmoto/moto, as recorded from AWS")
def test_self_managed_sets_take_no_units(hub: Account, make: Make) -> None:
    """CreateStackInstances of a self-managed set refuses organizational units."""
    targets = {"OrganizationalUnitIds": [ROOT]}
    with refused("ValidationError", "StackSets with SELF_MANAGED permission model can only have accounts as target"):
        hub.client("cloudformation").create_stack_instances(StackSetName=make(), DeploymentTargets=targets, Regions=[hub.region])


@documented("API DeploymentTargets, AccountFilterType")
@pytest.mark.parametrize("kind", [None, "UNION"])
def test_creations_name_their_filter(hub: Account, member: Account, make: Make, kind: str | None) -> None:
    """Accounts beside units need an AccountFilterType, and creations take no UNION."""
    targets = {"OrganizationalUnitIds": [ROOT], "Accounts": [member.id], **({"AccountFilterType": kind} if kind else {})}
    with refused("ValidationError"):
        hub.client("cloudformation").create_stack_instances(
            StackSetName=make(**SERVICE), DeploymentTargets=targets, Regions=[hub.region]
        )


@documented("API CreateStackInstances: at most 50 organizational units")
def test_fifty_one_units_are_refused(hub: Account, make: Make) -> None:
    """An operation takes at most 50 organizational units."""
    units = [f"ou-abcd-{number:08d}" for number in range(51)]
    with refused("ValidationError"):
        hub.client("cloudformation").create_stack_instances(
            StackSetName=make(**SERVICE), DeploymentTargets={"OrganizationalUnitIds": units}, Regions=[hub.region]
        )


@documented("API StackSetOperationPreferences: count or percentage, but not both")
@pytest.mark.parametrize("stem", ["FailureTolerance", "MaxConcurrent"])
def test_a_count_or_a_percentage(hub: Account, make: Make, stem: str) -> None:
    """Operation preferences give a count or a percentage."""
    both = {f"{stem}Count": 1, f"{stem}Percentage": 10}
    with refused("ValidationError"):
        hub.client("cloudformation").update_stack_set(
            StackSetName=make(**SERVICE), UsePreviousTemplate=True, OperationPreferences=both
        )


@documented("API StackSet operations, StackSetNotFoundException")
@pytest.mark.parametrize("operation", ["describe_stack_set", "list_stack_instances", "list_stack_set_operations"])
def test_a_set_that_is_not_there(hub: Account, unique: Callable[[str], str], operation: str) -> None:
    """What is asked of a set that does not exist is refused with StackSetNotFoundException."""
    with refused("StackSetNotFoundException"):
        getattr(hub.client("cloudformation"), operation)(StackSetName=unique("none"))


@documented("API DescribeOrganizationsAccess")
def test_trusted_access_is_told(hub: Account) -> None:
    """DescribeOrganizationsAccess says ENABLED where the organization trusts StackSets."""
    assert hub.client("cloudformation").describe_organizations_access()["Status"] == "ENABLED"


@documented("CloudFormation user guide, service-managed permissions: the management account or a delegated administrator")
def test_a_member_makes_no_service_managed_set(member: Account, unique: Callable[[str], str]) -> None:
    """A member account makes no service-managed set as itself."""
    with refused("ValidationError", "You must be the management account or delegated admin"):
        member.client("cloudformation").create_stack_set(StackSetName=unique("set"), TemplateBody=BODY, **SERVICE)


@observed("hashicorp/terraform-provider-aws issue 32536")
def test_a_member_is_no_delegate_by_itself(member: Account) -> None:
    """CallAs DELEGATED_ADMIN is refused to an account that is not registered."""
    with refused("ValidationError", "Account used is not a delegated administrator"):
        member.client("cloudformation").list_stack_sets(CallAs="DELEGATED_ADMIN")


@documented("API StackSet, PermissionModel; DeploymentTargets")
def test_a_self_managed_set_has_default_roles(hub: Account, make: Make) -> None:
    """A self-managed set has the two default roles, and neither units nor auto-deployment."""
    found = hub.client("cloudformation").describe_stack_set(StackSetName=make())["StackSet"]
    assert found["PermissionModel"] == "SELF_MANAGED"
    assert found["AdministrationRoleARN"].endswith(f"::{hub.id}:role/AWSCloudFormationStackSetAdministrationRole")
    assert found["ExecutionRoleName"] == "AWSCloudFormationStackSetExecutionRole"
    assert "AutoDeployment" not in found
    assert "OrganizationalUnitIds" not in found


@observed("LocalStack's and Ansible's records of AWS: the sentence of an instance whose administration role is missing")
def test_a_missing_role_fails_the_instance(hub: Account, member: Account, make: Make, unique: Callable[[str], str]) -> None:
    """Without the administration role an instance fails, is OUTDATED and says which role should be there."""
    api, missing = hub.client("cloudformation"), unique("role")
    admin = f"arn:{hub.partition}:iam::{hub.id}:role/{missing}"
    name = make(AdministrationRoleARN=admin, ExecutionRoleName=unique("exec"))
    where = {"StackSetName": name, "Accounts": [member.id], "Regions": [hub.region]}
    first = api.create_stack_instances(**where)["OperationId"]
    eventually(
        lambda: api.describe_stack_set_operation(StackSetName=name, OperationId=first)["StackSetOperation"]["Status"],
        lambda status: status == "FAILED",
        120,
    )
    row = api.list_stack_instances(StackSetName=name)["Summaries"][0]
    assert (row["Status"], row["StackInstanceStatus"]["DetailedStatus"]) == ("OUTDATED", "FAILED")
    assert (
        row["StatusReason"] == f"Account {hub.id} should have '{missing}' role with trust relationship to CloudFormation service."
    )
    second = api.delete_stack_instances(**where, RetainStacks=True)["OperationId"]
    eventually(
        lambda: api.describe_stack_set_operation(StackSetName=name, OperationId=second)["StackSetOperation"]["Status"],
        lambda status: status == "SUCCEEDED",
        120,
    )


@assumed("the API reference has no StackSetNotFoundException for DeleteStackSet")
def test_deleting_what_is_not_there_succeeds(hub: Account, unique: Callable[[str], str]) -> None:
    """DeleteStackSet of a set that does not exist succeeds."""
    hub.client("cloudformation").delete_stack_set(StackSetName=unique("none"))
