"""What drift detection keeps: the last finding about each resource and each stack, and the detections under way.

Rules: a finding is about one physical resource; of its replacement nothing is known until it is checked.
"""

from dataclasses import dataclass, field

from localorg.kernel.store import Store
from localorg.protocol.calls import Principal
from localorg.stacks.records import Reply, ResourceRecord, StackRecord

NOT_CHECKED, IN_PROGRESS = "NOT_CHECKED", "DETECTION_IN_PROGRESS"
DRIFTED = ("MODIFIED", "DELETED")


@dataclass
class DifferenceRecord:
    """One property that is not as expected. The values are JSON or plain text, as AWS shows them."""

    path: str
    expected: str
    actual: str
    kind: str


@dataclass
class FindingRecord:
    """What was found about one resource, keyed (stack id, logical id)."""

    logical_id: str
    physical_id: str
    type: str
    status: str
    time: float
    reason: str = ""
    expected: str = ""
    actual: str = ""
    differences: list[DifferenceRecord] = field(default_factory=list)


@dataclass
class StackDriftRecord:
    """What was found about a stack, keyed by its id."""

    status: str
    time: float


@dataclass
class DetectionRecord:
    """One detection, keyed (account, Region, id). `todo`: logical ids; `replies`: what the reading of the first has heard so far."""

    detection_id: str
    stack_id: str
    principal: Principal
    started: float
    todo: list[str]
    status: str = IN_PROGRESS
    reason: str = ""
    drift: str = ""
    drifted: int | None = None
    failed: list[str] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)


class DriftShelf:
    """Tables of drift."""

    def __init__(self, store: Store) -> None:
        self._findings = store.table("stacks.drift", FindingRecord)
        self._stacks = store.table("stacks.drift.stack", StackDriftRecord)
        self._detections = store.table("stacks.drift.detection", DetectionRecord)

    def put(self, stack: StackRecord, finding: FindingRecord) -> None:
        """Keep what was found about a resource."""
        self._findings.put(finding, stack.stack_id, finding.logical_id)

    def about(self, stack: StackRecord, resource: ResourceRecord) -> FindingRecord | None:
        """Return what was last found about a resource, or None."""
        found = self._findings.get(stack.stack_id, resource.logical_id)
        return found if found is not None and found.physical_id == resource.physical_id else None

    def findings(self, stack: StackRecord) -> list[FindingRecord]:
        """Return what is known of the resources that a stack has now."""
        return [found for resource in stack.resources.values() if (found := self.about(stack, resource))]

    def conclude(self, stack: StackRecord, status: str, now: float) -> None:
        """Keep what was found about a stack."""
        self._stacks.put(StackDriftRecord(status, now), stack.stack_id)

    def of_stack(self, stack: StackRecord) -> StackDriftRecord | None:
        """Return what was last found about a stack, or None."""
        return self._stacks.get(stack.stack_id)

    def put_detection(self, stack: StackRecord, detection: DetectionRecord) -> None:
        """Keep a detection."""
        self._detections.put(detection, stack.account, stack.region, detection.detection_id)

    def detection(self, account: str, region: str, detection_id: str) -> DetectionRecord | None:
        """Return a detection, or None."""
        return self._detections.get(account, region, detection_id)

    def under_way(self) -> list[DetectionRecord]:
        """Return every detection that has not ended."""
        return [one for one in self._detections.values() if one.status == IN_PROGRESS]
