"""Our solution under every reading of what nobody here can know about AWS: whichever is true, it does what its operator wants."""

from pathlib import Path

import pytest

from localorg.kernel.readings import QUESTIONS
from localorg.server.simulation.organization import Simulation
from simulation.solution import Operator, Packages, spec, why

pytestmark = pytest.mark.proof

READINGS = [(question.id, reading) for question in QUESTIONS for reading in question.readings if reading != question.default]


@pytest.mark.parametrize(("question", "reading"), [("", ""), *READINGS], ids=lambda word: word or "default")
def test_the_solution_holds(question: str, reading: str, packages: Packages, tmp_path: Path) -> None:
    """Deployed, a package is installed on every node, upgraded, and uninstalled; the nodes themselves say so."""
    with Simulation(spec(), tmp_path, readings={question: reading} if question else {}) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy()
        for version in ("1.0.0", "1.1.0"):
            operator.publish(version)
            run = operator.distribute(operator.wish(version))
            assert run["AutomationExecutionStatus"] == "Success", why(run)
            assert set(operator.markers().values()) == {version}
        run = operator.distribute(operator.wish("1.1.0", "Uninstall"))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        assert set(operator.markers().values()) == {""}
