"""Activations: the right to register machines outside EC2, how long it lasts, and who may give it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conformance.claims import documented, eventually, observed, refused
from conformance.hybrid_agent import HybridAgent
from conformance.hybrid_world import activation, trust
from conformance.target import Account

MISSING = "00000000-0000-4000-8000-000000000000"


@documented("API CreateActivation, RegistrationLimit and ExpirationDate")
def test_an_activation_is_for_one_node_and_a_day(member: Account, activate: Callable[..., dict[str, Any]]) -> None:
    """An activation registers one node within 24 hours unless it says otherwise."""
    made = activate()
    row = activation(member, made)
    assert (row["RegistrationLimit"], row["RegistrationsCount"], row["Expired"]) == (1, 0, False)
    assert timedelta(hours=23, minutes=55) < row["ExpirationDate"] - datetime.now(UTC) <= timedelta(hours=24)


@documented("API CreateActivation, ActivationCode")
def test_the_code_is_shown_once(member: Account, activate: Callable[..., dict[str, Any]]) -> None:
    """The activation code has 20 to 250 characters and is in no later answer."""
    made = activate(Description="a rack")
    assert 20 <= len(made["ActivationCode"]) <= 250
    assert made["ActivationCode"] not in json.dumps(activation(member, made), default=str)


@observed("hashicorp/terraform-provider-aws issues 27952 and 30441")
def test_the_role_must_exist(member: Account) -> None:
    """An activation for a role that is not there is refused with AWS's sentence about roles and trust."""
    with refused("ValidationException", "Nonexistent role or missing ssm service principal in trust policy", "role/conf-nobody"):
        member.client("ssm").create_activation(IamRole="conf-nobody")


@documented("API CreateActivation, IamRole")
def test_the_role_must_trust_systems_manager(member: Account, unique: Callable[[str], str]) -> None:
    """An activation for a role that only EC2 may take is refused."""
    name, iam = unique("ec2"), member.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    try:
        with refused("ValidationException", name):
            member.client("ssm").create_activation(IamRole=name)
    finally:
        iam.delete_role(RoleName=name)


@documented("API CreateActivation, IamRole")
def test_a_service_linked_role_cannot_be_given(member: Account) -> None:
    """An activation cannot name a service-linked role."""
    with refused("ValidationException"):
        member.client("ssm").create_activation(IamRole="AWSServiceRoleForAmazonSSM")


@documented("IAM user guide, Grant a user permissions to pass a role; Service Authorization Reference, CreateActivation")
def test_the_role_must_be_passed(member: Account, role: str, unique: Callable[[str], str]) -> None:
    """Whoever makes an activation needs iam:PassRole on its role, for ssm.amazonaws.com."""
    name, iam = unique("activator"), member.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        allow(iam, name, [{"Effect": "Allow", "Action": "ssm:CreateActivation", "Resource": "*"}])
        ssm = member.session.client(
            "ssm",
            endpoint_url=member.endpoint,
            region_name=member.region,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )
        wanted = ("AccessDeniedException", "iam:PassRole", f"role/{role}")
        eventually(
            lambda: refusal(lambda: ssm.create_activation(IamRole=role)), lambda said: all(word in said for word in wanted)
        )
    finally:
        iam.delete_user_policy(UserName=name, PolicyName="some")
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName=name)


def allow(iam: Any, user: str, statements: list[dict[str, Any]]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=user, PolicyName="some", PolicyDocument=document)


def refusal(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return "allowed"


@documented("user guide, Create the IAM service role required for Systems Manager in hybrid and multicloud environments")
def test_a_role_may_trust_for_one_account_and_region(member: Account, role: str, join: Callable[..., HybridAgent]) -> None:
    """The guide's trust policy with aws:SourceAccount and aws:SourceArn lets the account's own nodes in."""
    statement = json.loads(trust("ssm.amazonaws.com"))["Statement"][0]
    statement["Condition"] = {
        "StringEquals": {"aws:SourceAccount": member.id},
        "ArnEquals": {"aws:SourceArn": f"arn:{member.partition}:ssm:{member.region}:{member.id}:*"},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    member.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=policy)
    assert join().token()


@documented("API CreateActivation, RegistrationLimit")
@pytest.mark.parametrize("limit", [0, 1001])
def test_the_limit_is_one_to_a_thousand(member: Account, role: str, limit: int) -> None:
    """RegistrationLimit is 1 to 1,000."""
    with refused("ValidationException"):
        member.client("ssm").create_activation(IamRole=role, RegistrationLimit=limit)


@documented("API CreateActivation, ExpirationDate")
@pytest.mark.parametrize("ahead", [timedelta(days=31), timedelta(hours=-1)])
def test_an_activation_ends_within_thirty_days(member: Account, role: str, ahead: timedelta) -> None:
    """ExpirationDate is in the future and at most 30 days ahead."""
    with refused("ValidationException"):
        member.client("ssm").create_activation(IamRole=role, ExpirationDate=datetime.now(UTC) + ahead)


@documented("API DescribeActivations, Filters")
def test_activations_are_found_by_name_and_role(member: Account, role: str, activate: Callable[..., dict[str, Any]]) -> None:
    """DescribeActivations filters by DefaultInstanceName and IamRole."""
    named = activate(DefaultInstanceName=f"{role}-name")
    activate()
    ssm = member.client("ssm")
    by_name = [{"FilterKey": "DefaultInstanceName", "FilterValues": [f"{role}-name"]}]
    found = ssm.describe_activations(Filters=by_name)["ActivationList"]
    assert [row["ActivationId"] for row in found] == [named["ActivationId"]]
    by_role = [{"FilterKey": "IamRole", "FilterValues": [role]}]
    assert len(ssm.describe_activations(Filters=by_role)["ActivationList"]) == 2


@documented("API DescribeActivations, NextToken")
def test_activations_come_in_pages(member: Account, role: str, activate: Callable[..., dict[str, Any]]) -> None:
    """Pages of one activation each hold them all, each once."""
    wanted = {activate()["ActivationId"] for _ in range(3)}
    pages = member.client("ssm").get_paginator("describe_activations")
    rows = list(pages.paginate(PaginationConfig={"PageSize": 1}).search("ActivationList[]"))
    ids = [row["ActivationId"] for row in rows if row["IamRole"] == role]
    assert (set(ids), len(ids)) == (wanted, 3)


@documented("API DeleteActivation, InvalidActivationId")
def test_an_unknown_activation_cannot_be_deleted(member: Account) -> None:
    """DeleteActivation of an unknown id is an InvalidActivationId."""
    with refused("InvalidActivationId"):
        member.client("ssm").delete_activation(ActivationId=MISSING)
