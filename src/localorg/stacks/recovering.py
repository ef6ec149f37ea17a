"""Out of a failed or unwanted operation: cancel an update, go on with a rollback, roll back what was left as it failed.

Flow: ContinueUpdateRollback | RollbackStack | CancelUpdateStack -> the operation that was interrupted (or is in flight) is changed ->
`lifecycle` goes on with it, under the caller or the given role.
Rules: what may be done depends on the stack's status alone; the operation carries all that the rollback needs, over restarts too.

AWS: CloudFormation user guide, "Continue rolling back an update", "Choose how to handle failures", "Cancel a stack update".
"""

from collections.abc import Callable

from localorg.kernel import ids
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Output, Principal, Request
from localorg.stacks.lifecycle import Lifecycle
from localorg.stacks.records import OperationRecord, StackRecord
from localorg.stacks.shelf import Shelf
from localorg.stacks.template import invalid


class Recovering:
    """Gets stacks out of where they are stuck. `principal` says under whom (a role that is passed, or the caller)."""

    def __init__(
        self, kernel: Kernel, shelf: Shelf, lifecycle: Lifecycle, principal: Callable[[Request, str], Principal]
    ) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._lifecycle = lifecycle
        self._principal = principal

    def handlers(self) -> dict[str, Callable[[Request, StackRecord], Output]]:
        """Return operation name -> handler."""
        return {"ContinueUpdateRollback": self._continue, "RollbackStack": self._roll_back, "CancelUpdateStack": self._cancel}

    def _continue(self, request: Request, stack: StackRecord) -> Output:
        interrupted = stack.interrupted
        if stack.status != "UPDATE_ROLLBACK_FAILED" or interrupted is None:
            # AWS: CloudFormation's sentence for a stack in another status.
            raise invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not continue update rollback.")
        skipped = request.params.get("ResourcesToSkip", [])
        self._require_skippable(stack, interrupted, skipped)
        self._take_up(request, stack, interrupted)
        self._shelf.set_status(stack, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
        for name in skipped:
            resource = stack.resources[name]
            # AWS: skipped resources are UPDATE_COMPLETE, though they are not what the template says.
            self._shelf.set_resource(stack, resource, "UPDATE_COMPLETE")
            resource.tried = None
        interrupted.todo = [name for name in interrupted.todo if name not in skipped]
        interrupted.failed = []
        self._lifecycle.begin(stack)
        return {}

    @staticmethod
    def _require_skippable(stack: StackRecord, interrupted: OperationRecord, names: list[str]) -> None:
        nested = [name for name in names if "." in name]
        if nested:
            raise invalid(f"localorg does not support resources of nested stacks in ResourcesToSkip: [{', '.join(nested)}]")
        unknown = [name for name in names if name not in stack.resources]
        if unknown:
            raise invalid(f"Resources [{', '.join(unknown)}] do not exist in stack [{stack.name}]")
        others = [name for name in names if name not in interrupted.failed]
        if others:
            # AWS: "You can specify only resources that are in the UPDATE_FAILED state because a rollback failed."
            raise invalid(
                f"The following resources are not in the UPDATE_FAILED state because a rollback failed: [{', '.join(others)}]"
            )

    def _take_up(self, request: Request, stack: StackRecord, operation: OperationRecord) -> None:
        role = request.params.get("RoleARN", stack.role_arn)
        operation.principal = self._principal(request, role)
        operation.token, operation.id = request.params.get("ClientRequestToken", ""), ids.uuid(self._kernel.dice)
        operation.cancelled, operation.deadline = "", None
        stack.begins("ROLLBACK" if request.operation == "RollbackStack" else "CONTINUE_ROLLBACK", operation.id)
        stack.operation, stack.role_arn = operation, role

    def _roll_back(self, request: Request, stack: StackRecord) -> Output:
        interrupted = stack.interrupted
        if request.params.get("DeploymentConfig"):
            raise invalid("localorg does not support the parameter DeploymentConfig of stack operations")
        if stack.status == "CREATE_FAILED":
            operation = OperationRecord("create", "delete", request.principal, "")
            self._take_up(request, stack, operation)
            operation.keeps_retained = not self._retained_too(request, stack)
            self._shelf.set_status(stack, "ROLLBACK_IN_PROGRESS", "User Initiated")
            self._lifecycle.phases.unmake(stack)
        elif stack.status == "UPDATE_FAILED" and interrupted is not None:
            self._take_up(request, stack, interrupted)
            interrupted.keeps_retained = not self._retained_too(request, stack)
            self._lifecycle.phases.undo(stack, "User Initiated")
        else:
            # AWS: the operation is for stacks in CREATE_FAILED or UPDATE_FAILED. ASSUMED: the sentence.
            raise invalid(f"Stack:{stack.stack_id} is in {stack.status} state and can not be rolled back.")
        operation_id = stack.operation.id if stack.operation else ""
        self._lifecycle.begin(stack)
        return {"StackId": stack.stack_id, "OperationId": operation_id}

    @staticmethod
    def _retained_too(request: Request, stack: StackRecord) -> bool:
        return bool(request.params.get("RetainExceptOnCreate", stack.retain_except_on_create))

    def _cancel(self, _request: Request, stack: StackRecord) -> Output:
        if stack.status != "UPDATE_IN_PROGRESS" or stack.operation is None:
            # AWS: CloudFormation's sentence.
            raise invalid("CancelUpdateStack cannot be called from current stack status")
        stack.operation.cancelled = "User Initiated"
        self._shelf.put(stack)
        self._lifecycle.nudge(stack)
        return {}
