"""What is kept of documents: one row per document, one per version, one for the key that signs download addresses.

Rules: rows are keyed (account, region, name) and (account, region, name, number); times are epoch seconds.
Refuses to know: how rows are shown to a caller (`answers`) and who may see them (`sharing`).
"""

from dataclasses import dataclass, field

from localorg.kernel.store import Store, Table
from localorg.protocol.calls import Principal

DOCUMENTS_MAX = 500
"""AWS: API DocumentLimitExceeded, "at most 500 active SSM documents", per account and Region."""
VERSIONS_MAX = {"Package": 25}
"""AWS: user guide, distributor-working-with-packages-version: 25 versions of a package."""
VERSIONS_MAX_OTHERS = 1000
"""AWS: general reference, Systems Manager quotas: 1,000 versions of a document."""
CONTENT_BYTES_MAX = 64 * 1024
"""AWS: API MaxDocumentSizeExceeded, "the size limit of a document is 64 KB"."""
ATTACHMENT_BYTES_MAX = 1024**3
"""AWS: user guide, distributor-working-with-packages-create: 1 GB a file."""
ATTACHMENTS_MAX = 20
"""AWS: same page, 20 files a document."""


@dataclass
class AttachmentRecord:
    """One file of a version: where it comes from (`bucket`, `key`) and, once copied, its sha256 and size in bytes."""

    name: str
    bucket: str = ""
    key: str = ""
    digest: str = ""
    size: int = 0
    problem: str = ""
    expected: str = ""
    """The sha256 that the content says, empty when it says none."""


@dataclass
class FolderRecord:
    """A folder of S3 that is listed before its files are copied. `takes_all`: all its files are taken."""

    bucket: str
    prefix: str
    takes_all: bool
    is_listed: bool = False
    problem: str = ""


@dataclass
class VersionRecord:
    """One version of a document. `settles` is the earliest time at which it may leave Creating or Updating."""

    number: int
    content: str
    format: str
    hash: str
    created: float
    settles: float
    status: str = "Creating"
    status_information: str = ""
    version_name: str = ""
    display_name: str = ""
    target_type: str = ""
    schema_version: str = ""
    description: str = ""
    parameters: list[dict[str, str]] = field(default_factory=list)
    platform_types: list[str] = field(default_factory=list)
    attachments: list[AttachmentRecord] = field(default_factory=list)
    folders: list[FolderRecord] = field(default_factory=list)
    copier: Principal | None = None
    """Under whose rights the attachments are copied; None once that is over."""

    @property
    def is_pending(self) -> bool:
        """Say whether the version is still being made."""
        return self.status in ("Creating", "Updating")


@dataclass
class DocumentRecord:
    """What all versions have in common. `shares` maps an account id or `all` to $DEFAULT, $LATEST or $ALL."""

    account: str
    region: str
    name: str
    type: str
    created: float
    default_version: int = 1
    last_number: int = 0
    """The highest number ever given; numbers are not used twice."""
    shares: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class SigningKey:
    """The key of download addresses, in hexadecimal."""

    value: str


class Shelf:
    """The rows of documents, with the few questions that everybody asks of them."""

    def __init__(self, store: Store) -> None:
        self.documents: Table[DocumentRecord] = store.table("ssm.document", DocumentRecord)
        self.versions: Table[VersionRecord] = store.table("ssm.document-version", VersionRecord)

    def versions_of(self, document: DocumentRecord) -> list[VersionRecord]:
        """Return the versions, oldest first."""
        return self.versions.values(document.account, document.region, document.name)

    def version(self, document: DocumentRecord, number: int) -> VersionRecord | None:
        """Return one version by its number, or None."""
        return self.versions.get(document.account, document.region, document.name, str(number))

    def latest(self, document: DocumentRecord) -> VersionRecord:
        """Return the newest version."""
        return self.versions_of(document)[-1]

    def keep(self, document: DocumentRecord, version: VersionRecord | None = None) -> None:
        """Write the document, and the version when one is given."""
        key = (document.account, document.region, document.name)
        self.documents.put(document, *key)
        if version is not None:
            self.versions.put(version, *key, str(version.number))

    def drop(self, document: DocumentRecord, versions: list[VersionRecord]) -> None:
        """Remove these versions, and the document with the last of them."""
        key = (document.account, document.region, document.name)
        for version in versions:
            self.versions.delete(*key, str(version.number))
        if not self.versions_of(document):
            self.documents.delete(*key)
