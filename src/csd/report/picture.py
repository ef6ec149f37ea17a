"""One picture of the fleet from what nodes have said.

Flow: Wanted + NodeFacts (words newest first) -> Row a node -> Picture.

Rules: the newest words that tell of a version decide which version a node has; the newest of all decide what is wrong with it.
No words, no version. A picture is complete only when every targeted node is as wanted and every place could be read.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """How a node stands towards what is wanted."""

    AS_WANTED = "as wanted"
    OTHER_VERSION = "other version"
    FAILED = "failed"
    ROLLED_BACK = "rolled back"
    UNREACHABLE = "unreachable"
    WAITING = "waiting"
    NEVER_ASKED = "never asked"
    NOT_MANAGED = "not managed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the association asks for. `action` is Install or Uninstall; `version` may be '' for Uninstall."""

    package: str
    version: str
    action: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one command came to on one node: AWS's status words, and the node's own text."""

    at: datetime
    status: str
    details: str
    output: str
    error: str
    command_id: str


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """One targeted node; `said` is newest first. `ping` is AWS's word, '' when the node is not managed."""

    account: str
    region: str
    node: str
    ping: str = ""
    last_ping: datetime | None = None
    platform: str = ""
    said: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One node's line. `version` is what its own words told at `version_at`; '' and None when they told none."""

    facts: NodeFacts
    state: State
    version: str
    version_at: datetime | None
    why: str
    command_id: str


@dataclass(frozen=True, slots=True)
class LastRun:
    """What came of the association's last run: AWS's status, when it began, and why it failed ('' if it has not)."""

    status: str
    at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All rows, the places that could not be read with the reason, and the last run (None before the first)."""

    wanted: Wanted
    as_of: datetime
    rows: tuple[Row, ...]
    unread: tuple[str, ...] = ()
    left_out: tuple[str, ...] = field(default=())
    last_run: LastRun | None = None

    @property
    def complete(self) -> bool:
        """True when at least one node is targeted, all are as wanted, and nothing was unreadable."""
        return bool(self.rows) and not self.unread and all(row.state is State.AS_WANTED for row in self.rows)

    def count(self, state: State) -> int:
        """Nodes in this state."""
        return sum(row.state is state for row in self.rows)


# AWS: amazon-ssm-agent configurepackage: the sentences by which a node tells what it has. NAME is the ARN of a shared package.
_HAS = re.compile(
    r"^(?:Successfully (?:installed|updated) (?P<new>\S+) (?P<new_version>\S+)"
    r"|(?P<old>\S+) (?P<old_version>\S+) is already installed"
    r"|Failed to \w+ \S+ \S+, successfully rolled back to (?P<back>\S+) (?P<back_version>\S+))\s*$",
    re.MULTILINE,
)
_BEGUN = re.compile(r"^Initiating (?P<name>\S+) (?P<version>\S+) \w+\s*$", re.MULTILINE)
_GONE = re.compile(r"^Successfully uninstalled \S+ \S+\s*$", re.MULTILINE)
_LACKS = re.compile(r"^version: (?P<lacks>\S*) ?is not installed\s*$", re.MULTILINE)
_TRACE = re.compile(r"Traceback \(most recent call last\):\n(?:  .*\n)*")
_POINTER = re.compile(r"\.? Please refer to Automation Service Troubleshooting Guide for more diagnosis details\.")
_REACHED_NOBODY = ("DeliveryTimedOut", "Undeliverable")
_UNDER_WAY = ("Pending", "InProgress", "Delayed", "Cancelling")
_WHY_CHARS = 600


def draw(
    wanted: Wanted,
    nodes: list[NodeFacts],
    as_of: datetime,
    unread: list[str],
    left_out: list[str],
    last_run: LastRun | None = None,
) -> Picture:
    """The picture, rows in the order account, Region, node."""
    rows = sorted((row_of(wanted, facts) for facts in nodes), key=lambda r: (r.facts.account, r.facts.region, r.facts.node))
    return Picture(wanted, as_of, tuple(rows), tuple(unread), tuple(left_out), last_run)


def row_of(wanted: Wanted, facts: NodeFacts) -> Row:
    """One node's line."""
    version, version_at = told_version(wanted.package, facts.said)
    newest = facts.said[0] if facts.said else None
    if newest is None:
        state, why = (
            (State.NEVER_ASKED, "no command for this package has been sent to it")
            if facts.ping
            else (State.NOT_MANAGED, "no account and Region that were read have a managed node of this id")
        )
        return Row(facts, state, "", None, why, "")
    state, why = _judge(wanted, newest, version)
    return Row(facts, state, version, version_at, why, newest.command_id)


def _judge(wanted: Wanted, newest: Said, version: str) -> tuple[State, str]:
    if newest.details in _REACHED_NOBODY:
        return State.UNREACHABLE, f"{newest.details}: the node did not take the command"
    if newest.status in _UNDER_WAY:
        return State.WAITING, newest.details
    if newest.status != "Success":
        rolled_back = "successfully rolled back to" in newest.output + newest.error
        return State.ROLLED_BACK if rolled_back else State.FAILED, own_words(newest)
    good = not version if wanted.action == "Uninstall" else version == wanted.version
    if good:
        return State.AS_WANTED, ""
    return State.OTHER_VERSION, f"has {version or 'none'}, wanted {'none' if wanted.action == 'Uninstall' else wanted.version}"


def own_words(said: Said) -> str:
    """The end of what the node wrote, errors first; AWS's word where it wrote nothing."""
    text = (said.error or said.output).strip()
    return f"{said.details}: {text[-_WHY_CHARS:]}" if text else said.details


def told_version(package: str, said: tuple[Said, ...]) -> tuple[str, datetime | None]:
    """(version, when) of the newest words that tell whether the package is there; ('', None) when none do."""
    lacks, lacks_at = "", None
    for words in said:
        told = tells(package, words)
        if told is None:
            continue
        version, certain = told
        if certain:
            return ("", lacks_at) if lacks_at and version == lacks else (version, words.at)
        if lacks_at is None:
            lacks, lacks_at = version, words.at
    return "", lacks_at


def tells(package: str, words: Said) -> tuple[str, bool] | None:
    """What one command's words tell: (the version that is there or '', True); (a version that is not there, False); or nothing."""
    text = words.output + "\n" + words.error
    has = [m for m in _HAS.finditer(text) if is_package(m["new"] or m["old"] or m["back"] or "", package)]
    if has:
        return has[-1]["new_version"] or has[-1]["old_version"] or has[-1]["back_version"] or "", True
    lacks = _LACKS.search(text)
    if lacks:
        # AWS: agent: asked to remove another version than is there, it says only that this one is not: another one may be.
        return ("", True) if lacks["lacks"] in ("", "latest") else (lacks["lacks"], False)
    if _GONE.search(text) or words.status == "Failed":
        return "", True
    return None


def leaves(package: str, said: tuple[Said, ...]) -> tuple[frozenset[str], bool]:
    """(versions that may be on a node by its words, newest first; whether they are conclusive: nothing else can be there).

    Other than `told_version` it takes a failure for no proof of absence: what was there before may still be.
    """
    versions: set[str] = set()
    for words in said:
        text = words.output + "\n" + words.error
        begun = {found["version"] for found in _BEGUN.finditer(text) if is_package(found["name"], package)}
        told = tells(package, words)
        if told is not None and told[0] and told[1]:
            return frozenset({*versions, told[0]}), True
        if words.status != "Success":
            versions |= begun
        elif told == ("", True):
            return frozenset(versions), True
    return frozenset(versions), False


def is_package(told: str, package: str) -> bool:
    """Nodes call a shared package by its ARN, an owned one by its name."""
    return told == package or told.endswith(f":document/{package}")


def plain(failure: str) -> str:
    """Automation's failure message without Python's trace, the sentence that follows it again, and the pointer to a guide."""
    lines = _TRACE.sub("", _POINTER.sub("", failure)).splitlines()
    return "\n".join(line for n, line in enumerate(lines) if line and not any(line in earlier for earlier in lines[:n]))
