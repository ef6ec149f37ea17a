"""Tags of roles, users, policies and instance profiles: what may be given, and how new ones meet the old.

Rules: keys are the same whatever their case, and keep the case they were last written in; fifty at most; `aws:` is AWS's own.
Refuses to know: on what the tags are.

AWS: IAM user guide, "Tags for IAM resources", rules for tagging; IAM API reference, TagRole and its kin.
"""

from collections.abc import Mapping

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, Request

TAGS_MAX = 50


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as IAM lists them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_of(request: Request) -> dict[str, str]:
    """Return the tags that a request brings to something new. Raises InvalidInput or LimitExceeded."""
    return merged({}, request)


def with_tagging(access: Access, request: Request) -> list[Access]:
    """Return what making something with tags takes. Observed by clients of CreateRole: the leave to tag it as well."""
    tagging = access.action.replace("iam:Create", "iam:Tag")
    return [access, *([Access(tagging, access.resource)] if request.params.get("Tags") else [])]


def merged(tags: Mapping[str, str], request: Request) -> dict[str, str]:
    """Return `tags` with those of the request among them. Raises InvalidInput or LimitExceeded."""
    brought = {tag["Key"]: tag["Value"] for tag in request.params.get("Tags", ())}
    lowered = {key.lower() for key in brought}
    if len(lowered) < len(request.params.get("Tags", ())):
        raise AwsError("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.startswith("aws:") for key in lowered):
        # AWS: "You cannot create a tag key that begins with aws:". ASSUMED: the code and the words.
        raise AwsError("InvalidInput", "Tag keys that begin with aws: are reserved for AWS.")
    together = {key: value for key, value in tags.items() if key.lower() not in lowered} | brought
    if len(together) > TAGS_MAX:
        raise AwsError("LimitExceeded", f"The number of tags has reached the maximum limit: {TAGS_MAX}", 409)
    return together


def without(tags: Mapping[str, str], request: Request) -> dict[str, str]:
    """Return `tags` without those whose keys the request names."""
    gone = {key.lower() for key in request.params["TagKeys"]}
    return {key: value for key, value in tags.items() if key.lower() not in gone}
