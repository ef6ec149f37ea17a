"""What is not rightly signed is refused before anything is made: each way of being wrong has its own sentence."""

import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from csd_fakes.kms import Key, KeyWorld, envelope, rsa_key
from csd_fakes.steps import manifest
from csd_steps import publish_package, verify_release

HOME = "us-east-1"
ROLE = "arn:aws:iam::111111111111:role/CSD-SystemsManager-AutomationAdministrationRole"
ONE, TWO = "arn:aws:kms:us-east-1:111111111111:key/1", "arn:aws:kms:eu-west-1:999999999999:key/2"
MANIFEST = manifest()
ZIP = "ab"
"""The digest that `manifest` says of a.zip."""


def release(**changes: Any) -> dict[str, Any]:
    told = {
        "name": "csd-hello",
        "version": "1.0.0",
        "manifest": {"sha256": hashlib.sha256(MANIFEST.encode()).hexdigest(), "size": len(MANIFEST)},
        "files": {"a.zip": {"sha256": ZIP, "size": 1}},
        "beside": {},
        "issued": "2026-01-01T00:00:00Z",
        "expires": "2026-02-01T00:00:00Z",
        "floor": "1.0.0",
    }
    return told | changes


def signed(*keys: Key, kind: str = "", **changes: Any) -> dict[str, str]:
    """The objects of a folder whose release these keys have signed."""
    text = envelope(release(**changes), *keys, **({"kind": kind} if kind else {}))
    return {"packages/hello/manifest.json": MANIFEST, "packages/hello/release.dsse.json": text}


def verify(world: KeyWorld, *keys: str, threshold: int = 1, **changes: Any) -> dict[str, str]:
    asked = {
        "trustedKeys": list(keys or (ONE,)),
        "trustThreshold": str(threshold),
        "action": "Install",
        "name": "csd-hello",
        "version": "1.0.0",
        "bucketName": "packages",
        "bucketPrefix": "hello",
        "home": HOME,
        "now": "2026-01-15_12.00.00",
        "role": ROLE,
    }
    told: dict[str, str] = verify_release.handler(asked | changes, None, world.client)
    return told


@pytest.mark.parametrize("key", [Key(), rsa_key()], ids=["elliptic", "rsa"])
def test_a_rightly_signed_release_gives_the_digests_that_may_be_published(key: Key) -> None:
    """Documented: kms:Verify with MessageType DIGEST, by the algorithms with SHA-256 that GetPublicKey names."""
    told = verify(KeyWorld(objects=signed(key), keys={ONE: key}))
    assert told == {
        "manifest": hashlib.sha256(MANIFEST.encode()).hexdigest(),
        "files": f"{ZIP}:a.zip",
        "floor": "1.0.0",
        "verified": f"signed by {ONE}, good until 2026-02-01T00:00:00Z",
    }


def test_without_a_trust_root_nothing_is_read() -> None:
    """The default: no key, no question. An empty list comes from CloudFormation as one empty text."""
    world = KeyWorld()
    assert verify(world, "")["verified"] == "no signature is asked for: the stack's TrustedKeys is empty"
    assert verify(world, ONE, action="Uninstall")["verified"] == "nothing is published"
    assert world.calls == []


TRUSTED, STRANGER = Key(), Key()
EVIL = manifest(digest="66")
REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "unsigned": (
        {"packages/hello/manifest.json": MANIFEST},
        "csd-hello 1.0.0 is not signed: s3://packages/hello/release.dsse.json does not exist, and this stack publishes only",
    ),
    "a stranger's key": (
        signed(STRANGER),
        f"csd-hello 1.0.0 has 0 valid signatures of trusted keys and needs 1 (signed by: none). {ONE}: no signature is of it",
    ),
    "another package": (signed(TRUSTED, name="csd-other"), "the signed release is of name 'csd-other', asked for 'csd-hello'"),
    "another version": (signed(TRUSTED, version="0.9"), "the signed release is of version '0.9', asked for '1.0.0'"),
    "expired": (
        signed(TRUSTED, expires="2026-01-15T12:00:00Z"),
        "the signature of csd-hello 1.0.0 has expired at 2026-01-15T12:00:00Z: if the package is still wanted, sign it again",
    ),
    "swapped manifest": (
        signed(TRUSTED) | {"packages/hello/manifest.json": EVIL},
        f"manifest.json is not the manifest that was signed: its sha256 is {hashlib.sha256(EVIL.encode()).hexdigest()}, the signature",
    ),
    "no manifest": (
        {key: text for key, text in signed(TRUSTED).items() if "dsse" in key},
        "s3://packages/hello/manifest.json does not exist: upload the package first",
    ),
    "other files": (
        signed(TRUSTED, files={"a.zip": {"sha256": "77", "size": 1}, "b.zip": {"sha256": "88", "size": 1}}),
        "manifest.json and the signed release differ about a.zip, b.zip: build the package again",
    ),
    "another kind of statement": (
        signed(TRUSTED, kind="application/vnd.in-toto+json"),
        "release.dsse.json signs 'application/vnd.in-toto+json', which is no release of a package (application/vnd.csd.release+json)",
    ),
    "no floor": (signed(TRUSTED, floor=""), "the signed release of csd-hello 1.0.0 has the floor '', which is no version"),
    "half a release": (
        signed(TRUSTED, manifest=None),
        "release.dsse.json signs what is no whole release of a package (TypeError: 'NoneType'",
    ),
    "no envelope": (
        signed(TRUSTED) | {"packages/hello/release.dsse.json": "[]"},
        "s3://packages/hello/release.dsse.json is no DSSE envelope (TypeError",
    ),
    "broken base64": (
        signed(TRUSTED) | {"packages/hello/release.dsse.json": '{"payloadType": "x", "payload": "%"}'},
        "release.dsse.json is no DSSE envelope (",
    ),
    "too many signatures": (signed(*[TRUSTED] * 11), "release.dsse.json has 11 signatures; 1 to 10 are read"),
    "no signature": (signed(), "release.dsse.json has 0 signatures"),
    "a huge envelope": (
        signed(TRUSTED) | {"packages/hello/release.dsse.json": " " * 200_000},
        "s3://packages/hello/release.dsse.json has more than 131072 bytes",
    ),
    "a huge manifest": (
        signed(TRUSTED) | {"packages/hello/manifest.json": " " * 70_000},
        "s3://packages/hello/manifest.json has more than 65536 bytes",
    ),
}


@pytest.mark.parametrize(("objects", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused_in_its_own_words(objects: dict[str, str], said: str) -> None:
    """Each refusal tells what was found and what to do; nothing but reading and asking KMS has happened."""
    world = KeyWorld(objects=objects, keys={ONE: TRUSTED})
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the sentence follows
        verify(world)
    assert said in str(refused.value)
    assert {call[2] for call in world.calls} <= {"GetObject", "GetPublicKey", "Verify"}


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        ("DisabledException", "it is disabled"),
        ("KMSInvalidStateException", "it cannot be used, being deleted or not ready"),
        ("NotFoundException", "it does not exist"),
        ("UnsupportedOperationException", "it is no key that signs"),
        (
            "AccessDeniedException",
            f"{ROLE} may not use it: the role and the key's own policy must allow it kms:GetPublicKey and kms:Verify",
        ),
    ],
)
def test_a_key_that_cannot_be_used_does_not_count_and_says_why(refusal: str, said: str) -> None:
    """Documented: KMS developer guide, key states; API Verify, errors. With enough other keys it does not matter."""
    other = Key()
    world = KeyWorld(objects=signed(TRUSTED), keys={ONE: TRUSTED, TWO: other})
    world.keys[ONE] = Key(TRUSTED.private, refusal=refusal)
    with pytest.raises(ValueError, match="0 valid signatures") as refused:
        verify(world)
    assert f"{ONE}: {said}" in str(refused.value)
    world.objects = signed(TRUSTED, other)
    assert verify(world, ONE, TWO)["verified"].startswith(f"signed by {TWO},")


def test_a_key_that_aws_cannot_ask_just_now_ends_the_run_as_aws_says() -> None:
    """A throttled question is no missing signature."""
    world = KeyWorld(objects=signed(TRUSTED), keys={ONE: Key(refusal="ThrottlingException")})
    with pytest.raises(ClientError, match="ThrottlingException"):
        verify(world)


def test_two_of_two_must_have_signed() -> None:
    """A threshold of two: one stolen key is not enough, however often it signs; each key is asked in its own Region."""
    other = Key()
    world = KeyWorld(objects=signed(TRUSTED, TRUSTED), keys={ONE: TRUSTED, TWO: other})
    with pytest.raises(ValueError, match=f"has 1 valid signatures .* needs 2 .signed by: {ONE}.. {TWO}: no signature is of it"):
        verify(world, ONE, TWO, threshold=2)
    world.objects = signed(other, TRUSTED)
    assert verify(world, ONE, TWO, threshold=2)["verified"].startswith(f"signed by {ONE}, {TWO},")
    assert {call[1] for call in world.calls if call[0] == "kms"} == {"us-east-1", "eu-west-1"}


def test_one_key_under_two_names_counts_once() -> None:
    """Replicas of a multi-Region key, and one key that was brought into KMS twice, have one public key."""
    replica = "arn:aws:kms:eu-west-1:111111111111:key/mrk-1"
    primary = "arn:aws:kms:us-east-1:111111111111:key/mrk-1"
    world = KeyWorld(objects=signed(TRUSTED), keys={primary: TRUSTED, replica: TRUSTED})
    for keys in ((primary, replica), (primary, primary)):
        with pytest.raises(ValueError, match=f"has 1 valid signatures .*signed by: {primary}.. No other key is trusted"):
            verify(world, *keys, threshold=2)


def test_an_alias_is_no_key() -> None:
    """An alias may come to mean another key, and whoever may move it would be trusted; the template refuses it as well."""
    alias = "arn:aws:kms:us-east-1:111111111111:alias/releases"
    with pytest.raises(ValueError, match=f"{alias}: it is no ARN of a key; an alias may come to mean another one"):
        verify(KeyWorld(objects=signed(TRUSTED), keys={alias: TRUSTED}), alias)


def test_only_algorithms_with_sha_256_are_used() -> None:
    """Documented: SigningAlgorithmSpec. A key on another curve signs no digest of 32 bytes; it is asked nothing."""
    world = KeyWorld(objects=signed(TRUSTED), keys={ONE: Key(TRUSTED.private, ("ECDSA_SHA_384",))})
    with pytest.raises(ValueError, match="no signature is of it"):
        verify(world)
    assert world.count("Verify") == 0


def test_the_package_at_the_top_of_its_bucket() -> None:
    """No prefix is a prefix too."""
    objects = {key.replace("hello/", ""): text for key, text in signed(TRUSTED).items()}
    assert verify(KeyWorld(objects=objects, keys={ONE: TRUSTED}), bucketPrefix="/")["files"] == f"{ZIP}:a.zip"


def test_what_was_verified_is_what_is_published() -> None:
    """Between the two steps the manifest is another one: its digest is compared again, on the very bytes that become the document."""
    world = KeyWorld(objects=signed(TRUSTED), keys={ONE: TRUSTED})
    verified = verify(world)["manifest"]
    asked = {
        "name": "csd-hello",
        "version": "1.0.0",
        "bucketName": "packages",
        "bucketPrefix": "hello",
        "home": HOME,
        "region": HOME,
    }
    world.objects["packages/hello/manifest.json"] = EVIL
    with pytest.raises(
        ValueError, match=rf"was changed after its signature was verified: its sha256 is \w+, verified was {verified}"
    ):
        publish_package.handler(asked | {"manifest": verified}, None, world.client)
    assert world.documents == {}
    world.objects["packages/hello/manifest.json"] = MANIFEST
    publish_package.handler(asked | {"manifest": verified}, None, world.client)
    assert json.loads(world.documents[HOME, "csd-hello"].versions[0].content) == json.loads(MANIFEST)
