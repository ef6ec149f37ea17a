"""Which of the agent's scripts a node's zip holds. Refuses to know: nodes."""

import zipfile

from csd.package.sealed import SealedPackage

_SCRIPTS = ("validate", "update", "uninstall")


def scripts_of(package: SealedPackage, files: set[str]) -> frozenset[str]:
    """The scripts that each of these zips holds (it is not always known which one a node gets)."""
    found = frozenset(_SCRIPTS)
    for name in files - {""}:
        with zipfile.ZipFile(package.folder / name) as archive:
            held = {entry.rpartition(".")[0] for entry in archive.namelist() if entry.endswith((".sh", ".ps1"))}
        found &= held
    return found
