"""The article's prerequisites, one missing at a time: what csd says before anything is touched, and what AWS says of a launch by hand.

The command that csd names is then run as it stands, and the lack is gone.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from localorg.server.simulation.organization import Simulation
from localorg.server.spec import Spec, parse_spec
from seed.people import ADMINISTRATION, aws, lacks, launch, nothing_is_left, with_the_role
from simulation.solution import HUB, LAB, SHOP, SPEC, UNIT, Operator, Packages, spec, why

pytestmark = pytest.mark.xdist_group("seed-prerequisites")

TOOLS, TOOLING = "444444444444", "ou-abcd-44444444"
SYSTEMS_MANAGER = "ssm.amazonaws.com"
STACKSETS = "member.org.stacksets.cloudformation.amazonaws.com"
DELEGATED = {"IsDelegatedAdministrator": "true", "DelegatedAdminAccountId": TOOLS}


def bare(hub: str) -> Spec:
    """An organization as it is made: it trusts no service and has no delegates. The bucket is the hub's; one node is no EC2 instance."""
    told: dict[str, Any] = yaml.safe_load(SPEC)
    told["organization"]["trusted_services"] = []
    told["organization"]["units"].append({"id": TOOLING, "name": "Tooling", "accounts": [{"id": TOOLS, "name": "tools"}]})
    told["nodes"].append({"account": LAB, "region": "us-east-1", "persona": "debian-12", "name": "press", "hybrid": True})
    told["buckets"][0]["account"] = hub
    return parse_spec(yaml.safe_dump(told), "spec")


def mend(simulation: Simulation, lack: str) -> None:
    """Run the command that the sentence names, in the account that it names."""
    (commands,) = re.findall(r"In the management account: (aws .*)$", lack)
    for command in commands.split(" && "):
        aws(simulation, shlex.split(command), HUB)


def test_from_nothing_to_a_rollout_in_the_management_account(packages: Packages, tmp_path: Path) -> None:
    """The article launches the stack in the management account; StackSets need trusted access first, which it takes for granted."""
    with Simulation(bare(HUB), tmp_path) as simulation:
        operator = Operator(simulation, packages, parameters={})
        (lack,) = lacks(operator, UNIT)
        assert lack == (
            "organization: does not trust CloudFormation StackSets. "
            "In the management account: aws cloudformation activate-organizations-access"
        )
        status, said = launch(operator, UNIT)
        assert status == "ROLLBACK_COMPLETE"
        assert any("MemberRoles: " in reason and "You must enable organizations access" in reason for reason in said)
        assert nothing_is_left(operator)
        aws(simulation, ["aws", "organizations", "enable-aws-service-access", "--service-principal", STACKSETS], HUB)
        (half,) = lacks(operator, UNIT)
        assert half.startswith("organization: trusts CloudFormation StackSets, but has not activated them.")
        mend(simulation, half)
        assert lacks(operator, UNIT) == []
        operator.deploy()
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0"))
        assert run["AutomationExecutionStatus"] == "Success", why(run)


def test_from_nothing_to_a_rollout_in_a_delegated_account(packages: Packages, tmp_path: Path) -> None:
    """The article: an account can be designated instead, registered as delegated administrator for StackSets.

    csd asks for Systems Manager as well, by which AWS's guide takes OUs as targets of an automation; the article does not speak of it.
    The hub then reads the organization itself.
    """
    with Simulation(bare(TOOLS), tmp_path) as simulation:
        operator = Operator(simulation, packages, parameters=DELEGATED, account=TOOLS)
        stacksets, systems_manager = lacks(operator, UNIT, delegated=True)
        register = f"aws organizations register-delegated-administrator --account-id {TOOLS} --service-principal"
        assert stacksets == (
            f"account {TOOLS}: is no delegated administrator for {STACKSETS}. In the management account: "
            f"aws cloudformation activate-organizations-access && {register} {STACKSETS}"
        )
        status, said = launch(operator, UNIT)
        assert status == "ROLLBACK_COMPLETE"
        assert any("MemberRoles: " in reason and "Account used is not a delegated administrator" in reason for reason in said)
        assert nothing_is_left(operator)
        mend(simulation, stacksets)
        assert lacks(operator, UNIT, delegated=True) == [systems_manager]
        assert systems_manager == (
            f"account {TOOLS}: is no delegated administrator for {SYSTEMS_MANAGER}. In the management account: "
            f"aws organizations enable-aws-service-access --service-principal {SYSTEMS_MANAGER} && {register} {SYSTEMS_MANAGER}"
        )
        mend(simulation, systems_manager)
        assert lacks(operator, UNIT, delegated=True) == []
        operator.deploy()
        assert with_the_role(simulation, SHOP, LAB, TOOLS, HUB) == {SHOP, LAB}
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0"))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        assert operator.markers() == dict.fromkeys(("shop-us", "shop-eu", "lab-us", "press"), "1.0.0")
        principals = {call.principal for call in simulation.engines.gateway.log if call.action.startswith("organizations:List")}
        assert f"arn:aws:sts::{TOOLS}:assumed-role/{ADMINISTRATION}" in {one.rpartition("/")[0] for one in principals}


REFUSED, UNDONE, SILENT = "REFUSED", "ROLLBACK_COMPLETE", "CREATE_COMPLETE"
AS_DELEGATE = {"IsDelegatedAdministrator": "true"}
WRONG = {
    "another management account": (
        {"ManagementAccountId": SHOP}, UNIT, REFUSED, "ManagementAccountId must be the account this stack is launched in", "",
    ),
    "another delegate": (
        {**AS_DELEGATE, "DelegatedAdminAccountId": SHOP}, UNIT,
        REFUSED, "DelegatedAdminAccountId must be the account this stack is launched in", "",
    ),
    "the management account as a delegate": (
        {**AS_DELEGATE, "DelegatedAdminAccountId": HUB}, UNIT,
        UNDONE, "Account used is not a delegated administrator", f"{HUB} is the management account itself",
    ),
    "an OU that is not there": (
        {}, "ou-abcd-99999999",
        UNDONE, "OrganizationalUnitId ou-abcd-99999999 does not exist", "ou-abcd-99999999 is not in this organization",
    ),
    "an account that is not there": ({}, "999999999999", SILENT, "", "999999999999 is not in this organization"),
    "the management account as a target": ({}, HUB, SILENT, "", f"{HUB} is the management account, which a StackSet never reaches"),
    "an account without what contains it": (
        {"AccountsParentId": ""}, SHOP, UNDONE, "AccountsParentId must name the root or an OU that contains them", "",
    ),
    "no id": ({}, "everybody", REFUSED, "must be OU ids and account ids separated by commas", ""),
    "a key that is none": ({"TargetKey": "Name"}, UNIT, REFUSED, "must be InstanceIds, instanceids, ParameterValues", ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def trusting(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A hub in an organization that has everything it takes."""
    with Simulation(spec(), tmp_path_factory.mktemp("trusting")) as simulation:
        yield Operator(simulation, packages)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_input_of_the_template(trusting: Operator, wrong: str) -> None:
    """The article's list of inputs, each given wrongly: refused before anything is made, or rolled back with the reason; nothing stays.

    What AWS takes and does nothing for, accounts that the StackSet does not find, csd tells.
    """
    changes, targets, ending, sentence, csds = WRONG[wrong]
    try:
        status, said = launch(trusting, targets, **changes)
    except ClientError as refused:
        status, said = REFUSED, [str(refused)]
    assert status == ending, said
    assert sentence in "\n".join(said)
    assert with_the_role(trusting.simulation, SHOP, LAB) == set()
    assert nothing_is_left(trusting)
    if csds:
        (lack,) = lacks(trusting, targets, delegated="IsDelegatedAdministrator" in changes)
        assert csds in lack


def test_a_region_that_does_not_exist(trusting: Operator) -> None:
    """The article: TARGET_REGIONS are those where the nodes run; csd looks at each before, a run says it at its end."""
    (lack,) = lacks(trusting, UNIT, regions=["us-east-1", "mars-north-1"])
    assert lack.startswith("--regions: mars-north-1 cannot be used from here")
