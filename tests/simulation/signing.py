"""Signed packages in a simulation: releases that KMS keys sign over the wire, and the folders that hold them."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulation.solution import BUCKET, Operator

PAYLOAD_TYPE = "application/vnd.csd.release+json"
ISSUED, EXPIRES = "2026-12-31T00:00:00Z", "2027-06-30T00:00:00Z"
"""The simulation begins on 2027-01-01."""
ENVELOPE = "release.dsse.json"


@dataclass(frozen=True)
class SigningKey:
    """A KMS key, and somebody who may sign with it."""

    kms: Any
    arn: str

    def sign(self, digest: bytes) -> bytes:
        """Sign a digest."""
        signed: bytes = self.kms.sign(KeyId=self.arn, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")[
            "Signature"
        ]
        return signed


def new_key(
    operator: Operator, account: str = "", region: str = "us-east-1", policy: Mapping[str, Any] | None = None
) -> SigningKey:
    """Make a key in an account, with the default policy or another one."""
    kms = operator.simulation.client("kms", account or operator.account, region)
    more = {"Policy": json.dumps(policy)} if policy else {}
    made = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY", **more)
    return SigningKey(kms, made["KeyMetadata"]["Arn"])


def release(files: Mapping[str, bytes], **changes: Any) -> dict[str, Any]:
    """Return what is signed: the release as it was built, and what signing adds."""
    built = json.loads(files["release.json"])
    return {**built, "issued": ISSUED, "expires": EXPIRES, "floor": built["version"], **changes}


def envelope(told: Mapping[str, Any], keys: Sequence[SigningKey], keyid: str = "") -> bytes:
    """Return the release signed by keys: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md"""
    payload = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    text = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload
    digest = hashlib.sha256(text).digest()
    signatures = [{"keyid": keyid or key.arn, "sig": base64.b64encode(key.sign(digest)).decode()} for key in keys]
    return json.dumps(
        {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": signatures}
    ).encode()


def publish_signed(operator: Operator, version: str, *keys: SigningKey, **changes: Any) -> None:
    """Put a sealed version and its signed release into the bucket."""
    operator.publish(version)
    put(operator, f"{version}/{ENVELOPE}", envelope(release(operator.packages.sealed(version), **changes), keys))


def put(operator: Operator, key: str, body: bytes) -> None:
    """Do what everybody may who may write into the bucket."""
    operator.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
