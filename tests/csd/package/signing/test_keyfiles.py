"""Key files: made safely, loaded with care, and as every other tool reads them."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from csd.package.signing.keyfiles import MAKERS, load_public, load_signer, make_key
from csd_fakes.signing import refused

SECRET = b"open sesame"


@pytest.mark.parametrize("kind", [kind for kind in MAKERS if kind != "rsa"])
def test_a_key_is_made_and_signs(tmp_path: Path, kind: str) -> None:
    """The file is its owner's alone and encrypted; its public half verifies what it signs; its id is the same in both."""
    path = tmp_path / "release.pem"
    key = make_key(path, kind, SECRET)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()
    signer, public = load_signer(path, lambda _: SECRET), load_public(tmp_path / "release.pem.pub")
    assert key.keyid == signer.public_key.keyid == public.keyid
    public.verify_signature(signer.sign(b"x"), b"x")


def test_openssl_reads_a_key(tmp_path: Path) -> None:
    """Another program reads the file, with the passphrase."""
    path = tmp_path / "release.pem"
    make_key(path, "p256", SECRET)
    told = subprocess.run(
        ["openssl", "pkey", "-in", str(path), "-passin", "env:SECRET", "-pubout"],
        env={"SECRET": SECRET.decode(), "PATH": os.environ["PATH"]}, capture_output=True, check=True,
    )  # fmt: skip
    assert told.stdout == (tmp_path / "release.pem.pub").read_bytes()


def test_no_key_is_overwritten(tmp_path: Path) -> None:
    """Neither the private nor the public file may be there; links count as being there."""
    path = tmp_path / "release.pem"
    make_key(path, "ed25519", None)
    before = path.read_bytes()
    words = refused(lambda: make_key(path, "ed25519", None))
    assert (words.count("is there already"), path.read_bytes()) == (2, before)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert "is there already" in refused(lambda: make_key(tmp_path / "link", "ed25519", None))


def test_a_locked_key_stays_locked(tmp_path: Path) -> None:
    """A wrong passphrase, and none, are told apart."""
    path = tmp_path / "release.pem"
    make_key(path, "p256", SECRET)
    assert "does not open with this passphrase" in refused(lambda: load_signer(path, lambda _: b"wrong"))
    assert "is encrypted, and no passphrase is given. Set CSD_KEY_PASSPHRASE" in refused(
        lambda: load_signer(path, lambda _: None)
    )


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """As ssh does."""
    path = tmp_path / "release.pem"
    make_key(path, "p256", None)
    path.chmod(0o640)
    assert f"chmod 600 {path}" in refused(lambda: load_signer(path, lambda _: None))


def test_weak_and_strange_keys_are_refused(tmp_path: Path) -> None:
    """RSA below 2048 bits and other curves are no keys to trust; a private key is no public one."""
    for number, private in enumerate((rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP384R1()))):
        pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path = tmp_path / f"{number}.pem"
        path.write_bytes(pem)
        path.chmod(0o600)
        assert "is a key of a kind that csd does not sign with" in refused(lambda path=path: load_signer(path, lambda _: None))
        assert f"name {path}.pub" in refused(lambda path=path: load_public(path))
    other = tmp_path / "text"
    other.write_text("hello")
    other.chmod(0o600)
    assert "is no PEM private key" in refused(lambda: load_signer(other, lambda _: None))
    assert "is no PEM public key" in refused(lambda: load_public(other))


def test_a_public_key_signs_nothing(tmp_path: Path) -> None:
    """It is told for what it is, whatever its mode."""
    make_key(tmp_path / "a.pem", "p256", None)
    said = refused(lambda: load_signer(tmp_path / "a.pem.pub", lambda _: None))
    assert said == f"{tmp_path}/a.pem.pub: is a public key. Name the private one, which signs: {tmp_path}/a.pem."
