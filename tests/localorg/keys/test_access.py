"""Who may use a key: the key's policy first, and IAM where that lets it speak."""

import json
from typing import Any

import pytest
from identity.world import HUB, MEMBER, REGION, STRANGER
from keys.desk import ROOT, Desk, allow, policy

SIGN: dict[str, Any] = {"SigningAlgorithm": "ECDSA_SHA_256", "Message": b"x"}
MAY_SIGN = {"Effect": "Allow", "Action": "kms:Sign", "Resource": "*"}
SIGNER = {"AWS": f"arn:aws:iam::{HUB}:user/signer"}
BYPASS = {"BypassPolicyLockoutSafetyCheck": True}


def test_the_default_policy_lets_iam_decide() -> None:
    """Documented: KMS developer guide, Default key policy: the account's IAM policies give access, and nothing else does."""
    desk = Desk()
    key = desk.key()
    signer, other = desk.world.user(HUB, "signer", MAY_SIGN), desk.world.user(HUB, "other")
    assert desk("Sign", signer, KeyId=key, **SIGN)["KeyId"] == key
    code, words = desk.refused("Sign", other, KeyId=key, **SIGN)
    assert (code, words.endswith(f"kms:Sign on resource: {key} because no identity-based policy allows the kms:Sign action")) == (
        "AccessDeniedException",
        True,
    )


def test_a_policy_without_the_account_shuts_iam_out() -> None:
    """Documented: KMS developer guide, Key policies: without permission of the key policy IAM policies have no effect, not even
    the administrator's; whom it names needs no IAM policy."""
    desk = Desk()
    named = desk.world.user(HUB, "signer")
    key = desk.key(Policy=policy(allow(SIGNER, "kms:Sign")), **BYPASS)
    assert desk("Sign", named, KeyId=key, **SIGN)["KeyId"] == key
    code, words = desk.refused("Sign", KeyId=key, **SIGN)
    assert (code, "because no resource-based policy allows the kms:Sign action" in words) == ("AccessDeniedException", True)
    assert desk.refused("DescribeKey", named, KeyId=key)[0] == "AccessDeniedException"


def test_another_account_needs_both() -> None:
    """Documented: KMS developer guide, Allowing users in other accounts to use a KMS key: the key policy and the other account's IAM,
    by the key's ARN."""
    desk = Desk()
    friend = desk.world.user(MEMBER, "friend", MAY_SIGN)
    idle = desk.world.user(MEMBER, "idle")
    foreign = {"AWS": f"arn:aws:iam::{MEMBER}:root"}
    key = desk.key(Policy=policy(allow(ROOT, "kms:*"), allow(foreign, "kms:Sign")))
    closed = desk.key()
    assert desk("Sign", friend, KeyId=key, **SIGN)["KeyId"] == key
    assert "no identity-based policy" in desk.refused("Sign", idle, KeyId=key, **SIGN)[1]
    assert desk.refused("Sign", friend, KeyId=key.rpartition("/")[2], **SIGN)[0] == "NotFoundException"
    for other in (closed, f"arn:aws:kms:{REGION}:{HUB}:key/11111111-2222-3333-4444-555555555555"):
        code, words = desk.refused("Sign", friend, KeyId=other, **SIGN)
        assert (code, "because the resource does not exist in this Region, no resource-based policies" in words) == (
            "AccessDeniedException",
            True,
        )
    for other in (key, closed.replace("key/", "key/0")):
        assert desk.refused("DisableKey", desk.world.admin(MEMBER), KeyId=other) == (
            "NotFoundException",
            f"Key '{other}' does not exist",
        )


def test_a_deny_of_the_key_wins() -> None:
    """Documented: IAM user guide, Policy evaluation logic."""
    desk = Desk()
    deny = {**allow("*", "kms:Sign"), "Effect": "Deny"}
    key = desk.key(Policy=policy(allow(ROOT, "kms:*"), deny))
    assert "with an explicit deny in a resource-based policy" in desk.refused("Sign", KeyId=key, **SIGN)[1]
    assert desk("GetPublicKey", KeyId=key)["KeyId"] == key


CONDITIONS: list[tuple[dict[str, Any], bool]] = [
    ({"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256"}}, True),
    ({"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_384"}}, False),
    ({"StringEquals": {"kms:MessageType": "RAW"}}, True),
    ({"StringEquals": {"kms:MessageType": "DIGEST"}}, False),
    ({"StringEquals": {"kms:RequestAlias": "alias/release"}}, True),
    ({"StringEquals": {"kms:RequestAlias": "alias/other"}}, False),
    ({"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/release"}}, True),
    ({"StringEquals": {"kms:KeySpec": "ECC_NIST_P256", "kms:KeyUsage": "SIGN_VERIFY", "kms:KeyOrigin": "AWS_KMS"}}, True),
    ({"StringEquals": {"kms:CallerAccount": HUB}}, True),
    ({"StringEquals": {"kms:CallerAccount": MEMBER}}, False),
    ({"StringEquals": {"aws:ResourceTag/Team": "desk"}}, True),
    ({"StringEquals": {"aws:ResourceTag/Team": "shop"}}, False),
]


@pytest.mark.parametrize(("condition", "allowed"), CONDITIONS, ids=[str(number) for number in range(len(CONDITIONS))])
def test_conditions_of_a_signature(condition: dict[str, Any], allowed: bool) -> None:
    """Documented: KMS developer guide, Condition keys for AWS KMS."""
    desk = Desk()
    key = desk.key(Tags=[{"TagKey": "Team", "TagValue": "desk"}])
    desk("CreateAlias", AliasName="alias/release", TargetKeyId=key)
    signer = desk.world.user(HUB, "signer", {**MAY_SIGN, "Condition": condition})
    if allowed:
        assert desk("Sign", signer, KeyId="alias/release", **SIGN)["KeyId"] == key
    else:
        assert desk.refused("Sign", signer, KeyId="alias/release", **SIGN)[0] == "AccessDeniedException"


def test_a_condition_that_nobody_can_judge_is_named() -> None:
    """A key of KMS that localorg cannot fill is refused by name where it would decide."""
    desk = Desk()
    condition = {"StringEquals": {"kms:RecipientAttestation:ImageSha384": "x"}}
    signer = desk.world.user(HUB, "signer", {**MAY_SIGN, "Condition": condition})
    assert "kms:RecipientAttestation:ImageSha384" in desk.refused("Sign", signer, KeyId=desk.key(), **SIGN)[1]


POLICIES: list[tuple[str, str]] = [
    ("{", "The policy is no JSON"),
    ("[]", "The policy is no JSON object"),
    (policy(allow(ROOT, "kms:*", StringEquals={"aws:username": "\ud800"})), "The policy is no JSON"),
    (policy(allow({"AWS": f"arn:aws:iam::{HUB}:user/nobody"}, "kms:*")), "Invalid principal in policy"),
    (policy(allow({"AWS": f"arn:aws:iam::{STRANGER}:root"}, "kms:*")), "will not allow you to update the key policy"),
    (policy(allow(ROOT, "kms:Sign")), "will not allow you to update the key policy"),
]


@pytest.mark.parametrize(("text", "words"), POLICIES, ids=[str(number) for number in range(len(POLICIES))])
def test_policies_that_are_refused(text: str, words: str) -> None:
    """Documented: API PutKeyPolicy, Policy and BypassPolicyLockoutSafetyCheck. Observed: the sentence about the lockout."""
    desk = Desk()
    for operation, params in (
        ("PutKeyPolicy", {"KeyId": desk.key()}),
        ("CreateKey", {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}),
    ):
        code, told = desk.refused(operation, Policy=text, **params)
        assert (code, words in told) == ("MalformedPolicyDocumentException", True), told


def test_a_policy_is_read_back() -> None:
    """Documented: API GetKeyPolicy, ListKeyPolicies; a user stays who they are under a new name."""
    desk = Desk()
    key = desk.key()
    statement = json.loads(desk("GetKeyPolicy", KeyId=key)["Policy"])["Statement"][0]
    assert (statement["Principal"], statement["Action"]) == (ROOT, "kms:*")
    desk.world.user(HUB, "signer")
    desk("PutKeyPolicy", KeyId=key, Policy=policy(allow(ROOT, "kms:*"), allow(SIGNER, "kms:Sign")))
    desk.world.call(desk.admin, "iam", "UpdateUser", UserName="signer", NewUserName="scribe")
    found = json.loads(desk("GetKeyPolicy", KeyId=key, PolicyName="default")["Policy"])["Statement"][1]["Principal"]
    assert found == {"AWS": f"arn:aws:iam::{HUB}:user/scribe"}
    assert desk("ListKeyPolicies", KeyId=key)["PolicyNames"] == ["default"]
    assert desk.refused("GetKeyPolicy", KeyId=key, PolicyName="other")[0] == "NotFoundException"


def test_an_alias_needs_the_alias_and_the_key() -> None:
    """Documented: KMS developer guide, Controlling access to aliases."""
    desk = Desk()
    key = desk.key()
    alias = f"arn:aws:kms:{REGION}:{HUB}:alias/release"
    grant = {"Effect": "Allow", "Action": "kms:CreateAlias"}
    half = [{**grant, "Resource": alias}], [{**grant, "Resource": key}]
    for number, allowed in enumerate(half):
        who = desk.world.user(HUB, f"half{number}", *allowed)
        assert desk.refused("CreateAlias", who, AliasName="alias/release", TargetKeyId=key)[0] == "AccessDeniedException"
    desk("CreateAlias", desk.world.user(HUB, "whole", *half[0], *half[1]), AliasName="alias/release", TargetKeyId=key)


def test_tags_of_a_new_key_are_asked_for() -> None:
    """Documented: API CreateKey, Tags: kms:TagResource; IAM user guide: aws:RequestTag."""
    desk = Desk()
    make = {"Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*"}
    tag = {**make, "Action": "kms:TagResource", "Condition": {"StringEquals": {"aws:RequestTag/Team": "desk"}}}
    params: dict[str, Any] = {
        "KeySpec": "ECC_NIST_P256",
        "KeyUsage": "SIGN_VERIFY",
        "Tags": [{"TagKey": "Team", "TagValue": "desk"}],
    }
    assert desk.refused("CreateKey", desk.world.user(HUB, "maker", make), **params)[0] == "AccessDeniedException"
    desk("CreateKey", desk.world.user(HUB, "tagger", make, tag), **params)
