"""What was named -> everything that rules look at, and what reading it showed.

Flow: a folder with manifest.json, or a manifest -> its release and its zips; a folder with package.yaml -> what a build would write,
nothing of it written; a zip -> itself.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from csd.errors import CsdInputError, Problem
from csd.package.building.manifest import MANIFEST_FILE
from csd.package.building.plan import FILE_BYTES_MAX
from csd.package.contents import Contents
from csd.package.lint import rules_manifest as rules
from csd.package.lint.manifests import listing_findings, manifest_packages, read_manifest, told_digest
from csd.package.lint.naming import file_version_findings
from csd.package.lint.parts import Part, part_of_contents, part_of_zip
from csd.package.lint.rule import Finding
from csd.package.lint.rules_archive import ZIP_TOO_LARGE
from csd.package.matching.targets import packages_of
from csd.package.matching.walk import Entry, Packages, entries
from csd.package.release import RELEASE_FILE, is_attachment_name
from csd.package.source import SOURCE_FILE, PackageSource, read_source, shape_of_entries


@dataclass(slots=True)
class Subject:
    """Parts, the walk's packages, and (place, word) of each name and version that is told; `found` and `remarks` come of reading."""

    where: str
    parts: list[Part] = field(default_factory=list)
    packages: Packages = field(default_factory=dict)
    places: Mapping[Entry, str] = field(default_factory=dict)
    named: list[tuple[str, str]] = field(default_factory=list)
    versions: list[tuple[str, Any]] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_subject(path: Path) -> Subject:
    """Read what was named. Raises CsdInputError where it is nothing that could be a package."""
    if path.is_dir() and (path / MANIFEST_FILE).is_file():
        return _sealed(path / MANIFEST_FILE, alone=False)
    if path.is_dir() and (path / SOURCE_FILE).is_file():
        return _source(path)
    if path.is_file() and path.suffix.lower() == ".json":
        return _sealed(path, alone=True)
    if path.is_file():
        return Subject(str(path), [part_of_zip(path, frozenset())], found=list(_too_large(path)))
    remedy = f"Name a folder with {MANIFEST_FILE} or {SOURCE_FILE}, a manifest, or a zip."
    raise CsdInputError([Problem(str(path), "is no package." if path.exists() else "is not there.", remedy)])


def _source(folder: Path) -> Subject:
    file = folder / SOURCE_FILE
    subject = Subject(str(file))
    try:
        source = read_source(folder)
    except CsdInputError as wrong:
        subject.found += map(_unfit, wrong.problems)
        return subject
    subject.named.append((f"{file}: name", source.name))
    subject.versions.append((f"{file}: version", source.version))
    problems = shape_of_entries(str(file), source)
    for platform in source.platforms:
        contents = Contents(source, folder, platform, judge_scripts=False)
        problems += contents.problems
        if contents.entries or not contents.problems:  # of a folder that is not there nothing more is told
            subject.parts.append(part_of_contents(contents, frozenset(target.platform for target in platform.targets)))
    problems += _targets(subject, source, file)
    subject.found += map(_unfit, dict.fromkeys(problems))
    return subject


def _targets(subject: Subject, source: PackageSource, file: Path) -> Iterator[Problem]:
    places: dict[Entry, str] = {}
    triples = []
    for index, platform in enumerate(source.platforms):
        for number, target in enumerate(platform.targets):
            triple = (target.platform, target.version, target.architecture)
            place = f"{file}: platforms[{index}].targets[{number}]"
            if (first := places.setdefault(Entry(*triple), place)) != place:
                yield Problem(place, f"{Entry(*triple)} is also listed at {first}.", "Keep one: a node gets exactly one zip.")
            triples.append((triple, source.zip_name(platform.label)))
    subject.packages, subject.places = packages_of(triples), places


def _unfit(problem: Problem) -> Finding:
    return Finding(rules.UNFIT, problem.where, f"{problem.what} {problem.remedy}")


def _sealed(path: Path, *, alone: bool) -> Subject:
    subject = Subject(str(path))
    manifest = read_manifest(path, subject.found)
    if manifest is None:
        return subject
    subject.packages = manifest_packages(manifest, str(path), subject.found)
    if not isinstance(manifest, dict):
        return subject
    subject.versions.append((f"{path}: version", manifest.get("version")))
    files = manifest["files"] if isinstance(manifest.get("files"), dict) else {}
    subject.found += listing_findings(files, subject.packages, str(path))
    _release(subject, path.parent / RELEASE_FILE, manifest, files)
    names = [name for name in sorted(files) if is_attachment_name(name)]
    if alone and not any((path.parent / name).is_file() for name in names):
        subject.remarks.append(f"{path}: none of its zips is beside it; only the manifest was looked at.")
        return subject
    for name in names:
        _zip(subject, path, name, files[name])
    return subject


def _zip(subject: Subject, manifest: Path, name: str, told: Any) -> None:
    path = manifest.parent / name
    if not path.is_file():
        subject.found.append(Finding(rules.ABSENT, f"{manifest}: files.{name}", f"{path} is not there."))
        return
    platforms = frozenset(entry.platform for entry, file in entries(subject.packages) if file == name)
    subject.parts.append(part_of_zip(path, platforms))
    subject.found += [*_too_large(path), *_differs(path, told)]


def _release(subject: Subject, path: Path, manifest: Mapping[str, Any], files: Mapping[str, Any]) -> None:
    """Name and version that a release.json beside the manifest tells; whether its digests hold is for verify."""
    if not path.is_file():
        return
    try:
        told = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        subject.found.append(Finding(rules.UNFIT, str(path), "is no JSON object. Build the package again."))
        return
    name = str(told.get("name", ""))
    subject.named.append((f"{path}: name", name))
    subject.versions.append((f"{path}: version", told.get("version")))
    subject.found += file_version_findings(name, manifest.get("version"), files, subject.where)


def _too_large(path: Path) -> Iterator[Finding]:
    if (size := path.stat().st_size) > FILE_BYTES_MAX:
        yield Finding(ZIP_TOO_LARGE, str(path), f"has {size} bytes, more than {FILE_BYTES_MAX}.")


def _differs(path: Path, told: Any) -> Iterator[Finding]:
    size, real = told.get("size") if isinstance(told, dict) else None, path.stat().st_size
    if isinstance(size, int) and size != real:
        yield Finding(rules.DIGEST, str(path), f"has {real} bytes, the manifest says {size}.")
        return
    expected = told_digest(told)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    if expected not in (None, sha256):
        yield Finding(rules.DIGEST, str(path), f"has sha256 {sha256}, the manifest says {expected}.")
