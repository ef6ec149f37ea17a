"""One organization with one node for all packages: each takes away what it made."""

from collections.abc import Iterator

import pytest

from broken.forcing import SPEC, Force
from localorg.server.simulation.organization import Simulation
from localorg.server.spec import parse_spec


@pytest.fixture(scope="module")
def force(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Force]:
    """Who pushes packages through."""
    with Simulation(parse_spec(SPEC, "spec"), tmp_path_factory.mktemp("broken")) as simulation:
        simulation.run_for(60)
        yield Force(simulation)
