"""A package that somebody published -> a sealed folder here, byte for byte, or nothing at all.

Flow: manifest -> names and digests are examined -> every zip is streamed into a folder on the side and compared -> the zips, release.json
and at last manifest.json move to their place.
Rules: what comes from elsewhere is not trusted: a name is a plain file name, a stream ends at Distributor's limit, a digest that is not the
manifest's is refused. Constant memory.
Refuses to know: where it comes from (`Origin`); what is in the zips.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from csd.errors import CsdInputError, Problem
from csd.package.limits import FILE_BYTES_MAX
from csd.package.lint.manifests import READ_BYTES_MAX, judge_manifest, told_digest
from csd.package.places import MANIFEST_FILE
from csd.package.release import (
    RELEASE_FILE,
    SIGNED_RELEASE_FILE,
    Digest,
    Release,
    canonical,
    digest_of,
    read_release,
    release_value,
)

_SMALL_BYTES_MAX = 16_000_000
_ASK = "Ask whoever publishes it; nothing was written."


class Origin(Protocol):
    """Where a package comes from; `where` names it in errors."""

    where: str

    def small(self, name: str, limit: int) -> bytes | None:
        """A small file, at most `limit` + 1 bytes of it; None when there is none."""
        ...

    def stream(self, name: str) -> Iterator[bytes]:
        """A file's bytes."""
        ...


def receive(origin: Origin, into: Path, name: str) -> list[str]:
    """Bring the package into a new or empty folder; returns its zips. Raises CsdInputError, and whatever the origin raises."""
    if into.exists() and any(into.iterdir()):
        raise CsdInputError([Problem(str(into), "is not empty.", "Name a new folder.")])
    content = origin.small(MANIFEST_FILE, READ_BYTES_MAX)
    files = _read_manifest(origin.where, content)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".importing-") as side:
        digests = {file: _take(origin, file, Path(side) / file, sha256) for file, sha256 in files.items()}
        manifest = content or b""
        held = _release(origin, manifest, digests)
        beside = {
            file: _take(origin, file, Path(side) / file, told.sha256) for file, told in (held.beside if held else {}).items()
        }
        told = {file: _small(origin, file) for file in (RELEASE_FILE, SIGNED_RELEASE_FILE)} if held else {}
        for file in (*digests, *beside):
            (Path(side) / file).replace(into / file)
    for file, text in told.items():
        _put(into, file, text)
    if held is None and name:
        release = Release(name, str(json.loads(manifest)["version"]), digest_of(manifest), digests)
        _put(into, RELEASE_FILE, (canonical(release_value(release)) + "\n").encode())
    _put(into, MANIFEST_FILE, manifest)
    return sorted(digests)


def _small(origin: Origin, name: str) -> bytes | None:
    """A small file whole, or None; never the beginning of a larger one."""
    content = origin.small(name, _SMALL_BYTES_MAX)
    if content is not None and len(content) > _SMALL_BYTES_MAX:
        raise CsdInputError([Problem(f"{origin.where}: {name}", f"is larger than {_SMALL_BYTES_MAX} bytes.", _ASK)])
    return content


def _put(into: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (into / name).write_bytes(content)


def _read_manifest(where: str, content: bytes | None) -> dict[str, str]:
    """{zip: sha256} of a manifest that may be brought here. Raises CsdInputError with every problem."""
    place = f"{where}: {MANIFEST_FILE}"
    if content is None:
        raise CsdInputError([Problem(place, "is not there.", "A package's folder holds one; name that folder.")])
    manifest = judge_manifest(content, len(content), place)
    wrong = [finding for finding in manifest.found if not finding.rule.is_judgement]
    if wrong:
        raise CsdInputError([Problem(finding.where, f"{finding.rule.id}: {finding.found}", _ASK) for finding in wrong])
    return {name: str(told_digest(told)) for name, told in manifest.files.items()}


def _take(origin: Origin, name: str, path: Path, sha256: str) -> Digest:
    where, digest, size = f"{origin.where}: {name}", hashlib.sha256(), 0
    with path.open("wb") as written:
        for content in origin.stream(name):
            size += len(content)
            if size > FILE_BYTES_MAX:
                raise CsdInputError([Problem(where, f"is larger than {FILE_BYTES_MAX} bytes.", _ASK)])
            digest.update(content)
            written.write(content)
    if digest.hexdigest() != sha256:
        said = f"has sha256 {digest.hexdigest()}, and {sha256} was promised."
        raise CsdInputError([Problem(where, said, _ASK)])
    return Digest(sha256, size)


def _release(origin: Origin, manifest: bytes, digests: dict[str, Digest]) -> Release | None:
    """What the origin's release.json tells, where it is of this manifest and these files."""
    content = _small(origin, RELEASE_FILE)
    if content is None:
        return None
    where = f"{origin.where}: {RELEASE_FILE}"
    try:
        told = read_release(json.loads(content), where)
    except ValueError as broken:
        raise CsdInputError([Problem(where, f"is not JSON: {broken}.", _ASK)]) from broken
    if told.manifest.sha256 != hashlib.sha256(manifest).hexdigest() or dict(told.files) != digests:
        raise CsdInputError([Problem(where, "tells of other files than are there.", _ASK)])
    taken = {MANIFEST_FILE, RELEASE_FILE, SIGNED_RELEASE_FILE, *(name.lower() for name in digests)}
    if clashing := sorted({name.lower() for name in told.beside} & taken):
        raise CsdInputError([Problem(f"{where}: beside", f"lists {', '.join(clashing)}, which the folder has anyhow.", _ASK)])
    return told


class FolderOrigin:
    """A local folder."""

    def __init__(self, folder: Path) -> None:
        self.where, self._folder = str(folder), folder

    def small(self, name: str, limit: int) -> bytes | None:
        """See Origin."""
        path = self._folder / name
        if not path.exists() and not path.is_symlink():
            return None
        with self._plain(name).open("rb") as stream:
            return stream.read(limit + 1)

    def stream(self, name: str) -> Iterator[bytes]:
        """See Origin."""
        with self._plain(name).open("rb") as stream:
            while content := stream.read(1 << 20):
                yield content

    def _plain(self, name: str) -> Path:
        """A file of the folder itself: a stranger's link would lead to a file of ours, and a pipe has no end."""
        path = self._folder / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise CsdInputError([Problem(str(path), "is a link or no plain file.", _ASK)])
        return path
