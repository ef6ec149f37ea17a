"""Works an operation of a set off: starts stacks in members, hears of their ends, keeps within the preferences.

Flow: `pump(set)` takes the oldest open operation -> per Region as many accounts as `pace` allows -> CreateStack | UpdateStack |
DeleteStack as StackSets' own principal in the member -> "stack.finished" -> the item and the instance -> pump again -> the end.
Rules: one operation of a set at a time. Suspended accounts are skipped. A Region with too many failures ends the operation.
Refuses to know: who asked for it.

AWS: CloudFormation user guide, "StackSets concepts": operation status, stack instance status.
"""

from typing import Any

from localorg.kernel import ids
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ApiCall, Output
from localorg.protocol.gateway import Gateway
from localorg.stacks.resources.kinds import tag_list
from localorg.stacks.stacksets.organization import Directory
from localorg.stacks.stacksets.pace import concurrency, in_parallel, tolerance
from localorg.stacks.stacksets.records import InstanceRecord, ItemRecord, SetOperationRecord, StackSetRecord
from localorg.stacks.stacksets.shelf import Shelf

ENGINE = "stacksets"
BEGIN_S = 0.2
"""How long an operation is visibly RUNNING before its first stack. # ASSUMED"""
SKIPPED = "SKIPPED_SUSPENDED_ACCOUNT"
DEAD_ENDS = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
GOOD_ENDS = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")


class Working:
    """Moves the operations of StackSets on."""

    def __init__(self, kernel: Kernel, gateway: Gateway, shelf: Shelf, directory: Directory) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._shelf = shelf
        self._directory = directory

    def begin(self, stack_set: StackSetRecord) -> None:
        """Let the set's operations go on soon."""
        self._kernel.after(BEGIN_S, Event(ENGINE, "pump", {"set": stack_set.stack_set_id}))

    def pump(self, stack_set: StackSetRecord) -> None:
        """Start what may start; end what has nothing left to do; go on with the next operation."""
        while True:
            waiting = self._shelf.open_operations(stack_set.stack_set_id)
            if not waiting:
                return
            operation = waiting[0]
            if operation.status == "QUEUED":
                operation.status = "RUNNING"
            self._work(stack_set, operation)
            self._shelf.put_operation(operation)
            if any(item.status in ("PENDING", "RUNNING") for item in operation.items):
                return
            self._end(operation)

    def finished(self, stack_id: str, status: str) -> None:
        """Hear that a stack came to an end."""
        for stack_set in self._shelf.every():
            for operation in self._shelf.open_operations(stack_set.stack_set_id):
                for item in operation.items:
                    instance = self._shelf.instance(stack_set.stack_set_id, item.account, item.region)
                    if item.status == "RUNNING" and instance is not None and instance.stack_id == stack_id:
                        self._take(stack_set, operation, item, instance, status)
                        self.pump(stack_set)
                        return

    def resume(self, stack_set: StackSetRecord) -> None:
        """After a restart: hear of the stacks that ended meanwhile, then go on."""
        for operation in self._shelf.open_operations(stack_set.stack_set_id):
            for item in operation.items:
                instance = self._shelf.instance(stack_set.stack_set_id, item.account, item.region)
                if item.status != "RUNNING" or instance is None:
                    continue
                status = self._status(instance)
                if not status.endswith("_IN_PROGRESS"):
                    self._take(stack_set, operation, item, instance, status)
        self.pump(stack_set)

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
                # AWS: the sentence of cancelled instances.
                item.reason = (
                    "Cancelled since failure tolerance has exceeded"
                    if operation.status != "STOPPING"
                    else "Cancelled by the user"
                )
                instance = self._shelf.instance(operation.stack_set_id, item.account, item.region)
                if instance is not None:
                    instance.detailed, instance.reason = "CANCELLED", item.reason
                    self._shelf.put_instance(instance)

    def _start(self, stack_set: StackSetRecord, operation: SetOperationRecord, item: ItemRecord) -> None:
        instance = self._shelf.instance(stack_set.stack_set_id, item.account, item.region)
        if instance is None:
            instance = InstanceRecord(stack_set.stack_set_id, item.account, item.region, item.unit)
        instance.last_operation = operation.operation_id
        if operation.overrides is not None:
            instance.overrides = operation.overrides
        state = self._directory.state(stack_set.account, item.account)
        if state != "ACTIVE" and operation.action != "DELETE":
            # AWS: CloudFormation API reference, StackInstanceComprehensiveStatus. # ASSUMED: the item counts as succeeded.
            item.status, item.reason = "SUCCEEDED", f"The account {item.account} is {state}"
            instance.detailed, instance.reason = SKIPPED, item.reason
            self._shelf.put_instance(instance)
            return
        item.status = instance.detailed = "RUNNING"
        self._shelf.put_instance(instance)
        try:
            done = self._command(stack_set, operation, item, instance)
        except AwsError as refusal:
            self._settle(operation, item, instance, f"{refusal.code}: {refusal.message}")
            return
        self._shelf.put_instance(instance)
        if done:
            self._settle(operation, item, instance, "")

    def _command(
        self, stack_set: StackSetRecord, operation: SetOperationRecord, item: ItemRecord, instance: InstanceRecord
    ) -> bool:
        """Give the order for one instance. Returns True when nothing is left to wait for."""
        status = self._status(instance) if instance.stack_id else ""
        if operation.action == "DELETE":
            if operation.retain or not status:
                return True
            self._call(instance, "DeleteStack", {"StackName": instance.stack_id})
            return False
        if status in DEAD_ENDS:
            # ASSUMED: an instance whose stack never came to be is made anew by the next operation.
            item.clearing = True
            self._call(instance, "DeleteStack", {"StackName": instance.stack_id})
            return False
        params = self._params(stack_set, instance)
        if status:
            return self._update(instance, params)
        name = f"StackSet-{stack_set.name}-{ids.uuid(self._kernel.dice)}"
        instance.stack_id = self._call(instance, "CreateStack", {"StackName": name, **params})["StackId"]
        return False

    def _update(self, instance: InstanceRecord, params: Output) -> bool:
        try:
            self._call(instance, "UpdateStack", {"StackName": instance.stack_id, **params})
        except AwsError as refusal:
            if refusal.message != "No updates are to be performed.":
                raise
            return True
        return False

    @staticmethod
    def _params(stack_set: StackSetRecord, instance: InstanceRecord) -> dict[str, Any]:
        values = {**stack_set.parameters, **instance.overrides}
        return {
            "TemplateBody": stack_set.template,
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            "Capabilities": stack_set.capabilities,
            "Tags": tag_list(stack_set.tags),
        }

    def _call(self, instance: InstanceRecord, operation: str, params: Output) -> Output:
        principal = self._directory.member(instance.account)
        return self._gateway.invoke(ApiCall(principal, instance.region, "cloudformation", operation, params))

    def _status(self, instance: InstanceRecord) -> str:
        """Return the status of the instance's stack; empty when there is none (any more)."""
        try:
            status: str = self._call(instance, "DescribeStacks", {"StackName": instance.stack_id})["Stacks"][0]["StackStatus"]
        except AwsError as refusal:
            if refusal.code != "ValidationError":
                raise
            return ""
        return "" if status == "DELETE_COMPLETE" else status

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
        self._settle(operation, item, instance, "" if good else self._why(instance, status))
        self._shelf.put_operation(operation)

    def _settle(self, operation: SetOperationRecord, item: ItemRecord, instance: InstanceRecord, reason: str) -> None:
        item.status = instance.detailed = "FAILED" if reason else "SUCCEEDED"
        item.reason = instance.reason = reason
        if operation.action == "DELETE" and not reason:
            self._shelf.forget_instance(instance.stack_set_id, instance.account, instance.region)
            return
        # AWS: CloudFormation API reference, StackInstance Status: INOPERABLE after a failed deletion.
        instance.status = "CURRENT" if not reason else "INOPERABLE" if operation.action == "DELETE" else "OUTDATED"
        self._shelf.put_instance(instance)

    def _why(self, instance: InstanceRecord, status: str) -> str:
        events = self._call(instance, "DescribeStackEvents", {"StackName": instance.stack_id})["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        failed = [event for event in failed if event["ResourceType"] != "AWS::CloudFormation::Stack"]
        if not failed:
            return f"The stack ended in {status}"
        # AWS: the sentence of failed instances. The oldest failure is the cause, the newest come first in the list.
        cause = next(
            (event for event in reversed(failed) if "cancelled" not in event.get("ResourceStatusReason", "")), failed[-1]
        )
        why = cause.get("ResourceStatusReason", "")
        return (
            f"ResourceLogicalId:{cause['LogicalResourceId']}, ResourceType:{cause['ResourceType']}, ResourceStatusReason:{why}."
        )

    def _end(self, operation: SetOperationRecord) -> None:
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
