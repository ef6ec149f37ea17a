"""A machine outside EC2: registers once with its activation, and from then on proves itself by a key of its own.

Flow: no registration yet -> a key pair and a fingerprint on disk -> RegisterManagedInstance -> `registration` on disk; then
RequestManagedInstanceRoleToken, signed with the key (RSA-PSS over the text of SigV4) -> a session of the activation's role.
Rules: keys never leave the node's root; what was written survives the agent. Another id than the expected one is an error: the node host
knows its nodes by their ids.
AWS agent: the same two calls and the same file `registration`.
"""

import base64
import hashlib
import json
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from localorg.node.calls import CallRefusedError, Exchange, NodeIdentity, answer_of

JSON = "application/x-amz-json-1.1"
SIGNED = ("content-type", "host", "x-amz-date", "x-amz-target")
KEY_BITS = 2048
SALT_BYTES = 32


@dataclass(frozen=True)
class Registration:
    """The registration of one node, kept in `folder` (/var/lib/amazon/ssm)."""

    identity: NodeIdentity
    folder: Path
    activation_id: str
    activation_code: str

    def fetch(self, exchange: Exchange) -> tuple[Credentials, float]:
        """Return a session of the node's role, after registering if that was not done yet. Raises CallRefusedError, Unreachable."""
        if not self._file.exists():
            self._register(exchange)
        params = {"Fingerprint": self._fingerprint()}
        answer = self._by_key(exchange, "RequestManagedInstanceRoleToken", params)
        keys = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
        return keys, float(answer["TokenExpirationDate"])

    @property
    def _file(self) -> Path:
        return self.folder / "registration"

    def _register(self, exchange: Exchange) -> None:
        public = self._key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        params = {
            "ActivationCode": self.activation_code,
            "ActivationId": self.activation_id,
            "Fingerprint": self._fingerprint(),
            "PublicKey": base64.b64encode(public).decode(),
            "PublicKeyType": "Rsa",
        }
        headers = {"Content-Type": JSON, "X-Amz-Target": "AmazonSSM.RegisterManagedInstance"}
        answer = answer_of("RegisterManagedInstance", exchange("POST", "/", headers, json.dumps(params).encode()))
        instance_id = str(answer["InstanceId"])
        if instance_id != self.identity.instance_id:
            raise CallRefusedError("UnexpectedInstanceId", f"registered as {instance_id}, not as {self.identity.instance_id}")
        _write(self._file, json.dumps({"ManagedInstanceID": instance_id, "Region": self.identity.region}))

    def _by_key(self, exchange: Exchange, operation: str, params: dict[str, str]) -> dict[str, Any]:
        body = json.dumps(params).encode()
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{moment[:8]}/{self.identity.region}/ssm/aws4_request"
        headers = {
            "content-type": JSON,
            "host": urlsplit(self.identity.endpoint).netloc,
            "x-amz-date": moment,
            "x-amz-target": f"AmazonSSM.{operation}",
        }
        listed = "".join(f"{name}:{headers[name]}\n" for name in SIGNED)
        canonical = f"POST\n/\n\n{listed}\n{';'.join(SIGNED)}\n{hashlib.sha256(body).hexdigest()}"
        text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        pss = padding.PSS(padding.MGF1(SHA256()), SALT_BYTES)
        signature = base64.b64encode(self._key().sign(text.encode(), pss, SHA256())).decode()
        credential = f"{self.identity.instance_id}/{scope}"
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={';'.join(SIGNED)}, Signature={signature}"
        )
        return answer_of(operation, exchange("POST", "/", headers, body))

    def _key(self) -> rsa.RSAPrivateKey:
        path = self.folder / "registration.key"
        if not path.exists():
            made = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
            _write(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{path} holds a key of another kind than agents make")
        return key

    def _fingerprint(self) -> str:
        path = self.folder / "fingerprint"
        if not path.exists():
            _write(path, str(uuid.uuid4()))
        return path.read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, for the node's root only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    aside.replace(path)
