"""S3 behind the front: boto3 and the aws CLI unmodified, our authorisation, moto's answers."""

import io
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from server.wire.signed import send, signed
from server.wire.test_front import refused
from server.wire.toy import GUEST, OWNER, Toy

Make = Callable[..., Any]
AWS = Path(sys.executable).parent / "aws"
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}'


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    """Names of buckets that nobody has used."""
    return iter(f"bucket-{number}" for number in range(100))


@pytest.fixture
def bucket(client: Make, names: Iterator[str]) -> str:
    """A fresh bucket of the owner."""
    name = next(names)
    client("s3").create_bucket(Bucket=name)
    return name


def test_an_object_comes_back_as_it_was_put(client: Make, bucket: str) -> None:
    """Documented: PutObject, GetObject; keys with spaces, umlauts, plus and percent signs."""
    s3 = client("s3")
    key = "ordner eins/ü+%25 ~.txt"
    s3.put_object(Bucket=bucket, Key=key, Body=b"hello", ContentType="text/x-test", Metadata={"under_score": "1", "plain": "2"})
    found = s3.get_object(Bucket=bucket, Key=key)
    assert (found["Body"].read(), found["ContentType"]) == (b"hello", "text/x-test")
    assert found["Metadata"] == {"under_score": "1", "plain": "2"}
    assert s3.get_object(Bucket=bucket, Key=key, Range="bytes=1-2")["Body"].read() == b"el"
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix="ordner")["Contents"]] == [key]


def test_a_large_object_travels_in_parts(client: Make, bucket: str) -> None:
    """Documented: multipart upload; boto3's own transfer manager."""
    content = random.Random(1).randbytes(12 << 20)
    parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    client("s3").upload_fileobj(io.BytesIO(content), bucket, "big", Config=parts)
    back = io.BytesIO()
    client("s3").download_fileobj(bucket, "big", back)
    assert back.getvalue() == content
    assert client("s3").head_object(Bucket=bucket, Key="big")["ETag"].endswith('-3"')


@pytest.mark.parametrize("version", ["s3v4", None])
def test_presigned_urls_need_no_other_proof(client: Make, bucket: str, version: str | None) -> None:
    """Documented: presigned URLs, version 4, and the version 2 that boto3 makes by default for an endpoint of one's own."""
    s3 = client("s3", **({"signature_version": version} if version else {}))
    put = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "by url", "ContentType": "text/plain"})
    headers = {"Content-Type": "text/plain"}
    urllib.request.urlopen(urllib.request.Request(put, b"via url", headers, method="PUT"), timeout=30).close()
    get = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "by url"})
    with urllib.request.urlopen(get, timeout=30) as answer:
        assert answer.read() == b"via url"
    for broken in (
        get.replace("by%20url", "another"),
        s3.generate_presigned_url("delete_object", {"Bucket": bucket, "Key": "x"}),
    ):
        with pytest.raises(urllib.error.HTTPError, match="403") as caught:
            urllib.request.urlopen(broken, timeout=30)
        assert b"<Code>SignatureDoesNotMatch</Code>" in caught.value.read()


def test_the_old_authorization_header_is_refused(client: Make) -> None:
    """Assumed: AWS's newer Regions take version 4 only in the header; the refusal names the algorithm to use."""
    code, _, message = refused(lambda: client("s3", signature_version="s3").list_buckets())
    assert code == "AuthorizationHeaderMalformed"
    assert message == "Unsupported signing algorithm 'AWS' in the Authorization header; expected AWS4-HMAC-SHA256."


def test_an_expired_presigned_url_is_refused(toy: Toy, client: Make, bucket: str) -> None:
    """Documented: "Request has expired"."""
    toy.app.wall = lambda: time.time() + 3700
    try:
        for version in ("s3v4", "s3"):
            url = client("s3", signature_version=version).generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(url, timeout=30)
            assert b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in caught.value.read()
        assert refused(lambda: client("s3").list_buckets())[0] == "RequestTimeTooSkewed"
    finally:
        toy.app.wall = time.time


def test_a_session_signs_urls_with_its_token(client: Make, bucket: str) -> None:
    """Documented: the token travels in the query."""
    for version in ("s3v4", "s3"):
        client("s3").put_object(Bucket=bucket, Key="k", Body=b"s")
        s3 = client("s3", key="ASIASESSION", token="token", signature_version=version)
        with urllib.request.urlopen(
            s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}), timeout=30
        ) as answer:
            assert answer.read() == b"s"


def test_the_aws_cli_copies_lists_and_removes(environment: dict[str, str], bucket: str, tmp_path: Path) -> None:
    """Observed: aws CLI v1, s3 cp, ls, sync and rm over path-style addresses."""

    def aws(*arguments: str) -> str:
        done = subprocess.run([AWS, "s3", *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("alpha")
    aws("sync", str(tmp_path / "in"), f"s3://{bucket}/p", "--quiet")
    assert aws("ls", f"s3://{bucket}/p/").split()[-1] == "a.txt"
    aws("cp", f"s3://{bucket}/p/a.txt", f"s3://{bucket}/p/b.txt", "--quiet")
    aws("cp", f"s3://{bucket}/p/b.txt", str(tmp_path / "b.txt"), "--quiet")
    assert (tmp_path / "b.txt").read_text() == "alpha"
    aws("rm", f"s3://{bucket}/p", "--recursive", "--quiet")
    assert aws("ls", f"s3://{bucket}") == ""


def test_every_request_is_authorised_with_its_action_and_resource(toy: Toy, client: Make, bucket: str) -> None:
    """Documented: Service Authorization Reference for Amazon S3; a copy needs both sides."""
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    toy.authoriser.asked.clear()
    s3.list_objects_v2(Bucket=bucket, Prefix="a/")
    s3.head_object(Bucket=bucket, Key="k")
    s3.copy_object(Bucket=bucket, Key="k2", CopySource={"Bucket": bucket, "Key": "k"})
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "k2"}]})
    assert [(access.action, access.resource) for access in toy.authoriser.asked] == [
        ("s3:ListBucket", f"arn:aws:s3:::{bucket}"),
        ("s3:GetObject", f"arn:aws:s3:::{bucket}/k"),
        ("s3:PutObject", f"arn:aws:s3:::{bucket}/k2"),
        ("s3:GetObject", f"arn:aws:s3:::{bucket}/k"),
        ("s3:DeleteObject", f"arn:aws:s3:::{bucket}/k"),
        ("s3:DeleteObject", f"arn:aws:s3:::{bucket}/k2"),
    ]
    assert {access.owner for access in toy.authoriser.asked} == {OWNER}
    assert toy.authoriser.asked[0].context["s3:prefix"] == "a/"


def test_another_account_needs_the_buckets_policy(toy: Toy, client: Make, bucket: str) -> None:
    """Documented: cross-account access needs the identity's policy and the bucket's; the object stays the owner's."""
    client("s3").put_object(Bucket=bucket, Key="k", Body=b"shared")
    guest = client("s3", key="AKIDGUEST")
    assert refused(lambda: guest.get_object(Bucket=bucket, Key="k"))[:2] == ("AccessDenied", 403)
    client("s3").put_bucket_policy(Bucket=bucket, Policy=POLICY)
    assert guest.get_object(Bucket=bucket, Key="k")["Body"].read() == b"shared"
    assert bucket not in [entry["Name"] for entry in guest.list_buckets()["Buckets"]]
    assert GUEST in {record.account for record in toy.gateway.log}
    client("s3").delete_bucket_policy(Bucket=bucket)
    assert refused(lambda: guest.get_object(Bucket=bucket, Key="k"))[0] == "AccessDenied"


def test_a_policy_that_the_evaluator_refuses_is_not_kept(client: Make, bucket: str) -> None:
    """A policy is understood or refused, never kept unread."""
    assert refused(lambda: client("s3").put_bucket_policy(Bucket=bucket, Policy='{"Colour":"red"}'))[0] == "MalformedPolicy"
    assert refused(lambda: client("s3").put_bucket_policy(Bucket=bucket, Policy="{"))[0] == "MalformedPolicy"
    assert refused(lambda: client("s3").get_bucket_policy(Bucket=bucket))[0] == "NoSuchBucketPolicy"


def test_a_missing_key_is_only_told_to_who_may_list(toy: Toy, client: Make, bucket: str) -> None:
    """Documented: GetObject, "Permissions": without s3:ListBucket a missing key is 403."""
    assert refused(lambda: client("s3").get_object(Bucket=bucket, Key="none"))[:2] == ("NoSuchKey", 404)
    toy.authoriser.forbidden.add("s3:ListBucket")
    assert refused(lambda: client("s3").get_object(Bucket=bucket, Key="none"))[:2] == ("AccessDenied", 403)
    assert refused(lambda: client("s3").head_object(Bucket=bucket, Key="none"))[:2] == ("403", 403)


@pytest.mark.parametrize(
    ("call", "extra", "named"),
    [
        ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}}, "the operation s3:PutBucketVersioning"),
        ("list_bucket_analytics_configurations", {}, "the operation s3:ListBucketAnalyticsConfigurations"),
        ("get_object", {"Key": "k", "VersionId": "v1"}, "object versions (versionId) in s3:GetObject"),
        ("get_bucket_acl", {}, "the operation s3:GetBucketAcl"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    client: Make, bucket: str, call: str, extra: dict[str, Any], named: str
) -> None:
    """Observed: moto would answer some of these with a listing."""
    code, status, message = refused(lambda: getattr(client("s3"), call)(Bucket=bucket, **extra))
    assert (code, status) == ("NotImplemented", 501)
    assert message.startswith(f"localorg does not support {named}.")


def test_acls_are_switched_off(client: Make, bucket: str) -> None:
    """Documented: S3 user guide, "Controlling ownership of objects": new buckets refuse ACLs."""
    code, _, message = refused(lambda: client("s3").put_object(Bucket=bucket, Key="k", ACL="public-read"))
    assert (code, message) == ("AccessControlListNotSupported", "The bucket does not allow ACLs")


def test_the_account_comes_from_the_signature_alone(toy: Toy, client: Make, bucket: str) -> None:
    """A client cannot choose moto's account by a header of its own."""
    headers = {"Host": f"127.0.0.1:{toy.port}", "x-moto-account-id": OWNER}
    status, body = send(toy, "GET", "/", b"", signed(toy.endpoint, "GET", "/", "s3", b"", headers, key="AKIDGUEST"))
    assert status == 200
    assert bucket.encode() not in body


def test_a_changed_body_does_not_pass(toy: Toy, bucket: str) -> None:
    """Documented: x-amz-content-sha256 must be the body's."""
    headers = signed(toy.endpoint, "PUT", f"/{bucket}/k", "s3", b"good", {"Host": f"127.0.0.1:{toy.port}"})
    status, body = send(toy, "PUT", f"/{bucket}/k", b"evil", headers)
    assert status == 400
    assert b"<Code>XAmzContentSHA256Mismatch</Code>" in body


def test_engines_reach_s3_through_the_same_door(toy: Toy, client: Make, bucket: str) -> None:
    """An engine's call is authorised like any other and answered by an event with plain values."""
    toy.replies.clear()
    toy.submit("PutObject", {"Bucket": bucket, "Key": "by engine", "Body": b"bytes"})
    settle(toy, 1)
    toy.submit("GetObject", {"Bucket": bucket, "Key": "by engine"})
    settle(toy, 2)
    toy.submit("GetObject", {"Bucket": bucket, "Key": "none"})
    toy.submit("GetObject", {"Bucket": bucket})
    toy.authoriser.forbidden.add("s3:ListBucket")
    toy.submit("ListObjectsV2", {"Bucket": bucket})
    settle(toy, 5)
    put, got, *failed = toy.replies
    assert (put["ok"], put["tag"]) == (True, 7)
    assert got["output"]["Body"] == b"bytes"
    assert got["output"]["ContentLength"] == 5
    assert isinstance(got["output"]["LastModified"], float)
    assert {reply["error"]["Code"] for reply in failed} == {"NoSuchKey", "ValidationException", "AccessDeniedException"}
    assert client("s3").get_object(Bucket=bucket, Key="by engine")["Body"].read() == b"bytes"
    assert toy.kernel.outside == 0


def settle(toy: Toy, replies: int) -> None:
    while len(toy.replies) < replies:
        toy.on_loop(lambda: None)


def test_a_notification_topic_can_be_borrowed(client: Make) -> None:
    """Assumed: moto's SNS is good enough to be tried against; it is listed as unverified."""
    sns = client("sns", region="eu-west-1")
    arn = sns.create_topic(Name="news")["TopicArn"]
    assert arn == f"arn:aws:sns:eu-west-1:{OWNER}:news"
    assert refused(lambda: sns.subscribe(TopicArn=arn, Protocol="https", Endpoint="https://e"))[0] == "NotImplemented"
