"""Refusals reach boto3 as typed errors, under the code and status that each protocol has for them."""

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser

from localorg.kernel.errors import AccessDenied, AwsError, NotSupported
from localorg.protocol.models import protocol_of
from localorg.protocol.serialise_error import serialise_error

EXPIRED = AwsError("ExpiredTokenException", "expired")
DEFECT = AwsError("InternalServerError", "failed", 500)
ROWS = [
    ("ssm", AccessDenied("no"), "AccessDeniedException", 400),
    ("iam", AccessDenied("no"), "AccessDenied", 403),
    ("ec2", AccessDenied("no"), "UnauthorizedOperation", 403),
    ("s3", AccessDenied("no"), "AccessDenied", 403),
    ("resource-groups", AccessDenied("no"), "ForbiddenException", 403),
    ("ssm", AwsError("InvalidDocument", "none"), "InvalidDocument", 400),
    ("iam", AwsError("NoSuchEntityException", "none"), "NoSuchEntity", 404),
    ("iam", AwsError("NoSuchEntity", "none"), "NoSuchEntity", 404),
    ("iam", AwsError("EntityAlreadyExists", "twice"), "EntityAlreadyExists", 409),
    ("cloudformation", AwsError("ValidationError", "bad"), "ValidationError", 400),
    ("ssm", EXPIRED, "ExpiredTokenException", 400),
    ("sts", EXPIRED, "ExpiredToken", 403),
    ("s3", EXPIRED, "ExpiredToken", 400),
    ("ssm", DEFECT, "InternalServerError", 500),
    ("iam", DEFECT, "InternalFailure", 500),
    ("s3", DEFECT, "InternalError", 500),
    ("ssm", NotSupported("tea"), "NotImplemented", 400),
    ("s3", NotSupported("tea"), "NotImplemented", 501),
]


@pytest.mark.parametrize(("service", "error", "code", "status"), ROWS, ids=[f"{row[0]}-{row[2]}" for row in ROWS])
def test_errors_have_the_protocols_code_and_status(service: str, error: AwsError, code: str, status: int) -> None:
    """Documented: "Common errors" of the APIs, and the httpStatusCode of each model's error shapes."""
    response = serialise_error(service, protocol_of(service), error, "request-1")
    raw = {
        "status_code": response.status,
        "headers": HeadersDict(response.headers),
        "body": response.body,
        "context": {"operation_name": "x"},
    }
    parsed = create_parser(protocol_of(service)).parse(raw, None)
    assert (parsed["Error"]["Code"], response.status) == (code, status)
    assert parsed["Error"]["Message"] == error.message
    assert parsed["ResponseMetadata"]["RequestId"] == "request-1"


def test_modelled_members_of_an_error_are_sent() -> None:
    """Documented: Organizations API reference, InvalidInputException has a Reason."""
    response = serialise_error("organizations", "json", AwsError("InvalidInputException", "no", Reason="INVALID_PATTERN"), "r")
    assert b'"Reason":"INVALID_PATTERN"' in response.body


def test_text_in_an_xml_error_is_escaped() -> None:
    """A message with markup stays text."""
    response = serialise_error("iam", "query", AwsError("ValidationError", "a <b> & c"), "r")
    assert b"<Message>a &lt;b&gt; &amp; c</Message>" in response.body


def test_a_service_that_nobody_knows_is_refused_in_the_callers_protocol() -> None:
    """The refusal is readable even when the service is not ours."""
    response = serialise_error(None, "json", NotSupported("the service lambda"), "r")
    assert b'"__type":"NotImplemented"' in response.body
