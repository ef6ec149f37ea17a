"""Names of files in a zip: which of them cannot be unpacked everywhere, and which two would become one file on Windows.

Rules: pure. Inside a .deb or a tar, which only Linux unpacks, a name may hold what Linux lets it (systemd has backslashes,
manuals have colons); control characters and what is not UTF-8 may stand nowhere.
Refuses to know: files and folders.
"""

import os
import re
import unicodedata
from collections.abc import Iterable

# Windows API, "Naming Files, Paths, and Namespaces": device names, with any extension; characters; a last dot or blank.
_DEVICES = re.compile(r"^(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?$", re.IGNORECASE)
_WINDOWS_CHARACTERS = '<>"|?*'


def utf8_name(name: str) -> str | None:
    """A name of this system as its UTF-8 text, whatever the locale takes it for; None where it is no UTF-8."""
    try:
        return os.fsencode(name).decode("utf-8")
    except UnicodeError:
        return None


def native_name(text: str) -> str:
    """The name that this system has for UTF-8 text; the inverse of utf8_name."""
    return os.fsdecode(text.encode("utf-8"))


def printable(name: str) -> str:
    """A name for a sentence: as it is, or with what cannot be printed written out."""
    return name if name.isprintable() else ascii(name)[1:-1]


def text_fault(name: str) -> str | None:
    """What makes a name unfit for any archive."""
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        return "has a control character in its name."
    return None


def zip_fault(name: str, *, windows: bool) -> str | None:
    """What makes a name unfit for a zip; `windows` when Windows may unpack it."""
    for character, why in (("\\", "a backslash, which some systems take for a folder"), (":", "a colon, which names a drive")):
        if character in name:
            return f"has {why}, in its name."
    if not windows:
        return None
    for part in name.split("/"):
        if _DEVICES.match(part):
            return f"is called {part!r}, which is a device on Windows."
        if part.endswith((".", " ")):
            return f"ends in {part[-1]!r}, which Windows leaves out."
        if any(character in part for character in _WINDOWS_CHARACTERS):
            return "has a character in its name that Windows does not allow."
    return None


def clashes(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of names of which only one could be unpacked: the same, the same but for case, or a file where the other has a folder."""
    found = []
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in sorted(names):
        folded = _folded(name)
        parents = ["/".join(folded.split("/")[:count]) for count in range(1, folded.count("/") + 1)]
        other = files.get(folded) or folders.get(folded) or next((files[parent] for parent in parents if parent in files), None)
        if other is not None:
            found.append((name, other))
        files.setdefault(folded, name)
        for parent in parents:
            folders.setdefault(parent, name)
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
