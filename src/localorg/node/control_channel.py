"""The agent's end of its control channel: jobs come over it, replies go over it, and while it is open nothing is polled.

Flow: `run_for_ever`: open -> `Line.serve`: agent_job -> the agent -> agent_job_ack; `message` (the outbox, in its own thread) ->
agent_job_reply -> waits for agent_job_reply_ack -> the line breaks, or the node goes offline -> polls again, a pause that doubles, open.
Rules: one thread does everything with the socket; others put frames into the line and wake it. A reply without its acknowledgement is
`Unreachable` for the outbox, which keeps it on disk and sends it again, over whichever way is open then.
DEVIATES: the stock agent goes on polling for a minute after its channel has opened, polls again only when a channel is denied, and lets up
to 40 minutes pass between tries. Here polls begin again with every break, and tries are 15 s apart at most, so that no command waits for
the next channel.
"""

import contextlib
import json
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol

from localorg.node.agent_message import AgentMessage, BadFrameError, unpacked
from localorg.node.calls import CallRefusedError, Unreachable
from localorg.node.outbox import BACKOFF_FIRST_S, BACKOFF_MAX_S, Messages
from localorg.node.websocket import WebSocket

PING_EVERY_S = 54.0
SILENCE_MAX_S = 60.0
"""AWS: the stock agent pings each 54 s, and gives the channel up when nothing has come for 60 s after that."""
ACKNOWLEDGED_WITHIN_S = 15.0
CHUNK_OF_WAKES = 4096
REPLY_TOPIC = "aws.ssm.sendCommand"


class Heard(Enum):
    """What the agent makes of a message that has come."""

    TAKEN = "taken"
    KNOWN = "known from before"
    UNREADABLE = "unreadable"
    STRANGE = "of a topic that nobody knows"


STATUS = {
    Heard.TAKEN: ("200", "Successful"),
    Heard.KNOWN: ("51405", "DuplicateCommand"),
    Heard.UNREADABLE: ("51408", "AgentJobMessageParseError"),
    Heard.STRANGE: ("51408", "AgentJobMessageParseError"),
}
"""AWS: amazon-ssm-agent, mgsinteractor: the status and the words of an agent_job_ack."""

Acknowledge = Callable[[Heard], None]
HearJob = Callable[[Mapping[str, Any], Acknowledge], None]
"""(a message as a poll would have brought it, how to acknowledge it) -> the agent acts on it, and acknowledges before it begins."""


class Opener(Protocol):
    """Whoever opens websockets that have told their token."""

    def open(self) -> WebSocket:
        """Return an open control channel. Raises CallRefusedError, Unreachable."""
        ...


class Line:
    """One open channel, until it breaks. `wake` and `deliver` are for other threads, the rest for the one that serves."""

    def __init__(self, socket: WebSocket, log: Callable[[str], None]) -> None:
        self._socket = socket
        self._log = log
        self._out: deque[bytes] = deque()
        self._unanswered: dict[str, Future[None]] = {}
        self._guard = threading.Lock()
        self._is_over = False
        self._woken, self._wake = os.pipe()
        for descriptor in (self._woken, self._wake):
            os.set_blocking(descriptor, False)

    def wake(self) -> None:
        """Let the serving thread look up."""
        with self._guard, contextlib.suppress(BlockingIOError):
            if not self._is_over:
                os.write(self._wake, b"x")

    def deliver(self, frame: AgentMessage) -> None:
        """Send a frame and wait for its acknowledgement. Raises Unreachable."""
        answered: Future[None] = Future()
        with self._guard:
            if self._is_over:
                raise Unreachable("the control channel has just broken")
            self._unanswered[frame.message_id] = answered
            self._out.append(frame.packed())
        self.wake()
        try:
            answered.result(ACKNOWLEDGED_WITHIN_S)
        except TimeoutError as error:
            raise Unreachable(f"nobody acknowledged {frame.kind} within {ACKNOWLEDGED_WITHIN_S:.0f} s") from error
        finally:
            with self._guard:
                self._unanswered.pop(frame.message_id, None)

    def serve(self, online: threading.Event, hear: HearJob, ping_every_s: float) -> None:
        """Send and hear until the channel breaks or the node goes offline. Raises Unreachable, always."""
        ping_at = time.monotonic() + ping_every_s
        while online.is_set():
            self._socket.wait(self._woken, ping_at - time.monotonic())
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, CHUNK_OF_WAKES)
            for data in self._socket.received():
                self._take(data, hear)
            while self._out:
                self._socket.send_bytes(self._out.popleft())
            if time.monotonic() >= ping_at:
                if time.monotonic() - self._socket.heard_at > ping_every_s + SILENCE_MAX_S:
                    raise Unreachable("the control channel is silent")
                self._socket.ping()
                ping_at = time.monotonic() + ping_every_s
        raise Unreachable("the node is offline")

    def end(self) -> None:
        """Let everybody go who waits for an acknowledgement."""
        with self._guard:
            self._is_over = True
            waiting = list(self._unanswered.values())
            os.close(self._woken)
            os.close(self._wake)
        for answered in waiting:
            if not answered.done():
                answered.set_exception(Unreachable("the control channel broke before the acknowledgement"))

    def _take(self, data: bytes, hear: HearJob) -> None:
        try:
            frame = unpacked(data)
            content = json.loads(frame.payload)
            if frame.kind == "agent_job":
                job = {"MessageId": content["JobId"], "Topic": content.get("Topic"), "Payload": content.get("Content")}
                hear(job, lambda heard: self._acknowledge(frame, str(content["JobId"]), heard))
            elif frame.kind == "agent_job_reply_ack":
                self._answered(str(content.get("acknowledgedMessageId", "")))
        except (BadFrameError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._log(f"a frame of the control channel cannot be used: {type(error).__name__} {error}")

    def _acknowledge(self, frame: AgentMessage, job_id: str, heard: Heard) -> None:
        status, words = STATUS[heard]
        content = {
            "jobId": job_id,
            "acknowledgedMessageId": frame.message_id,
            "createdDate": datetime.fromtimestamp(frame.created_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "statusCode": status,
            "errorMessage": words,
        }
        self._socket.send_bytes(_frame("agent_job_ack", str(uuid.uuid4()), content).packed())

    def _answered(self, message_id: str) -> None:
        with self._guard:
            answered = self._unanswered.get(message_id)
        if answered is not None and not answered.done():
            answered.set_result(None)


def _frame(kind: str, message_id: str, content: Mapping[str, Any]) -> AgentMessage:
    return AgentMessage(kind, message_id, int(time.time() * 1000), json.dumps(content).encode())


@dataclass
class ControlChannel:
    """The control channel of one agent, and `calls` for what is told while none is open."""

    gateway: Opener
    calls: Messages
    online: threading.Event
    hear: HearJob
    log: Callable[[str], None]
    ping_every_s: float = PING_EVERY_S
    pause_first_s: float = BACKOFF_FIRST_S
    closed: threading.Event = field(default_factory=threading.Event)
    """Set while the agent has to poll: not before the first try to open a channel has failed."""
    _tried: threading.Event = field(default_factory=threading.Event)
    """Set once the first try is over: what is left from before is told over the channel if there is one."""
    _line: Line | None = None

    @property
    def is_open(self) -> bool:
        """Say whether a channel is open."""
        return self._line is not None

    def wake(self) -> None:
        """Notice at once that the node went offline."""
        if (line := self._line) is not None:
            line.wake()

    def run_for_ever(self) -> None:
        """Keep a channel open while the node is online. The body of the channel's thread."""
        pause = self.pause_first_s
        while True:
            self.online.wait()
            was_open = False
            try:
                with self.gateway.open() as socket:
                    was_open = True
                    self._serve(socket)
            except (Unreachable, CallRefusedError) as error:
                self.log(f"no control channel: {error}")
            if self.online.is_set():  # a node that goes offline is silent, and tries a channel first when it is back
                self.closed.set()
            self._tried.set()
            pause = self.pause_first_s if was_open else min(pause * 2, BACKOFF_MAX_S)
            time.sleep(pause)

    def message(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Tell something to the message delivery service, or over the open channel. Raises CallRefusedError, Unreachable."""
        self._tried.wait()
        line = self._line
        if line is None or operation != "SendReply":
            return self.calls.message(operation, parameters)
        content = {
            "schemaVersion": 1,
            "jobId": parameters["MessageId"],
            "content": parameters["Payload"],
            "topic": REPLY_TOPIC,
        }
        line.deliver(_frame("agent_job_reply", str(parameters["ReplyId"]), content))
        return {}

    def _serve(self, socket: WebSocket) -> None:
        line = Line(socket, self.log)
        self._line = line
        self.closed.clear()
        self._tried.set()
        self.log("the control channel is open")
        try:
            line.serve(self.online, self.hear, self.ping_every_s)
        finally:
            self._line = None
            line.end()
