"""Who runs and who waits in each account and Region.

Rules: 100 automations run at once and 1,000 wait; of those that run, 25 may be rate-controlled, for which 1,000 more may wait. Parents and
children count alike; whoever came first goes first.
DEVIATES: when every automation that runs waits for one that is queued, the one in the queue that has the most ancestors is let in beyond
the quota, because otherwise nothing would ever move again; AWS does not say what it does then.
AWS: user guide, systems-manager-automation, quotas.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count, islice

from localorg.automation.records import TERMINAL, Execution

RUNNING_MAX = 100
RATE_CONTROLLED_MAX = 25
QUEUED_MAX = 1_000


@dataclass
class _Place:
    """One account and Region: ids that run, and per kind (rate-controlled or not) ids that wait with their number."""

    running: dict[str, bool] = field(default_factory=dict)
    queued: dict[bool, dict[str, int]] = field(default_factory=lambda: {False: {}, True: {}})

    def forget(self, execution_id: str) -> None:
        self.running.pop(execution_id, None)
        for waiting in self.queued.values():
            waiting.pop(execution_id, None)


class Quota:
    """Counts; `note` must hear of every change of a status."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], _Place] = {}
        self._children: dict[str, dict[str, bool]] = {}
        """id of a parent -> id of each child that has not ended -> does it run?"""
        self._parents: dict[str, str] = {}
        self._arrivals = count()

    def _place(self, account: str, region: str) -> _Place:
        return self._places.setdefault((account, region), _Place())

    def note(self, execution: Execution) -> None:
        """Take the status of `execution` into account."""
        place, execution_id = self._place(execution.account, execution.region), execution.execution_id
        waiting = place.queued[execution.is_rate_controlled]
        if execution.status == "Pending":
            waiting.setdefault(execution_id, next(self._arrivals))
        elif execution.status in TERMINAL:
            place.forget(execution_id)
        else:
            waiting.pop(execution_id, None)
            place.running[execution_id] = execution.is_rate_controlled
        if execution.parent is not None:
            self._note_child(execution, execution.parent.execution_id)

    def _note_child(self, execution: Execution, parent: str) -> None:
        if execution.status not in TERMINAL:
            self._parents[execution.execution_id] = parent
            self._children.setdefault(parent, {})[execution.execution_id] = execution.status != "Pending"
            return
        self._parents.pop(execution.execution_id, None)
        alive = self._children.get(parent, {})
        alive.pop(execution.execution_id, None)
        if not alive:
            self._children.pop(parent, None)

    def running(self, account: str, region: str) -> list[str]:
        """Return the ids of the executions at work."""
        return sorted(self._place(account, region).running)

    def has_room(self, account: str, region: str, *, rate_controlled: bool) -> bool:
        """Say whether one more execution may run."""
        running = self._place(account, region).running
        return len(running) < RUNNING_MAX and (not rate_controlled or sum(running.values()) < RATE_CONTROLLED_MAX)

    def _any_moves(self, running: Iterable[str]) -> bool:
        return any(self._moves(execution_id) for execution_id in running)

    def _moves(self, execution_id: str) -> bool:
        """Say whether an execution can go on, itself or by a child that runs."""
        children = self._children.get(execution_id)
        return not children or any(runs and self._moves(child) for child, runs in children.items())

    def has_queue_room(self, account: str, region: str, *, rate_controlled: bool) -> bool:
        """Say whether one more execution may wait."""
        return len(self._place(account, region).queued[rate_controlled]) < QUEUED_MAX

    def next_in(self, account: str, region: str) -> str | None:
        """Return the id of the execution that is to leave the queue now, or None."""
        place = self._place(account, region)
        plain, alike = place.queued[False], place.queued[True]
        if len(place.running) >= RUNNING_MAX:
            return None if self._any_moves(place.running) else self._deepest({**plain, **alike})
        heads = list(islice(plain.items(), 1))
        limited = [execution_id for execution_id, is_alike in place.running.items() if is_alike]
        if len(limited) < RATE_CONTROLLED_MAX:
            heads += islice(alike.items(), 1)
        elif not heads and not self._any_moves(limited):
            return self._deepest(alike)
        return min(heads, key=lambda head: head[1])[0] if heads else None

    def _deepest(self, queued: dict[str, int]) -> str | None:
        """Return the one with the most ancestors, the first of equals."""
        return min(queued, key=lambda execution_id: (-self._depth(execution_id), queued[execution_id]), default=None)

    def _depth(self, execution_id: str) -> int:
        parent = self._parents.get(execution_id)
        return 1 + self._depth(parent) if parent is not None else 0
