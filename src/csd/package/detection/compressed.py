"""The first bytes of something compressed, and no more: neither a bomb nor a huge dictionary is unpacked."""

import bz2
import lzma
import zlib
from typing import BinaryIO, Protocol

from zstandard import ZstdDecompressor, ZstdError

MAGIC = {b"\x1f\x8b": "gz", b"\xfd7zXZ\0": "xz", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zst"}
FAULTS = (lzma.LZMAError, zlib.error, ZstdError)
_MEMORY_MAX = 128 << 20  # twice what `xz -9` needs
_WINDOW_MAX = 128 << 20  # what `zstd --ultra -22` needs
_PIECE = 1 << 16


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
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

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


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
