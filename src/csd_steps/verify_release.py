"""Verify the signed release of a package with the KMS keys that this stack trusts, before anything is created: who signed what, until when.

The envelope is DSSE over a release's canonical JSON. No cryptography here: the digest is hashlib's, the judgement KMS's.
"""

import base64
import hashlib
import json
import re
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

ENVELOPE, MANIFEST = "release.dsse.json", "manifest.json"
BYTES_MAX = {ENVELOPE: 131_072, MANIFEST: 65_536}
PAYLOAD_TYPE = "application/vnd.csd.release+json"
SIGNATURES_MAX = 10
KEY = re.compile(r"arn:[^:]+:kms:([a-z0-9-]+):[0-9]{12}:key/[a-zA-Z0-9-]+")
VERSION = re.compile(r"[a-zA-Z0-9_.-]{1,128}")
NOTHING = {"manifest": "", "files": "", "floor": ""}
# Why a key does not count. Any other refusal is raised: a key that AWS cannot ask just now is no key that has not signed.
UNUSABLE = {
    "DisabledException": "it is disabled",
    "KMSInvalidStateException": "it cannot be used, being deleted or not ready",
    "NotFoundException": "it does not exist",
    "UnsupportedOperationException": "it is no key that signs",
    "InvalidKeyUsageException": "it is no key that signs",
    "AccessDeniedException": "{role} may not use it: the role and the key's own policy must allow it kms:GetPublicKey and kms:Verify",
}


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Raises ValueError for what is not rightly signed. Returns the digests that alone may be published, and the release's floor."""
    keys = [key for key in dict.fromkeys(events["trustedKeys"]) if key]
    if events["action"] != "Install":
        return NOTHING | {"verified": "nothing is published"}
    if not keys:
        return NOTHING | {"verified": "no signature is asked for: the stack's TrustedKeys is empty"}
    s3 = client("s3", region_name=events["home"])
    envelope = _read(s3, events, ENVELOPE)
    if envelope is None:
        raise ValueError(
            f"{events['name']} {events['version']} is not signed: {_place(events, ENVELOPE)} does not exist, and this stack publishes only "
            "what its TrustedKeys have signed. Sign the package (csd package sign) and publish its folder again"
        )
    payload, signatures = _open(envelope, _place(events, ENVELOPE))
    signers = _signers(client, events, keys, payload, signatures)
    try:
        release = json.loads(payload)  # read only now that it is known whose it is
        _check_order(release, events)
        files = _check_manifest(release, _read(s3, events, MANIFEST), _place(events, MANIFEST))
    except (KeyError, TypeError, AttributeError) as broken:
        lacks = f"{type(broken).__name__}: {broken}"
        raise ValueError(
            f"{_place(events, ENVELOPE)} signs what is no whole release of a package ({lacks}): build and sign again"
        ) from broken
    return {
        "manifest": release["manifest"]["sha256"],
        "files": ",".join(f"{digest}:{name}" for name, digest in sorted(files.items())),
        "floor": release["floor"],
        "verified": f"signed by {', '.join(signers)}, good until {release['expires']}",
    }


def _place(events: Any, name: str) -> str:
    return "s3://" + "/".join(part for part in (events["bucketName"], events["bucketPrefix"].strip("/"), name) if part)


def _read(s3: Any, events: Any, name: str) -> bytes | None:
    bucket, _, key = _place(events, name).removeprefix("s3://").partition("/")
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read(BYTES_MAX[name] + 1)
    except s3.exceptions.NoSuchKey:
        return None
    if len(body) > BYTES_MAX[name]:
        raise ValueError(f"{_place(events, name)} has more than {BYTES_MAX[name]} bytes")
    return body


def _open(envelope: bytes, place: str) -> tuple[bytes, list[bytes]]:
    """Payload and signatures. https://github.com/secure-systems-lab/dsse/blob/master/envelope.md"""
    try:
        told = json.loads(envelope)
        kind, payload = told["payloadType"], base64.b64decode(told["payload"], validate=True)
        signatures = [base64.b64decode(one["sig"], validate=True) for one in told["signatures"]]
    except (ValueError, KeyError, TypeError) as broken:
        raise ValueError(f"{place} is no DSSE envelope ({type(broken).__name__}: {broken}): sign the package again") from broken
    if kind != PAYLOAD_TYPE:
        raise ValueError(f"{place} signs {kind!r}, which is no release of a package ({PAYLOAD_TYPE})")
    if not 1 <= len(signatures) <= SIGNATURES_MAX:
        raise ValueError(f"{place} has {len(signatures)} signatures; 1 to {SIGNATURES_MAX} are read")
    return payload, signatures


def _signers(client: Any, events: Any, keys: list[str], payload: bytes, signatures: list[bytes]) -> list[str]:
    """The trusted keys that have signed. Two ARNs of one key count once: what is counted are public keys."""
    text = b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
    digest = hashlib.sha256(text).digest()
    signed: dict[bytes, str] = {}
    lacking: list[str] = []
    for arn in keys:
        why = "it is no ARN of a key; an alias may come to mean another one"
        if found := KEY.fullmatch(arn):
            kms = client("kms", region_name=found.group(1))
            try:
                told = kms.get_public_key(KeyId=arn)
                why = "" if _has_signed(kms, arn, told, digest, signatures) else "no signature is of it"
            except ClientError as refused:
                if refused.response["Error"]["Code"] not in UNUSABLE:
                    raise
                why = UNUSABLE[refused.response["Error"]["Code"]].format(role=events["role"])
        if why:
            lacking.append(f"{arn}: {why}")
        else:
            signed.setdefault(told["PublicKey"], arn)
    if len(signed) < int(events["trustThreshold"]):
        raise ValueError(
            f"{events['name']} {events['version']} has {len(signed)} valid signatures of trusted keys and needs {events['trustThreshold']} "
            f"(signed by: {', '.join(signed.values()) or 'none'}). {'; '.join(lacking) or 'No other key is trusted'}"
        )
    return list(signed.values())


def _has_signed(kms: Any, arn: str, told: Any, digest: bytes, signatures: list[bytes]) -> bool:
    for algorithm in [one for one in told.get("SigningAlgorithms", []) if one.endswith("_SHA_256")]:
        for signature in signatures:
            asked = {
                "KeyId": arn,
                "Message": digest,
                "MessageType": "DIGEST",
                "Signature": signature,
                "SigningAlgorithm": algorithm,
            }
            try:
                if kms.verify(**asked)["SignatureValid"]:
                    return True
            except kms.exceptions.KMSInvalidSignatureException:
                continue
    return False


def _check_order(release: Any, events: Any) -> None:
    """The release is of what was asked for, still good, and says which versions are too old from now on."""
    for what in ("name", "version"):
        if release[what] != events[what]:
            raise ValueError(
                f"the signed release is of {what} {release[what]!r}, asked for {events[what]!r}: nothing else is published"
            )
    # AWS: Automation guide, system variables: yyyy-MM-dd_HH.mm.ss. ASSUMED: UTC, and the time of this step, not of the run's start.
    now = datetime.strptime(events["now"], "%Y-%m-%d_%H.%M.%S")  # noqa: DTZ007 - both are UTC
    if datetime.strptime(release["expires"], "%Y-%m-%dT%H:%M:%SZ") <= now:  # noqa: DTZ007
        raise ValueError(
            f"the signature of {events['name']} {events['version']} has expired at {release['expires']}: if the package is still wanted, "
            "sign it again and publish its folder again"
        )

    if not VERSION.fullmatch(release["floor"]):
        raise ValueError(
            f"the signed release of {events['name']} {events['version']} has the floor {release['floor']!r}, which is no version"
        )


def _check_manifest(release: Any, manifest: bytes | None, place: str) -> dict[str, str]:
    """The manifest is the signed one, and names the signed files. Returns {file: sha256}."""
    if manifest is None:
        raise ValueError(f"{place} does not exist: upload the package first")
    found, wanted = hashlib.sha256(manifest).hexdigest(), release["manifest"]["sha256"]
    if found != wanted:
        raise ValueError(f"{place} is not the manifest that was signed: its sha256 is {found}, the signature is over {wanted}")
    files = {name: digest["sha256"] for name, digest in release["files"].items()}
    named = {name: file["checksums"]["sha256"].lower() for name, file in json.loads(manifest)["files"].items()}
    differ = sorted(name for name in {*files, *named} if files.get(name) != named.get(name))
    if differ:
        raise ValueError(
            f"{place} and the signed release differ about {', '.join(differ)}: build the package again, and sign it again"
        )
    return files
