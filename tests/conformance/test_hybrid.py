"""Hybrid nodes: activations, registration, the node's own key, its role's session, and what is left when it goes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from conformance.claims import assumed, documented, eventually, observed, refused
from conformance.hybrid_agent import HybridAgent, new_key
from conformance.hybrid_world import activation, described, managed, trust
from conformance.target import Account


@documented("API DeleteActivation")
def test_a_deleted_activation_leaves_its_nodes(member: Account, role: str) -> None:
    """Deleting an activation does not deregister its nodes."""
    made = member.client("ssm").create_activation(IamRole=role)
    agent = HybridAgent(member)
    agent.register(made)
    member.client("ssm").delete_activation(ActivationId=made["ActivationId"])
    assert described(agent)["ActivationId"] == made["ActivationId"]
    member.client("ssm").deregister_managed_instance(InstanceId=agent.instance_id)


@observed("stock agent 3.3.0.0, -register")
def test_registration_needs_no_credentials(join: Callable[..., HybridAgent]) -> None:
    """A machine registers with an activation alone and becomes mi- and 17 hexadecimal digits."""
    instance_id = join().instance_id
    assert instance_id.startswith("mi-")
    assert len(bytes.fromhex("0" + instance_id.removeprefix("mi-"))) == 9


@assumed("the agent's model of RegisterManagedInstance has InvalidActivation")
def test_a_wrong_code_registers_nobody(member: Account, activate: Callable[..., dict[str, Any]]) -> None:
    """A wrong activation code is an InvalidActivation, and counts no registration."""
    made = activate()
    with refused("InvalidActivation"):
        HybridAgent(member).register(made, ActivationCode="x" * 20)
    assert activation(member, made)["RegistrationsCount"] == 0


@assumed("the agent's model of RegisterManagedInstance has InvalidActivation")
def test_an_activation_is_used_up(
    member: Account, activate: Callable[..., dict[str, Any]], join: Callable[..., HybridAgent]
) -> None:
    """A registration beyond the limit is an InvalidActivation."""
    first = join()
    made = {"ActivationId": described(first)["ActivationId"], "ActivationCode": "x" * 20}
    with refused("InvalidActivation"):
        HybridAgent(member).register(made)


@documented("API InstanceInformation")
def test_a_hybrid_node_shows_its_registration(role: str, join: Callable[..., HybridAgent]) -> None:
    """DescribeInstanceInformation tells a hybrid node's activation, role, name, and that it is a ManagedInstance."""
    agent = join(DefaultInstanceName="press")
    agent.token()
    agent.report()
    row = eventually(lambda: described(agent), lambda row: row.get("PingStatus") == "Online")
    expected = {
        "IamRole": role,
        "Name": "press",
        "ResourceType": "ManagedInstance",
        "SourceType": "AWS::SSM::ManagedInstance",
        "SourceId": agent.instance_id,
        "ComputerName": "press-1.example",
        "IPAddress": "10.1.2.3",
    }
    assert expected.items() <= row.items()
    assert {"ActivationId", "RegistrationDate"} <= row.keys()


@documented("API CreateActivation, Tags")
def test_an_activations_tags_are_its_nodes(member: Account, join: Callable[..., HybridAgent]) -> None:
    """Tags of an activation are given to the nodes that it registers."""
    agent = join(Tags=[{"Key": "Hall", "Value": "3"}])
    listed = member.client("ssm").list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=agent.instance_id)
    assert listed["TagList"] == [{"Key": "Hall", "Value": "3"}]


@documented("API AddTagsToResource, ResourceType")
def test_tags_of_instances_are_not_systems_managers(member: Account, node: str) -> None:
    """ManagedInstance in the tag operations is for nodes mi-…, not for EC2 instances."""
    with refused("InvalidResourceId"):
        member.client("ssm").list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=node)


@observed("stock agent 3.3.0.0, RequestManagedInstanceRoleToken")
def test_a_token_has_five_members_and_an_hour(join: Callable[..., HybridAgent]) -> None:
    """A node's own signature opens a session of its role for an hour; all five members are there."""
    answer = join().token()
    assert set(answer) == {"AccessKeyId", "SecretAccessKey", "SessionToken", "TokenExpirationDate", "UpdateKeyPair"}
    assert 3500 < answer["TokenExpirationDate"] - datetime.now(UTC).timestamp() <= 3600


@assumed("the node's id is the name of its session, as an instance's id is on EC2")
def test_the_session_is_named_after_the_node(member: Account, role: str, join: Callable[..., HybridAgent]) -> None:
    """GetCallerIdentity of the session tells the role and the node."""
    agent = join()
    answer = agent.token()
    sts = member.session.client(
        "sts",
        endpoint_url=member.endpoint,
        region_name=member.region,
        aws_access_key_id=answer["AccessKeyId"],
        aws_secret_access_key=answer["SecretAccessKey"],
        aws_session_token=answer["SessionToken"],
    )
    assert sts.get_caller_identity()["Arn"].endswith(f":assumed-role/{role}/{agent.instance_id}")


@assumed("the code of every other wrong signature")
def test_another_key_opens_nothing(join: Callable[..., HybridAgent]) -> None:
    """A token asked for with another key is refused as a wrong signature."""
    agent = join()
    agent.key = new_key()
    with refused("InvalidSignatureException"):
        agent.token()


@observed("agent source: the error that it sleeps on")
def test_another_machine_gets_no_token(join: Callable[..., HybridAgent]) -> None:
    """A node that shows another fingerprint than at its registration is refused with MachineFingerprintDoesNotMatch."""
    with refused("MachineFingerprintDoesNotMatch"):
        join().token(Fingerprint="another")


@observed("stock agent 3.3.0.0, UpdateManagedInstancePublicKey")
def test_a_new_key_replaces_the_old(join: Callable[..., HybridAgent]) -> None:
    """After UpdateManagedInstancePublicKey the new key signs, and the old one no more."""
    agent, new = join(), new_key()
    old = agent.key
    agent.by_key("UpdateManagedInstancePublicKey", {"NewPublicKey": agent.public_key(new), "NewPublicKeyType": "Rsa"})
    agent.key = new
    agent.token()
    agent.key = old
    with refused("InvalidSignatureException"):
        agent.token()


@observed("stock agent 3.3.0.0, ec2messages")
def test_a_command_reaches_a_hybrid_node(member: Account, join: Callable[..., HybridAgent]) -> None:
    """A command comes with a poll, and its end is what the node says."""
    agent = join()
    agent.token()
    agent.report()
    ssm = member.client("ssm")
    sent = ssm.send_command(
        InstanceIds=[agent.instance_id], DocumentName="AWS-RunShellScript", Parameters={"commands": ["echo hi"]}
    )["Command"]
    (message,) = eventually(agent.poll, bool)
    assert message["MessageId"] == f"aws.ssm.{sent['CommandId']}.{agent.instance_id}"
    assert json.loads(message["Payload"])["Parameters"]["commands"] == ["echo hi"]
    agent.reply(message, "InProgress")
    agent.acknowledge(message)
    agent.reply(message, "Success", **{"aws:runShellScript": {"status": "Success", "code": 0, "standardOutput": "hi\n"}})
    agent.reply(message, "InProgress")
    where = {"CommandId": sent["CommandId"], "InstanceId": agent.instance_id}
    ended = eventually(lambda: ssm.get_command_invocation(**where), lambda answer: answer["Status"] != "InProgress")
    assert (ended["Status"], ended["StandardOutputContent"]) == ("Success", "hi\n")


@documented("IAM user guide, least privilege; public agent logs")
def test_the_role_must_allow_what_the_agent_does(member: Account, role: str, join: Callable[..., HybridAgent]) -> None:
    """Without the policy for managed nodes the node's calls are denied, by name of node and action."""
    agent = join()
    agent.token()
    iam = member.client("iam")
    iam.detach_role_policy(RoleName=role, PolicyArn=managed(member))
    try:
        with refused("AccessDeniedException", "ssm:UpdateInstanceInformation", f"managed-instance/{agent.instance_id}"):
            agent.report()
    finally:
        iam.attach_role_policy(RoleName=role, PolicyArn=managed(member))


@assumed("a session is its own node's, whatever its role allows")
def test_a_node_cannot_speak_for_another(join: Callable[..., HybridAgent]) -> None:
    """A node's session cannot poll for another node."""
    one, other = join(), join()
    one.token()
    other.token()
    other.session = one.session
    with refused("AccessDeniedException"):
        other.poll()


@documented("API UpdateManagedInstanceRole")
def test_a_nodes_role_can_be_changed(member: Account, join: Callable[..., HybridAgent], unique: Callable[[str], str]) -> None:
    """UpdateManagedInstanceRole gives the next token another role."""
    agent, name, iam = join(), unique("second"), member.client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("ssm.amazonaws.com"))
    try:
        change = {"InstanceId": agent.instance_id, "IamRole": name}
        eventually(
            lambda: member.client("ssm").update_managed_instance_role(**change),
            lambda _answer: True,
            60,
            ("ValidationException",),
        )
        assert described(agent)["IamRole"] == name
        assert agent.token()
    finally:
        iam.delete_role(RoleName=name)


@observed("aws/amazon-ssm-agent issue 381")
def test_a_deregistered_node_does_not_exist(member: Account, join: Callable[..., HybridAgent]) -> None:
    """A deregistered node that asks for a token is told that its id does not exist."""
    agent = join()
    member.client("ssm").deregister_managed_instance(InstanceId=agent.instance_id)
    assert described(agent) == {}
    with refused("InvalidInstanceId", f"Not existing InstanceId {agent.instance_id}"):
        agent.token()


@documented("API DeregisterManagedInstance, InvalidInstanceId")
def test_only_what_is_registered_is_deregistered(member: Account) -> None:
    """DeregisterManagedInstance of an unknown node is an InvalidInstanceId."""
    with refused("InvalidInstanceId"):
        member.client("ssm").deregister_managed_instance(InstanceId="mi-00000000000000000")
