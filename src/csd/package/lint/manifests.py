"""The checks of a manifest: its shape, what it lists, where its walk ends. A manifest that another tool wrote is taken as it is.

Rules: everything that is wrong is told at once; a part that has no shape is not looked into.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csd.errors import CsdInputError
from csd.package.building.manifest import listed_sha256
from csd.package.limits import FILES_MAX, MANIFEST_BYTES_MAX
from csd.package.lint import rules_manifest as rules
from csd.package.lint.rule import Finding
from csd.package.matching.reach import holes, unreachable
from csd.package.matching.walk import Entry, Packages, entries, read_packages
from csd.package.names import printable
from csd.package.places import MANIFEST_FILE
from csd.package.release import RELEASE_FILE, SIGNED_RELEASE_FILE, is_attachment_name
from csd.package.source import VERSION_PATTERN

READ_BYTES_MAX = 1 << 20
"""What is larger is not looked into."""
_OURS = {MANIFEST_FILE, RELEASE_FILE, SIGNED_RELEASE_FILE}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says, as far as it has a shape, and what is wrong with it. `files` are those that it lists, as it lists them."""

    version: Any
    packages: Packages
    files: Mapping[str, Any]
    found: tuple[Finding, ...]


def read_manifest(path: Path) -> Manifest:
    """A manifest and all that is wrong with it alone."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        return judge_manifest(stream.read(READ_BYTES_MAX), size, str(path))


def judge_manifest(content: bytes, size: int, where: str) -> Manifest:
    """The same of its bytes, of which there are `size` in all, or so many at least."""
    found: list[Finding] = []
    if size > MANIFEST_BYTES_MAX:
        found.append(Finding(rules.MANIFEST_TOO_LARGE, where, f"has {size} bytes, more than {MANIFEST_BYTES_MAX}."))
    told = _json(content, where, found) if size <= READ_BYTES_MAX else None
    packages = _packages(told, where, found) if told is not None or not found else {}
    if not isinstance(told, dict):
        return Manifest(None, {}, {}, tuple(found))
    files = told["files"] if isinstance(told.get("files"), dict) else {}
    version = told.get("version")
    found += [*version_findings([(f"{where}: version", version)]), *_listing(files, packages, where)]
    return Manifest(version, packages, files, tuple(found))


def _json(content: bytes, where: str, found: list[Finding]) -> Any:
    """None, and a finding, where there is no JSON to read."""
    try:
        return json.loads(content, object_pairs_hook=_once)
    except _TwiceError as twice:
        found.append(
            Finding(rules.SHAPE, where, f"has the key {str(twice)!r} twice in one object: readers differ in which counts.")
        )
    except (ValueError, RecursionError) as broken:
        why = "it is nested too deeply" if isinstance(broken, RecursionError) else broken
        found.append(Finding(rules.SHAPE, where, f"is not JSON: {why}."))
    return None


class _TwiceError(Exception):
    """A key that an object has more than once."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, held in pairs:
        if key in value:
            raise _TwiceError(key)
        value[key] = held
    return value


def _packages(manifest: Any, where: str, found: list[Finding]) -> Packages:
    """What the walk goes through; {} and findings where it has no shape."""
    if not isinstance(manifest, dict):
        found.append(Finding(rules.SHAPE, where, "is not a JSON object."))
        return {}
    if manifest.get("schemaVersion") != "2.0":
        what = f"must be '2.0'; found {manifest.get('schemaVersion')!r}."
        found.append(Finding(rules.SHAPE, f"{where}: schemaVersion", what))
    empty = [key for key in ("packages", "files") if not isinstance(manifest.get(key), dict) or not manifest[key]]
    found += [Finding(rules.SHAPE, where, f"has no {key!r}, or nothing in it.") for key in empty]
    if "packages" in empty:
        return {}
    try:
        return read_packages(manifest, where)
    except CsdInputError as wrong:
        found += [Finding(rules.SHAPE, problem.where, problem.what) for problem in wrong.problems]
        return {}


def _listing(files: Mapping[str, Any], packages: Packages, where: str) -> Iterator[Finding]:
    """What `files` says beside `packages`."""
    if len(files) > FILES_MAX:
        yield Finding(rules.TOO_MANY, f"{where}: files", f"lists {len(files)} files.")
    for name in sorted(files):
        if not is_attachment_name(name):
            yield Finding(rules.NO_NAME, f"{where}: files", f"{printable(name)!r} is no name of an attachment.")
        elif name.lower() in _OURS:
            yield Finding(rules.NO_NAME, f"{where}: files", f"{name!r} is the name of a file that stands beside the zips.")
        if told_digest(files[name]) is None:
            yield Finding(rules.DIGEST, f"{where}: files.{printable(name)}", "has no sha256 in its checksums.")
    used: dict[str, Entry] = {}
    for entry, file in entries(packages):
        used.setdefault(file, entry)
    for name in sorted(set(used) - set(files)):
        what = f"names {printable(name)!r} for {used[name]}, which 'files' does not list."
        yield Finding(rules.UNLISTED, f"{where}: packages", what)
    for name in sorted(set(files) - set(used)) if packages else ():
        yield Finding(rules.UNUSED, f"{where}: files.{printable(name)}", "is for no platform.")


def told_digest(told: Any) -> str | None:
    """The sha256 that the manifest tells of a file."""
    sha256 = listed_sha256(told)
    return sha256.lower() if isinstance(sha256, str) and re.fullmatch(r"[0-9a-fA-F]{64}", sha256) else None


def walk_findings(packages: Packages, places: Mapping[Entry, str], where: str) -> Iterator[Finding]:
    """Entries that no node reaches, and nodes that fall between. `places` are those of entries that are written elsewhere."""
    for never in unreachable(packages):
        yield Finding(rules.UNREACHABLE, places.get(never.entry, f"{where}: packages"), str(never))
    for hole in holes(packages):
        yield Finding(rules.HOLE, where if places else f"{where}: packages", str(hole))


def version_findings(versions: Iterable[tuple[str, Any]]) -> Iterator[Finding]:
    """(place, version) of everything that tells the package's version."""
    told = list(versions)
    for place, version in told:
        if not isinstance(version, str) or not re.fullmatch(VERSION_PATTERN, version):
            yield Finding(rules.NO_NAME, place, f"found {version!r}.")
    for place, version in told[1:]:
        if version != told[0][1]:
            yield Finding(rules.VERSIONS_DIFFER, place, f"says {version!r}, and {told[0][0]} says {told[0][1]!r}.")
