"""The tags that a request brings, as condition keys: aws:RequestTag/KEY and aws:TagKeys of whatever operation creates or tags.

Rules: the members that carry tags are known by their name and form, so each engine's operations have these keys without saying so.
Refuses to know: what the tags are put on.

AWS: IAM user guide, "AWS global condition context keys", aws:RequestTag and aws:TagKeys.
"""

from collections.abc import Iterator
from typing import Any

from localorg.protocol.calls import ContextKeys, Params

WITHOUT = ("iam:PassRole", "s3:")
"""Actions of a request with tags that do not have the keys. AWS: Service Authorization Reference: S3 has s3:RequestObjectTag instead."""
KEY_LISTS = ("TagKeys", "Keys")
"""Members that name the tags to be taken away."""


def request_tags(action: str, params: Params) -> ContextKeys:
    """Return the condition keys that the tags among `params` make, for a check of `action`."""
    if action.startswith(WITHOUT):
        return {}
    tags = dict(_tags(params))
    keys = [*tags, *(key for name in KEY_LISTS for key in _texts(params.get(name)))]
    valued = {f"aws:RequestTag/{key}": value for key, value in tags.items() if value is not None}
    return {**valued, "aws:TagKeys": tuple(dict.fromkeys(keys))} if keys else {}


def _tags(params: Params) -> Iterator[tuple[str, str | None]]:
    found = params.get("Tags")
    if isinstance(found, dict):
        yield from ((key, value) for key, value in found.items() if isinstance(value, str))
    # AWS: EC2 has the tags of what it creates in TagSpecifications (RunInstances, CreateLaunchTemplate ...).
    specified = [tag for each in params.get("TagSpecifications") or () for tag in each.get("Tags") or ()]
    for tag in [*(found if isinstance(found, list) else ()), *specified]:
        if isinstance(tag, dict) and isinstance(tag.get("Key"), str):
            yield tag["Key"], tag.get("Value")
        elif isinstance(tag, dict) and isinstance(tag.get("TagKey"), str):
            yield tag["TagKey"], tag.get("TagValue")  # KMS


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
