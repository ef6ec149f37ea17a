"""The Automation engine: its operations, and who may call them.

Flow: StartAutomationExecution -> `starting` -> `engine`, which runs it over time. The other operations read rows, or stop an execution.
Rules: an execution is seen only in its own account and Region; what is not supported is refused by name.
AWS: API StartAutomationExecution, GetAutomationExecution, DescribeAutomationExecutions, DescribeAutomationStepExecutions,
StopAutomationExecution, SendAutomationSignal; Service Authorization Reference, "AWS Systems Manager".
"""

from typing import Any

from localorg.automation import listing, views
from localorg.automation.engine import Engine
from localorg.automation.executions import Executions, runbook_of
from localorg.automation.fanout import CannotStart, Fanout, Kind
from localorg.automation.interruptions import Interruptions
from localorg.automation.lifecycle import Lifecycle
from localorg.automation.locations import Locations
from localorg.automation.locations_file import Files, LocationsFile
from localorg.automation.ports import ENGINE, Fetch, Scripts, StepPorts
from localorg.automation.ratecontrol import RateControl
from localorg.automation.records import TERMINAL, Execution, StepRecord
from localorg.automation.resolve import Resolver
from localorg.automation.retention import Retention
from localorg.automation.sessions import SessionPrincipals, Sessions
from localorg.automation.signals import Signals
from localorg.automation.start_access import QUESTION, to_start
from localorg.automation.starting import Starting
from localorg.automation.tags import ExecutionTags
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.kernel.paging import page
from localorg.protocol.calls import Access, Operation, Output, Request
from localorg.protocol.gateway import Gateway
from localorg.protocol.tagging import TagHolder

PAGE_MAX = 50


class Automation:
    """Automation of every account and Region.

    `sessions` turns an access key id into the principal of its session; `scripts` runs the scripts of executeScript steps,
    `files` reads presigned URLs, `fetch` what the address of an attachment leads to.
    """

    def __init__(
        self, kernel: Kernel, gateway: Gateway, sessions: SessionPrincipals, scripts: Scripts, files: Files, fetch: Fetch
    ) -> None:
        self._kernel = kernel
        self._executions = Executions(kernel.store)
        kept = Sessions(kernel, gateway, sessions, self._executions.of)
        ports = StepPorts(kernel, gateway, kept, scripts, fetch)
        self._retention = Retention(kernel, self._executions)
        self._lifecycle = Lifecycle(kernel, self._executions, kept, self._retention)
        self._file = LocationsFile(kernel, self._executions, files, gateway.validator)
        over_locations = Locations(kernel, gateway, kept, ports, self._file)
        over_targets = RateControl(kernel, self._executions, kept, ports, Resolver(kernel, gateway, kept))

        def kind_of(execution: Execution) -> Kind:
            return over_targets if execution.is_rate_controlled else over_locations

        self._fanout = Fanout(kernel, self._executions, kind_of)
        self._fanout.on_end = self._lifecycle.finish
        self._engine = Engine(kernel, self._executions, self._lifecycle, ports, self._fanout)
        self._interruptions = Interruptions(kernel, self._executions, self._lifecycle, self._engine, self._fanout)
        self._signals = Signals(self._executions, self._lifecycle, self._engine, self._interruptions)
        self._starting = Starting(kernel, gateway, self._executions, kept, ports)
        kernel.on(ENGINE, self.handle)
        kernel.subscribe("command.status-change", ENGINE)
        kernel.subscribe("association.automation-started", ENGINE)

    def handle(self, event: Event) -> None:
        """Take an event."""
        match event.name:
            case "command.status-change":
                self._engine.on_command(event.data)
            case "go":
                self._engine.go(self._of(event))
            case "locations":
                self._on_locations(self._of(event), event.data)
            case "expire":
                self._retention.sweep()
            case "association.automation-started":
                self._note_association(event.data)
            case "cancel-limit":
                self._interruptions.end_cancelling(self._of(event))
            case name:
                self._engine.on_step_event(name.removeprefix("step."), event.data)

    def _of(self, event: Event) -> Execution:
        return self._executions.get(event.data["account"], event.data["region"], event.data["execution"])

    def _on_locations(self, execution: Execution, answer: dict[str, Any]) -> None:
        if execution.status in TERMINAL or execution.is_cancelling or execution.locations:
            return
        try:
            self._file.take(execution, answer)
        except CannotStart as problem:
            self._fanout.give_up(execution, str(problem))
            return
        self._engine.go(execution)

    def _note_association(self, data: dict[str, Any]) -> None:
        execution = self._executions.rows.get(data["account"], data["region"], data["execution_id"])
        if execution is not None:
            execution.association = data["association_id"]
            self._executions.put(execution)

    def resume(self) -> None:
        """After a restart: go on where executions stood."""
        self._interruptions.resume()

    def tagged(self) -> dict[str, TagHolder]:
        """Return who keeps the tags of executions, for the tag operations."""
        return {"Automation": ExecutionTags(self._executions, self._kernel.settings.partition)}

    def operations(self) -> list[Operation]:
        """Return what this engine answers."""
        return [
            Operation("ssm", "StartAutomationExecution", self._start, self._start_access),
            Operation("ssm", "GetAutomationExecution", self._get, self._execution_access),
            Operation("ssm", "DescribeAutomationExecutions", self._describe),
            Operation("ssm", "DescribeAutomationStepExecutions", self._describe_steps, self._execution_access),
            Operation("ssm", "StopAutomationExecution", self._stop, self._execution_access),
            Operation("ssm", "SendAutomationSignal", self._signal, self._execution_access),
        ]

    def _start_access(self, request: Request) -> list[Access]:
        settings = self._kernel.settings
        accesses = to_start(settings.partition, request, settings.reading(QUESTION))
        if request.params.get("Tags"):
            # ASSUMED: as with other resources, tags at the start need the right to tag.
            accesses.append(Access("ssm:AddTagsToResource", self._arn(request, "*")))
        return accesses

    def _execution_access(self, request: Request) -> list[Access]:
        return [Access(f"ssm:{request.operation}", self._arn(request, request.params["AutomationExecutionId"]))]

    def _arn(self, request: Request, execution_id: str) -> str:
        partition = self._kernel.settings.partition
        return str(Arn(partition, "ssm", request.region, request.account, f"automation-execution/{execution_id}"))

    def _start(self, request: Request) -> Output:
        execution, is_new = self._starting.prepare(request)
        if is_new:
            self._lifecycle.admit(execution)
        return {"AutomationExecutionId": execution.execution_id}

    def _find(self, request: Request) -> Execution:
        return self._executions.get(request.account, request.region, request.params["AutomationExecutionId"])

    def _get(self, request: Request) -> Output:
        row = self._find(request)
        shown = views.execution(row, self._executions.steps_of(row), runbook_of(row.content), _executed_by(row))
        return {"AutomationExecution": shown}

    def _describe(self, request: Request) -> Output:
        filters = request.params.get("Filters", [])
        listing.check(filters, listing.EXECUTION_TESTS, request.operation)
        # ASSUMED: the newest first, as the console shows them.
        newest = list(reversed(self._executions.rows.values(request.account, request.region)))
        chosen = [row for row in newest if listing.execution_matches(row, self._current(row), filters)]
        shown, token = page(chosen, lambda row: row.execution_id, *_limits(request), _bad_token())
        listed = [views.metadata(row, self._current(row), _executed_by(row)) for row in shown]
        return {"AutomationExecutionMetadataList": listed, **_next(token)}

    def _current(self, row: Execution) -> StepRecord | None:
        return self._executions.step(row, row.running) if row.running else None

    def _describe_steps(self, request: Request) -> Output:
        row = self._find(request)
        filters = request.params.get("Filters", [])
        listing.check(filters, listing.STEP_TESTS, request.operation)
        steps = [step for step in self._executions.steps_of(row) if listing.step_matches(step, filters)]
        if request.params.get("ReverseOrder"):
            steps.reverse()
        shown, token = page(steps, _step_id, *_limits(request), _bad_token())
        runbook = runbook_of(row.content)
        return {"StepExecutions": [views.step(step, runbook) for step in shown], **_next(token)}

    def _stop(self, request: Request) -> Output:
        row = self._find(request)
        if row.status in TERMINAL:
            raise AwsError(
                "InvalidAutomationStatusUpdateException",
                f"Automation execution {row.execution_id} has ended as {row.status} and cannot be stopped.",
            )
        if request.params.get("Type", "Cancel") == "Complete":
            self._interruptions.complete(row)
        else:
            self._interruptions.cancel(row)
        return {}

    def _signal(self, request: Request) -> Output:
        self._signals.send(self._find(request), request)
        return {}


def _executed_by(row: Execution) -> str:
    return row.principal.arn


def _step_id(step: StepRecord) -> str:
    return step.step_id


def _limits(request: Request) -> tuple[int, str | None]:
    return request.params.get("MaxResults", PAGE_MAX), request.params.get("NextToken")


def _next(token: str | None) -> Output:
    return {"NextToken": token} if token else {}


def _bad_token() -> AwsError:
    return AwsError("InvalidNextToken", "The NextToken is not one that this list gave, or its row is gone.")
