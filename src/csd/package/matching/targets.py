"""Targets as they are written one by one -> what the agent's walk goes through.

Rules: pure; a target is a (platform, version, architecture) triple.
"""

from collections.abc import Iterable

from csd.package.matching.walk import Packages

Triple = tuple[str, str, str]


def packages_of(targets: Iterable[tuple[Triple, str]]) -> Packages:
    """Targets and the zip of each, as the manifest will have them. Of two that are the same the first counts."""
    packages: dict[str, dict[str, dict[str, str]]] = {}
    for (platform, version, architecture), file in targets:
        packages.setdefault(platform, {}).setdefault(version, {}).setdefault(architecture, file)
    return packages
