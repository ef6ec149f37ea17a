"""release.dsse.json: a DSSE envelope, read as if a stranger had written it. Bytes <-> payload and signatures.

    {"payload": BASE64, "payloadType": "application/vnd.csd.release+json", "signatures": [{"keyid", "sig": BASE64}]}

Flow: bytes, bounded -> JSON without repeated names -> exact base64 -> `Envelope` of securesystemslib, which knows what is signed (PAE).

Rules: a key's first signature counts, its others do not; base64 has one spelling, so that every bit of the file matters.
Refuses to know: keys, what the payload says.
"""

import base64
import binascii
import json
from pathlib import Path
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.signer import Signature

from csd.errors import CsdInputError, Problem
from csd.package.signing.statement import PAYLOAD_TYPE

ENVELOPE_BYTES_MAX = 128 * 1024
SIGNATURES_MAX = 10
_SIGNATURE_BYTES_MAX = 1024  # that of an RSA key of 8192 bits
_SIGN_AGAIN = "Sign the package again: csd package sign DIR --key KEY --again."


def read_bounded(path: Path, limit: int, remedy: str = "Name the file that is meant.") -> bytes:
    """The bytes of a plain file that is no larger than `limit`; `remedy` for where none is. Raises CsdInputError, OSError."""
    if not path.exists() and not path.is_symlink():
        raise CsdInputError([Problem(str(path), "there is no such file.", remedy)])
    if path.is_symlink() or not path.is_file():
        raise CsdInputError([Problem(str(path), "is no plain file.", "Put the file itself there.")])
    with path.open("rb") as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise CsdInputError([Problem(str(path), f"is larger than {limit} bytes.", "This is not what csd writes.")])
    return content


def read_envelope(content: bytes, where: str) -> Envelope:
    """The envelope that bytes tell. Raises CsdInputError."""
    if len(content) > ENVELOPE_BYTES_MAX:
        raise _wrong(where, f"is larger than {ENVELOPE_BYTES_MAX} bytes.")
    try:
        told = json.loads(content.decode("utf-8"), object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as broken:
        raise _wrong(where, f"is not the JSON of an envelope: {broken}.") from broken
    match told:
        case {"payload": str(payload), "payloadType": str(kind), "signatures": list(signatures)}:
            pass
        case _:
            raise _wrong(where, "is no envelope: it needs payload, payloadType and signatures.")
    if kind != PAYLOAD_TYPE:
        raise _wrong(where, f"carries {kind!r}, not {PAYLOAD_TYPE}.")
    if not 1 <= len(signatures) <= SIGNATURES_MAX:
        raise _wrong(where, f"has {len(signatures)} signatures; it must have 1 to {SIGNATURES_MAX}.")
    found: dict[str, Signature] = {}
    for number, each in enumerate(signatures, 1):
        signature = _signature(each, f"{where}: signature {number}")
        found.setdefault(signature.keyid, signature)
    return Envelope(_decoded(payload, f"{where}: payload"), kind, found)


def envelope_text(envelope: Envelope) -> str:
    """The envelope as its file has it."""
    return json.dumps(envelope.to_dict(), indent=1, sort_keys=True) + "\n"


def _signature(told: Any, where: str) -> Signature:
    match told:
        case {"keyid": str(keyid), "sig": str(text)} if keyid:
            content = _decoded(text, where)
        case _:
            raise _wrong(where, "has no keyid or no sig.")
    if not 1 <= len(content) <= _SIGNATURE_BYTES_MAX:
        raise _wrong(where, f"is {len(content)} bytes long.")
    return Signature(keyid, content.hex())


def _decoded(text: str, where: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as broken:
        raise _wrong(where, f"is not base64: {broken}.") from broken
    if base64.b64encode(content).decode() != text:
        raise _wrong(where, "is not base64 as it is written.")
    return content


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice in one object")
    return found


def _wrong(where: str, what: str) -> CsdInputError:
    return CsdInputError([Problem(where, what, _SIGN_AGAIN)])
