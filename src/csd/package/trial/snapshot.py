"""One look at a node's files: the script that takes it there, and what it printed -> Snapshot.

Flow: snapshot_lines(windows, since) -> a command on the node -> its whole output -> read_snapshot -> Snapshot (raw lines; differences.py
parses only those that differ, of some hundred thousand).

Rules: pure. Output that is cut or not whole is refused, never read as far as it goes: what is missing would count as removed.
"""

import base64
import binascii
import re
import zlib
from dataclasses import dataclass
from importlib.resources import files

UNPACKED_BYTES_MAX = 512 * 1024 * 1024
HASHED_BYTES_MAX = 64 * 1024 * 1024
# The kernel's and the agent's own; what lives until the next boot; other machines' files (containers).
PRUNED = (
    "/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp",  # noqa: S108 - nothing is written there
    "/var/run", "/var/lib/amazon/ssm", "/var/log/amazon", "/snap", "/lost+found",
    "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/kubelet",
)  # fmt: skip


class NotWhole(Exception):
    """A snapshot's output is not all there; the words say what is wrong with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What was there: one line for each file, user and group; `taken` by the node's own clock.

    A later look is kept as what it has `more` and `fewer` than the first one, its `base`: hundreds of thousands of lines are alike.
    """

    taken: int
    lines: frozenset[str] = frozenset()
    base: "Snapshot | None" = None
    more: frozenset[str] = frozenset()
    fewer: frozenset[str] = frozenset()

    def against(self, base: "Snapshot") -> "Snapshot":
        """The same, told by what differs from `base`."""
        return Snapshot(self.taken, base=base, more=self.lines - base.lines, fewer=base.lines - self.lines)

    def beyond(self, other: "Snapshot") -> frozenset[str]:
        """The lines that the other look does not have."""
        if (self.base or self) is (other.base or other):
            return (self.more - other.more) | (other.fewer - self.fewer)
        return self.whole - other.whole

    @property
    def whole(self) -> frozenset[str]:
        """All lines."""
        return (self.base.lines - self.fewer) | self.more if self.base else self.lines


def snapshot_lines(*, windows: bool, since: int) -> list[str]:
    """The script, for AWS-RunShellScript or AWS-RunPowerShellScript. `since` 0: nothing is hashed but /etc."""
    text = files("csd.package.trial").joinpath("snapshot.ps1" if windows else "snapshot.sh").read_text(encoding="utf-8")
    words = {
        "@SINCE@": str(since), "@HASHED_MAX@": str(HASHED_BYTES_MAX), "@PRUNED@": " -o ".join(f"-path {path}" for path in PRUNED),
        "@PRUNED_ROOTS@": " | ".join(f"{path} | {path}/*" for path in PRUNED),
    }  # fmt: skip
    for word, value in words.items():
        text = text.replace(word, value)
    return text.splitlines()


def read_snapshot(output: str) -> Snapshot:
    """Unpack what a node printed. Raises NotWhole."""
    head, _, body = output.strip().partition("\n")
    words = head.split()
    if words[:2] != ["csd-snapshot", "1"] or len(words) != 3 or not words[2].isdigit():
        raise NotWhole(f"the node printed no snapshot; it begins with {head[:80]!r}")
    try:
        packed = base64.b64decode("".join(body.split()), validate=True)
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        text = unpacking.decompress(packed, UNPACKED_BYTES_MAX)
    except (binascii.Error, zlib.error) as broken:
        raise NotWhole(f"the snapshot cannot be unpacked: {broken}") from broken
    if unpacking.unconsumed_tail:
        raise NotWhole(f"the snapshot is larger than {UNPACKED_BYTES_MAX} bytes")
    # Lines of names that hold line feeds belong to the line before.
    lines = re.split(r"\n(?=[EHUGS] |Z\n)", text.decode("utf-8", "surrogateescape"))
    if not unpacking.eof or lines[-1] != "Z\n":
        raise NotWhole("the snapshot's end is missing")
    return Snapshot(int(words[2]), frozenset(lines[:-1]))
