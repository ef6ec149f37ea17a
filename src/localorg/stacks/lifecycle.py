"""The life of a stack: what is done next, what a failure leads to, and the events that tell it.

Flow: service.py begins an operation -> "begin" | "reply" -> `_pump` starts every resource whose needs are met -> each resource's
program (running.py) -> complete, or failed -> the stack's next phase: forward -> cleanup | undo -> cleanup | delete.
Rules: independent resources go side by side; after a failure nothing new is started; deletion is the other way round. All state is
in the stack's row; `resume` goes on where a restart stopped.

AWS: CloudFormation user guide, "Stack status codes", "Stack failure options", "Understand update behaviors of stack resources".
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.protocol.gateway import Gateway
from localorg.stacks.phases import Phases, doom
from localorg.stacks.planning import Plan
from localorg.stacks.records import ResourceRecord, StackRecord, WorkRecord
from localorg.stacks.resources.kinds import Made, ResourceType
from localorg.stacks.running import ENGINE, Failed, Finished, Running, operation_of
from localorg.stacks.shelf import Shelf
from localorg.stacks.stack_policy import objection

BEGIN_S = 0.2
"""How long a stack is visibly IN_PROGRESS before its first resource starts. # ASSUMED"""


class Lifecycle:
    """Moves stacks on."""

    def __init__(
        self,
        kernel: Kernel,
        gateway: Gateway,
        shelf: Shelf,
        types: dict[str, ResourceType],
        plan_of: Callable[[StackRecord], Plan],
    ) -> None:
        self._kernel = kernel
        self._shelf = shelf
        self._types = types
        self._plan_of = plan_of
        self._running = Running(kernel, gateway, types)
        self.phases = Phases(kernel, shelf, types, plan_of)

    def begin(self, stack: StackRecord) -> None:
        """Let the operation that was just put on the stack start soon."""
        self._arm(stack)
        self._kernel.after(BEGIN_S, Event(ENGINE, "begin", {"stack": stack.stack_id}))

    def nudge(self, stack: StackRecord) -> None:
        """Look at a stack again soon, because its operation was changed."""
        self._kernel.post(Event(ENGINE, "nudge", {"stack": stack.stack_id}))

    def _arm(self, stack: StackRecord) -> None:
        operation = operation_of(stack)
        if operation.deadline is not None and operation.phase == "forward":
            data = {"stack": stack.stack_id, "operation": operation.id}
            self._kernel.at(operation.deadline, Event(ENGINE, "timeout", data))

    def resume(self) -> None:
        """Go on with everything in flight after a restart: questions whose answers were lost are asked again."""
        for stack in self._shelf.every():
            if stack.operation is None:
                continue
            self._arm(stack)
            for key in list(stack.operation.works):
                self._advance(stack, key)
            self.begin(stack)

    def handle(self, event: Event) -> None:
        """Take an event of a stack in flight."""
        stack = self._shelf.by_id(event.data["stack"])
        if stack is None or stack.operation is None:
            return
        if event.name == "timeout":
            if stack.operation.id != event.data["operation"] or stack.operation.phase != "forward":
                return
            # AWS: the reason of a creation that took longer than TimeoutInMinutes.
            stack.operation.cancelled = "Stack creation time exceeded the specified timeout"
        if event.name == "reply":
            work = stack.operation.works.get(event.data["work"])
            if work is None or work.token != event.data["token"]:
                return
            if not self._running.answered(work, event.data["turn"], event.data):
                return
            self._advance(stack, event.data["work"])
        self._pump(stack)
        self._shelf.put(stack)

    def _pump(self, stack: StackRecord) -> None:
        """Start what can start; when nothing is left in this phase, go to the next."""
        while (operation := stack.operation) is not None:
            phase = operation.phase
            started = self._start_forward(stack) if phase in ("forward", "undo") else self._start_deletions(stack)
            if started or operation.works:
                if not started:
                    return
                continue
            self.phases.leave(stack)

    def _start_forward(self, stack: StackRecord) -> int:
        operation = operation_of(stack)
        if operation.failed or (operation.cancelled and operation.phase == "forward"):
            return 0
        waiting = {*operation.todo, *(work.resource.logical_id for work in operation.works.values())}
        ready = [name for name in operation.todo if not waiting.intersection(operation.needs.get(name, ()))]
        for name in ready:
            if operation.failed:
                break
            operation.todo.remove(name)
            if operation.phase == "undo":
                self._restore(stack, name)
            else:
                self._realise(stack, name)
        return len(ready)

    def _realise(self, stack: StackRecord, name: str) -> None:
        """Bring one resource to what the template says."""
        plan = self._plan_of(stack)
        kind = plan.type_of(name)
        current = stack.resources.get(name)
        deletion, replace = plan.policies_of(name)
        wanted = ResourceRecord(
            name, kind.name, needs=operation_of(stack).needs[name], deletion_policy=deletion, replace_policy=replace
        )
        try:
            wanted.properties = plan.properties_of(name, stack.tags)
        except AwsError as refusal:
            self._refuse(stack, current or wanted, "update" if current else "create", refusal.message)
            return
        stack.imports = list(dict.fromkeys([*stack.imports, *plan.imports]))
        if current is None or not current.physical_id:
            self._launch(stack, wanted, WorkRecord("create", wanted, {}, self._running.token()))
            return
        complete = not current.status.endswith("_FAILED")
        if complete and not kind.always_asked and current.type == wanted.type and current.properties == wanted.properties:
            current.needs, current.deletion_policy, current.replace_policy = wanted.needs, deletion, replace
            return
        self._change(stack, kind, current, wanted)

    def _change(self, stack: StackRecord, kind: ResourceType, current: ResourceRecord, wanted: ResourceRecord) -> None:
        before = _held(current)
        replacing = kind.replacing(before, wanted.properties) if current.type == wanted.type else frozenset({"Type"})
        if not replacing:
            problem = objection(operation_of(stack).policy, "Update:Modify", current.logical_id, current.type)
            if problem:
                self._refuse(stack, current, "update", problem)
                return
            updated = deepcopy(current)
            updated.properties, updated.needs = wanted.properties, wanted.needs
            updated.deletion_policy, updated.replace_policy = wanted.deletion_policy, wanted.replace_policy
            self._launch(stack, updated, WorkRecord("update", updated, before, self._running.token()))
            return
        name = kind.name_property
        if current.type == wanted.type and name and name in before and before[name] == wanted.properties.get(name):
            # AWS: CloudFormation user guide, "Name type": the very sentence.
            self._refuse(
                stack,
                current,
                "update",
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {before[name]} and update the stack again.",
            )
            return
        problem = objection(operation_of(stack).policy, "Update:Replace", current.logical_id, current.type)
        if problem:
            self._refuse(stack, current, "update", problem)
            return
        doom(operation_of(stack), current, spare=current.replace_policy == "Retain")
        work = WorkRecord("create", wanted, {}, self._running.token(), replaces=True)
        reason = "Requested update requires the creation of a new physical resource; hence creating one."
        self._launch(stack, wanted, work, reason)

    def _launch(self, stack: StackRecord, resource: ResourceRecord, work: WorkRecord, reason: str = "") -> None:
        status = "UPDATE" if work.action == "update" or work.replaces else work.action.upper()
        self._shelf.set_resource(stack, resource, f"{status}_IN_PROGRESS", reason)
        key = f"{resource.logical_id}:{work.token}"
        operation_of(stack).works[key] = work
        self._advance(stack, key)

    def _restore(self, stack: StackRecord, name: str) -> None:
        """Bring one resource back to what it was before the update."""
        snapshot = operation_of(stack).before
        was = snapshot.resources.get(name) if snapshot else None
        now = stack.resources.get(name)
        if was is None:
            return
        if now == was:
            return
        back = deepcopy(was)
        if now is not None and _is_same(now, was):
            # It failed before anything was changed, or only what is not a property was: it is what it was.
            stack.resources[name] = back
            if now.status.endswith("_FAILED"):
                # AWS: what has failed is told to be brought back, though nothing has to be done.
                for status in ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"):
                    self._shelf.set_resource(stack, back, status)
            return
        if now is None or now.physical_id != was.physical_id:
            stack.resources[name] = back
            return
        # What an update had begun is undone from where it was going; a way back that failed is gone again from where it began.
        before = now.properties if now.properties != was.properties else _held(now)
        self._launch(stack, back, WorkRecord("update", back, before, self._running.token()))

    def _start_deletions(self, stack: StackRecord) -> int:
        operation = operation_of(stack)
        going = {f"{work.resource.logical_id}:{work.resource.physical_id}" for work in operation.works.values()}
        needed = {need for resource in operation.doomed.values() for need in resource.needs}
        ready = [
            key
            for key, resource in operation.doomed.items()
            if key not in going and key not in operation.failed and resource.logical_id not in needed
        ]
        for key in ready:
            self._unmake(stack, key, operation.doomed[key])
        return len(ready)

    def _unmake(self, stack: StackRecord, key: str, resource: ResourceRecord) -> None:
        operation = operation_of(stack)
        if key in operation.spared:
            self._shelf.set_resource(stack, resource, "DELETE_SKIPPED")
            self._gone(stack, key)
        elif not resource.physical_id:
            if resource.status:
                self._shelf.set_resource(stack, resource, "DELETE_COMPLETE")
            self._gone(stack, key)
        else:
            work = WorkRecord("delete", resource, {}, self._running.token())
            self._launch(stack, resource, work)

    def _gone(self, stack: StackRecord, key: str) -> None:
        resource = operation_of(stack).doomed.pop(key)
        kept = stack.resources.get(resource.logical_id)
        if kept is not None and kept.physical_id == resource.physical_id:
            del stack.resources[resource.logical_id]

    def _adopt(self, stack: StackRecord, work: WorkRecord) -> None:
        """Make the work's resource the stack's own: after a restart they are two copies of it."""
        resource, kept = work.resource, stack.resources.get(work.resource.logical_id)
        if work.action != "delete" or (kept is not None and kept.physical_id == resource.physical_id):
            stack.resources[resource.logical_id] = resource

    def _advance(self, stack: StackRecord, key: str) -> None:
        operation = operation_of(stack)
        work = operation.works[key]
        self._adopt(stack, work)
        outcome = self._running.advance(stack, key, work)
        while isinstance(outcome, Made):
            work.resource.physical_id = outcome.physical_id
            status = "UPDATE_IN_PROGRESS" if work.replaces else "CREATE_IN_PROGRESS"
            self._shelf.set_resource(stack, work.resource, status, "Resource creation Initiated")
            outcome = self._running.advance(stack, key, work)
        if isinstance(outcome, Finished):
            del operation.works[key]
            self._complete(stack, work, outcome)
        elif isinstance(outcome, Failed):
            del operation.works[key]
            self._fail(stack, work, outcome.reason)

    def _complete(self, stack: StackRecord, work: WorkRecord, outcome: Finished) -> None:
        operation, resource = operation_of(stack), work.resource
        if work.action == "delete":
            self._shelf.set_resource(stack, resource, "DELETE_COMPLETE")
            self._gone(stack, f"{resource.logical_id}:{resource.physical_id}")
            return
        resource.physical_id, resource.attributes, resource.tried = outcome.physical_id, outcome.attributes, None
        status = "UPDATE" if work.action == "update" or work.replaces else "CREATE"
        if (operation.failed or operation.cancelled) and operation.phase == "forward":
            # AWS: resources under way when another fails are cancelled.
            self._shelf.set_resource(
                stack, resource, f"{status}_FAILED", f"Resource {'update' if status == 'UPDATE' else 'creation'} cancelled"
            )
            operation.failed.append(resource.logical_id)
            resource.tried = work.before if work.action == "update" else {}
            return
        self._shelf.set_resource(stack, resource, f"{status}_COMPLETE")

    def _fail(self, stack: StackRecord, work: WorkRecord, reason: str) -> None:
        if work.action == "delete":
            key = f"{work.resource.logical_id}:{work.resource.physical_id}"
            if operation_of(stack).forced:
                # AWS: FORCE_DELETE_STACK leaves behind what cannot be deleted.
                self._shelf.set_resource(stack, work.resource, "DELETE_SKIPPED", reason)
                self._gone(stack, key)
                return
            self._shelf.set_resource(stack, work.resource, "DELETE_FAILED", reason)
            operation_of(stack).failed.append(key)
            return
        action = "update" if work.action == "update" or work.replaces else "create"
        self._refuse(stack, work.resource, action, reason)
        _note_attempt(work)

    def _refuse(self, stack: StackRecord, resource: ResourceRecord, action: str, reason: str) -> None:
        operation = operation_of(stack)
        stack.resources.setdefault(resource.logical_id, resource)
        self._shelf.set_resource(stack, resource, f"{action.upper()}_FAILED", reason)
        operation.failed.append(resource.logical_id)
        operation.failed_to = "update" if action == "update" else "create"


def _note_attempt(work: WorkRecord) -> None:
    """Have a resource whose program failed say what it may be now: what it was, or something on the way."""
    resource, begun = work.resource, any(not reply.code for reply in work.replies)
    if work.action == "update" and not begun and resource.tried is None:
        resource.properties = dict(work.before)
    elif resource.tried is None:
        resource.tried = dict(work.before) if work.action == "update" else {}


def _is_same(now: ResourceRecord, was: ResourceRecord) -> bool:
    """Say whether nothing of a resource has to be undone."""
    is_untouched = (now.physical_id, now.properties, now.attributes) == (was.physical_id, was.properties, was.attributes)
    return is_untouched and now.tried is None


def _held(resource: ResourceRecord) -> dict[str, Any]:
    """Return the properties that a resource has for sure: those from which a failed update set out, or its own."""
    return resource.properties if resource.tried is None else resource.tried
