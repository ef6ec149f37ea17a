"""AWS's managed policies beyond those that localorg carries."""

import json
from pathlib import Path

import pytest
from server.fuzz.house import REGION, House

from localorg.identity.partition_check import check_partition
from localorg.identity.policy import parse_policy
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import ApiCall, Output
from localorg.server.published_policies import published_policies

PREFIX = "arn:aws:iam::aws:policy"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "db")


def iam(house: House, operation: str, **params: str) -> Output:
    return house.engines.gateway.invoke(ApiCall(house.principals["user"], REGION, "iam", operation, params))


def attach(house: House, name: str, path: str = "/") -> None:
    house_trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    document = json.dumps({"Version": "2012-10-17", **house_trust})
    iam(house, "CreateRole", RoleName=name, AssumeRolePolicyDocument=document)
    iam(house, "AttachRolePolicy", RoleName=name, PolicyArn=f"{PREFIX}{path}{name}")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("AWS_ConfigRole", "/service-role/"),
        ("AmazonSSMPatchAssociation", "/"),
        ("SecurityAudit", "/"),
        ("ReadOnlyAccess", "/"),
        ("ViewOnlyAccess", "/job-function/"),
        ("AWSLambdaBasicExecutionRole", "/service-role/"),
    ],
)
def test_what_templates_attach_most_is_there(house: House, name: str, path: str) -> None:
    """Documented: AWS managed policy reference guide."""
    attach(house, name, path)
    found = iam(house, "GetPolicy", PolicyArn=f"{PREFIX}{path}{name}")["Policy"]
    assert (found["AttachmentCount"], found["IsAttachable"]) == (1, True)
    version = iam(house, "GetPolicyVersion", PolicyArn=found["Arn"], VersionId=found["DefaultVersionId"])["PolicyVersion"]
    assert "Statement" in version["Document"]


def test_a_policy_that_aws_does_not_publish(house: House) -> None:
    """Assumed: moto's collection may be older than a policy, so that its absence here is no proof."""
    with pytest.raises(NotSupported, match="the AWS managed policy arn:aws:iam::aws:policy/AmazonFlight .*not this one"):
        attach(house, "AmazonFlight")


def test_a_policy_for_a_service_linked_role_is_for_nobody_else(house: House) -> None:
    """Documented: API AttachRolePolicy, PolicyNotAttachable."""
    with pytest.raises(AwsError, match="PolicyNotAttachable"):
        attach(house, "AWSSupportServiceRolePolicy", "/aws-service-role/")


def test_in_another_partition_they_speak_of_it() -> None:
    """Documented: ARNs of China and GovCloud."""
    china = published_policies("aws-cn")["AWSLambdaBasicExecutionRole"], published_policies("aws-cn")["AWS_ConfigRole"]
    assert '"arn:aws:' not in json.dumps(china)
    assert '"arn:aws-cn:' in json.dumps(china)


def test_every_published_policy_can_be_judged() -> None:
    """Documented: AWS managed policy reference guide: what AWS itself publishes is a policy, with no exception."""
    for name, found in published_policies("aws").items():
        assert parse_policy(found["document"], "managed").statements, name
        check_partition("aws", found["document"])
