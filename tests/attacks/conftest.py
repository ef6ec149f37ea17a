"""Packages for the attacks, built once."""

import pytest

from simulation.solution import Packages


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """The sealed versions of our package."""
    return Packages(tmp_path_factory.mktemp("packages"))
