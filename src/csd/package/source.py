"""package.yaml: what a package is, for whom, and from which files. Text -> PackageSource, or all problems at once.

Flow: YAML -> pydantic models (shape, patterns); apart from it, cross checks of its entries.

Rules: the version stands here and nowhere else. Patterns are those of SSM documents and Distributor manifests.
Refuses to know: what is inside the folders (contents.py), and how archives are made.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from csd.errors import CsdInputError, Problem
from csd.package.limits import ATTACHMENT_NAME_MAX, FILES_MAX
from csd.package.matching.systems import OTHER_WORDS
from csd.package.matching.targets import packages_of
from csd.package.matching.walk import Entry, Packages
from csd.package.places import SOURCE_FILE, source_problem

# AWS: CreateDocument API, Name and VersionName patterns; reserved beginnings from the same page.
NAME_PATTERN = r"^[a-zA-Z0-9_\-.]{3,128}$"
VERSION_PATTERN = r"^[a-zA-Z0-9_\-.]{1,128}$"
RESERVED_NAME_BEGINNINGS = ("aws", "amazon", "amzn", "awsec2", "awsconfigremediation", "awssupport")
_PATH_PATTERN = r"^[^/\\:][^\\:]*$"

Platform = Literal[
    # AWS: Distributor guide, platform codes of the manifest.
    "windows", "amazon", "ubuntu", "debian", "centos", "redhat", "suse", "opensuse", "opensuseleap", "oracle",
    # AWS: amazon-ssm-agent, envdetect: further systems that the agent names and configures packages on.
    "raspbian", "rocky", "almalinux", "fedora", "alpine", "gentoo", "arch", "mac_os_x",
    "_any",
]  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=False)


class Target(_Strict):
    """Which nodes get a folder's zip: the three keys that the agent's matcher looks at."""

    platform: Platform
    version: Annotated[str, Field(pattern=r"^(_any|\*|[0-9A-Za-z_\-]+(\.[0-9A-Za-z_\-]+)*(\.\*(nano)?)?)$")] = "_any"
    architecture: Literal["x86_64", "386", "arm64", "arm", "_any"] = "_any"

    @property
    def key(self) -> Entry:
        """The target as the matcher's walk knows it."""
        return Entry(self.platform, self.version, self.architecture)


# A file or folder, named from where package.yaml stands, with '/' on every system.
SourcePath = Annotated[str, Field(pattern=_PATH_PATTERN, max_length=1024)]


class Taken(_Strict):
    """A file from anywhere beside package.yaml, which goes into the zip as `as`; under its own name when that is left out."""

    from_: Annotated[SourcePath, Field(alias="from")]
    as_: Annotated[str, Field(alias="as", pattern=r"^([^/\\:]+(/[^/\\:]+)*)?$")] = ""

    @property
    def name(self) -> str:
        """The file's name in the zip, before a template is filled in."""
        return self.as_ or self.from_.rpartition("/")[2]


class Made(_Strict):
    """A file that the build makes from a folder of sources and puts at the root of the zip as `as`."""

    as_: Annotated[str, Field(alias="as", pattern=r"^[a-zA-Z0-9_\-.]+$")]
    deb: SourcePath | None = None
    tar: SourcePath | None = None

    @property
    def folder(self) -> str:
        """The source folder, relative to package.yaml."""
        return self.deb or self.tar or ""


class PlatformFolder(_Strict):
    """One zip: what is in it, and the nodes it is for. What stands in `folder` goes before what `shared` folders have of the same name."""

    folder: Annotated[str, Field(pattern=r"^([a-zA-Z0-9_\-.]{1,60}(/[a-zA-Z0-9_\-.]{1,60}){0,7})?$")] = ""
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_\-.]{0,60}$")] = ""
    """What the zip is called after; the folder, with '-' for '/', when left out."""
    shared: tuple[SourcePath, ...] = ()
    """Folders whose files go into this zip too: scripts that several platforms have in common."""
    files: tuple[Taken, ...] = ()
    make: tuple[Made, ...] = ()
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]

    @property
    def label(self) -> str:
        """What tells this zip from the package's others."""
        return self.name or self.folder.replace("/", "-")


class PackageSource(_Strict):
    """The whole of package.yaml."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    publisher: str = ""
    description: str = ""
    accept: dict[str, str] = {}
    """{id of a rule of lint: why its findings are accepted}"""
    platforms: Annotated[tuple[PlatformFolder, ...], Field(min_length=1, max_length=FILES_MAX)]

    def zip_name(self, label: str) -> str:
        """The attachment's name. It holds the version, so that a new upload never changes a file still being copied."""
        return f"{self.name}-{self.version}-{label}.zip"

    def targets(self, path: str) -> Iterator[tuple[str, Target, str]]:
        """Every target: where it stands in the file at `path`, itself, and its zip."""
        for i, entry in enumerate(self.platforms):
            for j, target in enumerate(entry.targets):
                yield f"{path}: platforms[{i}].targets[{j}]", target, self.zip_name(entry.label)

    @property
    def packages(self) -> Packages:
        """What the agent's walk goes through."""
        return packages_of(((one.platform, one.version, one.architecture), file) for _, one, file in self.targets(""))


_REMEDIES = {
    "missing": "Add it.",
    "extra_forbidden": "Remove it, or correct its spelling.",
    "string_type": "Write it in quotes.",
    "string_pattern_mismatch": "Use letters, digits, '_', '-' and '.' within the limits shown.",
}


def read_source(folder: Path) -> PackageSource:
    """Read `folder`/package.yaml. Raises CsdInputError with every problem of its shape; the rest is for entry_problems and lint."""
    if wrong := source_problem(folder):
        raise CsdInputError([wrong])
    path = folder / SOURCE_FILE
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as broken:
        raise CsdInputError([Problem(str(path), f"is not YAML: {broken}.", "Correct it.")]) from broken
    try:
        return PackageSource.model_validate(document)
    except ValidationError as refused:
        raise CsdInputError(shape_problems(str(path), refused)) from refused


def shape_problems(path: str, refused: ValidationError) -> list[Problem]:
    """Pydantic's findings in our words: place (a.b[0].c), what was found, and a remedy."""
    return [
        Problem(
            f"{path}: {_place(error['loc'])}",
            f"{error['msg']}; found {_shown(error['input'])}.",
            _remedy(error["type"], error["input"]),
        )
        for error in refused.errors(include_url=False)
        if not (error["type"] == "too_short" and error["input"])  # pydantic counts only the items that are right
    ]


def _remedy(kind: str, found: object) -> str:
    """What to write instead; for another system's word (rhel, amd64) the agent's own."""
    instead = OTHER_WORDS.get(found.lower()) if isinstance(found, str) and kind == "literal_error" else None
    return f"Write '{instead}'." if instead else _REMEDIES.get(kind, "Correct it.")


def _place(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def reserved_beginning(name: str) -> str | None:
    """The beginning that AWS keeps for itself, where the name has one."""
    return next((word for word in RESERVED_NAME_BEGINNINGS if name.lower().startswith(word)), None)


def entry_problems(path: str, source: PackageSource) -> list[Problem]:
    """What single fields cannot show: entries that name no folder, or one that another names; a target listed twice."""
    problems = []
    seen: dict[str, str] = {}
    for index, entry in enumerate(source.platforms):
        place = f"{path}: platforms[{index}]"
        problems += _platform_problems(place, source, entry, seen)
        problems += _made_problems(place, entry.make)
    first: dict[Target, str] = {}
    for place, target, _ in source.targets(path):
        if (other := first.setdefault(target, place)) != place:
            problems.append(Problem(place, f"{target.key} is also listed at {other}.", "Keep one: a node gets exactly one zip."))
    return problems


def _platform_problems(place: str, source: PackageSource, entry: PlatformFolder, seen: dict[str, str]) -> list[Problem]:
    problems = []
    if entry.label.casefold() in seen and entry.label in seen.values():
        what = f"{entry.label!r} is listed twice."
        problems.append(Problem(f"{place}.folder", what, "Put all its targets in one entry, or give one another 'name'."))
    if entry.folder and not all(part.strip(".") for part in entry.folder.split("/")):
        what = f"{entry.folder!r} is no folder of its own."
        problems.append(Problem(f"{place}.folder", what, "Name a folder beside package.yaml."))
    if not entry.label:
        problems.append(Problem(place, "has neither 'folder' nor 'name'.", "Give a folder; or a name, with 'shared' or 'files'."))
        return problems
    other = seen.setdefault(entry.label.casefold(), entry.label)
    if other != entry.label:
        what = f"{entry.label!r} and {other!r} make zips whose names differ in case only."
        problems.append(Problem(f"{place}.folder", what, "Give one of them another 'name'."))
    zip_name = source.zip_name(entry.label)
    if len(zip_name) > ATTACHMENT_NAME_MAX:
        what = f"the zip's name {zip_name!r} exceeds {ATTACHMENT_NAME_MAX} characters."
        problems.append(Problem(f"{place}.folder", what, "Shorten the name or the folder."))
    return problems


def _made_problems(place: str, made: tuple[Made, ...]) -> list[Problem]:
    problems = []
    names: set[str] = set()
    for index, item in enumerate(made):
        where = f"{place}.make[{index}]"
        if (item.deb is None) == (item.tar is None):
            problems.append(Problem(where, "names no kind of file to make, or two.", "Give exactly one of 'deb' and 'tar'."))
        if item.as_ in names:
            problems.append(Problem(f"{where}.as", f"{item.as_!r} is made twice.", "Choose another name."))
        names.add(item.as_)
    return problems
