"""IAM's policy simulator: the evaluator's own decision, and what led to it."""

import json
from typing import Any

import pytest
from identity.world import HUB, MEMBER, World, allow, deny, document

from localorg.kernel.errors import AwsError, NotSupported

DATED = {
    "Version": "2012-10-17",
    "Statement": allow("dynamodb:*", DateGreaterThan={"aws:CurrentTime": "2018-08-16T12:00:00Z"}),
}
AFTER = {"ContextKeyName": "aws:CurrentTime", "ContextKeyValues": ["2019-04-25T11:00:00Z"], "ContextKeyType": "date"}


@pytest.fixture
def world() -> World:
    return World()


def custom(world: World, *policies: str, action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    """Return the one result of SimulateCustomPolicy for one action."""
    asked = {"PolicyInputList": list(policies), "ActionNames": [action], **more}
    (result,) = world.call(world.admin(), "iam", "SimulateCustomPolicy", **asked)["EvaluationResults"]
    return dict(result)


def test_the_example_of_the_command_line(world: World) -> None:
    """Observed: the AWS CLI's example of simulate-custom-policy, down to lines and columns (Sid, order and blanks are its own)."""
    text = json.dumps(DATED, separators=(",", ":"))
    assert custom(world, text, action="dynamodb:CreateBackup", ContextEntries=[AFTER]) == {
        "EvalActionName": "dynamodb:CreateBackup",
        "EvalResourceName": "*",
        "EvalDecision": "allowed",
        "MatchedStatements": [
            {
                "SourcePolicyId": "PolicyInputList.1",
                "StartPosition": {"Line": 1, "Column": 38},
                "EndPosition": {"Line": 1, "Column": 167},
            }
        ],
        "MissingContextValues": [],
        "OrganizationsDecisionDetail": {"AllowedByOrganizations": True},
    }
    before = {**AFTER, "ContextKeyValues": ["2014-04-25T11:00:00Z"]}
    late = custom(world, text, action="dynamodb:CreateBackup", ContextEntries=[before])
    assert (late["EvalDecision"], late["MatchedStatements"]) == ("implicitDeny", [])
    nothing = custom(world, text, action="dynamodb:CreateBackup")
    assert (nothing["EvalDecision"], nothing["MissingContextValues"]) == ("implicitDeny", ["aws:CurrentTime"])


def test_statements_are_told_by_their_place(world: World) -> None:
    """Observed: the AWS CLI's example of simulate-principal-policy: behind the bracket of the list, to behind the statement."""
    text = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*"), deny("s3:Put*")]}, indent=4)
    (found,) = custom(world, text)["MatchedStatements"]
    assert (found["StartPosition"], found["EndPosition"]) == ({"Line": 3, "Column": 19}, {"Line": 8, "Column": 10})
    (found,) = custom(world, text, action="s3:PutObject")["MatchedStatements"]
    assert (found["StartPosition"], found["EndPosition"]) == ({"Line": 8, "Column": 10}, {"Line": 13, "Column": 10})


def test_a_principal_brings_its_policies_groups_and_boundary(world: World) -> None:
    """Documented: API SimulatePrincipalPolicy: all policies of the entity, those of a user's groups, and the boundary's own say."""
    admin = world.admin(MEMBER)
    world.user(MEMBER, "ann", allow("s3:Get*"))
    world.call(admin, "iam", "CreateGroup", GroupName="team")
    world.call(admin, "iam", "AddUserToGroup", GroupName="team", UserName="ann")
    world.call(admin, "iam", "PutGroupPolicy", GroupName="team", PolicyName="put", PolicyDocument=document(allow("s3:Put*")))
    made = world.call(admin, "iam", "CreatePolicy", PolicyName="edge", PolicyDocument=document(allow("s3:Get*")))
    ann = f"arn:aws:iam::{MEMBER}:user/ann"

    def results() -> dict[str, dict[str, Any]]:
        asked = {"PolicySourceArn": ann, "ActionNames": ["s3:GetObject", "s3:PutObject", "ssm:GetDocument"]}
        found = world.call(admin, "iam", "SimulatePrincipalPolicy", **asked)["EvaluationResults"]
        return {each["EvalActionName"]: each for each in found}

    free = results()
    assert [each["EvalDecision"] for each in free.values()] == ["allowed", "allowed", "implicitDeny"]
    (put,) = free["s3:PutObject"]["MatchedStatements"]
    assert (put["SourcePolicyId"], put["SourcePolicyType"]) == ("put", "group")
    assert "PermissionsBoundaryDecisionDetail" not in free["s3:PutObject"]
    world.call(admin, "iam", "PutUserPermissionsBoundary", UserName="ann", PermissionsBoundary=made["Policy"]["Arn"])
    bounded = results()
    assert [each["EvalDecision"] for each in bounded.values()] == ["allowed", "implicitDeny", "implicitDeny"]
    assert bounded["s3:PutObject"]["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    left_out = {"PolicyExclusionList": [{"PolicyType": "permission-boundary"}, {"PolicyType": "inline"}]}
    asked = {"PolicySourceArn": ann, "ActionNames": ["s3:GetObject"], **left_out}
    (alone,) = world.call(admin, "iam", "SimulatePrincipalPolicy", **asked)["EvaluationResults"]
    assert alone["EvalDecision"] == "implicitDeny"


def test_each_resource_has_its_own_result(world: World) -> None:
    """Documented: API EvaluationResult: one result for each action, the most restrictive decision, and each resource by itself."""
    text = document(allow("s3:*", "arn:aws:s3:::mine/*"), deny("s3:*", "arn:aws:s3:::theirs/*", StringLike={"aws:username": "x"}))
    resources = ["arn:aws:s3:::mine/k", "arn:aws:s3:::theirs/k"]
    entry = {"ContextKeyName": "aws:username", "ContextKeyValues": ["x"], "ContextKeyType": "string"}
    result = custom(world, text, ResourceArns=resources, ContextEntries=[entry])
    assert result["EvalDecision"] == "explicitDeny"
    specific = result["ResourceSpecificResults"]
    assert [(each["EvalResourceName"], each["EvalResourceDecision"]) for each in specific] == [
        (resources[0], "allowed"),
        (resources[1], "explicitDeny"),
    ]
    assert result["EvalDecisionDetails"] == {}


def test_a_resource_policy_across_accounts(world: World) -> None:
    """Documented: API SimulateCustomPolicy: EvalDecisionDetails tells each kind of policy when the owner is another account."""
    world.user(HUB, "ann")
    caller = f"arn:aws:iam::{HUB}:user/ann"
    policy = document({**allow("s3:*"), "Principal": {"AWS": caller}})
    more = {"CallerArn": caller, "ResourceArns": ["arn:aws:s3:::b/k"], "ResourcePolicy": policy}
    own = custom(world, document(allow("ssm:*")), **more)
    assert own["EvalDecision"] == "allowed"
    other = custom(world, document(allow("ssm:*")), ResourceOwner=MEMBER, **more)
    assert other["EvalDecision"] == "implicitDeny"
    assert other["EvalDecisionDetails"] == {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}


def test_the_pages_and_the_keys(world: World) -> None:
    """Documented: MaxItems and Marker page the results; GetContextKeysForCustomPolicy names keys and variables once."""
    asked = {"PolicyInputList": [document(allow("s3:*"))], "ActionNames": ["s3:GetObject", "s3:PutObject"], "MaxItems": 1}
    first = world.call(world.admin(), "iam", "SimulateCustomPolicy", **asked)
    last = world.call(world.admin(), "iam", "SimulateCustomPolicy", **asked, Marker=first["Marker"])
    names = [page["EvaluationResults"][0]["EvalActionName"] for page in (first, last)]
    assert (names, last["IsTruncated"]) == (["s3:GetObject", "s3:PutObject"], False)
    text = document(allow("s3:*", "arn:aws:s3:::b/${aws:username}", StringLike={"aws:PrincipalTag/Team": "${aws:username}*"}))
    keys = world.call(world.admin(), "iam", "GetContextKeysForCustomPolicy", PolicyInputList=[text, text])
    assert keys == {"ContextKeyNames": ["aws:username", "aws:PrincipalTag/Team"]}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"PolicyInputList": ["{"]}, "PolicyInputList.1: This policy contains invalid Json"),
        ({"ActionNames": ["s3:*"]}, "Invalid Action name"),
        ({"ResourcePolicy": document({**allow("s3:*"), "Principal": "*"})}, "CallerArn is required"),
        ({"CallerArn": "arn:aws:sts::111111111111:assumed-role/R/s"}, "Invalid Entity Arn"),
        ({"PermissionsBoundaryPolicyInputList": [document(allow("*"))] * 2}, "only one permissions boundary"),
        ({"ResourceOwner": "me!"}, "Invalid ResourceOwner"),
    ],
)
def test_what_cannot_be_simulated_is_invalid_input(world: World, more: dict[str, Any], words: str) -> None:
    """Documented: API SimulateCustomPolicy, InvalidInput; Assumed: the words."""
    asked = {"PolicyInputList": [document(allow("s3:*"))], "ActionNames": ["s3:GetObject"], **more}
    with pytest.raises(AwsError, match=words) as refusal:
        world.call(world.admin(), "iam", "SimulateCustomPolicy", **asked)
    assert refusal.value.code == "InvalidInput"


def test_scenarios_of_ec2_are_refused_by_name(world: World) -> None:
    """House rule: a parameter that would change the answer is honoured or refused."""
    with pytest.raises(NotSupported, match="ResourceHandlingOption"):
        custom(world, document(allow("*")), ResourceHandlingOption="EC2-VPC-EBS")


def test_an_organization_may_be_handed_in(world: World) -> None:
    """Documented: API SimulateCustomPolicy, OrderedOrganizationPolicyInputList: every level, from the root to the account, must allow."""
    mine = document(allow("*"))
    levels = [
        {"ServiceControlPolicyInputList": [mine]},
        {"ServiceControlPolicyInputList": [mine, document(deny("s3:GetObject"))]},
    ]
    decisions = {
        action: custom(world, mine, action=action, OrderedOrganizationPolicyInputList=levels)
        for action in ("s3:GetObject", "s3:PutObject")
    }
    assert decisions["s3:GetObject"]["EvalDecision"] == "explicitDeny"
    assert decisions["s3:GetObject"]["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}
    assert decisions["s3:PutObject"]["EvalDecision"] == "allowed"
    nothing = custom(world, mine, OrderedOrganizationPolicyInputList=[{"ServiceControlPolicyInputList": []}])
    assert nothing["EvalDecision"] == "implicitDeny"
