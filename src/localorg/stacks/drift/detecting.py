"""Detects drift: reads one resource after the other, as its type says, and keeps what was found.

Flow: `begin(stack, names)` -> the type's `read` program, replayed with the answers kept -> gateway.submit -> `comparing` -> the finding ->
the next resource -> the end, which is published as "stack.drift.detected" {stack, detection}.
Rules: everything is asked under whoever asked for the detection, whose rights decide: what may not be read is UNKNOWN, and the detection
has failed. A type that has no reading is not checked, as on AWS. Only resources are compared, nested stacks are not entered.

AWS: CloudFormation user guide, "Detect drift on an entire CloudFormation stack".
"""

import json
from collections.abc import Mapping

from localorg.kernel import ids
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ApiCall, Principal
from localorg.protocol.gateway import Gateway
from localorg.stacks.drift.attachments import without_attachments
from localorg.stacks.drift.comparing import differences, shown
from localorg.stacks.drift.records import DRIFTED, IN_PROGRESS, DetectionRecord, DriftShelf, FindingRecord
from localorg.stacks.fitting import fitted
from localorg.stacks.records import Reply, ResourceRecord, StackRecord
from localorg.stacks.resources.kinds import Ask, Live, ResourceType, Work
from localorg.stacks.shelf import Shelf
from localorg.stacks.template import invalid

ENGINE = "stacks-drift"
CHECKABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")
"""AWS: the guide: statuses of stacks whose drift can be detected (those of imports aside)."""
GONE = ("NoSuch", "NotFound", "DoesNotExist", "InvalidDocument")
"""Parts of the codes by which services say that something is not there."""


class Detecting:
    """Runs detections."""

    def __init__(self, gateway: Gateway, shelf: Shelf, drifts: DriftShelf, types: Mapping[str, ResourceType]) -> None:
        self._gateway = gateway
        self._kernel: Kernel = gateway.kernel
        self._shelf = shelf
        self._drifts = drifts
        self._types = types
        self._kernel.on(ENGINE, self._handle)

    def begin(self, stack: StackRecord, principal: Principal, names: list[str]) -> DetectionRecord:
        """Begin to check these resources of a stack, or all (no names). Raises ValidationError."""
        if stack.status not in CHECKABLE:
            # ASSUMED: the sentence; AWS documents in which statuses drift can be detected.
            raise invalid(f"Drift detection cannot be performed on stack [{stack.stack_id}] in {stack.status} state")
        unknown = [name for name in names if name not in stack.resources]
        if unknown:
            raise invalid(f"Resource {unknown[0]} does not exist for stack {stack.name}")
        going_on = [one for one in self._drifts.under_way() if one.stack_id == stack.stack_id]
        if going_on and not names:
            # AWS: CloudFormation's sentence.
            raise invalid(f"Drift detection is already in progress for stack [{stack.stack_id}]")
        detection_id = ids.uuid(self._kernel.dice)
        detection = DetectionRecord(detection_id, stack.stack_id, principal, self._kernel.now(), names or list(stack.resources))
        self._drifts.put_detection(stack, detection)
        self._post(stack, detection, "begin")
        return detection

    def resume(self) -> None:
        """Go on after a restart: the question whose answer was lost is asked again."""
        for detection in self._drifts.under_way():
            stack = self._shelf.by_id(detection.stack_id)
            if stack is not None:
                self._post(stack, detection, "begin")

    def _post(self, stack: StackRecord, detection: DetectionRecord, name: str) -> None:
        self._kernel.post(Event(ENGINE, name, _address(stack, detection)))

    def _handle(self, event: Event) -> None:
        data = event.data
        stack = self._shelf.by_id(data["stack"])
        detection = self._drifts.detection(stack.account, stack.region, data["detection"]) if stack else None
        if stack is None or detection is None or detection.status != IN_PROGRESS:
            return
        if event.name == "reply":
            if (data["name"], data["turn"]) != (detection.todo[0], len(detection.replies)):
                return
            if data["ok"]:
                detection.replies.append(Reply(json.loads(json.dumps(data.get("output") or {}, default=str))))
            else:
                detection.replies.append(Reply(code=data["error"]["Code"], message=data["error"]["Message"]))
        self._advance(stack, detection)
        self._drifts.put_detection(stack, detection)

    def _advance(self, stack: StackRecord, detection: DetectionRecord) -> None:
        """Read on, until an answer has to be waited for or everything is read."""
        while detection.todo:
            resource = stack.resources.get(detection.todo[0])
            kind = self._types[resource.type] if resource else None
            if resource is not None and resource.physical_id and kind is not None and kind.read is not None:
                ask = self._look(stack, detection, kind, resource)
                if ask is not None:
                    self._submit(stack, detection, ask)
                    return
            detection.todo, detection.replies = detection.todo[1:], []
        self._end(stack, detection)

    def _submit(self, stack: StackRecord, detection: DetectionRecord, ask: Ask) -> None:
        turn = {"name": detection.todo[0], "turn": len(detection.replies)}
        params = fitted(ask.service, ask.operation, ask.params)
        call = ApiCall(detection.principal, stack.region, ask.service, ask.operation, params)
        self._gateway.submit(call, Event(ENGINE, "reply", {**_address(stack, detection), **turn}))

    def _look(self, stack: StackRecord, detection: DetectionRecord, kind: ResourceType, resource: ResourceRecord) -> Ask | None:
        """Return the next question about a resource; when there is none left, keep what was found."""
        finding = FindingRecord(resource.logical_id, resource.physical_id, resource.type, "UNKNOWN", self._kernel.now())
        try:
            live = self._replayed(stack, kind, resource, detection.replies)
        except AwsError as refusal:
            finding.status = "DELETED" if any(part in refusal.code for part in GONE) else "UNKNOWN"
            if finding.status == "UNKNOWN":
                finding.reason = refusal.message
                detection.failed.append(resource.logical_id)
        else:
            if isinstance(live, Ask):
                return live
            live = without_attachments(resource, live, stack.resources.values())
            finding.differences = differences(resource.properties, live)
            finding.status = "MODIFIED" if finding.differences else "IN_SYNC"
            finding.expected, finding.actual = shown(resource.properties, live), shown(live, resource.properties)
        self._drifts.put(stack, finding)
        return None

    def _replayed(self, stack: StackRecord, kind: ResourceType, resource: ResourceRecord, replies: list[Reply]) -> Ask | Live:
        """Take a reading through the answers so far: to its next question, or to what it has read."""
        assert kind.read is not None  # noqa: S101 - the caller looked
        program = kind.read(_work(stack, resource, self._kernel.settings.partition))
        try:
            ask = next(program)
            for reply in replies:
                ask = program.throw(AwsError(reply.code, reply.message)) if reply.code else program.send(reply.output)
        except StopIteration as end:
            live: Live = end.value
            return live
        return ask

    def _end(self, stack: StackRecord, detection: DetectionRecord) -> None:
        drifted = [one for one in self._drifts.findings(stack) if one.status in DRIFTED]
        detection.drifted = len(drifted)
        # AWS: API reference, StackDriftStatus: UNKNOWN where a resource could not be checked.
        detection.drift = "DRIFTED" if drifted else "UNKNOWN" if detection.failed else "IN_SYNC"
        detection.status = "DETECTION_FAILED" if detection.failed else "DETECTION_COMPLETE"
        if detection.failed:
            # ASSUMED: the sentence; AWS names the resources.
            detection.reason = f"Failed to detect drift on resources [{', '.join(detection.failed)}]"
        self._drifts.conclude(stack, detection.drift, self._kernel.now())
        self._kernel.publish("stack.drift.detected", {"stack": stack.stack_id, "detection": detection.detection_id})
        self._kernel.announce(f"{ENGINE}:{detection.detection_id}")


def _address(stack: StackRecord, detection: DetectionRecord) -> dict[str, str]:
    return {"stack": stack.stack_id, "detection": detection.detection_id}


def _work(stack: StackRecord, resource: ResourceRecord, partition: str) -> Work:
    return Work(
        resource.logical_id,
        resource.properties,
        {},
        resource.physical_id,
        stack.name,
        stack.account,
        stack.region,
        partition,
        "",
        resource.attributes,
    )
