"""KMS keys that sign: a signer whose private key never leaves KMS, and its public key for a trust root.

Flow: ARN (of key or alias) or alias/NAME -> GetPublicKey -> a key whose id is the key's ARN -> Sign over the SHA-256 of what is signed.

Rules: ECDSA_SHA_256 with a P-256 key, RSASSA_PSS_SHA_256 with an RSA key; these are what the publish step in AWS verifies. The Region is
the ARN's. Only the digest is sent. Refuses to know: what is signed.
"""

import hashlib
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_public_key
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey

from csd.aws.identity import Principal, asking
from csd.errors import CsdInputError, Problem

# AWS's algorithm, in the order of choice -> securesystemslib's scheme.
SCHEMES = {"ECDSA_SHA_256": "ecdsa-sha2-nistp256", "RSASSA_PSS_SHA_256": "rsassa-pss-sha256"}
_DENIED = "The key's policy, and yours where that leaves it to IAM, must allow kms:GetPublicKey and kms:Sign."


class KmsSigner(Signer):
    """Signs with one KMS key."""

    def __init__(self, principal: Principal, reference: str) -> None:
        self._account = principal.account
        self._kms = principal.client("kms")
        self._key, self._algorithm = self._public(reference)

    @property
    def public_key(self) -> SSlibKey:
        """The public key; its id is the key's ARN."""
        return self._key

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None) -> "KmsSigner":
        """Not how csd finds its keys."""
        raise NotImplementedError(priv_key_uri)

    def sign(self, payload: bytes) -> Signature:
        """Sign the SHA-256 of `payload`. Raises AwsRefused."""
        with asking(self._kms, self._account, {"AccessDeniedException": _DENIED}):
            answer = self._kms.sign(
                KeyId=self._key.keyid,
                Message=hashlib.sha256(payload).digest(),
                MessageType="DIGEST",
                SigningAlgorithm=self._algorithm,
            )
        return Signature(self._key.keyid, answer["Signature"].hex())

    def _public(self, reference: str) -> tuple[SSlibKey, str]:
        with asking(self._kms, self._account, {"AccessDeniedException": _DENIED}):
            told: dict[str, Any] = self._kms.get_public_key(KeyId=reference)
        usable = [algorithm for algorithm in SCHEMES if algorithm in told.get("SigningAlgorithms", ())]
        if not usable or told["KeySpec"] == "ECC_SECG_P256K1":
            what = f"is a key of {told['KeySpec']} for {told['KeyUsage']}, with which csd does not sign."
            raise CsdInputError(
                [Problem(reference, what, "Make a key with KeyUsage SIGN_VERIFY, KeySpec ECC_NIST_P256 or RSA_3072.")]
            )
        public: Any = load_der_public_key(told["PublicKey"])
        return SSlibKey.from_crypto(public, told["KeyId"], SCHEMES[usable[0]]), usable[0]


def kms_signer(reference: str, region: str = "") -> KmsSigner:
    """Who signs with a key of KMS, in the Region of its ARN, else in this or the environment's. Raises AwsRefused, CsdInputError."""
    parts = reference.split(":")
    of_arn = parts[3] if reference.startswith("arn:") and len(parts) > 5 else ""
    return KmsSigner(Principal.of_environment(of_arn or region), reference)
