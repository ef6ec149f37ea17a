"""S3 over a restart: killed without warning, started again, everything is there."""

import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from server.wire import toy as toy_module
from server.wire.toy import OWNER, SECRET

from localorg.kernel.store import Store
from localorg.protocol.http import WireRequest, WireResponse
from localorg.server.shelf import Change, Shelf, StoredObject

TESTS = Path(toy_module.__file__).parents[2]


@contextmanager
def killed_in_the_end(state: Path) -> Iterator[Any]:
    """Serve a toy as a process of its own, yield an S3 client for it, and kill it without warning."""
    script = Path(toy_module.__file__)
    process = subprocess.Popen(
        [sys.executable, script, state],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{TESTS}:{TESTS.parents[1] / 'src'}"},
    )
    try:
        port = int(process.stdout.readline()) if process.stdout else 0
        yield boto3.client(
            "s3",
            region_name="eu-west-1",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id="AKIDOWNER",
            aws_secret_access_key=SECRET,
        )
    finally:
        process.kill()
        process.communicate(timeout=30)


def picture(s3: Any) -> dict[str, Any]:
    """What a client can see of bucket `kept`, times aside."""
    objects = {}
    for entry in s3.list_objects_v2(Bucket="kept")["Contents"]:
        found = s3.get_object(Bucket="kept", Key=entry["Key"])
        tags = s3.get_object_tagging(Bucket="kept", Key=entry["Key"])["TagSet"]
        objects[entry["Key"]] = (found["Body"].read(), found["ETag"], found["ContentType"], found["Metadata"], tags)
    return {
        "objects": objects,
        "location": s3.get_bucket_location(Bucket="kept")["LocationConstraint"],
        "policy": s3.get_bucket_policy(Bucket="kept")["Policy"],
        "tags": s3.get_bucket_tagging(Bucket="kept")["TagSet"],
    }


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    """Objects with types, metadata, tags and ETags (parts too), bucket policy, tags and Region; what was removed stays removed."""
    content = Random(2).randbytes(11 << 20)
    with killed_in_the_end(tmp_path / "state") as s3:
        s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.create_bucket(Bucket="dropped", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.delete_bucket(Bucket="dropped")
        s3.put_bucket_policy(Bucket="kept", Policy='{"Version":"2012-10-17","Statement":[]}')
        s3.put_bucket_tagging(Bucket="kept", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
        s3.put_object(
            Bucket="kept", Key="a b/ü.txt", Body=b"first", ContentType="text/x-test", Metadata={"k": "v"}, Tagging="t=1"
        )
        s3.put_object(Bucket="kept", Key="twice", Body=b"old")
        s3.put_object(Bucket="kept", Key="twice", Body=b"new")
        s3.put_object(Bucket="kept", Key="gone", Body=b"x")
        s3.delete_object(Bucket="kept", Key="gone")
        s3.copy_object(Bucket="kept", Key="copy", CopySource={"Bucket": "kept", "Key": "a b/ü.txt"})
        s3.put_object_tagging(Bucket="kept", Key="twice", Tagging={"TagSet": [{"Key": "later", "Value": "yes"}]})
        in_parts(s3, "parts", content)
        before = picture(s3)
    with killed_in_the_end(tmp_path / "state") as s3:
        assert picture(s3) == before
        assert before["objects"]["parts"][1].endswith('-3"')
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["kept"]
    assert len(list((tmp_path / "state" / "s3").iterdir())) == 4


def in_parts(s3: Any, key: str, content: bytes) -> None:
    upload = s3.create_multipart_upload(Bucket="kept", Key=key, ContentType="x/parts")["UploadId"]
    parts = []
    for number in (1, 2, 3):
        piece = content[(number - 1) * (5 << 20) : number * (5 << 20)]
        tag = s3.upload_part(Bucket="kept", Key=key, UploadId=upload, PartNumber=number, Body=piece)["ETag"]
        parts.append({"PartNumber": number, "ETag": tag})
    s3.complete_multipart_upload(Bucket="kept", Key=key, UploadId=upload, MultipartUpload={"Parts": parts})


def begin(s3: Any, key: str, pieces: dict[int, bytes]) -> str:
    """Begin an upload whose parts carry SHA-256, and send some."""
    upload = s3.create_multipart_upload(Bucket="kept", Key=key, ChecksumAlgorithm="SHA256", Metadata={"k": "v"})["UploadId"]
    for number, piece in pieces.items():
        s3.upload_part(Bucket="kept", Key=key, UploadId=upload, PartNumber=number, Body=piece, ChecksumAlgorithm="SHA256")
    return str(upload)


def test_an_upload_under_way_survives_a_kill(tmp_path: Path) -> None:
    """Documented: ListMultipartUploads, ListParts: what was sent is listed with its checksum, and the upload goes on under its id."""
    first, second = Random(3).randbytes(5 << 20), b"the rest"
    with killed_in_the_end(tmp_path / "state") as s3:
        s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        upload = begin(s3, "big", {1: first})
        dropped = begin(s3, "dropped", {1: first})
        s3.abort_multipart_upload(Bucket="kept", Key="dropped", UploadId=dropped)
    with killed_in_the_end(tmp_path / "state") as s3:
        listed = s3.list_multipart_uploads(Bucket="kept")["Uploads"]
        assert [(u["Key"], u["UploadId"], u["ChecksumAlgorithm"], u["ChecksumType"]) for u in listed] == [
            ("big", upload, "SHA256", "COMPOSITE")
        ]
        assert listed[0]["Initiator"]["ID"] == f"arn:aws:iam::{OWNER}:user/toy"
        held = s3.list_parts(Bucket="kept", Key="big", UploadId=upload)["Parts"]
        digests = [sha256(piece).digest() for piece in (first, second)]
        assert [(p["PartNumber"], p["Size"], p["ChecksumSHA256"]) for p in held] == [(1, 5 << 20, b64encode(digests[0]).decode())]
        s3.upload_part(Bucket="kept", Key="big", UploadId=upload, PartNumber=2, Body=second, ChecksumAlgorithm="SHA256")
        parts = s3.list_parts(Bucket="kept", Key="big", UploadId=upload)["Parts"]
        named = [{name: part[name] for name in ("PartNumber", "ETag", "ChecksumSHA256")} for part in parts]
        s3.complete_multipart_upload(Bucket="kept", Key="big", UploadId=upload, MultipartUpload={"Parts": named})
        head = s3.head_object(Bucket="kept", Key="big", ChecksumMode="ENABLED")
        assert head["ChecksumSHA256"] == b64encode(sha256(b"".join(digests)).digest()).decode() + "-2"
        assert head["Metadata"] == {"k": "v"}
        assert "Uploads" not in s3.list_multipart_uploads(Bucket="kept")
    assert len(list((tmp_path / "state" / "s3").iterdir())) == 1


def test_pages_of_uploads_and_parts(client: Callable[..., Any]) -> None:
    """Documented: MaxParts and PartNumberMarker, MaxUploads and the two markers, Prefix."""
    s3 = client("s3")
    s3.create_bucket(Bucket="kept")
    uploads = [begin(s3, key, {1: b"a", 2: b"b", 7: b"c"}) for key in ("a", "a", "b", "c")]
    first = s3.list_parts(Bucket="kept", Key="a", UploadId=uploads[0], MaxParts=2)
    assert ([p["PartNumber"] for p in first["Parts"]], first["IsTruncated"]) == ([1, 2], True)
    pages = s3.get_paginator("list_parts").paginate(Bucket="kept", Key="a", UploadId=uploads[0], PaginationConfig={"PageSize": 1})
    assert [part["PartNumber"] for page in pages for part in page["Parts"]] == [1, 2, 7]
    listed = s3.get_paginator("list_multipart_uploads").paginate(Bucket="kept", PaginationConfig={"PageSize": 1})
    assert [upload["UploadId"] for page in listed for upload in page["Uploads"]] == uploads
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket="kept", Prefix="b")["Uploads"]] == ["b"]


def test_an_upload_is_of_one_key_and_its_parts_are_what_was_sent(client: Callable[..., Any]) -> None:
    """Documented: NoSuchUpload; UploadPart BadDigest; a part with another checksum than it was sent with cannot be completed."""
    s3 = client("s3")
    s3.create_bucket(Bucket="kept")
    upload = begin(s3, "mine", {1: b"part"})
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.upload_part(Bucket="kept", Key="another", UploadId=upload, PartNumber=1, Body=b"x")
    wrong = b64encode(sha256(b"other").digest()).decode()
    with pytest.raises(ClientError, match="BadDigest"):
        s3.upload_part(Bucket="kept", Key="mine", UploadId=upload, PartNumber=1, Body=b"x", ChecksumSHA256=wrong)
    with pytest.raises(ClientError, match="expected checksum Type: sha256, actual checksum Type: crc32"):
        s3.upload_part(Bucket="kept", Key="mine", UploadId=upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32")
    part = s3.list_parts(Bucket="kept", Key="mine", UploadId=upload)["Parts"][0]
    named = {"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": wrong}
    with pytest.raises(ClientError, match="InvalidPart"):
        s3.complete_multipart_upload(Bucket="kept", Key="mine", UploadId=upload, MultipartUpload={"Parts": [named]})


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A shelf with one bucket and one object."""
    made = Shelf(Store(), tmp_path)
    made.apply(Change("CreateBucket", "b", OWNER, "us-east-1"))
    put(made, b"one")
    return made


def put(shelf: Shelf, body: bytes) -> None:
    request = WireRequest("PUT", "/b/k", "", {}, body)
    objects = shelf.write(
        "PutObject", {"Bucket": "b", "Key": "k"}, request, WireResponse(200), lambda _bucket, _key: WireResponse(200)
    )
    shelf.apply(Change("PutObject", "b", OWNER, "us-east-1", objects))


def test_the_old_bytes_go_only_after_the_commit(shelf: Shelf, tmp_path: Path) -> None:
    """At any moment there is a complete file for the row that would be found."""
    put(shelf, b"two")
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"one", b"two"]
    shelf.collect()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"two"]


def test_a_file_without_a_row_is_swept_away(shelf: Shelf, tmp_path: Path) -> None:
    """What a killed server had written, but not committed, is not kept for ever."""
    (tmp_path / "orphan").write_bytes(b"half")
    shelf.sweep()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"one"]


def test_what_does_not_come_back_is_told(shelf: Shelf) -> None:
    """A replay that moto refuses is named, bucket or object, with moto's answer."""
    problems = list(
        shelf.replay(lambda _account, _region, request: WireResponse(409 if request.path == "/b" else 200, {}, b"no"))
    )
    assert problems == ["bucket b did not come back: 409 b'no'"]


def test_an_object_whose_bucket_is_lost_is_told(shelf: Shelf) -> None:
    """Rows that contradict each other are reported, not skipped."""
    shelf.objects.put(StoredObject("none", {}), "lost", "k")
    assert "object k has no bucket lost" in list(shelf.replay(lambda _account, _region, _request: WireResponse(200)))
