"""The hub in a delegated administrator account, which is a member itself; the nodes of the management account, where no StackSet goes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from localorg.server.simulation.organization import Simulation
from localorg.server.spec import Spec, parse_spec
from simulation.solution import HUB, REPOSITORY, SHOP, SPEC, UNIT, Operator, Packages, why

DELEGATED = {"IsDelegatedAdministrator": "true", "DelegatedAdminAccountId": SHOP}
MEMBER_ROLES = (REPOSITORY / "artifacts" / "member-roles.yaml").read_text(encoding="utf-8")


def spec(hub: str) -> Spec:
    """A node in the management account as well, and the bucket in the hub's account."""
    told: dict[str, Any] = yaml.safe_load(SPEC)
    told["nodes"].append({"account": HUB, "region": "us-east-1", "persona": "debian-12", "name": "hub-us"})
    told["buckets"][0]["account"] = hub
    if hub != HUB:
        services = told["organization"]["trusted_services"]
        told["organization"]["delegated_administrators"] = [{"account": hub, "service": service} for service in services]
    return parse_spec(yaml.safe_dump(told), "spec")


@pytest.mark.parametrize("hub", [HUB, SHOP])
def test_the_management_accounts_nodes(hub: str, packages: Packages, tmp_path: Path) -> None:
    """Left out with a word; reached like any other once its roles are there: made by the hub's stack, or by hand for a delegate."""
    with Simulation(spec(hub), tmp_path) as simulation:
        delegated = DELEGATED if hub == SHOP else {}
        operator = Operator(simulation, packages, parameters=delegated, account=hub)
        operator.deploy()
        operator.publish("1.0.0")
        refused = operator.distribute(operator.wish("1.0.0", targetAccounts=[UNIT, HUB]))
        assert refused["AutomationExecutionStatus"] == "Failed"
        assert f"{HUB} is the management account: the stack needs IncludeManagementAccount" in why(refused)
        operator.parameters = {**delegated, "IncludeManagementAccount": "true"}
        operator.deploy()
        if hub != HUB:
            launch_member_roles(simulation, hub)
        run = operator.distribute(operator.wish("1.0.0", targetAccounts=[UNIT, HUB]))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        assert operator.markers() == dict.fromkeys(("shop-us", "shop-eu", "lab-us", "hub-us"), "1.0.0")


def launch_member_roles(simulation: Simulation, hub: str) -> None:
    """Do what a person does in the management account for a hub that is a delegate."""
    cloudformation = simulation.client("cloudformation", HUB)
    hubs = [{"ParameterKey": "HubAccountId", "ParameterValue": hub}]
    cloudformation.create_stack(
        StackName="csd-roles", TemplateBody=MEMBER_ROLES, Parameters=hubs, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    simulation.run_for(600)
    assert cloudformation.describe_stacks(StackName="csd-roles")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
