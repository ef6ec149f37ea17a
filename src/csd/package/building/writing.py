"""A plan -> the files of a sealed package in a folder that nobody looks at yet.

Flow: read every source file once (digests, checks of zips) -> write every zip once, hashed on the way -> manifest -> bill of materials,
provenance -> release.

Rules: memory does not grow with the payload; what is told of the files is what was read of them.
Refuses to know: where the folder goes afterwards.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from csd.package.archive import Measured, measured, zip_pieces
from csd.package.building.bill import BILL_FILE, bill_text
from csd.package.building.manifest import manifest_text
from csd.package.building.plan import Plan
from csd.package.building.provenance import PROVENANCE_FILE, Build, provenance_text
from csd.package.names import utf8_name
from csd.package.pieces import Pieces
from csd.package.places import MANIFEST_FILE
from csd.package.release import RELEASE_FILE, Digest, Release, canonical, digest_of, release_value

Watch = Callable[[str, int, int], None]
"""Told what is being done, how many bytes of it are done, and of how many."""


def unwatched(_what: str, _done: int, _of: int) -> None:
    """For who does not watch."""


def read_contents(plan: Plan, watch: Watch) -> dict[str, list[Measured]]:
    """The files of each zip, each read once."""
    read = _counted("reading", plan, watch)
    return {name: measured(content.entries, read) for name, content in plan.contents.items()}


def write_package(
    plan: Plan, contents: Mapping[str, list[Measured]], folder: Path, moment: datetime | None, watch: Watch
) -> Release:
    """Write all files of the package into `folder`."""
    name, version = plan.source.name, plan.source.version
    wrote = _counted("writing", plan, watch)
    zips = {zip_name: _write(zip_pieces(entries), folder / zip_name, wrote) for zip_name, entries in contents.items()}
    manifest = _put(folder / MANIFEST_FILE, manifest_text(plan.source, zips))
    bare = Release(name, version, manifest, zips)
    beside = {BILL_FILE: _put(folder / BILL_FILE, bill_text(plan, bare, contents, moment))}
    build = Build(bare, _materials(plan, contents), beside, moment)
    beside[PROVENANCE_FILE] = _put(folder / PROVENANCE_FILE, provenance_text(build))
    release = Release(name, version, manifest, zips, beside, plan.source.accept)
    _put(folder / RELEASE_FILE, canonical(release_value(release)) + "\n")
    return release


def _counted(what: str, plan: Plan, watch: Watch) -> Callable[[int], None]:
    total, done = sum(plan.sizes.values()), 0

    def count(more: int) -> None:
        nonlocal done
        done = min(done + more, total)
        watch(what, done, total)

    return count


def _materials(plan: Plan, contents: Mapping[str, list[Measured]]) -> dict[str, str]:
    """The digest of every source file, by its name from package.yaml's folder; templates are told as they are, not as they are filled."""
    read = {path: digest for entries in contents.values() for item in entries for path, digest in item.measure.files.items()}
    named = {utf8_name(path.relative_to(plan.folder).as_posix()) or "": path for path in plan.files}
    return {name: read.get(path) or hashlib.sha256(path.read_bytes()).hexdigest() for name, path in named.items()}


def _write(pieces: Pieces, path: Path, wrote: Callable[[int], None]) -> Digest:
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as out:
        for chunk in pieces.chunks():
            digest.update(chunk)
            out.write(chunk)
            size += len(chunk)
            wrote(len(chunk))
    return Digest(digest.hexdigest(), size)


def _put(path: Path, text: str) -> Digest:
    content = text.encode("utf-8")
    path.write_bytes(content)
    return digest_of(content)
