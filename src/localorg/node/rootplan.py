"""Plans of sandbox roots, as values: which mounts, in which order. Pure: facts about the host come in, steps go out.

Flow: `HostFacts` (what is mounted where) + a node's directories -> `RootPlan` -> `namespaces.perform`. Three plans:
`overlay_plan` (root: one overlay over `/`), `layered_plan` (ordinary user: one overlay per top-level directory over a skeleton
the user owns) and `read_only_root_plan` (for workers that need no root of their own).
Refuses to know: how mounts are made, and what runs in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType


@dataclass(frozen=True)
class Directory:
    """A directory in the new root; `mode` is set when given."""

    target: str
    mode: int | None = None


@dataclass(frozen=True)
class Link:
    """A symbolic link in the new root."""

    target: str
    points_to: str


@dataclass(frozen=True)
class Tmpfs:
    """An empty file system in memory."""

    target: str
    mode: int = 0o755
    options: str = ""


@dataclass(frozen=True)
class Overlay:
    """A copy-on-write view of `lowers` (topmost first); what is written goes to `upper`."""

    target: str
    lowers: tuple[str, ...]
    upper: str
    work: str
    user_attributes: bool = False
    """Overlay's own marks in user.* instead of trusted.* attributes: all that a user namespace may write."""

    def data(self) -> str:
        """Return the mount options, with the characters that part them escaped."""
        lowers = ":".join(_escaped(path) for path in self.lowers)
        options = [f"lowerdir={lowers}", f"upperdir={_escaped(self.upper)}", f"workdir={_escaped(self.work)}", "index=off"]
        return ",".join([*options, *(["userxattr"] if self.user_attributes else [])])


@dataclass(frozen=True)
class Bind:
    """A piece of the host, shown at `target`. An optional one is left out when either side is missing."""

    source: str
    target: str
    read_only: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Proc:
    """The processes of the sandbox's own process-id namespace."""

    target: str = "/proc"


@dataclass(frozen=True)
class DevPts:
    """Terminals of the sandbox's own."""

    target: str = "/dev/pts"


@dataclass(frozen=True)
class ReadOnly:
    """What is at `target`, if anything, can no longer be written. `own_mount`: it is a mount already."""

    target: str
    own_mount: bool = False


Step = Directory | Link | Tmpfs | Overlay | Bind | Proc | DevPts | ReadOnly


@dataclass(frozen=True)
class RootPlan:
    """Steps that build a root at `root` (a directory of the host used as mount point), in order."""

    root: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class HostFacts:
    """What the plans need to know of the host: mount points with their file system types, and its top-level entries."""

    mounts: tuple[tuple[str, str], ...]
    directories: tuple[str, ...]
    """Names of the real directories below /."""
    links: tuple[tuple[str, str], ...]
    """(name, where it points) of the symbolic links below /, such as ("bin", "usr/bin")."""


@dataclass(frozen=True)
class NodeDirectories:
    """Where a node keeps its root on the host: `root` is the mount point, `upper` and `work` hold one directory per overlay."""

    root: str
    upper: str
    work: str

    def layer(self, target: str) -> tuple[str, str]:
        """Return (upper, work) of the overlay at `target`."""
        name = "root" if target == "/" else target.strip("/").replace("/", "%")
        return f"{self.upper}/{name}", f"{self.work}/{name}"


SYSTEM_TREES = ("bin", "etc", "lib", "lib32", "lib64", "libx32", "opt", "sbin", "srv", "usr", "var")
"""Top-level directories whose content a node shares with the host until it writes."""
PRIVATE_TREES = ("home", "root", "media", "mnt")
"""Top-level directories that every machine has, and that a node has for itself, empty."""
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
DISK_FILE_SYSTEMS = frozenset(
    {"btrfs", "erofs", "ext2", "ext3", "ext4", "f2fs", "fuseblk", "jfs", "overlay", "squashfs", "xfs", "zfs"}
)
PROC_READ_ONLY = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi")
PROC_HIDDEN = ("kcore", "keys", "timer_list", "sched_debug", "latency_stats")


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace(",", "\\,").replace(":", "\\:")


def mount_of(path: str, facts: HostFacts) -> str:
    """Return the mount point that `path` (absolute, no links) lies on."""
    return max((point for point, _ in facts.mounts if is_below(path, point)), key=len, default="/")


def is_below(path: str, parent: str) -> bool:
    """Say whether `path` is `parent` or lies below it."""
    return PurePosixPath(path).is_relative_to(parent)


def shown_mounts(facts: HostFacts) -> tuple[str, ...]:
    """Return the host's mount points that a root's node shows: / and separate disks that carry parts of the system."""
    shown = ["/"]
    for point, kind in sorted(facts.mounts):
        top = point.strip("/").split("/")[0]
        if point != "/" and point not in shown and kind in DISK_FILE_SYSTEMS and top in SYSTEM_TREES:
            shown.append(point)
    return tuple(shown)


def overlay_plan(facts: HostFacts, node: NodeDirectories) -> RootPlan:
    """Plan a node's root for root: an overlay over the whole host, one more for each disk mounted inside the system's trees."""
    overlays: list[Step] = []
    for point in shown_mounts(facts):
        upper, work = node.layer(point)
        overlays.append(Overlay(point, (point,), upper, work))
    return RootPlan(node.root, (*overlays, *_private_parts()))


def layered_plan(facts: HostFacts, node: NodeDirectories, skeleton: str) -> RootPlan:
    """Plan a node's root for an ordinary user: overlays per top-level directory over `skeleton`, which the user owns."""
    steps: list[Step] = [Tmpfs("/", 0o755)]
    steps += [Link(f"/{name}", points_to) for name, points_to in facts.links]
    for name in facts.directories:
        upper, work = node.layer(f"/{name}")
        if name in SYSTEM_TREES:
            steps += [
                Directory(f"/{name}"),
                Overlay(f"/{name}", (f"{skeleton}/{name}", f"/{name}"), upper, work, user_attributes=True),
            ]
        elif name in PRIVATE_TREES:
            steps += [Bind(upper, f"/{name}")]
    return RootPlan(node.root, (*steps, *_private_parts()))


def overlaid(plan: RootPlan) -> dict[str, str]:
    """Return target -> upper directory of every overlay of `plan`."""
    return {step.target: step.upper for step in plan.steps if isinstance(step, Overlay)}


def _private_parts() -> tuple[Step, ...]:
    """Return what every root has for itself: /dev, /proc, /sys, /tmp, /run."""
    fresh = (Tmpfs("/tmp", 0o1777), Tmpfs("/run", 0o755), Directory("/run/lock", 0o1777))  # noqa: S108 - the node's own /tmp, fresh
    return (*_devices(), *_processes(), Tmpfs("/sys", 0o555), ReadOnly("/sys", own_mount=True), *fresh)


def _devices() -> tuple[Step, ...]:
    links = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
    return (
        Tmpfs("/dev", 0o755, "size=64k"),
        *(Bind(f"/dev/{name}", f"/dev/{name}") for name in DEVICES),
        Directory("/dev/pts"),
        DevPts(),
        Link("/dev/ptmx", "pts/ptmx"),
        Tmpfs("/dev/shm", 0o1777),  # noqa: S108 - the sandbox's own shared memory
        *(Link(f"/dev/{name}", points_to) for name, points_to in links.items()),
    )


def _processes() -> tuple[Step, ...]:
    return (
        Directory("/proc"),
        Proc(),
        *(ReadOnly(f"/proc/{name}") for name in PROC_READ_ONLY),
        *(Bind("/dev/null", f"/proc/{name}", optional=True) for name in PROC_HIDDEN),
    )


def read_only_root_plan(
    root: str, binds: tuple[str, ...], facts: HostFacts, bounds: Mapping[str, str] = MappingProxyType({})
) -> RootPlan:
    """Plan a root of nothing but read-only pieces of the host at their own places, with a private /tmp, /dev and /proc.

    `binds` are absolute host paths (files or directories, links resolved); top-level links such as /bin -> usr/bin are kept.
    `bounds` are mount options (size=64m) of the private file systems in memory, by their place.
    """
    steps: list[Step] = [Tmpfs("/", 0o755, "size=1m")]
    wanted = {path.strip("/").split("/")[0] for path in binds}
    steps += [Link(f"/{name}", points_to) for name, points_to in facts.links if points_to.strip("/").split("/")[0] in wanted]
    linked = {f"/{name}" for name, _ in facts.links}
    private = [
        replace(step, options=bounds.get(step.target, step.options)) if isinstance(step, Tmpfs) else step
        for step in _private_parts()
    ]
    covers = [step.target for step in private if isinstance(step, Tmpfs)]
    pieces = [Bind(path, path, read_only=True) for path in sorted(set(binds)) if path not in linked]
    # A piece below /tmp (a checkout there) would be covered by the private /tmp if it came first.
    late = [piece for piece in pieces if any(is_below(piece.source, cover) for cover in covers)]
    early = [piece for piece in pieces if piece not in late]
    return RootPlan(root, (*steps, *early, *private, *late, ReadOnly("/", own_mount=True)))
