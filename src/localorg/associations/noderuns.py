"""Associations of Command documents on their nodes: what agents are told, and what they say.

Flow: a run is ordered (creation, edit, StartAssociationsOnce, a schedule that only the service knows) -> bindings are `ordered` -> the
nodes that are online are nudged, the others find the order when they ask -> UpdateInstanceAssociationStatus -> targets of the execution.
Nodes keep plain schedules themselves: one that begins by itself opens an execution, or takes part in a young one.
Rules: a new target, and one that comes back, is caught because the list is made anew each time that a node asks.
AWS agent: association/processor, association/schedulemanager, association/model.
DEVIATES: AWS's guide allows 20 associations on one node; here there may be any number.
"""

from dataclasses import dataclass
from typing import Any

from localorg.associations import calendars
from localorg.associations.executions import BAD, Executions
from localorg.associations.nudges import Nudges
from localorg.associations.records import (
    TERMINAL,
    AssociationRecord,
    BindingRecord,
    ExecutionRecord,
    Shelf,
    TargetRecord,
    VersionRecord,
)
from localorg.associations.requests import dispatched_by_service
from localorg.associations.targets import Ask, Scene
from localorg.kernel.amounts import amount
from localorg.kernel.events import Event, Kernel

TOGETHER_S = 300.0
"""# ASSUMED: nodes that begin by themselves within five minutes, the interval at which agents ask, take part in one execution."""
LOOK_AGAIN_S = 60.0
"""# ASSUMED: how often a rate-controlled run looks whether a node that held a place has gone offline."""
RESOURCE_TYPE = "ManagedInstance"


@dataclass(frozen=True)
class Said:
    """What an agent says of an association: UpdateInstanceAssociationStatus.ExecutionResult."""

    status: str
    moment: float
    summary: str = ""
    error_code: str = ""
    output_url: str = ""


class NodeRuns:
    """The runs of Command associations."""

    def __init__(self, kernel: Kernel, shelf: Shelf, executions: Executions, nudges: Nudges, engine: str) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._executions = executions
        self._nudges = nudges
        self._engine = engine

    # Runs that the service orders

    def run(self, association: AssociationRecord, version: VersionRecord, scene: Scene) -> ExecutionRecord:
        """Order a run on every node that the association is for now."""
        chosen = scene.chosen(version)
        self.release(association, set(chosen))
        execution = self._executions.open(association, version)
        for node in chosen:
            self._take_part(association, execution, self._bound(association, version, node))
        execution.waiting = list(chosen)
        # AWS: API Duration: only together with ApplyOnlyAtCronInterval.
        if version.duration_h and version.only_at_interval and chosen:
            execution.alarm = self._kernel.after(version.duration_h * 3600.0, self._event("cutoff", association, execution))
        self.advance(association, version, execution)
        self._executions.conclude(association, execution)
        return execution

    def release(self, association: AssociationRecord, kept: set[str]) -> None:
        """Let go of the nodes that an association is for no more."""
        account, region, identifier = association.key
        for node in [binding.node for binding in self._shelf.bindings_of(association) if binding.node not in kept]:
            self._shelf.bindings.delete(*association.key, node)
            place = {"account": account, "region": region, "instance_id": node, "association_id": identifier}
            self._kernel.publish("node.association-gone", place)

    def lose(self, association: AssociationRecord, node: str) -> None:
        """A node was terminated or deregistered: nobody waits for it any more.

        # ASSUMED: its open part in an execution is Cancelled, and the association counts it no longer.
        """
        binding = self._shelf.binding(association, node)
        if binding is None:
            return
        execution, target = self._open_target(association, binding)
        self.release(association, {one.node for one in self._shelf.bindings_of(association)} - {node})
        if execution is not None and target is not None:
            execution.waiting = [name for name in execution.waiting if name != node]
            self._executions.move(association, execution, target, "Cancelled", f"{node} is no managed node any more")
            self._executions.conclude(association, execution)

    def _keep(self, association: AssociationRecord, binding: BindingRecord) -> None:
        """Write how an association stands on a node, and tell the fleet, which sums it up."""
        self._shelf.keep_binding(association, binding)
        account, region, identifier = association.key
        told = {"status": binding.shown, "detailed_status": binding.status, "executed": binding.executed}
        place = {"account": account, "region": region, "instance_id": binding.node, "association_id": identifier}
        name = self._shelf.newest(association).document
        self._kernel.publish("node.association-status", {**place, **told, "name": name})

    def advance(self, association: AssociationRecord, version: VersionRecord, execution: ExecutionRecord) -> None:
        """Order as many of the waiting nodes as the rate control allows; after too many errors none any more."""
        total = sum(execution.counts.values())
        errors = sum(execution.counts.get(status, 0) for status in BAD)
        rounding = self._kernel.settings.reading("percent-rounding")
        if version.max_errors and errors > amount(version.max_errors, total, rounding):
            for node in execution.waiting:
                self._end(association, execution, node, "Terminated")
            execution.waiting = []
        free = max(1, amount(version.max_concurrency or "100%", total, rounding)) - self._flying(association, execution)
        while execution.waiting and free > 0:
            node = execution.waiting.pop(0)
            # ASSUMED: a node that is offline holds no place: it finds its order when it comes back.
            free -= self._nudges.is_online(association, node)
            self._order(association, version, node)
        self._shelf.keep_execution(association, execution)
        if execution.waiting:
            self._kernel.after(LOOK_AGAIN_S, self._event("advance", association, execution))

    def _flying(self, association: AssociationRecord, execution: ExecutionRecord) -> int:
        waiting = set(execution.waiting)
        return sum(
            self._nudges.is_online(association, target.resource)
            for target in self._shelf.targets_of(association, execution.id)
            if target.status not in TERMINAL and target.resource not in waiting
        )

    def _order(self, association: AssociationRecord, version: VersionRecord, node: str) -> None:
        binding = self._bound(association, version, node)
        binding.ordered, binding.status = True, "Pending"
        self._keep(association, binding)
        self._nudges.add(association, node)

    def cut_off(self, association: AssociationRecord, execution: ExecutionRecord) -> None:
        """The Duration is over. # ASSUMED: agents have no cancel for associations, so what a node has begun it finishes unheard."""
        execution.waiting = []
        for target in self._shelf.targets_of(association, execution.id):
            if target.status not in TERMINAL:
                self._end(association, execution, target.resource, "Cancelled")

    def _end(self, association: AssociationRecord, execution: ExecutionRecord, node: str, status: str) -> None:
        target, binding = self._shelf.target(association, execution.id, node), self._shelf.binding(association, node)
        if binding is not None and binding.execution == execution.id:
            binding.status, binding.ordered = status, False
            self._keep(association, binding)
        if target is not None:
            self._executions.move(association, execution, target, status)

    # What agents are told

    def told(self, association: AssociationRecord, version: VersionRecord, node: str, ask: Ask) -> BindingRecord | None:
        """Return how the association stands on a node that it is for; None when the node is not to know of it now."""
        binding = self._bound(association, version, node)
        execution = self._shelf.execution(association, binding.execution)
        if execution is not None and node in execution.waiting:
            return None
        fresh = binding.status == "Associated" and not binding.ordered
        if fresh and dispatched_by_service(version):
            newest = self._shelf.execution(association, association.running)
            begun = newest is not None and newest.version == version.number
            # AWS: API MaxConcurrency: a new node "is allowed to run" while others do; but nobody runs before the first order.
            if not begun or version.only_at_interval or calendars.closed(ask, version.calendars):
                return None
        return binding

    def _bound(self, association: AssociationRecord, version: VersionRecord, node: str) -> BindingRecord:
        """Return how the newest version stands on a node; a node that is new to it has everything before it."""
        binding = self._shelf.binding(association, node)
        if binding is not None and binding.version == version.number:
            return binding
        now = self._kernel.now()
        execution = binding.execution if binding else ""
        # ASSUMED: with ApplyOnlyAtCronInterval an agent is given a date to count from; without one it would run at once.
        counted = now if version.only_at_interval and not dispatched_by_service(version) else None
        binding = BindingRecord(node, version.number, now, executed=counted, execution=execution)
        self._shelf.keep_binding(association, binding)
        return binding

    # What agents say

    def hear(self, association: AssociationRecord, version: VersionRecord, node: str, said: Said) -> None:
        """Take what an agent says of an association."""
        binding = self._bound(association, version, node)
        if binding.ordered and binding.stale and said.status != "Pending":
            return  # it speaks of the run before the one that was ordered
        binding.ordered = binding.stale = False
        execution, target = self._open_target(association, binding)
        if target is None or target.status in TERMINAL:
            if target is not None and said.status != "Pending" and binding.status != "Associated":
                return  # too late: it was cut off, or another run has taken its place
            execution = self._joined(association, version)
            target = self._take_part(association, execution, binding)
        binding.status, binding.executed = said.status, said.moment
        binding.summary, binding.error_code = said.summary, said.error_code
        binding.output_url = said.output_url or binding.output_url
        self._keep(association, binding)
        if execution is None:
            raise LookupError(f"association {association.id} has lost the execution of {node}")
        association.last_execution = self._kernel.now()
        self._executions.move(association, execution, target, said.status)
        if execution.waiting and said.status in TERMINAL:
            self.advance(association, version, execution)

    def _open_target(
        self, association: AssociationRecord, binding: BindingRecord
    ) -> tuple[ExecutionRecord | None, TargetRecord | None]:
        execution = self._shelf.execution(association, binding.execution)
        return execution, self._shelf.target(association, binding.execution, binding.node)

    def _joined(self, association: AssociationRecord, version: VersionRecord) -> ExecutionRecord:
        """Return the execution in which a node that begins by itself takes part."""
        newest = self._shelf.execution(association, association.running)
        young = newest is not None and newest.by_nodes and self._kernel.now() - newest.created < TOGETHER_S
        if newest is not None and young and newest.version == version.number:
            return newest
        return self._executions.open(association, version, by_nodes=True)

    def _take_part(self, association: AssociationRecord, execution: ExecutionRecord, binding: BindingRecord) -> TargetRecord:
        """Give a node its place in an execution; its place in the one before it times out when it is still open."""
        earlier, target = self._open_target(association, binding)
        if earlier is not None and target is not None and target.status not in TERMINAL:
            binding.stale = target.status == "InProgress"
            earlier.waiting = [node for node in earlier.waiting if node != binding.node]
            # AWS: user guide, sysman-state-about: "the previous association times out and the new association runs".
            self._executions.move(association, earlier, target, "TimedOut")
        if earlier is not None and earlier.id == execution.id:
            # ASSUMED: a node that begins again within one execution (it came back, say) has the later run shown.
            self._executions.forget(association, execution, binding.node)
        binding.execution = execution.id
        place = TargetRecord(binding.node, RESOURCE_TYPE)
        self._shelf.keep_binding(association, binding)
        self._executions.add(association, execution, place)
        return place

    def _event(self, name: str, association: AssociationRecord, execution: ExecutionRecord) -> Event:
        account, region, identifier = association.key
        return Event(self._engine, name, {"account": account, "region": region, "id": identifier, "execution": execution.id})


def as_said(result: dict[str, Any]) -> Said:
    """Return ExecutionResult as a value."""
    url = ((result.get("OutputUrl") or {}).get("S3OutputUrl") or {}).get("OutputUrl", "")
    return Said(
        status=result.get("Status", ""),
        moment=float(result.get("ExecutionDate") or 0.0),
        summary=result.get("ExecutionSummary", ""),
        error_code=result.get("ErrorCode", ""),
        output_url=url,
    )
