"""What a node pretends to be: the platform its agent detects. The userland below is always the host's own.

A persona is the content of /etc/os-release (the agent reads ID, VERSION_ID and NAME, and maps ID as Amazon's agent does) and
what DescribeInstanceInformation then shows. AWS: amazon-ssm-agent, agent/platform and cp/envdetect/osdetect/linux.
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Persona:
    """One platform. `os_release` holds the keys of /etc/os-release."""

    platform_type: str
    platform_name: str
    platform_version: str
    architecture: str
    os_release: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the persona as plain JSON, as the node host's configuration wants it."""
        return asdict(self)


def _linux(platform_name: str, os_id: str, version: str, name: str) -> Persona:
    release = {"ID": os_id, "VERSION_ID": version, "NAME": name, "PRETTY_NAME": f"{name} {version}"}
    return Persona("Linux", platform_name, version, "x86_64", release)


PERSONAS = {
    "debian-12": _linux("Debian GNU/Linux", "debian", "12", "Debian GNU/Linux"),
    "ubuntu-22.04": _linux("Ubuntu", "ubuntu", "22.04", "Ubuntu"),
    "amazon-2023": _linux("Amazon Linux", "amzn", "2023", "Amazon Linux"),
    "rocky-9": _linux("Rocky Linux", "rocky", "9.4", "Rocky Linux"),
    "redhat-9": _linux("Red Hat Enterprise Linux", "rhel", "9.4", "Red Hat Enterprise Linux"),
    "suse-15": _linux("SLES", "sles", "15.5", "SLES"),
}
"""Every persona a spec may name. Windows is not among them: its scripts cannot run on this machine."""
