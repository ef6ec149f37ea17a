"""What an .exe says it is: its machine, and ProductName and ProductVersion of its VERSIONINFO.

Flow: pefile reads the headers from the file's beginning -> the resource tree is followed to the one version resource -> its strings.

Rules: nothing else of the file is read. pefile's own reading of resources takes whatever time a crafted tree asks for.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pefile import PE, PEFormatError

from csd.package.detection.installer import Claims, reading

_HEADERS_BYTES = 1 << 20
_ENTRIES_MAX, _VERSION_BYTES_MAX = 4096, 1 << 16
_RESOURCES, _CERTIFICATES, _RT_VERSION = 2, 4, 16
_SUBFOLDER = 0x8000_0000
_LIBRARY = 0x2000
_FIXED = struct.Struct("<13I")
_FIXED_MAGIC = 0xFEEF04BD
# The rest is named so that it can be refused.
_MACHINES = {0x14C: "i386", 0x8664: "x64", 0xAA64: "arm64", 0x1C4: "armnt", 0x200: "ia64"}


def portable_claims(path: Path) -> tuple[Claims, bool]:
    """Who an .exe says it is, and whether it is a program: a library has the same format."""
    with reading(path, "an .exe", PEFormatError, struct.error), path.open("rb") as stream:
        image = PE(data=stream.read(_HEADERS_BYTES), fast_load=True)
        _check_size(image, os.fstat(stream.fileno()).st_size)
        header = image.FILE_HEADER
        strings = _version_strings(_version_resource(_Image(stream, image)))
    word = _MACHINES.get(header.Machine, f"machine {header.Machine:#x}")
    claims = Claims(strings.get("ProductName", ""), strings.get("ProductVersion", ""), word)
    return claims, not header.Characteristics & _LIBRARY


def _check_size(image: Any, size: int) -> None:
    """Sections and the signature, which is the last of a signed file, have to be there."""
    folders = image.OPTIONAL_HEADER.DATA_DIRECTORY
    ends = [section.PointerToRawData + section.SizeOfRawData for section in image.sections]
    if len(folders) > _CERTIFICATES:  # the one folder that is told by its place in the file
        ends.append(folders[_CERTIFICATES].VirtualAddress + folders[_CERTIFICATES].Size)
    if max(ends, default=0) > size:
        raise EOFError(f"{max(ends)} bytes belong to it, {size} are there")


class _Image:
    """The file as it is laid out in memory, read a piece at a time."""

    def __init__(self, stream: BinaryIO, image: Any) -> None:
        self._stream = stream
        self._sections = image.sections
        folders = image.OPTIONAL_HEADER.DATA_DIRECTORY
        self.resources: int = folders[_RESOURCES].VirtualAddress if len(folders) > _RESOURCES else 0

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes at a relative virtual address. Raises EOFError when they are not all in the file."""
        for section in self._sections:
            if 0 <= address - section.VirtualAddress < max(section.SizeOfRawData, section.Misc_VirtualSize):
                self._stream.seek(section.PointerToRawData + address - section.VirtualAddress)
                if len(found := self._stream.read(size)) == size:
                    return found
        raise EOFError(f"{size} bytes at {address:#x} are not in the file")


def _version_resource(image: _Image) -> bytes:
    """The version resource in its first language, empty where there is none."""
    if not image.resources:
        return b""
    found = next((at for kind, at in _folder(image, 0) if kind == _RT_VERSION), None)
    for _ in ("name", "language"):
        if found is None or not found & _SUBFOLDER:
            return b""
        found = next((at for _, at in _folder(image, found & ~_SUBFOLDER)), None)
    if found is None or found & _SUBFOLDER:
        return b""
    address, size = struct.unpack("<2I", image.read(image.resources + found, 8))
    if size > _VERSION_BYTES_MAX:
        raise ValueError(f"the version resource claims {size} bytes")
    return image.read(address, size)


def _folder(image: _Image, offset: int) -> Iterator[tuple[int, int]]:
    """Yield id (or place of the name) and place of each entry of a folder of resources."""
    at = image.resources + offset
    named, numbered = struct.unpack_from("<2H", image.read(at, 16), 12)
    if named + numbered > _ENTRIES_MAX:
        raise ValueError(f"a folder of resources claims {named + numbered} entries")
    yield from struct.iter_unpack("<2I", image.read(at + 16, 8 * (named + numbered)))


class _Block(NamedTuple):
    """One block of a VERSIONINFO: a name, its value, and the blocks inside."""

    key: str
    value: bytes
    inner: bytes


def _blocks(data: bytes) -> Iterator[_Block]:
    """Yield the blocks that follow one another. The format is VS_VERSIONINFO of the Windows API."""
    at = 0
    while at + 6 <= len(data):
        length, value_length, is_text = struct.unpack_from("<3H", data, at)
        if length < 6:
            return
        block = data[at : at + length]
        key, _, _ = block[6:].decode("utf-16-le", "replace").partition("\0")
        start = _aligned(6 + 2 * (len(key) + 1))
        end = start + value_length * (2 if is_text else 1)
        yield _Block(key, block[start:end], block[_aligned(end) :])
        at = _aligned(at + length)


def _aligned(offset: int) -> int:
    return offset + -offset % 4


def _version_strings(data: bytes) -> dict[str, str]:
    """The strings of the first table; ProductVersion from the numbers where no string tells it."""
    found: dict[str, str] = {}
    for root in _blocks(data):
        tables = [table for info in _blocks(root.inner) if info.key == "StringFileInfo" for table in _blocks(info.inner)]
        for line in _blocks(tables[0].inner) if tables else ():
            found.setdefault(line.key, line.value.decode("utf-16-le", "replace").partition("\0")[0].strip())
        if not found.get("ProductVersion") and len(root.value) >= _FIXED.size:
            magic, _, _, _, high, low, *_ = _FIXED.unpack_from(root.value)
            if magic == _FIXED_MAGIC:
                found["ProductVersion"] = f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
    return found
