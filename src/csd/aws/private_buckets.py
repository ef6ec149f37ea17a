"""Buckets of csd's own: found, or made private and encrypted.

Rules: names are the world's, so every call says whose bucket it must be. Refuses to know: what is kept there.
"""

from collections.abc import Callable
from typing import Any

from csd.aws.identity import Principal, asking
from csd.errors import AwsRefused, CsdInputError, Problem

Tell = Callable[[str], None]
_PRIVATE = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
_ENCRYPTED = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


def region_of(principal: Principal, s3: Any, name: str, owner: dict[str, str], option: str) -> str:
    """The bucket's Region, or nothing when there is no such bucket. `owner` {}: it may be anybody's."""
    try:
        with asking(s3, principal.account):
            head = s3.head_bucket(Bucket=name, **owner)
    except AwsRefused as refused:
        if refused.code in ("404", "NoSuchBucket"):
            return ""
        if refused.code == "403" and owner:
            remedy = f"Give a bucket of yours with {option}."
            raise CsdInputError([Problem(f"bucket {name}", "is not yours, or you may not list it.", remedy)]) from refused
        raise
    return str(head.get("BucketRegion") or principal.region)


def make_private(principal: Principal, s3: Any, name: str, purpose: str, tell: Tell) -> None:
    """Make the bucket in the principal's Region."""
    tell(f"bucket {name}: creating, private and encrypted, for {purpose}")
    # AWS: CreateBucket API: us-east-1 is the one Region that is not named as a location.
    place = {} if principal.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": principal.region}}
    with asking(s3, principal.account):
        s3.create_bucket(Bucket=name, **place)
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=_PRIVATE)
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=_ENCRYPTED)
