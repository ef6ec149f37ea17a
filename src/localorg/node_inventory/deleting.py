"""DeleteInventory and DescribeInventoryDeletions: custom types and their data go, after a moment.

Flow: DeleteInventory -> a deletion InProgress -> alarm -> items (and schema) gone, Complete.
AWS: API DeleteInventory, DescribeInventoryDeletions; user guide "Deleting custom inventory".
"""

from collections import Counter

from localorg.kernel import ids
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.kernel.paging import page
from localorg.node_inventory.records import Deletion
from localorg.node_inventory.schemas import is_custom
from localorg.node_inventory.shelf import Shelf
from localorg.protocol.calls import Output, Request

TAKES_S = 1.0
"""ASSUMED: how long a deletion is visibly InProgress."""
PAGE = 50
"""AWS: API DescribeInventoryDeletions, MaxResults is at most 50. ASSUMED: also the default."""
MESSAGES = {"InProgress": "The Delete is in progress", "Complete": "The Delete is complete"}
"""AWS: aws CLI example of describe-inventory-deletions, for InProgress. ASSUMED: the other."""


class Deleting:
    """Removes custom inventory."""

    def __init__(self, kernel: Kernel, engine: str, shelf: Shelf) -> None:
        self._kernel = kernel
        self._engine = engine
        self._shelf = shelf

    def delete(self, request: Request) -> Output:
        """DeleteInventory."""
        params = request.params
        name = params["TypeName"]
        if not is_custom(name):
            # AWS: API DeleteInventory deletes custom types only. ASSUMED: the error code.
            raise AwsError("InvalidTypeNameException", f"{name} is no custom type; only those can be deleted.")
        if (again := self._repeated(request)) is not None:
            return _answer(again)
        if self._shelf.schemas.get(request.account, request.region, name) is None:
            what = f"There is no inventory type {name} in {request.account} {request.region}."
            raise AwsError("InvalidTypeNameException", what)
        deletion = self._made(request, name)
        if params.get("DryRun"):
            # ASSUMED: a dry run has an id that nobody can ask after.
            return _answer(deletion)
        self._keep(deletion)
        data = {"account": request.account, "region": request.region, "deletion_id": deletion.deletion_id}
        self._kernel.after(TAKES_S, Event(self._engine, "delete", data))
        return _answer(deletion)

    def _repeated(self, request: Request) -> Deletion | None:
        token = request.params.get("ClientToken")
        known = self._shelf.deletions.values(request.account, request.region) if token else []
        return next((deletion for deletion in known if deletion.client_token == token), None)

    def _made(self, request: Request, name: str) -> Deletion:
        items = self._shelf.items_of_type(request.account, request.region, name)
        return Deletion(
            deletion_id=ids.uuid(self._kernel.dice),
            account=request.account,
            region=request.region,
            type_name=name,
            started=request.now,
            counts=dict(Counter(item.schema_version for item in items)),
            updated=request.now,
            client_token=request.params.get("ClientToken", ""),
            option=request.params.get("SchemaDeleteOption", ""),
        )

    def handle(self, event: Event) -> None:
        """End a deletion."""
        place = event.data["account"], event.data["region"]
        deletion = self._shelf.deletions.get(*place, event.data["deletion_id"])
        if deletion is None or deletion.status == "Complete":
            return
        for item in self._shelf.items_of_type(*place, deletion.type_name):
            self._shelf.items.delete(*place, item.instance_id, item.type_name)
        schema = self._shelf.schemas.get(*place, deletion.type_name)
        if schema is not None and deletion.option == "DeleteSchema":
            self._shelf.schemas.delete(*place, deletion.type_name)
        elif schema is not None and deletion.option == "DisableSchema":
            schema.disabled = schema.version
            self._shelf.schemas.put(schema, *place, deletion.type_name)
        deletion.status, deletion.updated = "Complete", self._kernel.now()
        self._keep(deletion)

    def describe(self, request: Request) -> Output:
        """DescribeInventoryDeletions."""
        params = request.params
        rows = self._shelf.deletions.values(request.account, request.region)[::-1]
        if wanted := params.get("DeletionId"):
            rows = [deletion for deletion in rows if deletion.deletion_id == wanted]
            if not rows:
                what = f"There is no deletion {wanted} in {request.account} {request.region}."
                raise AwsError("InvalidDeletionIdException", what)
        refusal = AwsError("InvalidNextToken", "The NextToken is not one that this list gave.")
        limit, token = params.get("MaxResults", PAGE), params.get("NextToken")
        shown, following = page(rows, lambda row: row.deletion_id, limit, token, refusal)
        return {"InventoryDeletions": [_view(one) for one in shown], **({"NextToken": following} if following else {})}

    def _keep(self, deletion: Deletion) -> None:
        self._shelf.deletions.put(deletion, deletion.account, deletion.region, deletion.deletion_id)


def _answer(deletion: Deletion) -> Output:
    return {"DeletionId": deletion.deletion_id, "TypeName": deletion.type_name, "DeletionSummary": _summary(deletion)}


def _summary(deletion: Deletion) -> Output:
    remaining = deletion.remaining
    items = [
        {"Version": version, "Count": count, "RemainingCount": remaining[version]} for version, count in deletion.counts.items()
    ]
    return {
        "TotalCount": sum(deletion.counts.values()),
        "RemainingCount": sum(remaining.values()),
        "SummaryItems": items,
    }


def _view(deletion: Deletion) -> Output:
    return {
        "DeletionId": deletion.deletion_id,
        "TypeName": deletion.type_name,
        "DeletionStartTime": deletion.started,
        "LastStatus": deletion.status,
        "LastStatusMessage": MESSAGES[deletion.status],
        "DeletionSummary": _summary(deletion),
        "LastStatusUpdateTime": deletion.updated,
    }
