"""What Run Command keeps: one row per command, one per invocation. Times are epoch seconds.

Rows: "command.command" by (account, region, command id); "command.invocation" by (account, region, command id, node id).
"""

from dataclasses import dataclass, field
from typing import Any

from localorg.commands.states import COMMAND_STATUS, INVOCATION_STATUS, TERMINAL


@dataclass
class StepOutcome:
    """What a node said of one step (plugin) of the document. `started` and `finished` are the node's ISO 8601 texts."""

    name: str
    status: str
    code: int = -1
    output: str = ""
    standard_output: str = ""
    standard_error: str = ""
    started: str = ""
    finished: str = ""
    bucket: str = ""
    """Where in S3 the node stored the streams: bucket, prefix and folder; no bucket: nowhere."""
    prefix: str = ""
    folder: str = ""


@dataclass
class Invocation:
    """A command on one node. `sent` is when it was handed to the fleet; None means that it waits its turn."""

    command_id: str
    instance_id: str
    account: str
    region: str
    requested: float
    computer_name: str = ""
    detail: str = "Pending"
    sent: float | None = None
    trace: str = ""
    steps: dict[str, StepOutcome] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """AWS's Status, which follows from the detail."""
        return INVOCATION_STATUS[self.detail]

    @property
    def ended(self) -> bool:
        """Say whether nothing more can happen."""
        return self.detail in TERMINAL


@dataclass
class Command:
    """A document sent to some nodes."""

    command_id: str
    account: str
    region: str
    requested: float
    expires: float
    """When whatever has not ended becomes DeliveryTimedOut."""
    undelivered_after_s: float | None
    """Seconds after sending at which an undelivered invocation is given up before `expires`; None: it is not."""
    document_name: str
    document_version: str
    content: dict[str, Any]
    step_names: list[str]
    parameters: dict[str, list[str]]
    payload_parameters: dict[str, Any]
    timeout_s: int
    max_concurrency: str
    max_errors: str
    comment: str = ""
    output_bucket: str = ""
    output_prefix: str = ""
    empty_status: str = "Success"
    """The Status that goes with NoInstancesInTag, as AWS was read when the command was sent."""
    instance_ids: list[str] = field(default_factory=list)
    targets: list[dict[str, Any]] = field(default_factory=list)
    detail: str = "Pending"
    cancelled: bool = False
    order: list[str] = field(default_factory=list)
    """The nodes in the order of sending."""
    cursor: int = 0
    """How far in `order` the sending has come."""
    counts: dict[str, int] = field(default_factory=dict)
    """Invocations by detail, so that no reply has to look at all of them."""
    in_flight: int = 0
    """Sent, and not ended."""
    ramp_ticks: int = 0
    alarm: str = ""
    """The kernel's alarm at `expires`."""

    @property
    def status(self) -> str:
        """AWS's Status, which follows from the detail."""
        return self.empty_status if self.detail == "NoInstancesInTag" else COMMAND_STATUS[self.detail]

    @property
    def ended(self) -> bool:
        """Say whether nothing more can happen."""
        return self.detail in TERMINAL

    @property
    def ended_count(self) -> int:
        """Return how many invocations have ended."""
        return sum(count for detail, count in self.counts.items() if detail in TERMINAL)

    @property
    def waiting(self) -> int:
        """Return how many invocations wait their turn to be sent."""
        return len(self.order) - self.ended_count - self.in_flight


def message_id(command_id: str, instance_id: str) -> str:
    """Return the id under which a node knows a command."""
    return f"aws.ssm.{command_id}.{instance_id}"
