"""Is an installer all there? A download that was cut off, or an error page under an installer's name, begins well or tells nothing.

Flow: its name promises an installer that its content is not -> a tar is walked to its end, a zip's directory is read from its end.
The other kinds tell their own size where they are read. Rules: nothing is held, and no more than a bound is unpacked.
"""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from csd.package.detection.compressed import FAULTS, compression, pieces
from csd.package.detection.installer import Installer, reading, refusal
from csd.package.reading.zips import ENCRYPTED, UNPACKED_BYTES_MAX, examine_zip

_PROMISES = re.compile(r"\.(deb|rpm|msi|exe|zip|tgz|txz|tbz2|tzst|tar(\.\w+)?)$", re.IGNORECASE)
_BLOCK = tarfile.BLOCKSIZE
_MEMBERS_MAX = 1_000_000
_WITHOUT_CONTENT = (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE)


def check_whole(installer: Installer, limit: int = UNPACKED_BYTES_MAX) -> None:
    """Raises Unrecognised for what no node could install."""
    match installer.kind:
        case "file":
            _check_promise(installer.path)
        case "tar":
            _check_tar(installer.path, limit)
        case "zip":
            _check_zip(installer.path)


def _check_promise(path: Path) -> None:
    promised = _PROMISES.search(path.name)
    if not promised:
        return
    with path.open("rb") as stream:
        head = stream.read(24).decode("latin-1").rstrip()
    begins = f"it begins with {head!r}" if head.isascii() and head.isprintable() else "it is cut off, or something else"
    what = f"is named like a {promised[0].lower()}, but is none: {begins if head else 'it is empty'}."
    raise refusal(path, what, "Get it from its vendor again: an error page, or half a file, is easily saved in its place.")


def _check_zip(path: Path) -> None:
    """Links and names that differ only by case are the vendor's choice; what cannot be unpacked, or gets out, is not."""
    for fault in examine_zip(path).faults:
        if fault.kind in ("broken", "lies", "bomb", "path") or fault.what == ENCRYPTED:
            raise refusal(path, f"{fault.member}: {fault.what}" if fault.member else fault.what)


def _check_tar(path: Path, limit: int) -> None:
    with reading(path, "a tar", tarfile.HeaderError, *FAULTS), path.open("rb") as stream:
        how = compression(stream.read(8))
        stream.seek(0)
        blocks = _Blocks(_bounded(path, pieces(stream, how), limit))
        count = 0
        while header := blocks.take():
            size = _content(header)
            count += 1
            if count > _MEMBERS_MAX:
                raise ValueError(f"more than {_MEMBERS_MAX} members")
            if size is None:
                blocks.drain()
            else:
                blocks.skip(size + -size % _BLOCK)


def _content(header: bytes) -> int | None:
    """How many bytes follow a header; None where it is no header: the end, or an extension that only tar itself has to know."""
    try:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return None
    if info.size < 0:
        raise ValueError(f"a member claims {info.size} bytes")
    return 0 if info.type in _WITHOUT_CONTENT else info.size


def _bounded(path: Path, source: Iterator[bytes], limit: int) -> Iterator[bytes]:
    for piece in source:
        limit -= len(piece)
        if limit < 0:
            raise refusal(
                path, "unpacks to more than a node should be asked for.", "Take it out of the folder, or pack less into it."
            )
        yield piece


class _Blocks:
    """A tar as its blocks."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._held = memoryview(b"")

    def take(self) -> bytes:
        """The next block, empty at the end. Raises EOFError in the midst of one."""
        while len(self._held) < _BLOCK and (piece := next(self._source, None)) is not None:
            self._held = memoryview(bytes(self._held) + piece)
        block, self._held = bytes(self._held[:_BLOCK]), self._held[_BLOCK:]
        if 0 < len(block) < _BLOCK:
            raise EOFError("it ends too early")
        return block

    def skip(self, count: int) -> None:
        """Go on behind so many bytes. Raises EOFError where they are not all there."""
        while count > len(self._held):
            count -= len(self._held)
            piece = next(self._source, None)
            if piece is None:
                raise EOFError("it ends too early")
            self._held = memoryview(piece)
        self._held = self._held[count:]

    def drain(self) -> None:
        """To the end, so that every checksum is proven."""
        self._held = memoryview(b"")
        for _ in self._source:
            pass
