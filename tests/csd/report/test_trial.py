"""The report of a trial: passed only when all is well, told by platform, the same in the table and in JSON."""

import dataclasses

import pytest

from csd.cli import trial_screen
from csd.package.trial.course import Outcome
from csd.package.trial.differences import Change, Differences
from csd.package.trial.judging import Said, Verdict
from csd.report.trial import NodeTrial, NodeVerdict, Trial, by_platform, trial_json, verdict_of

CHANGES = Differences((Change("/opt/x", "file", "0644 0:0 5 bytes"),), bookkeeping=3)
FAILED = Outcome("install", Verdict.FAILED, "the install failed", Said("Failed", "", "a\nno licence\nexit status 5", 1.25))
GOOD = NodeTrial("i-1", "Ubuntu 22.04", "a.zip", NodeVerdict.PASSED, "", (Outcome("install", Verdict.PASSED),), CHANGES)
BAD = NodeTrial("i-2", "Ubuntu 22.04", "a.zip", NodeVerdict.FAILED, "", (FAILED,), CHANGES)
AWAY = NodeTrial("i-3", "", "", NodeVerdict.UNREACHABLE, "its agent is ConnectionLost")


def test_a_trial_has_passed_only_when_all_has() -> None:
    """Every node, and nothing remains that should not; no node at all is no success."""
    good = Trial("1.0", "", "csd-trial-x", (GOOD,))
    assert good.passed
    assert not dataclasses.replace(good, nodes=(GOOD, AWAY)).passed
    assert not dataclasses.replace(good, remains=("document csd-trial-x",)).passed
    assert not dataclasses.replace(good, nodes=()).passed
    assert verdict_of(()) is NodeVerdict.FAILED


def test_nodes_of_a_platform_that_changed_alike_are_told_once() -> None:
    """And those that were not looked at are not told."""
    assert by_platform(Trial("1.0", "", "d", (GOOD, BAD, AWAY))) == [("Ubuntu 22.04", [GOOD, BAD])]


def test_the_table_tells_steps_changes_last_words_and_what_remains(capsys: pytest.CaptureFixture[str]) -> None:
    """In this order, on stdout."""
    trial_screen.show(Trial("1.0", "0.9", "d", (GOOD, BAD, AWAY), ("document d",), ("i-2: may still hold parts of the package",)))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert [line.split()[0] for line in lines[1:4]] == ["i-1", "i-2", "i-3"]
    assert "its agent is ConnectionLost" in lines[3]
    assert lines[4:] == [
        "", "Ubuntu 22.04 (i-1, i-2): the install", "  + /opt/x  0644 0:0 5 bytes",
        "  and 3 of the system's own books (package database, logs, caches)",
        "", "i-2 install: the install failed", "  | a", "  | no licence", "  | exit status 5",
        "", "version 0.9 -> 1.0 on 3 nodes: 1 passed, 1 failed, 1 unreachable", "kept: document d",
        "remains: i-2: may still hold parts of the package",
    ]  # fmt: skip


def test_json_has_the_whole_output() -> None:
    """And says whether it is whole."""
    (told,) = trial_json(Trial("1.0", "", "d", (BAD,)))["nodes"]
    (step,) = told["steps"]
    wanted = {"verdict": "failed", "seconds": 1.25, "errors": "a\nno licence\nexit status 5", "outputIsWhole": True}
    assert wanted.items() <= step.items()
    assert told["changes"]["added"] == [{"name": "/opt/x", "kind": "file", "how": "0644 0:0 5 bytes"}]
