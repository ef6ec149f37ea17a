"""State Manager's runs on nodes: at once, once more, for nodes that are away; what is shown, and compliance that follows."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.claims import documented, eventually, observed, refused
from conformance.target import Account

Unique = Callable[[str], str]
Associate = Callable[..., str]
ENDED = ("Success", "Failed")


@pytest.fixture
def associate(member: Account) -> Iterator[Associate]:
    """Associates AWS-RunShellScript with a node; the association goes when the claim is made."""
    ssm, made = member.client("ssm"), []

    def create(node: str, *commands: str, **params: Any) -> str:
        targets = [{"Key": "InstanceIds", "Values": [node]}]
        asked = {"Name": "AWS-RunShellScript", "Targets": targets, "Parameters": {"commands": list(commands)}, **params}
        made.append(ssm.create_association(**asked)["AssociationDescription"]["AssociationId"])
        return made[-1]

    yield create
    for identifier in made:
        ssm.delete_association(AssociationId=identifier)


def described(member: Account, association: str) -> dict[str, Any]:
    found: dict[str, Any] = member.client("ssm").describe_association(AssociationId=association)["AssociationDescription"]
    return found


def ended(member: Account, association: str) -> dict[str, Any]:
    """Wait until the association is through with its nodes."""
    found: dict[str, Any] = eventually(
        lambda: described(member, association), lambda one: one["Overview"]["Status"] in ENDED, seconds=120
    )
    return found


def executions(member: Account, association: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = member.client("ssm").describe_association_executions(AssociationId=association)[
        "AssociationExecutions"
    ]
    return found


@documented("user guide, sysman-state-about: an association runs when it is created")
def test_a_node_runs_a_new_association(member: Account, node: str, associate: Associate) -> None:
    """An association runs on an online node without waiting for a schedule, and ends Success."""
    found = ended(member, associate(node, "true", ScheduleExpression="rate(30 days)"))
    assert found["Overview"]["Status"] == "Success"
    assert found["Overview"]["AssociationStatusAggregatedCount"] == {"Success": 1}
    assert "LastSuccessfulExecutionDate" in found


@documented("API DescribeAssociationExecutionTargets; aws CLI, its example")
def test_an_execution_shows_its_targets(member: Account, node: str, associate: Associate) -> None:
    """The execution of a Command association has a target of type ManagedInstance for each node."""
    association = associate(node, "true")
    ended(member, association)
    (execution,) = executions(member, association)
    assert (execution["Status"], execution["ResourceCountByStatus"]) == ("Success", "{Success=1}")
    asked = {"AssociationId": association, "ExecutionId": execution["ExecutionId"]}
    ssm = member.client("ssm")
    (target,) = ssm.describe_association_execution_targets(**asked)["AssociationExecutionTargets"]
    assert (target["ResourceId"], target["ResourceType"], target["Status"]) == (node, "ManagedInstance", "Success")
    none = ssm.describe_association_execution_targets(**asked, Filters=[{"Key": "Status", "Value": "Failed"}])
    assert none["AssociationExecutionTargets"] == []
    with refused("AssociationExecutionDoesNotExist"):
        ssm.describe_association_execution_targets(AssociationId=association, ExecutionId="00000000-0000-0000-0000-000000000000")


@observed("stock agent 3.3.0.0: ExecutionSummary and ErrorCode of UpdateInstanceAssociationStatus")
def test_a_failure_is_shown_in_the_nodes_words(member: Account, node: str, associate: Associate) -> None:
    """A failed run shows the agent's summary and error code under DescribeInstanceAssociationsStatus."""
    association = associate(node, "echo broken >&2", "exit 3")
    assert ended(member, association)["Overview"]["Status"] == "Failed"
    infos = member.client("ssm").describe_instance_associations_status(InstanceId=node)["InstanceAssociationStatusInfos"]
    (info,) = [one for one in infos if one["AssociationId"] == association]
    assert (info["DetailedStatus"], info["ErrorCode"]) == ("Failed", "ExecutionError")
    assert "1 out of 1 plugin processed, 0 success, 1 failed" in info["ExecutionSummary"]


@documented("aws CLI, examples of describe-instance-associations-status and list-compliance-items")
def test_a_node_is_told_the_number_of_a_documents_version(member: Account, node: str, associate: Associate) -> None:
    """Where a node's associations and their compliance are shown, $DEFAULT has become the number that it means."""
    association, ssm = associate(node, "true"), member.client("ssm")
    ended(member, association)
    infos = ssm.describe_instance_associations_status(InstanceId=node)["InstanceAssociationStatusInfos"]
    (info,) = [one for one in infos if one["AssociationId"] == association]
    assert info["DocumentVersion"].isdigit()
    assert info["ExecutionSummary"] == "1 out of 1 plugin processed, 1 success, 0 failed, 0 timedout, 0 skipped. "
    filters = [{"Key": "Id", "Values": [association]}]
    found = eventually(lambda: ssm.list_compliance_items(ResourceIds=[node], Filters=filters)["ComplianceItems"], bool, 120)
    assert found[0]["Details"] == {"DocumentName": "AWS-RunShellScript", "DocumentVersion": info["DocumentVersion"]}


@documented("user guide, sysman-state-about: a changed value of Parameter Store")
def test_a_changed_parameter_runs_what_refers_to_it(member: Account, node: str, associate: Associate) -> None:
    """An association whose parameters refer to a value of Parameter Store runs again when that value changes."""
    ssm, name = member.client("ssm"), f"word-{node}"
    ssm.put_parameter(Name=name, Value="true", Type="String", Overwrite=True)
    association = associate(node, f"{{{{ssm:{name}}}}}")
    assert ended(member, association)["Overview"]["Status"] == "Success"
    ssm.put_parameter(Name=name, Value="false", Type="String", Overwrite=True)
    found = eventually(
        lambda: executions(member, association), lambda rows: len(rows) == 2 and rows[0]["Status"] == "Failed", 120
    )
    ssm.delete_parameter(Name=name)
    assert [one["Status"] for one in found] == ["Failed", "Success"]


@documented("API StartAssociationsOnce")
def test_an_association_is_started_once_more(member: Account, node: str, associate: Associate) -> None:
    """StartAssociationsOnce makes another execution at once."""
    association = associate(node, "true")
    ended(member, association)
    member.client("ssm").start_associations_once(AssociationIds=[association])
    found = eventually(
        lambda: executions(member, association), lambda rows: len(rows) == 2 and rows[0]["Status"] == "Success", 120
    )
    assert [one["Status"] for one in found] == ["Success", "Success"]


@documented("user guide, sysman-state-about: a node that is offline runs when it is back")
def test_a_node_that_is_away_is_waited_for(member: Account, offline_node: str, associate: Associate) -> None:
    """An association for an offline node stays Pending, and so does its target."""
    association = associate(offline_node, "true")
    (execution,) = eventually(lambda: executions(member, association), bool)
    assert (execution["Status"], execution["ResourceCountByStatus"]) == ("Pending", "{Pending=1}")
    assert described(member, association)["Overview"]["Status"] == "Pending"


@documented("API ApplyOnlyAtCronInterval")
def test_only_at_interval_nothing_runs_at_creation(member: Account, node: str, associate: Associate) -> None:
    """With ApplyOnlyAtCronInterval a new association has no execution before its time."""
    waiting = associate(node, "true", ScheduleExpression="cron(0 0 1 * ? 2199)", ApplyOnlyAtCronInterval=True)
    ended(member, associate(node, "true"))
    assert executions(member, waiting) == []


@documented("API DescribeAssociationExecutions, Filters")
def test_executions_are_filtered(member: Account, node: str, associate: Associate) -> None:
    """Executions are filtered by ExecutionId, Status and CreatedTime with its operators."""
    association = associate(node, "true")
    ended(member, association)
    (execution,) = executions(member, association)
    ssm = member.client("ssm")

    def found(key: str, kind: str, value: str) -> int:
        filters = [{"Key": key, "Type": kind, "Value": value}]
        return len(ssm.describe_association_executions(AssociationId=association, Filters=filters)["AssociationExecutions"])

    assert found("ExecutionId", "EQUAL", execution["ExecutionId"]) == 1
    assert (found("Status", "EQUAL", "Success"), found("Status", "EQUAL", "Failed")) == (1, 0)
    assert found("CreatedTime", "GREATER_THAN", "2020-01-01T00:00:00Z") == 1
    assert found("CreatedTime", "LESS_THAN", "2020-01-01T00:00:00Z") == 0


@documented("API DescribeEffectiveInstanceAssociations")
def test_a_nodes_associations_are_listed_with_their_content(member: Account, node: str, associate: Associate) -> None:
    """DescribeEffectiveInstanceAssociations shows an association that is for the node, with the document's content."""
    association = associate(node, "true")
    pages = member.client("ssm").get_paginator("describe_effective_instance_associations").paginate(InstanceId=node)
    found = {one["AssociationId"]: one for page in pages for one in page["Associations"]}
    assert "aws:runShellScript" in found[association]["Content"]
    with refused("InvalidInstanceId"):
        member.client("ssm").describe_effective_instance_associations(InstanceId="i-0123456789abcdef9")
