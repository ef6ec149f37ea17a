"""A planned package -> its folder: package.yaml as text, copies of the installers and of the scripts.

Rules: the text is the same for the same plan; everything is written beside the target and moved there at last, so that nothing is left
of a start that failed. Refuses to know: what the files mean.
"""

import json
import re
import shutil
import tempfile
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from csd.package.matching.targets import Triple
from csd.package.matching.walk import ANY
from csd.package.places import SOURCE_FILE
from csd.package.starting.planning import PlannedZip, Start

INSTALLERS, SCRIPTS = "installers", "scripts"
_PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9_./\-]*$")  # what YAML takes for nothing but a string
_NOT_STRINGS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def source_text(start: Start) -> str:
    """package.yaml."""
    lines = [
        f"# Made by csd package init from the installers. Look at the targets and at {SCRIPTS}/*/configure.*, then: csd package build.",
        f"name: {_scalar(start.name)}",
        f"version: {json.dumps(start.version)}",
        "platforms:",
    ]
    for planned in start.zips:
        lines += _zip_lines(planned)
    return "\n".join(lines) + "\n"


def _zip_lines(planned: PlannedZip) -> list[str]:
    shared = ", ".join(f"{SCRIPTS}/{folder}" for folder in planned.scripts)
    lines = [f"  - name: {_scalar(planned.label)}", f"    shared: [{shared}]", "    files:"]
    lines += [
        f"      - {{from: {_scalar(f'{INSTALLERS}/{path.name}')}, as: {_scalar(placed)}}}" for path, placed in planned.files
    ]
    return [*lines, "    targets:", *(f"      - {_target(triple)}" for triple in planned.targets)]


def _target(triple: Triple) -> str:
    platform, version, architecture = triple
    told = {"platform": platform} | {
        key: json.dumps(value) if key == "version" else value
        for key, value in (("version", version), ("architecture", architecture))
        if value != ANY
    }
    if architecture == "386":  # a number without quotes
        told["architecture"] = '"386"'
    return "{" + ", ".join(f"{key}: {value}" for key, value in told.items()) + "}"


def _scalar(text: str) -> str:
    return text if _PLAIN.match(text) and text.lower() not in _NOT_STRINGS else json.dumps(text)


def write_start(start: Start, into: Path) -> list[str]:
    """Write everything to `into`, which is not there or empty; gives the names of the files."""
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=f".{into.name}.starting-") as side:
        whole = Path(side) / into.name
        (whole / INSTALLERS).mkdir(parents=True)
        for path in dict.fromkeys(path for planned in start.zips for path, _ in planned.files):
            shutil.copyfile(path, whole / INSTALLERS / path.name)
        for folder in dict.fromkeys(folder for planned in start.zips for folder in planned.scripts):
            (whole / SCRIPTS / folder).mkdir(parents=True)
            for script in _scripts(folder):
                with resources.as_file(script) as path:
                    shutil.copyfile(path, whole / SCRIPTS / folder / path.name)
        (whole / SOURCE_FILE).write_text(source_text(start), encoding="utf-8", newline="\n")
        if into.exists():
            into.rmdir()
        whole.replace(into)
    return sorted(path.relative_to(into).as_posix() for path in into.rglob("*") if path.is_file())


def _scripts(folder: str) -> list[Traversable]:
    found = resources.files("csd.package.starting").joinpath(folder).iterdir()
    return sorted((each for each in found if each.is_file()), key=lambda each: each.name)
