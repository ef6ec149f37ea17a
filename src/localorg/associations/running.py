"""Runs of associations: started now, on schedule or by a changed document; judged by the automation that they start.

Flow: `run` or the alarm `scheduled` -> StartAutomationExecution as the service-linked role -> "automation.status-change" of that
automation -> the execution and the association are Success or Failed, with the automation's own failure message.
Rules: alarms are persisted, and each knows for which version it was set; a run that begins ends the one before it.
# AWS: user guide, sysman-state-about: when associations run; the service-linked role dispatches them.
"""

from typing import Any

from localorg.associations import values
from localorg.associations.ports import ServiceLinkedRole
from localorg.associations.records import AssociationRecord, ExecutionRecord, Shelf, VersionRecord
from localorg.associations.requests import schedule_of
from localorg.associations.runbooks import Runbooks, names_document
from localorg.associations.schedule import At
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.kernel.ids import uuid
from localorg.protocol.calls import ApiCall, Output
from localorg.protocol.gateway import Gateway

ENGINE = "associations"
RUN = "run"
SCHEDULED = "scheduled"
AUTOMATION = "automation.status-change"
DOCUMENT = "document.changed"
SERVICE = "ssm.amazonaws.com"
SUCCESS = ("Success", "CompletedWithSuccess")
FAILURE = ("Failed", "TimedOut", "Cancelled", "CompletedWithFailure", "Rejected", "Exited")
"""AWS: API AutomationExecutionStatus; the others are not final."""


class Running:
    """The part of State Manager that acts over time."""

    def __init__(
        self, kernel: Kernel, gateway: Gateway, shelf: Shelf, runbooks: Runbooks, service_linked_role: ServiceLinkedRole
    ) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._shelf = shelf
        self._runbooks = runbooks
        self._service_linked_role = service_linked_role
        self._going: dict[str, tuple[str, str, str]] = {}
        """Automation id -> key of the association that waits for it."""
        for key, association in shelf.associations.items():
            execution = self._current(association)
            if execution is not None and execution.automation:
                self._going[execution.automation] = (key[0], key[1], key[2])

    def begin(self, association: AssociationRecord, version: VersionRecord) -> None:
        """Arrange the runs of a version that has just been made: the one now, and those of its schedule."""
        if not version.only_at_interval:
            self.run_soon(association)
        self._arrange(association, version, is_new=True)

    def run_soon(self, association: AssociationRecord) -> None:
        """Run in the next turn. # AWS: API StartAssociationsOnce"""
        self._kernel.after(0, Event(ENGINE, RUN, _key(association)))

    def stop(self, association: AssociationRecord) -> None:
        """Forget the schedule. # ASSUMED: an automation that is going on when its association is deleted goes on."""
        self._kernel.cancel(association.alarm)
        if execution := self._current(association):
            self._going.pop(execution.automation, None)

    def handle(self, event: Event) -> None:
        """Take an event."""
        data = event.data
        match event.name:
            case "automation.status-change":
                self._automation_ended(data["execution_id"], data["status"], data.get("failure_message") or "")
            case "document.changed":
                self._document_changed(data["account"], data["region"], data["name"])
            case _:
                association = self._shelf.associations.get(data["account"], data["region"], data["id"])
                if association is None:
                    return
                if event.name == SCHEDULED:
                    if data["version"] != association.version:
                        return
                    self._arrange(association, self._shelf.newest(association))
                self._run(association)

    def resume(self) -> None:
        """After a restart: ask how the automations ended whose end nobody told us."""
        for automation, key in list(self._going.items()):
            association = self._shelf.associations.get(*key)
            if association is None:
                continue
            try:
                found = self._as_service(association, "GetAutomationExecution", {"AutomationExecutionId": automation})
            except AwsError as refusal:
                self._automation_ended(automation, "Failed", f"{refusal.code}: {refusal.message}")
                continue
            state = found["AutomationExecution"]
            self._automation_ended(automation, state["AutomationExecutionStatus"], state.get("FailureMessage", ""))

    def _arrange(self, association: AssociationRecord, version: VersionRecord, *, is_new: bool = False) -> None:
        self._kernel.cancel(association.alarm)
        association.alarm = ""
        schedule = schedule_of(version)
        now = self._kernel.now()
        due = schedule.next_after(now, version.created) if schedule else None
        if due is None and isinstance(schedule, At) and is_new and version.only_at_interval:
            # AWS: aws CLI examples of create-association: a date in the past runs immediately.
            due = now
        if due is not None:
            association.alarm = self._kernel.at(due, Event(ENGINE, SCHEDULED, {**_key(association), "version": version.number}))
        self._shelf.keep(association)

    def _run(self, association: AssociationRecord) -> None:
        self._time_out(association)
        version = self._shelf.newest(association)
        execution = ExecutionRecord(uuid(self._kernel.dice), association.id, version.number, self._kernel.now())
        association.running, association.last_execution = execution.id, execution.created
        association.status, association.detailed_status, association.counts = "Pending", "InProgress", {}
        try:
            execution.automation = self._start(association, version)
            self._going[execution.automation] = (association.account, association.region, association.id)
            self._tell_automation(association, execution.automation)
        except AwsError as refusal:
            self._end(association, execution, "Failed", f"{refusal.code}: {refusal.message}")
        self._shelf.keep_execution(association, execution)
        self._shelf.keep(association)

    def _start(self, association: AssociationRecord, version: VersionRecord) -> str:
        document_version = self._runbooks.effective_version(association.account, version.document, version.document_version)
        runbook = self._runbooks.read(association.account, association.region, version.document, document_version)
        association.document_number = runbook.number
        params = {
            "DocumentName": version.document,
            "DocumentVersion": document_version,
            "Parameters": values.for_automation(version.parameters),
        }
        started: str = self._as_service(association, "StartAutomationExecution", params)["AutomationExecutionId"]
        return started

    def _tell_automation(self, association: AssociationRecord, execution_id: str) -> None:
        """# AWS: API AutomationExecution, AssociationId: the automation shows which association started it."""
        place = {"account": association.account, "region": association.region}
        fact = {**place, "execution_id": execution_id, "association_id": association.id}
        self._kernel.publish("association.automation-started", fact)

    def _time_out(self, association: AssociationRecord) -> None:
        """# AWS: user guide, sysman-state-about: "the previous association times out and the new association runs"."""
        execution = self._current(association)
        if execution is None:
            return
        self._going.pop(execution.automation, None)
        words = "TimedOut"
        try:
            # ASSUMED: the automation is stopped; the service-linked role has ssm:StopAutomationExecution for something.
            self._as_service(association, "StopAutomationExecution", {"AutomationExecutionId": execution.automation})
        except AwsError as refusal:
            words = f"TimedOut; its automation goes on, {refusal.code}: {refusal.message}"
        self._end(association, execution, "TimedOut", words)
        self._shelf.keep_execution(association, execution)

    def _automation_ended(self, automation: str, status: str, message: str) -> None:
        if status not in SUCCESS + FAILURE or automation not in self._going:
            return
        association = self._shelf.associations.get(*self._going.pop(automation))
        execution = self._current(association) if association else None
        if association is None or execution is None:
            return
        if status in SUCCESS:
            self._end(association, execution, "Success", "Success")
            association.last_success = execution.created
        else:
            self._end(association, execution, "Failed", message or status)
        self._shelf.keep_execution(association, execution)
        self._shelf.keep(association)

    def _end(self, association: AssociationRecord, execution: ExecutionRecord, status: str, words: str) -> None:
        execution.status, execution.detailed_status, execution.ended = status, words, self._kernel.now()
        association.running = ""
        # AWS: API AssociationOverview.Status is Pending, Success or Failed.
        association.status = "Success" if status == "Success" else "Failed"
        association.detailed_status = words
        association.counts = {association.status: 1}

    def _current(self, association: AssociationRecord) -> ExecutionRecord | None:
        return self._shelf.executions.get(association.account, association.region, association.id, association.running)

    def _document_changed(self, owner: str, region: str, name: str) -> None:
        """Run every association whose $DEFAULT or $LATEST now means another, finished version."""
        for association in self._shelf.associations.values():
            version = self._shelf.newest(association)
            if association.region != region or version.only_at_interval:
                continue
            if names_document(version.document, association.account, owner, name) and self._means_another(association, version):
                self.run_soon(association)

    def _means_another(self, association: AssociationRecord, version: VersionRecord) -> bool:
        try:
            found = self._runbooks.read(association.account, association.region, version.document, version.document_version)
        except AwsError:
            # Gone or shared no more: the next run will say so.
            return False
        if found.status != "Active" or found.number == association.document_number:
            return False
        association.document_number = found.number
        self._shelf.keep(association)
        return True

    def _as_service(self, association: AssociationRecord, operation: str, params: dict[str, Any]) -> Output:
        principal = self._service_linked_role(association.account, SERVICE)
        return self._gateway.invoke(ApiCall(principal, association.region, "ssm", operation, params))


def _key(association: AssociationRecord) -> dict[str, Any]:
    return {"account": association.account, "region": association.region, "id": association.id}
