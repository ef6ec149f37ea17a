"""Runs over accounts and Regions: targets inside them, files of locations, Regions opened later, stops, tags of executions."""

import json
import re
from typing import Any

import pytest
from automation.harness import HUB, REGION, Harness, book, script, statuses, step

from localorg.kernel.errors import AwsError

ROLE = f"arn:aws:iam::{HUB}:role/Hub"
A, B = "222222222222", "333333333333"
PARAMETERS = {"InstanceId": {"type": "String"}, "Role": {"type": "String", "default": ""}}
WORK = book(
    script("work", "if events['id'] == 'bad': raise RuntimeError('token')\nreturn {}", {"id": "{{ InstanceId }}"}),
    parameters=PARAMETERS,
    assumeRole="{{ Role }}",
)
NAP = book(step("nap", "aws:sleep", {"Duration": "PT10M"}), parameters=PARAMETERS, assumeRole="{{ Role }}")
URL = "https://bucket.s3.us-east-1.amazonaws.com/locations.json?X-Amz-Signature=x"


def location(*accounts: str, regions: tuple[str, ...] = (REGION,), **more: Any) -> dict[str, Any]:
    return {"Accounts": list(accounts), "Regions": list(regions), "ExecutionRoleName": "Member", **more}


def over(*values: str) -> list[dict[str, Any]]:
    return [{"Key": "ParameterValues", "Values": list(values)}]


def child_of(house: Harness, made: dict[str, Any], number: int, account: str) -> dict[str, Any]:
    child = made["StepExecutions"][number]["Outputs"]["ExecutionId"][0]
    return house.execution(child, house.account_admin(account))


def test_parent_child_grandchildren() -> None:
    """Documented: running-automations-multiple-accounts-regions: the child locates the targets in its own account and Region."""
    house = Harness()
    house.near.tagged = {
        f"arn:aws:ec2:{REGION}:{account}:instance/i-{account[0]}{number}": {"Env": "dev"}
        for account in (A, B)
        for number in (1, 2)
    }
    made = house.run(
        WORK,
        TargetParameterName="InstanceId",
        Targets=[{"Key": "tag:Env", "Values": ["dev"]}],
        TargetLocations=[location(A, B, TargetLocationMaxConcurrency="2")],
        Parameters={"Role": [ROLE]},
        MaxConcurrency="5",
        MaxErrors="1",
    )
    assert (made["AutomationExecutionStatus"], made["Targets"]) == ("Success", [{"Key": "tag:Env", "Values": ["dev"]}])
    child = child_of(house, made, 0, A)
    assert (child["MaxConcurrency"], child["MaxErrors"], child["TargetParameterName"]) == ("5", "1", "InstanceId")
    assert child["ResolvedTargets"]["ParameterValues"] == ["i-21", "i-22"]
    assert statuses(child) == {"i-21": "Success", "i-22": "Success"}
    filters = [{"Key": "ParentExecutionId", "Values": [child["AutomationExecutionId"]]}]
    listed = house.call("DescribeAutomationExecutions", house.account_admin(A), Filters=filters)
    assert [one["Target"] for one in listed["AutomationExecutionMetadataList"]] == ["i-22", "i-21"]
    assert house.call("DescribeAutomationExecutions", Filters=filters)["AutomationExecutionMetadataList"] == []
    members = {who for who, _, _ in house.near.looked}
    assert {who.split("/")[1] for who in members} == {"Member"}


def test_a_grandchild_acts_as_the_execution_role() -> None:
    """Documented: in a member the execution role is what acts; a role need not be able to assume itself."""
    house = Harness()
    made = house.run(
        WORK,
        TargetParameterName="InstanceId",
        Targets=over("i-1"),
        TargetLocations=[location(A)],
        Parameters={"Role": [ROLE]},
    )
    assert made["AutomationExecutionStatus"] == "Success"
    assert all(not who.startswith(f"arn:aws:sts::{A}") for who, _ in house.near.assumed)
    credentials = house.scripts.jobs[0].credentials
    assert credentials is not None
    assert house.near.sessions[credentials["AccessKeyId"]].role_arn == f"arn:aws:iam::{A}:role/Member"


def test_what_stands_in_a_location_takes_precedence() -> None:
    """Documented: API TargetLocation: Targets, TargetsMaxConcurrency, TargetsMaxErrors over those of the request."""
    house = Harness()
    special = location(A, Targets=over("bad", "i-2"), TargetsMaxConcurrency="1", TargetsMaxErrors="1")
    made = house.run(
        WORK,
        TargetParameterName="InstanceId",
        Targets=over("i-9"),
        TargetLocations=[special, location(B)],
        MaxConcurrency="7",
        MaxErrors="0",
    )
    first, second = child_of(house, made, 0, A), child_of(house, made, 1, B)
    assert (first["MaxConcurrency"], first["MaxErrors"], statuses(first)) == ("1", "1", {"bad": "Failed", "i-2": "Success"})
    assert (second["MaxConcurrency"], statuses(second)) == ("7", {"i-9": "Success"})
    assert made["AutomationExecutionStatus"] == "Success"


def test_the_limits_of_the_request_are_not_those_of_locations() -> None:
    """Documented: API TargetLocation: TargetLocationMaxConcurrency has a default of 1, TargetLocationMaxErrors of 0."""
    house = Harness()
    content = book(step("nap", "aws:sleep", {"Duration": "PT10M"}))
    execution_id = house.start(content, TargetLocations=[location(A, B)], MaxConcurrency="10", MaxErrors="5")
    house.pass_time(10)
    assert list(statuses(house.execution(execution_id)).values()) == ["InProgress", "Pending"]


def test_a_new_region_cannot_reach_an_old_one() -> None:
    """Documented: running-automations-multiple-accounts-regions, Regions launched after March 20, 2019; the reverse works."""
    house = Harness(regions=("us-east-1", "eu-south-1"))
    content = book(step("nap", "aws:sleep", {"Duration": "PT1S"}))
    for region in ("us-east-1", "eu-south-1"):
        house.document(content, region=region)
    to_new = house.start(TargetLocations=[location(A, regions=("eu-south-1",))])
    asked = {"DocumentName": "Runbook", "TargetLocations": [location(A)]}
    to_old = house.call("StartAutomationExecution", region="eu-south-1", **asked)["AutomationExecutionId"]
    house.pass_time(60)
    assert house.execution(to_new)["AutomationExecutionStatus"] == "Success"
    made = house.execution(to_old, region="eu-south-1")
    assert made["AutomationExecutionStatus"] == "Failed"
    assert "launched after March 20, 2019, cannot target us-east-1" in made["StepExecutions"][0]["FailureMessage"]


def test_an_unknown_region_is_a_failed_step() -> None:
    """Assumed: the pair fails, not the request."""
    made = Harness().run(book(step("nap", "aws:sleep", {"Duration": "PT1S"})), TargetLocations=[location(A, regions=("mars-1",))])
    assert statuses(made) == {f"{A}_mars-1": "Failed"}
    assert "The Region mars-1 is not one of this organization's" in made["FailureMessage"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"TargetLocations": [location("12345")]}, "Accounts of a target location are account or OU ids; found 12345"),
        ({"TargetLocations": [{"Accounts": [A]}]}, "needs Accounts and Regions"),
        ({"TargetLocations": [location(A, Targets=over("x"))]}, "TargetParameterName is required"),
        ({"TargetLocations": [location(A)], "TargetLocationsURL": URL}, "cannot be specified together"),
        ({"TargetLocations": [location(*(f"{n:012d}" for n in range(51)))]}, "length less than or equal to 50"),
        ({"TargetLocations": [location(A, regions=tuple(f"r-{n}" for n in range(51)))]}, "length less than or equal to 50"),
        ({"TargetLocations": [location(A)] * 101}, "length less than or equal to 100"),
        ({"TargetLocationsURL": "https://example.com/x.json"}, "targetLocationsURL' failed to satisfy constraint"),
        ({"TargetLocationsURL": "http://bucket.s3.amazonaws.com/x.json"}, "targetLocationsURL' failed to satisfy constraint"),
    ],
)
def test_locations_that_cannot_be_are_refused_at_once(asked: dict[str, Any], words: str) -> None:
    """Documented: API TargetLocation and StartAutomationExecution; which of them the request refuses at once is assumed."""
    with pytest.raises(AwsError, match=words):
        Harness().start(NAP, **asked)


@pytest.mark.parametrize("wrapped", [False, True])
def test_locations_may_stand_in_a_file(*, wrapped: bool) -> None:
    """Documented: API StartAutomationExecution, TargetLocationsURL; the form of the file's JSON is assumed."""
    house = Harness()
    listed = [location(A, B, TargetLocationMaxConcurrency="2")]
    house.files.contents[URL] = json.dumps({"TargetLocations": listed} if wrapped else listed).encode()
    made = house.run(book(step("nap", "aws:sleep", {"Duration": "PT1S"})), TargetLocationsURL=URL)
    assert (made["AutomationExecutionStatus"], list(statuses(made))) == ("Success", [f"{A}_{REGION}", f"{B}_{REGION}"])
    assert (made["TargetLocationsURL"], made["TargetLocations"]) == (URL, listed)
    metadata = house.call("DescribeAutomationExecutions", Filters=[{"Key": "AutomationType", "Values": ["CrossAccount"]}])
    assert metadata["AutomationExecutionMetadataList"][0]["TargetLocationsURL"] == URL


@pytest.mark.parametrize(
    ("url", "body", "words"),
    [
        (URL, None, r"NoSuchKey\) when calling the GetObject operation"),
        (URL + "&forged", b"[]", "SignatureDoesNotMatch"),
        (URL, b"{", "is no JSON"),
        (URL, b"[]", "is not valid: .*length greater than or equal to 1"),
        (URL, b"{}", "is not valid"),
        (URL, json.dumps([location("x")]).encode(), "is not valid: Accounts of a target location"),
        (URL, json.dumps([{**location(A), "Nonsense": 1}]).encode(), "is not valid: .*Nonsense"),
        (URL, b" " * (8 << 20) + b"[]", "is longer than 8,388,608 bytes"),
    ],
    ids=["missing", "forged", "no JSON", "empty", "nothing", "no account", "unknown member", "long"],
)
def test_a_file_that_is_no_list_of_locations_fails_the_run(url: str, body: bytes | None, words: str) -> None:
    """Assumed: the run ends as Failed with the reason."""
    house = Harness()
    if body is not None:
        house.files.contents[url] = body
    made = house.run(book(step("nap", "aws:sleep", {"Duration": "PT1S"})), TargetLocationsURL=url)
    assert made["AutomationExecutionStatus"] == "Failed"
    assert re.search(words, made["FailureMessage"])


def test_a_stop_reaches_grandchildren() -> None:
    """Assumed: Cancel of a parent reaches everything that is at work below it."""
    house = Harness()
    asked = {"TargetParameterName": "InstanceId", "Targets": over("i-1", "i-2"), "TargetLocations": [location(A)]}
    execution_id = house.start(NAP, **asked)
    house.pass_time(10)
    house.call("StopAutomationExecution", AutomationExecutionId=execution_id)
    house.pass_time(1)
    found = house.call("DescribeAutomationExecutions", house.account_admin(A))["AutomationExecutionMetadataList"]
    assert [one["AutomationExecutionStatus"] for one in found] == ["Cancelled", "Cancelled"]
    assert house.execution(execution_id)["AutomationExecutionStatus"] == "Cancelled"


def test_a_child_may_be_stopped_in_its_own_account() -> None:
    """Documented: children are managed in their own account and Region; that its pair is Cancelled and an error is assumed."""
    house = Harness()
    content = book(step("nap", "aws:sleep", {"Duration": "PT10M"}))
    execution_id = house.start(content, TargetLocations=[location(A, B)])
    house.pass_time(10)
    child = house.execution(execution_id)["StepExecutions"][0]["Outputs"]["ExecutionId"][0]
    with pytest.raises(AwsError, match="AutomationExecutionNotFoundException"):
        house.call("StopAutomationExecution", AutomationExecutionId=child)
    house.call("StopAutomationExecution", house.account_admin(A), AutomationExecutionId=child)
    house.pass_time(10)
    made = house.execution(execution_id)
    assert (made["AutomationExecutionStatus"], list(statuses(made).values())) == ("Failed", ["Cancelled", "Cancelled"])


def test_groups_are_found_by_filter() -> None:
    """Documented: API AutomationExecutionFilter, TargetResourceGroup."""
    house = Harness()
    house.near.groups[HUB, REGION, "web"] = [f"arn:aws:ec2:{REGION}:{HUB}:instance/i-1"]
    wanted = house.start(NAP, TargetParameterName="InstanceId", Targets=[{"Key": "ResourceGroup", "Values": ["web"]}])
    house.start(TargetParameterName="InstanceId", Targets=over("i-2"))
    found = house.call("DescribeAutomationExecutions", Filters=[{"Key": "TargetResourceGroup", "Values": ["web"]}])
    assert [one["AutomationExecutionId"] for one in found["AutomationExecutionMetadataList"]] == [wanted]


def test_an_execution_says_which_association_started_it() -> None:
    """Documented: API AutomationExecution, AssociationId."""
    house = Harness()
    execution_id = house.start(book(step("nap", "aws:sleep", {"Duration": "PT1S"})))
    fact = {"account": HUB, "region": REGION, "execution_id": execution_id, "association_id": "a-1"}
    house.kernel.publish("association.automation-started", fact)
    house.pass_time(10)
    assert house.execution(execution_id)["AssociationId"] == "a-1"


def test_a_client_token_is_read_without_case() -> None:
    """Documented: API StartAutomationExecution: the token is case insensitive."""
    house = Harness()
    token = "0f8fad5b-d9cb-469f-a165-70867728950e"
    first = house.start(book(step("nap", "aws:sleep", {"Duration": "PT1S"})), ClientToken=token)
    assert house.start(ClientToken=token.upper()) == first
