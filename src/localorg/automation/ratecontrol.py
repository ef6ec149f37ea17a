"""Rate-controlled executions: one child per target in the parent's own account and Region.

Flow: `fanout` asks -> targets from `resolve` -> a step per target, called like it -> each child is started as the parent's own
principal, with the parent's runbook and parameters and its target in the target parameter.
AWS: user guide, running-automations-scale (the answer of GetAutomationExecution there), running-automations-map-targets.
"""

import json
from typing import Any

from localorg.automation.actions.action import refusal_text
from localorg.automation.executions import Executions
from localorg.automation.fanout import CannotStart
from localorg.automation.limits import Limits, limits
from localorg.automation.ports import Birth, Definition, StepPorts, link_of
from localorg.automation.records import Execution, StepRecord
from localorg.automation.resolve import Resolver, Unresolvable
from localorg.automation.sessions import Sessions
from localorg.kernel import ids
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import ApiCall, Params, Principal

DEFAULT_CONCURRENCY = "10"
"""AWS: API StartAutomationExecution, MaxConcurrency."""
DEFAULT_ERRORS = {"0": "0", "unlimited": ""}


class RateControl:
    """What is particular to runs over targets; a `fanout.Kind`."""

    what = "targets"

    def __init__(self, kernel: Kernel, executions: Executions, sessions: Sessions, ports: StepPorts, resolver: Resolver) -> None:
        self._kernel = kernel
        self._executions = executions
        self._sessions = sessions
        self._ports = ports
        self._resolver = resolver

    def is_ready(self, execution: Execution) -> bool:
        """Targets can always be asked for."""
        del execution
        return True

    def expand(self, execution: Execution) -> list[StepRecord]:
        """Return a step per target. Raises CannotStart."""
        try:
            found = self._resolver.targets(execution)
        except Unresolvable as problem:
            raise CannotStart(str(problem)) from None
        if not found:
            # ASSUMED: a run whose tag or resource group means nothing fails.
            shown = ", ".join(f"{one['Key']}={','.join(one.get('Values') or [])}" for one in execution.targets)
            raise CannotStart(f"The targets {shown} come to no resource in {execution.account} {execution.region}.")
        execution.resolved = [target.name for target in found]
        records = []
        for position, target in enumerate(found):
            record = StepRecord(
                ids.uuid(self._kernel.dice), execution.execution_id, target.name, "aws:executeAutomation", f"{position:05d}"
            )
            record.attempt, record.is_fanned = 1, True
            record.state = {"group": 0, "parameters": target.parameters}
            record.inputs = {name: ",".join(values) for name, values in target.parameters.items()}
            records.append(record)
        return records

    def limits(self, execution: Execution, group: int, total: int) -> Limits:
        """Return MaxConcurrency and MaxErrors of the request."""
        del group
        reading = self._kernel.settings.reading
        return limits(
            execution.max_concurrency or DEFAULT_CONCURRENCY,
            execution.max_errors or DEFAULT_ERRORS[reading("automation-max-errors-default")],
            total,
            reading("percent-rounding"),
            ramps=True,
        )

    def has_room(self, execution: Execution) -> bool:
        """ASSUMED: a target whose child the queue has no room for waits; it does not fail."""
        return self._executions.quota.has_queue_room(execution.account, execution.region, rate_controlled=False)

    def start(self, execution: Execution, record: StepRecord) -> str:
        """Start the child. Raises CannotStart."""
        asked = json.loads(execution.request)
        params: Params = {
            "DocumentName": execution.document,
            "Parameters": {**asked.get("Parameters", {}), **record.state["parameters"]},
        }
        if version := asked.get("DocumentVersion"):
            params["DocumentVersion"] = version
        operation = "AssumeRole"
        try:
            principal = self._starter(execution)
            operation = "StartAutomationExecution"
            call = ApiCall(principal, execution.region, "ssm", "StartAutomationExecution", params)
            return self._ports.bear(call, self._birth(execution, record))
        except AwsError as refusal:
            raise CannotStart(refusal_text(operation, refusal.code, refusal.message)) from None

    def _starter(self, execution: Execution) -> Principal:
        """A child is started by whoever started the parent; in a member of a multi-account run by the execution role."""
        return self._sessions.actor(execution).principal if execution.execution_role else execution.principal

    @staticmethod
    def _birth(execution: Execution, record: StepRecord) -> Birth:
        definition = Definition(
            execution.document, execution.document_name, execution.document_version, execution.content, execution.target_type
        )
        return Birth(link_of(execution, record), execution.execution_role, definition, target=record.name)

    def ended(self, record: StepRecord, news: dict[str, Any]) -> None:
        """AWS: the answer in running-automations-scale shows such a step without outputs; the child's are its own."""

    def stop(self, child: Execution) -> bool:
        """They are the service's own."""
        del child
        return False

    def place(self, execution: Execution, record: StepRecord) -> tuple[str, str]:
        """Children run where the parent does."""
        del record
        return execution.account, execution.region
