"""Packages signed with keys of KMS, which answer in a local organization: csd.aws.keys against everything but AWS itself."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from csd.aws.identity import Principal
from csd.aws.keys import KmsSigner
from csd.cli.main import REFUSED, run
from csd.errors import AwsRefused
from csd.package.sealed import build_package
from csd_fakes.signing import key, payload, put_envelope, put_files, refused, trust_of, verify
from csd_steps import verify_release
from localorg.server.simulation.organization import Simulation
from simulation.door import door
from simulation.solution import BUCKET, HUB, spec

REGION, OTHER = "eu-north-1", "eu-south-1"
EXAMPLE = Path(__file__).parents[2] / "examples/packages/csd-hello"


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """An organization without a node."""
    with Simulation(spec("aws", (REGION, OTHER)), tmp_path_factory.mktemp("kms"), nodes="virtual") as made:
        yield made


def make(simulation: Simulation, kind: str = "ECC_NIST_P256", region: str = REGION) -> str:
    kms = simulation.client("kms", region=region)
    return str(kms.create_key(KeySpec=kind, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"])


def signer(simulation: Simulation, reference: str, region: str = REGION) -> KmsSigner:
    principal = Principal(simulation.session(region=region), HUB, f"arn:aws:iam::{HUB}:user/admin")
    return KmsSigner(principal, reference)


@pytest.mark.parametrize("kind", ["ECC_NIST_P256", "RSA_2048"])
def test_what_kms_signs_is_verified_at_the_desk(simulation: Simulation, tmp_path: Path, kind: str) -> None:
    """The key's id is its ARN; the desk verifies with the public key, without AWS; KMS verifies the same signature over the digest."""
    arn = make(simulation, kind)
    alias = f"alias/{kind.replace('_', '-')}"
    simulation.client("kms", region=REGION).create_alias(AliasName=alias, TargetKeyId=arn)
    who = signer(simulation, alias)
    assert who.public_key.keyid == arn
    folder = tmp_path / "sealed"
    release = put_files(folder)
    put_envelope(folder, payload(release), who)
    assert verify(folder, trust_of(who)).keyids == (arn,)
    asked = {"KeyId": arn, "Message": hashlib.sha256(b"x").digest(), "MessageType": "DIGEST"}
    algorithm = {"ECC_NIST_P256": "ECDSA_SHA_256", "RSA_2048": "RSASSA_PSS_SHA_256"}[kind]
    kms = simulation.client("kms", region=REGION)
    signature = bytes.fromhex(who.sign(b"x").signature)
    assert kms.verify(**asked, SigningAlgorithm=algorithm, Signature=signature)["SignatureValid"]


@pytest.mark.parametrize("kind", ["ECC_NIST_P384", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"])
def test_keys_that_the_publish_step_does_not_verify(simulation: Simulation, kind: str) -> None:
    """Other kinds of keys are refused where they are named, with the kind that would do."""
    arn = make(simulation, kind)
    assert f"is a key of {kind} for SIGN_VERIFY, with which csd does not sign" in refused(lambda: signer(simulation, arn))


def test_a_key_that_is_off_is_told(simulation: Simulation) -> None:
    """AWS's refusal comes with its own sentence."""
    arn = make(simulation)
    who = signer(simulation, arn)
    simulation.client("kms", region=REGION).disable_key(KeyId=arn)
    with pytest.raises(AwsRefused, match="DisabledException.*is disabled"):
        who.sign(b"x")


def test_the_step_in_aws_verifies_what_the_desk_has_signed(simulation: Simulation, tmp_path: Path) -> None:
    """One envelope for both: the hub's step finds the two KMS keys that it trusts, and the desk's file key is no matter to it."""
    keys = [make(simulation), make(simulation, "RSA_2048", OTHER)]
    signers = [signer(simulation, keys[0]), signer(simulation, keys[1], OTHER)]
    folder = tmp_path / "sealed"
    put_envelope(folder, payload(put_files(folder), floor="1.1"), key(), *signers)
    s3 = simulation.client("s3")
    for path in folder.iterdir():
        s3.put_object(Bucket=BUCKET, Key=f"signed/{path.name}", Body=path.read_bytes())
    events = {
        "trustedKeys": keys, "trustThreshold": "2", "action": "Install", "home": REGION, "role": "the hub's role", "name": "tiny",
        "version": "1.2.0", "bucketName": BUCKET, "bucketPrefix": "signed", "now": "2026-11-25_08.00.00",
    }  # fmt: skip
    told = verify_release.handler(events, None, lambda service, region_name: simulation.client(service, region=region_name))
    assert told["floor"] == "1.1"
    assert all(arn in told["verified"] for arn in keys)
    assert verify(folder, trust_of(*signers, threshold=2)).keyids == tuple(keys)


def test_two_keys_in_two_regions_by_the_command_line(
    simulation: Simulation, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of two KMS keys: trust root and package are signed with them; each key is asked in the Region of its ARN."""
    monkeypatch.chdir(tmp_path)
    build_package(EXAMPLE, Path("sealed"))
    first, second = make(simulation), make(simulation, region=OTHER)
    keys = simulation.engines.identity.bootstrap_account(HUB)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret)
    both = ["--key", first, "--key", second]
    with door(simulation) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        assert run(["package", "trust", "init", *both, "--threshold", "2"]) == 0
        assert run(["package", "trust", "sign", "trust.json", *both]) == 0
        assert run(["package", "sign", "sealed", "--key", first]) == 0
        assert run(["package", "sign", "sealed", "--key", second]) == 0
        assert run(["package", "sign", "sealed", "--key", first.replace("key/", "key/0")]) == REFUSED
        assert "kms:GetPublicKey" in capsys.readouterr().err
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert run(["package", "verify", "sealed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["keys"] == [first, second]
