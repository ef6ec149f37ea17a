"""Works an operation of a set off: starts stacks in its accounts, hears of their ends, keeps within the preferences.

Flow: `pump(set)` takes the operations whose turn it is -> per Region as many accounts as `pace` allows -> `commanding` ->
"stack.finished" -> the item and the instance -> pump again -> the end.
Rules: one operation of a set at a time; with managed execution those that touch different instances go on together, and whoever waits
is not overtaken. Suspended accounts are skipped; in those that left the organization nothing is made or changed. A Region with too
many failures ends the operation.
Refuses to know: who asked for it.

AWS: CloudFormation user guide, "StackSets concepts": operation status, stack instance status.
"""

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event
from localorg.protocol.gateway import Gateway
from localorg.stacks.stacksets.acting import Acting, RoleMissingError
from localorg.stacks.stacksets.commanding import DEAD_ENDS, NO_UPDATES, Commanding
from localorg.stacks.stacksets.dependencies import Dependencies
from localorg.stacks.stacksets.organization import GONE, Directory
from localorg.stacks.stacksets.pace import concurrency, in_parallel, tolerance
from localorg.stacks.stacksets.records import (
    DETECT_DRIFT,
    SERVICE_MANAGED,
    InstanceRecord,
    ItemRecord,
    SetOperationRecord,
    StackSetRecord,
)
from localorg.stacks.stacksets.shelf import Shelf

ENGINE = "stacksets"
BEGIN_S = 0.2
"""How long an operation is visibly RUNNING before its first stack. # ASSUMED"""
SKIPPED = "SKIPPED_SUSPENDED_ACCOUNT"
GOOD_ENDS = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")
STOPPED_REASON, FAILED_REASON = "Cancelled by the user", "Cancelled since failure tolerance has exceeded"
"""AWS: the second is the sentence of cancelled instances. # ASSUMED: the first."""


class Working:
    """Moves the operations of StackSets on."""

    def __init__(self, gateway: Gateway, shelf: Shelf, directory: Directory, acting: Acting) -> None:
        self._kernel = gateway.kernel
        self._shelf = shelf
        self._directory = directory
        self._acting = acting
        self._commanding = Commanding(gateway, acting)
        self._dependencies = Dependencies(shelf)

    def begin(self, stack_set: StackSetRecord) -> None:
        """Let the set's operations go on soon."""
        self._kernel.after(BEGIN_S, Event(ENGINE, "pump", {"set": stack_set.stack_set_id}))

    def pump(self, stack_set: StackSetRecord) -> None:
        """Start what may start; end what has nothing left to do; go on with the operations that waited for it."""
        ended = True
        while ended:
            ended = False
            for operation in self._live(stack_set):
                self._work(stack_set, operation)
                self._shelf.put_operation(operation)
                if not any(item.status in ("PENDING", "RUNNING") for item in operation.items):
                    self._end(stack_set, operation)
                    ended = True

    def _live(self, stack_set: StackSetRecord) -> list[SetOperationRecord]:
        """Return the operations whose turn it is; those that waited for it are RUNNING from now on."""
        live: list[SetOperationRecord] = []
        taken: set[tuple[str, str]] = set()
        for operation in self._shelf.open_operations(stack_set.stack_set_id):
            places = operation.places()
            if operation.status == "QUEUED":
                # AWS: ManagedExecution: operations that do not conflict go on together, the others wait in request order.
                conflicts = bool(live) and (not stack_set.managed_execution or bool(places & taken))
                if conflicts or self._is_held(stack_set, operation):
                    return live
                operation.status = "RUNNING"
            live.append(operation)
            taken |= places
        return live

    def _is_held(self, stack_set: StackSetRecord, operation: SetOperationRecord) -> bool:
        match self._dependencies.hold(stack_set, operation):
            case "wait":
                return True
            case "fail":
                operation.reason = "A stack set that this one depends on failed"
                for item in operation.items:
                    item.status, item.reason = "FAILED", operation.reason
        return False

    def finished(self, stack_id: str, status: str) -> StackSetRecord | None:
        """Hear that a stack came to an end; return the set whose operation waited for it."""
        for stack_set in self._shelf.every():
            for operation in self._shelf.open_operations(stack_set.stack_set_id):
                for item in operation.items:
                    instance = self._shelf.instance(stack_set.stack_set_id, item.account, item.region)
                    if item.status == "RUNNING" and instance is not None and instance.stack_id == stack_id:
                        self._take(stack_set, operation, item, instance, status)
                        self.pump(stack_set)
                        return stack_set
        return None

    def drift_detected(self, detection: str) -> None:
        """Hear that the drift of a stack was detected, and go on with the operation that waited for it."""
        for stack_set in self._shelf.every():
            for operation in self._shelf.open_operations(stack_set.stack_set_id):
                for item in operation.items:
                    if item.status == "RUNNING" and item.detection == detection:
                        self._take_drift(stack_set, operation, item)
                        self.pump(stack_set)
                        return

    def _take_drift(self, stack_set: StackSetRecord, operation: SetOperationRecord, item: ItemRecord) -> None:
        instance = self._shelf.instance(stack_set.stack_set_id, item.account, item.region)
        if instance is None:
            raise RuntimeError(f"{operation.operation_id} works on an instance that is not there")
        status, drift, reason = self._commanding.drift(stack_set, operation, instance, item.detection)
        if status == "DETECTION_COMPLETE":
            item.drift = instance.drift = drift
            instance.drift_checked = self._kernel.now()
        self._settle_drift(item, instance, "" if status == "DETECTION_COMPLETE" else reason)
        self._shelf.put_operation(operation)

    def _settle_drift(self, item: ItemRecord, instance: InstanceRecord, reason: str) -> None:
        item.status = instance.detailed = "FAILED" if reason else "SUCCEEDED"
        item.reason = reason
        self._shelf.put_instance(instance)

    def resume(self, stack_set: StackSetRecord) -> None:
        """After a restart: hear of the stacks that ended meanwhile, then go on."""
        for operation in self._shelf.open_operations(stack_set.stack_set_id):
            for item in operation.items:
                instance = self._shelf.instance(stack_set.stack_set_id, item.account, item.region)
                if item.status != "RUNNING" or instance is None:
                    continue
                if operation.action == DETECT_DRIFT:
                    self._resume_drift(stack_set, operation, item, instance)
                    continue
                try:
                    status = self._commanding.status(stack_set, operation, instance)
                except AwsError as refusal:
                    self._settle(operation, item, instance, refusal.message)
                    self._shelf.put_operation(operation)
                    continue
                if not status.endswith("_IN_PROGRESS"):
                    self._take(stack_set, operation, item, instance, status)
        self.pump(stack_set)

    def _resume_drift(
        self, stack_set: StackSetRecord, operation: SetOperationRecord, item: ItemRecord, instance: InstanceRecord
    ) -> None:
        if self._commanding.drift(stack_set, operation, instance, item.detection)[0] != "DETECTION_IN_PROGRESS":
            self._take_drift(stack_set, operation, item)

    def _work(self, stack_set: StackSetRecord, operation: SetOperationRecord) -> None:
        for region in operation.regions:
            rows = [item for item in operation.items if item.region == region]
            self._work_region(stack_set, operation, rows)
            failed = sum(item.status == "FAILED" for item in rows)
            if failed > tolerance(operation.preferences, len(rows)) or operation.status == "STOPPING":
                self._cancel(operation)
            if any(item.status in ("PENDING", "RUNNING") for item in rows) and not in_parallel(operation.preferences):
                return

    def _work_region(self, stack_set: StackSetRecord, operation: SetOperationRecord, rows: list[ItemRecord]) -> None:
        for item in rows:
            if item.status != "PENDING" or operation.status == "STOPPING":
                continue
            failed = sum(row.status == "FAILED" for row in rows)
            running = sum(row.status == "RUNNING" for row in rows)
            if failed > tolerance(operation.preferences, len(rows)):
                return
            if running >= concurrency(operation.preferences, len(rows), failed):
                return
            self._start(stack_set, operation, item)

    def _cancel(self, operation: SetOperationRecord) -> None:
        for item in operation.items:
            if item.status == "PENDING":
                item.status = "CANCELLED"
                item.reason = FAILED_REASON if operation.status != "STOPPING" else STOPPED_REASON
                instance = self._shelf.instance(operation.stack_set_id, item.account, item.region)
                if instance is not None:
                    instance.detailed, instance.reason = "CANCELLED", item.reason
                    instance.last_operation = operation.operation_id
                    self._shelf.put_instance(instance)

    def _start(self, stack_set: StackSetRecord, operation: SetOperationRecord, item: ItemRecord) -> None:
        instance = self._shelf.instance(stack_set.stack_set_id, item.account, item.region)
        if instance is None:
            instance = InstanceRecord(stack_set.stack_set_id, item.account, item.region, item.unit)
        instance.last_operation = operation.operation_id
        if operation.overrides is not None:
            kept = {key: instance.overrides.get(key) if value is None else value for key, value in operation.overrides.items()}
            instance.overrides = {key: value for key, value in kept.items() if value is not None}
        state = self._state(stack_set, operation, instance)
        if state not in ("ACTIVE", GONE):
            self._skip(item, instance)
            return
        if state == GONE and not (operation.automatic and operation.action == "DELETE"):
            # ASSUMED: the words. AWS: service-managed sets deploy to accounts of the organization; they clear those that left it.
            self._settle(operation, item, instance, f"Account {item.account} is not in the organization")
            return
        item.status = instance.detailed = "RUNNING"
        self._shelf.put_instance(instance)
        try:
            if operation.action == DETECT_DRIFT:
                item.detection = self._commanding.detect_drift(stack_set, operation, instance)
                done = False
            else:
                done = self._command(stack_set, operation, item, instance)
        except AwsError as refusal:
            item.gate = "FAILED" if isinstance(refusal, RoleMissingError) else item.gate
            if operation.action == DETECT_DRIFT:
                self._settle_drift(item, instance, refusal.message)
            else:
                self._settle(operation, item, instance, refusal.message)
            return
        self._shelf.put_instance(instance)
        if done:
            self._settle(operation, item, instance, "")

    def _state(self, stack_set: StackSetRecord, operation: SetOperationRecord, instance: InstanceRecord) -> str:
        """Return the state of an instance's account as far as the work depends on it: ACTIVE where nothing is done in the account."""
        leaves_it_alone = operation.action == "DELETE" and (operation.retain or not instance.stack_id)
        if stack_set.permission_model != SERVICE_MANAGED or leaves_it_alone:
            return "ACTIVE"
        return self._directory.state(stack_set.account, instance.account)

    def _skip(self, item: ItemRecord, instance: InstanceRecord) -> None:
        """Skip a suspended account. # ASSUMED: the item counts as succeeded; a deletion skips it too unless stacks are retained."""
        # AWS: CloudFormation API reference, StackInstanceComprehensiveStatus; the reason is StackSets' own word.
        item.status, item.reason = "SUCCEEDED", "ACCOUNT_SUSPENDED"
        instance.status, instance.detailed, instance.reason = "OUTDATED", SKIPPED, item.reason
        self._shelf.put_instance(instance)

    def _command(
        self, stack_set: StackSetRecord, operation: SetOperationRecord, item: ItemRecord, instance: InstanceRecord
    ) -> bool:
        """Give the order for one instance. Returns True when nothing is left to wait for."""
        command, deleting = self._commanding, operation.action == "DELETE"
        if deleting and (operation.retain or not instance.stack_id):
            return True
        status = command.status(stack_set, operation, instance)
        item.gate = "SKIPPED"
        if deleting:
            if status:
                command.delete(stack_set, operation, instance)
            return not status
        self._require_stack(operation, instance, status)
        if status in DEAD_ENDS:
            # ASSUMED: an instance whose stack never came to be is made anew by the next operation.
            item.clearing = True
            command.delete(stack_set, operation, instance)
            return False
        if not status:
            command.create(stack_set, operation, instance)
            return False
        if command.update(stack_set, operation, instance):
            return False
        item.reason = NO_UPDATES
        return True

    @staticmethod
    def _require_stack(operation: SetOperationRecord, instance: InstanceRecord, status: str) -> None:
        if operation.action == "UPDATE" and instance.stack_id and not status:
            # ASSUMED: an update fails where somebody deleted the stack in its account; CreateStackInstances makes it anew.
            raise AwsError("ValidationError", f"Stack [{instance.stack_id}] does not exist")

    def _take(
        self, stack_set: StackSetRecord, operation: SetOperationRecord, item: ItemRecord, instance: InstanceRecord, status: str
    ) -> None:
        if item.clearing and status in ("DELETE_COMPLETE", ""):
            item.clearing, instance.stack_id, item.status = False, "", "PENDING"
            self._shelf.put_instance(instance)
            self._start(stack_set, operation, item)
            self._shelf.put_operation(operation)
            return
        good = status in GOOD_ENDS or (operation.action == "DELETE" and not status)
        reason = "" if good else self._commanding.why(stack_set, operation, instance, status)
        self._settle(operation, item, instance, reason)
        self._shelf.put_operation(operation)

    def _settle(self, operation: SetOperationRecord, item: ItemRecord, instance: InstanceRecord, reason: str) -> None:
        item.status = instance.detailed = "FAILED" if reason else "SUCCEEDED"
        item.reason = reason or item.reason
        instance.reason = item.reason
        if operation.action == "DELETE" and not reason:
            self._shelf.forget_instance(instance.stack_set_id, instance.account, instance.region)
            return
        instance.status = "OUTDATED" if reason else "CURRENT"
        if reason and operation.action == "DELETE":
            # AWS: CloudFormation API reference, StackInstance Status: INOPERABLE after a failed deletion.
            instance.status = instance.detailed = "INOPERABLE"
        self._shelf.put_instance(instance)

    def _end(self, stack_set: StackSetRecord, operation: SetOperationRecord) -> None:
        if operation.status == "STOPPING":
            operation.status = "STOPPED"
        else:
            over = any(
                sum(item.status == "FAILED" for item in rows) > tolerance(operation.preferences, len(rows))
                for region in operation.regions
                if (rows := [item for item in operation.items if item.region == region])
            )
            operation.status = "FAILED" if over else "SUCCEEDED"
        operation.ended = self._kernel.now()
        self._shelf.put_operation(operation)
        self._acting.forget(operation)
        for other in self._dependencies.dependents(stack_set):
            self.begin(other)
