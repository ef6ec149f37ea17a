"""Bringing the attachments of a version into our own keeping, and the version out of Creating.

Flow: `begin` submits s3:ListObjectsV2 per folder that is to be listed, and s3:GetObject per file, under the caller's rights -> the
outcomes come back as `folder-listed` and `attachment-copied` -> when all are in and the version has been visible as Creating long
enough (`settle`), it is Active, or Failed with every reason.
Rules: bytes lie in Blobs, rows hold digest and size. After a restart what is missing is asked for again (`resume`).
# AWS: user guide, distributor-working-with-packages-create: the source may be removed once the document is Active.
Open questions: folder-listing, folder-attachments, attachment-checksum.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from localorg.documents.folders import is_listed_first, take_listing
from localorg.documents.records import (
    ATTACHMENT_BYTES_MAX,
    AttachmentRecord,
    DocumentRecord,
    FolderRecord,
    Shelf,
    VersionRecord,
)
from localorg.kernel.blobs import Blobs
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ApiCall
from localorg.protocol.gateway import Gateway

ENGINE = "documents"
COPIED, LISTED = "attachment-copied", "folder-listed"
SETTLE = "version-settles"


class Copying:
    """The part of the documents engine that makes versions ready."""

    def __init__(
        self, kernel: Kernel, gateway: Gateway, shelf: Shelf, blobs: Blobs, changed: Callable[[DocumentRecord], None]
    ) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._shelf = shelf
        self._blobs = blobs
        self._changed = changed

    def begin(self, document: DocumentRecord, version: VersionRecord) -> None:
        """Start copying; the version is already on the shelf."""
        if self._kernel.settings.reading("folder-attachments") == "whole-folder":
            for folder in version.folders:
                folder.takes_all = True
            self._shelf.keep(document, version)
        self._kernel.at(version.settles, Event(ENGINE, SETTLE, _key(document, version)))
        self._request(document, version)

    def resume(self) -> None:
        """Ask again for the files of every version that a restart interrupted."""
        for key, version in self._shelf.versions.items():
            document = self._shelf.documents.get(*key[:3])
            if version.is_pending and document is not None:
                self._request(document, version)
                self._settle(document, version)

    def handle(self, event: Event) -> None:
        """Take in one outcome, or the end of the time of being Creating. A version deleted meanwhile is no concern."""
        data = event.data
        document = self._shelf.documents.get(data["account"], data["region"], data["name"])
        version = self._shelf.version(document, data["number"]) if document else None
        if document is None or version is None or not version.is_pending or version.created != data["created"]:
            return
        match event.name:
            case "attachment-copied":
                self._take(version, data)
                self._shelf.keep(document, version)
            case "folder-listed":
                take_listing(version, version.folders[data["folder"]], data)
                self._shelf.keep(document, version)
                self._request(document, version)
        self._settle(document, version)

    def _request(self, document: DocumentRecord, version: VersionRecord) -> None:
        """Ask for every listing, and, once they are in, for every file that is not there yet."""
        waiting = [position for position, folder in enumerate(version.folders) if self._is_awaited(folder)]
        for position in waiting:
            folder = version.folders[position]
            params = {"Bucket": folder.bucket, "Prefix": folder.prefix, "Delimiter": "/"}
            self._submit(document, version, "ListObjectsV2", params, Event(ENGINE, LISTED, {"folder": position}))
        if waiting:
            return
        for file in version.attachments:
            if not file.digest and not file.problem:
                reply = Event(ENGINE, COPIED, {"file": file.name})
                self._submit(document, version, "GetObject", {"Bucket": file.bucket, "Key": file.key}, reply)

    def _submit(
        self, document: DocumentRecord, version: VersionRecord, operation: str, params: dict[str, Any], reply: Event
    ) -> None:
        if version.copier is None:
            return
        call = ApiCall(version.copier, document.region, "s3", operation, params)
        self._gateway.submit(call, replace(reply, data={**_key(document, version), **reply.data}))

    def _is_awaited(self, folder: FolderRecord) -> bool:
        must_list = is_listed_first(folder, self._kernel.settings.reading("folder-listing"))
        return must_list and not folder.is_listed and not folder.problem

    def _take(self, version: VersionRecord, data: dict[str, Any]) -> None:
        file = next(attachment for attachment in version.attachments if attachment.name == data["file"])
        if not data["ok"]:
            error = data["error"]
            file.problem = f"{file.name}: {error['Code']} for s3://{file.bucket}/{file.key}: {error['Message']}"
            return
        # DEVIATES: AWS streams; here a file is held in memory while it is copied, so one of 1 GB needs that much and more, for a while.
        body: bytes = data["output"]["Body"]
        if len(body) > ATTACHMENT_BYTES_MAX:
            file.problem = f"{file.name}: {len(body)} bytes; an attachment has at most {ATTACHMENT_BYTES_MAX}"
            return
        file.digest, file.size = self._blobs.put(body), len(body)
        is_compared = self._kernel.settings.reading("attachment-checksum") == "service-compares"
        if is_compared and file.expected and file.digest != file.expected.lower():
            file.problem = f"{file.name}: its sha256 is {file.digest}, and the content says {file.expected}"

    def _settle(self, document: DocumentRecord, version: VersionRecord) -> None:
        said = [folder.problem for folder in version.folders] + [file.problem for file in version.attachments]
        problems = [problem for problem in said if problem]
        is_copied = all(file.digest or file.problem for file in version.attachments)
        is_copied = is_copied and not any(self._is_awaited(folder) for folder in version.folders)
        if self._kernel.now() < version.settles or not is_copied:
            return
        version.status = "Failed" if problems else "Active"
        version.status_information = "; ".join(problems)
        version.copier = None
        self._shelf.keep(document, version)
        self._changed(document)


def _key(document: DocumentRecord, version: VersionRecord) -> dict[str, Any]:
    """Return what finds a version again; `created` tells it from a later namesake."""
    return {
        "account": document.account,
        "region": document.region,
        "name": document.name,
        "number": version.number,
        "created": version.created,
    }


def files_by_name(version: VersionRecord) -> dict[str, AttachmentRecord]:
    """Return the copied files of a version."""
    return {file.name: file for file in version.attachments if file.digest}
