"""The agent of one node: hears of commands, has them run, tells what became of them.

Flow: register (UpdateInstanceInformation) -> poll (GetMessages) -> reply InProgress, acknowledge, run in a worker thread -> replies
through the outbox. With a message gateway, messages come over a control channel instead, and replies go over it (`control_channel`).
Threads: one polls, one keeps the channel, one sends, one says that the node is healthy, one keeps associations, up to five run documents.
Rules: a command known from before is not run again, whichever way it comes, not even after a restart; one that was cut off by the death
of the agent is reported as failed. Unlike the stock agent nothing here sleeps at random (1-15 s before each package action): it would
only cost time.
Refuses to know: namespaces and mounts; `base` is simply where its files are.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localorg.node import results
from localorg.node.associations import Associations
from localorg.node.calls import CallRefusedError, Plane, Unreachable
from localorg.node.control_channel import Acknowledge, ControlChannel, Heard, Opener
from localorg.node.outbox import BACKOFF_FIRST_S, BACKOFF_MAX_S, Outbox
from localorg.node.processes import Cancel
from localorg.node.storing import Destination
from localorg.node.worker import DOCUMENTS_AT_ONCE_MAX, Command, Worker

HEALTH_INTERVAL_S = 300.0
VISIBILITY_TIMEOUT_S = 10
QUICK_ANSWER_S, QUICK_ANSWER_PAUSE_S = 1.0, 0.2
"""An empty answer that came at once: the server does not hold polls, so pause. The stock agent pauses for 2 s."""
CUT_OFF = "document process failed unexpectedly: the agent was stopped while the document ran"


Begin = Callable[[Callable[[], None]], object]
"""Runs a document, now or later, and returns at once."""


@dataclass(frozen=True)
class Presence:
    """What the agent tells of its node."""

    platform_name: str
    platform_version: str
    platform_type: str
    computer_name: str
    ip_address: str
    availability_zone: str


@dataclass
class Agent:
    """One running agent. `base` is /var/lib/amazon/ssm in the node's root."""

    plane: Plane
    worker: Worker
    presence: Presence
    base: Path
    log: Callable[[str], None]
    online: threading.Event = field(default_factory=threading.Event)
    now: Callable[[], float] = time.time
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    begin: Begin | None = None
    """None: each document in a thread of its own."""
    associations: Associations | None = None
    """Its association processor."""
    gateway: Opener | None = None
    """Where control channels are opened. None: the agent polls."""
    _cancels: dict[str, Cancel] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _hearing: threading.Lock = field(default_factory=threading.Lock)
    """A message may come by a late poll and over the channel in the same moment."""

    def __post_init__(self) -> None:
        own = self.base / self.plane.identity.instance_id
        self._current, self._completed = own / "document/state/current", own / "document/state/completed"
        for folder in (self._current, self._completed):
            folder.mkdir(parents=True, exist_ok=True)
        self.channel: ControlChannel | None = None
        if self.gateway is not None:
            self.channel = ControlChannel(self.gateway, self.plane, self.online, self.hear_job, self.log)
        self.outbox = Outbox(own / "replies", self.channel or self.plane, self.log, self.online, self.now)
        if self.begin is None:
            self.begin = ThreadPoolExecutor(DOCUMENTS_AT_ONCE_MAX, thread_name_prefix="document").submit

    def start(self) -> None:
        """Begin to work, in threads. An agent that is not online is silent until it is: the control plane knows its node already."""
        self.report_cut_off()
        bodies = [self.outbox.send_for_ever, self._poll_for_ever, self._stay_healthy]
        if self.channel is not None:
            bodies.append(self.channel.run_for_ever)
        for body in bodies:
            threading.Thread(target=body, name=body.__name__, daemon=True).start()
        if self.associations is not None:
            threading.Thread(target=self.associations.run_for_ever, args=[self.online], name="associations", daemon=True).start()

    def set_online(self, *, online: bool) -> None:
        """Let the agent talk, or be silent: then its control channel ends too."""
        if online:
            self.online.set()
            return
        self.online.clear()
        if self.channel is not None:
            self.channel.wake()

    def report_cut_off(self) -> None:
        """Tell of the documents that the agent's last death has cut off."""
        for path in self._current.iterdir():
            kept = json.loads(path.read_text())
            steps = [(name, plugin) for name, plugin in kept.get("steps", [])]
            self._reply(kept["message_id"], results.cut_off_reply(steps, CUT_OFF, self.now()))
            path.rename(self._completed / path.name)

    def register(self) -> None:
        """Tell who and what this node is. AWS: UpdateInstanceInformation, a private operation of the agent."""
        identity = self.plane.identity
        facts = {
            "AgentName": results.AGENT_NAME,
            "AgentStatus": "Active",
            "AgentVersion": results.AGENT_VERSION,
            "AvailabilityZone": self.presence.availability_zone,
            "AvailabilityZoneId": "",
            "ComputerName": self.presence.computer_name,
            "IPAddress": self.presence.ip_address,
            "InstanceId": identity.instance_id,
            "PlatformName": self.presence.platform_name,
            "PlatformType": self.presence.platform_type,
            "PlatformVersion": self.presence.platform_version,
            "SSMConnectionChannel": "ssmmessages" if self.channel is not None and self.channel.is_open else "ec2messages",
        }
        self.plane.call("UpdateInstanceInformation", facts)

    def _stay_healthy(self) -> None:
        pause = BACKOFF_FIRST_S
        while True:
            self.online.wait()
            try:
                self.register()
            except (Unreachable, CallRefusedError) as error:
                self.log(f"the control plane does not know of this node yet: {error}")
                time.sleep(pause)
                pause = min(pause * 2, BACKOFF_MAX_S)
                continue
            pause = BACKOFF_FIRST_S
            time.sleep(HEALTH_INTERVAL_S)

    def _poll_for_ever(self) -> None:
        pause = BACKOFF_FIRST_S
        while True:
            if self.channel is not None:
                self.channel.closed.wait()
            self.online.wait()
            asked = time.monotonic()
            try:
                heard = self.poll()
            except (Unreachable, CallRefusedError) as error:
                self.log(f"no messages: {error}")
                time.sleep(pause)
                pause = min(pause * 2, BACKOFF_MAX_S)
                continue
            pause = BACKOFF_FIRST_S
            if not heard and time.monotonic() - asked < QUICK_ANSWER_S:
                time.sleep(QUICK_ANSWER_PAUSE_S)

    def poll(self) -> int:
        """Ask for messages and act on them; returns how many there were. Raises Unreachable, CallRefusedError."""
        identity = self.plane.identity
        question = {
            "Destination": identity.instance_id,
            "MessagesRequestId": self.new_id(),
            "VisibilityTimeoutInSeconds": VISIBILITY_TIMEOUT_S,
        }
        messages = self.plane.message("GetMessages", question).get("Messages") or []
        if not self.online.is_set():
            return 0  # went offline while it waited: the server will deliver again
        for message in messages:
            self.hear(message)
        return len(messages)

    def hear(self, message: Mapping[str, Any]) -> None:
        """Act on a message that a poll has brought."""
        message_id = str(message["MessageId"])

        def acknowledge(heard: Heard) -> None:
            if heard in {Heard.TAKEN, Heard.KNOWN}:
                self._reply(message_id, results.begun_reply(self.now()))
                self.outbox.put("AcknowledgeMessage", {"MessageId": message_id})
            elif heard is Heard.STRANGE:
                self.outbox.put("FailMessage", {"FailureType": "InternalHandlerException", "MessageId": message_id})

        self._hear(message, acknowledge)

    def hear_job(self, message: Mapping[str, Any], acknowledge: Acknowledge) -> None:
        """Act on a message that came over the control channel."""

        def acknowledge_and_tell(heard: Heard) -> None:
            acknowledge(heard)
            if heard is Heard.TAKEN:
                # AWS: over a control channel InProgress follows the acknowledgement, and a job known from before is only acknowledged.
                self._reply(str(message["MessageId"]), results.begun_reply(self.now()))

        self._hear(message, acknowledge_and_tell)

    def _hear(self, message: Mapping[str, Any], acknowledge: Acknowledge) -> None:
        message_id, topic, payload = str(message["MessageId"]), str(message.get("Topic", "")), str(message.get("Payload", ""))
        with self._hearing:
            if topic.startswith("aws.ssm.sendCommand"):
                self._hear_command(message_id, payload, acknowledge)
            elif topic.startswith("aws.ssm.cancelCommand"):
                self._hear_cancel(message_id, payload, acknowledge)
            else:
                acknowledge(Heard.STRANGE)

    def _hear_command(self, message_id: str, payload: str, acknowledge: Acknowledge) -> None:
        try:
            content = json.loads(payload)
            command_id = _file_name(content["CommandId"])
            destination = Destination.of(content, command_id, self.plane.identity.instance_id)
            command = Command(command_id, dict(content["DocumentContent"]), dict(content.get("Parameters") or {}), destination)
        except (ValueError, KeyError, TypeError) as error:
            # AWS: a payload that cannot be read is answered with Failed, and a poll's is not acknowledged.
            self._refuse(message_id, f"the message cannot be read: {type(error).__name__} {error}")
            acknowledge(Heard.UNREADABLE)
            return
        if (self._current / command.command_id).exists() or (self._completed / command.command_id).exists():
            acknowledge(Heard.KNOWN)
            return
        kept = {"message_id": message_id, "steps": command.outline()}
        (self._current / command.command_id).write_text(json.dumps(kept))
        acknowledge(Heard.TAKEN)
        self._begin(message_id, command)

    def _begin(self, message_id: str, command: Command) -> None:
        cancel = Cancel()
        with self._guard:
            self._cancels[message_id] = cancel

        def run() -> None:
            try:
                self.worker.run(command, cancel, lambda reply: self._reply(message_id, reply))
            except Exception as error:  # noqa: BLE001 - the rim of a document: a defect here must not leave a command without an end
                self.log(f"defect while running {command.command_id}: {type(error).__name__}: {error}")
                reason = f"Plugin crashed with message {type(error).__name__}: {error}!"
                self._refuse(message_id, reason)
            (self._current / command.command_id).rename(self._completed / command.command_id)
            with self._guard:
                del self._cancels[message_id]

        if self.begin is not None:
            self.begin(run)

    def _hear_cancel(self, message_id: str, payload: str, acknowledge: Acknowledge) -> None:
        try:
            wanted = str(json.loads(payload)["CancelMessageId"])
        except (ValueError, KeyError, TypeError) as error:
            self._refuse(message_id, f"the cancel cannot be read: {error}")
            acknowledge(Heard.UNREADABLE)
            return
        acknowledge(Heard.TAKEN)
        with self._guard:
            cancel = self._cancels.get(wanted)
        if cancel is not None:
            cancel.cancel()

    def _refuse(self, message_id: str, reason: str) -> None:
        self._reply(message_id, results.refused_reply(results.Status.FAILED, reason, self.now()))

    def _reply(self, message_id: str, reply: Mapping[str, Any]) -> None:
        parameters = {"MessageId": message_id, "Payload": json.dumps(reply), "ReplyId": self.new_id()}
        self.outbox.put("SendReply", parameters)


def _file_name(command_id: Any) -> str:
    name = str(command_id)
    if not name or "/" in name or name.startswith("."):
        raise ValueError(f"the command id {name!r} is not a plain name")
    return name
