"""What is kept of associations: the association, its versions, its executions.

Rules: rows are keyed (account, region, association id) and below that by version or execution id; times are epoch seconds.
"""

from dataclasses import dataclass, field

from localorg.kernel.store import Store, Table

ASSOCIATIONS_MAX = 2000
"""AWS: API AssociationLimitExceeded, per account and Region."""
VERSIONS_MAX = 1000
"""AWS: API AssociationVersionLimitExceeded."""


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
    """The id of the execution that is going on."""
    alarm: str = ""
    """The kernel's id of the next scheduled run."""
    document_number: str = ""
    """The document version that the last run used; a change of what $DEFAULT or $LATEST means starts a new run."""


@dataclass
class ExecutionRecord:
    """One run. `automation` is the id of the automation that it started, empty when that was refused."""

    id: str
    association: str
    version: int
    created: float
    status: str = "InProgress"
    detailed_status: str = "InProgress"
    ended: float | None = None
    automation: str = ""


class Shelf:
    """The rows of associations."""

    def __init__(self, store: Store) -> None:
        self.associations: Table[AssociationRecord] = store.table("ssm.association", AssociationRecord)
        self.versions: Table[VersionRecord] = store.table("ssm.association-version", VersionRecord)
        self.executions: Table[ExecutionRecord] = store.table("ssm.association-execution", ExecutionRecord)

    def keep(self, association: AssociationRecord) -> None:
        """Write the association."""
        self.associations.put(association, association.account, association.region, association.id)

    def add_version(self, association: AssociationRecord, version: VersionRecord) -> None:
        """Write a version."""
        self.versions.put(version, association.account, association.region, association.id, str(version.number))

    def version(self, association: AssociationRecord, number: int = 0) -> VersionRecord | None:
        """Return a version, the newest when no number is given."""
        wanted = str(number or association.version)
        return self.versions.get(association.account, association.region, association.id, wanted)

    def newest(self, association: AssociationRecord) -> VersionRecord:
        """Return the newest version, which is there as long as the association is."""
        return self.versions_of(association)[-1]

    def versions_of(self, association: AssociationRecord) -> list[VersionRecord]:
        """Return all versions, oldest first."""
        return self.versions.values(association.account, association.region, association.id)

    def keep_execution(self, association: AssociationRecord, execution: ExecutionRecord) -> None:
        """Write an execution."""
        self.executions.put(execution, association.account, association.region, association.id, execution.id)

    def executions_of(self, association: AssociationRecord) -> list[ExecutionRecord]:
        """Return all executions, newest first. # AWS: aws CLI example of describe-association-executions."""
        return self.executions.values(association.account, association.region, association.id)[::-1]

    def drop(self, association: AssociationRecord) -> None:
        """Remove the association with all that belongs to it."""
        key = (association.account, association.region, association.id)
        for execution in self.executions.values(*key):
            self.executions.delete(*key, execution.id)
        for version in self.versions.values(*key):
            self.versions.delete(*key, str(version.number))
        self.associations.delete(*key)
