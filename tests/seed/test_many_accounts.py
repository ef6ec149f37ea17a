"""The article's "several AWS accounts spread across multiple regions", in the number that customers have, and one in the way."""

import json
from pathlib import Path

import pytest

from localorg.server.simulation.organization import Simulation
from localorg.server.simulation.virtual import VirtualNode
from localorg.server.spec import Spec, parse_spec
from seed.people import DISTRIBUTE, EXECUTION, launch, nothing_is_left, shared_with, with_the_role
from simulation.solution import BUCKET, HUB, NAME, REGIONS, UNIT, Operator, Packages, why


def large(count: int, regions: tuple[str, ...] = REGIONS) -> Spec:
    """So many accounts in one OU, each with a node in each Region."""
    ids = [f"{number:012d}" for number in range(200000000000, 200000000000 + count)]
    accounts = [{"id": account, "name": f"a{account[-3:]}"} for account in ids]
    told = {
        "regions": regions,
        "organization": {
            "id": "o-large00002",
            "root": "r-abcd",
            "management": {"id": HUB, "name": "hub"},
            "units": [{"id": UNIT, "name": "Workloads", "accounts": accounts}],
        },
        "nodes": [
            {"account": account, "region": region, "persona": "debian-12", "name": f"{account[-3:]}-{region}"}
            for account in ids
            for region in regions
        ],
        "buckets": [{"name": BUCKET, "account": HUB, "region": REGIONS[0]}],
    }
    return parse_spec(json.dumps(told), "spec")  # JSON is YAML


def installed(simulation: Simulation) -> set[str]:
    """Return the accounts of the nodes that have the package."""
    nodes = [node for node in simulation.nodes.values() if isinstance(node, VirtualNode)]
    return {node.record.account for node in nodes if [*node.packages.values()] == ["1.0.0"]}


def occupied(simulation: Simulation, account: str) -> None:
    """Let an account have a role of that name, of its own making."""
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    simulation.client("iam", account).create_role(RoleName=EXECUTION, AssumeRolePolicyDocument=document)


def test_an_account_with_a_role_of_that_name_fails_alone(packages: Packages, tmp_path: Path) -> None:
    """The article creates roles with fixed names: where one exists already, that account is left out and says why, and no other is.

    Its own role stays what it is, and the roll-out names the account, for the hub cannot act in it.
    """
    spec = large(12, REGIONS[:1])
    first, *others = (account.id for account in spec.accounts()[1:])
    with Simulation(spec, tmp_path, nodes="virtual") as simulation:
        occupied(simulation, first)
        operator = Operator(simulation, packages)
        operator.deploy()
        assert with_the_role(simulation, *others) == set(others)
        found = simulation.client("cloudformation").list_stack_instances(StackSetName="CSD-SystemsManagerAutomationExecutionRole")
        (failed,) = [one for one in found["Summaries"] if one["Status"] != "CURRENT"]
        assert failed["Account"] == first
        assert f"Role with name {EXECUTION} already exists" in failed["StatusReason"]
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0"))
        assert run["AutomationExecutionStatus"] == "Failed"
        assert f"1 of 12 account-Region pairs did not succeed: {first} us-east-1 (Failed)" in run["FailureMessage"], why(run)
        assert installed(simulation) == set(others)
        assert (
            len(simulation.client("iam", first).get_role(RoleName=EXECUTION)["Role"]["AssumeRolePolicyDocument"]["Statement"])
            == 1
        )


def test_with_few_accounts_a_role_in_the_way_undoes_the_launch(packages: Packages, tmp_path: Path) -> None:
    """A tenth of the accounts may fail: of three that is none, so the stack is rolled back, says why, and leaves nothing behind."""
    spec = large(3, REGIONS[:1])
    first, *others = (account.id for account in spec.accounts()[1:])
    with Simulation(spec, tmp_path, nodes="virtual") as simulation:
        occupied(simulation, first)
        operator = Operator(simulation, packages)
        status, said = launch(operator, UNIT)
        assert status == "ROLLBACK_COMPLETE"
        assert any(f"Role with name {EXECUTION} already exists" in reason for reason in said)
        assert nothing_is_left(operator)
        assert with_the_role(simulation, first, *others) == {first}


@pytest.mark.soak
def test_a_hundred_and_twenty_accounts_in_two_regions(packages: Packages, tmp_path: Path) -> None:
    """The sample's own limits, 50 accounts a run and 20 accounts a share, are met by no operator: all are reached by one roll-out."""
    spec = large(120)
    accounts = {account.id for account in spec.accounts()[1:]}
    with Simulation(spec, tmp_path, nodes="virtual") as simulation:
        operator = Operator(simulation, packages)
        operator.deploy()
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0", maxConcurrency=["25%"], maxErrors=["5%"]), within_s=20000)
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        assert run["Outputs"]["judgeDistribution.summary"] == ["all 240 account-Region pairs succeeded"]
        assert installed(simulation) == accounts
        assert len([node for node in simulation.nodes.values() if isinstance(node, VirtualNode) and node.packages]) == 240
        for region in REGIONS:
            assert shared_with(simulation, NAME, region=region) == shared_with(simulation, DISTRIBUTE, region=region) == accounts
        shares = [call for call in simulation.engines.gateway.log if call.action == "ssm:ModifyDocumentPermission"]
        assert len(shares) == 2 * 2 * 6
