"""Multi-account, multi-Region executions: one step per account and Region, each a child execution over there.

Flow: `go` -> (once) pairs from TargetLocations, OUs asked from Organizations as the hub's role -> as many children as the limits allow:
hub's role -> sts:AssumeRole of the member's execution role -> ssm:StartAutomationExecution there -> "child-ended" -> `go` again.
Rules: a child that cannot be started is a failed step with AWS's words; beyond MaxErrors nothing more is started, what runs may end.
Which runbook a child runs is the reading of `runbook-lookup`: the hub's own, or the one that the member can read in its Region.
AWS: user guide, running-automations-multiple-accounts-regions; API TargetLocation.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from localorg.automation import messages, targets
from localorg.automation.actions.action import POLLING, refusal_text
from localorg.automation.executions import Executions
from localorg.automation.ports import Birth, StepPorts, link_of
from localorg.automation.records import TERMINAL, Execution, StepRecord
from localorg.automation.sessions import Sessions
from localorg.automation.starting import definition_for, for_region
from localorg.kernel import ids
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import ApiCall, Output, Principal
from localorg.protocol.gateway import Gateway


class Locations:
    """Runs the parents. `on_end` is told when one has ended."""

    def __init__(self, kernel: Kernel, gateway: Gateway, executions: Executions, sessions: Sessions, ports: StepPorts) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._executions = executions
        self._sessions = sessions
        self._ports = ports
        self.on_end: Callable[[Execution], None] = lambda _execution: None

    def go(self, execution: Execution) -> None:
        """Start what may be started; end the execution when nothing is left to wait for."""
        if execution.status in TERMINAL:
            return
        records = self._executions.steps_of(execution)
        if not records and not execution.is_cancelling:
            try:
                records = self._expand(execution)
            except AwsError as refusal:
                self._give_up(execution, refusal_text("ListAccountsForParent", refusal.code, refusal.message))
                return
            if not records:
                self._give_up(execution, "The target locations contain no account.")
                return
        if not execution.is_cancelling:
            for number, location in enumerate(execution.locations):
                mine = [record for record in records if record.state["location"] == number]
                self._start_some(execution, location, mine)
        if not any(record.status == "InProgress" for record in records):
            self._end(execution, records)

    def _give_up(self, execution: Execution, cause: str) -> None:
        execution.bad_end, execution.failure_message = "Failed", messages.told(POLLING, cause)
        self.on_end(execution)

    def _expand(self, execution: Execution) -> list[StepRecord]:
        directory = _Organization(self._gateway, self._sessions, execution)
        records = []
        for position, pair in enumerate(targets.expand(execution.locations, directory)):
            record = StepRecord(
                ids.uuid(self._kernel.dice), execution.execution_id, pair.name, "aws:executeAutomation", f"{position:05d}"
            )
            record.attempt = 1
            record.state = {"location": pair.location, "account": pair.account, "region": pair.region, "role": pair.role}
            record.target = {"Accounts": [pair.account], "Regions": [pair.region], "ExecutionRoleName": pair.role}
            record.inputs = {
                "DocumentName": json.dumps(execution.document_name),
                "RuntimeParameters": json.dumps(execution.parameters),
                "TargetLocations": json.dumps([record.target]),
            }
            self._executions.put_step(execution, record)
            records.append(record)
        return records

    def _start_some(self, execution: Execution, location: dict[str, Any], records: list[StepRecord]) -> None:
        """Start pairs one after another, as long as the limits allow: a start that fails at once counts before the next."""
        counts = _counts(records)
        for record in records:
            if record.status != "Pending":
                continue
            allowed = targets.startable(
                waiting=counts["waiting"],
                running=counts["running"],
                errors=counts["errors"],
                total=len(records),
                max_concurrency=_limit(location, "TargetLocationMaxConcurrency", execution.max_concurrency),
                max_errors=_limit(location, "TargetLocationMaxErrors", execution.max_errors),
            )
            if not allowed:
                return
            self._start(execution, record)
            counts["waiting"] -= 1
            counts["running" if record.status == "InProgress" else "errors"] += 1

    def _start(self, execution: Execution, record: StepRecord) -> None:
        settings, state = self._kernel.settings, record.state
        record.status, record.started = "InProgress", self._kernel.now()
        role = str(Arn(settings.partition, "iam", "", state["account"], f"role/{state['role']}"))
        operation = "AssumeRole"
        try:
            hub = self._sessions.actor(execution).principal
            member = self._sessions.assume(hub, state["region"], role, execution.execution_id).principal
            operation = "StartAutomationExecution"
            child = self._ports.bear(self._child_call(execution, record, member), self._birth(execution, record, role))
        except AwsError as refusal:
            self._close(execution, record, "Failed", refusal_text(operation, refusal.code, refusal.message))
            return
        record.outputs = {"ExecutionId": [child]}
        self._executions.put_step(execution, record)

    def _child_call(self, execution: Execution, record: StepRecord, member: Principal) -> ApiCall:
        region = record.state["region"]
        params: dict[str, Any] = {"DocumentName": for_region(self._kernel.settings.partition, execution, region)}
        asked = json.loads(execution.request)
        for name in ("DocumentVersion", "Parameters"):
            if asked.get(name):
                params[name] = asked[name]
        return ApiCall(member, region, "ssm", "StartAutomationExecution", params)

    def _birth(self, execution: Execution, record: StepRecord, role: str) -> Birth:
        settings = self._kernel.settings
        # Where AWS looks a member's runbook up is not known (runbook-lookup): the hub's content, or GetDocument as the member.
        is_hub = settings.reading("runbook-lookup") == "hub"
        definition = definition_for(settings.partition, execution, record.state["region"]) if is_hub else None
        return Birth(link_of(execution, record), role, definition)

    def on_child_ended(self, execution: Execution, record: StepRecord, news: dict[str, Any]) -> None:
        """Take the end of a child, and go on."""
        values = [value for listed in news["outputs"].values() for value in listed]
        record.outputs = {"ExecutionId": [news["execution_id"]], "Status": [news["status"]], "Output": values}
        cause = ""
        if news["status"] != "Success":
            inner = messages.cause_of(news["failure_message"]) or "it gives no reason"
            cause = f"Automation execution {news['execution_id']} ended with status {news['status']}: {inner}"
        self._close(execution, record, news["status"], cause)
        self.go(execution)

    def _close(self, execution: Execution, record: StepRecord, status: str, cause: str) -> None:
        record.status, record.ended = status, self._kernel.now()
        if cause:
            record.failure_message = messages.told(POLLING, cause)
            record.failure_stage, record.failure_type = "Invocation", "Action"
        self._executions.put_step(execution, record)

    def _end(self, execution: Execution, records: list[StepRecord]) -> None:
        stopped = any(record.status == "Pending" for record in records) or self._is_beyond(execution, records)
        for record in records:
            if record.status == "Pending":
                # ASSUMED: pairs that were never started end as Cancelled.
                self._close(execution, record, "Cancelled", "")
        bad = [record for record in records if record.status != "Success"]
        if bad:
            tolerated = self._kernel.settings.reading("errors-within-threshold")
            execution.bad_end = "Failed" if stopped or tolerated == "Failed" else ""
            execution.failure_message = _summary(records, bad)
        self.on_end(execution)

    @staticmethod
    def _is_beyond(execution: Execution, records: list[StepRecord]) -> bool:
        for number, location in enumerate(execution.locations):
            mine = [record for record in records if record.state["location"] == number]
            limit = _limit(location, "TargetLocationMaxErrors", execution.max_errors)
            if targets.is_stopped(_counts(mine)["errors"], limit, len(mine)):
                return True
        return False

    def running_children(self, execution: Execution) -> Iterator[Execution]:
        """Yield the children that are at work."""
        for record in self._executions.steps_of(execution):
            if record.status == "InProgress":
                found = self._executions.rows.get(
                    record.state["account"], record.state["region"], record.outputs["ExecutionId"][0]
                )
                if found is not None:
                    yield found


class _Organization:
    """The organization, asked through the API as the hub's role."""

    def __init__(self, gateway: Gateway, sessions: Sessions, execution: Execution) -> None:
        self._gateway = gateway
        self._sessions = sessions
        self._execution = execution

    def accounts(self, unit: str) -> list[str]:
        """AWS: OU targets work from the management account or a delegated administrator; Organizations itself refuses others."""
        # ASSUMED: every account that is listed is a target, suspended ones too; they then fail.
        return [account["Id"] for account in self._all("ListAccountsForParent", unit, "Accounts")]

    def units(self, unit: str) -> list[str]:
        """Return the OUs in `unit`."""
        return [child["Id"] for child in self._all("ListOrganizationalUnitsForParent", unit, "OrganizationalUnits")]

    def _all(self, operation: str, unit: str, member: str) -> Iterator[Output]:
        token: dict[str, str] = {}
        while True:
            principal = self._sessions.actor(self._execution).principal
            call = ApiCall(principal, self._execution.region, "organizations", operation, {"ParentId": unit, **token})
            page = self._gateway.invoke(call)
            yield from page[member]
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}


def _counts(records: list[StepRecord]) -> dict[str, int]:
    statuses = [record.status for record in records]
    good_or_open = {"Pending", "InProgress", "Success"}
    return {
        "waiting": statuses.count("Pending"),
        "running": statuses.count("InProgress"),
        "errors": sum(status not in good_or_open for status in statuses),
    }


def _limit(location: dict[str, Any], name: str, of_request: str) -> str:
    default = targets.DEFAULT_CONCURRENCY if name.endswith("Concurrency") else targets.DEFAULT_ERRORS
    # ASSUMED: the request's own limits serve where a location has none.
    return str(location.get(name) or of_request or default)


def _summary(records: list[StepRecord], bad: list[StepRecord]) -> str:
    told = [record for record in bad if record.failure_message]
    causes = " | ".join(f"{record.name}: {messages.cause_of(record.failure_message)}" for record in told)
    text = f"{len(bad)} of {len(records)} account-Region pairs did not succeed. {causes}"
    return messages.told(POLLING, text.strip())
