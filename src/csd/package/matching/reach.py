"""What the agent's walk makes of a whole manifest: entries at which no node ends, and nodes that fall between.

Flow: packages -> witnesses (one node of every kind that the walk could tell apart) -> each walked -> what was reached, who got nothing.

A witness stands for all nodes that no key of the manifest tells from it: versions are the keys themselves, one step below and beside
each wildcard, one that no key knows, and none at all; platforms and architectures are those that agents have.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from csd.package.matching.systems import ARCHITECTURES, OTHER_WORDS, PLATFORMS
from csd.package.matching.walk import (
    ANY,
    NANO,
    STAR,
    Entry,
    Match,
    Node,
    Packages,
    entries,
    going_back,
    listed,
    version_key,
    which_zip,
)


@dataclass(frozen=True, slots=True)
class Unreachable:
    """An entry that is for no node, and why."""

    entry: Entry
    because: str

    def __str__(self) -> str:
        return f"{self.entry} can never be chosen: {self.because}"


@dataclass(frozen=True, slots=True)
class Hole:
    """Nodes that get nothing because the walk took a narrower key, although the entry `wider` is for them.

    `version` is the version key that was taken, '' where the walk ended before one; `missing` are the architectures without a zip,
    or the versions in words.
    """

    platform: str
    version: str
    missing: str
    wider: Entry

    def __str__(self) -> str:
        taken = f"{self.platform}/{self.version}" if self.version else self.platform
        return (
            f"{taken} has no zip for {self.missing}, and the agent does not fall back to {self.wider} "
            f"once {'the version' if self.version else 'the platform'} was taken."
        )


def unreachable(packages: Packages) -> list[Unreachable]:
    """The entries at which the walk of no node ends, in the order written."""
    reached = {found.entry for node in witnesses(packages) if isinstance(found := which_zip(packages, node), Match)}
    return [Unreachable(entry, _why_never(packages, entry)) for entry, _ in entries(packages) if entry not in reached]


def holes(packages: Packages) -> list[Hole]:
    """Where nodes get nothing although a wider entry is for them, sorted by the keys that were taken."""
    fallen: dict[tuple[str, str], list[tuple[Node, Entry]]] = {}
    for node in witnesses(packages):
        wider = None if isinstance(which_zip(packages, node), Match) else going_back(packages, node)
        if wider is None:
            continue
        platform = node.platform if node.platform in packages else ANY
        version = version_key(node.version, packages[platform]) or ""
        fallen.setdefault((platform, version), []).append((node, wider))
    return [
        Hole(platform, version, _missing(packages, platform, version, [node for node, _ in nodes]), nodes[0][1])
        for (platform, version), nodes in sorted(fallen.items())
    ]


def witnesses(packages: Packages) -> Iterator[Node]:
    """Yield a node of every kind that the walk through these packages could tell from others."""
    unlisted = [platform for platform in PLATFORMS if platform not in packages and ANY in packages]
    # Of platforms without a key of their own only Windows is told from the others, by its Nano Server.
    others = [platform for platform in unlisted if platform != "windows"][:1] + unlisted[-1:]
    for platform in dict.fromkeys([*(platform for platform in PLATFORMS if platform in packages), *others]):
        for version in _versions(platform, packages):
            for architecture in ARCHITECTURES:
                yield Node(platform, version, architecture)


def _versions(platform: str, packages: Packages) -> list[str]:
    # A wider entry may tell versions apart that the taken platform does not.
    keys = [key for name in (platform, ANY) for key in packages.get(name, {})]
    fresh = _fresh(keys)
    found = ["", fresh]
    for key in keys:
        plain = key.removesuffix(NANO)
        nano = key[len(plain) :]
        if plain.endswith(".*"):
            prefix = plain.removesuffix(".*")
            found += [f"{prefix}.{fresh}{nano}", prefix + nano]
        elif key != ANY and "*" not in key:
            found.append(key)
    if platform == "windows":
        found.append(fresh + NANO)
    return list(dict.fromkeys(version for version in found if platform == "windows" or not version.endswith(NANO)))


def _fresh(keys: list[str]) -> str:
    """A part of a version that no key has."""
    parts = {part for key in keys for part in key.removesuffix(NANO).split(".")}
    return next(str(number) for number in range(len(parts) + 1) if str(number) not in parts)


def _missing(packages: Packages, platform: str, version: str, nodes: list[Node]) -> str:
    if not version:
        exact = sorted(packages[platform])
        return f"versions other than {listed(exact)}" if exact else "any version"
    missing = [a for a in ARCHITECTURES if any(node.architecture == a for node in nodes)]
    held = packages[platform][version]
    if len(missing) > 1 and set(missing) == set(ARCHITECTURES) - set(held):
        return f"architectures other than {listed(sorted(held))}" if held else "any architecture"
    return listed(missing)


def _why_never(packages: Packages, entry: Entry) -> str:
    """The first key that shuts nodes out."""
    why = (
        _why_not_platform(packages, entry.platform)
        or _why_not_version(packages, entry)
        or _why_not_architecture(packages[entry.platform][entry.version], entry.architecture)
    )
    return why or "no node's version comes to this key."


def _why_not_platform(packages: Packages, platform: str) -> str:
    if platform == ANY:
        return "every platform has a key of its own." if set(PLATFORMS) <= set(packages) else ""
    return "" if platform in PLATFORMS else f"no agent calls its platform {platform!r}{_instead(platform)}."


def _why_not_version(packages: Packages, entry: Entry) -> str:
    platform, version = entry.platform, entry.version
    if version == STAR:
        return f"{platform}/{ANY} is tried first." if ANY in packages[platform] else ""
    if "*" in version.removesuffix(NANO).removesuffix(".*"):
        return f"a version is '7.4', '7.*', '{ANY}' or '{STAR}'; {version!r} is none of them."
    windows = platform == "windows" or (platform == ANY and "windows" not in packages)
    return "only Windows has versions that end in 'nano'." if version.endswith(NANO) and not windows else ""


def _why_not_architecture(held: Mapping[str, str], architecture: str) -> str:
    if architecture == ANY:
        return "every architecture has a key of its own." if set(ARCHITECTURES) <= set(held) else ""
    return "" if architecture in ARCHITECTURES else f"no agent calls its architecture {architecture!r}{_instead(architecture)}."


def _instead(word: str) -> str:
    known = OTHER_WORDS.get(word.lower(), word.lower())
    return f"; it says {known!r}" if known != word and known in (*PLATFORMS, *ARCHITECTURES, ANY) else ""
