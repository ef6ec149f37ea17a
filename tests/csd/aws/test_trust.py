"""csd check and csd deploy about the keys that a stack shall trust."""

from typing import Any

import pytest

from csd.aws.trust import TrustRoot, lacking_keys
from csd_fakes.aws import Told

ONE = "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ID = ONE.partition("/")[2]
KEEP = f"Keep it: aws kms cancel-key-deletion --region us-east-1 --key-id {ID}, then aws kms enable-key"
FAR = "arn:aws:kms:eu-west-1:999999999999:key/mrk-1234"
METADATA: dict[str, Any] = {
    "KeyId": "1234", "KeyUsage": "SIGN_VERIFY", "KeyState": "Enabled", "SigningAlgorithms": ["ECDSA_SHA_256"],
}  # fmt: skip
MAKE = "Make one that does: aws kms create-key --key-usage SIGN_VERIFY --key-spec ECC_NIST_P256"


def problems(told: Told, *keys: str, threshold: int = 1, lines: list[str] | None = None) -> list[str]:
    found = lacking_keys(told.principal(), TrustRoot(keys, threshold), (lines if lines is not None else []).append)
    told.all_asked()
    return [str(problem) for problem in found]


def described(told: Told, arn: str = ONE, **changes: Any) -> Told:
    told.answer("kms", "describe_key", {"KeyMetadata": METADATA | changes}, {"KeyId": arn})
    return told


def test_good_keys_are_silent_and_another_account_s_needs_its_own_policy() -> None:
    """Documented: KMS developer guide, "Allowing users in other accounts to use a KMS key": the key's policy must allow it as well."""
    lines: list[str] = []
    assert problems(described(described(Told()), FAR), ONE, FAR, threshold=2, lines=lines) == []
    role = "arn:aws-us-gov:iam::111111111111:role/CSD-SystemsManager-AutomationAdministrationRole"
    assert lines == [f"{FAR} is another account's: its key policy must allow {role} kms:GetPublicKey and kms:Verify"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"KeyState": "Disabled"},
            f"{ONE} is Disabled: it verifies nothing. Enable it: aws kms enable-key --region us-east-1 --key-id {ID}",
        ),
        (
            {"KeyState": "PendingDeletion"},
            f"{ONE} is PendingDeletion: it verifies nothing. {KEEP}",
        ),
        ({"KeyState": "Creating"}, f"{ONE} is Creating: it verifies nothing. Wait until it is Enabled."),
        (
            {"KeyUsage": "ENCRYPT_DECRYPT", "SigningAlgorithms": []},
            f"{ONE} is a key for ENCRYPT_DECRYPT, which signs nothing. {MAKE}",
        ),
        (
            {"SigningAlgorithms": ["ECDSA_SHA_384"]},
            f"{ONE} signs by ECDSA_SHA_384; packages are signed with SHA-256. {MAKE}",
        ),
    ],
)
def test_a_key_that_would_refuse_every_package_is_told_beforehand(changes: dict[str, Any], said: str) -> None:
    """Documented: DescribeKey API, KeyMetadata. Each with the command that mends it."""
    assert problems(described(Told(), **changes), ONE) == [f"--trusted-keys: {said}"]


def test_a_key_that_is_not_there() -> None:
    """Documented: DescribeKey API, NotFoundException."""
    told = Told()
    told.refuse("kms", "describe_key", "NotFoundException", "no key")
    (said,) = problems(told, ONE)
    assert said == f"--trusted-keys: {ONE} does not exist. Is the ARN whole, with the key's own Region and account?"


def test_a_key_that_one_may_not_look_at_is_said() -> None:
    """It does not stop a deployment: the hub's role is the one that asks."""
    told, lines = Told(), []  # type: ignore[var-annotated]
    told.refuse("kms", "describe_key", "AccessDeniedException", "no")
    assert problems(told, ONE, lines=lines) == []
    assert lines == [f"not checked: {ONE} (kms:DescribeKey: AccessDeniedException)"]


@pytest.mark.parametrize("given", ["alias/releases", "arn:aws:kms:us-east-1:111111111111:alias/releases", "1234abcd"])
def test_only_whole_arns_of_keys_are_taken(given: str) -> None:
    """An alias may come to mean another key; the command tells what it means now."""
    (said,) = problems(Told(), given)
    assert said == (
        f"--trusted-keys: {given} is no ARN of a KMS key, such as arn:aws-us-gov:kms:REGION:ACCOUNT:key/ID. What an alias or an id means "
        f"now, this tells: aws kms describe-key --query KeyMetadata.Arn --output text --key-id {given}"
    )


def test_more_signatures_than_keys() -> None:
    """Replicas of one multi-Region key are one key; two names of it do not make two signatures."""
    replica = FAR.replace("eu-west-1", "us-east-1").replace("999999999999", "111111111111")
    told = described(described(Told(), FAR), replica)
    assert problems(told, FAR, replica, threshold=2) == [
        "--trust-threshold: 2 keys must have signed, and --trusted-keys names 1 different ones. Name more keys, or ask for fewer."
    ]
    assert problems(Told(), threshold=2) == [
        "--trust-threshold: 2 keys must have signed, and --trusted-keys names 0 different ones. Name more keys, or ask for fewer."
    ]
    assert problems(Told()) == []


def test_the_options_are_read_as_the_template_reads_them() -> None:
    """A comma list with or without blanks; a key that is named twice is one."""
    assert TrustRoot.of(f" {ONE} , {FAR},{ONE}", "") == TrustRoot((ONE, FAR), 1)
    assert TrustRoot.of("", "2") == TrustRoot((), 2)
