"""What a rule is, and what a finding of it.

Rules: a rule is a value; its id never changes its meaning. 1xx layout, 2xx manifest and matching, 3xx scripts, 4xx names and versions,
5xx safety of archives, 6xx limits, 7xx signing.
"""

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "advice"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong with a package: `sentence`, `remedy`, `why` with its source, and an example of `bad` and `good`."""

    id: str
    severity: Severity
    sentence: str
    remedy: str
    why: str
    bad: str
    good: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken at a place: a path, a member of a zip (ZIP!MEMBER), a place in JSON, with a line number where there is one."""

    rule: Rule
    where: str
    found: str

    def __str__(self) -> str:
        return f"{self.rule.severity}: {self.where}: {self.rule.id}: {self.found} {self.rule.remedy}"


def finding_value(finding: Finding) -> dict[str, Any]:
    """A finding as a JSON value."""
    rule = finding.rule
    return {"rule": rule.id, "severity": rule.severity, "where": finding.where, "found": finding.found, "remedy": rule.remedy}
