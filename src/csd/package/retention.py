"""Which versions of a package may be deleted from Distributor: facts -> keep or delete, with every reason.

A node that has a version needs its document for Uninstall too (the agent reads the manifest before any action), so a version that may be
on any node stays. So does what a person may want to go back to.

Rules: pure. What is not known speaks for keeping: a node or a place that told nothing may have any version.
Refuses to know: how the facts were found, and how anything is deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Version:
    """One version in one Region's Distributor; `number` is AWS's own count."""

    name: str
    number: int
    status: str
    is_default: bool
    created: datetime


@dataclass(frozen=True)
class Fleet:
    """What is known of the nodes that one Region's versions may be on.

    `installed`: {version: nodes that may have it by what they said}. `asked`: {version: when a command last asked for it}.
    `wanted`: {version: the association that names it}. `silent`: nodes whose words tell neither what they have nor that they have none.
    `unread`: places that could not be read at all, with the reason.
    """

    installed: Mapping[str, int] = field(default_factory=dict)
    asked: Mapping[str, datetime] = field(default_factory=dict)
    wanted: Mapping[str, str] = field(default_factory=dict)
    silent: Sequence[str] = ()
    unread: Sequence[str] = ()


@dataclass(frozen=True)
class Policy:
    """How far back a person may want to go: the last `keep` versions, and all that was used within `window`.

    `silent_have_none` is a person's word that nodes which tell nothing have no version.
    """

    keep: int = 5
    window: timedelta = timedelta(days=30)
    silent_have_none: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """One version's fate: `reasons` to keep it, none when it may go."""

    version: Version
    reasons: tuple[str, ...]

    @property
    def deletes(self) -> bool:
        """True when nothing speaks for keeping it."""
        return not self.reasons


def decide(versions: Sequence[Version], fleet: Fleet, policy: Policy, now: datetime) -> list[Decision]:
    """The fate of each version, newest first."""
    newest_first = sorted(versions, key=lambda version: -version.number)
    good = [version for version in newest_first if version.status == "Active"]
    last = {version.number for version in good[: policy.keep]}
    back = {good[place + 1].number for place, version in enumerate(good[:-1]) if version.is_default}
    return [Decision(version, tuple(_reasons(version, last, back, fleet, policy, now))) for version in newest_first]


def _reasons(version: Version, last: set[int], back: set[int], fleet: Fleet, policy: Policy, now: datetime) -> list[str]:
    since = now - policy.window
    asked = fleet.asked.get(version.name)
    found = {
        "the default": version.is_default,
        # AWS tells no history of defaults: the version before this one may have been it until a moment ago.
        "the one before the default": version.number in back,
        "it has no name": not version.name,
        f"{version.status}, not settled": version.status not in ("Active", "Failed"),
        f"installed on {_count(fleet.installed.get(version.name, 0), 'node')}": fleet.installed.get(version.name, 0) > 0,
        f"association {fleet.wanted.get(version.name)} names it": version.name in fleet.wanted,
        f"one of the last {policy.keep}": version.number in last,
        f"published within {policy.window.days} days": version.created >= since,
        f"a command asked for it within {policy.window.days} days": asked is not None and asked >= since,
    }
    reasons = [reason for reason, holds in found.items() if holds]
    if fleet.unread:
        reasons.append(f"{_count(len(fleet.unread), 'place')} could not be read, whose nodes may have it")
    if fleet.silent and not policy.silent_have_none:
        reasons.append(f"{_count(len(fleet.silent), 'node')} told nothing, and may have it")
    return reasons


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
