"""StackSets: instances in the accounts of units, made, changed, taken away."""

import pytest
from stacks.organized import CURRENT, DEEP, HUB, LOWER, NAMED, ONE, OTHER, PARALLEL, REGIONS, ROOT, TWO, UPPER, Organized, refused

from localorg.kernel.errors import AwsError


def test_an_update_of_the_set_reaches_every_instance():
    """Documented: CloudFormation API reference, UpdateStackSet."""
    world = Organized()
    world.make_set()
    world.deploy(UPPER)
    update = {"StackSetName": "set", "UsePreviousTemplate": True, "Capabilities": NAMED}
    update["Parameters"] = [{"ParameterKey": "Words", "ParameterValue": "v2"}]
    operation = world.finish(world.call("UpdateStackSet", {**update, "OperationPreferences": PARALLEL})["OperationId"])
    assert (operation["Action"], operation["Status"]) == ("UPDATE", "SUCCEEDED")
    assert {world.iam.roles[name, "Exec"]["Description"] for name in (ONE, DEEP)} == {"v2"}


def test_overrides_of_instances():
    """Documented: CloudFormation API reference, UpdateStackInstances ParameterOverrides."""
    world = Organized()
    world.make_set()
    world.deploy(UPPER)
    overrides = [{"ParameterKey": "Words", "ParameterValue": "mine"}]
    world.deploy(LOWER, operation="UpdateStackInstances", ParameterOverrides=overrides)
    assert world.iam.roles[DEEP, "Exec"]["Description"] == "mine"
    assert world.iam.roles[ONE, "Exec"]["Description"] == "v1"
    bad = [{"ParameterKey": "Unknown", "ParameterValue": "mine"}]
    params = {"StackSetName": "set", "DeploymentTargets": {"OrganizationalUnitIds": [LOWER]}, "Regions": REGIONS[:1]}
    assert "[Unknown] do not exist" in refused(world, "UpdateStackInstances", {**params, "ParameterOverrides": bad}).message


def test_instances_are_deleted_before_the_set():
    """Documented: CloudFormation API reference, DeleteStackInstances and StackSetNotEmptyException."""
    world = Organized()
    world.make_set()
    world.deploy(UPPER, OperationPreferences=PARALLEL)
    assert refused(world, "DeleteStackSet", {"StackSetName": "set"}).code == "StackSetNotEmptyException"
    assert world.deploy(UPPER, operation="DeleteStackInstances", RetainStacks=False)["Status"] == "SUCCEEDED"
    assert world.holders() == set()
    assert world.instances() == {}
    world.call("DeleteStackSet", {"StackSetName": "set"})
    assert refused(world, "DescribeStackSet", {"StackSetName": "set"}).code == "StackSetNotFoundException"


def test_retained_stacks_stay():
    """Documented: CloudFormation API reference, DeleteStackInstances RetainStacks."""
    world = Organized()
    world.make_set()
    world.deploy(OTHER)
    world.deploy(OTHER, operation="DeleteStackInstances", RetainStacks=True)
    assert world.holders() == {TWO}
    assert world.instances() == {}


@pytest.mark.parametrize(
    ("kind", "accounts", "reached"),
    [("INTERSECTION", [ONE], {ONE}), ("DIFFERENCE", [ONE], {DEEP}), ("NONE", None, {ONE, DEEP})],
)
def test_account_filters(kind, accounts, reached):
    """Documented: CloudFormation API reference, DeploymentTargets AccountFilterType."""
    world = Organized()
    world.make_set()
    targets = {"OrganizationalUnitIds": [UPPER], "AccountFilterType": kind, **({"Accounts": accounts} if accounts else {})}
    world.deploy(DeploymentTargets=targets)
    assert world.holders() == reached


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DeploymentTargets": {}}, "can only have OrganizationalUnit as target"),
        ({"DeploymentTargets": {"OrganizationalUnitIds": ["ou-abcd-99999999"]}}, "does not exist in the organization"),
        (
            {"DeploymentTargets": {"OrganizationalUnitIds": [UPPER], "Accounts": [ONE]}},
            "AccountFilterType should be specified when both OrganizationalUnitIds and Accounts are provided",
        ),
        ({"Regions": ["mars-north-1"]}, "are not in this organization"),
        ({"OperationPreferences": {"MaxConcurrentCount": 1, "MaxConcurrentPercentage": 1}}, "Cannot specify both"),
        ({"OperationPreferences": {"RegionOrder": ["eu-west-1"]}}, "RegionOrder names Regions"),
    ],
)
def test_bad_targets_are_refused(change, words):
    """Documented: CloudFormation API reference, DeploymentTargets and StackSetOperationPreferences."""
    world = Organized()
    world.make_set()
    params = {"StackSetName": "set", "DeploymentTargets": {"OrganizationalUnitIds": [UPPER]}, "Regions": REGIONS[:1], **change}
    assert words in refused(world, "CreateStackInstances", params).message


def test_a_unit_of_nobody_is_deployed_to_and_a_filter_takes_no_strangers():
    """Documented: CloudFormation API reference, DeploymentTargets: INTERSECTION means accounts of these units alone."""
    world = Organized()
    world.make_set()
    targets = {"OrganizationalUnitIds": [UPPER], "AccountFilterType": "INTERSECTION", "Accounts": [TWO, HUB]}
    assert world.deploy(DeploymentTargets=targets)["Status"] == "SUCCEEDED"
    assert world.instances() == {}


def test_a_union_reaches_accounts_elsewhere():
    """Documented: CloudFormation API reference, AccountFilterType UNION: the default of updates and deletions, never of creations."""
    world = Organized()
    world.make_set()
    world.deploy(ROOT)
    union = {"OrganizationalUnitIds": [LOWER], "Accounts": [TWO]}
    overrides = [{"ParameterKey": "Words", "ParameterValue": "mine"}]
    world.deploy(operation="UpdateStackInstances", DeploymentTargets=union, ParameterOverrides=overrides)
    assert {name for name in world.holders() if world.iam.roles[name, "Exec"]["Description"] == "mine"} == {DEEP, TWO}
    world.deploy(operation="DeleteStackInstances", DeploymentTargets=union, RetainStacks=False)
    assert world.holders() == {ONE}
    bad = {"StackSetName": "set", "DeploymentTargets": {**union, "AccountFilterType": "UNION"}, "Regions": REGIONS}
    assert "UNION is not supported for create" in refused(world, "CreateStackInstances", bad).message


def test_overrides_are_kept_dropped_and_given_back():
    """Documented: CloudFormation API reference, UpdateStackInstances ParameterOverrides: a value, UsePreviousValue, left out."""
    world = Organized()
    world.make_set()
    world.deploy(LOWER, ParameterOverrides=[{"ParameterKey": "Words", "ParameterValue": "mine"}])
    change = {"StackSetName": "set", "UsePreviousTemplate": True, "Capabilities": NAMED}
    world.finish(
        world.call("UpdateStackSet", {**change, "Parameters": [{"ParameterKey": "Words", "ParameterValue": "v2"}]})["OperationId"]
    )
    assert world.iam.roles[DEEP, "Exec"]["Description"] == "mine"
    world.deploy(
        LOWER, operation="UpdateStackInstances", ParameterOverrides=[{"ParameterKey": "Words", "UsePreviousValue": True}]
    )
    assert world.instance(DEEP)["ParameterOverrides"] == [{"ParameterKey": "Words", "ParameterValue": "mine"}]
    world.deploy(LOWER, operation="UpdateStackInstances", ParameterOverrides=[])
    assert world.iam.roles[DEEP, "Exec"]["Description"] == "v2"


def test_a_stack_deleted_by_hand_fails_the_update_and_is_made_anew_by_a_creation():
    """Assumed: an update fails where the stack is gone; CreateStackInstances brings it back."""
    world = Organized()
    world.make_set()
    world.deploy(OTHER)
    world.call("DeleteStack", {"StackName": world.instance(TWO)["StackId"]}, TWO)
    world.run()
    assert world.instances()[TWO, "us-east-1"] == CURRENT
    update = {
        "StackSetName": "set",
        "UsePreviousTemplate": True,
        "Parameters": [{"ParameterKey": "Words", "ParameterValue": "v2"}],
    }
    assert world.finish(world.call("UpdateStackSet", update)["OperationId"])["Status"] == "FAILED"
    assert world.instances()[TWO, "us-east-1"] == ("OUTDATED", "FAILED")
    assert "does not exist" in world.instance(TWO)["StatusReason"]
    assert world.deploy(OTHER)["Status"] == "SUCCEEDED"
    assert world.instances()[TWO, "us-east-1"] == CURRENT
    assert world.holders() == {TWO}


def test_a_failed_deletion_leaves_an_inoperable_instance():
    """Documented: CloudFormation API reference, StackInstance Status INOPERABLE: no update of the set touches it, retaining removes it."""
    world = Organized()
    world.make_set()
    world.deploy(OTHER)
    world.iam.refused["DeleteRole"] = AwsError("AccessDenied", "not this one")
    assert world.deploy(OTHER, operation="DeleteStackInstances", RetainStacks=False)["Status"] == "FAILED"
    assert world.instances()[TWO, "us-east-1"] == ("INOPERABLE", "INOPERABLE")
    update = world.finish(world.call("UpdateStackSet", {"StackSetName": "set", "UsePreviousTemplate": True})["OperationId"])
    assert world.results(update) == {}
    world.deploy(OTHER, operation="DeleteStackInstances", RetainStacks=True)
    assert world.instances() == {}


def test_a_suspended_account_keeps_its_instance_unless_stacks_are_retained():
    """Assumed: a deletion skips a suspended account as other operations do; what was never made there goes."""
    world = Organized()
    world.make_set()
    world.deploy(UPPER)
    world.organization.set_account_state(ONE, "SUSPENDED")
    assert world.deploy(UPPER, operation="DeleteStackInstances", RetainStacks=False)["Status"] == "SUCCEEDED"
    assert world.instances() == {(ONE, "us-east-1"): ("OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT")}
    assert world.instance(ONE)["StatusReason"] == "ACCOUNT_SUSPENDED"
    world.deploy(UPPER, operation="DeleteStackInstances", RetainStacks=True)
    assert world.instances() == {}
