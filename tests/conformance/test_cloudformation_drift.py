"""CloudFormation drift: what was changed behind a stack's back."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.claims import documented, eventually, observed, refused
from conformance.stack_world import StackMaker, parameter, template
from conformance.target import Account

Unique = Callable[[str], str]


@pytest.fixture
def stacks(member: Account) -> Iterator[StackMaker]:
    """Make stacks that are gone afterwards."""
    maker = StackMaker(member)
    yield maker
    maker.clean()


def detect(stacks: StackMaker, name: str) -> dict[str, Any]:
    detection = stacks.client.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
    return dict(
        eventually(
            lambda: stacks.client.describe_stack_drift_detection_status(StackDriftDetectionId=detection),
            lambda found: found["DetectionStatus"] != "DETECTION_IN_PROGRESS",
            120,
        )
    )


@documented("API DetectStackDrift, DescribeStackDriftDetectionStatus, PropertyDifference")
def test_drift_is_told_by_resource_and_property(stacks: StackMaker, member: Account, unique: Unique) -> None:
    """A value that was changed by hand is NOT_EQUAL at its path; a resource that is gone is DELETED; the stack has DRIFTED."""
    name, ssm = unique("drift"), member.client("ssm")
    named = {key: parameter(Name=f"/{name}/{key}") for key in ("Same", "Changed", "Gone")}
    body = {**named, "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
    stacks.create(name, template(body))
    assert stacks.stack(name)["DriftInformation"]["StackDriftStatus"] == "NOT_CHECKED"
    ssm.put_parameter(Name=f"/{name}/Changed", Value="by hand", Overwrite=True)
    ssm.delete_parameter(Name=f"/{name}/Gone")
    found = detect(stacks, name)
    assert (found["DetectionStatus"], found["StackDriftStatus"], found["DriftedStackResourceCount"]) == (
        "DETECTION_COMPLETE",
        "DRIFTED",
        2,
    )
    rows = stacks.client.describe_stack_resource_drifts(StackName=name)["StackResourceDrifts"]
    statuses = {row["LogicalResourceId"]: row["StackResourceDriftStatus"] for row in rows}
    assert statuses == {"Same": "IN_SYNC", "Changed": "MODIFIED", "Gone": "DELETED"}
    changed = next(row for row in rows if row["LogicalResourceId"] == "Changed")
    assert changed["PropertyDifferences"] == [
        {"PropertyPath": "/Value", "ExpectedValue": "x", "ActualValue": "by hand", "DifferenceType": "NOT_EQUAL"}
    ]
    assert json.loads(changed["ActualProperties"])["Value"] == "by hand"
    shown = stacks.client.describe_stack_resource(StackName=name, LogicalResourceId="Changed")["StackResourceDetail"]
    assert shown["DriftInformation"]["StackResourceDriftStatus"] == "MODIFIED"


@documented("API DetectStackResourceDrift")
def test_the_drift_of_one_resource_is_answered_at_once(stacks: StackMaker, unique: Unique) -> None:
    """DetectStackResourceDrift answers with what it has found about the one resource."""
    name = unique("drift-one")
    stacks.create(name, template({"A": parameter()}))
    found = stacks.client.detect_stack_resource_drift(StackName=name, LogicalResourceId="A")["StackResourceDrift"]
    assert (found["LogicalResourceId"], found["StackResourceDriftStatus"]) == ("A", "IN_SYNC")


@documented("API DescribeStackResourceDrifts")
def test_what_was_never_checked_is_not_listed(stacks: StackMaker, unique: Unique) -> None:
    """DescribeStackResourceDrifts lists only resources that were checked."""
    name = unique("undrifted")
    stacks.create(name, template({"A": parameter()}))
    assert stacks.client.describe_stack_resource_drifts(StackName=name)["StackResourceDrifts"] == []


@observed("aws CLI, messages of the operations")
def test_operations_name_a_stack_that_is_not_there_in_their_own_ways(member: Account) -> None:
    """UpdateStack says Stack [NAME] does not exist, DescribeStacks Stack with id NAME, DescribeStackResource Stack 'NAME'."""
    client = member.client("cloudformation")
    with refused("ValidationError", "Stack [conf-absent] does not exist"):
        client.update_stack(StackName="conf-absent", UsePreviousTemplate=True)
    with refused("ValidationError", "Stack with id conf-absent does not exist"):
        client.describe_stacks(StackName="conf-absent")
    with refused("ValidationError", "Stack 'conf-absent' does not exist"):
        client.describe_stack_resource(StackName="conf-absent", LogicalResourceId="A")


@observed("cfn-lint issue 1689")
def test_a_parameter_and_a_resource_may_not_share_a_name(member: Account) -> None:
    """A template whose parameter and resource have the same name is refused, in a sentence that lists the names."""
    body = template({"A": parameter()}, Parameters={"A": {"Type": "String", "Default": "x"}})
    with refused("ValidationError", "all resources and parameters must have unique names. Common name(s):[A]"):
        member.client("cloudformation").validate_template(TemplateBody=body)


@observed("cfn-language-discussion issue 96")
def test_the_last_of_two_equal_keys_counts(member: Account) -> None:
    """A key that a template has twice is no error: the last one counts."""
    body = '{"Description": "first", "Description": "last", "Resources": {"A": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}'
    assert member.client("cloudformation").validate_template(TemplateBody=body)["Description"] == "last"
