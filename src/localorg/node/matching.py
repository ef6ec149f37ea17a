"""Which zip of a package fits a node. Pure.

Flow: the manifest's `packages` (platform -> version -> architecture -> {"file": name}) and a node's platform -> the name of a file.
Rules are the stock agent's: exact key, then for versions the longest `X.Y.*` that fits, then `_any` (and `*` for versions). There is
no way back: once a platform key is taken, `_any` of the level above is not tried again.
"""

from collections.abc import Mapping
from typing import Any

ANY = "_any"


class NoMatchError(Exception):
    """No file of the package is for this node; the text is the stock agent's."""


def match_file(packages: Mapping[str, Any], platform: str, version: str, architecture: str) -> str:
    """Return the file for this platform. Raises NoMatchError."""
    # AWS: amazon-ssm-agent, birdwatcherservice: extractPackageInfo and matchPackageSelector*.
    platform_key = _exact_or_any(platform, packages)
    versions = packages[platform_key] if platform_key is not None else {}
    version_key = match_version(version, versions)
    architectures = versions[version_key] if version_key is not None else {}
    architecture_key = _exact_or_any(architecture, architectures)
    if architecture_key is None:
        raise NoMatchError(
            f"failed to find platform: no manifest found for platform: {platform}, version {version}, architecture {architecture}"
        )
    return str(architectures[architecture_key]["file"])


def _exact_or_any(key: str, choices: Mapping[str, Any]) -> str | None:
    return key if key in choices else ANY if ANY in choices else None


def match_version(version: str, choices: Mapping[str, Any]) -> str | None:
    """Return the key of `choices` that fits `version` best, or None."""
    if version in choices:
        return version
    fitting = {key: length for key in choices if (length := _wildcard_length(key, version))}
    if fitting:
        return max(fitting, key=lambda key: fitting[key])
    return ANY if ANY in choices else "*" if "*" in choices else None


def _wildcard_length(key: str, version: str) -> int:
    """Return how many leading parts of `version` the key `7.4.*` fixes and fits; 0 when it does not fit."""
    nano_key, nano_version = key.endswith("nano"), version.endswith("nano")
    pattern = key.removesuffix("nano")
    if nano_key != nano_version or not pattern.endswith(".*"):
        return 0
    wanted = pattern.removesuffix(".*").split(".")
    return len(wanted) if version.split(".")[: len(wanted)] == wanted else 0
