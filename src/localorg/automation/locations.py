"""Multi-account, multi-Region executions: one step per account and Region, each a child execution over there.

Flow: `fanout` asks -> pairs from TargetLocations (or from the file of TargetLocationsURL), OUs asked from Organizations as the hub's role
-> each child: hub's role -> sts:AssumeRole of the member's execution role -> ssm:StartAutomationExecution there, with the location's
targets when there are any.
Which runbook a child runs is the open question `runbook-lookup`: the hub's own, or the one that the member can read in its Region.
AWS: user guide, running-automations-multiple-accounts-regions; API TargetLocation.
"""

import json
from collections.abc import Iterator
from typing import Any

from localorg.automation import targets
from localorg.automation.actions.action import refusal_text
from localorg.automation.fanout import CannotStart, CannotStop
from localorg.automation.limits import Limits, limits
from localorg.automation.locations_file import LocationsFile
from localorg.automation.ports import Birth, StepPorts, link_of
from localorg.automation.records import Execution, StepRecord
from localorg.automation.sessions import Sessions
from localorg.automation.starting import definition_for, for_region
from localorg.kernel import ids
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import ApiCall, Output, Params, Principal
from localorg.protocol.gateway import Gateway


class Locations:
    """What is particular to runs over accounts and Regions; a `fanout.Kind`."""

    what = "account-Region pairs"

    def __init__(self, kernel: Kernel, gateway: Gateway, sessions: Sessions, ports: StepPorts, file: LocationsFile) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._sessions = sessions
        self._ports = ports
        self._file = file

    def is_ready(self, execution: Execution) -> bool:
        """Locations that stand in a file are fetched first."""
        if execution.locations or not execution.locations_url:
            return True
        self._file.fetch(execution)
        return False

    def expand(self, execution: Execution) -> list[StepRecord]:
        """Return a step per account and Region. Raises CannotStart."""
        by_children = self._kernel.settings.reading("unit-expansion") == "children"
        directory = _Organization(self._gateway, self._sessions, execution, by_children=by_children)
        try:
            pairs = targets.expand(execution.locations, directory)
        except AwsError as refusal:
            raise CannotStart(refusal_text(directory.asking, refusal.code, refusal.message)) from None
        if not pairs:
            raise CannotStart("The target locations contain no account.")
        return [self._record(execution, position, pair) for position, pair in enumerate(pairs)]

    def _record(self, execution: Execution, position: int, pair: targets.Pair) -> StepRecord:
        record = StepRecord(
            ids.uuid(self._kernel.dice), execution.execution_id, pair.name, "aws:executeAutomation", f"{position:05d}"
        )
        record.attempt, record.is_fanned = 1, True
        record.state = {"group": pair.location, "account": pair.account, "region": pair.region, "role": pair.role}
        record.target = {"Accounts": [pair.account], "Regions": [pair.region], "ExecutionRoleName": pair.role}
        shown = {
            "DocumentName": execution.document_name,
            "RuntimeParameters": execution.parameters,
            "TargetLocations": [record.target],
            **_targets(execution, pair.location),
        }
        record.inputs = {name: json.dumps(value, separators=(",", ":"), ensure_ascii=False) for name, value in shown.items()}
        return record

    def limits(self, execution: Execution, group: int, total: int) -> Limits:
        """Return the limits of one location, which count account-Region pairs."""
        location = execution.locations[group]
        # ASSUMED: locations have no ramp-up, which the guide tells of resources only.
        return limits(
            str(location.get("TargetLocationMaxConcurrency") or targets.DEFAULT_CONCURRENCY),
            str(location.get("TargetLocationMaxErrors") or targets.DEFAULT_ERRORS),
            total,
            self._kernel.settings.reading("percent-rounding"),
        )

    def has_room(self, execution: Execution) -> bool:
        """A member whose queue is full refuses for itself."""
        del execution
        return True

    def start(self, execution: Execution, record: StepRecord) -> str:
        """Start the child in its account and Region. Raises CannotStart."""
        settings, state = self._kernel.settings, record.state
        if problem := targets.unreachable(execution.region, state["region"], settings.regions):
            raise CannotStart(problem)
        role = str(Arn(settings.partition, "iam", "", state["account"], f"role/{state['role']}"))
        operation = "AssumeRole"
        try:
            hub = self._sessions.actor(execution).principal
            member = self._sessions.assume(hub, state["region"], role, execution.execution_id).principal
            operation = "StartAutomationExecution"
            child = self._ports.bear(self._child_call(execution, record, member), self._birth(execution, record, role))
        except AwsError as refusal:
            raise CannotStart(refusal_text(operation, refusal.code, refusal.message)) from None
        record.outputs = {"ExecutionId": [child]}
        return child

    def _child_call(self, execution: Execution, record: StepRecord, member: Principal) -> ApiCall:
        region = record.state["region"]
        params: Params = {"DocumentName": for_region(self._kernel.settings.partition, execution, region)}
        asked = json.loads(execution.request)
        for name in ("DocumentVersion", "Parameters"):
            if asked.get(name):
                params[name] = asked[name]
        params |= _targets(execution, record.state["group"])
        return ApiCall(member, region, "ssm", "StartAutomationExecution", params)

    def _birth(self, execution: Execution, record: StepRecord, role: str) -> Birth:
        settings = self._kernel.settings
        # The open question "runbook-lookup": the hub's content, or GetDocument as the member.
        is_hub = settings.reading("runbook-lookup") == "hub"
        definition = definition_for(settings.partition, execution, record.state["region"]) if is_hub else None
        return Birth(link_of(execution, record), role, definition)

    def ended(self, record: StepRecord, news: dict[str, Any]) -> None:
        """AWS: the output of such a step is the id of the child."""
        values = [value for listed in news["outputs"].values() for value in listed]
        record.outputs = {"ExecutionId": [news["execution_id"]], "Status": [news["status"]], "Output": values}

    def stop(self, child: Execution) -> bool:
        """The open question "child-stopped-as". Raises CannotStop."""
        if self._kernel.settings.reading("child-stopped-as") == "service":
            return False
        operation = "StopAutomationExecution"
        params = {"AutomationExecutionId": child.execution_id, "Type": "Cancel"}
        try:
            self._gateway.invoke(ApiCall(self._sessions.actor(child).principal, child.region, "ssm", operation, params))
        except AwsError as refusal:
            raise CannotStop(refusal_text(operation, refusal.code, refusal.message)) from None
        return True

    def place(self, execution: Execution, record: StepRecord) -> tuple[str, str]:
        """Children run in their own account and Region."""
        del execution
        return record.state["account"], record.state["region"]


def _targets(execution: Execution, number: int) -> Params:
    """Return what a child is to run over. AWS: API TargetLocation: what stands in the location takes precedence over the request's."""
    location = execution.locations[number]
    wanted = {
        "TargetParameterName": execution.target_parameter,
        "Targets": location.get("Targets") or execution.targets,
        "TargetMaps": [] if location.get("Targets") else execution.target_maps,
    }
    if not wanted["Targets"] and not wanted["TargetMaps"]:
        return {}
    wanted["MaxConcurrency"] = location.get("TargetsMaxConcurrency") or execution.max_concurrency
    wanted["MaxErrors"] = location.get("TargetsMaxErrors") or execution.max_errors
    return {name: value for name, value in wanted.items() if value}


class _Organization:
    """The organization, asked through the API as the hub's role."""

    def __init__(self, gateway: Gateway, sessions: Sessions, execution: Execution, *, by_children: bool) -> None:
        self._gateway = gateway
        self._sessions = sessions
        self._execution = execution
        self._by_children = by_children
        self.asking = ""
        """The operation that was called last."""

    def accounts(self, unit: str) -> list[str]:
        """AWS: OU targets work from the management account or a delegated administrator; Organizations itself refuses others."""
        # ASSUMED: every account that is listed is a target, suspended ones too; they then fail.
        if self._by_children:
            return self._children(unit, "ACCOUNT")
        return [account["Id"] for account in self._all("ListAccountsForParent", unit, "Accounts")]

    def units(self, unit: str) -> list[str]:
        """Return the OUs in `unit`."""
        if self._by_children:
            return self._children(unit, "ORGANIZATIONAL_UNIT")
        return [child["Id"] for child in self._all("ListOrganizationalUnitsForParent", unit, "OrganizationalUnits")]

    def _children(self, unit: str, kind: str) -> list[str]:
        return [child["Id"] for child in self._all("ListChildren", unit, "Children", ChildType=kind)]

    def _all(self, operation: str, unit: str, member: str, **more: str) -> Iterator[Output]:
        token: dict[str, str] = {}
        self.asking = operation
        while True:
            principal = self._sessions.actor(self._execution).principal
            params = {"ParentId": unit, **more, **token}
            page = self._gateway.invoke(ApiCall(principal, self._execution.region, "organizations", operation, params))
            yield from page[member]
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}
