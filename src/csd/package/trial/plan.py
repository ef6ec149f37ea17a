"""What is done to a node, in order: steps that must come to something, looks at its files, and comparisons of two looks.

Flow: plan(with_older) -> (Look | Step | Compare, ...). A node goes through it as far as what each one needs has passed.

Rules: pure. The upgrade comes first, as nodes will meet it: with a version that they have never heard of. The failing version is made
known before it is installed: else the agent would roll back to what has just failed (ADR 0031). Refuses to know: AWS, a node's answers.
"""

from dataclasses import dataclass
from enum import StrEnum


class Version(StrEnum):
    """Which of the three versions a step is about."""

    NEW = "new"
    OLDER = "older"
    BROKEN = "broken"


class Goal(StrEnum):
    """What a step must come to."""

    INSTALLED = "installed"
    VALID = "valid"
    KNOWN = "known"
    ROLLED_BACK = "rolled back"
    UPDATED = "updated"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the agent: install or uninstall `version`. It is run only where all that it `needs` has passed."""

    id: str
    goal: Goal
    version: Version
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """A look at the files of the node. It is taken whether or not steps passed, where `after` was run."""

    id: str
    after: str = ""
    whole: bool = False
    """Whether all is told, not only what has changed since the first look."""


@dataclass(frozen=True, slots=True)
class Compare:
    """Two looks. `exact`: nothing may differ; else the same paths must be there, and contents are only told."""

    id: str
    first: str
    second: str
    exact: bool
    needs: tuple[str, ...] = ()


Item = Step | Look | Compare
BEFORE, UPGRADED, CLEAN, INSTALLED, ROLLED_BACK, REMOVED, END = (
    "before", "upgraded", "clean", "installed", "rolled back", "removed", "end",
)  # fmt: skip
INSTALL, VALIDATE, ANNOUNCE, ROLLBACK, STILL_VALID, UNINSTALL = (
    "install", "validate", "announce failing", "fail and roll back", "validate again", "uninstall",
)  # fmt: skip
OLDER, UPGRADE, UPGRADED_VALID, UPGRADE_GONE = "install older", "upgrade", "validate upgrade", "uninstall upgrade"
OLDER_AGAIN, UPDATE, UPDATED_VALID, UPDATE_GONE = "install older again", "update in place", "validate update", "uninstall update"
LEFT, ROLLBACK_LEFT, UPGRADE_DIFFERS = "left by uninstall", "left by rollback", "upgrade against install"
UPGRADE_LEFT, UPDATE_LEFT = "left by upgrade", "left by update"

_UPGRADE: tuple[Item, ...] = (
    Look(BEFORE),
    Step(OLDER, Goal.INSTALLED, Version.OLDER),
    Step(UPGRADE, Goal.INSTALLED, Version.NEW, (OLDER,)),
    Look(UPGRADED, UPGRADE),
    Step(UPGRADED_VALID, Goal.VALID, Version.NEW, (UPGRADE,)),
    Step(UPGRADE_GONE, Goal.REMOVED, Version.NEW, (OLDER,)),
)
_FRESH: tuple[Item, ...] = (
    Look(CLEAN),
    Step(INSTALL, Goal.INSTALLED, Version.NEW),
    Look(INSTALLED, INSTALL),
    Step(VALIDATE, Goal.VALID, Version.NEW, (INSTALL,)),
    Step(ANNOUNCE, Goal.KNOWN, Version.BROKEN, (INSTALL,)),
    Step(ROLLBACK, Goal.ROLLED_BACK, Version.BROKEN, (ANNOUNCE,)),
    Look(ROLLED_BACK, ROLLBACK),
    Compare(ROLLBACK_LEFT, INSTALLED, ROLLED_BACK, exact=False, needs=(ROLLBACK,)),
    Step(STILL_VALID, Goal.VALID, Version.NEW, (ROLLBACK,)),
    Step(UNINSTALL, Goal.REMOVED, Version.NEW, (INSTALL,)),
    Look(REMOVED, INSTALL),
    Compare(LEFT, CLEAN, REMOVED, exact=True),
)
_UPDATE: tuple[Item, ...] = (
    Compare(UPGRADE_DIFFERS, INSTALLED, UPGRADED, exact=False, needs=(UPGRADE, INSTALL)),
    Compare(UPGRADE_LEFT, BEFORE, CLEAN, exact=True, needs=(OLDER,)),
    Step(OLDER_AGAIN, Goal.INSTALLED, Version.OLDER, (UNINSTALL,)),
    Step(UPDATE, Goal.UPDATED, Version.NEW, (OLDER_AGAIN,)),
    Step(UPDATED_VALID, Goal.VALID, Version.NEW, (UPDATE,)),
    Step(UPDATE_GONE, Goal.REMOVED, Version.NEW, (OLDER_AGAIN,)),
    Look(END, OLDER_AGAIN),
    Compare(UPDATE_LEFT, REMOVED, END, exact=True, needs=(OLDER_AGAIN,)),
)


def plan(*, with_older: bool) -> tuple[Item, ...]:
    """The whole plan."""
    return _UPGRADE + _FRESH + _UPDATE if with_older else _FRESH


def action(goal: Goal) -> str:
    """The action of AWS-ConfigureAWSPackage."""
    return "Uninstall" if goal in (Goal.REMOVED, Goal.KNOWN) else "Install"
