"""An organization in which nobody makes a role without a boundary and an owner's tag: the solution holds to both."""

import json
from pathlib import Path

import pytest

from localorg.server.simulation.organization import Simulation
from simulation.solution import HUB, LAB, SHOP, Operator, Packages, spec, why

ROLES = {
    HUB: ("CSD-SystemsManager-AutomationAdministrationRole", "CSD-FleetReaderHubRole"),
    SHOP: ("CSD-SystemsManager-AutomationExecutionRole", "CSD-FleetReaderRole"),
    LAB: ("CSD-SystemsManager-AutomationExecutionRole", "CSD-FleetReaderRole"),
}
# The roles through which StackSets itself works are made by a service-linked role, to which control policies do not apply.
CONTROL = [
    {
        "Effect": "Deny",
        "Action": "iam:CreateRole",
        "Resource": "*",
        "Condition": {"StringNotLike": {"iam:PermissionsBoundary": "arn:*:iam::*:policy/teams/limits"}},
    },
    {"Effect": "Deny", "Action": "iam:CreateRole", "Resource": "*", "Condition": {"Null": {"aws:RequestTag/owner": "true"}}},
]


def _restrict(operator: Operator) -> None:
    organizations = operator.client("organizations", HUB)
    document = json.dumps({"Version": "2012-10-17", "Statement": CONTROL})
    policy = organizations.create_policy(Name="strict", Description="", Type="SERVICE_CONTROL_POLICY", Content=document)
    organizations.attach_policy(PolicyId=policy["Policy"]["PolicySummary"]["Id"], TargetId="r-abcd")
    everything = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    for account in ROLES:
        operator.client("iam", account).create_policy(PolicyName="limits", Path="/teams/", PolicyDocument=everything)


def _deployed(simulation: Simulation, packages: Packages) -> Operator:
    operator = Operator(simulation, packages)
    _restrict(operator)
    operator.parameters = {**operator.parameters, "PermissionsBoundary": "teams/limits"}
    operator.tags = {"owner": "platform"}
    operator.deploy()
    return operator


def test_boundary_and_tags_reach_every_role(packages: Packages, tmp_path: Path) -> None:
    """Documented: stack-level tags go to a stack set and on to its stacks; a boundary is given by ARN, in each account its own."""
    with Simulation(spec(), tmp_path) as simulation:
        operator = _deployed(simulation, packages)
        for account, names in ROLES.items():
            for name in names:
                role = operator.client("iam", account).get_role(RoleName=name)["Role"]
                assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == f"arn:aws:iam::{account}:policy/teams/limits"
                assert {"Key": "owner", "Value": "platform"} in role["Tags"]
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0"))
        assert run["AutomationExecutionStatus"] == "Success", why(run)


def test_without_them_it_says_what_is_missing(packages: Packages, tmp_path: Path) -> None:
    """The member's refusal stands in the event of the hub's stack."""
    with Simulation(spec(), tmp_path) as simulation:
        operator = Operator(simulation, packages)
        _restrict(operator)
        with pytest.raises(AssertionError, match="explicit deny in a service control policy"):
            operator.deploy()
