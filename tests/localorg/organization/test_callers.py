"""Who may call what, from where."""

import json

import pytest
from organization.world import HUB, ONE, OTHER, ROOT, STACKSETS, TWO, UPPER, ByResourcePolicy, World

STRANGER = "9" * 12
SCP = "SERVICE_CONTROL_POLICY"
POLICY = {"Name": "p", "Description": "", "Type": SCP, "Content": '{"Version": "2012-10-17"}'}
BY_MANAGEMENT = [
    ("CreateAccount", {"AccountName": "x", "Email": "x@example.com"}),
    ("MoveAccount", {"AccountId": ONE, "SourceParentId": UPPER, "DestinationParentId": OTHER}),
    ("RemoveAccountFromOrganization", {"AccountId": ONE}),
    ("CreateOrganizationalUnit", {"ParentId": ROOT, "Name": "x"}),
    ("EnableAWSServiceAccess", {"ServicePrincipal": "config.amazonaws.com"}),
    ("DeregisterDelegatedAdministrator", {"AccountId": TWO, "ServicePrincipal": STACKSETS}),
    ("PutResourcePolicy", {"Content": "{}"}),
    ("EnableAllFeatures", {}),
    ("DeleteOrganization", {}),
]
BY_DELEGATES = [("CreatePolicy", POLICY), ("TagResource", {"ResourceId": ONE, "Tags": [{"Key": "a", "Value": "b"}]})]


def delegating(*actions: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": [ONE]}, "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(("operation", "params"), BY_MANAGEMENT + BY_DELEGATES)
def test_administrators_of_a_service_read_only(operation, params):
    """Documented: Organizations API reference, RegisterDelegatedAdministrator: "It grants read-only access"."""
    world = World()
    world.call("RegisterDelegatedAdministrator", {"AccountId": TWO, "ServicePrincipal": STACKSETS})
    for account in (ONE, TWO):
        refusal = world.refused(operation, params, account)
        assert (refusal.code, refusal.message) == ("AccessDeniedException", "You don't have permissions to access this resource.")
    assert world.refused(operation, params, STRANGER).code == "AWSOrganizationsNotInUseException"


def test_the_resource_policy_lets_a_member_manage_policies():
    """Documented: Organizations user guide, "Delegated administrator for AWS Organizations"."""
    world = World(authoriser=ByResourcePolicy())
    assert world.refused("CreatePolicy", POLICY, ONE).code == "AccessDeniedException"
    world.call("PutResourcePolicy", {"Content": delegating("organizations:CreatePolicy", "organizations:ListPolicies")})
    world.call("CreatePolicy", POLICY, ONE)
    assert len(world.call("ListPolicies", {"Filter": SCP}, ONE)["Policies"]) == 2
    assert world.refused("ListAccounts", {}, ONE).code == "AccessDeniedException"
    assert world.refused("CreatePolicy", {**POLICY, "Name": "q"}, TWO).code == "AccessDeniedException"
    world.call("DeleteResourcePolicy")
    assert world.refused("ListPolicies", {"Filter": SCP}, ONE).code == "AccessDeniedException"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "INVALID_RESOURCE_POLICY_JSON"),
        (delegating("organizations:CreateAccount"), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        (delegating("s3:GetObject"), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        (delegating("organizations:ListRoots").replace(ONE, STRANGER), "INVALID_PRINCIPAL"),
        (delegating("organizations:ListRoots").replace('"AWS"', '"Service"'), "INVALID_PRINCIPAL"),
        (
            delegating("organizations:ListRoots").replace('"Resource": "*"', '"Resource": "arn:aws:s3:::bucket"'),
            "UNSUPPORTED_RESOURCE_IN_RESOURCE_POLICY",
        ),
    ],
)
def test_a_resource_policy_that_aws_refuses(content, reason):
    """Documented: Organizations API reference, the reasons of InvalidInputException."""
    refusal = World().refused("PutResourcePolicy", {"Content": content})
    assert (refusal.code, refusal.members) == ("InvalidInputException", {"Reason": reason})


def test_the_resource_policy_is_one():
    """Documented: Organizations API reference, PutResourcePolicy creates or updates; tags go with the creation only."""
    world = World()
    assert world.refused("DescribeResourcePolicy").code == "ResourcePolicyNotFoundException"
    content, tags = delegating("organizations:ListRoots"), [{"Key": "a", "Value": "b"}]
    first = world.call("PutResourcePolicy", {"Content": content, "Tags": tags})["ResourcePolicy"]["ResourcePolicySummary"]
    assert first["Arn"] == f"arn:aws:organizations::{HUB}:resourcepolicy/o-localorg01/{first['Id']}"
    second = world.call("PutResourcePolicy", {"Content": delegating("organizations:Describe*")})["ResourcePolicy"]
    assert second["ResourcePolicySummary"] == first
    assert world.call("DescribeResourcePolicy")["ResourcePolicy"] == second
    assert world.call("ListTagsForResource", {"ResourceId": first["Id"]})["Tags"] == tags
    assert world.refused("PutResourcePolicy", {"Content": content, "Tags": tags}).code == "InvalidInputException"


def test_conditions_know_service_and_policy_type():
    """Documented: Service Authorization Reference, AWS Organizations: organizations:ServicePrincipal, organizations:PolicyType."""
    authoriser = ByResourcePolicy()
    world = World(authoriser=authoriser)
    world.call("EnableAWSServiceAccess", {"ServicePrincipal": "config.amazonaws.com"})
    assert authoriser.asked[-1].context["organizations:ServicePrincipal"] == "config.amazonaws.com"
    world.call("DescribePolicy", {"PolicyId": "p-FullAWSAccess"})
    assert authoriser.asked[-1].context["organizations:PolicyType"] == SCP
    assert authoriser.asked[-1].resource == "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"


def test_tags_on_something_new_ask_for_tag_resource_too():
    """Documented: Organizations API reference, CreateAccount: "the requester must have the organizations:TagResource permission"."""
    authoriser = ByResourcePolicy()
    world = World(authoriser=authoriser)
    world.call("CreateOrganizationalUnit", {"ParentId": ROOT, "Name": "x", "Tags": [{"Key": "a", "Value": "b"}]})
    asked = {access.action: access.resource for access in authoriser.asked}
    assert asked["organizations:TagResource"] == f"arn:aws:organizations::{HUB}:ou/o-localorg01/ou-*"
