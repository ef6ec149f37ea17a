"""Tags of keys.

AWS: KMS API reference, TagResource, UntagResource, ListResourceTags, TagException.
"""

from collections.abc import Iterable, Mapping

from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError
from localorg.kernel.paging import page_of
from localorg.keys import states
from localorg.keys.lookup import Lookup
from localorg.keys.pages import invalid_marker, paged
from localorg.keys.records import Cabinet, KeyRecord
from localorg.protocol.calls import Operation, Output, Request

TAGS_MAX = 50


class Tags:
    """The operations on tags."""

    def __init__(self, cabinet: Cabinet, lookup: Lookup) -> None:
        self._cabinet = cabinet
        self._lookup = lookup

    def operations(self) -> list[Operation]:
        """Return the operations on tags."""
        handlers = {"TagResource": self._tag, "UntagResource": self._untag, "ListResourceTags": self._list}
        return [Operation("kms", name, handler, self._lookup.rule) for name, handler in handlers.items()]

    def of(self, resource: str) -> Mapping[str, str]:
        """Return the tags of a key by its ARN, for policies that ask; aliases have none."""
        arn = parse_arn(resource)
        key = self._cabinet.key(arn.account, arn.region, arn.resource.removeprefix("key/")) if arn else None
        return key.tags if key else {}

    def _tag(self, request: Request) -> Output:
        key = self._changeable(request)
        key.tags = checked_tags(key.tags, request.params["Tags"])
        self._cabinet.keep(key)
        return {}

    def _untag(self, request: Request) -> Output:
        key = self._changeable(request)
        key.tags = {name: value for name, value in key.tags.items() if name not in request.params["TagKeys"]}
        self._cabinet.keep(key)
        return {}

    def _list(self, request: Request) -> Output:
        key = self._lookup.find(request)
        rows = sorted(key.tags.items())
        limit, marker = request.params.get("Limit", TAGS_MAX), request.params.get("Marker")
        page, following = page_of("tags", rows, lambda row: row[0], limit, marker, invalid_marker())
        return {"Tags": [{"TagKey": name, "TagValue": value} for name, value in page], **paged(following)}

    def _changeable(self, request: Request) -> KeyRecord:
        key = self._lookup.find(request)
        states.check(key, self._cabinet.arn_of(key), request.operation)
        return key


def checked_tags(before: Mapping[str, str], tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags with those of a request. Raises TagException or LimitExceededException."""
    given = [(tag["TagKey"], tag["TagValue"]) for tag in tags]
    if len({name for name, _ in given}) < len(given):
        raise AwsError("TagException", "Duplicate tag keys")
    if reserved := [name for name, _ in given if name.lower().startswith("aws:")]:
        raise AwsError("TagException", f"Tags that begin with aws: are AWS's own: {', '.join(reserved)}")
    after = {**before, **dict(given)}
    if len(after) > TAGS_MAX:
        raise AwsError("LimitExceededException", f"A key has at most {TAGS_MAX} tags; these would be {len(after)}.")
    return after
