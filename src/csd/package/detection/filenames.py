"""What a file's name suggests: name-1.2.3-linux-x86_64.tar.gz. A guess, and called so."""

import re
from typing import NamedTuple

from csd.package.detection.installer import Platforms

LINUX: Platforms = tuple(
    (name, "_any")
    for name in ("amazon", "redhat", "centos", "oracle", "rocky", "almalinux", "fedora", "suse", "debian", "ubuntu")
)
WINDOWS: Platforms = (("windows", "_any"),)
_MAC: Platforms = (("mac_os_x", "_any"),)
_ENDS = re.compile(r"(\.(tar|t?gz|t?xz|t?bz2|t?zst|zip|sh|bin|run|exe|msi|deb|rpm|py|ps1|appimage))+$", re.IGNORECASE)
_LEFT, _RIGHT = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_ARCHITECTURE = re.compile(
    rf"{_LEFT}(x86[_-]64|amd64|x64|arm64|aarch64|i[3-6]86|x86|386|noarch|ppc64(?:le|el)?|s390x|riscv64|mips\w*|armhf|armel|armv[5-7]\w*){_RIGHT}",
    re.IGNORECASE,
)
_SYSTEM = re.compile(rf"{_LEFT}(linux|windows|win(?:32|64)?|darwin|macos|osx){_RIGHT}", re.IGNORECASE)
_PRE = r"(?:rc|beta|alpha|b|a|dev|pre)\d+"
_VERSION = re.compile(
    rf"(?<=[-_ ])v?(\d+(?:\.\d+)+(?:[-+~.]?{_PRE}|[-+~.]\d+)*|(?!(?:32|64|86){_RIGHT})\d+){_RIGHT}(?!\.\d)", re.IGNORECASE
)


class Guess(NamedTuple):
    """What a name suggests; '' and () where nothing."""

    name: str
    version: str
    architecture: str
    platforms: Platforms


def guess(file_name: str) -> Guess:
    """Read a file's name."""
    if not file_name.isprintable():
        return Guess("", "", "", ())
    stem = _ENDS.sub("", file_name)
    architecture, system = _ARCHITECTURE.search(stem), _SYSTEM.search(stem)
    rest = _SYSTEM.sub("", _ARCHITECTURE.sub("", stem))
    version = _VERSION.search(rest)
    name = rest[: version.start()] if version else rest
    return Guess(
        re.sub(r"[-_. ]{2,}", "-", name).strip("-_. "),
        version[1] if version else "",
        architecture[1].lower().replace("x86-64", "x86_64") if architecture else "",
        _platforms(system[1].lower() if system else ""),
    )


def _platforms(system: str) -> Platforms:
    if system == "linux":
        return LINUX
    if system.startswith("win"):
        return WINDOWS
    return _MAC if system else ()
