"""Control channels: a second way to a node, which takes over from its polls and gives back to them."""

import json
import uuid

import pytest
from commands.harness import ACCOUNT, REGION, Harness

from localorg.fleet.channel import Channel
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.node.agent_message import AgentMessage, unpacked
from localorg.protocol.calls import Wait


class Connected:
    """A node whose agent has opened its control channel."""

    def __init__(self, local: Harness, number: int = 1) -> None:
        self.local = local
        self.node = local.node(number, online=False)
        self.channel = self.open()

    def open(self) -> Channel:
        asked = {"ChannelId": self.node.instance_id, "MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4())}
        token = self.node.call("ssmmessages", "CreateControlChannel", **asked)["TokenValue"]
        self.node.call("ssmmessages", "OpenControlChannel", ChannelId=self.node.instance_id, role="subscribe", stream="input")
        return self.local.fleet.open_channel(self.node.principal, REGION, token)

    def jobs(self):
        """What is to be sent to the node now."""
        self.local.pass_time(0)
        return [json.loads(unpacked(frame).payload) for frame in self.channel.take()]

    def say(self, kind, **content):
        """Send a frame; return its id and the answers."""
        identity = str(uuid.uuid4())
        frame = AgentMessage(kind, identity, 1, json.dumps(content).encode()).packed()
        answers = self.channel.hear(frame)
        self.local.pass_time(0)
        return identity, [(unpacked(answer).kind, json.loads(unpacked(answer).payload)) for answer in answers]

    def reply(self, job, status, **steps):
        body = {"documentStatus": status, "documentTraceOutput": "", "runtimeStatus": steps or None}
        return self.say(
            "agent_job_reply", schemaVersion=1, jobId=job["JobId"], content=json.dumps(body), topic="aws.ssm.sendCommand"
        )

    def online(self):
        return self.local.call("DescribeInstanceInformation")["InstanceInformationList"][0]["PingStatus"] == "Online"


def test_a_command_goes_and_comes_over_the_channel():
    """Observed: agent_job carries the payload of a poll; its acknowledgement begins the command, its replies end it."""
    local = Harness()
    agent = Connected(local)
    command = local.send(InstanceIds=[agent.node.instance_id])
    (job,) = agent.jobs()
    message_id = f"aws.ssm.{command}.{agent.node.instance_id}"
    assert {key: job[key] for key in ("SchemaVersion", "JobId", "Topic")} == {
        "SchemaVersion": 1,
        "JobId": message_id,
        "Topic": f"aws.ssm.sendCommand.{REGION}",
    }
    assert json.loads(job["Content"])["Parameters"]["commands"] == ["echo hi"]
    assert agent.say("agent_job_ack", jobId=message_id, acknowledgedMessageId="x", statusCode="200")[1] == []
    assert local.details(command) == {agent.node.instance_id: "InProgress"}
    identity, answers = agent.reply(job, "Success", **{"aws:runShellScript": {"status": "Success", "code": 0}})
    assert answers == [("agent_job_reply_ack", {"jobId": message_id, "acknowledgedMessageId": identity})]
    assert local.details(command) == {agent.node.instance_id: "Success"}
    agent.reply(job, "InProgress")
    assert local.details(command) == {agent.node.instance_id: "Success"}


def test_while_a_channel_is_open_polls_bring_nothing():
    """Observed: agents go on polling for a minute after the channel opened; assumed: nothing is delivered twice meanwhile."""
    local = Harness()
    agent = Connected(local)
    local.send(InstanceIds=[agent.node.instance_id])
    local.pass_time(0)
    poll = {"Destination": agent.node.instance_id, "MessagesRequestId": "0" * 36, "VisibilityTimeoutInSeconds": 10}
    with pytest.raises(Wait):
        agent.node.call("ec2messages", "GetMessages", **poll)
    assert len(agent.jobs()) == 1
    agent.channel.close()
    with pytest.raises(Wait):
        agent.node.call("ec2messages", "GetMessages", **poll)
    local.pass_time(10)
    assert len(agent.node.call("ec2messages", "GetMessages", **poll)["Messages"]) == 1


def test_a_busy_agent_is_asked_again_and_an_unwilling_one_fails_the_command():
    """Observed: 51402 is a full buffer, 51406 an invalid document; 51405 says that the command is known from before."""
    local = Harness()
    agent = Connected(local)
    command = local.send(InstanceIds=[agent.node.instance_id])
    (job,) = agent.jobs()
    agent.say("agent_job_ack", jobId=job["JobId"], statusCode="51402", errorMessage="ProcessorBufferFull")
    assert agent.jobs() == []
    local.pass_time(10)
    assert agent.jobs() == [job]
    agent.say("agent_job_ack", jobId=job["JobId"], statusCode="51406", errorMessage="InvalidDocument")
    assert local.details(command) == {agent.node.instance_id: "Failed"}
    second = local.send(InstanceIds=[agent.node.instance_id])
    (job,) = agent.jobs()
    agent.say("agent_job_ack", jobId=job["JobId"], statusCode="51405", errorMessage="DuplicateCommand")
    local.pass_time(60)
    assert agent.jobs() == []
    assert local.details(second) == {agent.node.instance_id: "InProgress"}


def test_a_node_is_online_while_its_channel_is_open_and_lost_when_it_closes():
    """Assumed: an open channel is presence enough; a broken one ends it at once, until the node speaks again."""
    local = Harness()
    agent = Connected(local)
    local.pass_time(24 * 3600)
    assert agent.online()
    agent.channel.close()
    assert not agent.online()
    agent.node.call("ssm", "UpdateInstanceInformation", InstanceId=agent.node.instance_id)
    assert agent.online()


def test_a_new_channel_takes_the_place_of_the_old_one():
    """Assumed: an agent that reconnects is spoken to over its new channel; the end of the old one means nothing."""
    local = Harness()
    agent = Connected(local)
    old, agent.channel = agent.channel, agent.open()
    assert (old.is_current, agent.channel.is_current) == (False, True)
    old.close()
    assert agent.online()


def test_a_token_opens_one_channel_of_its_own_node():
    """Assumed: a token is used once, and only by the node that asked for it."""
    local = Harness()
    one, other = Connected(local, 1), Connected(local, 2)
    with pytest.raises(AccessDenied, match="token of the control channel"):
        local.fleet.open_channel(one.node.principal, REGION, "")
    with pytest.raises(AccessDenied, match=f"speaks for {one.node.instance_id}, not for {other.node.instance_id}"):
        one.node.call(
            "ssmmessages",
            "CreateControlChannel",
            ChannelId=other.node.instance_id,
            MessageSchemaVersion="1.0",
            RequestId="0" * 36,
        )


def test_a_node_cannot_speak_of_anothers_job():
    """A frame about a message of another node is refused."""
    local = Harness()
    one, other = Connected(local, 1), Connected(local, 2)
    command = local.send(InstanceIds=[other.node.instance_id])
    (job,) = other.jobs()
    with pytest.raises(AccessDenied, match="which is not its own"):
        one.reply(job, "Success")
    assert local.details(command) == {other.node.instance_id: "Pending"}


@pytest.mark.parametrize("payload", [b"no json", b"[]"])
def test_a_frame_that_cannot_be_used_says_why(payload):
    """What is no JSON object is refused; kinds that nobody knows are passed over."""
    local = Harness()
    agent = Connected(local)
    with pytest.raises(AwsError, match="The payload of agent_job_ack"):
        agent.channel.hear(AgentMessage("agent_job_ack", str(uuid.uuid4()), 1, payload).packed())
    assert agent.say("agent_telemetry", anything=1)[1] == []


def test_a_deregistered_node_loses_its_channel():
    """Documented: DeregisterManagedInstance ends the management of a node."""
    local = Harness()
    agent = Connected(local)
    (node,) = local.fleet.nodes(ACCOUNT, REGION)
    local.fleet._registry.forget(node)
    assert not agent.channel.is_current
