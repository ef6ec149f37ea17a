"""StackSets: how operations go on, wait, fail and stop, and what lists tell of them."""

import pytest
from stacks.organized import (
    ASLEEP,
    AUTO,
    CURRENT,
    DEEP,
    HUB,
    LOWER,
    ONE,
    OTHER,
    REGIONS,
    ROLE,
    ROOT,
    TAKEN,
    TWO,
    UPPER,
    Organized,
    refused,
)
from stacks.world import role, template


def test_a_failure_stops_the_operation_and_cancels_the_rest():
    """Documented: CloudFormation API reference, StackSetOperationPreferences: tolerance 0, one account at a time, per Region."""
    world = Organized()
    world.iam.roles[ONE, "Exec"] = dict(TAKEN)
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
    world.iam.roles[ONE, "Exec"] = dict(TAKEN)
    world.make_set()
    operation = world.deploy(UPPER, OperationPreferences={"FailureToleranceCount": 1})
    assert operation["Status"] == "SUCCEEDED"
    assert world.results(operation)[DEEP, "us-east-1"] == "SUCCEEDED"


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


def test_an_operation_in_the_way_is_named():
    """Observed: the sentence of OperationInProgressException names the set's ARN and the operation."""
    world = Organized()
    world.make_set()
    operation_id = world.call("CreateStackInstances", target(UPPER))["OperationId"]
    message = refused(world, "DeleteStackInstances", {**target(UPPER), "RetainStacks": True}).message
    assert message.startswith(f"Another Operation on StackSet arn:aws:cloudformation:us-east-1:{HUB}:stackset/set:")
    assert message.endswith(f"is in progress: {operation_id}")
    assert refused(world, "DeleteStackSet", {"StackSetName": "set"}).code == "OperationInProgressException"


def target(*units: str, regions: list[str] | None = None, **params) -> dict[str, object]:
    targets = {"OrganizationalUnitIds": list(units)}
    return {"StackSetName": "set", "DeploymentTargets": targets, "Regions": regions or REGIONS[:1], **params}


def status(world: Organized, operation_id: str) -> str:
    params = {"StackSetName": "set", "OperationId": operation_id}
    return world.call("DescribeStackSetOperation", params)["StackSetOperation"]["Status"]


def test_managed_execution_runs_side_by_side_what_does_not_conflict():
    """Documented: CloudFormation API reference, ManagedExecution: the others wait in request order and are not overtaken."""
    world = Organized()
    world.make_set(ManagedExecution={"Active": True})
    ids = [
        world.call("CreateStackInstances", target(unit, regions=[region]))["OperationId"]
        for unit, region in ((UPPER, "us-east-1"), (OTHER, "us-east-1"), (LOWER, "us-east-1"), (LOWER, "eu-west-1"))
    ]
    assert [status(world, one) for one in ids] == ["RUNNING", "QUEUED", "QUEUED", "QUEUED"]
    world.run(0.3)
    assert [status(world, one) for one in ids] == ["RUNNING", "RUNNING", "QUEUED", "QUEUED"]
    world.run()
    assert [status(world, one) for one in ids[:3]] == ["SUCCEEDED"] * 3


@pytest.mark.parametrize("change", [{"TemplateBody": ROLE}, {"UsePreviousTemplate": True, "Parameters": []}])
def test_managed_execution_is_switched_alone(change):
    """Observed: "Cannot update ManagedExecution while updating StackSet Template or Parameters."; unchanged it may stand there."""
    world = Organized()
    world.make_set()
    refusal = refused(world, "UpdateStackSet", {"StackSetName": "set", "ManagedExecution": {"Active": True}, **change})
    assert (refusal.code, refusal.message[:35]) == ("InvalidOperationException", "Cannot update ManagedExecution whil")
    world.call("UpdateStackSet", {"StackSetName": "set", "ManagedExecution": {"Active": False}, **change})


def test_managed_execution_stays_while_operations_go_on():
    """Documented: CloudFormation API reference, ManagedExecution: not modified while operations run or are queued."""
    world = Organized()
    world.make_set(ManagedExecution={"Active": True})
    world.call("CreateStackInstances", target(UPPER))
    update = {"StackSetName": "set", "UsePreviousTemplate": True, "ManagedExecution": {"Active": False}}
    assert refused(world, "UpdateStackSet", update).code == "InvalidOperationException"


def test_a_queued_operation_can_be_stopped():
    """Documented: CloudFormation API reference, StopStackSetOperation: what has not started is cancelled."""
    world = Organized()
    world.make_set(ManagedExecution={"Active": True})
    world.call("CreateStackInstances", target(UPPER))
    second = world.call("CreateStackInstances", target(LOWER, OperationId="mine"))["OperationId"]
    assert second == "mine"
    assert refused(world, "CreateStackInstances", target(OTHER, OperationId="mine")).code == "OperationIdAlreadyExistsException"
    world.call("StopStackSetOperation", {"StackSetName": "set", "OperationId": second})
    operation = world.finish(second)
    assert operation["Status"] == "STOPPED"
    assert world.results(operation) == {(DEEP, "us-east-1"): "CANCELLED"}
    stop = {"StackSetName": "set", "OperationId": second}
    assert refused(world, "StopStackSetOperation", stop).code == "InvalidOperationException"
    assert refused(world, "StopStackSetOperation", {**stop, "OperationId": "no"}).code == "OperationNotFoundException"


def test_regions_go_in_the_order_that_is_asked_for():
    """Documented: CloudFormation API reference, StackSetOperationPreferences RegionOrder, SEQUENTIAL by default."""
    world = Organized()
    body = template({"Role": role(RoleName={"Ref": "AWS::Region"})})
    world.make_set(body)
    world.deploy(OTHER, regions=REGIONS, OperationPreferences={"RegionOrder": REGIONS[::-1]})
    times = {
        region: world.call("DescribeStacks", {"StackName": world.instance(TWO, region)["StackId"]}, TWO, region)["Stacks"][0]
        for region in REGIONS
    }
    assert times["eu-west-1"]["CreationTime"] < times["us-east-1"]["CreationTime"]


def busiest(world: Organized, **preferences) -> int:
    """Return how many accounts an operation works on at most at once."""
    operation_id = world.call("CreateStackInstances", target(UPPER, OTHER, OperationPreferences=preferences))["OperationId"]
    most = 0
    while status(world, operation_id) == "RUNNING":
        world.run(0.05)
        rows = world.call("ListStackSetOperationResults", {"StackSetName": "set", "OperationId": operation_id})["Summaries"]
        most = max(most, sum(row["Status"] == "RUNNING" for row in rows))
    return most


@pytest.mark.parametrize(
    ("preferences", "most"),
    [
        ({}, 1),
        ({"MaxConcurrentCount": 3}, 1),
        ({"MaxConcurrentCount": 3, "FailureToleranceCount": 1}, 2),
        ({"MaxConcurrentCount": 3, "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"}, 3),
        ({"MaxConcurrentPercentage": 50, "FailureTolerancePercentage": 50}, 2),
        ({"MaxConcurrentPercentage": 1, "FailureTolerancePercentage": 100}, 1),
    ],
)
def test_how_many_accounts_at_once(preferences, most):
    """Documented: CloudFormation API reference, StackSetOperationPreferences: strict concurrency is at most one more than tolerance."""
    world = Organized()
    world.make_set()
    assert busiest(world, **preferences) == most


def test_a_failure_in_one_region_spares_no_later_region():
    """Documented: CloudFormation API reference, FailureToleranceCount: a stopped Region lets no subsequent one begin."""
    world = Organized()
    world.iam.roles[TWO, "Exec"] = dict(TAKEN)
    world.make_set()
    operation = world.deploy(OTHER, regions=REGIONS)
    assert world.results(operation) == {(TWO, "us-east-1"): "FAILED", (TWO, "eu-west-1"): "CANCELLED"}
    assert world.instances()[TWO, "eu-west-1"] == ("OUTDATED", "CANCELLED")
    rows = world.call("ListStackSetOperationResults", {"StackSetName": "set", "OperationId": operation["OperationId"]})[
        "Summaries"
    ]
    assert rows[0]["AccountGateResult"]["Status"] == "SKIPPED"
    assert rows[1]["StatusReason"] == "Cancelled since failure tolerance has exceeded"
    assert "AccountGateResult" not in rows[1]


@pytest.mark.parametrize(
    ("filters", "accounts"),
    [
        ([{"Name": "DETAILED_STATUS", "Values": "SKIPPED_SUSPENDED_ACCOUNT"}], {ASLEEP}),
        ([{"Name": "DETAILED_STATUS", "Values": "SUCCEEDED"}], {ONE, DEEP, TWO}),
        ([{"Name": "LAST_OPERATION_ID", "Values": "second"}], {TWO}),
        ([{"Name": "LAST_OPERATION_ID", "Values": "second"}, {"Name": "DETAILED_STATUS", "Values": "FAILED"}], set()),
        ([{"Name": "DRIFT_STATUS", "Values": "NOT_CHECKED"}], {ONE, DEEP, TWO, ASLEEP}),
        ([{"Name": "DRIFT_STATUS", "Values": "DRIFTED"}], set()),
    ],
)
def test_instances_are_filtered(filters, accounts):
    """Documented: CloudFormation API reference, ListStackInstances Filters, StackInstanceAccount and StackInstanceRegion."""
    world = Organized()
    world.make_set()
    world.deploy(UPPER, OperationId="first")
    world.deploy(OTHER, OperationId="second")
    rows = world.call("ListStackInstances", {"StackSetName": "set", "Filters": filters})["Summaries"]
    assert {row["Account"] for row in rows} == accounts
    where = {"StackSetName": "set", "StackInstanceAccount": ONE, "StackInstanceRegion": "eu-west-1"}
    assert world.call("ListStackInstances", where)["Summaries"] == []


def test_lists_come_in_pages():
    """Documented: CloudFormation API reference, MaxResults and NextToken."""
    world = Organized()
    world.make_set()
    world.deploy(ROOT)
    found, token = [], {}
    while True:
        page = world.call("ListStackInstances", {"StackSetName": "set", "MaxResults": 2, **token})
        found += [row["Account"] for row in page["Summaries"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert sorted(found) == sorted([ONE, TWO, DEEP, ASLEEP])
    assert refused(world, "ListStackInstances", {"StackSetName": "set", "NextToken": "no"}).code == "ValidationError"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"AutoDeployment": AUTO, "Regions": REGIONS}, "don't specify DeploymentTargets or Regions"),
        ({"Regions": REGIONS}, "Specify both Regions and the accounts"),
        ({"DeploymentTargets": {"OrganizationalUnitIds": [UPPER]}}, "Specify both Regions and the accounts"),
        ({"Accounts": [ONE], "Regions": REGIONS}, "can only have OrganizationalUnit as target"),
        ({"AdministrationRoleARN": "arn:aws:iam::111111111111:role/mine"}, "AdministrationRoleARN: valid only for"),
        ({"Parameters": [{"ParameterKey": "Unknown", "ParameterValue": "x"}]}, "[Unknown] do not exist in the template"),
    ],
)
def test_updates_that_cannot_be_are_refused(change, words):
    """Documented: CloudFormation API reference, UpdateStackSet, one row per member that contradicts itself."""
    world = Organized()
    world.make_set()
    assert words in refused(world, "UpdateStackSet", {"StackSetName": "set", "UsePreviousTemplate": True, **change}).message
    assert world.call("ListStackSetOperations", {"StackSetName": "set"})["Summaries"] == []


def test_an_update_may_reach_a_part_and_outdates_the_rest():
    """Documented: CloudFormation API reference, UpdateStackSet DeploymentTargets: a new value makes all others OUTDATED."""
    world = Organized()
    world.make_set()
    world.deploy(UPPER, OTHER)
    update = {"UsePreviousTemplate": True, "Parameters": [{"ParameterKey": "Words", "ParameterValue": "v2"}]}
    assert world.finish(world.call("UpdateStackSet", {**target(LOWER), **update})["OperationId"])["Status"] == "SUCCEEDED"
    assert world.instances()[DEEP, "us-east-1"] == CURRENT
    assert world.instances()[ONE, "us-east-1"] == ("OUTDATED", "SUCCEEDED")
    again = world.finish(world.call("UpdateStackSet", {**target(LOWER), "UsePreviousTemplate": True})["OperationId"])
    assert world.results(again) == {(DEEP, "us-east-1"): "SUCCEEDED"}
    assert world.instance(DEEP)["StatusReason"] == "No updates are to be performed."


def test_settings_change_without_going_over_instances():
    """Assumed: an update of AutoDeployment or ManagedExecution alone has an operation, and that has no results."""
    world = Organized()
    world.make_set()
    world.deploy(UPPER)
    settings = {"StackSetName": "set", "UsePreviousTemplate": True, "AutoDeployment": AUTO}
    operation = world.finish(world.call("UpdateStackSet", settings)["OperationId"])
    assert (operation["Status"], world.results(operation)) == ("SUCCEEDED", {})
    world.move(TWO, OTHER, UPPER)
    assert TWO in world.holders()


def test_values_of_a_set_stay_when_an_update_gives_none():
    """Assumed: AWS's own examples update sets without parameters; what was given stays, and what is new takes its default."""
    world = Organized()
    world.make_set(Parameters=[{"ParameterKey": "Words", "ParameterValue": "mine"}])
    more = template(
        {"Role": role(RoleName="Exec", Description={"Fn::Sub": "${Words}${More}"})},
        Parameters={"Words": {"Type": "String", "Default": "v1"}, "More": {"Type": "String", "Default": "!"}},
    )
    world.deploy(OTHER)
    world.finish(world.call("UpdateStackSet", {"StackSetName": "set", "TemplateBody": more})["OperationId"])
    assert world.iam.roles[TWO, "Exec"]["Description"] == "mine!"
