"""A zip of unknown origin -> its members and everything for which it must not be unpacked.

Rules: bounded memory and time (see ending.py); faults are told all at once, at most FAULTS_MAX of them.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from csd.errors import Problem
from csd.package.names import printable, text_fault, zip_fault
from csd.package.reading.ending import Unreadable, read_ending
from csd.package.reading.members import DEFLATED, DEPTH_MAX, STORED, Member, read_members

UNPACKED_BYTES_MAX = 8_000_000_000
RATIO_MAX, RATIO_COUNTS_FROM = 200, 256 << 20
FAULTS_MAX = 50
ENCRYPTED = "is encrypted."
_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a zip must not be unpacked: `kind` (broken, lies, bomb, path, special, method, clash), the member ('' for the zip), what."""

    kind: str
    member: str
    what: str


@dataclass(frozen=True, slots=True)
class Examined:
    """What is in a zip, and what is wrong with it. Members are to be used only when there are no faults."""

    members: tuple[Member, ...]
    faults: tuple[Fault, ...]


def examine_zip(path: Path) -> Examined:
    """Read the directory of a zip, and nothing else."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        try:
            members = tuple(read_members(stream, read_ending(stream, size)))
        except Unreadable as unfit:
            return Examined((), (Fault(unfit.kind, "", unfit.what),))
    faults: list[Fault] = []
    for fault in _faults(members, size):
        faults.append(fault)
        if len(faults) == FAULTS_MAX:
            break
    return Examined(members, tuple(faults))


def zip_problems(path: Path) -> list[Problem]:
    """Everything for which a zip must not be used, each with its place."""
    return fault_problems(path, examine_zip(path).faults)


def fault_problems(path: Path, faults: Iterable[Fault]) -> list[Problem]:
    """What an examination found, each with its place."""
    return [
        Problem(f"{path}!{printable(fault.member)}" if fault.member else str(path), fault.what, "Do not use it; build it again.")
        for fault in faults
    ]


def read_member(path: Path, member: Member, limit: int) -> bytes:
    """The first `limit` bytes of a stored or deflated member. Raises Unreadable when its data are broken."""
    with path.open("rb") as stream:
        stream.seek(member.data)
        packed = stream.read(min(member.packed, limit + (64 << 10)))
    if member.method == STORED:
        return packed[:limit]
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, limit)
    except zlib.error as broken:
        raise Unreadable("broken", f"has broken data in {member.name!a}: {broken}.") from broken


def _faults(members: tuple[Member, ...], size: int) -> Iterator[Fault]:
    unpacked = sum(member.size for member in members)
    if unpacked > UNPACKED_BYTES_MAX:
        yield Fault("bomb", "", f"would unpack to {unpacked} bytes, more than {UNPACKED_BYTES_MAX}.")
    elif unpacked > RATIO_COUNTS_FROM and unpacked > size * RATIO_MAX:
        yield Fault("bomb", "", f"would unpack to {unpacked} bytes, more than {RATIO_MAX} times its own size.")
    yield from _layout(members)
    for member in members:
        yield from _member_faults(member)
    yield from _clashes(members)


def _layout(members: tuple[Member, ...]) -> Iterator[Fault]:
    end = 0
    for index, member in enumerate(sorted(members, key=lambda one: one.at)):
        if index == 0 and member.at:
            yield Fault("lies", "", f"has {member.at} bytes before its first member.")
        if member.at < end:
            yield Fault("bomb", printable(member.name), "shares its bytes with another member.")
            return
        end = member.end


def _member_faults(member: Member) -> Iterator[Fault]:
    name = printable(member.name)
    if member.special:
        yield Fault("special", name, f"is {member.special}.")
    if member.encrypted:
        yield Fault("method", name, ENCRYPTED)
    elif member.method not in (STORED, DEFLATED):
        # AWS: amazon-ssm-agent unpacks with Go's archive/zip, which knows these two methods only.
        yield Fault("method", name, f"is compressed with method {member.method}, which the agent does not know.")
    elif member.method == STORED and member.packed != member.size:
        yield Fault("lies", name, "is stored with another size than it says.")
    if what := path_fault(member.name):
        yield Fault("path", name, what)


def path_fault(name: str) -> str | None:
    """Why a member's name could leave the folder it is unpacked into, or surprise there."""
    if name.startswith("/") or _DRIVE.match(name):
        return "has an absolute path."
    parts = name.rstrip("/").split("/")
    if ".." in parts:
        return "leaves its folder ('..')."
    if len(parts) > DEPTH_MAX or not name.strip("/"):
        return f"lies in more than {DEPTH_MAX} folders, or has no name."
    return text_fault(name) or zip_fault(name, windows=False)


def _clashes(members: Iterable[Member]) -> Iterator[Fault]:
    """Two files of one name, also but for case, and a file where another has a folder. Nothing but the files' names is held."""
    held: dict[str, str] = {}
    names = []
    for member in members:
        if member.is_folder:
            continue
        folded = unicodedata.normalize("NFC", member.name).casefold()
        if folded in held:
            yield Fault("clash", printable(member.name), f"and {printable(held[folded])!r} would be one file.")
        held.setdefault(folded, member.name)
        names.append(folded)
    for folded in names:
        at = folded.find("/")
        while at > 0:
            if folded[:at] in held:
                yield Fault("clash", printable(held[folded]), f"lies in {printable(held[folded[:at]])!r}, which is a file.")
                break
            at = folded.find("/", at + 1)
