"""The life of a command after it was accepted: sending, replies, time-outs, cancel, the final word.

Flow: `add` -> "begin", in the next turn -> "node.deliver" facts as the rate control allows -> "node.reply" facts from the fleet
-> more deliveries ... -> all ended -> the command's verdict -> "command.status-change". Alarms: "ramp" (wider window), "undelivered"
(one invocation), "expired" (the whole command), "history-ends" (the rows go).
Rules: every status passes `states.move`; a terminal one is sticky; step results are kept even when they come after the end.
After a restart nothing has to be resumed: rows and the kernel's alarms say everything.
Topics published for the fleet: node.deliver {account, region, instance_id, message_id, topic, payload}, node.withdraw and
node.cancel {account, region, instance_id, message_id}. Topic read: node.reply {..., message_id, status, trace, steps}.
"""

import json
from collections.abc import Iterable
from typing import Any

from localorg.commands import ratecontrol, states
from localorg.commands.records import Command, Invocation, StepOutcome, message_id
from localorg.kernel.events import Event, Kernel

RAMP_INTERVAL_S = 2.0
"""ASSUMED: after each such interval the window doubles even if nobody has ended, so that one offline node does not stop a
command. AWS says only that sending grows exponentially from one node."""
HISTORY_KEPT_S = 30 * 86400.0
"""AWS: user guide: command history is kept for 30 days. ASSUMED: counted from the request, but never before the command's end."""
REPLIES = {
    "InProgress": "InProgress",
    "Delayed": "Delayed",
    "Success": "Success",
    "Failed": "Failed",
    "TimedOut": "ExecutionTimedOut",
    "Cancelled": "Cancelled",
}
"""What a node (or the fleet for it) says -> StatusDetails."""


class Dispatcher:
    """Moves invocations and commands on."""

    def __init__(self, kernel: Kernel, engine: str) -> None:
        self._kernel = kernel
        self._engine = engine
        self.commands = kernel.store.table("command.command", Command)
        self.invocations = kernel.store.table("command.invocation", Invocation)

    def add(self, command: Command, invocations: Iterable[Invocation]) -> None:
        """Keep a new command and its invocations, in the order of sending; the sending itself begins in the next turn."""
        for invocation in invocations:
            command.order.append(invocation.instance_id)
            command.counts[invocation.detail] = command.counts.get(invocation.detail, 0) + 1
            self._keep(invocation)
        # AWS: the answer of SendCommand shows the command as Pending (CLI examples).
        self._save(command)
        self._kernel.at(command.requested, self._event("begin", command))
        self._kernel.at(max(command.requested + HISTORY_KEPT_S, command.expires + 1), self._event("history-ends", command))
        if command.waiting:
            command.alarm = self._kernel.at(command.expires, self._event("expired", command))

    def of(self, command: Command) -> list[Invocation]:
        """Return the invocations of a command in the order of its targets."""
        return self.invocations.values(command.account, command.region, command.command_id)

    def handle(self, event: Event) -> None:
        """Take an alarm of ours or a reply of the fleet."""
        data = event.data
        if event.name == "node.reply":
            self._reply(data)
            return
        command = self.commands.get(data["account"], data["region"], data["command_id"])
        if command is None:
            return
        if event.name == "history-ends":
            self._forget(command)
        elif not command.ended:
            self._alarm(event.name, command, data)

    def _alarm(self, name: str, command: Command, data: dict[str, Any]) -> None:
        match name:
            case "begin":
                self._begin(command)
            case "ramp":
                self._ramp(command)
            case "undelivered":
                self._give_up(command, [data["instance_id"]], only={"Pending", "Delayed"})
            case "expired":
                self._give_up(command, command.order, only=set(states.MOVES))
            case _:
                raise ValueError(f"commands received an event it does not know: {name}")

    def _begin(self, command: Command) -> None:
        self._advance(command)
        if command.waiting:
            self._kernel.after(RAMP_INTERVAL_S, self._event("ramp", command))

    def _forget(self, command: Command) -> None:
        place = (command.account, command.region, command.command_id)
        for name in command.order:
            self.invocations.delete(*place, name)
        self.commands.delete(*place)

    def cancel(self, command: Command, instance_ids: list[str] | None) -> None:
        """Cancel all of a command, or its invocations on some nodes: best effort, as in AWS."""
        if command.ended:
            return
        command.cancelled = command.cancelled or instance_ids is None
        for invocation in self.of(command):
            if invocation.ended or (instance_ids is not None and invocation.instance_id not in instance_ids):
                continue
            self._set(command, invocation, "Cancelling")
            if invocation.sent is None:
                self._set(command, invocation, "Cancelled")
            else:
                self._tell_fleet("node.cancel", invocation)
        self._advance(command)

    def _advance(self, command: Command) -> None:
        """Stop after too many errors, send as many as may be sent, and write the command's status."""
        max_errors = ratecontrol.tolerated(command.max_errors, len(command.order), self._rounding)
        errors = sum(command.counts.get(detail, 0) for detail in states.ERRORS)
        if command.waiting and ratecontrol.must_stop(errors, max_errors):
            for invocation in self._next(command, command.waiting):
                self._set(command, invocation, "Terminated")
        free = ratecontrol.may_send(in_flight=command.in_flight, waiting=command.waiting, allowed=self._window(command))
        for invocation in self._next(command, free):
            self._deliver(command, invocation)
        self._conclude(command, max_errors)

    @property
    def _rounding(self) -> str:
        return self._kernel.settings.reading("percent-rounding")

    def _window(self, command: Command) -> int:
        limit = ratecontrol.concurrency(command.max_concurrency, len(command.order), self._rounding)
        return ratecontrol.window(ended=command.ended_count, ticks=command.ramp_ticks, max_concurrency=limit)

    def _next(self, command: Command, count: int) -> list[Invocation]:
        """Return the next `count` invocations that wait, and move the cursor past them."""
        chosen: list[Invocation] = []
        while len(chosen) < count:
            invocation = self._invocation(command, command.order[command.cursor])
            command.cursor += 1
            if not invocation.ended:
                chosen.append(invocation)
        return chosen

    def _ramp(self, command: Command) -> None:
        command.ramp_ticks += 1
        self._advance(command)
        if command.waiting and 2**command.ramp_ticks < len(command.order):
            self._kernel.after(RAMP_INTERVAL_S, self._event("ramp", command))

    def _deliver(self, command: Command, invocation: Invocation) -> None:
        invocation.sent = self._kernel.now()
        command.in_flight += 1
        self._keep(invocation)
        content = {
            "Parameters": command.payload_parameters,
            "DocumentContent": command.content,
            "CommandId": command.command_id,
            "DocumentName": command.document_name,
            "OutputS3KeyPrefix": command.output_prefix,
            "OutputS3BucketName": command.output_bucket,
            "CloudWatchLogGroupName": "",
            "CloudWatchOutputEnabled": "false",
        }
        topic = f"aws.ssm.sendCommand.{command.region}"
        self._tell_fleet("node.deliver", invocation, topic=topic, payload=json.dumps(content))
        if command.undelivered_after_s is not None:
            alarm = self._event("undelivered", command, instance_id=invocation.instance_id)
            self._kernel.after(command.undelivered_after_s, alarm)

    def _reply(self, data: dict[str, Any]) -> None:
        command_id = data["message_id"].split(".")[2]
        command = self.commands.get(data["account"], data["region"], command_id)
        invocation = self.invocations.get(data["account"], data["region"], command_id, data["instance_id"])
        if command is None or invocation is None:
            return
        invocation.steps = {name: StepOutcome(**step) for name, step in data["steps"].items()}
        invocation.trace = data["trace"] or invocation.trace
        self._keep(invocation)
        wanted = REPLIES[data["status"]]
        # A late word of progress never undoes a cancel or an end. AWS agent: it happens after redelivery and outages.
        if invocation.ended or (wanted not in states.TERMINAL and wanted not in states.MOVES[invocation.detail]):
            return
        self._set(command, invocation, wanted)
        self._advance(command)

    def _give_up(self, command: Command, instance_ids: list[str], only: set[str]) -> None:
        for name in instance_ids:
            invocation = self._invocation(command, name)
            if invocation.detail not in only:
                continue
            self._set(command, invocation, self._given_up(invocation.detail))
            self._tell_fleet("node.withdraw", invocation)
        self._advance(command)

    def _given_up(self, detail: str) -> str:
        """Return what becomes of an invocation in `detail` that is waited for no longer."""
        if detail == "Cancelling":
            # ASSUMED: a cancel that was never answered ends as Cancelled when the command expires.
            return "Cancelled"
        return "DeliveryTimedOut" if detail == "InProgress" else self._kernel.settings.reading("silent-node")

    def _set(self, command: Command, invocation: Invocation, wanted: str) -> None:
        before = invocation.detail
        invocation.detail = states.move(before, wanted)
        self._keep(invocation)
        command.counts[before] -= 1
        command.counts[invocation.detail] = command.counts.get(invocation.detail, 0) + 1
        if invocation.ended and before not in states.TERMINAL:
            command.in_flight -= invocation.sent is not None
            self._publish(command, instance_id=invocation.instance_id)

    def _conclude(self, command: Command, max_errors: int) -> None:
        sent = command.cursor > 0
        failed_from = ratecontrol.failed_from(max_errors, self._kernel.settings.reading("command-failed"))
        detail = states.verdict(command.counts, failed_from, sent=sent, cancelled=command.cancelled)
        changed, command.detail = detail != command.detail, detail
        self._save(command)
        if changed and command.ended:
            self._kernel.cancel(command.alarm)
            self._publish(command)

    def _publish(self, command: Command, **more: str) -> None:
        """Tell that the command, or its invocation on `instance_id`, ended; `status` is always the command's own."""
        fact = {"account": command.account, "region": command.region, "command_id": command.command_id}
        self._kernel.publish("command.status-change", {**fact, "status": command.status, **more})

    def _invocation(self, command: Command, instance_id: str) -> Invocation:
        found = self.invocations.get(command.account, command.region, command.command_id, instance_id)
        if found is None:
            raise LookupError(f"command {command.command_id} has lost its invocation on {instance_id}")
        return found

    def _save(self, command: Command) -> None:
        self.commands.put(command, command.account, command.region, command.command_id)

    def _keep(self, invocation: Invocation) -> None:
        key = (invocation.account, invocation.region, invocation.command_id, invocation.instance_id)
        self.invocations.put(invocation, *key)

    def _event(self, name: str, command: Command, **more: Any) -> Event:
        place = {"account": command.account, "region": command.region, "command_id": command.command_id}
        return Event(self._engine, name, {**place, **more})

    def _tell_fleet(self, order: str, invocation: Invocation, **more: Any) -> None:
        place = {"account": invocation.account, "region": invocation.region, "instance_id": invocation.instance_id}
        reference = message_id(invocation.command_id, invocation.instance_id)
        self._kernel.publish(order, {**place, "message_id": reference, **more})
