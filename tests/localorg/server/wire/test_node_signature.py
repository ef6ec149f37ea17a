"""Signatures of hybrid nodes: RSA-PSS over SigV4's text, for the two calls that a node makes before it has a session."""

import base64
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Principal
from localorg.protocol.http import WireRequest
from localorg.server import node_signature
from localorg.server.signature import Claim, claim_of, string_to_sign

NODE, REGION, MOMENT = "mi-0123456789abcdef0", "us-east-1", "20261123T133312Z"
WALL = datetime.strptime(MOMENT, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
TOKEN = "AmazonSSM.RequestManagedInstanceRoleToken"


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def keys(instance_id: str, region: str) -> tuple[str, Principal]:
    if (instance_id, region) != (NODE, REGION):
        raise AwsError("InvalidInstanceId", f"Not existing InstanceId {instance_id}")
    return public(KEY), Principal("node", "222222222222", "arn", access_key=instance_id)


def request(key: rsa.RSAPrivateKey = KEY, target: str = TOKEN, node: str = NODE, service: str = "ssm") -> WireRequest:
    """A call as the stock agent makes it: no x-amz-content-sha256, no Content-Length."""
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": "127.0.0.1:4599",
        "transfer-encoding": "chunked",
        "x-amz-date": MOMENT,
        "x-amz-target": target,
    }
    names = ("content-type", "host", "x-amz-date", "x-amz-target")
    unsigned = WireRequest("POST", "/", "", headers, b'{"Fingerprint":"f"}')
    claim = Claim(node, MOMENT[:8], REGION, service, names, "", MOMENT, "", None)
    text = string_to_sign(unsigned, claim).encode()
    signature = key.sign(text, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
    written = (
        f"AWS4-HMAC-SHA256 Credential={node}/{claim.scope}, SignedHeaders={';'.join(names)}, "
        f"Signature={base64.b64encode(signature).decode()}"
    )
    return replace(unsigned, headers={**headers, "authorization": written})


def verified(sent: WireRequest, late_s: float = 0.0) -> Principal:
    return node_signature.verify(sent, claim_of(sent), keys, WALL + late_s).principal


def test_a_node_is_known_by_the_key_that_it_registered() -> None:
    """Observed: the credential's key id is the node's id, the signature base64 of RSA-PSS with a salt of 32 bytes."""
    assert node_signature.is_claimed(claim_of(request()))
    assert (verified(request()).kind, verified(request()).access_key) == ("node", NODE)


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        (request(OTHER), "InvalidSignatureException"),
        (replace(request(), body=b'{"Fingerprint":"g"}'), "InvalidSignatureException"),
        (request(node="mi-00000000000000000"), "InvalidInstanceId: Not existing InstanceId mi-00000000000000000"),
        (request(target="AmazonSSM.UpdateInstanceInformation"), "UnrecognizedClientException"),
        (request(service="ec2messages"), "UnrecognizedClientException"),
        (replace(request(), headers={**request().headers, "x-amz-other": "1"}), "not signed: x-amz-other"),
    ],
)
def test_foreign_keys_changed_calls_and_other_calls_are_refused(sent: WireRequest, refusal: str) -> None:
    """Assumed: the codes are those of SigV4 signatures; a node's key opens nothing but its token and its next key."""
    with pytest.raises(AwsError, match=refusal):
        verified(sent)


def test_an_old_signature_is_refused() -> None:
    """Observed: Systems Manager's requests are good for five minutes."""
    assert verified(request(), 4 * 60)
    with pytest.raises(AwsError, match="RequestTimeTooSkewed"):
        verified(request(), 6 * 60)


@pytest.mark.parametrize(
    "key",
    ["not base64!", base64.b64encode(b"no key").decode(), public(ec.generate_private_key(ec.SECP256R1()))],
    ids=["no base64", "no key", "no RSA key"],
)
def test_what_is_no_rsa_key_verifies_nothing(key: str) -> None:
    """A registered text that is no RSA key lets nobody in."""
    node = Principal("node", "222222222222", "arn", access_key=NODE)
    sent = request()
    with pytest.raises(AwsError, match="InvalidSignatureException"):
        node_signature.verify(sent, claim_of(sent), lambda _node, _region: (key, node), WALL)


def test_a_front_without_nodes_knows_none() -> None:
    """Where no node is registered every node is unknown."""
    with pytest.raises(AwsError, match="InvalidInstanceId"):
        node_signature.nobody(NODE, REGION)
