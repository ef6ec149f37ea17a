"""What the roles may do: named, narrow, and each action with its reason."""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from botocore import xform_name

from csd.solution import render
from csd.solution.roles import purposes, statements

ROOT = Path(__file__).parents[3]
TEMPLATES = [yaml.load(text, yaml.CSafeLoader) for text in (render.render_template(), render.render_member_roles())]
ROLES = [r["Properties"] for t in TEMPLATES for r in t["Resources"].values() if r["Type"] == "AWS::IAM::Role"]
# AWS: Service Authorization Reference: these have no resource that a policy could name.
WITHOUT_RESOURCE = re.compile(
    r"organizations:DescribeOrganization|ssm:(CancelCommand|GetCommandInvocation|ListCommandInvocations|ListCommands|DescribeInstanceInformation"
    r"|DescribeInstanceProperties|ListAssociations)|tag:GetResources"
)


def test_each_action_has_its_reason() -> None:
    """The template and permissions.yaml name the same actions, none more and none less."""
    granted = [(one.role, one.sid, action) for one in statements() for action in one.actions]
    assert sorted(granted) == sorted(purposes())
    assert all(len(purpose.why) > 20 for purpose in purposes().values())


def test_each_statement_has_a_name_of_its_own() -> None:
    """A Sid says what for; within a role each is one."""
    sids = [(one.role, one.sid) for one in statements()]
    assert len(sids) == len(set(sids)) > 15


def test_d20_only_the_roles_that_are_needed() -> None:
    """D20: no self-managed StackSet roles, no managed policies, no action by wildcard, no right to make rights."""
    assert {role["RoleName"] for role in ROLES} == {
        "CSD-SystemsManager-AutomationAdministrationRole", "CSD-FleetReaderHubRole",
        "CSD-SystemsManager-AutomationExecutionRole", "CSD-FleetReaderRole",
    }  # fmt: skip
    actions = [action for one in statements() for action in one.actions]
    assert not [a for a in actions if "*" in a or re.match(r"iam:(Create|Put|Attach|Update)|cloudformation:", a)]
    assert "ManagedPolicyArns" not in json.dumps(TEMPLATES)
    assert "AmazonSSMAutomationRole" not in json.dumps(TEMPLATES)


def test_every_resource_is_named_where_one_can_be() -> None:
    """Documented: Service Authorization Reference: `*` stands only where an action has no resource."""
    for one in statements():
        if "*" in one.resources:
            assert not [action for action in one.actions if not WITHOUT_RESOURCE.fullmatch(action)], one


def test_d21_the_readers_may_do_nothing_that_csd_does_not_ask() -> None:
    """D21: every right of the two reader roles is a call that csd.aws makes, or what AWS wants beside it (tag:GetResources)."""
    asked = "".join(path.read_text() for path in (ROOT / "src/csd/aws").glob("*.py"))
    rights = {action for one in statements() if "FleetReader" in one.role for action in one.actions} - {"tag:GetResources"}
    assert rights
    assert not [a for a in rights if xform_name(a.partition(":")[2]) not in asked]


def test_what_no_script_calls_says_where_aws_needs_it() -> None:
    """An action that neither a script nor a step of ours calls, and neither does a step's nature, has a citation."""
    called = "".join(path.read_text() for path in render.STEPS.glob("*.py"))
    called += "".join(xform_name(api) for text in render.artifacts().values() for api in re.findall(r"Api: (\w+)", text))
    by_nature = {"ssm:StartAutomationExecution", "ssm:StopAutomationExecution", "iam:PassRole", "sts:AssumeRole"}
    for (role, sid, action), purpose in purposes().items():
        if "Automation" in role and action not in by_nature and xform_name(action.partition(":")[2]) not in called:
            assert purpose.aws, (role, sid, action)


def test_roles_pass_only_themselves_and_only_to_systems_manager() -> None:
    """iam:PassRole is bound to one role and one service."""
    passes = [one for one in statements() if "iam:PassRole" in one.actions]
    assert [one.resources[0].rpartition("/")[2] for one in passes] == [one.role for one in passes]
    assert [one.condition for one in passes] == [{"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}] * 2


def test_no_trust_without_a_condition_beyond_the_account() -> None:
    """Members trust one role of the hub, services only for their own account."""
    for role in ROLES:
        for trust in role["AssumeRolePolicyDocument"]["Statement"]:
            assert "Condition" in trust or role["RoleName"] == "CSD-FleetReaderHubRole"


def plain(value: Any, hub: str) -> Any:
    return json.loads(json.dumps(value).replace("HubAccountId", hub))


def test_the_management_account_gets_the_members_roles() -> None:
    """What the hub's stack makes there is what the StackSet makes elsewhere, with the hub in the place of the parameter."""
    hub, members = (template["Resources"] for template in TEMPLATES)
    for name in ("ExecutionRole", "FleetReaderRole"):
        assert hub[f"Hub{name}"] == {"Condition": "MemberRolesHere", **plain(members[name], "AWS::AccountId")}
