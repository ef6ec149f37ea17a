"""What a .deb says it is: the fields of its control file (deb(5), deb-control(5))."""

import io
import os
import tarfile
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from debian.arfile import ArError, ArFile, ArMember
from debian.deb822 import Deb822

from csd.package.detection.compressed import FAULTS, compression, unpacked
from csd.package.detection.installer import Claims, reading, refusal

MAGIC = b"!<arch>\ndebian"
_MEMBERS_MAX = 16  # a .deb has three, four when it is signed
# The control file is among the first; what comes behind this much is not looked at.
_CONTROL_TAR_MAX, _CONTROL_MAX, _FILES_MAX = 4 << 20, 1 << 20, 1 << 12


def debian_claims(path: Path) -> Claims:
    """Package, Version and Architecture of a .deb."""
    with reading(path, "a .deb", ArError, tarfile.TarError, *FAULTS), path.open("rb") as stream:
        _check_members(stream)
        fields = control_fields(_control(stream))
        found = Claims(*(fields.get(field, "") for field in ("package", "version", "architecture")))
    if not found.name or not found.version:
        raise refusal(path, "begins like a .deb, but has no control file that tells Package and Version.")
    return found


def control_fields(control: bytes) -> dict[str, str]:
    """The fields of a control file, by their names in small letters; of a text that is none, whatever looks like one."""
    fields = Deb822(control.decode("utf-8", "replace").splitlines())
    return {str(key).lower(): str(value).strip() for key, value in fields.items()}


def _check_members(stream: BinaryIO) -> None:
    """ArFile believes any size that a header claims, a negative one too, and would then walk for ever."""
    end, at = stream.seek(0, os.SEEK_END), 8
    for _ in range(_MEMBERS_MAX):
        if at >= end:
            stream.seek(0)
            return
        stream.seek(at)
        size = stream.read(60)[48:58].strip()
        if not size.isdigit() or at + 60 + int(size) > end:
            raise ValueError(f"a member claims {size.decode('ascii', 'replace') or 'no size'} bytes")
        at += 60 + int(size) + int(size) % 2
    raise ValueError(f"more than {_MEMBERS_MAX} members")


def _control(stream: BinaryIO) -> bytes:
    members: list[ArMember] = ArFile(fileobj=stream).getmembers()
    member = next((each for each in members if each.name.startswith("control.tar")), None)
    if member is None:
        return b""
    stream.seek(0)
    packed = io.BytesIO(member.read(min(member.size, _CONTROL_TAR_MAX)))
    tar = unpacked(packed, compression(packed.getvalue()[:8]), _CONTROL_TAR_MAX)
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        for info in islice(archive, _FILES_MAX):
            held = archive.extractfile(info) if info.isreg() and info.name.removeprefix("./") == "control" else None
            if held:
                return held.read(_CONTROL_MAX)
    return b""
