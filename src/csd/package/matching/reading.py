"""A package as it lies in a folder -> what the agent's walk goes through.

Flow: manifest.json, or a folder with one (a sealed folder, or what another tool made), or a folder with package.yaml (not built yet).
"""

from pathlib import Path

from csd.errors import CsdInputError, Problem
from csd.package.building.manifest import MANIFEST_FILE
from csd.package.lint.manifests import read_manifest
from csd.package.lint.rules_manifest import SHAPE, UNLISTED
from csd.package.matching.walk import Packages
from csd.package.source import SOURCE_FILE, read_source


def packages_at(path: Path) -> Packages:
    """Read it. Raises CsdInputError with every problem."""
    if path.is_dir() and not (path / MANIFEST_FILE).is_file() and (path / SOURCE_FILE).is_file():
        return read_source(path).packages
    file = path / MANIFEST_FILE if path.is_dir() else path
    if not file.is_file():
        remedy = f"Name a folder with {MANIFEST_FILE} or {SOURCE_FILE}, or a manifest."
        raise CsdInputError([Problem(str(file), "there is no such file.", remedy)])
    manifest = read_manifest(file)
    problems = [finding.problem for finding in manifest.found if finding.rule in (SHAPE, UNLISTED)]
    if problems:
        raise CsdInputError(problems)
    return manifest.packages
