"""Drift: what is changed behind a stack's back is found, resource by resource and property by property."""

import json
from pathlib import Path
from typing import Any

import pytest
from stacks.test_with_real_engines import OTHER, REGION, Place, resources
from stacks.world import World, role, template

from localorg.kernel.errors import AwsError
from localorg.kernel.store import Store
from localorg.protocol.calls import ApiCall, Wait
from localorg.stacks.drift.comparing import differences
from localorg.stacks.resources.registry import TYPES

UNCHECKED = {"Added", "Inline", "Key"}


class Drifting(Place):
    """A place whose stack is checked for drift."""

    def cloudformation(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.call("cloudformation", operation, StackName="one", **params)

    def detect(self, **params: Any) -> dict[str, Any]:
        detection = self.cloudformation("DetectStackDrift", **params)["StackDriftDetectionId"]
        asked = {"StackDriftDetectionId": detection}
        assert (
            self.call("cloudformation", "DescribeStackDriftDetectionStatus", **asked)["DetectionStatus"]
            == "DETECTION_IN_PROGRESS"
        )
        self.house.kernel.run_until(self.house.kernel.now() + 60)
        assert self.house.kernel.faults == []
        return self.call("cloudformation", "DescribeStackDriftDetectionStatus", **asked)

    def drifts(self, *statuses: str) -> dict[str, dict[str, Any]]:
        given = {"StackResourceDriftStatusFilters": list(statuses)} if statuses else {}
        rows = self.cloudformation("DescribeStackResourceDrifts", **given)["StackResourceDrifts"]
        return {row["LogicalResourceId"]: row for row in rows}


def test_what_nobody_touched_is_in_sync(tmp_path: Path) -> None:
    """Documented: CloudFormation user guide, drift: what other resources of the stack attach is none; some types are not checked."""
    place = Drifting(tmp_path)
    assert place.stack("CreateStack", resources()) == "CREATE_COMPLETE"
    assert place.cloudformation("DescribeStacks")["Stacks"][0]["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    found = place.detect()
    differing = {name: row["PropertyDifferences"] for name, row in place.drifts("MODIFIED", "DELETED", "UNKNOWN").items()}
    assert differing == {}
    assert (found["StackDriftStatus"], found["DetectionStatus"], found["DriftedStackResourceCount"]) == (
        "IN_SYNC",
        "DETECTION_COMPLETE",
        0,
    )
    assert set(place.drifts("IN_SYNC")) == set(resources()) - UNCHECKED
    shown = place.cloudformation("DescribeStacks")["Stacks"][0]["DriftInformation"]
    assert shown["StackDriftStatus"] == "IN_SYNC"
    assert shown["LastCheckTimestamp"]
    rows = place.cloudformation("ListStackResources")["StackResourceSummaries"]
    statuses = {row["LogicalResourceId"]: row["DriftInformation"]["StackResourceDriftStatus"] for row in rows}
    assert {name for name, status in statuses.items() if status == "NOT_CHECKED"} == UNCHECKED


def test_tags_of_the_stack_are_expected_too(tmp_path: Path) -> None:
    """Documented: user guide, "Resource tag": tags of the stack are tags of its resources, which is no drift."""
    place = Drifting(tmp_path)
    place.stack("CreateStack", resources(), Tags=[{"Key": "team", "Value": "red"}])
    assert (place.detect()["StackDriftStatus"], place.drifts("MODIFIED")) == ("IN_SYNC", {})
    place.call("ssm", "RemoveTagsFromResource", ResourceType="Parameter", ResourceId=place.id_of("Parameter"), TagKeys=["team"])
    assert place.detect()["DriftedStackResourceCount"] == 1


def test_what_was_changed_behind_the_stack_is_told(tmp_path: Path) -> None:
    """Documented: API reference, PropertyDifference: NOT_EQUAL, ADD and REMOVE; what is gone is DELETED."""
    place = Drifting(tmp_path)
    place.stack("CreateStack", resources())
    role_name, group = place.id_of("Role"), place.id_of("Group")
    place.call("ssm", "PutParameter", Name=place.id_of("Parameter"), Value="changed", Overwrite=True)
    place.call("iam", "TagRole", RoleName=role_name, Tags=[{"Key": "new", "Value": "tag"}])
    place.call("iam", "DeleteGroupPolicy", GroupName=group, PolicyName="own")
    place.call("iam", "PutUserPolicy", UserName=place.id_of("User"), PolicyName="own", PolicyDocument=json.dumps(OTHER))
    place.call("ssm", "DeleteAssociation", AssociationId=place.id_of("Association"))
    found = place.detect()
    assert (found["StackDriftStatus"], found["DriftedStackResourceCount"]) == ("DRIFTED", 5)
    told = place.drifts("MODIFIED", "DELETED")
    assert told["Association"]["StackResourceDriftStatus"] == "DELETED"
    assert "ActualProperties" not in told["Association"]
    paths = {
        name: [(one["PropertyPath"], one["DifferenceType"]) for one in row["PropertyDifferences"]]
        for name, row in told.items()
        if row["StackResourceDriftStatus"] == "MODIFIED"
    }
    assert paths == {
        "Parameter": [("/Value", "NOT_EQUAL")],
        "Role": [("/Tags/1", "ADD")],
        "Group": [("/Policies/0", "REMOVE")],
        "User": [("/Policies/0/PolicyDocument/Statement/0/Action", "NOT_EQUAL")],
    }
    one = told["Parameter"]["PropertyDifferences"][0]
    assert (one["ExpectedValue"], one["ActualValue"]) == ("one", "changed")
    assert json.loads(told["Parameter"]["ActualProperties"])["Value"] == "changed"
    alone = place.detect(LogicalResourceIds=["Profile"])
    assert alone["DriftedStackResourceCount"] == 5


def test_who_may_not_read_detects_nothing(tmp_path: Path) -> None:
    """Documented: user guide: drift detection needs read permission for each resource; API reference: DETECTION_FAILED, UNKNOWN."""
    place = Drifting(tmp_path)
    place.stack("CreateStack", {"P": resources()["Parameter"]})
    may = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"}],
    }
    place.call("iam", "CreateUser", UserName="blind")
    place.call("iam", "PutUserPolicy", UserName="blind", PolicyName="may", PolicyDocument=json.dumps(may))
    key = place.call("iam", "CreateAccessKey", UserName="blind")["AccessKey"]["AccessKeyId"]
    place.house.principals["user"] = place.house.engines.identity.sessions.principal(key)
    found = place.detect()
    assert (found["DetectionStatus"], found["StackDriftStatus"]) == ("DETECTION_FAILED", "UNKNOWN")
    assert found["DetectionStatusReason"].endswith("[P]")
    assert "is not authorized to perform: ssm:GetParameter" in place.drifts("UNKNOWN")["P"]["DriftStatusReason"]


def test_one_resource_is_answered_for_at_once(tmp_path: Path) -> None:
    """Documented: API reference, DetectStackResourceDrift: the answer is the resource's drift."""
    place = Drifting(tmp_path)
    place.stack("CreateStack", {"P": resources()["Parameter"]})
    place.call("ssm", "PutParameter", Name=place.id_of("P"), Value="changed", Overwrite=True)
    params = {"StackName": "one", "LogicalResourceId": "P"}
    call = ApiCall(place.house.principals["user"], REGION, "cloudformation", "DetectStackResourceDrift", params)
    with pytest.raises(Wait):
        place.house.engines.gateway.attempt(call)
    place.house.kernel.run_until(place.house.kernel.now() + 1)
    found = place.house.engines.gateway.attempt(call)["StackResourceDrift"]
    assert (found["StackResourceDriftStatus"], len(found["PropertyDifferences"])) == ("MODIFIED", 1)


def test_what_cannot_be_checked_is_refused() -> None:
    """Documented: user guide: drift can be detected of stacks that are complete, and of supported types."""
    world = World()
    world.create(template({"A": role(RoleName="a"), "H": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}))
    with pytest.raises(AwsError, match="is not supported for resource type AWS::CloudFormation::WaitConditionHandle"):
        world.call("DetectStackResourceDrift", {"StackName": "one", "LogicalResourceId": "H"})
    with pytest.raises(AwsError, match="Resource X does not exist for stack one"):
        world.call("DetectStackResourceDrift", {"StackName": "one", "LogicalResourceId": "X"})
    with pytest.raises(AwsError, match="does not exist"):
        world.call("DescribeStackDriftDetectionStatus", {"StackDriftDetectionId": "0" * 36})
    world.call("DeleteStack", {"StackName": "one"})
    with pytest.raises(AwsError, match="DELETE_IN_PROGRESS state"):
        world.call("DetectStackDrift", {"StackName": "one"})


def test_a_detection_goes_on_after_a_restart(tmp_path: Path) -> None:
    """Assumed: localorg's own promise, what is in flight survives the server."""
    store = Store(tmp_path / "rows.sqlite")
    world = World(store)
    world.create(template({"A": role(RoleName="a")}))
    asked = {"StackDriftDetectionId": world.call("DetectStackDrift", {"StackName": "one"})["StackDriftDetectionId"]}
    store.commit()
    store.close()
    again = World(Store(tmp_path / "rows.sqlite"), iam=world.iam, start=world.kernel.now())
    assert again.call("DescribeStackDriftDetectionStatus", asked)["DetectionStatus"] == "DETECTION_IN_PROGRESS"
    again.stacks.resume()
    again.run()
    assert again.call("DescribeStackDriftDetectionStatus", asked)["DetectionStatus"] == "DETECTION_FAILED"


@pytest.mark.parametrize(
    ("expected", "live", "found"),
    [
        ({"A": "1"}, {"A": 1}, []),
        ({"A": "true", "B": 1}, {"A": True}, []),
        ({"A": "x"}, {"A": None}, [("/A", "REMOVE")]),
        ({"A": [1, 2]}, {"A": [2, 1]}, []),
        ({"A": [1, 2]}, {"A": [2, 3]}, [("/A/0", "NOT_EQUAL")]),
        ({"A": [1, 2]}, {"A": [2]}, [("/A/0", "REMOVE")]),
        ({"A": [1]}, {"A": [2, 1, 3]}, [("/A/0", "ADD"), ("/A/2", "ADD")]),
        ({"A": '{"x": 1}'}, {"A": {"x": 1}}, []),
        ({"A": {"AWS": "111111111111"}}, {"A": {"AWS": "arn:aws:iam::111111111111:root"}}, []),
        ({"A": {"x": 1}}, {"A": {"x": 1, "y": 2}}, [("/A/y", "ADD")]),
        ({"A": [{"Key": "k", "Value": "v"}]}, {"A": [{"Key": "k", "Value": "w"}]}, [("/A/0/Value", "NOT_EQUAL")]),
        ({"A": [{"Key": "k", "Value": "v"}]}, {"A": [{"Key": "l", "Value": "v"}]}, [("/A/0", "REMOVE"), ("/A/0", "ADD")]),
    ],
)
def test_comparing(expected: dict[str, Any], live: dict[str, Any], found: list[tuple[str, str]]) -> None:
    """Documented: API reference, PropertyDifference."""
    assert [(one.path, one.kind) for one in differences(expected, live)] == found


def test_every_type_says_how_it_is_read_or_is_not_checked() -> None:
    """Documented: CloudFormation user guide, "Resource type support": drift detection."""
    unread = {name for name, kind in TYPES.items() if kind.read is None}
    assert unread == {
        "AWS::CloudFormation::Stack",
        "AWS::CloudFormation::WaitConditionHandle",
        "AWS::IAM::AccessKey",
        "AWS::IAM::Policy",
        "AWS::IAM::UserToGroupAddition",
    }
