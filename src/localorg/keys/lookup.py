"""Which key a KeyId means, and what a caller must be allowed on it.

Flow: KeyId (id, key ARN, alias name, alias ARN) -> `find` -> the key's row -> `access`: the action on the key's ARN, under its policy.
Rules: a key's policy always has a say: without its word nobody has access, IAM's policies or not. Only some operations reach the key of
another account, and whoever asks for one that is not there is told no more than that access is denied.

AWS: KMS API reference, KeyId of each operation and its "Cross-account use"; KMS developer guide, "Key policies", "Condition keys".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localorg.kernel.arn import Arn, parse_arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.keys.records import Cabinet, KeyRecord
from localorg.protocol.calls import Access, ContextKeys, Params, Request

KEY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ALIAS = re.compile(r"(?:^|:)(alias/.+)$")
CROSS_ACCOUNT = frozenset({"DescribeKey", "GetPublicKey", "Sign", "Verify"})
BY_ALIAS = CROSS_ACCOUNT
"""AWS: API reference: these take alias names and alias ARNs, and keys of other accounts; all others take neither."""


@dataclass(frozen=True)
class _Place:
    account: str
    region: str
    name: str


class Lookup:
    """Finds keys and says what must be allowed."""

    def __init__(self, cabinet: Cabinet) -> None:
        self._cabinet = cabinet

    def find(self, request: Request, member: str = "KeyId") -> KeyRecord:
        """Return the key that a member names. Raises NotFoundException, or AccessDenied for another account's."""
        text = request.params[member]
        place = self._place(request, text)
        is_abroad = place.account != request.account
        if is_abroad and request.operation not in CROSS_ACCOUNT:
            # ASSUMED: which code AWS has for another account's key where the operation does not reach across accounts.
            raise not_found(f"Key '{text}' does not exist")
        key = self._at(place)
        if key is None:
            if is_abroad:
                self._deny(request, place, text)
            raise not_found(self._words(place))
        return key

    def rule(self, request: Request) -> Sequence[Access]:
        """Return what an operation on one key needs; the usual access rule."""
        return [self.access(request, self.find(request))]

    def access(self, request: Request, key: KeyRecord) -> Access:
        """Return the access of a request's own action on a key."""
        return Access(
            f"kms:{request.operation}",
            self._cabinet.arn_of(key),
            owner=key.account,
            resource_policy=key.policy,
            policy_decides=True,
            context={**self._context(key), "kms:CallerAccount": request.account, **_requested(request.params)},
        )

    def _context(self, key: KeyRecord) -> dict[str, str | tuple[str, ...]]:
        return {
            **key_keys(key.spec),
            "kms:ResourceAliases": tuple(alias.name for alias in self._cabinet.aliases_of(key)),
        }

    def _place(self, request: Request, text: str) -> _Place:
        arn = parse_arn(text) if text.startswith("arn:") else None
        if text.startswith("arn:"):
            return self._place_of(request, text, arn)
        _refuse_reserved(text)
        if text.startswith("alias/") and request.operation in BY_ALIAS:
            return _Place(request.account, request.region, text)
        if not KEY_ID.fullmatch(text):
            # Observed in clients' reports: a KeyId that is neither id nor ARN.
            raise not_found(f"Invalid keyId '{text}'")
        return _Place(request.account, request.region, f"key/{text}")

    def _place_of(self, request: Request, text: str, arn: Arn | None) -> _Place:
        mine = self._cabinet.arn("", "", "x").split(":")[1]
        if arn is None or arn.service != "kms" or arn.partition != mine:
            raise AwsError("InvalidArnException", f"Invalid arn {text}")
        if arn.region != request.region:
            # Observed in clients' reports: an ARN of another Region.
            raise not_found(f"Invalid arn {arn.region}")
        _refuse_reserved(arn.resource)
        if not arn.resource.startswith("key/") and not (arn.resource.startswith("alias/") and request.operation in BY_ALIAS):
            raise AwsError("InvalidArnException", f"{text} is not a valid key ARN" + _hint(request.operation))
        return _Place(arn.account, arn.region, arn.resource)

    def _at(self, place: _Place) -> KeyRecord | None:
        if place.name.startswith("key/"):
            return self._cabinet.key(place.account, place.region, place.name.partition("/")[2])
        alias = self._cabinet.alias(place.account, place.region, place.name)
        return self._cabinet.key(alias.account, alias.region, alias.key_id) if alias else None

    def _words(self, place: _Place) -> str:
        arn = self._cabinet.arn(place.account, place.region, place.name)
        return f"Key '{arn}' does not exist" if place.name.startswith("key/") else f"Alias {arn} is not found."

    @staticmethod
    def _deny(request: Request, place: _Place, text: str) -> None:
        request.check(Access(f"kms:{request.operation}", text, owner=place.account, policy_decides=True))


def not_found(words: str) -> AwsError:
    """Return KMS's refusal of what is not there."""
    return AwsError("NotFoundException", words)


def key_keys(spec: str) -> dict[str, str | tuple[str, ...]]:
    """Return the condition keys that say what a key is."""
    return {"kms:KeySpec": spec, "kms:KeyUsage": "SIGN_VERIFY", "kms:KeyOrigin": "AWS_KMS", "kms:MultiRegion": "false"}


def _requested(params: Params) -> ContextKeys:
    found: dict[str, str | tuple[str, ...]] = {}
    if "SigningAlgorithm" in params:
        found["kms:SigningAlgorithm"] = params["SigningAlgorithm"]
        # ASSUMED: a message without a type is RAW for the condition key too, as the parameter's default says.
        found["kms:MessageType"] = params.get("MessageType", "RAW")
    if alias := ALIAS.search(params.get("KeyId", "")):
        found["kms:RequestAlias"] = alias[1]
    return found


def _hint(operation: str) -> str:
    return f": {operation} takes a key's id or its ARN, no alias." if operation not in BY_ALIAS else ""


def _refuse_reserved(name: str) -> None:
    if name.startswith("alias/aws/"):
        raise NotSupported(f"keys that AWS manages ({name})")


def refuse_grants(params: dict[str, Any]) -> None:
    """Raise NotSupported for grant tokens: there are no grants here."""
    if params.get("GrantTokens"):
        raise NotSupported("grants (GrantTokens)")
