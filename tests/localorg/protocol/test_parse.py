"""Requests that are not as botocore sends them: broken, odd, or simply for something else."""

import pytest

from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.http import WireRequest
from localorg.protocol.parse import operation_of, parse
from localorg.protocol.parse_rest import _routes
from localorg.protocol.serialise import serialise
from localorg.protocol.serialise_json import OutputDefect
from localorg.server.s3_access import SUPPORTED

FORM = {"content-type": "application/x-www-form-urlencoded"}


def json_request(body: bytes, target: str = "AmazonSSM.DeleteDocument") -> WireRequest:
    return WireRequest("POST", "/", "", {"x-amz-target": target}, body)


def form(body: bytes) -> WireRequest:
    return WireRequest("POST", "/", "", FORM, body)


def test_a_body_that_is_no_json_is_refused() -> None:
    """Documented: JSON services answer SerializationException."""
    with pytest.raises(AwsError, match="SerializationException: the body is not JSON"):
        parse("ssm", "DeleteDocument", json_request(b"{"))
    with pytest.raises(AwsError, match="must be a JSON object, found list"):
        parse("ssm", "DeleteDocument", json_request(b"[]"))


def test_a_null_member_is_an_absent_one() -> None:
    """Assumed: as AWS's JSON services read the nulls that some SDKs send."""
    assert parse("ssm", "DeleteDocument", json_request(b'{"Name":"abc","Force":null}')) == {"Name": "abc"}


def test_an_unknown_target_is_refused_by_name() -> None:
    """The refusal names what was asked for and what would be understood."""
    with pytest.raises(NotSupported, match=r"the X-Amz-Target Other.Do in ssm \(expected AmazonSSM.<Operation>\)"):
        operation_of("ssm", json_request(b"", "Other.Do"))
    with pytest.raises(NotSupported, match="the operation ssm:DoMagic"):
        operation_of("ssm", json_request(b"", "AmazonSSM.DoMagic"))
    with pytest.raises(AwsError, match="X-Amz-Target is missing; ssm expects AmazonSSM.<Operation>"):
        operation_of("ssm", WireRequest("POST", "/", "", {}))


def test_a_query_without_action_is_refused() -> None:
    """Documented: query APIs, common error MissingAction."""
    with pytest.raises(AwsError, match="MissingAction"):
        operation_of("iam", form(b"Version=2010-05-08"))


def test_unknown_query_parameters_stay_for_the_validator() -> None:
    """Nothing is dropped in silence."""
    params = parse("iam", "GetRole", form(b"Action=GetRole&Version=2010-05-08&RoleName=r&Colour=red&Tags.member.1.Key=k"))
    assert params == {"RoleName": "r", "Colour": "red", "Tags": {"member": {"1": {"Key": "k"}}}}


def test_query_values_that_do_not_fit_stay_as_they_came() -> None:
    """The validator reports the type; parsing never guesses."""
    assert parse("iam", "ListRoles", form(b"Action=ListRoles&MaxItems=many")) == {"MaxItems": "many"}
    assert parse("iam", "ListRoles", form(b"Action=ListRoles&MaxItems=7")) == {"MaxItems": 7}


def test_list_items_come_in_the_order_of_their_numbers() -> None:
    """Documented: query protocol lists; 10 comes after 9."""
    body = "&".join(f"Tags.member.{number}.Key=k{number}" for number in (10, 2, 1))
    params = parse("iam", "TagRole", form(body.encode()))
    assert [tag["Key"] for tag in params["Tags"]] == ["k1", "k2", "k10"]


def test_a_presigned_query_carries_its_parameters_in_the_url() -> None:
    """Documented: STS may be called with GET; the signature's own parameters are none of the operation's."""
    request = WireRequest("GET", "/", "Action=AssumeRole&RoleSessionName=s&X-Amz-Signature=x&Version=2011-06-15", {})
    assert parse("sts", "AssumeRole", request) == {"RoleSessionName": "s"}


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "operation"),
    [
        ("GET", "/", "", {}, "ListBuckets"),
        ("PUT", "/b", "", {}, "CreateBucket"),
        ("GET", "/b", "list-type=2&prefix=a", {}, "ListObjectsV2"),
        ("GET", "/b/", "", {}, "ListObjects"),
        ("GET", "/b", "location", {}, "GetBucketLocation"),
        ("GET", "/b", "policy", {}, "GetBucketPolicy"),
        ("PUT", "/b/k/l", "", {}, "PutObject"),
        ("PUT", "/b/k", "", {"x-amz-copy-source": "/a/b"}, "CopyObject"),
        ("PUT", "/b/k", "partNumber=1&uploadId=u", {}, "UploadPart"),
        ("PUT", "/b/k", "partNumber=1&uploadId=u", {"x-amz-copy-source": "/a/b"}, "UploadPartCopy"),
        ("POST", "/b/k", "uploads", {}, "CreateMultipartUpload"),
        ("POST", "/b/k", "uploadId=u", {}, "CompleteMultipartUpload"),
        ("DELETE", "/b/k", "uploadId=u", {}, "AbortMultipartUpload"),
        ("DELETE", "/b/k", "", {}, "DeleteObject"),
        ("POST", "/b", "delete", {}, "DeleteObjects"),
        ("HEAD", "/b/k", "", {}, "HeadObject"),
        ("HEAD", "/b", "", {}, "HeadBucket"),
        ("GET", "/b/k/", "", {}, "GetObject"),
    ],
)
def test_s3_requests_are_recognised(method: str, path: str, query: str, headers: dict[str, str], operation: str) -> None:
    """Documented: the http traits of botocore's S3 model."""
    assert operation_of("s3", WireRequest(method, path, query, headers)) == operation


def test_s3_names_are_decoded_once() -> None:
    """A key may hold anything, percent signs included."""
    request = WireRequest("GET", "/bkt/a%20b/%2525", "versionId=v", {"range": "bytes=0-1"})
    assert parse("s3", "GetObject", request) == {"Bucket": "bkt", "Key": "a b/%25", "VersionId": "v", "Range": "bytes=0-1"}


def test_every_s3_operation_that_we_offer_has_a_place_of_its_own() -> None:
    """Authorisation looks at the operation that a request names; two operations in one place would hide one behind the other."""
    places = {
        (route.method, route.path, route.literals, route.required_query, route.required_headers): [] for route in _routes("s3")
    }
    for route in _routes("s3"):
        places[route.method, route.path, route.literals, route.required_query, route.required_headers].append(route.operation)
    shared = [names for names in places.values() if len(names) > 1 and SUPPORTED & set(names)]
    assert shared in ([], [["ListBuckets", "ListDirectoryBuckets"]])


def test_an_output_that_the_model_does_not_have_is_a_defect() -> None:
    """An engine's mistake is loud, and says where it is."""
    with pytest.raises(OutputDefect, match="ssm:DeleteDocument: the output has 'Colour', which DeleteDocumentResult does not"):
        serialise("ssm", "DeleteDocument", {"Colour": "red"}, "r")
    with pytest.raises(
        OutputDefect, match="sts:GetCallerIdentity: the output has 7 .int. where the model has accountType, a string"
    ):
        serialise("sts", "GetCallerIdentity", {"Account": 7}, "r")


def test_xml_carries_what_xml_can_carry() -> None:
    """A control character in an output must not break the whole answer."""
    response = serialise("sts", "GetCallerIdentity", {"Arn": "a\x00b\r\n<c>"}, "r")
    assert "a\ufffdb&#xD;\n&lt;c&gt;".encode() in response.body
