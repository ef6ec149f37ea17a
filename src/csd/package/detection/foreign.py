"""Formats for which there are no ready scripts: to be named, not to be taken for a plain file."""

import os
from pathlib import Path

from csd.package.detection.installer import refusal

_BY_HEAD = {
    b"xar!": "a macOS installer (.pkg)", b"hsqs": "a squashfs image (.snap)", b"MSCF": "a Windows cabinet (.cab, .msu)",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive", b"Rar!\x1a\x07": "a RAR archive",
}  # fmt: skip
_BY_NAME = {  # an archive within, and of no use when it is only unpacked
    ".msix": "a Windows app package", ".appx": "a Windows app package", ".msixbundle": "a Windows app package",
    ".apk": "a package of Alpine Linux", ".jar": "a Java archive", ".whl": "a Python wheel",
}  # fmt: skip
_DISK_IMAGE, _TRAILER_BYTES = b"koly", 512  # a .dmg ends with a trailer that begins so


def refuse_foreign(path: Path, head: bytes) -> None:
    """Raises Unrecognised for an installer of another world."""
    known = next((what for magic, what in _BY_HEAD.items() if head.startswith(magic)), "")
    if head.startswith((b"PK", b"\x1f\x8b")):
        known = known or _BY_NAME.get(path.suffix.lower(), "")
    if known or _is_disk_image(path):
        what = f"is {known or 'a macOS disk image (.dmg)'}, for which there are no ready scripts."
        raise refusal(
            path,
            what,
            "Take it out of the folder; give the vendor's .deb, .rpm, .msi, .tar.gz or .zip, or write its scripts yourself.",
        )


def _is_disk_image(path: Path) -> bool:
    with path.open("rb") as stream:
        if stream.seek(0, os.SEEK_END) < _TRAILER_BYTES:
            return False
        stream.seek(-_TRAILER_BYTES, os.SEEK_END)
        return stream.read(len(_DISK_IMAGE)) == _DISK_IMAGE
