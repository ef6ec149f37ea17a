"""GetInventory, ListInventoryEntries, GetInventorySchema.

Flow: nodes of the place in the order of their ids, from where the last page ended -> filters by type -> one type of each node's data.
Rules: filters on the same type must be passed by one and the same entry; filters on different types by the node.
"""

from typing import Any

from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.paging import page, walk
from localorg.node_inventory import aggregating, filters
from localorg.node_inventory.filters import Filter
from localorg.node_inventory.ports import NodeFacts
from localorg.node_inventory.records import Item
from localorg.node_inventory.schemas import AWS_TYPES, INSTANCE_INFORMATION, Schema
from localorg.node_inventory.shelf import Shelf, is_enabled
from localorg.protocol.calls import Output, Request

PAGE = 50
"""AWS: API GetInventory, MaxResults is at most 50. ASSUMED: also the default."""
SCHEMA_PAGE = 50
"""AWS: API GetInventorySchema, MaxResults is 50 to 200. ASSUMED: the default."""
REFUSAL = AwsError("InvalidNextToken", "The NextToken is not one that this list gave.")


class Reading:
    """Answers from the rows."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def get(self, request: Request) -> Output:
        """GetInventory."""
        params = request.params
        if "Aggregators" in params:
            return self._aggregate(request)
        wanted = self._result_type(request)
        tests = filters.by_type(filters.read(params.get("Filters", []), lambda name: self._find(request, name)))

        def look(key: tuple[str, ...]) -> Output | None:
            node = self._shelf.nodes.find(request.account, request.region, key[2])
            return self._entity(request, node, wanted) if node is not None and self._passes(request, node, tests) else None

        keys = self._shelf.nodes.keys(request.account, request.region)
        shown, following = walk(keys, look, params.get("MaxResults", PAGE), params.get("NextToken"), REFUSAL)
        return {"Entities": shown, **({"NextToken": following} if following else {})}

    def _find(self, request: Request, type_name: str) -> Schema | None:
        return self._shelf.schema(request.account, request.region, type_name)

    def _result_type(self, request: Request) -> str:
        attributes = request.params.get("ResultAttributes", [{"TypeName": INSTANCE_INFORMATION}])
        name: str = attributes[0]["TypeName"]
        if self._find(request, name) is None:
            raise AwsError("InvalidResultAttributeException", f"There is no inventory type {name}.")
        return name

    def _passes(self, request: Request, node: NodeFacts, tests: dict[str, list[Filter]]) -> bool:
        for type_name, of_type in tests.items():
            item = self._shelf.item(request.account, request.region, node, type_name)
            if item is None or not filters.passing(item.content, of_type):
                return False
        return True

    def _entity(self, request: Request, node: NodeFacts, type_name: str) -> Output:
        item = self._shelf.item(request.account, request.region, node, type_name)
        # ASSUMED: a node that has reported nothing of the type is there, without data.
        return {"Id": node.instance_id, "Data": {type_name: _view(item)} if item is not None else {}}

    def _aggregate(self, request: Request) -> Output:
        params = request.params
        plan = aggregating.plan(params["Aggregators"], lambda name: self._find(request, name))
        given = params.get("Filters", [])
        exists = {filters.split(item["Key"])[0] for item in given if item.get("Type") == "Exists"}
        plain = [item for item in given if item.get("Type") != "Exists"]
        tests = filters.by_type(filters.read(plain, lambda name: self._find(request, name)))
        place = (request.account, request.region)
        counted: list[Item] = []
        for key in self._shelf.nodes.keys(*place):
            node = self._shelf.nodes.find(*place, key[2])
            if node is None or not self._passes(request, node, tests):
                continue
            if all(self._shelf.item(*place, node, name) is not None for name in exists):
                item = self._shelf.item(*place, node, plan.type_name)
                counted += [item] if item is not None else [Item(node.instance_id, plan.type_name, "", "")]
        rows = plan.count(counted)
        shown, following = page(rows, repr, params.get("MaxResults", PAGE), params.get("NextToken"), REFUSAL)
        version = self._shelf.require(request, plan.type_name).versions[-1]
        data = {plan.type_name: {"TypeName": plan.type_name, "SchemaVersion": version, "Content": shown}}
        return {"Entities": [{"Data": data}], **({"NextToken": following} if following else {})}

    def entries(self, request: Request) -> Output:
        """ListInventoryEntries."""
        params = request.params
        node, name = self._shelf.node(request, params["InstanceId"]), params["TypeName"]
        self._shelf.require(request, name)
        tests = filters.read(params.get("Filters", []), lambda type_name: self._find(request, type_name), name)
        item = self._shelf.item(request.account, request.region, node, name)
        found = filters.passing(item.content, tests) if item is not None else []
        rows = list(enumerate(found))
        limit, token = params.get("MaxResults", PAGE), params.get("NextToken")
        shown, following = page(rows, lambda row: f"{row[0]}", limit, token, REFUSAL)
        head = {"TypeName": name, "InstanceId": node.instance_id, "Entries": [entry for _, entry in shown]}
        if item is not None:
            head |= {"SchemaVersion": item.schema_version, "CaptureTime": item.capture_time}
        return {**head, **({"NextToken": following} if following else {})}

    def schema(self, request: Request) -> Output:
        """GetInventorySchema."""
        params = request.params
        if params.get("SubType"):
            raise NotSupported("the parameter SubType", "GetInventorySchema")
        wanted = params.get("TypeName")
        if wanted:
            self._shelf.require(request, wanted)
        rows = [
            _schema_view(name, schema, aggregated=params.get("Aggregator", False))
            for name, schema in self._all(request).items()
            if (not wanted or name == wanted) and (schema.aggregated or not params.get("Aggregator"))
        ]
        limit, token = params.get("MaxResults", SCHEMA_PAGE), params.get("NextToken")
        shown, following = page(rows, lambda row: str(row["TypeName"]), limit, token, REFUSAL)
        return {"Schemas": shown, **({"NextToken": following} if following else {})}

    def _all(self, request: Request) -> dict[str, Schema]:
        custom = self._shelf.schemas.values(request.account, request.region)
        own = {one.type_name: Schema((one.version,), tuple(one.attributes)) for one in custom if is_enabled(one, one.version)}
        return {**AWS_TYPES, **own}


def _view(item: Item) -> Output:
    shown: Output = {
        "TypeName": item.type_name,
        "SchemaVersion": item.schema_version,
        "CaptureTime": item.capture_time,
        "Content": item.content,
    }
    return {**shown, "ContentHash": item.content_hash} if item.content_hash else shown


def _schema_view(name: str, schema: Schema, *, aggregated: bool) -> Output:
    attributes = schema.aggregated if aggregated else schema.attributes
    # AWS: aws CLI example of get-inventory-schema. ASSUMED: every attribute is a string; the words are the model's (lower case).
    shown: list[dict[str, Any]] = [{"Name": attribute, "DataType": "string"} for attribute in attributes]
    return {"TypeName": name, "Version": schema.versions[-1], "Attributes": shown}
