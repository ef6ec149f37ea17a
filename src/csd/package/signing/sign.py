"""A sealed folder gets a signature, or one more.

Flow: folder, proved against its release -> the statement: a new one, or that of the envelope that is there -> signed -> the envelope.

Rules: whoever signs second signs the identical payload; an envelope over other files is never extended, only replaced (`again`).
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from securesystemslib.dsse import Envelope
from securesystemslib.signer import Signer

from csd.errors import CsdInputError, Problem
from csd.package.release import SIGNED_RELEASE_FILE, Release
from csd.package.sealed import read_sealed
from csd.package.signing.envelope import ENVELOPE_BYTES_MAX, envelope_text, read_bounded, read_envelope
from csd.package.signing.statement import (
    EXPIRES_DEFAULT,
    PAYLOAD_TYPE,
    Statement,
    make_statement,
    payload_of,
    read_statement,
    time_text,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the first signer decides. `again`: forget the signatures that are there."""

    expires: str = ""
    floor: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed, and whose signatures it has now."""

    statement: Statement
    keyids: tuple[str, ...]


def prepare(folder: Path, wish: Wish, now: datetime) -> tuple[Envelope, Statement]:
    """The envelope to sign, and what it says. Raises CsdInputError; nothing is written."""
    release = _release(folder)
    path = folder / SIGNED_RELEASE_FILE
    if wish.again or not (path.exists() or path.is_symlink()):
        statement = make_statement(release, now, wish.expires or EXPIRES_DEFAULT, wish.floor)
        return Envelope(payload_of(statement), PAYLOAD_TYPE, {}), statement
    envelope = read_envelope(read_bounded(path, ENVELOPE_BYTES_MAX), str(path))
    statement = read_statement(envelope.payload, f"{path}: payload")
    _check_same(path, statement, release, wish, now)
    return envelope, statement


def add_signature(folder: Path, envelope: Envelope, statement: Statement, signer: Signer) -> Signed:
    """Sign what `prepare` gave, and write it into the folder."""
    envelope.sign(signer)
    path = folder / SIGNED_RELEASE_FILE
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        hidden.write_text(envelope_text(envelope), encoding="utf-8")
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)
    return Signed(statement, tuple(envelope.signatures))


def _release(folder: Path) -> Release:
    release = read_sealed(folder).release
    if release is None:
        raise CsdInputError(
            [
                Problem(
                    str(folder),
                    "has no release.json, so there is nothing to sign.",
                    "Build the package again: csd package build DIR.",
                )
            ]
        )
    return release


def _check_same(path: Path, statement: Statement, release: Release, wish: Wish, now: datetime) -> None:
    anew = "Sign anew, all of you: csd package sign DIR --key KEY --again."
    if statement.release != release:
        raise CsdInputError([Problem(str(path), "is over other files than are here.", anew)])
    if statement.expires <= now:
        raise CsdInputError([Problem(str(path), f"has expired at {time_text(statement.expires)}.", anew)])
    asked = {"--floor": wish.floor and wish.floor != statement.floor, "--expires": bool(wish.expires)}
    if others := " and ".join(option for option, differs in asked.items() if differs):
        signed = f"expires {time_text(statement.expires)}, floor {statement.floor}"
        what = f"is signed already ({signed}); {others} cannot change that."
        raise CsdInputError([Problem(str(path), what, f"Leave it out to sign the same. {anew}")])
