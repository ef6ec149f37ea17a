"""Taking versions away that nobody needs: the plan of each Region, and its performance.

Flow: versions of each Region + survey of the fleet -> csd.package.retention.decide -> Plan -> (on demand) DeleteDocument, one version each.
Rules: nothing is deleted without a plan; the default is looked at again before each Region. What AWS refuses is told, the rest goes on.
Refuses to know: how a plan is shown.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from csd.aws.identity import Principal, asking
from csd.aws.publishing.installed import survey
from csd.aws.publishing.objects import Tell
from csd.aws.publishing.versions import ADVICE, Held, read_versions
from csd.errors import AwsRefused
from csd.package.retention import Decision, Fleet, Policy, Version, decide

_SHARED = (
    "AWS deletes nothing of a shared document: stop sharing it (its nodes can then neither install nor uninstall), prune, and let "
    "csd distribute share it again."
)


@dataclass(frozen=True)
class RegionPlan:
    """One Region's versions and their fate, newest first."""

    region: str
    decisions: list[Decision]

    @property
    def deletes(self) -> list[str]:
        """Names of the versions that may go, oldest first."""
        return [decision.version.name for decision in reversed(self.decisions) if decision.deletes]


@dataclass(frozen=True)
class Plan:
    """What may go, Region by Region, and what was known of the fleet."""

    package: str
    regions: list[RegionPlan]
    fleet: Fleet
    as_of: datetime


def make_plan(
    principal: Principal, package: str, regions: list[str], policy: Policy, tell: Tell, now: datetime | None = None
) -> Plan:
    """Read and decide. Raises AwsRefused when the hub itself cannot be read."""
    held = {region: read_versions(principal, package, region) for region in regions}
    fleet, now = survey(principal, package, regions, tell), now or datetime.now(UTC)
    plans = [RegionPlan(region, decide([_fact(v) for v in versions], fleet, policy, now)) for region, versions in held.items()]
    return Plan(package, plans, fleet, now)


def _fact(held: Held) -> Version:
    return Version(held.name, int(held.number), held.status, held.is_default, held.created)


def perform_plan(principal: Principal, plan: Plan, tell: Tell) -> tuple[list[tuple[str, str]], list[AwsRefused]]:
    """Delete what the plan says: (Region, version) of those that are gone, and AWS's refusals."""
    gone: list[tuple[str, str]] = []
    refusals: list[AwsRefused] = []
    for place in plan.regions:
        default = next((v.name for v in read_versions(principal, plan.package, place.region) if v.is_default), "")
        ssm = principal.client("ssm", place.region)
        for name in place.deletes:
            if name == default:
                tell(f"{place.region}: {plan.package} {name} has become the default meanwhile: kept")
                continue
            try:
                with asking(ssm, principal.account, {**ADVICE, "InvalidDocumentOperation": _SHARED}):
                    ssm.delete_document(Name=plan.package, VersionName=name)
            except AwsRefused as refused:
                refusals.append(refused)
                tell(f"{place.region}: {plan.package} {name}: {refused}")
            else:
                gone.append((place.region, name))
                tell(f"{place.region}: {plan.package} {name} is deleted")
    return gone, refusals
