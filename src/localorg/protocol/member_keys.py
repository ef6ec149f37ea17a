"""Condition keys that are members of the request: what a policy may ask of the parameters of a call.

Rules: a member that the request does not have is a key that the request does not have.
Refuses to know: keys that need more than the request (facts.py of identity, and the access rules of the engines).

AWS: Service Authorization Reference, condition keys of each service.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from localorg.protocol.calls import ContextKeys, Params

_S3 = {
    "s3:prefix": "Prefix",
    "s3:delimiter": "Delimiter",
    "s3:max-keys": "MaxKeys",
    "s3:x-amz-acl": "ACL",
    "s3:x-amz-copy-source": "CopySource",
    "s3:x-amz-metadata-directive": "MetadataDirective",
    "s3:x-amz-server-side-encryption": "ServerSideEncryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "s3:x-amz-storage-class": "StorageClass",
}
_STACK = {
    "cloudformation:ChangeSetName": "ChangeSetName",
    "cloudformation:ResourceTypes": "ResourceTypes",
    "cloudformation:RoleArn": "RoleARN",
    "cloudformation:StackPolicyUrl": "StackPolicyURL",
    "cloudformation:TemplateUrl": "TemplateURL",
}
_INSTANCES = {"cloudformation:TargetRegion": "Regions"}
MEMBERS: dict[str, dict[str, str]] = {
    "s3:": _S3,
    "cloudformation:CreateChangeSet": _STACK,
    "cloudformation:CreateStack": _STACK,
    "cloudformation:UpdateStack": _STACK,
    "cloudformation:DeleteStack": {"cloudformation:RoleArn": "RoleARN"},
    "cloudformation:ContinueUpdateRollback": {"cloudformation:RoleArn": "RoleARN"},
    "cloudformation:RollbackStack": {"cloudformation:RoleArn": "RoleARN"},
    "cloudformation:DeleteChangeSet": {"cloudformation:ChangeSetName": "ChangeSetName"},
    "cloudformation:DescribeChangeSet": {"cloudformation:ChangeSetName": "ChangeSetName"},
    "cloudformation:ExecuteChangeSet": {"cloudformation:ChangeSetName": "ChangeSetName"},
    "cloudformation:SetStackPolicy": {"cloudformation:StackPolicyUrl": "StackPolicyURL"},
    "cloudformation:CreateStackSet": {
        "cloudformation:RoleArn": "AdministrationRoleARN",
        "cloudformation:TemplateUrl": "TemplateURL",
    },
    "cloudformation:UpdateStackSet": {
        "cloudformation:RoleArn": "AdministrationRoleARN",
        "cloudformation:TemplateUrl": "TemplateURL",
        **_INSTANCES,
    },
    "cloudformation:CreateStackInstances": _INSTANCES,
    "cloudformation:UpdateStackInstances": _INSTANCES,
    "cloudformation:DeleteStackInstances": _INSTANCES,
    "kms:PutKeyPolicy": {"kms:BypassPolicyLockoutSafetyCheck": "BypassPolicyLockoutSafetyCheck"},
    "kms:ScheduleKeyDeletion": {"kms:ScheduleKeyDeletionPendingWindowInDays": "PendingWindowInDays"},
    "ssm:GetParametersByPath": {"ssm:Recursive": "Recursive"},
    "ssm:PutParameter": {"ssm:Overwrite": "Overwrite"},
    "sts:AssumeRole": {"sts:SourceIdentity": "SourceIdentity", "sts:TransitiveTagKeys": "TransitiveTagKeys"},
}
"""Action (or how actions begin) -> condition key -> the member that it is."""
OBJECT_TAGS = ("s3:RequestObjectTag", "s3:RequestObjectTagKeys")
MEMBER_KEYS = tuple(dict.fromkeys([*(key for keys in MEMBERS.values() for key in keys), OBJECT_TAGS[1]]))


def member_keys(action: str, params: Params) -> ContextKeys:
    """Return the condition keys that the parameters of a call make, for a check of `action`."""
    named = MEMBERS.get(action) or next((keys for begins, keys in MEMBERS.items() if action.startswith(begins)), {})
    found: dict[str, str | tuple[str, ...]] = {key: _texts(params[member]) for key, member in named.items() if member in params}
    return {**found, **_object_tags(params.get("Tagging"))} if action.startswith("s3:") else found


def _texts(value: Any) -> str | tuple[str, ...]:
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return tuple(str(item) for item in value)
        case _:
            return str(value)


def _object_tags(tagging: Any) -> Mapping[str, str | tuple[str, ...]]:
    """AWS: x-amz-tagging is a query string; PutObjectTagging has a set of tags in its body."""
    if isinstance(tagging, str):
        tags = dict(parse_qsl(tagging, keep_blank_values=True))
    elif isinstance(tagging, dict):
        tags = {tag["Key"]: tag["Value"] for tag in tagging.get("TagSet") or ()}
    else:
        return {}
    one, all_keys = OBJECT_TAGS
    return {**{f"{one}/{key}": value for key, value in tags.items()}, all_keys: tuple(tags)}
