"""A hybrid node proves itself by a key of its own: SigV4's text, signed with RSA-PSS instead of a shared secret.

Flow: the credential's key id is a node's id -> its registered public key -> the signature, base64 of RSA-PSS over SHA-256, verified.
Rules: only the operations by which a node gets and keeps its session are taken this way; everything else wants that session.
Refuses to know: activations and fingerprints (the fleet).

AWS agent: what the stock agent signs before it has a session.
"""

import base64
import binascii
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Principal
from localorg.protocol.http import WireRequest
from localorg.server import signature

NodeKeys = Callable[[str, str], tuple[str, Principal]]
"""(node id, Region) -> (public key: base64 of its DER form, the node as a principal). Raises AwsError when it is unknown."""
OPERATIONS = frozenset({"AmazonSSM.RequestManagedInstanceRoleToken", "AmazonSSM.UpdateManagedInstancePublicKey"})


def nobody(instance_id: str, _region: str) -> tuple[str, Principal]:
    """Return the key of a node where no node is registered: refuse."""
    raise AwsError("InvalidInstanceId", f"Not existing InstanceId {instance_id}")


def is_claimed(claim: signature.Claim) -> bool:
    """Say whether the request claims to be signed by a node's own key."""
    return claim.access_key.startswith("mi-")


def verify(request: WireRequest, claim: signature.Claim, keys: NodeKeys, wall: float) -> signature.Caller:
    """Return the caller when the signature holds. Raises AwsError."""
    if claim.signing_name != "ssm" or request.headers.get("x-amz-target") not in OPERATIONS:
        raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.")
    public_key, principal = keys(claim.access_key, claim.region)
    signature.check_time(claim, wall)
    signature.check_headers_signed(request, claim)
    if not _holds(public_key, claim.signature, signature.string_to_sign(request, claim)):
        raise AwsError("InvalidSignatureException", signature.MISMATCH)
    return signature.Caller(principal, claim, b"")


def _holds(public_key: str, signed: str, text: str) -> bool:
    try:
        key = load_der_public_key(base64.b64decode(public_key))
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO)
        key.verify(base64.b64decode(signed, validate=True), text.encode(), pss, SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, binascii.Error):
        return False
    return True
