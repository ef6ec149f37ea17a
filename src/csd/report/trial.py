"""What a trial came to: verdict per node and step, what the package changed, and what remains. Trial -> JSON.

Rules: pure. A trial has passed only when every node that was named has, and nothing remains that should not.
Refuses to know: how it was found out, and how it is shown.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from csd.package.trial.course import Outcome
from csd.package.trial.differences import Change, Differences
from csd.package.trial.judging import Verdict


class NodeVerdict(StrEnum):
    """What is said of a node."""

    PASSED = "passed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    NO_ZIP = "no zip"


@dataclass(frozen=True, slots=True)
class NodeTrial:
    """One node: its verdict, the outcomes in order, and what the install changed on it (None: not known)."""

    node: str
    platform: str
    zip: str
    verdict: NodeVerdict
    why: str = ""
    outcomes: tuple[Outcome, ...] = ()
    changes: Differences | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """The whole of it. `kept` are what the caller asked to keep, `remains` what could not be taken away."""

    version: str
    older: str
    document: str
    nodes: tuple[NodeTrial, ...]
    kept: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all passed on all nodes."""
        return bool(self.nodes) and not self.remains and all(one.verdict is NodeVerdict.PASSED for one in self.nodes)


def verdict_of(outcomes: tuple[Outcome, ...]) -> NodeVerdict:
    """A node passes when something was run and nothing failed; what was not run says so by itself."""
    verdicts = {outcome.verdict for outcome in outcomes}
    return NodeVerdict.FAILED if Verdict.FAILED in verdicts or Verdict.PASSED not in verdicts else NodeVerdict.PASSED


def by_platform(trial: Trial) -> list[tuple[str, list[NodeTrial]]]:
    """Nodes of one platform that the install changed in the same way, told once."""
    groups: dict[tuple[str, Any], list[NodeTrial]] = {}
    for node in trial.nodes:
        if node.changes is not None:
            names = (tuple(c.name for c in node.changes.added), tuple(c.name for c in node.changes.changed),
                     tuple(c.name for c in node.changes.removed))  # fmt: skip
            groups.setdefault((node.platform, names), []).append(node)
    return [(platform, nodes) for (platform, _), nodes in groups.items()]


def trial_json(trial: Trial) -> dict[str, Any]:
    """The trial as stable JSON."""
    return {
        "version": trial.version, "older": trial.older or None, "document": trial.document, "passed": trial.passed,
        "nodes": [_node_json(node) for node in trial.nodes], "kept": list(trial.kept), "remains": list(trial.remains),
    }  # fmt: skip


def _node_json(node: NodeTrial) -> dict[str, Any]:
    return {
        "node": node.node, "platform": node.platform, "zip": node.zip or None, "verdict": node.verdict.value, "why": node.why,
        "changes": differences_json(node.changes) if node.changes else None,
        "steps": [
            {
                "step": one.id, "verdict": one.verdict.value, "why": one.why, "seconds": one.seconds,
                "status": one.said.status if one.said else None, "output": one.said.out if one.said else None,
                "errors": one.said.err if one.said else None, "outputIsWhole": one.said.whole if one.said else None,
                "differences": differences_json(one.found) if one.found else None,
            }
            for one in node.outcomes
        ],
    }  # fmt: skip


def differences_json(found: Differences) -> dict[str, Any]:
    """Added, changed and removed, each with its kind."""

    def told(changes: tuple[Change, ...]) -> list[dict[str, str]]:
        return [{"name": one.name, "kind": one.kind, "how": one.how} for one in changes]

    return {
        "added": told(found.added), "changed": told(found.changed), "removed": told(found.removed),
        "bookkeeping": found.bookkeeping,
    }  # fmt: skip
