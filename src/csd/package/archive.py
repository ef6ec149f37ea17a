"""Files -> zip, tar and deb, the same bytes on every machine.

An Entry is a name, its bytes (or the path they are streamed from) and whether it may be executed. Archives store, never compress:
what deflate emits depends on the zlib at hand, and a sealed package must not.

Rules: entries are sorted by name; times are the first moment that zip can tell; owners are 0:0; modes are 0644 or 0755.
Refuses to know: what the files mean.
"""

import io
import shutil
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_EPOCH_S = 315_532_800  # 1980-01-01T00:00:00Z, the same moment


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive; `content` is its bytes, or the path of a file whose bytes they are."""

    name: str
    content: bytes | Path
    executable: bool

    @property
    def mode(self) -> int:
        """0755 or 0644."""
        return 0o755 if self.executable else 0o644

    @property
    def size(self) -> int:
        """Bytes."""
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    def read(self) -> bytes:
        """All bytes."""
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content

    def open(self) -> BinaryIO:
        """A stream of the bytes."""
        return self.content.open("rb") if isinstance(self.content, Path) else io.BytesIO(self.content)


def write_zip(entries: list[Entry], path: Path) -> None:
    """Write a zip with the entries at its root, streaming each."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for entry in sorted(entries, key=lambda e: e.name):
            info = zipfile.ZipInfo(entry.name, _ZIP_TIME)
            info.create_system = 3  # Unix, wherever it is built
            info.external_attr = (0o100000 | entry.mode) << 16
            info.file_size = entry.size
            with archive.open(info, "w") as written, entry.open() as source:
                shutil.copyfileobj(source, written)


def tar_bytes(entries: list[Entry]) -> bytes:
    """A tar with './'-relative names and an entry for every folder on the way."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(_tar_info("./", 0o755, tarfile.DIRTYPE))
        for folder in sorted({parent for entry in entries for parent in _parents(entry.name)}):
            archive.addfile(_tar_info(f"./{folder}/", 0o755, tarfile.DIRTYPE))
        for entry in sorted(entries, key=lambda e: e.name):
            info = _tar_info(f"./{entry.name}", entry.mode, tarfile.REGTYPE)
            info.size = entry.size
            with entry.open() as source:
                archive.addfile(info, source)
    return buffer.getvalue()


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _tar_info(name: str, mode: int, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.type, info.mtime = mode, kind, _EPOCH_S
    info.uname = info.gname = "root"
    return info


def deb_bytes(control: list[Entry], payload: list[Entry]) -> bytes:
    """A Debian package (deb(5), format 2.0) of the control files and the payload, both stored, not compressed."""
    members = [("debian-binary", b"2.0\n"), ("control.tar", tar_bytes(control)), ("data.tar", tar_bytes(payload))]
    return b"!<arch>\n" + b"".join(_ar_member(name, content) for name, content in members)


def _ar_member(name: str, content: bytes) -> bytes:
    header = f"{name:<16}{_EPOCH_S:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode("ascii")
    return header + content + (b"\n" if len(content) % 2 else b"")
