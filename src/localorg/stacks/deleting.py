"""DeleteStack: a stack goes with its resources; one that is still being made stops first, one in review is forgotten.

Flow: DeleteStack -> what forbids it (protection, a status, exports in use) -> `lifecycle` deletes under the caller or the role.
"""

from typing import Any

from localorg.kernel import ids
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Output, Request
from localorg.stacks.accepting import Accepting
from localorg.stacks.lifecycle import Lifecycle
from localorg.stacks.once import remember, seen, token_of
from localorg.stacks.principals import Principals
from localorg.stacks.records import OperationRecord, StackRecord
from localorg.stacks.running import operation_of
from localorg.stacks.shelf import Shelf
from localorg.stacks.template import invalid
from localorg.stacks.unsupported import refuse_unsupported

USER = "User Initiated"


class Deleting:
    """Answers DeleteStack."""

    def __init__(self, kernel: Kernel, shelf: Shelf, accepting: Accepting, lifecycle: Lifecycle, principals: Principals) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._accepting = accepting
        self._lifecycle = lifecycle
        self._principals = principals

    def delete(self, request: Request) -> Output:
        """Begin to delete a stack."""
        params = request.params
        refuse_unsupported(params)
        stack = self._shelf.find(request.account, request.region, params["StackName"])
        if stack is None or stack.gone:
            # AWS: deleting what does not exist (any more) succeeds.
            return {}
        if seen(request, stack) or stack.status == "DELETE_IN_PROGRESS":
            return {}
        if self._shelf.root_of(stack).termination_protection and not self._shelf.is_going(stack):
            raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.status == "REVIEW_IN_PROGRESS":
            self._forget(stack)
            return {}
        self._require_failed(params, stack)
        if stack.status == "CREATE_IN_PROGRESS":
            self._stop_creation(request, stack)
        elif stack.busy:
            # AWS: CloudFormation's sentence.
            raise invalid(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
        else:
            self._begin(request, stack)
        remember(request, stack)
        self._shelf.put(stack)
        return {}

    @staticmethod
    def _require_failed(params: dict[str, Any], stack: StackRecord) -> None:
        """Refuse what is only for a stack whose deletion has failed."""
        forced = params.get("DeletionMode") == "FORCE_DELETE_STACK"
        for given, what in ((params.get("RetainResources"), "RetainResources"), (forced, "FORCE_DELETE_STACK")):
            if given and stack.status != "DELETE_FAILED":
                raise invalid(f"Invalid operation on stack, {what} can only be used on a stack in DELETE_FAILED state.")

    def _forget(self, stack: StackRecord) -> None:
        for record in [one for one in self._shelf.change_sets.values() if one.stack_id == stack.stack_id]:
            self._shelf.change_sets.delete(record.change_set_id)
        self._shelf.forget(stack)

    def _stop_creation(self, request: Request, stack: StackRecord) -> None:
        """Delete a stack that is still being made: nothing more is started, and what is there goes."""
        operation = operation_of(stack)
        operation.principal = self._principals.of(request, request.params.get("RoleARN", stack.role_arn))
        operation.cancelled, stack.on_failure = USER, "DELETE"
        self._lifecycle.nudge(stack)

    def _begin(self, request: Request, stack: StackRecord) -> None:
        params = request.params
        used = [
            f"Cannot delete export {output.export} as it is in use by {', '.join(users)}"
            for output in stack.outputs
            if output.export and (users := self._shelf.importers(stack.account, stack.region, output.export))
        ]
        if used:
            # ASSUMED: the deletion is accepted and taken back; the stack stays in the status that it had.
            self._shelf.set_status(stack, stack.status, f"Delete canceled. {'; '.join(used)}")
            return
        role = params.get("RoleARN", stack.role_arn)
        principal, operation_id = self._principals.of(request, role), ids.uuid(self._kernel.dice)
        mode = params.get("DeletionMode", "STANDARD")
        operation = OperationRecord("delete", "delete", principal, token_of(request), id=operation_id)
        operation.forced = mode == "FORCE_DELETE_STACK"
        self._accepting.doom_all(operation, stack, params.get("RetainResources", []))
        stack.operation, stack.role_arn, stack.deletion_mode = operation, role, mode
        stack.begins("DELETE_STACK", operation.id)
        self._shelf.set_status(stack, "DELETE_IN_PROGRESS", USER)
        self._lifecycle.begin(stack)
