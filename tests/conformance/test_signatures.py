"""Who is calling: signatures, credentials, Regions, unknown words."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from conformance.claims import documented, eventually, observed, refused
from conformance.target import Account


def post(
    account: Account, target: str, body: bytes = b"{}", sign_as: Credentials | None = None, signed_at: datetime | None = None
) -> tuple[int, str]:
    """Send one raw call to Systems Manager; return status and error code."""
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"AmazonSSM.{target}"}
    request = AWSRequest("POST", f"{account.client('ssm').meta.endpoint_url}/", headers=headers, data=body)
    if sign_as is not None:
        SigV4Auth(sign_as, "ssm", account.region).add_auth(request)
    if sign_as is not None and signed_at is not None:
        _sign_again(request, SigV4Auth(sign_as, "ssm", account.region), signed_at)
    plain = urllib.request.Request(request.url, data=body, headers=dict(request.headers.items()))
    try:
        with urllib.request.urlopen(plain, timeout=30) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, str(json.loads(error.read() or b"{}").get("__type", "")).rsplit("#", 1)[-1]


def _sign_again(request: AWSRequest, signer: SigV4Auth, moment: datetime) -> None:
    """Sign as of another time: botocore itself always signs as of now."""
    del request.headers["Authorization"], request.headers["X-Amz-Date"]
    request.context["timestamp"] = request.headers["X-Amz-Date"] = moment.strftime("%Y%m%dT%H%M%SZ")
    text = signer.string_to_sign(request, signer.canonical_request(request))
    credentials_scope = f"{signer.credentials.access_key}/{signer.credential_scope(request)}"
    signed = ";".join(sorted(name.lower() for name in signer.headers_to_sign(request)))
    signature = signer.signature(text, request)
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials_scope}, SignedHeaders={signed}, Signature={signature}"
    )


def credentials(account: Account) -> Credentials:
    frozen = account.session.get_credentials().get_frozen_credentials()
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token)


@documented("IAM user guide, Common errors")
def test_an_unsigned_call_is_refused(hub: Account) -> None:
    """A call without a signature is a MissingAuthenticationToken."""
    assert post(hub, "ListDocuments")[1].startswith("MissingAuthenticationToken")


@documented("IAM user guide, Common errors")
def test_a_foreign_key_is_refused(hub: Account) -> None:
    """An access key that nobody has is an unrecognized client."""
    assert post(hub, "ListDocuments", sign_as=Credentials("AKIAIOSFODNN7EXAMPLE", "secret"))[1] == "UnrecognizedClientException"


@documented("IAM user guide, Common errors")
def test_a_wrong_secret_is_refused(hub: Account) -> None:
    """A signature made with another secret does not match."""
    mine = credentials(hub)
    assert (
        post(hub, "ListDocuments", sign_as=Credentials(mine.access_key, "another", mine.token))[1] == "InvalidSignatureException"
    )


@documented("IAM user guide, Common errors: a signature is good for five minutes")
def test_an_old_signature_is_refused(hub: Account) -> None:
    """A signature from an hour ago has expired."""
    assert post(hub, "ListDocuments", sign_as=credentials(hub), signed_at=datetime.now(UTC))[0] == 200
    assert (
        post(hub, "ListDocuments", sign_as=credentials(hub), signed_at=datetime.now(UTC) - timedelta(hours=1))[1]
        == "InvalidSignatureException"
    )


@observed("AWS JSON protocol, as answered by every JSON service")
def test_an_operation_that_does_not_exist_is_refused(hub: Account) -> None:
    """An operation that AWS does not have is an error of the caller, typed and 400."""
    status, code = post(hub, "FrobnicateDocument", sign_as=credentials(hub))
    assert (status, bool(code)) == (400, True)


@observed("AWS JSON protocol, as answered by every JSON service")
@pytest.mark.parametrize("body", [b"[1]", b'{"Name":', b"\xff\xfe", b'"text"'])
def test_a_body_that_is_no_object_is_refused(hub: Account, body: bytes) -> None:
    """A body that is no JSON object is a SerializationException."""
    assert post(hub, "DescribeDocument", body, credentials(hub)) == (400, "SerializationException")


@documented("API Common errors, ValidationException")
def test_a_missing_member_is_named(hub: Account) -> None:
    """A required member that is missing is a ValidationException that names it."""
    with refused("ValidationException", "name"):
        hub.client("ssm").describe_document()


@documented("API Common errors, ValidationException")
def test_a_member_of_the_wrong_type_is_refused(hub: Account) -> None:
    """A text where a number belongs is a SerializationException."""
    with refused("SerializationException"):
        hub.client("ssm").list_documents(MaxResults="many")


@documented("IAM user guide, Policy evaluation logic: what is not allowed is denied")
def test_a_role_without_a_policy_may_nothing(member: Account, unique: Callable[[str], str]) -> None:
    """A role that has no policy is denied, and the refusal names it and the action."""
    name, iam = unique("nothing"), member.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:{member.partition}:iam::{member.id}:root"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    try:
        assume = lambda: member.client("sts").assume_role(RoleArn=arn, RoleSessionName="conformance")  # noqa: E731
        keys = eventually(assume, bool, retry=("AccessDenied",))["Credentials"]
        mine = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        assert post(member, "ListDocuments", sign_as=mine) == (400, "AccessDeniedException")
    finally:
        iam.delete_role(RoleName=name)


@documented("Distributor guide: a package is created in each Region on its own")
def test_regions_are_apart(hub: Account) -> None:
    """A document of one Region is not in another."""
    here, there = (hub.client("ssm", region) for region in (hub.region, hub.other_region))
    name = "conf-only-here"
    content = {
        "schemaVersion": "2.2",
        "mainSteps": [{"action": "aws:runShellScript", "name": "a", "inputs": {"runCommand": ["true"]}}],
    }
    here.create_document(Name=name, Content=json.dumps(content), DocumentType="Command")
    try:
        with refused("InvalidDocument"):
            there.describe_document(Name=name)
    finally:
        here.delete_document(Name=name)
