"""What only the owner does beside content: share a document with other accounts, and tag it.

Rules: sharing is per Region and per document; which versions an account sees follows its share (`sharing`).
"""

from collections.abc import Callable

from localorg.documents import sharing
from localorg.documents.lookup import Lookup
from localorg.documents.paging import cut_sorted
from localorg.documents.records import DocumentRecord, Shelf
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Handler, Output, Request
from localorg.protocol.tagging import TAGS_MAX

PAGE = 20
"""# ASSUMED: the size of a page when nothing is said; API AccountIdList has at most 20 members."""


class Owning:
    """Sharing, and the tags of documents (a TagHolder)."""

    limit = TAGS_MAX

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
        chosen, more = cut_sorted(sorted(document.shares.items()), lambda share: share[0], request, PAGE)
        infos = [{"AccountId": account, "SharedDocumentVersion": versions} for account, versions in chosen]
        return {"AccountIds": [account for account, _ in chosen], "AccountSharingInfoList": infos, **more}

    def arn(self, request: Request, resource_id: str) -> str:
        """Return the ARN of a document, which tags name by its name (or by its ARN when it is shared)."""
        return self._lookup.arn_of(request, resource_id)

    def tags(self, request: Request, resource_id: str) -> dict[str, str]:
        """Return a document's tags. Raises InvalidResourceId."""
        return self._tagged(request, resource_id).tags

    def names(self, request: Request) -> list[str]:
        """Return the names of the caller's documents, in order."""
        return [name for _, _, name in self._shelf.documents.sorted_keys(request.account, request.region)]

    def retag(self, request: Request, resource_id: str, tags: dict[str, str]) -> None:
        """Replace a document's tags."""
        document = self._tagged(request, resource_id)
        document.tags = tags
        self._shelf.keep(document)

    def _tagged(self, request: Request, name: str) -> DocumentRecord:
        document = self._shelf.documents.get(request.account, request.region, name)
        if document is None:
            raise AwsError("InvalidResourceId", f"{request.account} has no document {name} in {request.region}.")
        return document
