"""Run Command under real policies: least privilege suffices, and taking any of it away shows."""

import itertools
import json

import pytest
from commands.harness import ACCOUNT, REGION, ROLE, Harness

from localorg.identity.service import Identity
from localorg.kernel.errors import AccessDenied

SEND = {
    "Effect": "Allow",
    "Action": "ssm:SendCommand",
    "Resource": [f"arn:aws:ssm:{REGION}::document/AWS-RunShellScript", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*"],
}
READ = {"Effect": "Allow", "Action": ["ssm:ListCommands", "ssm:ListCommandInvocations"], "Resource": "*"}
WEB = [{"Key": "tag:Role", "Values": ["web"]}]


class World(Harness):
    """The harness with identity as its authoriser; nodes speak under sessions of their own role."""

    def __init__(self):
        super().__init__()
        numbers = itertools.count()
        self.identity = Identity(self.kernel, lambda size: f"{next(numbers):010d}".ljust(size, "0"), lambda _account: None)
        self.gateway.add(self.identity.operations())
        self.gateway.authoriser = self.identity
        key = self.identity.bootstrap_account(ACCOUNT).id
        self.admin = self.identity.credentials(key)[3]
        self.identity.bootstrap_node_role(ACCOUNT, ROLE)

    def linked(self, account, service):
        return self.identity.service_linked_role(account, service)

    def operator(self, *statements):
        """Return a user who may do this and nothing else."""
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.call("CreateUser", "iam", self.admin, UserName="operator")
        self.call("PutUserPolicy", "iam", self.admin, UserName="operator", PolicyName="p", PolicyDocument=policy)
        key = self.call("CreateAccessKey", "iam", self.admin, UserName="operator")["AccessKey"]["AccessKeyId"]
        return self.identity.credentials(key)[3]

    def agent(self, number, **tags):
        """Start a node whose session comes from identity."""
        node = self.node(number, tags=tags, online=False)
        session = self.identity.node_session(ACCOUNT, ROLE, node.instance_id, REGION)
        node.principal = self.identity.credentials(session["AccessKeyId"])[3]
        node.start()
        return node


def run(world, operator, **targets):
    sent = world.call(
        "SendCommand", principal=operator, DocumentName="AWS-RunShellScript", Parameters={"commands": ["x"]}, **targets
    )
    world.pass_time(5)
    return sent["Command"]["CommandId"]


@pytest.mark.parametrize("by", ["id", "tag"])
def test_send_command_on_document_and_instance_is_enough(by):
    """No ssm:GetDocument, no ec2:DescribeInstances for the caller. Documented: Service Authorization Reference."""
    world = World()
    node = world.agent(1, Role="web")
    operator = world.operator(SEND, READ)
    command = run(world, operator, **({"Targets": WEB} if by == "tag" else {"InstanceIds": [node.instance_id]}))
    shown = world.call("ListCommands", principal=operator, CommandId=command)["Commands"][0]
    assert (shown["StatusDetails"], shown["CompletedCount"]) == ("Success", 1)


def test_without_the_document_or_the_listed_instance_it_is_refused():
    """Documented: Service Authorization Reference: ssm:SendCommand is checked on each resource."""
    for denied in (SEND["Resource"][0], f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-00000000000000001"):
        world = World()
        node = world.agent(1)
        operator = world.operator(SEND, {"Effect": "Deny", "Action": "ssm:SendCommand", "Resource": denied})
        with pytest.raises(AccessDenied, match=f"ssm:SendCommand on resource: {denied}"):
            run(world, operator, InstanceIds=[node.instance_id])


def test_a_targeted_instance_that_is_denied_is_left_out():
    """Documented: user guide, monitor-commands, Access Denied."""
    world = World()
    world.agent(1, Role="web")
    world.agent(2, Role="web")
    denied = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-00000000000000002"
    operator = world.operator(SEND, READ, {"Effect": "Deny", "Action": "ssm:SendCommand", "Resource": denied})
    command = run(world, operator, Targets=WEB)
    found = world.call("ListCommandInvocations", principal=operator, CommandId=command)["CommandInvocations"]
    assert [one["StatusDetails"] for one in found] == ["Success", "AccessDenied"]


def test_a_node_role_without_its_policy_is_deaf():
    """Documented: AmazonSSMManagedInstanceCore has ec2messages:GetMessages; without it the agent gets nothing."""
    world = World()
    core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    world.call("DetachRolePolicy", "iam", world.admin, RoleName=ROLE, PolicyArn=core)
    with pytest.raises(AccessDenied, match="ssm:UpdateInstanceInformation"):
        world.agent(1)
