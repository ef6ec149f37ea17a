"""What is kept of compliance: per resource and type one set of items. Times are epoch seconds.

Rows: "ssm.compliance" by (account, region, resource, compliance type).
"""

from dataclasses import dataclass, field

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED")
"""From the highest to the lowest. AWS: API ComplianceSeverity."""
COMPLIANT, NON_COMPLIANT = "COMPLIANT", "NON_COMPLIANT"


@dataclass(frozen=True)
class Occasion:
    """When and by what it was found out: ComplianceExecutionSummary."""

    time: float
    id: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Item:
    """One thing that is as it should be, or is not."""

    id: str
    title: str
    severity: str
    status: str
    occasion: Occasion
    details: dict[str, str] = field(default_factory=dict)


@dataclass
class ComplianceSet:
    """All items of one type on one resource."""

    resource: str
    resource_type: str
    kind: str
    occasion: Occasion
    items: dict[str, Item] = field(default_factory=dict)
    content_hash: str = ""
    reported: float = 0.0
    """When an agent found out what it reported last; an older report of it is left out."""

    @property
    def status(self) -> str:
        """A resource is compliant when each of its items is."""
        return NON_COMPLIANT if any(item.status == NON_COMPLIANT for item in self.items.values()) else COMPLIANT

    @property
    def severity(self) -> str:
        """The highest severity of the items that make the status. # ASSUMED: of the non-compliant ones when there are any."""
        deciding = [item.severity for item in self.items.values() if item.status == self.status]
        return min(deciding, key=SEVERITIES.index, default="UNSPECIFIED")
