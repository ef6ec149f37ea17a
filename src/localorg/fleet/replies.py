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
        body = json.loads(text)
    except json.JSONDecodeError as error:
        raise _wrong(f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise _wrong(f"expected an object, found {type(body).__name__}")
    status = body.get("documentStatus")
    if status not in TERMINAL | PROGRESS | {"Skipped"}:
        raise _wrong(f"documentStatus must be one of {', '.join(sorted(TERMINAL | PROGRESS))}; found {status!r}")
    # ASSUMED: a document of which every step was skipped is a Success; the agent's own contracts count it so.
    known = "Success" if status == "Skipped" else status if status in TERMINAL else "InProgress"
    steps = body.get("runtimeStatus") or {}
    if not isinstance(steps, dict):
        raise _wrong(f"runtimeStatus must be an object, found {type(steps).__name__}")
    return Reply(known, str(body.get("documentTraceOutput") or ""), tuple(_step(name, step) for name, step in steps.items()))


def _wrong(what: str) -> AwsError:
    return AwsError("ValidationException", f"The Payload of SendReply cannot be used: {what}.")


def _step(name: str, step: Any) -> StepResult:
    if not isinstance(step, dict):
        raise _wrong(f"runtimeStatus.{name} must be an object, found {type(step).__name__}")
    code = step.get("code", -1)
    if not isinstance(code, int):
        raise _wrong(f"runtimeStatus.{name}.code must be a number, found {code!r}")
    return StepResult(
        name=name,
        status=str(step.get("status", "InProgress")),
        code=code,
        output=str(step.get("output") or ""),
        standard_output=str(step.get("standardOutput") or ""),
        standard_error=str(step.get("standardError") or ""),
        started=str(step.get("startDateTime") or ""),
        finished=str(step.get("endDateTime") or ""),
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
