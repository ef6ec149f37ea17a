"""The agent's walk from a node's platform, version and architecture to one zip, and why it ends nowhere.

Flow: platform (exact, else _any) -> version (exact, else the longest X.Y.* that fits, else _any, else *) -> architecture
(exact, else _any) -> zip. What was taken is not given back: no step is tried again with a wider key.

Rules: pure; a manifest that another tool wrote is read with all its problems at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csd.errors import CsdInputError, Problem
from csd.package.matching.systems import PLATFORMS, REFUSED

ANY, STAR, NANO = "_any", "*", "nano"
Packages = Mapping[str, Mapping[str, Mapping[str, str]]]
"""platform -> version -> architecture -> name of the zip"""


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """What an agent finds out about its machine before it looks into a manifest."""

    platform: str
    version: str
    architecture: str

    def __str__(self) -> str:
        return " ".join(part for part in (self.platform, self.version, self.architecture) if part)


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One entry of a manifest, by its keys."""

    platform: str
    version: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.platform}/{self.version}/{self.architecture}"


@dataclass(frozen=True, slots=True)
class Match:
    """The zip, and the entry at which the walk ended."""

    file: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class NoMatch:
    """No zip: what the agent says, and which key explains it."""

    said: str
    because: str


def read_packages(manifest: Any, where: str) -> Packages:
    """The `packages` of a manifest. Raises CsdInputError with every place that is not platform -> version -> architecture -> file."""
    problems: list[Problem] = []
    remedy = 'Write "packages": {PLATFORM: {VERSION: {ARCHITECTURE: {"file": NAME.zip}}}}.'

    def level(place: str, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        problems.append(Problem(place, "is not a JSON object.", remedy))
        return {}

    packages: dict[str, dict[str, dict[str, str]]] = {}
    top = f"{where}: packages"
    for platform, versions in level(top, level(where, manifest).get("packages")).items():
        packages[platform] = {}
        for version, architectures in level(f"{top}.{platform}", versions).items():
            packages[platform][version] = {}
            for architecture, told in level(f"{top}.{platform}.{version}", architectures).items():
                place = f"{top}.{platform}.{version}.{architecture}"
                file = level(place, told).get("file", "")
                if not isinstance(file, str) or (not file and isinstance(told, dict)):
                    problems.append(Problem(place, "names no file.", remedy))
                packages[platform][version][architecture] = str(file)
    if problems:
        raise CsdInputError(problems)
    return packages


def entries(packages: Packages) -> Iterator[tuple[Entry, str]]:
    """Yield every entry with its zip, in the order written."""
    for platform, versions in packages.items():
        for version, architectures in versions.items():
            for architecture, file in architectures.items():
                yield Entry(platform, version, architecture), file


def which_zip(packages: Packages, node: Node) -> Match | NoMatch:
    """The zip that this node gets, or why none."""
    # AWS: amazon-ssm-agent, envdetect: a platform that it cannot place ends the action before the manifest is looked into.
    if node.platform in REFUSED or node.platform not in PLATFORMS:
        how = "configure package is not supported on" if node.platform in REFUSED else "unknown platform:"
        said = f"failed to find platform: failed to collect data: {how} {node.platform}"
        return NoMatch(said, "the agent installs no packages on this system")
    # AWS: amazon-ssm-agent birdwatcherservice: extractPackageInfo and matchPackageSelector*.
    platform = _exact_or_any(node.platform, packages)
    version = None if platform is None else version_key(node.version, packages[platform])
    if platform is None or version is None:
        return _nowhere(packages, node, platform, version)
    architecture = _exact_or_any(node.architecture, packages[platform][version])
    if architecture is None:
        return _nowhere(packages, node, platform, version)
    return Match(packages[platform][version][architecture], Entry(platform, version, architecture))


def _exact_or_any(key: str, choices: Mapping[str, Any]) -> str | None:
    return key if key in choices else ANY if ANY in choices else None


def version_key(version: str, choices: Mapping[str, Any]) -> str | None:
    """The key of `choices` that the agent takes for this version."""
    return next((key for key in version_keys(version) if key in choices), None)


def version_keys(version: str) -> list[str]:
    """Every key that fits a version, in the order in which the agent takes them: 7.4, 7.4.*, 7.*, _any, *.

    Keys with a wildcard are for Nano Server where they end in 'nano', and then for it alone.
    """
    nano = NANO if version.endswith(NANO) else ""
    parts = version.split(".")
    return [version, *(".".join(parts[:length]) + ".*" + nano for length in range(len(parts), 0, -1)), ANY, STAR]


def going_back(packages: Packages, node: Node) -> Entry | None:
    """The narrowest entry whose keys are for this node: where the walk would end if it went back, as the agent's does not."""
    for platform in (node.platform, ANY):
        for version in version_keys(node.version):
            for architecture in (node.architecture, ANY):
                if architecture in packages.get(platform, {}).get(version, {}):
                    return Entry(platform, version, architecture)
    return None


def _nowhere(packages: Packages, node: Node, platform: str | None, version: str | None) -> NoMatch:
    said = f"no manifest found for platform: {node.platform}, version {node.version}, architecture {node.architecture}"
    because = _because(packages, node, platform, version)
    wider = going_back(packages, node)
    if wider:
        because += f"; {wider} would fit, but the agent does not go back"
    return NoMatch(f"failed to find platform: {said}", because)


def _because(packages: Packages, node: Node, platform: str | None, version: str | None) -> str:
    if platform is None:
        return f"there is no platform key {node.platform} or {ANY}"
    if version is None:
        exact, _, *wider = version_keys(node.version)
        missing = listed([exact or "(no version)", *wider[:-1]], "or")
        return f"platform key {platform} was taken; it has no {missing}, {_only(packages[platform])}"
    held = packages[platform][version]
    return f"{platform}/{version} was taken; it has no {node.architecture} or {ANY}, {_only(held)}"


def _only(keys: Mapping[str, Any]) -> str:
    return f"only {listed(sorted(keys))}" if keys else "nor any other"


def listed(words: list[str], last: str = "and") -> str:
    """a, b and c."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)
