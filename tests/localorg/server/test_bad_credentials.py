"""What is wrong with credentials, and what each protocol answers: rows over the real front, without a socket."""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from identity.world import HUB, World, allow

from localorg.server.asgi import build_app

JSON = {"content-type": "application/x-amz-json-1.1"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
REQUESTS: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "ssm": ("POST", "/", b"{}", {**JSON, "x-amz-target": "AmazonSSM.ListCommands"}),
    "sts": ("POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15", FORM),
    "iam": ("POST", "/", b"Action=ListUsers&Version=2010-05-08", FORM),
    "cloudformation": ("POST", "/", b"Action=ListStacks&Version=2010-05-15", FORM),
    "ec2": ("POST", "/", b"Action=DescribeInstances&Version=2016-11-15", FORM),
    "s3": ("GET", "/bucket", b"", {}),
    "resource-groups": ("POST", "/groups-list", b"{}", {"content-type": "application/json"}),
}
HOUR = timedelta(hours=1)


@dataclass
class Knock:
    """One request: signed by whom, for what, when."""

    service: str
    keys: Credentials | None
    scope: tuple[str, str] = ("", "us-east-1")
    late: timedelta = timedelta()


class Door:
    """An organization of one account behind the real front."""

    def __init__(self) -> None:
        self.world = World()
        self.now = datetime.now(UTC)
        self.app = build_app(
            self.world.kernel,
            self.world.gateway,
            self.world.identity.credentials,
            None,
            {},
            logging.getLogger("door"),
            admit=self.world.identity.admit,
        )
        self.app.wall = self.wall
        admin = self.world.identity.bootstrap_account(HUB)
        self.admin = Credentials(admin.id, admin.secret)

    def wall(self) -> float:
        """Return the server's time."""
        return self.now.timestamp()

    def session(self, **params: Any) -> Credentials:
        """Return the keys of a session of a role."""
        arn = self.world.role(HUB, "r", {"AWS": HUB}, [allow("*")])
        who = {"RoleArn": arn, "RoleSessionName": "me"}
        keys = self.world.call(self.world.admin(), "sts", "AssumeRole", **who, **params)["Credentials"]
        return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def knock(self, knock: Knock) -> tuple[int, str, str]:
        """Return status, error code and message."""
        method, path, body, headers = REQUESTS[knock.service]
        request = AWSRequest(method, f"http://127.0.0.1{path}", headers={"host": "127.0.0.1", **headers}, data=body)
        if knock.keys is not None:
            name, region = knock.scope
            signer = (S3SigV4Auth if knock.service == "s3" else SigV4Auth)(knock.keys, name or knock.service, region)
            signer.add_auth(request)
        self.now = datetime.now(UTC) + knock.late
        sent = [(name.lower().encode(), str(value).encode()) for name, value in request.headers.items()]
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": sent}
        status, answer = asyncio.run(self._answer(scope, body))
        code = re.search(r"<Code>(.*?)</Code>", answer) or re.search(r'"(?:__type|x-amzn-errortype)":"(.*?)"', answer)
        words = re.search(r"<Message>(.*?)</Message>", answer) or re.search(r'"[mM]essage":"(.*?)"', answer)
        return status, code.group(1) if code else "", words.group(1) if words else ""

    async def _answer(self, scope: dict[str, Any], body: bytes) -> tuple[int, str]:
        parts: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: dict[str, Any]) -> None:
            parts.append(message)

        await self.app({"scheme": "http", "client": ("127.0.0.1", 1), **scope}, receive, send)
        kind = [value.decode() for name, value in parts[0]["headers"] if name.lower() == b"x-amzn-errortype"]
        told = "".join(f'"x-amzn-errortype":"{code}"' for code in kind)
        return parts[0]["status"], told + b"".join(part.get("body", b"") for part in parts[1:]).decode()


def unsigned(_door: Door, service: str) -> Knock:
    return Knock(service, None)


def wrongly_signed(door: Door, service: str) -> Knock:
    return Knock(service, Credentials(door.admin.access_key, "another"))


def unknown(_door: Door, service: str) -> Knock:
    return Knock(service, Credentials("AKIAIOSFODNN7EXAMPLE", "secret"))


def inactive(door: Door, service: str) -> Knock:
    key = {"UserName": "admin", "AccessKeyId": door.admin.access_key, "Status": "Inactive"}
    door.world.call(door.world.admin(), "iam", "UpdateAccessKey", **key)
    return Knock(service, door.admin)


def without_token(door: Door, service: str) -> Knock:
    keys = door.session()
    return Knock(service, Credentials(keys.access_key, keys.secret_key))


def with_wrong_token(door: Door, service: str) -> Knock:
    keys = door.session()
    return Knock(service, Credentials(keys.access_key, keys.secret_key, "another"))


def expired(door: Door, service: str) -> Knock:
    keys = door.session(DurationSeconds=900)
    door.world.kernel.run_until(door.world.kernel.now() + 901)
    return Knock(service, keys)


def late(door: Door, service: str) -> Knock:
    return Knock(service, door.admin, late=HOUR)


def early(door: Door, service: str) -> Knock:
    return Knock(service, door.admin, late=-HOUR)


def of_a_deleted_role(door: Door, service: str) -> Knock:
    keys = door.session()
    door.world.call(door.world.admin(), "iam", "DeleteRolePolicy", RoleName="r", PolicyName="inline")
    door.world.call(door.world.admin(), "iam", "DeleteRole", RoleName="r")
    return Knock(service, keys)


def for_another_region(door: Door, service: str) -> Knock:
    return Knock(service, door.admin, ("", "mars-north-1"))


def for_another_service(door: Door, service: str) -> Knock:
    return Knock(service, door.admin, ("iam" if service != "iam" else "sts", "us-east-1"))


INVALID = "The security token included in the request is invalid."
MISMATCH = "The request signature we calculated does not match the signature you provided. Check your"
NOT_EC2S = "AWS was not able to validate the provided access credentials"
NO_SUCH_KEY = "The AWS Access Key Id you provided does not exist in our records."
NOBODY = {
    "ssm": (400, "UnrecognizedClientException", INVALID),
    "sts": (403, "InvalidClientTokenId", INVALID),
    "iam": (403, "InvalidClientTokenId", INVALID),
    "cloudformation": (403, "InvalidClientTokenId", INVALID),
    "ec2": (401, "AuthFailure", NOT_EC2S),
    "s3": (403, "InvalidAccessKeyId", NO_SUCH_KEY),
    "resource-groups": (403, "UnrecognizedClientException", INVALID),
}
ROWS: dict[Callable[[Door, str], Knock], dict[str, tuple[int, str, str]]] = {
    unsigned: {
        "ssm": (400, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        "sts": (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
        "ec2": (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
        "s3": (403, "AccessDenied", "Access Denied"),
        "resource-groups": (403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    },
    wrongly_signed: {
        "ssm": (400, "InvalidSignatureException", MISMATCH),
        "iam": (403, "SignatureDoesNotMatch", MISMATCH),
        "cloudformation": (403, "SignatureDoesNotMatch", MISMATCH),
        "ec2": (401, "AuthFailure", NOT_EC2S),
        "s3": (403, "SignatureDoesNotMatch", f"{MISMATCH} key and signing method."),
        "resource-groups": (403, "InvalidSignatureException", MISMATCH),
    },
    unknown: NOBODY,
    inactive: NOBODY,
    without_token: NOBODY,
    with_wrong_token: {**NOBODY, "s3": (400, "InvalidToken", "The provided token is malformed or otherwise invalid.")},
    of_a_deleted_role: NOBODY,
    expired: {
        "ssm": (400, "ExpiredTokenException", "The security token included in the request is expired"),
        "sts": (403, "ExpiredToken", "The security token included in the request is expired"),
        "ec2": (400, "RequestExpired", "Request has expired."),
        "s3": (400, "ExpiredToken", "The provided token has expired."),
        "resource-groups": (403, "ExpiredTokenException", "The security token included in the request is expired"),
    },
    late: {
        "ssm": (400, "InvalidSignatureException", "Signature expired: "),
        "sts": (403, "SignatureDoesNotMatch", "Signature expired: "),
        "ec2": (400, "RequestExpired", "Request has expired."),
        "s3": (403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
        "resource-groups": (403, "InvalidSignatureException", "Signature expired: "),
    },
    early: {
        "ssm": (400, "InvalidSignatureException", "Signature not yet current: "),
        "sts": (403, "SignatureDoesNotMatch", "Signature not yet current: "),
        "s3": (403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
    },
    for_another_region: {
        "ssm": (400, "InvalidSignatureException", "Credential should be scoped to a valid region, not 'mars-north-1'."),
        "cloudformation": (403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region"),
        "ec2": (401, "AuthFailure", ""),
        "s3": (400, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region 'mars-north-1' is wrong"),
    },
    for_another_service: {
        "sts": (403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'sts'."),
        "iam": (403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'iam'."),
        "ec2": (403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'ec2'."),
    },
}


@pytest.mark.parametrize(
    ("wrong", "service", "answer"),
    [(wrong, service, answer) for wrong, answers in ROWS.items() for service, answer in answers.items()],
    ids=[f"{wrong.__name__}-{service}" for wrong, answers in ROWS.items() for service in answers],
)
def test_bad_credentials(wrong: Callable[[Door, str], Knock], service: str, answer: tuple[int, str, str]) -> None:
    """Documented: "Common errors" of each API, EC2's and S3's error codes; words are Observed in clients' reports. Each is logged."""
    door = Door()
    knock = wrong(door, service)
    before = len(door.world.gateway.log)
    status, code, words = door.knock(knock)
    assert (status, code, words[: len(answer[2])]) == answer
    (record,) = list(door.world.gateway.log)[before:]
    assert (record.verdict not in {"allowed", "denied"} or code == "AccessDenied", record.source) == (True, "wire")


def test_what_is_turned_away_is_told_in_the_log() -> None:
    """A person who reads the calls finds what was called, in which Region, with which key; and that this was not verified."""
    door = Door()
    door.knock(Knock("iam", Credentials("AKIAIOSFODNN7EXAMPLE", "secret")))
    record = door.world.gateway.log[-1]
    assert (record.action, record.region, record.verdict) == ("iam:ListUsers", "us-east-1", "UnrecognizedClientException")
    assert record.principal == "key AKIAIOSFODNN7EXAMPLE, not verified"


def test_a_call_that_cannot_be_read_is_logged_with_its_caller() -> None:
    """A verified caller who calls an operation that is not there is told, and found in the log."""
    door = Door()
    REQUESTS["nonsense"] = ("POST", "/", b"{}", {**JSON, "x-amz-target": "AmazonSSM.Frobnicate"})
    status, code, _ = door.knock(Knock("nonsense", door.admin, ("ssm", "us-east-1")))
    record = door.world.gateway.log[-1]
    assert (status, record.verdict, record.principal) == (400, code, f"arn:aws:iam::{HUB}:user/admin")


def test_each_signed_call_is_a_use_of_its_key() -> None:
    """Documented: API GetAccessKeyLastUsed: service and Region of the last request."""
    door = Door()
    assert door.knock(Knock("sts", door.admin))[0] == 200
    used = door.world.call(door.world.admin(), "iam", "GetAccessKeyLastUsed", AccessKeyId=door.admin.access_key)
    assert (used["AccessKeyLastUsed"]["ServiceName"], used["AccessKeyLastUsed"]["Region"]) == ("sts", "us-east-1")
