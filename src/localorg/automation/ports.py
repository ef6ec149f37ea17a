"""What steps do to the world, done here: calls through the gateway, alarms, scripts, child automations.

Rules: every call is made as the execution's actor and goes through the gateway; what comes back is an event that names execution,
step and attempt, so that an answer which nobody waits for any more is recognised and dropped.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from localorg.automation import runtimes
from localorg.automation.actions.action import Run, Script
from localorg.automation.executions import runbook_of
from localorg.automation.interpolate import as_text, java_text
from localorg.automation.parameters import variable_problems
from localorg.automation.records import Execution, ParentLink, StepRecord
from localorg.automation.scope import Scope
from localorg.automation.sessions import Sessions
from localorg.automation.terms import terms_of
from localorg.kernel import ids
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ApiCall, Output, Params, Principal, ScriptJob
from localorg.protocol.gateway import Gateway

ENGINE = "automation"
Fetch = Callable[[str], bytes]
"""The bytes behind an address that GetDocument gave for an attachment. Raises AwsError."""


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

    def __init__(self, kernel: Kernel, gateway: Gateway, sessions: Sessions, scripts: Scripts, fetch: Fetch) -> None:
        self._fetch = fetch
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
        as_text = run.step.action == "aws:executeScript" and self.reading("string-map-in-script") == "text"
        return self.scope(run.execution, maps_as_text=as_text).resolve(value)

    def reading(self, question_id: str) -> str:
        """Return how an open question about AWS is read here."""
        return self._kernel.settings.reading(question_id)

    def scope(self, execution: Execution, *, maps_as_text: bool = False) -> Scope:
        """Return what references mean in `execution` now."""
        render = java_text if self.reading("embedded-values") == "java" else as_text
        partition = self._kernel.settings.partition
        return Scope(execution, partition, self._kernel.now(), render, maps_as_text=maps_as_text)

    def set_variable(self, run: Run, name: str, value: Any) -> None:
        """Change a variable."""
        rules = runbook_of(run.execution.content).variables.get(name)
        if rules is None:
            raise ValueError(f"the runbook declares no variable {name}")
        problems = list(variable_problems(name, rules, value))
        if problems:
            raise ValueError(" ".join(problems))
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

    def script(self, run: Run, script: Script, timeout_s: float) -> None:
        """Start a script with the role's credentials."""
        for problem in runtimes.problems(script.runtime, "inputs.Runtime", terms_of(self._kernel.settings)):
            raise ValueError(problem)
        job = ScriptJob(
            script=script.text,
            handler=script.handler,
            payload=script.payload,
            runtime=script.runtime,
            attachment=script.attachment,
            attached=self._attached(run.execution, script.attachment) if script.attachment else b"",
            region=run.execution.region,
            credentials=self._sessions.actor(run.execution).credentials,
            timeout_s=timeout_s,
            reply=self._script_reply(run),
        )
        self._scripts.start(job)

    def _attached(self, execution: Execution, name: str) -> bytes:
        """Return an attachment of the runbook. Raises AwsError, ValueError."""
        wanted = {"Name": execution.document, "DocumentVersion": execution.document_version}
        # As when it starts, the service reads the document in the account; see `starting`.
        reader = Principal("root", execution.account, arn="ssm.amazonaws.com")
        found = self._gateway.invoke(ApiCall(reader, execution.region, "ssm", "GetDocument", wanted))
        url = next((one["Url"] for one in found.get("AttachmentsContent", []) if one["Name"] == name), None)
        if url is None:
            raise ValueError(f"the document {execution.document_name} has no attachment {name} yet, or not any more")
        content = self._fetch(url)
        expected = runbook_of(execution.content).files[name]
        if (digest := hashlib.sha256(content).hexdigest()) != expected.lower():
            raise ValueError(f"the attachment {name} has the sha256 {digest}, not {expected} as the runbook says")
        return content

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
