"""Aliases: names of keys, of one account and Region.

Rules: a key that is deleted takes its aliases along. AWS moves an alias only between keys of one kind and usage; here all are.

AWS: KMS API reference, CreateAlias, UpdateAlias, DeleteAlias, ListAliases; Service Authorization Reference: each change needs access to
the alias (by IAM) and to the key (by its policy).
"""

from collections.abc import Sequence

from localorg.kernel.errors import AwsError, NotSupported
from localorg.kernel.paging import page_of
from localorg.keys import states
from localorg.keys.lookup import Lookup, not_found
from localorg.keys.pages import PAGE, invalid_marker, paged
from localorg.keys.records import AliasRecord, Cabinet, KeyRecord
from localorg.protocol.calls import Access, Operation, Output, Request

ALIASES_MAX = 50
"""AWS: KMS developer guide, "Resource quotas", aliases per KMS key."""


class Aliases:
    """The operations on aliases."""

    def __init__(self, cabinet: Cabinet, lookup: Lookup) -> None:
        self._cabinet = cabinet
        self._lookup = lookup

    def operations(self) -> list[Operation]:
        """Return the operations on aliases."""
        return [
            Operation("kms", "CreateAlias", self._create, self._access),
            Operation("kms", "UpdateAlias", self._update, self._access),
            Operation("kms", "DeleteAlias", self._delete, self._access),
            Operation("kms", "ListAliases", self._list),
        ]

    def _access(self, request: Request) -> Sequence[Access]:
        """Return what a change of an alias needs: the alias itself, the key it has, and the key it is to have."""
        name = _checked(request)
        arn = self._cabinet.arn(request.account, request.region, name)
        needed = [Access(f"kms:{request.operation}", arn)]
        known = self._cabinet.alias(request.account, request.region, name)
        if request.operation != "CreateAlias":
            needed.append(self._lookup.access(request, self._key(self._known(request, known))))
        if "TargetKeyId" in request.params:
            needed.append(self._lookup.access(request, self._lookup.find(request, "TargetKeyId")))
        return needed

    def _create(self, request: Request) -> Output:
        name = request.params["AliasName"]
        key = self._target(request)
        if self._cabinet.alias(request.account, request.region, name):
            arn = self._cabinet.arn(request.account, request.region, name)
            raise AwsError("AlreadyExistsException", f"An alias with the name {arn} already exists")
        self._cabinet.keep_alias(
            AliasRecord(request.account, request.region, name, key.key_id, created=request.now, updated=request.now)
        )
        return {}

    def _update(self, request: Request) -> Output:
        alias = self._known(request, self._cabinet.alias(request.account, request.region, request.params["AliasName"]))
        key = self._target(request)
        alias.key_id, alias.updated = key.key_id, request.now
        self._cabinet.keep_alias(alias)
        return {}

    def _delete(self, request: Request) -> Output:
        self._cabinet.drop_alias(
            self._known(request, self._cabinet.alias(request.account, request.region, request.params["AliasName"]))
        )
        return {}

    def _list(self, request: Request) -> Output:
        aliases = self._cabinet.aliases(request.account, request.region)
        if "KeyId" in request.params:
            key = self._lookup.find(request)
            aliases = [alias for alias in aliases if alias.key_id == key.key_id]
        limit = request.params.get("Limit", PAGE)
        page, marker = page_of("aliases", aliases, lambda one: one.name, limit, request.params.get("Marker"), invalid_marker())
        return {"Aliases": [self._shape(alias) for alias in page], **paged(marker)}

    def _shape(self, alias: AliasRecord) -> Output:
        return {
            "AliasName": alias.name,
            "AliasArn": self._cabinet.arn(alias.account, alias.region, alias.name),
            "TargetKeyId": alias.key_id,
            "CreationDate": alias.created,
            "LastUpdatedDate": alias.updated,
        }

    def _target(self, request: Request) -> KeyRecord:
        key = self._lookup.find(request, "TargetKeyId")
        states.check(key, self._cabinet.arn_of(key), request.operation)
        if len(self._cabinet.aliases_of(key)) >= ALIASES_MAX:
            raise AwsError("LimitExceededException", f"A key has at most {ALIASES_MAX} aliases.")
        return key

    def _known(self, request: Request, alias: AliasRecord | None) -> AliasRecord:
        if alias is None:
            arn = self._cabinet.arn(request.account, request.region, request.params["AliasName"])
            raise not_found(f"Alias {arn} is not found.")
        return alias

    def _key(self, alias: AliasRecord) -> KeyRecord:
        key = self._cabinet.key(alias.account, alias.region, alias.key_id)
        if key is None:
            raise LookupError(f"{alias.name} has outlived its key {alias.key_id}")
        return key


def _checked(request: Request) -> str:
    name: str = request.params["AliasName"]
    if name.startswith("alias/aws/"):
        if request.operation == "CreateAlias":
            raise AwsError(
                "InvalidAliasNameException", f"{name} begins with alias/aws/, which is kept for keys that AWS manages."
            )
        raise NotSupported(f"keys that AWS manages ({name})")
    if not name.startswith("alias/") or name == "alias/":
        raise AwsError("ValidationException", f"Invalid identifier: an alias begins with alias/, found {name}")
    if ":" in name:
        raise AwsError("InvalidAliasNameException", f"{name} contains a character that an alias cannot have")
    return name
