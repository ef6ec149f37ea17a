"""Keys as the command line names them: a PEM file, or a key in KMS by its ARN or alias/NAME."""

import getpass
import os
import sys
from pathlib import Path
from typing import Any

from csd.errors import CsdInputError, Problem

PASSPHRASE = "CSD_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable
KEY_HELP = "PEM file, or KMS key: arn:…:key/…, arn:…:alias/…, alias/NAME. May be repeated."


def signer(reference: str, region: str) -> Any:
    """Who signs with a key. Raises CsdInputError, AwsRefused, OSError."""
    if _is_kms(reference):
        from csd.aws.keys import kms_signer

        return kms_signer(reference, region)
    from csd.package.signing.keyfiles import load_signer

    return load_signer(Path(reference), passphrase)


def public_key(reference: str, region: str) -> Any:
    """The public half of a key, for a trust root. Raises CsdInputError, AwsRefused, OSError."""
    if _is_kms(reference):
        return signer(reference, region).public_key
    from csd.package.signing.keyfiles import load_public

    return load_public(Path(reference))


def passphrase(what: str) -> bytes | None:
    """The passphrase of a key file: from the environment, else asked for; None where nobody can be asked."""
    if PASSPHRASE in os.environ:
        return os.environ[PASSPHRASE].encode()
    return getpass.getpass(f"Passphrase of {what}: ").encode() if sys.stdin.isatty() else None


def new_passphrase(what: str) -> bytes:
    """The passphrase of a key file that is made, asked for twice. Raises CsdInputError."""
    if PASSPHRASE in os.environ:
        found = os.environ[PASSPHRASE].encode()
    else:
        found = passphrase(what) or b""
        if sys.stdin.isatty() and found != getpass.getpass("Once more: ").encode():
            raise CsdInputError([Problem("passphrase", "the two are not the same.", "Try again.")])
    if not found:
        raise CsdInputError(
            [Problem(what, "gets no passphrase.", f"Set {PASSPHRASE}, run csd in a terminal, or say --no-passphrase.")]
        )
    return found


def _is_kms(reference: str) -> bool:
    return reference.startswith(("arn:", "alias/"))
