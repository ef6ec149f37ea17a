"""Who may start an automation, and as whom it then acts: roles with little in their policies."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from conformance.claims import assumed, documented, eventually, refused
from conformance.target import Account
from conformance.test_automation_runbooks import book, document, ended, who

Unique = Callable[[str], str]
START = "ssm:StartAutomationExecution"


@contextmanager
def acting(account: Account, name: str, *allowed: tuple[str, list[str]]) -> Iterator[Any]:
    """Be a role that may do what is allowed and nothing else; the client of Systems Manager."""
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    statements = [{"Effect": "Allow", "Action": action, "Resource": resources} for action, resources in allowed]
    iam.put_role_policy(RoleName=name, PolicyName="it", PolicyDocument=policy(*statements))
    try:
        assume = lambda: account.client("sts").assume_role(RoleArn=arn, RoleSessionName="conformance")  # noqa: E731
        found = eventually(assume, bool, retry=("AccessDenied",))["Credentials"]
        keys = (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        yield boto3.client("ssm", account.region, None, True, None, account.endpoint, *keys)
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="it")
        iam.delete_role(RoleName=name)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def arn(account: Account, resource: str) -> str:
    return f"arn:{account.partition}:ssm:{account.region}:{account.id}:{resource}"


@documented("user guide, automation-setup-identity-based-policies, Example 1")
def test_the_document_and_its_executions_are_enough(member: Account, unique: Unique) -> None:
    """Who may StartAutomationExecution on the runbook's document and on automation-execution/* starts it."""
    resources = lambda name: [arn(member, f"document/{name}"), arn(member, "automation-execution/*")]  # noqa: E731
    with document(member, unique("Book"), book(who())) as name, acting(member, unique("role"), (START, resources(name))) as ssm:
        assert ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]


@assumed("policies from before 2025 name nothing else, and AWS's own of 2026 still list it beside the document")
def test_the_definition_is_enough(member: Account, unique: Unique) -> None:
    """Who may StartAutomationExecution on automation-definition/NAME:VERSION starts it, in that version."""
    with (
        document(member, unique("Book"), book(who())) as name,
        acting(member, unique("role"), (START, [arn(member, f"automation-definition/{name}:$DEFAULT")])) as ssm,
    ):
        assert ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
        with refused("AccessDeniedException", START):
            ssm.start_automation_execution(DocumentName=name, DocumentVersion="1")


@documented("user guide, automation-setup: without an assume role the context of the user counts")
def test_without_an_assume_role_the_starter_s_rights_count(member: Account, unique: Unique) -> None:
    """A runbook without assumeRole may do what whoever started it may do, and its FailureMessage says what is denied."""
    look = {"Service": "ssm", "Api": "DescribeInstanceInformation"}
    content = book({"name": "look", "action": "aws:executeAwsApi", "inputs": look})
    with document(member, unique("Book"), content) as name, acting(member, unique("role"), (START, ["*"])) as ssm:
        found = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
        made = ended(member, found)
    assert made["AutomationExecutionStatus"] == "Failed"
    assert "is not authorized to perform: ssm:DescribeInstanceInformation" in made["FailureMessage"]
    assert made["StepExecutions"][0]["FailureDetails"]["FailureType"] == "Permission"


@documented("user guide, automation-setup-iam: who starts a runbook with an assume role needs iam:PassRole")
def test_passing_a_role_needs_the_right(member: Account, unique: Unique) -> None:
    """Without iam:PassRole on the assume role, the start is refused with AccessDeniedException."""
    role = f"arn:{member.partition}:iam::{member.id}:role/some-role"
    content = book(who(), assumeRole=role)
    with (
        document(member, unique("Book"), content) as name,
        acting(member, unique("role"), (START, ["*"])) as ssm,
        refused("AccessDeniedException", "iam:PassRole"),
    ):
        ssm.start_automation_execution(DocumentName=name)
