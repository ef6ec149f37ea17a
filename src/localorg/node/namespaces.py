"""The kernel's isolation, called directly: namespaces, mounts, capabilities. The one module here that makes such system calls.

Flow: a `RootPlan` (a value made by `rootplan`, pure) -> `start(plan, main)` forks a process into namespaces of its own, performs
the plan there, drops capabilities and runs `main` as process 1 of a new process-id namespace. `join` enters those of a running one.
Rules: mounts are made only in a private mount namespace, so they vanish with its last process; the started process dies with its
starter (parent-death signal). The caller is single-threaded: it forks.
Refuses to know: what a node, an agent or a script is. What it does not protect against: the network and abstract sockets are
the host's, the kernel is shared, and a host file that is world-readable is readable inside unless the plan masks it.
"""

import ctypes
import errno
import json
import os
import signal
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from localorg.node.rootplan import Bind, DevPts, Directory, Link, Overlay, Proc, ReadOnly, RootPlan, Step, Tmpfs

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY = 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 1, 4, 24, 36
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
CAPABILITY_VERSION_3 = 0x20080522
CAPABILITY_NUMBER_MAX = 63
SYSCALL_NUMBERS = {"x86_64": (155, 442), "aarch64": (41, 442)}
"""(pivot_root, mount_setattr) by machine."""

CAPABILITIES = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "FOWNER": 3,
    "FSETID": 4,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "NET_BIND_SERVICE": 10,
    "SYS_CHROOT": 18,
    "AUDIT_WRITE": 29,
    "SETFCAP": 31,
}
NODE_CAPABILITIES = frozenset(CAPABILITIES)
"""What a package manager needs to unpack, own and start files; nothing that reaches beyond the node (no SYS_ADMIN, MKNOD, ...)."""

_libc = ctypes.CDLL(None, use_errno=True)


class SandboxRefusedError(Exception):
    """The kernel (or this machine's settings) refused a step of making a sandbox; the text says which and what to do."""


@dataclass(frozen=True)
class Refusal:
    """Why namespaces cannot be used here, as a sentence with the next step."""

    reason: str


def _check(result: int, what: str) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces in `flags` (CLONE_NEW...). Raises OSError."""
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int, flags: int) -> None:
    """Enter the namespaces behind a descriptor (a pidfd, or a file of /proc/PID/ns). Raises OSError."""
    _check(_libc.setns(descriptor, flags), "setns")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Mount. Raises OSError naming the target."""
    arguments = [text.encode() if text else None for text in (source, target, kind)]
    _check(_libc.mount(*arguments, ctypes.c_ulong(flags), data.encode() if data else None), f"mount {kind or 'bind'} on {target}")


def make_read_only(target: str, *, recursive: bool = True) -> None:
    """Make the mount at `target`, and those below it, read-only (mount_setattr, Linux 5.12). Raises OSError."""
    attributes = struct.pack("QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    arguments = (ctypes.c_int(AT_FDCWD), target.encode(), ctypes.c_uint(flags), attributes, ctypes.c_size_t(len(attributes)))
    _check(_libc.syscall(ctypes.c_long(_syscall_number(1)), *arguments), f"make {target} read-only")


def enter_root(path: str) -> None:
    """Make `path` (a mount point) the root of this mount namespace and let go of the old one. Raises OSError."""
    os.chdir(path)
    _check(_libc.syscall(ctypes.c_long(_syscall_number(0)), b".", b"."), f"pivot_root to {path}")
    _check(_libc.umount2(b".", MNT_DETACH), "detach the old root")
    os.chdir("/")


def _syscall_number(which: int) -> int:
    machine = os.uname().machine
    if machine not in SYSCALL_NUMBERS:
        raise OSError(errno.ENOSYS, f"sandboxes know the system calls of {', '.join(SYSCALL_NUMBERS)}, this machine is {machine}")
    return SYSCALL_NUMBERS[machine][which]


def prctl(option: int, value: int, third: int = 0) -> int:
    """Set an attribute of this process. Raises OSError."""
    arguments = [ctypes.c_ulong(number) for number in (value, third, 0, 0)]
    return _check(_libc.prctl(ctypes.c_int(option), *arguments), f"prctl {option}")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however it ends."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def set_dumpable(*, allowed: bool) -> None:
    """Say whether processes without SYS_PTRACE may look into this one (memory, descriptors, /proc/PID/exe)."""
    prctl(PR_SET_DUMPABLE, int(allowed))


def drop_capabilities(keep: Iterable[str] = NODE_CAPABILITIES) -> None:
    """Give up every capability but `keep` (names of CAPABILITIES), for good: also what set-uid and root exec would bring back."""
    kept = {CAPABILITIES[name] for name in keep}
    for number in range(CAPABILITY_NUMBER_MAX + 1):
        if number not in kept and _libc.prctl(ctypes.c_int(PR_CAPBSET_DROP), ctypes.c_ulong(number), 0, 0, 0) == -1:
            if ctypes.get_errno() == errno.EINVAL:
                break  # past the last capability this kernel knows
            _check(-1, f"drop capability {number}")
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    low = sum(1 << number for number in kept)
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, struct.pack("IIIIII", low, low, 0, 0, 0, 0)), "capset")
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def map_single_user(uid: int, gid: int) -> None:
    """In a fresh user namespace: the one user (uid, gid) of the host is root here, and nobody else exists."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def perform(plan: RootPlan) -> None:
    """Carry out `plan` in this (private) mount namespace and enter the new root. Raises SandboxRefusedError."""
    mount("", "/", "", MS_REC | MS_PRIVATE)
    for step in plan.steps:
        try:
            _perform_step(plan.root, step)
        except OSError as error:
            raise SandboxRefusedError(_explained(step, error)) from error
    enter_root(plan.root)


def _perform_step(root: str, step: Step) -> None:
    target = root + step.target if step.target != "/" else root
    match step:
        case Overlay():
            mount("overlay", target, "overlay", 0, step.data())
        case Tmpfs():
            Path(target).mkdir(parents=True, exist_ok=True)
            mount(
                "tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, f"mode={step.mode:o}{',' + step.options if step.options else ''}"
            )
        case Bind():
            _bind(step, target)
        case Proc():
            mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        case DevPts():
            mount("devpts", target, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
        case ReadOnly():
            _close(step, target)
        case Directory() | Link():
            _place(step, Path(target))
        case _:
            assert_never(step)


def _place(step: Directory | Link, target: Path) -> None:
    match step:
        case Directory():
            target.mkdir(parents=True, exist_ok=True)
            if step.mode is not None:
                target.chmod(step.mode)
        case Link() if not os.path.lexists(target):
            target.symlink_to(step.points_to)


def _close(step: ReadOnly, target: str) -> None:
    if not step.own_mount:
        if not os.path.lexists(target):
            return
        mount(target, target, "", MS_BIND)
    make_read_only(target, recursive=False)


def _bind(step: Bind, target: str) -> None:
    if step.optional and not (Path(step.source).exists() and Path(target).exists()):
        return
    if not Path(target).exists():
        _make_mount_point(Path(step.source), Path(target))
    try:
        mount(step.source, target, "", MS_BIND)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        mount(step.source, target, "", MS_BIND | MS_REC)  # mounts below the source are locked to it in a user namespace
    if step.read_only:
        make_read_only(target)


def _make_mount_point(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir(parents=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()


def _explained(step: Step, error: OSError) -> str:
    what = f"{type(step).__name__.lower()} at {step.target} was refused by the kernel ({error.strerror})."
    match step:
        case Overlay() if error.errno == errno.ELOOP:
            return (
                f"{what} The state directory lies below {step.lowers[-1]}, which an ordinary user's nodes show. Give --state a directory "
                "elsewhere, for instance in your home or in /tmp."
            )
        case Overlay() if error.errno in {errno.EINVAL, errno.EOPNOTSUPP}:
            return (
                f"{what} Its upper directory {step.upper} must lie on a file system that overlayfs can write to (ext4, xfs, btrfs, "
                "tmpfs; not overlayfs itself, as inside a container), and no other file system may be mounted below "
                f"{step.lowers[-1]} when an ordinary user runs this. Move the state directory, or give --isolation none."
            )
        case Overlay() if error.errno == errno.ENODEV:
            return f"{what} This kernel has no overlayfs; load it (modprobe overlay), or give --isolation none."
        case Proc():
            return f"{what} The /proc of this machine is partly covered, as in a container. Run outside it, or give --isolation none."
    return f"{what} Run where mount namespaces are allowed, or give --isolation none."


def namespace_flags(*, user: bool) -> int:
    """Return the namespaces of a sandbox: mount, process ids, IPC, host name; and user ids for an ordinary user."""
    return CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (CLONE_NEWUSER if user else 0)


def available() -> Refusal | None:
    """Try whether this user may have namespaces here, in a process of its own. None means yes."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            unshare(namespace_flags(user=os.geteuid() != 0))
            os._exit(0)
        except OSError as error:
            os.write(writing, f"{error.errno} {error.strerror}".encode())
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        reason = pipe.read()
    if not os.waitpid(pid, 0)[1]:
        return None
    number, _, text = reason.partition(" ")
    return Refusal(_no_namespaces(OSError(int(number), text)))


def _no_namespaces(error: OSError) -> str:
    reason = str(error.strerror)
    who = "root without SYS_ADMIN" if os.geteuid() == 0 else "an ordinary user"
    if error.errno == errno.ENOSPC:
        who, reason = "everybody", f"{reason}: a limit of its own, user.max_*_namespaces, is used up"
    return (
        f"sandboxes need namespaces, and this machine refuses them to {who} ({reason}). Run as root on the machine itself, or allow "
        "user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, "
        "kernel.apparmor_restrict_unprivileged_userns), or give --isolation none."
    )


def start(plan: RootPlan, main: Callable[[], int], host_name: str, keep: Iterable[str] = NODE_CAPABILITIES) -> int:
    """Run `main` as process 1 of a sandbox made by `plan`; returns its pid as this process sees it. Raises SandboxRefusedError.

    The caller becomes its parent and must wait for it; it must be single-threaded, and every module `main` needs must be imported.
    """
    adopt_orphans()
    (news, tell), (go_reading, go_writing) = os.pipe(), os.pipe()
    keeper = os.fork()
    if keeper == 0:
        os.close(news)
        os.close(go_writing)
        _keeper(plan, main, host_name, keep, tell, go_reading)
    os.close(tell)
    os.close(go_reading)
    with os.fdopen(news) as told, os.fdopen(go_writing, "w") as go:
        first = json.loads(told.readline() or '{"failed": "the sandbox ended before it said anything"}')
        os.waitpid(keeper, 0)
        if "pid" in first:
            go.write("go")
            go.flush()
            second = json.loads(told.readline() or '{"failed": "the sandbox ended while it was being made"}')
            if "up" in second:
                return int(first["pid"])
            os.waitpid(first["pid"], 0)
            first = second
    raise SandboxRefusedError(first["failed"])


def _keeper(plan: RootPlan, main: Callable[[], int], host_name: str, keep: Iterable[str], tell: int, go: int) -> None:
    """Make the namespaces, leave process 1 to the caller (who adopts orphans), and end. Never returns."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        die_with_parent()
        unshare(namespace_flags(user=uid != 0))
        if uid != 0:
            map_single_user(uid, gid)
        pid = os.fork()
    except OSError as error:
        _say(tell, failed=_no_namespaces(error))
        os._exit(1)
    if pid:
        _say(tell, pid=pid)
        os._exit(0)
    _first_process(plan, main, host_name, keep, tell, go)


def _first_process(plan: RootPlan, main: Callable[[], int], host_name: str, keep: Iterable[str], tell: int, go: int) -> None:
    code = 1
    try:
        if os.read(go, 2) != b"go":
            os._exit(1)  # the starter has gone; nobody would ever end us
        os.close(go)
        die_with_parent()
        _check(_libc.sethostname(host_name.encode(), len(host_name)), "sethostname")
        perform(plan)
        drop_capabilities(keep)
        _say(tell, up=True)
        os.close(tell)
        code = main()
    except (SandboxRefusedError, OSError) as error:
        _say(tell, failed=str(error))
    finally:
        os._exit(code)


def _say(descriptor: int, **news: object) -> None:
    os.write(descriptor, json.dumps(news).encode() + b"\n")


def join(pid: int) -> None:
    """Enter the namespaces of the sandbox whose first process is `pid`; children then live in it. Raises OSError."""
    descriptor = os.pidfd_open(pid)
    user = Path(f"/proc/{pid}/ns/user").stat().st_ino != Path("/proc/self/ns/user").stat().st_ino
    setns(descriptor, namespace_flags(user=user))
    os.close(descriptor)
