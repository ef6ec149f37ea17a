"""csd package init, whole: a folder -> the written package, or every problem and nothing written."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from csd.errors import CsdInputError, Problem
from csd.package.detection.detecting import detect
from csd.package.detection.installer import Installer, Unrecognised
from csd.package.detection.whole import check_whole
from csd.package.lint.naming import name_findings
from csd.package.places import SOURCE_FILE
from csd.package.source import PackageSource, shape_problems
from csd.package.starting.planning import Start, plan_start
from csd.package.starting.writing import source_text, write_start


@dataclass(frozen=True, slots=True)
class Started:
    """What was written, where."""

    folder: Path
    start: Start
    files: tuple[str, ...]


def start_package(name: str, folder: Path, into: Path, version: str = "") -> Started:
    """Make a package's sources from a folder of installers. Raises CsdInputError with every problem; then nothing was written."""
    problems = _target_problems(into)
    installers, found, left_out = _recognised(folder, into)
    problems += found
    start, wrong = plan_start(name, version, installers, str(folder))
    problems += wrong if installers else []
    problems += _shape(start, str(into / SOURCE_FILE))
    if problems:
        raise CsdInputError(list(dict.fromkeys(problems)))
    notes = (*start.notes, *(f"{left.name}: left out, because its name begins with a dot" for left in left_out))
    whole = Start(start.name, start.version, start.zips, notes)
    return Started(into, whole, tuple(write_start(whole, into)))


def _target_problems(into: Path) -> list[Problem]:
    if into.is_symlink() or (into.exists() and not into.is_dir()):
        return [Problem(str(into), "is no folder.", "Name another with --into.")]
    if into.is_dir() and any(into.iterdir()):
        return [Problem(str(into), "is not empty.", "Name a new folder with --into.")]
    return []


def _recognised(folder: Path, into: Path) -> tuple[list[Installer], list[Problem], list[Path]]:
    """Every installer of the folder, by name; problems; and hidden files, which are left out."""
    if folder.is_file():
        return [], [Problem(str(folder), "is a file.", "Name the folder that it lies in, with nothing else in it.")], []
    if not folder.is_dir():
        return [], [Problem(str(folder), "there is no such folder.", "Name the folder of the installers with --from.")], []
    installers: list[Installer] = []
    problems: list[Problem] = []
    left_out: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.resolve() == into.resolve():
            continue
        if path.name.startswith("."):
            left_out.append(path)
        elif path.is_symlink():
            problems.append(Problem(str(path), "is a link.", "Put the file itself there."))
        elif path.is_dir():
            problems.append(Problem(str(path), "is a folder.", "Put its installers beside the others, or make a tar of it."))
        else:
            try:
                found = detect(path)
                check_whole(found)
                installers.append(found)
            except Unrecognised as refused:
                problems.append(refused.problem)
    if not installers and not problems:
        problems.append(Problem(str(folder), "has no installers.", "Put the vendor's files there, or name another with --from."))
    return installers, problems, left_out


def _shape(start: Start, where: str) -> list[Problem]:
    """What the build would say of package.yaml's names, of which the version may be missing: that is told elsewhere."""
    described = yaml.safe_load(source_text(Start(start.name, start.version or "0", start.zips, ())))
    described["platforms"] = described["platforms"] or [
        {"name": "none-yet", "targets": [{"platform": "debian"}]}  # of no installers is told elsewhere; of the name here
    ]
    try:
        source = PackageSource.model_validate(described)
    except ValidationError as refused:
        return shape_problems(where, refused)
    return [finding.problem for finding in name_findings([(f"{where}: name", source.name)])]
