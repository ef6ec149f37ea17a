"""A node's way through the plan: which items it takes, what came of each, what it may still hold.

Rules: pure. An item whose needs have not passed is not run, and says why. Refuses to know: how commands reach the node.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from csd.package.trial.changes import LookAgain, NotWhole
from csd.package.trial.differences import Differences, differences
from csd.package.trial.judging import Said, Verdict, judge
from csd.package.trial.plan import OLDER_AGAIN, UPDATE, Compare, Goal, Item, Look, Step
from csd.package.trial.snapshot import Snapshot, read_snapshot

NOT_STORED = "the node stored nothing in the bucket: its role needs s3:PutObject there (csd package test --rights)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one item. `found` is None but for comparisons; `said` but for commands."""

    id: str
    verdict: Verdict
    why: str = ""
    said: Said | None = None
    found: Differences | None = None

    @property
    def seconds(self) -> float | None:
        """How long the node worked on it."""
        return self.said.seconds if self.said else None


@dataclass
class Course:
    """One node. `scripts` are those in its zip ('validate', 'update'); `may_leave` are globs that comparisons pass over."""

    scripts: frozenset[str]
    may_leave: tuple[str, ...] = ()
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    looks: dict[str, Snapshot] = field(default_factory=dict)
    holds: bool = False
    """True while something of the package may be on the node."""

    def takes(self, item: Item) -> bool:
        """Whether the node takes part in it now; else that is noted."""
        if isinstance(item, Look):
            after = self.outcomes.get(item.after)
            return not item.after or (after is not None and after.verdict is not Verdict.NOT_RUN)
        lacking = next((need for need in item.needs if not self._passed(need)), "")
        why = f"{lacking!r} has not passed" if lacking else ""
        if item.id in (OLDER_AGAIN, UPDATE) and "update" not in self.scripts:
            why = "the package has no update script"
        if why:
            self.outcomes[item.id] = Outcome(item.id, Verdict.NOT_RUN, why)
        elif isinstance(item, Step) and item.goal not in (Goal.REMOVED, Goal.KNOWN):
            self.holds = True
        return not why

    def answered(self, step: Step, said: Said) -> None:
        """Judge a step."""
        judged = judge(step.goal, said, validates="validate" in self.scripts)
        if step.goal is Goal.REMOVED and judged.verdict is Verdict.PASSED:
            self.holds = False
        self.outcomes[step.id] = Outcome(step.id, judged.verdict, judged.why, said)

    @property
    def first(self) -> Snapshot | None:
        """The first look, by which later ones are told."""
        return next(iter(self.looks.values()), None)

    def looked(self, look: Look, said: Said) -> bool:
        """Take a look in, or note why it cannot be used. False: the node must be looked at again, as a whole."""
        name = f"look {look.id!r}"
        try:
            if said.status != "Success":
                raise NotWhole(f"the command ended {said.detail or said.status}")
            self.looks[look.id] = read_snapshot(said.out, self.first)
        except NotWhole as broken:
            if isinstance(broken, LookAgain) and not look.whole:
                return False
            why = str(broken) if said.whole else NOT_STORED
            self.outcomes[name] = Outcome(name, Verdict.FAILED, why, Said(said.status, "", said.err, said.seconds))
        return True

    def compare(self, item: Compare) -> None:
        """Compare two looks."""
        first, second = self.looks.get(item.first), self.looks.get(item.second)
        if first is None or second is None:
            self.outcomes[item.id] = Outcome(item.id, Verdict.NOT_RUN, "there are no two looks to compare")
            return
        found = differences(first, second).without(self.may_leave)
        paths = [*found.added, *found.removed, *(found.changed if item.exact else ())]
        verdict, why = (Verdict.FAILED, _told(found, exact=item.exact)) if paths else (Verdict.PASSED, "")
        self.outcomes[item.id] = Outcome(item.id, verdict, why, found=found)

    def between(self, first: str, second: str) -> Differences | None:
        """What differs between two looks, where both were taken."""
        if first not in self.looks or second not in self.looks:
            return None
        return differences(self.looks[first], self.looks[second])

    def _passed(self, name: str) -> bool:
        outcome = self.outcomes.get(name)
        return outcome is not None and outcome.verdict is Verdict.PASSED


def _told(found: Differences, *, exact: bool) -> str:
    words = (("more", found.added), ("fewer", found.removed), ("changed", found.changed if exact else ()))
    return ", ".join(
        f"{len(changes)} {word}: {changes[0].name}{' …' if len(changes) > 1 else ''}" for word, changes in words if changes
    )


Sender = Callable[[Step | Look, dict[str, Course]], dict[str, Said]]


def follow(items: tuple[Item, ...], courses: dict[str, Course], send: Sender, tell: Callable[[str], None]) -> None:
    """Take all nodes through the plan together: each item at once on all that take it."""
    for item in items:
        taking = {node: course for node, course in courses.items() if course.takes(item)}
        if isinstance(item, Compare):
            for course in taking.values():
                course.compare(item)
        elif isinstance(item, Look):
            _look(item, taking, send)
        elif taking:
            for node, said in send(item, taking).items():
                taking[node].answered(item, said)
        if isinstance(item, Step | Compare):
            tell(f"{item.id}: {_tally(item.id, courses)}")


def _look(look: Look, taking: dict[str, Course], send: Sender) -> None:
    """Look at these nodes, and as a whole at those where changes alone do not tell."""
    for wish in (look, replace(look, whole=True)):
        said = send(wish, taking) if taking else {}
        taking = {node: taking[node] for node, told in said.items() if not taking[node].looked(wish, told)}


def _tally(name: str, courses: dict[str, Course]) -> str:
    verdicts = [course.outcomes[name].verdict for course in courses.values() if name in course.outcomes]
    return ", ".join(f"{verdicts.count(verdict)} {verdict.value}" for verdict in Verdict if verdict in verdicts)
