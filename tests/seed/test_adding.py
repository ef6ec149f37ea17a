"""The article's "Adding new accounts, OUs, and Regions": what follows by itself, what the stack is told, what the association is told."""

from pathlib import Path

from localorg.server.simulation.organization import Simulation
from localorg.server.spec import Spec, parse_spec
from seed.people import DISTRIBUTE, changes, joined, moved, reasons, shared_with, update_stack, with_the_role
from simulation.solution import LAB, NAME, SHOP, SPEC, UNIT, Operator, Packages, why

INNER, OTHERS, ROOT = "ou-abcd-22222222", "ou-abcd-33333333", "r-abcd"
OTHER, THIRD = "444444444444", "555555555555"
MORE = f"""
    - id: {OTHERS}
      name: Others
      accounts: [{{id: "{OTHER}", name: other}}, {{id: "{THIRD}", name: third}}]
nodes:
  - {{account: "{OTHER}", region: us-east-1, persona: debian-12, name: other-us}}
  - {{account: "{THIRD}", region: us-east-1, persona: debian-12, name: third-us}}
"""
EVERYBODY = (SHOP, LAB, OTHER, THIRD)


def spec(**states: str) -> Spec:
    """Workloads with an inner unit, and others beside it, each account with a node."""
    text = SPEC.replace("\nnodes:\n", MORE)
    for name, state in states.items():
        text = text.replace(f"name: {name}}}", f"name: {name}, state: {state}}}", 1)
    return parse_spec(text, "spec")


def succeeded(operator: Operator, version: str = "1.0.0", **wish: list[str]) -> dict[str, str]:
    """Create or update the association, and return what stands on the nodes that have anything, when its run is a success."""
    run = operator.distribute(operator.wish(version, **wish))
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    return {name: marker for name, marker in operator.markers().items() if marker}


def test_accounts_of_targeted_units_follow_by_themselves(packages: Packages, tmp_path: Path) -> None:
    """The article: the solution deploys to any new account under the OUs that were specified, with nobody's help.

    A new account gets its role at once and the package at the next run of the association; one that moves between targeted OUs keeps
    both; one that leaves them loses role and share, and its nodes keep what they have.
    """
    with Simulation(spec(), tmp_path) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy(UNIT, OTHERS)
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0", targetAccounts=[UNIT, OTHERS]), schedule="rate(1 hour)")
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        newcomer = joined(simulation, "late", INNER)
        assert with_the_role(simulation, newcomer, *EVERYBODY) == {newcomer, *EVERYBODY}
        simulation.add_node(newcomer, "us-east-1", "amazon-2023", "late-us")
        moved(simulation, OTHER, INNER)
        moved(simulation, THIRD, ROOT)
        assert with_the_role(simulation, newcomer, *EVERYBODY) == {newcomer, SHOP, LAB, OTHER}
        simulation.run_for(3600)
        assert set(operator.markers().values()) == {"1.0.0"}
        assert shared_with(simulation, NAME) == {newcomer, SHOP, LAB, OTHER}
        newest = operator.ended_run(operator.runs()[0]["AutomationExecutionId"])
        assert newest["Outputs"]["resolveTargets.summary"] == ["4 accounts, 2 Regions; left out: none"]


def test_units_are_added_and_removed_with_the_current_template(packages: Packages, tmp_path: Path) -> None:
    """The article: Update, "Use the current template", other targets; then the association is updated with the same.

    An OU that is added brings the roles to its accounts, one that is removed takes them away; single accounts likewise, also in an OU's
    place.
    """
    with Simulation(spec(), tmp_path) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy(INNER)
        operator.publish("1.0.0")
        assert succeeded(operator, targetAccounts=[INNER]) == {"lab-us": "1.0.0"}
        assert update_stack(operator, DeploymentTargets=f"{INNER},{OTHERS}") == "UPDATE_COMPLETE"
        assert with_the_role(simulation, *EVERYBODY) == {LAB, OTHER, THIRD}
        assert set(succeeded(operator, targetAccounts=[INNER, OTHERS])) == {"lab-us", "other-us", "third-us"}
        assert update_stack(operator, DeploymentTargets=OTHERS) == "UPDATE_COMPLETE"
        assert with_the_role(simulation, *EVERYBODY) == {OTHER, THIRD}
        operator.publish("1.1.0")
        assert succeeded(operator, "1.1.0", targetAccounts=[OTHERS]) == {
            "lab-us": "1.0.0",
            "other-us": "1.1.0",
            "third-us": "1.1.0",
        }
        assert shared_with(simulation, NAME) == {OTHER, THIRD}
        assert update_stack(operator, DeploymentTargets=f"{OTHERS}, {SHOP}") == "UPDATE_COMPLETE"
        assert with_the_role(simulation, *EVERYBODY) == {OTHER, THIRD, SHOP}
        assert update_stack(operator, DeploymentTargets=f"{OTHERS}") == "UPDATE_COMPLETE"
        assert with_the_role(simulation, *EVERYBODY) == {OTHER, THIRD}


def test_accounts_take_the_place_of_units_and_back(packages: Packages, tmp_path: Path) -> None:
    """The article's list takes both kinds, so one kind may take the other's place in an update.

    Where it is the same account that is named instead of its OU, or the other way round, the update is refused by AWS, names the role that
    is there already, and leaves everything as it was: first out, then in (ADR 0022). csd deploy does not begin it.
    """
    with Simulation(spec(), tmp_path) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy(OTHERS)
        assert update_stack(operator, DeploymentTargets=f"{SHOP},{LAB}") == "UPDATE_COMPLETE"
        assert with_the_role(simulation, *EVERYBODY) == {SHOP, LAB}
        assert update_stack(operator, DeploymentTargets=f"{LAB},{THIRD}") == "UPDATE_COMPLETE"
        assert with_the_role(simulation, *EVERYBODY) == {LAB, THIRD}
        (refused,) = changes(operator, UNIT)
        assert refused.startswith(f"--targets: {LAB} is named and would be reached by {UNIT}")
        assert update_stack(operator, DeploymentTargets=UNIT) == "UPDATE_ROLLBACK_COMPLETE"
        assert "Role with name CSD-SystemsManager-AutomationExecutionRole already exists" in reasons(operator)[0]
        assert with_the_role(simulation, *EVERYBODY) == {LAB, THIRD}
        assert changes(operator, THIRD) == []
        assert update_stack(operator, DeploymentTargets=THIRD) == "UPDATE_COMPLETE"
        assert changes(operator, UNIT) == []
        assert update_stack(operator, DeploymentTargets=UNIT) == "UPDATE_COMPLETE"
        assert with_the_role(simulation, *EVERYBODY) == {SHOP, LAB}


def test_a_region_is_added_to_the_association_alone(packages: Packages, tmp_path: Path) -> None:
    """The article: new Regions only require updating the association; the stack and its roles stay as they are.

    So it is with one account more of an OU that has the roles.
    """
    with Simulation(spec(), tmp_path) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy(UNIT, OTHERS)
        operator.publish("1.0.0")
        assert succeeded(operator, targetAccounts=[SHOP], targetRegions=["us-east-1"]) == {"shop-us": "1.0.0"}
        since = len(simulation.engines.gateway.log)
        both = ["us-east-1", "eu-west-1"]
        assert set(succeeded(operator, targetAccounts=[SHOP], targetRegions=both)) == {"shop-us", "shop-eu"}
        assert (
            shared_with(simulation, DISTRIBUTE, region="eu-west-1") == shared_with(simulation, NAME, region="eu-west-1") == {SHOP}
        )
        assert set(succeeded(operator, targetAccounts=[SHOP, OTHER], targetRegions=both)) == {"shop-us", "shop-eu", "other-us"}
        assert {call.action for call in list(simulation.engines.gateway.log)[since:] if "cloudformation" in call.action} == set()


def test_accounts_that_are_named_enrol_nobody_else(packages: Packages, tmp_path: Path) -> None:
    """The article: DeploymentTargets takes account ids as well as OU ids; an account is that account, and no other, now or later.

    Accounts are named with the root as their frame: neither their neighbours nor accounts that come, wherever they go, get a role, a share
    or a command.
    """
    with Simulation(spec(), tmp_path) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy(LAB, OTHER)
        operator.publish("1.0.0")
        newcomers = [joined(simulation, name, parent) for name, parent in (("a", OTHERS), ("b", INNER), ("c", UNIT))]
        moved(simulation, THIRD, ROOT)
        simulation.add_node(newcomers[0], "us-east-1", "debian-12", "a-us")
        assert with_the_role(simulation, *EVERYBODY, *newcomers) == {LAB, OTHER}
        assert succeeded(operator, targetAccounts=[LAB, OTHER]) == {"lab-us": "1.0.0", "other-us": "1.0.0"}
        assert shared_with(simulation, NAME) == {LAB, OTHER}
        operator.deploy(UNIT, OTHER)
        assert with_the_role(simulation, *EVERYBODY, *newcomers) == {SHOP, LAB, OTHER, newcomers[1], newcomers[2]}


def test_accounts_that_cannot_be_reached_are_left_out_and_told(packages: Packages, tmp_path: Path) -> None:
    """Beside what the article tells: an OU holds accounts that are not ACTIVE; the roll-out goes on without them and says which and why.

    They are no targets of the StackSet either: none of its operations fails for them. An account that is closed later is left out by the
    next run.
    """
    states = {"shop": "SUSPENDED", "lab": "PENDING_CLOSURE", "other": "PENDING_ACTIVATION"}
    with Simulation(spec(**states), tmp_path, nodes="virtual") as simulation:
        operator = Operator(simulation, packages)
        operator.deploy(UNIT, OTHERS)
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0", targetAccounts=[UNIT, OTHERS]))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        left_out = f"left out: {SHOP} (SUSPENDED), {LAB} (PENDING_CLOSURE), {OTHER} (PENDING_ACTIVATION)"
        assert run["Outputs"]["resolveTargets.summary"] == [f"1 accounts, 2 Regions; {left_out}"]
        assert shared_with(simulation, NAME) == {THIRD}
        newcomer = joined(simulation, "brief", OTHERS)
        simulation.client("organizations").close_account(AccountId=THIRD)
        simulation.run_for(60)
        run = operator.distribute(operator.wish("1.0.0", targetAccounts=[UNIT, OTHERS]))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        assert f"{THIRD} (CLOSED)" in str(run["Outputs"])
        assert shared_with(simulation, NAME) == {newcomer}
