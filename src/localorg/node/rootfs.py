"""A node's directories on the host: reads what the plans need to know, and fills the layers before they are mounted.

Flow: /proc/self/mountinfo and / -> `HostFacts`; a node's folder -> upper and work directories with the masks (directories of the
host that a node must not see) and the node's own files (persona, host name) in them -> `rootplan` mounts them.
Rules: everything written lies below the state directory. Masks are opaque directories in the node's layer: the node may fill
them, and they persist, but the host's content never shows through.
"""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from localorg.node import rootplan
from localorg.node.rootplan import HostFacts, NodeDirectories, RootPlan
from localorg.node.scripts import POWERSHELL_PROGRAMS

ALWAYS_MASKED = ("/etc/ssl/private", "/lib/modules", "/etc/ssh")
# Whoever goes through the files of a node goes through half as many; images of containers lack them as well.
DOCUMENTATION = (
    "/usr/share/doc",
    "/usr/share/help",
    "/usr/share/icons",
    "/usr/share/info",
    "/usr/share/locale",
    "/usr/share/man",
)
ADDED_SOFTWARE = Path("/opt")
SECRET_FILES = ("/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/gshadow-")
SKELETON_FILES = (
    "/etc/",
    "/var/lib/dpkg/",
    "/var/log/dpkg.log",
    "/var/log/alternatives.log",
    "/var/log/apt/",
    "/var/lib/rpm/",
    "/var/cache/debconf/",
)
"""Trees whose files an ordinary user's nodes get as copies that they may change in place."""
SKELETON_FILE_BYTES_MAX = 8_000_000
SKIPPED_IN_SKELETON = frozenset(
    {"/usr/share/doc", "/usr/share/locale", "/usr/src", "/var/cache/apt", "/var/lib/apt/lists", "/var/lib/docker", "/var/tmp"}  # noqa: S108
)
"""Directories that are made for the node, but whose content is not gone through: nothing an installer changes is in them."""


def is_whole_root() -> bool:
    """Say whether this is root with every user of the machine, and not root of a user namespace (as in a rootless container)."""
    return os.geteuid() == 0 and Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]


def read_host_facts() -> HostFacts:
    """Look at this machine: what is mounted, and what lies directly below /."""
    mounts = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split(" ")
        kind = fields[fields.index("-") + 1]
        mounts.append((fields[4].encode().decode("unicode_escape"), kind))
    entries = sorted(os.scandir("/"), key=lambda entry: entry.name)
    links = tuple((entry.name, os.readlink(entry.path)) for entry in entries if entry.is_symlink())
    directories = tuple(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    return HostFacts(tuple((point, kind) for point, kind in mounts if Path(point).is_dir()), directories, links)


def node_directories(folder: Path) -> NodeDirectories:
    """Return where the node kept in `folder` has its mount point and layers."""
    return NodeDirectories(str(folder / "root"), str(folder / "upper"), str(folder / "work"))


def make_layers(plan: RootPlan) -> None:
    """Create the directories that `plan` mounts from or on."""
    Path(plan.root).mkdir(parents=True, exist_ok=True)
    for step in plan.steps:
        if isinstance(step, rootplan.Overlay):
            for path in (step.upper, step.work):
                Path(path).mkdir(parents=True, exist_ok=True)
            _like(Path(step.lowers[-1]), Path(step.upper))
        elif isinstance(step, rootplan.Bind) and step.target.strip("/") in rootplan.PRIVATE_TREES:
            Path(step.source).mkdir(parents=True, exist_ok=True)


def _like(original: Path, copy: Path) -> None:
    """Give `copy` the mode, and as far as allowed the owner, of `original`."""
    facts = original.stat()
    copy.chmod(stat.S_IMODE(facts.st_mode) | (0 if is_whole_root() else 0o700))
    if is_whole_root():
        os.chown(copy, facts.st_uid, facts.st_gid)


def private_paths(facts: HostFacts) -> tuple[str, ...]:
    """Return what of the host no node sees: /root, /home, and everything else that is not part of the operating system."""
    made_anew = ("dev", "proc", "run", "sys", "tmp")
    private = [name for name in facts.directories if name not in (*rootplan.SYSTEM_TREES, *made_anew)]
    return (*(f"/{name}" for name in private), *ALWAYS_MASKED, *DOCUMENTATION, *_added_software())


def _added_software() -> list[str]:
    """What somebody has added to this machine in /opt, where a new machine has nothing; but for PowerShell, which nodes may run."""
    needed = [Path(os.path.realpath(program)) for program in POWERSHELL_PROGRAMS]
    folders = sorted(ADDED_SOFTWARE.iterdir()) if ADDED_SOFTWARE.is_dir() else []
    return [str(folder) for folder in folders if not any(one.is_relative_to(folder) for one in needed)]


def mask(plan: RootPlan, facts: HostFacts, paths: Iterable[str]) -> None:
    """Hide host directories (and files) from the node, unless its layer says something about them already."""
    uppers = rootplan.overlaid(plan)
    for path in paths:
        real = os.path.realpath(path)
        tree = max((target for target in uppers if rootplan.is_below(real, target)), key=len, default=None)
        hidden_anyway = tree is None or real == tree or not rootplan.is_below(tree, rootplan.mount_of(real, facts))
        if not hidden_anyway and tree is not None and Path(real).exists():
            _mask_one(Path(uppers[tree]), Path(tree), Path(real))


def _mask_one(upper: Path, tree: Path, real: Path) -> None:
    inside = upper / real.relative_to(tree)
    if inside.exists():
        return
    _parents(upper, tree, inside)
    if real.is_dir():
        inside.mkdir(mode=0o700 if real == Path("/root") else 0o755)
        os.setxattr(inside, "trusted.overlay.opaque" if is_whole_root() else "user.overlay.opaque", b"y")
    else:
        inside.touch(mode=0o000)


def _parents(upper: Path, tree: Path, inside: Path) -> None:
    """Make the directories above `inside` in the layer, each looking like the host's, so that merging changes nothing else."""
    steps = inside.relative_to(upper).parts[:-1]
    for depth in range(1, len(steps) + 1):
        part = upper.joinpath(*steps[:depth])
        if not part.exists():
            part.mkdir()
            with contextlib.suppress(FileNotFoundError):
                _like(tree.joinpath(*steps[:depth]), part)


def lock_passwords(plan: RootPlan) -> None:
    """Put copies of the password files without any password into the node's layer (root only: nobody else could read them)."""
    for name in SECRET_FILES:
        with contextlib.suppress(OSError):
            lines = [line.split(":") for line in Path(name).read_text().splitlines()]
            text = "".join(":".join([line[0], "*", *line[2:]]) + "\n" for line in lines if len(line) > 1)
            _write(plan, name, text, mode=0o640, replace=False)


def write_node_files(plan: RootPlan, files: Mapping[str, str]) -> None:
    """Put files into the node's layer, in place of the host's. `files`: absolute path in the node -> content."""
    for name, text in files.items():
        _write(plan, name, text, mode=0o755 if name.startswith("/usr/sbin") else 0o644, replace=True)


def _write(plan: RootPlan, name: str, text: str, *, mode: int, replace: bool) -> None:
    uppers = rootplan.overlaid(plan)
    tree = max((target for target in uppers if rootplan.is_below(name, target)), key=len)
    inside = Path(uppers[tree]) / Path(name).relative_to(tree)
    if inside.exists() and not replace:
        return
    _parents(Path(uppers[tree]), Path(tree), inside)
    inside.unlink(missing_ok=True)
    inside.write_text(text)
    inside.chmod(mode)


def build_skeleton(folder: Path, facts: HostFacts) -> None:
    """Make the middle layer of an ordinary user: the host's directories, owned by the user, and copies of files that installers change.

    Made once per state of the host's package database; later calls return at once.
    """
    stamp = folder / "made-from"
    made_from = _host_state(facts)
    if stamp.exists() and stamp.read_text() == made_from:
        return
    for name in facts.directories:
        if name in rootplan.SYSTEM_TREES:
            _copy_directories(f"/{name}", f"{folder}/{name}", os.path.realpath(folder.parent))
    stamp.write_text(made_from)


def _host_state(facts: HostFacts) -> str:
    status = Path("/var/lib/dpkg/status")
    return f"{status.stat().st_mtime_ns if status.exists() else 0} {' '.join(facts.directories)}"


def _copy_directories(original: str, copy: str, state: str) -> None:
    """Copy the tree of directories, but not the state directory: it holds the copy itself, and nodes must not see it."""
    device = os.stat(original).st_dev
    waiting = [(original, copy)]
    while waiting:
        source, target = waiting.pop()
        Path(target).mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            facts = os.stat(source)
            os.chmod(target, stat.S_IMODE(facts.st_mode) & ~0o6000 | 0o700)
            if facts.st_dev == device and source not in SKIPPED_IN_SKELETON and source != state:
                for entry in os.scandir(source):
                    _copy_entry(entry, f"{target}/{entry.name}", waiting)


def _copy_entry(entry: "os.DirEntry[str]", target: str, waiting: list[tuple[str, str]]) -> None:
    if entry.is_dir(follow_symlinks=False):
        waiting.append((entry.path, target))
    elif entry.path.startswith(SKELETON_FILES) and _changes_in_place(entry):
        _copy_file(entry.path, Path(target))


def _changes_in_place(entry: "os.DirEntry[str]") -> bool:
    ordinary = entry.is_file(follow_symlinks=False) and not entry.path.startswith("/var/lib/dpkg/info/")
    return ordinary and entry.stat().st_size <= SKELETON_FILE_BYTES_MAX


def _copy_file(source: str, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EPERM}:
            raise
        target.touch()  # unreadable for us (shadow, keys): the node gets an empty one of its own
    with contextlib.suppress(OSError):
        target.chmod(stat.S_IMODE(Path(source).stat().st_mode) | 0o600)
