"""Messages to nodes: one node never touches another's, delivery is repeated until it is settled, presence follows contact."""

import json

import pytest
from commands.harness import ACCOUNT, ADMIN, REGION, Harness
from fleet.scripted_node import Script

from localorg.fleet.records import Message, NodeSeed
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import ApiCall, Principal, Wait

ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/NodeRole"


def poll(node):
    return node.call("ec2messages", "GetMessages", Destination=node.instance_id, MessagesRequestId="0" * 36)


def online(local, node):
    wanted = [{"Key": "InstanceIds", "Values": [node.instance_id]}]
    return local.call("DescribeInstanceInformation", Filters=wanted)["InstanceInformationList"][0]["PingStatus"]


def test_a_poll_with_nothing_to_say_is_held_open():
    """Observed: the agent's poll is answered within 20 s; an empty answer has no messages."""
    local = Harness()
    node = local.node(1, online=False)
    with pytest.raises(Wait) as nothing_yet:
        poll(node)
    assert (nothing_yet.value.topic, nothing_yet.value.timeout_s) == (f"messages.{node.instance_id}", 15.0)
    assert nothing_yet.value.otherwise["Messages"] == []


def test_what_is_handed_out_is_hidden_until_its_visibility_ends():
    """Observed: VisibilityTimeoutInSeconds 10; a settled message is never delivered again."""
    local = Harness()
    node = local.node(1, online=False)
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(0)
    message = poll(node)["Messages"][0]
    with pytest.raises(Wait):
        poll(node)
    local.pass_time(10)
    assert local.details(command) == {node.instance_id: "Delayed"}
    assert poll(node)["Messages"] == [message]
    node.call("ec2messages", "AcknowledgeMessage", MessageId=message["MessageId"])
    local.pass_time(60)
    assert local.details(command) == {node.instance_id: "InProgress"}
    with pytest.raises(Wait):
        poll(node)


@pytest.mark.parametrize("how", ["acknowledge", "terminal reply", "fail", "delete"])
def test_what_settles_a_message(how):
    """Observed: redelivery stops on Ack, on a terminal reply without Ack, and on FailMessage; DeleteMessage assumed."""
    local = Harness()
    node = local.node(1, online=False)
    local.send(InstanceIds=[node.instance_id])
    local.pass_time(0)
    message_id = poll(node)["Messages"][0]["MessageId"]
    match how:
        case "acknowledge":
            node.call("ec2messages", "AcknowledgeMessage", MessageId=message_id)
        case "terminal reply":
            node.reply(message_id, "Failed")
        case "fail":
            node.call("ec2messages", "FailMessage", MessageId=message_id, FailureType="InternalHandlerException")
        case "delete":
            node.call("ec2messages", "DeleteMessage", MessageId=message_id)
    local.pass_time(60)
    with pytest.raises(Wait):
        poll(node)


def test_a_node_speaks_for_itself_only():
    """Documented: a node's credentials are its own session; that others are refused is assumed."""
    local = Harness()
    one, other = local.node(1, online=False), local.node(2, online=False)
    local.send(InstanceIds=[other.instance_id])
    local.pass_time(0)
    message_id = poll(other)["Messages"][0]["MessageId"]
    with pytest.raises(AccessDenied, match=f"speaks for {one.instance_id}, not for {other.instance_id}"):
        one.call("ec2messages", "GetMessages", Destination=other.instance_id, MessagesRequestId="0" * 36)
    with pytest.raises(AccessDenied, match=f"speaks for {one.instance_id}, not for {other.instance_id}"):
        one.call("ssm", "UpdateInstanceInformation", InstanceId=other.instance_id)
    with pytest.raises(AccessDenied, match="is not its own"):
        one.reply(message_id, "Success")


@pytest.mark.parametrize(
    "principal",
    [
        ADMIN,
        Principal("role", ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/NodeRole/me", role_arn=ROLE_ARN),
        Principal(
            "role",
            ACCOUNT,
            f"arn:aws:sts::{ACCOUNT}:assumed-role/Other/i-00000000000000001",
            role_arn=f"arn:aws:iam::{ACCOUNT}:role/Other",
        ),
        Principal(
            "role",
            "333333333333",
            "arn:aws:sts::333333333333:assumed-role/NodeRole/i-00000000000000001",
            role_arn="arn:aws:iam::333333333333:role/NodeRole",
        ),
    ],
    ids=["a person", "another session name", "another role", "another account"],
)
def test_nobody_else_speaks_for_a_node(principal):
    """Assumed: AWS binds the agent's calls to the instance; the words are localorg's."""
    local = Harness()
    node = local.node(1, online=False)
    params = {"Destination": node.instance_id, "MessagesRequestId": "0" * 36}
    with pytest.raises(AccessDenied, match="is not the session of a managed node in"):
        local.gateway.attempt(ApiCall(principal, REGION, "ec2messages", "GetMessages", params))


def test_presence_follows_contact_and_coming_back_is_a_fact():
    """Assumed: ConnectionLost after 300 s of silence; AWS does not say how long it waits."""
    local = Harness()
    node = local.node(1, online=False)
    assert online(local, node) == "ConnectionLost"
    node.start()
    local.pass_time(1000)
    assert online(local, node) == "Online"
    node.stop()
    local.pass_time(280)
    assert online(local, node) == "Online"
    local.pass_time(30)
    assert online(local, node) == "ConnectionLost"
    node.start()
    local.pass_time(1)
    assert [fact["topic"] for fact in local.facts] == ["node.online", "node.online"]


def test_late_words_about_a_forgotten_message_are_taken_politely():
    """Observed: the agent keeps refused replies on disk and repeats them for two hours."""
    local = Harness()
    node = local.node(1)
    command = local.send(InstanceIds=[node.instance_id])
    local.pass_time(3 * 3600)
    assert local.store.table("fleet.message", Message).values() == []
    node.reply(f"aws.ssm.{command}.{node.instance_id}", "Failed")
    local.pass_time(1)
    assert local.details(command) == {node.instance_id: "Success"}


def test_a_step_that_comes_after_the_end_is_kept():
    """Observed: InProgress replies with a step's result may follow the terminal reply."""
    local = Harness()
    node = local.node(1)
    node.script = lambda _: Script(duration_s=1e9)
    command = local.send("AWS-ConfigureAWSPackage", InstanceIds=[node.instance_id])
    local.pass_time(1)
    message_id = f"aws.ssm.{command}.{node.instance_id}"
    node.reply(message_id, "Success", [])
    node.call(
        "ec2messages",
        "SendReply",
        MessageId=message_id,
        ReplyId="0" * 36,
        Payload=json.dumps(
            {"documentStatus": "InProgress", "runtimeStatus": {"configurePackage": {"status": "Success", "standardOutput": "x"}}}
        ),
    )
    local.pass_time(1)
    assert local.invocation(command, node, PluginName="configurePackage")["StandardOutputContent"] == "x"
    assert local.details(command) == {node.instance_id: "Success"}


def test_what_an_agent_asks_on_its_way_to_a_package():
    """Observed: GetManifest must be ResourceNotFoundException; the result of the package is taken."""
    local = Harness()
    node = local.node(1)
    with pytest.raises(AwsError, match="ResourceNotFoundException: There is no manifest of Agent"):
        node.call("ssm", "GetManifest", PackageName="Agent", PackageVersion="latest")
    result = {"PackageName": "Agent", "PackageVersion": "1.0", "Operation": "Install", "Result": 0, "OverallTiming": 12}
    assert node.call("ssm", "PutConfigurePackageResult", **result, Attributes={"instanceID": node.instance_id}) == {}
    with pytest.raises(AccessDenied):
        node.call("ssm", "PutConfigurePackageResult", **result, Attributes={"instanceID": "i-00000000000000002"})
    endpoint = node.call("ec2messages", "GetEndpoint", Destination=node.instance_id, Protocol="ec2messages")
    assert endpoint["Endpoint"]["Endpoint"] == "http://127.0.0.1:4599"


def test_registering_again_changes_nothing():
    """Assumed: localorg's own promise: a second start of the same spec keeps what agents reported."""
    local = Harness()
    node = local.node(1)
    node.call("ssm", "UpdateInstanceInformation", InstanceId=node.instance_id, ComputerName="renamed", PlatformName="")
    seed = NodeSeed(node.instance_id, ACCOUNT, REGION, "other", "10.9.9.9", "Linux", "Ubuntu", "22.04", "NodeRole")
    local.fleet.register(seed)
    kept = local.fleet.nodes(ACCOUNT, REGION)[0]
    assert (kept.computer_name, kept.ip_address, kept.platform_name) == ("renamed", "10.0.0.1", "Ubuntu")
