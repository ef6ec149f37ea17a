"""How many at a time, and when to stop: MaxConcurrency, MaxErrors and the ramp-up of parents. Pure.

Flow: limits as given + how many there are -> `Limits`; a `Group` (the pairs of one location, or the targets of one run) counts what
happened -> `startable`.
Rules: MaxErrors N tolerates N errors; error N + 1 stops further starts, what runs may finish. Targets ramp up: one, then one more for each
that has ended, so two, four, eight in step, never more than MaxConcurrency.
AWS: API StartAutomationExecution, MaxConcurrency and MaxErrors; user guide, running-automations-scale-controls.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from localorg.automation.records import StepRecord
from localorg.kernel.amounts import amount

GOOD_OR_OPEN = frozenset({"Pending", "InProgress", "Success"})


@dataclass(frozen=True)
class Limits:
    """`concurrency` may be at work at once, `errors` are tolerated (None: any number)."""

    concurrency: int
    errors: int | None
    ramps: bool = False


def limits(max_concurrency: str, max_errors: str, total: int, rounding: str, *, ramps: bool = False) -> Limits:
    """Return the limits that "10" or "10%" mean for `total`; an empty `max_errors` tolerates everything."""
    errors = amount(max_errors, total, rounding) if max_errors else None
    # ASSUMED: a percentage of MaxConcurrency never comes down to nobody at all.
    return Limits(max(1, amount(max_concurrency, total, rounding)), errors, ramps)


@dataclass
class Group:
    """The steps of a parent that share limits: ids of those that wait, in order, and counts of the others."""

    waiting: deque[str] = field(default_factory=deque)
    running: int = 0
    ended: int = 0
    errors: int = 0

    @property
    def total(self) -> int:
        """How many there are in all."""
        return len(self.waiting) + self.running + self.ended

    def is_beyond(self, allowed: Limits) -> bool:
        """Say whether the errors end the starting."""
        return allowed.errors is not None and self.errors > allowed.errors

    def startable(self, allowed: Limits) -> int:
        """Return how many of the waiting may be started now."""
        if self.is_beyond(allowed):
            return 0
        window = min(allowed.concurrency, 1 + self.ended) if allowed.ramps else allowed.concurrency
        return max(0, min(len(self.waiting), window - self.running))

    def end(self, status: str) -> None:
        """Count one that was running and has ended."""
        self.running -= 1
        self.ended += 1
        self.errors += status != "Success"


def grouped(records: Iterable[StepRecord]) -> dict[int, Group]:
    """Return the groups that the rows of a parent show, by number."""
    groups: dict[int, Group] = {}
    for record in records:
        group = groups.setdefault(record.state["group"], Group())
        if record.status == "Pending":
            group.waiting.append(record.step_id)
        elif record.status == "InProgress":
            group.running += 1
        else:
            group.ended += 1
            group.errors += record.status not in GOOD_OR_OPEN
    return groups
