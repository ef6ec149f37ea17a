"""The folders beside package.yaml -> entries, with what is wrong in them. One reading for zips, shared folders and made archives.

Flow: a path of package.yaml -> inside the package, no link on the way -> every file below it -> `*.in` templates are filled.

Rules: plain files only: links, devices, pipes and sockets are refused where they stand. A file may be executed when its content can:
the bit of the file system is lost by Windows, by artifact stores and by downloads, and then the same package would be other bytes.
Refuses to know: what the files are for.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from csd.errors import Problem
from csd.package.archive import Entry
from csd.package.names import native_name, printable, text_fault, utf8_name

TEMPLATE_BYTES_MAX = 1 << 20
_TEMPLATE = ".in"
# '#!', ELF, and the magic numbers of macOS: of one processor, and of several (0xcafebabe and a small count; Java has it with a larger one).
_PROGRAM = re.compile(rb"^(#!|\x7fELF|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe\x00\x00\x00[\x01-\x1f])")


@dataclass(frozen=True, slots=True)
class Found:
    """An entry, and the file that it comes from."""

    entry: Entry
    path: Path


class Folders:
    """Reads below `root`; keeps problems, warnings and the path of every file that was read."""

    def __init__(self, root: Path, fill: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.files: set[Path] = set()
        self._root, self._fill = root, {f"@{key}@".encode(): value.encode() for key, value in fill.items()}

    def folder(self, relative: str) -> list[Found]:
        """Every file of a folder, named from there."""
        path = self._inside(relative)
        if path is None:
            return []
        if not path.is_dir():
            self._refuse(path, "there is no such folder.", "Make it, or correct package.yaml.")
            return []
        found: dict[str, Found] = {}
        for file in self._walk(path):
            item = self._read(file, file.relative_to(path).as_posix())
            if item and item.entry.name in found:
                self._refuse(file, f"makes {item.entry.name!r} a second time.", "Keep the template or the file.")
            elif item:
                found[item.entry.name] = item
        return list(found.values())

    def file(self, relative: str, name: str) -> list[Found]:
        """One file, under another name."""
        path = self._inside(relative)
        if path is None:
            return []
        if not path.is_file():
            self._refuse(path, "there is no such file.", "Put it there, or correct package.yaml.")
            return []
        item = self._read(path, native_name(name))
        return [item] if item else []

    def _refuse(self, path: Path, what: str, remedy: str) -> None:
        self.problems.append(Problem(printable(str(path)), what, remedy))

    def _inside(self, relative: str) -> Path | None:
        parts = relative.split("/")
        if ".." in parts or not any(part not in ("", ".") for part in parts):
            self._refuse(self._root / native_name(relative), "is not beside package.yaml.", "Move it into the package's folder.")
            return None
        path = self._root
        for part in parts:
            path = path / native_name(part)
            if path.is_symlink():
                self._refuse(
                    path, "is a symbolic link.", "Packages hold plain files only; to use a folder twice, name it in 'shared'."
                )
                return None
        return path

    def _walk(self, folder: Path) -> Iterator[Path]:
        with os.scandir(folder) as listing:
            listed = sorted(listing, key=lambda item: item.name)
        if not listed:
            self.warnings.append(f"{printable(str(folder))}: is empty, and is left out: archives hold files.")
        for item in listed:
            path = folder / item.name
            if item.is_dir(follow_symlinks=False):
                yield from self._walk(path)
            elif item.is_file(follow_symlinks=False):
                yield path
            else:
                kind = _KINDS.get(stat.S_IFMT(item.stat(follow_symlinks=False).st_mode), "no plain file")
                self._refuse(path, f"is not a plain file: it is {kind}.", "Packages hold plain files only.")

    def _read(self, path: Path, name: str) -> Found | None:
        text = utf8_name(name)
        fault = "has a name that is not UTF-8." if text is None else text_fault(text)
        if text is None or fault:
            self._refuse(path, fault or "", "Rename it.")
            return None
        self.files.add(path)
        if text.endswith(_TEMPLATE) and path.stat().st_size > TEMPLATE_BYTES_MAX:
            self._refuse(
                path, f"is a template of more than {TEMPLATE_BYTES_MAX} bytes.", "Give a file that is no template another name."
            )
            return None
        if not text.endswith(_TEMPLATE):
            runs = _can_run(text, _head(path))
            if not runs and path.stat().st_mode & 0o102 == 0o100:  # where everybody may write, every file may be executed
                self.warnings.append(
                    f"{printable(str(path))}: may be executed here, but is no script and no program: it becomes 0644."
                )
            return Found(Entry(text, path, executable=runs), path)
        content = path.read_bytes()
        for key, value in self._fill.items():
            content = content.replace(key, value)
        text = text.removesuffix(_TEMPLATE)
        return Found(Entry(text, content, executable=_can_run(text, content)), path)


_KINDS = {
    stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}  # fmt: skip


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(8)


def _can_run(name: str, content: bytes) -> bool:
    return name.endswith(".sh") or bool(_PROGRAM.match(content))
