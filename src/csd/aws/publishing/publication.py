"""csd publish as a whole: look in every Region, upload, publish in every Region. One answer, whatever came of it.

Rules: what can be refused is refused before anything is sent. Refuses to know: how anything is shown.
"""

from dataclasses import dataclass, field
from datetime import datetime

from csd.aws.identity import Principal
from csd.aws.publishing.folder import Uploaded, upload
from csd.aws.publishing.objects import Sent, Tell
from csd.aws.publishing.pruning import RegionPlan, make_plan, perform_plan
from csd.aws.publishing.regions import How, Outcome, Wanted, examine, publish
from csd.aws.publishing.versions import VERSIONS_MAX
from csd.errors import CsdInputError, Problem
from csd.package.retention import Policy
from csd.package.sealed import MANIFEST_FILE, SealedPackage


@dataclass(frozen=True)
class Order:
    """What to publish, and where: `package` is the document's name, `regions` may be none, `prefix` is used as it is.

    `keep`, where it is not 0, prunes first and leaves so many of the last versions; `now` is the clock's time when None.
    """

    sealed: SealedPackage
    package: str
    bucket: str
    prefix: str
    regions: list[str] = field(default_factory=list)
    overwrite: bool = False
    keep: int = 0
    now: datetime | None = None
    how: How = field(default_factory=How)


@dataclass(frozen=True)
class Published:
    """Where the folder is, and what came of each Region."""

    uploaded: Uploaded
    outcomes: list[Outcome]


def perform(principal: Principal, order: Order, tell: Tell, sent: Sent) -> Published:
    """Raises CsdInputError before anything is sent, AwsRefused when the folder cannot be uploaded."""
    source = f"s3://{order.bucket}/{order.prefix}".rstrip("/")
    manifest = (order.sealed.folder / MANIFEST_FILE).read_text(encoding="utf-8")
    wanted = Wanted(order.package, order.sealed.version, manifest, source, {f.name: f.sha256 for f in order.sealed.files})
    if order.regions:
        if not order.package:
            raise CsdInputError([Problem(str(order.sealed.folder), "tells no name, for it has no release.json.", "Give --name.")])
        found = examine(principal, wanted, order.regions, order.how)
        for warning in found.warnings:
            tell(f"warning: {warning}")
        if not found.problems and (found.full or order.keep):
            found.problems += _make_room(principal, order, found.full, tell)
        if found.problems:
            raise CsdInputError(found.problems)
    uploaded = upload(principal, order.sealed, order.bucket, order.prefix, tell, sent, overwrite=order.overwrite)
    return Published(uploaded, publish(principal, wanted, order.regions, order.how, tell) if order.regions else [])


def _make_room(principal: Principal, order: Order, full: list[str], tell: Tell) -> list[Problem]:
    """Prune where that is asked for; what stands against publishing then: a Region where no further version fits, and what may go there."""
    plan = make_plan(principal, order.package, order.regions, Policy(order.keep or Policy.keep), tell, order.now)
    gone = {region for region, _ in perform_plan(principal, plan, tell)[0]} if order.keep else set[str]()
    return [_no_room(order.package, place) for place in plan.regions if place.region in full and place.region not in gone]


def _no_room(package: str, place: RegionPlan) -> Problem:
    may_go = f"These may go: {', '.join(place.deletes)}" if place.deletes else "None may go as it is"
    command = f"csd package prune {package} --regions {place.region}"
    return Problem(
        f"{package} in {place.region}",
        f"has {VERSIONS_MAX} versions, and AWS takes no more.",
        f"{may_go}; see why: {command}{' (and do it: --yes)' if place.deletes else ''}",
    )
