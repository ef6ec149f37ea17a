"""Six attacks on a stack with a trust root, by whoever may write into the packages' bucket: each ends refused, in its own words.

After each of them the nodes have what they had and were asked nothing, no version became the default, nothing more was shared, and
the floor is where it was. In virtual time, with scripted nodes that run the package's real scripts.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from attacks.stage import EVIL, ROLE, Attacker, Stage
from localorg.server.simulation.organization import Simulation
from simulation.signing import ENVELOPE, envelope, new_key, publish_signed, release
from simulation.solution import LAB, NAME, SHOP, Operator, Packages, spec

pytestmark = pytest.mark.xdist_group("attacks")


@pytest.fixture(scope="module")
def stage(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Simulation(spec(), tmp_path_factory.mktemp("world")) as simulation:
        yield Stage.of(Operator(simulation, packages))


@pytest.fixture
def attacker(stage: Stage) -> Attacker:
    """The bucket holds 1.2.0, rightly signed and not asked for yet."""
    publish_signed(stage.operator, "1.2.0", stage.ours)
    return Attacker(stage.operator)


def refused(stage: Stage, version: str, *sentences: str, before: dict[str, Any] | None = None, **wish: Any) -> None:
    """The run is refused in these words, its association says so too, and nothing else has come of it."""
    before = before or stage.picture()
    said = stage.run(version, **wish)
    for sentence in sentences:
        assert sentence in said, said
        assert sentence in stage.told()
    assert stage.picture() == before


def zip_name(version: str) -> str:
    return f"{NAME}-{version}-any.zip"


def evil_manifest(attacker: Attacker, folder: str, version: str) -> bytes:
    """The manifest of a folder, naming the attacker's own zip, which is put there too."""
    told = json.loads(attacker.get(f"{folder}/manifest.json"))
    told["version"] = version
    told["files"] = {name: {"checksums": {"sha256": hashlib.sha256(EVIL).hexdigest()}} for name in told["files"]}
    for name in told["files"]:
        attacker.put(f"{folder}/{name}", EVIL)
    return json.dumps(told).encode()


def test_a_swapped_manifest(stage: Stage, attacker: Attacker) -> None:
    """Manifest and zip agree with one another, and not with the signature."""
    manifest = evil_manifest(attacker, "1.2.0", "1.2.0")
    attacker.put("1.2.0/manifest.json", manifest)
    refused(
        stage,
        "1.2.0",
        f"1.2.0/manifest.json is not the manifest that was signed: its sha256 is {hashlib.sha256(manifest).hexdigest()}, the signature",
    )


def test_an_old_version_is_put_back(stage: Stage) -> None:
    """Rightly signed in its day, and asked for by its own version: below the floor that 1.1.0 has raised."""
    refused(
        stage,
        "1.0.0",
        f"{NAME} 1.0.0 is older than 1.1.0, the lowest version that may be published (remembered in /csd/trust/{NAME})",
    )


def test_an_old_folder_in_the_place_of_a_new_one(stage: Stage, attacker: Attacker) -> None:
    """An older envelope with its own files under the new prefix: it is of another version than the one asked for."""
    for name in ("manifest.json", ENVELOPE, zip_name("1.0.0")):
        attacker.put(f"1.2.0/{name}", attacker.get(f"1.0.0/{name}"))
    refused(stage, "1.2.0", "the signed release is of version '1.0.0', asked for '1.2.0': nothing else is published")


def test_expired_metadata(stage: Stage) -> None:
    """What nobody has renewed is not published any more, however rightly it was signed."""
    publish_signed(stage.operator, "1.2.0", stage.ours, expires="2026-12-31T23:59:59Z")
    refused(
        stage,
        "1.2.0",
        f"the signature of {NAME} 1.2.0 has expired at 2026-12-31T23:59:59Z: if the package is still wanted, sign it again",
    )


def test_an_order_for_another_package(stage: Stage) -> None:
    """A signed folder of one package does not stand in for another one."""
    refused(
        stage,
        "1.1.0",
        f"the signed release is of name '{NAME}', asked for 'csd-other': nothing else is published",
        name=["csd-other"],
    )


def test_the_attackers_own_key(stage: Stage, attacker: Attacker) -> None:
    """Everything is consistent, signed by a KMS key of another account that lets everybody verify, and says that it is ours."""
    everybody: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}
    own = new_key(stage.operator, SHOP, policy={"Version": "2012-10-17", "Statement": [everybody]})
    manifest = evil_manifest(attacker, "1.2.0", "1.2.0")
    digest = hashlib.sha256(EVIL).hexdigest()
    told = release(stage.operator.packages.sealed("1.2.0")) | {
        "manifest": {"sha256": hashlib.sha256(manifest).hexdigest(), "size": len(manifest)},
        "files": {zip_name("1.2.0"): {"sha256": digest, "size": len(EVIL)}},
    }
    attacker.put("1.2.0/manifest.json", manifest)
    for keyid in (own.arn, stage.ours.arn):
        attacker.put(f"1.2.0/{ENVELOPE}", envelope(told, [own], keyid))
        refused(
            stage,
            "1.2.0",
            f"{NAME} 1.2.0 has 0 valid signatures of trusted keys and needs 1 (signed by: none). {stage.ours.arn}: no signature is of it",
        )


def test_the_envelope_is_taken_away(stage: Stage, attacker: Attacker) -> None:
    """Unsigned is not a way round."""
    attacker.put("1.2.0/manifest.json", evil_manifest(attacker, "1.2.0", "1.2.0"))
    attacker.delete(f"1.2.0/{ENVELOPE}")
    refused(
        stage,
        "1.2.0",
        f"{NAME} 1.2.0 is not signed: s3://",
        "does not exist, and this stack publishes only what its TrustedKeys have signed",
    )


def test_two_must_have_signed_and_one_key_is_stolen(stage: Stage, attacker: Attacker) -> None:
    """With a threshold of two the thief of one key publishes nothing; both owners together do."""
    stage.trust(stage.ours, stage.theirs, threshold=2)
    try:
        publish_signed(stage.operator, "1.2.0", stage.ours, stage.ours, floor="1.1.0")
        refused(
            stage,
            "1.2.0",
            f"{NAME} 1.2.0 has 1 valid signatures of trusted keys and needs 2 (signed by: {stage.ours.arn}). {stage.theirs.arn}: no ",
        )
        publish_signed(stage.operator, "1.1.0", stage.ours, stage.theirs)
        assert stage.run("1.1.0") == ""
    finally:
        stage.trust(stage.ours, stage.theirs)


def test_a_disabled_key_and_one_that_its_owner_closes(stage: Stage, attacker: Attacker) -> None:
    """Documented: KMS developer guide, key states; AccessDenied tells whose right is missing, and where."""
    del attacker
    stage.ours.kms.disable_key(KeyId=stage.ours.arn)
    closed = {"Version": "2012-10-17", "Statement": admitting_nobody(LAB)}
    opened = stage.theirs.kms.get_key_policy(KeyId=stage.theirs.arn, PolicyName="default")["Policy"]
    stage.theirs.kms.put_key_policy(KeyId=stage.theirs.arn, PolicyName="default", Policy=json.dumps(closed))
    try:
        refused(
            stage,
            "1.2.0",
            f"{stage.ours.arn}: it is disabled",
            f"{stage.theirs.arn}: {ROLE} may not use it: the role and the key's own policy must allow it kms:GetPublicKey and kms:Verify",
        )
    finally:
        stage.ours.kms.enable_key(KeyId=stage.ours.arn)
        stage.theirs.kms.put_key_policy(KeyId=stage.theirs.arn, PolicyName="default", Policy=opened)


def admitting_nobody(owner: str) -> list[dict[str, Any]]:
    return [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{owner}:root"}, "Action": "kms:*", "Resource": "*"}]


def test_a_zip_that_is_swapped_before_distributor_copies_it(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In the race: signature and manifest are right when they are verified, and the zip is another one when the second Region copies it."""
    with Simulation(spec(), tmp_path_factory.mktemp("race")) as simulation:
        stage = Stage.of(Operator(simulation, packages))
        publish_signed(stage.operator, "1.2.0", stage.ours)
        before = stage.picture(with_versions=False)
        swaps = Attacker(stage.operator).put_once_a_document_is_made(f"1.2.0/{zip_name('1.2.0')}", EVIL)
        said = stage.run("1.2.0")
        assert swaps() == 1
        digest = json.loads(packages.sealed("1.2.0")["release.json"])["files"][zip_name("1.2.0")]["sha256"]
        assert (
            f"eu-west-1: {zip_name('1.2.0')} has sha256 {hashlib.sha256(EVIL).hexdigest()}, and the manifest says {digest}"
            in said
        )
        assert f"aws ssm delete-document --region eu-west-1 --name {NAME} --version-name 1.2.0" in said
        assert stage.picture(with_versions=False) == before
        publish_signed(stage.operator, "1.2.0", stage.ours)
        assert f"eu-west-1: {zip_name('1.2.0')} has sha256" in stage.run("1.2.0"), "what was copied is compared by each run"
