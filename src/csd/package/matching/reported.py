"""What Systems Manager tells of a managed node -> what its agent may find when it looks for a zip.

The two are not the same: Systems Manager shows NAME of /etc/os-release, the manifest wants ID; the exact minor release of CentOS is
shown, but /etc/os-release has only the major one; that a Windows is a Nano Server is not shown; nor is the architecture.

Rules: pure. Whatever is not told is left open: every node that it may be is returned, and none where the system is not known here.
"""

import re

from csd.package.matching.systems import ARCHITECTURES, ARCHITECTURES_OF, OTHER_WORDS
from csd.package.matching.walk import NANO, Node

# AWS: amazon-ssm-agent, agent/platform: getPlatformDetails; NAME and ID of each system's own release file.
_PLATFORMS = {
    "Amazon Linux": "amazon", "Ubuntu": "ubuntu", "Debian GNU/Linux": "debian", "Raspbian GNU/Linux": "raspbian",
    "Red Hat Enterprise Linux": "redhat", "CentOS": "centos", "Rocky Linux": "rocky", "AlmaLinux": "almalinux",
    "Oracle Linux": "oracle", "SLES": "suse", "SUSE Linux Enterprise": "suse", "openSUSE Leap": "opensuseleap", "Fedora": "fedora",
    "Alpine Linux": "alpine", "Gentoo": "gentoo", "Arch Linux": "arch", "Microsoft Windows": "windows", "macOS": "mac_os_x",
    "Mac OS X": "mac_os_x", "Bottlerocket": "bottlerocket", "Flatcar": "flatcar",
}  # fmt: skip
_MAY_BE_NANO = "10.0.14393"
"""ASSUMED: Nano Server runs an agent in Windows Server 2016 only; later ones are images of containers."""


def possible_nodes(platform_name: str, platform_version: str, architecture: str) -> tuple[Node, ...]:
    """Every node that this may be; none when the name is of no system that is known here. `architecture` may be ''."""
    platform = next(
        (platform for name, platform in _PLATFORMS.items() if re.match(rf"{re.escape(name)}( |$)", platform_name)), ""
    )
    if not platform:
        return ()
    # AWS: older agents show what stands in /etc/system-release: "2 (Karoo)".
    version = (platform_version.split() or [""])[0]
    if platform == "centos":
        # AWS: amazon-ssm-agent, getPlatformDetails: CentOS is told from /etc/centos-release, 7.9.2009 where VERSION_ID is 7.
        version = version.partition(".")[0]
    versions = [version, version + NANO] if (platform, version) == ("windows", _MAY_BE_NANO) else [version]
    return tuple(Node(platform, one, machine) for one in versions for machine in _architectures(platform, architecture))


def _architectures(platform: str, told: str) -> tuple[str, ...]:
    # AWS: EC2 API, Architecture: i386, x86_64, arm64, x86_64_mac, arm64_mac.
    word = told.removesuffix("_mac")
    word = OTHER_WORDS.get(word, word)
    return (word,) if word in ARCHITECTURES else ARCHITECTURES_OF.get(platform, ARCHITECTURES)
