"""What an installer says it is: a .deb's or an .rpm's name, version and architecture, read from the file itself, and its package URL.

Rules: a file that cannot be read as what it begins like has no identity; it is still told by its digest. No program of this machine is
asked, because another machine may not have it. Refuses to know: file names, which say what somebody wanted them to say.
"""

import struct
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rpmfile
from debian.arfile import ArError, ArFile
from packageurl import PackageURL
from rpmfile.errors import RPMError
from zstandard import ZstdDecompressor, ZstdError

_DEB, _RPM = b"!<arch>\ndebian", b"\xed\xab\xee\xdb"
_CONTROL_BYTES_MAX = 1 << 20
_RPM_LEAD_BYTES, _RPM_MAGIC = 96, b"\x8e\xad\xe8\x01"
_RPM_ENTRIES_MAX, _RPM_STORE_BYTES_MAX = 1 << 16, 64 << 20  # far above any real package; rpmfile holds whatever a header claims


@dataclass(frozen=True, slots=True)
class Identity:
    """`kind` is a type of package URLs."""

    kind: str
    name: str
    version: str
    architecture: str

    @property
    def purl(self) -> PackageURL:
        """The package URL. It has no namespace: an installer does not tell which distribution would vouch for it."""
        return PackageURL(self.kind, None, self.name, self.version, {"arch": self.architecture} if self.architecture else None)


def identify(path: Path) -> Identity | None:
    """Who a file says it is."""
    with path.open("rb") as stream:
        head = stream.read(len(_DEB))
    if head == _DEB:
        return _deb(path)
    return _rpm(path) if head.startswith(_RPM) and _moderate(path) else None


def debian_identity(fields: Mapping[str, str]) -> Identity | None:
    """Who a control file says it is."""
    name, version = fields.get("Package", ""), fields.get("Version", "")
    return Identity("deb", name, version, fields.get("Architecture", "")) if name and version else None


def _deb(path: Path) -> Identity | None:
    try:
        control = _control(path)
    except (ArError, ZstdError, tarfile.TarError, OSError, ValueError, EOFError):
        return None
    lines = control.decode("utf-8", "replace").splitlines()
    pairs = (line.partition(":") for line in lines if not line.startswith((" ", "\t")))
    return debian_identity({key.strip(): value.strip() for key, colon, value in pairs if colon})


def _control(path: Path) -> bytes:
    with path.open("rb") as stream:
        members = ArFile(fileobj=stream).getmembers()
        member = next((each for each in members if each.name.startswith("control.tar")), None)
        if member is None:
            return b""
        # python-debian asks the program unzstd.
        content: Any = member
        source = ZstdDecompressor().stream_reader(content) if member.name.endswith(".zst") else content
        with tarfile.open(fileobj=source, mode="r|*") as archive:
            for info in archive:
                held = archive.extractfile(info) if info.name.removeprefix("./") == "control" else None
                if held:
                    return held.read(_CONTROL_BYTES_MAX)
    return b""


def _moderate(path: Path) -> bool:
    """Whether both headers of an .rpm stand where they belong and claim no more than a package needs."""
    with path.open("rb") as stream:
        stream.seek(_RPM_LEAD_BYTES)
        for _ in ("signature", "header"):
            intro = stream.read(16)
            if len(intro) < 16 or intro[:4] != _RPM_MAGIC:
                return False
            entries, store = struct.unpack(">2I", intro[8:])
            if entries > _RPM_ENTRIES_MAX or store > _RPM_STORE_BYTES_MAX:
                return False
            end = stream.tell() + 16 * entries + store
            stream.seek(end + -end % 8)  # the signature is padded to eight bytes
    return True


def _rpm(path: Path) -> Identity | None:
    try:
        with rpmfile.open(str(path)) as rpm:
            name, version, release, architecture = (_text(rpm.headers.get(key)) for key in ("name", "version", "release", "arch"))
    except (RPMError, struct.error, OSError, ValueError, LookupError, TypeError, EOFError, AssertionError):  # rpmfile asserts
        return None
    return Identity("rpm", name, "-".join(filter(None, (version, release))), architecture) if name and version else None


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
