"""What an .rpm says it is, and for which systems its dist tag is."""

import io
import os
import re
import struct
from pathlib import Path
from typing import BinaryIO

import rpmfile
from rpmfile.errors import RPMError

from csd.package.detection.installer import Claims, Platforms, reading, refusal

MAGIC = b"\xed\xab\xee\xdb"
_LEAD_BYTES, _HEADER = 96, b"\x8e\xad\xe8\x01"
_ENTRIES_MAX, _STORE_BYTES_MAX = 1 << 16, 32 << 20  # far above any real package
_STRING = 6
_SIZES = {(1000, 4): ">I", (270, 5): ">Q"}  # RPMSIGTAG_SIZE, RPMSIGTAG_LONGSIZE: the bytes behind the signature
_SOURCE = b"\0\1"
_TAGS = {1000: "name", 1001: "version", 1002: "release", 1022: "arch"}
_REBUILDS = ("rocky", "almalinux")  # since 8
_ENTERPRISE = ("redhat", "centos", "oracle")
_ANYWHERE = ("amazon", *_ENTERPRISE, *_REBUILDS, "fedora", "suse")
_DIST = re.compile(r"(?:^|[._])(el|amzn|fc|sles?|suse)(\d*)(?![a-z])", re.IGNORECASE)


def redhat_claims(path: Path) -> Claims:
    """Name, version-release and architecture of an .rpm."""
    with reading(path, "an .rpm", RPMError, struct.error):
        rpm = rpmfile.open(fileobj=io.BytesIO(_reduced(path)))
        name, version, release, architecture = (_text(rpm.headers.get(key)) for key in _TAGS.values())
    if not name or not version:
        raise refusal(path, "begins like an .rpm, but its header tells no name and version.")
    return Claims(name, "-".join(filter(None, (version, release))), architecture)


def redhat_platforms(release: str) -> Platforms:
    """Where an .rpm of this release belongs: the systems of its dist tag, every one with rpm where there is none."""
    found = _DIST.search(release)
    word, number = (found[1].lower(), found[2]) if found else ("", "")
    match word:
        case "el" if number:
            names = _ENTERPRISE if int(number) < 8 else (*_ENTERPRISE, *_REBUILDS)
            return tuple((name, f"{number}.*") for name in names)
        case "amzn" if number:
            return (("amazon", "2018.*" if number == "1" else number),)
        case "fc" if number:
            return (("fedora", number),)
        case "sle" | "sles" | "suse":
            return (("suse", f"{number[:2]}.*" if number else "_any"),)
        case _:
            return tuple((name, "_any") for name in _ANYWHERE)


def _reduced(path: Path) -> bytes:
    """The file without its signature and with those entries of its header that are asked for: rpmfile holds whatever is claimed."""
    with path.open("rb") as stream:
        lead = stream.read(_LEAD_BYTES)
        if lead[6:8] == _SOURCE:
            raise refusal(path, "is a source package, from which nothing can be installed.", "Take the built .rpm.")
        entries, store = _intro(stream)
        signature = stream.read(16 * entries), stream.read(store)
        stream.seek(-stream.tell() % 8, os.SEEK_CUR)  # the signature is padded to eight bytes
        _check_size(*signature, os.fstat(stream.fileno()).st_size - stream.tell())
        entries, store = _intro(stream)
        index = stream.read(16 * entries)
        held = stream.read(store)
        if len(held) < store:
            raise EOFError("the header ends too early")
    kept = {}
    for tag, kind, offset, count in struct.iter_unpack(">4I", index):
        if tag in _TAGS and kind == _STRING and count == 1:
            kept[tag] = struct.pack(">4I", tag, kind, offset, count)
    intro = _HEADER + bytes(4)
    return b"".join((lead, intro, bytes(8), intro, struct.pack(">2I", len(kept), store), *kept.values(), held))


def _check_size(index: bytes, store: bytes, there: int) -> None:
    for tag, kind, offset, _ in struct.iter_unpack(">4I", index):
        if form := _SIZES.get((tag, kind)):
            (told,) = struct.unpack_from(form, store, offset)
            if told > there:
                raise EOFError(f"{told} bytes belong behind its signature, {there} are there")


def _intro(stream: BinaryIO) -> tuple[int, int]:
    """How many entries and bytes a header claims."""
    intro = stream.read(16)
    if len(intro) < 16 or intro[:4] != _HEADER:
        raise ValueError("there is no header where one belongs")
    entries, store = struct.unpack(">2I", intro[8:])
    if entries > _ENTRIES_MAX or store > _STORE_BYTES_MAX:
        raise ValueError(f"a header claims {entries} entries and {store} bytes")
    return int(entries), int(store)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
