"""How csd package test looks to people: steps by node, what the package changed by platform, the last words of what failed.

Refuses to know: what it shows means.
"""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from csd.cli import screen
from csd.package.trial.course import Outcome
from csd.package.trial.differences import Differences
from csd.package.trial.judging import Verdict
from csd.report.trial import NodeVerdict, Trial, by_platform

_STYLES = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.NOT_RUN: "dim"}
LISTED_MAX = 25


def show(trial: Trial) -> None:
    """All of it on stdout."""
    _show_steps(trial)
    for platform, nodes in by_platform(trial):
        changes = nodes[0].changes
        if changes is not None:
            screen.data(f"\n{platform} ({', '.join(node.node for node in nodes)}): the install")
            _show_differences(changes)
    for names, outcome in _failures(trial):
        _show_failure(names, outcome)
    for line in _summary(trial):
        screen.data(line)


def _show_steps(trial: Trial) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    table = Table(box=None, pad_edge=False)
    for heading in ("NODE", "PLATFORM", "STEP", "VERDICT", "SECONDS", "WHY"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "WHY")
    for node in trial.nodes:
        if not node.outcomes:
            table.add_row(
                node.node,
                node.platform or "-",
                "-",
                Text(node.verdict.value, style="yellow"),
                "-",
                Text(screen.harmless(node.why)),
            )
        for outcome in node.outcomes:
            seconds = f"{outcome.seconds:.1f}" if outcome.seconds is not None else "-"
            verdict = Text(outcome.verdict.value, style=_STYLES[outcome.verdict])
            table.add_row(node.node, node.platform, outcome.id, verdict, seconds, Text(screen.harmless(outcome.why)))
    console.print(table)


def _show_differences(found: Differences) -> None:
    lines = [
        f"  {sign} {change.name}  {change.how}".rstrip()
        for sign, changes in (("+", found.added), ("~", found.changed), ("-", found.removed))
        for change in changes
    ]
    for line in lines[:LISTED_MAX] or ["  changed nothing"]:
        screen.data(line)
    if len(lines) > LISTED_MAX:
        screen.data(f"  … and {len(lines) - LISTED_MAX} more; --json has them all")
    if found.bookkeeping:
        screen.data(f"  and {found.bookkeeping} of the system's own books (package database, logs, caches)")


def _failures(trial: Trial) -> list[tuple[list[str], Outcome]]:
    """What failed and has more to show than the table's WHY, once for all nodes that say the same of it."""
    found: dict[tuple[object, ...], tuple[list[str], Outcome]] = {}
    for node in trial.nodes:
        for one in node.outcomes:
            lines = one.said.last_lines if one.said else ()
            if one.verdict is Verdict.FAILED and (one.found or lines):
                key = (one.id, one.why, one.found, lines)
                found.setdefault(key, ([], one))[0].append(node.node)
    return list(found.values())


def _show_failure(names: list[str], outcome: Outcome) -> None:
    screen.data(f"\n{', '.join(names)} {outcome.id}: {outcome.why}")
    if outcome.found:
        _show_differences(outcome.found)
    for line in outcome.said.last_lines if outcome.said else ():
        screen.data(f"  | {line}")


def _summary(trial: Trial) -> list[str]:
    counts = ", ".join(
        f"{sum(node.verdict is verdict for node in trial.nodes)} {verdict.value}"
        for verdict in NodeVerdict
        if any(node.verdict is verdict for node in trial.nodes)
    )
    versions = f"{trial.older} -> {trial.version}" if trial.older else trial.version
    kept = [f"kept: {what}" for what in trial.kept]
    return [
        "",
        f"version {versions} on {screen.counted(len(trial.nodes), 'node')}: {counts}",
        *kept,
        *(f"remains: {what}" for what in trial.remains),
    ]
