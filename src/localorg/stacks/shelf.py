"""The stacks' rows: found by name or id, their exports, and the diary of events.

Rules: a name belongs to one living stack per account and Region; deleted stacks are found by id only. Events are never changed.
"""

import json

from localorg.kernel import ids
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Request
from localorg.stacks.records import ChangeSetRecord, EventRecord, ResourceRecord, StackRecord
from localorg.stacks.template import invalid

KEPT_S = 90 * 86_400.0
"""AWS: API reference, ListStacks: deleted stacks are told of for 90 days."""


NAMING = {
    **dict.fromkeys(
        ("DescribeStacks", "DescribeStackResources", "GetTemplate", "GetTemplateSummary", "ListStackResources"),
        "Stack with id {}",
    ),
    "DescribeStackResource": "Stack '{}'",
}
"""AWS: how operations name a stack that does not exist; the others say Stack [NAME]."""


class Shelf:
    """Tables of stacks and events, and the questions that they answer."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._stacks = kernel.store.table("stacks.stack", StackRecord)
        self._events = kernel.store.table("stacks.event", EventRecord)
        self.change_sets = kernel.store.table("stacks.changeset", ChangeSetRecord)

    def put(self, stack: StackRecord) -> None:
        """Keep a stack that was changed."""
        self._stacks.put(stack, stack.account, stack.region, stack.stack_id)

    def forget(self, stack: StackRecord) -> None:
        """Remove a stack that never came to be (a change set's, in review)."""
        self._stacks.delete(stack.account, stack.region, stack.stack_id)

    def every(self) -> list[StackRecord]:
        """Return all stacks of all accounts."""
        return self._stacks.values()

    def of(self, account: str, region: str) -> list[StackRecord]:
        """Return the stacks of an account and Region, newest first, deleted ones too."""
        return [stack for stack in reversed(self._stacks.values(account, region)) if self._remembered(stack)]

    def _remembered(self, stack: StackRecord) -> bool:
        return stack.deleted is None or self._kernel.now() - stack.deleted <= KEPT_S

    def by_id(self, stack_id: str) -> StackRecord | None:
        """Return the stack with this ARN."""
        parts = stack_id.split(":")
        return self._stacks.get(parts[4], parts[3], stack_id) if len(parts) > 5 else None

    def find(self, account: str, region: str, name: str) -> StackRecord | None:
        """Return the stack by name (living) or id (also deleted), or None."""
        if name.startswith("arn:"):
            found = self._stacks.get(account, region, name)
            return found if found is not None and self._remembered(found) else None
        return next((stack for stack in self.of(account, region) if stack.name == name and not stack.gone), None)

    def require(self, request: Request) -> StackRecord:
        """Return the stack that a request names by StackName. Raises ValidationError, in the words that belong to the operation."""
        name = request.params["StackName"]
        found = self.find(request.account, request.region, name)
        if found is None:
            raise invalid(f"{NAMING.get(request.operation, 'Stack [{}]').format(name)} does not exist")
        return found

    def parents(self, account: str, region: str) -> dict[str, str]:
        """Return nested stack -> the stack whose resource it is."""
        return {
            resource.physical_id: stack.stack_id
            for stack in self.of(account, region)
            for resource in stack.resources.values()
            if resource.type == "AWS::CloudFormation::Stack"
        }

    def root_of(self, stack: StackRecord) -> StackRecord:
        """Return the stack at the top of those that a nested stack is in; of others the stack itself."""
        parents, found = self.parents(stack.account, stack.region), stack
        while found.stack_id in parents:
            outer = self.by_id(parents[found.stack_id])
            if outer is None:
                break
            found = outer
        return found

    def is_going(self, stack: StackRecord) -> bool:
        """Say whether the stack that this one is nested in has it deleted."""
        outer = self.by_id(self.parents(stack.account, stack.region).get(stack.stack_id, ""))
        works = outer.operation.works.values() if outer is not None and outer.operation else ()
        return any(work.action == "delete" and work.resource.physical_id == stack.stack_id for work in works)

    def exports(self, account: str, region: str) -> dict[str, tuple[str, str]]:
        """Return export name -> (stack id, value) of an account and Region."""
        return {
            output.export: (stack.stack_id, output.value)
            for stack in self.of(account, region)
            if not stack.gone
            for output in stack.outputs
            if output.export
        }

    def importers(self, account: str, region: str, export: str) -> list[str]:
        """Return the names of the stacks that import `export`."""
        return [stack.name for stack in self.of(account, region) if not stack.gone and export in stack.imports]

    def events(self, stack_id: str) -> list[EventRecord]:
        """Return the events of a stack, newest first."""
        return list(reversed(self._events.values(stack_id)))

    def set_status(self, stack: StackRecord, status: str, reason: str = "") -> None:
        """Change the status of a stack and say so in its events."""
        stack.status, stack.reason = status, reason
        token = stack.operation.token if stack.operation else ""
        self._add(
            stack,
            EventRecord(
                ids.uuid(self._kernel.dice),
                stack.name,
                stack.stack_id,
                "AWS::CloudFormation::Stack",
                status,
                self._kernel.now(),
                reason,
                "",
                token,
            ),
        )

    def set_resource(self, stack: StackRecord, resource: ResourceRecord, status: str, reason: str = "") -> None:
        """Change the status of a resource and say so in the events of its stack."""
        resource.status, resource.reason, resource.updated = status, reason, self._kernel.now()
        token = stack.operation.token if stack.operation else ""
        # AWS: the ids of resource events are LOGICAL-STATUS-time.
        event_id = f"{resource.logical_id}-{status}-{ids.hexadecimal(self._kernel.dice, 8)}"
        words = json.dumps(resource.properties, default=str)
        self._add(
            stack,
            EventRecord(
                event_id, resource.logical_id, resource.physical_id, resource.type, status, resource.updated, reason, words, token
            ),
        )

    def _add(self, stack: StackRecord, event: EventRecord) -> None:
        stack.events += 1
        event.operation = stack.operation.id if stack.operation else ""
        self._events.put(event, stack.stack_id, f"{stack.events:08d}")
        self.put(stack)
