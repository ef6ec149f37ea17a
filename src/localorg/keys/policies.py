"""Key policies: the one policy of each key, without whose word nobody has access.

Flow: document -> `KeyPolicies` of identity (checked; users and roles become their unique ids) -> would its writer still be able to change
it? -> the key's row -> given back with the ARNs of today.
Rules: the default policy hands the decision to the account's own IAM policies; the account's root user has no more than the policy says.

AWS: KMS developer guide, "Key policies in AWS KMS", "Default key policy", "Creating a key policy"; API PutKeyPolicy.
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from localorg.kernel.errors import AccessDenied, AwsError, NotSupported
from localorg.kernel.paging import page_of
from localorg.keys.lookup import Lookup
from localorg.keys.pages import PAGE, invalid_marker, paged
from localorg.keys.records import Cabinet
from localorg.protocol.calls import Access, Operation, Output, Request

POLICY_BYTES_MAX = 32 * 1024
"""AWS: KMS developer guide, "Resource quotas", key policy document size."""
DEFAULT = "default"


class KeyPolicies(Protocol):
    """Who reads policies of resources."""

    def kept(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document to keep. Raises AwsError when it is malformed."""
        ...

    def shown(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a kept document as its readers see it."""
        ...


class Policies:
    """The operations on key policies, and the policy of a key that is made."""

    def __init__(self, cabinet: Cabinet, lookup: Lookup, reader: KeyPolicies) -> None:
        self._cabinet = cabinet
        self._lookup = lookup
        self._reader = reader

    def operations(self) -> list[Operation]:
        """Return the operations on policies."""
        return [
            Operation("kms", "GetKeyPolicy", self._get, self._lookup.rule),
            Operation("kms", "PutKeyPolicy", self._put, self._lookup.rule),
            Operation("kms", "ListKeyPolicies", self._list, self._lookup.rule),
        ]

    def of_new(self, request: Request, arn: str) -> dict[str, Any]:
        """Return the policy of a key that is made, given or default. Raises AwsError."""
        if "Policy" in request.params:
            return self._checked(request, arn)
        root = self._cabinet.arn(request.account, "", "root").replace(":kms:", ":iam:")
        statement = {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": root},
            "Action": "kms:*",
            "Resource": "*",
        }
        return {"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}

    def _get(self, request: Request) -> Output:
        key = self._lookup.find(request)
        _check_name(request)
        return {"Policy": json.dumps(self._reader.shown(key.policy), indent=2), "PolicyName": DEFAULT}

    def _put(self, request: Request) -> Output:
        key = self._lookup.find(request)
        if request.params.get("PolicyName", DEFAULT) != DEFAULT:
            raise AwsError("UnsupportedOperationException", f"The only policy of a key is called {DEFAULT}.")
        key.policy = self._checked(request, self._cabinet.arn_of(key))
        self._cabinet.keep(key)
        return {}

    def _list(self, request: Request) -> Output:
        self._lookup.find(request)
        names, marker = page_of("policies", [DEFAULT], str, PAGE, request.params.get("Marker"), invalid_marker())
        return {"PolicyNames": names, **paged(marker)}

    def _checked(self, request: Request, arn: str) -> dict[str, Any]:
        text = request.params["Policy"]
        if len(text.encode()) > POLICY_BYTES_MAX:
            raise AwsError("LimitExceededException", f"A key policy has at most {POLICY_BYTES_MAX} bytes.")
        try:
            policy = self._reader.kept(_document(text))
        except NotSupported:
            raise
        except AwsError as refusal:
            raise _malformed(refusal.message) from refusal
        if not request.params.get("BypassPolicyLockoutSafetyCheck"):
            self._refuse_lockout(request, arn, policy)
        return policy

    @staticmethod
    def _refuse_lockout(request: Request, arn: str, policy: dict[str, Any]) -> None:
        change = Access("kms:PutKeyPolicy", arn, owner=request.account, resource_policy=policy, policy_decides=True)
        try:
            request.check(change)
        except AccessDenied as denied:
            # AWS: API PutKeyPolicy, BypassPolicyLockoutSafetyCheck; Observed in clients' reports: the sentence.
            raise _malformed("The new key policy will not allow you to update the key policy in the future.") from denied


def _document(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
        # Half of a surrogate pair is no character: it could be neither kept nor told.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise _malformed(f"The policy is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _malformed("The policy is no JSON object.")
    return found


def _malformed(words: str) -> AwsError:
    return AwsError("MalformedPolicyDocumentException", words)


def _check_name(request: Request) -> None:
    if request.params.get("PolicyName", DEFAULT) != DEFAULT:
        raise AwsError("NotFoundException", "No such policy exists")
