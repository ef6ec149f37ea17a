"""Is this the package that somebody trusted vouches for, still, and as it was? Everything that can be wrong, each with its sentence.

Flow: envelope of the folder -> signatures by keys of the trust root, as many as it asks for -> what was signed: in time, not below the
floor, of the wanted name and version -> manifest, zips and what stands beside, by their digests; nothing else lies there.

Rules: nothing of the folder is believed before the signatures hold. A signature by a key that is not trusted is told and ignored; a wrong
one by a key that is trusted is refused, however many others hold. The desk remembers no floor: it is given, or read from a state file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError

from csd.errors import CsdInputError, Problem
from csd.package.places import sealed_problem
from csd.package.reading.zips import zip_problems
from csd.package.release import SIGNED_RELEASE_FILE
from csd.package.signing.digests import content_problems
from csd.package.signing.envelope import ENVELOPE_BYTES_MAX, read_bounded, read_envelope
from csd.package.signing.statement import Statement, read_statement, time_text
from csd.package.signing.trust import Trust, read_root, verified
from csd.package.versions import higher, order

_CLOCKS_MAY_DIFFER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the package must be, and the floors that are known: one for it, those of other days by package. '' does not ask."""

    name: str = ""
    version: str = ""
    floor: str = ""
    floors: Mapping[str, str] = field(default_factory=dict)

    def floor_of(self, name: str) -> str:
        """The highest floor that is known for a package."""
        return higher(self.floor, self.floors.get(name, ""))


@dataclass(frozen=True, slots=True)
class Verified:
    """What was verified, by the keys of these ids; `ignored` signed too, and are not trusted."""

    statement: Statement
    keyids: tuple[str, ...]
    ignored: tuple[str, ...]


def verify_by(folder: Path, trust_file: Path, expected: Expected, now: datetime) -> tuple[Verified, Trust]:
    """Verify a sealed folder by the trust root of a file. Raises CsdInputError, OSError."""
    trust = verified(read_root(trust_file), str(trust_file), now)
    found = verify_folder(folder, trust, expected, now)
    # What was signed may still harm who unpacks it: who signed may have looked with another reader.
    problems = [problem for name in found.statement.release.files for problem in zip_problems(folder / name)]
    if problems:
        raise CsdInputError(problems)
    return found, trust


def verify_folder(folder: Path, trust: Trust, expected: Expected, now: datetime) -> Verified:
    """Verify a sealed folder. Raises CsdInputError."""
    path = folder / SIGNED_RELEASE_FILE
    if not path.exists() and not path.is_symlink():
        what, remedy = "is not signed: there is no release.dsse.json.", f"Have it signed: csd package sign {folder} --key KEY."
        raise CsdInputError([sealed_problem(folder) or Problem(str(folder), what, remedy)])
    found = verify_envelope(read_bounded(path, ENVELOPE_BYTES_MAX), str(path), trust, expected, now)
    problems = content_problems(folder, found.statement.release)
    if problems:
        raise CsdInputError(problems)
    return found


def verify_envelope(content: bytes, where: str, trust: Trust, expected: Expected, now: datetime) -> Verified:
    """Verify what an envelope says, without the files that it speaks of. Raises CsdInputError."""
    envelope = read_envelope(content, where)
    keyids, ignored = _signatures(envelope, where, trust)
    statement = read_statement(envelope.payload, f"{where}: payload")
    problems = list(_stale(statement, where, now)) + list(_unexpected(statement, where, expected))
    if problems:
        raise CsdInputError(problems)
    return Verified(statement, keyids, ignored)


def _signatures(envelope: Envelope, where: str, trust: Trust) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ids of the keys whose signatures hold, and of those that are not trusted."""
    signed = envelope.pae()
    known = [signature for signature in envelope.signatures.values() if signature.keyid in trust.keys]
    ignored = tuple(keyid for keyid in envelope.signatures if keyid not in trust.keys)
    for signature in known:
        try:
            trust.keys[signature.keyid].verify_signature(signature, signed)
        except UnverifiedSignatureError as wrong:
            what = f"the signature of {signature.keyid} does not hold."
            raise CsdInputError(
                [Problem(where, what, "The package was changed after it was signed, or the signature was.")]
            ) from wrong
    if not known:
        what = f"is signed by {', '.join(ignored)} only, which the trust root does not know."
        raise CsdInputError([Problem(where, what, "Have it signed by a key that is trusted, or get the newest trust root.")])
    if len(known) < trust.threshold:
        what = f"has {len(known)} of {trust.threshold} signatures that the trust root asks for."
        raise CsdInputError(
            [Problem(where, what, "Have it signed by another key that is trusted: csd package sign DIR --key KEY.")]
        )
    return tuple(signature.keyid for signature in known), ignored


def _stale(statement: Statement, where: str, now: datetime) -> Iterator[Problem]:
    if statement.expires <= now:
        what = f"has expired at {time_text(statement.expires)}."
        yield Problem(where, what, "Have it signed anew, if it is still good: csd package sign DIR --key KEY --again.")
    if statement.issued > now + _CLOCKS_MAY_DIFFER:
        yield Problem(
            where, f"was issued at {time_text(statement.issued)}, which is to come.", "Set the clock right, here or there."
        )


def _unexpected(statement: Statement, where: str, expected: Expected) -> Iterator[Problem]:
    release = statement.release
    floor = expected.floor_of(release.name)
    if floor and order(release.version) < order(floor):
        what = f"is version {release.version}, below the floor {floor}: an older release that must not come back."
        yield Problem(where, what, f"Take version {floor} or a newer one.")
    if expected.name and release.name != expected.name:
        yield Problem(where, f"is of package {release.name}, not {expected.name}.", "Name the package that is meant.")
    if expected.version and release.version != expected.version:
        yield Problem(where, f"is of version {release.version}, not {expected.version}.", "Name the version that is meant.")
