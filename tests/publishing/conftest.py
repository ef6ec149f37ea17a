"""One organization for the stories of a file."""

from collections.abc import Iterator

import pytest

from publishing.world import World, a_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A hub with a bucket, a member with a node, two Regions."""
    with a_world(tmp_path_factory.mktemp("publishing")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def fresh(world: World) -> None:
    """Nothing watched, nothing intercepted."""
    world.watched.asked.clear()
    world.watched.before = lambda _: None
