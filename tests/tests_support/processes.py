"""Which processes and mounts of this machine speak of a folder."""

import time
from pathlib import Path


def processes_about(text: str) -> list[str]:
    """Return the command lines (or working directories) of living processes that mention `text`, but for this one's own kind."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and "pytest" not in line.split(" ")[0] and " -m pytest" not in line and "bin/pytest" not in line:
            found.append(f"{entry.name} {line}")
    return found


def mounts_below(folder: str) -> list[str]:
    """Return the mounts of this machine's own mount namespace that mention `folder`."""
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if folder in line]


def until_none(what: Path, patience_s: float = 10.0) -> tuple[list[str], list[str]]:
    """Return processes and mounts that still speak of a folder once they are none, or when patience ends."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        left = processes_about(str(what)), mounts_below(str(what))
        if left == ([], []):
            break
        time.sleep(0.1)
    return left
