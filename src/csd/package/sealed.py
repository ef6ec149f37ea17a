"""The sealed folder: manifest.json and the zips it names. Built here, read back and checked before it is published.

Flow: PackageSource + entries -> zips -> manifest.json (last, so that a folder with a manifest is whole).

Rules: AWS's limits are checked before anything is uploaded; a sealed folder that does not fit its manifest is refused.
Refuses to know: S3 and SSM.
"""

import hashlib
import json
import re
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csd.errors import CsdInputError, Problem
from csd.package.archive import write_zip
from csd.package.contents import Contents
from csd.package.matching.targets import matching_holes
from csd.package.release import RELEASE_FILE, Digest, Release, canonical, read_release, release_value
from csd.package.source import FILES_MAX, SOURCE_FILE, VERSION_PATTERN, PackageSource, read_source, source_problems

MANIFEST_FILE = "manifest.json"
# AWS: Distributor guide "Create a package": 1 GB a file; CreateDocument API: 64 KB of content.
FILE_BYTES_MAX = 1_000_000_000
MANIFEST_BYTES_MAX = 64_000


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


def build_package(folder: Path, output: Path) -> SealedPackage:
    """Build `folder` into `output`. Raises CsdInputError with every problem; then nothing was written."""
    source = read_source(folder)
    contents = {platform.folder: Contents(source, folder, platform) for platform in source.platforms}
    problems = source_problems(str(folder / SOURCE_FILE), source)
    problems += [problem for content in contents.values() for problem in content.problems]
    problems += _size_problems(folder, contents)
    if problems:
        raise CsdInputError(problems)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output, prefix=".building-") as building:
        files = []
        for platform, content in contents.items():
            path = Path(building) / source.zip_name(platform)
            write_zip(content.entries, path)
            files.append(_measure(path))
        manifest = manifest_text(source, files)
        if len(manifest.encode()) > MANIFEST_BYTES_MAX:
            what = f"makes a manifest of more than {MANIFEST_BYTES_MAX} bytes."
            raise CsdInputError([Problem(str(folder / SOURCE_FILE), what, "List fewer targets.")])
        for file in files:
            (Path(building) / file.name).replace(output / file.name)
    release = _release(source.name, source.version, manifest.encode(), files)
    (output / RELEASE_FILE).write_text(canonical(release_value(release)) + "\n", encoding="utf-8", newline="\n")
    (output / MANIFEST_FILE).write_text(manifest, encoding="utf-8", newline="\n")
    triples = [(t.platform, t.version, t.architecture) for p in source.platforms for t in p.targets]
    warnings = [warning for content in contents.values() for warning in content.warnings] + matching_holes(triples)
    return SealedPackage(output, source.name, source.version, tuple(files), tuple(warnings), release)


def _release(name: str, version: str, manifest: bytes, files: list[SealedFile]) -> Release:
    digest = Digest(hashlib.sha256(manifest).hexdigest(), len(manifest))
    return Release(name, version, digest, {file.name: Digest(file.sha256, file.size) for file in files})


def manifest_text(source: PackageSource, files: list[SealedFile]) -> str:
    """The Distributor manifest, schemaVersion 2.0, as stable JSON text."""
    packages: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    for platform in source.platforms:
        for target in platform.targets:
            versions = packages.setdefault(target.platform, {})
            versions.setdefault(target.version, {})[target.architecture] = {"file": source.zip_name(platform.folder)}
    manifest: dict[str, Any] = {
        "schemaVersion": "2.0",
        "version": source.version,
        "packages": packages,
        "files": {file.name: {"checksums": {"sha256": file.sha256}, "size": file.size} for file in files},
    }
    manifest |= {key: value for key, value in (("publisher", source.publisher), ("description", source.description)) if value}
    return json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _size_problems(folder: Path, contents: dict[str, Contents]) -> list[Problem]:
    return [
        Problem(
            str(folder / platform), f"makes a zip of more than {FILE_BYTES_MAX} bytes.", "Distributor takes at most 1 GB a file."
        )
        for platform, content in contents.items()
        if sum(entry.size for entry in content.entries) > FILE_BYTES_MAX
    ]


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
    listed: dict[str, Any] = manifest["files"]
    for name, told in listed.items():
        problems += _file_problems(folder / name, told)
    if problems:
        raise CsdInputError(problems)
    files = [_measure(folder / name) for name in sorted(listed)]
    release = _read_release(folder, path.read_bytes(), manifest["version"], files)
    return SealedPackage(folder, release.name if release else "", manifest["version"], tuple(files), release=release)


def _read_release(folder: Path, manifest: bytes, version: str, files: list[SealedFile]) -> Release | None:
    """What release.json tells, where there is one; it must be of these very files."""
    path = folder / RELEASE_FILE
    if not path.is_file():
        return None
    try:
        told = read_release(json.loads(path.read_text(encoding="utf-8")), str(path))
    except ValueError as broken:
        raise CsdInputError([Problem(str(path), f"is not JSON: {broken}.", "Build the package again.")]) from broken
    found = _release(told.name, version, manifest, files)
    if (told.version, told.manifest, told.files) != (found.version, found.manifest, found.files):
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
    if not isinstance(manifest.get("version"), str) or not re.match(VERSION_PATTERN, manifest["version"]):
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


def _file_problems(path: Path, told: Any) -> list[Problem]:
    if path.parent / path.name != path or not path.is_file():
        return [Problem(str(path), "there is no such file.", "Build the package again.")]
    measured = _measure(path)
    expected = str(told.get("checksums", {}).get("sha256", "")) if isinstance(told, dict) else ""
    if measured.sha256 != expected.lower():
        return [
            Problem(
                str(path), f"has sha256 {measured.sha256}, the manifest says {expected or 'nothing'}.", "Build the package again."
            )
        ]
    if measured.size > FILE_BYTES_MAX:
        return [Problem(str(path), f"is larger than {FILE_BYTES_MAX} bytes.", "Distributor takes at most 1 GB a file.")]
    if not zipfile.is_zipfile(path):
        return [Problem(str(path), "is not a zip.", "Build the package again.")]
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    if not names & {"install.sh", "install.ps1"}:
        return [
            Problem(
                str(path),
                "has no install.sh or install.ps1 at its root.",
                "Zip the files themselves, not the folder around them.",
            )
        ]
    return []
