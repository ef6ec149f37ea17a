"""Certificates of the second port: an authority of this organization's own, made once, and a server certificate made at each start.

ca.pem      what a client must trust (`localorg status` prints its path)
ca.key      the authority's private key; never leaves the state directory
server.pem, server.key      for 127.0.0.1, localhost, and BUCKET.s3.localhost
"""

import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=365)
EARLY = timedelta(days=1)
"""Certificates begin a day ago: clocks of machines differ."""
NAMES = (x509.DNSName("localhost"), x509.DNSName("*.s3.localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


@dataclass(frozen=True)
class Certificates:
    """Where the files are."""

    authority: Path
    server: Path
    key: Path


def prepare(folder: Path) -> Certificates:
    """Return certificates in `folder`, making what is not there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    authority, authority_key = folder / "ca.pem", folder / "ca.key"
    if not (authority.exists() and authority_key.exists()):
        _make_authority(authority, authority_key)
    server, key = folder / "server.pem", folder / "server.key"
    _make_server(_certificate(authority), _private(authority_key), server, key)
    return Certificates(authority, server, key)


def _make_authority(target: Path, target_key: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localorg certificate authority")])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    extensions = [
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (usage, True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ]
    made = _builder(name, name, key.public_key(), AUTHORITY_LIFE, extensions).sign(key, hashes.SHA256())
    _write_key(target_key, key)
    target.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _make_server(authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey, target: Path, target_key: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    extensions = [
        (x509.SubjectAlternativeName(NAMES), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), False),
    ]
    made = _builder(name, authority.subject, key.public_key(), SERVER_LIFE, extensions).sign(authority_key, hashes.SHA256())
    _write_key(target_key, key)
    target.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    life: timedelta,
    extensions: Iterable[tuple[x509.ExtensionType, bool]],
) -> x509.CertificateBuilder:
    begin = datetime.now(UTC) - EARLY
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(begin + life)
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    return builder


def _certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _private(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} holds a key of another kind than localorg makes")
    return key


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
