"""What package.yaml names -> the entries of each zip, or all that is wrong with them.

Flow: the zip's own folder, shared folders, single files -> make .deb and .tar files -> check what unpackers want.

Rules: a folder's files stand at the root of its zip, as the agent wants them. A zip's own file goes before a shared one; any other
two files of one name are refused.
Refuses to know: how a zip is written, manifests, AWS, and what the agent makes of the files (lint).
"""

import re
from pathlib import Path

from csd.errors import Problem
from csd.package.archive import ZIP_ENTRIES_MAX, Entry, deb_pieces, tar_pieces
from csd.package.building.identity import Identity, debian_identity
from csd.package.detection.debian import control_fields
from csd.package.folders import Folders, Found
from csd.package.names import clashes, zip_fault
from csd.package.source import Made, PackageSource, PlatformFolder

_CONTROL_BYTES = 1 << 20
_DEBIAN_SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config")
# Debian policy 5.6.12: an upstream version begins with a digit; '_' is not in its alphabet.
_DEBIAN_VERSION = re.compile(r"^[0-9][A-Za-z0-9.+~\-]*$")


class Contents:
    """The entries of one zip with what was found wrong (`problems`) and what is merely unwise (`warnings`); `files` were read."""

    def __init__(self, source: PackageSource, root: Path, platform: PlatformFolder) -> None:
        self._folders = Folders(root, {"NAME": source.name, "VERSION": source.version})
        self.problems: list[Problem] = self._folders.problems
        self.warnings: list[str] = self._folders.warnings
        self.files: set[Path] = self._folders.files
        self.identities: dict[str, Identity] = {}
        """Who the packages that are made here say they are, by their names in the zip."""
        self._root = root
        self.where = root / (platform.folder or platform.label)
        found = self._gather(platform)
        self.origins = {item.entry.name: item.path for item in found}
        self.entries = [item.entry for item in found]
        for made in platform.make:
            if made.folder:
                self._make(made)
        self._check_names(windows=any(target.platform in ("windows", "_any") for target in platform.targets))

    def _gather(self, platform: PlatformFolder) -> list[Found]:
        own = self._folders.folder(platform.folder) if platform.folder else []
        mine = {item.entry.name for item in own}
        shared = [item for folder in platform.shared for item in self._folders.folder(folder)]
        taken = [item for file in platform.files for item in self._folders.file(file.from_, file.name)]
        return own + [item for item in shared if item.entry.name not in mine] + taken

    def _make(self, made: Made) -> None:
        sources = [found.entry for found in self._folders.folder(made.folder)]
        if made.tar is not None:
            self.entries.append(Entry(made.as_, tar_pieces(sources), executable=False))
            return
        control = [self._control(entry) for entry in sources if entry.name.startswith("DEBIAN/")]
        payload = [entry for entry in sources if not entry.name.startswith("DEBIAN/")]
        before = len(self.problems)
        fields = self._check_control(self._root / made.folder, control)
        if identity := debian_identity(fields):
            self.identities[made.as_] = identity
        if len(self.problems) == before:
            self.entries.append(Entry(made.as_, deb_pieces(control, payload), executable=False))

    @staticmethod
    def _control(entry: Entry) -> Entry:
        name = entry.name.removeprefix("DEBIAN/")
        return Entry(name, entry.content, name in _DEBIAN_SCRIPTS)

    def _check_names(self, *, windows: bool) -> None:
        for entry in self.entries:
            if fault := zip_fault(entry.name, windows=windows):
                self.problems.append(Problem(f"{self.origins.get(entry.name, self.where / entry.name)}", fault, "Rename it."))
        for name, other in clashes(entry.name for entry in self.entries):
            places = [str(self.origins.get(each, each)) for each in (name, other)]
            what = (
                f"{name!r} comes twice." if name == other else f"{name!r} and {other!r} cannot both be unpacked on every system."
            )
            self.problems.append(Problem(str(self.where), what, f"Rename one of them: {places[0]}, {places[1]}."))
        if len(self.entries) > ZIP_ENTRIES_MAX:
            what = f"makes a zip of {len(self.entries)} files; more than {ZIP_ENTRIES_MAX} cannot be unpacked everywhere."
            self.problems.append(Problem(str(self.where), what, "Have a tar made of its payload ('make')."))

    def _check_control(self, folder: Path, control: list[Entry]) -> dict[str, str]:
        where = f"{folder}/DEBIAN/control"
        found = next((entry for entry in control if entry.name == "control"), None)
        if found is None:
            self.problems.append(Problem(where, "there is no such file (nor control.in).", "A .deb needs its control file."))
            return {}
        fields = control_fields(found.head(_CONTROL_BYTES))
        self.problems.extend(
            Problem(where, f"has no {field}.", f"Add a line '{field}: …'.")
            for field in ("Package", "Version", "Architecture", "Maintainer", "Description")
            if not fields.get(field.lower())
        )
        version = fields.get("version", "0")
        if not _DEBIAN_VERSION.match(version):
            self.problems.append(
                Problem(
                    where,
                    f"Version {version!r} is no Debian version.",
                    "Begin with a digit; use letters, digits, '.', '+', '~', '-'.",
                )
            )
        return fields
