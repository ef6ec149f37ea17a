"""The folder that a build writes: it holds one package, whole or not at all.

Flow: everything is written into a hidden folder inside -> the old manifest goes -> what only an older build named goes -> the new files
come in, the manifest last.

Rules: a folder with a manifest is whole. Only what a package's own manifest or release named is ever removed; a zip of other origin is
refused, because it would look like a part of the package. Refuses to know: what the files hold.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from csd.errors import Problem
from csd.package.places import MANIFEST_FILE, SOURCE_FILE
from csd.package.release import RELEASE_FILE, SIGNED_RELEASE_FILE

BUILDING_PREFIX = ".building-"


def output_problems(output: Path, zips: Collection[str], read: Collection[Path]) -> list[Problem]:
    """Why this folder cannot take the package: it is read from itself, is no folder, or holds sources or zips of other origin."""
    place = output.resolve()
    inside = next((folder for folder in read if place.is_relative_to(folder.resolve())), None)
    if inside is not None:
        return [Problem(str(output), f"is inside {inside}, which goes into the package.", "Choose a folder outside of it.")]
    if not output.exists():
        return []
    if not output.is_dir():
        return [Problem(str(output), "is no folder.", "Choose another.")]
    if (output / SOURCE_FILE).is_file():
        return [Problem(str(output), f"holds {SOURCE_FILE}: sources, not what is built of them.", "Choose another folder.")]
    known = {*zips, *_named(output)}
    return [
        Problem(str(path), "is no part of the package that is built here.", "Remove it, or choose another folder.")
        for path in sorted(output.glob("*.zip"))
        if path.name not in known
    ]


def leftovers(output: Path) -> list[str]:
    """Warnings about what builds that were killed left behind."""
    found = sorted(output.glob(f"{BUILDING_PREFIX}*")) if output.is_dir() else []
    return [f"{path}: was left by a build that was stopped; remove it when none is running." for path in found]


def put_in_place(building: Path, output: Path) -> list[str]:
    """Move what was built to `output`, in place of an older build; gives warnings."""
    built = {path.name for path in building.iterdir()}
    warnings = []
    same = _text(output / RELEASE_FILE) == _text(building / RELEASE_FILE)
    old, former, name = _named(output), *(_json(folder / RELEASE_FILE).get("name") for folder in (output, building))
    if former not in (None, name):
        warnings.append(f"{output}: held another package, {former}, which is replaced; give each a folder of its own.")
    (output / MANIFEST_FILE).unlink(missing_ok=True)
    for name in sorted(old - built):
        (output / name).unlink(missing_ok=True)
    if not same and (output / SIGNED_RELEASE_FILE).exists():
        (output / SIGNED_RELEASE_FILE).unlink()
        warnings.append(f"{output / SIGNED_RELEASE_FILE}: was the signature of an older build, and is removed; sign this one.")
    for name in sorted(built - {MANIFEST_FILE}):
        (building / name).replace(output / name)
    (building / MANIFEST_FILE).replace(output / MANIFEST_FILE)
    return warnings


def _named(output: Path) -> set[str]:
    """The files that the manifest and the release in a folder name; nothing outside of it."""
    named: set[str] = set()
    for file, keys in ((MANIFEST_FILE, ("files",)), (RELEASE_FILE, ("files", "beside"))):
        told = _json(output / file)
        for key in keys:
            named |= set(told[key]) if isinstance(told.get(key), dict) else set()
    return {name for name in named if name and not {"/", "\\"} & set(name) and name not in (".", "..")}


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _json(path: Path) -> Mapping[str, Any]:
    try:
        told = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
