"""Files that were made to hurt: each ends in the one refusal, with little held and soon."""

import contextlib
import os
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csd.package.detection.detecting import detect
from csd.package.detection.installer import Unrecognised
from csd_fakes.installers import PACKERS, ar_member, deb, elf, exe, msi, rpm, tarball, zipped

WHOLE = [deb(), *(deb(compression=each) for each in ("gz", "xz", "zst")), rpm(), msi(), exe(), elf(), zipped()]
WHOLE += [tarball(each) for each in ("", *PACKERS)]


def problem(folder: Path, content: bytes) -> str:
    (folder / "x").write_bytes(content)
    with pytest.raises(Unrecognised) as refused:
        detect(folder / "x")
    return refused.value.problem.what


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "x"


def looked_at(place: Path, content: bytes) -> None:
    place.write_bytes(content)
    with contextlib.suppress(Unrecognised):
        detect(place)


@given(content=st.sampled_from(WHOLE), data=st.data())
def test_a_spoilt_file_is_told_or_refused(place: Path, content: bytes, data: st.DataObject) -> None:
    """Cut anywhere, with any bytes anywhere: nothing but Unrecognised is raised."""
    spoilt = bytearray(content[: data.draw(st.integers(1, len(content)))])
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(spoilt) - 1))
        patch = data.draw(st.sampled_from([b"\xff", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff", b"-"]) | st.binary(max_size=8))
        spoilt[at : at + len(patch)] = patch
    looked_at(place, bytes(spoilt))


@given(magic=st.sampled_from([content[:24] for content in WHOLE]), rest=st.binary(max_size=2000))
def test_any_bytes_behind_a_magic_are_told_or_refused(place: Path, magic: bytes, rest: bytes) -> None:
    """The beginning decides who reads; none of the readers lets anything else out."""
    looked_at(place, magic + rest)


HEADER = 96 + 16  # of an .rpm whose signature is empty


def cyclic(content: bytes) -> bytes:
    """An .msi whose directory follows itself."""
    return content[:512] + struct.pack("<2I", 0xFFFF_FFFD, 1) + content[520:]


REFUSED = {
    "a member that leads back": (b"!<arch>\n" + ar_member("debian-binary", b"2.0\n", "-60"), "a member claims -60 bytes"),
    "a member larger than the file": (b"!<arch>\n" + ar_member("debian-binary", b"2.0\n", "9" * 10), "a member claims 9999999999 bytes"),
    "members without end": (b"!<arch>\n" + ar_member("debian-binary", b"") * 17, "more than 16 members"),
    "a bomb": (deb(compression="zst", control=bytes(64 << 20)), "tells Package and Version"),
    "no control": (b"!<arch>\n" + ar_member("debian-binary", b"2.0\n"), "no control file that tells Package and Version"),
    "a header of gigabytes": (rpm()[: HEADER + 12] + b"\x7f\xff\xff\xff" + rpm()[HEADER + 16 :], "claims 4 entries and 2147483647"),
    "entries without end": (rpm()[: HEADER + 8] + b"\xff\xff\xff\xff" + rpm()[HEADER + 12 :], "claims 4294967295 entries"),
    "a header that ends too early": (rpm()[:-80], "ends too early"),
    "an .rpm without a name": (rpm(name=""), "no name and version"),
    "sectors of any size": (msi()[:30] + b"\xff\xff" + msi()[32:], "its sectors claim 2^65535"),
    "a table of any size": (msi()[:44] + b"\xff\xff\xff\x7f" + msi()[48:], "its table claims 2147483647 sectors"),
    "a directory that follows itself": (cyclic(msi()), "cannot be read as one"),
    "an .msi without a product": (msi(properties={"Manufacturer": "x"}), "no ProductName and ProductVersion"),
    "a version resource of gigabytes": (exe(resource=exe()[0x200:0x24C] + b"\xff\xff\xff\x7f" + bytes(12)), "claims 2147483647 bytes"),
    "a folder of resources that is too full": (exe(resource=bytes(12) + b"\xff\x7f\xff\x7f"), "claims 65534 entries"),
    "a program of DOS": (b"MZ" + bytes(300), "begins like an .exe"),
    "words for a shell": (deb(control=b"Package: a;reboot\nVersion: 1\nArchitecture: all\n"), "a name that no package has: 'a;reboot'"),
    "a name with a line end": (msi(properties={"ProductName": "a\nb", "ProductVersion": "1"}), "a name that no package has"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_made_to_hurt_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    """With the reason."""
    assert why in problem(tmp_path, content)


def test_little_is_held_of_a_bomb(tmp_path: Path) -> None:
    """A quarter of a gigabyte of zeros in an .deb's control archive, and in what may be a tar: some megabytes are looked at."""
    zeros = PACKERS["zst"](bytes(1 << 28))
    (tmp_path / "deb").write_bytes(deb()[:72] + ar_member("control.tar.zst", zeros))
    (tmp_path / "tar").write_bytes(zeros)
    tracemalloc.start()
    try:
        with pytest.raises(Unrecognised):
            detect(tmp_path / "deb")
        assert detect(tmp_path / "tar").kind == "file"
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_resources_that_lead_back_to_themselves_end(tmp_path: Path) -> None:
    """Three levels are followed, however deep a tree says it is."""
    entry = struct.pack("<3I2H2I", 0, 0, 0, 0, 1, 16, 0x8000_0000)
    (tmp_path / "x").write_bytes(exe(resource=entry))
    found = detect(tmp_path / "x")
    assert (found.kind, found.version) == ("exe", "")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe without a writer, a folder, a link to nowhere, one to itself, nothing at all."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to("missing")
    (tmp_path / "itself").symlink_to("itself")
    said = []
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "nowhere", tmp_path / "itself", tmp_path / "missing"):
        with pytest.raises(Unrecognised) as refused:
            detect(path)
        said.append(refused.value.problem.what)
    assert said[:2] == ["is no regular file."] * 2
    assert all(what.startswith("cannot be read: ") for what in said[2:])
