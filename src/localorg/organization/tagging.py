"""Tags of the root, units, accounts, policies and the resource policy.

Flow: TagResource, UntagResource, ListTagsForResource, or the Tags of something new (`checked_tags`) -> the tags in the resource's row.
Rules: at most 50 tags on a resource; a key once in a request; no key of AWS's own.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from localorg.kernel.errors import AwsError
from localorg.kernel.store import Table
from localorg.organization.control import AWS_OWNED
from localorg.organization.pages import paged
from localorg.organization.refusals import constraint, invalid, not_found
from localorg.organization.tree import Tree
from localorg.protocol.calls import Output, Request

TAGS_MAX = 50
Tags = dict[str, str]
Holder = tuple[Tags, Callable[[Tags], None]]
"""The tags of a resource, and what keeps others in their stead."""


class _Tagged(Protocol):
    tags: Tags


T = TypeVar("T", bound=_Tagged)


def checked_tags(tags: Iterable[Mapping[str, str]], before: Tags | None = None) -> Tags:
    """Return the tags of a request put over those of `before`. Raises InvalidInputException, ConstraintViolationException."""
    listed = list(tags)
    keys = [tag["Key"] for tag in listed]
    if len(set(keys)) < len(keys):
        raise invalid("DUPLICATE_TAG_KEY", "You can't use the same tag key more than once in a request.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("INVALID_SYSTEM_TAGS_PARAMETER", 'You can\'t add, edit, or delete tags whose keys begin with "aws:".')
    found = {**(before or {}), **{tag["Key"]: tag["Value"] for tag in listed}}
    if len(found) > TAGS_MAX:
        raise constraint("MAX_TAG_LIMIT_EXCEEDED", f"You have exceeded the number of tags allowed on this resource: {TAGS_MAX}.")
    return found


class TagKeeping:
    """Reads and changes the tags of what is there."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def list_tags(self, request: Request) -> Output:
        """ListTagsForResource; it has no MaxResults, and all tags of a resource fit on one page."""
        tags, _ = self._holder(request.params["ResourceId"])
        rows = list(tags.items())
        return paged(request, rows, lambda row: row[0], "Tags", lambda row: {"Key": row[0], "Value": row[1]}, TAGS_MAX)

    def of(self, resource: str) -> Tags:
        """Return the tags of a resource; none when it is not there."""
        try:
            return self._holder(resource)[0]
        except AwsError:
            return {}

    def tag(self, request: Request) -> Output:
        """TagResource."""
        tags, keep = self._writable(request.params["ResourceId"])
        keep(checked_tags(request.params["Tags"], tags))
        return {}

    def untag(self, request: Request) -> Output:
        """UntagResource; a key that is not there is no error."""
        tags, keep = self._writable(request.params["ResourceId"])
        gone = request.params["TagKeys"]
        checked_tags({"Key": key, "Value": ""} for key in dict.fromkeys(gone))
        keep({key: value for key, value in tags.items() if key not in gone})
        return {}

    def _writable(self, resource: str) -> Holder:
        if resource in AWS_OWNED:
            raise invalid("TARGET_NOT_SUPPORTED", "You can't perform the specified operation on that target entity.")
        return self._holder(resource)

    def _holder(self, resource: str) -> Holder:
        """Return the tags of a resource and what keeps others in their stead. Raises TargetNotFoundException."""
        tree, organization = self._tree, self._tree.organization()
        if resource == organization.root_id:

            def keep_root(tags: Tags) -> None:
                organization.root_tags = tags
                tree.organizations.put(organization, organization.organization_id)

            return organization.root_tags, keep_root
        if resource in AWS_OWNED:
            return {}, lambda _tags: None
        found = (
            _row(tree.accounts, resource)
            or _row(tree.units, resource)
            or _row(tree.policies, resource)
            or _row(tree.resource_policies, resource)
        )
        if found is None:
            raise not_found("TargetNotFound", "target")
        return found


def _row(table: Table[T], key: str) -> Holder | None:
    row = table.get(key)
    if row is None:
        return None

    def keep(tags: Tags) -> None:
        row.tags = tags
        table.put(row, key)

    return row.tags, keep
