"""The end record of a zip: where its directory is and how many members it claims, believed only within bounds.

Rules: what the record says is compared with the file before a byte of the directory is read. A zip64 record may stand before it.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

MEMBERS_MAX = 20_000
DIRECTORY_BYTES_MAX = 4 << 20
_END, _END_BYTES, _COMMENT_MAX = b"PK\5\6", 22, 0xFFFF
_LOCATOR, _LOCATOR_BYTES = b"PK\6\7", 20
_END64, _END64_BYTES = b"PK\6\6", 56


class Unreadable(Exception):
    """The archive is not read any further; `kind` is how it is unfit."""

    def __init__(self, kind: str, what: str) -> None:
        self.kind, self.what = kind, what
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Ending:
    """Members claimed, and where the central directory begins and how many bytes it has."""

    count: int
    offset: int
    size: int


def read_ending(stream: BinaryIO, file_size: int) -> Ending:
    """Find and check the end record. Raises Unreadable."""
    tail = min(file_size, _END_BYTES + _COMMENT_MAX)
    stream.seek(file_size - tail)
    text = stream.read(tail)
    at = text.rfind(_END)
    if at < 0 or len(text) - at < _END_BYTES:
        raise Unreadable("broken", "is not a zip, or is cut off: it has no end record.")
    disk, start, here, count, size, offset, comment = struct.unpack("<4H2IH", text[at + 4 : at + _END_BYTES])
    if at + _END_BYTES + comment != len(text):
        raise Unreadable("lies", "has bytes after its end record.")
    if disk or start or here != count:
        raise Unreadable("lies", "says that it is one of several disks.")
    place = file_size - tail + at
    found, directory_end = _with_zip64(stream, place, Ending(count, offset, size))
    if found.count > MEMBERS_MAX:
        raise Unreadable("bomb", f"claims {found.count} members, more than {MEMBERS_MAX}.")
    if found.size > DIRECTORY_BYTES_MAX:
        raise Unreadable("bomb", f"claims a directory of {found.size} bytes, more than {DIRECTORY_BYTES_MAX}.")
    if found.offset + found.size != directory_end:
        raise Unreadable("lies", "has its directory elsewhere than it says: bytes stand before the zip, or within it.")
    return found


def _with_zip64(stream: BinaryIO, place: int, plain: Ending) -> tuple[Ending, int]:
    """What counts, and where the directory must end."""
    saturated = plain.count == 0xFFFF or 0xFFFFFFFF in (plain.offset, plain.size)
    stream.seek(max(0, place - _LOCATOR_BYTES))
    locator = stream.read(_LOCATOR_BYTES)
    if len(locator) < _LOCATOR_BYTES or not locator.startswith(_LOCATOR):
        if saturated:
            raise Unreadable("lies", "refers to a zip64 record that is not there.")
        return plain, place
    (record_at,) = struct.unpack("<Q", locator[8:16])
    if record_at + _END64_BYTES > place - _LOCATOR_BYTES:
        raise Unreadable("lies", "has a zip64 record elsewhere than it says.")
    stream.seek(record_at)
    record = stream.read(_END64_BYTES)
    if not record.startswith(_END64):
        raise Unreadable("lies", "has a zip64 record elsewhere than it says.")
    here, count, size, offset = struct.unpack("<4Q", record[24:56])
    agrees = plain.count in (count, 0xFFFF) and plain.size in (size, 0xFFFFFFFF) and plain.offset in (offset, 0xFFFFFFFF)
    if not agrees or here != count:
        raise Unreadable("lies", "has two end records that contradict each other.")
    return Ending(count, offset, size), record_at
