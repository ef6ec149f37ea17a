"""What was named -> everything that rules look at, and what reading it showed.

Flow: a folder with manifest.json, or a manifest -> its release and its zips; a folder with package.yaml -> sources.py; a zip -> itself.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from csd.errors import CsdInputError, Problem
from csd.package.limits import FILE_BYTES_MAX
from csd.package.lint import rules_manifest as rules
from csd.package.lint.accepting import acceptance_findings
from csd.package.lint.manifests import Manifest, read_manifest, told_digest
from csd.package.lint.naming import file_version_findings
from csd.package.lint.parts import Part, part_of_zip
from csd.package.lint.rule import Finding
from csd.package.lint.rules_archive import ZIP_TOO_LARGE
from csd.package.matching.walk import Entry, Packages, entries
from csd.package.places import MANIFEST_FILE, SOURCE_FILE
from csd.package.release import RELEASE_FILE, Digest, is_attachment_name


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
    accepted: Mapping[str, str] = field(default_factory=dict)
    """{id of a rule: why its findings are accepted}"""
    measured: dict[str, Digest] = field(default_factory=dict)
    """Zips whose bytes were read for their digest."""

    def accept(self, told: Any, where: str) -> None:
        """Take over acceptances; those that cannot be are findings."""
        accepted = told if isinstance(told, Mapping) else {"": told}
        wrong = list(acceptance_findings(accepted, where))
        self.found += wrong
        self.accepted = {**self.accepted, **({} if wrong else accepted)}


def read_subject(path: Path) -> Subject:
    """Read what was named. Raises CsdInputError where it is nothing that could be a package."""
    if path.is_dir() and (path / MANIFEST_FILE).is_file():
        return _sealed(path / MANIFEST_FILE, alone=False)
    if path.is_file() and path.suffix.lower() == ".json":
        return _sealed(path, alone=True)
    if path.is_file():
        return Subject(str(path), [part_of_zip(path, frozenset())], found=list(_too_large(path)))
    remedy = f"Name a folder with {MANIFEST_FILE} or {SOURCE_FILE}, a manifest, or a zip."
    raise CsdInputError([Problem(str(path), "is no package." if path.exists() else "is not there.", remedy)])


def _sealed(path: Path, *, alone: bool) -> Subject:
    subject = Subject(str(path))
    manifest = read_manifest(path)
    subject.packages, subject.found = manifest.packages, list(manifest.found)
    if isinstance(manifest.version, str):
        subject.versions.append((f"{path}: version", manifest.version))
    _release(subject, path.parent / RELEASE_FILE, manifest)
    names = [name for name in sorted(manifest.files) if is_attachment_name(name)]
    if alone and not any((path.parent / name).is_file() for name in names):
        subject.remarks.append(f"{path}: none of its zips is beside it; only the manifest was looked at.")
        return subject
    for name in names:
        _zip(subject, path, name, manifest.files[name])
    return subject


def _zip(subject: Subject, manifest: Path, name: str, told: Any) -> None:
    path = manifest.parent / name
    if not path.is_file():
        subject.found.append(Finding(rules.ABSENT, f"{manifest}: files.{name}", f"{path} is not there."))
        return
    platforms = frozenset(entry.platform for entry, file in entries(subject.packages) if file == name)
    subject.parts.append(part_of_zip(path, platforms))
    subject.found += [*_too_large(path), *_differs(subject, path, told)]


def _release(subject: Subject, path: Path, manifest: Manifest) -> None:
    """Name, version and acceptances that a release.json beside the manifest tells; whether its digests hold is for verify."""
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
    subject.found += file_version_findings(name, manifest.version, manifest.files, subject.where)
    subject.accept(told.get("accepted", {}), f"{path}: accepted")


def _too_large(path: Path) -> Iterator[Finding]:
    if (size := path.stat().st_size) > FILE_BYTES_MAX:
        yield Finding(ZIP_TOO_LARGE, str(path), f"has {size} bytes, more than {FILE_BYTES_MAX}.")


def _differs(subject: Subject, path: Path, told: Any) -> Iterator[Finding]:
    size, real = told.get("size") if isinstance(told, dict) else None, path.stat().st_size
    if isinstance(size, int) and size != real:
        yield Finding(rules.DIGEST, str(path), f"has {real} bytes, the manifest says {size}.")
        return
    expected = told_digest(told)
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    subject.measured[path.name] = Digest(sha256, real)
    if expected not in (None, sha256):
        yield Finding(rules.DIGEST, str(path), f"has sha256 {sha256}, the manifest says {expected}.")
