"""Control channels: what a node says and hears over its websocket, without the websocket.

Flow: CreateControlChannel -> a token -> OpenControlChannel -> `open` with that token -> `Channel`: the server sends what `take` gives, and
gives what it receives to `hear`, which returns what is to be sent back -> `close`.
Rules: while a node's channel is open its messages go over it and its polls are held; what was handed out and not acknowledged comes again
after its visibility time-out, over whichever way is open then. A newer channel takes the place of an older one.
Refuses to know: sockets; what a command is.
AWS agent: message gateway service (MGS), control channel.
"""

import hmac
import json
from dataclasses import dataclass
from typing import Any

from localorg.fleet import replies
from localorg.fleet.mailbox import Mailbox, topic
from localorg.fleet.ports import SecretSource
from localorg.fleet.records import Message, Node
from localorg.fleet.registry import Registry
from localorg.kernel import ids
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Kernel
from localorg.node.agent_message import AgentMessage, unpacked
from localorg.protocol.calls import Operation, Output, Request

SCHEMA = "1.0"
VISIBILITY_S = 10.0
TAKEN = frozenset({"200", "51405"})
"""What the agent acknowledges a job with when it has it: now, or from before."""
TRY_AGAIN = frozenset({"51401", "51402", "51499"})
"""The agent is closing, or busy: the job comes again."""


class Channels:
    """Opens control channels."""

    def __init__(self, kernel: Kernel, registry: Registry, mailbox: Mailbox, secret: SecretSource) -> None:
        self._kernel = kernel
        self._registry = registry
        self._mailbox = mailbox
        self._secret = secret
        self._tokens: dict[str, str] = {}
        """Node id -> the token of the channel that it may open: not kept, for a channel does not outlive the process either."""

    def operations(self) -> list[Operation]:
        """Return the operations of ssmmessages."""
        return [
            Operation("ssmmessages", "CreateControlChannel", self._create),
            Operation("ssmmessages", "OpenControlChannel", self._may_open),
        ]

    def open(self, node: Node, token: str) -> "Channel":
        """Return the channel that `token` was made for. Raises AccessDenied."""
        expected = self._tokens.get(node.instance_id, "")
        if not expected or not hmac.compare_digest(expected.encode(), token.encode()):
            raise AccessDenied(f"The token of the control channel of {node.instance_id} is not valid.")
        del self._tokens[node.instance_id]
        channel = Channel(self._kernel, self._registry, self._mailbox, node)
        self._registry.connect(node, channel)
        return channel

    def _create(self, request: Request) -> Output:
        node = self._speaker(request)
        self._tokens[node.instance_id] = self._secret(32)
        return {"MessageSchemaVersion": SCHEMA, "TokenValue": self._tokens[node.instance_id]}

    def _may_open(self, request: Request) -> Output:
        self._speaker(request)
        return {}

    def _speaker(self, request: Request) -> Node:
        node = self._registry.speaker(request.principal, request.region)
        if request.params["ChannelId"] != node.instance_id:
            raise AccessDenied(f"{request.principal.arn} speaks for {node.instance_id}, not for {request.params['ChannelId']}.")
        self._registry.contact(node)
        return node


@dataclass(eq=False)
class Channel:
    """One open control channel."""

    _kernel: Kernel
    _registry: Registry
    _mailbox: Mailbox
    _node: Node

    @property
    def topic(self) -> str:
        """What is announced when there is something to take, or when the channel is over."""
        return topic(self._node.instance_id)

    @property
    def is_current(self) -> bool:
        """Say whether the channel is still the one of its node."""
        return self._registry.channel(self._node) is self

    def take(self) -> list[bytes]:
        """Return the frames that are to be sent now."""
        node = self._node
        messages = self._mailbox.take(node.account, node.region, node.instance_id, VISIBILITY_S)
        return [self._frame("agent_job", _job(message)) for message in messages]

    def hear(self, data: bytes) -> list[bytes]:
        """Act on a frame of the node and return the frames that answer it. Raises BadFrameError, AwsError."""
        frame = unpacked(data)
        self._registry.contact(self._node)
        match frame.kind:
            case "agent_job_ack":
                self._acknowledged(_content(frame))
            case "agent_job_reply":
                return [self._replied(frame)]
            case _:
                # The agent also counts its own doings (agent_telemetry and the like); nobody asks for that here.
                pass
        return []

    def close(self) -> None:
        """The websocket is gone: messages go to polls again."""
        if self._registry.disconnect(self._node, self):
            self._kernel.announce(self.topic)

    def _acknowledged(self, content: dict[str, Any]) -> None:
        message = self._message(content)
        status = str(content.get("statusCode", ""))
        if message is None or status in TRY_AGAIN:
            return
        if status in TAKEN:
            self._mailbox.acknowledge(message)
        else:
            self._mailbox.fail(message, f"{content.get('errorMessage', '')} ({status})")

    def _replied(self, frame: AgentMessage) -> bytes:
        content = _content(frame)
        reply = replies.parse(str(content.get("content", "")))
        if (message := self._message(content)) is not None:
            self._mailbox.reply(message, reply)
        # AWS agent: a reply that is not acknowledged is kept and sent again, so one to a forgotten message is acknowledged too.
        return self._frame("agent_job_reply_ack", {"jobId": content["jobId"], "acknowledgedMessageId": frame.message_id})

    def _message(self, content: dict[str, Any]) -> Message | None:
        message_id, node = str(content.get("jobId", "")), self._node
        if message_id.rpartition(".")[2] != node.instance_id:
            raise AccessDenied(f"{node.instance_id} speaks of the job {message_id}, which is not its own.")
        return self._mailbox.find(node.account, node.region, node.instance_id, message_id)

    def _frame(self, kind: str, content: dict[str, Any]) -> bytes:
        now_ms = int(self._kernel.now() * 1000)
        return AgentMessage(kind, ids.uuid(self._kernel.dice), now_ms, json.dumps(content).encode()).packed()


def _job(message: Message) -> dict[str, Any]:
    return {"SchemaVersion": 1, "JobId": message.message_id, "Topic": message.topic, "Content": message.payload}


def _content(frame: AgentMessage) -> dict[str, Any]:
    try:
        content = json.loads(frame.payload)
    except ValueError as error:
        raise AwsError("ValidationException", f"The payload of {frame.kind} is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise AwsError("ValidationException", f"The payload of {frame.kind} must be an object.")
    return content
