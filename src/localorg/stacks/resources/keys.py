"""AWS::KMS::Key and AWS::KMS::Alias: keys that sign, and names for them.

Rules: what makes a key that key cannot be changed; a key that leaves its stack is scheduled for deletion, not deleted. Kinds of keys that
KMS refuses here are refused by it, when the resource is made.

AWS: CloudFormation template reference, AWS::KMS::Key (Ref gives the id, Fn::GetAtt Arn and KeyId) and AWS::KMS::Alias (Ref gives the name).
"""

import json
from typing import Any

from localorg.stacks.resources.iam import unless_gone
from localorg.stacks.resources.kinds import (
    Ask,
    Live,
    Made,
    Plain,
    Properties,
    Reading,
    Resource,
    ResourceType,
    Steps,
    Work,
    chosen,
    live_tags,
    replaced_by,
    tag_changes,
    tags_of,
)

GONE = ("NotFoundException", "KMSInvalidStateException")
FIXED = ("KeySpec", "KeyUsage")
_MADE_OF = ("Description", "KeySpec", "KeyUsage", "BypassPolicyLockoutSafetyCheck")


def _is_on(properties: Properties) -> bool:
    return str(properties.get("Enabled", True)).lower() == "true"


def _policy(properties: Properties) -> dict[str, Any]:
    document = properties.get("KeyPolicy")
    return {} if document is None else {"Policy": document if isinstance(document, str) else json.dumps(document)}


def _key_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


def _create(work: Work) -> Steps:
    properties = work.properties
    params = {**chosen(properties, *_MADE_OF), **_policy(properties)}
    if tags_of(properties):
        params["Tags"] = _key_tags(tags_of(properties))
    key = (yield Ask("kms", "CreateKey", params))["KeyMetadata"]
    yield Made(key["KeyId"])
    if not _is_on(properties):
        yield Ask("kms", "DisableKey", {"KeyId": key["KeyId"]})
    return Resource(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})


def _update(work: Work) -> Steps:
    name = {"KeyId": work.physical_id}
    if work.changed(*FIXED):
        # AWS: template reference, KeySpec and KeyUsage: "the update request fails". ASSUMED: the words.
        raise Plain(f"Update to {' and '.join(FIXED)} of a key is not supported: make another key, under another logical id.")
    if work.changed("Description"):
        yield Ask("kms", "UpdateKeyDescription", {**name, "Description": work.properties.get("Description", "")})
    if work.changed("KeyPolicy") and _policy(work.properties):
        bypass = chosen(work.properties, "BypassPolicyLockoutSafetyCheck")
        yield Ask("kms", "PutKeyPolicy", {**name, **_policy(work.properties), **bypass})
    if work.changed("Enabled"):
        yield Ask("kms", "EnableKey" if _is_on(work.properties) else "DisableKey", name)
    gone, wanted = tag_changes(work)
    if gone:
        yield Ask("kms", "UntagResource", {**name, "TagKeys": gone})
    if wanted:
        yield Ask("kms", "TagResource", {**name, "Tags": _key_tags(wanted)})
    return Resource(work.physical_id, dict(work.attributes))


def _delete(work: Work) -> Steps:
    params = {"KeyId": work.physical_id, **chosen(work.properties, "PendingWindowInDays")}
    yield from unless_gone(Ask("kms", "ScheduleKeyDeletion", params), *GONE)
    return Resource(work.physical_id)


def _read(work: Work) -> Reading:
    name = {"KeyId": work.physical_id}
    key = (yield Ask("kms", "DescribeKey", name))["KeyMetadata"]
    policy = (yield Ask("kms", "GetKeyPolicy", name))["Policy"]
    tags = (yield Ask("kms", "ListResourceTags", name))["Tags"]
    live: Live = {
        "Description": key["Description"],
        "Enabled": key["Enabled"],
        "KeyPolicy": json.loads(policy),
        "KeySpec": key["KeySpec"],
        "KeyUsage": key["KeyUsage"],
        "Tags": live_tags({"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in tags),
    }
    return live


KEY = ResourceType(
    name="AWS::KMS::Key",
    properties=frozenset({*_MADE_OF, "Enabled", "KeyPolicy", "PendingWindowInDays", "Tags"}),
    attributes=frozenset({"Arn", "KeyId"}),
    create=_create,
    update=_update,
    delete=_delete,
    read=_read,
)


def _create_alias(work: Work) -> Steps:
    name = work.properties["AliasName"]
    yield Ask("kms", "CreateAlias", {"AliasName": name, "TargetKeyId": work.properties["TargetKeyId"]})
    return Resource(name)


def _update_alias(work: Work) -> Steps:
    yield Ask("kms", "UpdateAlias", {"AliasName": work.physical_id, "TargetKeyId": work.properties["TargetKeyId"]})
    return Resource(work.physical_id)


def _delete_alias(work: Work) -> Steps:
    yield from unless_gone(Ask("kms", "DeleteAlias", {"AliasName": work.physical_id}), *GONE)
    return Resource(work.physical_id)


def _read_alias(work: Work) -> Reading:
    key = (yield Ask("kms", "DescribeKey", {"KeyId": work.physical_id}))["KeyMetadata"]
    told = str(work.properties.get("TargetKeyId", ""))
    # The property may be the key's id or its ARN; it is no drift to have said the one and be told the other.
    return {"AliasName": work.physical_id, "TargetKeyId": key["Arn"] if told.startswith("arn:") else key["KeyId"]}


ALIAS = ResourceType(
    name="AWS::KMS::Alias",
    properties=frozenset({"AliasName", "TargetKeyId"}),
    required=frozenset({"AliasName", "TargetKeyId"}),
    create=_create_alias,
    update=_update_alias,
    delete=_delete_alias,
    read=_read_alias,
    replacing=replaced_by("AliasName"),
    name_property="AliasName",
)
