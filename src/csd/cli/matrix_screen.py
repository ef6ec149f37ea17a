"""How csd package matrix looks: tables for people, JSON for machines. Data on stdout alone.

Refuses to know: what it shows means.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from csd.cli import screen
from csd.package.matching.reach import holes, unreachable
from csd.package.matching.walk import Match, NoMatch, Packages
from csd.report.matrix import FleetMatrix, MachineLine, SystemLine, Verdict

_STYLES = {Verdict.ZIP: "", Verdict.NONE: "red", Verdict.OPEN: "yellow"}


def _table(headings: Sequence[str], rows: Iterable[tuple[Sequence[str], str]]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading not in ("WHY", "ZIP"))
    for cells, style in rows:
        table.add_row(*(Text(screen.harmless(cell), style=style) for cell in cells))
    console.print(table)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        screen.data(line)


def show_systems(packages: Packages, lines: list[SystemLine]) -> None:
    """The table of systems, what no node reaches, and who falls between."""
    rows = []
    for line in lines:
        one, found = line.system, line.found
        told = (found.file, "") if isinstance(found, Match) else ("none", found.because)
        rows.append(((one.name, one.platform, one.version, one.architecture, *told), "" if isinstance(found, Match) else "dim"))
    _table(("SYSTEM", "PLATFORM", "VERSION", "ARCH", "ZIP", "WHY"), rows)
    served = sum(isinstance(line.found, Match) for line in lines)
    _say([f"{served} of {len(lines)} systems get a zip", *(f"unreachable: {one}" for one in unreachable(packages))])
    _say(f"hole: {hole}" for hole in holes(packages))


def show_fleet(matrix: FleetMatrix) -> None:
    """The nodes of the fleet, and the sum in words."""
    rows = [
        (
            (line.machine.account, line.machine.region, line.machine.node, _platform(line), line.machine.architecture or "?",
             line.zip, line.why),
            _STYLES[line.verdict],
        )
        for line in matrix.lines
    ]  # fmt: skip
    _table(("ACCOUNT", "REGION", "NODE", "PLATFORM", "ARCH", "ZIP", "WHY"), rows)
    counts = ", ".join(f"{matrix.count(verdict)} {verdict.value}" for verdict in Verdict if matrix.count(verdict))
    _say([f"{len(matrix.lines)} nodes: {counts or 'no managed node is targeted'}"])
    _say([*(f"could not read {place}" for place in matrix.unread), *(f"left out: {account}" for account in matrix.left_out)])


def _platform(line: MachineLine) -> str:
    return f"{line.machine.platform_name} {line.machine.platform_version}".strip()


def systems_json(packages: Packages, lines: list[SystemLine]) -> dict[str, Any]:
    """The table of systems as stable JSON."""
    return {
        "systems": [
            {
                "name": line.system.name, "platform": line.system.platform, "version": line.system.version,
                "architecture": line.system.architecture, "source": line.system.source, **_found_json(line.found),
            }
            for line in lines
        ],
        "unreachable": [{"entry": str(one.entry), "because": one.because} for one in unreachable(packages)],
        "holes": [
            {"platform": hole.platform, "version": hole.version or None, "missing": hole.missing, "wider": str(hole.wider)}
            for hole in holes(packages)
        ],
    }  # fmt: skip


def _found_json(found: Match | NoMatch) -> dict[str, Any]:
    if isinstance(found, Match):
        return {"zip": found.file, "entry": str(found.entry)}
    return {"zip": None, "said": found.said, "because": found.because}


def fleet_json(matrix: FleetMatrix) -> dict[str, Any]:
    """The nodes of the fleet as stable JSON."""
    return {
        "complete": matrix.complete,
        "counts": {verdict.value: matrix.count(verdict) for verdict in Verdict},
        "nodes": [
            {
                "account": line.machine.account, "region": line.machine.region, "node": line.machine.node,
                "platformName": line.machine.platform_name, "platformVersion": line.machine.platform_version,
                "architecture": line.machine.architecture or None, "verdict": line.verdict.value, "why": line.why,
                "mayBe": [
                    {"platform": node.platform, "version": node.version, "architecture": node.architecture, **_found_json(found)}
                    for node, found in line.outcomes
                ],
            }
            for line in matrix.lines
        ],
        "unread": list(matrix.unread),
        "leftOut": list(matrix.left_out),
    }  # fmt: skip
