"""trust.json: whom the desk believes. A TUF root: public keys, how many of them must sign, a version, an expiry; signed by those keys.

Flow: `new_root` or `next_root` -> each holder signs -> `accept`: enough keys of the root before and of the new one have signed.

Rules: python-tuf reads, writes and verifies the file; the role `targets` names the keys that sign releases, `root` those that change the
file, and here they are the same keys. A root that names one key under two names is refused, else one holder could count twice.
Refuses to know: releases, AWS, the clock.
"""

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.signer import Key, Signer, SSlibKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import TOP_LEVEL_ROLE_NAMES, Metadata, Root, Targets
from tuf.api.serialization import DeserializationError

from csd.errors import CsdInputError, Problem
from csd.package.signing.envelope import read_bounded
from csd.package.signing.statement import time_text

TRUST_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Trust:
    """A trust root that was verified by its own keys."""

    keys: dict[str, Key]
    threshold: int
    version: int
    expires: datetime


def new_root(keys: list[Key], threshold: int, expires: datetime) -> Metadata[Root]:
    """The first root of these keys, unsigned. Raises CsdInputError."""
    root = Root(expires=expires)
    _set(root, keys, threshold)
    return Metadata(root)


def next_root(
    current: Metadata[Root], add: list[Key], remove: list[str], threshold: int | None, expires: datetime
) -> Metadata[Root]:
    """The root that follows, unsigned: with these keys and without those. Raises CsdInputError."""
    root = deepcopy(current.signed)
    held = _keys(root)
    if unknown := sorted(set(remove) - set(held)):
        raise CsdInputError(
            [
                Problem("--remove", f"{keyid} is no key of this trust root.", "csd package trust show lists them.")
                for keyid in unknown
            ]
        )
    kept = {keyid: key for keyid, key in held.items() if keyid not in remove} | {key.keyid: key for key in add}
    _set(root, list(kept.values()), threshold or root.roles[Targets.type].threshold)
    root.version, root.expires = root.version + 1, expires
    return Metadata(root)


def read_root(path: Path) -> Metadata[Root]:
    """The root of a file, signed or not. Raises CsdInputError, OSError."""
    content = read_bounded(path, TRUST_BYTES_MAX, "Name it with --trust; csd package trust init makes one.")
    try:
        found: Metadata[Root] = Metadata.from_bytes(content)
        if not isinstance(found.signed, Root):
            raise _wrong(path, "is no TUF root.")
        _check(found.signed, str(path))
    except (DeserializationError, RecursionError, TypeError, UnsupportedAlgorithm, ValueError) as broken:
        raise _wrong(path, f"is no trust root: {broken}.") from broken
    return found


def put_root(path: Path, root: Metadata[Root]) -> None:
    """Write a root in one step."""
    hidden = path.with_name(f".{path.name}.new")
    hidden.write_bytes(root.to_bytes())
    hidden.replace(path)


def sign_root(root: Metadata[Root], signer: Signer, where: str, before: Metadata[Root] | None = None) -> None:
    """Add one signature, of a key that this root names or that the root before named. Raises CsdInputError."""
    keyid = signer.public_key.keyid
    if keyid not in root.signed.keys and not (before and keyid in before.signed.keys):
        what = f"{keyid} is no key of this trust root, nor of the one before it."
        raise CsdInputError([Problem(where, what, "Give --trust with the file before it, if the key is in that one.")])
    root.signatures[keyid] = signer.sign(root.signed_bytes)


def missing(root: Metadata[Root], before: Metadata[Root] | None = None) -> tuple[int, int]:
    """How many signatures of the root before, and of this one, are still wanted. Raises CsdInputError."""
    try:
        found = root.signed.get_root_verification_result(before.signed if before else None, root.signed_bytes, root.signatures)
    except (ValueError, RepositoryError) as broken:
        raise CsdInputError([Problem("trust root", f"{broken}", "Roots are accepted one version after another.")]) from broken
    return (found.first.missing if before else 0), found.second.missing


def accept(root: Metadata[Root], before: Metadata[Root], where: str, now: datetime) -> Trust:
    """The trust that follows another. Raises CsdInputError unless enough keys of both have signed it."""
    if root.signed.version != before.signed.version + 1:
        what = f"is version {root.signed.version}; after version {before.signed.version} comes {before.signed.version + 1}."
        raise CsdInputError([Problem(where, what, "Accept the versions one after another.")])
    old, _ = missing(root, before)
    if old:
        raise CsdInputError(
            [
                Problem(
                    where,
                    f"lacks {old} signatures of the keys that are trusted now.",
                    f"csd package trust sign {where} --key KEY",
                )
            ]
        )
    return verified(root, where, now)


def verified(root: Metadata[Root], where: str, now: datetime) -> Trust:
    """The trust of a root that its own keys have signed and that is not past. Raises CsdInputError."""
    _, own = missing(root)
    if own:
        raise CsdInputError(
            [Problem(where, f"lacks {own} signatures of its own keys.", f"csd package trust sign {where} --key KEY")]
        )
    if root.signed.is_expired(now):
        what = f"has expired at {time_text(root.signed.expires)}."
        raise CsdInputError(
            [Problem(where, what, "Get the next version from who keeps it: csd package trust change, sign, accept.")]
        )
    role = root.signed.roles[Targets.type]
    return Trust(_keys(root.signed), role.threshold, root.signed.version, root.signed.expires)


def _keys(root: Root) -> dict[str, Key]:
    return {keyid: root.keys[keyid] for keyid in root.roles[Targets.type].keyids if keyid in root.keys}


def _set(root: Root, keys: list[Key], threshold: int) -> None:
    root.keys = {key.keyid: key for key in keys}
    for name in TOP_LEVEL_ROLE_NAMES:  # TUF wants all four; the two that csd does not use are the same people
        root.roles[name].keyids = list(root.keys)
        root.roles[name].threshold = threshold
    _check(root, "trust root")


def _check(root: Root, where: str) -> None:
    problems = []
    role = root.roles[Targets.type]
    if any((set(one.keyids), one.threshold) != (set(role.keyids), role.threshold) for one in root.roles.values()):
        problems.append(Problem(f"{where}: roles", "differ in keys or thresholds.", "csd keeps one set of keys for all of them."))
    if not 1 <= role.threshold <= len(_keys(root)):
        what = f"wants {role.threshold} signatures of {len(_keys(root))} keys."
        problems.append(Problem(f"{where}: threshold", what, "Name at least one key, and no more signatures than keys."))
    named: dict[bytes, str] = {}
    for keyid, key in root.keys.items():
        other = named.setdefault(_material(key), keyid)
        if other != keyid:
            problems.append(Problem(f"{where}: {keyid}", f"is the same key as {other}.", "Name each key once."))
    if problems:
        raise CsdInputError(problems)


def _material(key: Key) -> bytes:
    """What makes a key that key, whatever it is called. Raises TypeError for kinds that csd does not verify with."""
    if not isinstance(key, SSlibKey):
        raise TypeError(f"{key.keyid} is of a kind that csd does not verify with ({key.keytype})")
    public = str(key.keyval["public"])
    if key.keytype == "ed25519":
        return bytes.fromhex(public)
    return load_pem_public_key(public.encode()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _wrong(path: Path, what: str) -> CsdInputError:
    return CsdInputError([Problem(str(path), what, "csd package trust init makes one.")])
