"""Two looks at a node -> what was added, changed and removed between them.

A file is the same when its kind, mode, owner and content are: by digest where both looks have one, else by size and time.

Rules: pure. What the system keeps for itself (databases of package managers, logs that grow, caches) is told apart as bookkeeping, by
the list below, and never counts as left behind. Refuses to know: steps and verdicts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from csd.package.trial.snapshot import Snapshot

_BOOKKEEPING = re.compile(
    r"^(/var/lib/(dpkg|rpm|apt|dnf|yum|zypp|pacman|ucf|systemd|logrotate|PackageKit|rpm-state|alternatives|chrony|NetworkManager|private"
    r"|cloud|sss|update-notifier|ubuntu-advantage|command-not-found)(/|$)"
    r"|/usr/lib/sysimage/rpm(/|$)|/var/cache(/|$)|/etc/ld\.so\.cache$|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|/etc/\.pwd\.lock$"
    r"|/var/log/(journal|sa|sysstat|audit)(/|$)|/usr/share/(mime|applications/mimeinfo|info/dir)|/root/\.(cache|bash_history|rpmdb)"
    r"|/var/spool/(mail|postfix)(/|$)|C:/ProgramData/(Microsoft|Package Cache)(/|$))"
)
_LOG = re.compile(r"^/var/log/")


@dataclass(frozen=True, slots=True)
class Thing:
    """A file, folder or link by its path; a user, group or service by `user NAME` and so on."""

    name: str
    kind: str
    mode: str = ""
    owner: str = ""
    size: int = 0
    time: int = 0
    digest: str = ""

    def same(self, other: "Thing") -> bool:
        """Whether nothing that matters differs."""
        if (self.kind, self.mode, self.owner) != (other.kind, other.mode, other.owner):
            return False
        if self.digest and other.digest:
            return self.digest == other.digest
        return (self.size, self.time) == (other.size, other.time)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was; `how` says what differs."""

    name: str
    kind: str
    how: str = ""


@dataclass(frozen=True, slots=True)
class Differences:
    """All changes, by name. `bookkeeping` counts those that are the system's own."""

    added: tuple[Change, ...] = ()
    changed: tuple[Change, ...] = ()
    removed: tuple[Change, ...] = ()
    bookkeeping: int = 0

    def without(self, globs: Iterable[str]) -> "Differences":
        """Without what the caller allows, by glob."""
        patterns = tuple(globs)

        def kept(changes: tuple[Change, ...]) -> tuple[Change, ...]:
            return tuple(one for one in changes if not any(fnmatchcase(one.name, glob) for glob in patterns))

        return Differences(kept(self.added), kept(self.changed), kept(self.removed), self.bookkeeping)


def differences(first: Snapshot, second: Snapshot) -> Differences:
    """What differs."""
    before, after = _things(first, second), _things(second, first)
    added = [Change(one.name, one.kind, _shown(one)) for name, one in after.items() if name not in before]
    removed = [Change(one.name, one.kind) for name, one in before.items() if name not in after]
    changed = [
        Change(name, after[name].kind, _how(before[name], after[name]))
        for name in before.keys() & after.keys()
        if not before[name].same(after[name]) and not _grown_log(before[name], after[name])
    ]
    mine = {id(one) for one in (*added, *changed, *removed) if not _BOOKKEEPING.match(one.name)}

    def sort(changes: list[Change]) -> tuple[Change, ...]:
        return tuple(sorted((one for one in changes if id(one) in mine), key=lambda one: one.name))

    return Differences(sort(added), sort(changed), sort(removed), len(added) + len(changed) + len(removed) - len(mine))


def _things(snapshot: Snapshot, other: Snapshot) -> dict[str, Thing]:
    """The things of lines that the other look does not have."""
    lines = snapshot.beyond(other)
    digests = _digests(snapshot) if lines else {}
    found = (_thing(line, digests) for line in lines)
    return {thing.name: thing for thing in found if thing}


def _digests(snapshot: Snapshot) -> dict[str, str]:
    """{path: digest}; what the look has more than its base comes last, and holds."""
    known = [line for line in (snapshot.base.lines if snapshot.base else snapshot.lines) if line[:2] == "H "]
    return {
        path: digest
        for digest, _, path in (line[2:].partition("  ") for line in (*known, *(one for one in snapshot.more if one[:2] == "H ")))
    }


def _thing(line: str, digests: dict[str, str]) -> Thing | None:
    match line[:2]:
        case "E ":
            _, mode, owner, size, written, _, _, path = line.split(" ", 7)
            kind, bits = _mode(mode)
            if kind == "folder":  # its size and time tell of what is in it
                return Thing(path, kind, bits, owner)
            return Thing(path, kind, bits, owner, int(size), int(float(written)), digests.get(path, ""))
        case "U " | "G " | "S ":
            word = {"U ": "user", "G ": "group", "S ": "service"}[line[:2]]
            name, _, rest = line[2:].partition(":")
            return Thing(f"{word} {name}", word, rest)
        case _:
            return None


# stat(2), st_mode: the highest hexadecimal digit; and find's letters for the same.
_KINDS = {"8": "file", "4": "folder", "a": "link", "1": "pipe", "2": "device", "6": "device", "c": "socket"}
_LETTERS = {"f": "file", "d": "folder", "l": "link", "p": "pipe", "c": "device", "b": "device", "s": "socket"}


def _mode(text: str) -> tuple[str, str]:
    """Kind and permissions of `81a4` (stat's) or `f:644` (find's)."""
    letter, colon, octal = text.partition(":")
    if colon:
        return _LETTERS.get(letter, "special"), f"{int(octal, 8):04o}"
    return _KINDS.get(text[:-3], "special"), f"{int(text, 16) & 0o7777:04o}"


def _grown_log(before: Thing, after: Thing) -> bool:
    return bool(_LOG.match(before.name)) and before.kind == after.kind and after.size >= before.size


def _shown(thing: Thing) -> str:
    if thing.kind == "file":
        return f"{thing.mode} {thing.owner} {thing.size} bytes"
    return f"{thing.mode} {thing.owner}".strip()


def _how(before: Thing, after: Thing) -> str:
    words = [
        f"{word} {was} -> {now}"
        for word, was, now in (
            ("kind", before.kind, after.kind), ("mode", before.mode, after.mode), ("owner", before.owner, after.owner),
            ("size", before.size, after.size),
        )
        if was != now
    ]  # fmt: skip
    return ", ".join(words) or "content"
