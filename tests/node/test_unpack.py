"""Zips that are unpacked, and zips that are refused whole."""

import contextlib
import io
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.node.unpack import BadArchiveError, unpack


def archive(*entries: tuple[str, bytes, int]) -> io.BytesIO:
    """A zip of (name, content, mode)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        for name, data, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            opened.writestr(info, data)
    return stream


def test_files_folders_and_modes_arrive(tmp_path: Path) -> None:
    """Content and execute bits are the zip's."""
    unpack(archive(("install.sh", b"x", stat.S_IFREG | 0o755), ("a/b/c.txt", b"y", 0)), tmp_path)
    assert (tmp_path / "install.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a/b/c.txt").read_bytes() == b"y"


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("../evil", 0),
        ("a/../../evil", 0),
        ("/etc/evil", 0),
        ("link", stat.S_IFLNK | 0o777),
        ("..\\evil", 0),
        ("pipe", stat.S_IFIFO | 0o600),
    ],
)
def test_what_would_leave_the_folder_is_refused_whole(tmp_path: Path, name: str, mode: int) -> None:
    """Observed: the agent's words for a path escape (its spelling included); absolute names and links are refused alike by us."""
    with pytest.raises(BadArchiveError) as refused:
        unpack(archive(("install.sh", b"x", 0), (name, b"/etc/passwd", mode)), tmp_path)
    assert str(refused.value) == f"{name} attepts to place files outside {tmp_path} subtree"
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    """Observed: the words of the agent's zip reader."""
    with pytest.raises(BadArchiveError, match=r"^zip: not a valid zip file$"):
        unpack(io.BytesIO(b"no zip"), tmp_path)


def test_a_damaged_entry_is_refused(tmp_path: Path) -> None:
    """The checksum inside the zip counts too."""
    data = archive(("install.sh", b"content", 0)).getvalue().replace(b"content", b"c0ntent")
    with pytest.raises(BadArchiveError, match="checksum error"):
        unpack(io.BytesIO(data), tmp_path)


@given(st.lists(st.text(alphabet="./\\ab", min_size=1, max_size=12), min_size=1, max_size=4, unique=True))
def test_nothing_is_ever_written_outside(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    """Whatever the names are, only the folder itself may change."""
    outer = tmp_path_factory.mktemp("outer")
    folder = outer / "inner"
    folder.mkdir()
    with contextlib.suppress(BadArchiveError):
        unpack(archive(*((name, b"x", 0) for name in names)), folder)
    assert [path.name for path in outer.iterdir()] == ["inner"]
