"""The floors that a desk has seen, in a file that it keeps: {"PACKAGE": "VERSION"}. Optional; without it a desk remembers nothing.

Rules: a floor only rises. The file is not secret and not signed: whoever may write it may lower it, so it belongs beside trust.json.
"""

import json
from pathlib import Path

from csd.errors import CsdInputError, Problem
from csd.package.signing.envelope import read_bounded
from csd.package.signing.statement import Statement
from csd.package.versions import higher

STATE_BYTES_MAX = 1 << 20


def read_floors(path: Path) -> dict[str, str]:
    """The floors of a file; none where there is no file. Raises CsdInputError, OSError."""
    if not path.exists() and not path.is_symlink():
        return {}
    try:
        told = json.loads(read_bounded(path, STATE_BYTES_MAX))
    except (ValueError, RecursionError) as broken:
        raise _wrong(path) from broken
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise _wrong(path)
    return told


def raise_floor(path: Path, statement: Statement) -> None:
    """Remember the floor of a release that was verified."""
    floors = read_floors(path)
    name = statement.release.name
    raised = {**floors, name: higher(floors.get(name, ""), statement.floor)}
    if raised != floors:
        hidden = path.with_name(f".{path.name}.new")
        hidden.write_text(json.dumps(raised, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        hidden.replace(path)


def _wrong(path: Path) -> CsdInputError:
    return CsdInputError([Problem(str(path), "is no file of floors.", "Name another file, or restore this one.")])
