"""What is kept of resource groups. Rows: "resource-groups.group" by (account, region, name)."""

from dataclasses import dataclass


@dataclass
class Group:
    """A resource group: a name for a query."""

    name: str
    account: str
    region: str
    description: str
    query: str
    """The Query of TAG_FILTERS_1_0, JSON text as it was given."""
    tags: dict[str, str]
