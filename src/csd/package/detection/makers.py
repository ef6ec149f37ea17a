"""Which program made an .exe installer, and so which switches are probably its silent ones: a hint, and called so."""

from pathlib import Path
from typing import NamedTuple

_HEADERS_BYTES = 1 << 20  # the program in front of the files that it installs


class Maker(NamedTuple):
    """A program that makes installers: what stands in each of them, and the switches of each that its makers document."""

    name: str
    mark: bytes
    install: str
    uninstall: str


_MAKERS = (
    Maker("NSIS", b"Nullsoft.NSIS.exehead", "'/S'", "'/S'"),
    Maker("Inno Setup", b"JR.Inno.Setup", "'/VERYSILENT', '/SUPPRESSMSGBOXES', '/NORESTART'", "'/VERYSILENT', '/NORESTART'"),
    Maker("WiX", b".wixburn", "'/quiet', '/norestart'", "'/uninstall', '/quiet', '/norestart'"),
)


def maker(path: Path) -> Maker | None:
    """Who made an .exe, where it tells."""
    with path.open("rb") as stream:
        head = stream.read(_HEADERS_BYTES)
    return next((each for each in _MAKERS if each.mark in head), None)
