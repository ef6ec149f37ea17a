"""What only the owner does beside content: share a document with other accounts, and tag it.

Rules: sharing is per Region and per document; which versions an account sees follows its share (`sharing`).
"""

from collections.abc import Callable
from typing import Any

from localorg.documents import sharing
from localorg.documents.lookup import Lookup
from localorg.documents.paging import cut
from localorg.documents.records import DocumentRecord, Shelf, as_tags
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import Access, Handler, Operation, Output, Request

PAGE = 20
"""# ASSUMED: the size of a page when nothing is said; API AccountIdList has at most 20 members."""
TAGS_MAX = 50
"""AWS: general reference, tags per resource."""


class Owning:
    """Sharing and tags."""

    def __init__(self, shelf: Shelf, lookup: Lookup, changed: Callable[[DocumentRecord], None]) -> None:
        self._shelf = shelf
        self._lookup = lookup
        self._changed = changed

    def handlers(self) -> dict[str, Handler]:
        """Return the operations on one document by its `Name`."""
        return {
            "ModifyDocumentPermission": self._modify_permission,
            "DescribeDocumentPermission": self._describe_permission,
        }

    def tag_operations(self) -> list[Operation]:
        """Return the operations on tags, whose resource stands in ResourceId."""
        return [
            Operation("ssm", "AddTagsToResource", self._add_tags, self._tag_access),
            Operation("ssm", "RemoveTagsFromResource", self._remove_tags, self._tag_access),
            Operation("ssm", "ListTagsForResource", self._list_tags, self._tag_access),
        ]

    def _modify_permission(self, request: Request) -> Output:
        params = request.params
        document = self._lookup.own(request, params["Name"])
        add, remove = params.get("AccountIdsToAdd") or [], params.get("AccountIdsToRemove") or []
        # AWS: "If it isn't specified, the system choose the Default version to share."
        shares = sharing.changed(document.shares, add, remove, params.get("SharedDocumentVersion") or "$DEFAULT")
        if "all" in shares and "all" not in document.shares:
            self._check_public(document)
        document.shares = shares
        self._shelf.keep(document)
        self._changed(document)
        return {}

    def _check_public(self, document: DocumentRecord) -> None:
        public = [other for other in self._shelf.documents.values(document.account, document.region) if "all" in other.shares]
        if len(public) >= sharing.PUBLIC_MAX:
            raise AwsError(
                "DocumentPermissionLimit",
                f"{document.account} shares {len(public)} documents publicly in {document.region}; more are not possible.",
            )

    def _describe_permission(self, request: Request) -> Output:
        document = self._lookup.own(request, request.params["Name"])
        chosen, more = cut(sorted(document.shares.items()), lambda share: share[0], request.params, PAGE)
        infos = [{"AccountId": account, "SharedDocumentVersion": versions} for account, versions in chosen]
        return {"AccountIds": [account for account, _ in chosen], "AccountSharingInfoList": infos, **more}

    def _tag_access(self, request: Request) -> list[Access]:
        kind = request.params["ResourceType"]
        if kind != "Document":
            raise NotSupported(f"tags of {kind}", request.operation)
        return [Access(f"ssm:{request.operation}", self._lookup.arn_of(request, request.params["ResourceId"]))]

    def _add_tags(self, request: Request) -> Output:
        document = self._tagged(request)
        tags = {**document.tags, **as_mapping(request.params["Tags"])}
        if len(tags) > TAGS_MAX:
            raise AwsError("TooManyTagsError", f"{document.name} would have {len(tags)} tags; at most {TAGS_MAX} are possible.")
        document.tags = tags
        self._shelf.keep(document)
        return {}

    def _remove_tags(self, request: Request) -> Output:
        document = self._tagged(request)
        gone = set(request.params["TagKeys"])
        document.tags = {key: value for key, value in document.tags.items() if key not in gone}
        self._shelf.keep(document)
        return {}

    def _list_tags(self, request: Request) -> Output:
        return {"TagList": as_tags(self._tagged(request).tags)}

    def _tagged(self, request: Request) -> DocumentRecord:
        name = request.params["ResourceId"]
        document = self._shelf.documents.get(request.account, request.region, name)
        if document is None:
            raise AwsError("InvalidResourceId", f"{request.account} has no document {name} in {request.region}.")
        return document


def as_mapping(tags: list[dict[str, Any]] | None) -> dict[str, str]:
    """Return the API's tags as {key: value}."""
    return {tag["Key"]: tag["Value"] for tag in tags or []}
