"""StackSets: one template in the accounts of the organization, and how it follows them."""

import pytest
from organization.world import ASLEEP, STACKSETS
from stacks.organized import DEEP, HUB, LOWER, NAMED, ONE, OTHER, PARALLEL, REGIONS, ROLE, ROOT, TWO, UPPER, Organized
from stacks.world import role, template

from localorg.kernel.errors import AwsError
from localorg.kernel.store import Store

CURRENT = ("CURRENT", "SUCCEEDED")
AUTO = {"Enabled": True, "RetainStacksOnAccountRemoval": False}


def refused(world, operation, params, account=HUB):
    with pytest.raises(AwsError) as refusal:
        world.call(operation, params, account)
    return refusal.value


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
    with pytest.raises(AwsError, match="You must be the management account or delegated admin"):
        world.make_set(caller=TWO, CallAs="DELEGATED_ADMIN")
    world.ask_organization("RegisterDelegatedAdministrator", AccountId=TWO, ServicePrincipal=STACKSETS)
    world.make_set(caller=TWO, CallAs="DELEGATED_ADMIN")
    found = world.call("DescribeStackSet", {"StackSetName": "set", "CallAs": "DELEGATED_ADMIN"}, TWO)["StackSet"]
    assert found["StackSetARN"].startswith(f"arn:aws:cloudformation:us-east-1:{HUB}:stackset/set:")
    assert world.call("DescribeStackSet", {"StackSetName": "set"})["StackSet"] == found
    assert world.deploy(UPPER)["Status"] == "SUCCEEDED"


def test_self_managed_sets_are_refused_by_name():
    """Assumed: localorg's own rule, what is not supported is named."""
    refusal = refused(Organized(), "CreateStackSet", {"StackSetName": "set", "TemplateBody": ROLE})
    assert refusal.code == "NotImplemented"
    assert "SELF_MANAGED" in refusal.message


def test_a_failure_stops_the_operation_and_cancels_the_rest():
    """Documented: CloudFormation API reference, StackSetOperationPreferences: tolerance 0, one account at a time, per Region."""
    world = Organized()
    world.iam.roles[ONE, "Exec"] = {"policies": {}, "attached": [], "tags": {}}
    world.make_set()
    operation = world.deploy(UPPER, regions=REGIONS)
    assert operation["Status"] == "FAILED"
    assert operation["StatusDetails"] == {"FailedStackInstancesCount": 1}
    statuses = world.results(operation)
    assert statuses[ONE, "us-east-1"] == "FAILED"
    assert {statuses[key] for key in statuses if key != (ONE, "us-east-1")} == {"CANCELLED"}
    summary = world.call(
        "DescribeStackInstance", {"StackSetName": "set", "StackInstanceAccount": ONE, "StackInstanceRegion": "us-east-1"}
    )
    reason = summary["StackInstance"]["StatusReason"]
    assert reason.startswith("ResourceLogicalId:Role, ResourceType:AWS::IAM::Role, ResourceStatusReason:")
    assert "Role with name Exec already exists." in reason


def test_tolerated_failures_do_not_stop_it():
    """Documented: CloudFormation API reference, FailureToleranceCount."""
    world = Organized()
    world.iam.roles[ONE, "Exec"] = {"policies": {}, "attached": [], "tags": {}}
    world.make_set()
    operation = world.deploy(UPPER, OperationPreferences={"FailureToleranceCount": 1})
    assert operation["Status"] == "SUCCEEDED"
    assert world.results(operation)[DEEP, "us-east-1"] == "SUCCEEDED"


def test_a_failed_instance_is_made_anew_by_the_next_operation():
    """Assumed: StackSets clear a stack that never came to be before they try again."""
    world = Organized()
    world.iam.roles[TWO, "Exec"] = {"policies": {}, "attached": [], "tags": {}}
    world.make_set()
    assert world.deploy(OTHER)["Status"] == "FAILED"
    del world.iam.roles[TWO, "Exec"]
    assert world.deploy(OTHER)["Status"] == "SUCCEEDED"
    assert world.instances()[TWO, "us-east-1"] == CURRENT


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


def test_one_operation_at_a_time():
    """Documented: CloudFormation API reference, OperationInProgressException; ManagedExecution queues instead."""
    world = Organized()
    world.make_set()
    params = {"StackSetName": "set", "DeploymentTargets": {"OrganizationalUnitIds": [UPPER]}, "Regions": REGIONS[:1]}
    world.call("CreateStackInstances", params)
    assert refused(world, "CreateStackInstances", params).code == "OperationInProgressException"
    world.run()
    world.call("UpdateStackSet", {"StackSetName": "set", "UsePreviousTemplate": True, "ManagedExecution": {"Active": True}})
    second = world.call("CreateStackInstances", params)["OperationId"]
    shown = world.call("DescribeStackSetOperation", {"StackSetName": "set", "OperationId": second})["StackSetOperation"]
    assert shown["Status"] == "QUEUED"
    assert world.finish(second)["Status"] == "SUCCEEDED"


def test_a_stopped_operation_starts_nothing_new():
    """Documented: CloudFormation API reference, StopStackSetOperation."""
    world = Organized()
    world.make_set()
    params = {"StackSetName": "set", "DeploymentTargets": {"OrganizationalUnitIds": [UPPER]}, "Regions": REGIONS[:1]}
    operation_id = world.call("CreateStackInstances", params)["OperationId"]
    world.call("StopStackSetOperation", {"StackSetName": "set", "OperationId": operation_id})
    assert world.finish(operation_id)["Status"] == "STOPPED"
    assert world.holders() == set()


def test_a_new_account_gets_its_stack_by_itself():
    """Documented: CloudFormation user guide, "Manage automatic deployments": accounts added to a target OU."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(UPPER)
    world.ask_organization("CreateAccount", AccountName="new", Email="new@example.com")
    new = next(name for name in world.organization.accounts() if name not in (HUB, ONE, TWO, DEEP, ASLEEP))
    assert new not in world.holders()
    world.ask_organization("MoveAccount", AccountId=new, SourceParentId=ROOT, DestinationParentId=LOWER)
    assert new in world.holders()


def test_an_account_that_leaves_the_unit_loses_its_stack():
    """Documented: CloudFormation user guide, "Manage automatic deployments": accounts removed from a target OU."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(UPPER)
    world.ask_organization("MoveAccount", AccountId=ONE, SourceParentId=UPPER, DestinationParentId=OTHER)
    assert world.holders() == {DEEP}
    world.ask_organization("MoveAccount", AccountId=ONE, SourceParentId=OTHER, DestinationParentId=LOWER)
    assert world.holders() == {ONE, DEEP}


def test_a_move_between_targets_is_a_deletion_and_a_creation():
    """Documented: CloudFormation user guide: a move deletes the stack of the old OU and makes that of the new one."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(UPPER, OTHER)
    before = world.call("ListStackInstances", {"StackSetName": "set", "StackInstanceAccount": ONE})["Summaries"][0]["StackId"]
    world.ask_organization("MoveAccount", AccountId=ONE, SourceParentId=UPPER, DestinationParentId=OTHER)
    after = world.call("ListStackInstances", {"StackSetName": "set", "StackInstanceAccount": ONE})["Summaries"][0]
    assert after["StackId"] != before
    assert after["OrganizationalUnitId"] == OTHER
    assert ONE in world.holders()


def test_retain_on_removal_and_no_auto_deployment():
    """Documented: CloudFormation API reference, AutoDeployment Enabled and RetainStacksOnAccountRemoval."""
    world = Organized()
    world.make_set(AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": True})
    world.deploy(UPPER)
    world.ask_organization("MoveAccount", AccountId=ONE, SourceParentId=UPPER, DestinationParentId=ROOT)
    assert ONE in world.holders()
    assert (ONE, "us-east-1") not in world.instances()
    still = Organized()
    still.make_set()
    still.deploy(UPPER)
    still.ask_organization("MoveAccount", AccountId=ONE, SourceParentId=UPPER, DestinationParentId=ROOT)
    assert (ONE, "us-east-1") in still.instances()


def test_an_account_that_wakes_gets_what_it_was_spared():
    """Assumed: an account that is ACTIVE again is treated as one that joins."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(UPPER)
    world.organization.set_account_state(ASLEEP, "ACTIVE")
    world.run()
    assert ASLEEP in world.holders()
    assert world.instances()[ASLEEP, "us-east-1"] == CURRENT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DeploymentTargets": {}}, "can only have OrganizationalUnit as target"),
        ({"DeploymentTargets": {"OrganizationalUnitIds": ["ou-abcd-99999999"]}}, "does not exist in the organization"),
        (
            {"DeploymentTargets": {"OrganizationalUnitIds": [UPPER], "Accounts": [ONE]}},
            "AccountFilterType and Accounts go together",
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


SET = {
    "Type": "AWS::CloudFormation::StackSet",
    "Properties": {
        "StackSetName": "set",
        "PermissionModel": "SERVICE_MANAGED",
        "AutoDeployment": {"Enabled": "true", "RetainStacksOnAccountRemoval": False},
        "Capabilities": NAMED,
        "OperationPreferences": {"MaxConcurrentPercentage": 100, "FailureTolerancePercentage": "0"},
        "Parameters": [{"ParameterKey": "Words", "ParameterValue": {"Ref": "Words"}}],
        "StackInstancesGroup": [
            {"DeploymentTargets": {"OrganizationalUnitIds": {"Ref": "Units"}}, "Regions": [{"Ref": "AWS::Region"}]}
        ],
        "TemplateBody": ROLE,
    },
}


def hub(words: str = "hub", **more) -> str:
    parameters = {"Units": {"Type": "CommaDelimitedList"}, "Words": {"Type": "String", "Default": words}}
    return template({"Set": SET, **more}, Parameters=parameters)


def units(*names: str) -> list[dict[str, str]]:
    return [{"ParameterKey": "Units", "ParameterValue": ",".join(names)}]


def test_a_stack_brings_a_set_and_waits_for_it():
    """Documented: CloudFormation template reference, AWS::CloudFormation::StackSet."""
    world = Organized()
    assert world.create(hub(), Parameters=units(UPPER)) == "CREATE_COMPLETE"
    assert world.holders() == {ONE, DEEP}
    assert world.iam.roles[ONE, "Exec"]["Description"] == "hub"
    assert world.update(hub("new"), Parameters=units(LOWER, OTHER)) == "UPDATE_COMPLETE"
    assert world.holders() == {DEEP, TWO}
    assert {world.iam.roles[name, "Exec"]["Description"] for name in (DEEP, TWO)} == {"new"}
    world.delete()
    assert world.holders() == set()


def test_a_set_that_fails_tells_the_instances_reason():
    """Documented: CloudFormation template reference: the resource fails when its operation does. The reason is the member's own."""
    world = Organized()
    world.iam.roles[DEEP, "Exec"] = {"policies": {}, "attached": [], "tags": {}}
    assert world.create(hub(), Parameters=units(UPPER)) == "ROLLBACK_COMPLETE"
    reason = next(words for words in world.reasons() if "Exec already exists" in words)
    assert f"{DEEP} us-east-1: ResourceLogicalId:Role" in reason
    assert world.holders() == {DEEP}
    assert refused(world, "DescribeStackSet", {"StackSetName": "set"}).code == "StackSetNotFoundException"


def test_a_restart_in_the_middle_goes_on(tmp_path):
    """Assumed: localorg's own promise, what is in flight survives the server."""
    store = Store(tmp_path / "rows.sqlite")
    world = Organized(store)
    body = hub(Second={**role(RoleName="second"), "DependsOn": "Set"})
    world.call("CreateStack", {"StackName": "one", "TemplateBody": body, "Capabilities": NAMED, "Parameters": units(UPPER)})
    world.run(0.5)
    assert world.status() == "CREATE_IN_PROGRESS"
    store.close()
    again = Organized(Store(tmp_path / "rows.sqlite"), iam=world.iam, ssm=world.ssm, start=world.kernel.now())
    again.stacks.resume()
    again.run()
    assert again.status() == "CREATE_COMPLETE"
    assert again.holders() == {ONE, DEEP}
    again.delete()
    assert again.holders() == set()
