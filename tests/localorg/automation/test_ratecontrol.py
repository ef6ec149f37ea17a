"""Runs over targets in one account: how targets are found, what parents and children show, limits, ends, stops."""

import json
import re
from typing import Any

import pytest
from automation.harness import HUB, REGION, Deny, Harness, book, script, statuses, step

from localorg.kernel.errors import AccessDenied, AwsError

ROLE = f"arn:aws:iam::{HUB}:role/Auto"
NODES = [f"i-{number:017x}" for number in range(1, 30)]
PARAMETERS = {"InstanceId": {"type": "String"}, "Role": {"type": "String", "default": ""}}
WORK = book(
    script(
        "work",
        "if events['id'].endswith('3'): raise RuntimeError('token ' + events['id'])\nreturn {}",
        {"id": "{{ InstanceId }}"},
    ),
    parameters=PARAMETERS,
    assumeRole="{{ Role }}",
)
NAP = book(step("nap", "aws:sleep", {"Duration": "PT10M"}), parameters=PARAMETERS, assumeRole="{{ Role }}")


def values(*found: str) -> dict[str, Any]:
    return {"TargetParameterName": "InstanceId", "Targets": [{"Key": "ParameterValues", "Values": list(found)}]}


def target(key: str, *found: str) -> dict[str, Any]:
    return {"TargetParameterName": "InstanceId", "Targets": [{"Key": key, "Values": list(found)}]}


def arn(node: str, kind: str = "instance") -> str:
    return f"arn:aws:ec2:{REGION}:{HUB}:{kind}/{node}"


def children(house: Harness, parent: str) -> list[dict[str, Any]]:
    filters = [{"Key": "ParentExecutionId", "Values": [parent]}]
    listed = house.call("DescribeAutomationExecutions", Filters=filters)["AutomationExecutionMetadataList"]
    return list(reversed(listed))


def test_a_parent_shows_what_the_guide_shows() -> None:
    """Documented: running-automations-scale, the answer of GetAutomationExecution."""
    house = Harness()
    made = house.run(WORK, **values("i-1", "i-2"), MaxConcurrency="1", MaxErrors="1")
    assert made["AutomationExecutionStatus"] == "Success"
    assert made["ResolvedTargets"] == {"ParameterValues": ["i-1", "i-2"], "Truncated": False}
    assert made["Targets"] == [{"Key": "ParameterValues", "Values": ["i-1", "i-2"]}]
    assert (made["TargetParameterName"], made["MaxConcurrency"], made["MaxErrors"]) == ("InstanceId", "1", "1")
    assert made["Parameters"] == {}
    first = made["StepExecutions"][0]
    assert set(first) == {
        *("StepName", "Action", "StepStatus", "StepExecutionId", "ExecutionStartTime", "ExecutionEndTime"),
        *("Inputs", "Outputs", "OverriddenParameters"),
    }
    assert (first["StepName"], first["Action"], first["Inputs"]) == ("i-1", "aws:executeAutomation", {"InstanceId": "i-1"})
    assert first["Outputs"] == {}


def test_each_target_is_a_child_of_its_own() -> None:
    """Documented: running-automations-map-targets: a child automation for each target, with the input parameters of the parent."""
    house = Harness()
    made = house.run(WORK, **values("i-1", "i-2"), Parameters={"Role": [ROLE]})
    one, two = children(house, made["AutomationExecutionId"])
    assert (one["Target"], one["AutomationType"], one["AutomationExecutionStatus"]) == ("i-1", "Local", "Success")
    assert one["ParentAutomationExecutionId"] == made["AutomationExecutionId"]
    assert one["ExecutedBy"] == made["ExecutedBy"]
    inside = house.execution(two["AutomationExecutionId"])
    assert inside["Parameters"] == {"InstanceId": ["i-2"], "Role": [ROLE]}
    assert {role for _, role in house.near.assumed} == {ROLE}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (target("tag:Env", "dev"), NODES[:2]),
        (target("tag:Env"), NODES[:3]),
        (target("tag:Env", "dev", "prod"), NODES[:3]),
        (target("ResourceGroup", "web"), NODES[4:6]),
        (target("InstanceIds", "*"), NODES[:12]),
        (target("AWS::EC2::Instance", "*"), NODES[:12]),
        (target("InstanceIds", NODES[20], NODES[21]), NODES[20:22]),
        (target("ParameterValues", "b", "a", "b"), ["b", "a"]),
    ],
    ids=["tag", "tag without value", "values of a tag", "group", "all nodes", "all instances", "ids", "values"],
)
def test_targets_are_found(asked: dict[str, Any], found: list[str]) -> None:
    """Documented: running-automations-map-targets; that hybrid nodes are left out and doubles count once is assumed."""
    house = Harness()
    house.near.nodes[HUB, REGION] = [*NODES[:12], "mi-00000000000000001"]
    house.near.tagged = {
        **{arn(node): {"Env": "dev"} for node in NODES[:2]},
        arn(NODES[2]): {"Env": "prod"},
        arn("vol-1", "volume"): {"Env": "dev"},
    }
    house.near.groups[HUB, REGION, "web"] = [arn(node) for node in NODES[4:6]]
    house.near.target_types["Runbook"] = "/AWS::EC2::Instance"
    made = house.run(NAP, **asked, Parameters={"Role": [ROLE]})
    assert made["ResolvedTargets"]["ParameterValues"] == found
    assert all(who.startswith(f"arn:aws:sts::{HUB}:assumed-role/Auto/") for who, _, _ in house.near.looked)


def test_without_a_target_type_a_tag_means_every_resource() -> None:
    """Documented: running-automations-map-targets: otherwise all resources with the same tag are targeted."""
    house = Harness()
    house.near.tagged = {arn(NODES[0]): {"Env": "dev"}, arn("vol-1", "volume"): {"Env": "dev"}}
    made = house.run(NAP, **target("tag:Env", "dev"))
    assert made["ResolvedTargets"]["ParameterValues"] == [NODES[0], "vol-1"]


def test_the_other_reading_finds_hybrid_nodes_too() -> None:
    """Assumed: the reading "included" of instance-ids-star-hybrid."""
    house = Harness(readings={"instance-ids-star-hybrid": "included"})
    house.near.nodes[HUB, REGION] = [NODES[0], "mi-00000000000000001"]
    made = house.run(NAP, **target("InstanceIds", "*"))
    assert made["ResolvedTargets"]["ParameterValues"] == [NODES[0], "mi-00000000000000001"]


def test_maps_give_each_child_its_own_parameters() -> None:
    """Documented: running-automations-map-targets, TargetMaps; the name of such a target is assumed."""
    house = Harness()
    content = book(
        step("nap", "aws:sleep", {"Duration": "PT1S"}), parameters={"a": {"type": "String"}, "b": {"type": "StringList"}}
    )
    maps = [{"a": ["1"], "b": ["x", "y"]}, {"a": ["2"], "b": ["z"]}]
    made = house.run(content, TargetMaps=maps, TargetParameterName="a")
    assert made["TargetMaps"] == maps
    assert [one["Target"] for one in children(house, made["AutomationExecutionId"])] == ["1", "2"]
    inside = house.execution(children(house, made["AutomationExecutionId"])[0]["AutomationExecutionId"])
    assert inside["Parameters"] == {"a": ["1"], "b": ["x", "y"]}
    assert house.run(content, TargetMaps=maps)["ResolvedTargets"]["ParameterValues"] == ["1,x,y", "2,z"]


TWO_TAGS = [{"Key": "tag:a", "Values": ["1"]}, {"Key": "tag:b", "Values": ["2"]}]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"Targets": values("x")["Targets"]}, "InvalidAutomationExecutionParameters.*TargetParameterName is required"),
        ({"TargetParameterName": "InstanceId"}, "TargetParameterName needs Targets or TargetMaps"),
        ({**values("x"), "TargetParameterName": "instanceid"}, 'Target parameter "instanceid" is not defined in the runbook'),
        ({**values("x"), "TargetMaps": [{"InstanceId": ["y"]}]}, "Targets and TargetMaps can't be specified together"),
        (target("ResourceGroup", "a", "b"), "Only one resource group or tag can be specified at a time"),
        ({**values("x"), "Targets": TWO_TAGS}, "Member must have length less than or equal to 1"),
        (
            target("Instances", "*"),
            "InvalidAutomationExecutionParameters.*Target key can have only following values .*'Instances'",
        ),
        (target("tag:", "x"), "InvalidAutomationExecutionParameters.*Target key can have only following values .*'tag:'"),
        (target("InstanceIds"), "InvalidTarget: The target InstanceIds needs at least one value"),
        (target("AWS::EC2::Instance", "i-1"), "takes the one value \\*, found i-1"),
        ({**values("x"), "TargetParameterName": "Role"}, "Missing required parameter: InstanceId in user inputs"),
    ],
)
def test_targets_that_cannot_be_are_refused_at_once(asked: dict[str, Any], words: str) -> None:
    """Documented: API StartAutomationExecution; the text about groups is observed in public reports, others are assumed."""
    with pytest.raises(AwsError, match=words):
        Harness().start(NAP, **asked)


def test_a_role_that_is_the_target_is_refused() -> None:
    """Documented: running-automations-map-targets: AutomationAssumeRole cannot be the target parameter; the text is assumed."""
    content = book(
        step("nap", "aws:sleep", {"Duration": "PT1S"}), parameters={"Role": {"type": "String"}}, assumeRole="{{ Role }}"
    )
    with pytest.raises(AwsError, match="The assume role of the runbook cannot be told: {{ Role }} has no value"):
        Harness().start(content, TargetParameterName="Role", Targets=[{"Key": "ParameterValues", "Values": ["x"]}])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (target("tag:Env", "none"), "The targets tag:Env=none come to no resource in 111111111111 us-east-1"),
        (
            target("ResourceGroup", "none"),
            "NotFoundException.* when calling the ListGroupResources operation: Cannot find group none",
        ),
    ],
)
def test_targets_that_are_not_there_fail_the_run(asked: dict[str, Any], words: str) -> None:
    """Documented: the automation fails where tag or group do not exist (running-automations-multiple-accounts-regions)."""
    made = Harness().run(NAP, **asked)
    assert made["AutomationExecutionStatus"] == "Failed"
    assert re.search(words, made["FailureMessage"])


def test_tags_are_looked_up_with_the_run_s_own_rights() -> None:
    """Documented: the execution role needs tag:GetResources; a refusal stands in the run."""
    house = Harness(authoriser=Deny(("tag:GetResources", "*")))
    made = house.run(NAP, **target("tag:Env", "x"), Parameters={"Role": [ROLE]})
    assert "AccessDeniedException" in made["FailureMessage"]
    assert "assumed-role/Auto/" in made["FailureMessage"]


def test_one_target_then_two_then_four() -> None:
    """Documented: running-automations-scale-controls, until the concurrency is met; MaxConcurrency is 10 unless said."""
    house = Harness()
    execution_id = house.start(NAP, **values(*NODES))
    waves = []
    for _ in range(5):
        house.pass_time(300)
        waves.append(list(statuses_of(house, execution_id).values()).count("InProgress"))
        house.pass_time(300)
    assert waves == [1, 2, 4, 8, 10]


def statuses_of(house: Harness, execution_id: str) -> dict[str, str]:
    listed = house.call("DescribeAutomationStepExecutions", AutomationExecutionId=execution_id)["StepExecutions"]
    return {one["StepName"]: one["StepStatus"] for one in listed}


def test_error_n_plus_1_stops_and_the_rest_is_never_started() -> None:
    """Documented: API StartAutomationExecution, MaxErrors; how what was never started ends is assumed."""
    house = Harness()
    made = house.run(WORK, **values("i-3", "i-13", "i-1", "i-2"), MaxConcurrency="1", MaxErrors="1")
    assert statuses(made) == {"i-3": "Failed", "i-13": "Failed", "i-1": "Cancelled", "i-2": "Cancelled"}
    assert made["AutomationExecutionStatus"] == "Failed"
    assert "4 of 4 targets did not succeed. i-3: Automation execution " in made["FailureMessage"]
    assert "RuntimeError: token i-3" in made["FailureMessage"]
    counted = {"TotalSteps": 4, "SuccessSteps": 0, "FailedSteps": 2, "CancelledSteps": 2, "TimedOutSteps": 0}
    assert made["ProgressCounters"] == counted
    assert len(children(house, made["AutomationExecutionId"])) == 2


@pytest.mark.parametrize(
    ("reading", "asked", "status", "steps"),
    [
        ({}, {}, "Failed", ["Failed", "Cancelled", "Cancelled"]),
        ({"automation-max-errors-default": "unlimited"}, {}, "Success", ["Failed", "Success", "Success"]),
        ({"unstarted-locations": "Pending"}, {}, "Failed", ["Failed", "Pending", "Pending"]),
        ({}, {"MaxErrors": "1"}, "Success", ["Failed", "Success", "Success"]),
        ({"errors-within-threshold": "Failed"}, {"MaxErrors": "1"}, "Failed", ["Failed", "Success", "Success"]),
        ({}, {"MaxErrors": "34%"}, "Success", ["Failed", "Success", "Success"]),
        ({"percent-rounding": "up"}, {"MaxErrors": "1%"}, "Success", ["Failed", "Success", "Success"]),
        ({}, {"MaxErrors": "1%"}, "Failed", ["Failed", "Cancelled", "Cancelled"]),
    ],
)
def test_errors_under_every_reading(reading: dict[str, str], asked: dict[str, str], status: str, steps: list[str]) -> None:
    """Assumed: each reading of an open question, side by side."""
    made = Harness(readings=reading).run(WORK, **values("i-3", "i-1", "i-2"), **asked)
    assert (made["AutomationExecutionStatus"], list(statuses(made).values())) == (status, steps)


def test_a_child_that_cannot_start_counts_as_an_error() -> None:
    """The refusal's words stand in its step."""
    content = {**NAP, "parameters": {**PARAMETERS, "InstanceId": {"type": "String", "allowedPattern": "i-.*"}}}
    made = Harness().run(content, **values("x", "i-1"))
    assert statuses(made) == {"x": "Failed", "i-1": "Cancelled"}
    assert (
        'when calling the StartAutomationExecution operation: Parameter "InstanceId" has value "x" not matching'
        in made["StepExecutions"][0]["FailureMessage"]
    )


@pytest.mark.parametrize(("kind", "ended"), [("Cancel", "Cancelled"), ("Complete", "Success")])
def test_stopping_a_parent(kind: str, ended: str) -> None:
    """Assumed: Cancel reaches the children at work; Complete lets them end, and starts no more."""
    house = Harness()
    execution_id = house.start(NAP, **values("i-1", "i-2"), MaxConcurrency="1")
    house.pass_time(10)
    house.call("StopAutomationExecution", AutomationExecutionId=execution_id, Type=kind)
    house.pass_time(1_000)
    made = house.execution(execution_id)
    assert made["AutomationExecutionStatus"] == ended
    assert statuses(made) == {"i-1": ended, "i-2": "Cancelled"}
    assert "FailureMessage" not in made
    assert [one["AutomationExecutionStatus"] for one in children(house, execution_id)] == [ended]


def test_a_child_that_is_stopped_is_a_cancelled_step() -> None:
    """Assumed: it counts as an error."""
    house = Harness()
    execution_id = house.start(NAP, **values("i-1", "i-2"))
    house.pass_time(10)
    house.call("StopAutomationExecution", AutomationExecutionId=children(house, execution_id)[0]["AutomationExecutionId"])
    house.pass_time(1_000)
    made = house.execution(execution_id)
    assert (made["AutomationExecutionStatus"], statuses(made)) == ("Failed", {"i-1": "Cancelled", "i-2": "Cancelled"})


def test_execute_automation_runs_over_targets() -> None:
    """Documented: automation-action-executeAutomation: Targets, TargetParameterName, MaxConcurrency, MaxErrors."""
    house = Harness()
    house.document(WORK, "Child")
    inputs = {
        "DocumentName": "Child",
        "TargetParameterName": "InstanceId",
        "Targets": [{"Key": "ParameterValues", "Values": "{{ Ids }}"}],
        "MaxConcurrency": 2,
        "MaxErrors": "{{ Errors }}",
    }
    outer = book(
        step("run", "aws:executeAutomation", inputs),
        parameters={"Ids": {"type": "StringList"}, "Errors": {"type": "String", "default": "1"}},
        outputs=["run.ExecutionId"],
    )
    made = house.run(outer, Parameters={"Ids": ["i-1", "i-3", "i-2"]})
    assert made["AutomationExecutionStatus"] == "Success"
    inner = house.execution(made["Outputs"]["run.ExecutionId"][0])
    assert (inner["MaxConcurrency"], inner["MaxErrors"]) == ("2", "1")
    assert statuses(inner) == {"i-1": "Success", "i-3": "Failed", "i-2": "Success"}
    assert json.loads(made["StepExecutions"][0]["Inputs"]["TargetParameterName"]) == "InstanceId"


def test_the_right_to_start_is_asked_for_each_child() -> None:
    """Children are started by whoever started the parent."""
    house = Harness(authoriser=Deny(("iam:PassRole", "Auto")))
    with pytest.raises(AccessDenied, match="iam:PassRole"):
        house.start(NAP, **values("i-1"), Parameters={"Role": [ROLE]})


def test_a_thousand_targets_run_through() -> None:
    """Nothing is scanned for every target: a run of a thousand is short work, and its steps and targets are shown in part."""
    house = Harness()
    house.near.nodes[HUB, REGION] = [f"i-{number:017x}" for number in range(1_000)]
    quick = book(step("nap", "aws:sleep", {"Duration": "PT1S"}), parameters=PARAMETERS)
    made = house.run(quick, **target("InstanceIds", "*"), MaxConcurrency="50")
    assert made["AutomationExecutionStatus"] == "Success"
    assert made["ProgressCounters"]["SuccessSteps"] == made["ProgressCounters"]["TotalSteps"] == 1_000
    assert (made["StepExecutionsTruncated"], len(made["StepExecutions"])) == (True, 100)
    assert (made["ResolvedTargets"]["Truncated"], len(made["ResolvedTargets"]["ParameterValues"])) == (True, 50)
