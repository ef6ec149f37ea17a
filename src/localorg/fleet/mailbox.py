"""Messages to nodes: kept until the node has them, delivered again when it was silent, forgotten when they are answered.

Flow: "node.deliver" -> row + announce -> GetMessages hands out what is visible -> Acknowledge | terminal SendReply |
FailMessage settle it -> "node.reply" facts for whoever sent it.
Rules: an unsettled message becomes visible again after its visibility time-out; a settled one never does. Late replies still
add step results; after RESULT_KEPT_S the row goes.
AWS agent: node-side protocol of ec2messages (MDS); the agent drops unsent replies after two hours.
"""

from dataclasses import asdict
from typing import Any

from localorg.fleet import replies
from localorg.fleet.records import Message
from localorg.kernel import ids
from localorg.kernel.events import Event, Kernel

BATCH_MAX = 10
"""ASSUMED: messages in one answer; the agent works on 5 and buffers 5."""
RESULT_KEPT_S = 2 * 3600.0


def topic(instance_id: str) -> str:
    """Return what a node's long poll waits on."""
    return f"messages.{instance_id}"


class Mailbox:
    """The messages of all nodes."""

    def __init__(self, kernel: Kernel, engine: str) -> None:
        self._kernel = kernel
        self._engine = engine
        self._messages = kernel.store.table("fleet.message", Message)

    def handle(self, event: Event) -> None:
        """Take an order of Run Command or an alarm of ours."""
        data = event.data
        match event.name:
            case "node.deliver":
                self._add(data, data["message_id"], data["topic"], data["payload"])
            case "node.withdraw":
                self._withdraw(data)
            case "node.cancel":
                self._cancel(data)
            case "visible":
                self._visible(data)
            case "forget":
                self._messages.delete(data["account"], data["region"], data["instance_id"], data["message_id"])
            case _:
                raise ValueError(f"fleet received an event it does not know: {event.name}")

    def find(self, account: str, region: str, instance_id: str, message_id: str) -> Message | None:
        """Return a message, also a settled one that is still remembered."""
        return self._messages.get(account, region, instance_id, message_id)

    def take(self, account: str, region: str, instance_id: str, visibility_s: float) -> list[Message]:
        """Return what the node should get now, and hide it for `visibility_s`."""
        now = self._kernel.now()
        waiting = self._messages.values(account, region, instance_id)
        taken = [message for message in waiting if not message.settled and message.visible <= now][:BATCH_MAX]
        for message in taken:
            message.handed_out += 1
            message.visible = now + visibility_s
            message.alarm = self._kernel.at(message.visible, self._event("visible", message))
            self._keep(message)
        return taken

    def acknowledge(self, message: Message) -> None:
        """The node has the message: do not deliver it again."""
        self._settle(message)
        if message.result.status in ("Pending", "Delayed"):
            message.result.status = "InProgress"
        self._tell(message)

    def reply(self, message: Message, reply: replies.Reply) -> None:
        """Merge what the node says, and pass on everything known."""
        ended = message.result.ended
        message.result = replies.merge(message.result, reply)
        if message.result.ended and not ended:
            self._end(message)
        self._tell(message)

    def fail(self, message: Message, failure: str) -> None:
        """The agent cannot handle the message at all."""
        # ASSUMED: AWS does not say what becomes of the invocation; the node answered, and its answer is no.
        self.reply(message, replies.Reply("Failed", f"The agent refused the message: {failure}", ()))

    def _add(self, place: dict[str, Any], message_id: str, kind: str, payload: str) -> None:
        now = self._kernel.now()
        message = Message(
            message_id=message_id,
            instance_id=place["instance_id"],
            account=place["account"],
            region=place["region"],
            topic=kind,
            payload=payload,
            created=now,
            visible=now,
        )
        self._keep(message)
        self._kernel.announce(topic(message.instance_id))

    def _withdraw(self, data: dict[str, Any]) -> None:
        message = self.find(data["account"], data["region"], data["instance_id"], data["message_id"])
        if message is not None:
            self._end(message)

    def _cancel(self, data: dict[str, Any]) -> None:
        """Take back what the node has not seen; tell the node about what it has."""
        message = self.find(data["account"], data["region"], data["instance_id"], data["message_id"])
        if message is None or message.result.ended:
            return
        if not message.handed_out:
            message.result.status = "Cancelled"
            self._end(message)
            self._tell(message)
            return
        cancel_id = f"aws.ssm.{ids.uuid(self._kernel.dice)}.{message.instance_id}"
        payload = f'{{"CancelMessageId":"{message.message_id}"}}'
        self._add(data, cancel_id, f"aws.ssm.cancelCommand.{message.region}", payload)

    def _visible(self, data: dict[str, Any]) -> None:
        message = self.find(data["account"], data["region"], data["instance_id"], data["message_id"])
        if message is None or message.settled:
            return
        message.alarm = ""
        if message.result.status == "Pending":
            # AWS: API CommandInvocation, Delayed: the system attempted to send and will try again.
            message.result.status = "Delayed"
            self._tell(message)
        self._keep(message)
        self._kernel.announce(topic(message.instance_id))

    def _settle(self, message: Message) -> None:
        message.settled = True
        self._silence(message)
        if "cancelCommand" in message.topic:
            # A cancel is only acknowledged; what became of the command is said under the command's own message.
            self._end(message)

    def _end(self, message: Message) -> None:
        if message.payload:
            self._kernel.after(RESULT_KEPT_S, self._event("forget", message))
        message.settled, message.payload = True, ""
        self._silence(message)
        self._keep(message)

    def _silence(self, message: Message) -> None:
        """Take the alarm back, once: alarm ids may come again after a restart."""
        self._kernel.cancel(message.alarm)
        message.alarm = ""

    def _tell(self, message: Message) -> None:
        self._keep(message)
        steps = {name: asdict(step) for name, step in message.result.steps.items()}
        told = {"message_id": message.message_id, "status": message.result.status, "trace": message.result.trace}
        self._kernel.publish("node.reply", {**_place(message), **told, "steps": steps})

    def _keep(self, message: Message) -> None:
        self._messages.put(message, message.account, message.region, message.instance_id, message.message_id)

    def _event(self, name: str, message: Message) -> Event:
        return Event(self._engine, name, {**_place(message), "message_id": message.message_id})


def _place(message: Message) -> dict[str, str]:
    return {"account": message.account, "region": message.region, "instance_id": message.instance_id}
