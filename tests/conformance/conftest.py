"""The world of the claims; `target.py` says what it is and how to run the suite against AWS."""

import os
from collections.abc import Callable, Iterator

import pytest

from conformance import target as worlds
from conformance.target import Account, Target


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A local organization for this run, or the accounts that the environment names."""
    if os.environ.get("CONFORMANCE_HUB_PROFILE"):
        yield worlds.elsewhere()
        return
    with worlds.local(tmp_path_factory.mktemp("conformance")) as found:
        yield found


@pytest.fixture(scope="session")
def hub(target: Target) -> Account:
    """The organization's management account."""
    return target.hub


@pytest.fixture(scope="session")
def member(target: Target) -> Account:
    """An account below an OU."""
    return target.member()


@pytest.fixture
def bucket(target: Target) -> str:
    """A bucket of the hub."""
    return target.bucket()


@pytest.fixture
def node(target: Target) -> str:
    """An online Linux node of the member."""
    return target.node()


@pytest.fixture
def second_node(target: Target) -> str:
    """Another one, of another distribution."""
    return target.second_node()


@pytest.fixture
def offline_node(target: Target) -> str:
    """A node of the member whose agent is silent."""
    return target.offline_node()


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Make names that nothing else has."""
    return worlds.unique_name
