"""What an organization is started with. One frozen value, given to every engine through the kernel."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from localorg.kernel.readings import question


@dataclass(frozen=True)
class Settings:
    """The constants of one local organization (ids are strings, times are seconds)."""

    partition: str = "aws"
    regions: tuple[str, ...] = ("us-east-1",)
    endpoint: str = "http://127.0.0.1:4599"
    long_poll_s: float = 15.0
    """How long GetMessages is held open when there is nothing to deliver."""
    document_creating_s: float = 0.5
    """How long a package document is visibly Creating, beyond the time its attachments take to copy."""
    allow_retired_runtimes: bool = False
    """Whether runbooks may use python3.6 to python3.9, which AWS does not run any more."""
    pwsh: str = ""
    """Where this machine has PowerShell; empty: it has none, and runbooks that need it are refused."""
    readings: Mapping[str, str] = field(default_factory=dict)
    """Chosen answers to open questions about AWS; see `localorg.kernel.readings`."""

    def reading(self, question_id: str) -> str:
        """Return the reading of an open question: the chosen one, else its default. Raises KeyError for no such question."""
        return self.readings.get(question_id, question(question_id).default)
