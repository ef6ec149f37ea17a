"""One seed, one history."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from localorg.protocol.gateway import CallRecord
from localorg.server.simulation.organization import DefectError, Simulation
from simulation.solution import REPOSITORY, Operator, Packages, spec, why

pytestmark = pytest.mark.xdist_group("history")

STORY = """
import sys
from pathlib import Path
from simulation.solution import Packages
from simulation.test_history import lived
print(lived(Packages(Path(sys.argv[1]) / "packages"), Path(sys.argv[1]), 7)[1])
"""


def lived(packages: Packages, folder: Path, seed: int) -> tuple[list[CallRecord], str]:
    """Deploy and distribute, and return every call and their digest."""
    with Simulation(spec(), folder / "world", seed=seed) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy()
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0"), schedule="rate(1 day)")
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        simulation.run_for(3600)
        return list(simulation.engines.gateway.log), simulation.fingerprint()


@pytest.fixture(scope="module")
def first(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[CallRecord], str]:
    return lived(packages, tmp_path_factory.mktemp("first"), seed=7)


def test_the_same_seed_gives_the_same_history(first: tuple[list[CallRecord], str], packages: Packages, tmp_path: Path) -> None:
    """Two runs with one seed have the same calls: times, callers, resources with all ids in them, verdicts, order."""
    calls, digest = lived(packages, tmp_path, seed=7)
    assert calls == first[0]
    assert digest == first[1]


def test_another_process_lives_the_same_history(first: tuple[list[CallRecord], str], tmp_path: Path) -> None:
    """Nothing of the process plays a part: neither its hash seed nor its environment nor the time of day."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{REPOSITORY / 'tests'}:{REPOSITORY}", "PYTHONHASHSEED": "1234"}
    ended = subprocess.run(
        [sys.executable, "-c", STORY, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == first[1]


def test_another_seed_has_other_ids_and_the_same_story(
    first: tuple[list[CallRecord], str], packages: Packages, tmp_path: Path
) -> None:
    """Dice make ids; they do not decide who asks for what, nor what comes of it."""
    calls, digest = lived(packages, tmp_path, seed=8)
    assert digest != first[1]
    assert [(call.action, call.verdict, call.source) for call in calls] == [
        (call.action, call.verdict, call.source) for call in first[0]
    ]


def test_a_defect_of_an_engine_ends_the_simulation(tmp_path: Path) -> None:
    """A handler that fails is told at once, with its traceback; a simulation never goes on over it."""
    with Simulation(spec(), tmp_path) as simulation:
        simulation.kernel.publish("node.reply", {"nonsense": True})
        with pytest.raises(DefectError, match="Traceback"):
            simulation.run_for(1)
