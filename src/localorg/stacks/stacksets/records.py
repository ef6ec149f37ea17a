"""What StackSets keep: sets, instances, operations and their items.

Rules: a set lives in one Region of the management account, also when a delegated administrator works on it.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal["CREATE", "UPDATE", "DELETE"]


@dataclass
class TargetRecord:
    """Where instances were asked for: units (or the root), an account filter, Regions."""

    units: list[str]
    regions: list[str]
    accounts: list[str] = field(default_factory=list)
    filter_type: str = "NONE"


@dataclass
class StackSetRecord:
    """A stack set, keyed (account, Region, id); the id is NAME:UUID."""

    stack_set_id: str
    name: str
    account: str
    region: str
    template: str
    parameters: dict[str, str]
    capabilities: list[str]
    tags: dict[str, str]
    auto_deployment: bool
    retain_on_removal: bool
    managed_execution: bool
    created: float
    description: str = ""
    status: str = "ACTIVE"
    units: dict[str, list[str]] = field(default_factory=dict)
    """unit (or root) -> Regions, for accounts that come later."""


@dataclass
class InstanceRecord:
    """One stack instance, keyed (set id, account, Region)."""

    stack_set_id: str
    account: str
    region: str
    unit: str
    status: str = "OUTDATED"
    detailed: str = "PENDING"
    reason: str = ""
    stack_id: str = ""
    overrides: dict[str, str] = field(default_factory=dict)
    last_operation: str = ""


@dataclass
class ItemRecord:
    """What an operation does to one instance. `clearing`: a failed stack is deleted first."""

    account: str
    region: str
    unit: str
    status: str = "PENDING"
    reason: str = ""
    clearing: bool = False


@dataclass
class SetOperationRecord:
    """One operation on a set, keyed (set id, operation id)."""

    operation_id: str
    stack_set_id: str
    action: Action
    status: str
    created: float
    preferences: dict[str, Any]
    regions: list[str]
    items: list[ItemRecord]
    retain: bool = False
    targets: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, str] | None = None
    ended: float | None = None
    reason: str = ""
