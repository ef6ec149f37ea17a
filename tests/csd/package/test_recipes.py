"""The ready recipes: built whole and for everybody they name; what their scripts share waits for locks and keeps secrets."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import csd.package.starting
from csd.package.matching.reach import holes, unreachable
from csd.package.matching.reading import packages_at
from csd.package.sealed import build_package

PACKAGES = Path(__file__).parents[3] / "examples/packages"
RECIPES = sorted(path.parent for path in PACKAGES.glob("*/README.md"))
LIB = RECIPES[0] / "scripts" / "lib.sh"
BUSY = "dpkg: error: dpkg frontend lock was locked by another process with pid 1"


def shell(folder: Path, script: str, **programs: str) -> subprocess.CompletedProcess[str]:
    """Run `script` with lib.sh, and `programs` in the place of the node's."""
    for name, text in programs.items():
        (folder / name.replace("_", "-")).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name.replace("_", "-")).chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "HERE": str(folder)}
    text = f"set -eu\n. {LIB}\n{script}"
    return subprocess.run(["sh", "-c", text], cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_a_recipe_builds_for_everybody_it_names(recipe: Path, tmp_path: Path) -> None:
    """The same bytes twice, no warning, no entry that nobody reaches, nobody who falls between."""
    first, second = (build_package(recipe, tmp_path / name) for name in ("one", "two"))
    assert first.warnings == ()
    assert [file.sha256 for file in first.files] == [file.sha256 for file in second.files]
    packages = packages_at(first.folder)
    assert (unreachable(packages), holes(packages)) == ([], [])
    assert packages_at(recipe) == packages, "what is not built yet is matched as what is built"


def test_all_four_are_there_and_share_their_library() -> None:
    """A recipe is a folder to copy, so each has all it needs; what is the same is the same to the byte."""
    assert len(RECIPES) == 4
    for name in ("scripts/lib.sh", "windows/lib.ps1"):
        assert len({(recipe / name).read_bytes() for recipe in RECIPES}) == 1


@pytest.mark.parametrize(
    ("started", "recipe", "begins", "ends"),
    [
        ("sh/lib.sh", "scripts/lib.sh", "# The agent restarts the machine", '"$printed"\n}\n'),
        ("powershell/lib.ps1", "windows/lib.ps1", "# Runs an installer to its end", "none is made here' }\n}\n"),
    ],
)
def test_locks_and_restarts_are_known_as_to_what_init_writes(started: str, recipe: str, begins: str, ends: str) -> None:
    """What was learnt of package managers and of exit codes stands once, in words: the same block in both."""
    text = (Path(csd.package.starting.__file__).parent / started).read_text()
    block = text[text.index(begins) : text.index(ends) + len(ends)]
    assert block in (RECIPES[0] / recipe).read_text()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_the_readme_has_every_parameter(recipe: Path) -> None:
    """What a script reads is explained, and what is explained is read, on Linux and on Windows."""

    def named(*patterns: str) -> set[str]:
        text = "".join(path.read_text() for pattern in patterns for path in recipe.glob(pattern) if "lib." not in path.name)
        return set(re.findall(r"SSM_[A-Z_]+[A-Z]", text))

    explained = named("README.md")
    assert named("scripts/*.sh") == explained
    assert named("windows/*.ps1") <= explained
    assert {name for name in explained - named("windows/*.ps1") if "PROXY" not in name} == set()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_a_stand_in_says_what_it_is(recipe: Path) -> None:
    """Nobody takes one for the vendor's."""
    tools = [path for path in (recipe / "standin/opt").rglob("*") if path.is_file() and path.suffix != ".in"]
    assert tools
    assert all("A STAND-IN for" in path.read_text().splitlines()[1] for path in tools)
    installers = [path for path in (recipe / "windows").iterdir() if path.suffix in (".msi", ".exe")]
    assert [path.read_text()[:9] for path in installers] == ["STAND-IN:"]


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    """dpkg, other than apt-get, does not wait itself: the scripts try again, and only while the lock is what is wrong."""
    dpkg = f'echo x >>"$HERE/tries"; [ "$(wc -l <"$HERE/tries")" -gt 2 ] && echo done || {{ echo "{BUSY}" >&2; exit 2; }}'
    (tmp_path / "a.deb").touch()
    ended = shell(tmp_path, "install_package a", dpkg=dpkg, sleep='echo "slept $1"')
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("slept 10") == 2
    assert ended.stdout.endswith("done\n")


def test_a_lock_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    """After ten minutes what the package manager said is told."""
    (tmp_path / "a.deb").touch()
    clock = 'echo x >>"$HERE/asked"; echo $(($(wc -l <"$HERE/asked") * 250))'
    ended = shell(tmp_path, "install_package a", dpkg=f'echo "{BUSY}"; exit 2', date=clock, sleep="echo slept")
    assert (ended.returncode, ended.stdout.count("slept")) == (1, 2)
    assert ended.stderr.startswith(BUSY + "\nerror: another program has held the package manager's lock for ten minutes;")


def test_a_restart_is_not_asked_for_by_accident(tmp_path: Path) -> None:
    """The agent restarts a machine whose script ends with 194; a vendor's program that does is a failure that is told."""
    (tmp_path / "a.deb").touch()
    ended = shell(tmp_path, "install_package a", dpkg="exit 194")
    assert (ended.returncode, "which would restart this machine" in ended.stderr) == (1, True)


def test_another_failure_is_told_at_once(tmp_path: Path) -> None:
    """A package that mentions a lock is not taken for a lock."""
    (tmp_path / "a.deb").touch()
    ended = shell(tmp_path, "install_package a", dpkg="echo cannot unpack blocklock; exit 1", sleep="echo slept")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "cannot unpack blocklock\n")


def test_what_a_tool_prints_is_shown_without_the_secret(tmp_path: Path) -> None:
    """Wherever it stands, as often as it stands, and however it would read as a pattern; the exit code stays."""
    tool = 'echo "key .*[a] and .*[a].*[a]"; echo "bad .*[a]" >&2; exit 3'
    ended = shell(tmp_path, 'hiding ".*[a]" tool || echo "ended with $?"', tool=tool)
    assert ended.stdout == "key **** and ********\nbad ****\nended with 3\n"


@pytest.mark.parametrize(
    ("value", "parameter", "out", "error"),
    [
        ("v", "/p", "v", ""),
        ("", "/p", "from /p in eu-west-1", ""),
        ("", "", "", ""),
        ("", "/q", "", "error: the parameter /q could not be read; the node's role needs ssm:GetParameter on it"),
    ],
)
def test_a_secret_is_a_value_or_a_parameter(value: str, parameter: str, out: str, error: str, tmp_path: Path) -> None:
    """The value goes before; what cannot be read ends the script with what the node's role lacks."""
    aws = '[ "$4" = /p ] && [ "$5" = --with-decryption ] && echo "from $4 in ${11}"'
    script = f"BWS_REGION=eu-west-1\nfound=$(secret '{value}' '{parameter}')\nprintf %s \"$found\""
    ended = shell(tmp_path, script, aws=aws)
    assert ended.stdout == out
    assert (ended.returncode == 0, ended.stderr[: len(error)]) == (not error, error)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_the_scripts_are_posix_sh(recipe: Path) -> None:
    """ShellCheck, which reads what a script sources too, finds nothing; the stand-ins are held to the same."""
    scripts = [*(recipe / "scripts").glob("*.sh"), recipe / "standin/DEBIAN/postrm"]
    scripts += [path for path in (recipe / "standin/opt").rglob("*") if path.is_file() and path.suffix != ".in"]
    checker = Path(sys.executable).parent / "shellcheck"
    found = subprocess.run(
        [str(checker), "-s", "sh", "-x", "-P", "SCRIPTDIR", *map(str, scripts)], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, "")
