"""The state of a package on a node: which moves exist, and what the file says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.node.installstate import MOVES, InstallState, State, WrongMoveError, parse


def test_every_state_has_its_row_and_the_agents_number() -> None:
    """Observed: localpackages.go: the numbers are serialised, so they must never change."""
    assert set(MOVES) == set(State)
    assert [state.name for state in State][:9] == [
        *("NONE", "UNKNOWN", "FAILED", "UNINSTALLING", "UNINSTALLED", "NEW", "UPGRADING", "INSTALLING", "INSTALLED"),
    ]
    assert (State.ROLLBACK_UNINSTALL, State.ROLLBACK_INSTALL, State.UPDATING) == (9, 10, 11)


@pytest.mark.parametrize(("begin", "end"), [(begin, end) for begin in State for end in State])
def test_each_pair_of_states_is_allowed_or_refused_by_the_table(begin: State, end: State) -> None:
    """A move outside the table is refused with the story of both ends."""
    state = InstallState("agent", "1.0", begin)
    if end in MOVES[begin]:
        assert state.moved(end, "2.0", 0.0).state == end
    elif end == State.NEW:
        assert state.moved(end, "2.0", 0.0) == state
    else:
        with pytest.raises(
            WrongMoveError, match=rf"package agent: version 1.0 is {begin.name}, and 2.0 cannot become {end.name}"
        ):
            state.moved(end, "2.0", 0.0)


def test_only_work_that_ran_can_end_installed() -> None:
    """The word "installed" comes from an install, an update or a roll-back, or from a state that was lost."""
    assert {begin for begin in State if State.INSTALLED in MOVES[begin]} == {
        State.INSTALLING,
        State.UPDATING,
        State.ROLLBACK_INSTALL,
        State.UNKNOWN,
    }


def test_the_last_success_survives_an_uninstall() -> None:
    """Observed: after an uninstall lastinstalledversion stays, so the next install reports a previous version."""
    state = InstallState("agent")
    for step in (State.NEW, State.INSTALLING, State.INSTALLED, State.UNINSTALLING, State.NONE):
        state = state.moved(step, "1.0", 1_800_000_000.0)
    assert (state.state, state.lastinstalledversion, state.installed_version()) == (State.NONE, "1.0", "1.0")


def test_a_repeated_state_counts_retries() -> None:
    """Observed: SetInstallState counts how often a state was entered in a row."""
    state = InstallState("agent", "1.0", State.INSTALLING).moved(State.INSTALLING, "1.0", 0.0)
    assert state.retrycount == 1
    assert state.moved(State.FAILED, "1.0", 0.0).retrycount == 0


def test_the_file_has_the_agents_fields() -> None:
    """Observed: PackageInstallState in the agent's source."""
    text = InstallState("agent").moved(State.INSTALLING, "1.0", 1_800_000_000.5).to_text()
    assert json.loads(text) == {
        "name": "agent",
        "version": "1.0",
        "state": 7,
        "time": "2027-01-15T08:00:00.500000Z",
        "lastinstalledversion": "",
        "retrycount": 0,
    }


@given(st.text())
def test_any_text_parses_to_some_state(text: str) -> None:
    """A file that cannot be read means UNKNOWN, never a crash."""
    assert parse("agent", text).state in State


@given(st.sampled_from(State), st.text(max_size=9), st.text(max_size=9), st.integers(0, 9))
def test_what_is_written_is_read_back(state: State, version: str, last: str, retries: int) -> None:
    """The file is lossless."""
    known = InstallState("agent", version, state, "2026-11-23T00:00:00Z", last, retries)
    assert parse("agent", known.to_text()) == known
