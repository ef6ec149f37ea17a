"""What a caller gives a session on its way: policies that narrow it, tags, the person behind it. And how much of that fits.

Flow: AssumeRole, GetFederationToken -> session policies (texts), session tags (with those that the calling session hands on), packed size.
Rules: a session tag that the calling session hands on cannot be changed; keys are the same whatever their case.
Refuses to know: who may give them (sts.py, user_sessions.py).

AWS: STS API reference, AssumeRole; IAM user guide, "Pass session tags in AWS STS", "IAM and AWS STS quotas", STS session limits.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from localorg.identity.directory import Directory
from localorg.identity.partition_check import check_partition
from localorg.identity.policy import parsed
from localorg.identity.records import Session
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Request

POLICY_CHARACTERS_MAX = 2048
POLICY_ARNS_MAX = 10
PACKED_BYTES_MAX = 2048


@dataclass(frozen=True)
class SessionTags:
    """The tags of a new session, and which of them it hands on."""

    tags: Mapping[str, str]
    transitive: tuple[str, ...]


def session_policies(directory: Directory, account: str, request: Request) -> tuple[str, ...]:
    """Return the texts of the session policies. Raises MalformedPolicyDocument, ValidationError or PackedPolicyTooLarge."""
    texts = []
    if "Policy" in request.params:
        text = request.params["Policy"]
        if len(text) > POLICY_CHARACTERS_MAX:
            # AWS: API AssumeRole, Policy: "can't exceed 2,048 characters". ASSUMED: the code, which GetFederationToken's model gives too.
            raise AwsError("ValidationError", f"Session policy can't exceed {POLICY_CHARACTERS_MAX} characters.")
        parsed(text, "session")
        check_partition(directory.partition, text)
        texts.append(text)
    arns = [entry.get("arn", "") for entry in request.params.get("PolicyArns", ())]
    if len(arns) > POLICY_ARNS_MAX:
        # AWS: API AssumeRole, PolicyArns: "You can provide up to 10 managed policy ARNs." ASSUMED: code and words.
        raise AwsError("ValidationError", f"Session policies can't exceed {POLICY_ARNS_MAX} managed policies.")
    return (*texts, *(_managed(directory, account, arn) for arn in arns))


def _managed(directory: Directory, account: str, arn: str) -> str:
    directory.aws.refuse_missing(arn)
    policy = directory.find_policy(arn)
    if policy is None or not (policy.aws_owned or policy.account == account):
        # AWS: API AssumeRole, PolicyArns: "The policies must exist in the same account as the role." ASSUMED: code and words.
        raise AwsError("MalformedPolicyDocument", f"The managed policy {arn} does not exist in the account {account}.")
    return policy.document


def session_tags(request: Request, calling: Session | None) -> SessionTags:
    """Return the tags of the session that `request` opens. Raises InvalidParameterValue, in words Observed by others of STS."""
    given = {tag["Key"]: tag["Value"] for tag in request.params.get("Tags", ())}
    lowered = {key.lower(): key for key in given}
    if len(lowered) < len(request.params.get("Tags", ())):
        raise _invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    named = request.params.get("TransitiveTagKeys", ())
    if any(key.lower() not in lowered for key in named):
        raise _invalid("The specified transitive tag key must be included in the requested tags.")
    handed_on = {key: calling.tags[key] for key in calling.transitive} if calling else {}
    if any(key.lower() in lowered for key in handed_on):
        raise _invalid(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."
        )
    return SessionTags({**handed_on, **given}, (*handed_on, *(lowered[key.lower()] for key in named)))


def _invalid(words: str) -> AwsError:
    return AwsError("InvalidParameterValue", words)


def packed_size(request: Request, tags: Mapping[str, str]) -> int | None:
    """Return how full the session is, in percent, or None when nothing was given. Raises PackedPolicyTooLarge."""
    arns = [entry.get("arn", "") for entry in request.params.get("PolicyArns", ())]
    given = [request.params.get("Policy", ""), *arns, *(text for pair in tags.items() for text in pair)]
    text = "\n".join(part for part in given if part)
    if not text:
        return None
    # ASSUMED: AWS packs policies, ARNs and tags in a way that it does not publish; here it is their deflated size against 2,048 bytes.
    percent = max(1, len(zlib.compress(text.encode())) * 100 // PACKED_BYTES_MAX)
    if percent > 100:
        words = f"Packed policy consumes {percent}% of allotted space, please use smaller policy."
        raise AwsError("PackedPolicyTooLarge", words)
    return percent
