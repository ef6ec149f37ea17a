"""Large bytes (attachments, object bodies) live as files named by their sha256; rows only hold the digest."""

import hashlib
from pathlib import Path


class Blobs:
    """A content-addressed shelf. `folder=None` keeps the bytes in memory (tests)."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._memory: dict[str, bytes] = {}
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, content: bytes) -> str:
        """Keep `content` and return its sha256 in hexadecimal."""
        digest = hashlib.sha256(content).hexdigest()
        if self._folder is None:
            self._memory[digest] = content
            return digest
        target = self._folder / digest
        if not target.exists():
            part = target.with_suffix(".part")
            part.write_bytes(content)
            part.replace(target)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes with this digest. Raises KeyError when they were never kept."""
        if self._folder is None:
            return self._memory[digest]
        path = self._folder / digest
        if not path.exists():
            raise KeyError(digest)
        return path.read_bytes()

    def path(self, digest: str) -> Path | None:
        """Return the file that holds these bytes, or None when the shelf is in memory."""
        return self._folder / digest if self._folder else None
