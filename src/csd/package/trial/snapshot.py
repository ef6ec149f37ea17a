"""One look at a node's files: the script that takes it there, and what it printed -> Snapshot.

Flow: snapshot_lines -> a command on the node -> its whole output -> read_snapshot -> Snapshot (raw lines; differences.py parses only
those that differ, of some hundred thousand). The first look is whole; later ones tell what has changed since, and changes.py what that
comes to; where that cannot be told (LookAgain), the node is looked at as a whole once more.

Rules: pure. Output that is cut or not whole is refused, never read as far as it goes: what is missing would count as removed.
"""

import base64
import binascii
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from csd.package.trial.changes import LookAgain, NotWhole, Tree

UNPACKED_BYTES_MAX = 512 * 1024 * 1024
HASHED_BYTES_MAX = 64 * 1024 * 1024
# The kernel's and the agent's own; what lives until the next boot; other machines' files (containers).
PRUNED = (
    "/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp",  # noqa: S108 - nothing is written there
    "/var/run", "/var/lib/amazon/ssm", "/var/log/amazon", "/snap", "/lost+found",
    "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/kubelet",
)  # fmt: skip


# Clocks are set little by little, and file systems count in ticks: changes are asked for from a little earlier on.
_MARGIN_S = 5
_CLOCK_S = 2


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What was there: one line for each file, user and group; `taken` and `booted` by the node's own clock.

    A later look is kept as what it has `more` and `fewer` than the first one, its `base`: hundreds of thousands of lines are alike.
    """

    taken: int
    lines: frozenset[str] = frozenset()
    base: "Snapshot | None" = None
    more: frozenset[str] = frozenset()
    fewer: frozenset[str] = frozenset()
    booted: int = 0

    @property
    def since(self) -> int:
        """From when on later looks need tell what has changed."""
        return max(1, self.taken - _MARGIN_S)

    @cached_property
    def tree(self) -> Tree:
        """The lines by folder."""
        return Tree.of(self.lines)

    def against(self, base: "Snapshot") -> "Snapshot":
        """The same, told by what differs from `base`."""
        return Snapshot(self.taken, base=base, more=self.lines - base.lines, fewer=base.lines - self.lines)

    def of_changes(self, base: "Snapshot") -> "Snapshot":
        """What these lines, which tell only changes, make of `base`. Raises LookAgain."""
        if abs(self.booted - base.booted) > _CLOCK_S:
            raise LookAgain("the node's clock was set, or it was started again, since the first look")
        more, fewer = base.tree.changed(self.lines)
        return Snapshot(self.taken, base=base, more=more, fewer=fewer)

    def beyond(self, other: "Snapshot") -> frozenset[str]:
        """The lines that the other look does not have."""
        if (self.base or self) is (other.base or other):
            return (self.more - other.more) | (other.fewer - self.fewer)
        return self.whole - other.whole

    @property
    def whole(self) -> frozenset[str]:
        """All lines."""
        return (self.base.lines - self.fewer) | self.more if self.base else self.lines


def snapshot_lines(*, windows: bool, since: int, whole: bool = True) -> list[str]:
    """The script, for AWS-RunShellScript or AWS-RunPowerShellScript. `since` 0: nothing is hashed but /etc.

    Not `whole`: it tells only what has changed since then, where the node's tools can (GNU find).
    """
    text = files("csd.package.trial").joinpath("snapshot.ps1" if windows else "snapshot.sh").read_text(encoding="utf-8")
    words = {
        "@SINCE@": str(since),
        "@WHOLE@": "1" if whole or not since else "",
        "@HASHED_MAX@": str(HASHED_BYTES_MAX),
        "@PRUNED@": " -o ".join(f"-path {path}" for path in PRUNED),
        "@PRUNED_ROOTS@": " | ".join(f"{path} | {path}/*" for path in PRUNED),
    }
    for word, value in words.items():
        text = text.replace(word, value)
    return text.splitlines()


def read_snapshot(output: str, base: Snapshot | None = None) -> Snapshot:
    """Unpack what a node printed, told by the first look where there is one. Raises NotWhole; LookAgain, where it tells too little."""
    head, _, body = output.strip().partition("\n")
    words = head.split()
    if words[:2] != ["csd-snapshot", "2"] or len(words) != 5 or not all(word.isdigit() for word in words[2:]):
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
    lines = re.split(r"\n(?=[EHUGSMN] |Z\n)", text.decode("utf-8", "surrogateescape"))
    if not unpacking.eof or lines[-1] != "Z\n":
        raise NotWhole("the snapshot's end is missing")
    look = Snapshot(int(words[2]), frozenset(lines[:-1]), booted=int(words[3]))
    if words[4] == "0":
        if base is None:
            raise LookAgain("it tells only changes, and there is no first look")
        return look.of_changes(base)
    return look.against(base) if base else look
