"""Keys in files: made, loaded to sign, loaded to verify. PEM, as every other tool reads it.

Rules: a private key's file is new, its owner's alone (0600), and encrypted unless that is declined; FILE.pub is its public half. ECDSA
P-256, Ed25519, and RSA of 2048 bits or more (new ones: 3072); nothing weaker is loaded. A passphrase never stands on a command line.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from securesystemslib.signer import CryptoSigner, SSlibKey

from csd.errors import CsdInputError, Problem
from csd.package.signing.envelope import read_bounded

KEY_BYTES_MAX = 64 * 1024
RSA_BITS_MIN, RSA_BITS_NEW = 2048, 3072
Passphrase = Callable[[str], bytes | None]
"""Asked with the file's name for its passphrase; None where nobody can answer."""
MAKERS: dict[str, Callable[[], Any]] = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(65537, RSA_BITS_NEW),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def make_key(path: Path, kind: str, passphrase: bytes | None) -> SSlibKey:
    """Write a new private key to `path` and its public half to path.pub. Raises CsdInputError where either is there."""
    public_path = path.with_name(path.name + ".pub")
    if there := [each for each in (path, public_path) if each.exists() or each.is_symlink()]:
        raise CsdInputError(
            [Problem(str(each), "is there already.", "Choose another name: no key is overwritten.") for each in there]
        )
    private = MAKERS[kind]()
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    _put_new(path, pem, 0o600)
    public = private.public_key()
    public_pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _put_new(public_path, public_pem, 0o644)
    return SSlibKey.from_crypto(public)


def load_signer(path: Path, ask: Passphrase) -> CryptoSigner:
    """Whoever signs with the private key of a file. Raises CsdInputError, OSError."""
    content = read_bounded(path, KEY_BYTES_MAX)
    if b"PUBLIC KEY" in content:
        remedy = f"Name the private one, which signs: {str(path).removesuffix('.pub')}."
        raise CsdInputError([Problem(str(path), "is a public key.", remedy)])
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise CsdInputError([Problem(str(path), "may be read by others than its owner.", f"chmod 600 {path}")])
    private = _private(path, content, ask)
    return CryptoSigner(private, _checked(path, private.public_key()))


def load_public(path: Path) -> SSlibKey:
    """The public key of a file. Raises CsdInputError, OSError."""
    content = read_bounded(path, KEY_BYTES_MAX)
    if b"PRIVATE KEY" in content:
        raise CsdInputError([Problem(str(path), "is a private key.", f"A trust root holds public keys: name {path}.pub.")])
    try:
        return _checked(path, serialization.load_pem_public_key(content))
    except ValueError as broken:
        raise CsdInputError([Problem(str(path), "is no PEM public key.", "Name the .pub file of a key.")]) from broken


def _private(path: Path, content: bytes, ask: Passphrase) -> Any:
    passphrase = ask(str(path)) if _is_encrypted(content) else None
    try:
        return serialization.load_pem_private_key(content, passphrase)
    except TypeError as locked:
        raise CsdInputError(
            [Problem(str(path), "is encrypted, and no passphrase is given.", "Set CSD_KEY_PASSPHRASE, or run csd in a terminal.")]
        ) from locked
    except ValueError as broken:
        what = "does not open with this passphrase." if passphrase is not None else "is no PEM private key."
        raise CsdInputError([Problem(str(path), what, "csd package key new makes one.")]) from broken


def _is_encrypted(content: bytes) -> bool:
    return b"BEGIN ENCRYPTED PRIVATE KEY" in content or b"Proc-Type: 4,ENCRYPTED" in content


def _checked(path: Path, public: Any) -> SSlibKey:
    match public:
        case ed25519.Ed25519PublicKey():
            return SSlibKey.from_crypto(public)
        case ec.EllipticCurvePublicKey() if isinstance(public.curve, ec.SECP256R1):
            return SSlibKey.from_crypto(public)
        case rsa.RSAPublicKey() if public.key_size >= RSA_BITS_MIN:
            return SSlibKey.from_crypto(public)
        case _:
            what = "is a key of a kind that csd does not sign with."
            raise CsdInputError([Problem(str(path), what, f"Use Ed25519, ECDSA P-256, or RSA of {RSA_BITS_MIN} bits or more.")])


def _put_new(path: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(content)
