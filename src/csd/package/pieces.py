"""Bytes in a row, some of them still in files: what an archive is before it is written, with its size known and its memory small.

Rules: a file is read in chunks and never held; one that changes between planning and reading is refused, because what was
measured would not be what is written. Refuses to know: what the bytes mean.
"""

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from csd.errors import CsdInputError, Problem

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FilePart:
    """A whole file, as it was when the archive was planned."""

    path: Path
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> "FilePart":
        """The file as it is now."""
        now = path.stat()
        return cls(path, now.st_size, now.st_mtime_ns)

    def chunks(self) -> Iterator[bytes]:
        """The bytes. Raises CsdInputError when they are not those that were planned with."""
        left = self.size
        with self.path.open("rb") as stream:
            while left and (chunk := stream.read(min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk
            now = os.fstat(stream.fileno())
        if left or (now.st_size, now.st_mtime_ns) != (self.size, self.changed_ns):
            raise CsdInputError([Problem(str(self.path), "changed while it was read.", "Build again when nothing writes to it.")])


@dataclass(frozen=True, slots=True)
class Pieces:
    """Bytes and files, one after the other."""

    parts: tuple[bytes | FilePart, ...]

    @property
    def size(self) -> int:
        """How many bytes they come to."""
        return sum(part.size if isinstance(part, FilePart) else len(part) for part in self.parts)

    def chunks(self) -> Iterator[bytes]:
        """The bytes, none of them held longer than a chunk."""
        for part in self.parts:
            if isinstance(part, FilePart):
                yield from part.chunks()
            elif part:
                yield part

    def __add__(self, other: "Pieces") -> "Pieces":
        return Pieces(self.parts + other.parts)


@dataclass(frozen=True, slots=True)
class Measure:
    """What one reading of some pieces tells: their digests, and that of each file in them."""

    sha256: str
    crc32: int
    size: int
    files: dict[Path, str]


def measure(pieces: Pieces, read: Callable[[int], None]) -> Measure:
    """Read everything once; `read(bytes)` is told as it goes."""
    whole, crc, files = hashlib.sha256(), 0, {}
    alone = len(pieces.parts) == 1
    for part in pieces.parts:
        own = hashlib.sha256()
        for chunk in part.chunks() if isinstance(part, FilePart) else (part,):
            whole.update(chunk)
            crc = zlib.crc32(chunk, crc)
            if not alone and isinstance(part, FilePart):
                own.update(chunk)
            read(len(chunk))
        if isinstance(part, FilePart):
            files[part.path] = whole.hexdigest() if alone else own.hexdigest()
    return Measure(whole.hexdigest(), crc, pieces.size, files)
