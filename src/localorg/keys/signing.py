"""Sign, Verify and GetPublicKey: what a key is there for.

Flow: access rule (lookup) -> state -> algorithm of the key's spec? -> `material`.
Rules: a signature that does not hold is the error KMSInvalidSignatureException, never `SignatureValid: false`. A dry run comes as far as
the cryptography and ends as DryRunOperationException.

AWS: KMS API reference, Sign, Verify, GetPublicKey.
"""

from localorg.kernel.errors import AwsError, NotSupported
from localorg.keys import material, states
from localorg.keys.lookup import Lookup, refuse_grants
from localorg.keys.records import Cabinet, KeyRecord
from localorg.protocol.calls import Operation, Output, Request


class Signing:
    """The three operations."""

    def __init__(self, cabinet: Cabinet, lookup: Lookup) -> None:
        self._cabinet = cabinet
        self._lookup = lookup

    def operations(self) -> list[Operation]:
        """Return the operations on signatures."""
        return [
            Operation("kms", "Sign", self._sign, self._lookup.rule),
            Operation("kms", "Verify", self._verify, self._lookup.rule),
            Operation("kms", "GetPublicKey", self._public, self._lookup.rule),
        ]

    def _sign(self, request: Request) -> Output:
        key, is_digest = self._ready(request)
        params = request.params
        signature = material.sign(key.private_pem, params["SigningAlgorithm"], params["Message"], is_digest=is_digest)
        return {**self._told(key, request), "Signature": signature}

    def _verify(self, request: Request) -> Output:
        key, is_digest = self._ready(request)
        params = request.params
        holds = material.verify(
            key.private_pem, params["SigningAlgorithm"], params["Message"], params["Signature"], is_digest=is_digest
        )
        if not holds:
            # Observed in clients' reports: the exception says it all, its message is empty.
            raise AwsError("KMSInvalidSignatureException", "")
        return {**self._told(key, request), "SignatureValid": True}

    def _public(self, request: Request) -> Output:
        refuse_grants(request.params)
        key = self._lookup.find(request)
        arn = self._cabinet.arn_of(key)
        states.check(key, arn, request.operation)
        return {
            "KeyId": arn,
            "PublicKey": material.public_key(key.private_pem),
            **described_spec(key),
        }

    def _ready(self, request: Request) -> tuple[KeyRecord, bool]:
        params = request.params
        refuse_grants(params)
        kind, algorithm = params.get("MessageType", "RAW"), params["SigningAlgorithm"]
        if kind == "EXTERNAL_MU":
            raise NotSupported("MessageType EXTERNAL_MU", f"kms:{request.operation}")
        key = self._lookup.find(request)
        arn = self._cabinet.arn_of(key)
        states.check(key, arn, request.operation)
        if algorithm not in material.SPECS[key.spec].algorithms:
            raise AwsError("InvalidKeyUsageException", f"{arn} key spec {key.spec} does not support the algorithm {algorithm}.")
        if params.get("DryRun"):
            raise AwsError("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
        return key, kind == "DIGEST"

    def _told(self, key: KeyRecord, request: Request) -> Output:
        return {"KeyId": self._cabinet.arn_of(key), "SigningAlgorithm": request.params["SigningAlgorithm"]}


def described_spec(key: KeyRecord) -> Output:
    """Return the members by which answers say what a key is."""
    return {
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "KeyUsage": "SIGN_VERIFY",
        "SigningAlgorithms": list(material.SPECS[key.spec].algorithms),
    }
