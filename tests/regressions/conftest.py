"""One organization for the stories of a file; each file that is lived through has one of its own."""

from collections.abc import Iterator

import pytest

from localorg.server.simulation.organization import Simulation
from localorg.server.spec import Spec
from simulation.solution import Operator, Packages, spec, why


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """The sealed versions of our package."""
    return Packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="module")
def world() -> Spec:
    """Which organization; a file may have another."""
    return spec()


@pytest.fixture(scope="module")
def operator(world: Spec, packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator whose solution is deployed, and has installed version 1.0.0 on every node.

    A member finds the hub's runbook only when it is shared with it, the stricter reading of what nobody knows; and a node that is away is
    given up after the delivery timeout alone, which is the quicker one.
    """
    readings = {"runbook-lookup": "strict", "delivery-timeout": "delivery"}
    with Simulation(world, tmp_path_factory.mktemp("world"), readings=readings) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy()
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0"))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        assert set(operator.markers().values()) == {"1.0.0"}
        yield operator
