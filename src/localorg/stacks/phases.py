"""From one phase of a stack operation to the next: success, failure, rollback, cleanup, the end.

Flow: `leave(stack)` when a phase has nothing left to do -> the next phase is prepared in the operation, or the operation ends and
"stack.finished" {stack, status} is published.
Rules: statuses and reasons are CloudFormation's; an operation always ends in a status that is not IN_PROGRESS.
"""

from collections.abc import Callable

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Kernel
from localorg.stacks.planning import Plan
from localorg.stacks.records import OperationRecord, OutputRecord, ResourceRecord, StackRecord
from localorg.stacks.resources.kinds import ResourceType
from localorg.stacks.running import operation_of
from localorg.stacks.shelf import Shelf
from localorg.stacks.stack_policy import objection
from localorg.stacks.template import invalid

# AWS: CloudFormation user guide, "DeletionPolicy attribute", "UpdateReplacePolicy attribute".
RETAINING = ("Retain", "RetainExceptOnCreate")


class Phases:
    """Decides what comes next."""

    def __init__(
        self, kernel: Kernel, shelf: Shelf, types: dict[str, ResourceType], plan_of: Callable[[StackRecord], Plan]
    ) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._types = types
        self._plan_of = plan_of

    def leave(self, stack: StackRecord) -> None:
        """Take the stack to its next phase."""
        operation = operation_of(stack)
        match operation.phase, bool(operation.failed):
            case "forward", False if not operation.cancelled:
                self._arrived(stack)
            case "forward", False:
                self._failed(stack, operation.cancelled)
            case "forward", True:
                self._failed(stack)
            case "undo", False:
                self._undone(stack)
            case "undo", True:
                # The todo list is what was not tried again; both are what ContinueUpdateRollback goes on with.
                operation.todo = [name for name in operation.needs if name in {*operation.failed, *operation.todo}]
                stack.interrupted = operation
                self._end(stack, "UPDATE_ROLLBACK_FAILED", _failures("update", operation.failed))
            case "cleanup", _:
                self._cleaned(stack)
            case "delete", failed:
                self._deleted(stack, failed=failed)

    def _arrived(self, stack: StackRecord) -> None:
        operation = operation_of(stack)
        try:
            stack.outputs = self._outputs(stack)
        except AwsError as refusal:
            operation.failed.append("Outputs")
            operation.failed_to = operation.action
            self._failed(stack, refusal.message)
            return
        if operation.action == "create":
            self._end(stack, "CREATE_COMPLETE")
            return
        wanted = self._plan_of(stack).active()
        removed = [name for name in stack.resources if name not in wanted]
        if self._protected(stack, removed):
            self._failed(stack)
            return
        for name in removed:
            doom(operation, stack.resources[name], spare=stack.resources[name].deletion_policy in RETAINING)
        operation.phase = "cleanup"
        self._shelf.set_status(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")

    def _protected(self, stack: StackRecord, removed: list[str]) -> bool:
        """Fail every resource whose removal the stack policy does not allow. # ASSUMED: after everything else was updated."""
        operation = operation_of(stack)
        for name in removed:
            resource = stack.resources[name]
            problem = objection(operation.policy, "Update:Delete", name, resource.type)
            if problem:
                self._shelf.set_resource(stack, resource, "DELETE_FAILED", problem)
                operation.failed.append(name)
                operation.failed_to = "delete"
        return bool(operation.failed)

    def _outputs(self, stack: StackRecord) -> list[OutputRecord]:
        outputs = self._plan_of(stack).outputs()
        taken = self._shelf.exports(stack.account, stack.region)
        for output in outputs:
            holder = taken.get(output.export)
            if holder and holder[0] != stack.stack_id:
                owner = holder[0].split("/")[1]
                raise invalid(f"Export with name {output.export} is already exported by stack {owner}")
        exported = [output.export for output in outputs if output.export]
        twice = sorted({name for name in exported if exported.count(name) > 1})
        if twice:
            # ASSUMED: the sentence; the names come from functions, so they are known only now.
            raise invalid(f"Export name {twice[0]} is in more than one output")
        kept = {output.export: output.value for output in outputs}
        for old in stack.outputs:
            users = self._shelf.importers(stack.account, stack.region, old.export) if old.export else []
            if users and kept.get(old.export) != old.value:
                verb = "updated" if old.export in kept else "deleted"
                raise invalid(f"Export {old.export} cannot be {verb} as it is in use by {', '.join(users)}")
        return outputs

    def _failed(self, stack: StackRecord, reason: str = "") -> None:
        operation = operation_of(stack)
        why = operation.cancelled or reason or _failures(operation.failed_to, operation.failed)
        if operation.action == "create":
            self._creation_failed(stack, why)
        elif stack.on_failure == "DO_NOTHING" and not operation.cancelled:
            stack.interrupted = operation
            self._end(stack, "UPDATE_FAILED", why)
        else:
            self.undo(stack, why)

    def _creation_failed(self, stack: StackRecord, why: str) -> None:
        operation = operation_of(stack)
        if stack.on_failure == "DO_NOTHING":
            self._end(stack, "CREATE_FAILED", why)
            return
        if stack.on_failure == "DELETE":
            operation.action = "delete"
            asked = why == "User Initiated"
            self._shelf.set_status(stack, "DELETE_IN_PROGRESS", why if asked else f"{why}. Delete requested by user.")
        else:
            self._shelf.set_status(stack, "ROLLBACK_IN_PROGRESS", f"{why}. Rollback requested by user.")
        self.unmake(stack)

    def unmake(self, stack: StackRecord) -> None:
        """Have everything deleted that the creation has made."""
        operation = operation_of(stack)
        operation.todo, operation.failed, operation.phase = [], [], "delete"
        for resource in stack.resources.values():
            # AWS: RetainExceptOnCreate deletes what a failed creation leaves, Retain does not.
            doom(operation, resource, spare=resource.deletion_policy == "Retain" and operation.keeps_retained)

    def undo(self, stack: StackRecord, why: str) -> None:
        """Begin to bring everything back to what it was before the update."""
        operation = operation_of(stack)
        before = operation.before
        if before is None:
            raise RuntimeError(f"{stack.stack_id} is updated without a snapshot")
        self._shelf.set_status(stack, "UPDATE_ROLLBACK_IN_PROGRESS", why)
        operation.phase, operation.failed = "undo", []
        kept = {resource.physical_id for resource in before.resources.values()}
        # What was to go, goes only if it is not part of the stack as it was.
        operation.doomed = {key: one for key, one in operation.doomed.items() if one.physical_id not in kept}
        operation.spared = [key for key in operation.spared if key in operation.doomed]
        for name, resource in list(stack.resources.items()):
            is_new = name not in before.resources
            if is_new or (resource.physical_id and resource.physical_id not in kept):
                doom(operation, resource, spare=is_new and resource.deletion_policy == "Retain" and operation.keeps_retained)
            if is_new:
                del stack.resources[name]
        operation.needs = {name: resource.needs for name, resource in before.resources.items()}
        operation.todo = list(before.resources)
        stack.template, stack.parameters, stack.tags = before.template, before.parameters, before.tags
        stack.capabilities, stack.outputs, stack.resolved = before.capabilities, before.outputs, before.resolved

    def _undone(self, stack: StackRecord) -> None:
        operation = operation_of(stack)
        operation.phase, operation.before = "cleanup", None
        self._shelf.set_status(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")

    def _cleaned(self, stack: StackRecord) -> None:
        # AWS: a resource that cannot be deleted in a cleanup is left behind and does not fail the update.
        operation = operation_of(stack)
        for key in operation.failed:
            resource = operation.doomed.get(key)
            kept = stack.resources.get(resource.logical_id) if resource else None
            if resource and kept and kept.physical_id == resource.physical_id:
                del stack.resources[resource.logical_id]
        self._end(stack, "UPDATE_ROLLBACK_COMPLETE" if operation.before is None else "UPDATE_COMPLETE")

    def _deleted(self, stack: StackRecord, *, failed: bool) -> None:
        operation = operation_of(stack)
        names = [key.split(":", 1)[0] for key in operation.failed]
        if operation.action == "create":
            self._end(stack, "ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE", _failures("delete", names) if failed else "")
        elif failed:
            self._end(stack, "DELETE_FAILED", _failures("delete", names))
        else:
            stack.deleted, stack.outputs, stack.imports = self._kernel.now(), [], []
            self._end(stack, "DELETE_COMPLETE")

    def _end(self, stack: StackRecord, status: str, reason: str = "") -> None:
        self._shelf.set_status(stack, status, reason)
        if not status.endswith("_FAILED"):
            stack.interrupted = None
        stack.operation = None
        self._shelf.put(stack)
        self._kernel.publish("stack.finished", {"stack": stack.stack_id, "status": status})


def doom(operation: OperationRecord, resource: ResourceRecord, *, spare: bool) -> None:
    """Have a resource deleted in the phase that deletes; `spare` only forgets it."""
    key = f"{resource.logical_id}:{resource.physical_id}"
    operation.doomed[key] = resource
    if spare:
        operation.spared.append(key)


def _failures(action: str, names: list[str]) -> str:
    return f"The following resource(s) failed to {action}: [{', '.join(dict.fromkeys(names))}]"
