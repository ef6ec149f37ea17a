"""S3: uploads in parts, and objects that are only made where there is none."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest

from conformance.claims import assumed, documented, refused
from conformance.target import Account

FIVE_MIB = 5 << 20
Begin = Callable[..., "Upload"]


class Upload:
    """One upload under way, whose parts carry SHA-256."""

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        self.s3 = s3
        self.of = {"Bucket": bucket, "Key": key}
        self.id = s3.create_multipart_upload(**self.of, ChecksumAlgorithm="SHA256")["UploadId"]

    def send(self, number: int, content: bytes, **checksum: str) -> dict[str, Any]:
        """Send a part; returns what names it in a completion."""
        told = checksum or {"ChecksumAlgorithm": "SHA256"}
        answer = self.s3.upload_part(**self.of, UploadId=self.id, PartNumber=number, Body=content, **told)
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": digest(content)}

    def complete(self, parts: list[dict[str, Any]], **more: str) -> None:
        """Make the object."""
        self.s3.complete_multipart_upload(**self.of, UploadId=self.id, MultipartUpload={"Parts": parts}, **more)

    def listed(self) -> list[dict[str, Any]]:
        """Its parts."""
        found: list[dict[str, Any]] = self.s3.list_parts(**self.of, UploadId=self.id).get("Parts", [])
        return found


def digest(content: bytes) -> str:
    """A SHA-256 as S3 writes it."""
    return b64encode(sha256(content).digest()).decode()


@pytest.fixture
def begin(hub: Account, bucket: str, unique: Callable[[str], str]) -> Iterator[Begin]:
    """Begins an upload; what is left of it is taken away."""
    s3, begun = hub.client("s3"), list[Upload]()

    def start(key: str = "") -> Upload:
        begun.append(Upload(s3, bucket, key or unique("in-parts")))
        return begun[-1]

    yield start
    for upload in begun:
        s3.delete_object(**upload.of)
        for left in s3.list_multipart_uploads(Bucket=bucket, Prefix=upload.of["Key"]).get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=left["Key"], UploadId=left["UploadId"])


@documented("API ListParts, ChecksumSHA256")
def test_parts_are_listed_with_their_checksums(begin: Begin) -> None:
    """ListParts tells number, size and the checksum that each part was sent with, in order of their numbers."""
    upload = begin()
    upload.send(7, b"second")
    upload.send(2, b"first")
    told = [(part["PartNumber"], part["Size"], part["ChecksumSHA256"]) for part in upload.listed()]
    assert told == [(2, 5, digest(b"first")), (7, 6, digest(b"second"))]


@documented("API UploadPart: a part of the same number is overwritten")
def test_a_part_sent_again_takes_the_place_of_the_former(begin: Begin) -> None:
    """A second part of one number replaces the first."""
    upload = begin()
    upload.send(1, b"old")
    upload.send(1, b"new one")
    assert [part["ChecksumSHA256"] for part in upload.listed()] == [digest(b"new one")]


@documented("API ListParts, MaxParts, PartNumberMarker")
def test_parts_come_in_pages(begin: Begin) -> None:
    """Each page tells where the next begins."""
    upload = begin()
    for number in (1, 2, 3):
        upload.send(number, b"x")
    first = upload.s3.list_parts(**upload.of, UploadId=upload.id, MaxParts=2)
    rest = upload.s3.list_parts(**upload.of, UploadId=upload.id, PartNumberMarker=first["NextPartNumberMarker"])
    assert (first["IsTruncated"], [part["PartNumber"] for part in rest["Parts"]]) == (True, [3])


@documented("API ListMultipartUploads, Prefix, ChecksumAlgorithm, ChecksumType")
def test_uploads_under_way_are_listed(begin: Begin, bucket: str) -> None:
    """ListMultipartUploads finds an upload by its key, with its algorithm; composite is SHA-256's type."""
    upload = begin()
    found = upload.s3.list_multipart_uploads(Bucket=bucket, Prefix=upload.of["Key"])["Uploads"]
    assert [(one["UploadId"], one["ChecksumAlgorithm"], one["ChecksumType"]) for one in found] == [
        (upload.id, "SHA256", "COMPOSITE")
    ]


@documented("S3 error responses, BadDigest")
def test_a_part_that_is_not_what_its_checksum_says_is_refused(begin: Begin) -> None:
    """A part with another SHA-256 than its header says is BadDigest, and is not kept."""
    upload = begin()
    with refused("BadDigest"):
        upload.send(1, b"one thing", ChecksumSHA256=digest(b"another"))
    assert upload.listed() == []


@documented("API CompleteMultipartUpload, InvalidPart")
def test_a_completion_with_another_checksum_is_refused(begin: Begin) -> None:
    """The checksums that a completion names are compared with the parts'."""
    upload = begin()
    part = upload.send(1, b"content")
    with refused("InvalidPart"):
        upload.complete([part | {"ChecksumSHA256": digest(b"another")}])


@documented("S3 guide, Checking object integrity: checksum of checksums")
def test_the_checksum_of_an_object_in_parts_is_that_of_its_parts_digests(begin: Begin) -> None:
    """HeadObject in checksum mode tells the SHA-256 of the parts' digests, a hyphen and their number."""
    upload, contents = begin(), [b"a" * FIVE_MIB, b"the rest"]
    upload.complete([upload.send(number, content) for number, content in enumerate(contents, 1)])
    told = upload.s3.head_object(**upload.of, ChecksumMode="ENABLED")["ChecksumSHA256"]
    assert told == digest(b"".join(sha256(content).digest() for content in contents)) + "-2"


@documented("S3 error responses, NoSuchUpload")
def test_an_aborted_upload_is_no_more(begin: Begin) -> None:
    """After AbortMultipartUpload neither parts nor a completion are taken."""
    upload = begin()
    part = upload.send(1, b"x")
    upload.s3.abort_multipart_upload(**upload.of, UploadId=upload.id)
    with refused("NoSuchUpload"):
        upload.send(2, b"y")
    with refused("NoSuchUpload"):
        upload.complete([part])


@assumed("an upload is named by bucket, key and id together; csd relies on no other key's rights counting")
def test_an_upload_belongs_to_its_key(begin: Begin) -> None:
    """An upload's id with another key is NoSuchUpload."""
    upload = begin()
    with refused("NoSuchUpload"):
        upload.s3.upload_part(**upload.of | {"Key": "another"}, UploadId=upload.id, PartNumber=1, Body=b"x")


@documented("API PutObject and CompleteMultipartUpload, If-None-Match")
def test_an_object_that_is_there_is_not_overwritten_where_that_is_asked_for(begin: Begin) -> None:
    """If-None-Match: * makes both PreconditionFailed when the key exists, and leaves the object as it is."""
    upload = begin()
    upload.s3.put_object(**upload.of, Body=b"first")
    with refused("PreconditionFailed"):
        upload.s3.put_object(**upload.of, Body=b"second", IfNoneMatch="*")
    with refused("PreconditionFailed"):
        upload.complete([upload.send(1, b"third")], IfNoneMatch="*")
    assert upload.s3.get_object(**upload.of)["Body"].read() == b"first"
