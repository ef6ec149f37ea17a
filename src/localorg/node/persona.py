"""What a node pretends to be, and what its agent then finds. Pure.

Flow: persona -> text of /etc/os-release (written into the node before its agent starts); text of /etc/os-release -> `Platform`,
as the stock agent detects it. The userland below is always the host's own: a "rocky" node has no dnf unless the host has one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# AWS: amazon-ssm-agent, plugins/configurepackage/envdetect/osdetect/linux: parseOSreleaseFile, platformFamilyForPlatform.
RENAMED = {"rhel": "redhat", "ol": "oracle", "amzn": "amazon", "sles": "suse", "suse": "suse"}
FAMILIES = {
    **dict.fromkeys(("ubuntu", "debian", "raspbian"), "debian"),
    **dict.fromkeys(("redhat", "centos", "amazon", "oracle", "rocky", "almalinux"), "rhel"),
    **dict.fromkeys(("suse", "opensuse", "opensuseleap"), "suse"),
    "fedora": "fedora",
    "alpine": "alpine",
    "gentoo": "gentoo",
    "arch": "arch",
}
PACKAGE_MANAGERS = {
    "debian": "apt",
    "alpine": "alpine",
    "arch": "pacman",
    "suse": "zypper",
    "gentoo": "emerge",
    "fedora": "dnf",
    "rhel": "yum",
}
REFUSED = ("bottlerocket", "flatcar")


class UnknownPlatformError(Exception):
    """The agent cannot tell where it is; the text is the stock agent's."""


@dataclass(frozen=True)
class Platform:
    """A platform as packages name it: `name` and `version` are looked up in a manifest."""

    name: str
    version: str
    family: str
    package_manager: str


def os_release_text(os_release: Mapping[str, str]) -> str:
    """Return the content of /etc/os-release with these keys."""
    quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in os_release.items()}
    return "".join(f'{key}="{value}"\n' for key, value in quoted.items())


def detect(os_release: str) -> Platform:
    """Return the platform that the text of /etc/os-release stands for. Raises UnknownPlatformError."""
    found = dict(re.findall(r"""^(ID|VERSION_ID|NAME)=["']?(.+?)["']?$""", os_release, re.MULTILINE))
    name, version = found.get("ID", ""), found.get("VERSION_ID", "")
    if not name and not version:
        raise UnknownPlatformError("could not find platform information in os-release")
    name = RENAMED.get(name, name)
    if name in {"opensuse", "opensuse-leap"} and "leap" in found.get("NAME", "").lower():
        name = "opensuseleap"
    if name in REFUSED:
        raise UnknownPlatformError(f"configure package is not supported on {name}")
    if name not in FAMILIES:
        raise UnknownPlatformError(f"unknown platform: {name}")
    family = FAMILIES[name]
    return Platform(name, version, family, PACKAGE_MANAGERS[family])
