"""The members of a zip: each header of the directory beside the local header that it points to.

Rules: both must tell the same; data of two members may not overlap. Names are bounded in length and depth.
"""

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from csd.package.reading.ending import Ending, Unreadable

_CENTRAL, _CENTRAL_BYTES = b"PK\1\2", 46
_LOCAL, _LOCAL_BYTES = b"PK\3\4", 30
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x1 | 0x40 | 0x2000, 0x8, 0x800
STORED, DEFLATED = 0, 8
NAME_BYTES_MAX, DEPTH_MAX = 1024, 64
_SATURATED = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """One entry: its name, sizes, method, flags, Unix mode (0: unknown), and where its local header and its data begin and end."""

    name: str
    size: int
    packed: int
    method: int
    flags: int
    mode: int
    at: int
    data: int

    @property
    def is_folder(self) -> bool:
        """Whether it only makes a folder."""
        return self.name.endswith("/")

    @property
    def end(self) -> int:
        """Where its data ends."""
        return self.data + self.packed

    @property
    def special(self) -> str:
        """What it is if neither file nor folder."""
        kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket",
                 stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}  # fmt: skip
        return kinds.get(stat.S_IFMT(self.mode), "")

    @property
    def encrypted(self) -> bool:
        """Whether a password would be asked."""
        return bool(self.flags & _ENCRYPTED)


def read_members(stream: BinaryIO, ending: Ending) -> Iterator[Member]:
    """Stream the directory. Raises Unreadable where headers cannot be followed or contradict each other."""
    at, end = ending.offset, ending.offset + ending.size
    for _ in range(ending.count):
        stream.seek(at)
        fixed = stream.read(_CENTRAL_BYTES)
        if len(fixed) < _CENTRAL_BYTES or not fixed.startswith(_CENTRAL):
            raise Unreadable("lies", f"has fewer members than the {ending.count} that it claims.")
        system, flags, method = fixed[5], *struct.unpack("<2H", fixed[8:12])
        packed, size, name_bytes, extra_bytes, comment_bytes = struct.unpack("<2I3H", fixed[20:34])
        attributes, local = struct.unpack("<2I", fixed[38:46])
        at += _CENTRAL_BYTES + name_bytes + extra_bytes + comment_bytes
        if at > end or name_bytes > NAME_BYTES_MAX:
            raise Unreadable("lies", f"has a name of {name_bytes} bytes, or a directory that goes beyond its end.")
        raw = stream.read(name_bytes)
        size, packed, local = _zip64(stream.read(extra_bytes), [size, packed, local])
        mode = attributes >> 16 if system in (3, 19) else 0
        name = _decoded(raw, flags)
        data = _check_local(stream, ending, local, raw, (flags, method, packed, size), name)
        yield Member(name, size, packed, method, flags, mode, local, data)
    if at != end:
        raise Unreadable("lies", f"has more members than the {ending.count} that it claims.")


def _decoded(raw: bytes, flags: int) -> str:
    try:
        return raw.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError:
        raise Unreadable("broken", f"has a name that is no UTF-8, though it says so: {raw[:80]!r}.") from None


def _zip64(extra: bytes, values: list[int]) -> list[int]:
    """Values of the zip64 extra field in place of those that did not fit."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack("<2H", extra[at : at + 4])
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            for index, value in enumerate(values):
                if value == _SATURATED:
                    if len(field) < 8:
                        raise Unreadable("lies", "has a zip64 field that is too short.")
                    values[index], field = struct.unpack("<Q", field[:8])[0], field[8:]
            break
        at += 4 + length
    return values


def _check_local(stream: BinaryIO, ending: Ending, at: int, raw: bytes, told: tuple[int, int, int, int], name: str) -> int:
    """Where the data begins, if the local header says what the directory says."""
    stream.seek(at)
    fixed = stream.read(_LOCAL_BYTES) if at < ending.offset else b""
    if len(fixed) < _LOCAL_BYTES or not fixed.startswith(_LOCAL):
        raise Unreadable("lies", f"has no local header for {name!a} where the directory says.")
    flags, method = struct.unpack("<2H", fixed[6:10])
    packed, size, name_bytes, extra_bytes = struct.unpack("<2I2H", fixed[18:30])
    mine = stream.read(min(name_bytes, NAME_BYTES_MAX + 1))
    size, packed = _zip64(stream.read(extra_bytes), [size, packed])
    sizes_differ = (packed, size) != told[2:] and not (flags & _DESCRIPTOR and (packed, size) == (0, 0))
    if mine != raw or method != told[1] or (flags ^ told[0]) & (_ENCRYPTED | _DESCRIPTOR) or sizes_differ:
        raise Unreadable("lies", f"tells two things about {name!a}: directory and local header differ.")
    data = at + _LOCAL_BYTES + name_bytes + extra_bytes
    if data + told[2] > ending.offset:
        raise Unreadable("lies", f"has data of {name!a} beyond the place where its directory begins.")
    return int(data)
