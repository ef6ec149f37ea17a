"""Reading documents: DescribeDocument, GetDocument with download addresses, ListDocuments, ListDocumentVersions, and the downloads.

Rules: who may see what is decided by `lookup`; nothing here changes a row but the key of download addresses, once.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localorg.documents import answers, downloads, listing, text
from localorg.documents.copying import files_by_name
from localorg.documents.lookup import Found, Lookup
from localorg.documents.paging import cut, cut_sorted
from localorg.documents.records import AttachmentRecord, Shelf, SigningKey, VersionRecord
from localorg.kernel.blobs import Blobs
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Handler, Output, Request

PAGE = 50
"""AWS: API MaxResults, at most 50. # ASSUMED: also the size of a page when nothing is said."""
KEY_BYTES = 32


class Reading:
    """The operations that read."""

    def __init__(self, kernel: Kernel, shelf: Shelf, lookup: Lookup, blobs: Blobs, random_bytes: Callable[[int], bytes]) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._lookup = lookup
        self._blobs = blobs
        self._keys = kernel.store.table("ssm.document-signing-key", SigningKey)
        self._random_bytes = random_bytes

    def handlers(self) -> dict[str, Handler]:
        """Return the operations that concern one document."""
        return {
            "DescribeDocument": self._describe,
            "GetDocument": self._get,
            "ListDocumentVersions": self._list_versions,
        }

    def list_documents(self, request: Request) -> Output:
        """ListDocuments: the caller's own, those of AWS and those shared with the caller."""
        tests = listing.tests(request.params)
        seen = [(found, self._lookup.shown_version(found)) for found in self._lookup.everything(request)]
        wanted = [(found, version) for found, version in seen if all(test(found, version) for test in tests)]
        wanted.sort(key=lambda one: one[0].shown_name)
        chosen, more = cut_sorted(wanted, lambda one: one[0].shown_name, request, PAGE)
        return {"DocumentIdentifiers": [answers.identifier(found, version) for found, version in chosen], **more}

    def download(self, path: str, query: Mapping[str, str], now: float) -> Path | bytes:
        """Return the file or the bytes behind a signed address. Raises AccessDenied (status 403)."""
        account, region, name, number, file = downloads.check(self._key(), path, query, now)
        document = self._shelf.documents.get(account, region, name)
        version = self._shelf.version(document, int(number)) if document else None
        record = files_by_name(version).get(file) if version else None
        if record is None:
            raise downloads.refusal(f"{file} of {name} version {number} is not there any more.")
        return self._blobs.path(record.digest) or self._blobs.get(record.digest)

    def _describe(self, request: Request) -> Output:
        found = self._lookup.find(request, request.params["Name"])
        version = self._lookup.choose(found, request.params)
        return {"Document": answers.description(found, version, self._lookup.latest_number(found))}

    def _get(self, request: Request) -> Output:
        found = self._lookup.find(request, request.params["Name"])
        version = self._lookup.choose(found, request.params)
        # AWS: API GetDocumentRequest.DocumentFormat, "JSON is the default format".
        form = request.params.get("DocumentFormat", "JSON")
        if version.format == "TEXT":
            form = "TEXT"  # plain text, such as a calendar, has no other form
        elif form == "TEXT":
            # ASSUMED: the error's name; AWS does not say what asking for the TEXT of a JSON document answers.
            raise AwsError("InvalidDocument", f"{found.shown_name} has no TEXT form; ask for JSON or YAML.")
        content = version.content if form == version.format else text.write(text.read(version.content, version.format), form)
        answer = answers.content(found, version, content, form)
        attached = self._attachments(found, version, request.now)
        return {**answer, "AttachmentsContent": attached} if attached else answer

    def _attachments(self, found: Found, version: VersionRecord, now: float) -> list[dict[str, Any]]:
        """# ASSUMED: addresses are given out once the version is Active, not before."""
        if version.status != "Active":
            return []
        endpoint, key = self._kernel.settings.endpoint, self._key()
        return [
            {
                "Name": file.name,
                "Size": file.size,
                **self._hash_of(file, version),
                "Url": downloads.sign(key, endpoint, found.document, version, file.name, now),
            }
            for file in files_by_name(version).values()
        ]

    def _hash_of(self, file: AttachmentRecord, version: VersionRecord) -> dict[str, str]:
        """The open question attachment-hash."""
        match self._kernel.settings.reading("attachment-hash"):
            case "file":
                return {"Hash": file.digest, "HashType": "Sha256"}
            case "content":
                return {"Hash": version.hash, "HashType": "Sha256"}
        return {}

    def _list_versions(self, request: Request) -> Output:
        found = self._lookup.find(request, request.params["Name"])
        # ASSUMED: newest first, as the console shows them.
        newest_first = sorted(found.versions, key=lambda version: -version.number)
        chosen, more = cut(newest_first, lambda version: str(version.number), request.params, PAGE)
        return {"DocumentVersions": [answers.version_info(found, version) for version in chosen], **more}

    def _key(self) -> bytes:
        kept = self._keys.get("key") or self._keys.put(SigningKey(self._random_bytes(KEY_BYTES).hex()), "key")
        return bytes.fromhex(kept.value)
