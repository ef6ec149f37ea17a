"""OUs and accounts as targets of the template: who gets the member roles, who does not, now and later."""

from pathlib import Path

import pytest

from localorg.server.simulation.organization import Simulation
from localorg.server.spec import parse_spec
from simulation.solution import LAB, SHOP, SPEC, UNIT, Operator, Packages

EXECUTION_ROLE = "CSD-SystemsManager-AutomationExecutionRole"
INNER = "ou-abcd-22222222"
OTHER, THIRD = "444444444444", "555555555555"
TWO_MORE = f"""
    - id: ou-abcd-33333333
      name: Others
      accounts: [{{id: "{OTHER}", name: other}}, {{id: "{THIRD}", name: third}}]
nodes:"""


def have_roles(simulation: Simulation) -> set[str]:
    """Return the accounts that have the execution role."""
    listed = {account: simulation.client("iam", account).list_roles()["Roles"] for account in (SHOP, LAB, OTHER, THIRD)}
    return {account for account, roles in listed.items() if EXECUTION_ROLE in [role["RoleName"] for role in roles]}


def test_units_and_accounts_come_and_go(packages: Packages, tmp_path: Path) -> None:
    """A named account gets the roles and its neighbours do not, not even later; an OU that goes takes the roles along."""
    with Simulation(parse_spec(SPEC.replace("\nnodes:", TWO_MORE), "spec"), tmp_path) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy(INNER, OTHER)
        assert have_roles(simulation) == {LAB, OTHER}
        simulation.client("organizations").move_account(
            AccountId=THIRD, SourceParentId="ou-abcd-33333333", DestinationParentId="r-abcd"
        )
        simulation.run_for(3600)
        assert have_roles(simulation) == {LAB, OTHER}
        operator.deploy(UNIT, THIRD)
        assert have_roles(simulation) == {SHOP, LAB, THIRD}
        operator.deploy(UNIT)
        assert have_roles(simulation) == {SHOP, LAB}


def test_accounts_need_what_contains_them(packages: Packages, tmp_path: Path) -> None:
    """The stack fails with what is missing, and leaves nothing behind."""
    with Simulation(parse_spec(SPEC, "spec"), tmp_path) as simulation:
        operator = Operator(simulation, packages, parameters={})
        with pytest.raises(AssertionError, match="AccountsParentId must name the root or an OU that contains them"):
            operator.deploy(SHOP)
        assert have_roles(simulation) == set()
