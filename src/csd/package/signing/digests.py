"""Do the files of a folder have the digests that were signed? Each file is read once, and nothing else may lie there.

Rules: the names come from what was signed, never from the folder; links and devices are no files. The manifest must list the very zips
that were signed, since it is what nodes go by.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from csd.errors import Problem
from csd.package.building.manifest import listed_sha256
from csd.package.limits import MANIFEST_BYTES_MAX
from csd.package.release import RELEASE_FILE, SIGNED_RELEASE_FILE, Digest, Release, canonical, release_value
from csd.package.sealed import MANIFEST_FILE

STRANGERS_TOLD = 20
_AGAIN = "Get the package again from where it was signed."


def content_problems(folder: Path, release: Release) -> list[Problem]:
    """Everything in which the folder differs from the release."""
    wanted = {MANIFEST_FILE: release.manifest, **release.files, **release.beside}
    if len(wanted) < 1 + len(release.files) + len(release.beside):
        return [Problem(str(folder), "one name is signed for two files.", "Build and sign the package again.")]
    problems = [problem for name, digest in wanted.items() for problem in _file_problems(folder, name, digest)]
    ours = {*wanted, RELEASE_FILE, SIGNED_RELEASE_FILE}
    problems += [
        Problem(str(folder / name), "is no file of the signed release.", "Remove it, or build and sign the package with it.")
        for name in sorted(_strangers(folder, ours))
    ]
    return problems or _manifest_problems(folder / MANIFEST_FILE, release) or _release_problems(folder / RELEASE_FILE, release)


def _strangers(folder: Path, ours: set[str]) -> Iterator[str]:
    """Names that should not be there; the first of them suffice."""
    with os.scandir(folder) as listed:
        yield from islice((entry.name for entry in listed if entry.name not in ours), STRANGERS_TOLD)


def _file_problems(folder: Path, name: str, digest: Digest) -> Iterator[Problem]:
    path = folder / name
    if name in {"", ".", ".."} or "/" in name or "\\" in name or "\0" in name:
        yield Problem(str(folder), f"{name!r} is signed, which is no file of a folder.", "Build and sign the package again.")
        return
    try:
        told = path.lstat()
    except OSError:
        yield Problem(str(path), "is signed, and is not here.", _AGAIN)
        return
    if not stat.S_ISREG(told.st_mode):
        yield Problem(str(path), "is no plain file.", _AGAIN)
    elif told.st_size != digest.size:
        yield Problem(str(path), f"has {told.st_size} bytes; signed are {digest.size}.", _AGAIN)
    else:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != digest.sha256:
            yield Problem(str(path), f"has sha256 {found}; signed is {digest.sha256}.", _AGAIN)


def _manifest_problems(path: Path, release: Release) -> list[Problem]:
    """The manifest is the signed one; does it tell of this release? Else the signer did not look."""
    if release.manifest.size > MANIFEST_BYTES_MAX:
        return [Problem(str(path), f"is larger than {MANIFEST_BYTES_MAX} bytes.", "Build the package again.")]
    told = _json(path)
    files = told.get("files") if isinstance(told, dict) else None
    listed = {name: _sha256(each) for name, each in files.items()} if isinstance(files, dict) else {}
    if not isinstance(told, dict) or told.get("version") != release.version:
        return [Problem(str(path), f"is not of version {release.version}, which is signed.", "Build and sign the package again.")]
    if listed != {name: digest.sha256 for name, digest in release.files.items()}:
        return [Problem(str(path), "lists other zips than are signed.", "Build and sign the package again.")]
    return []


def _release_problems(path: Path, release: Release) -> list[Problem]:
    """release.json is a convenience for readers; it must not tell them something else."""
    if not path.exists():
        return []
    if (
        path.is_symlink()
        or path.stat().st_size > 1 << 20
        or path.read_text("utf-8", "replace") != canonical(release_value(release)) + "\n"
    ):
        return [Problem(str(path), "tells something else than what was signed.", _AGAIN)]
    return []


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None


def _sha256(told: Any) -> str:
    sha256 = listed_sha256(told)
    return sha256.lower() if isinstance(sha256, str) else ""
