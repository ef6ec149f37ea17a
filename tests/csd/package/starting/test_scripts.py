"""The scripts of csd package init by themselves: portable, waiting, closed-mouthed, and honest when something is missing."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import csd.package.starting

FOLDER = Path(csd.package.starting.__file__).parent
SHELL = ("deb", "rpm", "tar", "zip", "files")


def package(folder: Path, kind: str) -> Path:
    """What a node has of a package of that kind, without its installer."""
    for shared in ("sh", kind):
        shutil.copytree(FOLDER / shared, folder, dirs_exist_ok=True)
    (folder / "NAME").write_text("my-agent\n")
    (folder / "VERSION").write_text("7.1.0\n")
    return folder


def run(folder: Path, script: str, programs: dict[str, str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line of sh in a package's folder, with these programs in the place of the node's."""
    for name, text in ({"date": "echo 0", "sleep": 'echo "slept $1"'} | programs).items():
        (folder / "bin").mkdir(exist_ok=True)
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    environment = {"PATH": f"{folder}/bin:/usr/bin:/bin", "HERE": str(folder), **variables}
    return subprocess.run(["/bin/sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", SHELL)
def test_the_scripts_are_posix_sh(kind: str, tmp_path: Path) -> None:
    """ShellCheck, which reads what a script sources too, finds nothing."""
    scripts = sorted(package(tmp_path, kind).glob("*.sh"))
    checker = Path(sys.executable).parent / "shellcheck"
    found = subprocess.run(
        [str(checker), "-s", "sh", "-x", "-P", "SCRIPTDIR", *map(str, scripts)], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_every_file_is_part_of_the_wheel() -> None:
    """What is beside the modules is installed with them, the templates too."""
    data = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    beside = {path.suffix for path in FOLDER.glob("*/*") if path.parent.name != "__pycache__"}
    assert beside == {".sh", ".ps1", ".in"}
    assert {f"*{suffix}" for suffix in beside} <= set(data)


def test_no_script_shows_an_argument() -> None:
    """Nothing echoes an SSM_ variable, or traces."""
    for path in FOLDER.rglob("*.sh"):
        code = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
        assert not re.search(r"(echo|say|printf)\b.*\$\{?SSM_|set -\w*x", code), path


def test_a_lock_is_waited_for_aloud(tmp_path: Path) -> None:
    """dpkg does not wait itself. What it says when it is done is told."""
    dpkg = """echo x >>"$HERE/tries"
[ "$(wc -l <"$HERE/tries")" -gt 2 ] || { echo "dpkg: error: dpkg frontend lock was locked by another process with pid 1" >&2; exit 2; }
echo unpacked"""
    ended = run(package(tmp_path, "deb"), "set -eu; . ./lib.sh; unlocked dpkg -i x", {"dpkg": dpkg})
    assert ended.returncode == 0, ended.stderr
    assert (
        ended.stdout.count("my-agent: waiting for another program's lock of the package manager; trying again in 10 seconds") == 2
    )
    assert ended.stdout.endswith("slept 10\nunpacked\n")


@pytest.mark.parametrize("program", ["dpkg", "apt-get"])
def test_a_lock_is_not_waited_for_without_end(program: str, tmp_path: Path) -> None:
    """After ten minutes the lock's holder is told, and the node fails: nothing else is tried, and nothing else is blamed."""
    clock = 'echo x >>"$HERE/asked"; echo $(($(wc -l <"$HERE/asked") * 250))'
    busy = "echo 'Could not get lock /var/lib/dpkg/lock. It is held by process 7' >&2; exit 100"
    programs = {"date": clock, "dpkg": busy, "apt-get": busy, "dpkg-deb": "echo agent"}
    if program == "apt-get":
        programs["dpkg"] = "echo 'dependency problems' >&2; exit 1"
    ended = run(package(tmp_path, "deb"), "set -eu; . ./lib.sh; . ./product.sh; install_product", programs)
    assert ended.returncode == 1
    assert ended.stdout.count("slept 10") == 2
    assert ended.stderr.endswith(
        "Could not get lock /var/lib/dpkg/lock. It is held by process 7\n"
        "error: my-agent: another program has held the package manager's lock for ten minutes; who it is stands above."
        " Try again when it is done.\n"
    )


LOCKS = [
    "dpkg: error: dpkg frontend lock was locked by another process with pid 1",
    "dpkg: error: dpkg frontend is locked by another process",
    "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)",
    "E: Could not get lock /var/lib/dpkg/lock-frontend.\nE: Unable to acquire the dpkg frontend lock, is another process using it?",
    "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)",
    "metadata already locked by 4711",
    "Failed to obtain rpm transaction lock. Another transaction is in progress.",
    "Another app is currently holding the yum lock; exiting as configured by exit_on_lock",
    "System management is locked by the application with pid 4711 (zypper).",
]


@pytest.mark.parametrize("words", LOCKS)
def test_every_package_managers_words_for_a_lock_are_known(words: str, tmp_path: Path) -> None:
    """Observed: dpkg 1.21, apt 2.6, rpm 4.18, dnf 4.14, zypper 1.14; documented: sources of dnf 5 and yum.

    They are asked in English, whatever the node speaks.
    """
    speak = """[ "$LC_ALL" = C ] || { echo "gesperrt" >&2; exit 2; }
[ -e "$HERE/tried" ] || { : >"$HERE/tried"; cat "$HERE/words" >&2; exit 2; }"""
    folder = package(tmp_path, "deb")
    (folder / "words").write_text(words)
    ended = run(folder, "set -eu; . ./lib.sh; unlocked asked", {"asked": speak}, LC_ALL="de_DE.UTF-8")
    assert (ended.returncode, ended.stdout.count("slept 10")) == (0, 1), ended.stderr


@pytest.mark.parametrize(("status", "ends"), [(194, 1), (193, 193), (0, 0)])
def test_no_program_restarts_the_machine_by_accident(status: int, ends: int, tmp_path: Path) -> None:
    """Documented: the agent restarts the machine when a script ends with 194; a vendor's tool may end with any number."""
    folder = package(tmp_path, "tar")
    (folder / "configure.sh").write_text(f"configure() {{ (exit {status}); }}\n")
    (folder / "product.sh").write_text("install_product() { :; }\nforget() { :; }\nremember() { :; }\n")
    ended = run(folder, "sh install.sh", {})
    assert ended.returncode == ends
    assert ("would restart this machine" in ended.stderr) == (status == 194)


def test_a_restart_that_is_meant_is_possible(tmp_path: Path) -> None:
    """As lib.sh tells it."""
    assert run(package(tmp_path, "tar"), "set -eu; . ./lib.sh; trap - EXIT; exit 194", {}).returncode == 194


def test_the_example_for_a_secret_is_sh_that_works(tmp_path: Path) -> None:
    """What stands in the comment, taken out of it: the value is on no command line, and its file is gone afterwards."""
    folder = package(tmp_path, "tar")
    example = [
        line.removeprefix("#   ") for line in (folder / "configure.sh").read_text().splitlines() if line.startswith("#   ")
    ]
    code = "\n".join(example[2:]).replace("/opt/agent/bin/agentctl", "agentctl")
    programs = {
        "aws": 'echo "$*" >"$HERE/aws"; echo s3cret', "agentctl": 'echo "$1 $2"; stat -c %a "$3"; cat "$3"; echo "$3" >"$HERE/file"',
    }  # fmt: skip
    given = {"SSM_TOKEN_PARAMETER": "/agents/token", "AWS_SSM_REGION_NAME": "us-east-1"}
    ended = run(folder, f"set -eu; . ./lib.sh\n{code}", programs, **given)
    assert (ended.returncode, ended.stdout) == (0, "login --token-file\n600\ns3cret\n"), ended.stderr
    assert (folder / "aws").read_text().startswith("ssm get-parameter --region us-east-1 --name /agents/token --with-decryption")
    assert not Path((folder / "file").read_text().strip()).exists()
    failed = run(folder, f"set -eu; . ./lib.sh\n{code}", {**programs, "aws": "exit 255"}, **given)
    assert (failed.returncode, failed.stderr) == (1, "error: my-agent: /agents/token could not be read.\n")


def test_apt_is_asked_for_what_a_deb_depends_on(tmp_path: Path) -> None:
    """dpkg alone first, since it takes the same and an older version; then apt-get, in words that never ask."""
    programs = {"dpkg": "echo 'dependency problems' >&2; exit 1", "dpkg-deb": "echo agent", "apt-get": 'echo "apt-get $*"'}
    ended = run(package(tmp_path, "deb"), "set -eu; . ./lib.sh; . ./product.sh; install_product; echo done", programs)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[1:] == [
        "apt-get -y -f --allow-downgrades -o DPkg::Lock::Timeout=60 install ./installer.deb", "done",
    ]  # fmt: skip


@pytest.mark.parametrize(("status", "ends"), [(0, 0), (102, 0), (103, 0), (106, 0), (104, 1), (107, 1)])
def test_what_zypper_calls_done_is_done(status: int, ends: int, tmp_path: Path) -> None:
    """Documented: zypper(8), exit codes: some above 100 come after a success; a failed %post script (107) is none."""
    programs = {"rpm": '[ "$1" = -qp ] && echo agent', "zypper": f"echo installing; exit {status}"}
    script = 'set -eu; . ./lib.sh; . ./product.sh; command() { [ "$2" = zypper ]; }; install_product; echo done'
    ended = run(package(tmp_path, "rpm"), script, programs)
    assert (ended.returncode, ended.stdout.endswith("done\n")) == (ends, not ends), ended.stderr


@pytest.mark.parametrize(
    ("kind", "mark", "left"),
    [("deb", "touch home/.csd-package", False), ("rpm", "touch home/.csd-package", False), ("deb", ":", True)],
)
def test_a_native_package_takes_away_what_an_archive_before_it_left(kind: str, mark: str, left: bool, tmp_path: Path) -> None:
    """A vendor who gives a .deb after a tarball, and an update in place between them; a folder of others is left alone."""
    folder = package(tmp_path, kind)
    programs = {"dpkg": "exit 1", "dpkg-deb": "echo agent", "rpm": '[ "$1" = -qp ] && echo agent'}
    ended = run(folder, f"set -eu; . ./lib.sh; . ./product.sh; HOME_DIR=$HERE/home; mkdir home; {mark}; remove_product", programs)
    assert (ended.returncode, (folder / "home").exists()) == (0, left), ended.stderr


VALIDATE = "set -eu; . ./lib.sh; . ./product.sh; check_product"
DPKG = {"dpkg": "", "dpkg-deb": 'case "$3" in Package) echo agent ;; *) echo 7.1.0-1 ;; esac'}


@pytest.mark.parametrize(
    ("kind", "script", "programs", "told"),
    [
        ("deb", VALIDATE, DPKG | {"dpkg-query": "exit 1"}, "agent is not installed (wanted: 7.1.0-1). Install it again."),
        ("deb", VALIDATE, DPKG | {"dpkg-query": "echo installed 7.0"}, "agent 7.0 (wanted: 7.1.0-1). Install it again."),
        ("deb", VALIDATE, DPKG | {"dpkg-query": "echo unpacked 7.1.0-1"}, "agent is not installed (wanted: 7.1.0-1). Install it again."),
        ("rpm", VALIDATE, {"rpm": '[ "$1" = -qp ] && echo 7.1.0-1'}, "7.1.0-1 is not installed (wanted: 7.1.0-1). Install it again."),
        ("tar", VALIDATE, {}, "there is no /opt/my-agent. Install it again."),
        ("tar", "set -eu; . ./lib.sh; RECORD=$HERE/none; check_record", {}, "/none. Install it again."),
        (
            "tar", "set -eu; . ./lib.sh; RECORD=$HERE/old; echo 7.0 >old; check_record", {},
            "version 7.0 was installed; this package is 7.1.0. Install it again.",
        ),
        (
            "tar", "set -eu; . ./lib.sh; . ./product.sh; HOME_DIR=$HERE/home; mkdir home; install_product", {},
            "/home is there, and this package did not make it. Move it away first.",
        ),
        (
            "tar", "set -eu; . ./lib.sh; . ./product.sh; HOME_DIR=$HERE/home; ln -s /etc home; install_product", {},
            "/home is a link. Remove it; this package wants a folder of its own there.",
        ),
        (
            "tar", "set -eu; . ./lib.sh; . ./product.sh; : >x; mkdir in; (cd in && tar -cPf ../installer.tar ../x); install_product", {},
            "installer.tar has a file that would lie outside its folder. Ask whoever made it.",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_next_step(
    kind: str, script: str, programs: dict[str, str], told: str, tmp_path: Path
) -> None:
    """On standard error, where people look, and with an exit code."""
    ended = run(package(tmp_path, kind), script, programs)
    assert ended.returncode == 1, ended.stdout
    assert "error: my-agent: " in ended.stderr
    assert ended.stderr.endswith(f"{told}\n")


@pytest.mark.parametrize(
    ("missing", "told"), [("awk", "there is no awk here"), ("sha256sum", "there is neither sha256sum nor shasum here")]
)
def test_without_a_digest_nothing_is_believed(missing: str, told: str, tmp_path: Path) -> None:
    """An empty digest would be the same before and after a change."""
    folder = package(tmp_path, "tar")
    (folder / "few").mkdir()
    for tool in {"cat", "awk", "sha256sum"} - {missing}:
        (folder / "few" / tool).symlink_to(f"/usr/bin/{tool}")
    ended = run(folder, ". ./lib.sh; settings", {}, PATH=f"{folder}/few")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert told in ended.stderr


def test_the_digest_is_of_the_arguments_and_of_nothing_else(tmp_path: Path) -> None:
    """The id of the command and other variables change nothing; each value, its later lines too, does."""
    folder = package(tmp_path, "tar")

    def digest(**variables: str) -> str:
        return run(folder, ". ./lib.sh; settings", {}, **variables).stdout

    first = digest(SSM_A="1", SSM_B="two\nlines", SSM_COMMAND_ID="x", OTHER="y")
    assert re.fullmatch(r"[0-9a-f]{64}\n", first)
    assert digest(SSM_B="two\nlines", SSM_A="1", SSM_COMMAND_ID="z") == first
    assert len({first, digest(), digest(SSM_A="1"), digest(SSM_A="1", SSM_B="two"), digest(SSM_A="1", SSM_B="two\nrows")}) == 5
