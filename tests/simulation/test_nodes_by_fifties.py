"""Where Run Command refuses InstanceIds=*: more nodes in one place than one command can name."""

from pathlib import Path

import pytest

from localorg.server.simulation.organization import Simulation
from localorg.server.simulation.virtual import VirtualNode
from localorg.server.spec import parse_spec
from simulation.solution import SHOP, SPEC, Operator, Packages, why

pytestmark = pytest.mark.proof

SIXTY = f'nodes:\n  - {{account: "{SHOP}", region: us-east-1, count: 60, persona: debian-12, name: shop}}\nbuckets:'


def test_sixty_nodes_get_two_commands_and_every_node_the_package(packages: Packages, tmp_path: Path) -> None:
    """Both commands are waited for, and the run is a success."""
    before, after = SPEC.split("nodes:")[0], SPEC.split("buckets:")[1]
    spec = parse_spec(before + SIXTY + after, "sixty")
    with Simulation(spec, tmp_path, nodes="virtual", readings={"run-command-star": "refused"}) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy()
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0"))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        nodes = [node for node in simulation.nodes.values() if isinstance(node, VirtualNode)]
        assert [[*node.packages.values()] for node in nodes] == [["1.0.0"]] * 60
        commands = simulation.client("ssm", SHOP, "us-east-1").list_commands()["Commands"]
        assert sorted(command["TargetCount"] for command in commands) == [10, 50]
        assert len({command["Comment"] for command in commands}) == 1
