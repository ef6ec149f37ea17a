"""Signed calls to the control plane: the JSON protocol of Systems Manager and of its message delivery service.

Flow: operation + parameters -> POST / signed with the node's role credentials -> answer, `CallRefusedError` (the server said no) or
`Unreachable` (nobody answered). Credentials come from a `SessionSource` (the stand-in of the instance metadata service, or the node's
registration), are renewed at half of their life and when the server does not know them any more.
Rules: one connection per thread; secrets appear in no message.
"""

import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TARGETS = {"ssm": "AmazonSSM", "ec2messages": "EC2WindowsMessageDeliveryService"}
EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClient", "UnrecognizedClientException", "InvalidClientTokenId"}
)
S3_CONTENT = "text/plain"
CALL_TIMEOUT_S = 30.0
"""The server holds GetMessages up to about 15 s. AWS: the stock agent expects an answer within 20 s."""


class Unreachable(Exception):
    """Nobody answered, or what answered is broken: worth another try later."""


class CallRefusedError(Exception):
    """The server refused a call: `code` is AWS's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True)
class NodeIdentity:
    """Who a node is, and where its control plane listens."""

    instance_id: str
    account: str
    region: str
    endpoint: str
    secret: str = field(repr=False)


Exchange = Callable[[str, str, Mapping[str, str], bytes | None], tuple[int, dict[str, Any]]]
"""(method, path, headers, body) -> (status, JSON answer). Raises Unreachable."""


class SessionSource(Protocol):
    """Where a node gets the session of its role from."""

    def fetch(self, exchange: Exchange) -> tuple[Credentials, float]:
        """Return fresh credentials and when they expire (epoch seconds). Raises CallRefusedError, Unreachable."""
        ...


@dataclass(frozen=True)
class InstanceMetadata:
    """The stand-in of the instance metadata service of EC2."""

    identity: NodeIdentity

    def fetch(self, exchange: Exchange) -> tuple[Credentials, float]:
        """Return the credentials of the instance's profile. Raises Unreachable."""
        path = f"/_localorg/instance/{self.identity.instance_id}/credentials"
        status, body = exchange("GET", path, {"Authorization": f"Bearer {self.identity.secret}"}, None)
        if status != 200 or body.get("Code") != "Success":
            # AWS: an instance without a role gets no credentials, and its agent keeps asking.
            raise Unreachable(
                f"the node gets no credentials: status {status}, {body.get('message') or body.get('Message') or ''}"
            )
        expires = datetime.fromisoformat(body["Expiration"]).timestamp()
        return Credentials(body["AccessKeyId"], body["SecretAccessKey"], body["Token"]), expires


class Plane(Protocol):
    """A control plane, however it is reached."""

    identity: NodeIdentity

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call Systems Manager. Raises CallRefusedError, Unreachable."""
        ...

    def message(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call the message delivery service. Raises CallRefusedError, Unreachable."""
        ...


@dataclass
class ControlPlane:
    """The control plane as one node sees it over HTTP. Safe to use from several threads."""

    identity: NodeIdentity
    sessions: SessionSource
    _credentials: Credentials | None = None
    _renew_at: float = 0.0
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _local: threading.local = field(default_factory=threading.local)

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call Systems Manager. Raises CallRefusedError, Unreachable."""
        return self._signed("ssm", operation, parameters)

    def message(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Call the message delivery service. Raises CallRefusedError, Unreachable."""
        return self._signed("ec2messages", operation, parameters)

    def sign(self, service: str, request: AWSRequest) -> dict[str, str]:
        """Return the headers of a request that the node signs. Raises CallRefusedError, Unreachable."""
        SigV4Auth(self._current_credentials(), service, self.identity.region).add_auth(request)
        return dict(request.headers.items())

    def forget_session(self) -> None:
        """Let the next call be signed with a new session: the server does not know this one."""
        self._renew_at = 0.0

    def put_object(self, bucket: str, key: str, path: Path) -> None:
        """Store a file in S3 as the node. Raises CallRefusedError, Unreachable, OSError."""
        # AWS: amazon-ssm-agent, s3util. It also asks for the bucket's encryption, which S3 applies here without being asked.
        target = f"/{bucket}/{quote(key, safe='/-_.~')}"
        headers = {"Content-Type": S3_CONTENT, "x-amz-acl": "bucket-owner-full-control"}
        parts = urlsplit(self.identity.endpoint)
        with path.open("rb") as body:
            request = AWSRequest("PUT", self.identity.endpoint + target, headers=headers, data=body)
            S3SigV4Auth(self._current_credentials(), "s3", self.identity.region).add_auth(request)
            head = {**dict(request.headers.items()), "Content-Length": str(path.stat().st_size)}
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=CALL_TIMEOUT_S)
            try:
                connection.request("PUT", target, body=body, headers=head)
                answer = connection.getresponse()
                said = answer.read().decode(errors="replace")
            except (OSError, http.client.HTTPException) as error:
                raise Unreachable(f"S3 does not answer: {error}") from error
            finally:
                connection.close()
        if answer.status >= 500:
            raise Unreachable(f"S3 answered PutObject with {answer.status}")
        if answer.status != 200:
            raise CallRefusedError(_element("Code", said) or str(answer.status), _element("Message", said))

    def list_keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys below `prefix`, as the node. Raises CallRefusedError, Unreachable."""
        keys: list[str] = []
        token = ""
        while True:
            query = {"list-type": "2", "prefix": prefix, **({"continuation-token": token} if token else {})}
            said = self._get_from_s3(f"/{bucket}?{urlencode(query)}").decode(errors="replace")
            keys += [unescape(key) for key in re.findall("<Key>(.*?)</Key>", said, re.DOTALL)]
            token = unescape(_element("NextContinuationToken", said))
            if not token:
                return keys

    def fetch_object(self, bucket: str, key: str, path: Path) -> None:
        """Write an object of S3 into a file, as the node. Raises CallRefusedError, Unreachable, OSError."""
        path.write_bytes(self._get_from_s3(f"/{bucket}/{quote(key, safe='/-_.~')}"))

    def _get_from_s3(self, target: str) -> bytes:
        request = AWSRequest("GET", self.identity.endpoint + target)
        S3SigV4Auth(self._current_credentials(), "s3", self.identity.region).add_auth(request)
        parts = urlsplit(self.identity.endpoint)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=CALL_TIMEOUT_S)
        try:
            connection.request("GET", target, headers=dict(request.headers.items()))
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"S3 does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status >= 500:
            raise Unreachable(f"S3 answered a GET with {answer.status}")
        if answer.status != 200:
            said = body.decode(errors="replace")
            raise CallRefusedError(_element("Code", said) or str(answer.status), _element("Message", said))
        return body

    def _signed(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._once(service, operation, parameters)
        except CallRefusedError as error:
            if error.code not in EXPIRED:
                raise
        self.forget_session()
        return self._once(service, operation, parameters)

    def _once(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{TARGETS[service]}.{operation}"}
        request = AWSRequest("POST", f"{self.identity.endpoint}/", headers=headers, data=json.dumps(parameters).encode())
        return answer_of(operation, self._exchange("POST", "/", self.sign(service, request), request.data))

    def _current_credentials(self) -> Credentials:
        with self._guard:
            if self._credentials is None or time.time() >= self._renew_at:
                self._credentials, expires = self.sessions.fetch(self._exchange)
                now = time.time()
                self._renew_at = now + (expires - now) / 2
            return self._credentials

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, dict[str, Any]]:
        for attempt in (1, 2):
            fresh = not hasattr(self._local, "connection")
            if fresh:
                parts = urlsplit(self.identity.endpoint)
                self._local.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=CALL_TIMEOUT_S)
            try:
                return self._send(self._local.connection, method, path, headers, body)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
                # A kept connection may have been closed while it was idle: that alone is worth a second try at once.
                del self._local.connection
                if fresh or attempt == 2:
                    raise Unreachable(f"the control plane closed the connection: {error}") from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                del self._local.connection
                raise Unreachable(f"the control plane does not answer: {error}") from error
        raise AssertionError("unreachable: both attempts return or raise")

    @staticmethod
    def _send(
        connection: http.client.HTTPConnection, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, dict[str, Any]]:
        connection.request(method, path, body=body, headers=dict(headers))
        response = connection.getresponse()
        content = response.read()
        return response.status, json.loads(content or b"{}")


def answer_of(operation: str, exchanged: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """Return the answer to a JSON call. Raises CallRefusedError, Unreachable."""
    status, body = exchanged
    if status == 200:
        return body
    code = str(body.get("__type", status)).rsplit("#", 1)[-1]
    message = str(body.get("message") or body.get("Message") or "")
    if status >= 500 or code in {"ThrottlingException", "Throttling"}:
        raise Unreachable(f"the control plane answered {operation} with {status} {code}: {message}")
    raise CallRefusedError(code, message)


def _element(name: str, xml: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    return found[1] if found else ""
