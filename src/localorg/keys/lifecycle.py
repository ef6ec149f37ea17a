"""Keys come, are described, switched off and on, and go after a waiting time.

Flow: CreateKey -> what is not supported is refused by name -> id, private key, policy -> row. ScheduleKeyDeletion -> an alarm that
outlives a restart -> the row and its aliases are gone.
Rules: only asymmetric keys that sign, made here; every other kind is refused by name.

AWS: KMS API reference, CreateKey, DescribeKey, EnableKey, DisableKey, ScheduleKeyDeletion, CancelKeyDeletion, UpdateKeyDescription.
"""

from collections.abc import Sequence
from typing import Any

from localorg.kernel import ids
from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.events import Event, Kernel
from localorg.kernel.paging import page_of
from localorg.keys import material, states
from localorg.keys.lookup import Lookup, key_keys, refuse_grants
from localorg.keys.pages import PAGE, invalid_marker, paged
from localorg.keys.policies import Policies
from localorg.keys.records import Cabinet, KeyRecord
from localorg.keys.signing import described_spec
from localorg.keys.tags import checked_tags
from localorg.protocol.calls import Access, Operation, Output, Params, Request

ENGINE, DELETE = "kms", "delete"
DAY = 86_400.0
WINDOW_DAYS = range(7, 31)
WINDOW_DEFAULT = 30


class Lifecycle:
    """The operations on whole keys."""

    def __init__(self, kernel: Kernel, cabinet: Cabinet, lookup: Lookup, policies: Policies) -> None:
        self._kernel = kernel
        self._cabinet = cabinet
        self._lookup = lookup
        self._policies = policies
        kernel.on(ENGINE, self._due)

    def operations(self) -> list[Operation]:
        """Return the operations on keys."""
        on_key = {
            "DescribeKey": self._describe,
            "EnableKey": self._enable,
            "DisableKey": self._disable,
            "ScheduleKeyDeletion": self._schedule,
            "CancelKeyDeletion": self._cancel,
            "UpdateKeyDescription": self._redescribe,
        }
        return [
            Operation("kms", "CreateKey", self._create, _create_access),
            Operation("kms", "ListKeys", self._list),
            *(Operation("kms", name, handler, self._lookup.rule) for name, handler in on_key.items()),
        ]

    def _create(self, request: Request) -> Output:
        spec = _spec(request.params)
        tags = checked_tags({}, request.params.get("Tags", ()))
        key_id = ids.uuid(self._kernel.dice)
        arn = self._cabinet.arn(request.account, request.region, f"key/{key_id}")
        key = KeyRecord(
            account=request.account,
            region=request.region,
            key_id=key_id,
            spec=spec,
            private_pem="",
            created=request.now,
            policy=self._policies.of_new(request, arn),
            description=request.params.get("Description", ""),
            tags=tags,
        )
        key.private_pem = material.make(spec)
        self._cabinet.keep(key)
        return {"KeyMetadata": self._metadata(key)}

    def _list(self, request: Request) -> Output:
        keys = self._cabinet.keys(request.account, request.region)
        limit = request.params.get("Limit", PAGE)
        page, marker = page_of("keys", keys, lambda key: key.key_id, limit, request.params.get("Marker"), invalid_marker())
        listed = [{"KeyId": key.key_id, "KeyArn": self._cabinet.arn_of(key)} for key in page]
        return {"Keys": listed, **paged(marker)}

    def _describe(self, request: Request) -> Output:
        refuse_grants(request.params)
        return {"KeyMetadata": self._metadata(self._lookup.find(request))}

    def _enable(self, request: Request) -> Output:
        key = self._changeable(request)
        key.state = "Enabled"
        self._cabinet.keep(key)
        return {}

    def _disable(self, request: Request) -> Output:
        key = self._changeable(request)
        key.state = "Disabled"
        self._cabinet.keep(key)
        return {}

    def _redescribe(self, request: Request) -> Output:
        key = self._changeable(request)
        key.description = request.params["Description"]
        self._cabinet.keep(key)
        return {}

    def _schedule(self, request: Request) -> Output:
        key = self._changeable(request)
        days = request.params.get("PendingWindowInDays", WINDOW_DEFAULT)
        if days not in WINDOW_DAYS:
            # AWS: API ScheduleKeyDeletion: "a value between 7 and 30"; the model allows more. ASSUMED: the code.
            raise AwsError("ValidationException", f"PendingWindowInDays must be between 7 and 30, inclusive; found {days}.")
        key.state, key.deletion = "PendingDeletion", request.now + days * DAY
        place = {"account": key.account, "region": key.region, "key_id": key.key_id}
        key.alarm = self._kernel.at(key.deletion, Event(ENGINE, DELETE, place))
        self._cabinet.keep(key)
        return {
            "KeyId": self._cabinet.arn_of(key),
            "DeletionDate": key.deletion,
            "KeyState": key.state,
            "PendingWindowInDays": days,
        }

    def _cancel(self, request: Request) -> Output:
        key = self._changeable(request)
        self._kernel.cancel(key.alarm)
        # AWS: API CancelKeyDeletion: the key is Disabled afterwards.
        key.state, key.deletion, key.alarm = "Disabled", 0.0, ""
        self._cabinet.keep(key)
        return {"KeyId": self._cabinet.arn_of(key)}

    def _due(self, event: Event) -> None:
        key = self._cabinet.key(event.data["account"], event.data["region"], event.data["key_id"])
        if key is not None and key.state == "PendingDeletion" and key.deletion <= self._kernel.now():
            self._cabinet.drop(key)

    def _changeable(self, request: Request) -> KeyRecord:
        key = self._lookup.find(request)
        states.check(key, self._cabinet.arn_of(key), request.operation)
        return key

    def _metadata(self, key: KeyRecord) -> dict[str, Any]:
        going = {"DeletionDate": key.deletion} if key.state == "PendingDeletion" else {}
        return {
            "AWSAccountId": key.account,
            "KeyId": key.key_id,
            "Arn": self._cabinet.arn_of(key),
            "CreationDate": key.created,
            "Enabled": key.state == "Enabled",
            "Description": key.description,
            "KeyState": key.state,
            "Origin": "AWS_KMS",
            "KeyManager": "CUSTOMER",
            "MultiRegion": False,
            **described_spec(key),
            **going,
        }


def _create_access(request: Request) -> Sequence[Access]:
    asked = {"kms:BypassPolicyLockoutSafetyCheck": str(bool(request.params.get("BypassPolicyLockoutSafetyCheck"))).lower()}
    context = {**key_keys(_spec(request.params)), **asked}
    needed = [Access("kms:CreateKey", context=context)]
    if request.params.get("Tags"):
        needed.append(Access("kms:TagResource", context=context))
    return needed


def _spec(params: Params) -> str:
    """Return the key spec that is asked for. Raises AwsError for what cannot be made here."""
    _refuse_unsupported(params)
    if "KeySpec" in params and "CustomerMasterKeySpec" in params:
        raise AwsError("ValidationException", "You cannot specify KeySpec and CustomerMasterKeySpec in the same request.")
    spec: str = params.get("KeySpec") or params.get("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    usage = params.get("KeyUsage")
    if spec != "SYMMETRIC_DEFAULT" and not usage:
        # Observed in clients' reports.
        raise AwsError(
            "ValidationException", "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
        )
    if spec not in material.SPECS:
        raise NotSupported(f"keys of KeySpec {spec}", "kms:CreateKey")
    if usage == "SIGN_VERIFY":
        return spec
    if usage == "GENERATE_VERIFY_MAC" or (usage == "ENCRYPT_DECRYPT" and not spec.startswith("RSA")):
        raise AwsError("ValidationException", f"KeyUsage {usage} is not compatible with KeySpec {spec}.")
    raise NotSupported(f"KeyUsage {usage}", "kms:CreateKey")


def _refuse_unsupported(params: Params) -> None:
    if params.get("MultiRegion"):
        raise NotSupported("multi-Region keys (MultiRegion)", "kms:CreateKey")
    if params.get("Origin", "AWS_KMS") != "AWS_KMS":
        raise NotSupported(f"Origin {params['Origin']}", "kms:CreateKey")
    for name in ("CustomKeyStoreId", "XksKeyId"):
        if name in params:
            raise NotSupported(f"key stores ({name})", "kms:CreateKey")
