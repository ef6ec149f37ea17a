"""AWS::S3::Bucket and AWS::S3::BucketPolicy, made through S3's API (which answers later, as it is borrowed).

Rules: a property whose operation S3 does not offer here (versioning, ownership ...) is refused with the template, not half-way.

AWS: CloudFormation template reference, the types of those names.
"""

import json
from collections.abc import Mapping
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.protocol.partitions import partition
from localorg.stacks.resources.iam import document, unless_gone
from localorg.stacks.resources.kinds import (
    Ask,
    Made,
    Properties,
    Reading,
    Resource,
    ResourceType,
    Steps,
    Work,
    live_tags,
    replaced_by,
    tag_list,
    tags_of,
)

FIRST_REGION = "us-east-1"
"""The one Region whose buckets are made without a LocationConstraint. AWS: S3 API reference, CreateBucket."""


def _name(work: Work) -> str:
    return str(work.properties.get("BucketName") or work.generated_name(63).lower())


def _attributes(work: Work, name: str) -> dict[str, Any]:
    suffix = partition(work.partition).dns_suffix
    return {
        "Arn": f"arn:{work.partition}:s3:::{name}",
        "DomainName": f"{name}.s3.{suffix}",
        "RegionalDomainName": f"{name}.s3.{work.region}.{suffix}",
    }


def _create(work: Work) -> Steps:
    name = _name(work)
    params: dict[str, Any] = {"Bucket": name}
    if work.region != FIRST_REGION:
        params["CreateBucketConfiguration"] = {"LocationConstraint": work.region}
    yield Ask("s3", "CreateBucket", params)
    yield Made(name)
    yield from _configured(name, {}, work.properties)
    return Resource(name, _attributes(work, name))


def _configured(name: str, before: Properties, after: Properties) -> Steps:
    for ask in _settings(name, before, after):  # noqa: UP028 - answers are sent in, which a list behind `yield from` cannot take
        yield ask
    return Resource(name)


def _settings(name: str, before: Properties, after: Properties) -> list[Ask]:
    """Return the calls that take a bucket's settings from `before` to `after`."""
    asks = []
    for member, put, delete, shape in SETTINGS:
        if before.get(member) == after.get(member):
            continue
        if member in after:
            asks.append(Ask("s3", put, {"Bucket": name, **shape(after[member])}))
        elif delete:
            asks.append(Ask("s3", delete, {"Bucket": name}))
    if tags_of(before) != tags_of(after):
        if tags_of(after):
            asks.append(Ask("s3", "PutBucketTagging", {"Bucket": name, "Tagging": {"TagSet": tag_list(tags_of(after))}}))
        else:
            asks.append(Ask("s3", "DeleteBucketTagging", {"Bucket": name}))
    return asks


def _encryption(value: Mapping[str, Any]) -> dict[str, Any]:
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        default = rule.get("ServerSideEncryptionByDefault", {})
        wanted = {"SSEAlgorithm": default.get("SSEAlgorithm", "AES256")}
        if "KMSMasterKeyID" in default:
            wanted["KMSMasterKeyID"] = default["KMSMasterKeyID"]
        rules.append({"ApplyServerSideEncryptionByDefault": wanted})
    return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


SETTINGS: tuple[tuple[str, str, str, Any], ...] = (
    ("BucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption", _encryption),
    (
        "PublicAccessBlockConfiguration",
        "PutPublicAccessBlock",
        "DeletePublicAccessBlock",
        lambda value: {"PublicAccessBlockConfiguration": value},
    ),
)
"""What the borrowed S3 answers: (property, operation that sets it, operation that takes it away, its value as that operation wants it)"""


def _update(work: Work) -> Steps:
    yield from _configured(work.physical_id, work.before, work.properties)
    return Resource(work.physical_id, _attributes(work, work.physical_id))


def _delete(work: Work) -> Steps:
    # AWS: "You can only delete empty buckets. Deletion fails for buckets that have contents."
    yield from unless_gone(Ask("s3", "DeleteBucket", {"Bucket": work.physical_id}), "NoSuchBucket")
    return Resource(work.physical_id)


def _read(work: Work) -> Reading:
    bucket = {"Bucket": work.physical_id}
    yield Ask("s3", "GetBucketLocation", bucket)
    encryption = yield from _unless_unset("GetBucketEncryption", bucket)
    blocked = yield from _unless_unset("GetPublicAccessBlock", bucket)
    tags = yield from _unless_unset("GetBucketTagging", bucket)
    rules = encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    defaults = [{"ServerSideEncryptionByDefault": rule.get("ApplyServerSideEncryptionByDefault", {})} for rule in rules]
    switches = blocked.get("PublicAccessBlockConfiguration", {})
    asked = work.properties.get("PublicAccessBlockConfiguration", {})
    return {
        "BucketName": work.physical_id,
        "BucketEncryption": {"ServerSideEncryptionConfiguration": defaults} if defaults else None,
        # A switch that the template leaves out is off.
        "PublicAccessBlockConfiguration": {name: on for name, on in switches.items() if on or name in asked} if blocked else None,
        "Tags": live_tags(tags.get("TagSet", ())),
    }


def _unless_unset(operation: str, bucket: Properties) -> Reading:
    """Ask for a setting of a bucket that may not be there."""
    try:
        return (yield Ask("s3", operation, bucket))
    except AwsError as refusal:
        if refusal.code == "NoSuchBucket" or not refusal.code.startswith(("NoSuch", "ServerSideEncryption")):
            raise
        return {}


BUCKET = ResourceType(
    name="AWS::S3::Bucket",
    properties=frozenset({"BucketName", "Tags", *(member for member, *_ in SETTINGS)}),
    attributes=frozenset({"Arn", "DomainName", "RegionalDomainName"}),
    create=_create,
    update=_update,
    delete=_delete,
    read=_read,
    replacing=replaced_by("BucketName"),
    name_property="BucketName",
)


def _put_policy(work: Work) -> Steps:
    bucket = work.properties["Bucket"]
    if work.physical_id == "":
        try:
            yield Ask("s3", "GetBucketPolicy", {"Bucket": bucket})
        except AwsError as refusal:
            if refusal.code != "NoSuchBucketPolicy":
                raise
        else:
            # AWS: the handler refuses to take over a policy that is there already.
            raise AwsError("AlreadyExists", f"The bucket policy already exists on bucket {bucket}.", 409)
    yield Ask("s3", "PutBucketPolicy", {"Bucket": bucket, "Policy": document(work.properties["PolicyDocument"])})
    yield Made(bucket)
    return Resource(bucket)


def _delete_policy(work: Work) -> Steps:
    yield from unless_gone(Ask("s3", "DeleteBucketPolicy", {"Bucket": work.physical_id}), "NoSuchBucket", "NoSuchBucketPolicy")
    return Resource(work.physical_id)


def _read_policy(work: Work) -> Reading:
    text = (yield Ask("s3", "GetBucketPolicy", {"Bucket": work.physical_id}))["Policy"]
    return {"Bucket": work.physical_id, "PolicyDocument": json.loads(text)}


BUCKET_POLICY = ResourceType(
    name="AWS::S3::BucketPolicy",
    properties=frozenset({"Bucket", "PolicyDocument"}),
    required=frozenset({"Bucket", "PolicyDocument"}),
    create=_put_policy,
    update=_put_policy,
    delete=_delete_policy,
    read=_read_policy,
    replacing=replaced_by("Bucket"),
)
