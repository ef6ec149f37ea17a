"""The sealed folder: manifest.json, the zips it names, release.json and what stands beside. Built here, read back and judged before use.

Rules: what lint calls an error is neither built nor read; a sealed folder that does not fit its release is refused.
Refuses to know: S3 and SSM.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from csd.errors import CsdInputError, Problem
from csd.package.building.output import BUILDING_PREFIX, leftovers, output_problems, put_in_place
from csd.package.building.plan import plan_package
from csd.package.building.writing import Watch, read_contents, unwatched, write_package
from csd.package.lint.checking import judge
from csd.package.lint.subject import read_subject
from csd.package.places import MANIFEST_FILE, sealed_problem
from csd.package.release import RELEASE_FILE, SIGNED_RELEASE_FILE, Digest, Release, digest_of, read_release, release_value

# What stands in a sealed folder is asked here, wherever it is defined.
__all__ = [
    "DIST",
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
    folder: Path, output: Path | None = None, *, moment: datetime | None = None, strict: bool = False, watch: Watch = unwatched
) -> SealedPackage:
    """Build `folder` into `output`; without one, into dist/NAME/VERSION/DIGEST. `moment` is told as the time of the build.

    With `strict`, what lint warns of is a problem too.

    Raises CsdInputError with every problem; then nothing was written.
    """
    plan = plan_package(folder, strict=strict)
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


def read_sealed(
    folder: Path, accepted: Mapping[str, str] = MappingProxyType({}), *, name: str = "", strict: bool = False
) -> SealedPackage:
    """Read a sealed folder back and judge it; `accepted`: {id of a rule: why}, beside what the package itself accepts.

    `name`, where given, is what it shall be called. Raises CsdInputError with every error of lint (`strict`: and warning).
    """
    if wrong := sealed_problem(folder):
        raise CsdInputError([wrong])
    path = folder / MANIFEST_FILE
    subject = read_subject(folder)
    subject.accept(accepted, "--accept")
    if name:
        subject.named.append(("--name", name))
    report = judge(subject)
    if stopping := report.stopping(strict=strict):
        raise CsdInputError([finding.problem for finding in stopping])
    content = path.read_bytes()
    version = str(json.loads(content)["version"])
    release = _read_release(folder, content, version, subject.measured)
    if name and release and name != release.name:
        what = f"is {name}, and {folder / RELEASE_FILE} says {release.name}."
        raise CsdInputError([Problem("--name", what, "Leave it out, or build the package under that name.")])
    _refuse_links(
        folder, (MANIFEST_FILE, RELEASE_FILE, SIGNED_RELEASE_FILE, *subject.measured, *(release.beside if release else ()))
    )
    files = tuple(SealedFile(name, digest.size, digest.sha256) for name, digest in sorted(subject.measured.items()))
    return SealedPackage(folder, release.name if release else "", version, files, tuple(report.warnings), release)


def _refuse_links(folder: Path, names: Iterable[str]) -> None:
    """What is published is in the folder: a link in a folder of somebody else's would publish any file of ours."""
    links = [folder / name for name in names if (folder / name).is_symlink()]
    if links:
        raise CsdInputError([Problem(str(path), "is a symbolic link.", "Put the file itself there.") for path in links])


def _digest(path: Path) -> Digest | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return Digest(hashlib.file_digest(stream, "sha256").hexdigest(), path.stat().st_size)


def _read_release(folder: Path, manifest: bytes, version: str, zips: Mapping[str, Digest]) -> Release | None:
    """What release.json tells, where there is one; it must be of these very files."""
    path = folder / RELEASE_FILE
    if not path.is_file():
        return None
    try:
        told = read_release(json.loads(path.read_text(encoding="utf-8")), str(path))
    except ValueError as broken:
        raise CsdInputError([Problem(str(path), f"is not JSON: {broken}.", "Build the package again.")]) from broken
    beside = {name: _digest(folder / name) for name in told.beside}
    if (told.version, told.manifest, told.files, told.beside) != (version, digest_of(manifest), zips, beside):
        raise CsdInputError([Problem(str(path), "tells of other files than are here.", "Build the package again.")])
    return told
