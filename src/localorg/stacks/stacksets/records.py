"""What StackSets keep: sets, instances, operations and their items.

Rules: a service-managed set lives in one Region of the management account, also when a delegated administrator works on it; a
self-managed one in the account that made it.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal["CREATE", "UPDATE", "DELETE", "DETECT_DRIFT"]
DETECT_DRIFT: Literal["DETECT_DRIFT"] = "DETECT_DRIFT"
NOT_CHECKED = "NOT_CHECKED"
SERVICE_MANAGED = "SERVICE_MANAGED"
SELF_MANAGED = "SELF_MANAGED"


@dataclass
class ActivationRecord:
    """A management account activated trusted access with CloudFormation itself; keyed by the account."""

    account: str
    since: float


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
    permission_model: str = SERVICE_MANAGED
    admin_role: str = ""
    execution_role: str = ""
    token: str = ""
    """ClientRequestToken of the request that made it; `updated` says whether it was changed since."""
    updated: bool = False
    depends_on: list[str] = field(default_factory=list)
    """ids of sets whose automatic operations go first."""
    waiting: dict[str, list[str]] = field(default_factory=dict)
    """account that changed its place while an operation was at work on it -> the units that were above it before."""


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
    drift: str = NOT_CHECKED
    drift_checked: float | None = None


@dataclass
class ItemRecord:
    """What an operation does to one instance. `clearing`: a failed stack is deleted first. `gate`: AccountGateResult's status.
    `detection`: the detection of its stack's drift, `drift` what came of it."""

    account: str
    region: str
    unit: str
    status: str = "PENDING"
    reason: str = ""
    clearing: bool = False
    gate: str = ""
    detection: str = ""
    drift: str = ""


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
    overrides: dict[str, str | None] | None = None
    """What the operation overrides; a key without a value keeps what the instance has."""
    ended: float | None = None
    reason: str = ""
    admin_role: str = ""
    execution_role: str = ""
    automatic: bool = False
    """Begun by an account that came or went."""

    def touches(self, account: str) -> bool:
        """Say whether the operation works in an account."""
        return any(item.account == account for item in self.items)

    def places(self) -> set[tuple[str, str]]:
        """Return (account, Region) of every item."""
        return {(item.account, item.region) for item in self.items}
