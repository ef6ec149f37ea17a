"""Drift of sets: every instance's stack is checked in its account."""

import json
from typing import Any

from stacks.judged import EVERYTHING, ONE, TWO, Judged
from stacks.organized import REGIONS, UPPER, Organized, refused

from localorg.protocol.calls import Output

DETAILS = "StackSetDriftDetectionDetails"


def detect(world: Judged, **params: Any) -> Output:
    return world.finish(world.call("DetectStackSetDrift", StackSetName="set", **params)["OperationId"])


def counts(details: Output) -> tuple[str, str, int, int, int]:
    named = ("DriftedStackInstancesCount", "InSyncStackInstancesCount", "FailedStackInstancesCount")
    drifted, in_sync, failed = (details[name] for name in named)
    return details["DriftStatus"], details["DriftDetectionStatus"], drifted, in_sync, failed


def deployed() -> Judged:
    world = Judged()
    world.administration()
    for account in (ONE, TWO):
        world.execution(account)
    world.make_set(PermissionModel="SELF_MANAGED")
    assert world.deploy(ONE, TWO)["Status"] == "SUCCEEDED"
    return world


def test_a_set_drifts_with_an_instance() -> None:
    """Documented: API reference, DetectStackSetDrift, StackSetDriftDetectionDetails, ListStackInstanceResourceDrifts."""
    world = deployed()
    shown = world.call("DescribeStackSet", StackSetName="set")["StackSet"]
    assert shown[DETAILS]["DriftStatus"] == "NOT_CHECKED"
    world.call("UpdateRole", world.admin(TWO), "iam", RoleName="Exec", Description="changed by hand")
    operation = detect(world)
    assert (operation["Action"], operation["Status"]) == ("DETECT_DRIFT", "SUCCEEDED")
    assert counts(operation[DETAILS]) == ("DRIFTED", "COMPLETED", 1, 1, 0)
    assert world.call("DescribeStackSet", StackSetName="set")["StackSet"][DETAILS] == operation[DETAILS]
    assert world.call("ListStackSets")["Summaries"][0]["DriftStatus"] == "DRIFTED"
    rows = world.call("ListStackInstances", StackSetName="set")["Summaries"]
    assert {row["Account"]: (row["DriftStatus"], row["Status"]) for row in rows} == {
        ONE: ("IN_SYNC", "CURRENT"),
        TWO: ("DRIFTED", "CURRENT"),
    }
    wanted = [{"Name": "DRIFT_STATUS", "Values": "DRIFTED"}]
    assert [row["Account"] for row in world.call("ListStackInstances", StackSetName="set", Filters=wanted)["Summaries"]] == [TWO]
    place = {"StackInstanceAccount": TWO, "StackInstanceRegion": REGIONS[0], "OperationId": operation["OperationId"]}
    found = world.call("ListStackInstanceResourceDrifts", StackSetName="set", **place)["Summaries"]
    assert [(row["LogicalResourceId"], row["PropertyDifferences"][0]["PropertyPath"]) for row in found] == [
        ("Role", "/Description")
    ]
    place["StackInstanceAccount"] = ONE
    none = world.call(
        "ListStackInstanceResourceDrifts", StackSetName="set", StackInstanceResourceDriftStatuses=["MODIFIED"], **place
    )
    assert none["Summaries"] == []


def test_an_instance_that_may_not_be_read_fails() -> None:
    """Documented: StackSetDriftDetectionDetails: PARTIAL_SUCCESS within the failure tolerance, FAILED beyond it."""
    world = deployed()
    may = {"Effect": "Deny", "Action": "iam:Get*", "Resource": "*"}
    role = "AWSCloudFormationStackSetExecutionRole"
    text = {"Version": "2012-10-17", "Statement": [EVERYTHING, may]}
    world.call("PutRolePolicy", world.admin(ONE), "iam", RoleName=role, PolicyName="p", PolicyDocument=json.dumps(text))
    tolerant = detect(world, OperationPreferences={"FailureToleranceCount": 1})
    assert (tolerant["Status"], *counts(tolerant[DETAILS])) == ("SUCCEEDED", "IN_SYNC", "PARTIAL_SUCCESS", 0, 1, 1)
    strict = detect(world, OperationPreferences={"FailureToleranceCount": 0, "MaxConcurrentCount": 1})
    assert (strict["Status"], strict[DETAILS]["DriftDetectionStatus"]) == ("FAILED", "FAILED")
    assert "Failed to detect drift on resources [Role]" in world.reasons(strict)[ONE]


def test_one_operation_at_a_time() -> None:
    """Documented: API reference, DetectStackSetDrift: OperationInProgressException; StopStackSetOperation stops it."""
    world = Organized()
    world.make_set()
    assert refused(world, "DetectStackSetDrift", {"StackSetName": "set"}).code == "InvalidOperationException"
    world.deploy(UPPER)
    operation = world.call("DetectStackSetDrift", {"StackSetName": "set"})["OperationId"]
    assert refused(world, "DetectStackSetDrift", {"StackSetName": "set"}).code == "OperationInProgressException"
    world.call("StopStackSetOperation", {"StackSetName": "set", "OperationId": operation})
    stopped = world.finish(operation)
    assert (stopped["Status"], stopped[DETAILS]["DriftDetectionStatus"]) == ("STOPPED", "STOPPED")
    assert refused(world, "DetectStackSetDrift", {"StackSetName": "none"}).code == "StackSetNotFoundException"
