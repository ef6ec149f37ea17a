"""The cryptography of keys, all of it by the library of that name: which algorithms a key spec has, and what they do.

Flow: spec -> a fresh private key as PEM -> `sign(pem, algorithm, message, is_digest)`; `verify` and `public_key` need no more than the PEM.
Rules: key material and the randomness of signatures come from the library's own source: they are the one thing that differs between two
runs of one seed. A digest is signed as it is; it must be as long as the algorithm's.
Refuses to know: rows, callers, states.

AWS: KMS developer guide, "Key spec reference", "Asymmetric key specs"; API Sign, MessageType.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from localorg.kernel.errors import AwsError, NotSupported

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
RSA_ALGORITHMS = (
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
)
ED25519 = "ED25519_SHA_512"


@dataclass(frozen=True)
class Spec:
    """One key spec: what it can do, and how such a key is made."""

    algorithms: tuple[str, ...]
    make: Callable[[], PrivateKey]


def _rsa(bits: int) -> Spec:
    return Spec(RSA_ALGORITHMS, lambda: rsa.generate_private_key(65537, bits))


def _curve(curve: ec.EllipticCurve, algorithm: str) -> Spec:
    return Spec((algorithm,), lambda: ec.generate_private_key(curve))


SPECS: dict[str, Spec] = {
    "RSA_2048": _rsa(2048),
    "RSA_3072": _rsa(3072),
    "RSA_4096": _rsa(4096),
    "ECC_NIST_P256": _curve(ec.SECP256R1(), "ECDSA_SHA_256"),
    "ECC_NIST_P384": _curve(ec.SECP384R1(), "ECDSA_SHA_384"),
    "ECC_NIST_P521": _curve(ec.SECP521R1(), "ECDSA_SHA_512"),
    "ECC_SECG_P256K1": _curve(ec.SECP256K1(), "ECDSA_SHA_256"),
    # AWS: KMS developer guide: the key also has ED25519_PH_SHA_512, which the library does not know; that one is refused by name.
    "ECC_NIST_EDWARDS25519": Spec((ED25519, "ED25519_PH_SHA_512"), ed25519.Ed25519PrivateKey.generate),
}
"""Key specs whose keys can be made here."""


def make(spec: str) -> str:
    """Return a new private key as PEM."""
    key = SPECS[spec].make()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def public_key(pem: str) -> bytes:
    """Return the public key as a DER-encoded SubjectPublicKeyInfo."""
    return _load(pem).public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign(pem: str, algorithm: str, message: bytes, *, is_digest: bool) -> bytes:
    """Return the signature of a message, or of its digest. Raises AwsError."""
    key = _load(pem)
    _check(algorithm, message, is_digest=is_digest)
    match key:
        case ed25519.Ed25519PrivateKey():
            return key.sign(message)
        case ec.EllipticCurvePrivateKey():
            return key.sign(message, ec.ECDSA(_hash(algorithm, is_digest=is_digest)))
        case _:
            return key.sign(message, _padding(algorithm), _hash(algorithm, is_digest=is_digest))


def verify(pem: str, algorithm: str, message: bytes, signature: bytes, *, is_digest: bool) -> bool:
    """Say whether the signature is this key's over the message, or over its digest. Raises AwsError."""
    key = _load(pem)
    _check(algorithm, message, is_digest=is_digest)
    try:
        match key:
            case ed25519.Ed25519PrivateKey():
                key.public_key().verify(signature, message)
            case ec.EllipticCurvePrivateKey():
                key.public_key().verify(signature, message, ec.ECDSA(_hash(algorithm, is_digest=is_digest)))
            case _:
                key.public_key().verify(signature, message, _padding(algorithm), _hash(algorithm, is_digest=is_digest))
    except InvalidSignature:
        return False
    return True


def _load(pem: str) -> PrivateKey:
    # The rows hold what was made here, so the slow search for flaws of an RSA key is left out.
    key = serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise TypeError(f"a row of KMS holds {type(key).__name__}, which nobody here makes")
    return key


def _digest(algorithm: str) -> hashes.HashAlgorithm:
    return _HASHES[algorithm.rpartition("_")[2]]


def _hash(algorithm: str, *, is_digest: bool) -> hashes.HashAlgorithm | Prehashed:
    return Prehashed(_digest(algorithm)) if is_digest else _digest(algorithm)


def _padding(algorithm: str) -> padding.AsymmetricPadding:
    if "PSS" not in algorithm:
        return padding.PKCS1v15()
    # AWS: KMS developer guide, RSASSA-PSS: the salt is as long as the digest.
    return padding.PSS(padding.MGF1(_digest(algorithm)), padding.PSS.DIGEST_LENGTH)


def _check(algorithm: str, message: bytes, *, is_digest: bool) -> None:
    if algorithm == "ED25519_PH_SHA_512":
        raise NotSupported("the signing algorithm ED25519_PH_SHA_512")
    if algorithm == ED25519:
        if is_digest:
            raise AwsError("ValidationException", f"{ED25519} signs messages: MessageType must be RAW.")
        return
    if is_digest and len(message) != _digest(algorithm).digest_size:
        raise AwsError("ValidationException", f"Digest is invalid length for algorithm {algorithm}.")
