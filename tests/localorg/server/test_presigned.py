"""Presigned S3 URLs read for engines: AWS's host names and the server's own, both versions of signatures, forgeries."""

import time
from collections.abc import Sequence
from typing import Any

import boto3
import pytest
from botocore.config import Config
from support import AllowAll, no_validation

from localorg.kernel.clock import VirtualClock
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.protocol.calls import Access, ApiCall, Principal
from localorg.protocol.gateway import Gateway
from localorg.server.presigned import PresignedUrls

ENDPOINT = "http://127.0.0.1:4599"
SECRET = "s" * 40
WHO = Principal("user", "111111111111", "arn:aws:iam::111111111111:user/signer")


class S3:
    """The borrowed services: remembers what is asked, as whom."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.calls: list[ApiCall] = []

    def serves(self, service: str) -> bool:
        return service == "s3"

    def access(self, call: ApiCall) -> Sequence[Access]:
        return [Access("s3:GetObject", call.params["Key"])]

    def submit(self, call: ApiCall, reply: Event) -> None:
        self.calls.append(call)
        self.kernel.post(Event(reply.engine, reply.name, {**reply.data, "ok": True, "output": {"Body": b"x"}}))


class House:
    def __init__(self) -> None:
        self.kernel = Kernel(Store(), VirtualClock(time.time()), Settings(endpoint=ENDPOINT))
        self.s3 = S3(self.kernel)
        gateway = Gateway(self.kernel, AllowAll(), no_validation, self.s3)
        self.urls = PresignedUrls(self.kernel, gateway, lambda key: (SECRET, None, None, WHO) if key == "AKIAKNOWN" else None)
        self.heard: list[Event] = []
        self.kernel.on("listener", self.heard.append)

    def fetch(self, url: str) -> None:
        self.urls.fetch(url, 100, Event("listener", "came", {"execution": "e"}))
        self.kernel.step()


def presigned(version: str, endpoint: str | None, style: str, access_key: str = "AKIAKNOWN") -> str:
    config = Config(signature_version=version, s3={"addressing_style": style})
    client: Any = boto3.client(
        "s3", "eu-west-1", aws_access_key_id=access_key, aws_secret_access_key=SECRET, endpoint_url=endpoint, config=config
    )
    return str(client.generate_presigned_url("get_object", {"Bucket": "my.bucket-1", "Key": "a folder/x.json"}, ExpiresIn=60))


@pytest.mark.parametrize("version", ["s3", "s3v4"])
@pytest.mark.parametrize(("endpoint", "style"), [(None, "virtual"), (ENDPOINT, "path")])
def test_a_signed_url_is_read_as_its_signer(version: str, endpoint: str | None, style: str) -> None:
    """Documented: S3, query string authentication of version 4 and 2, with the bucket in the host or in the path."""
    house = House()
    house.fetch(presigned(version, endpoint, style))
    assert [(call.principal, call.params["Bucket"], call.params["Key"]) for call in house.s3.calls] == [
        (WHO, "my.bucket-1", "a folder/x.json")
    ]
    assert house.s3.calls[0].params["Range"] == "bytes=0-100"
    assert house.heard[0].data == {"execution": "e", "ok": True, "output": {"Body": b"x"}}


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_url_that_was_changed_proves_nothing(version: str) -> None:
    """Documented: the signature covers bucket and key."""
    with pytest.raises(AwsError, match="InvalidSignatureException"):
        House().fetch(presigned(version, ENDPOINT, "path").replace("x.json", "y.json"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"{ENDPOINT}/bucket/key", "MissingAuthenticationToken"),
        (f"{ENDPOINT}/bucket", "names no object of a bucket"),
        (presigned("s3v4", ENDPOINT, "path", "AKIAOTHER"), "UnrecognizedClientException"),
    ],
    ids=["no signature", "no key", "another's key"],
)
def test_what_is_not_signed_is_refused(url: str, words: str) -> None:
    """Nobody reads without a name."""
    with pytest.raises(AwsError, match=words):
        House().fetch(url)
