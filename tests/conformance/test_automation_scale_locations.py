"""Automation over accounts and Regions: pairs and their steps, children in their own account, OUs, targets inside, files of locations."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.config import Config

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.target import Account, unique_name

ENDED = {"Success", "Failed", "TimedOut", "Cancelled"}
RUNBOOK = {
    "schemaVersion": "0.3",
    "assumeRole": "{{ Role }}",
    "parameters": {"Role": {"type": "String", "default": ""}, "Id": {"type": "String", "default": "x"}},
    "mainSteps": [{"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}}],
}
PROPAGATION_S = 10.0
"""New roles of AWS are not known everywhere at once; a local organization needs no such time."""


@dataclass
class World:
    """A runbook of the hub, shared with the member, the hub's role and the name of the member's."""

    runbook: str
    hub_role: str
    member_role: str


def trust(**principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role(account: Account, name: str, trusted: str, *actions: str) -> str:
    iam = account.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
    return arn


def unmake(account: Account, name: str) -> None:
    account.client("iam").delete_role_policy(RoleName=name, PolicyName="all")
    account.client("iam").delete_role(RoleName=name)


@pytest.fixture(scope="module")
def world(hub: Account, member: Account) -> Iterator[World]:
    """Roles and a runbook, as the guide sets them up."""
    admin, executor, runbook = unique_name("admin"), unique_name("exec"), unique_name("far")
    listing = ("organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent")
    hub_role = role(hub, admin, trust(Service="ssm.amazonaws.com"), "sts:AssumeRole", *listing)
    inside = ("ssm:*", "iam:PassRole", "tag:GetResources", "resource-groups:ListGroupResources", "ec2:Describe*")
    role(member, executor, trust(AWS=hub_role), *inside)
    ssm = hub.client("ssm")
    content = json.dumps(RUNBOOK)
    ssm.create_document(Name=runbook, DocumentType="Automation", DocumentFormat="JSON", Content=content)
    ssm.modify_document_permission(Name=runbook, PermissionType="Share", AccountIdsToAdd=[member.id])
    if hub.endpoint is None:
        time.sleep(PROPAGATION_S)
    yield World(runbook, hub_role, executor)
    ssm.modify_document_permission(Name=runbook, PermissionType="Share", AccountIdsToRemove=[member.id])
    ssm.delete_document(Name=runbook)
    unmake(hub, admin)
    unmake(member, executor)


def location(world: World, *accounts: str, region: str = "", **more: Any) -> dict[str, Any]:
    return {"Accounts": list(accounts), "Regions": [region], "ExecutionRoleName": world.member_role, **more}


def start(hub: Account, world: World, *locations: dict[str, Any], **params: Any) -> str:
    listed = [{**one, "Regions": [region or hub.region for region in one["Regions"]]} for one in locations]
    given = {"TargetLocations": listed} if listed else {}
    asked = {"DocumentName": world.runbook, "Parameters": {"Role": [world.hub_role]}, **given, **params}
    return str(hub.client("ssm").start_automation_execution(**asked)["AutomationExecutionId"])


def ended(account: Account, execution_id: str) -> dict[str, Any]:
    def asked() -> dict[str, Any]:
        answer: dict[str, Any] = account.client("ssm").get_automation_execution(AutomationExecutionId=execution_id)
        found: dict[str, Any] = answer["AutomationExecution"]
        return found

    found: dict[str, Any] = eventually(asked, lambda one: one["AutomationExecutionStatus"] in ENDED, 90)
    return found


@observed("a public screenshot of a multi-account automation; user guide, running-automations-multiple-accounts-regions")
def test_a_step_is_called_account_and_region(hub: Account, member: Account, world: World) -> None:
    """The parent has one executeAutomation step per account and Region, called ACCOUNT_REGION, whose output is the child's id."""
    made = ended(hub, start(hub, world, location(world, member.id)))
    step = made["StepExecutions"][0]
    assert (step["StepName"], step["Action"]) == (f"{member.id}_{hub.region}", "aws:executeAutomation")
    child = ended(member, step["Outputs"]["ExecutionId"][0])
    assert (child["AutomationExecutionStatus"], made["AutomationExecutionStatus"]) == ("Success", "Success")
    assert child["ParentAutomationExecutionId"] == made["AutomationExecutionId"]


@documented("API AutomationType; API ProgressCounters")
def test_a_parent_is_of_type_cross_account(hub: Account, member: Account, world: World) -> None:
    """The parent is CrossAccount and counts its pairs."""
    made = ended(hub, start(hub, world, location(world, member.id)))
    filters = [{"Key": "ExecutionId", "Values": [made["AutomationExecutionId"]]}]
    listed = hub.client("ssm").describe_automation_executions(Filters=filters)["AutomationExecutionMetadataList"]
    assert listed[0]["AutomationType"] == "CrossAccount"
    assert (made["ProgressCounters"]["TotalSteps"], made["ProgressCounters"]["SuccessSteps"]) == (1, 1)


@documented("user guide, running-automations-multiple-accounts-regions: specify the account and Region of the child")
def test_a_child_is_seen_in_its_own_account_only(hub: Account, member: Account, world: World) -> None:
    """The hub does not find the execution of a child in another account."""
    made = ended(hub, start(hub, world, location(world, member.id)))
    child = made["StepExecutions"][0]["Outputs"]["ExecutionId"][0]
    with refused("AutomationExecutionNotFoundException"):
        hub.client("ssm").get_automation_execution(AutomationExecutionId=child)


@documented("user guide, running-automations-multiple-accounts-regions, setting up roles")
def test_a_missing_role_fails_the_pair(hub: Account, member: Account, world: World) -> None:
    """Without the execution role in an account its pair fails."""
    made = ended(hub, start(hub, world, {**location(world, member.id), "ExecutionRoleName": "conf-nobody"}))
    assert (made["AutomationExecutionStatus"], made["StepExecutions"][0]["StepStatus"]) == ("Failed", "Failed")


@documented("API TargetLocation, Accounts, Regions; API TargetLocations")
@pytest.mark.parametrize("what", ["accounts", "regions", "locations"])
def test_locations_have_limits(hub: Account, member: Account, world: World, what: str) -> None:
    """A location has at most 50 accounts and 50 Regions, and there are at most 100 locations."""
    one = location(world, member.id)
    many = {
        "accounts": [{**one, "Accounts": [f"{number:012d}" for number in range(51)]}],
        "regions": [{**one, "Regions": [f"us-east-{number}" for number in range(51)]}],
        "locations": [one] * 101,
    }[what]
    with refused("ValidationException"):
        start(hub, world, *many)


@documented("API TargetLocation, IncludeChildOrganizationUnits and ExcludeAccounts")
def test_an_excluded_account_is_left_out(hub: Account, member: Account, world: World) -> None:
    """The OU of the member is reached only as far as ExcludeAccounts lets; nobody left is a failure."""
    parents = hub.client("organizations").list_parents(ChildId=member.id)["Parents"]
    unit = parents[0]["Id"]
    made = ended(hub, start(hub, world, location(world, unit)))
    assert [one["StepName"] for one in made["StepExecutions"] if one["StepName"].startswith(member.id)]
    made = ended(hub, start(hub, world, location(world, unit, ExcludeAccounts=[member.id])))
    assert not [one["StepName"] for one in made["StepExecutions"] if one["StepName"].startswith(member.id)]


@documented("user guide, running-automations-multiple-accounts-regions: automations don't run recursively through OUs")
def test_ous_are_not_searched_deeply(hub: Account, member: Account, world: World) -> None:
    """An OU above the member's is not searched, unless IncludeChildOrganizationUnits says so."""
    organizations = hub.client("organizations")
    inner = organizations.list_parents(ChildId=member.id)["Parents"][0]["Id"]
    outer = organizations.list_parents(ChildId=inner)["Parents"][0]
    if outer["Type"] == "ROOT":
        pytest.skip("the member's OU lies directly below the root")
    flat = ended(hub, start(hub, world, location(world, outer["Id"])))
    deep = ended(hub, start(hub, world, location(world, outer["Id"], IncludeChildOrganizationUnits=True)))
    name = f"{member.id}_{hub.region}"
    assert name not in [one["StepName"] for one in flat["StepExecutions"]]
    assert name in [one["StepName"] for one in deep["StepExecutions"]]


@documented(
    "user guide, running-automations-multiple-accounts-regions; API StartAutomationExecution, Targets with TargetLocations"
)
def test_targets_are_found_in_the_member(hub: Account, member: Account, world: World, node: str) -> None:
    """With Targets each child looks for its targets in its own account and Region, and has one child per target."""
    tag = unique_name("tag")
    member.client("ec2").create_tags(Resources=[node], Tags=[{"Key": tag, "Value": "yes"}])
    try:
        targets = {"TargetParameterName": "Id", "Targets": [{"Key": f"tag:{tag}", "Values": ["yes"]}]}
        made = ended(hub, start(hub, world, location(world, member.id), **targets))
    finally:
        member.client("ec2").delete_tags(Resources=[node], Tags=[{"Key": tag}])
    child = ended(member, made["StepExecutions"][0]["Outputs"]["ExecutionId"][0])
    assert child["ResolvedTargets"]["ParameterValues"] == [node]
    assert [one["StepName"] for one in child["StepExecutions"]] == [node]


@documented("API TargetLocation, Targets, TargetsMaxConcurrency, TargetsMaxErrors")
def test_targets_of_a_location_take_precedence(hub: Account, member: Account, world: World) -> None:
    """The targets and limits of a location count before those of the request."""
    own = {"Targets": [{"Key": "ParameterValues", "Values": ["a", "b"]}], "TargetsMaxConcurrency": "2", "TargetsMaxErrors": "1"}
    general = {"TargetParameterName": "Id", "Targets": [{"Key": "ParameterValues", "Values": ["z"]}], "MaxConcurrency": "5"}
    made = ended(hub, start(hub, world, location(world, member.id, **own), **general))
    child = ended(member, made["StepExecutions"][0]["Outputs"]["ExecutionId"][0])
    assert (child["MaxConcurrency"], child["MaxErrors"]) == ("2", "1")
    assert child["ResolvedTargets"]["ParameterValues"] == ["a", "b"]


@documented("API StartAutomationExecution, TargetLocationsURL")
def test_a_url_must_be_one_of_s3(hub: Account, world: World) -> None:
    """TargetLocationsURL is an https URL of S3."""
    with refused("ValidationException", "targetLocationsURL"):
        start(hub, world, TargetLocationsURL="https://example.com/locations.json")


@assumed("the API says that the file contains the TargetLocations body; JSON is what the API itself speaks")
@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_locations_may_stand_in_a_file(hub: Account, member: Account, world: World, bucket: str, version: str) -> None:
    """Locations are read from a presigned URL of S3, signed by either version."""
    key = f"{unique_name('locations')}.json"
    listed = [{**location(world, member.id), "Regions": [hub.region]}]
    s3 = hub.client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(listed).encode())
    signer = hub.session.client("s3", region_name=hub.region, endpoint_url=hub.endpoint, config=Config(signature_version=version))
    try:
        url = signer.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, ExpiresIn=600)
        made = ended(hub, start(hub, world, TargetLocationsURL=url))
    finally:
        s3.delete_object(Bucket=bucket, Key=key)
    assert [one["StepName"] for one in made["StepExecutions"]] == [f"{member.id}_{hub.region}"]
    assert made["AutomationExecutionStatus"] == "Success"


@documented("API StartAutomationExecution, TargetLocationsURL: presigned")
def test_a_forged_url_opens_nothing(hub: Account, world: World, bucket: str) -> None:
    """A URL whose signature does not hold is not read."""
    signer = hub.session.client("s3", region_name=hub.region, endpoint_url=hub.endpoint, config=Config(signature_version="s3v4"))
    url = signer.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a"}, ExpiresIn=600)
    made = ended(hub, start(hub, world, TargetLocationsURL=url.replace("/a?", "/b?")))
    assert made["AutomationExecutionStatus"] == "Failed"


@documented("API StartAutomationExecution; user guide: a role of another account cannot be passed")
def test_the_role_must_be_the_hub_s_own(hub: Account, member: Account, world: World) -> None:
    """A run whose role nobody can pass is refused at once."""
    foreign = world.hub_role.replace(hub.id, member.id)
    with pytest.raises(hub.client("ssm").exceptions.ClientError):
        start(hub, world, location(world, member.id), Parameters={"Role": [foreign]})


@documented("user guide, running-automations-multiple-accounts-regions, Choose a central account")
def test_ous_need_the_management_account_or_a_delegated_administrator(hub: Account, member: Account) -> None:
    """A run over an OU that is started in an ordinary member fails, because it may not list the accounts."""
    unit = hub.client("organizations").list_parents(ChildId=member.id)["Parents"][0]["Id"]
    name, ssm = unique_name("ou"), member.client("ssm")
    ssm.create_document(Name=name, DocumentType="Automation", DocumentFormat="JSON", Content=json.dumps(RUNBOOK))
    try:
        location = {"Accounts": [unit], "Regions": [member.region]}
        started = ssm.start_automation_execution(DocumentName=name, TargetLocations=[location])["AutomationExecutionId"]
        made = ended(member, started)
    finally:
        ssm.delete_document(Name=name)
    assert made["AutomationExecutionStatus"] == "Failed"
    assert "AccessDenied" in made["FailureMessage"]
