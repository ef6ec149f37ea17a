"""Keys come, change, and go; their names and tags with them."""

from pathlib import Path
from typing import Any

import pytest
from identity.world import HUB, REGION
from keys.desk import Desk

DAY = 86_400


def test_a_key_says_what_it_is() -> None:
    """Documented: API KeyMetadata."""
    desk = Desk()
    key = desk.key(Description="releases", Tags=[{"TagKey": "Team", "TagValue": "desk"}])
    told = desk("DescribeKey", KeyId=key)["KeyMetadata"]
    assert key == f"arn:aws:kms:{REGION}:{HUB}:key/{told['KeyId']}"
    assert (told["KeyState"], told["Enabled"], told["Description"]) == ("Enabled", True, "releases")
    assert (told["KeySpec"], told["KeyUsage"], told["SigningAlgorithms"]) == ("ECC_NIST_P256", "SIGN_VERIFY", ["ECDSA_SHA_256"])
    assert desk("ListResourceTags", KeyId=told["KeyId"])["Tags"] == [{"TagKey": "Team", "TagValue": "desk"}]
    assert [one["KeyArn"] for one in desk("ListKeys")["Keys"]] == [key]
    assert desk("ListKeys", region="us-east-1")["Keys"] == []


MADE: list[tuple[dict[str, Any], str, str]] = [
    ({}, "NotImplemented", "SYMMETRIC_DEFAULT"),
    ({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}, "NotImplemented", "HMAC_256"),
    ({"KeySpec": "ML_DSA_44", "KeyUsage": "SIGN_VERIFY"}, "NotImplemented", "ML_DSA_44"),
    ({"KeySpec": "RSA_2048"}, "ValidationException", "You must specify a KeyUsage value"),
    ({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"}, "NotImplemented", "KeyUsage ENCRYPT_DECRYPT"),
    ({"KeySpec": "ECC_NIST_P256", "KeyUsage": "ENCRYPT_DECRYPT"}, "ValidationException", "not compatible"),
    ({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "MultiRegion": True}, "NotImplemented", "MultiRegion"),
    ({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "Origin": "EXTERNAL"}, "NotImplemented", "Origin EXTERNAL"),
    ({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "XksKeyId": "x"}, "NotImplemented", "XksKeyId"),
    ({"KeySpec": "RSA_2048", "CustomerMasterKeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}, "ValidationException", "KeySpec"),
    (
        {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "Tags": [{"TagKey": "aws:x", "TagValue": ""}]},
        "TagException",
        "aws:x",
    ),
]


@pytest.mark.parametrize(("params", "code", "words"), MADE, ids=[str(number) for number in range(len(MADE))])
def test_what_is_no_signing_key_is_refused_by_name(params: dict[str, Any], code: str, words: str) -> None:
    """Documented: API CreateKey, KeySpec and KeyUsage; what only this house lacks is NotImplemented."""
    found = Desk().refused("CreateKey", **params)
    assert (found[0], words in found[1]) == (code, True), found


def test_a_key_is_switched_off_and_on() -> None:
    """Documented: KMS developer guide, Key states: a disabled key neither signs nor shows its public key, but can be described."""
    desk = Desk()
    key = desk.key()
    asked: dict[str, Any] = {"KeyId": key, "SigningAlgorithm": "ECDSA_SHA_256", "Message": b"x"}
    desk("DisableKey", KeyId=key)
    assert desk.refused("Sign", **asked) == ("DisabledException", f"{key} is disabled.")
    assert desk.refused("GetPublicKey", KeyId=key)[0] == "DisabledException"
    assert desk("DescribeKey", KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    desk("EnableKey", KeyId=key)
    assert desk("Sign", **asked)["KeyId"] == key


def test_a_key_goes_after_its_waiting_time(tmp_path: Path) -> None:
    """Documented: API ScheduleKeyDeletion, CancelKeyDeletion: 7 to 30 days, cancelled it is Disabled; its aliases go with it. All of
    it outlives a restart."""
    desk = Desk(tmp_path / "db")
    key = desk.key()
    desk("CreateAlias", AliasName="alias/release", TargetKeyId=key)
    assert desk.refused("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=6)[0] == "ValidationException"
    assert desk.refused("CancelKeyDeletion", KeyId=key) == ("KMSInvalidStateException", f"{key} is not pending deletion.")
    desk("ScheduleKeyDeletion", KeyId=key)
    assert desk.refused("EnableKey", KeyId=key) == ("KMSInvalidStateException", f"{key} is pending deletion.")
    assert desk.refused("GetPublicKey", KeyId=key)[0] == "KMSInvalidStateException"
    desk("CancelKeyDeletion", KeyId=key)
    assert desk("DescribeKey", KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    answer = desk("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    assert (answer["KeyState"], answer["PendingWindowInDays"]) == ("PendingDeletion", 7)
    now = desk.world.kernel.now()
    desk.world.kernel.store.close()
    again = Desk(tmp_path / "db")
    again.world.kernel.run_until(now + 7 * DAY - 1)
    assert again("DescribeKey", KeyId="alias/release")["KeyMetadata"]["Arn"] == key
    again.world.kernel.run_until(now + 7 * DAY)
    assert again.refused("DescribeKey", KeyId=key) == ("NotFoundException", f"Key '{key}' does not exist")
    assert again("ListAliases")["Aliases"] == []
    assert again.world.kernel.faults == []


def test_a_key_signs_after_a_restart(tmp_path: Path) -> None:
    """A private key is a row like any other."""
    desk = Desk(tmp_path / "db")
    asked: dict[str, Any] = {"KeyId": desk.key(), "SigningAlgorithm": "ECDSA_SHA_256", "Message": b"x"}
    signature = desk("Sign", **asked)["Signature"]
    desk.world.kernel.store.close()
    assert Desk(tmp_path / "db")("Verify", **asked, Signature=signature)["SignatureValid"]


def test_an_alias_is_moved() -> None:
    """Documented: API CreateAlias, UpdateAlias, DeleteAlias, ListAliases."""
    desk = Desk()
    first, second = desk.key(), desk.key()
    desk("CreateAlias", AliasName="alias/release", TargetKeyId=first)
    assert desk.refused("CreateAlias", AliasName="alias/release", TargetKeyId=second)[0] == "AlreadyExistsException"
    desk("UpdateAlias", AliasName="alias/release", TargetKeyId=second.rpartition("/")[2])
    arn = f"arn:aws:kms:{REGION}:{HUB}:alias/release"
    for name in ("alias/release", arn):
        assert desk("DescribeKey", KeyId=name)["KeyMetadata"]["Arn"] == second
    assert [(one["AliasArn"], second.endswith(one["TargetKeyId"])) for one in desk("ListAliases")["Aliases"]] == [(arn, True)]
    assert desk("ListAliases", KeyId=first)["Aliases"] == []
    desk("DeleteAlias", AliasName="alias/release")
    assert desk.refused("DescribeKey", KeyId="alias/release") == ("NotFoundException", f"Alias {arn} is not found.")
    assert desk.refused("DeleteAlias", AliasName="alias/release")[0] == "NotFoundException"


NAMES = [
    ("alias/aws/s3", "InvalidAliasNameException"),
    ("release", "ValidationException"),
    ("alias/a:b", "InvalidAliasNameException"),
    ("alias/a b", "ValidationException"),
]


@pytest.mark.parametrize(("name", "code"), NAMES)
def test_names_that_no_alias_can_have(name: str, code: str) -> None:
    """Documented: API CreateAlias, AliasName."""
    desk = Desk()
    assert desk.refused("CreateAlias", AliasName=name, TargetKeyId=desk.key())[0] == code


IDS = [
    ("nonsense", "NotFoundException", "Invalid keyId 'nonsense'"),
    ("11111111-2222-3333-4444-555555555555", "NotFoundException", f"Key 'arn:aws:kms:{REGION}:{HUB}:key/1111"),
    ("arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555", "NotFoundException", "Invalid arn us-east-1"),
    (f"arn:aws:s3:{REGION}:{HUB}:key/x", "InvalidArnException", "Invalid arn"),
    ("alias/aws/s3", "NotImplemented", "keys that AWS manages"),
]


@pytest.mark.parametrize(("key", "code", "words"), IDS, ids=[code for _, code, _ in IDS])
def test_ids_that_mean_no_key(key: str, code: str, words: str) -> None:
    """Observed in clients' reports: the words of KMS about a KeyId; Documented: keys are found in the Region that is asked."""
    found = Desk().refused("DescribeKey", KeyId=key)
    assert (found[0], found[1].startswith(words) or words in found[1]) == (code, True), found


def test_a_change_takes_no_alias() -> None:
    """Documented: KeyId of EnableKey and its like: "Specify the key ID or key ARN"."""
    desk = Desk()
    desk("CreateAlias", AliasName="alias/release", TargetKeyId=desk.key())
    assert desk.refused("DisableKey", KeyId="alias/release")[0] == "NotFoundException"
    assert desk.refused("DisableKey", KeyId=f"arn:aws:kms:{REGION}:{HUB}:alias/release")[0] == "InvalidArnException"


def test_lists_come_in_pages() -> None:
    """Documented: API ListKeys: Limit, Marker, Truncated; a marker of nobody is InvalidMarkerException."""
    desk = Desk()
    made = sorted(desk.key() for _ in range(3))
    first = desk("ListKeys", Limit=2)
    second = desk("ListKeys", Limit=2, Marker=first["NextMarker"])
    assert (first["Truncated"], second["Truncated"]) == (True, False)
    assert [one["KeyArn"] for one in (*first["Keys"], *second["Keys"])] == made
    assert desk.refused("ListKeys", Marker="x")[0] == "InvalidMarkerException"


def test_tags_come_and_go() -> None:
    """Documented: API TagResource, UntagResource, TagException."""
    desk = Desk()
    key = desk.key()
    desk("TagResource", KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}])
    desk("UntagResource", KeyId=key, TagKeys=["a"])
    assert desk("ListResourceTags", KeyId=key)["Tags"] == [{"TagKey": "b", "TagValue": "2"}]
    twice = [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}]
    assert desk.refused("TagResource", KeyId=key, Tags=twice)[0] == "TagException"
    many = [{"TagKey": f"k{number}", "TagValue": ""} for number in range(50)]
    assert desk.refused("TagResource", KeyId=key, Tags=many)[0] == "LimitExceededException"
