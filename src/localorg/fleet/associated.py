"""What State Manager's associations came to on each node, as DescribeInstanceInformation sums it up.

Flow: two published facts -> rows -> `Overview` of a node.
* "node.association-status" {account, region, instance_id, association_id, name, status, detailed_status, executed}: what an
  association came to on a node. `name` is its document's, `status` one of Pending, InProgress, Success, Failed, TimedOut, Skipped;
  `executed` is when it ran (epoch seconds), absent or None while it has not.
* "node.association-gone" {account, region, instance_id, association_id}: the association no longer has this node among its targets.
Refuses to know: what an association is, and when it runs.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from localorg.fleet.records import AssociationState, Node
from localorg.kernel.events import Event, Kernel

FACTS = ("node.association-status", "node.association-gone")
WAITING = frozenset({"Pending", "InProgress", "Associated"})
FINE = frozenset({"Success", "Skipped"})


@dataclass(frozen=True)
class Overview:
    """All associations of one node together. `status` is empty when it has none."""

    status: str = ""
    detailed_status: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    executed: float | None = None
    succeeded: float | None = None
    documents: frozenset[str] = frozenset()

    def view(self) -> dict[str, Any]:
        """Return the members of InstanceInformation that tell of associations; none when there are none."""
        if not self.status:
            return {}
        dates = {"LastAssociationExecutionDate": self.executed, "LastSuccessfulAssociationExecutionDate": self.succeeded}
        return {
            "AssociationStatus": self.status,
            **{name: date for name, date in dates.items() if date is not None},
            "AssociationOverview": {
                "DetailedStatus": self.detailed_status,
                "InstanceAssociationStatusAggregatedCount": self.counts,
            },
        }


class Associated:
    """The association states of all nodes."""

    def __init__(self, kernel: Kernel, engine: str) -> None:
        self._rows = kernel.store.table("fleet.association-status", AssociationState)
        for fact in FACTS:
            kernel.subscribe(fact, engine)

    def handle(self, event: Event) -> None:
        """Take one of FACTS."""
        data = event.data
        key = (data["account"], data["region"], data["instance_id"], data["association_id"])
        if event.name == "node.association-gone":
            self._rows.delete(*key)
            return
        known = self._rows.get(*key)
        executed = data.get("executed") or (known.executed if known else None)
        succeeded = executed if data["status"] == "Success" else known.succeeded if known else None
        detailed = data.get("detailed_status") or data["status"]
        self._rows.put(
            AssociationState(data["association_id"], data.get("name", ""), data["status"], detailed, executed, succeeded), *key
        )

    def of(self, node: Node) -> Overview:
        """Return what the associations of a node came to."""
        states = self._rows.values(node.account, node.region, node.instance_id)
        return overview(states) if states else Overview()


def overview(states: list[AssociationState]) -> Overview:
    """Sum up the states of one node's associations (one at least)."""
    words = [state.status for state in states]
    return Overview(
        status=_worst(words),
        detailed_status=_worst([state.detailed_status for state in states]),
        counts=dict(Counter(words)),
        executed=max((state.executed for state in states if state.executed is not None), default=None),
        succeeded=max((state.succeeded for state in states if state.succeeded is not None), default=None),
        documents=frozenset(state.name for state in states if state.name),
    )


def _worst(words: list[str]) -> str:
    """Return Failed, Pending or Success, the words of the filter AssociationStatus."""
    # ASSUMED: one association that failed makes its node Failed; else one that has not ended makes it Pending.
    if any(word not in WAITING | FINE for word in words):
        return "Failed"
    return "Pending" if any(word in WAITING for word in words) else "Success"
