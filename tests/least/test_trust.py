"""Whom the roles trust, and whom they keep out: a trust statement less, a journey fails; a condition less, a stranger gets in."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from csd.solution.render import render_member_roles, render_template
from least import journeys as j
from least.grants import grants
from least.journeys import Journey
from least.world import HOME, HUB, SHOP, World, world
from localorg.protocol.calls import ApiCall, Principal
from simulation.solution import Packages

pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("least")]

ADMINISTRATION, EXECUTION = "CSD-SystemsManager-AutomationAdministrationRole", "CSD-SystemsManager-AutomationExecutionRole"
HUB_READER, READER = "CSD-FleetReaderHubRole", "CSD-FleetReaderRole"
SYSTEMS_MANAGER = "ssm.amazonaws.com"
TRUSTS = {
    (role["Properties"]["RoleName"], place)
    for text in (render_template(), render_member_roles())
    for role in yaml.load(text, yaml.CSafeLoader)["Resources"].values()
    if role["Type"] == "AWS::IAM::Role"
    for place in range(len(role["Properties"]["AssumeRolePolicyDocument"]["Statement"]))
}
NEEDED: dict[tuple[str, int], Journey] = {
    (ADMINISTRATION, 0): j.ROLLOUT,
    (HUB_READER, 0): j.STATUS,
    (EXECUTION, 0): j.ROLLOUT,
    (EXECUTION, 1): j.ROLLOUT,
    (READER, 0): j.STATUS,
}


@pytest.fixture(scope="module")
def built(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An organization whose members' own Systems Manager takes the execution role, as the guide's role has it."""
    with world(tmp_path_factory.mktemp("trust"), packages, {"execution-role-taker": "service"}) as one:
        yield one


def account_of(role: str) -> str:
    return SHOP if role in (EXECUTION, READER) else HUB


def trust_of(one: World, role: str) -> dict[str, Any]:
    found: dict[str, Any] = one.client("iam", account_of(role)).get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    return copy.deepcopy(found)


def test_every_trust_is_proven() -> None:
    """No role trusts anybody about whom nothing is proven here."""
    assert set(NEEDED) == TRUSTS


@pytest.mark.parametrize(("role", "place"), sorted(NEEDED))
def test_without_a_trust_the_journey_is_red(built: World, role: str, place: int) -> None:
    """Documented: IAM user guide, "Roles terms and concepts": whom a role's trust policy does not name may not take it."""
    NEEDED[role, place].prepare(built)
    trust = trust_of(built, role)
    del trust["Statement"][place]
    nobody = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:TagSession"}  # a policy has at least one statement
    with built.trusting(role, account_of(role), {**trust, "Statement": trust["Statement"] or [nobody]}):
        told = NEEDED[role, place].act(built) if role != ADMINISTRATION else refused_association(built)
    assert "is not authorized to perform: sts:AssumeRole on resource" in told, told or "all went well"
    assert f":role/{role}" in told


def refused_association(one: World) -> str:
    """A run that cannot take its role does not begin; the association tells why."""
    one.operator.associate(one.operator.wish("1.1.0", targetAccounts=[SHOP], targetRegions=[HOME]))
    one.simulation.run_for(120)
    described = one.client("ssm").describe_association(AssociationId=one.operator.association)["AssociationDescription"]
    return str(described["Overview"].get("DetailedStatus", ""))


def without_condition(one: World, role: str, place: int) -> dict[str, Any]:
    trust = trust_of(one, role)
    del trust["Statement"][place]["Condition"]
    return trust


@pytest.mark.parametrize("role", [EXECUTION, READER])
def test_a_stranger_of_the_hub_gets_in_without_the_condition_and_not_with_it(built: World, role: str) -> None:
    """Documented: IAM user guide, aws:PrincipalArn: an account as principal lets in whoever it allows, the condition one alone."""
    person = f"stranger-{role}"[:60]
    keys = built.new_user(person, "sts:AssumeRole", "*")
    arn = f"arn:aws:iam::{SHOP}:role/{role}"
    assert "is not authorized to perform: sts:AssumeRole" in assumed(built, keys, arn)
    with built.trusting(role, SHOP, without_condition(built, role, 0)):
        assert assumed(built, keys, arn) == ""


def assumed(one: World, keys: dict[str, str], arn: str) -> str:
    """Try to take a role; return why not."""
    session = one.simulation.session_of(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], HOME)
    try:
        session.client("sts").assume_role(RoleArn=arn, RoleSessionName="stranger")
    except ClientError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(("role", "place"), [(ADMINISTRATION, 0), (EXECUTION, 1)])
def test_systems_manager_acting_for_another_account_gets_in_only_without_the_condition(
    built: World, role: str, place: int
) -> None:
    """Documented: IAM user guide, "The confused deputy problem": a service that another account sends has another aws:SourceAccount."""
    other = "333333333333"
    deputy = Principal("service", other, SYSTEMS_MANAGER, service=SYSTEMS_MANAGER, source_account=other)
    arn = f"arn:aws:iam::{account_of(role)}:role/{role}"
    call = ApiCall(deputy, HOME, "sts", "AssumeRole", {"RoleArn": arn, "RoleSessionName": "deputy"})
    with pytest.raises(Exception, match="is not authorized to perform: sts:AssumeRole"):
        built.simulation.engines.gateway.invoke(call)
    with built.trusting(role, account_of(role), without_condition(built, role, place)):
        assert built.simulation.engines.gateway.invoke(call)["Credentials"]


@pytest.mark.parametrize("role", [ADMINISTRATION, EXECUTION])
def test_a_role_may_be_passed_to_systems_manager_alone(built: World, role: str) -> None:
    """Documented: IAM user guide, iam:PassedToService. Without the condition the role could be handed to any service that trusts it."""
    iam = built.client("iam", account_of(role))
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    whole = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    wider = copy.deepcopy(whole)
    (passing,) = (one for one in wider["Statement"] if one["Sid"] == "HandItselfToAutomation")
    del passing["Condition"]
    arn = f"arn:aws:iam::{account_of(role)}:role/{role}"
    assert decisions(iam, arn) == {SYSTEMS_MANAGER: "allowed", "ec2.amazonaws.com": "implicitDeny"}
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(wider))
    try:
        assert decisions(iam, arn) == {SYSTEMS_MANAGER: "allowed", "ec2.amazonaws.com": "allowed"}
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(whole))


def decisions(iam: Any, role: str) -> dict[str, str]:
    """{service: may the role pass itself to it}"""
    found = {}
    for service in (SYSTEMS_MANAGER, "ec2.amazonaws.com"):
        to = {"ContextKeyName": "iam:PassedToService", "ContextKeyValues": [service], "ContextKeyType": "string"}
        (result,) = iam.simulate_principal_policy(
            PolicySourceArn=role, ActionNames=["iam:PassRole"], ResourceArns=[role], ContextEntries=[to]
        )["EvaluationResults"]
        found[service] = result["EvalDecision"]
    return found


def test_the_management_account_is_denied_unless_it_is_included(packages: Packages, tmp_path: Path) -> None:
    """The one Deny: with the member roles there by hand, a run told to go there is refused; without the Deny it installs."""
    (deny,) = grants("Deny")
    with world(tmp_path, packages, {}, hub=SHOP, parameters=DELEGATED) as one:
        launch_member_roles(one)
        into = {"targetAccounts": [HUB], "includeManagementAccount": ["true"]}
        told = one.rollout(**into)
        assert (
            f"is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::{HUB}:role/{EXECUTION} with an explicit deny"
            in told
        )
        with one.less(deny, SHOP):
            assert one.rollout(**into) == ""
        assert one.operator.marker("hub-us") == "1.1.0"


DELEGATED = {"IsDelegatedAdministrator": "true", "DelegatedAdminAccountId": SHOP}


def launch_member_roles(one: World) -> None:
    """Do what a person does in the management account."""
    cloudformation = one.client("cloudformation", HUB)
    cloudformation.create_stack(
        StackName="csd-roles",
        TemplateBody=render_member_roles(),
        Parameters=[{"ParameterKey": "HubAccountId", "ParameterValue": SHOP}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    one.simulation.run_for(600)
    assert cloudformation.describe_stacks(StackName="csd-roles")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
