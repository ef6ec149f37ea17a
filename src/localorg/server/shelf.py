"""What S3 holds, kept over a restart: moto forgets, so each successful change is written beside it and put back at start.

Flow: after moto has performed a change, `write` (on moto's thread) puts the object's bytes into a file and returns a `Change`; `apply` (on
the loop's thread) turns that into rows, which are committed before the caller is answered. `replay` yields the requests that rebuild
everything in an empty moto.
Rules: a file is complete before its row refers to it, and is removed only after a commit no longer refers to it, so that kill -9 at any
moment leaves the state before or after the change. Objects that were uploaded in parts are put back in the same parts (same ETag).
Uploads that are not completed yet are `s3_uploads`. Not kept: the times: after a restart LastModified is the time of the restart.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from localorg.kernel.store import Store
from localorg.protocol.calls import Params
from localorg.protocol.http import WireRequest, WireResponse
from localorg.server.moto_app import Target
from localorg.server.moto_client import from_response
from localorg.server.s3_access import copy_source
from localorg.server.s3_uploads import CHECKSUM, StoredUpload, UploadChange, Uploads

KEPT_HEADERS = frozenset(
    {
        "content-type",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "expires",
        "x-amz-storage-class",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-website-redirect-location",
        "x-amz-checksum-algorithm",
        "x-amz-checksum-type",
        "x-amz-checksum-sha256",
        "x-amz-sdk-checksum-algorithm",
    }
)
CONFIGURATIONS = {
    "PutBucketPolicy": "policy",
    "PutBucketTagging": "tagging",
    "PutPublicAccessBlock": "publicAccessBlock",
    "PutBucketEncryption": "encryption",
}
UNCONFIGURES = {name.replace("Put", "Delete", 1): query for name, query in CONFIGURATIONS.items()}
_PART_NUMBER = re.compile(rb"<PartNumber>\s*(\d+)\s*</PartNumber>")
_COPY_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@dataclass
class StoredBucket:
    """A bucket: whose, where, how it was made, and its configuration documents by query parameter."""

    account: str
    region: str
    body: str = ""
    configuration: dict[str, str] = field(default_factory=dict)
    policy: dict[str, Any] | None = None


@dataclass
class StoredObject:
    """An object: the file with its bytes, its headers, the sizes of its parts (empty: put whole), its tags as XML."""

    file: str
    headers: dict[str, str]
    parts: list[int] = field(default_factory=list)
    tagging: str = ""


@dataclass
class Change:
    """What one request did, ready to become rows."""

    operation: str
    bucket: str
    account: str
    region: str
    objects: dict[str, StoredObject | None] = field(default_factory=dict)
    """key -> the new object, or None for a deleted one"""
    body: str = ""
    tagging: str | None = None
    uploads: UploadChange | None = None


Fetch = Callable[[str, str], WireResponse]
"""(bucket, key) -> the object as moto has it now; on moto's thread."""


Perform = Callable[[str, str, WireRequest], WireResponse]
"""(account, Region, request) -> moto's answer; on moto's thread."""


class Shelf:
    """Rows and files of S3. `write` runs on moto's thread; everything else on the loop's."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self.buckets = store.table("s3.bucket", StoredBucket)
        self.objects = store.table("s3.object", StoredObject)
        self.uploads = Uploads(store, folder)
        self._garbage: list[str] = []

    def write(
        self, operation: str, params: Params, request: WireRequest, response: WireResponse, fetch: Fetch
    ) -> dict[str, StoredObject | None]:
        """Put what a successful request changed into files; returns the changed objects by key. On moto's thread."""
        match operation:
            case "PutObject":
                return {params["Key"]: StoredObject(self._file(request.body), _kept(request), tagging=_tag_header(request))}
            case "CompleteMultipartUpload":
                return self._completed(params, request, fetch)
            case "CopyObject":
                return self._copied(params, fetch)
            case "DeleteObject":
                return {params["Key"]: None}
            case "DeleteObjects":
                deleted = from_response("s3", operation, response).get("Deleted", [])
                return {entry["Key"]: None for entry in deleted} or dict.fromkeys(_named(params))
            case _:
                pass
        return {}

    def write_upload(
        self, target: Target, operation: str, params: Params, request: WireRequest, response: WireResponse
    ) -> UploadChange | None:
        """Put what a successful request changed of an upload into files. On moto's thread."""
        match operation:
            case "CreateMultipartUpload":
                upload = StoredUpload(
                    params["Bucket"], params["Key"], _kept(request), request.headers.get("x-amz-tagging", ""),
                    target.account, target.region,
                )  # fmt: skip
                return self.uploads.opened(upload, response)
            case "UploadPart":
                return self.uploads.part(params, request.body, response, request.headers)
            case "UploadPartCopy":
                return self.uploads.part(params, self._copied_bytes(params), response, {})
            case "CompleteMultipartUpload" | "AbortMultipartUpload":
                return self.uploads.ended(operation, params)
            case _:
                return None

    def _copied_bytes(self, params: Params) -> bytes:
        source = self.objects.get(*_key(*copy_source(params["CopySource"])))
        content = (self._folder / source.file).read_bytes() if source else b""
        if found := _COPY_RANGE.fullmatch(params.get("CopySourceRange") or ""):
            return content[int(found[1]) : int(found[2]) + 1]
        return content

    def _completed(self, params: Params, request: WireRequest, fetch: Fetch) -> dict[str, StoredObject | None]:
        upload = self.uploads.at(params["UploadId"])
        body, held = fetch(params["Bucket"], params["Key"]).body, self.uploads.sizes(params["UploadId"])
        sizes = [held.get(int(number), 0) for number in _PART_NUMBER.findall(request.body)]
        headers, tagging = (upload.headers, _tag_text(upload.tagging)) if upload else ({}, "")
        parts = sizes if sum(sizes) == len(body) else []
        return {params["Key"]: StoredObject(self._file(body), dict(headers), parts, tagging)}

    def _copied(self, params: Params, fetch: Fetch) -> dict[str, StoredObject | None]:
        got = fetch(params["Bucket"], params["Key"])
        source = self.objects.get(*_key(*copy_source(params["CopySource"])))
        if params.get("TaggingDirective", "COPY") == "COPY":
            tagging = source.tagging if source else ""
        else:
            tagging = _tag_text(str(params.get("Tagging", "")))
        return {params["Key"]: StoredObject(self._file(got.body), _kept_of(got.headers), tagging=tagging)}

    def _file(self, content: bytes) -> str:
        name = uuid.uuid4().hex
        (self._folder / name).write_bytes(content)
        return name

    def apply(self, change: Change, by: str = "", now: float = 0.0) -> None:
        """Turn a change into rows; the caller commits and then calls `collect`."""
        if change.uploads:
            self.uploads.apply(change.uploads, by, now)
        for key, stored in change.objects.items():
            self._replace(change.bucket, key, stored)
        bucket = self.buckets.get(change.bucket)
        match change.operation:
            case "CreateBucket" if bucket is None:
                self.buckets.put(StoredBucket(change.account, change.region, change.body), change.bucket)
            case "DeleteBucket":
                self.buckets.delete(change.bucket)
                self.uploads.forget_bucket(change.bucket)
            case operation if bucket and operation in CONFIGURATIONS:
                bucket.configuration[CONFIGURATIONS[operation]] = change.body
                self.buckets.put(bucket, change.bucket)
            case operation if bucket and operation in UNCONFIGURES:
                bucket.configuration.pop(UNCONFIGURES[operation], None)
                self.buckets.put(bucket, change.bucket)
            case _:
                pass

    def tag(self, bucket: str, key: str, tagging: str) -> None:
        """Remember the tags of an object (XML; empty for none)."""
        stored = self.objects.get(*_key(bucket, key))
        if stored is not None:
            stored.tagging = tagging
            self.objects.put(stored, *_key(bucket, key))

    def set_policy(self, bucket: str, policy: dict[str, Any] | None) -> None:
        """Remember the parsed policy of a bucket, for authorisation."""
        stored = self.buckets.get(bucket)
        if stored is not None:
            stored.policy = policy
            self.buckets.put(stored, bucket)

    def with_part_count(self, params: Params, response: WireResponse) -> WireResponse:
        """Return HeadObject's answer with `-N` behind a checksum of checksums. # AWS: S3 guide, "Checking object integrity", composite."""
        stored = self.objects.get(*_key(params["Bucket"], params["Key"]))
        name = f"{CHECKSUM}{stored.headers.get('x-amz-checksum-algorithm', '').lower()}" if stored and stored.parts else ""
        value = response.headers.get(name, "-")
        if stored is None or "-" in value or stored.headers.get("x-amz-checksum-type") == "FULL_OBJECT":
            return response
        return replace(response, headers={**response.headers, name: f"{value}-{len(stored.parts)}"})

    def facts(self, bucket: str) -> tuple[str, dict[str, Any] | None]:
        """Return (owner's account, policy) of a bucket; ("", None) when there is none."""
        stored = self.buckets.get(bucket)
        return (stored.account, stored.policy) if stored else ("", None)

    def region(self, bucket: str) -> str:
        """Return the Region of a bucket, or nothing when there is none."""
        stored = self.buckets.get(bucket)
        return stored.region if stored else ""

    def _replace(self, bucket: str, key: str, stored: StoredObject | None) -> None:
        place = _key(bucket, key)
        old = self.objects.get(*place)
        if old is not None and (stored is None or stored.file != old.file):
            self._garbage.append(old.file)
        if stored is None:
            self.objects.delete(*place)
        else:
            self.objects.put(stored, *place)

    def collect(self) -> None:
        """Remove the files that no row refers to any more; call it after a commit."""
        while self._garbage:
            (self._folder / self._garbage.pop()).unlink(missing_ok=True)
        self.uploads.collect()

    def sweep(self) -> None:
        """Remove files that a killed server left without a row; call it before the first request."""
        known = {stored.file for stored in self.objects.values()} | self.uploads.files()
        for path in self._folder.iterdir():
            if path.name not in known and path.is_file():
                path.unlink()

    def replay(self, perform: Perform) -> Iterator[str]:
        """Rebuild everything in an empty moto; yields a sentence for each thing that would not come back."""
        for (name,), bucket in self.buckets.items():
            requests = [WireRequest("PUT", f"/{name}", "", {}, bucket.body.encode())]
            requests += [WireRequest("PUT", f"/{name}", query, {}, body.encode()) for query, body in bucket.configuration.items()]
            yield from _failures(f"bucket {name}", (perform(bucket.account, bucket.region, request) for request in requests))
        for (bucket_name, quoted), stored in self.objects.items():
            owner = self.buckets.get(bucket_name)
            if owner is None:
                yield f"object {quoted} has no bucket {bucket_name}"
                continue
            if not (self._folder / stored.file).is_file():
                yield f"object {bucket_name}/{quoted} has lost its file {stored.file}"
                continue
            path = f"/{bucket_name}/{quote(unquote(quoted), safe='/~')}"
            yield from _failures(f"object {path}", self._replayed(path, stored, partial(perform, owner.account, owner.region)))
        yield from _failures("an upload in parts", self.uploads.replay(perform))

    def _replayed(
        self, path: str, stored: StoredObject, perform: Callable[[WireRequest], WireResponse]
    ) -> Iterator[WireResponse]:
        body = (self._folder / stored.file).read_bytes()
        if not stored.parts:
            yield perform(WireRequest("PUT", path, "", stored.headers, body))
        else:
            yield from _in_parts(path, stored, body, perform)
        if stored.tagging:
            yield perform(WireRequest("PUT", path, "tagging", {}, stored.tagging.encode()))


def _in_parts(
    path: str, stored: StoredObject, body: bytes, perform: Callable[[WireRequest], WireResponse]
) -> Iterator[WireResponse]:
    begun = perform(WireRequest("POST", path, "uploads", stored.headers))
    yield begun
    upload = quote(from_response("s3", "CreateMultipartUpload", begun)["UploadId"], safe="")
    listed, position = [], 0
    for number, size in enumerate(stored.parts, 1):
        part = perform(WireRequest("PUT", path, f"partNumber={number}&uploadId={upload}", {}, body[position : position + size]))
        yield part
        listed.append(f"<Part><PartNumber>{number}</PartNumber><ETag>{part.headers.get('etag', '')}</ETag></Part>")
        position += size
    done = f"<CompleteMultipartUpload>{''.join(listed)}</CompleteMultipartUpload>"
    yield perform(WireRequest("POST", path, f"uploadId={upload}", {}, done.encode()))


def _failures(what: str, responses: Iterable[WireResponse]) -> Iterator[str]:
    for response in responses:
        if response.status >= 300:
            yield f"{what} did not come back: {response.status} {response.body[:200]!r}"


def _key(bucket: str, key: str) -> tuple[str, str]:
    return bucket, quote(key, safe="")


def _kept_of(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in KEPT_HEADERS or name.startswith("x-amz-meta-")}


def _kept(request: WireRequest) -> dict[str, str]:
    return _kept_of(request.headers)


def _tag_header(request: WireRequest) -> str:
    return _tag_text(request.headers.get("x-amz-tagging", ""))


def _tag_text(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return tag_document({unquote(name): unquote(value) for name, _, value in pairs}) if pairs else ""


def _tag_kept(request: WireRequest) -> dict[str, str]:
    tagging = _tag_header(request)
    return {"x-amz-tagging": tagging} if tagging else {}


def tag_document(tags: dict[str, str]) -> str:
    """Return S3's Tagging document."""
    listed = "".join(f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>" for name, value in tags.items())
    return f'<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>{listed}</TagSet></Tagging>'


def _named(params: Params) -> list[str]:
    return [entry["Key"] for entry in params.get("Delete", {}).get("Objects", [])]
