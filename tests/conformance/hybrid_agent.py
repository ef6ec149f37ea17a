"""A machine outside EC2 that speaks the node protocol, as little of it as a claim needs: register, token, poll, reply.

Flow: a key pair of its own -> RegisterManagedInstance (unsigned) -> RequestManagedInstanceRoleToken (signed with that key, in chunks, as
Amazon's agent sends it) -> everything else signed with the session that it got.
"""

import base64
import hashlib
import http.client
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conformance.target import Account

TARGETS = {"ssm": "AmazonSSM", "ec2messages": "EC2WindowsMessageDeliveryService"}
JSON = "application/x-amz-json-1.1"
SIGNED = "content-type;host;x-amz-date;x-amz-target"
PSS = padding.PSS(padding.MGF1(SHA256()), 32)


def new_key() -> rsa.RSAPrivateKey:
    """Make a key pair as agents make theirs."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class HybridAgent:
    """One machine, before and after its registration."""

    account: Account
    fingerprint: str = field(default_factory=lambda: str(uuid.uuid4()))
    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    instance_id: str = ""
    session: Credentials | None = None

    def public_key(self, key: rsa.RSAPrivateKey | None = None) -> str:
        """Return a public key as it is registered."""
        public = (key or self.key).public_key()
        return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()

    def register(self, activation: dict[str, Any], **changed: str) -> str:
        """Register with an activation; returns the node's id. Raises ClientError."""
        params = {
            "ActivationId": activation["ActivationId"],
            "ActivationCode": activation["ActivationCode"],
            "Fingerprint": self.fingerprint,
            "PublicKey": self.public_key(),
            "PublicKeyType": "Rsa",
            **changed,
        }
        headers = {"Content-Type": JSON, "X-Amz-Target": "AmazonSSM.RegisterManagedInstance"}
        self.instance_id = str(
            self._exchange("ssm", "RegisterManagedInstance", headers, json.dumps(params).encode())["InstanceId"]
        )
        return self.instance_id

    def token(self, **changed: str) -> dict[str, Any]:
        """Ask for a session of the role, and take it. Raises ClientError."""
        answer = self.by_key("RequestManagedInstanceRoleToken", {"Fingerprint": self.fingerprint, **changed})
        self.session = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
        return answer

    def by_key(self, operation: str, params: dict[str, str]) -> dict[str, Any]:
        """Call with the node's own key: RSA-PSS over the text of SigV4, the body in chunks of unknown number."""
        body = json.dumps(params).encode()
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{now[:8]}/{self.account.region}/ssm/aws4_request"
        headers = {
            "content-type": JSON,
            "host": self._where("ssm")[1],
            "x-amz-date": now,
            "x-amz-target": f"AmazonSSM.{operation}",
        }
        listed = "".join(f"{name}:{headers[name]}\n" for name in SIGNED.split(";"))
        canonical = f"POST\n/\n\n{listed}\n{SIGNED}\n{hashlib.sha256(body).hexdigest()}"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = base64.b64encode(self.key.sign(text.encode(), PSS, SHA256())).decode()
        credential = f"{self.instance_id}/{scope}"
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={SIGNED}, Signature={signature}"
        return self._exchange("ssm", operation, headers, iter([body]))

    def call(self, operation: str, service: str = "ssm", **params: Any) -> dict[str, Any]:
        """Call with the session. Raises ClientError."""
        scheme, host = self._where(service)
        headers = {"Content-Type": JSON, "X-Amz-Target": f"{TARGETS[service]}.{operation}", "Host": host}
        request = AWSRequest("POST", f"{scheme}://{host}/", headers, json.dumps(params).encode())
        SigV4Auth(self.session, service, self.account.region).add_auth(request)
        return self._exchange(service, operation, dict(request.headers.items()), request.data)

    def report(self, **more: str) -> None:
        """Say who and what it is, as an agent does when it starts."""
        facts = {
            "AgentName": "amazon-ssm-agent",
            "AgentStatus": "Active",
            "AgentVersion": "3.3.0.0",
            "ComputerName": "press-1.example",
            "IPAddress": "10.1.2.3",
            "PlatformName": "Debian GNU/Linux",
            "PlatformType": "Linux",
            "PlatformVersion": "12",
        }
        self.call("UpdateInstanceInformation", InstanceId=self.instance_id, **{**facts, **more})

    def poll(self) -> list[dict[str, Any]]:
        """Wait for messages."""
        asked = {"Destination": self.instance_id, "MessagesRequestId": str(uuid.uuid4()), "VisibilityTimeoutInSeconds": 10}
        return list(self.call("GetMessages", "ec2messages", **asked).get("Messages") or [])

    def reply(self, message: dict[str, Any], status: str, **steps: Any) -> None:
        """Tell what became of a command."""
        payload = json.dumps({"documentStatus": status, "documentTraceOutput": "", "runtimeStatus": steps or None})
        self.call("SendReply", "ec2messages", MessageId=message["MessageId"], ReplyId=str(uuid.uuid4()), Payload=payload)

    def acknowledge(self, message: dict[str, Any]) -> None:
        """Take a message."""
        self.call("AcknowledgeMessage", "ec2messages", MessageId=message["MessageId"])

    def _where(self, service: str) -> tuple[str, str]:
        """Return scheme and host of a service, from where the account's own client finds Systems Manager."""
        parts = urlsplit(self.account.client("ssm").meta.endpoint_url)
        host = parts.netloc
        if service != "ssm" and host.startswith("ssm."):
            host = service + host.removeprefix("ssm")  # AWS has a host for each service, and boto3 has no client for this one
        elif service != "ssm" and ".amazonaws." in host:
            pytest.skip(f"{host} serves Systems Manager alone, and the host of {service} beside it is not known")
        return parts.scheme, host

    def _exchange(self, service: str, operation: str, headers: dict[str, str], body: bytes | Iterator[bytes]) -> dict[str, Any]:
        scheme, host = self._where(service)
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        connection = kind(host, timeout=30)
        try:
            connection.request("POST", "/", body, headers, encode_chunked=not isinstance(body, bytes))
            response = connection.getresponse()
            content: dict[str, Any] = json.loads(response.read() or b"{}")
        finally:
            connection.close()
        if response.status != 200:
            code = str(content.get("__type", response.status)).rsplit("#", 1)[-1]
            error = {"Code": code, "Message": str(content.get("message") or content.get("Message") or "")}
            raise ClientError({"Error": error}, operation)
        return content
