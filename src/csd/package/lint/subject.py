"""What was named on the command line -> parts (each what one zip unpacks to) and the manifest, if any.

Rules: a zip with faults gives no part: nothing of it is believed. At most HEAD_BYTES of a script are read.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from csd.errors import CsdInputError, Problem
from csd.package.building.manifest import MANIFEST_FILE
from csd.package.building.plan import FILE_BYTES_MAX, MANIFEST_BYTES_MAX
from csd.package.lint import rules_archive, rules_manifest
from csd.package.lint.rule import Finding
from csd.package.reading.ending import Unreadable
from csd.package.reading.members import Member
from csd.package.reading.zips import examine_zip, read_member

HEAD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """What one zip unpacks to: where it is, its members, a way to read one, the platforms it is for (none: not known)."""

    where: str
    names: tuple[str, ...]
    read: Callable[[str], bytes]
    platforms: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subject:
    """A package to be judged. `findings` are those of the reading itself."""

    parts: tuple[Part, ...] = ()
    manifest: dict[str, Any] | None = None
    where: str = ""
    name: str = ""
    findings: list[Finding] = field(default_factory=list)


def read_subject(path: Path, name: str) -> Subject:
    """Read a folder with a manifest, a folder of zips, a manifest or a zip. Raises CsdInputError when there is none of them."""
    if path.is_file() and path.suffix.lower() != ".json":
        findings: list[Finding] = []
        return Subject(tuple(_parts([path], findings, {})), where=str(path), name=name, findings=findings)
    file = path / MANIFEST_FILE if path.is_dir() else path
    zips = sorted(one for one in file.parent.glob("*.zip") if one.is_file()) if file.parent.is_dir() else []
    if not file.is_file() and not (path.is_dir() and zips):
        raise CsdInputError([Problem(str(path), "holds no package.", "Name a folder, a zip or a manifest.json.")])
    findings = []
    manifest = _manifest(file, findings) if file.is_file() else None
    listed = manifest.get("files") if manifest else None
    mine = [one for one in zips if not isinstance(listed, dict) or one.name in listed]
    parts = tuple(_parts(mine, findings, (manifest or {}).get("packages")))
    return Subject(parts, manifest, str(file), name, findings)


def _manifest(file: Path, findings: list[Finding]) -> dict[str, Any] | None:
    if (size := file.stat().st_size) > MANIFEST_BYTES_MAX:
        findings.append(Finding(rules_manifest.MANIFEST_TOO_LARGE, str(file), f"has {size} bytes."))
        return None
    try:
        manifest = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as broken:
        findings.append(Finding(rules_manifest.SHAPE, str(file), f"is not JSON: {broken}."))
        return None
    if not isinstance(manifest, dict):
        findings.append(Finding(rules_manifest.SHAPE, str(file), "is not a JSON object."))
        return None
    return manifest


def _parts(zips: list[Path], findings: list[Finding], packages: object) -> Iterator[Part]:
    for path in zips:
        if (size := path.stat().st_size) > FILE_BYTES_MAX:
            findings.append(Finding(rules_archive.ZIP_TOO_LARGE, str(path), f"has {size} bytes."))
            continue
        examined = examine_zip(path)
        for fault in examined.faults:
            where = f"{path}!{fault.member}" if fault.member else str(path)
            findings.append(Finding(rules_archive.RULE_OF_FAULT[fault.kind], where, fault.what))
        if not examined.faults:
            held = {member.name: member for member in examined.members}
            yield Part(f"{path}!", tuple(held), _reader(path, held, findings), _platforms(packages, path.name))


def _reader(path: Path, held: dict[str, Member], findings: list[Finding]) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        try:
            return read_member(path, held[name], HEAD_BYTES)
        except Unreadable as unfit:
            findings.append(Finding(rules_archive.BROKEN_ZIP, f"{path}!{name}", unfit.what))
            return b""

    return read


def _platforms(packages: object, file: str) -> frozenset[str]:
    """The platforms whose entries name a zip."""
    return frozenset(
        platform
        for platform, versions in (packages.items() if isinstance(packages, dict) else ())
        for held in (versions.values() if isinstance(versions, dict) else ())
        for told in (held.values() if isinstance(held, dict) else ())
        if isinstance(told, dict) and told.get("file") == file
    )
