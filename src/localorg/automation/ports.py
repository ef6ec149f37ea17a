"""What steps do to the world, done here: calls through the gateway, alarms, scripts, child automations.

Rules: every call is made as the execution's actor and goes through the gateway; what comes back is an event that names execution,
step and attempt, so that an answer which nobody waits for any more is recognised and dropped.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from localorg.automation.actions.action import Run
from localorg.automation.records import Execution, ParentLink, StepRecord
from localorg.automation.scope import Scope
from localorg.automation.sessions import Sessions
from localorg.kernel import ids
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ApiCall, Output, Params, ScriptJob
from localorg.protocol.gateway import Gateway

ENGINE = "automation"


class Scripts(Protocol):
    """The script worker, seen from here."""

    def start(self, job: ScriptJob) -> None:
        """Run `job`; its reply event is posted when it has ended."""
        ...

    def stop(self, reply: Event) -> None:
        """End the job with this reply event, without a reply. No error when it has ended."""
        ...


@dataclass(frozen=True)
class Definition:
    """A runbook as it was found: `document` is its name or ARN, `content` the text."""

    document: str
    name: str
    version: str
    content: str
    target_type: str = ""


@dataclass(frozen=True)
class Birth:
    """What an execution that another one starts gets from it, beyond the call's own parameters."""

    parent: ParentLink
    execution_role: str = ""
    definition: Definition | None = None
    target: str = ""


def token_of(execution: Execution, record: StepRecord) -> dict[str, Any]:
    """Return the data that brings an event back to this attempt of this step."""
    return {
        "account": execution.account,
        "region": execution.region,
        "execution": execution.execution_id,
        "step": record.step_id,
        "attempt": record.attempt,
    }


def link_of(execution: Execution, record: StepRecord) -> ParentLink:
    """Return the link by which a child tells its end to this attempt of this step."""
    return ParentLink(execution.account, execution.region, execution.execution_id, record.step_id, record.attempt)


class StepPorts:
    """The ports of all steps. `births` hands facts to an execution that is being started in this very call."""

    def __init__(self, kernel: Kernel, gateway: Gateway, sessions: Sessions, scripts: Scripts) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._sessions = sessions
        self._scripts = scripts
        self.births: dict[str, Birth] = {}

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self._kernel.now()

    def resolve(self, run: Run, value: Any) -> Any:
        """Replace the references in `value`."""
        return self.scope(run.execution).resolve(value)

    def scope(self, execution: Execution) -> Scope:
        """Return what references mean in `execution` now."""
        return Scope(execution, self._kernel.settings.partition, self._kernel.now())

    def set_variable(self, run: Run, name: str, value: Any) -> None:
        """Change a variable."""
        held = run.execution.variables.get(name)
        if held is not None and type(held) is not type(value):
            raise ValueError(f"variable:{name} holds a {type(held).__name__} and cannot become a {type(value).__name__}")
        run.execution.variables[name] = value

    def invoke(self, run: Run, service: str, operation: str, params: Params) -> Output:
        """Call one of our own services."""
        return self._gateway.invoke(self._call(run, service, operation, params))

    def submit(self, run: Run, service: str, operation: str, params: Params, event: str) -> None:
        """Call any service."""
        reply = Event(ENGINE, f"step.{event}", token_of(run.execution, run.record))
        self._gateway.submit(self._call(run, service, operation, params), reply)

    def _call(self, run: Run, service: str, operation: str, params: Params) -> ApiCall:
        actor = self._sessions.actor(run.execution)
        return ApiCall(actor.principal, run.execution.region, service, operation, params)

    def after(self, run: Run, delay_s: float, event: str) -> None:
        """Set an alarm for the step."""
        alarm = self._kernel.after(delay_s, Event(ENGINE, f"step.{event}", token_of(run.execution, run.record)))
        run.record.alarms.append(alarm)

    def script(self, run: Run, script: str, handler: str, payload: dict[str, Any], runtime: str, timeout_s: float) -> None:
        """Start a script with the role's credentials."""
        job = ScriptJob(
            script=script,
            handler=handler,
            payload=payload,
            runtime=runtime,
            region=run.execution.region,
            credentials=self._sessions.actor(run.execution).credentials,
            timeout_s=timeout_s,
            reply=self._script_reply(run),
        )
        self._scripts.start(job)

    def stop_script(self, run: Run) -> None:
        """End the script."""
        self._scripts.stop(self._script_reply(run))

    @staticmethod
    def _script_reply(run: Run) -> Event:
        return Event(ENGINE, "step.script", token_of(run.execution, run.record))

    def start_child(self, run: Run, params: Params) -> str:
        """Start an automation in this account and Region."""
        call = self._call(run, "ssm", "StartAutomationExecution", params)
        return self.bear(call, Birth(link_of(run.execution, run.record)))

    def bear(self, call: ApiCall, birth: Birth) -> str:
        """Make the StartAutomationExecution `call` with `birth` at hand; returns the id. Raises AwsError."""
        token = ids.uuid(self._kernel.dice)
        self.births[token] = birth
        try:
            params = {**call.params, "ClientToken": token}
            output = self._gateway.invoke(ApiCall(call.principal, call.region, "ssm", "StartAutomationExecution", params))
        finally:
            self.births.pop(token, None)
        return str(output["AutomationExecutionId"])
