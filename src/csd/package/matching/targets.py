"""The targets of a package.yaml, judged by the agent's walk before anything is built.

Rules: pure; a target is a (platform, version, architecture) triple with the place it was written at.
"""

from collections.abc import Iterable, Sequence

from csd.errors import Problem
from csd.package.matching.reach import holes, unreachable
from csd.package.matching.walk import Entry

Triple = tuple[str, str, str]


def packages_of(targets: Iterable[tuple[Triple, str]]) -> dict[str, dict[str, dict[str, str]]]:
    """Targets and the zip of each, as the manifest will have them. Of two that are the same the first counts."""
    packages: dict[str, dict[str, dict[str, str]]] = {}
    for (platform, version, architecture), file in targets:
        packages.setdefault(platform, {}).setdefault(version, {}).setdefault(architecture, file)
    return packages


def matching_problems(targets: Sequence[tuple[str, Triple]]) -> list[Problem]:
    """Targets listed twice, and targets that no node reaches."""
    problems = []
    first: dict[Entry, str] = {}
    for where, triple in targets:
        entry = Entry(*triple)
        if entry in first:
            problems.append(
                Problem(where, f"{entry} is also listed at {first[entry]}.", "Keep one: a node gets exactly one zip.")
            )
        first.setdefault(entry, where)
    never = {found.entry: found for found in unreachable(packages_of((triple, where) for where, triple in targets))}
    for where, triple in targets:
        if Entry(*triple) in never:
            problems.append(Problem(where, str(never[Entry(*triple)]), "Correct it, or remove it."))
    return problems


def matching_holes(targets: Iterable[Triple]) -> list[str]:
    """Warnings: nodes that match a more exact key first and then find no zip, although a wider target is for them."""
    return [str(hole) for hole in holes(packages_of((triple, "zip") for triple in targets))]
