"""What a build will write, known and checked before a byte is written. A package's folder -> Plan, or all its problems.

Rules: sizes of zips and manifest are exact, from what the file system tells; contents are not read yet.
Refuses to know: where the output goes.
"""

from dataclasses import dataclass
from pathlib import Path

from csd.errors import CsdInputError
from csd.package.archive import zip_size
from csd.package.contents import Contents
from csd.package.lint.checking import judge
from csd.package.lint.sources import read_folder, source_subject
from csd.package.names import native_name
from csd.package.places import SOURCE_FILE
from csd.package.source import PackageSource


@dataclass(frozen=True, slots=True)
class Plan:
    """A package that can be built: its source and the contents of each zip, by the zip's name."""

    folder: Path
    source: PackageSource
    contents: dict[str, Contents]
    warnings: tuple[str, ...]

    @property
    def sizes(self) -> dict[str, int]:
        """The bytes of each zip."""
        return {name: zip_size(content.entries) for name, content in self.contents.items()}

    @property
    def read(self) -> list[Path]:
        """Every folder that is read whole."""
        named = [name for p in self.source.platforms for name in (p.folder, *p.shared, *(made.folder for made in p.make)) if name]
        return [self.folder / native_name(name) for name in dict.fromkeys(named)]

    @property
    def files(self) -> list[Path]:
        """Every source file, package.yaml with them."""
        return sorted({self.folder / SOURCE_FILE}.union(*(content.files for content in self.contents.values())))


def plan_package(folder: Path, *, strict: bool = False) -> Plan:
    """Read a package's folder and judge it. Raises CsdInputError with every problem, lint's errors (`strict`: and warnings) among them."""
    read = read_folder(folder)
    report = judge(source_subject(read))
    problems = [*read.problems, *(finding.problem for finding in report.stopping(strict=strict))]
    if problems:
        raise CsdInputError(problems)
    warnings = [warning for _, content in read.contents for warning in content.warnings] + report.warnings
    contents = {read.source.zip_name(platform.label): content for platform, content in read.contents}
    return Plan(folder, read.source, contents, tuple(dict.fromkeys(warnings)))
