"""StackSets: sets, who may work on them, and what they say of themselves."""

from dataclasses import replace

import pytest
from stacks.organized import (
    ASLEEP,
    CURRENT,
    DEEP,
    HUB,
    NAMED,
    ONE,
    OTHER,
    REGIONS,
    ROLE,
    ROOT,
    STACKSETS,
    TAKEN,
    TWO,
    UPPER,
    Organized,
    refused,
)
from stacks.world import role, template

from localorg.kernel.errors import AwsError

GIVEN = {"StackSetName": "set", "TemplateBody": ROLE, "PermissionModel": "SERVICE_MANAGED", "Capabilities": NAMED}
OFF = {"AutoDeployment": {"Enabled": False}}


def test_instances_reach_every_account_under_a_unit():
    """Documented: CloudFormation user guide, StackSets with Organizations: child OUs included, suspended accounts skipped."""
    world = Organized()
    world.make_set()
    operation = world.deploy(UPPER)
    assert operation["Status"] == "SUCCEEDED"
    assert world.instances() == {
        (ONE, "us-east-1"): CURRENT,
        (ASLEEP, "us-east-1"): ("OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT"),
        (DEEP, "us-east-1"): CURRENT,
    }
    assert world.holders() == {ONE, DEEP}
    assert world.iam.roles[ONE, "Exec"]["by"] == f"arn:aws:sts::{ONE}:assumed-role/{STACKSETS}/x"


def test_the_management_account_is_never_a_target():
    """Documented: CloudFormation user guide: StackSets does not deploy stacks to the organization's management account."""
    world = Organized()
    world.make_set()
    world.deploy(ROOT)
    assert world.holders() == {ONE, TWO, DEEP}


def test_a_stack_in_a_member_is_called_after_the_set():
    """Documented: CloudFormation user guide, stacks of a set are named StackSet-NAME-UUID."""
    world = Organized()
    world.make_set()
    world.deploy(OTHER)
    stacks = world.call("DescribeStacks", account=TWO)["Stacks"]
    assert [stack["StackName"].rsplit("-", 5)[0] for stack in stacks] == ["StackSet-set"]


def test_trusted_access_comes_first():
    """Documented: CloudFormation user guide, "Activate trusted access for StackSets"; the sentence is CloudFormation's."""
    world = Organized()
    world.ask_organization("DisableAWSServiceAccess", ServicePrincipal=STACKSETS)
    with pytest.raises(AwsError, match="You must enable organizations access to operate a service managed stack set"):
        world.make_set()


def test_a_member_may_not_unless_it_is_a_delegate():
    """Documented: CloudFormation user guide, "Register a delegated administrator": the set lives in the management account."""
    world = Organized()
    with pytest.raises(AwsError, match="You must be the management account or delegated admin"):
        world.make_set(caller=TWO)
    with pytest.raises(AwsError, match="Account used is not a delegated administrator"):
        world.make_set(caller=TWO, CallAs="DELEGATED_ADMIN")
    world.ask_organization("RegisterDelegatedAdministrator", AccountId=TWO, ServicePrincipal=STACKSETS)
    world.make_set(caller=TWO, CallAs="DELEGATED_ADMIN")
    found = world.call("DescribeStackSet", {"StackSetName": "set", "CallAs": "DELEGATED_ADMIN"}, TWO)["StackSet"]
    assert found["StackSetARN"].startswith(f"arn:aws:cloudformation:us-east-1:{HUB}:stackset/set:")
    assert world.call("DescribeStackSet", {"StackSetName": "set"})["StackSet"] == found
    assert world.deploy(UPPER)["Status"] == "SUCCEEDED"


def test_a_failed_instance_is_made_anew_by_the_next_operation():
    """Assumed: StackSets clear a stack that never came to be before they try again."""
    world = Organized()
    world.iam.roles[TWO, "Exec"] = dict(TAKEN)
    world.make_set()
    assert world.deploy(OTHER)["Status"] == "FAILED"
    del world.iam.roles[TWO, "Exec"]
    assert world.deploy(OTHER)["Status"] == "SUCCEEDED"
    assert world.instances()[TWO, "us-east-1"] == CURRENT


def test_a_set_tells_what_it_is_made_of():
    """Documented: CloudFormation API reference, StackSet. Observed: service-managed sets name the roles that StackSets made."""
    world = Organized()
    stack_set_id = world.make_set(Tags=[{"Key": "team", "Value": "blue"}], Description="all about roles")
    world.deploy(UPPER, regions=REGIONS[1:])
    found = world.call("DescribeStackSet", {"StackSetName": stack_set_id})["StackSet"]
    assert found["AdministrationRoleARN"].startswith(f"arn:aws:iam::{HUB}:role/aws-service-role/stacksets.cloudformation")
    assert found["ExecutionRoleName"] == "stacksets-exec"
    assert (found["OrganizationalUnitIds"], found["Regions"]) == ([UPPER], REGIONS[1:])
    assert (found["PermissionModel"], found["AutoDeployment"]) == ("SERVICE_MANAGED", {"Enabled": False})
    assert found["StackSetDriftDetectionDetails"]["DriftStatus"] == "NOT_CHECKED"
    assert found["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert world.iam.roles[ONE, "Exec"]["tags"]["team"] == "blue"


def test_a_deleted_set_is_read_by_its_id():
    """Documented: CloudFormation API reference, StackSet Status DELETED, and ListStackSets Status."""
    world = Organized()
    stack_set_id = world.make_set()
    world.call("DeleteStackSet", {"StackSetName": "set"})
    assert world.call("DescribeStackSet", {"StackSetName": stack_set_id})["StackSet"]["Status"] == "DELETED"
    assert world.call("ListStackInstances", {"StackSetName": stack_set_id})["Summaries"] == []
    assert refused(world, "UpdateStackSet", {"StackSetName": stack_set_id, "UsePreviousTemplate": True}).code.startswith(
        "StackSetN"
    )
    assert world.call("ListStackSets", {"Status": "ACTIVE"})["Summaries"] == []
    assert [row["StackSetId"] for row in world.call("ListStackSets", {"Status": "DELETED"})["Summaries"]] == [stack_set_id]
    assert world.make_set() != stack_set_id


def test_a_creation_may_be_asked_for_twice():
    """Documented: CloudFormation API reference, CreateStackSet ClientRequestToken, NameAlreadyExists, CreatedButModified."""
    world = Organized()
    stack_set_id = world.make_set(ClientRequestToken="once")
    assert world.make_set(ClientRequestToken="once") == stack_set_id
    with pytest.raises(AwsError, match="NameAlreadyExistsException"):
        world.make_set(ClientRequestToken="again")
    world.call("UpdateStackSet", {"StackSetName": "set", "UsePreviousTemplate": True})
    with pytest.raises(AwsError, match="CreatedButModifiedException"):
        world.make_set(ClientRequestToken="once")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"StackSetName": "1set"}, "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"),
        ({"StackSetName": "s" * 129}, "Member must have length less than or equal to 128"),
        ({"StackId": "arn:aws:cloudformation:us-east-1:111111111111:stack/x/1"}, "does not support the parameter StackId"),
        ({"AutoDeployment": {"Enabled": False, "RetainStacksOnAccountRemoval": True}}, "when AutoDeployment is enabled"),
        ({"ExecutionRoleName": "mine"}, "ExecutionRoleName: valid only for stack sets with the SELF_MANAGED permission model"),
        ({"Capabilities": []}, "Requires capabilities : [CAPABILITY_NAMED_IAM]"),
        (
            {"PermissionModel": "SELF_MANAGED"},
            "AutoDeployment is for stack sets with the SERVICE_MANAGED",
        ),
        ({"AutoDeployment": {"Enabled": True, "DependsOn": ["arn:aws:x"]}}, "is no ARN of a stack set in this account"),
    ],
)
def test_sets_that_cannot_be_are_refused(change, words):
    """Documented: CloudFormation API reference, CreateStackSet, one row per member that contradicts itself."""
    world = Organized()
    assert words in refused(world, "CreateStackSet", {**GIVEN, **OFF, **change}).message


def test_a_service_managed_set_says_whether_it_follows():
    """Documented: CloudFormation API reference, CreateStackSet AutoDeployment: required if SERVICE_MANAGED."""
    assert "AutoDeployment is required" in refused(Organized(), "CreateStackSet", GIVEN).message


def test_service_managed_sets_take_no_transforms():
    """Documented: CloudFormation API reference, CreateStackSet Capabilities: no macros, transforms are macros."""
    world = Organized()
    body = template({"Role": role()}, Transform="AWS::Include")
    with pytest.raises(AwsError, match="[Tt]ransform"):
        world.make_set(body)


@pytest.mark.parametrize(("reading", "status"), [("activated", "DISABLED"), ("enabled", "ENABLED")])
def test_trusted_access_of_organizations_alone(reading, status):
    """Observed: pepperize/cdk-organizations issue 1718: sets are refused though Organizations was told to trust StackSets."""
    world = Organized()
    world.kernel.settings = replace(world.kernel.settings, readings={"stacksets-trust": reading})
    world.call("DeactivateOrganizationsAccess")
    world.ask_organization("EnableAWSServiceAccess", ServicePrincipal=STACKSETS)
    assert world.call("DescribeOrganizationsAccess") == {"Status": status}
    if reading == "activated":
        words = "You must enable organizations access to operate a service managed stack set"
        assert refused(world, "CreateStackSet", {**GIVEN, **OFF}).message == words
    world.call("ActivateOrganizationsAccess")
    world.make_set()


def test_trusted_access_is_switched():
    """Documented: CloudFormation API reference, ActivateOrganizationsAccess and DescribeOrganizationsAccess."""
    world = Organized()
    assert world.call("DescribeOrganizationsAccess") == {"Status": "ENABLED"}
    world.call("DeactivateOrganizationsAccess")
    assert world.call("DescribeOrganizationsAccess") == {"Status": "DISABLED"}
    world.call("ActivateOrganizationsAccess")
    world.ask_organization("RegisterDelegatedAdministrator", AccountId=TWO, ServicePrincipal=STACKSETS)
    assert world.call("DescribeOrganizationsAccess", {"CallAs": "DELEGATED_ADMIN"}, TWO) == {"Status": "ENABLED"}
    assert refused(world, "DeactivateOrganizationsAccess", {}).code == "InvalidOperationException"
    assert refused(world, "ActivateOrganizationsAccess", {}, ONE).code == "InvalidOperationException"


def test_delegates_see_service_managed_sets_only():
    """Documented: CloudFormation API reference, ListStackSets: with CallAs DELEGATED_ADMIN those with service-managed permissions."""
    world = Organized()
    world.ask_organization("RegisterDelegatedAdministrator", AccountId=TWO, ServicePrincipal=STACKSETS)
    world.make_set()
    world.call("CreateStackSet", {"StackSetName": "mine", "TemplateBody": ROLE, "Capabilities": NAMED})
    delegate = {"CallAs": "DELEGATED_ADMIN"}
    assert [row["StackSetName"] for row in world.call("ListStackSets", delegate, TWO)["Summaries"]] == ["set"]
    assert len(world.call("ListStackSets")["Summaries"]) == 2
    assert world.call("ListStackSets", {}, TWO)["Summaries"] == []
    assert refused(world, "DescribeStackSet", {"StackSetName": "mine", **delegate}, TWO).code == "StackSetNotFoundException"
