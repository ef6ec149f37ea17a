"""What a node says of a document, merged over its replies. Pure.

Flow: reply payload (JSON text) -> `Reply` -> `merge` into the message's `DocumentResult`.
Rules: a terminal status is sticky, for the document and for each step; steps are merged by name, also those that arrive after
the document's end, so that any order and any repetition of one run's replies give the same result.
AWS agent: the final reply of a document of several steps carries no steps; InProgress may arrive after the terminal reply.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from localorg.kernel.errors import AwsError

TERMINAL = frozenset({"Success", "Failed", "TimedOut", "Cancelled"})
PROGRESS = frozenset({"InProgress", "Pending", "NotStarted", "SuccessAndReboot", "PassedAndReboot"})
CODE_MAX = 2**32 - 1
"""Windows has exit codes of 32 bits without sign."""
STEP_TERMINAL = TERMINAL | {"Skipped"}


@dataclass
class StepResult:
    """One step of a document, in the node's words. Same members as Run Command's StepOutcome, for they travel as JSON."""

    name: str
    status: str
    code: int = -1
    output: str = ""
    standard_output: str = ""
    standard_error: str = ""
    started: str = ""
    finished: str = ""
    bucket: str = ""
    prefix: str = ""
    folder: str = ""


@dataclass
class DocumentResult:
    """Everything a node said of one message so far. status: Pending, InProgress, Delayed or a terminal one."""

    status: str = "Pending"
    trace: str = ""
    steps: dict[str, StepResult] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Say whether the document has ended."""
        return self.status in TERMINAL


@dataclass(frozen=True)
class Reply:
    """One SendReply."""

    status: str
    trace: str
    steps: tuple[StepResult, ...]


def parse(text: str) -> Reply:
    """Read the payload of a SendReply. Raises ValidationException with what is wrong."""
    try:
        body = json.loads(text, parse_constant=str)
    except ValueError as error:  # a JSONDecodeError, or a number of thousands of digits
        raise _wrong(f"not JSON: {error}") from error
    except RecursionError as error:
        raise _wrong("nested too deeply") from error
    if not isinstance(body, dict):
        raise _wrong(f"expected an object, found {type(body).__name__}")
    status = body.get("documentStatus")
    if not isinstance(status, str) or status not in TERMINAL | PROGRESS | {"Skipped"}:
        raise _wrong(f"documentStatus must be one of {', '.join(sorted(TERMINAL | PROGRESS))}; found {status!r}")
    # ASSUMED: a document of which every step was skipped is a Success; the agent's own contracts count it so.
    known = "Success" if status == "Skipped" else status if status in TERMINAL else "InProgress"
    steps = body.get("runtimeStatus") or {}
    if not isinstance(steps, dict):
        raise _wrong(f"runtimeStatus must be an object, found {type(steps).__name__}")
    return Reply(known, _text(body.get("documentTraceOutput")), tuple(_step(name, step) for name, step in steps.items()))


def _text(value: Any) -> str:
    """Return what a node wrote as text that can be kept: halves of surrogate pairs, which programs do print, become `?`."""
    return str(value or "").encode("utf-8", "replace").decode()


def _wrong(what: str) -> AwsError:
    return AwsError("ValidationException", f"The Payload of SendReply cannot be used: {what}.")


def _step(name: str, step: Any) -> StepResult:
    if not isinstance(step, dict):
        raise _wrong(f"runtimeStatus.{name} must be an object, found {type(step).__name__}")
    code = step.get("code", -1)
    if not isinstance(code, int) or abs(code) > CODE_MAX:
        raise _wrong(f"runtimeStatus.{name}.code must be a number, found {str(code)[:80]!r}")
    return StepResult(
        name=_text(name),
        status=_text(step.get("status", "InProgress")),
        code=int(code),
        output=_text(step.get("output")),
        standard_output=_text(step.get("standardOutput")),
        standard_error=_text(step.get("standardError")),
        started=_text(step.get("startDateTime")),
        finished=_text(step.get("endDateTime")),
        bucket=_text(step.get("outputS3BucketName")),
        prefix=_text(step.get("outputS3KeyPrefix")),
        folder=_text(step.get("stepName")),
    )


def merge(known: DocumentResult, reply: Reply) -> DocumentResult:
    """Return what is known after `reply`."""
    steps = dict(known.steps)
    for step in reply.steps:
        before = steps.get(step.name)
        if before is None or before.status not in STEP_TERMINAL:
            steps[step.name] = step
    status = known.status if known.ended else reply.status
    ends_now = reply.status in TERMINAL and not known.ended
    # The terminal reply's trace is the document's; before it, the latest that says something.
    trace = reply.trace if ends_now or (reply.trace and not known.ended) else known.trace
    return DocumentResult(status, trace, steps)
