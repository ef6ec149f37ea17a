"""How a step ended, and how that is told to the control plane. Pure.

Flow: a plugin returns a `StepResult` -> `step_reply` / `document_reply` build the payloads of SendReply.
AWS: amazon-ssm-agent, contracts/aggregator.go and the reply seen on the wire (docs: node protocol).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

AGENT_NAME = "amazon-ssm-agent"
AGENT_VERSION = "3.3.0.0"
"""The release of the stock agent whose behaviour is imitated; servers decide by it what an agent can do."""
STDOUT_CHARACTERS_MAX = 24_000
OUTPUT_CHARACTERS_MAX = 2_500
TRUNCATED = "--output truncated--"
ERROR_TITLE = "\n----------ERROR-------\n"
OUTPUT_CUT, ERROR_CUT = "\n---Output truncated---", "\n---Error truncated----"
"""AWS: amazon-ssm-agent, iohandler: how the short `output` says that something is missing."""


class Status(StrEnum):
    """Statuses of steps and documents, as on the wire."""

    IN_PROGRESS = "InProgress"
    SUCCESS = "Success"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    CANCELLED = "Cancelled"
    SKIPPED = "Skipped"


@dataclass(frozen=True)
class StepResult:
    """One finished step. `start` and `end` are epoch seconds."""

    plugin: str
    status: Status
    code: int = 0
    stdout: str = ""
    stderr: str = ""
    output: str | None = None
    """What `output` says when it is not made from stdout and stderr (a skipped step's reason)."""
    start: float = 0.0
    end: float = 0.0
    bucket: str = ""
    """The S3 bucket that the command names for output; `prefix` and `folder` say where in it this step's streams are."""
    prefix: str = ""
    folder: str = ""

    def between(self, start: float, end: float) -> "StepResult":
        """Return the same result with its times."""
        return replace(self, start=start, end=end)


def failed(plugin: str, reason: str, code: int = 1) -> StepResult:
    """Return a failure whose standard error is `reason`."""
    return StepResult(plugin, Status.FAILED, code, stderr=reason)


def truncated(text: str, limit: int) -> str:
    """Cut `text` to `limit` characters, the last of which say so."""
    # AWS: pluginutil StringPrefix: a text of exactly `limit` characters is cut too.
    return text if len(text) < limit else text[: limit - len(TRUNCATED)] + TRUNCATED


def combined(stdout: str, stderr: str) -> str:
    """Return the short `output` made of both streams. AWS: iohandler TruncateOutput."""
    title = ERROR_TITLE if stderr else ""
    room = OUTPUT_CHARACTERS_MAX - len(title)
    if len(stdout) + len(stderr) < room:
        return stdout + title + stderr
    half = room // 2
    if len(stdout) > half and len(stderr) > half:
        each = (room - len(OUTPUT_CUT) - len(ERROR_CUT)) // 2
        return stdout[:each] + OUTPUT_CUT + title + stderr[:each] + ERROR_CUT
    if len(stdout) <= half:
        return stdout + title + stderr[: room - len(ERROR_CUT) - len(stdout)] + ERROR_CUT
    return stdout[: room - len(OUTPUT_CUT) - len(stderr)] + OUTPUT_CUT + title + stderr


def document_status(results: Mapping[str, StepResult]) -> Status:
    """Return the status of a document whose steps ended so. AWS: DocumentResultAggregator."""
    found = {result.status for result in results.values()}
    for status in (Status.FAILED, Status.TIMED_OUT, Status.CANCELLED):
        if status in found:
            return status
    return Status.SUCCESS


def _moment(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _runtime_status(result: StepResult) -> dict[str, Any]:
    return {
        "status": str(result.status),
        "code": result.code,
        "name": result.plugin,
        "output": result.output if result.output is not None else combined(result.stdout, result.stderr),
        "startDateTime": _moment(result.start),
        "endDateTime": _moment(result.end),
        "outputS3BucketName": result.bucket,
        "outputS3KeyPrefix": result.prefix,
        "stepName": result.folder,
        "standardOutput": truncated(result.stdout, STDOUT_CHARACTERS_MAX),
        # AWS: runpluginutil trims standard error with the limit of standard output; the service cuts it to 8,000.
        "standardError": truncated(result.stderr, STDOUT_CHARACTERS_MAX),
    }


def _reply(
    status: Status, trace: str, results: Mapping[str, StepResult], told: Mapping[str, StepResult] | None, now: float
) -> dict[str, Any]:
    counts: dict[str, int] = {}
    for result in results.values():
        counts[str(result.status)] = counts.get(str(result.status), 0) + 1
    return {
        "additionalInfo": {
            "agent": {"lang": "en-US", "name": AGENT_NAME, "os": "linux", "osver": "1", "ver": AGENT_VERSION},
            "dateTime": _moment(now),
            "runId": "",
            "runtimeStatusCounts": counts,
        },
        "documentStatus": str(status),
        "documentTraceOutput": trace,
        "runtimeStatus": None if told is None else {name: _runtime_status(result) for name, result in told.items()},
    }


def begun_reply(now: float) -> dict[str, Any]:
    """Say that the document was received."""
    return _reply(Status.IN_PROGRESS, "", {}, None, now)


def step_reply(results: Mapping[str, StepResult], name: str, now: float) -> dict[str, Any]:
    """Say how step `name` ended; `results` has every step that ended so far."""
    return _reply(Status.IN_PROGRESS, "", results, {name: results[name]}, now)


def document_reply(results: Mapping[str, StepResult], now: float) -> dict[str, Any]:
    """Say how the document ended. Only a document of one step repeats its step here, as with the stock agent."""
    return _reply(document_status(results), "", results, results if len(results) == 1 else {}, now)


def cut_off_reply(steps: list[tuple[str, str]], reason: str, now: float) -> dict[str, Any]:
    """Say that the document of these steps (name, plugin) died with its agent. Of several steps nobody knows which one it was."""
    # Observed: the stock agent's status and trace. ASSUMED: the only step says it too, in its standard error, where people look.
    told = {name: failed(plugin, reason).between(now, now) for name, plugin in steps} if len(steps) == 1 else {}
    return _reply(Status.FAILED, reason, told, told, now)


def refused_reply(status: Status, reason: str, now: float) -> dict[str, Any]:
    """Say that the document did not run, or could not be brought to an end, and why."""
    return _reply(status, reason, {}, {}, now)
