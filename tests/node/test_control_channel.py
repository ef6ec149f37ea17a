"""Our agent over a control channel: a real node host against a small message gateway, beside a small control plane to fall back to."""

import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from wsproto.events import BytesMessage, Ping

from localorg.node.agent_message import AgentMessage
from localorg.node.calls import NodeIdentity
from localorg.node.control_channel import ControlChannel
from localorg.node.message_gateway import GatewayAddress, MessageGateway
from localorg.server import tls
from node.control_plane import ControlPlane, shell_document
from node.message_gateway import TOKEN, Gateway
from node.running import HostProcess, host, node_entry

ONE = "i-0ccc11112222"


def payload(command_id: str, *lines: str) -> dict[str, Any]:
    return {"Parameters": {}, "DocumentContent": shell_document(*lines), "CommandId": command_id}


@dataclass
class World:
    """A node without a sandbox, its message gateway and its control plane."""

    plane: ControlPlane
    gateway: Gateway
    host: HostProcess
    folder: Path

    def polls(self) -> int:
        return sum(name == "GetMessages" for name, _ in self.plane.calls)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A node that keeps a control channel."""
    entry = {**node_entry(ONE), "channel": "control-channel"}
    with ControlPlane() as plane, Gateway(tmp_path / "tls") as gateway:
        settings = {"isolation": "none", "message_gateway": gateway.as_config()}
        with host(plane, tmp_path / "state", [entry], **settings) as running:
            yield World(plane, gateway, running, tmp_path)


def test_a_command_over_the_channel(world: World) -> None:
    """Observed: token first, the job acknowledged, then InProgress, the step, the end; nothing is polled meanwhile."""
    world.gateway.line()
    (hello,) = world.gateway.hellos
    expected = {"Cookie": None, "MessageSchemaVersion": "1.0", "TokenValue": TOKEN, "AgentVersion": "3.3.0.0"}
    assert expected.items() <= hello.items()
    frame = world.gateway.job("aws.ssm.c-1." + ONE, payload("c-1", "echo hello"))
    assert world.gateway.acknowledgement(frame) == ("200", "Successful")
    assert world.gateway.statuses("aws.ssm.c-1." + ONE, "Success") == ["InProgress", "InProgress", "Success"]
    assert [kind for kind, _, _ in world.gateway.frames][:2] == ["agent_job_ack", "agent_job_reply"]
    assert world.gateway.replies("aws.ssm.c-1." + ONE)[-1]["runtimeStatus"]["shell"]["standardOutput"] == "hello\n"
    _, _, reply = world.gateway.frames[-1]
    assert {"schemaVersion": 1, "topic": "aws.ssm.sendCommand"}.items() <= reply.items()
    assert world.polls() == 0


def test_a_known_job_is_not_run_again_whichever_way_it_comes(world: World) -> None:
    """Observed: DuplicateCommand over the channel; InProgress and an acknowledgement over a poll."""
    runs = world.folder / "runs"
    job, content = f"aws.ssm.c-2.{ONE}", payload("c-2", f"echo x >>{runs}")
    world.gateway.job(job, content)
    world.gateway.statuses(job, "Success")
    assert world.gateway.acknowledgement(world.gateway.job(job, content)) == ("51405", "DuplicateCommand")
    world.gateway.refusal = "AccessDeniedException"
    world.gateway.line().drop()
    world.plane.deliver(ONE, "aws.ssm.sendCommand.eu-west-1", content, job)
    world.plane.wait_for(lambda: ("AcknowledgeMessage", {"MessageId": job}) in world.plane.calls, "the acknowledgement")
    assert runs.read_text() == "x\n"


def test_a_cancel_over_the_channel(world: World) -> None:
    """Observed: the cancel is acknowledged and begun, the command ends as Cancelled with code 137."""
    job, cancel = f"aws.ssm.c-3.{ONE}", f"aws.ssm.c-4.{ONE}"
    world.gateway.job(job, payload("c-3", "sleep 600"))
    world.gateway.statuses(job, "InProgress")
    frame = world.gateway.job(cancel, {"CancelMessageId": job}, "aws.ssm.cancelCommand.eu-west-1")
    assert world.gateway.acknowledgement(frame) == ("200", "Successful")
    assert world.gateway.statuses(job, "Cancelled")[-1] == "Cancelled"
    assert world.gateway.statuses(cancel, "InProgress") == ["InProgress"]


def test_a_reply_that_nobody_acknowledges_is_told_again(world: World) -> None:
    """Observed: unacknowledged replies are kept on disk; here they go over whichever way is open next, under the same id."""
    world.gateway.acknowledges = False
    job = f"aws.ssm.c-5.{ONE}"
    world.gateway.job(job, payload("c-5", "echo kept"))
    world.gateway.statuses(job, "InProgress")
    (first,) = [identity for kind, identity, _ in world.gateway.frames if kind == "agent_job_reply"]
    world.gateway.refusal = "AccessDeniedException"
    world.gateway.line().drop()
    assert world.plane.outcome(job).status == "Success"
    told = [call["ReplyId"] for name, call in world.plane.calls if name == "SendReply" and call["MessageId"] == job]
    assert told[0] == first


def test_a_denied_channel_leaves_polls_and_is_tried_again(tmp_path: Path) -> None:
    """Observed: AccessDenied on CreateControlChannel leaves polling; assumed: an agent tries again with pauses that double."""
    entry = {**node_entry(ONE), "channel": "control-channel"}
    with ControlPlane() as plane, Gateway(tmp_path / "tls") as gateway:
        gateway.refusal = "AccessDeniedException"
        settings = {"isolation": "none", "message_gateway": gateway.as_config()}
        with host(plane, tmp_path / "state", [entry], **settings):
            assert plane.shell(ONE, "echo polled").out == "polled\n"
            gateway.wait_for(lambda: gateway.refused >= 2, "a second try")
            gateway.refusal = ""
            job = f"aws.ssm.c-6.{ONE}"
            gateway.job(job, payload("c-6", "echo again"))
            gateway.statuses(job, "Success")


def test_a_gateway_of_another_authority_is_not_trusted(tmp_path: Path) -> None:
    """Whoever cannot prove that it is the gateway hears nothing; the node polls."""
    other = tls.prepare(tmp_path / "other").authority
    entry = {**node_entry(ONE), "channel": "control-channel"}
    with ControlPlane() as plane, Gateway(tmp_path / "tls") as gateway:
        settings = {"isolation": "none", "message_gateway": {**gateway.as_config(), "authority": str(other)}}
        with host(plane, tmp_path / "state", [entry], **settings):
            assert plane.shell(ONE, "echo polled").out == "polled\n"
        assert gateway.hellos == []


def test_what_cannot_be_used(world: World) -> None:
    """Observed: 51408 for a job that cannot be parsed, and its command fails; a frame that is none is passed over."""
    job = f"aws.ssm.c-7.{ONE}"
    assert world.gateway.acknowledgement(world.gateway.job(job, "{no json")) == ("51408", "AgentJobMessageParseError")
    world.gateway.statuses(job, "Failed")
    assert world.gateway.replies(job)[0]["documentTraceOutput"].startswith("the message cannot be read: ")
    strange = world.gateway.job(f"aws.ssm.c-8.{ONE}", {}, "aws.ssm.dance.eu-west-1")
    assert world.gateway.acknowledgement(strange) == ("51408", "AgentJobMessageParseError")
    for content in ([], "text", {"JobId": 1}):
        world.gateway.send("agent_job", content)
    world.gateway.send("agent_dance", {})
    assert world.gateway.acknowledgement(world.gateway.job(f"aws.ssm.c-9.{ONE}", payload("c-9", "true")))[0] == "200"


def test_a_node_that_goes_offline_lets_its_channel_go(world: World) -> None:
    """The channel is presence: it ends with the order to be silent, and another opens with the order to talk."""
    world.gateway.line()
    world.host.tell(op="set_online", instance_id=ONE, online=False)
    world.gateway.wait_for(lambda: world.gateway.closed, "the end of the channel")
    world.host.tell(op="set_online", instance_id=ONE, online=True)
    job = f"aws.ssm.c-10.{ONE}"
    world.gateway.wait_for(lambda: len(world.gateway.hellos) == 2, "another channel")
    world.gateway.job(job, payload("c-10", "echo back"))
    world.gateway.statuses(job, "Success")


def test_what_a_dead_agent_left_is_told_over_its_next_channel(world: World) -> None:
    """A document that the end of the agent cut off is reported as failed."""
    job = f"aws.ssm.c-11.{ONE}"
    world.gateway.job(job, payload("c-11", "sleep 600"))
    world.gateway.statuses(job, "InProgress")
    world.host.tell(op="stop", instance_id=ONE)
    world.host.wait("node-died", ONE)
    entry = {**node_entry(ONE), "channel": "control-channel"}
    world.host.tell(op="add", node=entry)
    assert "Failed" in world.gateway.statuses(job, "Failed")


def test_a_channel_needs_a_gateway(tmp_path: Path) -> None:
    """A node that is added with a channel to a host that knows no gateway is refused in one sentence."""
    with ControlPlane() as plane, host(plane, tmp_path / "state", [], isolation="none") as running:
        running.tell(op="add", node={**node_entry(ONE), "channel": "control-channel"})
        assert "a control-channel needs the host's message_gateway" in json.dumps(running.wait("failed"))


def test_both_sides_ping(tmp_path: Path) -> None:
    """Observed: the agent pings (each 54 s; here without waiting so long), and answers pings."""
    with Gateway(tmp_path / "tls") as gateway:
        keys = Credentials("ASIA", "key", "token")

        def sign(service: str, request: AWSRequest) -> dict[str, str]:
            SigV4Auth(keys, service, "eu-west-1").add_auth(request)
            return dict(request.headers.items())

        address = GatewayAddress(gateway.endpoint, gateway.authority.read_text())
        identity = NodeIdentity(ONE, "111122223333", "eu-west-1", "", "")
        opener = MessageGateway(address, identity, sign, lambda: None)
        online = threading.Event()
        online.set()
        channel = ControlChannel(opener, Nobody(), online, lambda *_: None, lambda _: None, ping_every_s=0.01)
        threading.Thread(target=channel.run_for_ever, daemon=True).start()
        gateway.line().send(Ping())
        gateway.wait_for(lambda: gateway.pongs == 1 and gateway.pings >= 3, "pings and a pong")
        # Two parts of one message are one frame.
        frame = AgentMessage("agent_job", str(uuid.uuid4()), 1, b"{}").packed()
        gateway.line().send(BytesMessage(data=frame[:50], message_finished=False))
        gateway.line().send(BytesMessage(data=frame[50:]))
        online.clear()
        channel.wake()
        gateway.wait_for(lambda: gateway.closed, "the end of the channel")


class Nobody:
    """A message delivery service that is not called."""

    def message(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        raise AssertionError(operation)
