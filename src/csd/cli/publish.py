"""csd publish: a sealed folder -> S3 -> Distributor in every Region.

Rules: as in csd.cli.main. Refuses to know: AWS and packages.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from csd.cli import screen
from csd.errors import CsdInputError, Problem
from csd.listed import listed

if TYPE_CHECKING:
    from csd.aws.publishing.publication import Order, Published
    from csd.package.sealed import SealedPackage

REFUSED, NOT_AS_WANTED = 1, 3  # as csd.cli.main has them


def publish(
    folder: Annotated[Path, typer.Argument(help="Folder that csd package build made.")],
    bucket: Annotated[str, typer.Option(help="Bucket to upload to.")],
    prefix: Annotated[
        str | None, typer.Option(help="Prefix in the bucket, used as it is ('' for none); else NAME/VERSION/DIGEST.")
    ] = None,
    trust: Annotated[Path | None, typer.Option(help="Verify the package by this trust root first: csd package verify.")] = None,
    regions: Annotated[str, typer.Option(help="Publish in Distributor too, in these Regions (comma list).")] = "",
    name: Annotated[str, typer.Option(help="The package's name, where the folder has no release.json.")] = "",
    make_default: Annotated[bool, typer.Option("--make-default", help="Make it the default version of each Region.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    replace_failed: Annotated[bool, typer.Option("--replace-failed", help="Remove a Failed version of this name first.")] = False,  # noqa: FBT002 - as above
    keep: Annotated[int, typer.Option(help="Prune each Region first, and keep so many versions: csd package prune.", min=0)] = 0,
    accept: Annotated[
        list[str] | None,
        typer.Option(help="ID=REASON: this rule of lint does not stop a package made elsewhere; may be repeated."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="What lint warns of is an error too.")] = False,  # noqa: FBT002 - as above
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there with other content.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,  # noqa: FBT002 - as above
    region: Annotated[str, typer.Option(help="The hub's home Region; else AWS_REGION.")] = "",
) -> None:
    """Bring a sealed package to S3, the manifest last, and with --regions into Distributor; prints its address.

    Run again, it goes on where it was interrupted. Nothing is shared with other accounts: csd distribute does that.
    """
    from csd.package.sealed import read_sealed

    wanted = listed(regions)
    if not wanted:
        _refuse_idle({"--make-default": make_default, "--replace-failed": replace_failed, "--keep": keep})
    sealed = read_sealed(folder, _reasons(accept or []), name=name, strict=strict)
    for warning in sealed.warnings:
        screen.tell(f"warning: {warning}")
    if trust:
        _verify(sealed, trust)

    from csd.aws.identity import Principal
    from csd.aws.publishing.folder import address_prefix, folder_files
    from csd.aws.publishing.publication import Order, perform
    from csd.aws.publishing.regions import How

    how = How(make_default=make_default, replace_failed=replace_failed)
    order = Order(sealed, name or sealed.name, bucket, address_prefix(sealed, prefix), wanted, overwrite, keep, how=how)
    sizes = {file: path.stat().st_size for file, path in folder_files(sealed).items()}
    try:
        with screen.upload_bars(sizes) as sent:
            told = perform(Principal.of_environment(region), order, screen.tell, sent)
    except KeyboardInterrupt:
        screen.tell("what was sent is kept: the same command goes on from there")
        raise
    if as_json:
        screen.data_json(_json(order, told))
    else:
        screen.data(told.uploaded.address)
    if any(not outcome.good for outcome in told.outcomes):
        raise typer.Exit(REFUSED if any(outcome.state == "refused" for outcome in told.outcomes) else NOT_AS_WANTED)
    screen.tell(f"next: {_next(order)}")


def _refuse_idle(options: dict[str, Any]) -> None:
    """What is about versions in Distributor does nothing for a folder in S3."""
    problems = [
        Problem(option, "is about Distributor.", "Say in which Regions: --regions.") for option, on in options.items() if on
    ]
    if problems:
        raise CsdInputError(problems)


def _next(order: "Order") -> str:
    """The command that brings it to nodes; what only the caller knows is left open."""
    where = f"--bucket {order.bucket}" + (f" --prefix {order.prefix}" if order.prefix else "")
    what = f"--name {order.package or '…'} --version {order.sealed.version}"
    return f"csd distribute {what} {where} --targets … --regions {','.join(order.regions) or '…'}"


def _reasons(accept: list[str]) -> dict[str, str]:
    """{id of a rule: why}; where no reason is given, lint says so."""
    return {rule.strip(): reason.strip() for rule, _, reason in (told.partition("=") for told in accept)}


def _verify(sealed: "SealedPackage", trust: Path) -> None:
    """Raises CsdInputError unless trusted keys vouch for the very files that were read."""
    from csd.package.signing.verify import Expected, verify_by

    found, _ = verify_by(sealed.folder, trust, Expected(), datetime.now(UTC))
    if found.statement.release != sealed.release:
        raise CsdInputError([Problem(str(sealed.folder), "changed while it was read.", "Let nobody write there, and try again.")])
    screen.tell(f"signed by {', '.join(found.keyids)}")


def _json(order: "Order", told: "Published") -> dict[str, Any]:
    return {
        "name": order.package, "version": order.sealed.version, "address": told.uploaded.address, "bucket": order.bucket,
        "prefix": order.prefix, "sent": told.uploaded.sent, "there": told.uploaded.there,
        "regions": {outcome.region: {"state": outcome.state.value, "said": outcome.said} for outcome in told.outcomes},
    }  # fmt: skip
