"""What a build will write, known and checked before a byte is written. A package's folder -> Plan, or all its problems.

Rules: sizes of zips and manifest are exact, from what the file system tells; contents are not read yet.
Refuses to know: where the output goes.
"""

from dataclasses import dataclass
from pathlib import Path

from csd.errors import CsdInputError, Problem
from csd.package.archive import zip_size
from csd.package.building.manifest import manifest_text
from csd.package.contents import Contents
from csd.package.matching.targets import matching_holes
from csd.package.names import native_name
from csd.package.release import Digest
from csd.package.source import SOURCE_FILE, PackageSource, read_source, source_problems

# AWS: Distributor guide "Create a package": 1 GB a file; CreateDocument API: 64 KB of content.
# ASSUMED: AWS does not say which GB and KB it means; the smaller are taken (1,000,000,000 and 64,000 bytes), which fit both.
FILE_BYTES_MAX = 1_000_000_000
MANIFEST_BYTES_MAX = 64_000
_NO_DIGEST = "0" * 64


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


def plan_package(folder: Path) -> Plan:
    """Read a package's folder. Raises CsdInputError with every problem."""
    source = read_source(folder)
    contents = [(source.zip_name(platform.label), Contents(source, folder, platform)) for platform in source.platforms]
    problems = source_problems(str(folder / SOURCE_FILE), source)
    problems += [problem for _, content in contents for problem in content.problems]
    triples = [(t.platform, t.version, t.architecture) for p in source.platforms for t in p.targets]
    warnings = [warning for _, content in contents for warning in content.warnings] + matching_holes(triples)
    plan = Plan(folder, source, dict(contents), tuple(dict.fromkeys(warnings)))
    problems += _limit_problems(plan)
    if problems:
        raise CsdInputError(list(dict.fromkeys(problems)))  # a shared folder's problem is one problem
    return plan


def _limit_problems(plan: Plan) -> list[Problem]:
    sizes = plan.sizes
    problems = [
        Problem(
            str(plan.contents[name].where),
            f"makes a zip of {size} bytes; Distributor takes at most 1 GB a file, which is counted here as {FILE_BYTES_MAX} bytes.",
            "Split it by architecture, or let the script fetch the rest.",
        )
        for name, size in sizes.items()
        if size > FILE_BYTES_MAX
    ]
    manifest = manifest_text(plan.source, {name: Digest(_NO_DIGEST, size) for name, size in sizes.items()})
    if (size := len(manifest.encode())) > MANIFEST_BYTES_MAX:
        what = f"makes a manifest of {size} bytes; SSM takes at most 64 KB, which is counted here as {MANIFEST_BYTES_MAX} bytes."
        problems.append(Problem(str(plan.folder / SOURCE_FILE), what, "List fewer targets, or a shorter description."))
    return problems
