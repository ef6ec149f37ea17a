"""Files -> zip, tar and deb, the same bytes on every machine.

An Entry is a name, its content (bytes, a file, or pieces of an archive that is inside this one) and whether it may be executed.
An archive is laid out as pieces before it is written: its size is known, and nothing of it is held. Archives store, never compress:
what deflate emits depends on the zlib at hand, and a sealed package must not.

Rules: entries are sorted by name; times are the first moment that zip can tell; owners are 0:0; modes are 0644 or 0755.
Refuses to know: what the files mean.
"""

import struct
import tarfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from csd.package.pieces import FilePart, Measure, Pieces, measure

_EPOCH_S = 315_532_800  # 1980-01-01T00:00:00Z, the first moment of a zip
_DOS_DATE, _DOS_TIME = (1 << 5) | 1, 0  # the same moment
ZIP_ENTRIES_MAX = 65_535  # More needs zip64, which not every unpacker on a node reads.
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION, _UNIX, _UTF8 = 20, 3, 0x800


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive."""

    name: str
    content: bytes | Path | Pieces
    executable: bool

    @property
    def mode(self) -> int:
        """0755 or 0644."""
        return 0o755 if self.executable else 0o644

    @property
    def pieces(self) -> Pieces:
        """The content as it is now."""
        match self.content:
            case Pieces():
                return self.content
            case bytes():
                return Pieces((self.content,))
            case _:
                return Pieces((FilePart.of(self.content),))

    def head(self, count: int) -> bytes:
        """The first bytes."""
        found = bytearray()
        for chunk in self.pieces.chunks():
            found += chunk[: count - len(found)]
            if len(found) >= count:
                break
        return bytes(found)


@dataclass(frozen=True, slots=True)
class Measured:
    """An entry whose content was read once: what a zip's headers and a bill of materials need to know of it."""

    entry: Entry
    pieces: Pieces
    measure: Measure


def measured(entries: Iterable[Entry], read: Callable[[int], None] = lambda _: None) -> list[Measured]:
    """Each entry with its digests, sorted by name."""
    found = []
    for entry in sorted(entries, key=lambda e: e.name):
        pieces = entry.pieces
        found.append(Measured(entry, pieces, measure(pieces, read)))
    return found


def zip_size(entries: Iterable[Entry]) -> int:
    """The bytes that a zip of these entries will have, without reading them."""
    return _END.size + sum(
        entry.pieces.size + _LOCAL.size + _CENTRAL.size + 2 * len(entry.name.encode("utf-8")) for entry in entries
    )


def zip_pieces(entries: Sequence[Measured]) -> Pieces:
    """A zip with the entries at its root.

    Headers tell size and CRC before the content, which a writer that does not know them must come back for or put behind it.
    """
    parts: list[bytes | FilePart] = []
    directory: list[bytes] = []
    offset = 0
    for item in entries:
        name, size = item.entry.name.encode("utf-8"), item.measure.size
        flags = 0 if name.isascii() else _UTF8
        told = (flags, 0, _DOS_TIME, _DOS_DATE, item.measure.crc32, size, size, len(name), 0)
        parts += [_LOCAL.pack(b"PK\x03\x04", _VERSION, *told) + name, *item.pieces.parts]
        mode = (0o100000 | item.entry.mode) << 16
        directory += [_CENTRAL.pack(b"PK\x01\x02", _UNIX << 8 | _VERSION, _VERSION, *told, 0, 0, 0, mode, offset), name]
        offset += _LOCAL.size + len(name) + size
    count, listed = len(entries), b"".join(directory)
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(listed), offset, 0)
    return Pieces((*parts, listed + end))


def tar_pieces(entries: list[Entry]) -> Pieces:
    """A tar with './'-relative names and an entry for every folder on the way."""
    parts: list[bytes | FilePart] = [_tar_header("./", 0o755, tarfile.DIRTYPE, 0)]
    folders = sorted({parent for entry in entries for parent in _parents(entry.name)})
    parts += [_tar_header(f"./{folder}/", 0o755, tarfile.DIRTYPE, 0) for folder in folders]
    for entry in sorted(entries, key=lambda e: e.name):
        content = entry.pieces
        padding = bytes(-content.size % tarfile.BLOCKSIZE)
        parts += [_tar_header(f"./{entry.name}", entry.mode, tarfile.REGTYPE, content.size), *content.parts, padding]
    end = 2 * tarfile.BLOCKSIZE
    size = Pieces(tuple(parts)).size + end
    return Pieces((*parts, bytes(end + -size % tarfile.RECORDSIZE)))


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _tar_header(name: str, mode: int, kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.mode, info.type, info.mtime, info.size = mode, kind, _EPOCH_S, size
    info.uname = info.gname = "root"
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")  # said outright: the default is the locale's


def deb_pieces(control: list[Entry], payload: list[Entry]) -> Pieces:
    """A Debian package (deb(5), format 2.0) of the control files and the payload, both stored, not compressed."""
    members = [
        ("debian-binary", Pieces((b"2.0\n",))), ("control.tar", tar_pieces(control)), ("data.tar", tar_pieces(payload)),
    ]  # fmt: skip
    return sum((_ar_member(name, content) for name, content in members), Pieces((b"!<arch>\n",)))


def _ar_member(name: str, content: Pieces) -> Pieces:
    header = f"{name:<16}{_EPOCH_S:<12}{0:<6}{0:<6}{'100644':<8}{content.size:<10}`\n".encode("ascii")
    return Pieces((header, *content.parts, b"\n" if content.size % 2 else b""))
