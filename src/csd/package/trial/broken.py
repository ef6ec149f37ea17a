"""A version of a package that fails on purpose: the same zips, whose install script runs the real one and then exits 17.

It fails at the last moment, after everything was put on the node: the most that a rollback can have to undo. The agent then runs the
package's real uninstall script, and installs the version before.

Rules: every other file of a zip is copied as it is, byte by byte. Refuses to know: AWS.
"""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

from csd.package.sealed import MANIFEST_FILE, SealedPackage, read_sealed

EXIT_CODE = 17
REAL = "csd-trial-real-install"
_ENDING = ".csdfails"  # Letters and dots alone: an agent asks another service for versions with other characters.
_VERSION_CHARS_MAX = 128
_SH = f"""echo "csd: running the package's own install script, then failing on purpose"
sh {REAL}.sh
echo "csd: it ended with $?; failing on purpose" >&2
exit {EXIT_CODE}
"""
_PS1 = f"""Write-Output "csd: running the package's own install script, then failing on purpose"
& .\\{REAL}.ps1
[Console]::Error.WriteLine("csd: it ended with $LASTEXITCODE; failing on purpose")
exit {EXIT_CODE}
"""
WRAPPERS = {"sh": _SH, "ps1": _PS1}


def broken_version(version: str) -> str:
    """The version's name."""
    return version[: _VERSION_CHARS_MAX - len(_ENDING)] + _ENDING


def make_broken(package: SealedPackage, folder: Path) -> SealedPackage:
    """Write the failing version of `package` into `folder`, and read it back. What the package accepts is accepted of it too."""
    manifest = json.loads((package.folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    manifest["version"] = broken_version(package.version)
    for file in package.files:
        _wrap(package.folder / file.name, folder / file.name)
        with (folder / file.name).open("rb") as written:
            manifest["files"][file.name]["checksums"]["sha256"] = hashlib.file_digest(written, "sha256").hexdigest()
        if "size" in manifest["files"][file.name]:
            manifest["files"][file.name]["size"] = (folder / file.name).stat().st_size
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest), encoding="utf-8")
    return read_sealed(folder, package.release.accepted if package.release else {})


def _wrap(source: Path, target: Path) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            kind = info.filename.removeprefix("install.")
            wrapped = info.filename.startswith("install.") and kind in WRAPPERS
            copy = zipfile.ZipInfo(f"{REAL}.{kind}" if wrapped else info.filename, info.date_time)
            copy.external_attr, copy.compress_type, copy.create_system = (
                info.external_attr,
                info.compress_type,
                info.create_system,
            )
            copy.file_size = info.file_size
            with old.open(info) as read, new.open(copy, "w") as written:
                shutil.copyfileobj(read, written)
            if wrapped:
                new.writestr(zipfile.ZipInfo(info.filename, info.date_time), WRAPPERS[kind])
