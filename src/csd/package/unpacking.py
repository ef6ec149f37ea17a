"""A sealed folder -> a folder of sources: package.yaml and a folder for each zip, from which csd package build seals an equal package.

Flow: manifest -> which zip is for whom -> every zip's directory is examined -> its files are written -> package.yaml at last.
Rules: nothing of a zip is trusted: a member is a plain file below its folder, is as large as it says, and there are not too many. Whatever
is wrong with any of them is told at once, and nothing is left behind. Constant memory.
Refuses to know: where the package came from.
"""

import json
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from csd.errors import CsdInputError, Problem
from csd.package.matching.walk import ANY, entries, read_packages
from csd.package.places import SOURCE_FILE
from csd.package.reading.zips import zip_problems
from csd.package.sealed import MANIFEST_FILE, SealedPackage
from csd.package.source import PackageSource, shape_problems

_TEMPLATE, _TEMPLATE_BYTES_MAX = ".in", 1 << 20
_PLACE = re.compile(rb"@(NAME|VERSION)@")
_CHUNK = 1 << 20
_NOT_SAFE = "Do not install it; ask whoever publishes it."


def unpack_source(sealed: SealedPackage, name: str, target: Path) -> PackageSource:
    """Write the sources. Raises CsdInputError with every problem; then nothing was written."""
    if target.exists() and any(target.iterdir()):
        raise CsdInputError([Problem(str(target), "is not empty.", "Name a new folder.")])
    manifest = json.loads((sealed.folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    folders = _folders(sealed, name)
    described = _described(manifest, name, folders)
    try:
        source = PackageSource.model_validate(described)
    except ValidationError as refused:
        raise CsdInputError(shape_problems(f"{sealed.folder / MANIFEST_FILE}, as {SOURCE_FILE}", refused)) from refused
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target, prefix=".unpacking-") as side:
        problems = [problem for file, folder in folders.items() for problem in _unpack(sealed.folder / file, Path(side) / folder)]
        if problems:
            raise CsdInputError(problems)
        for folder in folders.values():
            (Path(side) / folder).replace(target / folder)
    (target / SOURCE_FILE).write_text(
        yaml.safe_dump(described, sort_keys=False, allow_unicode=True), encoding="utf-8", newline="\n"
    )
    return source


def _folders(sealed: SealedPackage, name: str) -> dict[str, str]:
    """{zip: folder}: what csd itself has put between name, version and .zip; else the zip's own name."""
    folders: dict[str, str] = {}
    for file in sealed.files:
        stem = file.name.removesuffix(".zip").removeprefix(f"{name}-{sealed.version}-")
        folder = re.sub(r"[^a-zA-Z0-9_\-.]", "-", stem)[:50].strip(".") or "files"
        taken = {other.lower() for other in folders.values()}
        folders[file.name] = folder if folder.lower() not in taken else f"{folder}-{len(taken) + 1}"
    return folders


def _described(manifest: dict[str, Any], name: str, folders: dict[str, str]) -> dict[str, Any]:
    targets: dict[str, list[dict[str, str]]] = {file: [] for file in folders}
    for entry, file in entries(read_packages(manifest, MANIFEST_FILE)):
        narrowed = {"version": entry.version, "architecture": entry.architecture}
        targets[file].append({"platform": entry.platform} | {key: value for key, value in narrowed.items() if value != ANY})
    told = {
        "name": name,
        "version": manifest["version"],
        "publisher": manifest.get("publisher"),
        "description": manifest.get("description"),
    }
    return {key: value for key, value in told.items() if value} | {
        "platforms": [{"folder": folders[file], "targets": listed} for file, listed in targets.items()]
    }


def _unpack(path: Path, folder: Path) -> list[Problem]:
    """Everything that is wrong with a zip; its files are in `folder` when nothing is."""
    try:
        problems = zip_problems(path)
        if problems:
            return problems
        with zipfile.ZipFile(path) as archive:
            folder.mkdir(parents=True)
            for member in (one for one in archive.infolist() if not one.is_dir()):
                problems += _write(path, archive, member, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError) as broken:
        return [Problem(str(path), f"cannot be read: {broken}.", _NOT_SAFE)]
    return problems


def _write(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Iterator[Problem]:
    where = f"{path}: {member.filename!a}"
    written = folder / member.filename
    if member.filename.endswith(_TEMPLATE):  # the build would take it for a template: a template of it makes it again
        written = folder / f"{member.filename}{_TEMPLATE}"
    written.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with archive.open(member) as source, written.open("wb") as target:
        while content := source.read(_CHUNK):
            size += len(content)
            if size > member.file_size:
                break
            target.write(content)
    if size != member.file_size:
        yield Problem(where, f"has not the {member.file_size} bytes that it says.", _NOT_SAFE)
    elif written.name.endswith(f"{_TEMPLATE}{_TEMPLATE}") and (size > _TEMPLATE_BYTES_MAX or _PLACE.search(written.read_bytes())):
        said = "ends in .in, which the build takes for a template, and would change it."
        yield Problem(where, said, "Import without --source, and publish the sealed folder.")
