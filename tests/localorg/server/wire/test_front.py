"""The front, spoken to by boto3 itself over a socket."""

import http.client
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from server.wire.signed import send_json
from server.wire.toy import OWNER, Toy

Make = Callable[..., Any]


def refused(action: Callable[[], Any]) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        action()
    error = caught.value.response
    return error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"]


def post(toy: Toy, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", toy.port, timeout=30)
    connection.request("POST", path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


def test_each_protocol_answers_its_client(client: Make) -> None:
    """Documented: botocore's models; one service for each protocol."""
    assert client("ssm").describe_document(Name="abc")["Document"]["Name"] == "abc"
    assert client("sts").get_caller_identity()["Account"] == OWNER
    assert client("iam").list_roles()["Roles"] == []
    assert client("ec2").describe_instances()["Reservations"] == []
    assert client("resource-groups").list_groups()["GroupIdentifiers"] == [{"GroupName": "g"}]


def test_global_services_answer_whatever_region_is_signed(client: Make) -> None:
    """Observed: with AWS_ENDPOINT_URL the client signs STS with its own Region."""
    assert client("sts", region="eu-west-1").get_caller_identity()["UserId"] == "eu-west-1"
    assert client("iam", region="ap-south-1").list_roles()["Roles"] == []


def test_a_region_that_is_not_there_is_refused_with_those_that_are(client: Make) -> None:
    """Documented: "Credential should be scoped to a valid region"."""
    code, _, message = refused(lambda: client("ssm", region="ap-south-1").describe_document(Name="abc"))
    assert code == "InvalidSignatureException"
    assert (
        message == "Credential should be scoped to a valid region, not 'ap-south-1'. This organization has: us-east-1, eu-west-1."
    )


@pytest.mark.parametrize(
    ("service", "call", "key", "secret", "token", "code", "status"),
    [
        ("ssm", "list_commands", "AKIDOWNER", "wrong", None, "InvalidSignatureException", 400),
        ("sts", "get_caller_identity", "AKIDOWNER", "wrong", None, "SignatureDoesNotMatch", 403),
        ("s3", "list_buckets", "AKIDOWNER", "wrong", None, "SignatureDoesNotMatch", 403),
        ("ec2", "describe_instances", "AKIDOWNER", "wrong", None, "AuthFailure", 401),
        ("ssm", "list_commands", "AKIDNOBODY", "x", None, "UnrecognizedClientException", 400),
        ("sts", "get_caller_identity", "AKIDNOBODY", "x", None, "InvalidClientTokenId", 403),
        ("s3", "list_buckets", "AKIDNOBODY", "x", None, "InvalidAccessKeyId", 403),
        ("ssm", "list_commands", "ASIAEXPIRED", None, "token", "ExpiredTokenException", 400),
        ("sts", "get_caller_identity", "ASIAEXPIRED", None, "token", "ExpiredToken", 403),
        ("s3", "list_buckets", "ASIAEXPIRED", None, "token", "ExpiredToken", 400),
        ("ssm", "list_commands", "ASIASESSION", None, "other", "UnrecognizedClientException", 400),
        ("ssm", "list_commands", "ASIASESSION", None, None, "UnrecognizedClientException", 400),
    ],
)
def test_bad_credentials_are_refused_in_each_protocols_words(
    client: Make, service: str, call: str, key: str, secret: str | None, token: str | None, code: str, status: int
) -> None:
    """Documented: common errors of the APIs and of S3."""
    made = client(service, key=key, token=token, **({"secret": secret} if secret else {}))
    assert refused(getattr(made, call))[:2] == (code, status)


def test_a_session_with_its_token_is_let_in(client: Make) -> None:
    """Documented: temporary credentials need their session token."""
    assert client("sts", key="ASIASESSION", token="token").get_caller_identity()["Account"] == OWNER


def test_what_is_not_supported_is_refused_by_name(client: Make) -> None:
    """Nothing succeeds silently: an operation, and a whole service."""
    code, _, message = refused(lambda: client("ssm").list_commands())
    assert (code, message.partition(".")[0]) == ("NotImplemented", "localorg does not support the operation ssm:ListCommands")
    code, _, message = refused(lambda: client("lambda").list_functions())
    assert (code, message.partition(".")[0]) == ("NotImplemented", "localorg does not support the service lambda")


def test_a_defect_is_an_internal_error_without_its_reason(client: Make, caplog: pytest.LogCaptureFixture) -> None:
    """The traceback belongs to the server's log, never to the caller."""
    code, status, message = refused(lambda: client("ssm").get_parameter(Name="x"))
    assert (code, status) == ("InternalServerError", 500)
    assert "secret" not in message
    assert "a defect with a secret in it" in caplog.text


def test_validation_happens_on_the_server(client: Make) -> None:
    """Observed: boto3 sends a name that its own model forbids."""
    code, _, message = refused(lambda: client("ssm").describe_document(Name="a!"))
    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value 'a!' at 'name' failed to satisfy constraint")


def test_a_refusal_by_policy_is_an_access_denied(toy: Toy, client: Make) -> None:
    """Documented: AccessDeniedException for JSON services, AccessDenied for query services, both with the caller's ARN."""
    toy.authoriser.forbidden |= {"ssm:DescribeDocument", "iam:ListRoles"}
    code, _, message = refused(lambda: client("ssm").describe_document(Name="abc"))
    assert code == "AccessDeniedException"
    assert message == f"User: arn:aws:iam::{OWNER}:user/toy is not authorized to perform: ssm:DescribeDocument on resource: *"
    assert refused(lambda: client("iam").list_roles())[:2] == ("AccessDenied", 403)


def test_requests_without_a_signature_are_refused(toy: Toy) -> None:
    """Documented: MissingAuthenticationToken."""
    status, body = post(
        toy, "/", b"{}", {"X-Amz-Target": "AmazonSSM.DescribeDocument", "Content-Type": "application/x-amz-json-1.1"}
    )
    assert (status, json.loads(body)["__type"]) == (400, "MissingAuthenticationTokenException")
    status, body = post(toy, "/", b"Action=ListRoles&Version=2010-05-08", {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 403
    assert b"<Code>MissingAuthenticationToken</Code>" in body


def test_another_kind_of_authorization_is_incomplete(toy: Toy) -> None:
    """Documented: IncompleteSignature names what is missing."""
    headers = {"Authorization": "AWS AKID:abc", "Content-Type": "application/x-www-form-urlencoded"}
    status, body = post(toy, "/", b"Action=ListRoles", headers)
    assert status == 400
    assert b"<Code>IncompleteSignature</Code><Message>Unsupported signing algorithm 'AWS' in the Authorization header" in body


def test_registration_needs_no_signature(toy: Toy) -> None:
    """Observed: the stock agent registers without an Authorization header; its proof is the activation code."""
    content = {"ActivationCode": "c" * 20, "ActivationId": "i" * 36, "Fingerprint": "f", "PublicKey": "k"}
    headers = {"X-Amz-Target": "AmazonSSM.RegisterManagedInstance", "Content-Type": "application/x-amz-json-1.1"}
    status, body = post(toy, "/", json.dumps(content).encode(), headers)
    assert (status, json.loads(body)) == (200, {"InstanceId": "mi-anonymous"})


def test_extra_routes_bring_their_own_proof(toy: Toy) -> None:
    """A route may use the Authorization header for itself."""
    assert post(toy, "/_toy/x", b"", {"Authorization": "Bearer t"}) == (200, b"Bearer t")


def test_a_body_beyond_the_limit_is_refused(toy: Toy, client: Make) -> None:
    """The limit is told in the refusal."""
    code, status, message = refused(
        lambda: client("sts").assume_role(RoleArn="r" * 20, RoleSessionName="ss", Policy="p" * (9 << 20))
    )
    assert (code, status) == ("RequestEntityTooLarge", 413)
    assert "longer than the 8388608 bytes" in message


def test_a_held_request_is_answered_when_its_topic_is_announced(toy: Toy, client: Make) -> None:
    """Observed: GetMessages is a long poll; the answer leaves as soon as there is a message."""
    polled: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: polled.append(poll(toy, "i-1")))
    waiting.start()
    held_until(toy)
    message = {"MessageId": "m", "Destination": "i-1", "CreatedDate": "now", "Topic": "t"}
    toy.on_loop(lambda: toy.kernel.store.table("toy.message", dict).put(message, "i-1"))
    toy.on_loop(lambda: toy.kernel.announce("toy.message"))
    waiting.join(10)
    assert polled[0]["Messages"] == [message]


def test_closing_answers_what_is_held(toy: Toy) -> None:
    """A server that stops does not keep agents hanging."""
    polled: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: polled.append(poll(toy, "i-2")))
    waiting.start()
    held_until(toy)
    toy.on_loop(toy.app.close)
    waiting.join(10)
    assert polled[0]["Messages"] == []


def held_until(toy: Toy) -> None:
    """Spin on the loop (each turn serves its sockets) until a request is held."""
    while not toy.on_loop(lambda: len(toy.app._held)):
        pass


def poll(toy: Toy, node: str) -> dict[str, Any]:
    content = {"Destination": node, "MessagesRequestId": "r", "VisibilityTimeoutInSeconds": 10}
    return send_json(toy, "ec2messages", "EC2WindowsMessageDeliveryService.GetMessages", content)[1]
