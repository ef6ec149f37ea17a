"""`localorg` used wrongly, or where it cannot work: an exit code and a sentence, never a traceback."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from localorg.node import namespaces
from localorg.server.state import StateDirectory
from tests_support.processes import until_none

REPOSITORY = Path(__file__).parents[3]
SPEC = """
regions: [us-east-1]
organization: {management: {id: "111111111111", name: hub}}
nodes: [{account: "111111111111", region: us-east-1, persona: debian-12}]
"""
NO_NAMESPACES = ("unshare", "-Ur", "setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""Root of a user namespace without its capabilities: root without SYS_ADMIN, as in many containers."""
NOBODY = ("unshare", "-U")
"""A user whom the kernel lets make no user namespaces: one without an identity of its own."""


def localorg(*words: str, prefix: Sequence[str] = (), **environment: str) -> tuple[int, str]:
    """Run the command line; return its exit code and what it said on standard error."""
    command = [*prefix, sys.executable, "-m", "localorg.server.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert "Traceback" not in done.stderr + done.stdout
    return done.returncode, done.stderr


@pytest.fixture
def sandbox() -> None:
    """Skip where this machine refuses sandboxes itself (a failure where they are required, see tests/conftest.py)."""
    if refusal := namespaces.available():
        pytest.skip(refusal.reason)


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "org.yaml"
    path.write_text(SPEC)
    return str(path)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("up",), "Missing option '--spec'"),
        (("up", "--spec", "x", "--port", "0"), "greater than or equal to 1"),
        (("up", "--spec", "x", "--isolation", "some"), "'some'"),
        (("up", "--spec", "x", "--reading", "runbook-lookup=some"), "runbook-lookup has the readings hub, strict, strict-role"),
        (("exec",), "Missing argument"),
        (("exec", "i-1"), "Missing argument"),
        (("exec", "i-1", "--"), "give the command to run after --"),
        (("frob",), "No such command 'frob'"),
        (("nodes", "--all"), "No such option"),
    ],
)
def test_wrong_usage_is_exit_code_2(words: tuple[str, ...], sentence: str) -> None:
    """The option or argument at fault is named."""
    code, said = localorg(*words, COLUMNS="300")
    assert (code, sentence in said) == (2, True), said


@pytest.mark.parametrize("command", [("env",), ("nodes",), ("status",), ("down",), ("exec", "i-1", "--", "true")])
def test_without_an_organization_each_command_says_how_to_start_one(command: tuple[str, ...], tmp_path: Path) -> None:
    """Exit code 1, and the command that starts one."""
    code, said = localorg(*command, LOCALORG_STATE=str(tmp_path))
    assert code == 1
    assert said == (
        f"localorg: no local organization is up in {tmp_path}. Start one with `localorg up --spec FILE --state {tmp_path}`.\n"
    )


def test_damaged_rows_are_one_sentence(spec: str, tmp_path: Path) -> None:
    """Also detached, where only the new process can know."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "organization.db").write_bytes(b"no rows at all" * 1000)
    for detached in ((), ("--detach",)):
        code, said = localorg("up", "--spec", spec, "--state", str(state), "--port", free_port(), *detached)
        assert code == 1
        assert said == (
            f"localorg: {state}/organization.db cannot be read (file is not a database): it is damaged, or another version of localorg "
            "wrote it. Give --state another directory, or remove this one; what is in it is lost then.\n"
        )


def test_somebody_elses_state_is_refused(spec: str, tmp_path: Path) -> None:
    """A directory in which one may not write is named, with the option that changes the place."""
    state = tmp_path / "state"
    state.mkdir(mode=0o500)
    powerless = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
    code, said = localorg("up", "--spec", spec, "--state", str(state), "--port", free_port(), prefix=powerless)
    assert code == 1
    assert "Give --state another" in said


def test_without_isolation_it_warns_loudly(spec: str, tmp_path: Path) -> None:
    """Before anything starts: what runs where, and when not to use it."""
    state = str(tmp_path / "state")
    code, said = localorg("up", "--spec", spec, "--state", state, "--port", free_port(), "--isolation", "none", "--detach")
    try:
        assert code == 0, said
        assert said.startswith("WARNING: --isolation none: there are no sandboxes.")
        assert "run on this very machine" in said
    finally:
        localorg("down", "--state", state)


@pytest.mark.sandbox
@pytest.mark.parametrize(("prefix", "who"), [(NO_NAMESPACES, "root without SYS_ADMIN"), (NOBODY, "an ordinary user")])
@pytest.mark.parametrize("detached", [(), ("--detach",)])
def test_where_namespaces_are_refused_up_says_so(
    prefix: tuple[str, ...], who: str, detached: tuple[str, ...], spec: str, tmp_path: Path, sandbox: None
) -> None:
    """Exit code 1, once and in one sentence: who is refused, why, and what to do; nothing is left running."""
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    tmp_path.chmod(0o755)
    words = ("up", "--spec", spec, "--state", str(state), "--port", free_port(), *detached)
    code, said = localorg(*words, prefix=prefix)
    assert code == 1
    assert said.startswith(
        f"localorg: sandboxes need namespaces, and this machine refuses them to {who} (unshare: Operation not permitted). "
    )
    assert said.count("\n") == 1
    assert said.endswith("or give --isolation none.\n")
    assert localorg("status", "--state", str(state))[0] == 1


@pytest.mark.sandbox
@pytest.mark.parametrize("target", ["demo", "test"])
def test_where_namespaces_are_refused_make_says_so(target: str, tmp_path: Path, sandbox: None) -> None:
    """`make demo` and `make test` end with an exit code that is not zero, and with that sentence; no test is run in vain."""
    recipe = {
        "demo": [sys.executable, "-m", "demo"],
        "test": [sys.executable, "-m", "pytest", "-n", "3", "--dist", "loadgroup", "-p", "no:cacheprovider"],
    }[target]
    environment = {**os.environ, "CSD_SANDBOX_REQUIRED": "1", "TMPDIR": str(tmp_path)}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    done = subprocess.run([*NO_NAMESPACES, *recipe], cwd=REPOSITORY, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "this machine refuses them to root without SYS_ADMIN" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "passed" not in done.stdout


@pytest.mark.sandbox
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_end_in_the_middle_of_the_start_is_a_quiet_one(how: signal.Signals, spec: str, tmp_path: Path, sandbox: None) -> None:
    """Ctrl-C and SIGTERM while the nodes come up: nothing is said, nothing is left running, and the directory is free."""
    state, port = tmp_path / "state", free_port()
    words = ("up", "--spec", spec, "--state", str(state), "--port", port)
    starting = subprocess.Popen(
        [sys.executable, "-m", "localorg.server.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    while not (state / "nodes" / "host.json").exists():  # from here on the node host is being started
        assert starting.poll() is None
    starting.send_signal(how)
    said, _ = starting.communicate(timeout=30)
    assert (starting.returncode, [line for line in said.splitlines() if not line.startswith("up: ")]) == (0, [])
    assert until_none(tmp_path) == ([], [])
    assert not StateDirectory(state).is_served()
