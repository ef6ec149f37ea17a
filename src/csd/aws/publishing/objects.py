"""One file -> one object: is it there, and if not, send it; what an interrupted upload has sent already is not sent again.

Flow: `look` (HeadObject; only an object that S3 cannot prove is read) -> `send`: a small file in one request, a larger one in parts:
uploads of this key are listed, and one whose parts are all ours goes on.
Rules: S3 itself checks each part against its SHA-256. An object that appears meanwhile is never overwritten (If-None-Match). An upload
with a part that is not ours is somebody else's: it is left alone and told.
Refuses to know: what the file is; who decides whether another content may be replaced.
"""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from csd.aws.identity import asking
from csd.aws.publishing.pieces import Piece, Pieces, read_piece
from csd.errors import AwsRefused

Tell = Callable[[str], None]
Sent = Callable[[str, int], None]
RIGHTS = "The rights that publishing needs: docs/how-to/publish-a-package.md."
_ADVICE = {"AccessDenied": RIGHTS, "403": RIGHTS, "NoSuchBucket": "Give the bucket's name; csd makes none."}
_PARALLEL = 4
_READ_BYTES = 1 << 20
_GONE = "NoSuchUpload"
# AWS: PutObject and CompleteMultipartUpload, If-None-Match: 412, and 409 when another request is writing the key at this moment.
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")


class Standing(StrEnum):
    """How an object stands towards a file."""

    ABSENT = "absent"
    SAME = "same"
    OTHER = "other"


@dataclass(frozen=True)
class Place:
    """One object that may be, and where words about it go."""

    s3: Any
    account: str
    bucket: str
    key: str
    tell: Tell

    @property
    def address(self) -> str:
        """s3://bucket/key"""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    def call(self, operation: str, **params: Any) -> Any:
        """Call S3 about this object. Raises AwsRefused."""
        with asking(self.s3, self.account, _ADVICE):
            return getattr(self.s3, operation)(Bucket=self.bucket, Key=self.key, **params)


def look(place: Place, pieces: Pieces) -> Standing:
    """Compare the object with a file. Raises AwsRefused."""
    try:
        head = place.call("head_object", ChecksumMode="ENABLED")
    except AwsRefused as refused:
        # AWS: HeadObject has no body, so no NoSuchKey: 404; and 403 where the caller may not list the bucket.
        if refused.code in ("404", "NoSuchKey", "403"):
            return Standing.ABSENT
        raise
    if head["ContentLength"] != pieces.size:
        return Standing.OTHER
    checksum = str(head.get("ChecksumSHA256", ""))
    if checksum in (pieces.checksum, pieces.whole_checksum):
        return Standing.SAME
    if checksum and "-" not in checksum:
        return Standing.OTHER
    place.tell(f"{place.name}: S3 cannot prove what was put there by other means; reading it")
    return Standing.SAME if _digest(place) == pieces.sha256 else Standing.OTHER


def _digest(place: Place) -> str:
    body, digest = place.call("get_object")["Body"], hashlib.sha256()
    with asking(place.s3, place.account):
        for content in body.iter_chunks(_READ_BYTES):
            digest.update(content)
    return digest.hexdigest()


def send(place: Place, path: Path, pieces: Pieces, sent: Sent, content_type: str, *, replace: bool) -> None:
    """Bring the file there and prove it. Raises AwsRefused."""
    only_new = {} if replace else {"IfNoneMatch": "*"}
    try:
        if len(pieces.parts) == 1:
            checksum: dict[str, Any] = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": pieces.checksum}
            place.call("put_object", Body=path.read_bytes(), ContentType=content_type, **checksum, **only_new)
            sent(place.name, pieces.size)
        else:
            _send_in_parts(place, path, pieces, sent, content_type, only_new)
    except AwsRefused as refused:
        if refused.code not in _TAKEN:
            raise
    if look(place, pieces) is not Standing.SAME:
        said = f"{place.address} is not what was sent: somebody else writes there. Look who does, and publish again"
        raise AwsRefused(service="s3", operation="HeadObject", code="Differs", said=said, account=place.account)


def _send_in_parts(place: Place, path: Path, pieces: Pieces, sent: Sent, content_type: str, only_new: dict[str, str]) -> None:
    upload, held = _unfinished(place, pieces)
    for _ in range(2):
        try:
            if not upload:
                begun = place.call("create_multipart_upload", ContentType=content_type, ChecksumAlgorithm="SHA256")
                upload, held = begun["UploadId"], {}
            for piece in pieces.parts:
                if piece.number in held:
                    sent(place.name, piece.size)
            held |= _send_pieces(place, path, upload, [piece for piece in pieces.parts if piece.number not in held], sent)
            parts = [{"PartNumber": p.number, "ETag": held[p.number], "ChecksumSHA256": p.checksum} for p in pieces.parts]
            place.call("complete_multipart_upload", UploadId=upload, MultipartUpload={"Parts": parts}, **only_new)
        except AwsRefused as refused:
            if refused.code in _TAKEN:
                place.call("abort_multipart_upload", UploadId=upload)
            if refused.code != _GONE:
                raise
            if look(place, pieces) is Standing.SAME:  # another csd has finished the same upload
                return
            place.tell(
                f"{place.name}: the unfinished upload is gone (a rule of the bucket, or somebody, aborted it); beginning anew"
            )
            sent(place.name, -sum(piece.size for piece in pieces.parts if piece.number in held))
            upload, held = "", {}
        else:
            return
    raise AwsRefused(
        service="s3",
        operation="UploadPart",
        code=_GONE,
        said=f"somebody aborts the uploads to {place.address}",
        account=place.account,
    )


def _send_pieces(place: Place, path: Path, upload: str, wanted: list[Piece], sent: Sent) -> dict[int, str]:
    """Send parts, some at a time; returns {number: ETag}. What is under way when one fails is finished, the rest is not begun."""

    def one(piece: Piece) -> tuple[int, str]:
        checksum: dict[str, Any] = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": piece.checksum}
        answer = place.call("upload_part", UploadId=upload, PartNumber=piece.number, Body=read_piece(path, piece), **checksum)
        sent(place.name, piece.size)
        return piece.number, str(answer["ETag"])

    pool = ThreadPoolExecutor(max_workers=_PARALLEL)
    try:
        return dict(done.result() for done in [pool.submit(one, piece) for piece in wanted])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _unfinished(place: Place, pieces: Pieces) -> tuple[str, dict[int, str]]:
    """An upload that goes on: its id and {number: ETag} of the parts that are there; ('', {}) when there is none."""
    best: tuple[str, dict[int, str]] = ("", {})
    try:
        with asking(place.s3, place.account, _ADVICE):
            pages = place.s3.get_paginator("list_multipart_uploads").paginate(Bucket=place.bucket, Prefix=place.key)
            uploads = [upload for page in pages for upload in page.get("Uploads", []) if upload["Key"] == place.key]
        for upload in uploads:
            held = _ours(place, upload, pieces)
            if held is None:
                who, when = upload.get("Initiator", {}).get("ID", "somebody"), upload.get("Initiated", "")
                place.tell(
                    f"{place.name}: an unfinished upload of other content, by {who} of {when}, is left alone: {upload['UploadId']}"
                )
            elif len(held) > len(best[1]):
                best = (upload["UploadId"], held)
    except AwsRefused as refused:
        if refused.code != "AccessDenied":
            raise
        place.tell(f"{place.name}: whether an earlier upload was interrupted may not be asked, so all is sent: {refused}")
        return "", {}
    if best[0]:
        place.tell(f"{place.name}: going on, {len(best[1])} of {len(pieces.parts)} parts are there")
    return best


def _ours(place: Place, upload: dict[str, Any], pieces: Pieces) -> dict[int, str] | None:
    """{number: ETag} of its parts when each is a part of our file; None when one is not, or S3 cannot tell."""
    if upload.get("ChecksumAlgorithm") != "SHA256" or upload.get("ChecksumType") == "FULL_OBJECT":
        return None
    wanted = {piece.number: (piece.size, piece.checksum) for piece in pieces.parts}
    with asking(place.s3, place.account, _ADVICE):
        pages = place.s3.get_paginator("list_parts").paginate(Bucket=place.bucket, Key=place.key, UploadId=upload["UploadId"])
        held = [part for page in pages for part in page.get("Parts", [])]
    if any(wanted.get(part["PartNumber"]) != (part["Size"], part.get("ChecksumSHA256")) for part in held):
        return None
    return {part["PartNumber"]: part["ETag"] for part in held}
