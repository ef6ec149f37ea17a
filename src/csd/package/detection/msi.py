"""What an .msi says it is: ProductName and ProductVersion of its Property table, and its template's machine.

Rules: the readers of compound files hold what a file claims, so they read through a ration, and the tables that pymsi holds are
measured before.
"""

import io
import struct
from pathlib import Path
from typing import BinaryIO

from olefile import OleFileIO
from pymsi import Package
from pymsi.streamname import encode_unicode

from csd.package.detection.installer import Claims, reading, refusal

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_RATION_BYTES = 32 << 20
_NO_SECTOR = 0xFFFF_FFFA  # the first number that is a word: free, the end, a table
_LEAST_BYTES = 64  # what a reading costs at least, however little it brings
_FAT_SECTORS_MAX = 8192  # olefile copies the whole table for each; enough for 512 MiB
_SIZES_MAX = {
    "_StringPool": 4 << 20, "_StringData": 16 << 20, "_Tables": 1 << 20, "_Columns": 1 << 20, "_Validation": 1 << 20, "Property": 1 << 20,
}  # fmt: skip


class _Rationed(io.RawIOBase):
    """A file of which no more than the ration can be read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = _RATION_BYTES

    def read(self, size: int = -1, /) -> bytes:
        found = self._stream.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= max(len(found), _LEAST_BYTES)
        if self._left < 0:
            raise ValueError(f"its tables take more than {_RATION_BYTES >> 20} MiB")
        return found

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def msi_claims(path: Path) -> Claims:
    """Who an .msi says it is."""
    with reading(path, "an .msi", struct.error), path.open("rb") as stream:
        _check_header(stream.read(512))
        file = _Rationed(stream)
        compound = OleFileIO(file)
        _check_end(compound)
        _check_sizes(compound)
        package = Package(file, strict=False)  # type: ignore[arg-type] # any file will do
        properties = {str(row["Property"]): str(row["Value"] or "") for row in package["Property"]}
        template = (
            package.summary.arch() if package.summary else None
        ) or "Intel"  # Documented: Template Summary: nothing means Intel
    name, version = properties.get("ProductName", "").strip(), properties.get("ProductVersion", "").strip()
    if not name or not version:
        raise refusal(path, "begins like an .msi, but its Property table tells no ProductName and ProductVersion.")
    return Claims(name, version, template)


def _check_header(header: bytes) -> None:
    sector, small = struct.unpack_from("<2H", header, 30)
    (fat_sectors,) = struct.unpack_from("<I", header, 44)
    if sector not in (9, 12) or small != 6:
        raise ValueError(f"its sectors claim 2^{sector} and 2^{small} bytes")
    if fat_sectors > _FAT_SECTORS_MAX:
        raise ValueError(f"its table claims {fat_sectors} sectors; more than {_FAT_SECTORS_MAX} are not read")


def _check_end(file: OleFileIO) -> None:
    """No sector may be followed by one that is not in the file."""
    if max((following for following in file.fat if following < _NO_SECTOR), default=0) >= len(file.fat):
        raise EOFError("it ends too early")


def _check_sizes(file: OleFileIO) -> None:
    for name, limit in _SIZES_MAX.items():
        stream = encode_unicode(name, True)  # noqa: FBT003 # pymsi's own signature
        if file.exists(stream) and file.get_size(stream) > limit:
            raise ValueError(f"its {name} claims {file.get_size(stream)} bytes")
