"""csd publish as a whole: look in every Region, upload, publish in every Region. One answer, whatever came of it.

Rules: what can be refused is refused before anything is sent. Refuses to know: how anything is shown.
"""

from dataclasses import dataclass, field

from csd.aws.identity import Principal
from csd.aws.publishing.folder import Uploaded, upload
from csd.aws.publishing.objects import Sent, Tell
from csd.aws.publishing.regions import How, Outcome, Wanted, examine, publish
from csd.errors import CsdInputError, Problem
from csd.package.sealed import MANIFEST_FILE, SealedPackage


@dataclass(frozen=True)
class Order:
    """What to publish, and where: `package` is the document's name, `regions` may be none, `prefix` is used as it is."""

    sealed: SealedPackage
    package: str
    bucket: str
    prefix: str
    regions: list[str] = field(default_factory=list)
    overwrite: bool = False
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
        found.problems += [no_room(order.package, region) for region in found.full]
        for warning in found.warnings:
            tell(f"warning: {warning}")
        if found.problems:
            raise CsdInputError(found.problems)
    uploaded = upload(principal, order.sealed, order.bucket, order.prefix, tell, sent, overwrite=order.overwrite)
    return Published(uploaded, publish(principal, wanted, order.regions, order.how, tell) if order.regions else [])


def no_room(package: str, region: str) -> Problem:
    """The sentence for a Region where no further version fits."""
    return Problem(
        f"{package} in {region}",
        "has 25 versions, and AWS takes no more.",
        f"See what may go: csd package prune {package} --regions {region}; then do it with --yes",
    )
