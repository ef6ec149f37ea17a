"""A file as S3 gets it: in parts of one size, each with its SHA-256, and what S3 will call the whole.

Rules: the size of a part is fixed, so that the same file has the same parts tomorrow and on another desk. One part in memory at a time.
Refuses to know: S3's calls.
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

# AWS: S3 guide, multipart limits: 5 MiB to 5 GiB a part, 10,000 parts: 1 GB makes 120.
PART_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """One part: its number from 1, where it begins, its bytes, and its SHA-256 as S3 writes it (base64)."""

    number: int
    offset: int
    size: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Pieces:
    """A whole file: its bytes, its SHA-256 (64 hex digits), and its parts."""

    size: int
    sha256: str
    parts: tuple[Piece, ...]

    @property
    def whole_checksum(self) -> str:
        """The SHA-256 of all bytes as S3 writes it, for an object that was sent in one request."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()

    @property
    def checksum(self) -> str:
        """What S3 calls the object."""
        # AWS: S3 guide, "Checking object integrity": of parts, the SHA-256 of their digests, `-`, and their count.
        if len(self.parts) == 1:
            return self.whole_checksum
        digests = b"".join(base64.b64decode(piece.checksum) for piece in self.parts)
        return f"{base64.b64encode(hashlib.sha256(digests).digest()).decode()}-{len(self.parts)}"


def cut(path: Path, part_bytes: int = PART_BYTES) -> Pieces:
    """Read a file once. Raises OSError."""
    whole, offset = hashlib.sha256(), 0
    parts: list[Piece] = []
    with path.open("rb") as stream:
        while (content := stream.read(part_bytes)) or not parts:
            whole.update(content)
            checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
            parts.append(Piece(len(parts) + 1, offset, len(content), checksum))
            offset += len(content)
    return Pieces(offset, whole.hexdigest(), tuple(parts))


def read_piece(path: Path, piece: Piece) -> bytes:
    """The bytes of one part."""
    with path.open("rb") as stream:
        stream.seek(piece.offset)
        return stream.read(piece.size)
