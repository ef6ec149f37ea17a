"""The partitions of AWS: aws, aws-us-gov and aws-cn, each an AWS of its own. botocore's data says what is in them.

Flow: the spec's partition -> `partition(name)` -> its Regions, the suffix of its host names, the Region of its global services.
Rules: nothing of another partition is known here: no Region, no ARN, no host name, no credentials.
Refuses to know: which Regions an organization uses (the settings).

AWS: IAM user guide, "Amazon Resource Names (ARNs)", "Partitions"; botocore's partitions.json and endpoints.json.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.loaders import Loader

NAMES = ("aws", "aws-us-gov", "aws-cn")
"""The partitions that an organization can be in here; botocore knows a few more, which nobody outside can see."""
PRINCIPALS_WITH_SUFFIX = frozenset({"ec2", "elasticmapreduce", "s3"})
"""Services whose principal ends like the partition's host names. Observed: in China ec2.amazonaws.com.cn and s3.amazonaws.com.cn, but
monitoring.rds.amazonaws.com.cn is refused there, and most services are SERVICE.amazonaws.com everywhere."""


@dataclass(frozen=True)
class Partition:
    """One AWS."""

    name: str
    dns_suffix: str
    regions: tuple[str, ...]
    """The Regions that botocore lists, its names for "everywhere" (aws-us-gov-global) among them."""
    _pattern: str
    _home: str

    def has(self, region: str) -> bool:
        """Say whether `region` belongs here: botocore lists it, or it is named like the Regions of this partition."""
        return region in self.regions or re.match(self._pattern, region) is not None

    def home_region(self, service: str) -> str:
        """Return the Region of a global service, in which it is signed and of which aws:RequestedRegion speaks."""
        for entry in _loaded("endpoints"):
            if entry["partition"] == self.name:
                described = entry["services"].get(service, {})
                endpoint = described.get("endpoints", {}).get(described.get("partitionEndpoint"), {})
                return str(endpoint.get("credentialScope", {}).get("region", self._home))
        return self._home

    def service_principal(self, service: str) -> str:
        """Return how policies name a service (ec2, ssm)."""
        return f"{service}.{self.dns_suffix if service in PRINCIPALS_WITH_SUFFIX else 'amazonaws.com'}"


@cache
def partition(name: str) -> Partition:
    """Return a partition by its name. Raises KeyError."""
    entry = {entry["id"]: entry for entry in _loaded("partitions")}[name]
    outputs = entry["outputs"]
    return Partition(name, outputs["dnsSuffix"], tuple(entry["regions"]), entry["regionRegex"], outputs["implicitGlobalRegion"])


def partition_of(region: str) -> str | None:
    """Return the name of the partition that has `region`, one that no organization can be in here among them, or None."""
    names = [str(entry["id"]) for entry in _loaded("partitions")]
    return next((name for name in names if partition(name).has(region)), None)


@cache
def _loaded(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = Loader().load_data(name)["partitions"]
    return entries
