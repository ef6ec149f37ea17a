"""The rows of StackSets: found by name or id, instances and operations of a set.

Rules: a name belongs to one living set per account and Region; deleted sets are found by id only.
"""

from localorg.kernel.errors import AwsError
from localorg.kernel.store import Store
from localorg.stacks.stacksets.records import ActivationRecord, InstanceRecord, SetOperationRecord, StackSetRecord

ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})


class Shelf:
    """Tables of StackSets."""

    def __init__(self, store: Store) -> None:
        self._sets = store.table("stacksets.set", StackSetRecord)
        self._instances = store.table("stacksets.instance", InstanceRecord)
        self._operations = store.table("stacksets.operation", SetOperationRecord)
        self._activations = store.table("stacksets.activation", ActivationRecord)

    def activate(self, management: str, now: float) -> None:
        """Remember that a management account activated trusted access here."""
        self._activations.put(ActivationRecord(management, now), management)

    def deactivate(self, management: str) -> None:
        """Forget it."""
        self._activations.delete(management)

    def is_activated(self, management: str) -> bool:
        """Say whether a management account activated trusted access here."""
        return (management,) in self._activations

    def put(self, stack_set: StackSetRecord) -> None:
        """Keep a set."""
        self._sets.put(stack_set, stack_set.account, stack_set.region, stack_set.stack_set_id)

    def every(self) -> list[StackSetRecord]:
        """Return all sets."""
        return self._sets.values()

    def of(self, account: str, region: str) -> list[StackSetRecord]:
        """Return the sets of an account and Region."""
        return self._sets.values(account, region)

    def by_id(self, stack_set_id: str) -> StackSetRecord | None:
        """Return the set with this id."""
        return next((one for one in self.every() if one.stack_set_id == stack_set_id), None)

    def find(self, account: str, region: str, name: str) -> StackSetRecord | None:
        """Return the set by name (living), id or ARN, or None."""
        wanted = name.rsplit("stackset/", 1)[-1] if name.startswith("arn:") else name
        found = self._sets.get(account, region, wanted)
        return found or next((one for one in self.of(account, region) if one.name == wanted and one.status == "ACTIVE"), None)

    def put_instance(self, instance: InstanceRecord) -> None:
        """Keep an instance."""
        self._instances.put(instance, instance.stack_set_id, instance.account, instance.region)

    def forget_instance(self, stack_set_id: str, account: str, region: str) -> None:
        """Remove an instance."""
        self._instances.delete(stack_set_id, account, region)

    def instance(self, stack_set_id: str, account: str, region: str) -> InstanceRecord | None:
        """Return an instance, or None."""
        return self._instances.get(stack_set_id, account, region)

    def instances(self, stack_set_id: str) -> list[InstanceRecord]:
        """Return the instances of a set."""
        return self._instances.values(stack_set_id)

    def put_operation(self, operation: SetOperationRecord) -> None:
        """Keep an operation."""
        self._operations.put(operation, operation.stack_set_id, operation.operation_id)

    def operation(self, stack_set_id: str, operation_id: str) -> SetOperationRecord:
        """Return an operation. Raises OperationNotFoundException."""
        found = self._operations.get(stack_set_id, operation_id)
        if found is None:
            raise AwsError("OperationNotFoundException", f"Operation {operation_id} not found", status=404)
        return found

    def operations(self, stack_set_id: str) -> list[SetOperationRecord]:
        """Return the operations of a set, oldest first."""
        return self._operations.values(stack_set_id)

    def open_operations(self, stack_set_id: str) -> list[SetOperationRecord]:
        """Return the operations of a set that have not ended, oldest first."""
        return [one for one in self.operations(stack_set_id) if one.status not in ENDED]
