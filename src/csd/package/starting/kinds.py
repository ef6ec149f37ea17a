"""What becomes of an installer of each kind: its scripts, its name in the zip, and the systems that it is for.

Rules: pure; what the file does not tell is the kind's own, or a problem. Refuses to know: versions, other installers.
"""

from dataclasses import dataclass

from csd.errors import Problem
from csd.package.detection.filenames import LINUX
from csd.package.detection.installer import Installer, Platforms
from csd.package.matching.walk import ANY

WINDOWS = "windows"
_UNTOLD: dict[str, Platforms] = {"tar": LINUX, "script": LINUX, "file": ((ANY, ANY), (WINDOWS, ANY))}
_SHELL = {
    "deb": ("deb", "installer.deb"), "rpm": ("rpm", "installer.rpm"), "tar": ("tar", "installer.tar"), "zip": ("zip", "installer.zip"),
    "script": ("files", "programs/{}"), "binary": ("files", "programs/{}"), "file": ("files", "files/{}"),
}  # fmt: skip
_POWERSHELL = {
    "msi": ("msi", "installer.msi"), "exe": ("exe", "installer.exe"), "zip": ("zip-windows", "installer.zip"),
    "file": ("files-windows", "files/{}"),
}  # fmt: skip
# 32-bit Raspberry Pi OS has ID=raspbian in its os-release; the one of 64 bits has ID=debian.
_DEBIAN, _RASPBIAN = ("debian", ANY), ("raspbian", ANY)


@dataclass(frozen=True, slots=True)
class Way:
    """How an installer reaches nodes of one family: folders of scripts, its name in the zip, and the targets' keys."""

    label: str
    scripts: tuple[str, str]
    placed: str
    platforms: Platforms


def ways(installer: Installer) -> list[Way]:
    """One way for Windows, one for all else; none where `way_problem` says why."""
    platforms = installer.platforms or _UNTOLD.get(installer.kind, ())
    if installer.architecture == "arm" and _DEBIAN in platforms:
        platforms = (*platforms, _RASPBIAN)
    found = []
    for table, common, chosen in (
        (_SHELL, "sh", tuple(key for key in platforms if key[0] != WINDOWS)),
        (_POWERSHELL, "powershell", tuple(key for key in platforms if key[0] == WINDOWS)),
    ):
        if chosen and installer.kind in table:
            scripts, placed = table[installer.kind]
            both = common == "powershell" and installer.kind in _SHELL
            label = f"{installer.kind}-{WINDOWS}" if both else installer.kind
            found.append(Way(label, (common, scripts), placed.format(installer.path.name), chosen))
    return found


def way_problem(installer: Installer) -> Problem | None:
    """Why an installer reaches nobody."""
    if ways(installer):
        return None
    where = str(installer.path)
    if not installer.platforms:
        what = f"is a {installer.kind} file that tells no system that it is for, and neither does its name."
        return Problem(where, what, "Put linux, windows or macos into its name: agent-1.0-linux-x86_64.zip.")
    what = f"is a {installer.kind} file for {installer.platforms[0][0]}, for which there are no ready scripts."
    return Problem(where, what, "Give the vendor's .msi, .exe or .zip; or write the zip's folder yourself.")
