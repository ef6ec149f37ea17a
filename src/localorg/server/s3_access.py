"""What a caller must be allowed for each S3 operation: action and resource, and which account owns it.

The table is also the list of what is supported: an operation that is not in it is refused by name, because moto would answer many of
them with something else (an unknown `?subresource` on a bucket becomes a listing).

AWS: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3".
"""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import Access, Params

BUCKET_ACTIONS = {
    "CreateBucket": "s3:CreateBucket",
    "DeleteBucket": "s3:DeleteBucket",
    "HeadBucket": "s3:ListBucket",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "GetBucketLocation": "s3:GetBucketLocation",
    "GetBucketPolicy": "s3:GetBucketPolicy",
    "PutBucketPolicy": "s3:PutBucketPolicy",
    "DeleteBucketPolicy": "s3:DeleteBucketPolicy",
    "GetBucketTagging": "s3:GetBucketTagging",
    "PutBucketTagging": "s3:PutBucketTagging",
    "DeleteBucketTagging": "s3:PutBucketTagging",
    "GetBucketVersioning": "s3:GetBucketVersioning",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
}
OBJECT_ACTIONS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CopyObject": "s3:PutObject",
    "DeleteObject": "s3:DeleteObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "UploadPartCopy": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListParts": "s3:ListMultipartUploadParts",
    "GetObjectTagging": "s3:GetObjectTagging",
    "PutObjectTagging": "s3:PutObjectTagging",
    "DeleteObjectTagging": "s3:DeleteObjectTagging",
}
OTHER = frozenset({"ListBuckets", "DeleteObjects"})
SUPPORTED = frozenset({*BUCKET_ACTIONS, *OBJECT_ACTIONS, *OTHER})
TAGGED_WHEN_MADE = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})
KEY_BYTES_MAX = 1024
"""AWS: S3 user guide, "Naming Amazon S3 objects"."""
CREATES_OWNER = "CreateBucket"
PRIVATE_ACLS = frozenset({"private", "bucket-owner-full-control"})
BucketFacts = Callable[[str], tuple[str, dict[str, Any] | None]]
"""bucket name -> (owner's account or "", bucket policy or None)"""


class S3Access:
    """Answers what must be allowed, given who owns which bucket."""

    def __init__(self, partition: str, facts: BucketFacts) -> None:
        self._partition = partition
        self._facts = facts

    def of(self, operation: str, params: Params) -> Sequence[Access]:
        """Return the accesses that `operation` with `params` needs. Raises AwsError for what is not supported."""
        refuse_unsupported(operation, params)
        if operation == "ListBuckets":
            return [Access("s3:ListAllMyBuckets", "*")]
        bucket = params["Bucket"]
        if operation == "DeleteObjects":
            return [self._on(bucket, "s3:DeleteObject", key) for key in _deleted_keys(params)]
        if operation in BUCKET_ACTIONS:
            owner = "" if operation == CREATES_OWNER else None
            return [self._on(bucket, BUCKET_ACTIONS[operation], owner=owner)]
        needed = [self._on(bucket, OBJECT_ACTIONS[operation], params["Key"])]
        if params.get("Tagging") and operation in TAGGED_WHEN_MADE:
            # AWS: S3 API reference, PutObject, CopyObject, CreateMultipartUpload: tags need s3:PutObjectTagging as well.
            needed.append(self._on(bucket, "s3:PutObjectTagging", params["Key"]))
        if operation in {"CopyObject", "UploadPartCopy"}:
            source_bucket, source_key = copy_source(params["CopySource"])
            needed.append(self._on(source_bucket, "s3:GetObject", source_key))
        return needed

    def may_list(self, bucket: str) -> Access:
        """Return the access that decides whether a missing key is 404 or 403."""
        return self._on(bucket, "s3:ListBucket")

    def _on(self, bucket: str, action: str, key: str | None = None, *, owner: str | None = None) -> Access:
        known_owner, policy = self._facts(bucket) if owner is None else (owner, None)
        resource = f"arn:{self._partition}:s3:::{bucket}" + (f"/{key}" if key is not None else "")
        return Access(
            action, resource, owner=known_owner, resource_policy=policy, context={"s3:ResourceAccount": known_owner or ()}
        )


def refuse_unsupported(operation: str, params: Params) -> None:
    """Raise AwsError for operations and members that would silently do something else."""
    if operation not in SUPPORTED:
        raise NotSupported(f"the operation s3:{operation}")
    if len(str(params.get("Key", "")).encode("utf-8", "replace")) > KEY_BYTES_MAX:
        raise AwsError("KeyTooLongError", "Your key is too long", MaxSizeAllowed=str(KEY_BYTES_MAX))
    if params.get("VersionId") not in (None, "null"):
        raise NotSupported("object versions (versionId)", f"s3:{operation}")
    if params.get("ObjectLockEnabledForBucket"):
        raise NotSupported("object lock", f"s3:{operation}")
    acl = params.get("ACL", "private")
    grants = [name for name in params if name.startswith("Grant")]
    if acl not in PRIVATE_ACLS or grants:
        # AWS: S3 user guide, "Controlling ownership of objects": new buckets have ACLs disabled.
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs")


def copy_source(text: str) -> tuple[str, str]:
    """Return (bucket, key) of x-amz-copy-source. Raises AwsError."""
    plain, _, version = unquote(text).lstrip("/").partition("?versionId=")
    bucket, _, key = plain.partition("/")
    if not key:
        raise AwsError(
            "InvalidArgument", f"Copy Source must mention the source bucket and key: sourcebucket/sourcekey, found {text!r}"
        )
    if version not in {"", "null"}:
        raise NotSupported("object versions (versionId)", "x-amz-copy-source")
    return bucket, key


def _deleted_keys(params: Params) -> list[str]:
    return [entry["Key"] for entry in params["Delete"]["Objects"]]
