"""AWS Organizations: the condition keys of its own, and tags of its resources, in policies."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from conformance.claims import documented, eventually, refused
from conformance.target import Account

SERVICE, OTHER_SERVICE = "access-analyzer.amazonaws.com", "config.amazonaws.com"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


def allow(action: str, **equals: str) -> dict[str, Any]:
    conditions = {key.replace("__", ":").replace("_tag_", "/"): value for key, value in equals.items()}
    return {"Effect": "Allow", "Action": f"organizations:{action}", "Resource": "*", "Condition": {"StringEquals": conditions}}


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        allow("ListDelegatedAdministrators", organizations__ServicePrincipal=SERVICE),
        allow("ListPolicies", organizations__PolicyType=SCP),
        allow("DescribePolicy", organizations__PolicyType=SCP),
        allow("DescribeOrganizationalUnit", aws__ResourceTag_tag_team="blue"),
        allow("TagResource", aws__ResourceTag_tag_team="blue", aws__RequestTag_tag_tier="gold"),
    ],
}


@pytest.fixture(scope="module")
def organizations(hub: Account) -> Any:
    return hub.client("organizations")


@pytest.fixture(scope="module")
def person(hub: Account) -> Iterator[Any]:
    """Organizations' client of somebody in the hub who may what POLICY says."""
    iam, name = hub.client("iam"), "conf-conditions"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="some", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=hub.region)
    client = session.client("organizations", endpoint_url=hub.endpoint)
    eventually(lambda: client.list_policies(Filter=SCP), bool, 60, ("AccessDeniedException", "UnrecognizedClientException"))
    yield client
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="some")
    iam.delete_user(UserName=name)


@pytest.fixture
def unit(organizations: Any, unique: Callable[[str], str]) -> Iterator[Callable[..., str]]:
    """Make units with tags under the root; they are gone afterwards."""
    root, made = organizations.list_roots()["Roots"][0]["Id"], []

    def create(**tags: str) -> str:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        answer = organizations.create_organizational_unit(ParentId=root, Name=unique("unit"), Tags=listed)
        made.append(answer["OrganizationalUnit"]["Id"])
        return str(made[-1])

    yield create
    for one in made:
        organizations.delete_organizational_unit(OrganizationalUnitId=one)


@documented("Service Authorization Reference, AWS Organizations: organizations:ServicePrincipal")
def test_a_policy_speaks_of_one_service(person: Any) -> None:
    """Who may ask for the administrators of one service may not ask for another's, nor for all."""
    assert person.list_delegated_administrators(ServicePrincipal=SERVICE)["DelegatedAdministrators"] == []
    with refused("AccessDeniedException", "organizations:ListDelegatedAdministrators"):
        person.list_delegated_administrators(ServicePrincipal=OTHER_SERVICE)
    with refused("AccessDeniedException", "organizations:ListDelegatedAdministrators"):
        person.list_delegated_administrators()


@documented("Service Authorization Reference, AWS Organizations: organizations:PolicyType")
def test_a_policy_speaks_of_one_type_of_policies(person: Any) -> None:
    """The type is that of the filter, or of the policy that is named."""
    assert person.list_policies(Filter=SCP)["Policies"]
    assert person.describe_policy(PolicyId="p-FullAWSAccess")["Policy"]["PolicySummary"]["Type"] == SCP
    with refused("AccessDeniedException", "organizations:ListPolicies"):
        person.list_policies(Filter=RCP)
    with refused("AccessDeniedException", "organizations:DescribePolicy"):
        person.describe_policy(PolicyId="p-RCPFullAWSAccess")


@documented("Organizations user guide, ABAC: aws:ResourceTag and aws:RequestTag on roots, OUs, accounts and policies")
def test_a_policy_speaks_of_tags(person: Any, unit: Callable[..., str]) -> None:
    """Who may work on resources with a tag may not on others, and puts on only the tags that the policy lets in."""
    blue, red = unit(team="blue"), unit(team="red")
    assert person.describe_organizational_unit(OrganizationalUnitId=blue)["OrganizationalUnit"]["Id"] == blue
    with refused("AccessDeniedException", "organizations:DescribeOrganizationalUnit"):
        person.describe_organizational_unit(OrganizationalUnitId=red)
    person.tag_resource(ResourceId=blue, Tags=[{"Key": "tier", "Value": "gold"}])
    for resource, tier in ((red, "gold"), (blue, "lead")):
        with refused("AccessDeniedException", "organizations:TagResource"):
            person.tag_resource(ResourceId=resource, Tags=[{"Key": "tier", "Value": tier}])
