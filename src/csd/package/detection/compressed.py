"""What something compressed holds, a piece at a time: neither a bomb nor a huge dictionary is ever held."""

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from zstandard import ZstdDecompressor, ZstdError

MAGIC = {b"\x1f\x8b": "gz", b"\xfd7zXZ\0": "xz", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zst"}
FAULTS = (lzma.LZMAError, zlib.error, ZstdError)
_MEMORY_MAX = 128 << 20  # twice what `xz -9` needs
_WINDOW_MAX = 128 << 20  # what `zstd --ultra -22` needs
_PIECE = 1 << 16
_ZSTD_PIECE = 1 << 9  # cannot be told how much to give: a block of four bytes may be 128 KiB of the same


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the manners of the two others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _Zstd:
    """The same for zstandard's, which gives all that its input holds: so it is given little."""

    needs_input = True

    def __init__(self) -> None:
        self._inner = ZstdDecompressor(max_window_size=_WINDOW_MAX).decompressobj()

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:  # noqa: ARG002 # cannot be told
        return self._inner.decompress(data)


def compression(head: bytes) -> str:
    """gz, xz, bz2, zst, or '' for none that is known."""
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "")


def unpacked(source: BinaryIO, how: str, limit: int) -> bytes:
    """At most `limit` bytes of what a stream holds; fewer where it ends, also where it ends too early."""
    match how:
        case "zst":
            return ZstdDecompressor(max_window_size=_WINDOW_MAX).stream_reader(source, closefd=False).read(limit)
        case "xz":
            return _pumped(source, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_MAX), limit)
        case "bz2":
            return _pumped(source, bz2.BZ2Decompressor(), limit)
        case "gz":
            return _pumped(source, _Gzip(), limit)
        case _:
            return source.read(limit)


def _pumped(source: BinaryIO, decompressor: _Decompressor, limit: int) -> bytes:
    found = bytearray()
    while len(found) < limit and not decompressor.eof:
        piece = source.read(_PIECE) if decompressor.needs_input else b""
        if not piece and decompressor.needs_input:
            break
        found += decompressor.decompress(piece, limit - len(found))
    return bytes(found)


def pieces(source: BinaryIO, how: str) -> Iterator[bytes]:
    """Yield all that a stream holds, its checksums proven. Raises EOFError where it ends too early, FAULTS where it is broken."""
    if not how:
        yield from iter(lambda: source.read(_PIECE), b"")
        return
    waiting, magic = b"", next(magic for magic, name in MAGIC.items() if name == how)
    while True:  # one after another: programs that pack in parallel write several
        decompressor = _decompressor(how)
        while not decompressor.eof:
            piece = (waiting or source.read(_ZSTD_PIECE if how == "zst" else _PIECE)) if decompressor.needs_input else b""
            if not piece and decompressor.needs_input:
                raise EOFError("it ends too early")
            waiting = b""
            yield decompressor.decompress(piece, _PIECE)
        waiting = decompressor.unused_data
        waiting += source.read(len(magic)) if len(waiting) < len(magic) else b""
        if not waiting.startswith(magic):
            return


def _decompressor(how: str) -> _Decompressor:
    match how:
        case "zst":
            return _Zstd()
        case "xz":
            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_MAX)
        case "bz2":
            return bz2.BZ2Decompressor()
        case _:
            return _Gzip()
