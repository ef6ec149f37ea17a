"""Our solution in an organization with guardrails: those that it must live with, and one that stops it."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localorg.server.simulation.organization import Simulation
from simulation.solution import NAME, SHOP, Operator, Packages, spec

ELSEWHERE = {
    "Sid": "GRREGIONDENY",
    "Effect": "Deny",
    "NotAction": ["account:*", "iam:*", "kms:*", "organizations:*", "route53:*", "s3:ListAllMyBuckets", "sts:*", "support:*"],
    "Resource": "*",
    "Condition": {
        "StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]},
        "ArnNotLike": {"aws:PrincipalARN": ["arn:*:iam::*:role/AWSControlTowerExecution"]},
    },
}
"""AWS: Control Tower guide, "Deny access to AWS based on the requested AWS Region": the services that are global are left out."""


def guard(operator: Operator, target: str, statement: dict[str, Any]) -> None:
    """Attach a service control policy of one statement."""
    organizations = operator.client("organizations")
    root = organizations.list_roots()["Roots"][0]
    if not root["PolicyTypes"]:
        organizations.enable_policy_type(RootId=root["Id"], PolicyType="SERVICE_CONTROL_POLICY")
    content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = organizations.create_policy(Name=statement["Sid"], Description="", Type="SERVICE_CONTROL_POLICY", Content=content)
    organizations.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=target)


def test_guardrails_that_let_it_work_and_one_that_does_not(packages: Packages, tmp_path: Path) -> None:
    """Documented: Organizations user guide, SCPs: what IAM is asked counts as its home Region; StackSets' own roles are exempt,
    Automation's role in a member is not: the operator reads in that member's run which kind of policy denied it."""
    with Simulation(spec(), tmp_path) as simulation:
        operator = Operator(simulation, packages)
        guard(operator, "r-abcd", ELSEWHERE)
        operator.deploy()
        operator.publish("1.0")
        assert operator.distribute(operator.wish("1.0"))["AutomationExecutionStatus"] == "Success"
        member = simulation.client("iam", SHOP, "eu-west-1")
        assert member.get_role(RoleName="CSD-SystemsManager-AutomationExecutionRole")["Role"]["RoleLastUsed"]["Region"]
        guard(operator, SHOP, {"Sid": "Hands", "Effect": "Deny", "Action": "ssm:SendCommand", "Resource": "*"})
        with pytest.raises(ClientError, match="with an explicit deny in a service control policy"):
            simulation.client("ssm", SHOP).send_command(DocumentName=NAME, InstanceIds=["i-00000000000000000"])
        assert operator.distribute(operator.wish("1.0", "Uninstall"))["AutomationExecutionStatus"] == "Failed"
        runs = simulation.client("ssm", SHOP).describe_automation_executions()["AutomationExecutionMetadataList"]
        reasons = [run.get("FailureMessage", "") for run in runs if run["AutomationExecutionStatus"] == "Failed"]
        assert reasons
        assert all("ssm:SendCommand" in why and "explicit deny in a service control policy" in why for why in reasons), reasons
