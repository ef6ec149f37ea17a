"""What a rule is, and what a finding of it.

Rules: a rule is a value; its id never changes its meaning. 1xx layout, 2xx manifest and matching, 3xx scripts, 4xx names and versions,
5xx safety of archives, 6xx limits, 7xx signing.
"""

from dataclasses import dataclass
from typing import Any, Literal

from csd.errors import Problem

Severity = Literal["error", "warning", "advice"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "advice")
# Who gets what, and a zip or an entry that no node gets: vendors' manifests have some, and they do no harm.
_WHO_GETS_WHAT = ("CSD203", "CSD206", "CSD207")


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

    @property
    def is_judgement(self) -> bool:
        """Whether who knows the nodes may know better: of scripts, and of what is only unwise. What AWS or the agent refuses is none."""
        return self.severity != "error" or self.id.startswith("CSD3") or self.id in _WHO_GETS_WHAT


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken at a place: a path, a member of a zip (ZIP!MEMBER), a place in JSON, with a line number where there is one."""

    rule: Rule
    where: str
    found: str

    def __str__(self) -> str:
        return f"{self.rule.severity}: {self.problem}"

    @property
    def problem(self) -> Problem:
        """The finding as what stops a build: the same words."""
        return Problem(self.where, f"{self.rule.id}: {self.found}", self.rule.remedy)


def finding_value(finding: Finding) -> dict[str, Any]:
    """A finding as a JSON value."""
    rule = finding.rule
    return {"rule": rule.id, "severity": rule.severity, "where": finding.where, "found": finding.found, "remedy": rule.remedy}
