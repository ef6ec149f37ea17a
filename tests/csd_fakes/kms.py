"""KMS for the step scripts: keys with real private halves, judged by the cryptography library; and releases that they have signed."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from csd_fakes.steps import World, _Fake

PAYLOAD_TYPE = "application/vnd.csd.release+json"
PREHASHED = utils.Prehashed(hashes.SHA256())


def elliptic() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Key:
    """A key; `refusal` is what every question about it is answered with."""

    private: Any = field(default_factory=elliptic)
    algorithms: tuple[str, ...] = ("ECDSA_SHA_256",)
    refusal: str = ""

    def sign(self, digest: bytes, algorithm: str) -> bytes:
        signature: bytes = self.private.sign(digest, *scheme(algorithm))
        return signature

    def check(self, digest: bytes, signature: bytes, algorithm: str) -> None:
        self.private.public_key().verify(signature, digest, *scheme(algorithm))


def scheme(algorithm: str) -> tuple[Any, ...]:
    match algorithm:
        case "ECDSA_SHA_256":
            return (ec.ECDSA(PREHASHED),)
        case "RSASSA_PSS_SHA_256":
            return (padding.PSS(padding.MGF1(hashes.SHA256()), 32), PREHASHED)
    return (padding.PKCS1v15(), PREHASHED)


def rsa_key() -> Key:
    algorithms = ("RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_512", "RSASSA_PSS_SHA_256")
    return Key(rsa.generate_private_key(65537, 2048), algorithms)


@dataclass
class KeyWorld(World):
    """A world with keys, by ARN."""

    keys: dict[str, Key] = field(default_factory=dict)

    def client(self, service: str, **options: Any) -> Any:
        return FakeKms(self, options["region_name"], options) if service == "kms" else super().client(service, **options)


class FakeKms(_Fake):
    service = "kms"
    world: KeyWorld

    def get_public_key(self, **params: Any) -> Any:
        self._asked("GetPublicKey", params)
        key = self._key(params["KeyId"], "GetPublicKey")
        form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return {"PublicKey": key.private.public_key().public_bytes(*form), "SigningAlgorithms": [*key.algorithms]}

    def verify(self, **params: Any) -> Any:
        self._asked("Verify", params)
        key = self._key(params["KeyId"], "Verify")
        assert params["MessageType"] == "DIGEST"
        try:
            key.check(params["Message"], params["Signature"], params["SigningAlgorithm"])
        except InvalidSignature:
            raise self.exceptions.make("KMSInvalidSignatureException", "Verify") from None
        return {"SignatureValid": True}

    def _key(self, arn: str, operation: str) -> Key:
        key = self.world.keys.get(arn)
        if key is None or arn.split(":")[3] != self.region:
            raise self.exceptions.make("NotFoundException", operation)
        if key.refusal:
            raise self.exceptions.make(key.refusal, operation)
        return key


def envelope(release: dict[str, Any], *keys: Key, kind: str = PAYLOAD_TYPE) -> str:
    """The release signed by keys, as DSSE says it. https://github.com/secure-systems-lab/dsse/blob/master/protocol.md"""
    payload = json.dumps(release, sort_keys=True, separators=(",", ":")).encode()
    text = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    signatures = [key.sign(hashlib.sha256(text).digest(), one) for key in keys for one in key.algorithms if "_256" in one]
    return json.dumps({
        "payloadType": kind,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": "", "sig": base64.b64encode(one).decode()} for one in signatures],
    })  # fmt: skip
