"""Signatures of KMS, held against another program's eyes: the `cryptography` library with the public key alone."""

import hashlib
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from keys.desk import Desk

MESSAGE = b"what is signed"
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def holds(public: bytes, algorithm: str, signature: bytes, message: bytes) -> bool:
    """Say whether the signature is over the message, by the public key alone."""
    key: Any = load_der_public_key(public)
    digest = HASHES[algorithm[-3:]]
    try:
        match key:
            case ed25519.Ed25519PublicKey():
                key.verify(signature, message)
            case ec.EllipticCurvePublicKey():
                key.verify(signature, message, ec.ECDSA(digest))
            case rsa.RSAPublicKey():
                pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
                key.verify(signature, message, pss if "PSS" in algorithm else padding.PKCS1v15(), digest)
    except InvalidSignature:
        return False
    return True


SPECS = ("RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519")


@pytest.mark.parametrize("spec", SPECS)
def test_every_algorithm_of_a_key_is_true(spec: str) -> None:
    """Documented: KMS developer guide, Key spec reference: RAW and DIGEST are two ways to one signature, and whoever has the public
    key can check it."""
    desk = Desk()
    key = desk.key(spec)
    public = desk("GetPublicKey", KeyId=key)
    for algorithm in public["SigningAlgorithms"]:
        if algorithm == "ED25519_PH_SHA_512":
            continue
        asked: dict[str, Any] = {"KeyId": key, "SigningAlgorithm": algorithm}
        ways = [{"Message": MESSAGE}]
        if "ED25519" not in algorithm:
            ways.append({"Message": hashlib.new(f"sha{algorithm[-3:]}", MESSAGE).digest(), "MessageType": "DIGEST"})
        for way in ways:
            signature = desk("Sign", **asked, **way)["Signature"]
            assert holds(public["PublicKey"], algorithm, signature, MESSAGE)
            assert not holds(public["PublicKey"], algorithm, signature, MESSAGE + b"!")
            for other in ways:
                assert desk("Verify", **asked, **other, Signature=signature)["SignatureValid"]
            forged = bytes([signature[0], signature[1], *signature[2:-1], signature[-1] ^ 1])
            assert desk.refused("Verify", **asked, **way, Signature=forged)[0] == "KMSInvalidSignatureException"


def test_what_is_signed_by_another_key_does_not_hold() -> None:
    """Documented: API Verify: an invalid signature is the error KMSInvalidSignatureException, not a member that says false."""
    desk = Desk()
    mine, other = desk.key(), desk.key()
    asked: dict[str, Any] = {"SigningAlgorithm": "ECDSA_SHA_256", "Message": MESSAGE}
    signature = desk("Sign", KeyId=mine, **asked)["Signature"]
    assert desk.refused("Verify", KeyId=other, **asked, Signature=signature)[0] == "KMSInvalidSignatureException"
    assert desk.refused("Verify", KeyId=mine, **asked, Signature=b"\x00")[0] == "KMSInvalidSignatureException"


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"SigningAlgorithm": "ECDSA_SHA_384"}, "InvalidKeyUsageException", "does not support the algorithm ECDSA_SHA_384"),
    ({"SigningAlgorithm": "RSASSA_PSS_SHA_256"}, "InvalidKeyUsageException", "ECC_NIST_P256"),
    ({"MessageType": "DIGEST"}, "ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_256."),
    ({"Message": b"x" * 4097}, "ValidationException", "message"),
    ({"Message": b""}, "ValidationException", "message"),
    ({"MessageType": "EXTERNAL_MU"}, "NotImplemented", "MessageType EXTERNAL_MU"),
    ({"GrantTokens": ["x"]}, "NotImplemented", "grants (GrantTokens)"),
    ({"DryRun": True}, "DryRunOperationException", "The request would have succeeded"),
]


@pytest.mark.parametrize(("wrong", "code", "words"), REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_what_cannot_be_signed(wrong: dict[str, Any], code: str, words: str) -> None:
    """Documented: API Sign, its errors, and the limits of Message."""
    desk = Desk()
    asked = {"KeyId": desk.key(), "SigningAlgorithm": "ECDSA_SHA_256", "Message": MESSAGE, **wrong}
    found = desk.refused("Sign", **asked)
    assert (found[0], words in found[1]) == (code, True), found


def test_an_edwards_key_signs_messages_only() -> None:
    """Assumed: ED25519_SHA_512 has no digest form; its pre-hashed sister is refused by name here."""
    desk = Desk()
    key = desk.key("ECC_NIST_EDWARDS25519")
    asked = {"KeyId": key, "Message": b"x" * 64, "MessageType": "DIGEST"}
    assert desk.refused("Sign", **asked, SigningAlgorithm="ED25519_SHA_512")[0] == "ValidationException"
    assert "ED25519_PH_SHA_512" in desk.refused("Sign", **asked, SigningAlgorithm="ED25519_PH_SHA_512")[1]
