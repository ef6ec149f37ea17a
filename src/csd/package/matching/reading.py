"""A package as it lies in a folder -> what the agent's walk goes through.

Flow: manifest.json, or a folder with one (a sealed folder, or what another tool made), or a folder with package.yaml (not built yet).
"""

import zipfile
from pathlib import Path

from csd.errors import CsdInputError, Problem
from csd.package.lint.manifests import read_manifest
from csd.package.lint.rules_manifest import SHAPE, UNLISTED
from csd.package.matching.walk import Packages
from csd.package.places import MANIFEST_FILE, SOURCE_FILE, is_sources
from csd.package.source import read_source


def packages_at(path: Path) -> Packages:
    """Read it. Raises CsdInputError with every problem."""
    if is_sources(path):
        return read_source(path).packages
    file = path / MANIFEST_FILE if path.is_dir() else path
    if not file.is_file() or zipfile.is_zipfile(file):
        what = "is a zip: who gets it stands in the manifest." if file.is_file() else "there is no such file."
        remedy = f"Name a folder with {MANIFEST_FILE} or {SOURCE_FILE}, or a manifest."
        raise CsdInputError([Problem(str(file), what, remedy)])
    manifest = read_manifest(file)
    problems = [finding.problem for finding in manifest.found if finding.rule in (SHAPE, UNLISTED)]
    if problems:
        raise CsdInputError(problems)
    return manifest.packages
