"""Where the attachments of a document come from: the `Attachments` of a request, read into bucket and key per file.

Flow: attachment sources + the files that the content names -> one `AttachmentRecord` per file, or every problem at once.
Rules: pure. A source of kind SourceUrl is a folder of S3 in which the named files lie; S3FileUrl is one object,
AttachmentReference a file that another document version holds already.
Refuses to know: S3 itself, and whether anything is there.
AWS: API AttachmentsSource; the https form stands in the guide's examples of create-document.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

from localorg.documents.records import ATTACHMENTS_MAX, AttachmentRecord
from localorg.kernel.errors import AwsError, NotSupported

BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Each label is cut at every dot and hyphen, so that no address can be read in two ways: the patterns stay linear.
PATH_HOST = re.compile(r"s3(?:[.-][a-z0-9]+)*\.amazonaws\.com(?:\.cn)?")
REFERENCE = re.compile(r"(?P<document>[a-zA-Z0-9_.:/-]+)/(?P<number>[1-9][0-9]*)/(?P<file>[a-zA-Z0-9_.-]+)")
"""AWS: API AttachmentsSource: `MyOtherDocument/3/my-other-file.py`, or with the ARN of a document that is shared."""
KEYS = ("SourceUrl", "S3FileUrl", "AttachmentReference")
Reuse = Callable[[str, str, str], AttachmentRecord | None]
"""(document name or ARN, version number, file) -> the attachment as it is held there, or None when it is not."""
VIRTUAL_HOST = re.compile(r"(?P<bucket>.+?)\.s3(?:[.-][a-z0-9]+)*\.amazonaws\.com(?:\.cn)?")


def locate(url: str) -> tuple[str, str] | None:
    """Return (bucket, key or prefix) of s3://, path-style or virtual-hosted https addresses; None when it is none of them."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    path = unquote(parts.path).lstrip("/")
    virtual = VIRTUAL_HOST.fullmatch(parts.netloc)
    if parts.scheme == "s3":
        bucket = parts.netloc
    elif parts.scheme == "https" and PATH_HOST.fullmatch(parts.netloc):
        bucket, _, path = path.partition("/")
    elif parts.scheme == "https" and virtual:
        bucket = virtual["bucket"]
    else:
        return None
    return (bucket, path) if BUCKET.fullmatch(bucket) else None


def attachments(sources: list[dict[str, Any]], files: list[str], reuse: Reuse) -> list[AttachmentRecord]:
    """Return where each file comes from. `files` are the names in the content. Raises InvalidDocumentContent, NotSupported."""
    problems: list[str] = []
    found: dict[str, AttachmentRecord] = {}
    for position, source in enumerate(sources):
        for record in _of_source(f"Attachments[{position}]", source, files, reuse, problems):
            found.setdefault(record.name, record)
    missing = [name for name in files if name not in found]
    if missing and not problems:
        # ASSUMED: AWS is not known to say it this early; a package without its files could never be installed.
        problems.append(f"the content names {', '.join(missing)}, for which Attachments has no source")
    if len(found) > ATTACHMENTS_MAX:
        problems.append(f"{len(found)} attachments; a document has at most {ATTACHMENTS_MAX}")
    if problems:
        raise AwsError("InvalidDocumentContent", f"The attachments are not usable: {'; '.join(problems)}")
    return list(found.values())


def _of_source(
    place: str, source: dict[str, Any], files: list[str], reuse: Reuse, problems: list[str]
) -> Iterable[AttachmentRecord]:
    kind, values = source.get("Key"), source.get("Values") or []
    if kind not in KEYS or len(values) != 1:
        problems.append(f"{place} must have a Key ({', '.join(KEYS)}) and exactly one value")
        return []
    if kind == "AttachmentReference":
        return _referred(place, values[0], source.get("Name"), reuse, problems)
    where = locate(values[0])
    if where is None:
        problems.append(f"{place} is {values[0]!r}; give s3://BUCKET/PREFIX or an https address of S3")
        return []
    bucket, path = where
    if kind == "SourceUrl":
        if not files:
            raise NotSupported("SourceUrl for a document whose content names no files", "Attachments")
        folder = path.strip("/")
        return [AttachmentRecord(name, bucket, f"{folder}/{name}" if folder else name) for name in files]
    if not path or path.endswith("/"):
        problems.append(f"{place} is {values[0]!r}; S3FileUrl names one object, SourceUrl a folder")
        return []
    return [AttachmentRecord(source.get("Name") or path.rpartition("/")[2], bucket, path)]


def _referred(place: str, value: str, name: str | None, reuse: Reuse, problems: list[str]) -> Iterable[AttachmentRecord]:
    """Return an attachment that another document version holds; its bytes are there already."""
    reference = REFERENCE.fullmatch(value)
    held = reuse(reference["document"], reference["number"], reference["file"]) if reference else None
    if held is None:
        problems.append(f"{place} is {value!r}; give DOCUMENT/VERSION/FILE of an Active version that has this file")
        return []
    return [replace(held, name=name or held.name)]
