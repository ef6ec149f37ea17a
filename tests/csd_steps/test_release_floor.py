"""The floor of a package: remembered, raised, never lowered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csd_fakes.steps import World
from csd_steps import release_floor

HOME = "us-east-1"
PARAMETER = "/csd/trust/csd-hello"


def settle(world: World, version: str, floor: str, write: str = "true") -> str:
    asked = {"name": "csd-hello", "version": version, "floor": floor, "home": HOME, "write": write}
    return str(release_floor.handler(asked, None, world.client)["floor"])


def test_the_first_floor_is_remembered_once() -> None:
    """Looking writes nothing; remembering the same again neither."""
    world = World()
    assert settle(world, "1.0", "0.9", write="false") == "0.9"
    assert world.parameters == {}
    for _ in range(2):
        assert settle(world, "1.0", "0.9") == "0.9"
    assert world.parameters == {PARAMETER: ["0.9"]}


def test_a_lower_floor_lowers_nothing() -> None:
    """A release that is still allowed may have been signed with a lower floor."""
    world = World(parameters={PARAMETER: ["2.0"]})
    assert settle(world, "2.1", "1.0") == "2.0"
    assert world.parameters[PARAMETER] == ["2.0"]


@pytest.mark.parametrize("write", ["true", "false"])
def test_below_the_floor_is_refused(write: str) -> None:
    """Before anything is made, and again before anything is shared: another run may have raised it meanwhile."""
    world = World(parameters={PARAMETER: ["1.0", "2.0"]})
    with pytest.raises(
        ValueError, match=r"csd-hello 1.9 is older than 2.0, the lowest version .* \(remembered in /csd/trust/csd-hello\)"
    ):
        settle(world, "1.9", "1.0", write)
    assert world.count("PutParameter") == 0


def test_a_release_below_its_own_floor_is_refused() -> None:
    """It would forbid itself."""
    with pytest.raises(ValueError, match=r"csd-hello 1.0 is older than 1.1, .* \(of its own signed release\)"):
        settle(World(), "1.0", "1.1")


def test_of_two_runs_at_once_the_lower_writes_last_and_lowers_nothing() -> None:
    """Parameter Store cannot compare and swap. The highest value ever held counts, and the next run writes it again."""
    world = World(parameters={PARAMETER: ["1.0", "3.0", "2.0"]})
    with pytest.raises(ValueError, match="csd-hello 2.5 is older than 3.0"):
        settle(world, "2.5", "2.0")
    assert settle(world, "3.0", "2.0") == "3.0"
    assert world.parameters[PARAMETER][-1] == "3.0"


def test_without_a_trust_root_nothing_is_asked() -> None:
    """No floor was signed."""
    world = World()
    assert settle(world, "1.0", "") == ""
    assert world.calls == []


@given(st.permutations(["1.0-rc1", "1.0-rc2", "1.0", "1.0.1", "1.0.2", "1.0.10", "1.2", "1.10", "2"]))
def test_versions_in_their_order(shuffled: list[str]) -> None:
    """Digits by number, letters before the end."""
    assert sorted(shuffled, key=release_floor._order) == [
        "1.0-rc1",
        "1.0-rc2",
        "1.0",
        "1.0.1",
        "1.0.2",
        "1.0.10",
        "1.2",
        "1.10",
        "2",
    ]
