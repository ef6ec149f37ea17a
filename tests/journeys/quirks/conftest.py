"""A package shared between two accounts in virtual time, with agents in this process: the ground for the agent's oddities."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from journeys.quirks.sharing import Sharing
from localorg.server.simulation.organization import Simulation
from simulation.solution import Packages, spec


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """The sealed versions of our package."""
    return Packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture
def sharing(packages: Packages, tmp_path: Path) -> Iterator[Callable[..., Sharing]]:
    """Make the two accounts, under the readings that are given."""
    with ExitStack() as stack:

        def make(**readings: str) -> Sharing:
            simulation = stack.enter_context(
                Simulation(spec(), tmp_path, readings={name.replace("_", "-"): word for name, word in readings.items()})
            )
            simulation.run_for(1)
            return Sharing(simulation, packages)

        yield make
