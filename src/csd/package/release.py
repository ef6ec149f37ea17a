"""release.json: what a sealed package is, in one small file that can be signed. SealedPackage facts <-> text.

    {"name", "version", "manifest": {"sha256", "size"}, "files": {ZIP: {"sha256", "size"}}, "beside": {FILE: {"sha256", "size"}}}

The manifest tells nodes neither the package's name nor its own digest; this does. `beside` are files that go to S3 next to the package
and are never attached to it (SBOM, provenance). A signature is made over this text with what signing adds.

Rules: pure; the text is canonical (sorted keys, no blanks, UTF-8), so that equal releases are equal bytes.
Refuses to know: signatures, S3, AWS.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from csd.errors import CsdInputError, Problem
from csd.package.limits import ATTACHMENT_NAME_MAX
from csd.package.source import NAME_PATTERN, VERSION_PATTERN

RELEASE_FILE = "release.json"
# A DSSE envelope over the canonical text of the release and of what signing adds; see csd.package.signing.
SIGNED_RELEASE_FILE = "release.dsse.json"
# AWS: AttachmentsSource API, Name. A name of dots alone would be a folder.
_ATTACHMENT = re.compile(rf"[a-zA-Z0-9_\-.]{{3,{ATTACHMENT_NAME_MAX}}}")
_SHA256 = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Digest:
    """A file's SHA-256 (64 hex digits, lower case) and its bytes."""

    sha256: str
    size: int


def digest_of(content: bytes) -> Digest:
    """The digest of what is at hand."""
    return Digest(hashlib.sha256(content).hexdigest(), len(content))


@dataclass(frozen=True, slots=True)
class Release:
    """One version of one package, by its digests."""

    name: str
    version: str
    manifest: Digest
    files: Mapping[str, Digest]
    beside: Mapping[str, Digest] = field(default_factory=dict)
    accepted: Mapping[str, str] = field(default_factory=dict)
    """{id of a rule of lint: why its findings are accepted}: what package.yaml says travels with the package."""

    @property
    def address(self) -> str:
        """The folder in S3 that belongs to this content alone: NAME/VERSION/first 16 digits of the manifest's digest."""
        return f"{self.name}/{self.version}/{self.manifest.sha256[:16]}"


def is_attachment_name(name: str) -> bool:
    """Whether a document may have an attachment of this name; it cannot name a file in another folder."""
    return bool(_ATTACHMENT.fullmatch(name)) and bool(name.strip("."))


def release_value(release: Release) -> dict[str, Any]:
    """The release as a JSON value."""
    return {
        "name": release.name,
        "version": release.version,
        "manifest": _digest_value(release.manifest),
        "files": {name: _digest_value(digest) for name, digest in release.files.items()},
        "beside": {name: _digest_value(digest) for name, digest in release.beside.items()},
    } | ({"accepted": dict(release.accepted)} if release.accepted else {})


def canonical(value: Any) -> str:
    """A JSON value as the one text that stands for it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def read_release(value: Any, where: str) -> Release:
    """The release that a JSON value tells; members that it does not know are left to others. Raises CsdInputError."""
    problems: list[Problem] = []
    told = value if isinstance(value, dict) else {}
    for key, pattern in (("name", NAME_PATTERN), ("version", VERSION_PATTERN)):
        if not isinstance(told.get(key), str) or not re.fullmatch(pattern, told[key]):
            problems.append(Problem(f"{where}: {key}", f"found {told.get(key)!r}.", "Build the package again."))
    digests: dict[str, dict[str, Digest]] = {}
    for key, held in (("manifest", {"": told.get("manifest")}), ("files", told.get("files")), ("beside", told.get("beside", {}))):
        digests[key] = {}
        for name, digest in (held if isinstance(held, dict) else {"": None}).items():
            if key != "manifest" and not is_attachment_name(name):
                problems.append(
                    Problem(f"{where}: {key}", f"{name!r} is no name of a file beside it.", "Build the package again.")
                )
            match digest:
                case {"sha256": str(sha256), "size": int(size)} if _SHA256.fullmatch(sha256) and size >= 0:
                    digests[key][name] = Digest(sha256, size)
                case _:
                    place = f"{where}: {key}{f'.{name}' if name else ''}"
                    problems.append(Problem(place, "is no digest (sha256, size).", "Build the package again."))
    accepted = told.get("accepted", {})
    if not isinstance(accepted, dict) or not all(isinstance(why, str) for why in accepted.values()):
        problems.append(Problem(f"{where}: accepted", "is no object of reasons.", "Build the package again."))
    if not problems and not digests["files"]:
        problems.append(Problem(f"{where}: files", "lists no zip.", "Build the package again."))
    if problems:
        raise CsdInputError(problems)
    return Release(told["name"], told["version"], digests["manifest"][""], digests["files"], digests["beside"], accepted)


def _digest_value(digest: Digest) -> dict[str, Any]:
    return {"sha256": digest.sha256, "size": digest.size}
