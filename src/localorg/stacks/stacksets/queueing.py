"""Operations of a set, put in line: one at a time, or queued where the set is managed.

Flow: items -> `operation` (a row that is not kept yet) -> `begin` for a request, `follow` for auto-deployment -> `working`.

AWS: CloudFormation API reference, ManagedExecution and OperationInProgressException.
"""

from typing import Any

from localorg.kernel import ids
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Output, Request
from localorg.stacks.stacksets.pace import check_preferences, region_order
from localorg.stacks.stacksets.records import Action, ItemRecord, SetOperationRecord, StackSetRecord
from localorg.stacks.stacksets.shelf import Shelf
from localorg.stacks.stacksets.working import Working


class Queue:
    """Takes operations and has them worked off."""

    def __init__(self, kernel: Kernel, shelf: Shelf, working: Working) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._working = working

    def arn(self, stack_set: StackSetRecord) -> str:
        """Return the ARN of a set."""
        partition, resource = self._kernel.settings.partition, f"stackset/{stack_set.stack_set_id}"
        return str(Arn(partition, "cloudformation", stack_set.region, stack_set.account, resource))

    def require_idle(self, stack_set: StackSetRecord) -> None:
        """Raise OperationInProgressException while an operation goes on that a new one may not wait for."""
        if not stack_set.managed_execution:
            self.require_nothing_open(stack_set)

    def require_nothing_open(self, stack_set: StackSetRecord) -> None:
        """Raise OperationInProgressException while any operation of the set goes on."""
        going_on = self._shelf.open_operations(stack_set.stack_set_id)
        if going_on:
            # AWS: the sentence, with the operation's id.
            words = f"Another Operation on StackSet {self.arn(stack_set)} is in progress: {going_on[0].operation_id}"
            raise AwsError("OperationInProgressException", words, status=409)

    def operation(
        self, stack_set: StackSetRecord, action: Action, items: list[ItemRecord], preferences: dict[str, Any]
    ) -> SetOperationRecord:
        """Return a new operation of a set."""
        regions = list(dict.fromkeys(item.region for item in items))
        return SetOperationRecord(
            ids.uuid(self._kernel.dice),
            stack_set.stack_set_id,
            action,
            "RUNNING",
            self._kernel.now(),
            preferences,
            region_order(preferences, regions),
            items,
            admin_role=stack_set.admin_role,
            execution_role=stack_set.execution_role,
        )

    def require_new(self, request: Request, stack_set: StackSetRecord) -> None:
        """Raise OperationIdAlreadyExistsException when the set knows the operation id that the request brings."""
        wanted = request.params.get("OperationId")
        if wanted and any(one.operation_id == wanted for one in self._shelf.operations(stack_set.stack_set_id)):
            raise AwsError("OperationIdAlreadyExistsException", f"Operation {wanted} already exists", status=409)

    def begin(self, request: Request, stack_set: StackSetRecord, operation: SetOperationRecord) -> Output:
        """Have a requested operation worked off, under the id that the request gave it."""
        self.require_new(request, stack_set)
        operation.operation_id = request.params.get("OperationId", operation.operation_id)
        self._put_in_line(stack_set, operation)
        return {"OperationId": operation.operation_id}

    def follow(self, stack_set: StackSetRecord, action: Action, items: list[ItemRecord]) -> None:
        """Have an operation worked off that auto-deployment asks for."""
        # AWS: StackSetOperationPreferences: they don't apply to AutoDeployment.
        operation = self.operation(stack_set, action, items, {})
        operation.automatic = True
        if stack_set.depends_on:
            operation.status = "QUEUED"
        operation.retain = action == "DELETE" and stack_set.retain_on_removal
        self._put_in_line(stack_set, operation)

    def _put_in_line(self, stack_set: StackSetRecord, operation: SetOperationRecord) -> None:
        if self._shelf.open_operations(stack_set.stack_set_id):
            operation.status = "QUEUED"
        self._shelf.put_operation(operation)
        self._working.begin(stack_set)

    def stop(self, stack_set: StackSetRecord, operation_id: str) -> None:
        """Let an operation begin nothing more. Raises OperationNotFoundException, InvalidOperationException."""
        operation = self._shelf.operation(stack_set.stack_set_id, operation_id)
        if operation.status not in ("RUNNING", "QUEUED"):
            raise AwsError("InvalidOperationException", f"Operation {operation.operation_id} is {operation.status}")
        operation.status = "STOPPING"
        self._shelf.put_operation(operation)
        self._working.begin(stack_set)


def preferences_of(params: dict[str, Any], regions: list[str]) -> dict[str, Any]:
    """Return the operation preferences of a request. Raises ValidationError."""
    preferences: dict[str, Any] = params.get("OperationPreferences", {})
    check_preferences(preferences, regions)
    return preferences
