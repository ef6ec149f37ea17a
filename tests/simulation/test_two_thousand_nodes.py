"""A large organization of virtual nodes: twenty accounts, two Regions, two thousand nodes, in a bounded number of turns."""

from pathlib import Path

import pytest

from localorg.node.document import DocumentStep
from localorg.node.results import Status
from localorg.server.simulation.organization import Simulation
from localorg.server.simulation.virtual import Outcome, VirtualNode
from localorg.server.spec import Spec, parse_spec
from simulation.solution import BUCKET, NAME, REGIONS, UNIT, Operator, Packages, why

pytestmark = pytest.mark.soak

ACCOUNTS = [f"{number:012d}" for number in range(200000000000, 200000000020)]
EACH = 50
EVENTS_MAX = 100_000
"""Some thirty turns for each node, its health reports among them, and the runbooks'. More means that something ticks that should not."""


def large() -> Spec:
    """Twenty accounts with fifty nodes in each of two Regions."""
    accounts = "\n".join(f'        - {{id: "{account}", name: a{account[-2:]}}}' for account in ACCOUNTS)
    nodes = "\n".join(
        f'  - {{account: "{account}", region: {region}, count: {EACH}, persona: debian-12, name: n{account[-2:]}-{region}}}'
        for account in ACCOUNTS
        for region in REGIONS
    )
    return parse_spec(
        f"""
regions: [{", ".join(REGIONS)}]
organization:
  id: o-large00001
  root: r-abcd
  management: {{id: "111111111111", name: hub}}
  trusted_services: [member.org.stacksets.cloudformation.amazonaws.com, ssm.amazonaws.com]
  units:
    - id: {UNIT}
      name: Workloads
      accounts:
{accounts}
nodes:
{nodes}
buckets:
  - {{name: {BUCKET}, account: "111111111111", region: us-east-1}}
""",
        "large",
    )


def broken(step: DocumentStep) -> Outcome:
    return Outcome(Status.FAILED, stderr="the virtual disk is full\n")


def test_two_thousand_nodes_are_asked_and_the_three_that_fail_are_named(packages: Packages, tmp_path: Path) -> None:
    """Every node but three has the version, those three are named in the run's failure, all within the bound of turns."""
    with Simulation(large(), tmp_path, seed=2000, nodes="virtual") as simulation:
        operator = Operator(simulation, packages)
        nodes = [node for node in simulation.nodes.values() if isinstance(node, VirtualNode)]
        assert len(nodes) == len(ACCOUNTS) * len(REGIONS) * EACH
        bad = nodes[7], nodes[1000], nodes[1999]
        for node in bad:
            node.fate = broken
        operator.deploy()
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0"))
        assert run["AutomationExecutionStatus"] == "Failed", why(run)
        assert all(node.instance_id in run["FailureMessage"] for node in bad)
        good = [node for node in nodes if [*node.packages.values()] == ["1.0.0"]]
        assert len(good) == len(nodes) - len(bad)
        assert all(name.endswith(f":document/{NAME}") for node in good for name in node.packages)
        assert simulation.kernel.delivered < EVENTS_MAX
