"""Associations of Automation runbooks: the automation that each run starts, and what becomes of it.

Flow: `start` -> StartAutomationExecution as whoever dispatches -> "automation.status-change" of that automation -> the targets of the
execution end as the automation did, with its own failure message.
AWS: user guide, sysman-state-about; API CreateAssociation (AutomationTargetParameterName, TargetMaps, TargetLocations).
"""

from typing import Any

from localorg.associations import values
from localorg.associations.callers import Callers
from localorg.associations.documents import Documents
from localorg.associations.executions import Executions
from localorg.associations.records import AssociationRecord, ExecutionRecord, Shelf, TargetRecord, VersionRecord
from localorg.associations.requests import NO_TARGETS
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel

SUCCESS = ("Success", "CompletedWithSuccess")
FAILURE = ("Failed", "TimedOut", "Cancelled", "CompletedWithFailure", "Rejected", "Exited")
"""AWS: API AutomationExecutionStatus; the others are not final."""
RESOURCE_ID_MAX = 100
"""AWS: API AssociationResourceId."""


class AutomationRuns:
    """The automations of associations that are going on."""

    def __init__(self, kernel: Kernel, shelf: Shelf, documents: Documents, executions: Executions, callers: Callers) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._documents = documents
        self._executions = executions
        self._callers = callers
        self._going: dict[str, tuple[str, str, str]] = {}
        """Automation id -> key of the association that waits for it."""
        for key, association in shelf.associations.items():
            execution = self._current(association)
            if execution is not None:
                self._going[execution.automation] = (key[0], key[1], key[2])

    def start(self, association: AssociationRecord, version: VersionRecord) -> ExecutionRecord:
        """Begin a run; the one that is going on times out."""
        self._time_out(association, version)
        execution = self._executions.open(association, version)
        refusal: AwsError | None = None
        try:
            execution.automation = self._begin(association, version)
            self._going[execution.automation] = association.key
            self._tell_automation(association, execution.automation)
        except AwsError as refused:
            refusal = refused
        for kind, resource in resources(version):
            target = TargetRecord(resource, kind, "InProgress", "InProgress", self._kernel.now())
            if execution.automation:
                target.source, target.source_type = execution.automation, self._word()
            self._executions.add(association, execution, target)
        self._executions.conclude(association, execution)
        if refusal is not None:
            self._end(association, execution, "Failed", f"{refusal.code}: {refusal.message}")
        return execution

    def _tell_automation(self, association: AssociationRecord, execution_id: str) -> None:
        """# AWS: API AutomationExecution, AssociationId: the automation shows which association started it."""
        account, region, identifier = association.key
        fact = {"account": account, "region": region, "execution_id": execution_id, "association_id": identifier}
        self._kernel.publish("association.automation-started", fact)

    def _word(self) -> str:
        return self._kernel.settings.reading("association-output-source")

    def _begin(self, association: AssociationRecord, version: VersionRecord) -> str:
        number = self._documents.effective_version(association.account, version.document, version.document_version)
        runbook = self._documents.read(association.account, association.region, version.document, number)
        association.document_number = runbook.number
        optional = {
            # AWS: API StartAutomationExecution, Parameters: at least one, when there are any.
            "Parameters": values.for_automation(version.parameters),
            "TargetParameterName": version.target_parameter,
            "Targets": version.targets,
            "TargetMaps": version.target_maps,
            "TargetLocations": version.locations,
            "MaxConcurrency": version.max_concurrency,
            "MaxErrors": version.max_errors,
        }
        params = {
            "DocumentName": version.document,
            "DocumentVersion": number,
            **{name: value for name, value in optional.items() if value},
        }
        ask = self._callers.of(association, version)
        started: str = ask("ssm", "StartAutomationExecution", params)["AutomationExecutionId"]
        return started

    def _time_out(self, association: AssociationRecord, version: VersionRecord) -> None:
        """# AWS: user guide, sysman-state-about: "the previous association times out and the new association runs"."""
        if (execution := self._current(association)) is not None:
            self._stop(association, version, execution, "TimedOut")

    def cut_off(self, association: AssociationRecord, version: VersionRecord, execution: ExecutionRecord) -> None:
        """The Duration is over. # AWS: API Duration: what is in progress is cancelled."""
        self._stop(association, version, execution, "Cancelled")

    def _stop(self, association: AssociationRecord, version: VersionRecord, execution: ExecutionRecord, status: str) -> None:
        self._going.pop(execution.automation, None)
        words = status
        try:
            # ASSUMED: the automation is stopped; the service-linked role has ssm:StopAutomationExecution for something.
            ask = self._callers.of(association, version)
            ask("ssm", "StopAutomationExecution", {"AutomationExecutionId": execution.automation})
        except AwsError as refusal:
            words = f"{status}; its automation goes on, {refusal.code}: {refusal.message}"
        self._end(association, execution, status, words)

    def ended(self, automation: str, status: str, message: str) -> AssociationRecord | None:
        """Take the end of an automation; return the association whose run has ended with it."""
        if status not in SUCCESS + FAILURE or automation not in self._going:
            return None
        association = self._shelf.associations.get(*self._going.pop(automation))
        execution = self._current(association) if association else None
        if association is None or execution is None:
            return None
        if status in SUCCESS:
            self._end(association, execution, "Success", "Success")
        else:
            self._end(association, execution, "Failed", message or status)
        return association

    def forget(self, association: AssociationRecord) -> None:
        """# ASSUMED: an automation that is going on when its association is deleted goes on."""
        if execution := self._current(association):
            self._going.pop(execution.automation, None)

    def resume(self) -> list[tuple[AssociationRecord, str, dict[str, Any]]]:
        """After a restart: ask how the automations stand whose end nobody told us: (association, automation, its state)."""
        found = []
        for automation, key in list(self._going.items()):
            association = self._shelf.associations.get(*key)
            if association is not None:
                found.append((association, automation, self._state(association, automation)))
        return found

    def _state(self, association: AssociationRecord, automation: str) -> dict[str, Any]:
        try:
            ask = self._callers.of(association, self._shelf.newest(association))
            state: dict[str, Any] = ask("ssm", "GetAutomationExecution", {"AutomationExecutionId": automation})[
                "AutomationExecution"
            ]
        except AwsError as refusal:
            return {"AutomationExecutionStatus": "Failed", "FailureMessage": f"{refusal.code}: {refusal.message}"}
        return state

    def _end(self, association: AssociationRecord, execution: ExecutionRecord, status: str, words: str) -> None:
        for target in self._shelf.targets_of(association, execution.id):
            self._executions.move(association, execution, target, status, words)
        execution.status = status
        self._executions.conclude(association, execution, words)

    def _current(self, association: AssociationRecord) -> ExecutionRecord | None:
        execution = self._shelf.execution(association, association.running)
        return execution if execution is not None and execution.automation and execution.ended is None else None


def resources(version: VersionRecord) -> list[tuple[str, str]]:
    """Return (type, id) of what an execution of a runbook is about.

    # ASSUMED: the values of Targets, TargetMaps or TargetLocations as they were given; without any the word that AWS shows as target.
    """
    found = [(target["Key"], value) for target in version.targets for value in target.get("Values") or []]
    found += [(version.target_parameter, value) for one in version.target_maps for values_ in one.values() for value in values_]
    found += [("Account", account) for place in version.locations for account in place.get("Accounts") or []]
    shown = {value[:RESOURCE_ID_MAX]: kind[:50] for kind, value in found}
    return [(kind, value) for value, kind in shown.items()] or [(NO_TARGETS[0]["Key"], NO_TARGETS[0]["Values"][0])]
