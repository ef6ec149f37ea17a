"""What a node says has changed since its first look -> the lines that it has more and fewer than that look.

Flow: the first look's lines -> Tree (by folder). A later look tells each entry whose inode was changed since (E), and the names and inodes
of all that is in folders that were changed (N). What a folder no longer names is gone, with all below it.

Rules: pure. A folder that is another one than at the first look (another inode, or path) is known only by what is told: whatever in it has
no E, for a folder can be moved without its content being touched, cannot be known, and the node must be looked at again as a whole.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


class NotWhole(Exception):
    """A snapshot's output is not all there; the words say what is wrong with it."""


class LookAgain(NotWhole):
    """What a node said of changes does not tell how it stands; a whole look would."""


@dataclass
class Tree:
    """A whole look, or what was told of a later one: lines by the path that they are about."""

    entries: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    folders: dict[str, list[str]] = field(default_factory=dict)
    """The paths in each folder."""
    named: dict[str, dict[str, str]] = field(default_factory=dict)
    """{folder: {path: inode}} of what was named alone."""
    mounts: set[str] = field(default_factory=set)
    rest: set[str] = field(default_factory=set)
    """Users, groups, services: always all of them."""

    @classmethod
    def of(cls, lines: Iterable[str]) -> "Tree":
        """Sort these lines."""
        tree = cls()
        for line in lines:
            match line[:2]:
                case "E ":
                    path = line.split(" ", 7)[7]
                    tree.entries[path] = line
                    tree.folders.setdefault(_folder(path), []).append(path)
                case "H ":
                    tree.digests[line.partition("  ")[2]] = line
                case "N ":
                    _, inode, path = line.split(" ", 2)
                    tree.named.setdefault(_folder(path), {})[path] = inode
                case "M ":
                    tree.mounts.add(line)
                case _:
                    tree.rest.add(line)
        return tree

    def changed(self, lines: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
        """What a later look, of which these lines tell the changes, has more and fewer. Raises LookAgain."""
        later = Tree.of(lines)
        if later.mounts != self.mounts:
            raise LookAgain("other file systems are mounted than at the first look")
        known = {*later.entries, *self._gone(later)}
        more = {*later.entries.values(), *later.digests.values(), *later.rest}
        held = (lines_of.get(path, "") for path in known for lines_of in (self.entries, self.digests))
        fewer = {line for line in held if line} | self.rest
        return frozenset(more - fewer), frozenset(fewer - more)

    def _gone(self, later: "Tree") -> Iterator[str]:
        """The paths of the first look that are no more, or lie in what is another folder now."""
        for path, line in later.entries.items():
            if not _is_folder(line):
                yield from self._below(path)
                continue
            before = self.entries.get(path, "")
            same = _is_folder(before) and _inode(before) == _inode(line)
            named = later.named.get(path, {})
            for one, inode in named.items():
                if one not in later.entries and not (same and one in self.entries and _inode(self.entries[one]) == inode):
                    raise LookAgain(f"{one} is not what it was at the first look, and nothing is told of it")
            if not same:
                yield from self._below(path)
                continue
            for one in self.folders.get(path, ()):
                if one not in named:
                    yield one
                    yield from self._below(one)

    def _below(self, path: str) -> Iterator[str]:
        for one in self.folders.get(path, ()):
            yield one
            yield from self._below(one)


def _folder(path: str) -> str:
    return "" if path == "/" else path.rpartition("/")[0] or "/"


def _inode(line: str) -> str:
    return line.split(" ", 7)[6]


def _is_folder(line: str) -> bool:
    return line.startswith("E d:")
