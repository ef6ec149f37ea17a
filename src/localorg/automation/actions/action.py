"""What an action is: checked when a runbook is created, started with its inputs, told what happens, and ended by an outcome.

Flow: `start` -> Outcome; while that is `Waiting`, each event for the step goes to `handle` -> Outcome; a restart of localorg goes to
`recover`. Whatever happens outside goes through `Ports`, and comes back as an event.
Rules: an action keeps what it must remember in `run.state` (JSON, survives a restart); it never blocks, and knows no other action.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard

from localorg.automation.records import Execution, StepRecord
from localorg.automation.runbook import Step
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import Output, Params, Principal

EXECUTING = "Execute/Cancelling action"
POLLING = "Poll action status for completion"
RESOLVING = "validating and resolving the step inputs"
"""Observed: the phrases of "Step fails when it is ..." in public reports of failed automations."""


@dataclass(frozen=True)
class Succeeded:
    """The step did its work. `response` is what selectors of declared outputs look into, `outputs` what the action itself gives."""

    response: Any = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    next_step: str = ""


@dataclass(frozen=True)
class Failed:
    """The step failed. `doing` completes "Step fails when it is ..."; `stage` and `kind` are FailureDetails' words."""

    message: str
    doing: str = EXECUTING
    stage: str = "Invocation"
    kind: str = "Action"
    timed_out: bool = False
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Waiting:
    """The step goes on; an event will come, or, `for_person`, a signal that somebody sends."""

    for_person: bool = False


@dataclass(frozen=True)
class NextPass:
    """A loop starts its next pass."""


Outcome = Succeeded | Failed | Waiting | NextPass


class WrongSignal(Exception):
    """A step does not take a signal (from this person, or in this state); the text says why."""


@dataclass(frozen=True)
class Signal:
    """What somebody sent to a step that waits. `kind` is one of `Action.signals`."""

    kind: str
    sender: Principal
    comment: str = ""


@dataclass(frozen=True)
class Script:
    """A script as a step describes it; `attachment` is the name of a file of the runbook, `text` may be empty then."""

    text: str
    handler: str
    payload: dict[str, Any]
    runtime: str
    attachment: str = ""


class Ports(Protocol):
    """What the engine does for a step."""

    def invoke(self, run: "Run", service: str, operation: str, params: Params) -> Output:
        """Call one of localorg's own services as the execution's principal. Raises AwsError."""
        ...

    def submit(self, run: "Run", service: str, operation: str, params: Params, event: str) -> None:
        """Call any service; the outcome comes as `event` with ok/output or ok/error."""
        ...

    def after(self, run: "Run", delay_s: float, event: str) -> None:
        """Send `event` in `delay_s` seconds, also after a restart."""
        ...

    def script(self, run: "Run", script: "Script", timeout_s: float) -> None:
        """Run a script; the outcome comes as the event `script`. Raises AwsError, ValueError."""
        ...

    def stop_script(self, run: "Run") -> None:
        """End the script of this step, whatever it is doing."""
        ...

    def start_child(self, run: "Run", params: Params) -> str:
        """Start an execution that belongs to this step; its end comes as the event `child-ended`. Raises AwsError."""
        ...

    def resolve(self, run: "Run", value: Any) -> Any:
        """Return `value` with its references replaced. Raises Unresolved."""
        ...

    def set_variable(self, run: "Run", name: str, value: Any) -> None:
        """Change a variable of the runbook. Raises ValueError when the type would change."""
        ...

    def reading(self, question_id: str) -> str:
        """Return how an open question about AWS is read here."""
        ...

    def now(self) -> float:
        """Return the time in epoch seconds."""
        ...


@dataclass
class Run:
    """One attempt of one step: `inputs` are interpolated, except for an action with `raw_inputs`."""

    execution: Execution
    record: StepRecord
    step: Step
    inputs: dict[str, Any]
    ports: Ports

    @property
    def state(self) -> dict[str, Any]:
        """What the action remembers."""
        return self.record.state

    def invoke(self, service: str, operation: str, params: Params) -> Output:
        """See `Ports.invoke`."""
        return self.ports.invoke(self, service, operation, params)


class Action:
    """The base of actions: an action that has nothing to say about events, cancelling and restarts keeps these."""

    name: str
    raw_inputs = False
    own_outputs: frozenset[str] = frozenset()
    response_output = ""
    """The own output that holds the whole response, when there is one."""
    default_timeout_s: float | None = None
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    takes_any_input = False
    signals: frozenset[str] = frozenset()
    """The types of SendAutomationSignal that a waiting step takes."""
    timeout_max_s: float | None = None

    def problems(self, step: Mapping[str, Any], place: str) -> Iterator[str]:
        """Yield what is wrong with the inputs of `step` as written; more rules in `more_problems`."""
        inputs = step.get("inputs") or {}
        missing = [name for name in self.required if name not in inputs]
        if missing:
            yield f"{place}.inputs: {self.name} needs {', '.join(missing)}"
        unknown = [name for name in inputs if name not in (*self.required, *self.optional)]
        if unknown and not self.takes_any_input:
            known = ", ".join((*self.required, *self.optional)) or "no inputs"
            yield f"{place}.inputs: {self.name} has no input {', '.join(unknown)}; it takes {known}"
        yield from self.more_problems(inputs, place)

    def more_problems(self, inputs: Mapping[str, Any], place: str) -> Iterator[str]:
        """Yield what else is wrong with `inputs`."""
        del inputs, place
        yield from ()

    def start(self, run: Run) -> Outcome:
        """Begin the work. AwsError raised here fails the step with AWS's words."""
        raise NotImplementedError(self.name)

    def handle(self, run: Run, event: str, data: dict[str, Any]) -> Outcome:
        """Take an event of this step."""
        del run, data
        raise ValueError(f"{self.name} does not know the event {event}")

    def signal(self, run: Run, signal: Signal) -> Outcome:
        """Take a signal of a kind in `signals`. Raises WrongSignal."""
        del run
        raise WrongSignal(f"{self.name} takes no signal {signal.kind}")

    def cancel(self, run: Run) -> None:
        """Stop what goes on outside, as far as possible."""
        del run

    def recover(self, run: Run) -> Outcome:
        """Say how the step stands after a restart of localorg. By default its outcome is unknown, which is a failure."""
        del run
        return Failed("localorg was restarted while this step ran, so its outcome is not known. Start the automation again.")


def refused(operation: str, refusal: AwsError, doing: str = EXECUTING) -> Failed:
    """Return the failure for a call that AWS refused, in the words of boto3 (which Automation shows)."""
    denied = isinstance(refusal, AccessDenied) or "AccessDenied" in refusal.code
    return Failed(refusal_text(operation, refusal.code, refusal.message), doing, kind="Permission" if denied else "Action")


def refusal_text(operation: str, code: str, message: str) -> str:
    """Observed: public reports show boto3's sentence inside FailureMessage."""
    return f"An error occurred ({code}) when calling the {operation} operation: {message}"


def is_literal(value: Any) -> TypeGuard[str]:
    """Say whether `value` is text without references."""
    return isinstance(value, str) and "{{" not in value
