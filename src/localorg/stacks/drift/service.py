"""CloudFormation's operations on the drift of stacks, and what other answers tell of it.

Flow: DetectStackDrift -> `detecting` -> DescribeStackDriftDetectionStatus, DescribeStackResourceDrifts; DetectStackResourceDrift waits
for the one resource.
"""

from localorg.kernel.errors import AwsError
from localorg.kernel.paging import page
from localorg.protocol.calls import AccessRule, Operation, Output, Request, Wait
from localorg.protocol.gateway import Gateway
from localorg.stacks.drift.detecting import ENGINE, Detecting
from localorg.stacks.drift.records import IN_PROGRESS, NOT_CHECKED, DetectionRecord, DriftShelf, FindingRecord
from localorg.stacks.principals import on_behalf_of
from localorg.stacks.records import ResourceRecord, StackRecord
from localorg.stacks.resources.kinds import ResourceType
from localorg.stacks.shelf import Shelf
from localorg.stacks.template import invalid

PAGE = 100
PATIENCE_S = 60.0
BAD_TOKEN = AwsError("ValidationError", "The NextToken is not valid: pass the token of the page before, unchanged.")


class Drift:
    """Answers questions about drift."""

    def __init__(self, gateway: Gateway, shelf: Shelf, types: dict[str, ResourceType]) -> None:
        self._shelf = shelf
        self._types = types
        self._drifts = DriftShelf(gateway.kernel.store)
        self._detecting = Detecting(gateway, shelf, self._drifts, types)
        self._single: dict[str, DetectionRecord] = {}
        self.resume = self._detecting.resume

    def operations(self, on_stack: AccessRule) -> list[Operation]:
        """Return the operations; `on_stack` is the rule of those about one stack."""
        rows = [
            ("DetectStackDrift", self._detect, on_stack),
            ("DetectStackResourceDrift", self._detect_one, on_stack),
            ("DescribeStackDriftDetectionStatus", self._status, None),
            ("DescribeStackResourceDrifts", self._list, on_stack),
        ]
        return [Operation("cloudformation", name, handler, access) for name, handler, access in rows]

    def of_stack(self, stack: StackRecord) -> Output:
        """Return the DriftInformation of a stack."""
        found = self._drifts.of_stack(stack)
        if found is None:
            return {"StackDriftStatus": NOT_CHECKED}
        return {"StackDriftStatus": found.status, "LastCheckTimestamp": found.time}

    def of_resource(self, stack: StackRecord, resource: ResourceRecord) -> Output:
        """Return the DriftInformation of a resource."""
        found = self._drifts.about(stack, resource)
        if found is None:
            return {"StackResourceDriftStatus": NOT_CHECKED}
        return {"StackResourceDriftStatus": found.status, "LastCheckTimestamp": found.time}

    def _require(self, request: Request) -> StackRecord:
        return self._shelf.require(request)

    def _detect(self, request: Request) -> Output:
        names = request.params.get("LogicalResourceIds", [])
        detection = self._detecting.begin(self._require(request), on_behalf_of(request.principal), names)
        return {"StackDriftDetectionId": detection.detection_id}

    def _detect_one(self, request: Request) -> Output:
        stack, name = self._require(request), request.params["LogicalResourceId"]
        key = f"{request.principal.arn} {stack.stack_id} {name}"
        detection = self._single.get(key)
        if detection is None:
            self._require_readable(stack, name)
            self._single[key] = detection = self._detecting.begin(stack, on_behalf_of(request.principal), [name])
        if detection.status == IN_PROGRESS:
            late = invalid(f"The drift of {name} was not known in time (a caller that cannot wait uses DetectStackDrift)")
            raise Wait(f"{ENGINE}:{detection.detection_id}", PATIENCE_S, late)
        del self._single[key]
        finding = self._drifts.about(stack, stack.resources[name])
        if finding is None:
            raise invalid(f"Resource {name} does not exist for stack {stack.name}")
        return {"StackResourceDrift": _shape(stack, finding)}

    def _require_readable(self, stack: StackRecord, name: str) -> None:
        resource = stack.resources.get(name)
        if resource is not None and self._types[resource.type].read is None:
            # ASSUMED: the sentence; AWS documents that such resources are not checked.
            raise invalid(f"Drift detection is not supported for resource type {resource.type}")

    def _status(self, request: Request) -> Output:
        wanted = request.params["StackDriftDetectionId"]
        found = self._drifts.detection(request.account, request.region, wanted)
        if found is None:
            # ASSUMED: the sentence.
            raise invalid(f"StackDriftDetectionId {wanted} does not exist")
        optional = {
            "StackDriftStatus": found.drift,
            "DetectionStatusReason": found.reason,
            "DriftedStackResourceCount": found.drifted,
        }
        return {
            "StackId": found.stack_id,
            "StackDriftDetectionId": found.detection_id,
            "DetectionStatus": found.status,
            "Timestamp": found.started,
            **{key: value for key, value in optional.items() if value not in (None, "")},
        }

    def _list(self, request: Request) -> Output:
        stack, params = self._require(request), request.params
        wanted = params.get("StackResourceDriftStatusFilters")
        rows = [one for one in self._drifts.findings(stack) if not wanted or one.status in wanted]
        limit = min(params.get("MaxResults", PAGE), PAGE)
        chosen, token = page(rows, lambda one: one.logical_id, limit, params.get("NextToken"), BAD_TOKEN)
        return {"StackResourceDrifts": [_shape(stack, one) for one in chosen], **({"NextToken": token} if token else {})}


def _shape(stack: StackRecord, finding: FindingRecord) -> Output:
    is_known = finding.status in ("IN_SYNC", "MODIFIED")
    optional = {
        "PhysicalResourceId": finding.physical_id,
        "ExpectedProperties": finding.expected,
        "ActualProperties": finding.actual,
        "DriftStatusReason": finding.reason,
    }
    rows = [
        {"PropertyPath": one.path, "ExpectedValue": one.expected, "ActualValue": one.actual, "DifferenceType": one.kind}
        for one in finding.differences
    ]
    return {
        "StackId": stack.stack_id,
        "LogicalResourceId": finding.logical_id,
        "ResourceType": finding.type,
        "StackResourceDriftStatus": finding.status,
        "Timestamp": finding.time,
        **({"PropertyDifferences": rows} if is_known else {}),
        **{key: value for key, value in optional.items() if value},
    }
