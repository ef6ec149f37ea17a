"""The keys that a stack shall trust: are they there, do they sign with SHA-256, are they ready, and are there enough of them?

Flow: `TrustRoot.of(keys, threshold)` -> `lacking_keys` -> problems, each with the command that mends it.
Rules: reads only; a key that the caller may not look at is said, never taken for a good one.
Refuses to know: signatures; those the hub's runbook verifies.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from csd.aws.identity import Principal, asking
from csd.errors import AwsRefused, Problem
from csd.listed import listed
from csd.solution.names import ADMINISTRATION_ROLE

KEYS_OPTION, THRESHOLD_OPTION = "--trusted-keys", "--trust-threshold"
_ARN = re.compile(r"^arn:[a-z0-9-]+:kms:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):key/(?P<id>[a-zA-Z0-9-]+)$")
_MAKE = "Make one that does: aws kms create-key --key-usage SIGN_VERIFY --key-spec ECC_NIST_P256"
# AWS: KMS developer guide, "Key states of KMS keys": only an enabled key verifies.
_WAKE = {
    "Disabled": "Enable it: aws kms enable-key --region {region} --key-id {id}",
    "PendingDeletion": "Keep it: aws kms cancel-key-deletion --region {region} --key-id {id}, then aws kms enable-key",
}
Tell = Callable[[str], None]


@dataclass(frozen=True)
class TrustRoot:
    """What the template's TrustedKeys and TrustThreshold say."""

    keys: tuple[str, ...]
    threshold: int = 1

    @classmethod
    def of(cls, keys: str, threshold: str) -> "TrustRoot":
        """Read the two as they are written for the template."""
        return cls(tuple(listed(keys)), int(threshold or "1"))


def lacking_keys(principal: Principal, root: TrustRoot, tell: Tell) -> list[Problem]:
    """Everything about these keys that would refuse every package. Raises AwsRefused when KMS cannot be asked."""
    problems = [problem for arn in root.keys for problem in _about(principal, arn, tell)]
    # Replicas of a multi-Region key have one id: the hub counts them once.
    different = len({arn.rpartition("/")[2] for arn in root.keys})
    if root.threshold > max(1, different):
        what = f"{root.threshold} keys must have signed, and {KEYS_OPTION} names {different} different ones."
        problems.append(Problem(THRESHOLD_OPTION, what, "Name more keys, or ask for fewer."))
    return problems


def _about(principal: Principal, arn: str, tell: Tell) -> Iterator[Problem]:
    found = _ARN.match(arn)
    if not found:
        what = f"{arn} is no ARN of a KMS key, such as arn:{principal.partition}:kms:REGION:ACCOUNT:key/ID."
        ask = f"aws kms describe-key --query KeyMetadata.Arn --output text --key-id {arn}"
        yield Problem(KEYS_OPTION, what, f"What an alias or an id means now, this tells: {ask}")
        return
    kms = principal.client("kms", found["region"])
    try:
        with asking(kms, found["account"]):
            told = kms.describe_key(KeyId=arn)["KeyMetadata"]
    except AwsRefused as refused:
        if refused.code == "NotFoundException":
            yield Problem(KEYS_OPTION, f"{arn} does not exist.", "Is the ARN whole, with the key's own Region and account?")
        elif refused.code == "AccessDeniedException":
            tell(f"not checked: {arn} (kms:DescribeKey: {refused.code})")
        else:
            raise
    else:
        yield from _of(arn, found["region"], told)
    if found["account"] != principal.account:
        role = principal.role_arn(ADMINISTRATION_ROLE)
        tell(f"{arn} is another account's: its key policy must allow {role} kms:GetPublicKey and kms:Verify")


def _of(arn: str, region: str, told: dict[str, Any]) -> Iterator[Problem]:
    algorithms = told.get("SigningAlgorithms", [])
    if told["KeyUsage"] != "SIGN_VERIFY":
        yield Problem(KEYS_OPTION, f"{arn} is a key for {told['KeyUsage']}, which signs nothing.", _MAKE)
    elif not any(algorithm.endswith("_SHA_256") for algorithm in algorithms):
        yield Problem(KEYS_OPTION, f"{arn} signs by {', '.join(algorithms)}; packages are signed with SHA-256.", _MAKE)
    if told["KeyState"] != "Enabled":
        remedy = _WAKE.get(told["KeyState"], "Wait until it is Enabled.").format(region=region, id=arn.rpartition("/")[2])
        yield Problem(KEYS_OPTION, f"{arn} is {told['KeyState']}: it verifies nothing.", remedy)
