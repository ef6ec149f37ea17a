"""The sealed folder: manifest.json, the zips it names, release.json and what stands beside. Built here, read back and proved before use.

Rules: AWS's limits are checked before anything is written; a sealed folder that does not fit its manifest or its release is refused.
Refuses to know: S3 and SSM.
"""

import hashlib
import json
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from csd.errors import CsdInputError, Problem
from csd.package.building.manifest import MANIFEST_FILE, listed_sha256
from csd.package.building.output import BUILDING_PREFIX, leftovers, output_problems, put_in_place
from csd.package.building.plan import FILE_BYTES_MAX, MANIFEST_BYTES_MAX, plan_package
from csd.package.building.writing import Watch, read_contents, unwatched, write_package
from csd.package.reading.zips import examine_zip, fault_problems
from csd.package.release import RELEASE_FILE, Digest, Release, digest_of, is_attachment_name, read_release, release_value
from csd.package.source import FILES_MAX, VERSION_PATTERN

# What stands in a sealed folder and how large it may be is asked here, wherever it is defined.
__all__ = [
    "DIST",
    "FILE_BYTES_MAX",
    "MANIFEST_BYTES_MAX",
    "MANIFEST_FILE",
    "SealedFile",
    "SealedPackage",
    "build_package",
    "read_sealed",
    "sealed_value",
]

# Where a build goes that is not told where: a folder for each content, below the current one.
DIST = Path("dist")


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One zip: its name, bytes and SHA-256 (hex)."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SealedPackage:
    """A folder that can be published. `name` is '' and `release` None where no release.json is beside the manifest."""

    folder: Path
    name: str
    version: str
    files: tuple[SealedFile, ...]
    warnings: tuple[str, ...] = ()
    release: Release | None = None


def sealed_value(sealed: SealedPackage) -> dict[str, Any]:
    """What was built, as a JSON value."""
    release = release_value(sealed.release) if sealed.release else {}
    address = sealed.release.address if sealed.release else ""
    return {"folder": str(sealed.folder), "address": address, **release, "warnings": list(sealed.warnings)}


def build_package(
    folder: Path, output: Path | None = None, *, moment: datetime | None = None, watch: Watch = unwatched
) -> SealedPackage:
    """Build `folder` into `output`; without one, into dist/NAME/VERSION/DIGEST. `moment` is told as the time of the build.

    Raises CsdInputError with every problem; then nothing was written.
    """
    plan = plan_package(folder)
    base = output or DIST / plan.source.name / plan.source.version
    wrong = output_problems(output, plan.contents, plan.read) if output else []
    if wrong:
        raise CsdInputError(wrong)
    warnings = [*plan.warnings, *leftovers(base)]
    contents = read_contents(plan, watch)
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base, prefix=BUILDING_PREFIX) as hidden:
        release = write_package(plan, contents, Path(hidden), moment, watch)
        place = output or DIST / release.address
        place.mkdir(exist_ok=True)
        warnings += put_in_place(Path(hidden), place)
    files = tuple(SealedFile(name, digest.size, digest.sha256) for name, digest in release.files.items())
    return SealedPackage(place, release.name, release.version, files, tuple(warnings), release)


def _measure(path: Path) -> SealedFile:
    with path.open("rb") as stream:
        return SealedFile(path.name, path.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest())


def read_sealed(folder: Path) -> SealedPackage:
    """Read a sealed folder back and prove it: every file is there, with the size, digest and scripts it must have."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise CsdInputError(
            [Problem(str(path), "there is no such file.", "Build the package first: csd package build DIR --output DIR.")]
        )
    if path.stat().st_size > MANIFEST_BYTES_MAX:
        raise CsdInputError(
            [Problem(str(path), f"is larger than {MANIFEST_BYTES_MAX} bytes.", "SSM refuses it; list fewer targets.")]
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as broken:
        raise CsdInputError([Problem(str(path), f"is not JSON: {broken}.", "Build the package again.")]) from broken
    problems = _manifest_problems(path, manifest)
    if problems:
        raise CsdInputError(problems)
    files: list[SealedFile] = []
    for name, told in sorted(manifest["files"].items()):
        problems += _file_problems(folder / name, told, files)
    if problems:
        raise CsdInputError(problems)
    release = _read_release(folder, path.read_bytes(), manifest["version"], files)
    return SealedPackage(folder, release.name if release else "", manifest["version"], tuple(files), release=release)


def _digest(path: Path) -> Digest | None:
    if not path.is_file():
        return None
    measured = _measure(path)
    return Digest(measured.sha256, measured.size)


def _read_release(folder: Path, manifest: bytes, version: str, files: list[SealedFile]) -> Release | None:
    """What release.json tells, where there is one; it must be of these very files."""
    path = folder / RELEASE_FILE
    if not path.is_file():
        return None
    try:
        told = read_release(json.loads(path.read_text(encoding="utf-8")), str(path))
    except ValueError as broken:
        raise CsdInputError([Problem(str(path), f"is not JSON: {broken}.", "Build the package again.")]) from broken
    zips = {file.name: Digest(file.sha256, file.size) for file in files}
    beside = {name: _digest(folder / name) for name in told.beside}
    if (told.version, told.manifest, told.files, told.beside) != (version, digest_of(manifest), zips, beside):
        raise CsdInputError([Problem(str(path), "tells of other files than are here.", "Build the package again.")])
    return told


def _manifest_problems(path: Path, manifest: Any) -> list[Problem]:
    if not isinstance(manifest, dict):
        return [Problem(str(path), "is not a JSON object.", "Build the package again.")]
    problems = []
    if manifest.get("schemaVersion") != "2.0":
        problems.append(
            Problem(f"{path}: schemaVersion", f"must be '2.0'; found {manifest.get('schemaVersion')!r}.", "Correct it.")
        )
    if not isinstance(manifest.get("version"), str) or not re.fullmatch(VERSION_PATTERN, manifest["version"]):
        problems.append(
            Problem(
                f"{path}: version",
                f"found {manifest.get('version')!r}.",
                "Use 1-128 letters, digits, '_', '-' and '.', in quotes.",
            )
        )
    files, packages = manifest.get("files"), manifest.get("packages")
    if not isinstance(files, dict) or not files or not isinstance(packages, dict) or not packages:
        return [*problems, Problem(str(path), "needs 'files' and 'packages', both with entries.", "Build the package again.")]
    if len(files) > FILES_MAX:
        problems.append(Problem(f"{path}: files", f"lists {len(files)} files.", f"Distributor takes at most {FILES_MAX}."))
    problems += [
        Problem(f"{path}: files", f"{name!r} is no name of an attachment.", "Use 3-128 letters, digits, '_', '-' and '.'.")
        for name in sorted(files)
        if not is_attachment_name(name)
    ]
    used = _used_files(packages)
    problems += [
        Problem(f"{path}: packages", f"names {name!r}, which 'files' does not list.", "List it with its sha256.")
        for name in sorted(used - set(files))
    ]
    problems += [Problem(f"{path}: files.{name}", "no package uses it.", "Remove it.") for name in sorted(set(files) - used)]
    return problems


def _used_files(packages: dict[str, Any]) -> set[str]:
    used = set()
    for versions in packages.values():
        for architectures in versions.values() if isinstance(versions, dict) else ():
            for told in architectures.values() if isinstance(architectures, dict) else ():
                used.add(str(told.get("file", "")) if isinstance(told, dict) else "")
    return used


def _file_problems(path: Path, told: Any, files: list[SealedFile]) -> list[Problem]:
    if not path.is_file():
        return [Problem(str(path), "there is no such file.", "Build the package again.")]
    measured = _measure(path)
    files.append(measured)
    expected = str(listed_sha256(told) or "")
    if measured.sha256 != expected.lower():
        return [
            Problem(
                str(path), f"has sha256 {measured.sha256}, the manifest says {expected or 'nothing'}.", "Build the package again."
            )
        ]
    if measured.size > FILE_BYTES_MAX:
        return [Problem(str(path), f"is larger than {FILE_BYTES_MAX} bytes.", "Distributor takes at most 1 GB a file.")]
    examined = examine_zip(path)
    if examined.faults:
        return fault_problems(path, examined.faults)
    names = {member.name for member in examined.members}
    if not names & {"install.sh", "install.ps1"}:
        return [
            Problem(
                str(path),
                "has no install.sh or install.ps1 at its root.",
                "Zip the files themselves, not the folder around them.",
            )
        ]
    return []
