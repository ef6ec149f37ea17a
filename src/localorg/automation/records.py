"""What Automation keeps: executions and their steps, as rows of plain data."""

from dataclasses import dataclass, field
from typing import Any, Literal

from localorg.protocol.calls import Principal

TERMINAL = frozenset({"Success", "Failed", "TimedOut", "Cancelled"})
"""AWS: API AutomationExecutionStatus; the statuses that never change again."""
AT_WORK = frozenset({"InProgress", "Waiting"})
"""What a step is while it has begun and not ended; Waiting is for a person."""


@dataclass
class ParentLink:
    """The step (of another execution) that waits for this execution."""

    account: str
    region: str
    execution_id: str
    step_id: str
    attempt: int


@dataclass
class Execution:
    """One execution. `cursor` is the step to start next, `running` the step that is at work, `loop` the loop it is in."""

    execution_id: str
    account: str
    region: str
    document: str
    """Name or ARN of the runbook, as its owner's account and this Region know it."""
    document_name: str
    document_version: str
    content: str
    parameters: dict[str, list[str]]
    values: dict[str, Any]
    principal: Principal
    started: float
    kind: Literal["Local", "CrossAccount"] = "Local"
    status: str = "Pending"
    ended: float | None = None
    assume_role: str = ""
    execution_role: str = ""
    """In a member of a multi-account run: the ARN of the role that the parent's role assumes here. It is what acts."""
    parent: ParentLink | None = None
    client_token: str = ""
    request: str = ""
    """The request as JSON text, to tell a repeated call from another one with the same token."""
    tags: dict[str, str] = field(default_factory=dict)
    locations: list[dict[str, Any]] = field(default_factory=list)
    locations_url: str = ""
    """Where the locations are read from, when they are not in the request."""
    target_parameter: str = ""
    target_type: str = ""
    """TargetType of the runbook: which resources a tag means."""
    targets: list[dict[str, Any]] = field(default_factory=list)
    target_maps: list[dict[str, list[str]]] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    """The values that the targets of a rate-controlled run came to."""
    target: str = ""
    """In a child of a rate-controlled run: its own target."""
    association: str = ""
    """The State Manager association that started it."""
    max_concurrency: str = ""
    max_errors: str = ""
    mode: Literal["Auto", "Interactive"] = "Auto"
    released: str = ""
    """In Interactive mode: the step that a person has let begin."""
    cursor: str = ""
    attempt: int = 1
    running: str = ""
    loop: str = ""
    step_outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    bad_end: str = ""
    """Failed or TimedOut once a critical step has ended so."""
    failure_message: str = ""
    is_cancelling: bool = False
    is_completing: bool = False
    """Stopped with Complete: what runs may end, nothing more is started."""
    outputs: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_rate_controlled(self) -> bool:
        """Whether this is the parent of one execution per target in its own account and Region."""
        return self.kind == "Local" and bool(self.targets or self.target_maps)

    @property
    def is_parent(self) -> bool:
        """Whether it runs no steps of the runbook, but other executions that do."""
        return self.kind == "CrossAccount" or self.is_rate_controlled

    @property
    def key(self) -> tuple[str, str, str]:
        """Where the row lies."""
        return self.account, self.region, self.execution_id


@dataclass
class ParentStep:
    """The pass of the loop that a step belongs to."""

    step_id: str
    name: str
    iteration: int
    iterator_value: str = ""


@dataclass
class StepRecord:
    """One step of one execution, or one pass of a step inside a loop."""

    step_id: str
    execution_id: str
    name: str
    action: str
    position: str
    """Sorts the steps of an execution as a person reads them: by place in the runbook, then by pass."""
    status: str = "Pending"
    started: float | None = None
    ended: float | None = None
    attempt: int = 0
    timeout_s: float | None = None
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, list[str]] = field(default_factory=dict)
    failure_message: str = ""
    failure_stage: str = ""
    failure_type: str = ""
    next_step: str = ""
    parent: ParentStep | None = None
    target: dict[str, Any] = field(default_factory=dict)
    """The TargetLocation, for a step of a multi-account execution."""
    is_fanned: bool = False
    """Whether it is a step of a parent (`Execution.is_parent`), which stands in no runbook."""
    state: dict[str, Any] = field(default_factory=dict)
    """What the action remembers between events; JSON."""
    alarms: list[str] = field(default_factory=list)
