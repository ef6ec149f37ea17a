"""The sentence of a denied call, service by service."""

import pytest

from localorg.identity.refusal_words import sentence
from localorg.protocol.calls import Access

ACCOUNT = "111111111111"


def arn(rest: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{rest}"


@pytest.mark.parametrize(
    ("action", "resource", "words"),
    [
        ("iam:GetRole", arn("role/path/Node"), "role Node"),
        ("iam:AttachRolePolicy", arn("role/Node"), "role Node"),
        ("iam:CreateRole", arn("role/Node"), arn("role/Node")),
        ("iam:PassRole", arn("role/Node"), arn("role/Node")),
        ("iam:TagRole", arn("role/Node"), arn("role/Node")),
        ("iam:ListRoles", arn("role/"), arn("role/")),
        ("iam:CreateAccessKey", arn("user/Anna"), "user Anna"),
        ("iam:GetGroup", arn("group/G"), "group G"),
        ("iam:GetInstanceProfile", arn("instance-profile/P"), "instance profile P"),
        ("iam:GetPolicy", arn("policy/P"), f"policy {arn('policy/P')}"),
        ("iam:CreatePolicy", arn("policy/x/P"), "policy P"),
        ("iam:ListPolicies", "policy path /", "policy path /"),
        ("iam:GetAccountSummary", "*", "*"),
        ("sts:AssumeRole", arn("role/Node"), arn("role/Node")),
        ("ssm:ListCommands", "*", "*"),
        ("s3:GetObject", "arn:aws:s3:::b/k", '"arn:aws:s3:::b/k"'),
    ],
)
def test_what_a_refusal_calls_the_resource(action: str, resource: str, words: str) -> None:
    """Observed: the sentences in clients' reports."""
    said = sentence("W", Access(action, resource), "because so", is_stranger=False)
    assert said == f"User: W is not authorized to perform: {action} on resource: {words} because so"


def test_s3_tells_strangers_nothing_and_nobody_of_all_buckets() -> None:
    """Documented: S3 user guide, access denied: the reason is told inside the account and the organization. Observed: ListBuckets."""
    assert sentence("W", Access("s3:GetObject", "arn:aws:s3:::b/k"), "because so", is_stranger=True) == "Access Denied"
    listing = sentence("W", Access("s3:ListAllMyBuckets", "*"), "because so", is_stranger=False)
    assert listing == "User: W is not authorized to perform: s3:ListAllMyBuckets because so"
