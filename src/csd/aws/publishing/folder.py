"""A sealed folder -> a folder of S3: what is missing is sent, the manifest last; a published version never changes silently.

Flow: files of the folder -> `look` at each -> `decide` (pure) -> all refusals at once, or everything that is missing goes out.
Rules: a folder with a manifest is whole. The bucket is never created or changed, and nothing is ever deleted.
Refuses to know: SSM; what a manifest means beyond its version.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from csd.aws.identity import Principal
from csd.aws.publishing.objects import Place, Sent, Standing, Tell, look, send
from csd.aws.publishing.pieces import Pieces, cut
from csd.errors import CsdInputError, Problem
from csd.package.limits import MANIFEST_BYTES_MAX
from csd.package.release import RELEASE_FILE, SIGNED_RELEASE_FILE
from csd.package.sealed import MANIFEST_FILE, SealedPackage

_JSON, _ZIP = "application/json", "application/zip"


@dataclass(frozen=True)
class Uploaded:
    """Where the folder is now, which files went out, and which were there."""

    bucket: str
    prefix: str
    sent: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """s3://bucket/prefix"""
        return f"s3://{self.bucket}/{self.prefix}" if self.prefix else f"s3://{self.bucket}"


def folder_files(package: SealedPackage) -> dict[str, Path]:
    """Files that go to S3, in the order in which they go: zips, files beside, release, signature, manifest."""
    beside = sorted(package.release.beside) if package.release else []
    names = [*(file.name for file in package.files), *beside, RELEASE_FILE, SIGNED_RELEASE_FILE, MANIFEST_FILE]
    optional = (RELEASE_FILE, SIGNED_RELEASE_FILE)
    return {name: package.folder / name for name in names if name not in optional or (package.folder / name).is_file()}


def address_prefix(package: SealedPackage, prefix: str | None) -> str:
    """The folder in the bucket: as given, else the one that belongs to this content. Raises CsdInputError."""
    if prefix is not None:
        return prefix.strip("/")
    if package.release is None:
        where = str(package.folder / RELEASE_FILE)
        raise CsdInputError([Problem(where, "there is no such file.", "Build the package again, or give --prefix.")])
    return package.release.address


def upload(
    principal: Principal, package: SealedPackage, bucket: str, prefix: str, tell: Tell, sent: Sent, *, overwrite: bool = False
) -> Uploaded:
    """Bring the folder to s3://bucket/prefix. `sent(file, bytes)` is called as bytes go out. Raises CsdInputError, AwsRefused."""
    s3 = principal.client("s3")
    files = {name: (path, cut(path)) for name, path in folder_files(package).items()}
    _check_unchanged(package, {name: pieces for name, (_, pieces) in files.items()})
    places = {name: Place(s3, principal.account, bucket, f"{prefix}/{name}" if prefix else name, tell) for name in files}
    standings = {name: look(places[name], pieces) for name, (_, pieces) in files.items()}
    other_version = standings[MANIFEST_FILE] is Standing.OTHER and _version_at(places[MANIFEST_FILE]) not in ("", package.version)
    problems = [
        Problem(places[name].address, "is there with other content.", _remedy(package))
        for name, standing in standings.items()
        if standing is Standing.OTHER and not (overwrite or _may_change(name, other_version=other_version))
    ]
    if problems:
        raise CsdInputError(problems)
    told = Uploaded(bucket, prefix)
    for name, (path, pieces) in files.items():
        if standings[name] is Standing.SAME:
            tell(f"{name}: is there")
            sent(name, pieces.size)
            told.there.append(name)
            continue
        kind = _ZIP if name.endswith(".zip") else _JSON
        send(places[name], path, pieces, sent, kind, replace=standings[name] is Standing.OTHER)
        tell(f"{name}: sent, {pieces.size} bytes" if name != MANIFEST_FILE else f"{name}: sent, version {package.version}")
        told.sent.append(name)
    return told


def _may_change(name: str, *, other_version: bool) -> bool:
    """The article's folder is one for all versions: what tells of a version makes room for the next. A signature may be renewed."""
    return name == SIGNED_RELEASE_FILE or (other_version and not name.endswith(".zip"))


def _remedy(package: SealedPackage) -> str:
    return (
        f"A published version does not change: publish changed files as a version after {package.version}, "
        "or give another --prefix; --overwrite replaces it all the same."
    )


def _version_at(place: Place) -> str:
    """The version that the manifest there tells; '' when it is none."""
    try:
        told = json.loads(place.call("get_object")["Body"].read(MANIFEST_BYTES_MAX))
    except ValueError:
        return ""
    return str(told.get("version", "")) if isinstance(told, dict) else ""


def _check_unchanged(package: SealedPackage, found: Mapping[str, Pieces]) -> None:
    wanted = {file.name: file.sha256 for file in package.files}
    if package.release:
        wanted |= {name: digest.sha256 for name, digest in package.release.beside.items()}
        wanted[MANIFEST_FILE] = package.release.manifest.sha256
    problems = [
        Problem(str(package.folder / name), "is not the file that was sealed.", "Build the package again.")
        for name, digest in wanted.items()
        if found[name].sha256 != digest
    ]
    if problems:
        raise CsdInputError(problems)
