"""Systems Manager's tag operations, whose resource may belong to any engine: AddTagsToResource and its two companions.

Flow: ResourceType -> the engine that keeps that kind (`TagHolder`) -> its ARN for the policy check -> its tags, read or replaced.
Rules: the holder keeps the rows; a kind that nobody holds is refused by name. `localorg.grouping` finds resources of all holders by
their tags.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import Access, Operation, Output, Request

TAGS_MAX = 50
"""AWS: API AddTagsToResource, "Most resources can have a maximum of 50 tags"."""


class TagHolder(Protocol):
    """One kind of resource that has tags. `resource_id` is what ResourceId says; an absent one raises InvalidResourceId."""

    limit: int
    """How many tags one resource may have."""

    def arn(self, request: Request, resource_id: str) -> str:
        """Return the ARN that a policy must allow."""
        ...

    def tags(self, request: Request, resource_id: str) -> Mapping[str, str]:
        """Return the tags of a resource."""
        ...

    def names(self, request: Request) -> Sequence[str]:
        """Return the ids of all resources of this kind in the caller's account and Region, in order."""
        ...

    def retag(self, request: Request, resource_id: str, tags: dict[str, str]) -> None:
        """Replace the tags of a resource."""
        ...


class Tagging:
    """The three operations over all holders, by ResourceType."""

    def __init__(self, holders: Mapping[str, TagHolder]) -> None:
        self._holders = holders

    def operations(self) -> list[Operation]:
        """Return the operations on tags."""
        return [
            Operation("ssm", "AddTagsToResource", self._add, self._access),
            Operation("ssm", "RemoveTagsFromResource", self._remove, self._access),
            Operation("ssm", "ListTagsForResource", self._list, self._access),
        ]

    def _access(self, request: Request) -> list[Access]:
        holder = self._holder(request)
        return [Access(f"ssm:{request.operation}", holder.arn(request, request.params["ResourceId"]))]

    def _holder(self, request: Request) -> TagHolder:
        kind = request.params["ResourceType"]
        if kind not in self._holders:
            raise NotSupported(f"tags of {kind}", request.operation)
        return self._holders[kind]

    def _add(self, request: Request) -> Output:
        holder, resource_id = self._holder(request), request.params["ResourceId"]
        check_reserved(tag["Key"] for tag in request.params["Tags"])
        tags = {**holder.tags(request, resource_id), **as_mapping(request.params["Tags"])}
        if len(tags) > holder.limit:
            raise AwsError("TooManyTagsError", f"{resource_id} would have {len(tags)} tags; at most {holder.limit} are possible.")
        holder.retag(request, resource_id, tags)
        return {}

    def _remove(self, request: Request) -> Output:
        holder, resource_id = self._holder(request), request.params["ResourceId"]
        gone = set(request.params["TagKeys"])
        check_reserved(gone)
        kept = {key: value for key, value in holder.tags(request, resource_id).items() if key not in gone}
        holder.retag(request, resource_id, kept)
        return {}

    def _list(self, request: Request) -> Output:
        return {"TagList": as_list(self._holder(request).tags(request, request.params["ResourceId"]))}


def check_reserved(keys: Iterable[str]) -> None:
    """Refuse keys that only AWS may give and take. Raises ValidationException."""
    # AWS: "Tag naming limits and requirements": the prefix aws: is reserved, in whatever case. ASSUMED: the error of Systems Manager.
    reserved = sorted(key for key in keys if key.lower().startswith("aws:"))
    if reserved:
        raise AwsError(
            "ValidationException", f"aws: prefixed tag key names are not allowed for external use; found {', '.join(reserved)}."
        )


def first_tags(tags: list[dict[str, Any]] | None, limit: int) -> dict[str, str]:
    """Return the tags that a resource is created with. Raises ValidationException, TooManyTagsError."""
    keys = [tag["Key"] for tag in tags or []]
    check_reserved(keys)
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        # ASSUMED: two tags of one key are refused where a resource is made; AddTagsToResource takes the last of them.
        raise AwsError("ValidationException", f"Duplicate tag keys are not allowed; found {', '.join(twice)} more than once.")
    if len(keys) > limit:
        raise AwsError("TooManyTagsError", f"At most {limit} tags are possible; found {len(keys)}.")
    return as_mapping(tags)


def as_mapping(tags: list[dict[str, Any]] | None) -> dict[str, str]:
    """Return the API's tags as {key: value}."""
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the shape of the API."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
