"""Who an installer says it is, as a package URL: a .deb's or an .rpm's name, version and architecture, from the file itself.

Rules: a file that cannot be read as what it begins like has no identity; it is still told by its digest.
Refuses to know: file names, which say what somebody wanted them to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packageurl import PackageURL

from csd.package.detection import debian, redhat
from csd.package.detection.installer import Unrecognised


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
        head = stream.read(len(debian.MAGIC))
    try:
        if head == debian.MAGIC:
            return Identity("deb", *debian.debian_claims(path))
        return Identity("rpm", *redhat.redhat_claims(path)) if head.startswith(redhat.MAGIC) else None
    except Unrecognised:
        return None


def debian_identity(fields: Mapping[str, str]) -> Identity | None:
    """Who a control file says it is; `fields` have names in small letters."""
    name, version = fields.get("package", ""), fields.get("version", "")
    return Identity("deb", name, version, fields.get("architecture", "")) if name and version else None
