"""Uploads in parts that are under way: kept over a restart, and listed with the checksums of their parts.

Flow: CreateMultipartUpload, UploadPart -> moto -> `opened`, `part` put the bytes into a file (on moto's thread) -> `apply` makes rows (on
the loop's) -> completed or aborted: the rows go. After a restart `replay` begins each upload again in moto, which gives it another id;
`for_moto` translates. ListParts and ListMultipartUploads are answered from the rows: moto lists neither checksums nor pages.
Rules: as the shelf's. An upload belongs to one key: with another key its id is unknown, for the key is what was judged.
"""

import base64
import hashlib
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.store import Store
from localorg.protocol.calls import Params
from localorg.protocol.http import WireRequest, WireResponse
from localorg.server.moto_client import from_response

OF_AN_UPLOAD = frozenset({"UploadPart", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload", "ListParts"})
LISTINGS = frozenset({"ListParts", "ListMultipartUploads"})
PAGE_MAX = 1000
CHECKSUM = "x-amz-checksum-"
_PARTS = re.compile(rb"<Part>.*?</Part>", re.DOTALL)
_PART_NUMBER = re.compile(rb"<PartNumber>\s*(\d+)\s*</PartNumber>")
_PART_CHECKSUM = re.compile(rb"<Checksum([A-Z0-9]+)>\s*([^<\s]+)\s*</Checksum")
# AWS: S3 error responses, NoSuchUpload.
_NO_SUCH = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."


@dataclass
class StoredUpload:
    """An upload that was begun: of which object, by whom, when, and the headers that the object will have."""

    bucket: str
    key: str
    headers: dict[str, str]
    tagging: str
    account: str
    region: str
    by: str = ""
    begun: float = 0.0


@dataclass
class StoredPart:
    """One part: the file with its bytes, what S3 calls it, and its checksums by algorithm (upper case) as base64."""

    file: str
    size: int
    etag: str
    checksums: dict[str, str] = field(default_factory=dict)
    at: float = 0.0


@dataclass
class UploadChange:
    """What one request did to uploads, ready to become rows; None for an upload that has ended."""

    uploads: dict[str, StoredUpload | None] = field(default_factory=dict)
    parts: dict[tuple[str, int], StoredPart] = field(default_factory=dict)


Perform = Callable[[WireRequest], WireResponse]


class Uploads:
    """Rows and files of uploads under way. `opened`, `part`, `ended` and `for_moto` run on moto's thread, the rest on the loop's."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._folder = folder
        self._rows = store.table("s3.upload", StoredUpload)
        self._parts = store.table("s3.upload-part", StoredPart)
        self._moto: dict[str, str] = {}
        self._garbage: list[str] = []
        self._completed: set[tuple[str, str, str]] = set()

    def files(self) -> set[str]:
        """Return the names of the files that rows refer to."""
        return {part.file for part in self._parts.values()}

    def find(self, params: Params) -> StoredUpload:
        """Return the upload that a request names. Raises AwsError."""
        found = self._rows.get(params["UploadId"])
        if found is None or (found.bucket, found.key) != (params["Bucket"], params["Key"]):
            raise AwsError("NoSuchUpload", _NO_SUCH, 404)
        return found

    def at(self, upload_id: str) -> StoredUpload | None:
        """Return an upload by its id."""
        return self._rows.get(upload_id)

    def sizes(self, upload_id: str) -> dict[int, int]:
        """Return {part number: bytes}."""
        return {number: part.size for number, part in self._of(upload_id)}

    def for_moto(self, operation: str, params: Params, request: WireRequest) -> WireRequest:
        """Return the request with moto's id of its upload, after what only the rows can tell has been examined. Raises AwsError."""
        if operation not in OF_AN_UPLOAD or (operation == "CompleteMultipartUpload" and _place(params) in self._completed):
            return request  # ASSUMED: a completion that is sent again is answered again, until a restart; moto knows what it has completed
        upload = self.find(params)
        if operation == "UploadPart":
            _examine_part(upload, request)
        if operation == "CompleteMultipartUpload":
            self._examine_completion(params["UploadId"], request.body)
        upload_id = str(params["UploadId"])
        named = self._moto.get(upload_id, upload_id)
        parts = [part for part in request.query.split("&") if not part.startswith("uploadId=")]
        return replace(request, query="&".join([*parts, f"uploadId={quote(named, safe='')}"]))

    def opened(self, upload: StoredUpload, response: WireResponse) -> UploadChange:
        """Return the change of an upload that moto has begun."""
        return UploadChange({from_response("s3", "CreateMultipartUpload", response)["UploadId"]: upload})

    def part(self, params: Params, content: bytes, response: WireResponse, given: Mapping[str, str]) -> UploadChange:
        """Put a part's bytes into a file and return the change."""
        upload = self.find(params)
        name = uuid.uuid4().hex
        (self._folder / name).write_bytes(content)
        checksums = {key.removeprefix(CHECKSUM).upper(): value for key, value in given.items() if key.startswith(CHECKSUM)}
        if _algorithm(upload) == "SHA256":
            checksums["SHA256"] = base64.b64encode(hashlib.sha256(content).digest()).decode()
        etag = response.headers.get("etag") or f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        return UploadChange(
            parts={(params["UploadId"], int(params["PartNumber"])): StoredPart(name, len(content), etag, checksums)}
        )

    def ended(self, operation: str, params: Params) -> UploadChange:
        """Return the change of an upload that was completed or aborted."""
        if operation == "CompleteMultipartUpload":
            self._completed.add(_place(params))
        return UploadChange({params["UploadId"]: None})

    def apply(self, change: UploadChange, by: str, now: float) -> None:
        """Turn a change into rows; the caller commits and then calls `collect`."""
        for upload_id, upload in change.uploads.items():
            if upload is not None:
                self._rows.put(replace(upload, by=by, begun=now), upload_id)
            else:
                self._forget(upload_id)
        for (upload_id, number), part in change.parts.items():
            if self._rows.get(upload_id) is None:  # ended meanwhile
                self._garbage.append(part.file)
                continue
            if old := self._parts.get(upload_id, _number(number)):
                self._garbage.append(old.file)
            self._parts.put(replace(part, at=now), upload_id, _number(number))

    def forget_bucket(self, bucket: str) -> None:
        """Forget the uploads to a bucket that was deleted."""
        for (upload_id,) in [key for key, upload in self._rows.items() if upload.bucket == bucket]:
            self._forget(upload_id)

    def _forget(self, upload_id: str) -> None:
        for number, part in self._of(upload_id):
            self._garbage.append(part.file)
            self._parts.delete(upload_id, _number(number))
        self._rows.delete(upload_id)
        self._moto.pop(upload_id, None)

    def collect(self) -> None:
        """Remove the files that no row refers to any more; call it after a commit."""
        while self._garbage:
            (self._folder / self._garbage.pop()).unlink(missing_ok=True)

    def replay(self, perform: Callable[[str, str, WireRequest], WireResponse]) -> Iterator[WireResponse]:
        """Begin every upload again in an empty moto; yields moto's answers."""
        for (upload_id,), upload in self._rows.items():
            path = f"/{upload.bucket}/{quote(upload.key, safe='/~')}"
            tagging = {"x-amz-tagging": upload.tagging} if upload.tagging else {}
            begun = perform(upload.account, upload.region, WireRequest("POST", path, "uploads", upload.headers | tagging))
            yield begun
            self._moto[upload_id] = from_response("s3", "CreateMultipartUpload", begun)["UploadId"]
            for number, part in self._of(upload_id):
                query = f"partNumber={number}&uploadId={quote(self._moto[upload_id], safe='')}"
                body = (self._folder / part.file).read_bytes()
                yield perform(upload.account, upload.region, WireRequest("PUT", path, query, {}, body))

    def listing(self, operation: str, params: Params) -> WireResponse:
        """Answer ListParts or ListMultipartUploads. Raises AwsError."""
        told = self._list_parts(params) if operation == "ListParts" else self._list_uploads(params)
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n{told}'.encode()
        return WireResponse(200, {"content-type": "application/xml"}, body)

    def _list_parts(self, params: Params) -> str:
        upload = self.find(params)
        marker, at_most = int(params.get("PartNumberMarker") or 0), _page(params.get("MaxParts"))
        after = [(number, part) for number, part in self._of(params["UploadId"]) if number > marker]
        shown = after[:at_most]
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber>{_tags(LastModified=_time(part.at), ETag=part.etag, Size=part.size)}"
            + "".join(f"<Checksum{name}>{value}</Checksum{name}>" for name, value in sorted(part.checksums.items()))
            + "</Part>"
            for number, part in shown
        )
        told = _tags(
            Bucket=upload.bucket, Key=upload.key, UploadId=params["UploadId"], PartNumberMarker=marker, MaxParts=at_most,
            NextPartNumberMarker=shown[-1][0] if shown else 0, IsTruncated=len(after) > len(shown), StorageClass="STANDARD",
        )  # fmt: skip
        return f"<ListPartsResult>{told}{_who(upload)}{_checksum(upload)}{parts}</ListPartsResult>"

    def _list_uploads(self, params: Params) -> str:
        for name in ("Delimiter", "EncodingType"):
            if params.get(name):
                raise NotSupported(f"the parameter {name}", "s3:ListMultipartUploads")
        prefix, at_most = str(params.get("Prefix") or ""), _page(params.get("MaxUploads"))
        marker = (str(params.get("KeyMarker") or ""), str(params.get("UploadIdMarker") or ""))
        mine = sorted(
            (upload.key, upload.begun, upload_id, upload)
            for (upload_id,), upload in self._rows.items()
            if upload.bucket == params["Bucket"] and upload.key.startswith(prefix)
        )
        keys = [(key, upload_id) for key, _, upload_id, _ in mine]
        # AWS: ListMultipartUploads: without an upload-id-marker, keys after the key-marker; with one, also its key's further uploads.
        start = keys.index(marker) + 1 if marker in keys else sum(key <= marker[0] for key, _ in keys) if marker[0] else 0
        shown = mine[start : start + at_most]
        rows = "".join(
            f"<Upload>{_tags(Key=key, UploadId=upload_id, Initiated=_time(begun), StorageClass='STANDARD')}"
            f"{_who(upload)}{_checksum(upload)}</Upload>"
            for key, begun, upload_id, upload in shown
        )
        is_cut = start + len(shown) < len(mine)
        further = _tags(NextKeyMarker=shown[-1][0], NextUploadIdMarker=shown[-1][2]) if is_cut and shown else ""
        told = _tags(Bucket=params["Bucket"], KeyMarker=marker[0], UploadIdMarker=marker[1], Prefix=prefix, MaxUploads=at_most)
        cut = _tags(IsTruncated=is_cut)
        return f"<ListMultipartUploadsResult>{told}{further}{cut}{rows}</ListMultipartUploadsResult>"

    def _of(self, upload_id: str) -> list[tuple[int, StoredPart]]:
        return [(int(number), part) for (_, number), part in sorted(self._parts.items(upload_id), key=lambda row: row[0])]

    def _examine_completion(self, upload_id: str, body: bytes) -> None:
        # DEVIATES: AWS refuses a completion that leaves out the checksums of an upload begun with an algorithm; here only wrong ones are.
        held = dict(self._of(upload_id))
        for written in _PARTS.findall(body):
            number = _PART_NUMBER.search(written)
            part = held.get(int(number[1])) if number else None
            for name, value in _PART_CHECKSUM.findall(written) if part else ():
                if part and part.checksums.get(name.decode(), value.decode()) != value.decode():
                    # AWS: S3 error responses, InvalidPart.
                    raise AwsError(
                        "InvalidPart",
                        "One or more of the specified parts could not be found. The part may not have been uploaded, or the "
                        "specified entity tag may not match the part's entity tag.",
                    )


def _place(params: Params) -> tuple[str, str, str]:
    return str(params["Bucket"]), str(params["Key"]), str(params["UploadId"])


def _examine_part(upload: StoredUpload, request: WireRequest) -> None:
    wanted, given = _algorithm(upload), [n.removeprefix(CHECKSUM).upper() for n in request.headers if n.startswith(CHECKSUM)]
    if wanted and given and wanted not in given:
        # AWS: UploadPart: the algorithm must be that of the upload. # ASSUMED: the sentence.
        raise AwsError(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {wanted.lower()}, actual checksum Type: {given[0].lower()}",
        )


def _algorithm(upload: StoredUpload) -> str:
    return upload.headers.get("x-amz-checksum-algorithm", "").upper()


def _checksum(upload: StoredUpload) -> str:
    name = _algorithm(upload)
    kind = upload.headers.get("x-amz-checksum-type") or ("FULL_OBJECT" if name == "CRC64NVME" else "COMPOSITE")
    return _tags(ChecksumAlgorithm=name, ChecksumType=kind) if name else ""


def _who(upload: StoredUpload) -> str:
    # AWS: Initiator: "If the initiator is an AWS account, the account's ID, if an IAM user, the user's ARN". # ASSUMED: roles alike.
    initiator = _tags(ID=upload.by, DisplayName=upload.by.rpartition("/")[2])
    return f"<Initiator>{initiator}</Initiator><Owner>{_tags(ID=upload.account)}</Owner>"


def _tags(**values: Any) -> str:
    shown = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in shown.items())


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _page(given: Any) -> int:
    return PAGE_MAX if given is None else max(0, min(int(given), PAGE_MAX))


def _number(number: int) -> str:
    return f"{number:05}"
