"""KMS keys that sign: what verifies, what does not, and who may."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.target import Account

Unique = Callable[[str], str]
Make = Callable[..., dict[str, Any]]
P256 = {"SigningAlgorithm": "ECDSA_SHA_256"}
MESSAGE = b"what is signed"
DIGEST = hashlib.sha256(MESSAGE).digest()


@pytest.fixture
def make(hub: Account) -> Iterator[Make]:
    """Make keys of the hub that are scheduled for deletion afterwards."""
    kms, made = hub.client("kms"), []

    def create(spec: str = "ECC_NIST_P256", **params: Any) -> dict[str, Any]:
        metadata = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY", **params)["KeyMetadata"]
        made.append(metadata["KeyId"])
        return dict(metadata)

    yield create
    for key_id in made:
        if kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] != "PendingDeletion":
            kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)


@pytest.fixture
def alias(hub: Account, unique: Unique) -> Iterator[str]:
    """A name for an alias, which is removed afterwards."""
    name, kms = f"alias/{unique('conf')}", hub.client("kms")
    yield name
    if any(one["AliasName"] == name for one in kms.list_aliases()["Aliases"]):
        kms.delete_alias(AliasName=name)


@documented("API CreateKey, KeyMetadata")
def test_a_signing_key_says_what_it_can_do(make: Make) -> None:
    """The metadata of a new ECC_NIST_P256 key: Enabled, SIGN_VERIFY, ECDSA_SHA_256, made in KMS, the customer's own."""
    key = make()
    told = {name: key[name] for name in ("KeyState", "Enabled", "KeyUsage", "SigningAlgorithms", "Origin", "KeyManager")}
    assert told == {
        "KeyState": "Enabled",
        "Enabled": True,
        "KeyUsage": "SIGN_VERIFY",
        "SigningAlgorithms": ["ECDSA_SHA_256"],
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
    }


@documented("API Sign, MessageType; KMS developer guide, ECC key specs: DER-encoded ECDSA")
@pytest.mark.parametrize("way", [{"Message": MESSAGE}, {"Message": DIGEST, "MessageType": "DIGEST"}], ids=["RAW", "DIGEST"])
def test_an_ecdsa_signature_holds_outside_kms(hub: Account, make: Make, way: dict[str, Any]) -> None:
    """Sign over the message or over its SHA-256 digest gives a DER signature that the public key verifies over the message."""
    kms, key = hub.client("kms"), make()["Arn"]
    signature = kms.sign(KeyId=key, **P256, **way)["Signature"]
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signature, MESSAGE, ec.ECDSA(hashes.SHA256()))


@documented("KMS developer guide, RSASSA-PSS: salt as long as the digest; RSASSA-PKCS1-v1_5")
def test_rsa_signatures_hold_outside_kms(hub: Account, make: Make) -> None:
    """RSASSA_PSS_SHA_256 has a salt of 32 bytes; RSASSA_PKCS1_V1_5_SHA_256 is plain PKCS #1 v1.5."""
    kms, key = hub.client("kms"), make("RSA_2048")["Arn"]
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, rsa.RSAPublicKey)
    pads: dict[str, padding.AsymmetricPadding] = {
        "RSASSA_PSS_SHA_256": padding.PSS(padding.MGF1(hashes.SHA256()), 32),
        "RSASSA_PKCS1_V1_5_SHA_256": padding.PKCS1v15(),
    }
    for algorithm, pad in pads.items():
        signature = kms.sign(KeyId=key, SigningAlgorithm=algorithm, Message=DIGEST, MessageType="DIGEST")["Signature"]
        public.verify(signature, MESSAGE, pad, hashes.SHA256())


@documented("API Verify, SignatureValid; KMSInvalidSignatureException")
def test_what_does_not_hold_is_an_error(hub: Account, make: Make) -> None:
    """Verify answers SignatureValid true, or fails with KMSInvalidSignatureException; it never answers false."""
    kms, key = hub.client("kms"), make()["Arn"]
    signature = kms.sign(KeyId=key, **P256, Message=MESSAGE)["Signature"]
    assert kms.verify(KeyId=key, **P256, Message=DIGEST, MessageType="DIGEST", Signature=signature)["SignatureValid"] is True
    with refused("KMSInvalidSignatureException"):
        kms.verify(KeyId=key, **P256, Message=MESSAGE + b"!", Signature=signature)


@documented("API Verify: the key that signed")
def test_another_keys_signature_does_not_hold(hub: Account, make: Make) -> None:
    """A signature of one key is none of another."""
    kms = hub.client("kms")
    signature = kms.sign(KeyId=make()["Arn"], **P256, Message=MESSAGE)["Signature"]
    with refused("KMSInvalidSignatureException"):
        kms.verify(KeyId=make()["Arn"], **P256, Message=MESSAGE, Signature=signature)


@observed("clients' reports: Digest is invalid length for algorithm")
def test_a_digest_has_the_length_of_its_algorithm(hub: Account, make: Make) -> None:
    """With MessageType DIGEST the message must be as long as the algorithm's digest."""
    with refused("ValidationException", "Digest is invalid length"):
        hub.client("kms").sign(KeyId=make()["Arn"], **P256, Message=MESSAGE, MessageType="DIGEST")


@documented("API Sign, Message: 1 to 4096 bytes")
def test_a_long_message_must_be_digested(hub: Account, make: Make) -> None:
    """A message of 4096 bytes is signed, one byte more is not."""
    kms, key = hub.client("kms"), make()["Arn"]
    assert kms.sign(KeyId=key, **P256, Message=b"x" * 4096)["Signature"]
    with refused("ValidationException"):
        kms.sign(KeyId=key, **P256, Message=b"x" * 4097)


@documented("API Sign, InvalidKeyUsageException: the algorithm is incompatible with the KeySpec")
def test_an_algorithm_of_another_key_spec_is_refused(hub: Account, make: Make) -> None:
    """A P-256 key does not sign with the algorithm of P-384."""
    with refused("InvalidKeyUsageException"):
        hub.client("kms").sign(KeyId=make()["Arn"], SigningAlgorithm="ECDSA_SHA_384", Message=MESSAGE)


@documented("KMS developer guide, Key states of AWS KMS keys: notes 1 and 3")
def test_a_key_that_is_off_or_going_signs_nothing(hub: Account, make: Make) -> None:
    """A disabled key fails with DisabledException, one that is pending deletion with KMSInvalidStateException."""
    kms, key = hub.client("kms"), make()["Arn"]
    kms.disable_key(KeyId=key)

    def answer() -> str:
        try:
            return str(kms.sign(KeyId=key, **P256, Message=MESSAGE)["KeyId"])
        except kms.exceptions.DisabledException as refusal:
            return str(refusal.response["Error"]["Message"])

    assert eventually(answer, lambda told: told != key) == f"{key} is disabled."
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMSInvalidStateException", "is pending deletion"):
        kms.enable_key(KeyId=key)


@documented("API CancelKeyDeletion: the key state becomes Disabled")
def test_a_rescued_key_is_disabled(hub: Account, make: Make) -> None:
    """A key whose deletion is cancelled is Disabled until it is enabled."""
    kms, key = hub.client("kms"), make()["Arn"]
    answer = kms.schedule_key_deletion(KeyId=key)
    assert (answer["KeyState"], answer["PendingWindowInDays"]) == ("PendingDeletion", 30)
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"


@assumed("the guide says 7 to 30 days, the model allows 1 to 365; the code of the refusal is not told")
def test_a_key_waits_seven_days_at_least(hub: Account, make: Make) -> None:
    """PendingWindowInDays below 7 is a ValidationException."""
    with refused("ValidationException"):
        hub.client("kms").schedule_key_deletion(KeyId=make()["Arn"], PendingWindowInDays=6)


@documented("API CreateAlias, UpdateAlias; KeyId of Sign: alias name and alias ARN")
def test_an_alias_stands_for_its_key(hub: Account, make: Make, alias: str) -> None:
    """A key is found by its alias and the alias's ARN; the alias can be moved, and answers name the key's ARN."""
    kms, first, second = hub.client("kms"), make(), make()
    kms.create_alias(AliasName=alias, TargetKeyId=first["KeyId"])
    arn = f"arn:{hub.partition}:kms:{hub.region}:{hub.id}:{alias}"
    for name in (alias, arn):
        assert (
            eventually(
                lambda name=name: kms.sign(KeyId=name, **P256, Message=MESSAGE), lambda _: True, retry=("NotFoundException",)
            )["KeyId"]
            == first["Arn"]
        )
    kms.update_alias(AliasName=alias, TargetKeyId=second["Arn"])
    assert eventually(lambda: kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"], lambda found: found == second["Arn"])
    with refused("AlreadyExistsException"):
        kms.create_alias(AliasName=alias, TargetKeyId=first["KeyId"])


@documented("API CreateAlias, AliasName: alias/aws/ is reserved")
def test_aliases_of_aws_are_reserved(hub: Account, make: Make) -> None:
    """No alias of a customer begins with alias/aws/."""
    with refused("InvalidAliasNameException"):
        hub.client("kms").create_alias(AliasName="alias/aws/release", TargetKeyId=make()["KeyId"])


@documented("KMS developer guide, Default key policy")
def test_the_default_policy_names_the_account(hub: Account, make: Make) -> None:
    """A key made without a policy gives its account's root kms:*, by which IAM policies decide."""
    policy = json.loads(hub.client("kms").get_key_policy(KeyId=make()["KeyId"], PolicyName="default")["Policy"])
    (statement,) = policy["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Allow", "kms:*", "*")
    assert statement["Principal"] == {"AWS": f"arn:{hub.partition}:iam::{hub.id}:root"}


@documented("API PutKeyPolicy, BypassPolicyLockoutSafetyCheck")
def test_nobody_locks_themselves_out(hub: Account, make: Make) -> None:
    """A policy that would not let its writer put the next one is refused."""
    root = {"AWS": f"arn:{hub.partition}:iam::{hub.id}:root"}
    statement = {"Effect": "Allow", "Principal": root, "Action": "kms:Sign", "Resource": "*"}
    with refused("MalformedPolicyDocumentException"):
        hub.client("kms").put_key_policy(
            KeyId=make()["KeyId"], Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        )


@documented("KMS developer guide, Allowing users in other accounts to use a KMS key")
def test_a_member_verifies_by_arn_where_the_policy_says_so(hub: Account, member: Account, make: Make) -> None:
    """Another account verifies with a key by its ARN once the key's policy names it, and is told nothing before."""
    kms, abroad, key = hub.client("kms"), member.client("kms", hub.region), make()["Arn"]
    asked = {"KeyId": key, **P256, "Message": MESSAGE, "Signature": kms.sign(KeyId=key, **P256, Message=MESSAGE)["Signature"]}
    with refused("AccessDeniedException"):
        abroad.verify(**asked)
    everything = {"AWS": f"arn:{hub.partition}:iam::{hub.id}:root"}, "kms:*"
    verifying = {"AWS": f"arn:{hub.partition}:iam::{member.id}:root"}, ["kms:Verify", "kms:GetPublicKey"]
    statements = [{"Effect": "Allow", "Principal": who, "Action": what, "Resource": "*"} for who, what in (everything, verifying)]
    kms.put_key_policy(KeyId=key, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    answer = eventually(lambda: abroad.verify(**asked), lambda _: True, retry=("AccessDeniedException",))
    assert answer["SignatureValid"] is True
    with refused("AccessDeniedException"):
        abroad.sign(KeyId=key, **P256, Message=MESSAGE)


@documented("KMS developer guide: KMS keys are Regional; API DescribeKey, NotFoundException")
def test_a_key_is_of_one_region(hub: Account, make: Make) -> None:
    """A key id means nothing in another Region."""
    with refused("NotFoundException"):
        hub.client("kms", hub.other_region).describe_key(KeyId=make()["KeyId"])


@documented("API TagResource, ListResourceTags, TagException")
def test_keys_have_tags(hub: Account, make: Make) -> None:
    """Tags are TagKey and TagValue; a key's own may not begin with aws:."""
    kms, key = hub.client("kms"), make(Tags=[{"TagKey": "Team", "TagValue": "desk"}])["KeyId"]
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "Team", "TagValue": "desk"}]
    with refused("TagException"):
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": "aws:x", "TagValue": ""}])


@documented("API Sign, DryRun; DryRunOperationException")
def test_a_dry_run_signs_nothing(hub: Account, make: Make) -> None:
    """A dry run that would succeed ends as DryRunOperationException."""
    with refused("DryRunOperationException"):
        hub.client("kms").sign(KeyId=make()["Arn"], **P256, Message=MESSAGE, DryRun=True)
