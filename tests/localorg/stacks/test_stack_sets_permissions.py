"""StackSets under real policies: who may work on sets, and under which roles stacks are made."""

import json

import pytest
from organization.world import STACKSETS, UPPER
from stacks.judged import ADMIN, EXECUTION, HUB, ONE, TWO, Judged
from stacks.organized import REGIONS, ROLE
from stacks.world import NAMED

from localorg.kernel.errors import AwsError

UNITS = {"OrganizationalUnitIds": [UPPER]}
ANY_SET = f"arn:aws:cloudformation:us-east-1:{HUB}:stackset/set:*"


def test_self_managed_sets_go_through_both_roles():
    """Documented: CloudFormation user guide, "Grant self-managed permissions"; the management account is a target like any other."""
    world = Judged()
    admin = world.administration()
    for account in (HUB, ONE):
        world.execution(account)
    world.make_set()
    operation = world.deploy(HUB, ONE)
    assert (operation["Status"], operation["AdministrationRoleARN"]) == ("SUCCEEDED", admin)
    assert operation["ExecutionRoleName"] == EXECUTION
    assert world.has_role(HUB)
    assert world.has_role(ONE)
    found = world.call("DescribeStackSet", StackSetName="set")["StackSet"]
    assert found["PermissionModel"] == "SELF_MANAGED"
    assert "AutoDeployment" not in found
    assert "OrganizationalUnitIds" not in found
    makers = [
        row.principal for row in world.gateway.log if row.action == "iam:CreateRole" and row.resource.endswith(":role/Exec")
    ]
    assert f"arn:aws:sts::{ONE}:assumed-role/{EXECUTION}/" in makers[-1]
    world.deploy(HUB, ONE, operation="DeleteStackInstances", RetainStacks=False)
    assert not world.has_role(ONE)
    world.call("DeleteStackSet", StackSetName="set")


def test_a_missing_execution_role_fails_the_instance():
    """Observed: the sentence of the instance, and of the account gate."""
    world = Judged()
    world.administration()
    world.execution(TWO)
    world.make_set()
    operation = world.deploy(ONE, TWO, OperationPreferences={"FailureToleranceCount": 1})
    words = f"Account {ONE} should have '{EXECUTION}' role with trust relationship to Role '{ADMIN}'."
    assert world.reasons(operation) == {ONE: words, TWO: ""}
    rows = world.call("ListStackSetOperationResults", StackSetName="set", OperationId=operation["OperationId"])["Summaries"]
    assert rows[0]["AccountGateResult"] == {"Status": "FAILED", "StatusReason": words}
    world.execution(ONE)
    assert world.deploy(ONE)["Status"] == "SUCCEEDED"


@pytest.mark.parametrize("how", ["absent", "distrusts", "of another set"])
def test_an_administration_role_that_lets_nobody_in(how):
    """Observed: the sentence; aws:SourceArn in its trust is judged, as the guide advises against confused deputies."""
    world = Judged()
    if how == "distrusts":
        world.role(HUB, ADMIN, {"Service": "ssm.amazonaws.com"})
    if how == "of another set":
        other = f"arn:aws:cloudformation:us-east-1:{HUB}:stackset/other:*"
        world.administration(Condition={"StringLike": {"aws:SourceArn": other}})
    world.execution(ONE)
    world.make_set()
    operation = world.deploy(ONE)
    assert operation["Status"] == "FAILED"
    assert world.reasons(operation)[ONE] == (
        f"Account {HUB} should have '{ADMIN}' role with trust relationship to CloudFormation service."
    )


def test_the_source_of_the_call_is_the_set():
    """Documented: CloudFormation user guide, "Grant self-managed permissions": aws:SourceAccount and aws:SourceArn."""
    world = Judged()
    condition = {"StringEquals": {"aws:SourceAccount": HUB}, "StringLike": {"aws:SourceArn": ANY_SET}}
    world.administration(Condition=condition)
    world.execution(ONE)
    world.make_set()
    assert world.deploy(ONE)["Status"] == "SUCCEEDED"


def test_what_the_execution_role_may_not_do_fails_in_its_own_words():
    """Documented: CloudFormation user guide: the execution role determines what a set may make."""
    world = Judged()
    world.administration()
    world.execution(ONE, EXECUTION, {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"})
    world.execution(TWO, EXECUTION, {"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    world.make_set()
    operation = world.deploy(ONE, TWO, OperationPreferences={"FailureToleranceCount": 1})
    reasons = world.reasons(operation)
    assert f"assumed-role/{EXECUTION}/" in reasons[ONE]
    assert "is not authorized to perform: iam:CreateRole" in reasons[ONE]
    assert reasons[ONE].startswith("ResourceLogicalId:Role, ResourceType:AWS::IAM::Role, ResourceStatusReason:")
    assert reasons[TWO].startswith(f"User: arn:aws:sts::{TWO}:assumed-role/{EXECUTION}/")
    assert "is not authorized to perform: cloudformation:" in reasons[TWO]


def test_roles_of_ones_own_are_passed_and_named_again():
    """Documented: CloudFormation API reference, UpdateStackSet AdministrationRoleARN: whoever named one names it in every update."""
    world = Judged()
    admin = world.administration("Mine", "Theirs")
    world.execution(ONE, "Theirs")
    world.make_set(AdministrationRoleARN=admin, ExecutionRoleName="Theirs")
    assert world.deploy(ONE)["Status"] == "SUCCEEDED"
    update = {"StackSetName": "set", "UsePreviousTemplate": True}
    with pytest.raises(AwsError, match="has a customized AdministrationRoleARN"):
        world.call("UpdateStackSet", **update)
    change = {"Parameters": [{"ParameterKey": "Words", "ParameterValue": "v2"}], "AdministrationRoleARN": admin}
    operation = world.finish(world.call("UpdateStackSet", **update, **change)["OperationId"])
    assert (operation["Status"], operation["ExecutionRoleName"]) == ("SUCCEEDED", "Theirs")
    may = {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"}
    given = {"StackSetName": "x", "TemplateBody": ROLE, "Capabilities": NAMED}
    with pytest.raises(AwsError, match="not authorized to perform: iam:PassRole"):
        world.call("CreateStackSet", world.user(may), **given, AdministrationRoleARN=admin)
    with pytest.raises(AwsError, match="is invalid or cannot be assumed"):
        world.make_set(StackSetName="y", AdministrationRoleARN=admin.replace(HUB, ONE))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DeploymentTargets": UNITS}, "SELF_MANAGED permission model can only have accounts as target"),
        ({"DeploymentTargets": {"Accounts": [ONE], "AccountFilterType": "INTERSECTION"}}, "AccountFilterType is for"),
        ({"Accounts": [ONE], "DeploymentTargets": {"Accounts": [ONE]}}, "Accounts or DeploymentTargets, but not both"),
        ({"Accounts": []}, "at least one value for Accounts"),
        ({"Accounts": [ONE], "Regions": []}, "at least one value for Regions"),
        ({"Accounts": [ONE], "Regions": ["mars-north-1"]}, "are not in this organization"),
    ],
)
def test_targets_of_self_managed_sets(change, words):
    """Documented: CloudFormation API reference, CreateStackInstances Accounts and DeploymentTargets."""
    world = Judged()
    world.make_set()
    with pytest.raises(AwsError) as refusal:
        world.call("CreateStackInstances", **{"StackSetName": "set", "Regions": REGIONS[:1], **change})
    assert words in refusal.value.message


def test_accounts_may_stand_in_deployment_targets():
    """Observed: source of AWS::CloudFormation::StackSet: it names accounts of self-managed sets that way."""
    world = Judged()
    world.administration()
    world.execution(ONE)
    world.make_set()
    operation = world.finish(
        world.call("CreateStackInstances", StackSetName="set", DeploymentTargets={"Accounts": [ONE]}, Regions=REGIONS[:1])[
            "OperationId"
        ]
    )
    assert operation["Status"] == "SUCCEEDED"


def test_a_member_has_self_managed_sets_of_its_own():
    """Documented: CloudFormation user guide, StackSets concepts: the administrator account is any account."""
    world = Judged()
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    world.role(ONE, ADMIN, {"Service": "cloudformation.amazonaws.com"}, may)
    world.role(TWO, EXECUTION, {"AWS": f"arn:aws:iam::{ONE}:role/{ADMIN}"}, {"Effect": "Allow", "Action": "*", "Resource": "*"})
    who = world.admin(ONE)
    world.call("CreateStackSet", who, StackSetName="set", TemplateBody=ROLE, Capabilities=NAMED)
    world.call("CreateStackInstances", who, StackSetName="set", Accounts=[TWO], Regions=REGIONS[:1])
    world.run()
    assert world.has_role(TWO)
    assert world.call("ListStackSets")["Summaries"] == []


def test_a_stack_makes_a_self_managed_set():
    """Documented: CloudFormation template reference, AWS::CloudFormation::StackSet AdministrationRoleARN, ExecutionRoleName, Accounts."""
    world = Judged()
    admin = world.administration("Mine", "Theirs")
    for account in (HUB, ONE):
        world.execution(account, "Theirs")
    properties = {
        "StackSetName": "set",
        "PermissionModel": "SELF_MANAGED",
        "AdministrationRoleARN": admin,
        "ExecutionRoleName": "Theirs",
        "Capabilities": NAMED,
        "TemplateBody": ROLE,
    }

    def body(*accounts: str) -> dict[str, object]:
        groups = [{"DeploymentTargets": {"Accounts": list(accounts)}, "Regions": REGIONS[:1]}]
        resource = {"Type": "AWS::CloudFormation::StackSet", "Properties": {**properties, "StackInstancesGroup": groups}}
        return {"StackName": "one", "TemplateBody": json.dumps({"Resources": {"Set": resource}})}

    world.call("CreateStack", **body(ONE))
    world.run()
    assert (world.has_role(ONE), world.has_role(HUB)) == (True, False)
    world.call("UpdateStack", **body(HUB))
    world.run()
    assert (world.has_role(ONE), world.has_role(HUB)) == (False, True)
    assert world.call("DescribeStacks", StackName="one")["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"


def test_service_managed_stacks_are_made_by_stacksets_own_role():
    """Observed: the name of the execution role is one for the set; its session makes the stack, which the member sees."""
    world = Judged()
    world.make_set(PermissionModel="SERVICE_MANAGED", AutoDeployment={"Enabled": False})
    params = {"StackSetName": "set", "DeploymentTargets": UNITS, "Regions": REGIONS[:1]}
    world.finish(world.call("CreateStackInstances", **params)["OperationId"])
    name = world.call("DescribeStackSet", StackSetName="set")["StackSet"]["ExecutionRoleName"]
    assert name.startswith("stacksets-exec-")
    assert world.has_role(ONE, name)
    assert world.has_role(ONE, "AWSServiceRoleForCloudFormationStackSetsOrgMember")
    assert world.has_role(HUB, "AWSServiceRoleForCloudFormationStackSetsOrgAdmin")
    assert not world.has_role(HUB, name)
    stack = world.call("DescribeStacks", world.admin(ONE))["Stacks"][0]
    assert stack["StackName"].startswith("StackSet-set-")
    makers = [
        row.principal for row in world.gateway.log if row.action == "iam:CreateRole" and row.resource.endswith(":role/Exec")
    ]
    assert f"arn:aws:sts::{ONE}:assumed-role/{name}/" in makers[0]


def test_tags_take_permission_to_tag():
    """Documented: CloudFormation API reference, CreateStackSet and UpdateStackSet Tags: without it the whole action is refused."""
    world = Judged()
    who = world.user({"Effect": "Allow", "Action": ["cloudformation:CreateStackSet", "cloudformation:Update*"], "Resource": "*"})
    given = {"StackSetName": "set", "TemplateBody": ROLE, "Capabilities": NAMED}
    tags = [{"Key": "team", "Value": "blue"}]
    with pytest.raises(AwsError, match="not authorized to perform: cloudformation:TagResource"):
        world.call("CreateStackSet", who, **given, Tags=tags)
    world.make_set(Tags=tags)
    with pytest.raises(AwsError, match="not authorized to perform: cloudformation:UntagResource"):
        world.call("UpdateStackSet", who, StackSetName="set", UsePreviousTemplate=True, Tags=[])
    world.call("UpdateStackSet", who, StackSetName="set", UsePreviousTemplate=True)


def test_a_policy_names_sets_by_name():
    """Documented: Service Authorization Reference, CloudFormation: resource type stackset, NAME:ID."""
    world = Judged()
    who = world.user({"Effect": "Allow", "Action": "cloudformation:*", "Resource": ANY_SET})
    world.call("CreateStackSet", who, StackSetName="set", TemplateBody=ROLE, Capabilities=NAMED)
    world.call("DescribeStackSet", who, StackSetName="set")
    with pytest.raises(AwsError, match="not authorized to perform: cloudformation:CreateStackSet"):
        world.call("CreateStackSet", who, StackSetName="other", TemplateBody=ROLE, Capabilities=NAMED)


def test_a_delegate_needs_to_list_delegates():
    """Observed: hashicorp/terraform-provider-aws#32536: without organizations:ListDelegatedAdministrators it counts as none."""
    world = Judged()
    service = {"AccountId": HUB, "ServicePrincipal": STACKSETS}
    world.call("RegisterDelegatedAdministrator", service="organizations", **{**service, "AccountId": TWO})
    who = world.role(TWO, "Operator", {"AWS": TWO}, {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"})
    answer = world.call("AssumeRole", world.admin(TWO), "sts", RoleArn=who, RoleSessionName="operator")
    session = world.identity.sessions.principal(answer["Credentials"]["AccessKeyId"])
    with pytest.raises(AwsError, match="Account used is not a delegated administrator"):
        world.call("ListStackSets", session, CallAs="DELEGATED_ADMIN")
    assert world.call("ListStackSets", world.admin(TWO), CallAs="DELEGATED_ADMIN")["Summaries"] == []
