"""Targets as they are written one by one -> what the agent's walk goes through.

Rules: pure; a target is a (platform, version, architecture) triple.
"""

from collections.abc import Iterable

from csd.package.matching.walk import ANY, Packages

Triple = tuple[str, str, str]


def packages_of(targets: Iterable[tuple[Triple, str]]) -> Packages:
    """Targets and the zip of each, as the manifest will have them. Of two that are the same the first counts."""
    packages: dict[str, dict[str, dict[str, str]]] = {}
    for (platform, version, architecture), file in targets:
        packages.setdefault(platform, {}).setdefault(version, {}).setdefault(architecture, file)
    return packages


def systems(targets: Iterable[Triple]) -> str:
    """Targets in a person's words: `debian, rocky 9.* on x86_64`."""
    by_machine: dict[str, list[str]] = {}
    for platform, version, architecture in targets:
        system = "every other system" if platform == ANY else platform
        by_machine.setdefault(architecture, []).append(system if version == ANY else f"{system} {version}")
    return "; ".join(
        ", ".join(named) + ("" if architecture == ANY else f" on {architecture}") for architecture, named in by_machine.items()
    )
