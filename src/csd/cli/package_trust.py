"""csd package trust: the file that says which keys are believed, and how it changes hands."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from csd.cli import screen
from csd.cli.packages import package_app
from csd.cli.signers import KEY_HELP, public_key, signer
from csd.errors import CsdInputError, Problem

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata, Root

trust_app = typer.Typer(no_args_is_help=True, help="Say whose signatures are believed, and change that.")
package_app.add_typer(trust_app, name="trust")
FileArgument = Annotated[Path, typer.Argument(help="Trust root file.")]
RegionOption = Annotated[str, typer.Option(help="Region of alias/NAME; else AWS_REGION. An ARN has its own.")]
ExpiresOption = Annotated[str, typer.Option(help="180d, 2027-01-31 or 2027-01-31T12:00:00Z.")]
_PUBLIC_HELP = f"Public key: {KEY_HELP}"
_LIFE = "365d"


@trust_app.command("init", short_help="Make the first version of a trust root.")
def trust_init(
    key: Annotated[list[str], typer.Option("--key", "-k", help=_PUBLIC_HELP)],
    file: FileArgument = Path("trust.json"),
    threshold: Annotated[int, typer.Option(help="How many of the keys must sign.")] = 1,
    expires: ExpiresOption = _LIFE,
    region: RegionOption = "",
) -> None:
    """Make the first version of a trust root from public keys. It counts once its keys have signed it: csd package trust sign."""
    from csd.package.signing.statement import expiry
    from csd.package.signing.trust import new_root, put_root

    _refuse_overwriting(file)
    root = new_root([public_key(each, region) for each in key], threshold, expiry(expires, datetime.now(UTC)))
    put_root(file, root)
    _tell(file, root, None)


@trust_app.command("change", short_help="Make the next version: add and remove keys.")
def trust_change(
    file: FileArgument = Path("trust.json"),
    add: Annotated[list[str] | None, typer.Option("--add", help=_PUBLIC_HELP)] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", help="Id of a key, as csd package trust show prints it.")
    ] = None,
    threshold: Annotated[int, typer.Option(help="How many of the keys must sign; when left out, as before.")] = 0,
    expires: ExpiresOption = _LIFE,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File for it; else FILE.next.")] = None,
    region: RegionOption = "",
) -> None:
    """Make the next version of a trust root. It is believed once enough keys of this version and of the next have signed it."""
    from csd.package.signing.statement import expiry
    from csd.package.signing.trust import next_root, put_root, read_root

    before, target = read_root(file), output or file.with_name(f"{file.name}.next")
    _refuse_overwriting(target)
    added = [public_key(each, region) for each in add or ()]
    root = next_root(before, added, remove or [], threshold or None, expiry(expires, datetime.now(UTC)))
    put_root(target, root)
    _tell(target, root, before)


@trust_app.command("sign", short_help="Sign a version of a trust root.")
def trust_sign(
    file: FileArgument,
    key: Annotated[list[str], typer.Option("--key", "-k", help=KEY_HELP)],
    trust: Annotated[Path | None, typer.Option(help="The version before it, if there is one.")] = None,
    region: RegionOption = "",
) -> None:
    """Add a signature to a trust root, by a key that it names or that the version before it named."""
    from csd.package.signing.trust import put_root, read_root, sign_root

    root, before = read_root(file), read_root(trust) if trust else None
    for each in [signer(reference, region) for reference in key]:
        sign_root(root, each, str(file), before)
    put_root(file, root)
    _tell(file, root, before)


@trust_app.command("accept", short_help="Take the next version in place of the present one.")
def trust_accept(
    file: Annotated[Path, typer.Argument(help="The next version.")],
    trust: Annotated[Path, typer.Option(help="The trust root that is believed here.")] = Path("trust.json"),
) -> None:
    """Take the next version of the trust root, if enough keys of the present one and of its own have signed it."""
    from csd.package.signing.trust import accept, put_root, read_root

    root, before = read_root(file), read_root(trust)
    accepted = accept(root, before, str(file), datetime.now(UTC))
    put_root(trust, root)
    screen.data(f"{trust} is version {accepted.version}: {accepted.threshold} of {len(accepted.keys)} keys")


@trust_app.command("show", short_help="Whose signatures are believed, and until when.")
def trust_show(file: FileArgument = Path("trust.json")) -> None:
    """Print the keys of a trust root, how many must sign, its version and expiry, and who has signed it."""
    from csd.package.signing.statement import time_text
    from csd.package.signing.trust import read_root

    root = read_root(file)
    role = root.signed.roles["targets"]
    screen.data(f"version {root.signed.version}, expires {time_text(root.signed.expires)}")
    screen.data(f"{role.threshold} of {len(role.keyids)} keys must sign")
    for keyid in role.keyids:
        key = root.signed.keys[keyid]
        screen.data(f"key {keyid} ({key.scheme}){', has signed this version' if keyid in root.signatures else ''}")


def _refuse_overwriting(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise CsdInputError([Problem(str(path), "is there already.", "Name another file, or remove it.")])


def _tell(path: Path, root: "Metadata[Root]", before: "Metadata[Root] | None") -> None:
    from csd.package.signing.trust import missing

    old, own = missing(root, before)
    screen.data(f"{path}: version {root.signed.version}")
    wanted = [f"{own} of its own keys"] if own else []
    wanted += [f"{old} of the keys before"] if old else []
    both = " (one key may be both)" if old and own else ""
    if wanted:
        screen.tell(f"still wanted: signatures of {' and '.join(wanted)}{both}: csd package trust sign {path} --key KEY")
    elif root.signed.version > 1 and not before:
        screen.tell("enough of its own keys have signed; whether enough of the version before did, csd package trust accept says")
    elif before:
        screen.tell(f"enough have signed; whoever believes the version before takes it with: csd package trust accept {path}")
    else:
        screen.tell(f"enough have signed; csd package verify DIR --trust {path} believes it")
