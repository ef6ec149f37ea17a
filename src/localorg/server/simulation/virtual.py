"""Virtual nodes: the agent's messages without an agent. No file, no script; what a document comes to is said by a function.

They are for organizations of thousands of nodes, and say nothing about how a package's scripts would fare.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localorg.kernel import ids
from localorg.kernel.events import Event
from localorg.node import results
from localorg.node.document import BadDocumentError, DocumentStep, steps
from localorg.node.results import Status, StepResult
from localorg.server.engines import Engines
from localorg.server.personas import PERSONAS
from localorg.server.seeding import AGENT_VERSION, NodeRecord
from localorg.server.simulation.nodes import DURATION_S, PollingNode

VISIBILITY_S = 10


@dataclass(frozen=True)
class Outcome:
    """How a step of a virtual node ends."""

    status: Status = Status.SUCCESS
    stdout: str = ""
    stderr: str = ""


Fate = Callable[[DocumentStep], Outcome]


def fine(step: DocumentStep) -> Outcome:
    """Let every step succeed."""
    return Outcome(stdout=f"{step.name} is done (a virtual node: nothing ran)\n")


class VirtualNode(PollingNode):
    """A node that says what `fate` tells it to say; `packages` remembers what package steps came to."""

    def __init__(self, engines: Engines, record: NodeRecord, fate: Fate = fine) -> None:
        super().__init__(engines, record)
        self.fate = fate
        self.duration_s = DURATION_S
        self.packages: dict[str, str] = {}
        """Package name or ARN -> version that a successful Install named."""
        self._running: dict[str, Mapping[str, Any]] = {}

    def greet(self) -> None:
        """Say who and what this node is."""
        persona = PERSONAS[self.record.persona]
        facts = {
            "AgentName": results.AGENT_NAME,
            "AgentStatus": "Active",
            "AgentVersion": AGENT_VERSION,
            "ComputerName": self.record.name,
            "IPAddress": self.record.ip_address,
            "InstanceId": self.instance_id,
            "PlatformName": persona.platform_name,
            "PlatformType": persona.platform_type,
            "PlatformVersion": persona.platform_version,
        }
        self.plane.call("UpdateInstanceInformation", facts)

    def listen(self) -> None:
        """Ask for messages and take them."""
        question = {
            "Destination": self.instance_id,
            "MessagesRequestId": ids.uuid(self.kernel.dice),
            "VisibilityTimeoutInSeconds": VISIBILITY_S,
        }
        for message in self.plane.message("GetMessages", question)["Messages"]:
            self._take(message["MessageId"], json.loads(message["Payload"]), message["Topic"])

    def _take(self, message_id: str, payload: dict[str, Any], topic: str) -> None:
        is_known = message_id in self._running
        self._reply(message_id, results.begun_reply(self.kernel.now()))
        self.plane.message("AcknowledgeMessage", {"MessageId": message_id})
        if topic.startswith("aws.ssm.cancelCommand"):
            self._cancel(payload["CancelMessageId"])
        elif not is_known:
            self._running[message_id] = payload
            self._alarm(self.duration_s, "end", message_id=message_id)

    def _cancel(self, message_id: str) -> None:
        payload = self._running.pop(message_id, None)
        if payload is not None:
            self._end(message_id, payload, lambda _step: Outcome(Status.CANCELLED))

    def act(self, event: Event) -> None:
        """End a document. A node that is cut off meanwhile tells it when it is back."""
        message_id = event.data["message_id"]
        payload = self._running.get(message_id)
        if payload is None:
            return
        if not self.is_online:
            self._alarm(60.0, "end", message_id=message_id)
            return
        del self._running[message_id]
        self._end(message_id, payload, self.fate)

    def _end(self, message_id: str, payload: Mapping[str, Any], fate: Fate) -> None:
        now = self.kernel.now()
        try:
            found = steps(payload["DocumentContent"], payload.get("Parameters") or {})
        except BadDocumentError as error:
            self._reply(message_id, results.refused_reply(Status.FAILED, str(error), now))
            return
        done: dict[str, StepResult] = {}
        for step in found:
            come_to = fate(step)
            code = 0 if come_to.status is Status.SUCCESS else 1
            done[step.name] = StepResult(step.plugin, come_to.status, code, come_to.stdout, come_to.stderr).between(now, now)
            if come_to.status is Status.SUCCESS:
                self._note(step)
            self._reply(message_id, results.step_reply(done, step.name, now))
        self._reply(message_id, results.document_reply(done, now))

    def _note(self, step: DocumentStep) -> None:
        if step.plugin != "aws:configurePackage":
            return
        inputs = step.inputs[0]
        if inputs.get("action") == "Install":
            self.packages[str(inputs.get("name"))] = str(inputs.get("version") or "latest")
        else:
            self.packages.pop(str(inputs.get("name")), None)

    def _reply(self, message_id: str, reply: Mapping[str, Any]) -> None:
        told = {"MessageId": message_id, "Payload": json.dumps(reply), "ReplyId": ids.uuid(self.kernel.dice)}
        self.plane.message("SendReply", told)
