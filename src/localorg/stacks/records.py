"""What the stacks engine keeps: stacks, their resources, the operation in flight, events.

Rules: everything that is needed to go on after a restart is here; a record that was changed is put again.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from localorg.protocol.calls import Principal

Action = Literal["create", "update", "delete"]
Phase = Literal["forward", "undo", "cleanup", "delete"]


@dataclass
class Reply:
    """The answer to one question of a resource's program; `code` is set when it was refused."""

    output: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    status: int = 400


@dataclass
class ResourceRecord:
    """One resource of a stack. `needs` are logical ids."""

    logical_id: str
    type: str
    status: str = ""
    reason: str = ""
    physical_id: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"
    updated: float = 0.0
    tried: dict[str, Any] | None = None
    """After an update that failed: the properties from which it set out, some of which may still hold."""


@dataclass
class WorkRecord:
    """A resource's program on its way: what it works on and the answers that it has had so far."""

    action: Action
    resource: ResourceRecord
    before: dict[str, Any]
    token: str
    replies: list[Reply] = field(default_factory=list)
    replaces: bool = False


@dataclass
class OutputRecord:
    """One output of a stack."""

    key: str
    value: str
    description: str = ""
    export: str = ""


@dataclass
class Snapshot:
    """What a stack was before an update, to roll back to."""

    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: list[str]
    resources: dict[str, ResourceRecord]
    outputs: list[OutputRecord]
    resolved: dict[str, str] = field(default_factory=dict)


@dataclass
class OperationRecord:
    """The operation in flight. `todo` are logical ids still to start, `doomed` resources still to delete
    (LOGICAL:PHYSICAL), of which `spared` are only forgotten."""

    action: Action
    phase: Phase
    principal: Principal
    token: str
    todo: list[str] = field(default_factory=list)
    needs: dict[str, list[str]] = field(default_factory=dict)
    works: dict[str, WorkRecord] = field(default_factory=dict)
    doomed: dict[str, ResourceRecord] = field(default_factory=dict)
    spared: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    failed_to: Action = "create"
    before: Snapshot | None = None
    change_set: str = ""
    id: str = ""
    cancelled: str = ""
    """Why nothing more is started, when a person or a clock has cut the operation short."""
    deadline: float | None = None
    policy: str = ""
    """The stack policy that this update is held to."""
    keeps_retained: bool = True
    """Whether a rollback leaves new resources with DeletionPolicy Retain (RetainExceptOnCreate says no)."""
    forced: bool = False
    skipped: list[str] = field(default_factory=list)


@dataclass
class StackRecord:
    """One stack; keyed by its ARN."""

    stack_id: str
    name: str
    account: str
    region: str
    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: list[str]
    status: str
    created: float
    reason: str = ""
    role_arn: str = ""
    on_failure: str = "ROLLBACK"
    termination_protection: bool = False
    updated: float | None = None
    deleted: float | None = None
    resources: dict[str, ResourceRecord] = field(default_factory=dict)
    outputs: list[OutputRecord] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    operation: OperationRecord | None = None
    events: int = 0
    resolved: dict[str, str] = field(default_factory=dict)
    policy: str = ""
    interrupted: OperationRecord | None = None
    """An update that failed and was not (or not wholly) rolled back: ContinueUpdateRollback and RollbackStack go on with it."""
    tokens: dict[str, str] = field(default_factory=dict)
    """ClientRequestToken -> fingerprint of the request that came with it."""
    timeout_minutes: int | None = None
    retain_except_on_create: bool = False
    deletion_mode: str = ""
    change_set: str = ""
    operations: dict[str, str] = field(default_factory=dict)
    """Kind of operation -> the id of the last one, the newest first."""

    def begins(self, kind: str, operation_id: str) -> None:
        """Remember an operation that begins."""
        self.operations = {kind: operation_id, **{key: value for key, value in self.operations.items() if key != kind}}

    @property
    def gone(self) -> bool:
        """Say whether the stack was deleted (it can then only be found by its id)."""
        return self.status == "DELETE_COMPLETE"

    @property
    def busy(self) -> bool:
        """Say whether an operation is in flight."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


@dataclass
class EventRecord:
    """One event of a stack, keyed (stack id, number)."""

    event_id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    time: float
    reason: str = ""
    properties: str = ""
    token: str = ""
    operation: str = ""


@dataclass
class ChangeSetRecord:
    """A change set, keyed by its ARN: what an update (or creation) would do."""

    change_set_id: str
    name: str
    stack_id: str
    type: str
    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: list[str]
    role_arn: str
    created: float
    status: str
    execution: str
    description: str = ""
    reason: str = ""
    changes: list[dict[str, Any]] = field(default_factory=list)
    on_failure: str = "ROLLBACK"
    resolved: dict[str, str] = field(default_factory=dict)
    token: str = ""
    asked_on_failure: bool = False
