"""StackSets: auto-deployment follows the accounts of the organization."""

from stacks.organized import (
    ASLEEP,
    AUTO,
    CURRENT,
    DEEP,
    HUB,
    LOWER,
    ONE,
    OTHER,
    PARALLEL,
    REGIONS,
    ROOT,
    TAKEN,
    TWO,
    UPPER,
    Organized,
    refused,
)
from stacks.world import admin, role, template

from localorg.protocol.calls import ApiCall


def test_a_new_account_gets_its_stack_by_itself():
    """Documented: CloudFormation user guide, "Manage automatic deployments": accounts added to a target OU."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(UPPER)
    world.ask_organization("CreateAccount", AccountName="new", Email="new@example.com")
    new = next(name for name in world.organization.accounts() if name not in (HUB, ONE, TWO, DEEP, ASLEEP))
    assert new not in world.holders()
    world.ask_organization("MoveAccount", AccountId=new, SourceParentId=ROOT, DestinationParentId=LOWER)
    assert new in world.holders()


def test_an_account_that_leaves_the_unit_loses_its_stack():
    """Documented: CloudFormation user guide, "Manage automatic deployments": accounts removed from a target OU."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(UPPER)
    world.ask_organization("MoveAccount", AccountId=ONE, SourceParentId=UPPER, DestinationParentId=OTHER)
    assert world.holders() == {DEEP}
    world.ask_organization("MoveAccount", AccountId=ONE, SourceParentId=OTHER, DestinationParentId=LOWER)
    assert world.holders() == {ONE, DEEP}


def test_a_move_between_targets_is_a_deletion_and_a_creation():
    """Documented: CloudFormation user guide: a move deletes the stack of the old OU and makes that of the new one."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(UPPER, OTHER)
    before = world.call("ListStackInstances", {"StackSetName": "set", "StackInstanceAccount": ONE})["Summaries"][0]["StackId"]
    world.ask_organization("MoveAccount", AccountId=ONE, SourceParentId=UPPER, DestinationParentId=OTHER)
    after = world.call("ListStackInstances", {"StackSetName": "set", "StackInstanceAccount": ONE})["Summaries"][0]
    assert after["StackId"] != before
    assert after["OrganizationalUnitId"] == OTHER
    assert ONE in world.holders()


def test_retain_on_removal_and_no_auto_deployment():
    """Documented: CloudFormation API reference, AutoDeployment Enabled and RetainStacksOnAccountRemoval."""
    world = Organized()
    world.make_set(AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": True})
    world.deploy(UPPER)
    world.ask_organization("MoveAccount", AccountId=ONE, SourceParentId=UPPER, DestinationParentId=ROOT)
    assert ONE in world.holders()
    assert (ONE, "us-east-1") not in world.instances()
    still = Organized()
    still.make_set()
    still.deploy(UPPER)
    still.ask_organization("MoveAccount", AccountId=ONE, SourceParentId=UPPER, DestinationParentId=ROOT)
    assert (ONE, "us-east-1") in still.instances()


def test_an_account_that_wakes_gets_what_it_was_spared():
    """Assumed: an account that is ACTIVE again is treated as one that joins."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(UPPER)
    world.organization.set_account_state(ASLEEP, "ACTIVE")
    world.run()
    assert ASLEEP in world.holders()
    assert world.instances()[ASLEEP, "us-east-1"] == CURRENT


def test_filters_do_not_bind_accounts_that_come_later():
    """Documented: CloudFormation user guide, automatic deployments: they do not consider account level targeting filters."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(DeploymentTargets={"OrganizationalUnitIds": [UPPER], "AccountFilterType": "INTERSECTION", "Accounts": [DEEP]})
    assert world.holders() == {DEEP}
    world.move(TWO, OTHER, LOWER)
    assert world.holders() == {DEEP, TWO}
    world.move(ONE, UPPER, LOWER)
    assert world.holders() == {DEEP, TWO}, "ONE was left out on purpose and has not left the unit"


def test_overrides_do_not_bind_accounts_that_come_later():
    """Documented: CloudFormation user guide, automatic deployments: they use the values of the set."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(UPPER, ParameterOverrides=[{"ParameterKey": "Words", "ParameterValue": "mine"}])
    world.move(TWO, OTHER, UPPER)
    assert world.iam.roles[ONE, "Exec"]["Description"] == "mine"
    assert world.iam.roles[TWO, "Exec"]["Description"] == "v1"


def test_nested_targets_give_one_instance():
    """Assumed: an account under two targets has one instance, and stays while one of them is above it."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(UPPER, LOWER)
    assert world.instance(DEEP)["OrganizationalUnitId"] == UPPER
    world.move(DEEP, LOWER, UPPER)
    assert world.instances()[DEEP, "us-east-1"] == CURRENT
    world.move(DEEP, UPPER, ROOT)
    assert (DEEP, "us-east-1") not in world.instances()
    assert world.holders() == {ONE}


def test_an_account_that_leaves_the_organization_loses_its_stack():
    """Documented: CloudFormation API reference, AutoDeployment: instances are deleted from accounts that are removed."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(ROOT)
    world.ask_organization("RemoveAccountFromOrganization", AccountId=TWO)
    assert world.holders() == {ONE, DEEP}
    assert (TWO, "us-east-1") not in world.instances()


def test_without_auto_deployment_a_gone_account_fails_and_a_closed_one_is_skipped():
    """Assumed: an instance of an account outside the organization stays, and updates of it go on as far as they can."""
    world = Organized()
    world.make_set()
    world.deploy(UPPER, OTHER)
    world.ask_organization("CloseAccount", AccountId=ONE)
    world.ask_organization("RemoveAccountFromOrganization", AccountId=TWO)
    update = {
        "StackSetName": "set",
        "UsePreviousTemplate": True,
        "Parameters": [{"ParameterKey": "Words", "ParameterValue": "v2"}],
    }
    operation = world.finish(world.call("UpdateStackSet", {**update, "OperationPreferences": PARALLEL})["OperationId"])
    assert operation["Status"] == "SUCCEEDED"
    assert world.instances()[TWO, "us-east-1"] == ("OUTDATED", "FAILED")
    assert world.instance(TWO)["StatusReason"] == f"Account {TWO} is not in the organization"
    assert world.iam.roles[TWO, "Exec"]["Description"] == "v1"
    assert world.instances()[ONE, "us-east-1"] == ("OUTDATED", "SKIPPED_SUSPENDED_ACCOUNT")
    assert world.iam.roles[ONE, "Exec"]["Description"] == "v1"
    assert world.instances()[DEEP, "us-east-1"] == CURRENT


def test_an_account_that_leaves_before_its_turn_gets_nothing():
    """Assumed: as in an account outside the organization, nothing is made there; what auto-deployment finds later is the truth."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(OTHER)
    call = {"AccountId": ONE, "SourceParentId": UPPER, "DestinationParentId": OTHER}
    world.gateway.invoke(ApiCall(admin(), REGIONS[0], "organizations", "MoveAccount", call))
    world.ask_organization("RemoveAccountFromOrganization", AccountId=ONE)
    assert world.holders() == {TWO}
    assert (ONE, "us-east-1") not in world.instances()


def test_moves_during_an_operation_are_followed_when_it_has_ended():
    """Documented: CloudFormation API reference, StackSetOperation QUEUED: automatic deployments wait. The end is what counts."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    params = {"StackSetName": "set", "DeploymentTargets": {"OrganizationalUnitIds": [UPPER, OTHER]}, "Regions": REGIONS[:1]}
    operation_id = world.call("CreateStackInstances", params)["OperationId"]
    for source, destination in ((UPPER, OTHER), (OTHER, ROOT), (ROOT, LOWER)):
        call = {"AccountId": ONE, "SourceParentId": source, "DestinationParentId": destination}
        world.gateway.invoke(ApiCall(admin(), REGIONS[0], "organizations", "MoveAccount", call))
    assert world.finish(operation_id)["Status"] == "SUCCEEDED"
    assert world.instance(ONE)["OrganizationalUnitId"] == UPPER
    assert world.holders() == {ONE, TWO, DEEP}


def test_without_trusted_access_nothing_is_followed():
    """Documented: CloudFormation API reference, DeactivateOrganizationsAccess: no permission to manage service-managed sets."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(UPPER)
    world.call("DeactivateOrganizationsAccess")
    world.move(ONE, UPPER, ROOT)
    assert ONE in world.holders()
    params = {"StackSetName": "set", "DeploymentTargets": {"OrganizationalUnitIds": [UPPER]}, "Regions": REGIONS}
    assert "You must enable organizations access" in refused(world, "CreateStackInstances", params).message


def second_set(world: Organized, **deployment) -> str:
    body = template({"Role": role(RoleName="Second")})
    world.make_set(body, StackSetName="second", AutoDeployment={**AUTO, **deployment})
    world.deploy(UPPER, StackSetName="second")
    return world.call("DescribeStackSet", {"StackSetName": "second"})["StackSet"]["StackSetARN"]


def automatic(world: Organized, name: str) -> dict[str, object]:
    return world.call("ListStackSetOperations", {"StackSetName": name})["Summaries"][0]


def test_a_set_waits_for_those_it_depends_on():
    """Documented: CloudFormation API reference, AutoDeployment DependsOn: dependencies complete successfully first."""
    world = Organized()
    first = second_set(world)
    world.make_set(AutoDeployment={**AUTO, "DependsOn": [first]})
    world.deploy(UPPER)
    assert world.call("DescribeStackSet", {"StackSetName": "set"})["StackSet"]["AutoDeployment"]["DependsOn"] == [first]
    world.move(TWO, OTHER, UPPER)
    assert {TWO} <= world.holders("Second") & world.holders()
    assert automatic(world, "set")["EndTimestamp"] > automatic(world, "second")["EndTimestamp"]
    world.move(TWO, UPPER, OTHER)
    world.iam.roles[TWO, "Second"] = dict(TAKEN)
    world.move(TWO, OTHER, UPPER)
    assert automatic(world, "second")["Status"] == "FAILED"
    assert automatic(world, "set")["Status"] == "FAILED"
    assert TWO not in world.holders()


def test_dependencies_form_no_circle_and_go_with_their_set():
    """Documented: CloudFormation user guide, automatic deployments: dependencies are removed when sets are deleted."""
    world = Organized()
    first = second_set(world)
    world.make_set(AutoDeployment={**AUTO, "DependsOn": [first]})
    arn = world.call("DescribeStackSet", {"StackSetName": "set"})["StackSet"]["StackSetARN"]
    update = {"StackSetName": "second", "UsePreviousTemplate": True, "AutoDeployment": {**AUTO, "DependsOn": [arn]}}
    assert "form a circle" in refused(world, "UpdateStackSet", update).message
    world.deploy(UPPER, operation="DeleteStackInstances", StackSetName="second", RetainStacks=False)
    world.call("DeleteStackSet", {"StackSetName": "second"})
    assert "DependsOn" not in world.call("DescribeStackSet", {"StackSetName": "set"})["StackSet"]["AutoDeployment"]


def test_an_account_that_joins_by_invitation_gets_its_stack():
    """Documented: CloudFormation user guide, automatic deployments: accounts added to a target organization."""
    world = Organized()
    world.make_set(AutoDeployment=AUTO)
    world.deploy(ROOT)
    world.ask_organization("RemoveAccountFromOrganization", AccountId=TWO)
    assert TWO not in world.holders()
    invited = world.ask_organization("InviteAccountToOrganization", Target={"Id": TWO, "Type": "ACCOUNT"})["Handshake"]["Id"]
    world.gateway.invoke(ApiCall(admin(TWO), REGIONS[0], "organizations", "AcceptHandshake", {"HandshakeId": invited}))
    world.run()
    assert TWO in world.holders()
    assert world.instance(TWO)["OrganizationalUnitId"] == ROOT
