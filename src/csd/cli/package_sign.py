"""csd package sign: vouch for a sealed folder."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from csd.cli import screen
from csd.cli.packages import package_app
from csd.cli.signers import KEY_HELP, signer


@package_app.command("sign", short_help="Sign a sealed package, or add a signature.")
def package_sign(
    folder: Annotated[Path, typer.Argument(help="Folder that csd package build made.")],
    key: Annotated[list[str], typer.Option("--key", "-k", help=KEY_HELP)],
    expires: Annotated[str, typer.Option(help="180d, 2027-01-31 or 2027-01-31T12:00:00Z; 365d when left out.")] = "",
    floor: Annotated[
        str, typer.Option(help="Lowest version that may still be published afterwards; when left out, none is shut out.")
    ] = "",
    again: Annotated[bool, typer.Option("--again", help="Forget the signatures that are there.")] = False,  # noqa: FBT002 - Typer's flags are booleans
    region: Annotated[str, typer.Option(help="Region of alias/NAME; else AWS_REGION. An ARN has its own.")] = "",
) -> None:
    """Sign name, version and all digests of a sealed package, with an expiry and a floor; who signs second signs the same."""
    from csd.package.signing.sign import Wish, add_signature, prepare
    from csd.package.signing.statement import time_text

    envelope, statement = prepare(folder, Wish(expires, floor, again), datetime.now(UTC))
    release = statement.release
    zips = screen.counted(len(release.files), "zip")
    screen.tell(f"signing {release.name} {release.version}, manifest sha256 {release.manifest.sha256}, {zips}")
    screen.tell(f"issued {time_text(statement.issued)}, expires {time_text(statement.expires)}, floor {statement.floor}")
    for rule, why in release.accepted.items():
        screen.tell(f"accepted: {rule}: {why}")
    for each in [signer(reference, region) for reference in key]:
        signed = add_signature(folder, envelope, statement, each)
        screen.data(each.public_key.keyid)
    screen.tell(f"{folder} has {screen.counted(len(signed.keyids), 'signature')}: {', '.join(signed.keyids)}")
