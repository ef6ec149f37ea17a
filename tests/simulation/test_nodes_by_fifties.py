"""Where Run Command refuses InstanceIds=*: more nodes in one place than one command can name."""

from pathlib import Path
from typing import Any

import pytest

from localorg.server.simulation.organization import Simulation
from localorg.server.simulation.virtual import VirtualNode
from localorg.server.spec import parse_spec
from simulation.solution import MEMBER_RUNBOOK, SHOP, SPEC, Operator, Packages, why

pytestmark = pytest.mark.proof

SIXTY = f'nodes:\n  - {{account: "{SHOP}", region: us-east-1, count: 60, persona: debian-12, name: shop}}\nbuckets:'


def newest_run(ssm: Any) -> dict[str, Any]:
    wanted = [{"Key": "DocumentNamePrefix", "Values": [MEMBER_RUNBOOK]}]
    run = ssm.describe_automation_executions(Filters=wanted)["AutomationExecutionMetadataList"][0]
    found: dict[str, Any] = ssm.get_automation_execution(AutomationExecutionId=run["AutomationExecutionId"])[
        "AutomationExecution"
    ]
    return found


def test_sixty_nodes_get_two_commands_and_every_node_the_package(packages: Packages, tmp_path: Path) -> None:
    """Both commands are waited for, and the run is a success; both are cancelled when a run is."""
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
        ssm = simulation.client("ssm", SHOP, "us-east-1")
        commands = ssm.list_commands()["Commands"]
        assert sorted(command["TargetCount"] for command in commands) == [10, 50]
        assert len({command["Comment"] for command in commands}) == 1
        for node in nodes:
            node.duration_s = 100_000
        operator.associate(operator.wish("1.0.0", "Uninstall"))
        simulation.until(lambda: len(ssm.list_commands()["Commands"]) == 4, within_s=3600)
        simulation.run_for(60)
        ssm.stop_automation_execution(AutomationExecutionId=newest_run(ssm)["AutomationExecutionId"])
        simulation.until(lambda: newest_run(ssm)["AutomationExecutionStatus"] == "Cancelled", within_s=600)
        assert {step["StepName"]: step["StepStatus"] for step in newest_run(ssm)["StepExecutions"]}["cancelCommands"] == "Success"
        fresh = [command for command in ssm.list_commands()["Commands"] if command not in commands]
        assert len([command for command in fresh if command["Status"] in {"Cancelling", "Cancelled"}]) == 2
