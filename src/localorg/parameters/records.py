"""What is kept of Parameter Store: one row per parameter, one per version of it.

Rules: rows are keyed (account, region, name) and (account, region, name, number); times are epoch seconds. The newest
VERSIONS_KEPT versions are kept; numbers are not used twice, not even after the oldest was dropped.
"""

from dataclasses import dataclass, field

from localorg.kernel.store import Store, Table

VERSIONS_KEPT = 100
"""AWS: API ParameterMaxVersionLimitExceeded, "retains the 100 most recently created versions"."""
STANDARD_MAX, ADVANCED_MAX = 10_000, 100_000
"""AWS: API PutParameterRequest.Tier, parameters of an account and Region."""


@dataclass
class ParameterVersion:
    """One value that a parameter has or had, and who gave it."""

    number: int
    value: str
    modified: float
    user: str
    tier: str = "Standard"
    data_type: str = "text"
    description: str = ""
    allowed_pattern: str = ""
    labels: list[str] = field(default_factory=list)


@dataclass
class ParameterRecord:
    """What all versions of a parameter have in common."""

    account: str
    region: str
    name: str
    type: str
    last_number: int = 0
    tags: dict[str, str] = field(default_factory=dict)


class Drawer:
    """The rows of parameters."""

    def __init__(self, store: Store) -> None:
        self.parameters: Table[ParameterRecord] = store.table("ssm.parameter", ParameterRecord)
        self.versions: Table[ParameterVersion] = store.table("ssm.parameter-version", ParameterVersion)

    def get(self, account: str, region: str, name: str) -> ParameterRecord | None:
        """Return a parameter by its exact name, or None."""
        return self.parameters.get(account, region, name)

    def all_of(self, account: str, region: str) -> list[ParameterRecord]:
        """Return every parameter of an account and Region, by name."""
        return sorted(self.parameters.values(account, region), key=lambda record: record.name)

    def versions_of(self, record: ParameterRecord) -> list[ParameterVersion]:
        """Return the versions that are kept, oldest first."""
        return self.versions.values(record.account, record.region, record.name)

    def latest(self, record: ParameterRecord) -> ParameterVersion:
        """Return the newest version."""
        return self.versions_of(record)[-1]

    def keep(self, record: ParameterRecord, version: ParameterVersion | None = None) -> None:
        """Write the parameter, with a new version when one is given; the oldest version falls away when there are too many."""
        key = (record.account, record.region, record.name)
        self.parameters.put(record, *key)
        if version is not None:
            self.versions.put(version, *key, str(version.number))
            for old in self.versions_of(record)[:-VERSIONS_KEPT]:
                self.versions.delete(*key, str(old.number))

    def relabelled(self, record: ParameterRecord, version: ParameterVersion) -> None:
        """Write a version whose labels have changed."""
        self.versions.put(version, record.account, record.region, record.name, str(version.number))

    def drop(self, record: ParameterRecord) -> None:
        """Remove a parameter with all its versions."""
        key = (record.account, record.region, record.name)
        for version in self.versions_of(record):
            self.versions.delete(*key, str(version.number))
        self.parameters.delete(*key)
