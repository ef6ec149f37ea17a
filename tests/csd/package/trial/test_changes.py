"""A look that tells only changes comes to what a whole look at the same files would, or asks for one."""

import base64
import gzip
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csd.package.trial.changes import LookAgain
from csd.package.trial.differences import differences
from csd.package.trial.snapshot import Snapshot, read_snapshot, snapshot_lines

FIRST = ("E d:755 0:0 1 1 1 2 /", "E d:755 0:0 9 1 1 7 /opt", "E f:644 0:0 5 1 1 8 /opt/a", "E d:755 0:0 9 1 1 9 /opt/sub",
         "E f:644 0:0 5 1 1 10 /opt/sub/b", "H aa  /opt/sub/b", "M /", "U root:0:/root:/bin/sh")  # fmt: skip


def said(*lines: str, whole: bool = False, booted: int = 500) -> str:
    text = "\n".join([*lines, "Z"]) + "\n"
    return f"csd-snapshot 2 1000 {booted} {int(whole)}\n{base64.b64encode(gzip.compress(text.encode())).decode()}\n"


@pytest.fixture
def first() -> Snapshot:
    return read_snapshot(said(*FIRST, whole=True))


def test_nothing_changed(first: Snapshot) -> None:
    """Users and mounts are always told; no more and no fewer lines come of it."""
    look = read_snapshot(said("M /", "U root:0:/root:/bin/sh"), first)
    assert (look.more, look.fewer) == (frozenset(), frozenset())


def test_what_a_changed_folder_no_longer_names_is_gone_with_all_below_it(first: Snapshot) -> None:
    """Also the digests."""
    look = read_snapshot(said("E d:755 0:0 9 3 3 7 /opt", "N 8 /opt/a", "M /", "U root:0:/root:/bin/sh"), first)
    assert [change.name for change in differences(first, look).removed] == ["/opt/sub", "/opt/sub/b"]
    assert "H aa  /opt/sub/b" in look.fewer


UNKNOWN = {
    "a folder that came from elsewhere, whose content was not touched": ("E d:755 0:0 9 1 3 77 /opt/sub", "N 10 /opt/sub/b", "M /"),
    "a file that came from elsewhere": ("E d:755 0:0 9 3 3 7 /opt", "N 8 /opt/a", "N 9 /opt/sub", "N 99 /opt/new", "M /"),
    "another file of the same name": ("E d:755 0:0 9 3 3 7 /opt", "N 88 /opt/a", "N 9 /opt/sub", "M /"),
    "another file system": ("M /", "M /opt"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_changes_do_not_tell_asks_for_a_whole_look(case: str, first: Snapshot) -> None:
    """It is not taken for what it may be."""
    with pytest.raises(LookAgain):
        read_snapshot(said(*UNKNOWN[case]), first)


def test_a_clock_that_was_set_asks_for_a_whole_look(first: Snapshot) -> None:
    """What changed in the hour that came twice has times from before the first look."""
    with pytest.raises(LookAgain, match="clock"):
        read_snapshot(said("M /", booted=400), first)


def shell(root: Path, since: float, *, whole: bool) -> str:
    """Run the script as a node would, whose only file system is `root`."""
    script = "\n".join(snapshot_lines(windows=False, since=1, whole=whole))
    script = script.replace("/proc/mounts", f"{root}.mounts").replace("-path /tmp ", "-path /none ")
    script = script.replace("/tmp | /tmp/* |", "/none |").replace("since=1", f"since={since:.9f}")
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout


def _ticked(root: Path) -> float:
    """A moment after which the file system's clock has moved on."""
    probe = root.with_suffix(".probe")
    probe.touch()
    first = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns == first:
        probe.touch()
    return first / 1e9 + 1e-9


PATHS = ("a", "b c", "d", "d/a", "d/e", "d/e/f", "g", "g/h")
OPERATIONS: dict[str, Callable[[Path, Path], object]] = {
    "write": lambda one, _: one.write_text("x" * (1 + len(one.name))),
    "append": lambda one, _: one.open("a").write("more"),
    "chmod": lambda one, _: one.chmod(0o751),
    "folder": lambda one, _: one.mkdir(),
    "remove": lambda one, _: shutil.rmtree(one) if one.is_dir() and not one.is_symlink() else one.unlink(),
    "move": lambda one, other: one.rename(other),
    "link": lambda one, other: one.symlink_to(other),
    "hard link": os.link,
}
STEPS = st.lists(st.tuples(st.sampled_from(sorted(OPERATIONS)), st.sampled_from(PATHS), st.sampled_from(PATHS)), max_size=12)


def _done(root: Path, steps: list[tuple[str, str, str]]) -> None:
    for name, one, other in steps:
        try:
            OPERATIONS[name](root / one, root / other)
        except OSError:
            continue  # it is not there, or in the way


@settings(max_examples=12, deadline=None)
@given(before=STEPS, after=STEPS)
def test_changes_come_to_what_a_whole_look_tells(before: list[tuple[str, str, str]], after: list[tuple[str, str, str]]) -> None:
    """Whatever was written, moved and removed between two looks with a node's own tools."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "node")
        (root / "d/e").mkdir(parents=True)
        (root / "d/e/f").write_text("f")
        root.with_suffix(".mounts").write_text(f"disk {root} ext4 rw 0 0\n")
        _done(root, before)
        first = read_snapshot(shell(root, 0, whole=True))
        since = _ticked(root)
        _done(root, after)
        whole = read_snapshot(shell(root, since, whole=True), first)
        try:
            changes = read_snapshot(shell(root, since, whole=False), first)
        except LookAgain:
            return
        assert changes.whole == whole.whole
        assert differences(first, changes) == differences(first, whole)
