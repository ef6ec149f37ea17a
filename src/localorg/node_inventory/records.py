"""What is kept of inventory. Times are epoch seconds, but for CaptureTime, which is the reporter's own text.

Rows: "ssm.inventory" by (account, region, node id, type); "ssm.inventory-schema" by (account, region, type), custom types only;
"ssm.inventory-deletion" by (account, region, deletion id).
"""

from dataclasses import dataclass, field

Entry = dict[str, str]


@dataclass
class Item:
    """What one node last reported of one type."""

    instance_id: str
    type_name: str
    schema_version: str
    capture_time: str
    content_hash: str = ""
    content: list[Entry] = field(default_factory=list)


@dataclass
class CustomSchema:
    """A custom type: it exists from its first item on. `disabled`: data of this version and of earlier ones is ignored."""

    type_name: str
    version: str
    attributes: list[str]
    disabled: str = ""


@dataclass
class Deletion:
    """One DeleteInventory. `counts`: schema version -> items that it removes."""

    deletion_id: str
    account: str
    region: str
    type_name: str
    started: float
    counts: dict[str, int]
    updated: float
    status: str = "InProgress"
    client_token: str = ""
    option: str = ""

    @property
    def remaining(self) -> dict[str, int]:
        """Schema version -> items that are still there."""
        return dict(self.counts) if self.status == "InProgress" else dict.fromkeys(self.counts, 0)
