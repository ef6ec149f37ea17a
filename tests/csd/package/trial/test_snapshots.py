"""Two looks at a node and what differs between them; output that is not whole is refused."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from csd.package.trial.differences import Change, differences
from csd.package.trial.snapshot import NotWhole, Snapshot, read_snapshot, snapshot_lines
from csd_fakes.trials import packed


def look(*lines: str) -> Snapshot:
    return read_snapshot(packed(lines=lines))


def test_added_changed_and_removed() -> None:
    """By path, each with what is different."""
    before = look("E 81a4 0:0 5 100 100 0 /opt/a", "E 81a4 0:0 5 100 100 0 /opt/b", "E 41ed 0:0 4096 1 1 0 /opt")
    after = look(
        "E 81ed 0:0 6 200 200 0 /opt/a",
        "E 81a4 0:0 1 200 200 0 /opt/new file",
        "E 41ed 0:0 9999 2 2 0 /opt",
        "U svc:99:/:/bin/false",
    )
    found = differences(before, after)
    assert found.added == (Change("/opt/new file", "file", "0644 0:0 1 bytes"), Change("user svc", "user", "99:/:/bin/false"))
    assert found.changed == (Change("/opt/a", "file", "mode 0644 -> 0755, size 5 -> 6"),)
    assert found.removed == (Change("/opt/b", "file"),)


def test_both_kinds_of_find_tell_the_same() -> None:
    """GNU's prints kind and octal mode, others leave it to stat, which prints it in hexadecimal."""
    stat, find = (
        look("E 89ed 1:2 5 100 100 0 /a", "E c1ff 0:0 0 1 1 0 /s"),
        look("E f:4755 1:2 5 100 100 0 /a", "E s:777 0:0 0 1 1 0 /s"),
    )
    assert differences(stat, find) == differences(find, stat) == differences(stat, stat)


def test_a_look_told_by_the_first_one_comes_to_the_same() -> None:
    """However two looks are kept, they differ in the same."""
    first, second = (
        look("E f:644 0:0 5 1 1 0 /a", "E f:644 0:0 5 1 1 0 /b"),
        look("E f:644 0:0 5 1 1 0 /a", "E f:644 0:0 6 2 2 0 /c", "H x  /c"),
    )
    third = look("E f:644 0:0 5 3 3 0 /a", "E f:644 0:0 6 3 3 0 /c", "H x  /c", "H y  /a")
    short = [one.against(first) for one in (second, third)]
    assert differences(*short) == differences(second, third)
    assert differences(first, short[1]) == differences(first, third)
    assert differences(short[1], first) == differences(third, first)
    assert [one.whole for one in short] == [second.whole, third.whole]


def test_content_decides_where_both_looks_know_it() -> None:
    """A file that was written anew with the same bytes is the same; other bytes of the same length are not."""
    old, new = "E 81a4 0:0 5 100 100 0 /etc/x", "E 81a4 0:0 5 200 200 0 /etc/x"
    assert differences(look(old, "H aa  /etc/x"), look(new, "H aa  /etc/x")).changed == ()
    assert differences(look(old, "H aa  /etc/x"), look(new, "H bb  /etc/x")).changed == (Change("/etc/x", "file", "content"),)


def test_the_systems_own_books_are_counted_not_listed() -> None:
    """Package databases, caches, backups of passwd; logs that grow are nothing at all."""
    before = look("E 81a4 0:0 5 1 1 0 /var/lib/dpkg/status", "E 81a4 0:0 5 1 1 0 /var/log/syslog")
    after = look(
        "E 81a4 0:0 9 2 2 0 /var/lib/dpkg/status", "E 81a4 0:0 9 2 2 0 /var/log/syslog", "E 81a4 0:0 9 2 2 0 /etc/passwd-",
        "E 81a4 0:0 9 2 2 0 /root/.rpmdb/rpmdb.sqlite",
    )  # fmt: skip
    found = differences(before, after)
    assert (found.added, found.changed, found.bookkeeping) == ((), (), 3)


def test_names_with_line_feeds_stay_one_name() -> None:
    """A package may put anything on a node."""
    assert differences(look(), look("E 81a4 0:0 5 1 1 0 /opt/a\nb")).added[0].name == "/opt/a\nb"


CUT = {
    "nothing": ("", "no snapshot"), "another program": ("hello", "begins with 'hello'"), "half": (packed("/a")[:50], "unpack|end"),
    "no end": (packed("/a", lines=())[:-10] + "\n", "unpack|end"),
}  # fmt: skip


@pytest.mark.parametrize("case", CUT)
def test_a_look_that_is_not_whole_is_refused(case: str) -> None:
    """What is missing would count as removed."""
    text, words = CUT[case]
    with pytest.raises(NotWhole, match=words):
        read_snapshot(text)


def test_the_script_is_plain_sh() -> None:
    """The agent runs it with the node's sh; nothing of the template is left in it."""
    script = "\n".join(snapshot_lines(windows=False, since=5)) + "\n"
    assert re.search("@[A-Z_]+@", script) is None
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    checked = subprocess.run(
        [str(Path(sys.executable).with_name("shellcheck")), "-s", "sh", "-"],
        input=script,
        text=True,
        check=False,
        capture_output=True,
    )
    assert checked.stdout == ""
    assert "since = 5" in "\n".join(snapshot_lines(windows=True, since=5))
