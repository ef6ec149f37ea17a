"""One file -> Installer, or the refusal."""

import io
import os
import re
import stat
import tarfile
from dataclasses import replace
from pathlib import Path

from csd.package.detection import debian, msi, redhat
from csd.package.detection.compressed import FAULTS, compression, unpacked
from csd.package.detection.elf import elf_architecture
from csd.package.detection.filenames import LINUX, WINDOWS, guess
from csd.package.detection.foreign import refuse_foreign
from csd.package.detection.installer import Claims, Installer, Kind, Platforms, architecture_of, refusal
from csd.package.detection.makers import maker
from csd.package.detection.portable import portable_claims

_HEAD_BYTES = 512
_PACKED_BYTES = 1 << 20  # every compression gives its first block for less
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9.+~^:_-]{0,199}")
_TEXT = re.compile(r".{1,200}")
_DEBIAN: Platforms = (("debian", "_any"), ("ubuntu", "_any"))


def detect(path: Path) -> Installer:
    """What a file is, by its content. Raises Unrecognised."""
    head = _head(path)
    if head.startswith(debian.MAGIC):
        return _claimed(path, "deb", debian.debian_claims(path), _DEBIAN)
    if head.startswith(redhat.MAGIC):
        claims = redhat.redhat_claims(path)
        return _claimed(path, "rpm", claims, redhat.redhat_platforms(claims.version.rpartition("-")[2]))
    if head.startswith(msi.MAGIC):
        return _claimed(path, "msi", msi.msi_claims(path), WINDOWS)
    if head.startswith(b"MZ"):
        claims, program = portable_claims(path)
        return _program(path, claims) if program else _claimed(path, "binary", claims, WINDOWS)
    if head.startswith(b"\x7fELF"):
        return _claimed(path, "binary", Claims("", "", elf_architecture(path, head)), LINUX)
    refuse_foreign(path, head)
    return _claimed(path, _plain_kind(path, head), Claims("", "", ""), ())


def _program(path: Path, claims: Claims) -> Installer:
    """An installer of 64-bit files is mostly a 32-bit program itself: there the name knows better."""
    named = guess(path.name).architecture
    if claims.architecture == "i386" and architecture_of(path, named) in ("x86_64", "arm64"):
        claims = claims._replace(architecture="")
    by = maker(path)
    hint = f"made by {by.name}, whose documented switches are @({by.install}), and @({by.uninstall}) to uninstall" if by else ""
    return replace(_claimed(path, "exe", claims, WINDOWS), hint=hint)


def _head(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise refusal(path, "is no regular file.", "Take it out of the folder.")
        # Not to wait for a writer, should it have become a pipe meanwhile.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            return stream.read(_HEAD_BYTES)
    except OSError as error:
        raise refusal(
            path, f"cannot be read: {error.strerror or error}.", "Correct that, or take it out of the folder."
        ) from error


def _plain_kind(path: Path, head: bytes) -> Kind:
    if head.startswith(b"#!"):
        return "script"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    how = compression(head)
    try:
        with path.open("rb") as stream:
            first = unpacked(io.BytesIO(stream.read(_PACKED_BYTES)), how, tarfile.BLOCKSIZE) if how else head
        tarfile.TarInfo.frombuf(first, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, OSError, ValueError, EOFError, *FAULTS):
        return "file"
    return "tar"


def _check_words(path: Path, kind: Kind, claims: Claims) -> None:
    """Name and version will stand in scripts and in package.yaml: there is no place for surprises."""
    allowed = _WORD if kind in ("deb", "rpm") else _TEXT
    for what, told in (("name", claims.name), ("version", claims.version)):
        if told and not (allowed.fullmatch(told) and told.isprintable()):
            raise refusal(path, f"tells a {what} that no package has: {told[:60]!r}.")


def _claimed(path: Path, kind: Kind, claims: Claims, platforms: Platforms) -> Installer:
    """What a file claims, filled up from its name."""
    _check_words(path, kind, claims)
    suggested = guess(path.name)
    guessed = {
        member
        for member, told, other in (
            ("name", claims.name, suggested.name),
            ("version", claims.version, suggested.version),
            ("architecture", claims.architecture, suggested.architecture),
            ("platforms", platforms, suggested.platforms),
        )
        if other and not told
    }
    return Installer(
        path, kind, claims.name or suggested.name, claims.version or suggested.version,
        architecture_of(path, claims.architecture or suggested.architecture), platforms or suggested.platforms, frozenset(guessed),
    )  # fmt: skip
