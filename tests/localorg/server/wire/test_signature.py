"""Signatures: made by botocore, checked by us, and every part that was signed changed once."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st
from server.wire.toy import OWNER, SECRET, credentials

from localorg.kernel.errors import AwsError
from localorg.protocol.http import WireRequest
from localorg.server.signature import claim_of, verify

NOW = 1_000_000_000.0
HEADER = st.text("ab ,;=~%", max_size=10).map(lambda text: f"x{text} y")
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=10)


def signed(
    method: str, url: str, body: bytes, headers: dict[str, str], *, service: str = "ssm", query: bool = False
) -> WireRequest:
    request = AWSRequest(method=method, url=url, data=body, headers={"Host": "h", **headers})
    keys = Credentials("AKIDOWNER", SECRET)
    if query:
        (S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth)(keys, service, "us-east-1", expires=60).add_auth(request)
    else:
        SigV4Auth(keys, service, "us-east-1").add_auth(request)
    parts = urlsplit(request.prepare().url)
    lowered = {name.lower(): str(value) for name, value in request.headers.items()}
    return WireRequest(method, parts.path or "/", parts.query, lowered, body)


def wall(request: WireRequest) -> float:
    """The moment at which `request` was signed."""
    return datetime.strptime(claim_of(request).moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def account(request: WireRequest, late_s: float = 0.0) -> str:
    return verify(request, claim_of(request), credentials, wall(request) + late_s, NOW).principal.account


@settings(max_examples=60, deadline=None)
@given(TEXT, st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=3), st.binary(max_size=20), HEADER)
def test_whatever_botocore_signs_is_accepted(path: str, query: list[tuple[str, str]], body: bytes, header: str) -> None:
    """Documented: botocore's signer; paths, queries, bodies and header values with all that they may hold."""
    url = f"http://h/{quote(path)}?{urlencode(query, quote_via=quote)}"
    assert account(signed("POST", url, body, {"X-Amz-Target": header})) == OWNER


def test_each_signed_part_matters() -> None:
    """Changing method, path, query, a signed header or the body breaks the signature."""
    good = signed("POST", "http://h/a?b=c", b"body", {"X-Amz-Target": "T"})
    assert account(good) == OWNER
    for changed in (
        replace(good, method="PUT"),
        replace(good, path="/b"),
        replace(good, query="b=d"),
        replace(good, body=b"Body"),
        replace(good, headers={**good.headers, "x-amz-target": "U"}),
        replace(good, headers={**good.headers, "host": "other"}),
    ):
        with pytest.raises(AwsError, match="InvalidSignatureException"):
            account(changed)


def test_a_header_that_was_not_signed_may_change() -> None:
    """Documented: only the headers in SignedHeaders are covered; proxies add others."""
    good = signed("POST", "http://h/", b"", {})
    assert account(replace(good, headers={**good.headers, "user-agent": "another"})) == OWNER


@pytest.mark.parametrize(
    ("service", "late_s", "words"),
    [
        ("ssm", 301, r"Signature expired: \w+ is now earlier than \w+ \(\w+ - 5 min\.\)"),
        ("ssm", -301, r"Signature not yet current: \w+ is still later than \w+ \(\w+ \+ 5 min\.\)"),
        ("iam", 901, r"Signature expired: \w+ is now earlier than \w+ \(\w+ - 15 min\.\)"),
        ("iam", -901, r"Signature not yet current: \w+ is still later than \w+ \(\w+ \+ 15 min\.\)"),
        ("ec2", 901, r"Request has expired\."),
    ],
)
def test_a_request_of_another_time_is_refused(service: str, late_s: float, words: str) -> None:
    """Observed: in clients' reports: five minutes for services that speak JSON, fifteen for the others; S3's are Documented."""
    request = signed("POST", "http://h/", b"", {}, service=service)
    with pytest.raises(AwsError, match=f"RequestTimeTooSkewed: {words}"):
        account(request, late_s)
    assert account(request, late_s * 0.9) == OWNER


def test_presigned_queries_work_for_other_services_too() -> None:
    """Documented: STS GetCallerIdentity as a presigned URL (how clusters prove who a node is)."""
    request = signed("GET", "http://h/?Action=GetCallerIdentity&Version=2011-06-15", b"", {}, service="sts", query=True)
    assert account(request) == OWNER
    with pytest.raises(AwsError, match="Request has expired"):
        account(request, 61)


@pytest.mark.parametrize(
    ("authorization", "words"),
    [
        ("AWS4-HMAC-SHA256 Credential=a", "Authorization header requires SignedHeaders, Signature"),
        (
            "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=x",
            "Credential must be ACCESS_KEY/YYYYMMDD/REGION/SERVICE",
        ),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=date, Signature=x", "'Host' must be a signed header"),
        ("Basic abc", "Unsupported signing algorithm 'Basic'"),
    ],
)
def test_an_incomplete_header_is_told_what_it_lacks(authorization: str, words: str) -> None:
    """Documented: IncompleteSignature."""
    with pytest.raises(AwsError) as caught:
        claim_of(WireRequest("POST", "/", "", {"authorization": authorization, "x-amz-date": "20261123T133312Z"}))
    assert caught.value.code == "IncompleteSignatureException"
    assert words in caught.value.message


def test_a_presigned_query_is_told_what_it_lacks() -> None:
    """Documented: AuthorizationQueryParametersError."""
    with pytest.raises(
        AwsError, match="requires the X-Amz-Credential, X-Amz-SignedHeaders, X-Amz-Date, X-Amz-Expires parameters"
    ):
        claim_of(WireRequest("GET", "/", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=x", {}))
