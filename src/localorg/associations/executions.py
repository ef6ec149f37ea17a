"""Executions and what becomes of their targets: opened, counted, ended. The one place that writes their statuses.

Rules: a terminal status of a target is sticky; an execution ends with its last target; the association shows the newest execution.
"""

from collections import Counter
from collections.abc import Mapping

from localorg.associations.records import TERMINAL, AssociationRecord, ExecutionRecord, Shelf, TargetRecord, VersionRecord
from localorg.kernel.events import Kernel
from localorg.kernel.ids import uuid

BAD = frozenset({"Failed", "TimedOut", "Cancelled", "Terminated"})
NOBODY = "NoInstancesInTag"
"""# ASSUMED: an execution that finds no node ends at once, in Run Command's word for it."""


class Executions:
    """The executions of all associations."""

    def __init__(self, kernel: Kernel, shelf: Shelf) -> None:
        self._kernel = kernel
        self._shelf = shelf

    def open(self, association: AssociationRecord, version: VersionRecord, *, by_nodes: bool = False) -> ExecutionRecord:
        """Begin an execution, which has no targets yet."""
        now = self._kernel.now()
        execution = ExecutionRecord(uuid(self._kernel.dice), association.id, version.number, now, by_nodes=by_nodes)
        association.running, association.last_execution = execution.id, now
        association.status, association.detailed_status, association.counts = "Pending", "InProgress", {}
        self._shelf.keep_execution(association, execution)
        self._shelf.keep(association)
        return execution

    def add(self, association: AssociationRecord, execution: ExecutionRecord, target: TargetRecord) -> None:
        """Let a resource take part."""
        self._shelf.keep_target(association, execution, target)
        execution.counts[target.status] = execution.counts.get(target.status, 0) + 1
        self._shelf.keep_execution(association, execution)

    def forget(self, association: AssociationRecord, execution: ExecutionRecord, resource: str) -> None:
        """Let a resource take part no more."""
        if (target := self._shelf.target(association, execution.id, resource)) is not None:
            execution.counts[target.status] -= 1
            self._shelf.targets.delete(*association.key, execution.id, resource)

    def move(
        self, association: AssociationRecord, execution: ExecutionRecord, target: TargetRecord, status: str, words: str = ""
    ) -> None:
        """Give a target another status; nothing happens to one that has ended."""
        if target.status in TERMINAL:
            return
        execution.counts[target.status] -= 1
        execution.counts[status] = execution.counts.get(status, 0) + 1
        execution.counts = {name: count for name, count in execution.counts.items() if count}
        target.status, target.detailed_status, target.executed = status, words or status, self._kernel.now()
        self._shelf.keep_target(association, execution, target)
        self.conclude(association, execution)

    def conclude(self, association: AssociationRecord, execution: ExecutionRecord, words: str = "") -> None:
        """Write what the targets come to into the execution, and into the association when it is its newest."""
        status = _sum(execution.counts)
        execution.status = status
        execution.detailed_status = words or (status if execution.counts or execution.automation else NOBODY)
        if status not in TERMINAL:
            execution.ended = None
        elif execution.ended is None:
            execution.ended = self._kernel.now()
            self._kernel.cancel(execution.alarm)
            execution.alarm = ""
        self._shelf.keep_execution(association, execution)
        if execution.status == "Success":
            association.last_success = max(execution.created, association.last_success or 0.0)
        if bindings := self._shelf.bindings_of(association):
            self._show(association, Counter(binding.shown for binding in bindings))
        elif execution.id == association.running:
            self._show(association, execution.counts, execution.detailed_status)

    def _show(self, association: AssociationRecord, counts: Mapping[str, int], words: str = "") -> None:
        """Let the association show its nodes, or the only thing that its newest execution is about."""
        status = _sum(counts)
        # AWS: API AssociationOverview.Status is Pending, Success or Failed.
        association.status = "Pending" if status not in TERMINAL else "Success" if status == "Success" else "Failed"
        association.detailed_status = words or status
        association.counts = dict(counts)
        self._shelf.keep(association)


def _sum(counts: Mapping[str, int]) -> str:
    if any(status not in TERMINAL for status in counts):
        # AWS: the words of a Run Command command: Pending only while nothing has begun.
        return "Pending" if set(counts) == {"Pending"} else "InProgress"
    bad = sorted(BAD & set(counts))
    # ASSUMED: an execution all of whose failures are of one sort has their word.
    return bad[0] if len(bad) == 1 else "Failed" if bad else "Success"
