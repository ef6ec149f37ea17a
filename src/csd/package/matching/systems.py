"""Systems as their agents name themselves to a package's manifest.

The agent reads ID and VERSION_ID of /etc/os-release on Linux, Win32_OperatingSystem on Windows and sw_vers on macOS; its architecture
is Go's word for the machine that the agent was built for, with x86_64 for amd64.

Rules: data. A system is listed with each architecture that both its maker and the agent are published for.
"""

from dataclasses import dataclass

# AWS: amazon-ssm-agent, envdetect constants and osdetect: the platforms that it can place.
PLATFORMS = (
    "almalinux", "alpine", "amazon", "arch", "centos", "debian", "fedora", "gentoo", "mac_os_x", "opensuse", "opensuseleap", "oracle",
    "raspbian", "redhat", "rocky", "suse", "ubuntu", "windows",
)  # fmt: skip
# AWS: amazon-ssm-agent, osdetect/linux platformFamilyForPlatform: "configure package is not supported on".
REFUSED = ("bottlerocket", "flatcar")
# AWS: amazon-ssm-agent, makefile: the machines that it is built for.
ARCHITECTURES = ("x86_64", "arm64", "386", "arm")
ARCHITECTURES_OF = {"windows": ("x86_64", "386"), "mac_os_x": ("x86_64", "arm64")}
OTHER_WORDS = {
    "amzn": "amazon", "amazonlinux": "amazon", "rhel": "redhat", "ol": "oracle", "oraclelinux": "oracle", "sles": "suse",
    "opensuse-leap": "opensuseleap", "macos": "mac_os_x", "darwin": "mac_os_x", "alma": "almalinux", "win": "windows",
    "amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "aarch64": "arm64", "armv8": "arm64", "x86": "386", "i386": "386",
    "i686": "386", "armhf": "arm", "armv7": "arm", "any": "_any", "*": "_any",
}  # fmt: skip
"""What other tools say -> what the agent says. '*' is a word for versions only."""


@dataclass(frozen=True, slots=True)
class System:
    """One line of the table: a system as people know it, what its agent finds there, and who says so."""

    name: str
    platform: str
    version: str
    architecture: str
    source: str


_LINUX, _WINDOWS, _MAC = "VERSION_ID of its /etc/os-release", "Win32_OperatingSystem.Version", "sw_vers -productVersion"
_NANO = f"{_WINDOWS}, OperatingSystemSKU 143 or 144"
_REFUSED = "amazon-ssm-agent osdetect/linux: refused"
_BOTH = "x86_64 arm64"
# AWS: user guide, "Supported operating systems and machine types", for the list; each system's own release file for the version.
_ROWS = (
    ("Amazon Linux 2018.03", "amazon", "2018.03", "x86_64", _LINUX),
    ("Amazon Linux 2", "amazon", "2", _BOTH, _LINUX),
    ("Amazon Linux 2023", "amazon", "2023", _BOTH, _LINUX),
    ("Ubuntu 16.04", "ubuntu", "16.04", "x86_64 arm64 386", _LINUX),
    ("Ubuntu 18.04", "ubuntu", "18.04", "x86_64 arm64 386", _LINUX),
    ("Ubuntu 20.04", "ubuntu", "20.04", _BOTH, _LINUX),
    ("Ubuntu 22.04", "ubuntu", "22.04", _BOTH, _LINUX),
    ("Ubuntu 24.04", "ubuntu", "24.04", _BOTH, _LINUX),
    ("Debian 10", "debian", "10", _BOTH, _LINUX),
    ("Debian 11", "debian", "11", _BOTH, _LINUX),
    ("Debian 12", "debian", "12", _BOTH, _LINUX),
    ("Debian 13", "debian", "13", _BOTH, _LINUX),
    ("Raspberry Pi OS 12 (32 bits)", "raspbian", "12", "arm", _LINUX),
    ("Red Hat Enterprise Linux 7.9", "redhat", "7.9", "x86_64", _LINUX),
    ("Red Hat Enterprise Linux 8.10", "redhat", "8.10", _BOTH, _LINUX),
    ("Red Hat Enterprise Linux 9.6", "redhat", "9.6", _BOTH, _LINUX),
    ("Red Hat Enterprise Linux 10.0", "redhat", "10.0", _BOTH, _LINUX),
    ("CentOS 7", "centos", "7", "x86_64", f"{_LINUX}: 7, whatever the minor release"),
    ("CentOS Stream 9", "centos", "9", _BOTH, _LINUX),
    ("CentOS Stream 10", "centos", "10", _BOTH, _LINUX),
    ("Rocky Linux 8.10", "rocky", "8.10", _BOTH, _LINUX),
    ("Rocky Linux 9.6", "rocky", "9.6", _BOTH, _LINUX),
    ("AlmaLinux 8.10", "almalinux", "8.10", _BOTH, _LINUX),
    ("AlmaLinux 9.6", "almalinux", "9.6", _BOTH, _LINUX),
    ("Oracle Linux 7.9", "oracle", "7.9", "x86_64", _LINUX),
    ("Oracle Linux 8.10", "oracle", "8.10", _BOTH, _LINUX),
    ("Oracle Linux 9.6", "oracle", "9.6", _BOTH, _LINUX),
    ("SUSE Linux Enterprise Server 12 SP5", "suse", "12.5", "x86_64", _LINUX),
    ("SUSE Linux Enterprise Server 15 SP6", "suse", "15.6", _BOTH, _LINUX),
    ("openSUSE Leap 15.6", "opensuseleap", "15.6", _BOTH, _LINUX),
    ("Fedora 42", "fedora", "42", _BOTH, _LINUX),
    ("Windows Server 2012 R2", "windows", "6.3.9600", "x86_64", _WINDOWS),
    ("Windows Server 2016", "windows", "10.0.14393", "x86_64", _WINDOWS),
    ("Windows Server 2016 Nano Server", "windows", "10.0.14393nano", "x86_64", _NANO),
    ("Windows Server 2019", "windows", "10.0.17763", "x86_64", _WINDOWS),
    ("Windows Server 2022", "windows", "10.0.20348", "x86_64", _WINDOWS),
    ("Windows Server 2025", "windows", "10.0.26100", "x86_64", _WINDOWS),
    ("macOS 14", "mac_os_x", "14.7.1", _BOTH, _MAC),
    ("macOS 15", "mac_os_x", "15.1", _BOTH, _MAC),
    ("Bottlerocket 1.26", "bottlerocket", "1.26.1", _BOTH, _REFUSED),
    ("Flatcar Container Linux 4081", "flatcar", "4081.2.0", _BOTH, _REFUSED),
)
SYSTEMS = tuple(
    System(name, platform, version, architecture, source)
    for name, platform, version, architectures, source in _ROWS
    for architecture in architectures.split()
)
