"""The packages a node has on its disk: folders, states, locks, cached manifests. The stock agent's layout below /var/lib/amazon/ssm.

Flow: package name (or ARN) -> folder name -> `packages/<name>/<version>/`, `packages/<name>/installstate`,
`locks/packages/<name>.lockfile`, `manifests/<name>_<document version>.json`.
Rules: a version's folder appears whole (unpacked aside, then renamed) or not at all; one action per package at a time.
Refuses to know: where packages come from, and what installing means.
"""

import base64
import contextlib
import hashlib
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from localorg.node import installstate
from localorg.node.installstate import InstallState, State

LOCK_STALE_S = 30 * 60
NAME = re.compile(r"[a-zA-Z0-9][ \w+=()\[\]{}-]*(?:[.][ \w+=()\[\]{}-]+)*", re.ASCII)
FOLDER_NAME_CHARACTERS_MAX = 255


class PackageError(Exception):
    """A package cannot be used or is busy; the text goes to the command's standard error."""


def folder_name(name: str) -> str:
    """Return the directory name for a package name, ARN or version. AWS: localpackages_normalize."""
    if len(name) <= FOLDER_NAME_CHARACTERS_MAX and NAME.fullmatch(name) and not name.endswith(" "):
        return name
    lowered = name.lower()
    digest = base64.b32encode(hashlib.sha256(lowered.encode()).digest()).decode()
    suffix = f"_{len(lowered.encode()):X}_{digest}"
    plain = re.sub(r"[^0-9a-zA-Z-]", "", lowered.replace(".", "-"))
    room = FOLDER_NAME_CHARACTERS_MAX - len(suffix)
    return "_" + (plain if len(plain) <= room else plain[: room - 1]) + suffix


@dataclass
class Repository:
    """The packages below `base` (/var/lib/amazon/ssm in the node's root)."""

    base: Path
    now: Callable[[], float] = time.time
    _busy: dict[str, str] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def version_folder(self, name: str, version: str) -> Path:
        """Return where `version` of package `name` is, or would be."""
        return self.base / "packages" / folder_name(name) / folder_name(version)

    def _state_file(self, name: str) -> Path:
        return self.base / "packages" / folder_name(name) / "installstate"

    def state(self, name: str) -> InstallState:
        """Return what is known about package `name`."""
        path = self._state_file(name)
        if path.exists():
            return installstate.parse(name, path.read_text())
        folders = sorted(entry.name for entry in path.parent.iterdir() if entry.is_dir()) if path.parent.is_dir() else []
        # AWS: localpackages: folders without a state file stem from an agent before installstate existed.
        return InstallState(name, folders[-1], State.UNKNOWN) if folders else InstallState(name)

    def set_state(self, name: str, version: str, state: State) -> None:
        """Note a move. Raises WrongMoveError."""
        moved = self.state(name).moved(state, version, self.now())
        _replace(self._state_file(name), moved.to_text())

    def validate(self, name: str, version: str) -> None:
        """Raise PackageError unless the folder of `version` is there and can be installed."""
        check_content(self.version_folder(name, version))

    def add(self, name: str, version: str, fill: Callable[[Path], None]) -> None:
        """Bring `version` into the repository: `fill(folder)` unpacks it. On any failure nothing of it remains."""
        final = self.version_folder(name, version)
        aside = final.with_name(f".{final.name}.unpacking")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            fill(aside)
            check_content(aside)
            shutil.rmtree(final, ignore_errors=True)
            aside.rename(final)
        finally:
            # DEVIATES: the stock agent unpacks in place and leaves an incomplete folder behind when it has no install script.
            shutil.rmtree(aside, ignore_errors=True)
            with contextlib.suppress(OSError):
                final.parent.rmdir()
        self.set_state(name, version, State.NEW)

    def remove(self, name: str, version: str) -> None:
        """Delete the folder of `version`."""
        shutil.rmtree(self.version_folder(name, version), ignore_errors=True)

    @contextlib.contextmanager
    def locked(self, name: str, action: str) -> Iterator[None]:
        """Hold package `name` for `action`. Raises PackageError when something else is happening to it."""
        path = self.base / "locks" / "packages" / f"{folder_name(name)}.lockfile"
        with self._guard:
            if name in self._busy:
                raise PackageError(f'Package "{name}" is already in the process of action "{self._busy[name]}"')
            if not _take(path, self.now()):
                raise PackageError(f'Package "{name}" is already in the process of other action')
            self._busy[name] = action
        try:
            yield
        finally:
            with self._guard:
                del self._busy[name]
                path.unlink(missing_ok=True)

    def _manifest_file(self, name: str, document_version: str) -> Path:
        return self.base / "manifests" / f"{folder_name(name)}_{folder_name(document_version)}.json"

    def cached_manifest(self, name: str, document_version: str) -> str | None:
        """Return the manifest that was last seen for this document version, or None."""
        path = self._manifest_file(name, document_version)
        return path.read_text() if path.exists() else None

    def cache_manifest(self, name: str, document_version: str, text: str | None) -> None:
        """Remember a manifest, or forget it (None)."""
        path = self._manifest_file(name, document_version)
        if text is None:
            path.unlink(missing_ok=True)
        else:
            _replace(path, text)


def check_content(folder: Path) -> None:
    """Raise PackageError unless `folder` holds an installable package. AWS: localpackages ValidatePackage."""
    entries = list(folder.iterdir()) if folder.is_dir() else []
    if len(entries) < 2 and not any(entry.is_dir() for entry in entries):
        raise PackageError("Package is incomplete")
    if not (folder / "install.sh").is_file() and not (folder / "install.ps1").is_file():
        raise PackageError("Package is not supported (package is missing install action)")


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{threading.get_ident()}")
    aside.write_text(text)
    aside.replace(path)


def _take(path: Path, now: float) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and _is_held(path, now):
        return False
    path.write_text(json.dumps({"owner": _owner()}))
    return True


def _is_held(path: Path, now: float) -> bool:
    try:
        owner = json.loads(path.read_text())["owner"]
    except (ValueError, KeyError, TypeError):
        return False
    # Our own mark without an entry in the table of running actions was left by an agent that was killed: pids come again in a sandbox.
    return bool(owner != _owner() and now - path.stat().st_mtime < LOCK_STALE_S and Path(f"/proc/{owner}").exists())


def _owner() -> int:
    return os.getpid()
