"""Requests that mean harm: forged, changed on the way, malformed; each is refused by name, none is a defect."""

import http.client
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import HmacV1QueryAuth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from server.wire.signed import send, send_json, signed
from server.wire.toy import SECRET, Toy

from localorg.kernel.errors import AwsError
from localorg.protocol.serialise_error import serialise_error

TARGET = "AmazonSSM.DescribeDocument"
JSON = "application/x-amz-json-1.1"
BODY = b'{"Name": "Doc"}'
MOMENT = "20260101T000000Z"


def ask(toy: Toy, headers: list[tuple[str, str]], body: bytes = BODY, path: str = "/", method: str = "POST") -> tuple[int, str]:
    """Send headers as they are, doubled ones too."""
    connection = http.client.HTTPConnection("127.0.0.1", toy.port, timeout=30)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in [*headers, ("Content-Length", str(len(body)))]:
        connection.putheader(name, value.encode("latin-1"))
    connection.endheaders(body)
    response = connection.getresponse()
    content = response.read().decode()
    connection.close()
    assert response.status < 500, content
    assert "Traceback" not in content
    return response.status, content


def good(toy: Toy, service: str = "ssm", **more: str) -> dict[str, str]:
    """Return the headers of a good call."""
    host = {"Host": f"127.0.0.1:{toy.port}", "Content-Type": JSON}
    return signed(toy.endpoint, "POST", "/", service, BODY, {**host, "X-Amz-Target": TARGET, **more})


def changed(headers: dict[str, str], name: str, change: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return the headers with one of them changed."""
    return list({**headers, name: change(headers[name])}.items())


TAMPERINGS: list[tuple[str, Callable[[str], str], str]] = [
    ("Authorization", lambda text: text.replace("Signature=", "Signature=\xe9"), "InvalidSignatureException"),
    ("Authorization", lambda text: text.replace("us-east-1", "eu-west-1"), "InvalidSignatureException"),
    ("Authorization", lambda text: text.replace("/ssm/", "/sts/"), "SignatureDoesNotMatch"),
    ("Authorization", lambda text: text.replace("/ssm/", "/nothing/"), "InvalidSignatureException"),
    ("Authorization", lambda text: text.replace("host;", ""), "Incomplete"),
    ("Authorization", lambda text: text.replace("x-amz-date;", ""), "not signed: x-amz-date"),
    ("Authorization", lambda text: text.replace(";x-amz-target", ""), "not signed: x-amz-target"),
    ("Authorization", lambda _: "AWS4-HMAC-SHA256", "Incomplete"),
    ("Authorization", lambda _: "AWS4-HMAC-SHA256 Credential=////,SignedHeaders=host,Signature=0", "Incomplete"),
    ("Authorization", lambda _: "Basic eDp5", "Incomplete"),
    ("X-Amz-Date", lambda _: "99999999T999999Z", "Incomplete"),
    ("X-Amz-Date", lambda _: "\xb2\xb2\xb2", "Incomplete"),
    ("X-Amz-Target", lambda _: "AmazonSSM.GetParameter", "InvalidSignatureException"),
    ("Host", lambda _: "evil.example", "InvalidSignatureException"),
]


@pytest.mark.parametrize(("name", "change", "said"), TAMPERINGS)
def test_a_call_that_was_changed_on_the_way_is_refused(toy: Toy, name: str, change: Callable[[str], str], said: str) -> None:
    """Documented: IAM user guide, "Create a signed AWS API request": what is signed cannot be changed, and what matters is signed."""
    status, answer = ask(toy, changed(good(toy), name, change))
    assert status >= 400
    assert said in answer


@pytest.mark.parametrize("name", ["Host", "X-Amz-Target", "X-Amz-Date", "Authorization", "X-Amz-Security-Token"])
def test_a_doubled_header_is_no_way_in(toy: Toy, name: str) -> None:
    """A second header of a name, before or after the signed one, does not choose what is called."""
    headers = good(toy)
    for second in ([(name, "AmazonSSM.GetParameter"), *headers.items()], [*headers.items(), (name, "AmazonSSM.GetParameter")]):
        assert ask(toy, second)[0] >= 400


def test_a_header_that_nobody_signed_is_refused(toy: Toy) -> None:
    """Documented: S3 error AccessDenied, "There were headers present in the request which were not signed"."""
    headers = signed(toy.endpoint, "POST", "/", "ssm", BODY, {"Host": f"127.0.0.1:{toy.port}", "Content-Type": JSON})
    status, answer = ask(toy, [*headers.items(), ("X-Amz-Target", TARGET)])
    assert (status, "x-amz-target" in answer) == (400, True)
    path = "/some-bucket/key"
    headers = signed(toy.endpoint, "PUT", path, "s3", b"", {"Host": f"127.0.0.1:{toy.port}"})
    status, answer = ask(toy, [*headers.items(), ("x-amz-copy-source", "/other/secret")], b"", path, "PUT")
    assert (status, "<Code>AccessDenied</Code>" in answer, "x-amz-copy-source" in answer) == (403, True, True)


def presigned(toy: Toy, path: str, method: str = "GET", *, old: bool = False) -> str:
    """Return path and query of a presigned address of S3."""
    request = AWSRequest(method=method, url=toy.endpoint + path)
    signer = (
        HmacV1QueryAuth(Credentials("AKIDOWNER", SECRET))
        if old
        else SigV4QueryAuth(Credentials("AKIDOWNER", SECRET), "s3", "us-east-1")
    )
    signer.add_auth(request)
    return str(request.url).removeprefix(toy.endpoint)


CHANGES: list[tuple[str, Callable[[str], str], str, str]] = [
    ("GET", lambda url: url.replace("/bucket-of-mine/a", "/bucket-of-mine/b"), "GET", "SignatureDoesNotMatch"),
    ("GET", lambda url: f"{url}&versionId=1", "GET", "SignatureDoesNotMatch"),
    ("GET", lambda url: url, "DELETE", "SignatureDoesNotMatch"),
    ("GET", lambda url: url.replace("X-Amz-Expires=3600", "X-Amz-Expires=360000"), "GET", "SignatureDoesNotMatch"),
    (
        "GET",
        lambda url: url.replace("X-Amz-Expires=3600", f"X-Amz-Expires={quote('²')}"),
        "GET",
        "AuthorizationQueryParametersError",
    ),
    (
        "GET",
        lambda url: url.replace("X-Amz-Expires=3600", f"X-Amz-Expires={'9' * 5000}"),
        "GET",
        "AuthorizationQueryParametersError",
    ),
    ("GET", lambda url: url.replace("X-Amz-Signature=", "X-Amz-Signature=%C3%A9"), "GET", "SignatureDoesNotMatch"),
    ("PUT", lambda url: f"{url}&acl", "PUT", "SignatureDoesNotMatch"),
]


@pytest.mark.parametrize(("method", "change", "used", "said"), CHANGES)
def test_a_changed_presigned_address_is_refused(
    toy: Toy, method: str, change: Callable[[str], str], used: str, said: str
) -> None:
    """Documented: S3 API reference, "Authenticating requests: using query parameters": everything in the address is signed."""
    address = change(presigned(toy, "/bucket-of-mine/a", method))
    assert said in ask(toy, [("Host", f"127.0.0.1:{toy.port}")], b"", address, used)[1]


OLD_CHANGES: list[tuple[Callable[[str], str], str]] = [
    (lambda url: f"{url}&encryption", "does not cover the query parameters encryption"),
    (lambda url: f"{url}&policy", "SignatureDoesNotMatch"),
    (lambda url: f"{url}&x-amz-copy-source=%2Fother%2Fsecret", "SignatureDoesNotMatch"),
    (lambda url: url.replace("Expires=", "Expires=9"), "SignatureDoesNotMatch"),
    (lambda url: url.replace("Expires=", "Expires=%C2%B2"), "Invalid date"),
    (lambda url: url.replace("Expires=", "Expires=" + "9" * 5000), "Invalid date"),
]


@pytest.mark.parametrize(("change", "said"), OLD_CHANGES)
def test_an_old_presigned_address_cannot_become_another_operation(toy: Toy, change: Callable[[str], str], said: str) -> None:
    """Signature version 2 leaves unknown query parameters unsigned; those that name an operation are refused."""
    address = change(presigned(toy, "/bucket-of-mine", "PUT", old=True))
    assert said in ask(toy, [("Host", f"127.0.0.1:{toy.port}")], b"", address, "PUT")[1]


DEEP = 20_000
MALFORMED: list[tuple[str, bytes, str]] = [
    ("ssm", b"[" * DEEP, "SerializationException"),
    ("ssm", b'{"Name":' + b"[" * 500 + b"null" + b"]" * 500 + b"}", "more than 100 levels deep"),
    ("ssm", b'{"Name": "\\ud800"}', "SerializationException"),
    ("ssm", b"\xff\xfe", "SerializationException"),
    ("ssm", b'{"Name": 1e999}', "SerializationException"),
    ("ssm", b'{"Name": ' + b"9" * 10_000 + b"}", "SerializationException"),
    ("ssm", b'{"Name": "Doc", "Nme": 1}', "is not a member"),
]


@pytest.mark.parametrize(("service", "body", "said"), MALFORMED)
def test_a_body_that_cannot_be_read_is_the_callers_fault(toy: Toy, service: str, body: bytes, said: str) -> None:
    """A typed error, whatever the bytes."""
    host = {"Host": f"127.0.0.1:{toy.port}", "Content-Type": JSON, "X-Amz-Target": TARGET}
    status, answer = ask(toy, list(signed(toy.endpoint, "POST", "/", service, body, host).items()), body)
    assert (status, said in answer) == (400, True)


FORMS = [
    b"Action=GetCallerIdentity&Version=2011-06-15&" + b"a." * DEEP + b"=1",
    b"Action=ListRoles&Version=2010-05-08&Tags.member.%C2%B2.Key=1",
    b"Action=ListRoles&Version=2010-05-08&Tags.member." + b"9" * 5000 + b".Key=1",
    b"Action=ListRoles&Version=2010-05-08&PathPrefix=%00%01%ff",
    b"Action=%00",
    b"&".join(b"a=1" for _ in range(100_001)),
]


@pytest.mark.parametrize("body", FORMS)
@pytest.mark.parametrize("service", ["iam", "sts", "ec2"])
def test_a_form_that_cannot_be_read_is_the_callers_fault(toy: Toy, service: str, body: bytes) -> None:
    """A typed error that any XML parser can read."""
    host = {"Host": f"127.0.0.1:{toy.port}", "Content-Type": "application/x-www-form-urlencoded"}
    status, answer = ask(toy, list(signed(toy.endpoint, "POST", "/", service, body, host).items()), body)
    assert 400 <= status < 500
    assert "<Code>" in answer
    assert not [character for character in answer if ord(character) < 32 and character not in "\t\r\n"]


def test_a_page_that_rebinds_its_name_reaches_no_unsigned_route(toy: Toy) -> None:
    """A browser sends the page's own name as Host; unsigned routes answer to loopback names only."""
    assert ask(toy, [("Host", "evil.example:4599")], b"", "/_toy/x", "GET")[0] == 403
    for name in ("127.0.0.1", "localhost", "LOCALHOST"):
        assert ask(toy, [("Host", f"{name}:{toy.port}")], b"", "/_toy/x", "GET")[0] == 200


def test_a_preflight_gives_no_other_origin_leave(toy: Toy) -> None:
    """No answer carries a CORS header, so that a page in a browser reads nothing and sends nothing signed."""
    connection = http.client.HTTPConnection("127.0.0.1", toy.port, timeout=30)
    connection.request("OPTIONS", "/", headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"})
    response = connection.getresponse()
    assert response.status == 403
    assert not [name for name, _ in response.getheaders() if name.lower().startswith("access-control")]
    connection.close()


SMUGGLED = [
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        "GET /_toy/x HTTP/1.1\r\nHost: localhost\r\n\r\n"
    ),
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\nGET /_toy/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("text", SMUGGLED)
def test_two_readings_of_one_request_are_not_taken(toy: Toy, text: str) -> None:
    """Doubled lengths and spaces before the colon are where two parsers differ; nothing behind them is served."""
    with socket.create_connection(("127.0.0.1", toy.port), timeout=10) as connection:
        connection.sendall(text.encode())
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 200 " not in answer
    assert b" 500 " not in answer


@pytest.mark.parametrize("protocol", ["json", "rest-json", "query", "ec2", "rest-xml"])
def test_every_error_can_be_sent(protocol: Any) -> None:
    """What a refusal repeats of the caller's words may be anything: control characters, halves of surrogate pairs, a megabyte."""
    answer = serialise_error(None, protocol, AwsError("Odd", "\x00\ud800\x1b[31m" + "x" * 1_000_000), "id")
    text = answer.body.decode()
    assert len(text) < 50_000
    assert not {"\x00", "\x1b", "\ud800"} & set(text)


def test_a_key_that_looks_like_a_control_route_is_a_bucket(toy: Toy) -> None:
    """A signed request is never for an unsigned route, whatever its path."""
    headers = signed(toy.endpoint, "GET", "/_toy/x", "s3", b"", {"Host": f"127.0.0.1:{toy.port}"})
    assert b"NoSuchBucket" in send(toy, "GET", "/_toy/x", b"", headers)[1]


def test_an_unsigned_call_is_refused_in_its_own_protocol(toy: Toy) -> None:
    """Without a signature nothing but the agent's registration is heard."""
    status, answer = ask(toy, [("Host", "a"), ("X-Amz-Target", TARGET), ("Content-Type", JSON)])
    assert (status, json.loads(answer)["__type"]) == (400, "MissingAuthenticationTokenException")
    assert send_json(toy, "ssm", TARGET, {"Name": "Doc"})[0] == 200
