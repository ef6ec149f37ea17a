"""csd publish: a sealed folder -> S3.

Rules: as in csd.cli.main. Refuses to know: AWS and packages.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from csd.cli import screen


def publish(
    folder: Annotated[Path, typer.Argument(help="Folder that csd package build made.")],
    bucket: Annotated[str, typer.Option(help="Bucket to upload to.")],
    prefix: Annotated[
        str | None, typer.Option(help="Prefix in the bucket, used as it is ('' for none); else NAME/VERSION/DIGEST.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there with other content.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,  # noqa: FBT002 - as above
    region: Annotated[str, typer.Option(help="The hub's home Region; else AWS_REGION.")] = "",
) -> None:
    """Upload a sealed package to S3, the manifest last, and prove what is there; prints its address. Run again, it goes on where
    it was interrupted."""
    from csd.package.sealed import read_sealed

    sealed = read_sealed(folder)

    from csd.aws.identity import Principal
    from csd.aws.publishing.folder import address_prefix, folder_files, upload

    where = address_prefix(sealed, prefix)
    sizes = {name: path.stat().st_size for name, path in folder_files(sealed).items()}
    with screen.upload_bars(sizes) as sent:
        told = upload(Principal.of_environment(region), sealed, bucket, where, screen.tell, sent, overwrite=overwrite)
    value: dict[str, Any] = {
        "name": sealed.name, "version": sealed.version, "address": told.address, "bucket": bucket, "prefix": where,
        "sent": told.sent, "there": told.there,
    }  # fmt: skip
    screen.data_json(value) if as_json else screen.data(told.address)
