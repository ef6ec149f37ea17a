"""Where the attachments of a document come from: the `Attachments` of a request, read into bucket and key per file.

Flow: attachment sources + the files that the content names -> `Sources`: one `AttachmentRecord` per file and one `FolderRecord` per
folder, or every problem at once.
Rules: pure. A source of kind SourceUrl is a folder of S3 in which the named files lie, or all files that lie there when the content
names none; S3FileUrl is one object, AttachmentReference a file that another document version holds already.
Refuses to know: S3 itself, and whether anything is there.
AWS: API AttachmentsSource; the https form stands in the guide's examples of create-document.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from localorg.documents.records import ATTACHMENTS_MAX, AttachmentRecord, FolderRecord
from localorg.kernel.errors import AwsError
from localorg.protocol.s3_hosts import bucket_of

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
REFERENCE = re.compile(r"(?P<document>[a-zA-Z0-9_.:/-]+)/(?P<number>[1-9][0-9]*)/(?P<file>[a-zA-Z0-9_.-]+)")
"""AWS: API AttachmentsSource: `MyOtherDocument/3/my-other-file.py`, or with the ARN of a document that is shared."""
KEYS = ("SourceUrl", "S3FileUrl", "AttachmentReference")
Reuse = Callable[[str, str, str], AttachmentRecord | None]
"""(document name or ARN, version number, file) -> the attachment as it is held there, or None when it is not."""


@dataclass
class Sources:
    """What the `Attachments` of a request mean. `problems` has a sentence for each thing that is wrong."""

    files: Mapping[str, str]
    reuse: Reuse
    partition: str
    records: dict[str, AttachmentRecord] = field(default_factory=dict)
    folders: list[FolderRecord] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def locate(url: str, partition: str) -> tuple[str, str] | None:
    """Return (bucket, key or prefix) of s3://, path-style or virtual-hosted https addresses of a partition; None for any other."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    path = unquote(parts.path).lstrip("/")
    hosted = parts.netloc if parts.scheme == "s3" else bucket_of(parts.netloc, partition) if parts.scheme == "https" else None
    if hosted is None:
        return None
    bucket = hosted
    if parts.scheme == "https" and not hosted:
        bucket, _, path = path.partition("/")
    return (bucket, path) if BUCKET.fullmatch(bucket) else None


def attachments(given: list[dict[str, Any]], files: Mapping[str, str], reuse: Reuse, partition: str) -> Sources:
    """Return where each file comes from. `files` maps the names in the content to checksums. Raises InvalidDocumentContent."""
    found = Sources(files, reuse, partition)
    for position, source in enumerate(given):
        for record in _of_source(f"Attachments[{position}]", source, found):
            found.records.setdefault(record.name, replace(record, expected=files.get(record.name, "")))
    missing = [name for name in files if name not in found.records]
    if missing and not found.problems:
        # ASSUMED: AWS is not known to say it this early; a package without its files could never be installed.
        found.problems.append(f"the content names {', '.join(missing)}, for which Attachments has no source")
    if len(found.records) > ATTACHMENTS_MAX:
        found.problems.append(f"{len(found.records)} attachments; a document has at most {ATTACHMENTS_MAX}")
    if found.problems:
        raise AwsError("InvalidDocumentContent", f"The attachments are not usable: {'; '.join(found.problems)}")
    return found


def _of_source(place: str, source: dict[str, Any], found: Sources) -> Iterable[AttachmentRecord]:
    kind, values = source.get("Key"), source.get("Values") or []
    if kind not in KEYS or len(values) != 1:
        found.problems.append(f"{place} must have a Key ({', '.join(KEYS)}) and exactly one value")
        return []
    if kind == "AttachmentReference":
        return _referred(place, values[0], source.get("Name"), found)
    where = locate(values[0], found.partition)
    if where is None:
        found.problems.append(f"{place} is {values[0]!r}; give s3://BUCKET/PREFIX or an https address of S3")
        return []
    bucket, path = where
    if kind == "SourceUrl":
        return _of_folder(bucket, path.strip("/"), found)
    if not path or path.endswith("/"):
        found.problems.append(f"{place} is {values[0]!r}; S3FileUrl names one object, SourceUrl a folder")
        return []
    return [AttachmentRecord(source.get("Name") or path.rpartition("/")[2], bucket, path)]


def _of_folder(bucket: str, folder: str, found: Sources) -> list[AttachmentRecord]:
    prefix = f"{folder}/" if folder else ""
    found.folders.append(FolderRecord(bucket, prefix, takes_all=not found.files))
    return [AttachmentRecord(name, bucket, prefix + name) for name in found.files]


def _referred(place: str, value: str, name: str | None, found: Sources) -> Iterable[AttachmentRecord]:
    """Return an attachment that another document version holds; its bytes are there already."""
    reference = REFERENCE.fullmatch(value)
    held = found.reuse(reference["document"], reference["number"], reference["file"]) if reference else None
    if held is None:
        found.problems.append(f"{place} is {value!r}; give DOCUMENT/VERSION/FILE of an Active version that has this file")
        return []
    return [replace(held, name=name or held.name)]
