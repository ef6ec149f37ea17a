"""The folders that package.yaml names -> the entries of each zip, or all that is wrong with them.

Flow: walk a folder -> fill `*.in` templates (@NAME@, @VERSION@) -> make .deb and .tar files -> check what the agent wants.

Rules: a folder's files stand at the root of its zip, as the agent wants them. Symbolic links and devices are refused.
Refuses to know: how a zip is written, manifests, AWS.
"""

import re
from pathlib import Path

from csd.errors import Problem
from csd.package.archive import Entry, deb_bytes, tar_bytes
from csd.package.source import Made, PackageSource, PlatformFolder

# AWS: amazon-ssm-agent ssminstaller: these scripts, in sh or ps1, one implementation of each.
ACTIONS = ("install", "uninstall", "update", "validate")
_DEBIAN_SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config")
# Debian policy 5.6.12: an upstream version begins with a digit; '_' is not in its alphabet.
_DEBIAN_VERSION = re.compile(r"^[0-9][A-Za-z0-9.+~\-]*$")


class Contents:
    """The entries of one zip with what was found wrong (`problems`) and what is merely unwise (`warnings`)."""

    def __init__(self, source: PackageSource, root: Path, platform: PlatformFolder) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self._source, self._root = source, root
        folder = root / platform.folder
        self.entries = self._read(folder)
        for made in platform.make:
            if made.folder:
                self._make(made)
        if folder.is_dir():
            self._check_scripts(folder)

    def _read(self, folder: Path) -> list[Entry]:
        if not folder.is_dir():
            self.problems.append(Problem(str(folder), "there is no such folder.", "Make it, or correct package.yaml."))
            return []
        entries: dict[str, Entry] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                self.problems.append(Problem(str(path), "is not a plain file.", "Packages hold plain files only."))
            elif path.is_file():
                entry = self._entry(path, path.relative_to(folder).as_posix())
                if entry.name in entries:
                    self.problems.append(
                        Problem(str(path), f"makes {entry.name!r} a second time.", "Keep the template or the file.")
                    )
                entries[entry.name] = entry
        return list(entries.values())

    def _entry(self, path: Path, name: str) -> Entry:
        executable = bool(path.stat().st_mode & 0o100)
        if not name.endswith(".in"):
            return Entry(name, path, executable)
        filled = (
            path.read_bytes().replace(b"@NAME@", self._source.name.encode()).replace(b"@VERSION@", self._source.version.encode())
        )
        return Entry(name.removesuffix(".in"), filled, executable)

    def _make(self, made: Made) -> None:
        sources = self._read(self._root / made.folder)
        if any(entry.name == made.as_ for entry in self.entries):
            self.problems.append(Problem(made.as_, "is in the folder and is made as well.", "Rename one of them."))
        if made.tar is not None:
            self.entries.append(Entry(made.as_, tar_bytes(sources), executable=False))
            return
        control = [self._control(entry) for entry in sources if entry.name.startswith("DEBIAN/")]
        payload = [entry for entry in sources if not entry.name.startswith("DEBIAN/")]
        before = len(self.problems)
        self._check_control(self._root / made.folder, control)
        if len(self.problems) == before:
            self.entries.append(Entry(made.as_, deb_bytes(control, payload), executable=False))

    @staticmethod
    def _control(entry: Entry) -> Entry:
        name = entry.name.removeprefix("DEBIAN/")
        return Entry(name, entry.content, name in _DEBIAN_SCRIPTS)

    def _check_control(self, folder: Path, control: list[Entry]) -> None:
        where = f"{folder}/DEBIAN/control"
        found = next((entry for entry in control if entry.name == "control"), None)
        if found is None:
            self.problems.append(Problem(where, "there is no such file (nor control.in).", "A .deb needs its control file."))
            return
        lines = found.read().decode("utf-8", "replace").splitlines()
        fields = {
            key.strip(): value.strip()
            for key, colon, value in (line.partition(":") for line in lines)
            if colon and not key.startswith(" ")
        }
        self.problems.extend(
            Problem(where, f"has no {field}.", f"Add a line '{field}: …'.")
            for field in ("Package", "Version", "Architecture", "Maintainer", "Description")
            if not fields.get(field)
        )
        version = fields.get("Version", "0")
        if not _DEBIAN_VERSION.match(version):
            self.problems.append(
                Problem(
                    where,
                    f"Version {version!r} is no Debian version.",
                    "Begin with a digit; use letters, digits, '.', '+', '~', '-'.",
                )
            )

    def _check_scripts(self, folder: Path) -> None:
        names = {entry.name for entry in self.entries}
        for action in ACTIONS:
            kinds = [kind for kind in ("sh", "ps1") if f"{action}.{kind}" in names]
            if len(kinds) > 1:
                what = f"has both {action}.sh and {action}.ps1: the agent refuses two implementations of one action."
                self.problems.append(Problem(str(folder), what, "Give each system its own folder."))
            elif not kinds and action == "install":
                self.problems.append(
                    Problem(
                        str(folder), "has no install.sh or install.ps1 at its root.", "The agent refuses a package without one."
                    )
                )
            elif not kinds and action == "uninstall":
                self.warnings.append(
                    f"{folder}: has no uninstall script: Uninstall, and an upgrade, will leave what it installed in place."
                )
        if len(names) < 2 and not self.problems:
            # AWS: amazon-ssm-agent localpackages ValidatePackage: fewer than two files is "Package is incomplete".
            self.problems.append(
                Problem(
                    str(folder),
                    "makes a zip of fewer than two files, which the agent calls incomplete.",
                    "Add an uninstall script.",
                )
            )
        for entry in self.entries:
            if entry.name in {f"{action}.sh" for action in ACTIONS}:
                self._check_shell(folder / entry.name, entry.read())

    def _check_shell(self, path: Path, script: bytes) -> None:
        if b"\r\n" in script:
            self.problems.append(
                Problem(str(path), "has Windows line ends, which sh cannot read.", "Save it with plain line feeds.")
            )
        first = script.partition(b"\n")[0].decode("utf-8", "replace")
        if first.startswith("#!") and not re.search(r"/(da)?sh\b|\bsh$", first):
            # AWS: amazon-ssm-agent ssminstaller: the script is run with `sh install.sh`, whatever its first line says.
            self.warnings.append(f"{path}: begins with {first!r}, but the agent runs it with sh; write it for sh.")
