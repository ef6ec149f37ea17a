"""Policies that speak of tags: who may command which nodes, and who may change which documents and parameters."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from conformance.claims import documented, eventually
from conformance.target import Account


def told(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "allowed"


@pytest.fixture
def operator(member: Account, unique: Callable[[str], str]) -> Iterator[Callable[[list[dict[str, Any]]], Any]]:
    """Give a client of Systems Manager to a user who may do what some statements allow."""
    iam, name = member.client("iam"), unique("operator")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def make(statements: list[dict[str, Any]]) -> Any:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="some", PolicyDocument=policy)
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=member.region)
        return session.client("ssm", endpoint_url=member.endpoint)

    yield make
    iam.delete_user_policy(UserName=name, PolicyName="some")
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def sending(member: Account, key: str, stage: str) -> list[dict[str, Any]]:
    """The guide's policy: any document of AWS's, on nodes whose tag Stage is this."""
    allow = {"Effect": "Allow", "Action": "ssm:SendCommand"}
    return [
        {**allow, "Resource": f"arn:{member.partition}:ssm:{member.region}::document/AWS-*"},
        {
            **allow,
            "Resource": f"arn:{member.partition}:ec2:{member.region}:{member.id}:instance/*",
            "Condition": {"StringLike": {f"{key}/Stage": [stage]}},
        },
    ]


@pytest.mark.parametrize("key", ["ssm:resourceTag", "aws:ResourceTag", "ec2:ResourceTag"])
@documented("user guide, Restricting Run Command access based on tags; Service Authorization Reference, SendCommand: instance*")
def test_commands_go_to_nodes_with_the_tag_only(
    member: Account, node: str, second_node: str, operator: Callable[..., Any], key: str
) -> None:
    """Whoever may send commands to nodes with a tag may send none to the others."""
    ec2 = member.client("ec2")
    ec2.create_tags(Resources=[node], Tags=[{"Key": "Stage", "Value": "test"}])
    ssm = operator(sending(member, key, "te*"))
    run = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["true"]}}
    try:
        eventually(lambda: told(lambda: ssm.send_command(InstanceIds=[node], **run)), lambda said: said == "allowed")
        assert told(lambda: ssm.send_command(InstanceIds=[second_node], **run)) == "AccessDeniedException"
        assert told(lambda: ssm.send_command(InstanceIds=[node, second_node], **run)) == "AccessDeniedException"
    finally:
        ec2.delete_tags(Resources=[node], Tags=[{"Key": "Stage"}])


@documented("IAM user guide, aws:ResourceTag: the key of the tag is compared in any case, its value is not")
def test_a_parameter_is_read_by_its_tag(member: Account, unique: Callable[[str], str], operator: Callable[..., Any]) -> None:
    """A policy lets its holder read the parameters that have a tag, and refuses the others."""
    mine, other, ssm = f"/{unique('mine')}/a", unique("other"), member.client("ssm")
    ssm.put_parameter(Name=mine, Value="v", Type="String", Tags=[{"Key": "Team", "Value": "blue"}])
    ssm.put_parameter(Name=other, Value="v", Type="String", Tags=[{"Key": "Team", "Value": "Blue"}])
    statement = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"}
    reader = operator([{**statement, "Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}}}])
    try:
        eventually(lambda: told(lambda: reader.get_parameter(Name=mine)), lambda said: said == "allowed")
        assert told(lambda: reader.get_parameter(Name=other)) == "AccessDeniedException"
    finally:
        ssm.delete_parameters(Names=[mine, other])


@documented("Service Authorization Reference, DeleteDocument: document*")
def test_a_document_is_kept_by_its_tag(member: Account, unique: Callable[[str], str], operator: Callable[..., Any]) -> None:
    """A Deny on a tag keeps the documents that have it, until the tag is taken away."""
    name, ssm = unique("kept"), member.client("ssm")
    content = {
        "schemaVersion": "2.2",
        "mainSteps": [{"action": "aws:runShellScript", "name": "s", "inputs": {"runCommand": ["true"]}}],
    }
    ssm.create_document(Name=name, Content=json.dumps(content), Tags=[{"Key": "Keep", "Value": "yes"}])
    allow = {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}
    deny = {
        **allow,
        "Effect": "Deny",
        "Action": "ssm:DeleteDocument",
        "Condition": {"StringEquals": {"ssm:resourceTag/Keep": "yes"}},
    }
    user = operator([allow, deny])
    eventually(lambda: told(lambda: user.describe_document(Name=name)), lambda said: said == "allowed")
    assert told(lambda: user.delete_document(Name=name)) == "AccessDeniedException"
    ssm.remove_tags_from_resource(ResourceType="Document", ResourceId=name, TagKeys=["Keep"])
    assert told(lambda: user.delete_document(Name=name)) == "allowed"
