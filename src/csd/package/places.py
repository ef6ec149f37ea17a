"""Which kind of folder somebody named, and what they are told when a verb is for the other kind.

    sources: a folder with package.yaml      --csd package build-->      sealed: a folder with manifest.json

Rules: the remedy is the command that comes next, with the very folder in it.
"""

from pathlib import Path

from csd.errors import Problem

SOURCE_FILE = "package.yaml"
MANIFEST_FILE = "manifest.json"


def is_sources(place: Path) -> bool:
    """Whether this is a folder of sources that nothing was built into."""
    return (place / SOURCE_FILE).is_file() and not (place / MANIFEST_FILE).is_file()


def sealed_problem(folder: Path) -> Problem | None:
    """Why this is no sealed folder; None where it is one."""
    if (folder / MANIFEST_FILE).is_file():
        return None
    if strange := _no_folder(folder):
        return strange
    if is_sources(folder):
        return Problem(
            str(folder), "is not built yet.", f"Build it, and name the folder that is printed: csd package build {folder}"
        )
    return Problem(str(folder / MANIFEST_FILE), "there is no such file.", "Build the package first: csd package build DIR.")


def source_problem(folder: Path) -> Problem | None:
    """Why nothing can be built of this; None where there is a package.yaml."""
    if (folder / SOURCE_FILE).is_file():
        return None
    if strange := _no_folder(folder):
        return strange
    if (folder / MANIFEST_FILE).is_file():
        remedy = "Build the folder with package.yaml; one is made of it by: csd package import DIR --into NEW --source NEW."
        return Problem(str(folder), "is built already: it has manifest.json, and no package.yaml.", remedy)
    remedy = f"Write one, or have it made of a vendor's installers: csd package init NAME --from {folder}"
    return Problem(str(folder / SOURCE_FILE), "there is no such file.", remedy)


def _no_folder(place: Path) -> Problem | None:
    if place.is_file():
        return Problem(str(place), "is a file.", f"Name the folder of the package: {place.parent}")
    return None if place.is_dir() else Problem(str(place), "there is no such folder.", "Correct its name.")
