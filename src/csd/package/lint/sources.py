"""A folder with package.yaml -> what rules look at: what a build would write, nothing of it written.

Flow: package.yaml -> the contents of each zip -> parts, sizes and targets. A build reads once, and gives what it has read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from csd.errors import CsdInputError, Problem
from csd.package.archive import zip_size
from csd.package.building.manifest import manifest_text
from csd.package.contents import Contents
from csd.package.limits import FILE_BYTES_MAX, MANIFEST_BYTES_MAX
from csd.package.lint import rules_archive, rules_manifest
from csd.package.lint.parts import part_of_contents
from csd.package.lint.rule import Finding
from csd.package.lint.subject import Subject
from csd.package.places import SOURCE_FILE
from csd.package.release import Digest
from csd.package.source import PackageSource, PlatformFolder, entry_problems, read_source

_NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class ReadSource:
    """package.yaml, the contents of each of its zips, and why it cannot be built."""

    folder: Path
    source: PackageSource
    contents: tuple[tuple[PlatformFolder, Contents], ...]
    problems: tuple[Problem, ...]


def read_folder(folder: Path) -> ReadSource:
    """Read package.yaml and what it names. Raises CsdInputError where package.yaml has not its shape."""
    source = read_source(folder)
    contents = tuple((platform, Contents(source, folder, platform)) for platform in source.platforms)
    problems = entry_problems(str(folder / SOURCE_FILE), source)
    problems += [problem for _, content in contents for problem in content.problems]
    return ReadSource(folder, source, contents, tuple(dict.fromkeys(problems)))  # a shared folder's problem is one problem


def source_subject(read: ReadSource) -> Subject:
    """What rules look at; why it cannot be built is not among it."""
    file, source = read.folder / SOURCE_FILE, read.source
    subject = Subject(str(file), packages=source.packages)
    subject.named.append((f"{file}: name", source.name))
    subject.versions.append((f"{file}: version", source.version))
    subject.places = {target.key: place for place, target, _ in reversed([*source.targets(str(file))])}
    subject.accept(source.accept, f"{file}: accept")
    for platform, contents in read.contents:
        if contents.entries or not contents.problems:  # of a folder that is not there nothing more is told
            subject.parts.append(part_of_contents(contents, frozenset(target.platform for target in platform.targets)))
    subject.found += _sizes(read, str(file))
    return subject


def unread_subject(folder: Path) -> Subject:
    """The same for who does not build: why it cannot be built is a finding too."""
    try:
        read = read_folder(folder)
    except CsdInputError as wrong:
        file = str(folder / SOURCE_FILE)
        return Subject(file, found=list(_unfit(wrong.problems)))
    subject = source_subject(read)
    subject.found += _unfit(read.problems)
    return subject


def _unfit(problems: Iterable[Problem]) -> list[Finding]:
    return [Finding(rules_manifest.UNFIT, problem.where, f"{problem.what} {problem.remedy}") for problem in problems]


def _sizes(read: ReadSource, where: str) -> list[Finding]:
    """Zips and a manifest that will be too large: exact, from what the file system tells."""
    found, sizes = [], {}
    for platform, contents in read.contents:
        size = sizes[read.source.zip_name(platform.label)] = zip_size(contents.entries)
        if size > FILE_BYTES_MAX:
            what = f"makes a zip of {size} bytes, more than {FILE_BYTES_MAX}."
            found.append(Finding(rules_archive.ZIP_TOO_LARGE, str(contents.where), what))
    manifest = manifest_text(read.source, {name: Digest(_NO_DIGEST, size) for name, size in sizes.items()})
    if (size := len(manifest.encode())) > MANIFEST_BYTES_MAX:
        what = f"makes a manifest of {size} bytes, more than {MANIFEST_BYTES_MAX}."
        found.append(Finding(rules_manifest.MANIFEST_TOO_LARGE, where, what))
    return found
