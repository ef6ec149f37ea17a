"""What is kept of associations: the association, its versions, its executions and their targets, its standing on each node.

Rules: rows are keyed (account, region, association id) and below that by version, execution or node; times are epoch seconds.
"""

from dataclasses import dataclass, field
from typing import Any

from localorg.kernel.store import Store, Table

ASSOCIATIONS_MAX = 2000
"""AWS: API AssociationLimitExceeded, per account and Region."""
VERSIONS_MAX = 1000
"""AWS: API AssociationVersionLimitExceeded."""
TERMINAL = frozenset({"Success", "Failed", "TimedOut", "Skipped", "Cancelled", "Terminated"})
"""After these a target of an execution changes no more."""
BEGUN = frozenset({"Pending", "InProgress"})


@dataclass
class VersionRecord:
    """What the user asked for, as one version. Empty means that it was left out."""

    number: int
    created: float
    document: str
    document_version: str = "$DEFAULT"
    parameters: dict[str, list[str]] = field(default_factory=dict)
    schedule: str = ""
    name: str = ""
    severity: str = ""
    compliance: str = ""
    only_at_interval: bool = False
    kind: str = "Automation"
    """The type of the document: Automation or Command."""
    instance: str = ""
    """The node of a legacy association, which is known by its document's name and this."""
    targets: list[dict[str, Any]] = field(default_factory=list)
    target_parameter: str = ""
    target_maps: list[dict[str, list[str]]] = field(default_factory=list)
    locations: list[dict[str, Any]] = field(default_factory=list)
    max_concurrency: str = ""
    max_errors: str = ""
    output: dict[str, Any] = field(default_factory=dict)
    calendars: list[str] = field(default_factory=list)
    offset_days: int = 0
    duration_h: int = 0
    dispatch_role: str = ""


@dataclass
class AssociationRecord:
    """The association itself: where it stands, and what wakes it next."""

    account: str
    region: str
    id: str
    created: float
    updated: float
    version: int = 1
    status: str = "Pending"
    detailed_status: str = "Creating"
    counts: dict[str, int] = field(default_factory=dict)
    last_execution: float | None = None
    last_success: float | None = None
    running: str = ""
    """The id of the execution that is going on, or was the last one."""
    alarm: str = ""
    """The kernel's id of the next scheduled run."""
    document_number: str = ""
    """The document version that the last run used; a change of what $DEFAULT or $LATEST means starts a new run."""
    seen: list[str] = field(default_factory=list)
    """The nodes that the last run of an Automation association was meant for."""
    tags: dict[str, str] = field(default_factory=dict)
    legacy_status: dict[str, Any] = field(default_factory=dict)
    """What UpdateAssociationStatus said of a legacy association."""

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of its row."""
        return (self.account, self.region, self.id)


@dataclass
class ExecutionRecord:
    """One run. `automation` is the id of the automation that it started, empty when that was refused or when nodes run it."""

    id: str
    association: str
    version: int
    created: float
    status: str = "InProgress"
    detailed_status: str = "InProgress"
    ended: float | None = None
    automation: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    """Its targets by status."""
    by_nodes: bool = False
    """It was opened because a node began by itself; others that begin then take part in it."""
    waiting: list[str] = field(default_factory=list)
    """The nodes whose turn has not come."""
    alarm: str = ""
    """The kernel's id of the cutoff."""


@dataclass
class TargetRecord:
    """One resource in one execution."""

    resource: str
    resource_type: str
    status: str = "Pending"
    detailed_status: str = "Pending"
    executed: float | None = None
    source: str = ""
    source_type: str = ""


@dataclass
class BindingRecord:
    """How an association stands on one node: what its agent is told, and what it said last."""

    node: str
    version: int
    bound: float
    status: str = "Associated"
    error_code: str = ""
    summary: str = ""
    output_url: str = ""
    executed: float | None = None
    """AWS calls it LastExecutionDate; the agent counts its schedule from it."""
    execution: str = ""
    ordered: bool = False
    """It is to run now; the order stands until the agent says that it begins."""
    stale: bool = False
    """A run was going on when this one was ordered: what is said before the beginning speaks of that one."""

    @property
    def shown(self) -> str:
        """The status that a count of nodes shows; a node that was never told anything is one that waits."""
        return "Pending" if self.status == "Associated" else self.status


class Shelf:
    """The rows of associations."""

    def __init__(self, store: Store) -> None:
        self.associations: Table[AssociationRecord] = store.table("ssm.association", AssociationRecord)
        self.versions: Table[VersionRecord] = store.table("ssm.association-version", VersionRecord)
        self.executions: Table[ExecutionRecord] = store.table("ssm.association-execution", ExecutionRecord)
        self.targets: Table[TargetRecord] = store.table("ssm.association-target", TargetRecord)
        self.bindings: Table[BindingRecord] = store.table("ssm.association-binding", BindingRecord)

    def keep(self, association: AssociationRecord) -> None:
        """Write the association."""
        self.associations.put(association, *association.key)

    def add_version(self, association: AssociationRecord, version: VersionRecord) -> None:
        """Write a version."""
        self.versions.put(version, *association.key, str(version.number))

    def version(self, association: AssociationRecord, number: int = 0) -> VersionRecord | None:
        """Return a version, the newest when no number is given."""
        return self.versions.get(*association.key, str(number or association.version))

    def newest(self, association: AssociationRecord) -> VersionRecord:
        """Return the newest version, which is there as long as the association is."""
        found = self.version(association)
        if found is None:
            raise LookupError(f"association {association.id} has lost its version {association.version}")
        return found

    def versions_of(self, association: AssociationRecord) -> list[VersionRecord]:
        """Return all versions, oldest first."""
        return self.versions.values(*association.key)

    def keep_execution(self, association: AssociationRecord, execution: ExecutionRecord) -> None:
        """Write an execution."""
        self.executions.put(execution, *association.key, execution.id)

    def execution(self, association: AssociationRecord, execution_id: str) -> ExecutionRecord | None:
        """Return an execution."""
        return self.executions.get(*association.key, execution_id)

    def executions_of(self, association: AssociationRecord) -> list[ExecutionRecord]:
        """Return all executions, newest first. # AWS: aws CLI example of describe-association-executions."""
        return self.executions.values(*association.key)[::-1]

    def keep_target(self, association: AssociationRecord, execution: ExecutionRecord, target: TargetRecord) -> None:
        """Write a target of an execution."""
        self.targets.put(target, *association.key, execution.id, target.resource)

    def target(self, association: AssociationRecord, execution_id: str, resource: str) -> TargetRecord | None:
        """Return a target of an execution."""
        return self.targets.get(*association.key, execution_id, resource)

    def targets_of(self, association: AssociationRecord, execution_id: str) -> list[TargetRecord]:
        """Return the targets of an execution in order."""
        return self.targets.values(*association.key, execution_id)

    def keep_binding(self, association: AssociationRecord, binding: BindingRecord) -> None:
        """Write how an association stands on a node."""
        self.bindings.put(binding, *association.key, binding.node)

    def binding(self, association: AssociationRecord, node: str) -> BindingRecord | None:
        """Return how an association stands on a node."""
        return self.bindings.get(*association.key, node)

    def bindings_of(self, association: AssociationRecord) -> list[BindingRecord]:
        """Return how an association stands on all its nodes."""
        return self.bindings.values(*association.key)

    def drop(self, association: AssociationRecord) -> None:
        """Remove the association with all that belongs to it."""
        for table in (self.targets, self.bindings, self.executions, self.versions):
            for key, _ in table.items(*association.key):
                table.delete(*key)
        self.associations.delete(*association.key)
