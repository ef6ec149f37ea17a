"""Zips that were made to harm: each is refused, told in a sentence, and read in little memory."""

import io
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from csd.package.reading.ending import MEMBERS_MAX
from csd.package.reading.zips import FAULTS_MAX, Fault, examine_zip, path_fault

Change = Callable[[bytes], bytes]


def zipped(*names: str, mode: int = stat.S_IFREG | 0o644, method: int = zipfile.ZIP_STORED, content: bytes = b"x") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.filename = name
            info.external_attr, info.create_system, info.compress_type = mode << 16, 3, method
            archive.writestr(info, content)
    return out.getvalue()


def central(data: bytes) -> int:
    return data.index(b"PK\1\2")


def changed(data: bytes, at: int, form: str, *values: int) -> bytes:
    new = struct.pack(form, *values)
    return data[:at] + new + data[at + len(new) :]


def ended(data: bytes, count: int | None = None, size: int | None = None) -> bytes:
    """With another count of members, or size of the directory, in the end record."""
    at = data.rindex(b"PK\5\6")
    if count is not None:
        data = changed(data, at + 8, "<2H", count, count)
    return data if size is None else changed(data, at + 12, "<I", size)


def zip64(count: int) -> bytes:
    """A zip of one member whose zip64 record claims many."""
    plain = zipped("install.sh")
    at = plain.rindex(b"PK\5\6")
    size, offset = struct.unpack("<2I", plain[at + 12 : at + 20])
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)
    return plain[:at] + record + locator + changed(plain[at:], 8, "<2H", 0xFFFF, 0xFFFF)


def overlapping(count: int) -> bytes:
    """Many members in the directory, all with the bytes of the first: a small file that unpacks to much."""
    data = zipped("a", content=bytes(1000), method=zipfile.ZIP_DEFLATED)
    begin, end = central(data), data.rindex(b"PK\5\6")
    directory = data[begin:end] * count
    return data[:begin] + directory + ended(data[end:], count, len(directory))


def claiming(size: int) -> bytes:
    """A deflated member that says in both headers how large it is."""
    data = zipped("a", content=bytes(1000), method=zipfile.ZIP_DEFLATED)
    return changed(changed(data, 22, "<I", size), central(data) + 24, "<I", size)


ONE = zipped("a")
ROWS = {
    "no zip": (b"<html>", [("broken", "", "is not a zip, or is cut off: it has no end record.")]),
    "cut off": (ONE[:-30], [("broken", "", "is not a zip, or is cut off: it has no end record.")]),
    "bytes behind": (ONE + b"x", [("lies", "", "has bytes after its end record.")]),
    "bytes before": (b"#!/bin/sh\n" + ONE,
        [("lies", "", "has its directory elsewhere than it says: bytes stand before the zip, or within it.")]),
    "ten million members": (zip64(10_000_000), [("bomb", "", f"claims 10000000 members, more than {MEMBERS_MAX}.")]),
    "more members than there are": (ended(ONE, 60_000), [("bomb", "", f"claims 60000 members, more than {MEMBERS_MAX}.")]),
    "a few more than there are": (ended(ONE, 2), [("lies", "", "has fewer members than the 2 that it claims.")]),
    "fewer than there are": (ended(zipped("a", "b"), 1), [("lies", "", "has more members than the 1 that it claims.")]),
    "a directory that is too large": (ended(ONE, size=5_000_000),
        [("bomb", "", "claims a directory of 5000000 bytes, more than 4194304.")]),
    "shared bytes": (overlapping(3), [("bomb", "a", "shares its bytes with another member."), ("clash", "a", "and 'a' would be one file."),
        ("clash", "a", "and 'a' would be one file.")]),
    "a ratio": (claiming(300 << 20), [("bomb", "", "would unpack to 314572800 bytes, more than 200 times its own size.")]),
    "a link": (zipped("a", mode=stat.S_IFLNK | 0o777), [("special", "a", "is a symbolic link.")]),
    "a device": (zipped("a", mode=stat.S_IFCHR | 0o600), [("special", "a", "is a device.")]),
    "a pipe": (zipped("a", mode=stat.S_IFIFO | 0o600), [("special", "a", "is a FIFO.")]),
    "outside": (zipped("../../etc/cron.d/x"), [("path", "../../etc/cron.d/x", "leaves its folder ('..').")]),
    "absolute": (zipped("/etc/cron.d/x"), [("path", "/etc/cron.d/x", "has an absolute path.")]),
    "a drive": (zipped("C:/x"), [("path", "C:/x", "has an absolute path.")]),
    "a backslash": (zipped("..\\x"), [("path", "..\\x", "has a backslash, which some systems take for a folder, in its name.")]),
    "a line feed": (zipped("a\nb"), [("path", "a\\nb", "has a control character in its name.")]),
    "bzip2": (zipped("a", method=zipfile.ZIP_BZIP2), [("method", "a", "is compressed with method 12, which the agent does not know.")]),
    "two of one name but for case": (zipped("README", "readme"), [("clash", "readme", "and 'README' would be one file.")]),
    "a file where there is a folder": (zipped("a", "a/b"), [("clash", "a/b", "lies in 'a', which is a file.")]),
    "encrypted": (changed(changed(ONE, 6, "<H", 1), central(ONE) + 8, "<H", 1), [("method", "a", "is encrypted.")]),
    "two names": (changed(ONE, central(ONE) + 46, "<B", ord("b")),
        [("lies", "", "tells two things about 'b': directory and local header differ.")]),
    "two sizes": (changed(ONE, 22, "<I", 7), [("lies", "", "tells two things about 'a': directory and local header differ.")]),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_each_is_told(row: str, tmp_path: Path) -> None:
    """What is wrong, of which member."""
    data, faults = ROWS[row]
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    assert list(examine_zip(path).faults) == [Fault(*fault) for fault in faults]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_others_make_is_read(method: int, tmp_path: Path) -> None:
    """Folders, names that are not ASCII, members whose sizes stand behind them, an empty zip."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    out = Pipe()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("folder/", b"")
        archive.writestr("folder/größe.txt", b"x" * 100)
        with archive.open("large", "w", force_zip64=True) as member:
            member.write(b"y" * 100)
    path = tmp_path / "a.zip"
    for data, names in ((out.getvalue(), ["folder/", "folder/größe.txt", "large"]), (zipped(), [])):
        path.write_bytes(data)
        found = examine_zip(path)
        assert (found.faults, [member.name for member in found.members]) == ((), names)


def test_faults_are_told_up_to_a_number(tmp_path: Path) -> None:
    """A zip of a thousand links is not a thousand sentences."""
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(*(f"link{number}" for number in range(FAULTS_MAX + 10)), mode=stat.S_IFLNK))
    assert len(examine_zip(path).faults) == FAULTS_MAX


def test_a_path_is_bounded_in_depth() -> None:
    """Deeper than any package, and names of nothing."""
    assert path_fault("a/" * 70 + "b") == path_fault("") == "lies in more than 64 folders, or has no name."
    assert path_fault("a/b.sh") is None


def test_bombs_take_little_memory(tmp_path: Path) -> None:
    """Each is examined within 60 MB of address space more than Python itself has, and none is believed."""
    bombs = {"lie": zip64(10_000_000), "overlap": overlapping(20_000), "ratio": claiming(0xFFFFFFF0), "count": ended(ONE, 65_000)}
    for name, data in bombs.items():
        (tmp_path / f"{name}.zip").write_bytes(data)
    program = (
        "import resource, sys\nfrom pathlib import Path\nfrom csd.package.reading.zips import examine_zip\n"
        "held = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (held + (60 << 20),) * 2)\n"
        "for name in sys.argv[1:]:\n    print(examine_zip(Path(name)).faults[0].kind)\n"
    )
    asked = [sys.executable, "-c", program, *(str(tmp_path / f"{name}.zip") for name in bombs)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["bomb"] * 4, "")
