"""All findings of a package, whatever it lies in.

Rules: sources are judged as they would be built, without building; what the build refuses in package.yaml itself it tells as before.
"""

from collections.abc import Iterator
from pathlib import Path

from csd.errors import CsdInputError, Problem
from csd.package.building.manifest import MANIFEST_FILE
from csd.package.contents import Contents
from csd.package.lint import rules_manifest
from csd.package.lint.layout import part_findings
from csd.package.lint.manifests import manifest_findings, name_findings, release_findings
from csd.package.lint.registry import RULES
from csd.package.lint.rule import Finding
from csd.package.lint.subject import HEAD_BYTES, Part, Subject, read_subject
from csd.package.matching.reach import holes, unreachable
from csd.package.matching.targets import packages_of
from csd.package.source import SOURCE_FILE, PackageSource, read_source


def lint(path: Path, name: str = "", select: frozenset[str] = frozenset(), ignore: frozenset[str] = frozenset()) -> list[Finding]:
    """Every finding, sorted by place. Raises CsdInputError for what is no package, and for rules that there are not."""
    unknown = sorted((select | ignore) - set(RULES))
    if unknown:
        raise CsdInputError([Problem(rule, "is no rule.", "See docs/reference/lint-rules.md.") for rule in unknown])
    is_source = path.is_dir() and (path / SOURCE_FILE).is_file() and not (path / MANIFEST_FILE).is_file()
    found = list(_source(path) if is_source else _made(read_subject(path, name)))
    kept = [one for one in dict.fromkeys(found) if one.rule.id not in ignore and (not select or one.rule.id in select)]
    return sorted(kept, key=lambda one: (one.where, one.rule.id))


def _made(subject: Subject) -> Iterator[Finding]:
    yield from name_findings(subject.name, "--name")
    yield from manifest_findings(subject)
    yield from release_findings(subject)
    for part in subject.parts:
        yield from part_findings(part)
    yield from subject.findings  # last: reading members may add to them


def _source(folder: Path) -> Iterator[Finding]:
    source = read_source(folder)
    where = str(folder / SOURCE_FILE)
    yield from name_findings(source.name, f"{where}: name")
    targets = [
        ((target.platform, target.version, target.architecture), source.zip_name(one.label))
        for one in source.platforms
        for target in one.targets
    ]
    packages = packages_of(targets)
    for never in unreachable(packages):
        yield Finding(rules_manifest.UNREACHABLE, f"{where}: platforms", str(never))
    for hole in holes(packages):
        yield Finding(rules_manifest.HOLE, f"{where}: platforms", str(hole))
    for part in _source_parts(folder, source):
        yield from part_findings(part)


def _source_parts(folder: Path, source: PackageSource) -> Iterator[Part]:
    for platform in source.platforms:
        contents = Contents(source, folder, platform)
        held = {entry.name: entry for entry in contents.entries}
        if not held and contents.problems:
            raise CsdInputError(contents.problems)
        served = frozenset(str(target.platform) for target in platform.targets)
        yield Part(f"{contents.where}/", tuple(held), lambda name, held=held: held[name].head(HEAD_BYTES), served)
