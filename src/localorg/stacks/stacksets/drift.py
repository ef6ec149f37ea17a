"""Drift of sets: an operation that has the drift of every instance's stack detected, and what came of it.

Flow: DetectStackSetDrift -> an operation over every instance (`queueing`, `working`) -> DetectStackDrift in its account ->
"stack.drift.detected" -> the item and the instance; `details` counts them.
Rules: a set has drifted when an instance of its last detection has. Detection changes neither instances nor their statuses.

AWS: CloudFormation user guide, "Performing drift detection on CloudFormation StackSets".
"""

from collections.abc import Callable, Iterator

from localorg.kernel.errors import AwsError
from localorg.kernel.paging import page
from localorg.protocol.calls import ApiCall, Output, Principal, Request
from localorg.protocol.gateway import Gateway
from localorg.stacks.stacksets.acting import Acting
from localorg.stacks.stacksets.queueing import Queue, preferences_of
from localorg.stacks.stacksets.reading import Reading
from localorg.stacks.stacksets.records import DETECT_DRIFT, ItemRecord
from localorg.stacks.stacksets.shelf import Shelf

PAGE = 100
MEMBERS = (
    "StackId",
    "LogicalResourceId",
    "PhysicalResourceId",
    "ResourceType",
    "PropertyDifferences",
    "StackResourceDriftStatus",
)
BAD_TOKEN = AwsError("ValidationError", "The NextToken is not valid: pass the token of the page before, unchanged.")


class SetDrift:
    """Answers the operations on the drift of sets."""

    def __init__(self, gateway: Gateway, shelf: Shelf, queue: Queue, reading: Reading, acting: Acting) -> None:
        self._gateway = gateway
        self._shelf = shelf
        self._queue = queue
        self._reading = reading
        self._acting = acting

    def handlers(self) -> dict[str, Callable[[Request], Output]]:
        """Return operation name -> handler."""
        return {"DetectStackSetDrift": self._detect, "ListStackInstanceResourceDrifts": self._list}

    def _detect(self, request: Request) -> Output:
        stack_set = self._reading.require(request)
        instances = self._shelf.instances(stack_set.stack_set_id)
        if not instances:
            # ASSUMED: the words, and that a set without instances is refused.
            raise AwsError("InvalidOperationException", f"StackSet {stack_set.name} has no stack instances")
        # AWS: OperationInProgressException: "Another operation is currently in progress for this StackSet".
        self._queue.require_nothing_open(stack_set)
        items = [ItemRecord(one.account, one.region, one.unit) for one in instances]
        regions = list(dict.fromkeys(item.region for item in items))
        operation = self._queue.operation(stack_set, DETECT_DRIFT, items, preferences_of(request.params, regions))
        return self._queue.begin(request, stack_set, operation)

    def _list(self, request: Request) -> Output:
        params, stack_set = request.params, self._reading.known(request)
        operation = self._shelf.operation(stack_set.stack_set_id, params["OperationId"])
        account, region = params["StackInstanceAccount"], params["StackInstanceRegion"]
        instance = self._reading.instance(stack_set, account, region)
        if operation.action != DETECT_DRIFT or (account, region) not in operation.places() or not instance.stack_id:
            # ASSUMED: an operation that has not looked at the instance's drift has nothing to tell.
            return {"Summaries": []}
        principal = self._acting.principal(stack_set, operation, account)
        # ASSUMED: of several detections the last one's findings are told, which is what is kept of a stack's resources.
        wanted = params.get("StackInstanceResourceDriftStatuses")
        rows = [
            {**{name: row[name] for name in MEMBERS if name in row}, "Timestamp": operation.created}
            for row in self._findings(principal, region, instance.stack_id)
            if not wanted or row["StackResourceDriftStatus"] in wanted
        ]
        limit = min(params.get("MaxResults", PAGE), PAGE)
        chosen, token = page(rows, lambda row: str(row["LogicalResourceId"]), limit, params.get("NextToken"), BAD_TOKEN)
        return {"Summaries": chosen, **({"NextToken": token} if token else {})}

    def _findings(self, principal: Principal, region: str, stack_id: str) -> Iterator[Output]:
        asked = {"StackName": stack_id}
        while True:
            answer = self._gateway.invoke(ApiCall(principal, region, "cloudformation", "DescribeStackResourceDrifts", asked))
            yield from answer["StackResourceDrifts"]
            if "NextToken" not in answer:
                return
            asked["NextToken"] = answer["NextToken"]
