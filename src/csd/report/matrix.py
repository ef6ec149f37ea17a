"""Who gets which zip of a package: the systems of the table, and the machines of a fleet.

Flow: packages + SYSTEMS -> SystemLine each; packages + Machine (what Systems Manager tells) -> every node that it may be, each walked
-> MachineLine.

Rules: pure. A machine gets a zip, or none, only where all that it may be come to the same; else that is not known, and both are shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from csd.package.matching.reported import possible_nodes
from csd.package.matching.systems import SYSTEMS, System
from csd.package.matching.walk import Match, Node, NoMatch, Packages, listed, which_zip


class Verdict(StrEnum):
    """Whether a machine gets a zip."""

    ZIP = "zip"
    NONE = "no zip"
    OPEN = "not known"


@dataclass(frozen=True, slots=True)
class SystemLine:
    """One system of the table, and what it gets."""

    system: System
    found: Match | NoMatch


@dataclass(frozen=True, slots=True)
class Machine:
    """A managed node as Systems Manager tells of it; `architecture` is '' where nobody says."""

    account: str
    region: str
    node: str
    platform_name: str
    platform_version: str
    architecture: str


@dataclass(frozen=True, slots=True)
class MachineLine:
    """A managed node, and what each node that it may be gets; no outcome where its system is not known."""

    machine: Machine
    outcomes: tuple[tuple[Node, Match | NoMatch], ...]

    @property
    def files(self) -> dict[str, list[Node]]:
        """{zip, '' for none: the nodes that get it}."""
        found: dict[str, list[Node]] = {}
        for node, outcome in self.outcomes:
            found.setdefault(outcome.file if isinstance(outcome, Match) else "", []).append(node)
        return found

    @property
    def verdict(self) -> Verdict:
        """What is sure."""
        files = self.files
        if len(files) != 1:
            return Verdict.OPEN
        return Verdict.NONE if "" in files else Verdict.ZIP

    @property
    def zip(self) -> str:
        """The zip, or for each thing that it may be the zip."""
        files = self.files
        if self.verdict is not Verdict.OPEN:
            return "".join(files) or "none"
        return "; ".join(f"{listed(self._words(nodes))}: {file or 'none'}" for file, nodes in files.items()) or "not known"

    def _words(self, nodes: list[Node]) -> list[str]:
        """What tells these nodes from the others."""
        several = len({node.version for node, _ in self.outcomes}) > 1
        return [f"{node.version} {node.architecture}" if several else node.architecture for node in nodes]

    @property
    def why(self) -> str:
        """Why none, or what would have to be known."""
        if not self.outcomes:
            return f"nobody here knows what the agent calls {self.machine.platform_name or 'a system without a name'}"
        reason = next((outcome.because for _, outcome in self.outcomes if isinstance(outcome, NoMatch)), "")
        if self.verdict is not Verdict.OPEN:
            return reason
        unknown = [word for word, told in (("architecture", {n.architecture for n, _ in self.outcomes}),) if len(told) > 1]
        unknown += ["kind of Windows"] if len({n.version for n, _ in self.outcomes}) > 1 else []
        return f"its {listed(unknown)} is not told; where none: {reason}" if reason else f"its {listed(unknown)} is not told"


@dataclass(frozen=True, slots=True)
class FleetMatrix:
    """All lines in the order account, Region, node; the places that could not be read, and what was left out."""

    lines: tuple[MachineLine, ...]
    unread: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """True when there are nodes, every one is sure to get a zip, and nothing was unreadable."""
        return bool(self.lines) and not self.unread and all(line.verdict is Verdict.ZIP for line in self.lines)

    def count(self, verdict: Verdict) -> int:
        """Nodes of this verdict."""
        return sum(line.verdict is verdict for line in self.lines)


def system_lines(packages: Packages) -> list[SystemLine]:
    """What every system of the table gets."""
    return [SystemLine(one, which_zip(packages, Node(one.platform, one.version, one.architecture))) for one in SYSTEMS]


def fleet_matrix(packages: Packages, machines: Iterable[Machine], unread: list[str], left_out: list[str]) -> FleetMatrix:
    """What every machine gets."""
    lines = []
    for machine in sorted(machines, key=lambda one: (one.account, one.region, one.node)):
        nodes = possible_nodes(machine.platform_name, machine.platform_version, machine.architecture)
        lines.append(MachineLine(machine, tuple((node, which_zip(packages, node)) for node in nodes)))
    return FleetMatrix(tuple(lines), tuple(unread), tuple(left_out))
