"""The checks of a manifest: shape, files, walk; and of a package's name.

Rules: a manifest alone, with none of its zips beside it, is judged by itself; files are looked for only where one is there.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from csd.errors import CsdInputError
from csd.package.lint import rules_manifest as rules
from csd.package.lint.rule import Finding
from csd.package.lint.subject import Subject
from csd.package.matching.reach import holes, unreachable
from csd.package.matching.walk import entries, read_packages
from csd.package.release import RELEASE_FILE
from csd.package.source import FILES_MAX, NAME_PATTERN, RESERVED_NAME_BEGINNINGS, VERSION_PATTERN

# AWS: Systems Manager guide, packages that AWS publishes in Distributor.
PUBLISHED_NAMES = frozenset({"amazoncloudwatchagent", "awspvdriver", "amazonefsutils", "awskinesistap", "awsvsscomponents", "awsnvme"})


def manifest_findings(subject: Subject) -> Iterator[Finding]:
    """Everything about a manifest and the files that it lists."""
    manifest, where = subject.manifest, subject.where
    if manifest is None:
        return
    if manifest.get("schemaVersion") != "2.0":
        yield Finding(rules.SHAPE, f"{where}: schemaVersion", f"must be \"2.0\"; found {manifest.get('schemaVersion')!r}.")
    version = manifest.get("version")
    if not isinstance(version, str) or not re.fullmatch(VERSION_PATTERN, version):
        yield Finding(rules.NO_NAME, f"{where}: version", f"found {version!r}.")
    try:
        packages = read_packages(manifest, where)
    except CsdInputError as refused:
        for problem in refused.problems:
            yield Finding(rules.SHAPE, problem.where, problem.what)
        return
    for never in unreachable(packages):
        yield Finding(rules.UNREACHABLE, f"{where}: packages", str(never))
    for hole in holes(packages):
        yield Finding(rules.HOLE, f"{where}: packages", str(hole))
    yield from _file_findings(where, manifest.get("files"), {file for _, file in entries(packages)})


def _file_findings(where: str, files: Any, used: set[str]) -> Iterator[Finding]:
    if not isinstance(files, dict):
        yield Finding(rules.SHAPE, f"{where}: files", "is not there, or is no JSON object.")
        return
    if len(files) > FILES_MAX:
        yield Finding(rules.TOO_MANY, f"{where}: files", f"lists {len(files)} files.")
    for name in sorted(used - set(files)):
        yield Finding(rules.UNLISTED, f"{where}: packages", f"names {name!r}, which 'files' does not list.")
    for name in sorted(set(files) - used):
        yield Finding(rules.UNUSED, f"{where}: files.{name}", "no platform names it.")
    folder = Path(where).parent
    beside = {path.name for path in folder.iterdir()} if any(folder.glob("*.zip")) else None
    for name, told in sorted(files.items()):
        place = f"{where}: files.{name}"
        checksums = told.get("checksums") if isinstance(told, dict) else None
        digest = checksums.get("sha256") if isinstance(checksums, dict) else None
        if not isinstance(digest, str):
            yield Finding(rules.DIGEST, place, "has no checksums.sha256.")
        if beside is not None and name not in beside:
            yield Finding(rules.ABSENT, place, f"there is no {name!r} beside the manifest.")
        elif beside is not None and isinstance(digest, str) and (found := _sha256(folder / name)) != digest.lower():
            yield Finding(rules.DIGEST, place, f"the zip has sha256 {found}, the manifest says {digest}.")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def name_findings(name: str, where: str) -> Iterator[Finding]:
    """Whether a document may be called so. An empty name is not known, and not judged."""
    begun = next((word for word in RESERVED_NAME_BEGINNINGS if name.lower().startswith(word)), None)
    if name.lower() in PUBLISHED_NAMES:
        yield Finding(rules.PUBLISHED, where, f"{name!r} is a package that AWS publishes.")
    elif begun:
        yield Finding(rules.RESERVED, where, f"{name!r} begins with {begun!r}, which AWS keeps for itself.")
    elif name and not re.fullmatch(NAME_PATTERN, name):
        yield Finding(rules.NO_NAME, where, f"{name!r} is no name of a document.")


def release_findings(subject: Subject) -> Iterator[Finding]:
    """What release.json beside the manifest tells otherwise; and the name that it has, where none was given."""
    path = Path(subject.where).with_name(RELEASE_FILE)
    if subject.manifest is None or not path.is_file():
        return
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as broken:
        yield Finding(rules.SHAPE, str(path), f"is not JSON: {broken}.")
        return
    if not isinstance(told, dict):
        yield Finding(rules.SHAPE, str(path), "is not a JSON object.")
        return
    if told.get("version") != subject.manifest.get("version"):
        found = f"says version {told.get('version')!r}, the manifest {subject.manifest.get('version')!r}."
        yield Finding(rules.VERSIONS_DIFFER, str(path), found)
    if not subject.name and isinstance(told.get("name"), str):
        yield from name_findings(told["name"], f"{path}: name")
