"""When associations run: now, on schedule, by a changed document or parameter, at changed targets; and never against a closed calendar.

Flow: `begin` or the alarm `scheduled` -> calendars -> `AutomationRuns.start` or `NodeRuns.run`. Nodes keep plain schedules of Command
associations themselves (see `noderuns`), so that the service sets alarms only for what agents do not know.
Rules: alarms are persisted, and each knows for which version it was set.
AWS: user guide, sysman-state-about.
"""

from typing import Any

from localorg.associations import calendars, stored
from localorg.associations.automations import AutomationRuns
from localorg.associations.callers import Callers
from localorg.associations.documents import Documents, names_document
from localorg.associations.executions import Executions
from localorg.associations.noderuns import NodeRuns
from localorg.associations.nudges import Nudges
from localorg.associations.ports import NodePorts
from localorg.associations.records import AssociationRecord, ExecutionRecord, Shelf, VersionRecord
from localorg.associations.requests import dispatched_by_service, schedule_of
from localorg.associations.schedule import At, Rate
from localorg.associations.targets import Scene
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel

ENGINE = "associations"
RUN = "run"
SCHEDULED = "scheduled"
AUTOMATION = "automation.status-change"
DOCUMENT = "document.changed"
PARAMETER = "parameter.changed"
ONLINE = "node.online"
GONE = "node.gone"


class Running:
    """The part of State Manager that acts over time."""

    def __init__(self, kernel: Kernel, shelf: Shelf, documents: Documents, callers: Callers, ports: NodePorts) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._documents = documents
        self._callers = callers
        self._ports = ports
        executions = Executions(kernel, shelf)
        self._executions = executions
        self._automations = AutomationRuns(kernel, shelf, documents, executions, callers)
        self._nudges = Nudges(kernel, shelf, ports, self._nudge_content, ENGINE)
        self.nodes = NodeRuns(kernel, shelf, executions, self._nudges, ENGINE)

    def _nudge_content(self, account: str, region: str) -> str:
        return self._documents.read(account, region, "AWS-RefreshAssociation", "$DEFAULT").content

    def begin(self, association: AssociationRecord, version: VersionRecord) -> None:
        """Arrange the runs of a version that has just been made: the one now, and those of its schedule."""
        if not version.only_at_interval:
            self.run_soon(association)
        self._arrange(association, version, is_new=True)

    def run_soon(self, association: AssociationRecord) -> None:
        """Run in the next turn. # AWS: API StartAssociationsOnce"""
        self._kernel.after(0, Event(ENGINE, RUN, _key(association)))

    def stop(self, association: AssociationRecord) -> None:
        """Forget the schedule, and what is going on."""
        self._kernel.cancel(association.alarm)
        for execution in self._shelf.executions_of(association):
            self._kernel.cancel(execution.alarm)
        self._automations.forget(association)
        self.nodes.release(association, set())
        self._publish("association.deleted", association, {})

    def handle(self, event: Event) -> None:
        """Take an event."""
        data = event.data
        match event.name:
            case "automation.status-change":
                self._ended(data["execution_id"], data["status"], data.get("failure_message") or "")
            case "document.changed":
                self._document_changed(data["account"], data["region"], data["name"])
            case "parameter.changed" if not data["exists"]:
                pass  # nothing to run with
            case "parameter.changed":
                self._parameter_changed(data["account"], data["region"], data["name"])
            case "node.online":
                self._node_came(data["account"], data["region"])
            case "node.gone":
                for each in self._shelf.associations.values(data["account"], data["region"]):
                    self.nodes.lose(each, data["instance_id"])
            case "nudge":
                self._nudges.send(data["account"], data["region"], data["node"])
            case _:
                association = self._shelf.associations.get(data["account"], data["region"], data["id"])
                if association is not None:
                    self._alarm(association, event)

    def _alarm(self, association: AssociationRecord, event: Event) -> None:
        version, data = self._shelf.newest(association), event.data
        execution = self._shelf.execution(association, data.get("execution", ""))
        match event.name:
            case "scheduled" if data["version"] == association.version:
                self._arrange(association, version)
                self._run(association, version)
            case "run":
                self._run(association, version)
            case "advance" if execution is not None:
                self.nodes.advance(association, version, execution)
            case "cutoff" if execution is not None and version.kind == "Command":
                self.nodes.cut_off(association, execution)
            case "cutoff" if execution is not None and execution.ended is None:
                self._automations.cut_off(association, version, execution)

    def resume(self) -> None:
        """After a restart: ask how the automations ended whose end nobody told us, and nudge nodes that wait for their order."""
        for _, automation, state in self._automations.resume():
            self._ended(automation, state["AutomationExecutionStatus"], state.get("FailureMessage", ""))
        for key, binding in self._shelf.bindings.items():
            association = self._shelf.associations.get(*key[:3]) if binding.ordered else None
            if association is not None:
                self._nudges.add(association, binding.node)

    def _arrange(self, association: AssociationRecord, version: VersionRecord, *, is_new: bool = False) -> None:
        self._kernel.cancel(association.alarm)
        association.alarm = ""
        if version.kind == "Command" and not dispatched_by_service(version):
            self._shelf.keep(association)
            return
        schedule = schedule_of(version)
        now = self._kernel.now()
        due = schedule.next_after(now, self._anchor(association, version)) if schedule else None
        if due is None and isinstance(schedule, At) and is_new and version.only_at_interval:
            # AWS: aws CLI examples of create-association: a date in the past runs immediately.
            due = now
        if due is not None:
            association.alarm = self._kernel.at(due, Event(ENGINE, SCHEDULED, {**_key(association), "version": version.number}))
        self._shelf.keep(association)

    def _anchor(self, association: AssociationRecord, version: VersionRecord) -> float:
        if self._kernel.settings.reading("rate-anchor") == "creation":
            return version.created
        return max(version.created, association.last_execution or 0.0)

    def _run(self, association: AssociationRecord, version: VersionRecord) -> None:
        try:
            ask = self._callers.of(association, version)
        except AwsError as refusal:
            self._nothing(association, version, "Failed", f"{refusal.code}: {refusal.message}")
            return
        if why := calendars.closed(ask, version.calendars):
            # ASSUMED: a run that a closed calendar forbids is not made up for; the next one comes as scheduled.
            self._nothing(association, version, "Skipped", why)
            return
        scene = Scene(ask, self._ports.nodes(association.account, association.region))
        if version.kind == "Automation":
            execution = self._automations.start(association, version)
            association.seen = scene.chosen(version)
            if version.duration_h and version.only_at_interval and execution.ended is None:
                cutoff = Event(ENGINE, "cutoff", {**_key(association), "execution": execution.id})
                execution.alarm = self._kernel.after(version.duration_h * 3600.0, cutoff)
                self._shelf.keep_execution(association, execution)
        else:
            self._note_document(association, version)
            self.nodes.run(association, version, scene)
        if self._kernel.settings.reading("rate-anchor") != "creation" and isinstance(schedule_of(version), Rate):
            self._arrange(association, version)
        self._shelf.keep(association)

    def _nothing(self, association: AssociationRecord, version: VersionRecord, status: str, words: str) -> None:
        """Keep an execution that could not begin, and why."""
        execution = self._executions.open(association, version)
        execution.status, execution.detailed_status, execution.ended = status, words, self._kernel.now()
        execution.counts = {status: 1}
        association.status, association.detailed_status = ("Failed" if status == "Failed" else "Pending"), words
        self._shelf.keep_execution(association, execution)
        self._shelf.keep(association)

    def _note_document(self, association: AssociationRecord, version: VersionRecord) -> None:
        try:
            found = self._documents.read(association.account, association.region, version.document, version.document_version)
        except AwsError:
            return  # each node will say so
        association.document_number = found.number

    def _ended(self, automation: str, status: str, message: str) -> None:
        association = self._automations.ended(automation, status, message)
        if association is None:
            return
        execution = self._shelf.execution(association, association.running)
        if execution is not None:
            self._tell_compliance(association, execution)

    def _tell_compliance(self, association: AssociationRecord, execution: ExecutionRecord) -> None:
        """# AWS: user guide: for an Automation association the automation's own status is what counts."""
        version = self._shelf.newest(association)
        if version.compliance == "MANUAL":
            return
        told = {
            "nodes": association.seen,
            "is_compliant": execution.status == "Success",
            "severity": version.severity or "UNSPECIFIED",
            "document": version.document,
            "document_version": association.document_number or version.document_version,
            "execution": execution.automation,
        }
        self._publish("association.compliance", association, told)

    def _publish(self, topic: str, association: AssociationRecord, more: dict[str, Any]) -> None:
        self._kernel.publish(topic, {**_key(association), **more})

    def _document_changed(self, owner: str, region: str, name: str) -> None:
        """Run every association whose $DEFAULT or $LATEST now means another, finished version."""
        for association in self._shelf.associations.values():
            version = self._shelf.newest(association)
            if association.region != region or not names_document(version.document, association.account, owner, name):
                continue
            # An agent that keeps the schedule itself must hear of the other version even when nothing runs now.
            if self._means_another(association, version) and not version.only_at_interval:
                self.run_soon(association)

    def _means_another(self, association: AssociationRecord, version: VersionRecord) -> bool:
        try:
            found = self._documents.read(association.account, association.region, version.document, version.document_version)
        except AwsError:
            # Gone or shared no more: the next run will say so.
            return False
        if found.status != "Active" or found.number == association.document_number:
            return False
        association.document_number = found.number
        self._shelf.keep(association)
        return True

    def _parameter_changed(self, account: str, region: str, name: str) -> None:
        """Run every association that reads this value of Parameter Store."""
        for association in self._shelf.associations.values(account, region):
            version = self._shelf.newest(association)
            if version.only_at_interval:
                continue
            try:
                document = self._documents.read(account, region, version.document, version.document_version)
            except AwsError:
                continue  # gone or shared no more: the next run will say so
            if stored.refers(version.parameters, document, name):
                self.run_soon(association)

    def _node_came(self, account: str, region: str) -> None:
        """A node is new or back: let Automation associations see whether they have new targets, when AWS does so."""
        if self._kernel.settings.reading("automation-association-new-nodes") == "no":
            return
        scene = Scene(self._callers.service(account, region), self._ports.nodes(account, region))
        for association in self._shelf.associations.values(account, region):
            version = self._shelf.newest(association)
            if version.kind != "Automation" or version.only_at_interval or not version.targets:
                continue
            if association.last_execution is None:
                continue  # its first run is still to come, and will find the node
            if set(scene.chosen(version)) - set(association.seen):
                self.run_soon(association)


def _key(association: AssociationRecord) -> dict[str, Any]:
    return {"account": association.account, "region": association.region, "id": association.id}
