"""Buckets in host names: the same objects as by path, and the same signatures."""

import http.client

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from server.wire.toy import SECRET, Toy

from localorg.protocol.http import WireRequest
from localorg.server.virtual_host import path_style


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("my-bucket.s3.localhost:4600", "/my-bucket/a/b"),
        ("My.Bucket.s3.localhost", "/my.bucket/a/b"),
        ("127.0.0.1:4599", "/a/b"),
        ("localhost", "/a/b"),
        ("s3.localhost:4600", "/a/b"),
        ("my-bucket.s3.amazonaws.com", "/a/b"),
    ],
)
def test_a_bucket_in_the_host_name_moves_into_the_path(host: str, path: str) -> None:
    """Documented: S3 user guide, "Virtual hosting of buckets"; only this server's own names are such hosts."""
    assert path_style(WireRequest("GET", "/a/b", "", {"host": host})).path == path


def exchange(toy: Toy, method: str, path: str, body: bytes = b"", key: str = "AKIDOWNER") -> http.client.HTTPResponse:
    request = AWSRequest(method, f"http://hosted.s3.localhost{path}", {"Host": "hosted.s3.localhost"}, body)
    S3SigV4Auth(Credentials(key, SECRET), "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", toy.port, timeout=30)
    connection.request(method, path, body, dict(request.headers.items()))
    return connection.getresponse()


def test_objects_are_the_same_by_host_and_by_path(toy: Toy, client) -> None:
    """What is put under the bucket's host name is read under its path; a bucket's Region is told to those who may not see it."""
    s3 = client("s3")
    s3.create_bucket(Bucket="hosted")
    assert exchange(toy, "PUT", "/k", b"kept").status == 200
    assert s3.get_object(Bucket="hosted", Key="k")["Body"].read() == b"kept"
    toy.authoriser.forbidden.add("s3:ListBucket")
    refused = exchange(toy, "HEAD", "/")
    assert (refused.status, refused.headers["x-amz-bucket-region"]) == (403, "us-east-1")
