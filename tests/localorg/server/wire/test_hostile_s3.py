"""S3 as a confused deputy: what is judged must be what is performed, in the account that was verified; and odd keys."""

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from server.wire.signed import send, signed
from server.wire.test_shelf import killed_in_the_end
from server.wire.toy import OWNER, Toy

from localorg.protocol.http import WireRequest
from localorg.server.moto_client import narrowed

Client = Callable[..., Any]


def call(toy: Toy, method: str, path: str, body: bytes = b"", key: str = "AKIDOWNER", **headers: str) -> tuple[int, str]:
    """Sign and send; header names with - and _ as they are given by `headers` (a double underscore is a -)."""
    plain = {name.replace("__", "-"): value for name, value in headers.items()} | {"Host": f"127.0.0.1:{toy.port}"}
    status, answer = send(toy, method, path, body, signed(toy.endpoint, method, path, "s3", body, plain, key))
    assert status < 500, answer
    return status, answer.decode()


@pytest.fixture
def bucket(client: Client) -> str:
    """A bucket of the owner."""
    client("s3").create_bucket(Bucket="hostile")
    return "hostile"


@pytest.mark.parametrize("name", ["x_moto_account_id", "x-moto_account-id", "X_MOTO-ACCOUNT_ID", "x-moto-account-id"])
def test_no_header_chooses_the_account(toy: Toy, bucket: str, name: str) -> None:
    """`-` and `_` are one in an environ: the guest must not be taken for the owner."""
    for account in (OWNER, f"{OWNER}\t"):
        headers = {"Host": f"127.0.0.1:{toy.port}", name: account}
        status, answer = send(toy, "GET", "/", b"", signed(toy.endpoint, "GET", "/", "s3", b"", headers, "AKIDGUEST"))
        assert (status, bucket in answer.decode()) == (200, False)


def test_a_bucket_of_another_account_cannot_be_made_again(client: Client, toy: Toy, bucket: str) -> None:
    """Documented: S3 error BucketAlreadyExists."""
    guest = client("s3", key="AKIDGUEST")
    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        guest.create_bucket(Bucket=bucket)
    assert guest.list_buckets()["Buckets"] == []


def test_a_parameter_of_another_operation_changes_nothing(toy: Toy, client: Client, bucket: str) -> None:
    """What the operation that was judged does not know is not passed on."""
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"one")
    toy.authoriser.asked.clear()
    assert call(toy, "GET", f"/{bucket}?list-type=2&prefix=a&prefix=&tagging2&x=1")[0] == 200
    assert [access.context["s3:prefix"] for access in toy.authoriser.asked] == ["a"]
    tagging = b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"
    assert call(toy, "PUT", f"/{bucket}/a?tagging", tagging, x__amz__copy__source=f"/{bucket}/b")[0] == 200
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"one"


def test_only_what_the_operation_knows_is_performed() -> None:
    """Each parameter once; headers of other operations are gone, metadata and plain headers stay."""
    headers = {"x-amz-copy-source": "/b/secret", "x-amz-meta-a": "1", "x-amz-acl": "private", "range": "bytes=0-1"}
    request = WireRequest("PUT", "/b/k", "acl&x-id=PutObject&uploadId=1", headers, b"")
    assert narrowed("PutObject", request).query == "x-id=PutObject" or narrowed("PutObject", request).query == ""
    assert set(narrowed("PutObject", request).headers) == {"x-amz-meta-a", "x-amz-acl", "range"}
    listed = WireRequest("GET", "/b", "prefix=a&list-type=2&prefix=b&%70refix=c", {}, b"")
    assert narrowed("ListObjectsV2", listed).query == "prefix=a&list-type=2"


def test_tags_that_come_with_an_object_need_the_right_to_tag(toy: Toy, client: Client, bucket: str) -> None:
    """Documented: S3 API reference, PutObject: s3:PutObjectTagging."""
    toy.authoriser.forbidden.add("s3:PutObjectTagging")
    client("s3").put_object(Bucket=bucket, Key="plain", Body=b"")
    with pytest.raises(ClientError, match="s3:PutObjectTagging"):
        client("s3").put_object(Bucket=bucket, Key="tagged", Body=b"", Tagging="a=b")


BODIES = [
    "<Delete><Object><Key>a</Key></Object></Delete>",
    "<Delete><Object><Key> a </Key></Object></Delete>",
    "<Delete><Object><Key>a<b/>c</Key></Object></Delete>",
    "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
    "<Delete><Object/></Delete>",
    "<Delete/>",
    "<Other><Key>a</Key></Other>",
    '<Delete xmlns:x="y"><x:Object><x:Key>a</x:Key></x:Object></Delete>',
    "<Delete><Object><Key>a</Key></Object>",
    "<Delete>" + "<Object>" * 20_000,
    "",
    "\x00",
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_only_keys_that_were_judged_are_deleted(toy: Toy, client: Client, bucket: str, body: str, encoding: str) -> None:
    """Whatever is in the XML: an object disappears only when the evaluator was asked for it."""
    s3 = client("s3")
    for key in ("a", " a ", "ac", "b", "None"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    before = {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    toy.authoriser.asked.clear()
    call(toy, "POST", f"/{bucket}?delete", body.encode(encoding))
    judged = {access.resource.partition("/")[2] for access in toy.authoriser.asked if access.action == "s3:DeleteObject"}
    after = {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}
    assert before - after <= judged


PATHS = [
    "//hostile/secret",
    "/hostile//secret",
    "/./hostile/secret",
    "/x/../hostile/secret",
    "/hostile/./secret",
    "/hostile/x/../secret",
    "/hostile/%2e%2e/secret",
    "/hostile%2fsecret",
    "/%68ostile/secret",
    "/hostile/secret/",
    "/hostile/secret%00",
    "/hostile/%73ecret",
    "/hostile;x=1/secret",
    "/hostile/secret#x",
    "/hostile/%ff%fe",
    "/hostile/%",
    "/",
    "//",
    "/hostile/",
    "/host%0aile/secret",
    "/..%2fhostile/secret",
    "http://127.0.0.1/hostile/secret",
]


@pytest.mark.parametrize("path", PATHS)
def test_the_object_that_is_judged_is_the_object_that_is_read(toy: Toy, client: Client, bucket: str, path: str) -> None:
    """No spelling of a path reads an object for which the evaluator was not asked."""
    client("s3").put_object(Bucket=bucket, Key="secret", Body=b"the secret itself")
    toy.authoriser.asked.clear()
    connection = http.client.HTTPConnection("127.0.0.1", toy.port, timeout=30)
    headers = signed(toy.endpoint, "GET", path, "s3", b"", {"Host": f"127.0.0.1:{toy.port}"})
    try:
        connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    assert response.status < 500 or b"<Code>NotImplemented</Code>" in answer
    if b"the secret itself" in answer:
        assert [access.resource for access in toy.authoriser.asked] == ["arn:aws:s3:::hostile/secret"]


ODD_KEYS = [
    "plain",
    "with space",
    " leading and trailing ",
    "a/b/c",
    "a//b",
    "/leading",
    "trailing/",
    "..",
    "../up",
    "a/../b",
    ".",
    "%",
    "%2F",
    "%2e%2e",
    "a+b",
    "a?b&c=d#e",
    "a;b=c",
    "ünïcödé/日本語/🎉",
    "e\u0301",
    "quote\"'<>&",
    "tab\tkey",
    "line\nkey",
    "\x7f",
    "x" * 1024,
    "🎉" * 256,
    "CON",
    "-rf",
    "~",
    "\\back\\slash",
    "None",
]


def test_odd_keys_outlive_a_kill(tmp_path: Any) -> None:
    """Every key comes back with its own bytes, also overwritten, deleted and uploaded in parts; nothing else does."""
    with killed_in_the_end(tmp_path) as s3:
        s3.create_bucket(Bucket="odd", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        taken = [key for key in ODD_KEYS if _put(s3, key)]
        s3.put_object(Bucket="odd", Key="gone", Body=b"1")
        s3.delete_object(Bucket="odd", Key="gone")
        s3.put_object(Bucket="odd", Key="twice", Body=b"1")
        s3.put_object(Bucket="odd", Key="twice", Body=b"2")
        begun = s3.create_multipart_upload(Bucket="odd", Key="parts/ü")["UploadId"]
        part = s3.upload_part(Bucket="odd", Key="parts/ü", UploadId=begun, PartNumber=1, Body=b"part")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
        s3.complete_multipart_upload(Bucket="odd", Key="parts/ü", UploadId=begun, MultipartUpload=parts)
        s3.create_multipart_upload(Bucket="odd", Key="begun")
        before = _picture(s3)
    assert set(ODD_KEYS) - set(taken) <= {"..", "../up", "a/../b", ".", "line\nkey", "tab\tkey", "\x7f"}
    with killed_in_the_end(tmp_path) as s3:
        assert _picture(s3) == before
        assert before["twice"] == b"2"
        assert "gone" not in before
        with pytest.raises(ClientError, match="KeyTooLongError"):
            s3.put_object(Bucket="odd", Key="x" * 1025, Body=b"")


def _put(s3: Any, key: str) -> bool:
    try:
        s3.put_object(Bucket="odd", Key=key, Body=quote(key).encode())
    except ClientError as refusal:
        status = refusal.response["ResponseMetadata"]["HTTPStatusCode"]
    else:
        return True
    assert status < 500, key
    return False


def _picture(s3: Any) -> dict[str, bytes]:
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="odd"):
        for entry in page.get("Contents", []):
            found[entry["Key"]] = s3.get_object(Bucket="odd", Key=entry["Key"])["Body"].read()
    assert all(body == quote(key).encode() for key, body in found.items() if key in ODD_KEYS)
    return found


def test_a_refusal_of_moto_is_typed(toy: Toy, bucket: str) -> None:
    """Bodies that moto cannot read are the caller's fault."""
    for path in ("?policy", "?tagging", "?publicAccessBlock", "?encryption", ""):
        for body in (b"", b"<", b"{", b"<a/>", b"\xff", b"[]", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"):
            target = f"/{bucket}{path}" if path else "/another-hostile"
            assert call(toy, "PUT", target, body)[0] < 500
