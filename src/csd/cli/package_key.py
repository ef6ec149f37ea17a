"""csd package key: key files on the desk."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from csd.cli import screen
from csd.cli.packages import package_app
from csd.cli.signers import new_passphrase

key_app = typer.Typer(no_args_is_help=True, help="Make key files to sign with, where no KMS key is at hand.")
package_app.add_typer(key_app, name="key")


@key_app.command("new", short_help="Make a private key file, and its public half beside it.")
def package_key_new(
    file: Annotated[Path, typer.Argument(help="File to make; FILE.pub gets the public half. Nothing is overwritten.")],
    kind: Annotated[Literal["p256", "rsa", "ed25519"], typer.Option(help="ECDSA P-256, RSA of 3072 bits, or Ed25519.")] = "p256",
    no_passphrase: Annotated[bool, typer.Option("--no-passphrase", help="Leave the file unencrypted.")] = False,  # noqa: FBT002 - Typer's flags are booleans
) -> None:
    """Make a private key, readable by its owner alone and encrypted with a passphrase (CSD_KEY_PASSPHRASE, or asked); prints its id."""
    from csd.package.signing.keyfiles import make_key

    key = make_key(file, kind, None if no_passphrase else new_passphrase(str(file)))
    screen.data(key.keyid)
    screen.tell(f"{file} is the private key: keep it. {file}.pub is for trust roots: csd package trust init --key {file}.pub")
