"""A node without a file system: it speaks the agent's messages in virtual time and says what its script tells it to.

Reusable wherever an engine under test needs nodes that answer:

    node = ScriptedNode(kernel, gateway, account="222222222222", region="us-east-1", instance_id="i-...", role="NodeRole")
    node.script = lambda payload: Script(steps=[Step("configurePackage", "Success", 0, "installed")], duration_s=3)
    node.start()          # sends UpdateInstanceInformation and polls from now on
    node.stop()           # falls silent, as a machine that lost its network

Order per command, as the stock agent: InProgress, acknowledge, one InProgress per finished step, the terminal reply (which
carries the step only when the document has one step).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from commands.outputs import check_output

from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ApiCall, Output, Params, Principal, Wait
from localorg.protocol.gateway import Gateway


@dataclass
class Step:
    """What one step will answer. `name` is the step's name, or the plugin's in schema 1.2."""

    name: str
    status: str = "Success"
    code: int = 0
    stdout: str = ""
    stderr: str = ""
    place: tuple[str, str, str] = ("", "", "")
    """Bucket, prefix and folder in S3, where the command names a bucket."""

    def cancelled(self) -> "Step":
        """The same step, stopped."""
        return Step(self.name, "Cancelled", 137, place=self.place)


def place_of(payload: dict[str, Any], instance_id: str, name: str) -> tuple[str, str, str]:
    """Where the stock agent stores a step's output: PREFIX/COMMAND/NODE/PLUGIN and the step's folder, without colons."""
    bucket = payload.get("OutputS3BucketName", "")
    if not bucket:
        return "", "", ""
    content = payload["DocumentContent"]
    plugin = next((step["action"] for step in content.get("mainSteps", ()) if step["name"] == name), name)
    folder = name if "mainSteps" in content else content["runtimeConfig"][name]["properties"][0]["id"]
    parts = [payload["OutputS3KeyPrefix"], payload["CommandId"], instance_id, plugin.replace(":", "")]
    return bucket, "/".join(part for part in parts if part), folder.replace(":", "")


@dataclass
class Script:
    """What a command will come to. `duration_s` passes between the acknowledgement and the end."""

    steps: list[Step] = field(default_factory=list)
    duration_s: float = 1.0
    status: str | None = None
    acknowledge: bool = True


def succeed(payload: dict[str, Any]) -> Script:
    """Every step of the document succeeds."""
    content = payload["DocumentContent"]
    names = [step["name"] for step in content["mainSteps"]] if "mainSteps" in content else list(content["runtimeConfig"])
    return Script([Step(name, stdout=f"{name} done\n") for name in names])


class ScriptedNode:
    """One agent, driven by the kernel's events."""

    def __init__(
        self, kernel: Kernel, gateway: Gateway, *, account: str, region: str, instance_id: str, role: str, partition: str = "aws"
    ) -> None:
        self.kernel = kernel
        self.gateway = gateway
        self.region = region
        self.instance_id = instance_id
        self.principal = Principal(
            "role",
            account,
            arn=f"arn:{partition}:sts::{account}:assumed-role/{role}/{instance_id}",
            role_arn=f"arn:{partition}:iam::{account}:role/{role}",
        )
        self.script: Callable[[dict[str, Any]], Script] = succeed
        self.received: list[dict[str, Any]] = []
        """Every message that was handed out to this node, redeliveries included."""
        self.running: dict[str, Script] = {}
        self.listening = False
        self._poll_number = 0
        self._name = f"node:{instance_id}"
        kernel.on(self._name, self.handle)

    def start(self) -> None:
        """Say hello and poll."""
        self.listening = True
        self.call("ssm", "UpdateInstanceInformation", InstanceId=self.instance_id, AgentVersion="3.3.0.0", AgentStatus="Active")
        self._post("poll", {"number": self._poll_number})

    def stop(self) -> None:
        """Fall silent; what runs is lost."""
        self.listening = False
        self.running.clear()
        self._poll_number += 1

    def take_over(self, before: "ScriptedNode") -> None:
        """Go on as the same node under another control plane (it was restarted): what runs and what it will say stays."""
        self.script, self.received, self.running = before.script, before.received, before.running
        self._poll_number = before._poll_number + 1
        if before.listening:
            self.start()

    def call(self, service: str, operation: str, **params: Any) -> Output:
        """Call the control plane as this node."""
        output = self.gateway.attempt(ApiCall(self.principal, self.region, service, operation, params, source="wire"))
        check_output(service, operation, output)
        return output

    def reply(self, message_id: str, status: str, steps: list[Step] | None = None) -> None:
        """Send one SendReply."""
        body: Params = {"documentStatus": status, "documentTraceOutput": "", "runtimeStatus": None}
        if steps is not None:
            body["runtimeStatus"] = {step.name: self._runtime_status(step) for step in steps}
        self.call("ec2messages", "SendReply", MessageId=message_id, ReplyId="0" * 36, Payload=json.dumps(body))

    def handle(self, event: Event) -> None:
        """Take a turn."""
        if not self.listening:
            return
        match event.name:
            case "poll" if event.data["number"] == self._poll_number:
                self._poll()
            case "finish":
                self._finish(event.data["message_id"])

    def _poll(self) -> None:
        self._poll_number += 1
        again = {"number": self._poll_number}
        try:
            answer = self.call(
                "ec2messages",
                "GetMessages",
                Destination=self.instance_id,
                MessagesRequestId="0" * 36,
                VisibilityTimeoutInSeconds=10,
            )
        except Wait as nothing_yet:
            self.kernel.wait_on(nothing_yet.topic, lambda: self._post("poll", again))
            self.kernel.after(nothing_yet.timeout_s, Event(self._name, "poll", again))
            return
        for message in answer["Messages"]:
            self._take(message)
        self._post("poll", again)

    def _take(self, message: dict[str, Any]) -> None:
        payload = json.loads(message["Payload"])
        self.received.append({**message, "Payload": payload})
        if "cancelCommand" in message["Topic"]:
            self._cancelled(message["MessageId"], payload["CancelMessageId"])
            return
        script = self.script(payload)
        if not script.acknowledge:
            return
        for step in script.steps:
            step.place = place_of(payload, self.instance_id, step.name)
        self.reply(message["MessageId"], "InProgress")
        self.call("ec2messages", "AcknowledgeMessage", MessageId=message["MessageId"])
        self.running[message["MessageId"]] = script
        self.kernel.after(script.duration_s, Event(self._name, "finish", {"message_id": message["MessageId"]}))

    def _cancelled(self, cancel_id: str, message_id: str) -> None:
        self.reply(cancel_id, "InProgress")
        self.call("ec2messages", "AcknowledgeMessage", MessageId=cancel_id)
        if (script := self.running.pop(message_id, None)) is not None:
            self.reply(message_id, "Cancelled", [step.cancelled() for step in script.steps])

    def _finish(self, message_id: str) -> None:
        script = self.running.pop(message_id, None)
        if script is None:
            return
        for step in script.steps:
            self.reply(message_id, "InProgress", [step])
        bad = [step.status for step in script.steps if step.status not in ("Success", "Skipped")]
        self.reply(message_id, script.status or (bad[0] if bad else "Success"), script.steps if len(script.steps) == 1 else [])

    def _post(self, name: str, data: dict[str, Any]) -> None:
        self.kernel.post(Event(self._name, name, data))

    def _runtime_status(self, step: Step) -> dict[str, Any]:
        now = datetime.fromtimestamp(self.kernel.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return {
            "status": step.status,
            "code": step.code,
            "name": step.name,
            "output": (step.stdout + step.stderr)[:2500],
            "startDateTime": now,
            "endDateTime": now,
            "outputS3BucketName": step.place[0],
            "outputS3KeyPrefix": step.place[1],
            "stepName": step.place[2],
            "standardOutput": step.stdout,
            "standardError": step.stderr,
        }
