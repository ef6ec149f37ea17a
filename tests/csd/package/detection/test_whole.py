"""Downloads that were cut off, error pages under an installer's name, and archives that take too much: refused on the desk."""

import contextlib
import io
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csd.errors import CsdInputError
from csd.package.detection.detecting import detect
from csd.package.detection.installer import Unrecognised
from csd.package.detection.whole import check_whole
from csd.package.starting.starting import start_package
from csd_fakes.installers import PACKERS, deb, exe, msi, rpm, tarball, zipped

NOISE = bytes(range(256)) * 400


def big_tar() -> bytes:
    """A link, a long name and some content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        link = tarfile.TarInfo("agent/link")
        link.type, link.linkname = tarfile.SYMTYPE, "content"
        archive.addfile(link)
        for name in ("agent/content", "agent/" + "long/" * 50 + "name"):
            info = tarfile.TarInfo(name)
            info.size = len(NOISE)
            archive.addfile(info, io.BytesIO(NOISE))
    return out.getvalue()


def checked(place: Path, limit: int | None = None) -> None:
    """As csd package init looks at a file."""
    installer = detect(place)
    check_whole(installer) if limit is None else check_whole(installer, limit)


def refused(place: Path, content: bytes, limit: int | None = None) -> str:
    place.write_bytes(content)
    with pytest.raises(Unrecognised) as wrong:
        checked(place, limit)
    return str(wrong.value.problem).removeprefix(f"{place}: ")


ALL = [("", big_tar()), *((name, pack(big_tar())) for name, pack in PACKERS.items())]


@pytest.mark.parametrize("content", [content for _, content in ALL], ids=[name or "plain" for name, _ in ALL])
def test_a_whole_tar_is_taken_and_half_of_one_is_not(tmp_path: Path, content: bytes) -> None:
    """Whatever it is compressed with: by its own sizes, and by the end that each compression has."""
    place = tmp_path / "agent-1.0.tar"
    place.write_bytes(content)
    checked(place)
    told = refused(place, content[: len(content) * 3 // 5])
    assert told.startswith(("begins like a tar, but cannot be read as one (EOFError", "is named like a .tar, but is none"))


@pytest.mark.parametrize("name", ["gz", "xz", "bz2", "zst"])
def test_a_tar_that_was_packed_in_pieces_is_read_to_its_end(tmp_path: Path, name: str) -> None:
    """pigz, pbzip2 and pzstd write one stream after another; the last may be cut off as well."""
    halves = [big_tar()[:70_000], big_tar()[70_000:]]
    content = b"".join(map(PACKERS[name], halves))
    place = tmp_path / "agent-1.0.tar"
    place.write_bytes(content)
    checked(place)
    assert "it ends too early" in refused(place, content[:-6])


def test_a_spoilt_checksum_is_found(tmp_path: Path) -> None:
    """A byte that changed on its way."""
    content = bytearray(PACKERS["gz"](big_tar()))
    content[-6] ^= 1
    assert "incorrect data check" in refused(tmp_path / "x.tgz", bytes(content))


def test_a_zip_is_looked_at_from_its_end(tmp_path: Path) -> None:
    """Cut off, or leading out of its folder."""
    place = tmp_path / "agent-linux-1.0.zip"
    place.write_bytes(zipped())
    checked(place)
    assert refused(place, zipped()[:-30]).startswith("is not a zip, or is cut off")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../etc/passwd", "x")
    assert refused(place, out.getvalue()).startswith("../etc/passwd: leaves its folder ('..').")


AGAIN = "Get it from its vendor again: an error page, or half a file, is easily saved in its place."


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("agent_1.0_amd64.deb", b"<!DOCTYPE html>\n", "is named like a .deb, but is none: it begins with '<!DOCTYPE html>'."),
        ("agent.MSI", b"", "is named like a .msi, but is none: it is empty."),
        ("agent-1.0.tar.gz", PACKERS["gz"](tarball())[:12], "is named like a .tar.gz, but is none: it is cut off, or something else."),
        ("agent.exe", b"\0\1\2", "is named like a .exe, but is none: it is cut off, or something else."),
    ],
    ids=["deb", "msi", "tar-gz", "exe"],
)  # fmt: skip
def test_a_name_that_promises_an_installer_is_held_to_it(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    """An error page would else be put onto every node, and called installed."""
    assert refused(tmp_path / name, content) == f"{told} {AGAIN}"


def test_a_plain_file_promises_nothing(tmp_path: Path) -> None:
    """Nor does a compressed log."""
    for name, content in (("agent.conf", b"a: b\n"), ("notes.gz", PACKERS["gz"](b"log")), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        checked(tmp_path / name)


def test_init_tells_all_of_them_at_once_and_writes_nothing(tmp_path: Path) -> None:
    """Each with its file."""
    source = tmp_path / "from"
    source.mkdir()
    (source / "a_1.0_amd64.deb").write_bytes(b"<html>")
    (source / "b-linux-1.0.tgz").write_bytes(PACKERS["gz"](big_tar())[:-8])
    with pytest.raises(CsdInputError) as wrong:
        start_package("my-agent", source, tmp_path / "into")
    assert [problem.where for problem in wrong.value.problems] == [str(path) for path in sorted(source.iterdir())]
    assert not (tmp_path / "into").exists()


def signed_rpm(size: int) -> bytes:
    """An .rpm whose signature tells how many bytes follow."""
    magic = b"\x8e\xad\xe8\x01" + bytes(4)
    signature = magic + struct.pack(">2I", 1, 4) + struct.pack(">4I", 1000, 4, 0, 1) + struct.pack(">I", size) + bytes(4)
    return rpm()[:96] + signature + rpm()[112:]


def signed_exe(length: int) -> bytes:
    """An .exe that says where its Authenticode signature is, and has `length` bytes of it."""
    content = bytearray(exe())
    at = 64 + 24 + 112 + 4 * 8
    content[at : at + 8] = struct.pack("<2I", len(content), 64)
    return bytes(content) + bytes(length)


def test_an_rpm_an_exe_and_an_msi_tell_their_own_size(tmp_path: Path) -> None:
    """Documented: RPMSIGTAG_SIZE, IMAGE_DIRECTORY_ENTRY_SECURITY, and the sectors of [MS-CFB]."""
    behind = len(rpm()) - 112
    long = msi(properties={"ProductName": "Vendor Agent", "ProductVersion": "7.1.0", "Text": "x" * 4000})
    for name, content in (("rpm", signed_rpm(behind)), ("exe", signed_exe(64)), ("msi", msi()), ("long", long)):
        (tmp_path / name).write_bytes(content)
        checked(tmp_path / name)
    assert f"{behind + 1} bytes belong behind its signature, {behind} are there" in refused(
        tmp_path / "x", signed_rpm(behind + 1)
    )
    assert f"{len(exe()) + 64} bytes belong to it, {len(exe()) + 10} are there" in refused(tmp_path / "x", signed_exe(10))
    assert "it ends too early" in refused(tmp_path / "x", long[:-512])
    assert "claims" in refused(tmp_path / "x", deb()[:-40])


@pytest.mark.parametrize("name", PACKERS)
def test_a_bomb_is_unpacked_to_its_bound_and_little_is_held(tmp_path: Path, name: str) -> None:
    """Zeros behind the header of one big file."""
    info = tarfile.TarInfo("zeros")
    info.size = 1 << 26
    (tmp_path / "x").write_bytes(PACKERS[name](info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 26)))
    tracemalloc.start()
    try:
        with pytest.raises(Unrecognised) as wrong:
            checked(tmp_path / "x", 1 << 25)
        assert wrong.value.problem.what == "unpacks to more than a node should be asked for."
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


@given(content=st.sampled_from([zipped(), tarball(), *(pack(tarball()) for pack in PACKERS.values()), b""]), data=st.data())
@settings(deadline=None)
def test_a_spoilt_archive_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, data: st.DataObject
) -> None:
    """Nothing but Unrecognised is raised."""
    spoilt = bytearray(content[: data.draw(st.integers(0, len(content)))])
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, max(len(spoilt) - 1, 0)))
        patch = data.draw(st.binary(max_size=6) | st.sampled_from([b"\xff\xff\xff\xff", b"\x80" + b"\xff" * 11]))
        spoilt[at : at + len(patch)] = patch
    place = tmp_path_factory.getbasetemp() / "spoilt.tar.gz"
    place.write_bytes(spoilt)
    with contextlib.suppress(Unrecognised):
        checked(place, 1 << 20)
