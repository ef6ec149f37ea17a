"""A package as it lies in a folder -> what the agent's walk goes through.

Flow: manifest.json, or a folder with one (a sealed folder, or what another tool made), or a folder with package.yaml (not built yet).
"""

import json
from pathlib import Path

from csd.errors import CsdInputError, Problem
from csd.package.matching.targets import packages_of
from csd.package.matching.walk import Packages, entries, read_packages
from csd.package.source import SOURCE_FILE, read_source

MANIFEST_FILE = "manifest.json"


def packages_at(path: Path) -> Packages:
    """Read it. Raises CsdInputError with every problem."""
    if path.is_dir() and not (path / MANIFEST_FILE).is_file() and (path / SOURCE_FILE).is_file():
        source = read_source(path)
        targets = [(target, source.zip_name(one.label)) for one in source.platforms for target in one.targets]
        return packages_of(((target.platform, target.version, target.architecture), file) for target, file in targets)
    file = path / MANIFEST_FILE if path.is_dir() else path
    if not file.is_file():
        remedy = f"Name a folder with {MANIFEST_FILE} or {SOURCE_FILE}, or a manifest."
        raise CsdInputError([Problem(str(file), "there is no such file.", remedy)])
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as broken:
        raise CsdInputError([Problem(str(file), f"is not JSON: {broken}.", "Correct it.")]) from broken
    packages = read_packages(manifest, str(file))
    problems = _unlisted(packages, manifest.get("files"), str(file))
    if problems:
        raise CsdInputError(problems)
    return packages


def _unlisted(packages: Packages, files: object, where: str) -> list[Problem]:
    # AWS: amazon-ssm-agent, findFileFromManifest: "failed to find file for", after the walk has found its entry.
    held = files if isinstance(files, dict) else {}
    return [
        Problem(f"{where}: packages", f"names {name!r}, which 'files' does not list.", "List it with its sha256.")
        for name in sorted({file for _, file in entries(packages)} - set(held))
    ]
