"""Folders of S3 as sources of attachments: whether they are listed, and what a listing brings.

Rules: pure; a listing that is refused, or that has no or too many files, is the reason why the version fails.
"""

from typing import Any

from localorg.documents.manifests import FILE_NAME
from localorg.documents.records import ATTACHMENTS_MAX, AttachmentRecord, FolderRecord, VersionRecord


def is_listed_first(folder: FolderRecord, reading: str) -> bool:
    """Say whether `folder` is listed before its files are copied. `reading` answers the question folder-listing."""
    return folder.takes_all or reading == "needs-list"


def take_listing(version: VersionRecord, folder: FolderRecord, outcome: dict[str, Any]) -> None:
    """Take in what ListObjectsV2 said: all files of the folder where the content names none, or why it cannot be read."""
    place = f"s3://{folder.bucket}/{folder.prefix}"
    if not outcome["ok"]:
        error = outcome["error"]
        folder.problem = f"{place}: {error['Code']} for ListBucket: {error['Message']}"
        return
    folder.is_listed = True
    if not folder.takes_all:
        return
    keys = [one["Key"] for one in outcome["output"].get("Contents") or [] if not one["Key"].endswith("/")]
    names = {key.removeprefix(folder.prefix): key for key in keys}
    wrong = [name for name in names if not FILE_NAME.fullmatch(name)]
    if not names:
        folder.problem = f"{place}: there is no file in this folder"
    elif wrong:
        folder.problem = f"{place}: {', '.join(wrong)}: a file name has 3 to 128 letters, digits, '_', '-' or '.'"
    elif len(names) + len(version.attachments) > ATTACHMENTS_MAX:
        folder.problem = f"{place}: {len(names)} files; a document has at most {ATTACHMENTS_MAX} attachments"
    else:
        there = {file.name for file in version.attachments}
        version.attachments += [AttachmentRecord(name, folder.bucket, names[name]) for name in names if name not in there]
