"""What an organization is started with. One frozen value, given to every engine through the kernel."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Settings:
    """The constants of one local organization (ids are strings, times are seconds)."""

    partition: str = "aws"
    regions: tuple[str, ...] = ("us-east-1",)
    endpoint: str = "http://127.0.0.1:4599"
    runbook_lookup: Literal["hub", "strict"] = "hub"
    """Where AWS looks a member's runbook up is not known: `hub` takes the hub's, `strict` wants it shared in the Region."""
    long_poll_s: float = 15.0
    """How long GetMessages is held open when there is nothing to deliver."""
    document_creating_s: float = 0.5
    """How long a package document is visibly Creating, beyond the time its attachments take to copy."""
    command_execution_allowance_s: float | None = None
    """Overrides the executionTimeout share of Run Command's delivery time-out; None keeps AWS's sum."""
    extra: dict[str, str] = field(default_factory=dict)
