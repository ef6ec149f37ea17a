"""Which zip the machines of a fleet get, from what Systems Manager tells of them; what is not told stays open."""

import pytest

from csd.package.matching.reported import possible_nodes
from csd.package.matching.walk import Packages
from csd.report.matrix import Machine, MachineLine, Verdict, fleet_matrix, system_lines

X86 = {"x86_64": "x86.zip"}
PACKAGES = {
    "ubuntu": {"22.04": X86}, "centos": {"7": X86}, "debian": {"_any": {"_any": "all.zip"}},
    "windows": {"10.0.14393": X86, "_any": {"_any": "win.zip"}},
}  # fmt: skip


def line(name: str, version: str, architecture: str, packages: Packages = PACKAGES) -> MachineLine:
    return fleet_matrix(packages, [Machine("2", "eu", "i-1", name, version, architecture)], [], []).lines[0]


@pytest.mark.parametrize(
    ("told", "node"),
    [
        (("Amazon Linux", "2", "x86_64"), "amazon 2 x86_64"),
        (("Amazon Linux", "2 (Karoo)", "arm64"), "amazon 2 arm64"),
        (("CentOS Linux", "7.9.2009", "x86_64"), "centos 7 x86_64"),
        (("CentOS Stream", "9", "x86_64"), "centos 9 x86_64"),
        (("Red Hat Enterprise Linux Server", "7.9", "x86_64"), "redhat 7.9 x86_64"),
        (("Oracle Linux Server", "8.10", "x86_64"), "oracle 8.10 x86_64"),
        (("SLES", "15.6", "aarch64"), "suse 15.6 arm64"),
        (("openSUSE Leap", "15.6", "x86_64"), "opensuseleap 15.6 x86_64"),
        (("Microsoft Windows Server 2022 Datacenter", "10.0.20348", "x86_64"), "windows 10.0.20348 x86_64"),
        (("macOS", "14.7.1", "arm64_mac"), "mac_os_x 14.7.1 arm64"),
        (("Ubuntu", "18.04", "i386"), "ubuntu 18.04 386"),
        (("Flatcar Container Linux by Kinvolk", "4081.2.0", "x86_64"), "flatcar 4081.2.0 x86_64"),
    ],
)
def test_what_systems_manager_tells_is_not_what_the_manifest_is_asked_for(told: tuple[str, str, str], node: str) -> None:
    """Observed: amazon-ssm-agent, agent/platform and osdetect: NAME is told, ID is looked up; both from the same release file."""
    assert [str(one) for one in possible_nodes(*told)] == [node]


@pytest.mark.parametrize(
    ("told", "verdict", "zip_", "why"),
    [
        (("Ubuntu", "22.04", "x86_64"), Verdict.ZIP, "x86.zip", ""),
        (("Ubuntu", "24.04", "x86_64"), Verdict.NONE, "none", "platform key ubuntu was taken; it has no 24.04, 24.* or _any, only 22.04"),
        (
            ("Ubuntu", "22.04", ""), Verdict.OPEN, "x86_64: x86.zip; arm64, 386 and arm: none",
            "its architecture is not told; where none: ubuntu/22.04 was taken; it has no arm64 or _any, only x86_64",
        ),
        (("Ubuntu", "20.04", ""), Verdict.NONE, "none", "platform key ubuntu was taken; it has no 20.04, 20.* or _any, only 22.04"),
        (("Debian GNU/Linux", "12", ""), Verdict.ZIP, "all.zip", ""),
        (
            ("Microsoft Windows Server 2016 Datacenter", "10.0.14393", "x86_64"), Verdict.OPEN,
            "10.0.14393 x86_64: x86.zip; 10.0.14393nano x86_64: win.zip", "its kind of Windows is not told",
        ),
        (("Linux Mint", "22", "x86_64"), Verdict.OPEN, "not known", "nobody here knows what the agent calls Linux Mint"),
        (("Bottlerocket", "1.26.1", "arm64"), Verdict.NONE, "none", "the agent installs no packages on this system"),
    ],
)  # fmt: skip
def test_a_machine_is_judged_by_all_that_it_may_be(told: tuple[str, str, str], verdict: Verdict, zip_: str, why: str) -> None:
    """Only where all come to the same is it known."""
    found = line(*told)
    assert (found.verdict, found.zip, found.why) == (verdict, zip_, why)


def test_complete_means_that_every_node_gets_a_zip_for_sure() -> None:
    """No nodes, a node without, one that is not known, and a place unread are all not complete."""
    good = Machine("2", "eu", "i-1", "Debian GNU/Linux", "12", "x86_64")
    open_ = Machine("2", "eu", "i-2", "Ubuntu", "22.04", "")
    assert fleet_matrix(PACKAGES, [good], [], ["3 is SUSPENDED"]).complete
    assert not fleet_matrix(PACKAGES, [], [], []).complete
    assert not fleet_matrix(PACKAGES, [good], ["3 eu: denied"], []).complete
    assert not fleet_matrix(PACKAGES, [good, open_], [], []).complete


def test_a_zip_for_everybody_reaches_all_but_the_refused() -> None:
    """Observed: amazon-ssm-agent: Bottlerocket and Flatcar are refused whatever the manifest has."""
    without = {
        one.system.platform for one in system_lines({"_any": {"_any": {"_any": "a.zip"}}}) if not hasattr(one.found, "file")
    }
    assert without == {"bottlerocket", "flatcar"}
