"""A sealed folder, keys, and a trust root, for tests of signatures."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, Signer

from csd.errors import CsdInputError
from csd.package.release import SIGNED_RELEASE_FILE, Release, canonical, read_release, release_value
from csd.package.signing.envelope import envelope_text
from csd.package.signing.sign import Wish, add_signature, prepare
from csd.package.signing.statement import PAYLOAD_TYPE
from csd.package.signing.trust import Trust, new_root, sign_root, verified
from csd.package.signing.verify import Expected, Verified, verify_folder

NOW = datetime(2026, 11, 25, 7, tzinfo=UTC)
DAY = timedelta(days=1)


def key(number: int = 1) -> CryptoSigner:
    """The same key for the same number."""
    return CryptoSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def trust_of(*signers: Signer, threshold: int = 1, expires: datetime = NOW + 900 * DAY) -> Trust:
    """A trust root of these keys, signed by all of them."""
    root = new_root([signer.public_key for signer in signers], threshold, expires)
    for signer in signers:
        sign_root(root, signer, "trust.json")
    return verified(root, "trust.json", NOW)


def put_files(
    folder: Path, version: str = "1.2.0", zips: tuple[str, ...] = ("a.zip", "b.zip"), *, beside: bool = True
) -> Release:
    """A folder as it is verified: digests and a manifest that lists the zips; the zips themselves are never opened."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {name: f"{name} {version}".encode() for name in zips}
    listed = {name: {"checksums": {"sha256": hashlib.sha256(content).hexdigest()}} for name, content in contents.items()}
    extra = {"sbom.cdx.json": b"{}"} if beside else {}
    manifest = json.dumps({"schemaVersion": "2.0", "version": version, "files": listed}).encode()
    for name, content in {**contents, **extra, "manifest.json": manifest}.items():
        (folder / name).write_bytes(content)
    told = {"name": "tiny", "version": version, "manifest": _digest(manifest)}
    told |= {"files": {name: _digest(content) for name, content in contents.items()}}
    told |= {"beside": {name: _digest(content) for name, content in extra.items()}}
    release = read_release(told, "told")
    (folder / "release.json").write_text(canonical(release_value(release)) + "\n")
    return release


def _digest(content: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def payload(release: Release, **changes: Any) -> dict[str, Any]:
    """What a statement about a release says, changed as told."""
    times = {"issued": "2026-11-25T07:00:00Z", "expires": "2027-11-25T07:00:00Z", "floor": "0"}
    return {**release_value(release), **times, **changes}


def put_envelope(folder: Path, told: dict[str, Any] | bytes, *signers: Signer, kind: str = PAYLOAD_TYPE) -> None:
    """An envelope over whatever is told, truly signed."""
    envelope = Envelope(told if isinstance(told, bytes) else canonical(told).encode(), kind, {})
    for signer in signers:
        envelope.sign(signer)
    (folder / SIGNED_RELEASE_FILE).write_text(envelope_text(envelope))


def verify(folder: Path, trust: Trust, now: datetime = NOW, **expected: Any) -> Verified:
    """Verify a folder."""
    return verify_folder(folder, trust, Expected(**expected), now)


def refused(call: Callable[[], object]) -> str:
    """Why a call is refused."""
    with pytest.raises(CsdInputError) as wrong:
        call()
    return str(wrong.value)


def sign(folder: Path, *signers: Signer, now: datetime = NOW, **wish: Any) -> tuple[str, ...]:
    """Sign a sealed folder as the desk does."""
    for signer in signers:
        signed = add_signature(folder, *prepare(folder, Wish(**wish), now), signer)
    return signed.keyids
