"""Policy documents on their way into and out of the rows: checked, measured, their principals looked up; given back as IAM does.

Rules: a document is checked by the parser before it is kept, so every kept document can be judged. A trust policy may only name users
and roles that exist; when one of them is deleted, its unique id takes the place of its ARN, and the trust does not come back with
the name.
Refuses to know: what a document allows.

AWS: IAM user guide, "AWS JSON policy elements: Principal" (unique ids), "IAM and AWS STS quotas".
"""

import json
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import quote

from localorg.identity.directory import Directory
from localorg.identity.partition_check import check_partition
from localorg.identity.policy import Policy, parsed
from localorg.identity.principals import ACCOUNT, UNIQUE_ID
from localorg.identity.records import Holder
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError

TRUST_CHARACTERS_MAX = 2048
MANAGED_CHARACTERS_MAX = 6144


def on_the_wire(text: str) -> str:
    """Return a document as IAM answers it: URL-encoded as RFC 3986 says."""
    return quote(text, safe="")


def weight(text: str) -> int:
    """Return the characters of a document that count for quotas. AWS: white space does not."""
    return len(json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False))


def check_identity_policy(directory: Directory, text: str, kind: Literal["identity", "managed"] = "identity") -> None:
    """Check an identity policy before it is kept. Raises MalformedPolicyDocument or NotSupported."""
    parsed(text, kind)
    check_partition(directory.partition, text)


def check_trust_policy(directory: Directory, text: str) -> str:
    """Check a trust policy and return the text to keep. Raises MalformedPolicyDocument, NotSupported or LimitExceeded."""
    policy = parsed(text, "trust")
    check_partition(directory.partition, text)
    check_principals_exist(directory, policy)
    if weight(text) > TRUST_CHARACTERS_MAX:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_CHARACTERS_MAX}", 409)
    return _with_principals(text, lambda value: as_shown(directory, value))


def check_principals_exist(directory: Directory, policy: Policy) -> None:
    """Raise MalformedPolicyDocument when the policy names a user or role that does not exist."""
    named = [value for statement in policy.statements if statement.principals for value in statement.principals.arns]
    unknown = [value for value in named if not _exists(directory, value)]
    if unknown:
        raise AwsError(
            "MalformedPolicyDocument", "; ".join(f'Invalid principal in policy: "AWS":"{value}"' for value in sorted(unknown))
        )


def _exists(directory: Directory, value: str) -> bool:
    if UNIQUE_ID.fullmatch(value):
        return _arn_of_id(directory, value) != value
    arn = parse_arn(value)
    if arn is None or arn.partition != directory.partition:
        return False
    if arn.service == "sts":
        # ASSUMED: a session need not be open to be named, but its role must exist.
        role = arn.resource.split("/")[1]
        return directory.roles.get(arn.account, role.lower()) is not None
    return bool(directory.role_by_arn(value) or directory.user_by_arn(value))


def as_shown(directory: Directory, value: str) -> str:
    """Return a principal as IAM and S3 show it. Observed by clients: an account's number becomes the ARN of its root."""
    return f"arn:{directory.partition}:iam::{value}:root" if ACCOUNT.fullmatch(value) else _arn_of_id(directory, value)


def _holders(directory: Directory) -> list[Holder]:
    return [*directory.roles.values(), *directory.users.values()]


def _arn_of_id(directory: Directory, value: str) -> str:
    if not UNIQUE_ID.fullmatch(value):
        return value
    return next((holder.arn for holder in _holders(directory) if holder.unique_id == value), value)


def bury(directory: Directory, gone: Holder) -> None:
    """Put the unique id of a deleted user or role where trust policies named its ARN."""
    for role in directory.roles.values():
        if gone.arn in role.trust:
            role.trust = _with_principals(role.trust, lambda value: gone.unique_id if value == gone.arn else value)
            directory.keep(role)


def rename(directory: Directory, before: str, after: str) -> None:
    """Put the new ARN of a user where trust policies named them: AWS keeps who is meant, not how they were called."""
    for role in directory.roles.values():
        if before in role.trust:
            role.trust = _with_principals(role.trust, lambda value: after if value == before else value)
            directory.keep(role)


def _with_principals(text: str, change: Callable[[str], str]) -> str:
    """Return the text with its AWS principals changed; text without a change stays as it was written."""
    content = json.loads(text)
    before = json.dumps(content)
    with_principals(content, change)
    after = json.dumps(content)
    return text if after == before else after


def with_principals(content: dict[str, Any], change: Callable[[str], str]) -> None:
    """Change the AWS principals of a document where they stand."""
    statements = content["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Principal", "NotPrincipal"):
            principal = statement.get(element)
            if isinstance(principal, dict) and "AWS" in principal:
                values = principal["AWS"]
                changed = [change(value) for value in (values if isinstance(values, list) else [values])]
                # Observed by clients: a list of one principal comes back as that principal.
                principal["AWS"] = changed if len(changed) > 1 else changed[0]
