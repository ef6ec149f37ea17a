"""What is kept of KMS: one row per key, one per alias.

Rules: rows are keyed (account, region, key id) and (account, region, alias name); times are epoch seconds. The private key is PEM in the
key's row and leaves it only to sign. The policy is kept with its users and roles as unique ids.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from localorg.kernel.store import Store, Table

KeyState = Literal["Enabled", "Disabled", "PendingDeletion"]


@dataclass
class KeyRecord:
    """One key."""

    account: str
    region: str
    key_id: str
    spec: str
    private_pem: str
    created: float
    policy: dict[str, Any]
    description: str = ""
    state: KeyState = "Enabled"
    deletion: float = 0.0
    """When the key will be deleted, while it is PendingDeletion."""
    alarm: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class AliasRecord:
    """Another name of a key."""

    account: str
    region: str
    name: str
    key_id: str
    created: float
    updated: float


class Cabinet:
    """The rows of keys and aliases."""

    def __init__(self, store: Store, partition: str) -> None:
        self._keys: Table[KeyRecord] = store.table("kms.key", KeyRecord)
        self._aliases: Table[AliasRecord] = store.table("kms.alias", AliasRecord)
        self._partition = partition

    def key(self, account: str, region: str, key_id: str) -> KeyRecord | None:
        """Return a key by its id, or None."""
        return self._keys.get(account, region, key_id)

    def keys(self, account: str, region: str) -> list[KeyRecord]:
        """Return every key of an account and Region, by id."""
        return sorted(self._keys.values(account, region), key=lambda key: key.key_id)

    def keep(self, key: KeyRecord) -> None:
        """Write a key."""
        self._keys.put(key, key.account, key.region, key.key_id)

    def drop(self, key: KeyRecord) -> None:
        """Remove a key and its aliases."""
        for alias in self.aliases(key.account, key.region):
            if alias.key_id == key.key_id:
                self.drop_alias(alias)
        self._keys.delete(key.account, key.region, key.key_id)

    def alias(self, account: str, region: str, name: str) -> AliasRecord | None:
        """Return an alias by its name (alias/...), or None."""
        return self._aliases.get(account, region, name)

    def aliases(self, account: str, region: str) -> list[AliasRecord]:
        """Return every alias of an account and Region, by name."""
        return sorted(self._aliases.values(account, region), key=lambda alias: alias.name)

    def aliases_of(self, key: KeyRecord) -> list[AliasRecord]:
        """Return the aliases of a key, by name."""
        return [alias for alias in self.aliases(key.account, key.region) if alias.key_id == key.key_id]

    def keep_alias(self, alias: AliasRecord) -> None:
        """Write an alias."""
        self._aliases.put(alias, alias.account, alias.region, alias.name)

    def drop_alias(self, alias: AliasRecord) -> None:
        """Remove an alias."""
        self._aliases.delete(alias.account, alias.region, alias.name)

    def arn(self, account: str, region: str, resource: str) -> str:
        """Return the ARN of key/ID or alias/NAME."""
        return f"arn:{self._partition}:kms:{region}:{account}:{resource}"

    def arn_of(self, key: KeyRecord) -> str:
        """Return a key's ARN."""
        return self.arn(key.account, key.region, f"key/{key.key_id}")
