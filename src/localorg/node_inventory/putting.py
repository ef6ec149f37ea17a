"""PutInventory: a node's agent reports its software, a person notes something of a custom type.

Flow: items -> all checked -> rows; a new custom type makes its schema.
Rules: nothing is kept unless every item is fine. A content whose hash is the one that is known is not written again; a hash alone
stands for the content that is known.
AWS: API PutInventory; AWS agent: datauploader (it sends the hash alone when nothing changed, and everything after
ItemContentMismatchException or InvalidItemContentException).
"""

import json
from typing import Any

from localorg.kernel.errors import AwsError, NotSupported
from localorg.node_inventory.records import CustomSchema, Entry, Item
from localorg.node_inventory.schemas import (
    AWS_TYPES,
    COMPLIANCE_ITEM,
    CUSTOM_TYPES_MAX,
    INSTANCE_INFORMATION,
    SPELLINGS,
    is_custom,
    number,
)
from localorg.node_inventory.shelf import Shelf, is_enabled
from localorg.protocol.calls import Output, Request

TOTAL_BYTES_MAX = 1024 * 1024
"""AWS: general reference, Systems Manager quotas: inventory data of one call. # ASSUMED: the same limit for one item."""
ATTRIBUTES_MAX = 50
"""AWS: general reference, Systems Manager quotas: attributes of a custom type."""


class Putting:
    """Takes reports."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def put(self, request: Request) -> Output:
        """PutInventory."""
        node = self._shelf.node(request, request.params["InstanceId"])
        given = request.params["Items"]
        for item in given:
            self._check(request, node.instance_id, item)
        _check_sizes(given)
        self._check_custom_count(request, given)
        for item in given:
            self._keep(request, node.instance_id, item)
        return {}

    def _check(self, request: Request, instance_id: str, item: dict[str, Any]) -> None:
        name, version = item["TypeName"], item["SchemaVersion"]
        if name == COMPLIANCE_ITEM:
            # DEVIATES: AWS's model hints that AWS:ComplianceItem can be put as inventory; here only PutComplianceItems records it.
            raise NotSupported(f"the inventory type {name} (call PutComplianceItems)", "PutInventory")
        schema = AWS_TYPES.get(name)
        if schema is None and not is_custom(name):
            what = f"{name} is no inventory type; there are {', '.join(AWS_TYPES)} and Custom:NAME."
            raise AwsError("InvalidTypeNameException", what)
        # AWS agent: of what did not change it sends the hash with the schema version of whichever item it looked at last.
        if schema is not None and item.get("Content") is not None and version not in schema.versions:
            what = f"{name} has schema version {' or '.join(schema.versions)}, found {version}."
            raise AwsError("UnsupportedInventorySchemaVersionException", what)
        if item.get("Context"):
            # AWS: API UnsupportedInventoryItemContextException: only types like AWS:ComplianceItem have a Context.
            raise AwsError("UnsupportedInventoryItemContextException", f"{name} takes no Context.", TypeName=name)
        self._check_content(request, instance_id, item)

    def _check_content(self, request: Request, instance_id: str, item: dict[str, Any]) -> None:
        name, content = item["TypeName"], item.get("Content")
        if content is None:
            known = self._shelf.items.get(request.account, request.region, instance_id, name)
            if not item.get("ContentHash"):
                raise AwsError("InvalidItemContentException", f"{name} has neither Content nor ContentHash.", TypeName=name)
            if known is None or known.content_hash != item["ContentHash"]:
                what = f"The ContentHash of {name} is not that of what is known; send its Content."
                raise AwsError("ItemContentMismatchException", what, TypeName=name)
            return
        attributes = {key for entry in content for key in entry}
        schema = AWS_TYPES.get(name)
        strange = sorted(key for key in attributes if schema and SPELLINGS.get(key.lower()) not in schema.attributes)
        # AWS agent: AgentStatus is among what it gathers as AWS:InstanceInformation.
        if strange and not (name == INSTANCE_INFORMATION and strange == ["AgentStatus"]):
            raise AwsError("InvalidItemContentException", f"{name} has no attributes {', '.join(strange)}.", TypeName=name)
        if schema is None and len(attributes) > ATTRIBUTES_MAX:
            what = f"{name} would have {len(attributes)} attributes; at most {ATTRIBUTES_MAX} are possible."
            raise AwsError("InvalidItemContentException", what, TypeName=name)

    def _check_custom_count(self, request: Request, given: list[dict[str, Any]]) -> None:
        known = {schema.type_name for schema in self._shelf.schemas.values(request.account, request.region)}
        wanted = known | {item["TypeName"] for item in given if is_custom(item["TypeName"])}
        if len(wanted) > CUSTOM_TYPES_MAX and wanted != known:
            what = f"{request.account} would have {len(wanted)} custom types; at most {CUSTOM_TYPES_MAX} are possible."
            raise AwsError("CustomSchemaCountLimitExceededException", what)

    def _keep(self, request: Request, instance_id: str, item: dict[str, Any]) -> None:
        place, name, alone = (request.account, request.region), item["TypeName"], item.get("Content") is None
        if is_custom(name) and not alone and not self._keep_schema(request, item):
            return
        known = self._shelf.items.get(*place, instance_id, name)
        new_hash = item.get("ContentHash", "")
        unchanged = known is not None and new_hash != "" and new_hash == known.content_hash
        content = known.content if known is not None and unchanged else [_spelled(entry, name) for entry in item["Content"]]
        version = known.schema_version if known is not None and alone else item["SchemaVersion"]
        kept = Item(instance_id, name, version, item["CaptureTime"], new_hash, content)
        self._shelf.items.put(kept, *place, instance_id, name)

    def _keep_schema(self, request: Request, item: dict[str, Any]) -> bool:
        """Keep what a custom type is; say whether its data counts."""
        name, version = item["TypeName"], item["SchemaVersion"]
        attributes = list(dict.fromkeys(key for entry in item.get("Content") or [] for key in entry))
        known = self._shelf.schemas.get(request.account, request.region, name)
        if known is None:
            known = CustomSchema(name, version, attributes)
        elif not is_enabled(known, version):
            return False
        elif number(version) > number(known.version):
            known.version, known.attributes = version, attributes
        else:
            known.attributes = list(dict.fromkeys([*known.attributes, *attributes]))
        self._shelf.schemas.put(known, request.account, request.region, name)
        return True


def _check_sizes(given: list[dict[str, Any]]) -> None:
    sizes = {item["TypeName"]: len(json.dumps(item.get("Content") or []).encode()) for item in given}
    if len(sizes) < len(given):
        # ASSUMED: one type comes once in a call.
        raise AwsError("InvalidItemContentException", "Items has a type more than once.")
    large = [name for name, size in sizes.items() if size > TOTAL_BYTES_MAX]
    if large:
        what = f"{large[0]} has {sizes[large[0]]} bytes; at most {TOTAL_BYTES_MAX} are possible."
        raise AwsError("ItemSizeLimitExceededException", what, TypeName=large[0])
    if sum(sizes.values()) > TOTAL_BYTES_MAX:
        what = f"The items have {sum(sizes.values())} bytes together; at most {TOTAL_BYTES_MAX} are possible."
        raise AwsError("TotalSizeLimitExceededException", what)


def _spelled(entry: Entry, type_name: str) -> Entry:
    if type_name not in AWS_TYPES:
        return dict(entry)
    return {SPELLINGS.get(key.lower(), key): value for key, value in entry.items()}
