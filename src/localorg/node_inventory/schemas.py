"""The types of inventory that AWS defines, with their attributes, and what a custom type may be. Pure.

AWS: user guide "Metadata collected by inventory"; AWS agent: gatherers and their schema versions.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

INSTANCE_INFORMATION = "AWS:InstanceInformation"
COMPLIANCE_ITEM = "AWS:ComplianceItem"
CUSTOM_TYPES_MAX = 20
"""AWS: general reference, Systems Manager quotas: custom data types of an account."""
CUSTOM_NAME = re.compile(r"Custom:[A-Za-z0-9_.\-]+(:[A-Za-z0-9_.\-]+)*")
"""ASSUMED: the characters of a custom type's name."""


@dataclass(frozen=True)
class Schema:
    """One type: the versions that are taken, newest last, and the names of its attributes."""

    versions: tuple[str, ...]
    attributes: tuple[str, ...]
    aggregated: tuple[str, ...] = ()
    """Attributes by which GetInventory counts."""


def _of(version: str, attributes: str, aggregated: str = "") -> Schema:
    return Schema(tuple(version.split()), tuple(attributes.split()), tuple(aggregated.split()))


_PROGRAM = "Name ApplicationType Publisher Version InstalledTime Architecture URL"
# DEVIATES: the types that other parts of Systems Manager fill (AWS:PatchSummary, AWS:PatchCompliance, AWS:Tag and their like) are unknown.
AWS_TYPES: Mapping[str, Schema] = MappingProxyType(
    {
        "AWS:AWSComponent": _of("1.0", f"{_PROGRAM} Summary PackageId Release Epoch"),
        "AWS:Application": _of("1.0 1.1", f"{_PROGRAM} Summary PackageId Release Epoch", "Name Version Publisher Architecture"),
        "AWS:BillingInfo": _of("1.0", "BillingProductId"),
        # AWS: API PutComplianceItems, for the attributes. # ASSUMED: other Details of an item are shown, but cannot be filtered by.
        COMPLIANCE_ITEM: _of(
            "1.0",
            "ComplianceType Id Title Status Severity ExecutionId ExecutionType ExecutionTime DocumentName DocumentVersion "
            "Classification PatchBaselineId PatchSeverity PatchState PatchGroup InstalledTime",
        ),
        "AWS:File": _of(
            "1.0",
            "Name Size Description FileVersion InstalledDate ModificationTime LastAccessTime ProductName InstalledDir "
            "CompanyName ProductVersion ProductLanguage",
        ),
        "AWS:InstanceDetailedInformation": _of(
            "1.0", "CPUModel CPUSpeedMHz CPUs CPUSockets CPUCores CPUHyperThreadEnabled OSServicePack KernelVersion"
        ),
        INSTANCE_INFORMATION: _of(
            "1.0",
            "AgentType AgentVersion ComputerName InstanceId InstanceStatus IpAddress PlatformName PlatformType "
            "PlatformVersion ResourceType",
            "PlatformName PlatformType PlatformVersion AgentVersion ResourceType InstanceStatus",
        ),
        "AWS:Network": _of("1.0", "Name SubnetMask Gateway DHCPServer DNSServer MacAddress IPV4 IPV6"),
        "AWS:Service": _of("1.0", "Name DisplayName Status DependentServices ServicesDependedOn ServiceType StartType"),
        "AWS:WindowsRegistry": _of("1.0", "ValueName ValueType KeyPath Value"),
        "AWS:WindowsRole": _of(
            "1.0",
            "Name DisplayName Description Installed InstalledState FeatureType Path SubFeatures ServerComponentDescriptor "
            "DependsOn Parent",
        ),
        "AWS:WindowsUpdate": _of("1.0", "HotFixId Description InstalledTime InstalledBy"),
    }
)
SPELLINGS = MappingProxyType({name.lower(): name for schema in AWS_TYPES.values() for name in schema.attributes})
"""AWS agent: it says Url where the schema says URL."""


def is_custom(type_name: str) -> bool:
    """Say whether a type is a user's own."""
    return CUSTOM_NAME.fullmatch(type_name) is not None


def number(version: str) -> tuple[int, ...]:
    """Return a schema version as numbers."""
    return tuple(int(part) for part in version.split("."))
