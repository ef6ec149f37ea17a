"""AWS::CloudFormation::StackSet: a stack brings a set and waits for it."""

import pytest
from stacks.organized import DEEP, LOWER, NAMED, ONE, OTHER, REGIONS, ROLE, TAKEN, TWO, UPPER, Organized, refused
from stacks.world import role, template

from localorg.kernel.store import Store

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
    """Observed: source of the resource type: it fails when its operation does, with the reasons of its instances."""
    world = Organized()
    world.iam.roles[DEEP, "Exec"] = dict(TAKEN)
    assert world.create(hub(), Parameters=units(UPPER)) == "ROLLBACK_COMPLETE"
    reason = next(words for words in world.reasons() if "Exec already exists" in words)
    assert "was unexpectedly stopped or failed. status reason(s): [ResourceLogicalId:Role, ResourceType:AWS::IAM::Role" in reason
    assert world.holders() == {DEEP}
    assert refused(world, "DescribeStackSet", {"StackSetName": "set"}).code == "StackSetNotFoundException"


def test_a_unit_that_does_not_exist_is_rolled_back():
    """Observed: source of the resource type: old units go before new ones come; so the way back makes the old instances again."""
    world = Organized()
    world.create(hub(), Parameters=units(UPPER))
    assert world.update(hub("new"), Parameters=units(LOWER, "ou-abcd-99999999")) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("ou-abcd-99999999 does not exist in the organization" in words for words in world.reasons())
    assert world.holders() == {ONE, DEEP}
    assert world.iam.roles[ONE, "Exec"]["Description"] == "hub"
    targets = world.call("ListStackSetAutoDeploymentTargets", {"StackSetName": "set"})["Summaries"]
    assert targets == [{"OrganizationalUnitId": UPPER, "Regions": ["us-east-1"]}]
    world.delete()
    assert world.holders() == set()


def test_a_creation_for_a_unit_that_does_not_exist_leaves_nothing():
    """Observed: source of the resource type: the set is there when the instances fail, and is deleted with the resource."""
    world = Organized()
    assert world.create(hub(), Parameters=units(UPPER, "ou-abcd-99999999")) == "ROLLBACK_COMPLETE"
    assert world.holders() == set()
    assert refused(world, "DescribeStackSet", {"StackSetName": "set"}).code == "StackSetNotFoundException"


def with_set(**properties) -> str:
    return template({"Set": {**SET, "Properties": {**SET["Properties"], "Parameters": [], **properties}}})


def group(kind: str, *accounts: str, regions: list[str] | None = None, **more) -> dict[str, object]:
    targets = {"OrganizationalUnitIds": [UPPER], "AccountFilterType": kind, **({"Accounts": list(accounts)} if accounts else {})}
    return {"DeploymentTargets": targets, "Regions": regions or REGIONS[:1], **more}


def kept(world: Organized) -> dict[str, str]:
    rows = world.call("ListStackInstances", {"StackSetName": "set"})["Summaries"]
    return {row["Account"]: row["StackId"] for row in rows if "StackId" in row}


@pytest.mark.parametrize(
    ("before", "after", "reached", "untouched"),
    [
        (group("INTERSECTION", ONE), group("INTERSECTION", ONE, DEEP), {ONE, DEEP}, {ONE}),
        (group("INTERSECTION", ONE, DEEP), group("INTERSECTION", DEEP), {DEEP}, {DEEP}),
        (group("INTERSECTION", ONE), group("NONE"), {ONE, DEEP}, {ONE}),
        (group("NONE"), group("DIFFERENCE", ONE), {DEEP}, {DEEP}),
        (group("DIFFERENCE", ONE), group("DIFFERENCE", DEEP), {ONE}, set()),
        (group("DIFFERENCE", ONE), group("INTERSECTION", ONE, DEEP), {ONE, DEEP}, {DEEP}),
        (group("INTERSECTION", ONE, DEEP), group("DIFFERENCE", DEEP), {ONE}, {ONE}),
    ],
)
def test_a_changed_filter_touches_only_what_changes(before, after, reached, untouched):
    """Observed: source of the resource type, AltStackInstancesCalculator: one row per pair of filters."""
    world = Organized()
    assert world.create(with_set(StackInstancesGroup=[before])) == "CREATE_COMPLETE"
    first = kept(world)
    assert world.update(with_set(StackInstancesGroup=[after])) == "UPDATE_COMPLETE"
    assert world.holders() == reached
    second = kept(world)
    assert {account for account in first if second.get(account) == first[account]} == untouched
    assert world.update(with_set(StackInstancesGroup=[before], Description="back")) == "UPDATE_COMPLETE"
    assert world.holders() == set(first)


def test_overrides_of_a_group_are_changed_and_taken_back():
    """Documented: CloudFormation template reference, StackInstances ParameterOverrides."""
    world = Organized()
    mine = [{"ParameterKey": "Words", "ParameterValue": "mine"}]
    world.create(with_set(StackInstancesGroup=[group("NONE")]))
    stacks = kept(world)
    world.update(with_set(StackInstancesGroup=[group("NONE", ParameterOverrides=mine)]))
    assert world.iam.roles[DEEP, "Exec"]["Description"] == "mine"
    world.update(with_set(StackInstancesGroup=[group("NONE")]))
    assert world.iam.roles[DEEP, "Exec"]["Description"] == "v1"
    assert kept(world) == stacks


def test_managed_execution_is_switched_by_itself():
    """Observed: source of the resource type: it has an update of its own before all others."""
    world = Organized()
    world.create(with_set(StackInstancesGroup=[group("NONE")]))
    other = {"ManagedExecution": {"Active": "true"}, "Description": "other", "StackInstancesGroup": [group("NONE")]}
    assert world.update(with_set(**other)) == "UPDATE_COMPLETE"
    found = world.call("DescribeStackSet", {"StackSetName": "set"})["StackSet"]
    assert (found["ManagedExecution"], found["Description"]) == ({"Active": True}, "other")
    assert len(world.call("ListStackSetOperations", {"StackSetName": "set"})["Summaries"]) == 3


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"StackInstancesGroup": [group("UNION", ONE)]}, "UNION is not a valid AccountFilterType"),
        ({"StackInstancesGroup": [group("DIFFERENCE")]}, "Accounts should be specified when Account-level Targeting is enabled"),
        ({"StackInstancesGroup": [{"DeploymentTargets": {}, "Regions": REGIONS}]}, "OrganizationalUnitIds should be specified"),
        (
            {"StackInstancesGroup": [{"DeploymentTargets": {"OrganizationalUnitIds": [UPPER, UPPER]}, "Regions": REGIONS}]},
            "is duplicated",
        ),
        (
            {"StackInstancesGroup": [{"DeploymentTargets": {"AccountsUrl": "s3://x/y.csv"}, "Regions": REGIONS}]},
            "does not support AccountsUrl",
        ),
    ],
)
def test_groups_that_cannot_be(properties, words):
    """Observed: source of the resource type, Validator: and the way back from one is no obstacle."""
    world = Organized()
    assert world.create(with_set(StackInstancesGroup=[group("NONE")])) == "CREATE_COMPLETE"
    assert world.update(with_set(**properties)) == "UPDATE_ROLLBACK_COMPLETE"
    assert any(words in told for told in world.reasons())
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"


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
