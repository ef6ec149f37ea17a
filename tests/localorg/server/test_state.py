"""The state directory: one server at a time, and every refusal says what to do next."""

import subprocess
import sys
from pathlib import Path

import pytest

from localorg.server.state import LocalorgError, ServerFacts, StateDirectory

HOLDER = """
import sys
from pathlib import Path
from localorg.server.state import ServerFacts, StateDirectory
state = StateDirectory(Path(sys.argv[1]))
state.create()
state.acquire()
state.announce(ServerFacts(4242, 4600, "http://127.0.0.1:4600"))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_server_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    """The refusal names the server that is there and the ways out; when it has gone, the directory is free."""
    state = StateDirectory(tmp_path / "state")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(state.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdin
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(LocalorgError, match=r"already served \(process 4242 on http://127.0.0.1:4600\).*localorg down"):
        StateDirectory(tmp_path / "state").acquire()
    assert state.running() == ServerFacts(4242, 4600, "http://127.0.0.1:4600")
    holder.kill()
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()
    assert not state.is_served()
    state.acquire()


def test_nothing_up_says_how_to_start(tmp_path: Path) -> None:
    """Asking where a server is that is not there names the command that starts one."""
    with pytest.raises(LocalorgError, match="no local organization is up in .*localorg up --spec FILE --state"):
        StateDirectory(tmp_path).running()


def test_facts_of_a_dead_server_are_not_believed(tmp_path: Path) -> None:
    """server.json left behind by SIGKILL does not count: the lock does."""
    state = StateDirectory(tmp_path)
    state.announce(ServerFacts(1, 4600, "http://127.0.0.1:4600"))
    with pytest.raises(LocalorgError, match="no local organization is up"):
        state.running()


def test_the_token_is_for_its_owner_only(tmp_path: Path) -> None:
    """The control secret is made once and not readable by others."""
    state = StateDirectory(tmp_path)
    assert state.token() == state.token()
    assert (tmp_path / "token").stat().st_mode & 0o077 == 0


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A file in the way is named, with the option that changes the place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalorgError, match=r"cannot make the state directory .*Give --state another"):
        StateDirectory(tmp_path / "file" / "state").create()
